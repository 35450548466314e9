"""Waits for the approval of a sign-in in the Monzo app."""

import asyncio
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..api import (
    Account,
    MonzoClient,
    MonzoError,
    MonzoEvictedError,
    MonzoPermissionError,
    MonzoRateLimitError,
)
from .request_budget import RequestBudget

# Seconds between two checks for the approval: short at first, for users with the phone in their
# hand. They add up to two minutes, and leave room in the request budget for the set-up.
APPROVAL_PAUSES: Final = (2, 2, 3, 3, 5, 5, *[10] * 10)

# Consecutive failed checks after which the dialog shows the connection error.
APPROVAL_PATIENCE: Final = 3


async def async_wait_for_approval(
    hass: HomeAssistant, access_token: str, budget: RequestBudget | None = None
) -> tuple[Account, ...]:
    """Return the accounts as soon as the user has approved the sign-in in the Monzo app.

    The requests count towards the request budget, but are always sent, because the user is waiting.
    Raises TimeoutError if the approval takes too long, MonzoAuthenticationError if the bank has
    ended the sign-in, and another MonzoError if several requests in a row have failed.
    """

    async def async_access_token() -> str:
        return access_token

    client = MonzoClient(async_get_clientsession(hass), async_access_token)
    failures = 0
    for pause in APPROVAL_PAUSES:
        wait: float = pause
        if budget is not None:
            budget.count_request()
        try:
            return tuple(await client.accounts())
        except MonzoPermissionError:
            failures = 0
        except MonzoEvictedError:
            raise
        except MonzoRateLimitError as err:
            # The user is waiting. If the bank names no time, use the longest of our pauses.
            wait = err.retry_after or APPROVAL_PAUSES[-1]
        except MonzoError:
            # This includes a refused token, because the bank may accept a new one only after a
            # moment.
            failures += 1
            if failures == APPROVAL_PATIENCE:
                raise
        await asyncio.sleep(wait)
    raise TimeoutError
