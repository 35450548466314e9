"""The past of the demo's household."""

from datetime import timedelta

from sandbox.bank import Bank
from sandbox.demo.past import build_household_with_past, catch_up
from sandbox.models import Transaction
from tests.sandbox.clock import ManualClock


def all_transactions(bank: Bank) -> list[Transaction]:
    """Return the transactions of all accounts, oldest first."""
    found = [each for account_id in bank.accounts for each in bank.transactions(account_id)]
    return sorted(found, key=lambda transaction: transaction.created)


def test_the_past_covers_more_than_a_year_and_ends_now(bank: Bank, clock: ManualClock) -> None:
    build_household_with_past(bank)
    transactions = all_transactions(bank)
    assert transactions[0].created < clock() - timedelta(days=370)
    assert clock() - timedelta(days=2) < transactions[-1].created <= clock()


def test_a_demo_that_was_stopped_catches_up(bank: Bank, clock: ManualClock) -> None:
    household = build_household_with_past(bank)
    before = len(all_transactions(bank))
    clock.now += timedelta(days=7)
    catch_up(household)
    caught_up = len(all_transactions(bank))
    assert caught_up > before
    assert all_transactions(bank)[-1].created > clock() - timedelta(days=2)
    catch_up(household)
    assert len(all_transactions(bank)) == caught_up
