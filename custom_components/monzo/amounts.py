"""Parsing of amounts that people, templates and entities write. Only exact amounts are accepted."""

from decimal import Decimal
import re
from typing import Final

from .api import Money, currency_exponent

# Plain digits with at most one decimal point. Python's `Decimal` also reads "1e20", "1_000" and
# "NaN", which are no amounts.
_PLAIN_NUMBER: Final = re.compile(r"-?(([0-9]+\.)?[0-9]+|\.[0-9]+)")


def parse_number(value: object) -> Decimal | None:
    """Return the exact number in a text or a number; None for anything else.

    A float is read in its shortest form, because that is the form that the user has typed.
    """
    text = str(value).strip()
    return Decimal(text) if _PLAIN_NUMBER.fullmatch(text) else None


def parse_amount(value: object, currency: str) -> Money | None:
    """Return an amount of whole minor units with its sign; None for anything else.

    Amounts are never rounded, because three decimals of a pound are a mistake of the caller.
    """
    try:
        if (number := parse_number(value)) is not None:
            return Money.from_minor(Money(number, currency).minor, currency)
    except ValueError:
        # It is not a whole number of minor units, or has more digits than Python converts.
        return None
    return None


def format_amount(money: Money) -> str:
    """Return the text of an amount in messages for people, such as 12.50 GBP."""
    text = f"{money.amount:.{currency_exponent(money.currency)}f}"
    # A limit in the options can have more decimals than the currency. It is not rounded.
    exact = text if Decimal(text) == money.amount else f"{money.amount:f}"
    return f"{exact} {money.currency}"
