"""Exact amounts of money."""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, Self

# Currencies whose minor unit is not a hundredth, by ISO 4217.
_EXPONENTS: Final = (
    dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    )
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    | dict.fromkeys(("CLF", "UYW"), 4)
)

# More than any person has in any currency, and few enough that sums, and whoever turns an amount
# into a float for a chart, stay exact.
_MAX_DIGITS: Final = 15

_EXACT: Final = Context(prec=_MAX_DIGITS, traps=[Inexact, InvalidOperation])


def currency_exponent(currency: str) -> int:
    """Return how many decimals a currency has: 2 for GBP, 0 for JPY, 3 for KWD (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency."""

    amount: Decimal
    """In major units (pounds, not pence); negative when money goes out."""

    currency: str
    """The ISO 4217 code, such as GBP."""

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """Return so many pence, cents or yen; ValueError if no purse could hold them."""
        if abs(minor) >= 10**_MAX_DIGITS:
            message = "absurd amount of money"
            raise ValueError(message)
        return cls(Decimal(minor).scaleb(-currency_exponent(currency)), currency)

    @property
    def minor(self) -> int:
        """The amount in minor units (pence); ValueError if that is not an exact, sane number."""
        exponent = currency_exponent(self.currency)
        try:
            return int(self.amount.scaleb(exponent, _EXACT).quantize(Decimal(1), context=_EXACT))
        except (ArithmeticError, ValueError) as err:
            message = "not a whole number of minor units"
            raise ValueError(message) from err

    def __add__(self, other: Money) -> Money:
        """Return the sum of two amounts of one currency."""
        if other.currency != self.currency:
            message = "cannot add amounts of different currencies"
            raise ValueError(message)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Return the difference of two amounts of one currency."""
        return self + -other

    def __neg__(self) -> Money:
        """Return the amount with the other sign."""
        return Money(-self.amount, self.currency)
