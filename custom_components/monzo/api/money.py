"""Exact amounts of money."""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import total_ordering
import json
from pathlib import Path
from typing import Final, Self

from .private import Private

# The currencies in ISO 4217 whose minor unit is not a hundredth. Monzo's documentation does not say
# how it counts the minor units of a currency. Recorded responses agree with ISO 4217: spending of
# -690 in ISK means 690 krónur, and -382685 in THB means 3,826.85 baht. The cards are built with the
# same file, because browsers round some currencies, such as HUF, to whole units.
_EXPONENTS: Final[dict[str, int]] = json.loads(
    (Path(__file__).parent / "currency_decimals.json").read_text(encoding="utf-8")
)

# More than any person owns in any currency. A float keeps 15 digits, so a caller may convert an
# amount to a float for a chart without an error.
_MAX_DIGITS: Final = 15

_EXACT: Final = Context(prec=_MAX_DIGITS, traps=[Inexact, InvalidOperation])


def currency_exponent(currency: str) -> int:
    """Return the number of decimals of a currency (ISO 4217): 2 for GBP, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


@total_ordering
@dataclass(frozen=True, slots=True, repr=False)
class Money(Private):
    """An exact amount in one currency.

    Amounts of one currency can be compared, added and subtracted; with different currencies, all of
    these raise ValueError. Two amounts are equal if their currency and value are, so £1.10 equals
    £1.1. An amount of zero is true like any other, because it is not the same as no amount.

    Add amounts up with `sum(amounts, Money.zero("GBP"))`. The second argument is required: Python's
    sum of no amounts would otherwise be the integer 0, which has no currency.
    """

    amount: Decimal
    """In major units (pounds, not pence). Negative if the money leaves the account."""

    currency: str
    """The ISO 4217 code, such as GBP."""

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """Return an amount given in minor units, such as pence.

        Raises ValueError if the number has more than 15 digits.
        """
        if abs(minor) >= 10**_MAX_DIGITS:
            message = "an amount of money has at most 15 digits"
            raise ValueError(message)
        return cls(Decimal(minor).scaleb(-currency_exponent(currency)), currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return an amount of zero, such as a start for `sum`."""
        return cls.from_minor(0, currency)

    @property
    def minor(self) -> int:
        """The amount in minor units, such as pence.

        Raises ValueError if that is not a whole number of at most 15 digits.
        """
        exponent = currency_exponent(self.currency)
        try:
            return int(self.amount.scaleb(exponent, _EXACT).quantize(Decimal(1), context=_EXACT))
        except (ArithmeticError, ValueError) as err:
            message = "not a whole number of minor units"
            raise ValueError(message) from err

    def __lt__(self, other: Money) -> bool:
        """Return whether this amount is less than another of the same currency."""
        if not isinstance(other, Money):
            return NotImplemented
        self._require_currency_of(other)
        return self.amount < other.amount

    def __add__(self, other: Money) -> Money:
        """Return the sum of two amounts of the same currency."""
        if not isinstance(other, Money):
            return NotImplemented
        self._require_currency_of(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Return the difference of two amounts of the same currency."""
        if not isinstance(other, Money):
            return NotImplemented
        return self + -other

    def __neg__(self) -> Money:
        """Return the amount with the opposite sign."""
        return Money(-self.amount, self.currency)

    def __abs__(self) -> Money:
        """Return the amount without its sign."""
        return Money(abs(self.amount), self.currency)

    def _require_currency_of(self, other: Money) -> None:
        if other.currency != self.currency:
            message = "amounts of different currencies cannot be combined"
            raise ValueError(message)
