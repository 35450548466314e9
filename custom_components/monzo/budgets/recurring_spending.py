"""Recurring payments within a budget: those made in its period, and those still due."""

from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction
from itertools import takewhile
from typing import NamedTuple

from ..recurring import AccountPayments, RecurringPayment
from ..transactions import TransactionRecord
from .ledger import BudgetLedger
from .periods import Period

# Payments have dates in London, and periods have dates in Home Assistant's time zone.
_DAY = timedelta(days=1)


class RecurringSpending(NamedTuple):
    """The recurring part of a period's spending, in minor units."""

    made: int
    """The payments so far."""

    due: int
    """The payments still expected."""


def recurring_spending(
    accounts: Iterable[AccountPayments], ledger: BudgetLedger, period: Period
) -> RecurringSpending:
    """Return the recurring spending of some accounts in a period of a ledger."""
    made = due = 0
    for account in accounts:
        for payment in account.payments:
            made += _made(payment, ledger, period)
            # Most payments do not count for most budgets, so skip the computation of their days.
            if expected := _expected(payment, account.newest[payment.key], ledger):
                due += expected * sum(1 for _day in payment.days_until(period.end - _DAY))
    return RecurringSpending(made, due)


def _made(payment: RecurringPayment, ledger: BudgetLedger, period: Period) -> int:
    recent = takewhile(lambda it: it.day >= period.first - _DAY, reversed(payment.occurrences))
    return sum(ledger.minor_of(id_, period) for it in recent for id_ in it.transaction_ids)


def _expected(payment: RecurringPayment, newest: TransactionRecord, ledger: BudgetLedger) -> int:
    """Return the expected spending of a payment, of which the same part counts as last time."""
    counted = ledger.scope.minor_of(newest)
    return round(-payment.minor * Fraction(counted, -newest.minor)) if counted else 0
