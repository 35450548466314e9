"""Working days of banks in England, compared with an independent list of holidays."""

from datetime import date, timedelta

import holidays
import pytest

from custom_components.monzo.recurring.working_days import (
    is_working_day,
    next_working_day,
    previous_working_day,
)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 11, 27), True),  # a Friday
        (date(2026, 11, 28), False),  # a Saturday
        (date(2026, 11, 29), False),  # a Sunday
        (date(2026, 4, 3), False),  # Good Friday
        (date(2026, 12, 25), False),  # Christmas Day
        (date(2026, 12, 28), False),  # Boxing Day is on a Saturday, so the Monday is free
        (date(2022, 9, 19), False),  # the funeral of Elizabeth II
    ],
)
def test_banks_work_on_weekdays_that_are_no_bank_holidays(day: date, *, works: bool) -> None:
    assert is_working_day(day) is works


def test_a_working_day_stays() -> None:
    day = date(2026, 11, 27)
    assert next_working_day(day) == previous_working_day(day) == day


def test_a_day_moves_over_weekends_and_bank_holidays() -> None:
    assert next_working_day(date(2026, 4, 3)) == date(2026, 4, 7)
    assert previous_working_day(date(2026, 4, 6)) == date(2026, 4, 2)


def test_the_rules_agree_with_a_published_list_of_forty_years() -> None:
    published = holidays.country_holidays("GB", subdiv="ENG")
    days = [date(2011, 1, 1) + timedelta(days=number) for number in range(365 * 40)]
    free = [day for day in days if day.weekday() < 5 and not is_working_day(day)]
    assert free == [day for day in days if day.weekday() < 5 and day in published]
