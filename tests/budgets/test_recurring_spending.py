"""Recurring payments count once in the projection of a budget."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.monzo.budgets.ledger import BudgetLedger
from custom_components.monzo.budgets.periods import Period
from custom_components.monzo.budgets.recurring_spending import recurring_spending
from custom_components.monzo.budgets.scope import Scope
from custom_components.monzo.budgets.settings import BudgetSettings
from custom_components.monzo.budgets.tracking import TrackedBudget
from custom_components.monzo.recurring.account_payments import AccountPayments
from custom_components.monzo.recurring.pay_day import PayDayRule, PayDays
from custom_components.monzo.transactions import TransactionKind, TransactionRecord
from tests.helpers.budgets import settings_of
from tests.recurring.households import as_it_is, following, monthly, weekly
from tests.recurring.payments import CARD, DEBIT, find_payments, until

LONDON = ZoneInfo("Europe/London")
BEGIN = date(2026, 1, 1)
NOVEMBER = Period(first=date(2026, 11, 1), end=date(2026, 12, 1))

_ids = count()


def payments(
    days: Iterable[date],
    minor: int,
    payee: str = "Streamly",
    kind: TransactionKind = CARD,
    *,
    spent: dict[str, int] | None = None,
) -> list[TransactionRecord]:
    """Return payments to one payee on some days. All of it counts, unless `spent` says less."""
    spent = {"bills": -minor} if spent is None else spent
    return [
        TransactionRecord(
            id=f"tx_{next(_ids):06}",
            account="acc",
            created=datetime.combine(day, time(9), LONDON).astimezone(UTC),
            minor=minor,
            currency="GBP",
            kind=kind,
            merchant=payee,
            description=payee,
            split={},
            spent=spent,
        )
        for day in days
    ]


def found(past: list[TransactionRecord], today: date) -> AccountPayments:
    payments = find_payments(past, today)
    assert payments is not None
    return payments


def spending(
    past: list[TransactionRecord], today: date, period: Period = NOVEMBER, **scope: Any
) -> tuple[int, int]:
    """Return the recurring spending so far, and what is still due."""
    ledger = BudgetLedger(Scope(**scope), [period], LONDON)
    for record in past:
        ledger.put(record, datetime(2027, 1, 1, tzinfo=UTC))
    return recurring_spending([found(past, today)], ledger, period)


def rent(today: date, day: int = 1) -> list[TransactionRecord]:
    days = until(monthly(BEGIN, day, following), today)
    return payments(days, -90_000, "Mill Street Lettings", DEBIT)


def test_a_rent_on_the_first_day_is_not_spent_again() -> None:
    # The 1st is a Sunday.
    today = date(2026, 11, 3)
    assert spending(rent(today), today) == (90_000, 0)


def test_a_bill_that_is_still_due_is_expected() -> None:
    today = date(2026, 11, 3)
    assert spending(rent(today, day=28), today) == (0, 90_000)
    assert spending(rent(date(2026, 11, 30), day=28), date(2026, 11, 30)) == (90_000, 0)


def test_a_bill_of_the_next_period_is_not_expected() -> None:
    today = date(2026, 11, 29)
    first_of_december = payments(until(monthly(BEGIN, 1, as_it_is), today), -1_299)
    assert spending(first_of_december, today) == (1_299, 0)


def test_each_payment_of_a_weekly_series_counts() -> None:
    today = date(2026, 11, 10)
    mondays = payments(until(weekly(date(2026, 8, 3), 1, as_it_is), today), -2_000)
    assert spending(mondays, today) == (4_000, 6_000)


def test_only_payments_in_the_scope_of_the_budget_count() -> None:
    today = date(2026, 11, 3)
    past = rent(today) + payments(until(monthly(BEGIN, 28, as_it_is), today), -1_299)
    assert spending(past, today, merchant="Streamly") == (0, 1_299)
    assert spending(past, today, categories=frozenset({"groceries"})) == (0, 0)


def test_the_same_part_of_a_split_payment_is_expected_as_last_time() -> None:
    today = date(2026, 11, 3)
    past = payments(
        until(monthly(BEGIN, 28, as_it_is), today), -1_200, spent={"bills": 800, "gifts": 400}
    )
    assert spending(past, today, categories=frozenset({"gifts"})) == (0, 400)


def test_payments_that_the_bank_does_not_count_as_spending_are_not_expected() -> None:
    today = date(2026, 11, 3)
    standing_order = payments(
        until(monthly(BEGIN, 28, following), today),
        -15_000,
        "pot_holiday",
        TransactionKind.POT_DEPOSIT,
        spent={},
    )
    assert spending(standing_order, today) == (0, 0)


@settings(max_examples=60)
@given(
    st.dates(NOVEMBER.first, NOVEMBER.end - timedelta(days=1)),
    st.integers(1, 28),
    st.integers(0, 6),
    st.integers(1, 200_000),
    st.integers(1, 9_999),
    st.integers(0, 5_000),
)
def test_if_each_day_costs_the_same_the_projection_is_right_on_each_day(
    today: date, day: int, weekday: int, bill: int, weekly_bill: int, everyday: int
) -> None:
    """A monthly and a weekly bill come as expected, and the rest is spent evenly."""
    budget: BudgetSettings = settings_of(limit="100")
    end = NOVEMBER.end - timedelta(days=1)
    bills = payments(until(monthly(BEGIN, day, as_it_is), end), -bill) + payments(
        until(weekly(date(2026, 6, 1) + timedelta(days=weekday), 1, as_it_is), end),
        -weekly_bill,
        "Gym",
    )
    purchases = payments(
        [NOVEMBER.first + timedelta(days=number) for number in range(NOVEMBER.days)],
        -everyday,
        "Deli",
        spent={"groceries": everyday},
    )

    def known(records: list[TransactionRecord]) -> list[TransactionRecord]:
        return [it for it in records if it.created.date() <= today]

    tracked = TrackedBudget.on(today, budget, LONDON, PayDays(rule=PayDayRule()))
    assert tracked is not None
    for record in known(bills + purchases):
        tracked.ledger.put(record, record.created)
    expected = sum(-it.minor for it in bills + purchases if it.created.date() >= NOVEMBER.first)
    status = tracked.status(today, [found(known(bills), today)])
    assert status.projected.minor == expected
