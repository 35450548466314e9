"""The household's daily life."""

from random import Random

import pytest

from sandbox.bank import Bank
from sandbox.home import Home, build_home
from sandbox.life import live
from sandbox.records import Purse


@pytest.fixture
def home(bank: Bank) -> Home:
    """Return a household."""
    return build_home(bank)


@pytest.fixture(params=range(3))
def random(request: pytest.FixtureRequest) -> Random:
    """Return a chance that is the same every time."""
    return Random(request.param)  # noqa: S311 - nothing secret


def test_money_moves_without_appearing_or_vanishing(home: Home, random: Random) -> None:
    bank = home.bank
    rows = len(bank.transactions(home.current.id))
    for _ in range(500):
        live(home, random)
    purses: tuple[Purse, ...] = (
        *bank.accounts.values(),
        *bank.pots.values(),
        *bank.outside.values(),
    )
    assert sum(purse.balance for purse in purses) == 0
    assert len(bank.transactions(home.current.id)) > rows + 300


def test_nobody_runs_out_of_money(home: Home, random: Random) -> None:
    for _ in range(3_000):
        live(home, random)
        assert min(home.current.balance, home.joint.balance, home.bens.balance) > -50_000


def test_life_goes_on_when_pots_and_accounts_are_closed(home: Home, random: Random) -> None:
    for pot in tuple(home.bank.pots.values()):
        home.bank.close_pot(pot.id)
    home.bank.close_account(home.joint.id)
    rows = len(home.bank.transactions(home.current.id))
    for _ in range(200):
        live(home, random)
    assert len(home.bank.transactions(home.current.id)) > rows


def test_all_kinds_of_things_happen(home: Home, random: Random) -> None:
    for _ in range(1_000):
        live(home, random)
    rows = home.bank.transactions(home.current.id)
    assert {"mastercard", "uk_retail_pot", "p2p_payment", "payport_faster_payments"} <= {
        row.scheme for row in rows
    }
    assert any(row.decline_reason for row in rows)
    assert any(row.metadata.get("trigger") == "coin_jar" for row in rows)
