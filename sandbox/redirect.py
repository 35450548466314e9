"""Redirects all requests of a process from Monzo to the sandbox bank.

A whole Home Assistant needs this, because the shipped integration has no option for another bank.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse, ClientSession
from homeassistant.helpers.config_entry_oauth2_flow import LocalOAuth2Implementation
from yarl import URL

# The API with the token URL, and the page on which people sign in.
BANK_HOSTS = frozenset({"api.monzo.com", "auth.monzo.com"})


def redirect(url: str | URL, sandbox: str | URL) -> URL:
    """Return a URL with the bank's hosts replaced by the sandbox; other hosts stay."""
    target = URL(url)
    if target.host not in BANK_HOSTS:
        return target
    origin = URL(sandbox)
    return target.with_scheme(origin.scheme).with_host(origin.host or "").with_port(origin.port)


@contextmanager
def redirected(sandbox: str | URL) -> Iterator[None]:
    """Redirect this process's requests to the bank, and the people who sign in, to the sandbox."""
    # aiohttp has no public hook. All its request methods call this private one.
    send = ClientSession._request  # noqa: SLF001
    authorize_url = LocalOAuth2Implementation.async_generate_authorize_url

    async def request(
        self: ClientSession,
        method: str,
        str_or_url: str | URL,
        **options: Any,  # noqa: ANN401 - the signature of aiohttp
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
