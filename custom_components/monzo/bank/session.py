"""The client of one config entry: renews its token, respects pauses, counts requests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    OAuth2TokenRequestReauthError,
    OAuth2TokenRequestTransientError,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    OAuth2Session,
)

from ..api import MonzoAuthenticationError, MonzoClient, MonzoRateLimitError, parse_retry_after
from .request_budget import RequestBudget

_SIGN_IN_EXPIRED: Final = "The sign-in has expired"
_PAUSED: Final = "Monzo has asked for a pause"


class MonzoSession(MonzoClient):
    """A client that all callers of a config entry share, with a token that Home Assistant stores.

    It adds to the client: a refused token is renewed once, nothing is sent while the bank has asked
    for a pause, and requests count for the request budget.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        implementation: AbstractOAuth2Implementation,
        budget: RequestBudget,
    ) -> None:
        """Initialize the session with the token that the config entry holds."""
        super().__init__(async_get_clientsession(hass), self._async_access_token)
        self.budget = budget
        self._hass = hass
        self._entry = entry
        # One for all callers, because two would use the same refresh token twice.
        self._oauth = OAuth2Session(hass, entry, implementation)
        self._renewing = asyncio.Lock()

    @property
    def renewable(self) -> bool:
        """Whether the token can be renewed; Monzo renews only those of confidential clients."""
        return bool(self._oauth.token.get("refresh_token"))

    async def async_wait_for_renewal(self) -> None:
        """Wait until a renewal that has begun is finished."""
        async with self._renewing:
            pass

    @override
    async def request(self, method: str, path: str, **kwargs: Any) -> object:
        """Send one request; if the bank refuses the token, once more with a new one.

        Raises the errors of MonzoClient (MonzoAuthenticationError if the user must sign in again),
        and Home Assistant's OAuth2TokenRequestConnectionError or OAuth2TokenRequestError if the
        token cannot be renewed at the moment.
        """
        token = await self._async_access_token()
        try:
            return await self._async_send(method, path, **kwargs)
        except MonzoAuthenticationError as first_refusal:
            if not self.renewable:
                raise
            try:
                await self._async_replace_token(token)
            except OAuth2TokenRequestReauthError:
                # The first refusal says more: who ended the access.
                raise first_refusal from None
        return await self._async_send(method, path, **kwargs)

    async def _async_send(
        self,
        method: str,
        path: str,
        **kwargs: Any,  # noqa: ANN401 - passed on unchanged
    ) -> object:
        """Send one request and count it."""
        with self._respecting_pauses():
            self.budget.count_request()
            return await super().request(method, path, **kwargs)

    @contextmanager
    def _respecting_pauses(self) -> Iterator[None]:
        """Send nothing during a pause, and start one when the bank asks for it."""
        if (pause := self.budget.pause) > 0:
            raise MonzoRateLimitError(_PAUSED, retry_after=pause)
        try:
            yield
        except MonzoRateLimitError as err:
            err.retry_after = self.budget.start_pause(err.retry_after)
            raise

    async def _async_access_token(self) -> str:
        """Return the access token, which is renewed first if it is about to expire."""
        if not self._oauth.valid_token:
            if not self.renewable:
                raise MonzoAuthenticationError(_SIGN_IN_EXPIRED)
            try:
                await self._async_replace_token(self._current_token)
            except OAuth2TokenRequestReauthError as err:
                raise MonzoAuthenticationError(_SIGN_IN_EXPIRED) from err
        return self._current_token

    @property
    def _current_token(self) -> str:
        token: str = self._oauth.token["access_token"]
        return token

    async def _async_replace_token(self, token: str) -> None:
        """Renew this access token, unless the entry already holds another one."""
        if self._current_token != token:
            return
        with self._respecting_pauses():
            expired = {**self._oauth.token, "expires_at": 0}
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, "token": expired}
            )
            # A cancelled caller must not cancel the renewal, because the bank may already have
            # ended the old token. The entry waits for it, too, when it is unloaded.
            await asyncio.shield(
                self._entry.async_create_task(self._hass, self._async_renew(), "renew token of")
            )

    async def _async_renew(self) -> None:
        """Renew the token if it has expired and no other caller has renewed it meanwhile."""
        async with self._renewing:
            try:
                await self._oauth.async_ensure_token_valid()
            except OAuth2TokenRequestTransientError as err:
                if err.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                retry_after = parse_retry_after(err.headers or {})
                raise MonzoRateLimitError(_PAUSED, retry_after=retry_after) from err
