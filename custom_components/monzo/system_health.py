"""System health: whether the bank is reachable, when it was last polled, and the archive."""

from typing import Any

from homeassistant.components.system_health import (
    SystemHealthRegistration,
    async_check_can_reach_url,
)
from homeassistant.core import HomeAssistant, callback

from .api import API_URL
from .const import DOMAIN
from .memory import async_get_memory
from .runtime import MonzoConfigEntry
from .transactions import Archive


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register the system health information."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the system health information for all config entries together."""
    entries: list[MonzoConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    archive = async_get_memory(hass).find(Archive)
    health = {} if archive is None else await archive.async_health()
    histories = [entry.runtime_data.history for entry in entries]
    polls = [entry.runtime_data.balances.last_polled for entry in entries]
    return {
        "can_reach_server": async_check_can_reach_url(hass, API_URL),
        "people_signed_in": len(entries),
        "last_poll": max((poll for poll in polls if poll), default=None),
        "archive_state": health.get("state"),
        "transactions_kept": health.get("transactions"),
        "history_read": min(
            (it.progress().percent for it in histories if it.keeps_history), default=None
        ),
    }
