"""Reconciles the webhooks of one account at Monzo with the wanted address."""

from collections.abc import Awaitable
from enum import Enum, auto

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..api import (
    MonzoClient,
    MonzoError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRejectedError,
)
from ..bank import BLOCKING_ERRORS, error_code_for_log
from ..privacy import get_logger
from .addresses import Addresses

_LOGGER = get_logger(__name__)


class Outcome(Enum):
    """The outcome of an attempt to reconcile the webhooks of one account."""

    RECONCILED = auto()
    """The account has the right webhook, or none if it should have none."""

    NOT_SUPPORTED = auto()
    """Accounts of this kind can never have webhooks."""

    ADDRESS_REFUSED = auto()
    """Monzo refused to register the address."""

    FAILED = auto()
    """An attempt later may succeed."""


async def async_reconcile_account(
    hass: HomeAssistant, client: MonzoClient, entry: ConfigEntry, account_id: str, url: str | None
) -> Outcome:
    """Register an address for an account, and remove other addresses of ours.

    With None, all are removed. Raises errors that concern all accounts.
    """

    async def reconcile() -> Outcome:
        is_registered = await _async_remove_webhooks(hass, client, entry, account_id, keep=url)
        if url is None or is_registered:
            return Outcome.RECONCILED
        return await _async_register(client, account_id, url)

    return await _async_outcome(reconcile())


async def async_register_account(client: MonzoClient, account_id: str, url: str) -> Outcome:
    """Register an address for an account that has no webhook of ours.

    Raises errors that concern all accounts.
    """
    return await _async_outcome(_async_register(client, account_id, url))


async def _async_outcome(attempt: Awaitable[Outcome]) -> Outcome:
    """Return the outcome of an attempt, including failures because of the account."""
    try:
        return await attempt
    except BLOCKING_ERRORS:
        raise
    except MonzoNotFoundError, MonzoPermissionError, MonzoRejectedError:
        return Outcome.NOT_SUPPORTED
    except MonzoError:
        return Outcome.FAILED


async def _async_remove_webhooks(
    hass: HomeAssistant, client: MonzoClient, entry: ConfigEntry, account_id: str, keep: str | None
) -> bool:
    """Remove all webhooks of ours except one at this address; return whether there is one."""
    addresses = Addresses.of(hass, entry)
    ours = [each for each in await client.webhooks(account_id) if addresses.contain(each.url)]
    kept = next((each for each in ours if each.url == keep), None)
    for each in ours:
        if each is not kept:
            await client.delete_webhook(each.id)
    return kept is not None


async def _async_register(client: MonzoClient, account_id: str, url: str) -> Outcome:
    """Register an address for an account. Raises MonzoError, except if Monzo refuses it."""
    try:
        await client.register_webhook(account_id, url)
    except MonzoRejectedError as err:
        _LOGGER.debug("Could not register a webhook: %s", error_code_for_log(err))
        return Outcome.ADDRESS_REFUSED
    return Outcome.RECONCILED
