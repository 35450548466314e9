"""Upcoming payments: the recurring payments of the next days, and their cost to an account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ..api import Money, Private
from ..transactions import TransactionKind
from .detection import RecurringPayment


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pots(Private):
    """The balances of pots, and the recurring payments that fill pots or are paid from them."""

    balances: Mapping[str, Money]
    """The balance of each pot by its ID."""

    by_payment: Mapping[str, str]
    """The pot's ID by the key of the payment that fills it or is paid from it."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UpcomingPayment(Private):
    """A recurring payment on one of the next days."""

    day: date
    payment: RecurringPayment

    amount: Money
    """The change of the account's balance: less than the payment if a pot pays a part of it."""


def upcoming_payments(
    payments: Iterable[RecurringPayment], until: date, pots: Pots
) -> list[UpcomingPayment]:
    """Return the payments from now until a day, which is excluded, in order.

    A pot pays its bills as long as its money lasts, including the money from standing orders.
    """
    balances = dict(pots.balances)
    upcoming = []
    days = (
        (day, payment) for payment in payments for day in payment.days_until(until) if day < until
    )
    # On the same day, pots are filled before they pay.
    for day, payment in sorted(days, key=lambda it: (it[0], not _fills_pot(it[1]), it[1].key)):
        amount = payment.amount
        pot = pots.by_payment.get(payment.key)
        if pot is not None and pot in balances:
            if _fills_pot(payment):
                balances[pot] -= amount
            elif payment.direction == "out":
                paid_by_pot = max(Money.zero(amount.currency), min(balances[pot], -amount))
                balances[pot] -= paid_by_pot
                amount += paid_by_pot
        upcoming.append(UpcomingPayment(day=day, payment=payment, amount=amount))
    return upcoming


def _fills_pot(payment: RecurringPayment) -> bool:
    return payment.kind is TransactionKind.POT_DEPOSIT
