"""Runtime data of a config entry."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry

from .accounts import BalancesCoordinator
from .backfill import HistoryImport, HistoryStatistics
from .bank import MonzoSession, WebhookStatus
from .budgets import BudgetsCoordinator
from .recurring import RecurringAnnouncer, RecurringCoordinator
from .transactions import TransactionsCoordinator
from .transfers import MoneyMover

type MonzoConfigEntry = ConfigEntry[MonzoRuntimeData]


@dataclass(frozen=True, kw_only=True)
class MonzoRuntimeData:
    """The parts of a loaded config entry that entities, actions and conditions use."""

    session: MonzoSession
    balances: BalancesCoordinator
    transactions: TransactionsCoordinator
    history: HistoryImport
    statistics: HistoryStatistics
    recurring: RecurringCoordinator
    announcer: RecurringAnnouncer
    budgets: BudgetsCoordinator
    transfers: MoneyMover
    webhook_status: WebhookStatus
