from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
import operator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.api import Money, currency_exponent

CURRENCIES = st.sampled_from(["GBP", "EUR", "ISK", "JPY", "KWD", "CLF", "XYZ"])
MINOR = st.integers(-(10**15) + 1, 10**15 - 1)


def gbp(minor: int) -> Money:
    """Return an amount in pounds, given in pence."""
    return Money.from_minor(minor, "GBP")


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1299, "GBP", "12.99"),
        (-5, "GBP", "-0.05"),
        (0, "GBP", "0.00"),
        (-382685, "THB", "-3826.85"),
        (-690, "ISK", "-690"),
        (690, "JPY", "690"),
        (12345, "KWD", "12.345"),
        (12345, "CLF", "1.2345"),
        (1, "XYZ", "0.01"),
    ],
)
def test_minor_units_become_an_amount_with_the_decimals_of_the_currency(
    minor: int, currency: str, amount: str
) -> None:
    money = Money.from_minor(minor, currency)
    assert str(money.amount) == amount
    assert money.minor == minor


@pytest.mark.parametrize(
    ("currency", "decimals"),
    # Fifths, not hundredths, are the smaller unit of MGA and MRU, but ISO 4217 lists 2 decimals.
    [("GBP", 2), ("MGA", 2), ("MRU", 2), ("XYZ", 2), ("JPY", 0), ("KWD", 3), ("UYW", 4)],
)
def test_currencies_have_the_decimals_of_iso_4217(currency: str, decimals: int) -> None:
    assert currency_exponent(currency) == decimals


@given(minor=MINOR, currency=CURRENCIES)
def test_no_conversion_loses_a_minor_unit(minor: int, currency: str) -> None:
    money = Money.from_minor(minor, currency)
    assert money.minor == minor
    assert Decimal(float(money.amount)).quantize(money.amount) == money.amount


@pytest.mark.parametrize("minor", [10**15, -(10**15), 10**400])
def test_minor_units_with_more_than_15_digits_are_refused(minor: int) -> None:
    with pytest.raises(ValueError, match="at most 15 digits"):
        Money.from_minor(minor, "GBP")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "GBP"),
        ("0.5", "JPY"),
        ("1.0000000000000000000000000000000000001", "GBP"),
        ("10000000000000", "GBP"),
        ("1e20", "GBP"),
        ("1e999999", "GBP"),
        ("1e-999999", "GBP"),
        ("NaN", "GBP"),
        ("sNaN", "GBP"),
        ("Infinity", "GBP"),
        ("-Infinity", "GBP"),
    ],
)
def test_an_inexact_number_of_minor_units_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="not a whole number of minor units"):
        _ = Money(Decimal(amount), currency).minor


@given(amount=st.decimals(), currency=CURRENCIES)
def test_any_decimal_is_exact_or_refused(amount: Decimal, currency: str) -> None:
    try:
        minor = Money(amount, currency).minor
    except ValueError:
        return
    assert Decimal(minor) == amount * 10 ** currency_exponent(currency)


@pytest.mark.parametrize("amount", ["1.1", "1.10", "1.100000000000000000000000000000"])
def test_trailing_zeros_change_nothing(amount: str) -> None:
    money = Money(Decimal(amount), "GBP")
    assert money.minor == 110
    assert money == gbp(110)
    assert hash(money) == hash(gbp(110))


def test_amounts_of_different_currencies_are_never_equal() -> None:
    assert Money.zero("GBP") != Money.zero("EUR")
    assert gbp(100) != Money.from_minor(1, "JPY")
    assert len({gbp(100), Money(Decimal(1), "GBP"), Money(Decimal(1), "JPY")}) == 2


def test_amounts_can_be_added_and_subtracted() -> None:
    assert gbp(1000) + gbp(300) == gbp(1300)
    assert gbp(300) - gbp(1000) == gbp(-700)
    assert -gbp(1000) == gbp(-1000)
    assert abs(gbp(-1000)) == abs(gbp(1000)) == gbp(1000)


def test_amounts_are_ordered_by_value() -> None:
    ordered = [gbp(-1000), gbp(-5), Money.zero("GBP"), gbp(299), gbp(300)]
    assert sorted([gbp(299), gbp(-5), gbp(300), gbp(-1000), Money.zero("GBP")]) == ordered
    for less, more in pairwise(ordered):
        assert less < more
        assert less <= more
        assert more > less
        assert more >= less
        assert not more < less
        assert not more <= less
    assert gbp(300) <= Money(Decimal(3), "GBP") <= gbp(300)
    assert max(gbp(-5), Money.zero("GBP")) == Money.zero("GBP")


def test_amounts_are_summed_up_from_a_zero_of_their_currency() -> None:
    assert sum([gbp(1000), gbp(-300)], Money.zero("GBP")) == gbp(700)
    assert sum([], Money.zero("GBP")) == gbp(0)
    with pytest.raises(TypeError):
        sum([gbp(1000)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "combine",
    [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge],
    ids=lambda combine: combine.__name__,
)
def test_amounts_of_different_currencies_cannot_be_combined(
    combine: Callable[[Any, Any], object],
) -> None:
    with pytest.raises(ValueError, match="different currencies"):
        combine(gbp(1000), Money.from_minor(300, "JPY"))
    with pytest.raises(TypeError):
        combine(gbp(1000), 300)
    with pytest.raises(TypeError):
        combine(300, gbp(1000))


def test_zero_is_an_amount_like_any_other() -> None:
    assert Money.zero("JPY") == Money.from_minor(0, "JPY")
    # Truth means that there is an amount, because an amount is often compared with None.
    assert bool(Money.zero("JPY"))


def test_the_repr_hides_the_amount() -> None:
    assert repr(gbp(1299)) == str(gbp(1299)) == f"{gbp(1299)}" == "<Money>"
