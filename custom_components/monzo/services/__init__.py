"""The actions of the integration, one module per topic."""

from itertools import chain

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import service

from ..bank import translating_defects
from ..const import DOMAIN
from . import (
    attachments,
    export,
    feed,
    planned_transfers,
    pot_transfers,
    receipts,
    recurring,
    refresh,
    transactions,
)

__all__ = ["async_setup_services"]

TOPICS = (
    attachments,
    export,
    feed,
    planned_transfers,
    pot_transfers,
    receipts,
    recurring,
    refresh,
    transactions,
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register all actions. They serve every config entry, so this is called once."""
    for action in chain.from_iterable(topic.ACTIONS for topic in TOPICS):
        handler = translating_defects(f"the action {action.name}")(action.handler)
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
