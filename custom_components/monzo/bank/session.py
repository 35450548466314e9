"""The client of one config entry, which counts requests, respects pauses and renews tokens."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2Implementation

from ..api import MonzoAuthenticationError, MonzoClient, MonzoEvictedError
from .request_budget import RequestBudget
from .sign_in import SignIn
from .token_refusals import MonzoTokenRefusedError, TokenRefusals

# The delay before a refused new token is used again, because the bank may accept it only later.
NEW_TOKEN_DELAY: Final = timedelta(seconds=2)

_REFUSED_LATELY: Final = "Monzo refused the access token a short time ago"


class MonzoSession(MonzoClient):
    """The client that all parts of a config entry share.

    It renews a refused token once. If an endpoint also refuses the new token, it asks this endpoint
    more and more rarely. It sends nothing during a pause that the bank has asked for, and counts
    requests for the request budget.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        implementation: AbstractOAuth2Implementation,
        budget: RequestBudget,
        refusals: TokenRefusals,
    ) -> None:
        """Initialize the session with the token that the config entry holds."""
        self.sign_in = SignIn(hass, entry, implementation, budget, refusals)
        super().__init__(async_get_clientsession(hass), self.sign_in.async_token)
        self.budget = budget
        self._refusals = refusals

    @override
    async def request(self, method: str, path: str, **kwargs: Any) -> object:
        """Send one request. If the bank refuses the token, send it once more with a new token.

        Raises the errors of MonzoClient (MonzoAuthenticationError if the user must sign in again),
        MonzoTokenRefusedError if the bank also refuses the new token, and Home Assistant's
        OAuth2TokenRequestConnectionError or OAuth2TokenRequestError if the token cannot be renewed
        at the moment.
        """
        endpoint = _endpoint(method, path, **kwargs)
        self._refusals.start_with(self.sign_in.token)
        wait = self._refusals.wait(endpoint)
        if wait > 0 and not self.budget.priority.is_awaited:
            raise MonzoTokenRefusedError(_REFUSED_LATELY, retry_after=wait)
        token = await self.sign_in.async_token()
        try:
            return await self._async_send(endpoint, method, path, **kwargs)
        except MonzoAuthenticationError as refusal:
            await self.sign_in.async_replace_refused_token(token, refusal, endpoint)
        try:
            return await self._async_send(endpoint, method, path, **kwargs)
        except MonzoEvictedError:
            raise
        except MonzoAuthenticationError:
            await asyncio.sleep(NEW_TOKEN_DELAY.total_seconds())
        try:
            return await self._async_send(endpoint, method, path, **kwargs)
        except MonzoEvictedError:
            raise
        except MonzoAuthenticationError as refusal:
            raise self.sign_in.passing_error(refusal, endpoint) from refusal

    async def _async_send(
        self,
        endpoint: object,
        method: str,
        path: str,
        **kwargs: Any,  # noqa: ANN401 - passed on unchanged
    ) -> object:
        """Send one request and count it."""
        with self.budget.respecting_pauses():
            self.budget.count_request()
            answer = await super().request(method, path, **kwargs)
        self._refusals.note_accepted(endpoint)
        return answer


def _endpoint(
    method: str,
    path: str,
    *,
    ids: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    **_body: object,
) -> object:
    """Return a value that identifies an endpoint of one account."""
    account_ids = {
        name: value for name, value in (params or {}).items() if name.endswith("account_id")
    }
    return (method, path, *(ids or {}).values(), *account_ids.values())
