"""A phone with Home Assistant's app: notifications arrive at it, and their buttons are pressed."""

from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import slugify
from pytest_homeassistant_custom_component.common import MockConfigEntry

ANNS_PHONE: Final = "Ann's phone"


def device_of(hass: HomeAssistant, name: str) -> str:
    """Return the id of the device of a phone that was signed in once, and is not there now."""
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
    """What Home Assistant has of a phone: a device, what notifies it, and its events.

    The integration itself cannot be loaded here: it wants the cloud, cameras and a voice assistant.
    There is an action that notifies a phone if there is an entity that does: both are there as soon
    as the app is loaded, and can be sent something.
    """

    def __init__(self, hass: HomeAssistant, name: str = ANNS_PHONE) -> None:
        """Sign the app in; nothing has arrived yet."""
        self.hass = hass
        self.notifications: list[dict[str, Any]] = []
        """What has arrived, oldest first."""

        self.device = device_of(hass, name)
        (self._entity,) = er.async_entries_for_device(er.async_get(hass), self.device)
        self._action = f"mobile_app_{slugify(name)}"
        hass.states.async_set(self._entity.entity_id, "unknown")

        @callback
        def take(call: ServiceCall) -> None:
            self.notifications.append(dict(call.data))

        hass.services.async_register("notify", self._action, take)

    def disappear(self) -> None:
        """Have the app sign out."""
        self.hass.services.async_remove("notify", self._action)
        self.hass.states.async_set(self._entity.entity_id, "unavailable")

    @property
    def texts(self) -> list[tuple[str | None, str]]:
        """Titles and texts of what has arrived."""
        return [(each.get("title"), each["message"]) for each in self.notifications]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The buttons of the last notification."""
        found: list[dict[str, Any]] = self.notifications[-1]["data"]["actions"]
        return found

    def press(self, button: dict[str, Any]) -> None:
        """Press a button."""
        self.hass.bus.async_fire("mobile_app_notification_action", {"action": button["action"]})
