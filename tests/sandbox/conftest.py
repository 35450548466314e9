"""Fixtures: a bank with one customer, its server, and a client of its API."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest

from sandbox.bank import Bank
from sandbox.models import Account, Person, Pot
from sandbox.server import BankServer

from .api_client import ApiClient, sign_in
from .clock import ManualClock


@pytest.fixture(autouse=True)
def _real_parts(socket_enabled: None) -> None:
    """Allow connections on the loopback interface; these tests need no Home Assistant."""


@pytest.fixture(autouse=True)
def _no_pauses() -> None:
    """Replace the fixture of the integration's tests, which these tests do not need."""


@pytest.fixture
def clock() -> ManualClock:
    """Return the bank's clock."""
    return ManualClock()


@pytest.fixture
def bank(clock: ManualClock) -> Bank:
    """Return a bank."""
    return Bank(clock)


@pytest.fixture
def ann(bank: Bank) -> Person:
    """Return a customer."""
    return bank.add_person("Ann Archer")


@pytest.fixture
def current(bank: Bank, ann: Person) -> Account:
    """Return Ann's current account, with a hundred pounds."""
    return bank.open_account(ann, balance=10_000)


@pytest.fixture
def pot(bank: Bank, current: Account) -> Pot:
    """Return Ann's pot, with twenty pounds."""
    return bank.open_pot(current.id, "Holiday", balance=2_000)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a session for requests."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def server(bank: Bank) -> AsyncIterator[BankServer]:
    """Return the bank's running server."""
    async with BankServer(bank) as server:
        yield server


@pytest.fixture
def client(session: ClientSession, server: BankServer, ann: Person) -> ApiClient:
    """Return a client with Ann's approved sign-in."""
    return sign_in(session, server, ann)
