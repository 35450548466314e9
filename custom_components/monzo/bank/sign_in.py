"""The sign-in of a config entry: renews its access token, and decides when it has ended.

It has ended if the bank refuses to renew the token, or reports that another program has ended the
access. In these cases, the errors ask the user to sign in again. All other refusals of a token are
temporary.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    OAuth2TokenRequestReauthError,
    OAuth2TokenRequestTransientError,
)
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    OAuth2Session,
)

from ..api import (
    MonzoAuthenticationError,
    MonzoEvictedError,
    MonzoRateLimitError,
    parse_retry_after,
)
from .request_budget import PAUSED, RequestBudget
from .token_refusals import MonzoTokenRefusedError, TokenRefusals

_SIGN_IN_EXPIRED: Final = "The sign-in has expired"


class SignIn:
    """The sign-in of a config entry, with tokens that Home Assistant stores."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        implementation: AbstractOAuth2Implementation,
        budget: RequestBudget,
        refusals: TokenRefusals,
    ) -> None:
        """Initialize the sign-in with the token that the config entry holds."""
        self._hass = hass
        self._entry = entry
        self._budget = budget
        self._refusals = refusals
        self._oauth = OAuth2Session(hass, entry, implementation)
        self._renewing = asyncio.Lock()

    @property
    def renewable(self) -> bool:
        """Whether the token can be renewed; Monzo renews only those of confidential clients."""
        return bool(self._oauth.token.get("refresh_token"))

    @property
    def token(self) -> str:
        """The access token, which may have expired."""
        token: str = self._oauth.token["access_token"]
        return token

    async def async_token(self) -> str:
        """Return the access token, after renewing it if it is about to expire.

        Raises MonzoAuthenticationError if the sign-in has ended, and Home Assistant's
        OAuth2TokenRequestConnectionError or OAuth2TokenRequestError if the token cannot be renewed
        at the moment.
        """
        if not self._oauth.valid_token:
            if not self.renewable:
                raise MonzoAuthenticationError(_SIGN_IN_EXPIRED)
            try:
                await self._async_renew(self.token)
            except OAuth2TokenRequestReauthError as err:
                raise MonzoAuthenticationError(_SIGN_IN_EXPIRED) from err
        return self.token

    async def async_replace_refused_token(
        self, token: str, refusal: MonzoAuthenticationError, endpoint: object
    ) -> None:
        """Renew a refused token, unless the entry already has another one.

        Raises the refusal if the sign-in has ended, and MonzoTokenRefusedError if a new token would
        be refused as well.
        """
        if self.token != token:
            return
        if not self.renewable:
            if isinstance(refusal, MonzoEvictedError) or _says_expired(refusal):
                raise refusal
            raise self.passing_error(refusal, endpoint) from refusal
        if self._refusals.may_renew or _says_expired(refusal):
            try:
                await self._async_renew(token)
            except OAuth2TokenRequestReauthError:
                # The refusal contains more information: which program ended the access.
                raise refusal from None
        elif isinstance(refusal, MonzoEvictedError):
            raise refusal
        elif not self._refusals.token_is_new:
            raise self.passing_error(refusal, endpoint) from refusal

    def passing_error(
        self, refusal: MonzoAuthenticationError, endpoint: object
    ) -> MonzoTokenRefusedError:
        """Return the error for a temporary refusal that no renewal can solve."""
        retry_after = self._refusals.note_refused(endpoint)
        return MonzoTokenRefusedError(refusal.message, code=refusal.code, retry_after=retry_after)

    async def async_wait_for_renewal(self) -> None:
        """Wait until a renewal that has begun is finished."""
        async with self._renewing:
            pass

    async def _async_renew(self, token: str) -> None:
        """Renew this access token, unless the entry already has another one."""
        with self._budget.respecting_pauses():
            # A cancelled caller must not cancel the renewal, because the bank may already have
            # ended the old token. The entry also waits for the renewal when it is unloaded.
            await asyncio.shield(
                self._entry.async_create_task(
                    self._hass, self._async_request_token(token), "renew token of"
                )
            )

    async def _async_request_token(self, token: str) -> None:
        """Request and store a new token, unless another caller has renewed it in the meantime."""
        # One at a time, because a refresh token can only be used once.
        async with self._renewing:
            if self.token != token:
                return
            try:
                new = await self._oauth.implementation.async_refresh_token(self._oauth.token)
            except OAuth2TokenRequestTransientError as err:
                if err.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                retry_after = parse_retry_after(err.headers or {})
                raise MonzoRateLimitError(PAUSED, retry_after=retry_after) from err
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, "token": new}
            )
            self._refusals.note_renewal(new["access_token"])


def _says_expired(refusal: MonzoAuthenticationError) -> bool:
    """Return whether the bank refuses a token because it has expired."""
    return (refusal.code or "").endswith(".expired")
