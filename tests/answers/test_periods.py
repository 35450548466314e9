"""Periods that a language model asks about are whole days where Home Assistant is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.util import dt as dt_util
import pytest
import voluptuous as vol

from custom_components.monzo.answers import AnswerError
from custom_components.monzo.answers.periods import (
    local_span,
    period_fields,
    requested_period,
    shown_period,
)

# It is Thursday, the 1st of January 2026, in London, and still 2025 in America.
NOW = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)

SCHEMA = vol.Schema(period_fields("this_month"))


@pytest.fixture(autouse=True)
def _in_london() -> Iterator[None]:
    before = dt_util.get_default_time_zone()
    dt_util.set_default_time_zone(ZoneInfo("Europe/London"))
    yield
    dt_util.set_default_time_zone(before)


def days(**fields: Any) -> tuple[str, str]:
    """Return the first and the last day of the period in the arguments of a model."""
    shown = shown_period(requested_period(SCHEMA(fields), NOW))
    return shown["first_day"], shown["last_day"]


PERIODS = {
    "today": ("2026-01-01", "2026-01-01"),
    "yesterday": ("2025-12-31", "2025-12-31"),
    "this_week": ("2025-12-29", "2026-01-04"),
    "last_week": ("2025-12-22", "2025-12-28"),
    "this_month": ("2026-01-01", "2026-01-31"),
    "last_month": ("2025-12-01", "2025-12-31"),
    "this_year": ("2026-01-01", "2026-12-31"),
    "last_year": ("2025-01-01", "2025-12-31"),
    "any_time": ("2000-01-01", "2026-01-01"),
}


@pytest.mark.parametrize("name", PERIODS)
def test_a_period_has_a_name(name: str) -> None:
    assert days(period=name) == PERIODS[name]


def test_without_a_period_it_is_the_default() -> None:
    assert days() == PERIODS["this_month"]


def test_the_day_is_that_of_home_assistant() -> None:
    dt_util.set_default_time_zone(ZoneInfo("America/New_York"))
    assert days(period="today") == ("2025-12-31", "2025-12-31")


def test_other_periods_have_a_first_and_a_last_day() -> None:
    assert days(first_day="2025-11-05", last_day="2025-11-07") == ("2025-11-05", "2025-11-07")
    assert days(first_day="2025-11-05") == ("2025-11-05", "2026-01-01")
    assert days(first_day="2026-01-01", period="last_year") == ("2026-01-01", "2026-01-01")


def test_a_period_begins_and_ends_at_local_midnight_across_a_change_of_the_clocks() -> None:
    fields = SCHEMA({"first_day": "2025-10-26", "last_day": "2025-10-26"})
    assert local_span(requested_period(fields, NOW)) == (
        datetime(2025, 10, 25, 23, tzinfo=UTC),
        datetime(2025, 10, 27, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"first_day": "2026-01-02"}, "2026-01-02 is in the future. Today is 2026-01-01."),
        (
            {"first_day": "2025-12-05", "last_day": "2025-12-04"},
            "The first day, 2025-12-05, is after the last day, 2025-12-04.",
        ),
    ],
)
def test_a_period_without_days_so_far_is_an_error(fields: dict[str, str], text: str) -> None:
    with pytest.raises(AnswerError) as error:
        days(**fields)
    assert str(error.value) == text


@pytest.mark.parametrize("day", ["tomorrow", "1999-12-31", "3000-01-01", "2026-02-30", 5])
def test_an_impossible_day_is_invalid(day: object) -> None:
    with pytest.raises(vol.Invalid):
        SCHEMA({"first_day": day})


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_oldest_and_the_newest_day_exist_everywhere(zone: str) -> None:
    dt_util.set_default_time_zone(ZoneInfo(zone))
    fields = SCHEMA({"first_day": "2000-01-01", "last_day": "2999-12-31"})
    period = requested_period(fields, NOW)
    since, before = local_span(period)
    assert since < before
    assert period.end == date(3000, 1, 1)
