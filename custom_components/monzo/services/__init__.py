"""The actions of the integration, one module per topic."""

from collections.abc import Callable, Coroutine
from functools import wraps
from itertools import chain
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.helpers import service

from ..bank import translating_defects
from ..const import DOMAIN
from . import (
    annotations,
    attachments,
    export,
    feed,
    planned_transfers,
    pot_transfers,
    receipts,
    recurring,
    refresh,
    spending,
    transactions,
)

__all__ = ["async_setup_services"]

TOPICS = (
    annotations,
    attachments,
    export,
    feed,
    planned_transfers,
    pot_transfers,
    receipts,
    recurring,
    refresh,
    spending,
    transactions,
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register all actions. They serve every config entry, so this is called once."""
    for action in chain.from_iterable(topic.ACTIONS for topic in TOPICS):
        handler = translating_defects(f"the action {action.name}")(_after_set_up(action.handler))
        if action.admin:
            service.async_register_admin_service(
                hass,
                DOMAIN,
                action.name,
                handler,
                action.schema,
                supports_response=action.supports_response,
            )
        else:
            hass.services.async_register(
                DOMAIN,
                action.name,
                handler,
                action.schema,
                supports_response=action.supports_response,
            )


type _Handler = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]


def _after_set_up(handler: _Handler) -> _Handler:
    """Return a handler that first waits for entries whose entities are being added.

    Cards and automations call an action as soon as they see the entities. Home Assistant counts
    the entry as loaded only after it has set up all platforms, and would refuse the call.
    """

    @wraps(handler)
    async def handle(call: ServiceCall) -> ServiceResponse:
        for entry in call.hass.config_entries.async_entries(DOMAIN):
            # Without runtime data, the bank has not answered yet, which can take long.
            is_adding_entities = hasattr(entry, "runtime_data")
            if is_adding_entities and entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
                async with entry.setup_lock:
                    pass
        return await handler(call)

    return handle
