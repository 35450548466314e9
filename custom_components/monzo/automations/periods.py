"""Periods for sums of spending, from their start until now."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.util import dt as dt_util

from ..accounts import start_of_bank_day


class Period(StrEnum):
    """The periods that the user can choose."""

    TODAY = "today"
    THIS_WEEK = "this_week"
    THIS_MONTH = "this_month"


def start_of_period(period: Period, now: datetime) -> datetime:
    """Return the start of the current period."""
    return _STARTS[period](now)


def _start_of_week(now: datetime) -> datetime:
    """Return the last midnight from Sunday to Monday, in Home Assistant's time zone."""
    today = dt_util.as_local(now).date()
    return dt_util.start_of_local_day(today - timedelta(days=today.weekday()))


def _start_of_month(now: datetime) -> datetime:
    """Return the midnight before the first of the month, in Home Assistant's time zone."""
    return dt_util.start_of_local_day(dt_util.as_local(now).date().replace(day=1))


# Today starts with the bank's day, like the sensor of today's spending.
_STARTS: Final[Mapping[Period, Callable[[datetime], datetime]]] = {
    Period.TODAY: start_of_bank_day,
    Period.THIS_WEEK: _start_of_week,
    Period.THIS_MONTH: _start_of_month,
}
