"""The same point of past periods: how far they had come when this one had come as far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from ..budgets import Months, Period, Weeks, Years

_DAY: Final = timedelta(days=1)
_MONTHS: Final = Months(1)

type _Rule = Weeks | Months | Years


class ComparedPeriod(StrEnum):
    """The periods that can be compared."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_RULES: Final[Mapping[ComparedPeriod, _Rule]] = {
    ComparedPeriod.WEEK: Weeks(0),
    ComparedPeriod.MONTH: _MONTHS,
    ComparedPeriod.YEAR: Years(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOfPeriod:
    """A period from its beginning until the same point as now, in UTC."""

    since: datetime

    until: datetime
    """The exclusive end."""


def parts_to_compare(
    kind: ComparedPeriod, end: datetime, count: int, zone: tzinfo
) -> list[PartOfPeriod]:
    """Return a period until a moment, and the same part of the ones before, newest first.

    The same point is the same weekday, day of the month, or date, at the same time in the zone. A
    month that has no such day counts as a whole. At the very end of a period, whole periods are
    compared.
    """
    rule, local = _RULES[kind], end.astimezone(zone)
    # The moment itself is no part of the period.
    last = (end - datetime.resolution).astimezone(zone)
    period = current = _period_of(rule, last.date())
    parts = [PartOfPeriod(since=current.since(zone), until=end.astimezone(UTC))]
    for _number in range(count):
        period = _period_of(rule, period.first - _DAY)
        if end == current.until(zone):
            until = period.until(zone)
        elif kind is ComparedPeriod.YEAR:
            until = _same_point_of_year(period, local)
        else:
            until = _same_point(period, current, local)
        parts.append(PartOfPeriod(since=period.since(zone), until=until))
    return parts


def _period_of(rule: _Rule, day: date) -> Period:
    return Period(first=rule.beginning(day), end=rule.next_beginning(day))


def _same_point_of_year(year: Period, now: datetime) -> datetime:
    """Return the same point of a past year: that of its month in which the year now is."""
    month = _period_of(_MONTHS, date(year.first.year, now.month, 1))
    return _same_point(month, _period_of(_MONTHS, now.date()), now)


def _same_point(past: Period, current: Period, now: datetime) -> datetime:
    """Return the moment at which a past period had come as far as the current one has now.

    `now` is in the zone in which the periods begin at midnight.
    """
    zone = now.tzinfo or UTC
    day = past.first + (now.date() - current.first)
    if day >= past.end:
        return past.until(zone)
    return datetime.combine(day, now.time(), zone).astimezone(UTC)
