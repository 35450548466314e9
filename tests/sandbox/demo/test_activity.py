"""Random activity of the household."""

from random import Random

import pytest

from sandbox.bank import Bank
from sandbox.demo.activity import perform_activity
from sandbox.household import Household, build_household
from sandbox.models import Purse


@pytest.fixture
def household(bank: Bank) -> Household:
    """Return the household."""
    return build_household(bank)


@pytest.fixture(params=range(3))
def random(request: pytest.FixtureRequest) -> Random:
    """Return a random number generator with a fixed seed."""
    return Random(request.param)  # noqa: S311 - not used for security


def test_activities_move_money_without_creating_or_losing_any(
    household: Household, random: Random
) -> None:
    bank = household.bank
    transactions = len(bank.transactions(household.current.id))
    for _ in range(500):
        perform_activity(household, random)
    purses: tuple[Purse, ...] = (
        *bank.accounts.values(),
        *bank.pots.values(),
        *bank.outside.values(),
    )
    assert sum(purse.balance for purse in purses) == 0
    assert len(bank.transactions(household.current.id)) > transactions + 300


def test_activities_keep_balances_near_zero_or_above(household: Household, random: Random) -> None:
    for _ in range(3_000):
        perform_activity(household, random)
        assert (
            min(household.current.balance, household.joint.balance, household.bens.balance)
            > -50_000
        )


def test_activities_continue_when_pots_and_accounts_are_closed(
    household: Household, random: Random
) -> None:
    for pot in tuple(household.bank.pots.values()):
        household.bank.close_pot(pot.id)
    household.bank.close_account(household.joint.id)
    transactions = len(household.bank.transactions(household.current.id))
    for _ in range(200):
        perform_activity(household, random)
    assert len(household.bank.transactions(household.current.id)) > transactions


def test_activities_are_of_every_kind(household: Household, random: Random) -> None:
    for _ in range(1_000):
        perform_activity(household, random)
    transactions = household.bank.transactions(household.current.id)
    assert {"mastercard", "uk_retail_pot", "p2p_payment", "payport_faster_payments"} <= {
        transaction.scheme for transaction in transactions
    }
    assert any(transaction.decline_reason for transaction in transactions)
    assert any(transaction.metadata.get("trigger") == "coin_jar" for transaction in transactions)
