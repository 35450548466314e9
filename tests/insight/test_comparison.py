"""Amounts beside the mean of past periods, exact to the penny."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.insight import Comparison, compare_groups

AMOUNTS = st.integers(-10_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("minor", "past", "mean", "difference", "percent"),
    [
        (12_000, [10_000, 10_000], "100.00", "20.00", "20.0"),
        (5_000, [10_000, 10_000, 10_001], "100.00", "-50.00", "-50.0"),
        (0, [1, 2], "0.02", "-0.02", "-100.0"),
        (1_000, [0, 0, 0], "0.00", "10.00", None),
        (1_000, [-500], "-5.00", "15.00", None),
        (1_000, [], None, None, None),
    ],
)
def test_an_amount_is_compared_with_the_mean(
    minor: int,
    past: list[int],
    mean: str | None,
    difference: str | None,
    percent: str | None,
) -> None:
    comparison = Comparison.of(minor, past, "GBP")
    shown = [money and str(money.amount) for money in (comparison.mean, comparison.difference)]
    assert shown == [mean, difference]
    assert comparison.percent == (None if percent is None else Decimal(percent))


@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=60))
def test_the_mean_is_less_than_a_penny_off(minor: int, past: list[int]) -> None:
    comparison = Comparison.of(minor, past, "GBP")
    assert comparison.mean is not None
    assert comparison.difference is not None
    assert abs(comparison.mean.minor * len(past) - sum(past)) * 2 <= len(past)
    assert comparison.mean + comparison.difference == comparison.amount


def test_groups_count_as_zero_where_they_are_missing_and_the_highest_is_the_first() -> None:
    compared = compare_groups(
        {"groceries": 100, "bills": 500}, [{"bills": 300}, {"bills": 500, "gifts": 40}], "GBP"
    )
    assert [
        (name, it.amount.minor, it.mean and it.mean.minor) for name, it in compared.items()
    ] == [("bills", 500, 400), ("groceries", 100, 0), ("gifts", 0, 20)]
