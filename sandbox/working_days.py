"""Working days of banks in England."""

from datetime import date, timedelta

import holidays

_BANK_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")
_DAY = timedelta(days=1)
_SATURDAY = 5


def is_working_day(day: date) -> bool:
    """Return whether banks work on a day: not on weekends, and not on bank holidays."""
    return day.weekday() < _SATURDAY and day not in _BANK_HOLIDAYS


def next_working_day(day: date) -> date:
    """Return a day, or the first working day after it."""
    while not is_working_day(day):
        day += _DAY
    return day


def previous_working_day(day: date) -> date:
    """Return a day, or the last working day before it."""
    while not is_working_day(day):
        day -= _DAY
    return day
