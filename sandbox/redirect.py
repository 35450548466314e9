"""Has a process talk to the sandbox in place of the bank, without its programs knowing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse, ClientSession
from homeassistant.helpers.config_entry_oauth2_flow import LocalOAuth2Implementation
from yarl import URL

# The API with its token URL, and the page where people sign in.
BANK_HOSTS = frozenset({"api.monzo.com", "auth.monzo.com"})


def redirect(url: str | URL, sandbox: str | URL) -> URL:
    """Return where a request really goes: the bank's hosts are the sandbox, others themselves."""
    asked = URL(url)
    if asked.host not in BANK_HOSTS:
        return asked
    origin = URL(sandbox)
    return asked.with_scheme(origin.scheme).with_host(origin.host or "").with_port(origin.port)


@contextmanager
def redirected(sandbox: str | URL) -> Iterator[None]:
    """Send whatever this process asks the bank to the sandbox, and people who sign in too."""
    # Every kind of request passes this one method, whatever it was begun with.
    send = ClientSession._request  # noqa: SLF001
    authorize_url = LocalOAuth2Implementation.async_generate_authorize_url

    async def request(
        self: ClientSession,
        method: str,
        str_or_url: str | URL,
        **options: Any,  # noqa: ANN401 - as aiohttp has it
    ) -> ClientResponse:
        return await send(self, method, redirect(str_or_url, sandbox), **options)

    async def async_generate_authorize_url(self: LocalOAuth2Implementation, flow_id: str) -> str:
        return str(redirect(await authorize_url(self, flow_id), sandbox))

    with (
        patch.object(ClientSession, "_request", request),
        patch.object(
            LocalOAuth2Implementation, "async_generate_authorize_url", async_generate_authorize_url
        ),
    ):
        yield
