"""Which amounts are unusual at a merchant or in a category: few false alarms."""

from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.insight.unusual_amount import Basis, UsualAmount, compared_amount
from tests.transactions.test_record import record

AMOUNTS = st.lists(st.integers(1, 10_000_000), min_size=8, max_size=60)


def is_unusual(amount: int, earlier: list[int]) -> bool:
    usual = UsualAmount.of(earlier)
    return usual is not None and usual.is_exceeded_by(amount)


def test_a_fixed_price_is_exceeded_by_more_than_twice_the_price() -> None:
    subscription = [999] * 8
    assert not is_unusual(1_998, subscription)
    assert is_unusual(1_999, subscription)


def test_with_few_payments_nothing_is_unusual() -> None:
    assert not is_unusual(1_000_000, [999] * 7)


def test_amounts_that_vary_more_leave_more_room() -> None:
    # Half of the shops cost between £20 / 1.4 and £20 * 1.4.
    shops = [900, 1_429, 1_700, 2_000, 2_000, 2_300, 2_800, 4_900]
    usual = UsualAmount.of(shops)
    assert usual
    assert (usual.minor, usual.payments) == (2_000, 8)
    assert not is_unusual(6_125, shops)
    assert is_unusual(14_000, shops)


def test_a_larger_shop_every_few_weeks_is_usual() -> None:
    coffee_and_sometimes_beans = [300, 310, 290, 300, 305, 300, 1_250, 300, 295, 300] * 3
    assert not is_unusual(1_300, coffee_and_sometimes_beans)
    assert is_unusual(1_600, coffee_and_sometimes_beans)


def test_one_earlier_outlier_does_not_hide_the_next_one() -> None:
    energy = [8_000, 8_100, 7_900] * 7
    assert is_unusual(30_000, [*energy, 40_000])


@given(AMOUNTS)
def test_the_usual_amount_is_not_unusual_and_neither_is_the_smallest(earlier: list[int]) -> None:
    usual = UsualAmount.of(earlier)
    assert usual
    assert usual.minor in earlier
    assert not is_unusual(2 * usual.minor, earlier)
    assert not is_unusual(min(earlier), earlier)


@given(AMOUNTS, st.integers(1, 10_000_000), st.integers(2, 1_000))
def test_the_currency_does_not_matter(earlier: list[int], amount: int, factor: int) -> None:
    scaled = [factor * it for it in earlier]
    assert is_unusual(factor * amount, scaled) == is_unusual(amount, earlier)


@given(AMOUNTS, st.integers(1, 10_000_000), st.integers(1, 10_000_000))
def test_a_higher_amount_is_not_less_unusual(earlier: list[int], amount: int, more: int) -> None:
    assert is_unusual(amount + more, earlier) >= is_unusual(amount, earlier)


HABITS: dict[str, Callable[[Random], float]] = {
    "always the same": lambda _random: 1.0,
    "a coffee": lambda random: random.lognormvariate(0, 0.15),
    "groceries": lambda random: random.lognormvariate(0, 0.5),
    "an online shop": lambda random: random.lognormvariate(0, 1.2),
    "top-ups and weekly shops": lambda random: (
        random.choice([1, 1, 1, 5]) * random.uniform(0.7, 1.3)
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS.keys())
def test_ordinary_payments_are_hardly_ever_unusual(habit: Callable[[Random], float]) -> None:
    random = Random(1)  # noqa: S311 - the same amounts in each run
    false_alarms = 0
    for _merchant in range(40):
        amounts = [1 + round(2_000 * habit(random)) for _payment in range(60)]
        false_alarms += sum(
            is_unusual(amount, amounts[:number]) for number, amount in enumerate(amounts)
        )
    # One in 150 of 2,400 payments.
    assert false_alarms <= 16


def test_a_payment_is_compared_with_spending_at_its_merchant_or_in_its_category() -> None:
    payment = record(amount=-4_000)
    split = record(amount=-1_000, categories={"groceries": -300, "gifts": -700})
    bakery = {"id": "merch_2", "name": "Bakery", "group_id": "grp_2"}
    for other, at_merchant, in_category in (
        (payment, 4_000, 4_000),
        (split, 1_000, 300),
        (record(amount=-2_500, merchant=bakery), 0, 2_500),
        (record(amount=-2_500, category="gifts"), 2_500, 0),
        (record(amount=-9_000, own_transfer=True), 0, 0),
        (record(amount=500), -500, -500),
    ):
        assert compared_amount(payment, other, Basis.MERCHANT) == at_merchant
        assert compared_amount(payment, other, Basis.CATEGORY) == in_category
