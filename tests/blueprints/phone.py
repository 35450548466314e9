"""A phone with Home Assistant's app: notifications arrive at it, and their buttons are pressed."""

from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry


class Phone:
    """What Home Assistant has of a phone: a device, an action that notifies it, and its events.

    The integration itself cannot be loaded here: it wants the cloud, cameras and a voice assistant.
    """

    NAME: Final = "Ann's phone"

    ACTION: Final = "mobile_app_ann_s_phone"
    """What the integration calls the action."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Sign the app in; nothing has arrived yet."""
        self.hass = hass
        self.notifications: list[dict[str, Any]] = []
        """What has arrived, oldest first."""

        entry = MockConfigEntry(domain="mobile_app", title=self.NAME)
        entry.add_to_hass(hass)
        device = dr.async_get(hass).async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={("mobile_app", "the-phone")},
            name=self.NAME,
        )
        self.device = device.id

        @callback
        def take(call: ServiceCall) -> None:
            self.notifications.append(dict(call.data))

        hass.services.async_register("notify", self.ACTION, take)

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
