"""When the periods of spending start."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.monzo.automations.periods import Period, start_of_period

# For each period: Home Assistant's time zone, a local time there, and the local start.
STARTS: dict[str, tuple[Period, str, str, str]] = {
    "a day": (Period.TODAY, "Europe/London", "2027-06-16 10:00", "2027-06-16 04:00"),
    "a day at its start": (Period.TODAY, "Europe/London", "2027-06-16 04:00", "2027-06-16 04:00"),
    "a day before four": (Period.TODAY, "Europe/London", "2027-06-16 03:59", "2027-06-15 04:00"),
    "a day in winter": (Period.TODAY, "Europe/London", "2027-12-16 10:00", "2027-12-16 04:00"),
    # Four o'clock in London, five hours earlier.
    "a day abroad": (Period.TODAY, "America/New_York", "2027-06-16 10:00", "2027-06-15 23:00"),
    "a week": (Period.THIS_WEEK, "Europe/London", "2027-06-16 10:00", "2027-06-14 00:00"),
    "a week on Monday": (Period.THIS_WEEK, "Europe/London", "2027-06-14 00:00", "2027-06-14 00:00"),
    "a week on Sunday": (Period.THIS_WEEK, "Europe/London", "2027-06-13 23:59", "2027-06-07 00:00"),
    "a week abroad": (Period.THIS_WEEK, "America/New_York", "2027-06-13 23:59", "2027-06-07 00:00"),
    "a week after the clocks changed": (
        Period.THIS_WEEK,
        "Europe/London",
        "2027-03-28 12:00",
        "2027-03-22 00:00",
    ),
    "a month": (Period.THIS_MONTH, "Europe/London", "2027-06-16 10:00", "2027-06-01 00:00"),
    "a month on its first": (
        Period.THIS_MONTH,
        "Europe/London",
        "2027-06-01 00:00",
        "2027-06-01 00:00",
    ),
    "a month abroad": (
        Period.THIS_MONTH,
        "America/New_York",
        "2027-05-31 23:59",
        "2027-05-01 00:00",
    ),
    "a month after the clocks changed": (
        Period.THIS_MONTH,
        "Europe/London",
        "2027-10-31 12:00",
        "2027-10-01 00:00",
    ),
}


@pytest.mark.parametrize(("period", "zone", "now", "start"), STARTS.values(), ids=STARTS)
async def test_a_day_is_the_banks_and_a_week_and_a_month_are_home_assistants(
    hass: HomeAssistant, period: Period, zone: str, now: str, start: str
) -> None:
    await dt_util.async_get_time_zone("Europe/London")
    await hass.config.async_set_time_zone(zone)
    here = ZoneInfo(zone)
    moment = datetime.fromisoformat(now).replace(tzinfo=here).astimezone(UTC)

    assert start_of_period(period, moment) == datetime.fromisoformat(start).replace(tzinfo=here)
