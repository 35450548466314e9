"""Signing in to Monzo with a client that the user created in Monzo's developer portal."""

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

# What Monzo answers when a grant has really ended. Any other refusal comes from something in
# between and must not send anybody to sign in again.
GRANT_ENDED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)

# More than any token lives; a larger figure might not fit into a point in time.
LONGEST_LIFE: Final = timedelta(days=3650)

_TEXT = vol.All(str, vol.Length(min=1))

# What Home Assistant and this integration expect of a token.
TOKEN: Final = vol.Schema(
    {
        vol.Required("access_token"): _TEXT,
        vol.Required("expires_in"): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=LONGEST_LIFE.total_seconds())
        ),
        # Clients that are not confidential get none.
        vol.Optional("refresh_token"): vol.Any(None, str),
        vol.Required("user_id"): _TEXT,
    },
    extra=vol.ALLOW_EXTRA,
)

# How anything else fails that comes in a valid HTTP response, or does not come at all.
NO_TOKEN: Final = (
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
    """Gets tokens from Monzo, and takes nothing for a token that is none."""

    @override
    async def async_resolve_external_data(self, external_data: Any) -> dict[str, Any]:
        """Return the first token of a sign-in."""
        return await self._async_checked(super().async_resolve_external_data(external_data))

    @override
    async def async_refresh_token(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return a new token; Monzo forgets the one given."""
        return await self._async_checked(super().async_refresh_token(token))

    async def _async_checked(self, request: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """Return the token, if it is one.

        Raises OAuth2TokenRequestReauthError if the grant has ended, and another
        OAuth2TokenRequestError or OAuth2TokenRequestConnectionError if it is worth trying again.
        """
        try:
            async with asyncio.timeout(TOKEN_TIMEOUT.total_seconds()):
                checked: dict[str, Any] = TOKEN(await request)
        except OAuth2TokenRequestReauthError as err:
            if err.status in GRANT_ENDED:
                raise
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from err
        except NO_TOKEN as err:
            # Only what kind of error it is: the error itself may hold the answer.
            _LOGGER.debug("The token request was not answered with a token: %s", type(err).__name__)
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from None
        return checked


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> AbstractOAuth2Implementation:
    """Return how to sign in with these credentials."""
    return MonzoImplementation(
        hass,
        auth_domain,
        credential,
        AuthorizationServer(authorize_url=OAUTH2_AUTHORIZE, token_url=OAUTH2_TOKEN),
    )


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return what the dialog that asks for credentials refers to."""
    return {
        "developer_portal": DEVELOPER_PORTAL_URL,
        "redirect_url": _redirect_url(hass),
    }


def _redirect_url(hass: HomeAssistant) -> str:
    """Return the address that Monzo sends people back to, as Home Assistant will ask for it."""
    if "my" in hass.config.components:
        return MY_AUTH_CALLBACK_PATH
    # Home Assistant will use the address that the browser has it at, which is not always its own.
    if (request := current_request.get()) and (origin := request.headers.get(ORIGIN)):
        return origin + AUTH_CALLBACK_PATH
    try:
        return get_url(hass, prefer_external=True) + AUTH_CALLBACK_PATH
    except NoURLAvailableError:
        return MY_AUTH_CALLBACK_PATH
