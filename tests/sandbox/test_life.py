"""The life of the household: regular payments and everyday purchases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from custom_components.monzo.recurring.working_days import is_working_day
from sandbox.bank import LONDON, Bank
from sandbox.household import Household, open_household
from sandbox.life import events_of, live
from sandbox.models import Account, Transaction

BEGIN = datetime(2026, 1, 22, tzinfo=UTC)
END = datetime(2028, 1, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def home() -> Household:
    """Return a household that has lived for two years."""
    household = open_household(Bank(lambda: END))
    live(household, BEGIN, END)
    return household


def payments(home: Household, account: Account, payee: str) -> list[Transaction]:
    """Return the payments of an account to a payee, oldest first."""
    return [
        transaction
        for transaction in home.bank.transactions(account.id)
        if payee == transaction.counterparty.get("name")
        or (transaction.merchant is not None and payee == transaction.merchant.name)
    ]


def local_days(transactions: list[Transaction]) -> list[date]:
    """Return the days of transactions in London."""
    return [transaction.created.astimezone(LONDON).date() for transaction in transactions]


def test_rent_is_paid_each_month_on_the_first_working_day(home: Household) -> None:
    days = local_days(payments(home, home.joint, "Mill Street Lettings"))
    assert len(days) == 24
    assert all(is_working_day(day) for day in days)
    assert days[:4] == [date(2026, 2, 2), date(2026, 3, 2), date(2026, 4, 1), date(2026, 5, 1)]


def test_a_salary_arrives_on_the_last_working_day_until_the_25th(home: Household) -> None:
    days = local_days(payments(home, home.current, "Harbour Design Ltd"))
    assert len(days) == 24
    assert all(is_working_day(day) and day.day <= 25 for day in days)
    assert days[:3] == [date(2026, 1, 23), date(2026, 2, 25), date(2026, 3, 25)]


def test_a_subscription_is_charged_on_its_day_and_rises_in_april(home: Household) -> None:
    charged = payments(home, home.current, "Streamly")
    assert {day.day for day in local_days(charged)} == {16}
    assert [payment.amount for payment in charged[:3]] == [-1_199, -1_199, -1_299]


def test_council_tax_skips_february_and_march(home: Household) -> None:
    months = [day.month for day in local_days(payments(home, home.joint, "City Council"))]
    assert months == [4, 5, 6, 7, 8, 9, 10, 11, 12, 1] * 2


def test_insurance_is_paid_once_a_year(home: Household) -> None:
    days = local_days(payments(home, home.current, "Hearth Insurance"))
    assert days == [date(2026, 3, 16), date(2027, 3, 15)]


def test_child_benefit_comes_every_four_weeks_before_bank_holidays(home: Household) -> None:
    benefits = payments(home, home.joint, "Child Benefit")
    days = local_days(benefits)
    assert len(days) == 26
    assert all(is_working_day(day) for day in days)
    # The 4th of May is a bank holiday.
    assert days[:4] == [date(2026, 2, 9), date(2026, 3, 9), date(2026, 4, 2), date(2026, 5, 1)]
    assert [payment.amount for payment in benefits[1:3]] == [9_900, 10_240]


def test_a_box_is_delivered_each_week(home: Household) -> None:
    days = local_days(payments(home, home.joint, "Allotment Box"))
    assert len(days) == 105
    assert {day.weekday() for day in days} == {3}


def test_a_subscription_is_cancelled_each_spring(home: Household) -> None:
    months = [day.month for day in local_days(payments(home, home.current, "Lingua"))]
    assert months == [2, 3, 4, 5, 1, 2, 3, 4, 5, 1]


def test_friends_pay_each_other_round_sums_now_and_then(home: Household) -> None:
    sums = [payment.amount for payment in payments(home, home.current, "Cleo Clark")]
    assert min(sums) < 0 < max(sums)
    assert all(amount % 500 == 0 for amount in sums)


def test_no_balance_was_ever_negative(home: Household) -> None:
    for account in (home.current, home.joint, home.bens):
        balance = account.balance
        for transaction in reversed(home.bank.transactions(account.id)):
            balance -= transaction.amount
            assert balance >= 0, (account, transaction.created)


def test_a_day_is_the_same_each_time() -> None:
    day = date(2026, 11, 28)
    assert [event.at for event in events_of(day)] == [event.at for event in events_of(day)]


def test_a_life_in_parts_is_the_same_as_in_one_piece(home: Household) -> None:
    household = open_household(Bank(lambda: END))
    moment = BEGIN
    while moment < END:
        step = min(moment + timedelta(hours=31), END)
        live(household, moment, step)
        moment = step
    for one, other in ((household.current, home.current), (household.joint, home.joint)):
        assert [
            (transaction.created, transaction.amount)
            for transaction in household.bank.transactions(one.id)
        ] == [
            (transaction.created, transaction.amount)
            for transaction in home.bank.transactions(other.id)
        ]


def test_life_goes_on_when_pots_and_accounts_are_closed() -> None:
    household = open_household(Bank(lambda: END))
    for pot in household.bank.pots_of(household.current.id):
        household.bank.close_pot(pot.id)
    household.bank.close_account(household.joint.id)
    live(household, BEGIN, END)
    assert len(payments(household, household.current, "Streamly")) == 24
