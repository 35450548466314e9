"""The option that limits transactions to administrators of Home Assistant.

Actions and language models act for a user, so they refuse to read transactions for anyone else.
Entities are the same for all users, so they then contain sums, but no payees or single payments.
"""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant

from .const import CONF_ONLY_ADMINISTRATORS


def transactions_are_limited(entry: ConfigEntry[Any]) -> bool:
    """Return whether only administrators may read the transactions of a config entry."""
    return bool(entry.options.get(CONF_ONLY_ADMINISTRATORS, False))


async def async_may_read_transactions(
    hass: HomeAssistant, entry: ConfigEntry[Any], context: Context
) -> bool:
    """Return whether the user of a context may read the transactions of a config entry.

    Automations have no user. They may read everything, because only administrators create them.
    """
    if context.user_id is None or not transactions_are_limited(entry):
        return True
    user = await hass.auth.async_get_user(context.user_id)
    return user is not None and user.is_admin
