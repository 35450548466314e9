"""What a loaded config entry works with."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry

from .accounts import BalancesCoordinator
from .bank import MonzoSession
from .transactions import TransactionsCoordinator
from .transfers import Transfers

type MonzoConfigEntry = ConfigEntry[MonzoRuntimeData]


@dataclass(frozen=True, kw_only=True)
class MonzoRuntimeData:
    """The parts of a loaded config entry that entities and actions use."""

    session: MonzoSession
    balances: BalancesCoordinator
    transactions: TransactionsCoordinator
    transfers: Transfers
