"""Statistics of the time before the demo's first start."""

from datetime import timedelta
from itertools import pairwise

import pytest

from sandbox.bank import Bank
from sandbox.demo.past_statistics import hourly_values, running_sums
from sandbox.household import build_household
from tests.sandbox.clock import ManualClock


def test_past_balances_exclude_later_payments(bank: Bank, clock: ManualClock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    paid = clock().replace(minute=30) - timedelta(hours=5)
    bank.pay(account.id, -1_000, at=paid)
    bank.decline(account.id, -9_900, at=paid)
    values = hourly_values(bank)[f"{account.id}_balance"]
    hour = paid.replace(minute=0, second=0, microsecond=0)
    assert values[hour - timedelta(hours=1)] == 10_000
    assert values[hour] == 9_000
    assert max(values) < clock()


def test_pot_transfers_do_not_change_the_balance_with_pots(bank: Bank, clock: ManualClock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    pot = bank.open_pot(account.id, "Holiday")
    bank.deposit(pot.id, account.id, 4_000, "once")
    assert set(hourly_values(bank)[f"{account.id}_total_balance"].values()) == {10_000}


@pytest.mark.parametrize("whose", ["ann", "ben"])
def test_the_total_is_the_sum_of_a_persons_open_accounts(bank: Bank, whose: str) -> None:
    household = build_household(bank)
    person = getattr(household, whose)
    found = hourly_values(bank)
    totals = found[f"{person.user_id}_total"]
    accounts = [account for account in bank.accounts_of(person) if not account.closed]
    assert len(totals) > 60 * 24 - 2
    for hour, total in totals.items():
        assert total == sum(found[f"{account.id}_total_balance"][hour] for account in accounts)


def test_spending_restarts_on_each_day_of_the_bank(bank: Bank, clock: ManualClock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    noon = clock().replace(hour=12, minute=30, second=0, microsecond=0) - timedelta(days=3)
    bank.pay(account.id, -300, at=noon)
    bank.decline(account.id, -9_900, at=noon)
    bank.pay(account.id, -500, at=noon + timedelta(hours=1))
    bank.pay(account.id, -200, at=noon + timedelta(days=1))
    values = hourly_values(bank)[f"{account.id}_spend_today"]
    hour = noon.replace(minute=0)
    day = [values[hour + timedelta(hours=ago)] for ago in (-1, 0, 1, 12, 23, 24)]
    assert day == [0, 300, 800, 800, 0, 200]


def test_sums_of_daily_spending_end_at_zero(bank: Bank, clock: ManualClock) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    for days, amount in ((5, -300), (4, -200), (3, -400)):
        bank.pay(account.id, amount, at=clock() - timedelta(days=days))
    values = hourly_values(bank)[f"{account.id}_spend_today"]
    sums = running_sums(values, starts_daily=True)
    assert sums[min(sums)] == -900
    assert sums[max(sums)] == 0


def test_the_weeks_have_hourly_rows_and_the_time_before_has_daily_ones(
    bank: Bank, clock: ManualClock
) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    bank.pay(account.id, -300, at=clock() - timedelta(days=100))
    hours = sorted(hourly_values(bank)[f"{account.id}_spend_today"])
    recent = [hour for hour in hours if hour > clock() - timedelta(days=60)]
    assert len(recent) == 60 * 24 - 1
    earlier = [hour for hour in hours[1:] if hour not in recent]
    assert len(earlier) in {40, 41}
    assert {(after - hour).days for hour, after in pairwise(earlier)} == {1}
    fewer = hourly_values(bank, timedelta(days=1))[f"{account.id}_spend_today"]
    assert len(fewer) < 24 + 100 + 3
    assert fewer.keys() < set(hours)


def test_the_large_change_of_the_first_row_is_older_than_any_chart(
    bank: Bank, clock: ManualClock
) -> None:
    account = bank.open_account(bank.add_person("Ann Archer"), balance=10_000)
    bank.pay(account.id, -300, at=clock() - timedelta(days=100))
    sums = running_sums(hourly_values(bank)[f"{account.id}_spend_today"], starts_daily=True)
    first, second, *_ = sorted(sums)
    assert first < clock() - timedelta(days=2 * 365)
    assert sums[first] == sums[second] == -300
