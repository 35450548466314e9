"""Accounts, pots, budgets or people that a trigger or a condition applies to, chosen by devices.

The device registry knows them whether or not their config entry is loaded, so a trigger can be
attached before the entry and outlives its reloads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Flag, auto
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
import voluptuous as vol

from ..accounts import monzo_id_of
from ..const import DEVICE_MODEL_BUDGET, DEVICE_MODEL_POT, DOMAIN


class TargetType(Flag):
    """The types of devices that can be chosen."""

    ACCOUNT = auto()
    POT = auto()
    BUDGET = auto()
    PERSON = auto()
    ACCOUNT_OR_POT = ACCOUNT | POT


# The types as error messages name them.
TARGET_NAMES: Final[Mapping[TargetType, str]] = {
    TargetType.ACCOUNT: "a Monzo account",
    TargetType.POT: "a Monzo pot",
    TargetType.BUDGET: "a Monzo budget",
    TargetType.PERSON: "a person who is signed in to Monzo",
    TargetType.ACCOUNT_OR_POT: "a Monzo account or pot",
}

_TYPES: Final[Mapping[str | None, TargetType]] = {
    DEVICE_MODEL_POT: TargetType.POT,
    DEVICE_MODEL_BUDGET: TargetType.BUDGET,
}

# Parts of the schemas of triggers and conditions. No device stands for all that are enabled.
OPTIONAL_TARGETS: Final[Mapping[Any, Any]] = {
    vol.Optional(ATTR_DEVICE_ID, default=list): vol.All(cv.ensure_list, [cv.string])
}
REQUIRED_TARGETS: Final[Mapping[Any, Any]] = {
    vol.Required(ATTR_DEVICE_ID): vol.All(
        cv.ensure_list, vol.Length(min=1, msg="choose at least one device"), [cv.string]
    )
}


@callback
def async_validate_targets(
    hass: HomeAssistant, device_ids: Collection[str], target_type: TargetType
) -> None:
    """Validate that all devices exist and are of the type; raises vol.Invalid."""
    known = {device.id for _monzo_id, device in _async_devices(hass, target_type)}
    for device_id in device_ids:
        if device_id not in known:
            message = f"Device {device_id} is not {TARGET_NAMES[target_type]}"
            raise vol.Invalid(message)


@callback
def async_get_targets(
    hass: HomeAssistant,
    device_ids: Collection[str],
    target_type: TargetType,
    *,
    include_disabled: bool = False,
) -> dict[str, str]:
    """Return the device IDs of the chosen accounts and pots, by Monzo's IDs.

    Chosen devices that no longer exist are left out. If no device is chosen, these are all
    accounts or pots whose device is enabled, or with `include_disabled` all of them.
    """
    return {
        monzo_id: device.id
        for monzo_id, device in _async_devices(hass, target_type)
        if (device.id in device_ids if device_ids else include_disabled or not device.disabled)
    }


@callback
def async_track_targets(
    hass: HomeAssistant,
    device_ids: Collection[str],
    target_type: TargetType,
    subscribe: Callable[[str, str], CALLBACK_TYPE],
    *,
    include_disabled: bool = False,
) -> CALLBACK_TYPE:
    """Keep subscribed to the chosen accounts and pots while devices are added and removed.

    `subscribe` takes Monzo's ID of an account or pot and the ID of its device, and returns the
    function that ends the subscription. See `async_get_targets` for the other parameters.
    """
    subscriptions: dict[tuple[str, str], CALLBACK_TYPE] = {}

    @callback
    def async_update_subscriptions(_event: Event[Any] | None = None) -> None:
        targets = async_get_targets(
            hass, device_ids, target_type, include_disabled=include_disabled
        ).items()
        for removed in subscriptions.keys() - targets:
            subscriptions.pop(removed)()
        for added in targets - subscriptions.keys():
            subscriptions[added] = subscribe(*added)

    @callback
    def async_stop() -> None:
        stop_tracking_devices()
        for unsubscribe in subscriptions.values():
            unsubscribe()

    async_update_subscriptions()
    stop_tracking_devices = hass.bus.async_listen(
        dr.EVENT_DEVICE_REGISTRY_UPDATED,
        async_update_subscriptions,
        event_filter=_may_change_targets,
    )
    return async_stop


@callback
def _may_change_targets(event_data: dr.EventDeviceRegistryUpdatedData) -> bool:
    """Return whether a device was added, removed, enabled or disabled."""
    return event_data["action"] != "update" or "disabled_by" in event_data["changes"]


@callback
def _async_devices(
    hass: HomeAssistant, target_type: TargetType
) -> Iterator[tuple[str, dr.DeviceEntry]]:
    """Yield the IDs of accounts, pots, budgets or people with their devices."""
    registry = dr.async_get(hass)
    for entry in hass.config_entries.async_entries(DOMAIN):
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
            monzo_id = monzo_id_of(device)
            if monzo_id and _type_of(monzo_id, device, entry) in target_type:
                yield monzo_id, device


def _type_of(monzo_id: str, device: dr.DeviceEntry, entry: ConfigEntry) -> TargetType:
    # The person who signed in has a device with the entry's unique ID.
    if monzo_id == entry.unique_id:
        return TargetType.PERSON
    return _TYPES.get(device.model, TargetType.ACCOUNT)
