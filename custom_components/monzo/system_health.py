"""What Home Assistant's system information says about Monzo."""

from typing import Any

from homeassistant.components.system_health import (
    SystemHealthRegistration,
    async_check_can_reach_url,
)
from homeassistant.core import HomeAssistant, callback

from .api import API_URL
from .const import DOMAIN
from .runtime import MonzoConfigEntry


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what to show."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return whether the bank can be reached, and when it last answered a poll."""
    entries: list[MonzoConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    polls = [entry.runtime_data.balances.last_polled for entry in entries]
    return {
        "can_reach_server": async_check_can_reach_url(hass, API_URL),
        "people_signed_in": len(entries),
        "last_poll": max((poll for poll in polls if poll), default=None),
    }
