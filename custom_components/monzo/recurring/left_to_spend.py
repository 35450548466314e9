"""Left to spend: the money of an account that no recurring payment needs until pay day."""

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
    """What is left to spend until pay day."""

    amount: Money
    """The balance without the payments until pay day; negative if they need more than there is."""

    per_day: Money
    """The amount for each day before pay day, rounded down to whole minor units; zero if nothing
    is left."""

    payments: tuple[UpcomingPayment, ...]
    """The outgoing payments until pay day, in order."""

    is_exact: bool
    """Whether all their amounts are known exactly."""

    @property
    def upcoming(self) -> Money:
        """What the payments cost the account; zero or positive."""
        return -sum((it.amount for it in self.payments), Money.zero(self.amount.currency))


def left_to_spend(
    balance: Money,
    payments: Iterable[RecurringPayment],
    *,
    pay_day: date | None,
    today: date,
    pots: Pots,
) -> LeftToSpend | None:
    """Return what is left to spend of an account; None while no pay day is known.

    `payments` are those of the account. What is due on pay day is paid from the new money.
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
    """What merchants charge to a card regularly, and the account's own fee: bills are not."""

    per_month: Money
    """Zero or positive."""

    count: int
    is_exact: bool
    """Whether all their amounts are known exactly."""


def subscriptions_of(payments: Iterable[RecurringPayment], currency: str) -> Subscriptions:
    """Return the subscriptions of an account."""
    kinds = {TransactionKind.CARD_PAYMENT, TransactionKind.FEE_OR_INTEREST}
    found = [it for it in payments if it.kind in kinds and it.direction == "out"]
    return Subscriptions(
        per_month=Money.from_minor(-sum(map(monthly_minor, found)), currency),
        count=len(found),
        is_exact=all(it.is_exact for it in found),
    )
