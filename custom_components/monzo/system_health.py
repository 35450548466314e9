"""System health: whether the bank is reachable, and the time of its last answer to a poll."""

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
    """Register the system health information."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the system health information for all config entries together."""
    entries: list[MonzoConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    polls = [entry.runtime_data.balances.last_polled for entry in entries]
    return {
        "can_reach_server": async_check_can_reach_url(hass, API_URL),
        "people_signed_in": len(entries),
        "last_poll": max((poll for poll in polls if poll), default=None),
    }
