"""The same point of past periods, also of months of different length and across clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.insight.compared_parts import (
    ComparedPeriod,
    NextPayDay,
    PartOfPeriod,
    parts_to_compare,
)
from custom_components.monzo.recurring.pay_day import PayDayBasis, PayDayRule, PayDays

LONDON = ZoneInfo("Europe/London")

CALENDAR = (ComparedPeriod.WEEK, ComparedPeriod.MONTH, ComparedPeriod.YEAR)
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the time zone
ZONES = st.sampled_from(
    ["Europe/London", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"]
).map(ZoneInfo)


def local(text: str) -> datetime:
    """Return a local time in London."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def never(_day: date) -> None:
    """Return no pay day."""


def parts(
    kind: ComparedPeriod, now: str, count: int, next_pay_day: NextPayDay = never
) -> list[tuple[str, str]]:
    """Return the local times of the current part and the past ones."""

    def shown(moment: datetime) -> str:
        return f"{moment.astimezone(LONDON):%Y-%m-%d %H:%M}"

    return [
        (shown(part.since), shown(part.until))
        for part in parts_to_compare(kind, local(now), count, LONDON, next_pay_day)
    ]


def test_a_month_is_compared_until_the_same_day_and_time() -> None:
    assert parts(ComparedPeriod.MONTH, "2027-06-10 18:30", 2) == [
        ("2027-06-01 00:00", "2027-06-10 18:30"),
        ("2027-05-01 00:00", "2027-05-10 18:30"),
        ("2027-04-01 00:00", "2027-04-10 18:30"),
    ]


@pytest.mark.parametrize("day", [29, 30, 31])
def test_a_month_without_the_day_counts_as_a_whole(day: int) -> None:
    _march, february, january = parts(ComparedPeriod.MONTH, f"2027-03-{day} 10:00", 2)
    assert february == ("2027-02-01 00:00", "2027-03-01 00:00")
    assert january == ("2027-01-01 00:00", f"2027-01-{day} 10:00")


def test_the_last_day_of_a_short_month_is_no_whole_long_month() -> None:
    _february, january = parts(ComparedPeriod.MONTH, "2027-02-28 10:00", 1)
    assert january == ("2027-01-01 00:00", "2027-01-28 10:00")


def test_a_week_is_compared_until_the_same_weekday_across_the_change_of_the_clocks() -> None:
    assert parts(ComparedPeriod.WEEK, "2027-03-31 10:00", 1) == [
        ("2027-03-29 00:00", "2027-03-31 10:00"),
        ("2027-03-22 00:00", "2027-03-24 10:00"),
    ]


def test_a_year_is_compared_until_the_same_date() -> None:
    assert parts(ComparedPeriod.YEAR, "2028-03-01 09:00", 1) == [
        ("2028-01-01 00:00", "2028-03-01 09:00"),
        ("2027-01-01 00:00", "2027-03-01 09:00"),
    ]
    # On 29 February, other years count until the end of February.
    assert parts(ComparedPeriod.YEAR, "2028-02-29 09:00", 4)[1:] == [
        (f"{year}-01-01 00:00", until)
        for year, until in (
            (2027, "2027-03-01 00:00"),
            (2026, "2026-03-01 00:00"),
            (2025, "2025-03-01 00:00"),
            (2024, "2024-02-29 09:00"),
        )
    ]


def test_at_its_end_a_month_is_compared_with_whole_months() -> None:
    assert parts(ComparedPeriod.MONTH, "2027-03-01 00:00", 1) == [
        ("2027-02-01 00:00", "2027-03-01 00:00"),
        ("2027-01-01 00:00", "2027-02-01 00:00"),
    ]
    # Just after it, nothing has been spent in this month.
    assert parts(ComparedPeriod.MONTH, "2027-03-01 00:01", 1) == [
        ("2027-03-01 00:00", "2027-03-01 00:01"),
        ("2027-02-01 00:00", "2027-02-01 00:01"),
    ]


LAST_WORKING_DAYS = PayDays(rule=PayDayRule(basis=PayDayBasis.LAST_WORKING_DAY))


def test_a_pay_cycle_is_compared_until_as_many_days_after_pay_day() -> None:
    after = LAST_WORKING_DAYS.after
    assert parts(ComparedPeriod.PAY_CYCLE, "2027-06-10 10:00", 2, after) == [
        ("2027-05-28 00:00", "2027-06-10 10:00"),
        ("2027-04-30 00:00", "2027-05-13 10:00"),
        ("2027-03-31 00:00", "2027-04-13 10:00"),
    ]
    # The cycle before had 28 days only.
    assert parts(ComparedPeriod.PAY_CYCLE, "2027-06-29 10:00", 1, after)[1] == (
        "2027-04-30 00:00",
        "2027-05-28 00:00",
    )
    assert parts(ComparedPeriod.PAY_CYCLE, "2027-05-28 00:00", 1, after) == [
        ("2027-04-30 00:00", "2027-05-28 00:00"),
        ("2027-03-31 00:00", "2027-04-30 00:00"),
    ]


def test_pay_cycles_end_where_pay_days_are_unknown() -> None:
    days = (date(2027, 4, 30), date(2027, 5, 28), date(2027, 6, 30))
    after = PayDays(rule=PayDayRule(), detected=days).after
    assert len(parts(ComparedPeriod.PAY_CYCLE, "2027-06-10 10:00", 5, after)) == 2
    assert parts(ComparedPeriod.PAY_CYCLE, "2027-06-10 10:00", 5) == []


@given(kind=st.sampled_from(CALENDAR), now=MOMENTS, zone=ZONES)
def test_past_parts_are_never_longer_than_their_period(
    kind: ComparedPeriod, now: datetime, zone: ZoneInfo
) -> None:
    current, *past = parts_to_compare(kind, now, 5, zone, never)
    assert current.until == now
    later = current
    for part in past:
        assert part.since <= part.until <= later.since <= later.until
        later = part


@given(
    kind=st.sampled_from(CALENDAR),
    now=MOMENTS,
    hours=st.integers(1, 24 * 40),
)
def test_a_later_moment_is_compared_with_later_ones(
    kind: ComparedPeriod, now: datetime, hours: int
) -> None:
    def past(moment: datetime) -> tuple[PartOfPeriod, PartOfPeriod]:
        current, before = parts_to_compare(kind, moment, 1, LONDON, never)
        return current, before

    (current, before), (later, later_before) = past(now), past(now + timedelta(hours=hours))
    # One hour is repeated in autumn and skipped in spring.
    tolerance = timedelta(hours=1)
    if current.since == later.since:
        assert before.until <= later_before.until + tolerance
