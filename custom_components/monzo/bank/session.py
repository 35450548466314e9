"""The client of one config entry: renews its token, respects pauses, counts requests."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, Never, override

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

from ..api import (
    MonzoAuthenticationError,
    MonzoClient,
    MonzoEvictedError,
    MonzoRateLimitError,
    parse_retry_after,
)
from .request_budget import RequestBudget
from .token_refusals import MonzoTokenRefusedError, TokenRefusals

# The delay before a refused new token is used again: the bank may need a moment to accept it.
NEW_TOKEN_DELAY: Final = timedelta(seconds=2)

_SIGN_IN_EXPIRED: Final = "The sign-in has expired"
_PAUSED: Final = "Monzo has asked for a pause"
_REFUSED_LATELY: Final = "Monzo refused the access token a short time ago"


class MonzoSession(MonzoClient):
    """A client that all callers of a config entry share, with a token that Home Assistant stores.

    It adds to the client: a refused token is renewed once, an endpoint that refuses the new one,
    too, is asked ever more rarely, nothing is sent while the bank has asked for a pause, and
    requests count for the request budget.
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
        super().__init__(async_get_clientsession(hass), self._async_access_token)
        self.budget = budget
        self._refusals = refusals
        self._hass = hass
        self._entry = entry
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
        MonzoTokenRefusedError if the bank refuses the new token as well, and Home Assistant's
        OAuth2TokenRequestConnectionError or OAuth2TokenRequestError if the token cannot be renewed
        at the moment.
        """
        endpoint = _endpoint(method, path, **kwargs)
        self._refusals.start_with(self._current_token)
        wait = self._refusals.wait(endpoint)
        if wait > 0 and not self.budget.priority.is_awaited:
            raise MonzoTokenRefusedError(_REFUSED_LATELY, retry_after=wait)
        token = await self._async_access_token()
        try:
            return await self._async_send(endpoint, method, path, **kwargs)
        except MonzoAuthenticationError as refusal:
            await self._async_replace_refused_token(token, refusal, endpoint)
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
            self._raise_refused(refusal, endpoint)

    async def _async_send(
        self,
        endpoint: object,
        method: str,
        path: str,
        **kwargs: Any,  # noqa: ANN401 - passed on unchanged
    ) -> object:
        """Send one request and count it."""
        with self._respecting_pauses():
            self.budget.count_request()
            answer = await super().request(method, path, **kwargs)
        self._refusals.note_accepted(endpoint)
        return answer

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
                await self._async_renew(self._current_token)
            except OAuth2TokenRequestReauthError as err:
                raise MonzoAuthenticationError(_SIGN_IN_EXPIRED) from err
        return self._current_token

    @property
    def _current_token(self) -> str:
        token: str = self._oauth.token["access_token"]
        return token

    async def _async_replace_refused_token(
        self, token: str, refusal: MonzoAuthenticationError, endpoint: object
    ) -> None:
        """Renew a token that the bank has refused, unless the entry already holds another one.

        Raises the refusal if the sign-in has ended, and MonzoTokenRefusedError if a new token would
        not be better.
        """
        if self._current_token != token:
            return
        if not self.renewable:
            if isinstance(refusal, MonzoEvictedError) or _says_expired(refusal):
                raise refusal
            self._raise_refused(refusal, endpoint)
        if self._refusals.may_renew or _says_expired(refusal):
            try:
                await self._async_renew(token)
            except OAuth2TokenRequestReauthError:
                # The refusal says more: who ended the access.
                raise refusal from None
        elif isinstance(refusal, MonzoEvictedError):
            raise refusal
        elif not self._refusals.token_is_new:
            self._raise_refused(refusal, endpoint)

    def _raise_refused(self, refusal: MonzoAuthenticationError, endpoint: object) -> Never:
        """Raise MonzoTokenRefusedError for a refusal that no renewal helps against."""
        retry_after = self._refusals.note_refused(endpoint)
        raise MonzoTokenRefusedError(
            refusal.message, code=refusal.code, retry_after=retry_after
        ) from refusal

    async def _async_renew(self, token: str) -> None:
        """Renew this access token, unless the entry already holds another one."""
        with self._respecting_pauses():
            # A cancelled caller must not cancel the renewal, because the bank may already have
            # ended the old token. The entry waits for it, too, when it is unloaded.
            await asyncio.shield(
                self._entry.async_create_task(
                    self._hass, self._async_request_token(token), "renew token of"
                )
            )

    async def _async_request_token(self, token: str) -> None:
        """Request a new token and store it, if no other caller has renewed it meanwhile."""
        # One at a time, because two would use the same refresh token twice.
        async with self._renewing:
            if self._current_token != token:
                return
            try:
                new = await self._oauth.implementation.async_refresh_token(self._oauth.token)
            except OAuth2TokenRequestTransientError as err:
                if err.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                retry_after = parse_retry_after(err.headers or {})
                raise MonzoRateLimitError(_PAUSED, retry_after=retry_after) from err
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, "token": new}
            )
            self._refusals.note_renewal(new["access_token"])


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


def _says_expired(refusal: MonzoAuthenticationError) -> bool:
    """Return whether the bank refuses a token because its time is over."""
    return (refusal.code or "").endswith(".expired")
