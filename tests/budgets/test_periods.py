"""Periods of budgets begin at local midnight, and follow each other without a gap."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.budgets.periods import (
    Months,
    PayCycles,
    Period,
    PeriodRule,
    Weeks,
    Years,
)
from custom_components.monzo.recurring.pay_day import PayDayBasis, PayDayRule, next_pay_day

LONDON = ZoneInfo("Europe/London")

# In some of them, the clock skips midnight or shows it twice; one has skipped a whole day.
ZONES = tuple(
    map(
        ZoneInfo,
        (
            *("Europe/London", "America/Los_Angeles", "America/Havana", "America/Santiago"),
            *("Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "UTC"),
        ),
    )
)


def pay_cycles(rule: PayDayRule) -> PayCycles:
    return PayCycles(lambda day: next_pay_day(rule, (), day))


def paid_on(days: Iterable[date]) -> PayCycles:
    """Return the cycles of pay days of which no others are known."""
    pay_days = sorted(days)
    return PayCycles(lambda day: next((it for it in pay_days if it > day), None))


RULES: st.SearchStrategy[PeriodRule] = st.one_of(
    st.builds(Months, st.integers(1, 31)),
    st.builds(Weeks, st.integers(0, 6)),
    st.just(Years()),
    st.builds(PayDayRule, basis=st.just(PayDayBasis.LAST_WORKING_DAY)).map(pay_cycles),
    st.builds(PayDayRule, basis=st.just(PayDayBasis.DAY_OF_MONTH), day=st.integers(1, 31)).map(
        pay_cycles
    ),
)
DAYS = st.dates(date(2008, 1, 1), date(2040, 12, 31))


def period(rule: PeriodRule, day: str) -> tuple[str, str]:
    """Return the first day of a day's period, and that of the next one."""
    found = rule.period_of(date.fromisoformat(day))
    assert found is not None
    return found.first.isoformat(), found.end.isoformat()


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        (Months(1), "2026-11-29", ("2026-11-01", "2026-12-01")),
        (Months(25), "2026-12-24", ("2026-11-25", "2026-12-25")),
        (Months(25), "2026-12-25", ("2026-12-25", "2027-01-25")),
        (Months(31), "2026-02-27", ("2026-01-31", "2026-02-28")),
        (Months(31), "2026-02-28", ("2026-02-28", "2026-03-31")),
        (Months(31), "2028-02-28", ("2028-01-31", "2028-02-29")),
        (Months(30), "2027-03-29", ("2027-02-28", "2027-03-30")),
        (Months(29), "2028-02-29", ("2028-02-29", "2028-03-29")),
        (Weeks(0), "2026-11-29", ("2026-11-23", "2026-11-30")),
        (Weeks(6), "2026-11-29", ("2026-11-29", "2026-12-06")),
        (Years(), "2028-02-29", ("2028-01-01", "2029-01-01")),
        # Pay days move to the working day before.
        (
            pay_cycles(PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=28)),
            "2026-11-29",
            ("2026-11-27", "2026-12-24"),
        ),
    ],
)
def test_a_period_has_its_day(rule: PeriodRule, day: str, expected: tuple[str, str]) -> None:
    assert period(rule, day) == expected


@given(RULES, DAYS)
def test_periods_follow_each_other_without_a_gap(rule: PeriodRule, day: date) -> None:
    current = rule.period_of(day)
    assert current is not None
    assert current.first <= day < current.end
    following = rule.period_of(current.end)
    assert following is not None
    assert following.first == current.end
    before = rule.period_of(current.first - timedelta(days=1))
    assert before is not None
    assert before.end == current.first


@given(RULES, DAYS)
def test_every_day_of_a_period_has_the_same_period(rule: PeriodRule, day: date) -> None:
    current = rule.period_of(day)
    assert current is not None
    for number in range(min(current.days, 40)):
        assert rule.period_of(current.first + timedelta(days=number)) == current


@given(RULES, st.datetimes(datetime(2008, 1, 1), datetime(2040, 12, 31)), st.sampled_from(ZONES))  # noqa: DTZ001 - made aware below
def test_every_moment_is_in_exactly_one_period(
    rule: PeriodRule, naive: datetime, zone: ZoneInfo
) -> None:
    moment = naive.replace(tzinfo=UTC)
    current = rule.period_at(moment, zone)
    assert current is not None
    assert current.since(zone) <= moment < current.until(zone)
    following = rule.period_of(current.end)
    assert following is not None
    assert following.since(zone) == current.until(zone)


@given(RULES, DAYS, st.integers(0, 400))
def test_past_periods_reach_from_a_day_to_the_current_one(
    rule: PeriodRule, day: date, later: int
) -> None:
    current = rule.period_of(day + timedelta(days=later))
    assert current is not None
    periods = [*rule.periods_from(day, current), current]
    assert periods[0].first <= day
    assert all(before.end == after.first for before, after in pairwise(periods))


def test_a_period_is_an_hour_shorter_or_longer_when_the_clock_changes() -> None:
    def hours(first: str, end: str) -> float:
        period = Period(first=date.fromisoformat(first), end=date.fromisoformat(end))
        return (period.until(LONDON) - period.since(LONDON)) / timedelta(hours=1)

    assert hours("2026-03-23", "2026-03-30") == 7 * 24 - 1
    assert hours("2026-10-19", "2026-10-26") == 7 * 24 + 1
    assert hours("2026-11-01", "2026-12-01") == 30 * 24


def test_a_pay_cycle_is_unknown_before_the_first_and_after_the_last_known_pay_day() -> None:
    rule = paid_on([date(2026, 9, 28), date(2026, 10, 28), date(2026, 11, 27)])
    assert rule.period_of(date(2026, 9, 27)) is None
    assert period(rule, "2026-09-28") == ("2026-09-28", "2026-10-28")
    assert period(rule, "2026-11-26") == ("2026-10-28", "2026-11-27")
    assert rule.period_of(date(2026, 11, 27)) is None


def test_past_periods_leave_out_the_time_before_the_first_known_pay_day() -> None:
    rule = paid_on([date(2026, 9, 28), date(2026, 10, 28), date(2026, 11, 27)])
    current = rule.period_of(date(2026, 11, 1))
    assert current is not None
    assert [it.first for it in rule.periods_from(date(2026, 9, 1), current)] == [date(2026, 9, 28)]


@pytest.mark.parametrize("day", [0, 32])
def test_no_month_has_other_days_than_1_to_31(day: int) -> None:
    with pytest.raises(ValueError, match="1 to 31"):
        Months(day)
