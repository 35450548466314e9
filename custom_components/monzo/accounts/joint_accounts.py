"""Decides which config entry shows a joint account or pot that several entries can read.

It belongs to the entry that first had a device for it. While that entry is disabled, or its sign-in
has ended, another entry shows it. Devices are compared by their order in the device registry,
because their times come from a clock that may have been wrong.
"""

from collections.abc import Iterator
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN


@callback
def async_is_claimed_elsewhere(hass: HomeAssistant, entry: ConfigEntry, monzo_id: str) -> bool:
    """Return whether an account or pot currently belongs to another config entry."""
    is_shown = _shows(entry, monzo_id)
    others = {other.entry_id: other for other in _other_entries(hass, entry)}
    for entry_id in _entries_with_device(hass, monzo_id):
        if entry_id == entry.entry_id:
            return False
        other = others.get(entry_id)
        # An entry that shows it continues until the other one takes over.
        if other and _can_read(other) and (not is_shown or _shows(other, monzo_id)):
            return True
    return False


@callback
def async_is_shown_elsewhere(hass: HomeAssistant, entry: ConfigEntry, monzo_id: str) -> bool:
    """Return whether another config entry has the entities of an account or pot."""
    return any(
        other.state is ConfigEntryState.LOADED and _can_read(other) and _shows(other, monzo_id)
        for other in _other_entries(hass, entry)
    )


@callback
def async_showing_entry(
    hass: HomeAssistant, entry: ConfigEntry, monzo_id: str
) -> ConfigEntry[Any] | None:
    """Return the loaded entry that shows an account or pot; by default this entry."""
    return next(
        (
            each
            for each in (entry, *_other_entries(hass, entry))
            if each.state is ConfigEntryState.LOADED and _can_read(each) and _shows(each, monzo_id)
        ),
        None,
    )


@callback
def async_refresh_sharing_entries(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Refresh the entries that share an account with this entry, because its state has changed."""
    account_ids = {account.id for account in entry.runtime_data.balances.open_accounts}
    for other in _other_entries(hass, entry):
        if other.state is not ConfigEntryState.LOADED:
            continue
        balances = other.runtime_data.balances
        if any(account.id in account_ids for account in balances.open_accounts):
            other.async_create_background_task(
                hass, balances.async_request_refresh(), "refresh joint accounts of Monzo"
            )


def _other_entries(hass: HomeAssistant, entry: ConfigEntry) -> Iterator[ConfigEntry[Any]]:
    """Yield the config entries of other people."""
    for other in hass.config_entries.async_entries(DOMAIN):
        if other.entry_id != entry.entry_id:
            yield other


def _entries_with_device(hass: HomeAssistant, monzo_id: str) -> list[str]:
    """Return the IDs of the entries with a device for an account or pot, in order."""
    registry = dr.async_get(hass)
    devices = registry.async_get_devices(identifiers={(DOMAIN, monzo_id)})
    if len(devices) > 1:
        ids = {device.id for device in devices}
        # The registry keeps the order in which devices were added, even across restarts.
        devices = [device for device in registry.devices if device.id in ids]
    return [device.config_entry_id for device in devices if device.config_entry_id]


def _can_read(entry: ConfigEntry[Any]) -> bool:
    """Return whether an entry can read its accounts, or will be able to without a new sign-in."""
    if entry.disabled_by or entry.state is ConfigEntryState.SETUP_ERROR:
        return False
    if entry.state is ConfigEntryState.LOADED:
        return not entry.runtime_data.balances.sign_in_ended
    return True


def _shows(entry: ConfigEntry[Any], monzo_id: str) -> bool:
    """Return whether an entry has data of an account or pot, which it may have during set-up."""
    runtime = getattr(entry, "runtime_data", None)
    return runtime is not None and runtime.balances.data.find(monzo_id) is not None
