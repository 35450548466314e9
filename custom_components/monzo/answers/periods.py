"""Periods in questions: whole days in Home Assistant's time zone."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import DateSelector
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..budgets import Months, Period, Weeks, Years
from .answer_error import AnswerError

FIELD_PERIOD: Final = "period"
FIELD_FIRST_DAY: Final = "first_day"
FIELD_LAST_DAY: Final = "last_day"

_DAY: Final = timedelta(days=1)
_WEEKS: Final = Weeks(0)
_MONTHS: Final = Months(1)
_YEARS: Final = Years()

# No data is older or newer than these days, and both exist in all time zones.
_OLDEST: Final = date(2000, 1, 1)
_NEWEST: Final = date(2999, 12, 31)
_ANY_DAY: Final = vol.All(DateSelector(), cv.date, vol.Range(min=_OLDEST, max=_NEWEST))


def _days(first: date, last: date) -> Period:
    return Period(first=first, end=last + _DAY)


def _containing(rule: Weeks | Months | Years, day: date) -> Period:
    return Period(first=rule.beginning(day), end=rule.next_beginning(day))


def _before(rule: Weeks | Months | Years, today: date) -> Period:
    return _containing(rule, rule.beginning(today) - _DAY)


_PERIODS: Final[Mapping[str, Callable[[date], Period]]] = {
    "today": lambda today: _days(today, today),
    "yesterday": lambda today: _days(today - _DAY, today - _DAY),
    "this_week": lambda today: _containing(_WEEKS, today),
    "last_week": lambda today: _before(_WEEKS, today),
    "this_month": lambda today: _containing(_MONTHS, today),
    "last_month": lambda today: _before(_MONTHS, today),
    "this_year": lambda today: _containing(_YEARS, today),
    "last_year": lambda today: _before(_YEARS, today),
    "any_time": lambda today: _days(_OLDEST, today),
}


def period_fields(default: str) -> dict[Any, Any]:
    """Return the schema fields for the period of a question."""
    return {
        vol.Optional(
            FIELD_PERIOD, default=default, description="A period. Weeks begin on Mondays."
        ): vol.In([*_PERIODS]),
        vol.Optional(
            FIELD_FIRST_DAY, description="The first day of a period that has no name"
        ): _ANY_DAY,
        vol.Optional(
            FIELD_LAST_DAY, description="The last day of that period; without it, today"
        ): _ANY_DAY,
    }


def requested_period(fields: Mapping[str, Any], now: datetime) -> Period:
    """Return the period of a question.

    Raises AnswerError if all of its days are in the future.
    """
    today = dt_util.as_local(now).date()
    first: date | None = fields.get(FIELD_FIRST_DAY)
    if first is None:
        return _PERIODS[fields[FIELD_PERIOD]](today)
    last: date = fields.get(FIELD_LAST_DAY, today)
    if first > today:
        message = f"{first} is in the future. Today is {today}."
        raise AnswerError(message)
    if last < first:
        message = f"The first day, {first}, is after the last day, {last}."
        raise AnswerError(message)
    return _days(first, last)


def local_span(period: Period) -> tuple[datetime, datetime]:
    """Return the moments at which a period begins and ends."""
    zone = dt_util.get_default_time_zone()
    return period.since(zone), period.until(zone)


def shown_period(period: Period) -> dict[str, str]:
    """Return the first and last day of a period for an answer."""
    return {
        FIELD_FIRST_DAY: period.first.isoformat(),
        FIELD_LAST_DAY: (period.end - _DAY).isoformat(),
    }
