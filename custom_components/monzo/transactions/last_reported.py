"""The time of the last report, according to the event entities of an account.

Home Assistant restores their states after a restart, so they still have it if the archive is lost.
"""

from datetime import datetime
from typing import Final

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..const import DOMAIN

# The keys of the event entities that report transactions; see `event.py`.
_EVENT_KEYS: Final = ("transaction", "round_up")


@callback
def async_last_reported(hass: HomeAssistant, account_id: str) -> datetime | None:
    """Return the time of the newest transaction that an event entity of an account has reported.

    Return None if there is no such event, as for a new account. The entities must have been added.
    """
    registry = er.async_get(hass)
    moments: list[datetime] = []
    for key in _EVENT_KEYS:
        entity_id = registry.async_get_entity_id(Platform.EVENT, DOMAIN, f"{account_id}_{key}")
        state = hass.states.get(entity_id) if entity_id else None
        created = dt_util.parse_datetime(str(state.attributes.get("created"))) if state else None
        if created is not None and created.tzinfo is not None:
            moments.append(created)
    return max(moments, default=None)
