"""New prices, missed payments, and possible duplicates."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.recurring.changes import last_price_change, missed_day
from custom_components.monzo.recurring.duplicates import possible_duplicate_of
from custom_components.monzo.transactions import TransactionKind

from .households import Row, as_it_is, following, monthly
from .payments import CARD, DEBIT, INCOME, only, rows, same, until

BEGIN = date(2024, 1, 1)
TODAY = date(2026, 1, 20)


def test_a_price_change_has_its_day_and_both_prices() -> None:
    days = until(monthly(BEGIN, 16, as_it_is), TODAY)
    change = last_price_change(only(rows(days, [-1_299] * 20 + [-1_399] * 20), TODAY))
    assert change is not None
    assert (change.since, change.before, change.after) == (
        date(2025, 9, 16),
        Money.from_minor(-1_299, "GBP"),
        Money.from_minor(-1_399, "GBP"),
    )


def test_a_price_that_never_changed_has_no_change() -> None:
    days = until(monthly(BEGIN, 16, as_it_is), TODAY)
    assert last_price_change(only(rows(days, same(-1_299)), TODAY)) is None


def test_an_amount_that_always_differs_is_no_price_change() -> None:
    days = until(monthly(BEGIN, 9, following), TODAY)
    amounts = [-9_000 - 500 * (day.month % 5) for day in days]
    assert last_price_change(only(rows(days, amounts, DEBIT, "Energy"), TODAY)) is None


def test_a_debit_is_missed_from_the_day_after() -> None:
    debits = rows(until(monthly(BEGIN, 5, following), date(2025, 12, 20)), same(-799), DEBIT, "Gym")
    assert missed_day(only(debits, date(2026, 1, 5))) is None
    assert missed_day(only(debits, date(2026, 1, 6))) == date(2026, 1, 5)


def test_an_income_that_often_comes_late_is_not_missed_at_once() -> None:
    days = [
        day + timedelta(days=day.month % 3)
        for day in until(monthly(BEGIN, 10, as_it_is), date(2025, 12, 20))
    ]
    wages = rows(days, same(180_000), INCOME, "Employer")
    assert missed_day(only(wages, date(2026, 1, 11))) is None
    assert missed_day(only(wages, date(2026, 1, 15))) is not None


# Duplicates


@dataclass(frozen=True, kw_only=True)
class CategorisedRow(Row):
    """A transaction with its category."""

    category: str | None = "shopping"


def payment(*, hours: float = 0, minor: int = -2_499) -> CategorisedRow:
    (row,) = rows([TODAY], [minor], CARD, "Bookworm", merchant_group="grp_bookworm")
    return CategorisedRow(
        id=row.id,
        created=row.created + timedelta(hours=hours),
        minor=row.minor,
        kind=row.kind,
        payee=row.payee,
        merchant_group=row.merchant_group,
    )


def test_a_merchant_that_charges_twice_within_hours_may_have_made_a_mistake() -> None:
    first, second = payment(), payment(hours=2)
    assert possible_duplicate_of(second, [second, first]) == first
    assert possible_duplicate_of(first, [first, second]) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"minor": -2_500},
        {"created": payment(hours=8).created},
        {"account": "acc_joint"},
        {"merchant_group": "grp_other"},
        {"kind": TransactionKind.DECLINED},
        {"kind": TransactionKind.REFUND, "minor": 2_499},
        {"category": "transport"},
        {"payee": None, "merchant_group": None},
    ],
)
def test_other_payments_are_no_duplicates(changes: dict[str, object]) -> None:
    first, second = payment(), replace(payment(hours=2), **changes)  # type: ignore[arg-type]
    assert possible_duplicate_of(second, [first]) is None


def test_small_amounts_are_paid_twice_on_purpose() -> None:
    first, second = payment(minor=-499), payment(minor=-499, hours=1)
    assert possible_duplicate_of(second, [first]) is None
