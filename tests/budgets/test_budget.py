"""What is left of a budget, how fast it is used, and what is carried over."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from custom_components.monzo.api import Money
from custom_components.monzo.budgets.budget import BudgetStatus, Limits, left_over
from custom_components.monzo.budgets.periods import Months, Period

NOVEMBER = Period(first=date(2026, 11, 1), end=date(2026, 12, 1))


def pence(minor: int) -> Money:
    return Money.from_minor(minor, "GBP")


def status(
    spent: int,
    *,
    limit: int = 30_000,
    carried_over: int = 0,
    day: int = 10,
    recurring: int = 0,
    upcoming: int = 0,
) -> BudgetStatus:
    """Return the status of a budget on a day of November; amounts are in pence."""
    return BudgetStatus(
        period=NOVEMBER,
        today=date(2026, 11, day),
        limit=pence(limit),
        carried_over=pence(carried_over),
        spent=pence(spent),
        recurring=pence(recurring),
        upcoming=pence(upcoming),
    )


def test_a_budget_shows_how_much_is_left() -> None:
    third = status(10_000)
    assert third.left == pence(20_000)
    assert third.used == Decimal("33.3")
    assert not third.is_over


def test_the_used_percentage_is_100_only_if_all_of_it_was_spent() -> None:
    assert status(29_999).used == Decimal("99.9")
    assert status(30_000).used == 100
    assert not status(30_000).is_over
    assert status(30_001).used == 100
    assert status(30_001).is_over


def test_refunds_can_leave_more_than_the_limit() -> None:
    refunded = status(-1_000)
    assert refunded.left == pence(31_000)
    assert refunded.used == Decimal("-3.4")
    assert refunded.projected == pence(-1_000)


def test_money_that_is_carried_over_can_be_spent_as_well() -> None:
    richer = status(30_000, carried_over=10_000)
    assert richer.left == pence(10_000)
    assert richer.used == 75
    assert not richer.is_over


def test_the_rest_is_shared_by_the_remaining_days_with_today() -> None:
    # 20,000 pence for the 21 days from the 10th to the 30th.
    assert status(10_000).left_per_day == pence(952)
    assert status(10_000, day=30).left_per_day == pence(20_000)
    assert status(40_000).left_per_day == pence(0)


def test_the_projection_continues_at_the_same_pace() -> None:
    assert status(10_000).projected == pence(30_000)
    assert status(10_000).is_on_track
    assert not status(10_001).is_on_track
    assert status(12_345, day=30).projected == pence(12_345)


def test_recurring_payments_count_once_in_the_projection() -> None:
    # 15,000 of 20,000 is the rent; the other 5,000 in ten days become 15,000 in thirty.
    assert status(20_000, recurring=15_000).projected == pence(30_000)
    assert status(5_000, upcoming=15_000).projected == pence(30_000)


@given(
    st.integers(-10_000_000, 10_000_000),
    st.integers(1, 10_000_000),
    st.integers(0, 10_000_000),
    st.integers(1, 30),
)
def test_the_figures_of_a_budget_agree_with_each_other(
    spent: int, limit: int, carried_over: int, day: int
) -> None:
    it = status(spent, limit=limit, carried_over=carried_over, day=day)
    assert it.spent + it.left == it.limit + it.carried_over
    assert it.is_over == (it.left < pence(0))
    assert (it.used >= 100) == (spent >= limit + carried_over)
    assert it.left_per_day.minor * it.days_left <= max(0, it.left.minor)
    assert it.projected >= it.spent
    assert not (it.is_over and it.is_on_track)


@given(st.lists(st.tuples(st.integers(1, 10_000), st.integers(-10_000, 20_000)), max_size=24))
def test_a_budget_carries_over_what_is_left_and_never_a_debt(months: list[tuple[int, int]]) -> None:
    expected = 0
    for limit, spent in months:
        expected = expected + limit - spent if expected + limit > spent else 0
    assert left_over([(pence(a), pence(b)) for a, b in months], "GBP") == pence(expected)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 1_000)), max_size=8))
def test_a_new_limit_applies_to_the_current_and_later_periods(
    changes: list[tuple[int, int]],
) -> None:
    months = Months(1)
    day, limits = date(2026, 1, 15), Limits(current=pence(50_000))
    expected: dict[date, Money] = {}
    last = pence(50_000)
    for later, new in changes:
        end = day + timedelta(days=later)
        while day < end:
            expected[months.beginning(day)] = last
            day += timedelta(days=1)
        last = pence(new)
        expected[months.beginning(day)] = last
        current = months.period_of(day)
        assert current is not None
        limits = limits.changed_to(last, current)
    for first, limit in expected.items():
        period = months.period_of(first)
        assert period is not None
        assert limits.of(period) == limit
