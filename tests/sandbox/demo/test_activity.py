"""The household's daily life."""

from random import Random

import pytest

from sandbox.bank import Bank
from sandbox.demo.activity import live
from sandbox.household import Household, build_household
from sandbox.models import Purse


@pytest.fixture
def household(bank: Bank) -> Household:
    """Return a household."""
    return build_household(bank)


@pytest.fixture(params=range(3))
def random(request: pytest.FixtureRequest) -> Random:
    """Return a chance that is the same every time."""
    return Random(request.param)  # noqa: S311 - nothing secret


def test_money_moves_without_appearing_or_vanishing(household: Household, random: Random) -> None:
    bank = household.bank
    transactions = len(bank.transactions(household.current.id))
    for _ in range(500):
        live(household, random)
    purses: tuple[Purse, ...] = (
        *bank.accounts.values(),
        *bank.pots.values(),
        *bank.outside.values(),
    )
    assert sum(purse.balance for purse in purses) == 0
    assert len(bank.transactions(household.current.id)) > transactions + 300


def test_nobody_runs_out_of_money(household: Household, random: Random) -> None:
    for _ in range(3_000):
        live(household, random)
        assert (
            min(household.current.balance, household.joint.balance, household.bens.balance)
            > -50_000
        )


def test_life_goes_on_when_pots_and_accounts_are_closed(
    household: Household, random: Random
) -> None:
    for pot in tuple(household.bank.pots.values()):
        household.bank.close_pot(pot.id)
    household.bank.close_account(household.joint.id)
    transactions = len(household.bank.transactions(household.current.id))
    for _ in range(200):
        live(household, random)
    assert len(household.bank.transactions(household.current.id)) > transactions


def test_all_kinds_of_things_happen(household: Household, random: Random) -> None:
    for _ in range(1_000):
        live(household, random)
    transactions = household.bank.transactions(household.current.id)
    assert {"mastercard", "uk_retail_pot", "p2p_payment", "payport_faster_payments"} <= {
        transaction.scheme for transaction in transactions
    }
    assert any(transaction.decline_reason for transaction in transactions)
    assert any(transaction.metadata.get("trigger") == "coin_jar" for transaction in transactions)
