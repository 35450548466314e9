"""The accounts and pots that a trigger or a condition is about.

The device registry knows them whether or not their config entry is loaded. A trigger is attached
when Home Assistant starts, and outlives its entry's reloads.
"""

from collections.abc import Callable, Collection, Iterator
from enum import Flag, auto
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
import voluptuous as vol

from ..accounts import monzo_id_of
from ..const import DEVICE_MODEL_POT, DOMAIN


class TargetType(Flag):
    """What has money of its own."""

    ACCOUNTS = auto()
    POTS = auto()
    BOTH = ACCOUNTS | POTS


# How an error tells what was to be chosen.
NAMES: Final = {
    TargetType.ACCOUNTS: "an account",
    TargetType.POTS: "a pot",
    TargetType.BOTH: "an account or a pot",
}

# None chosen is all of them.
ANY_NUMBER: Final[dict[Any, Any]] = {
    vol.Optional(ATTR_DEVICE_ID, default=list): vol.All(cv.ensure_list, [cv.string])
}
AT_LEAST_ONE: Final[dict[Any, Any]] = {
    vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string])
}


@callback
def async_check(hass: HomeAssistant, device_ids: Collection[str], holders: TargetType) -> None:
    """Raise vol.Invalid if one of these devices is no account or pot of Monzo."""
    known = {device.id for _id, device in _async_devices(hass, holders)}
    for device_id in device_ids:
        if device_id not in known:
            message = f"Device {device_id} is not {NAMES[holders]} of Monzo"
            raise vol.Invalid(message)


@callback
def async_chosen(
    hass: HomeAssistant,
    device_ids: Collection[str],
    holders: TargetType,
    *,
    also_disabled: bool = False,
) -> dict[str, str]:
    """Return the ids of devices by those of their accounts and pots.

    Of these devices, as far as they are there; or without ids, of all that are not disabled, or of
    those as well.
    """
    devices = _async_devices(hass, holders)
    return {
        id_: device.id
        for id_, device in devices
        if (device.id in device_ids if device_ids else also_disabled or not device.disabled)
    }


@callback
def async_follow(
    hass: HomeAssistant,
    device_ids: Collection[str],
    holders: TargetType,
    listen: Callable[[str, str], CALLBACK_TYPE],
    *,
    also_disabled: bool = False,
) -> CALLBACK_TYPE:
    """Listen to these devices, or without ids to all of them, as they come and go.

    `listen` is called with the id of an account or a pot and that of its device.
    """
    heard: dict[tuple[str, str], CALLBACK_TYPE] = {}

    @callback
    def async_update(_event: Event[Any] | None = None) -> None:
        chosen = async_chosen(hass, device_ids, holders, also_disabled=also_disabled).items()
        for gone in heard.keys() - chosen:
            heard.pop(gone)()
        for pair in chosen - heard.keys():
            heard[pair] = listen(*pair)

    @callback
    def async_stop() -> None:
        stop_following()
        for stop in heard.values():
            stop()

    async_update()
    stop_following = hass.bus.async_listen(
        dr.EVENT_DEVICE_REGISTRY_UPDATED, async_update, event_filter=_comes_or_goes
    )
    return async_stop


@callback
def _comes_or_goes(event_data: dr.EventDeviceRegistryUpdatedData) -> bool:
    return event_data["action"] != "update" or "disabled_by" in event_data["changes"]


@callback
def _async_devices(
    hass: HomeAssistant, holders: TargetType
) -> Iterator[tuple[str, dr.DeviceEntry]]:
    """Yield the ids of accounts and pots, with their devices."""
    registry = dr.async_get(hass)
    for entry in hass.config_entries.async_entries(DOMAIN):
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
            id_ = monzo_id_of(device)
            # The person has a device as well.
            if id_ and id_ != entry.unique_id and _kind(device) in holders:
                yield id_, device


def _kind(device: dr.DeviceEntry) -> TargetType:
    return TargetType.POTS if device.model == DEVICE_MODEL_POT else TargetType.ACCOUNTS
