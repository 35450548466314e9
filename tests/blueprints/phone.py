"""A phone with Home Assistant's app, which receives notifications and has buttons to press."""

from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import slugify
from pytest_homeassistant_custom_component.common import MockConfigEntry

ANNS_PHONE: Final = "Ann's phone"


def add_phone_device(hass: HomeAssistant, name: str) -> str:
    """Register the device of a phone whose app is not running, and return the device's id."""
    entry = MockConfigEntry(domain="mobile_app", title=name)
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", slugify(name))}, name=name
    )
    er.async_get(hass).async_get_or_create(
        "notify", "mobile_app", slugify(name), config_entry=entry, device_id=device.id
    )
    return device.id


class Phone:
    """A phone as Home Assistant sees it: a device, a notify entity and action, and events.

    The mobile_app integration cannot be loaded in these tests, because it needs the cloud, cameras
    and a voice assistant. It offers a notify action for each phone that has a notify entity, and
    so does this class.
    """

    def __init__(self, hass: HomeAssistant, name: str = ANNS_PHONE) -> None:
        """Register the phone; nothing has been received yet."""
        self.hass = hass
        self.notifications: list[dict[str, Any]] = []
        """The received notifications, oldest first."""

        self.device_id = add_phone_device(hass, name)
        (self._entity,) = er.async_entries_for_device(er.async_get(hass), self.device_id)
        self._action = f"mobile_app_{slugify(name)}"
        hass.states.async_set(self._entity.entity_id, "unknown")

        @callback
        def receive(call: ServiceCall) -> None:
            self.notifications.append(dict(call.data))

        hass.services.async_register("notify", self._action, receive)

    def sign_out(self) -> None:
        """Make the app unavailable."""
        self.hass.services.async_remove("notify", self._action)
        self.hass.states.async_set(self._entity.entity_id, "unavailable")

    @property
    def texts(self) -> list[tuple[str | None, str]]:
        """The titles and messages of the received notifications."""
        return [(each.get("title"), each["message"]) for each in self.notifications]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The buttons of the last notification."""
        found: list[dict[str, Any]] = self.notifications[-1]["data"]["actions"]
        return found

    def press(self, button: dict[str, Any]) -> None:
        """Press a button."""
        self.hass.bus.async_fire("mobile_app_notification_action", {"action": button["action"]})
