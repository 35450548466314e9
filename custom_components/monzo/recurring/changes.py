"""Changes of recurring payments: new prices and missed payments."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ..api import Money, Private
from .detection import RecurringPayment
from .expected_amount import are_same


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PriceChange(Private):
    """A change of the amount of a recurring payment."""

    since: date
    """The day of the first payment at the new price."""

    before: Money
    after: Money


def last_price_change(payment: RecurringPayment) -> PriceChange | None:
    """Return the last change of the price; None if it never changed, or if every amount differs."""
    # Not `is_exact`, because people may have set the expected amount.
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
    """Return the first day on which a payment was due but not made; None if it is not overdue.

    If a payment usually comes some days late, it is not missed during these days.
    """
    schedule = payment.schedule
    was_skipped = schedule.slot_near(payment.next) > schedule.slot_near(payment.due)
    return payment.due if was_skipped else None
