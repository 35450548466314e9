from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.api import Money, currency_exponent

CURRENCIES = st.sampled_from(["GBP", "EUR", "ISK", "JPY", "KWD", "CLF", "XYZ"])
MINOR = st.integers(-(10**15) + 1, 10**15 - 1)


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


@given(minor=MINOR, currency=CURRENCIES)
def test_there_and_back_again_is_exact(minor: int, currency: str) -> None:
    money = Money.from_minor(minor, currency)
    assert money.minor == minor
    assert Decimal(float(money.amount)).quantize(money.amount) == money.amount


@pytest.mark.parametrize("minor", [10**15, -(10**15), 10**400])
def test_absurd_numbers_of_pence_are_refused(minor: int) -> None:
    with pytest.raises(ValueError, match="absurd"):
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
def test_what_is_no_exact_sane_number_of_minor_units_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="not a whole number of minor units"):
        _ = Money(Decimal(amount), currency).minor


@pytest.mark.parametrize("amount", ["1.1", "1.10", "1.100000000000000000000000000000"])
def test_zeros_at_the_end_change_nothing(amount: str) -> None:
    assert Money(Decimal(amount), "GBP").minor == 110
    assert Money(Decimal(amount), "GBP") == Money.from_minor(110, "GBP")


@given(amount=st.decimals(), currency=CURRENCIES)
def test_any_decimal_is_exact_or_refused(amount: Decimal, currency: str) -> None:
    try:
        minor = Money(amount, currency).minor
    except ValueError:
        return
    assert Decimal(minor) == amount * 10 ** currency_exponent(currency)


def test_amounts_of_one_currency_can_be_added_and_taken_away() -> None:
    ten, three = Money.from_minor(1000, "GBP"), Money.from_minor(300, "GBP")
    assert ten + three == Money.from_minor(1300, "GBP")
    assert three - ten == Money.from_minor(-700, "GBP")
    assert -ten == Money.from_minor(-1000, "GBP")


def test_amounts_of_different_currencies_do_not_mix() -> None:
    pounds, yen = Money.from_minor(1000, "GBP"), Money.from_minor(300, "JPY")
    with pytest.raises(ValueError, match="different currencies"):
        _ = pounds + yen
    with pytest.raises(ValueError, match="different currencies"):
        _ = pounds - yen
