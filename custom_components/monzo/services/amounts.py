"""Amounts of money that people and templates write down: taken exactly, or not at all."""

from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol

from ..amounts import parse_amount, parse_number
from ..api import Money, currency_exponent
from ..bank import validation_error
from ..transfers import Percentage, Rest, Share

ATTR_AMOUNT: Final = "amount"
ATTR_EVERYTHING: Final = "everything"
ATTR_PERCENTAGE: Final = "percentage"

# Longer than any percentage that makes sense, and short enough to be exact with at once.
LONGEST_PERCENTAGE: Final = 16

# In percent.
WHOLE: Final = 100

# Whether something is an amount depends on the currency, so the handlers decide.
ANY_AMOUNT: Final = object


def percentage(value: object) -> Percentage:
    """Return a percentage above 0, up to 100, exactly as it is written; a schema's validator."""
    text = str(value).strip()
    number = parse_number(text) if len(text) <= LONGEST_PERCENTAGE else None
    if number is not None and 0 < number <= WHOLE:
        return Percentage(number)
    message = "expected a percentage above 0, up to 100"
    raise vol.Invalid(message)


def positive_amount(value: object, currency: str) -> Money:
    """Return an amount greater than zero; raises ServiceValidationError for anything else."""
    amount = parse_amount(value, currency)
    if amount is None or amount.minor <= 0:
        raise validation_error(
            "invalid_amount", currency=currency, decimals=str(currency_exponent(currency))
        )
    return amount


def optional_amount(fields: Mapping[str, Any], field: str, currency: str) -> Money | None:
    """Return the amount that a field holds, zero or more; None if the field is not there.

    Raises ServiceValidationError if it holds something else.
    """
    return required_amount(fields, field, currency) if field in fields else None


def required_amount(fields: Mapping[str, Any], field: str, currency: str) -> Money:
    """Return the amount that a field holds, zero or more.

    Raises ServiceValidationError if it holds something else.
    """
    amount = parse_amount(fields[field], currency)
    if amount is None or amount.minor < 0:
        raise validation_error(
            "invalid_amount_in_field",
            field=field,
            currency=currency,
            decimals=str(currency_exponent(currency)),
        )
    return amount


def share_of(fields: Mapping[str, Any], currency: str, *, rest: str = ATTR_EVERYTHING) -> Share:
    """Return how much is to move, which exactly one field says.

    Raises ServiceValidationError if none or several do, or if one holds no such amount.
    """
    given = [field for field in (ATTR_AMOUNT, ATTR_PERCENTAGE) if field in fields]
    given += [rest] if fields.get(rest) else []
    if len(given) != 1:
        raise validation_error("one_of_these", fields=f"{ATTR_AMOUNT}, {ATTR_PERCENTAGE}, {rest}")
    if given == [ATTR_AMOUNT]:
        return positive_amount(fields[ATTR_AMOUNT], currency)
    if given == [ATTR_PERCENTAGE]:
        share: Percentage = fields[ATTR_PERCENTAGE]
        return share
    return Rest()


def number(money: Money) -> float:
    """Return an amount for templates, which know no decimals; its shortest form is exact."""
    return float(money.amount)
