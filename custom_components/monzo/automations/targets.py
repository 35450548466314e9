"""Targets: the accounts, pots, budgets or people of a trigger or condition, chosen by device.

The device registry knows them even while their config entry is not loaded, so triggers can be
attached before the entry is loaded, and survive its reloads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Flag, auto
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.typing import ConfigType
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


# The names of the types in error messages.
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

# Parts of the schemas of triggers and conditions. Without a device, all enabled ones are chosen.
OPTIONAL_TARGETS: Final[Mapping[Any, Any]] = {
    vol.Optional(ATTR_DEVICE_ID, default=list): vol.All(cv.ensure_list, [cv.string])
}
REQUIRED_TARGETS: Final[Mapping[Any, Any]] = {
    vol.Required(ATTR_DEVICE_ID): vol.All(
        cv.ensure_list, vol.Length(min=1, msg="choose at least one device"), [cv.string]
    )
}


@callback
def async_validate_config(
    hass: HomeAssistant, schema: vol.Schema, config: ConfigType, target_type: TargetType
) -> ConfigType:
    """Validate the options of a trigger or condition, and that its devices have the right type.

    Raises vol.Invalid. The config entry does not have to be loaded.
    """
    valid: ConfigType = schema(config)
    async_validate_targets(hass, valid[CONF_OPTIONS][ATTR_DEVICE_ID], target_type)
    return valid


@callback
def async_validate_targets(
    hass: HomeAssistant, device_ids: Collection[str], target_type: TargetType
) -> None:
    """Validate that all devices exist and have the right type; raises vol.Invalid."""
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
    """Return the device IDs of the chosen targets, by Monzo's IDs.

    Chosen devices that no longer exist are left out. Without a choice, these are all targets with
    an enabled device, or with `include_disabled` all targets.
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
    """Keep subscriptions to the chosen targets current while devices are added and removed.

    `subscribe` takes Monzo's ID and the device ID of a target, and returns the function that ends
    the subscription. For the other parameters, see `async_get_targets`.
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
    """Yield Monzo's IDs of accounts, pots, budgets or people, with their devices."""
    registry = dr.async_get(hass)
    for entry in hass.config_entries.async_entries(DOMAIN):
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
            monzo_id = monzo_id_of(device)
            if monzo_id and _type_of(monzo_id, device, entry) in target_type:
                yield monzo_id, device


def _type_of(monzo_id: str, device: dr.DeviceEntry, entry: ConfigEntry) -> TargetType:
    # The device of a person has the unique ID of the entry.
    if monzo_id == entry.unique_id:
        return TargetType.PERSON
    return _TYPES.get(device.model, TargetType.ACCOUNT)
