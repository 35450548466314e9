"""Removes the webhooks of a removed config entry at Monzo."""

import asyncio
from contextlib import suppress
from datetime import timedelta
import time
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_ACCESS_TOKEN, CONF_TOKEN, CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation

from ..api import MonzoClient, MonzoError
from ..privacy import get_logger
from .addresses import (
    CONF_CLOUDHOOK_URL,
    CONF_WEBHOOK_URL,
    async_delete_cloudhooks_of_ha_monzo,
    find_cloud,
)
from .reconcile import Outcome, async_reconcile_account

_LOGGER = get_logger(__name__)

# The maximum delay of the removal of a config entry because of Monzo.
_REMOVAL_TIMEOUT: Final = timedelta(seconds=20)


async def async_remove_registrations(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove the webhooks of a removed config entry at Monzo, if Monzo is reachable."""
    # An entry of *ha-monzo* that was never set up has no webhook.
    if CONF_WEBHOOK_URL in entry.data or CONF_WEBHOOK_ID not in entry.data:
        try:
            async with asyncio.timeout(_REMOVAL_TIMEOUT.total_seconds()):
                finished = await _async_unregister(hass, entry)
        except MonzoError, HomeAssistantError, TimeoutError, ValueError:
            finished = False
        if not finished:
            _LOGGER.warning("Could not remove all webhooks of a removed entry at Monzo")
    # An error of the cloud must not prevent the removal of the entry.
    with suppress(Exception):
        await async_delete_cloudhooks_of_ha_monzo(hass, entry)
    if CONF_CLOUDHOOK_URL in entry.data and (cloud := find_cloud(hass)) is not None:
        with suppress(Exception):
            await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])


async def _async_unregister(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Remove the webhooks of all accounts, including closed ones; return whether none is left."""
    if (token := await _async_last_token(hass, entry)) is None:
        return False

    async def access_token() -> str:
        return token

    client = MonzoClient(async_get_clientsession(hass), access_token)
    outcomes = [
        await async_reconcile_account(hass, client, entry, account.id, None)
        for account in await client.accounts()
    ]
    return Outcome.FAILED not in outcomes


async def _async_last_token(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return the access token of a removed config entry, after renewing an expired one.

    Return None if it cannot be renewed, because the client is not confidential. The new token is
    not stored.
    """
    token = entry.data[CONF_TOKEN]
    if token["expires_at"] > time.time():
        return str(token[CONF_ACCESS_TOKEN])
    if "refresh_token" not in token:
        return None
    implementation = await async_get_config_entry_implementation(hass, entry)
    return str((await implementation.async_refresh_token(token))[CONF_ACCESS_TOKEN])
