"""Periods of budgets, such as months and pay cycles: from local midnight to local midnight."""

from abc import ABC, abstractmethod
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, override

_DAY: Final = timedelta(days=1)
_DAYS_OF_WEEK: Final = 7
_MONTHS_OF_YEAR: Final = 12
_LAST_DAY: Final = 31

# No pay cycle is longer: a pay day that is older did not begin the current one.
_LONGEST_PAY_CYCLE: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days in a row."""

    first: date

    end: date
    """The first day after the period."""

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.first).days

    def since(self, zone: tzinfo) -> datetime:
        """Return the moment in UTC when the period begins in a time zone."""
        return _midnight(self.first, zone)

    def until(self, zone: tzinfo) -> datetime:
        """Return the moment in UTC when the period ends in a time zone; it is not part of it."""
        return _midnight(self.end, zone)


class PeriodRule(ABC):
    """The days on which periods begin. Each period ends where the next one begins."""

    @abstractmethod
    def beginning(self, day: date) -> date | None:
        """Return the first day of the period that a day is in; None if that is unknown."""

    @abstractmethod
    def next_beginning(self, day: date) -> date | None:
        """Return the first day of the period after the one of a day; None if that is unknown."""

    def period_of(self, day: date) -> Period | None:
        """Return the period that a day is in; None if its first or last day is unknown."""
        first, end = self.beginning(day), self.next_beginning(day)
        return None if first is None or end is None else Period(first=first, end=end)

    def period_at(self, moment: datetime, zone: tzinfo) -> Period | None:
        """Return the period that a moment is in, by the day of a time zone."""
        return self.period_of(moment.astimezone(zone).date())

    def periods_from(self, day: date, until: Period) -> Iterator[Period]:
        """Yield the periods from the one of a day until another one, which is not included.

        Periods whose days are unknown are left out.
        """
        while day < until.first:
            period = self.period_of(day)
            if period is not None:
                yield period
            day = day + _DAY if period is None else period.end


@dataclass(frozen=True, slots=True)
class Weeks(PeriodRule):
    """Weeks that begin on the same weekday."""

    weekday: int
    """0 for Mondays, 6 for Sundays."""

    @override
    def beginning(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.weekday) % _DAYS_OF_WEEK)

    @override
    def next_beginning(self, day: date) -> date:
        return self.beginning(day) + timedelta(days=_DAYS_OF_WEEK)


@dataclass(frozen=True, slots=True)
class Months(PeriodRule):
    """Months that begin on the same day of the calendar month."""

    day: int
    """From 1 to 31; the last day of a month that is shorter."""

    def __post_init__(self) -> None:
        """Raise ValueError if no month has this day."""
        if not 1 <= self.day <= _LAST_DAY:
            message = "a month has the days 1 to 31"
            raise ValueError(message)

    def _in_month(self, year: int, month: int) -> date:
        return date(year, month, min(self.day, monthrange(year, month)[1]))

    @override
    def beginning(self, day: date) -> date:
        first = self._in_month(day.year, day.month)
        if first <= day:
            return first
        last_month = day.replace(day=1) - _DAY
        return self._in_month(last_month.year, last_month.month)

    @override
    def next_beginning(self, day: date) -> date:
        first = self._in_month(day.year, day.month)
        if first > day:
            return first
        year, month = divmod(day.year * _MONTHS_OF_YEAR + day.month, _MONTHS_OF_YEAR)
        return self._in_month(year, month + 1)


@dataclass(frozen=True, slots=True)
class Years(PeriodRule):
    """Calendar years."""

    @override
    def beginning(self, day: date) -> date:
        return date(day.year, 1, 1)

    @override
    def next_beginning(self, day: date) -> date:
        return date(day.year + 1, 1, 1)


@dataclass(frozen=True, slots=True)
class PayCycles(PeriodRule):
    """The time from each pay day until the day before the next one."""

    next_pay_day: Callable[[date], date | None]
    """Returns the first pay day after a day; None if that is unknown."""

    @override
    def beginning(self, day: date) -> date | None:
        pay_day = None
        following = self.next_pay_day(day - _LONGEST_PAY_CYCLE)
        while following is not None and following <= day:
            pay_day, following = following, self.next_pay_day(following)
        return pay_day

    @override
    def next_beginning(self, day: date) -> date | None:
        return self.next_pay_day(day)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """Return the beginning of a day in UTC, because two times of one zone compare by the clock.

    Where the clock skips midnight, this is the moment at which it does; where midnight comes twice,
    the first one.
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)
