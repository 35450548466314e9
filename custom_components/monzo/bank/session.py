"""The client of one config entry: it keeps the token, and holds still when the bank says so."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
import time
from typing import Any, Final, override

from aiohttp.hdrs import RETRY_AFTER
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
from homeassistant.util.hass_dict import HassKey

from ..api import MonzoAuthenticationError, MonzoClient, MonzoRateLimitError, parse_retry_after
from ..const import DOMAIN, QUIET_AFTER_RATE_LIMIT, REQUEST_WINDOW, REQUESTS_PER_WINDOW

# When each config entry may ask the bank again, by `time.monotonic`. It outlives the session, for
# Home Assistant makes a new one every time it tries to set up an entry.
QUIET_UNTIL: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_quiet_until")

SIGN_IN_EXPIRED: Final = "The sign-in has expired"
ASKED_TO_WAIT: Final = "Monzo has asked to wait"


class MonzoSession(MonzoClient):
    """A client whose token Home Assistant keeps, and which all callers of an entry share.

    It adds what everybody who asks the bank needs alike: a refused token is renewed once, nothing
    is sent while the bank wants to be left alone, and requests are counted for the polls' budget.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        implementation: AbstractOAuth2Implementation,
    ) -> None:
        """Take over the token that the config entry holds."""
        super().__init__(async_get_clientsession(hass), self._async_access_token)
        self._hass = hass
        self._entry = entry
        # One for all callers: it is what keeps two of them from using up the same refresh token.
        self._oauth = OAuth2Session(hass, entry, implementation)
        self._renewing = asyncio.Lock()
        self._quiet_until = hass.data.setdefault(QUIET_UNTIL, {})
        self._sent_at: deque[float] = deque()
        self.webhooks_arrive = False
        """Whether the bank has lately told of what happens by itself."""

    @property
    def renewable(self) -> bool:
        """Whether the token can be renewed: only a confidential Monzo client's can."""
        return bool(self._oauth.token.get("refresh_token"))

    @property
    def requests_left(self) -> int:
        """How many requests a poll may send now without going over the budget."""
        window_began = time.monotonic() - REQUEST_WINDOW.total_seconds()
        while self._sent_at and self._sent_at[0] <= window_began:
            self._sent_at.popleft()
        return max(0, REQUESTS_PER_WINDOW - len(self._sent_at))

    async def async_wait_for_renewal(self) -> None:
        """Wait for a new token that is on its way."""
        async with self._renewing:
            pass

    @override
    async def request(self, method: str, path: str, **kwargs: Any) -> object:
        """Send one request; a second one with a new token if the bank refuses the first's.

        Raises what MonzoClient raises, MonzoAuthenticationError if the user must sign in again,
        and Home Assistant's OAuth2TokenRequestConnectionError or OAuth2TokenRequestError if the
        token cannot be renewed for now.
        """
        token = await self._async_access_token()
        try:
            return await self._async_send(method, path, **kwargs)
        except MonzoAuthenticationError as refused:
            if not self.renewable:
                raise
            try:
                await self._async_replace(token)
            except OAuth2TokenRequestReauthError:
                # The first refusal says more: who took the access away.
                raise refused from None
        return await self._async_send(method, path, **kwargs)

    async def _async_send(
        self,
        method: str,
        path: str,
        **kwargs: Any,  # noqa: ANN401 - handed on as they are
    ) -> object:
        """Send one request, and count it."""
        with self._respecting_rate_limit():
            self._sent_at.append(time.monotonic())
            return await super().request(method, path, **kwargs)

    @contextmanager
    def _respecting_rate_limit(self) -> Iterator[None]:
        """Send nothing while the bank's rate limit lasts, and remember a new one."""
        entry_id = self._entry.entry_id
        if (wait := self._quiet_until.get(entry_id, 0) - time.monotonic()) > 0:
            raise MonzoRateLimitError(ASKED_TO_WAIT, retry_after=wait)
        try:
            yield
        except MonzoRateLimitError as err:
            err.retry_after = err.retry_after or QUIET_AFTER_RATE_LIMIT.total_seconds()
            self._quiet_until[entry_id] = time.monotonic() + err.retry_after
            raise

    async def _async_access_token(self) -> str:
        """Return the access token, a new one if it is about to expire."""
        if not self._oauth.valid_token:
            if not self.renewable:
                raise MonzoAuthenticationError(SIGN_IN_EXPIRED)
            try:
                await self._async_replace(self._current_token)
            except OAuth2TokenRequestReauthError as err:
                raise MonzoAuthenticationError(SIGN_IN_EXPIRED) from err
        return self._current_token

    @property
    def _current_token(self) -> str:
        token: str = self._oauth.token["access_token"]
        return token

    async def _async_replace(self, token: str) -> None:
        """Get another access token than this one, unless the entry has another already."""
        if self._current_token != token:
            return
        with self._respecting_rate_limit():
            expired = {**self._oauth.token, "expires_at": 0}
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, "token": expired}
            )
            # Whoever asks may be cancelled, but by then the bank may have forgotten the old token:
            # the new one is waited for, also by the entry when it is unloaded.
            await asyncio.shield(
                self._entry.async_create_task(self._hass, self._async_renew(), "renew token of")
            )

    async def _async_renew(self) -> None:
        """Renew the token if it has expired and nobody has renewed it meanwhile."""
        async with self._renewing:
            try:
                await self._oauth.async_ensure_token_valid()
            except OAuth2TokenRequestTransientError as err:
                if err.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                header = err.headers.get(RETRY_AFTER) if err.headers else None
                raise MonzoRateLimitError(
                    ASKED_TO_WAIT, retry_after=parse_retry_after(header)
                ) from err
