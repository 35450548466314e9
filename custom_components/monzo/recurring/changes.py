"""Changes of recurring payments: new prices, and payments that were missed."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ..api import Money, Private
from .detection import RecurringPayment, are_same


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PriceChange(Private):
    """A change of the amount of a recurring payment."""

    since: date
    """The day of the first payment of the new amount."""

    before: Money
    after: Money


def last_price_change(payment: RecurringPayment) -> PriceChange | None:
    """Return the last change of an amount; None if it has not changed, or always differs."""
    # Not `is_exact`, because a person may have set the amount that is expected.
    if not are_same([it.minor for it in payment.occurrences]):
        return None
    for before, after in pairwise(reversed(payment.occurrences)):
        if before.minor != after.minor:
            return PriceChange(
                since=before.day,
                before=Money.from_minor(after.minor, payment.currency),
                after=Money.from_minor(before.minor, payment.currency),
            )
    return None


def missed_day(payment: RecurringPayment) -> date | None:
    """Return the first day on which a payment was due but not made; None if none is overdue.

    A payment that usually comes some days late is not missed on these days.
    """
    schedule = payment.schedule
    was_skipped = schedule.slot_near(payment.next) > schedule.slot_near(payment.due)
    return payment.due if was_skipped else None
