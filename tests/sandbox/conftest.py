"""A bank with one customer, served over loopback."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest

from sandbox.bank import Bank
from sandbox.models import Account, Person, Pot
from sandbox.server import BankServer

from .api_client import ApiClient, ManualClock, sign_in


@pytest.fixture(autouse=True)
def _real_parts(socket_enabled: None) -> None:
    """Let the tests listen on loopback; they need no Home Assistant."""


@pytest.fixture(autouse=True)
def _no_waiting() -> None:
    """Leave Home Assistant out of this."""


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
    """Return her current account, with a hundred pounds."""
    return bank.open_account(ann, balance=10_000)


@pytest.fixture
def pot(bank: Bank, current: Account) -> Pot:
    """Return her pot, with twenty pounds."""
    return bank.open_pot(current.id, "Holiday", balance=2_000)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return what requests are made with."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def server(bank: Bank) -> AsyncIterator[BankServer]:
    """Return the open bank."""
    async with BankServer(bank) as server:
        yield server


@pytest.fixture
def client(session: ClientSession, server: BankServer, ann: Person) -> ApiClient:
    """Return a program that Ann has signed in with and approved."""
    return sign_in(session, server, ann)
