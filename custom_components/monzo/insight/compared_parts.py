"""Parts of periods that can be compared, such as the first ten days of each month."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from ..budgets import Months, PayCycles, Period, PeriodRule, Weeks, Years

_DAY: Final = timedelta(days=1)
_MONTHS: Final = Months(1)

type NextPayDay = Callable[[date], date | None]
"""Returns the first pay day after a day; None if that is unknown."""


class ComparedPeriod(StrEnum):
    """The types of periods that can be compared."""

    WEEK = "week"
    MONTH = "month"
    PAY_CYCLE = "pay_cycle"
    YEAR = "year"

    def rule(self, next_pay_day: NextPayDay) -> PeriodRule:
        """Return the days on which these periods begin."""
        match self:
            case ComparedPeriod.WEEK:
                return Weeks(0)
            case ComparedPeriod.MONTH:
                return _MONTHS
            case ComparedPeriod.PAY_CYCLE:
                return PayCycles(next_pay_day)
            case ComparedPeriod.YEAR:
                return Years()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOfPeriod:
    """A period from its beginning to the point that the current period has reached, in UTC."""

    since: datetime

    until: datetime
    """The end, exclusive."""


def parts_to_compare(
    kind: ComparedPeriod, end: datetime, count: int, zone: tzinfo, next_pay_day: NextPayDay
) -> list[PartOfPeriod]:
    """Return the part of a period up to a moment, and the same part of earlier periods.

    The newest part comes first. The same point is the same weekday, day of the month, date, or
    number of days after pay day, at the same local time. A month or pay cycle that is too short for
    it counts as a whole. If the moment is the end of a period, whole periods are compared. Pay
    cycles are left out if one of their pay days is unknown. If that is the current pay cycle, the
    result is empty.
    """
    rule, local = kind.rule(next_pay_day), end.astimezone(zone)
    # The period does not include the moment itself.
    last = (end - datetime.resolution).astimezone(zone)
    period = current = rule.period_of(last.date())
    if period is None or current is None:
        return []
    parts = [PartOfPeriod(since=current.since(zone), until=end.astimezone(UTC))]
    while len(parts) <= count:
        period = rule.period_of(period.first - _DAY)
        if period is None:
            break
        if end == current.until(zone):
            until = period.until(zone)
        elif kind is ComparedPeriod.YEAR:
            until = _same_point_of_year(period, local)
        else:
            until = _same_point(period, current, local)
        parts.append(PartOfPeriod(since=period.since(zone), until=until))
    return parts


def _same_point_of_year(year: Period, now: datetime) -> datetime:
    """Return the same month, and the same point of that month, in a past year."""
    month = _month_of(date(year.first.year, now.month, 1))
    return _same_point(month, _month_of(now.date()), now)


def _month_of(day: date) -> Period:
    return Period(first=_MONTHS.beginning(day), end=_MONTHS.next_beginning(day))


def _same_point(past: Period, current: Period, now: datetime) -> datetime:
    """Return the moment at which a past period reached the point where the current one is now.

    `now` is in the time zone in which the periods begin at midnight.
    """
    zone = now.tzinfo or UTC
    day = past.first + (now.date() - current.first)
    if day >= past.end:
        return past.until(zone)
    return datetime.combine(day, now.time(), zone).astimezone(UTC)
