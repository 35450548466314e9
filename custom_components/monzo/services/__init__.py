"""The actions of the integration, one module per topic."""

from collections.abc import Callable, Coroutine
from functools import wraps
from itertools import chain
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import service

from ..bank import action_error
from ..const import DOMAIN
from ..privacy import get_logger
from . import (
    attachments,
    export,
    feed,
    planned_transfers,
    pot_transfers,
    receipts,
    refresh,
    transactions,
)

type _Handler = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]

_LOGGER = get_logger(__name__)

__all__ = ["async_setup_services"]

TOPICS = (
    attachments,
    export,
    feed,
    planned_transfers,
    pot_transfers,
    receipts,
    refresh,
    transactions,
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register all actions. They serve every config entry, so this is called once."""
    for action in chain.from_iterable(topic.ACTIONS for topic in TOPICS):
        if action.admin:
            service.async_register_admin_service(
                hass,
                DOMAIN,
                action.name,
                _translating_defects(action.handler),
                action.schema,
                supports_response=action.supports_response,
            )
        else:
            hass.services.async_register(
                DOMAIN,
                action.name,
                _translating_defects(action.handler),
                action.schema,
                supports_response=action.supports_response,
            )


def _translating_defects(handler: _Handler) -> _Handler:
    """Return a handler that raises a translated error after a defect.

    Home Assistant logs the text of every error, and that of a defect may hold private data.
    """

    @wraps(handler)
    async def async_handle(call: ServiceCall) -> ServiceResponse:
        try:
            return await handler(call)
        except HomeAssistantError:
            raise
        except Exception:
            _LOGGER.exception("Unexpected error in the action %s", call.service)
            raise action_error("unexpected_error") from None

    return async_handle
