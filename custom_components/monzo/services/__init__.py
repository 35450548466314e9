"""Actions: a module for each topic, and what they share in `common`."""

from itertools import chain

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import service

from ..const import DOMAIN
from . import attachments, feed, pot_transfers, receipts, refresh, transactions
from . import planned_transfers as autopilot

__all__ = ["async_setup_services"]

TOPICS = (attachments, autopilot, feed, pot_transfers, receipts, refresh, transactions)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, once for all config entries."""
    for action in chain.from_iterable(topic.ACTIONS for topic in TOPICS):
        if action.admin:
            service.async_register_admin_service(
                hass,
                DOMAIN,
                action.name,
                action.handler,
                action.schema,
                supports_response=action.supports_response,
            )
        else:
            hass.services.async_register(
                DOMAIN,
                action.name,
                action.handler,
                action.schema,
                supports_response=action.supports_response,
            )
