"""Schedules of recurring payments: the days on which they are due."""

from abc import ABC, abstractmethod
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, override

from .working_days import next_working_day, previous_working_day

_DAYS_OF_WEEK: Final = 7
_MONTHS_OF_YEAR: Final = 12

# In days. The due days of two months are at least twice as far apart, also if banks are closed.
_HALF_A_MONTH: Final = 13


class Cadence(StrEnum):
    """The interval of a recurring payment."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    FOUR_WEEKS = "four_weeks"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def days(self) -> int | None:
        """The days from one payment to the next; None for an interval of months."""
        return _DAYS.get(self)

    @property
    def months(self) -> int | None:
        """The months from one payment to the next; None for an interval of weeks."""
        return _MONTHS.get(self)

    @property
    def mean_days(self) -> float:
        """The mean number of days from one payment to the next."""
        return float(_DAYS[self]) if self in _DAYS else _MONTHS[self] * _MEAN_MONTH


_DAYS: Final = {Cadence.WEEK: 7, Cadence.FORTNIGHT: 14, Cadence.FOUR_WEEKS: 28}
_MONTHS: Final = {Cadence.MONTH: 1, Cadence.QUARTER: 3, Cadence.YEAR: 12}
_MEAN_MONTH: Final = 365.25 / 12


class Shift(IntEnum):
    """The way in which a payment moves if banks are closed on its day."""

    NONE = 0
    NEXT = 1
    PREVIOUS = 2

    def apply(self, day: date) -> date:
        """Return the day of payment for a due day."""
        if self is Shift.NEXT:
            return next_working_day(day)
        return previous_working_day(day) if self is Shift.PREVIOUS else day


@dataclass(frozen=True, slots=True)
class Schedule(ABC):
    """The days of a recurring payment. Each of them is numbered; its number is called a slot."""

    cadence: Cadence
    shift: Shift

    @abstractmethod
    def day_of(self, slot: int) -> date:
        """Return the day of a slot's payment."""

    @abstractmethod
    def slot_near(self, day: date) -> int:
        """Return the slot whose day is closest to a day."""

    def deviation(self, day: date) -> int:
        """Return the distance of a day from the schedule, in days; positive for a late payment."""
        return (day - self.day_of(self.slot_near(day))).days

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name that does not change when further payments are made."""

    def is_skipped(self, slot: int) -> bool:
        """Return whether a slot has no payment, such as February for council tax."""
        return False

    def next_slot(self, slot: int) -> int:
        """Return the next slot that has a payment."""
        slot += 1
        while self.is_skipped(slot):
            slot += 1
        return slot

    def days_from(self, first: date, until: date) -> Iterator[date]:
        """Yield the due days between two days, both included."""
        slot = self.next_slot(self.slot_near(first) - 3)
        while (day := self.day_of(slot)) <= until:
            if day >= first:
                yield day
            slot = self.next_slot(slot)


@dataclass(frozen=True, slots=True)
class EveryFewDays(Schedule):
    """A payment with a fixed number of days in between."""

    phase: int
    """The ordinal of a day on which the payment is due, modulo the days between payments."""

    days: int
    """The days between payments: some weeks, or the length of a month of equal months, such as 30.
    """

    @override
    def day_of(self, slot: int) -> date:
        return self.shift.apply(date.fromordinal(self.phase + slot * self.days))

    @override
    def slot_near(self, day: date) -> int:
        return (day.toordinal() - self.phase + self.days // 2) // self.days

    @override
    def deviation(self, day: date) -> int:
        if self.shift is not Shift.NONE:
            return super().deviation(day)
        # The same without dates, because detection calls this most often.
        half = self.days // 2
        return (day.toordinal() - self.phase + half) % self.days - half

    @property
    @override
    def name(self) -> str:
        return f"{self.days}-days-{self.phase}"


class DayOfMonth(NamedTuple):
    """A day of the month by number, such as the 15th, or by weekday, such as the last Friday."""

    number: int
    """The day from 1, or the occurrence of the weekday. If the month has fewer, the last one."""

    weekday: int | None = None
    """0 for Mondays; None for a day by number."""

    def in_month(self, year: int, month: int) -> date:
        """Return this day in a month."""
        first_weekday, days = monthrange(year, month)
        if self.weekday is None:
            return date(year, month, min(self.number, days))
        day = 1 + (self.weekday - first_weekday) % _DAYS_OF_WEEK
        last = day + (days - day) // _DAYS_OF_WEEK * _DAYS_OF_WEEK
        return date(year, month, min(day + (self.number - 1) * _DAYS_OF_WEEK, last))


@lru_cache(maxsize=65536)
def _day_in_month(rule: DayOfMonth, shift: Shift, month: int) -> date:
    """Return the day of payment in a month, given by its number from year 0."""
    year, month = divmod(month, _MONTHS_OF_YEAR)
    return shift.apply(rule.in_month(year, month + 1))


def month_number(day: date) -> int:
    """Return the number of a day's month, counted from year 0."""
    return day.year * _MONTHS_OF_YEAR + day.month - 1


@dataclass(frozen=True, slots=True)
class EveryFewMonths(Schedule):
    """A payment on one day of a month, every month, quarter or year."""

    rule: DayOfMonth

    phase: int = 0
    """The number of a month with a payment, modulo the months between payments."""

    skipped_months: frozenset[int] = frozenset()
    """The months of the year without a payment, from 1."""

    @override
    def day_of(self, slot: int) -> date:
        return _day_in_month(self.rule, self.shift, self.phase + slot * _MONTHS[self.cadence])

    @override
    def slot_near(self, day: date) -> int:
        return self._nearest(day)[0]

    @override
    def deviation(self, day: date) -> int:
        return self._nearest(day)[1]

    def _nearest(self, day: date) -> tuple[int, int]:
        """Return the slot whose day is closest to a day, and the day's distance from it."""
        months = _MONTHS[self.cadence]
        slot = (month_number(day) - self.phase) // months
        late = (day - self.day_of(slot)).days
        if abs(late) <= _HALF_A_MONTH * months:
            return slot, late
        neighbour = slot + 1 if late > 0 else slot - 1
        late_for_neighbour = (day - self.day_of(neighbour)).days
        is_closer = abs(late_for_neighbour) < abs(late)
        return (neighbour, late_for_neighbour) if is_closer else (slot, late)

    @override
    def is_skipped(self, slot: int) -> bool:
        month = self.phase + slot * _MONTHS[self.cadence]
        return month % _MONTHS_OF_YEAR + 1 in self.skipped_months

    @property
    @override
    def name(self) -> str:
        number, weekday = self.rule
        return f"{self.cadence}-{number}" + ("" if weekday is None else f"-{weekday}")
