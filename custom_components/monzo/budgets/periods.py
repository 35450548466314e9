"""Periods of budgets, such as months and pay cycles, from local midnight to local midnight."""

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

# No pay cycle is longer. If the last pay day is longer ago, the current period is unknown.
_LONGEST_PAY_CYCLE: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Consecutive whole days."""

    first: date

    end: date
    """The first day after the period."""

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.first).days

    def since(self, zone: tzinfo) -> datetime:
        """Return the start of the period in a time zone, as a moment in UTC."""
        return _midnight(self.first, zone)

    def until(self, zone: tzinfo) -> datetime:
        """Return the exclusive end of the period in a time zone, as a moment in UTC."""
        return _midnight(self.end, zone)


class PeriodRule(ABC):
    """A rule for the days on which periods begin. Each period ends where the next one begins."""

    @abstractmethod
    def beginning(self, day: date) -> date | None:
        """Return the first day of the period that contains a day; None if it is unknown."""

    @abstractmethod
    def next_beginning(self, day: date) -> date | None:
        """Return the first day of the period after the one that contains a day; None if unknown."""

    def period_of(self, day: date) -> Period | None:
        """Return the period that contains a day; None if its first or last day is unknown."""
        first, end = self.beginning(day), self.next_beginning(day)
        return None if first is None or end is None else Period(first=first, end=end)

    def period_at(self, moment: datetime, zone: tzinfo) -> Period | None:
        """Return the period that contains a moment, by its day in a time zone."""
        return self.period_of(moment.astimezone(zone).date())

    def periods_from(self, day: date, until: Period) -> Iterator[Period]:
        """Yield the periods from the one that contains a day up to, but not including, another one.

        Periods with unknown days are left out.
        """
        while day < until.first:
            period = self.period_of(day)
            if period is not None:
                yield period
            day = day + _DAY if period is None else period.end


@dataclass(frozen=True, slots=True)
class Weeks(PeriodRule):
    """Weeks that all begin on the same weekday."""

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
    """Months that all begin on the same day of the calendar month."""

    day: int
    """From 1 to 31. In shorter months, it is the last day."""

    def __post_init__(self) -> None:
        """Raise ValueError if no month has such a day."""
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
    """Pay cycles, from each pay day until the day before the next one."""

    next_pay_day: Callable[[date], date | None]
    """Returns the first pay day after a day; None if it is unknown."""

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
    """Return the start of a local day in UTC.

    UTC, because Python compares two times of the same zone by their wall clocks. If the clock skips
    midnight, the day starts when it does. If midnight comes twice, the first one counts.
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)
