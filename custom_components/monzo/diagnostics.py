"""Diagnostics: types, counts and states, but no amounts, names, ids, tokens or addresses."""

from dataclasses import fields
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .accounts import AccountState, PersonState, PotState, monzo_id_of
from .administrators_only import transactions_are_limited
from .api import Account, Balance, Pot
from .const import (
    CONF_ALLOW_TRANSFERS,
    CONF_EXCLUDED_ACCOUNTS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    CONF_STATISTICS,
)
from .runtime import MonzoConfigEntry
from .transactions import async_get_archive, retention_of


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: MonzoConfigEntry
) -> dict[str, Any]:
    """Return diagnostics for a config entry."""
    if entry.state is not ConfigEntryState.LOADED:
        return {"entry": _entry(entry)}
    runtime = entry.runtime_data
    balances = runtime.balances
    data = balances.data
    return {
        "entry": _entry(entry),
        "session": {
            "renewable": runtime.session.sign_in.renewable,
            "requests_left": runtime.session.budget.left,
            "webhooks_arrive": runtime.webhook_status.arriving,
        },
        "balances": {
            "last_update_success": balances.last_update_success,
            "last_exception": type(balances.last_exception).__name__
            if balances.last_exception
            else None,
            "update_interval": balances.update_interval.total_seconds()
            if balances.update_interval
            else None,
            **balances.health,
        },
        "transactions": runtime.transactions.health,
        "archive": await (await async_get_archive(hass, dt_util.utcnow())).async_health(),
        "history": runtime.history.health,
        "accounts": [_account(state) for state in data.accounts.values()],
        "pots": [_pot(state) for state in data.pots.values()],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: MonzoConfigEntry, device: dr.AnyDeviceEntry
) -> dict[str, Any]:
    """Return diagnostics for the device of a person, an account or a pot."""
    if entry.state is not ConfigEntryState.LOADED:
        return {"entry": _entry(entry)}
    match entry.runtime_data.balances.data.find(monzo_id_of(device) or ""):
        case AccountState() as account:
            return {"account": _account(account)}
        case PotState() as pot:
            return {"pot": _pot(pot)}
        case PersonState() as person:
            return {"person": {"currencies": sorted(person.currencies)}}
        case None:
            return {"missing": True}


def _entry(entry: MonzoConfigEntry) -> dict[str, Any]:
    """Return the state of a config entry, and the reason if it is not loaded."""
    return {
        "state": entry.state.value,
        "reason": entry.error_reason_translation_key,
        "version": f"{entry.version}.{entry.minor_version}",
        "data_keys": sorted(entry.data),
        "excluded_accounts": len(entry.options.get(CONF_EXCLUDED_ACCOUNTS, ())),
        "transfers_allowed": entry.options.get(CONF_ALLOW_TRANSFERS, True),
        "limited_per_transfer": CONF_MAX_PER_TRANSFER in entry.options,
        "limited_per_day": CONF_MAX_PER_DAY in entry.options,
        "transactions_kept": retention_of(entry).value,
        "only_administrators": transactions_are_limited(entry),
        "statistics": entry.options.get(CONF_STATISTICS, False),
    }


def _account(state: AccountState) -> dict[str, Any]:
    """Return an account's type and the names of the fields that the bank sends for it."""
    return {
        "type": state.account.type,
        "currency": state.currency,
        "owners": len(state.account.owners),
        "account_fields": _fields_with_value(state.account),
        "balance_fields": _fields_with_value(state.balance),
    }


def _pot(state: PotState) -> dict[str, Any]:
    """Return a pot's type and the names of the fields that the bank sends for it."""
    return {
        "type": state.pot.type,
        "currency": state.currency,
        "locked": state.pot.locked,
        "round_up": state.pot.round_up,
        "listed_by_its_own_account": state.pot.current_account_id == state.account_id,
        "pot_fields": _fields_with_value(state.pot),
    }


def _fields_with_value(model: Account | Balance | Pot) -> list[str]:
    """Return the names of the fields that have a value."""
    return [field.name for field in fields(model) if getattr(model, field.name) is not None]
