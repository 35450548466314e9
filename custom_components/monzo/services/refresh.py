"""Action that fetches balances, pots and transactions now."""

import asyncio
from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
import voluptuous as vol

from ..bank import validation_error
from ..const import DOMAIN
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from .action import Action


async def _async_refresh(call: ServiceCall) -> ServiceResponse:
    """Refresh every loaded config entry as far as the request budget allows.

    Raises ServiceValidationError if no config entry is loaded, and the coordinator's error if the
    balances cannot be read.
    """
    entries: list[MonzoConfigEntry] = call.hass.config_entries.async_loaded_entries(DOMAIN)
    if not entries:
        raise validation_error("nothing_loaded")
    await asyncio.gather(*(_async_refresh_entry(entry.runtime_data) for entry in entries))
    return None


async def _async_refresh_entry(runtime: MonzoRuntimeData) -> None:
    """Refresh balances and pots, then transactions."""
    balances = runtime.balances
    await balances.async_refresh_all()
    if not balances.last_update_success and balances.last_exception is not None:
        raise balances.last_exception
    await runtime.transactions.async_refresh_all()


ACTIONS: Final = (
    Action(
        name="refresh",
        handler=_async_refresh,
        schema=vol.Schema({}),
        admin=False,
        supports_response=SupportsResponse.NONE,
    ),
)
