"""Working days of banks in England: all days except weekends and bank holidays."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

_DAY: Final = timedelta(days=1)
_MONDAY, _SATURDAY = 0, 5

# Royal occasions, and the years in which a holiday was moved for one. Each is proclaimed for a
# single year, so no rule can predict it: https://www.gov.uk/bank-holidays
_MOVED: Final = {
    date(2012, 5, 28): date(2012, 6, 4),
    date(2020, 5, 4): date(2020, 5, 8),
    date(2022, 5, 30): date(2022, 6, 2),
}
_ADDED: Final = (
    date(2011, 4, 29),
    date(2012, 6, 5),
    date(2022, 6, 3),
    date(2022, 9, 19),
    date(2023, 5, 8),
)


@lru_cache(maxsize=65536)
def is_working_day(day: date) -> bool:
    """Return whether banks are open on a day."""
    return day.weekday() < _SATURDAY and day not in _bank_holidays(day.year)


@lru_cache(maxsize=65536)
def next_working_day(day: date) -> date:
    """Return the day itself if it is a working day, or else the next working day."""
    while not is_working_day(day):
        day += _DAY
    return day


@lru_cache(maxsize=65536)
def previous_working_day(day: date) -> date:
    """Return the day itself if it is a working day, or else the previous working day."""
    while not is_working_day(day):
        day -= _DAY
    return day


@lru_cache(maxsize=256)
def _bank_holidays(year: int) -> frozenset[date]:
    """Return the bank holidays of a year, as defined by the Banking and Financial Dealings Act."""
    easter = _easter_sunday(year)
    holidays = {
        easter - 2 * _DAY,
        easter + _DAY,
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
    }
    holidays = {_MOVED.get(day, day) for day in holidays}
    holidays.update(day for day in _ADDED if day.year == year)
    # If one of these is on a weekend, a substitute follows it.
    for fixed in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        substitute = fixed
        while substitute.weekday() >= _SATURDAY or substitute in holidays:
            substitute += _DAY
        holidays.add(substitute)
    return frozenset(holidays)


def _monday_from(day: date) -> date:
    """Return the day itself if it is a Monday, or else the next Monday."""
    return day + (_MONDAY - day.weekday()) % 7 * _DAY


def _easter_sunday(year: int) -> date:
    """Return Easter Sunday in the Gregorian calendar, by the anonymous algorithm of 1876."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
