"""Arrivals of pay days, each of which is announced only once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Self

from ..api import Private
from .detection import RecurringPayment
from .pay_day import PayDayBasis, PayDayRule, main_incomes, next_pay_day

_DAY: Final = timedelta(days=1)
_TWO_MONTHS: Final = timedelta(days=62)

# The longest delay with which transactions are reported. A later announcement would be pointless.
_LATEST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PayDayArrived(Private):
    """A pay day has arrived."""

    day: date

    payment: RecurringPayment | None
    """The income that has arrived; None for a chosen pay day."""

    previous: date | None
    """The previous pay day; None if it is unknown."""

    next: date | None
    """The next pay day; None if it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedPayDay:
    """The announcements of a person's pay days. They are stored on disk."""

    arrived: date | None = None
    """The last pay day that was announced; None before the first one."""

    expected: date | None = None
    """The next pay day, if it is a chosen one."""

    def to_stored(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "arrived": self.arrived.isoformat() if self.arrived else None,
            "expected": self.expected.isoformat() if self.expected else None,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Create the object from its stored form.

        Raises KeyError, TypeError or ValueError if that is invalid.
        """
        arrived, expected = stored["arrived"], stored["expected"]
        return cls(
            arrived=date.fromisoformat(arrived) if arrived else None,
            expected=date.fromisoformat(expected) if expected else None,
        )


def announce_pay_day(
    rule: PayDayRule,
    before: AnnouncedPayDay,
    *,
    arrived: Iterable[RecurringPayment],
    incomes: Iterable[RecurringPayment],
    morning: date,
) -> tuple[AnnouncedPayDay, PayDayArrived | None]:
    """Return the updated announcements, and the pay day to announce now, if there is one.

    A detected pay day arrives with the money: `arrived` has the incomes that have arrived now. A
    chosen one arrives in the morning; see `Observation.morning`.
    """
    main = main_incomes(incomes)
    following = next_pay_day(rule, main, morning)
    if rule.basis is PayDayBasis.DETECTED:
        keys = {income.key for income in main}
        paid = [payment for payment in arrived if payment.key in keys]
        payment = max(paid, key=lambda it: (it.last, it.key), default=None)
        day, expected = (payment.last if payment else None), None
    else:
        payment, expected = None, following
        day = before.expected if _has_arrived(rule, before.expected, morning) else None
    if day is None or (before.arrived is not None and day <= before.arrived):
        return AnnouncedPayDay(arrived=before.arrived, expected=expected), None
    return (
        AnnouncedPayDay(arrived=day, expected=expected),
        PayDayArrived(
            day=day, payment=payment, previous=_previous(rule, main, day), next=following
        ),
    )


def _has_arrived(rule: PayDayRule, expected: date | None, morning: date) -> bool:
    """Return whether a chosen pay day arrived recently, and the options still contain it."""
    if expected is None or not morning - _LATEST <= expected <= morning:
        return False
    return next_pay_day(rule, (), expected - _DAY) == expected


def _previous(rule: PayDayRule, main: Iterable[RecurringPayment], day: date) -> date | None:
    """Return the pay day before another one; None if it is unknown."""
    if rule.basis is PayDayBasis.DETECTED:
        days = (occurrence.day for income in main for occurrence in income.occurrences)
        return max((earlier for earlier in days if earlier < day), default=None)
    previous = None
    following = next_pay_day(rule, (), day - _TWO_MONTHS)
    while following is not None and following < day:
        previous, following = following, next_pay_day(rule, (), following)
    return previous
