"""Amounts of money as people, templates and entities write them: read exactly, or not at all."""

from decimal import Decimal
import re
from typing import Final

from .api import Money, currency_exponent

# Plain digits with at most one decimal point. Python's `Decimal` also reads "1e20", "1_000" and
# "NaN", which are no amounts.
_PLAIN_NUMBER: Final = re.compile(r"-?(([0-9]+\.)?[0-9]+|\.[0-9]+)")


def parse_number(value: object) -> Decimal | None:
    """Return the number that a text or a number says, exactly; None for anything else.

    A float counts as its shortest form, because that is what the user typed.
    """
    text = str(value).strip()
    return Decimal(text) if _PLAIN_NUMBER.fullmatch(text) else None


def parse_amount(value: object, currency: str) -> Money | None:
    """Return an amount of whole minor units with its sign; None for anything else.

    An amount is never rounded: three decimals of a pound are a mistake to report, not to repair.
    """
    try:
        if (number := parse_number(value)) is not None:
            return Money.from_minor(Money(number, currency).minor, currency)
    except ValueError:
        # Not a whole number of minor units, or a number with more digits than Python converts.
        return None
    return None


def format_amount(money: Money) -> str:
    """Return the text of an amount in messages for people, such as 12.50 GBP."""
    text = f"{money.amount:.{currency_exponent(money.currency)}f}"
    # A limit in the options can have more decimals than the currency. It is not rounded.
    exact = text if Decimal(text) == money.amount else f"{money.amount:f}"
    return f"{exact} {money.currency}"
