"""Signing in to Monzo with a client that the user created in Monzo's developer portal."""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Final, override

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
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .const import DEVELOPER_PORTAL_URL, TOKEN_TIMEOUT

OAUTH2_AUTHORIZE: Final = "https://auth.monzo.com"
OAUTH2_TOKEN: Final = "https://api.monzo.com/oauth2/token"  # noqa: S105 - an address, no secret

# What Monzo answers when a grant has really ended. Any other refusal comes from something in
# between and must not send anybody to sign in again.
GRANT_ENDED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)


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
                token = await request
            sound = (
                isinstance(token["access_token"], str)
                and isinstance(token["user_id"], str)
                and int(token["expires_in"]) > 0
            )
        except OAuth2TokenRequestReauthError as err:
            if err.status in GRANT_ENDED:
                raise
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from err
        except (AttributeError, KeyError, TimeoutError, TypeError, ValueError) as err:
            # Valid HTTP, but not what a token answer looks like.
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from err
        if not sound:
            raise OAuth2TokenRequestConnectionError(domain=self.domain)
        return token


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
    try:
        return get_url(hass, prefer_external=True) + AUTH_CALLBACK_PATH
    except NoURLAvailableError:
        return MY_AUTH_CALLBACK_PATH
