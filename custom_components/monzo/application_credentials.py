"""Application credentials: sign in to Monzo with the user's own API client."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from http import HTTPStatus
import logging
from typing import Any, Final, override

from aiohttp.hdrs import ORIGIN
from homeassistant.components.application_credentials import (
    AuthImplementation,
    AuthorizationServer,
    ClientCredential,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestReauthError,
)
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    MY_AUTH_CALLBACK_PATH,
    AbstractOAuth2Implementation,
)
from homeassistant.helpers.http import current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url
import voluptuous as vol

from .const import DEVELOPER_PORTAL_URL, TOKEN_TIMEOUT

OAUTH2_AUTHORIZE: Final = "https://auth.monzo.com"
OAUTH2_TOKEN: Final = "https://api.monzo.com/oauth2/token"  # noqa: S105 - an address, no secret

# Monzo answers with one of these when the grant has ended. Any other refusal comes from a proxy in
# between, and must not make Home Assistant ask the user to sign in again.
GRANT_ENDED_STATUSES: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)

# Far longer than any token is valid. Larger numbers can overflow when Home Assistant adds them to
# the current time.
MAX_TOKEN_LIFETIME: Final = timedelta(days=3650)

_TEXT = vol.All(str, vol.Length(min=1))

# The fields of a token that Home Assistant and this integration use.
TOKEN_SCHEMA: Final = vol.Schema(
    {
        vol.Required("access_token"): _TEXT,
        vol.Required("expires_in"): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_TOKEN_LIFETIME.total_seconds())
        ),
        # Clients that are not confidential receive none.
        vol.Optional("refresh_token"): vol.Any(None, str),
        vol.Required("user_id"): _TEXT,
    },
    extra=vol.ALLOW_EXTRA,
)

# Raised while an answer that is not a token is decoded or validated, or if there is no answer.
UNUSABLE_ANSWER_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    RecursionError,
    TimeoutError,
    TypeError,
    ValueError,
    vol.Invalid,
)

_LOGGER = logging.getLogger(__name__)


class MonzoImplementation(AuthImplementation):
    """OAuth2 implementation that validates each token before Home Assistant stores it."""

    @override
    async def async_resolve_external_data(self, external_data: Any) -> dict[str, Any]:
        """Return the first token of a sign-in."""
        return await self._async_validated(super().async_resolve_external_data(external_data))

    @override
    async def async_refresh_token(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return a new token. The bank invalidates the old one."""
        return await self._async_validated(super().async_refresh_token(token))

    async def _async_validated(self, request: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """Return the token that a request is answered with.

        Raises OAuth2TokenRequestReauthError if the grant has ended, and another
        OAuth2TokenRequestError or OAuth2TokenRequestConnectionError if a retry may work.
        """
        try:
            async with asyncio.timeout(TOKEN_TIMEOUT.total_seconds()):
                token: dict[str, Any] = TOKEN_SCHEMA(await request)
        except OAuth2TokenRequestReauthError as err:
            if err.status in GRANT_ENDED_STATUSES:
                raise
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from err
        except UNUSABLE_ANSWER_ERRORS as err:
            # Log only the type, and drop the cause: the error's text may contain the token.
            _LOGGER.debug("The answer to a token request is not a token: %s", type(err).__name__)
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from None
        return token


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> AbstractOAuth2Implementation:
    """Return the OAuth2 implementation for a Monzo API client."""
    return MonzoImplementation(
        hass,
        auth_domain,
        credential,
        AuthorizationServer(authorize_url=OAUTH2_AUTHORIZE, token_url=OAUTH2_TOKEN),
    )


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return the placeholders for the credentials dialog."""
    return {
        "developer_portal": DEVELOPER_PORTAL_URL,
        "redirect_url": _redirect_url(hass),
    }


def _redirect_url(hass: HomeAssistant) -> str:
    """Return the redirect URL that the OAuth2 flow will send to Monzo."""
    if "my" in hass.config.components:
        return MY_AUTH_CALLBACK_PATH
    # The flow uses the address that the browser uses, which may differ from the configured ones.
    if (request := current_request.get()) and (origin := request.headers.get(ORIGIN)):
        return origin + AUTH_CALLBACK_PATH
    try:
        return get_url(hass, prefer_external=True) + AUTH_CALLBACK_PATH
    except NoURLAvailableError:
        return MY_AUTH_CALLBACK_PATH
