"""Wait for the approval of a sign-in in the Monzo app."""

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

# Seconds between two checks for the approval: short at first, for users with the phone in hand.
# They last two minutes in total, and leave room in the request budget for the set-up.
APPROVAL_PAUSES: Final = (2, 2, 3, 3, 5, 5, *[10] * 10)

# Consecutive failed checks after which the dialog shows the connection error.
APPROVAL_PATIENCE: Final = 3


async def async_wait_for_approval(
    hass: HomeAssistant, access_token: str, budget: RequestBudget | None = None
) -> tuple[Account, ...]:
    """Return the accounts as soon as the user has approved the sign-in in the Monzo app.

    The requests count for the request budget. It refuses none, because the user is waiting.
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
            # The user is waiting: without a time from the bank, use the longest of our pauses.
            wait = err.retry_after or APPROVAL_PAUSES[-1]
        except MonzoError:
            # Also a refused token, because the bank may know a new one only a moment later.
            failures += 1
            if failures == APPROVAL_PATIENCE:
                raise
        await asyncio.sleep(wait)
    raise TimeoutError
