"""Running sums of the periods of a budget."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custom_components.monzo.budgets.ledger import BudgetLedger
from custom_components.monzo.budgets.periods import Period
from custom_components.monzo.budgets.scope import Scope
from tests.transactions.test_record import record

LONDON = ZoneInfo("Europe/London")
OCTOBER = Period(first=date(2026, 10, 1), end=date(2026, 11, 1))
NOVEMBER = Period(first=date(2026, 11, 1), end=date(2026, 12, 1))

# 10 pounds on 9 November.
PAYMENT = record()
LATER = PAYMENT.created + timedelta(hours=1)


@pytest.fixture
def ledger() -> BudgetLedger:
    return BudgetLedger(Scope(), [OCTOBER, NOVEMBER], LONDON)


def spent(ledger: BudgetLedger) -> tuple[int, int]:
    return ledger.spent_minor(OCTOBER), ledger.spent_minor(NOVEMBER)


def test_a_payment_counts_in_its_period_also_if_it_is_read_again(ledger: BudgetLedger) -> None:
    for _read in range(2):
        ledger.put(PAYMENT, LATER)
    assert spent(ledger) == (0, 1_000)
    assert ledger.minor_of(PAYMENT.id, NOVEMBER) == 1_000
    assert ledger.minor_of(PAYMENT.id, OCTOBER) == 0


def test_a_correction_replaces_the_payment(ledger: BudgetLedger) -> None:
    ledger.put(PAYMENT, LATER)
    ledger.put(record(amount=-1_250), LATER)
    assert spent(ledger) == (0, 1_250)
    ledger.put(record(decline_reason="INSUFFICIENT_FUNDS"), LATER)
    assert spent(ledger) == (0, 0)


def test_a_payment_dated_in_the_future_counts_from_its_date_on(
    ledger: BudgetLedger,
) -> None:
    early = PAYMENT.created - timedelta(days=1)
    ledger.put(PAYMENT, early)
    assert not ledger.put_due(early)
    assert spent(ledger) == (0, 0)
    assert ledger.put_due(LATER)
    assert spent(ledger) == (0, 1_000)
    assert not ledger.put_due(LATER)


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        # Summer time ends on 25 October.
        ("2026-09-30T22:59:59+00:00", (0, 0)),
        ("2026-09-30T23:00:00+00:00", (1_000, 0)),
        ("2026-10-31T23:59:59+00:00", (1_000, 0)),
        ("2026-11-01T00:00:00+00:00", (0, 1_000)),
        ("2026-12-01T00:00:00+00:00", (0, 0)),
    ],
)
def test_a_period_begins_and_ends_at_local_midnight(
    ledger: BudgetLedger, created: str, expected: tuple[int, int]
) -> None:
    moment = datetime.fromisoformat(created)
    ledger.put(replace(PAYMENT, created=moment), moment)
    assert spent(ledger) == expected
