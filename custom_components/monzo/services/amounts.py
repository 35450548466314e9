"""Amounts and shares in the fields of actions, parsed exactly or refused."""

from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol

from ..amounts import parse_amount, parse_number
from ..api import Money, currency_exponent
from ..bank import validation_error
from ..transfers import Percentage, Remainder, Share
from .fields import shown_value

ATTR_AMOUNT: Final = "amount"
ATTR_EVERYTHING: Final = "everything"
ATTR_PERCENTAGE: Final = "percentage"

# Longer than any sensible percentage, and short enough for exact arithmetic.
MAX_PERCENTAGE_LENGTH: Final = 16

# In percent.
WHOLE: Final = 100

# The validator of a field with an amount. The currency decides how many decimals an amount can
# have, and only the handler of the action knows the currency.
ANY_AMOUNT: Final = object


def percentage(value: object) -> Percentage:
    """Return an exact percentage above 0, up to 100. Raises vol.Invalid for anything else."""
    text = str(value).strip()
    number = parse_number(text) if len(text) <= MAX_PERCENTAGE_LENGTH else None
    if number is not None and 0 < number <= WHOLE:
        return Percentage(number)
    message = "expected a percentage above 0, up to 100"
    raise vol.Invalid(message)


def positive_amount(fields: Mapping[str, Any], field: str, currency: str) -> Money:
    """Return the amount in a field, which must be greater than zero.

    Raises ServiceValidationError for anything else.
    """
    amount = parse_amount(fields[field], currency)
    if amount is None or amount.minor <= 0:
        raise validation_error("invalid_amount", **_problem(fields, field, currency))
    return amount


def required_amount(fields: Mapping[str, Any], field: str, currency: str) -> Money:
    """Return the amount in a field, zero or more.

    Raises ServiceValidationError for anything else.
    """
    amount = parse_amount(fields[field], currency)
    if amount is None or amount.minor < 0:
        raise validation_error("invalid_amount_in_field", **_problem(fields, field, currency))
    return amount


def optional_amount(fields: Mapping[str, Any], field: str, currency: str) -> Money | None:
    """Return the amount in a field, zero or more; None if the call does not have the field.

    Raises ServiceValidationError for anything else.
    """
    return required_amount(fields, field, currency) if field in fields else None


def required_share(
    fields: Mapping[str, Any], currency: str, *, remainder: str = ATTR_EVERYTHING
) -> Share:
    """Return the share in the one of three fields that the call has.

    `remainder` is the name of the third field. Raises ServiceValidationError if the call has none
    of the fields, or several, or one with an invalid amount.
    """
    given = [field for field in (ATTR_AMOUNT, ATTR_PERCENTAGE) if field in fields]
    given += [remainder] if fields.get(remainder) else []
    if given == [ATTR_AMOUNT]:
        return positive_amount(fields, ATTR_AMOUNT, currency)
    if given == [ATTR_PERCENTAGE]:
        share: Percentage = fields[ATTR_PERCENTAGE]
        return share
    if given == [remainder]:
        return Remainder()
    raise validation_error("one_of_these", fields=f"{ATTR_AMOUNT}, {ATTR_PERCENTAGE}, {remainder}")


def number(money: Money) -> float:
    """Return an amount for templates, which have no decimals. Its shortest text is exact."""
    return float(money.amount)


def _problem(fields: Mapping[str, Any], field: str, currency: str) -> dict[str, str]:
    """Return the placeholders of an error about an invalid amount."""
    return {
        "field": field,
        "value": shown_value(fields[field]),
        "currency": currency,
        "decimals": str(currency_exponent(currency)),
    }
