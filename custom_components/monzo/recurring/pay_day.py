"""Pay days: the days on which a person receives income."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self

from .detection import RecurringPayment
from .schedule import Cadence, DayOfMonth, EveryFewMonths, Shift

_MEAN_MONTH: Final = Cadence.MONTH.mean_days

# Incomes below this fraction of the greatest one do not count: child benefit, a flatmate's share.
_LEAST_PART: Final = 0.5

_LAST_DAY: Final = 31

# A chosen day may move to an earlier working day, so the next one can be this far away.
_TWO_MONTHS: Final = timedelta(days=62)


class PayDayBasis(StrEnum):
    """The source of the pay day."""

    DETECTED = "detected"
    DAY_OF_MONTH = "day_of_month"
    LAST_WORKING_DAY = "last_working_day"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayDayRule:
    """The rule for the pay days of a person."""

    basis: PayDayBasis = PayDayBasis.DETECTED

    day: int | None = None
    """The day of the month, from 1, for DAY_OF_MONTH only. In shorter months, it is the last day.
    """

    def __post_init__(self) -> None:
        """Raise ValueError if the day is missing or invalid."""
        if self.basis is not PayDayBasis.DAY_OF_MONTH:
            return
        if self.day is None or not 1 <= self.day <= _LAST_DAY:
            message = "a month has the days 1 to 31"
            raise ValueError(message)


def next_pay_day(
    rule: PayDayRule, payments: Iterable[RecurringPayment], today: date
) -> date | None:
    """Return the next pay day; None if it would be detected, and no income recurs.

    A chosen day moves to the previous working day, as salaries do. On the day itself, the money has
    already arrived, so the next pay day is about a month away.
    """
    if rule.basis is PayDayBasis.DETECTED:
        return min((payment.next for payment in main_incomes(payments)), default=None)
    return next(_chosen_days(rule, today, today + _TWO_MONTHS))


class PayDay(NamedTuple):
    """An expected pay day."""

    day: date

    income: RecurringPayment | None
    """None for a chosen day."""


def pay_days_until(
    rule: PayDayRule, payments: Iterable[RecurringPayment], today: date, until: date
) -> Iterator[PayDay]:
    """Yield the expected pay days until a day, which is included."""
    if rule.basis is PayDayBasis.DETECTED:
        for income in main_incomes(payments):
            yield from (PayDay(day, income) for day in income.days_until(until))
    else:
        yield from (PayDay(day, None) for day in _chosen_days(rule, today, until))


def _chosen_days(rule: PayDayRule, today: date, until: date) -> Iterator[date]:
    """Yield the chosen days after today until a day, which is included."""
    day = rule.day if rule.basis is PayDayBasis.DAY_OF_MONTH else _LAST_DAY
    schedule = EveryFewMonths(Cadence.MONTH, Shift.PREVIOUS, DayOfMonth(day or _LAST_DAY))
    return schedule.days_from(today + timedelta(days=1), until)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayDays:
    """The past and expected pay days of a person."""

    rule: PayDayRule

    detected: tuple[date, ...] = ()
    """The days with past and expected incomes, in order. They apply only to detected pay days."""

    @classmethod
    def of(cls, rule: PayDayRule, payments: Iterable[RecurringPayment], today: date) -> Self:
        """Return the pay days.

        The day of an expected income becomes a pay day when the money arrives. Until then, the next
        pay day is at least one day away.
        """
        days: set[date] = set()
        for income in main_incomes(payments):
            days.update(occurrence.day for occurrence in income.occurrences)
            days.add(max(income.next, today + timedelta(days=1)))
        return cls(rule=rule, detected=tuple(sorted(days)))

    def after(self, day: date) -> date | None:
        """Return the first pay day after a day, which may be in the past; None if it is unknown."""
        if self.rule.basis is PayDayBasis.DETECTED:
            return next((it for it in self.detected if it > day), None)
        return next_pay_day(self.rule, (), day)


def main_incomes(payments: Iterable[RecurringPayment]) -> list[RecurringPayment]:
    """Return the main incomes of a person, such as two salaries."""
    incomes = [payment for payment in payments if payment.direction == "in"]
    greatest = max(map(monthly_minor, incomes), default=0)
    return [income for income in incomes if monthly_minor(income) >= _LEAST_PART * greatest]


def monthly_minor(payment: RecurringPayment) -> int:
    """Return the monthly amount of a recurring payment in minor units, with its sign."""
    cadence = payment.cadence
    if cadence.months is not None:
        return round(payment.minor / cadence.months)
    return round(payment.minor * _MEAN_MONTH / cadence.mean_days)


def days_to(pay_day: date | None, today: date) -> int | None:
    """Return the number of days until pay day; None if it is unknown."""
    return None if pay_day is None else (pay_day - today).days
