"""Left to spend: the money that an account does not need for recurring payments until pay day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..api import Money, Private
from ..transactions import TransactionKind
from .detection import RecurringPayment
from .pay_day import days_to, monthly_minor
from .upcoming import Pots, UpcomingPayment, upcoming_payments


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LeftToSpend(Private):
    """The money that is left to spend until pay day."""

    amount: Money
    """The balance minus the payments until pay day; negative if the balance does not cover them."""

    per_day: Money
    """The amount per day before pay day, rounded down to minor units; zero if nothing is left."""

    payments: tuple[UpcomingPayment, ...]
    """The outgoing payments until pay day, in order."""

    is_exact: bool
    """Whether the amounts of all these payments are known exactly."""

    @property
    def upcoming(self) -> Money:
        """The cost of these payments to the account; zero or positive."""
        return -sum((it.amount for it in self.payments), Money.zero(self.amount.currency))


def left_to_spend(
    balance: Money,
    payments: Iterable[RecurringPayment],
    *,
    pay_day: date | None,
    today: date,
    pots: Pots,
) -> LeftToSpend | None:
    """Return the money that is left to spend in an account; None if no pay day is known.

    `payments` must be those of the account. Payments on pay day are paid from the new money.
    """
    days = days_to(pay_day, today)
    if pay_day is None or days is None:
        return None
    outgoing = [payment for payment in payments if payment.direction == "out"]
    upcoming = tuple(upcoming_payments(outgoing, pay_day, pots))
    left = sum((it.amount for it in upcoming), balance)
    return LeftToSpend(
        amount=left,
        per_day=Money.from_minor(max(0, left.minor) // max(1, days), left.currency),
        payments=upcoming,
        is_exact=all(it.payment.is_exact for it in upcoming),
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Subscriptions(Private):
    """Regular card payments and the account's own fee. Bills are not included."""

    per_month: Money
    """Zero or positive."""

    count: int
    is_exact: bool
    """Whether the amounts of all subscriptions are known exactly."""


def subscriptions_of(payments: Iterable[RecurringPayment], currency: str) -> Subscriptions:
    """Return the subscriptions of an account."""
    kinds = {TransactionKind.CARD_PAYMENT, TransactionKind.FEE_OR_INTEREST}
    found = [it for it in payments if it.kind in kinds and it.direction == "out"]
    return Subscriptions(
        per_month=Money.from_minor(-sum(map(monthly_minor, found)), currency),
        count=len(found),
        is_exact=all(it.is_exact for it in found),
    )
