"""Runtime data of a config entry."""

from collections.abc import Callable
from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .accounts import BalancesCoordinator
from .backfill import HistoryImport, HistoryStatistics
from .bank import MonzoSession, WebhookStatus
from .budgets import BudgetsCoordinator
from .const import DOMAIN
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


@callback
def async_find_runtime(hass: HomeAssistant, monzo_id: str) -> MonzoRuntimeData | None:
    """Return the runtime data of the loaded config entry that shows an account or pot, if any."""

    def shows(entry: MonzoConfigEntry) -> bool:
        data = entry.runtime_data.balances.data
        return monzo_id in data.accounts or monzo_id in data.pots

    return async_find_runtime_if(hass, shows)


@callback
def async_find_runtime_if(
    hass: HomeAssistant, matches: Callable[[MonzoConfigEntry], bool]
) -> MonzoRuntimeData | None:
    """Return the runtime data of the first loaded config entry that matches, if any."""
    entries: list[MonzoConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return next((entry.runtime_data for entry in entries if matches(entry)), None)
