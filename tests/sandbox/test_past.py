"""What Home Assistant would have recorded before the demo's first start."""

from datetime import timedelta

import pytest

from sandbox.bank import Bank
from sandbox.home import DAYS_OF_HISTORY, build_home
from sandbox.past import courses

from .program import Clock


def test_a_balance_goes_back_to_what_it_was_before_each_payment(bank: Bank, clock: Clock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    paid = clock().replace(minute=30) - timedelta(hours=5)
    bank.pay(account.id, -1_000, at=paid)
    bank.decline(account.id, -9_900, at=paid)
    course = courses(bank)[f"{account.id}_balance"]
    hour = paid.replace(minute=0, second=0, microsecond=0)
    assert course[hour - timedelta(hours=1)] == 10_000
    assert course[hour] == 9_000
    assert max(course) < clock()


def test_money_moved_into_a_pot_stays_in_the_balance_with_pots(bank: Bank, clock: Clock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    pot = bank.open_pot(account.id, "Holiday")
    bank.deposit(pot.id, account.id, 4_000, "once")
    assert set(courses(bank)[f"{account.id}_total_balance"].values()) == {10_000}


@pytest.mark.parametrize("whose", ["ann", "ben"])
def test_everything_is_the_sum_of_a_persons_open_accounts(bank: Bank, whose: str) -> None:
    home = build_home(bank)
    person = getattr(home, whose)
    found = courses(bank)
    everything = found[f"{person.user_id}_total"]
    accounts = [account for account in bank.accounts_of(person) if not account.closed]
    assert len(everything) == DAYS_OF_HISTORY * 24 - 1
    for hour, total in everything.items():
        assert total == sum(found[f"{account.id}_total_balance"][hour] for account in accounts)
