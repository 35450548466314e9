"""Fixtures for clients that talk to a server on this machine."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.monzo.api import MonzoClient

from .scripted_server import ScriptedServer

TOKEN = "eyJhbGciOiJFUzI1NiIs." + "a-very-secret-token" * 20


def client_with_token(session: ClientSession, token: str, **options: Any) -> MonzoClient:
    """Return a client that always uses the same access token."""

    async def access_token() -> str:
        return token

    return MonzoClient(session, access_token, **options)


@pytest.fixture(autouse=True)
def _real_parts(socket_enabled: None) -> None:
    """Let the tests open sockets. Start no Home Assistant, because the package needs none."""


@pytest.fixture(autouse=True)
def _no_pauses() -> None:
    """Leave the integration around the package unchanged."""


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return an HTTP session."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Return a server without responses."""
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
def client(session: ClientSession, server: ScriptedServer) -> MonzoClient:
    """Return a client of the scripted server."""
    return client_with_token(session, TOKEN, base_url=server.url)
