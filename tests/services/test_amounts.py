"""Amounts and shares in the fields of actions are parsed exactly, or refused."""

from decimal import Decimal
from typing import Any

from homeassistant.exceptions import ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.monzo.api import Money
from custom_components.monzo.services.amounts import (
    optional_amount,
    percentage,
    positive_amount,
    required_amount,
    required_share,
)
from custom_components.monzo.services.fields import MAX_SHOWN_LENGTH
from custom_components.monzo.transfers import Percentage, Remainder

# In pounds, and in pence.
AMOUNTS: dict[str, tuple[object, int]] = {
    "a text": ("12.50", 1250),
    "a text with spaces around it": (" 12.50\n", 1250),
    "a text without pounds": (".5", 50),
    "a text with leading zeros": ("007", 700),
    "an integer": (12, 1200),
    "a float": (12.5, 1250),
    "a float that is no exact binary fraction": (0.29, 29),
    "a decimal": (Decimal("12.5"), 1250),
    "a decimal with zeros": (Decimal("12.5000"), 1250),
    "a penny": (0.01, 1),
}

# No action accepts these as an amount.
NO_AMOUNTS: dict[str, object] = {
    "negative": -1,
    "a negative text": "-1",
    "with a plus": "+1",
    "a tenth of a penny": 0.001,
    "a penny and a half": "1.005",
    "a sum of floats": 0.1 + 0.2,
    "NaN": float("nan"),
    "the text NaN": "NaN",
    "infinity": float("inf"),
    "the text inf": "inf",
    "decimal NaN": Decimal("NaN"),
    "decimal infinity": Decimal("Infinity"),
    "a word": "ten",
    "huge": 1e20,
    "a huge text": "1e20",
    "huge in digits": "9" * 40,
    "too huge for a text": 10**5000,
    "many digits, and a letter": "1" * 200_000 + "x",
    "nothing": None,
    "an empty text": "",
    "spaces": "  ",
    "yes": True,
    "no": False,
    "a list": [],
    "a list of one": [5],
    "a mapping": {},
    "underscores": "1_000",
    "thousands": "1,000",
    "a decimal comma": "12,50",
    "Arabic digits": "١٢",
    "wide digits": "\uff11\uff12",
    "a currency sign": "£5",
    "an exponent": "1e2",
    "hexadecimal": "0x10",
    "a fraction": "1/2",
    "two amounts": "1 2",
    "only a point": ".",
    "nothing after the point": "1.",
    "a template that was not rendered": "{{ amount }}",
}

NO_PERCENTAGES: dict[str, object] = {
    "zero": 0,
    "the text zero": "0",
    "negative": -5,
    "a bit more than everything": 100.01,
    "more than everything": 101,
    "words": "a half",
    "an empty text": "",
    "nothing": None,
    "a percent sign": "5%",
    "an exponent": "1e1",
    "many digits": "1" * 30,
    "too huge for a text": 10**5000,
    "a list": [50],
}


@pytest.mark.parametrize(("amount", "pence"), AMOUNTS.values(), ids=AMOUNTS.keys())
def test_an_amount_can_be_written_in_many_ways(amount: object, pence: int) -> None:
    fields = {"amount": amount}
    for parse in (positive_amount, required_amount, optional_amount):
        assert parse(fields, "amount", "GBP") == Money.from_minor(pence, "GBP")


@pytest.mark.parametrize("amount", NO_AMOUNTS.values(), ids=NO_AMOUNTS.keys())
def test_anything_else_is_no_amount(amount: object) -> None:
    fields = {"keep_at_least": amount}
    for parse, key in (
        (positive_amount, "invalid_amount"),
        (required_amount, "invalid_amount_in_field"),
        (optional_amount, "invalid_amount_in_field"),
    ):
        with pytest.raises(ServiceValidationError) as caught:
            parse(fields, "keep_at_least", "GBP")
        assert caught.value.translation_key == key
        placeholders = caught.value.translation_placeholders
        assert placeholders
        assert len(placeholders.pop("value")) <= MAX_SHOWN_LENGTH + 1
        assert placeholders == {"field": "keep_at_least", "currency": "GBP", "decimals": "2"}


@pytest.mark.parametrize("amount", [0, "0.00", "-0"])
def test_zero_is_an_amount_only_where_nothing_moves(amount: object) -> None:
    fields = {"amount": amount}
    assert required_amount(fields, "amount", "GBP") == Money.zero("GBP")
    with pytest.raises(ServiceValidationError) as caught:
        positive_amount(fields, "amount", "GBP")
    assert caught.value.translation_key == "invalid_amount"


def test_an_error_shows_the_invalid_content_of_the_field() -> None:
    with pytest.raises(ServiceValidationError) as caught:
        positive_amount({"amount": "1.005"}, "amount", "GBP")
    assert caught.value.translation_placeholders
    assert caught.value.translation_placeholders["value"] == "1.005"


@pytest.mark.parametrize(
    ("currency", "amount", "minor", "too_exact", "decimals"),
    [("JPY", 1500, 1500, 12.5, "0"), ("KWD", "1.234", 1234, "1.2345", "3")],
)
def test_the_currency_decides_about_decimals(
    currency: str, amount: object, minor: int, too_exact: object, decimals: str
) -> None:
    parsed = positive_amount({"amount": amount}, "amount", currency)
    assert parsed == Money.from_minor(minor, currency)
    with pytest.raises(ServiceValidationError) as caught:
        positive_amount({"amount": too_exact}, "amount", currency)
    assert caught.value.translation_placeholders
    assert caught.value.translation_placeholders["decimals"] == decimals


def test_an_optional_amount_can_be_left_out() -> None:
    assert optional_amount({}, "keep_at_least", "GBP") is None


@pytest.mark.parametrize(("value", "expected"), [(25, "25"), ("33.3", "33.3"), (100, "100")])
def test_a_percentage_is_exact(value: object, expected: str) -> None:
    assert percentage(value) == Percentage(Decimal(expected))


@pytest.mark.parametrize("value", NO_PERCENTAGES.values(), ids=NO_PERCENTAGES.keys())
def test_a_percentage_is_above_0_and_up_to_100(value: object) -> None:
    schema = vol.Schema({"percentage": percentage})
    with pytest.raises(vol.Invalid, match="percentage"):
        schema({"percentage": value})


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({"amount": 1}, Money.from_minor(100, "GBP")),
        ({"percentage": Percentage(Decimal(5))}, Percentage(Decimal(5))),
        ({"everything": True}, Remainder()),
        ({"everything": False, "amount": 1}, Money.from_minor(100, "GBP")),
    ],
)
def test_one_field_has_the_share(fields: dict[str, Any], share: object) -> None:
    assert required_share(fields, "GBP") == share


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"amount": 1, "percentage": Percentage(Decimal(1))},
        {"amount": 1, "everything": True},
        {"percentage": Percentage(Decimal(5)), "everything": True},
        {"everything": False},
    ],
    ids=str,
)
def test_exactly_one_field_must_have_the_share(fields: dict[str, Any]) -> None:
    with pytest.raises(ServiceValidationError) as caught:
        required_share(fields, "GBP")
    assert caught.value.translation_key == "one_of_these"
    assert caught.value.translation_placeholders == {"fields": "amount, percentage, everything"}


def test_the_field_for_the_remainder_has_a_name_of_its_own() -> None:
    assert required_share({"remainder": True}, "GBP", remainder="remainder") == Remainder()
    with pytest.raises(ServiceValidationError) as caught:
        required_share({"everything": True}, "GBP", remainder="remainder")
    assert caught.value.translation_placeholders == {"fields": "amount, percentage, remainder"}
