"""What Home Assistant would have recorded before the demo's first start."""

from datetime import timedelta

import pytest

from sandbox.bank import Bank
from sandbox.demo.past_statistics import courses, sums
from sandbox.household import DAYS_OF_HISTORY, build_household
from tests.sandbox.api_client import ManualClock


def test_a_balance_goes_back_to_what_it_was_before_each_payment(
    bank: Bank, clock: ManualClock
) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    paid = clock().replace(minute=30) - timedelta(hours=5)
    bank.pay(account.id, -1_000, at=paid)
    bank.decline(account.id, -9_900, at=paid)
    course = courses(bank)[f"{account.id}_balance"]
    hour = paid.replace(minute=0, second=0, microsecond=0)
    assert course[hour - timedelta(hours=1)] == 10_000
    assert course[hour] == 9_000
    assert max(course) < clock()


def test_money_moved_into_a_pot_stays_in_the_balance_with_pots(
    bank: Bank, clock: ManualClock
) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    pot = bank.open_pot(account.id, "Holiday")
    bank.deposit(pot.id, account.id, 4_000, "once")
    assert set(courses(bank)[f"{account.id}_total_balance"].values()) == {10_000}


@pytest.mark.parametrize("whose", ["ann", "ben"])
def test_everything_is_the_sum_of_a_persons_open_accounts(bank: Bank, whose: str) -> None:
    household = build_household(bank)
    person = getattr(household, whose)
    found = courses(bank)
    everything = found[f"{person.user_id}_total"]
    accounts = [account for account in bank.accounts_of(person) if not account.closed]
    assert len(everything) == DAYS_OF_HISTORY * 24 - 1
    for hour, total in everything.items():
        assert total == sum(found[f"{account.id}_total_balance"][hour] for account in accounts)


def test_spending_starts_anew_with_each_of_the_banks_days(bank: Bank, clock: ManualClock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    noon = clock().replace(hour=12, minute=30, second=0, microsecond=0) - timedelta(days=3)
    bank.pay(account.id, -300, at=noon)
    bank.decline(account.id, -9_900, at=noon)
    bank.pay(account.id, -500, at=noon + timedelta(hours=1))
    bank.pay(account.id, -200, at=noon + timedelta(days=1))
    course = courses(bank)[f"{account.id}_spend_today"]
    hour = noon.replace(minute=0)
    day = [course[hour + timedelta(hours=ago)] for ago in (-1, 0, 1, 12, 23, 24)]
    assert day == [0, 300, 800, 800, 0, 200]


def test_what_was_spent_each_day_adds_up_to_where_home_assistant_begins(
    bank: Bank, clock: ManualClock
) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    for days, amount in ((5, -300), (4, -200), (3, -400)):
        bank.pay(account.id, amount, at=clock() - timedelta(days=days))
    course = courses(bank)[f"{account.id}_spend_today"]
    totals = sums(course, starts_daily=True)
    assert totals[min(totals)] == -900
    assert totals[max(totals)] == 0
