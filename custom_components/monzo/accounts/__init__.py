"""Accounts, balances and pots: polling, data and devices."""

from .bank_day import DatedBalance, start_of_bank_day
from .changes import SIGNAL_ACCOUNT_OR_POT_CHANGED, AccountOrPotChange, async_last_published
from .coordinator import BalancesCoordinator
from .devices import (
    async_account_name,
    async_account_names,
    async_device_id,
    device_name,
    linked_device,
    monzo_id_of,
    owner_name,
)
from .joint_accounts import async_refresh_sharing_entries, async_showing_entry
from .models import (
    AccountOrPot,
    AccountState,
    DeviceState,
    MonzoData,
    PersonState,
    PotState,
)

__all__ = [
    "SIGNAL_ACCOUNT_OR_POT_CHANGED",
    "AccountOrPot",
    "AccountOrPotChange",
    "AccountState",
    "BalancesCoordinator",
    "DatedBalance",
    "DeviceState",
    "MonzoData",
    "PersonState",
    "PotState",
    "async_account_name",
    "async_account_names",
    "async_device_id",
    "async_last_published",
    "async_refresh_sharing_entries",
    "async_showing_entry",
    "device_name",
    "linked_device",
    "monzo_id_of",
    "owner_name",
    "start_of_bank_day",
]
