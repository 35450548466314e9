"""Actions: a module for each topic, and what they share in `common`."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import service

from ..const import DOMAIN
from . import pot_transfers


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, once for all config entries."""
    for action in (*pot_transfers.ACTIONS,):
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
