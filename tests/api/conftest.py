"""Fixtures for talking to a bank over real connections."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest

from custom_components.monzo.api import MonzoClient

from .wire import Wire

TOKEN = "eyJhbGciOiJFUzI1NiIs." + "a-very-secret-token" * 20


def client_with(session: ClientSession, token: str) -> MonzoClient:
    """Return a client that uses an access token."""

    async def access_token() -> str:
        return token

    return MonzoClient(session, access_token)


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let the tests talk to servers on this machine, as they are about HTTP."""


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return an HTTP session."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    """Return a server that stands where the bank was."""
    async with Wire() as wire:
        monkeypatch.setattr("custom_components.monzo.api.client.API_URL", wire.url)
        yield wire


@pytest.fixture
def client(session: ClientSession) -> MonzoClient:
    """Return a client that is signed in."""
    return client_with(session, TOKEN)
