"""Application credentials: sign in to Monzo with the user's own API client."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, override

from aiohttp import ClientResponse, ClientResponseError
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
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    MY_AUTH_CALLBACK_PATH,
    AbstractOAuth2Implementation,
)
from homeassistant.helpers.http import current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url
import voluptuous as vol

from .const import DEVELOPER_PORTAL_URL, TOKEN_TIMEOUT
from .privacy import get_logger

OAUTH2_AUTHORIZE: Final = "https://auth.monzo.com"
OAUTH2_TOKEN: Final = "https://api.monzo.com/oauth2/token"  # noqa: S105 - an address, no secret

# The bank refuses a request for a token with one of these. Any other refusal comes from a proxy in
# between.
_REFUSED_STATUSES: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)

# Parts of the error codes after which no renewal can succeed: OAuth's own code, Monzo's codes about
# the refresh token, and those about the client, which the user has to correct. Other refusals may
# pass, and must not make Home Assistant ask for a new sign-in.
_GRANT_ENDED_CODES: Final = ("invalid_grant", "refresh_token", "client")

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

_LOGGER = get_logger(__name__)


class MonzoImplementation(AuthImplementation):
    """OAuth2 implementation that validates each token before Home Assistant stores it."""

    @override
    async def async_resolve_external_data(self, external_data: Any) -> dict[str, Any]:
        """Return the first token of a sign-in."""
        return await self._async_validated(
            super().async_resolve_external_data(external_data),
            is_final=lambda _code: True,
        )

    @override
    async def async_refresh_token(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return a new token. The bank invalidates the old one."""
        return await self._async_validated(
            super().async_refresh_token(token),
            is_final=lambda code: any(part in code for part in _GRANT_ENDED_CODES),
        )

    @override
    async def _async_refresh_token(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return a new token; a part that the answer leaves empty keeps its value.

        Raises ClientError, with the bank's error code as the message if the bank refuses.
        """
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": token["refresh_token"],
        }
        session = async_get_clientsession(self.hass)
        async with session.post(self.token_url, data=form) as response:
            if not response.ok:
                raise ClientResponseError(
                    response.request_info,
                    response.history,
                    status=response.status,
                    message=await _error_code(response),
                    headers=response.headers,
                )
            answer = await response.json()
        renewed = {name: value for name, value in answer.items() if value not in (None, "")}
        if "access_token" not in renewed:
            raise OAuth2TokenRequestConnectionError(domain=self.domain)
        return token | renewed

    async def _async_validated(
        self, request: Awaitable[dict[str, Any]], *, is_final: Callable[[str], bool]
    ) -> dict[str, Any]:
        """Return the token from the response to a request.

        Raises OAuth2TokenRequestReauthError if the bank refuses the request with a final error
        code, and another OAuth2TokenRequestError or OAuth2TokenRequestConnectionError if a retry
        may work.
        """
        try:
            async with asyncio.timeout(TOKEN_TIMEOUT.total_seconds()):
                token: dict[str, Any] = TOKEN_SCHEMA(await request)
        except OAuth2TokenRequestReauthError as err:
            if err.status in _REFUSED_STATUSES and is_final(err.message):
                raise
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from err
        except UNUSABLE_ANSWER_ERRORS as err:
            # Log only the type, and drop the cause: the error's text may contain the token.
            _LOGGER.debug("The answer to a token request is not a token: %s", type(err).__name__)
            raise OAuth2TokenRequestConnectionError(domain=self.domain) from None
        return token


async def _error_code(response: ClientResponse) -> str:
    """Return the error code of a refused request for a token; "" if the answer has none.

    Monzo's errors have a `code`, those of OAuth an `error`.
    """
    try:
        answer = await response.json(content_type=None)
        return str(answer.get("code") or answer.get("error") or "")
    except AttributeError, RecursionError, ValueError:
        return ""


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
