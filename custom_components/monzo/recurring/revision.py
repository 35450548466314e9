"""Revision: a person's changes to the correction of a recurring payment."""

from dataclasses import dataclass, replace
from typing import Final

from ..api import Money, Private
from ..bank import validation_error
from .corrections import Correction
from .detection import RecurringPayment
from .schedule import EveryFewMonths

_LAST_DAY: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Revision(Private):
    """The changes to make. A field that is None leaves the correction as it is."""

    reset: bool = False
    """Whether to remove earlier corrections first."""

    name: str | None = None

    amount: Money | None = None
    """The expected amount, positive in both directions."""

    day: int | None = None
    """The day of the month."""

    dismissed: bool | None = None
    confirmed: bool | None = None

    def apply_to(self, payment: RecurringPayment, before: Correction | None) -> Correction:
        """Return the new correction of a payment, given its earlier correction.

        Raises ServiceValidationError if a change is impossible.
        """
        correction = Correction.of(payment, None if self.reset else before)
        name = correction.name or payment.payee
        self._check(payment, name)
        if self.dismissed and correction.dismissed:
            raise validation_error("already_dismissed", name=name)
        minor = correction.minor
        if self.amount is not None:
            minor = self.amount.minor if payment.direction == "in" else -self.amount.minor
        dismissed = correction.dismissed if self.dismissed is None else self.dismissed
        confirmed = correction.confirmed if self.confirmed is None else self.confirmed
        return replace(
            correction,
            name=correction.name if self.name is None else self.name,
            minor=minor,
            day=correction.day if self.day is None else self.day,
            # Dismissing and confirming exclude each other.
            dismissed=dismissed and not self.confirmed,
            confirmed=confirmed and not self.dismissed,
        )

    def _check(self, payment: RecurringPayment, name: str) -> None:
        if self == Revision():
            raise validation_error("nothing_to_correct", name=name)
        if self.dismissed and self.confirmed:
            raise validation_error("dismissed_and_confirmed", name=name)
        if self.day is not None:
            if not 1 <= self.day <= _LAST_DAY:
                raise validation_error("no_such_day", day=str(self.day), name=name)
            if not isinstance(payment.schedule, EveryFewMonths):
                raise validation_error("no_day_of_month", day=str(self.day), name=name)
