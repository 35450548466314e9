"""Detection of payments that are far above the usual amount at a merchant or in a category."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil
from statistics import median_high
from typing import Final, Self

from ..api import Private
from ..recurring import merchant_of
from ..transactions import UNCATEGORISED, TransactionHistory, TransactionRecord

# Older payments say little about current prices and habits.
_COMPARED_WITHIN: Final = timedelta(days=365)

# The newest ones suffice, because reading thousands for each payment takes too long.
_MOST_PAYMENTS: Final = 200

# With fewer payments, no amount counts as usual.
_FEWEST_PAYMENTS: Final = 8

# An amount below these limits is never unusual.
_LEAST_FACTOR: Final = Fraction(2)
_ABOVE_HIGH: Final = Fraction(5, 4)

# An amount counts as high if at most one payment in twenty exceeds it. A single outlier, or a
# larger shop every few weeks, therefore has no effect.
_HIGH: Final = Fraction(19, 20)

# About 3.5 standard deviations if the logarithms of the amounts are normally distributed: one in
# five thousand of such payments is unusual.
_POWER: Final = 5


class Basis(StrEnum):
    """The payments that an amount is compared with."""

    MERCHANT = "merchant"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UsualAmount(Private):
    """The usual amount of earlier payments, in minor units."""

    minor: int
    """The median of the payments, which is the amount of one of them; more than zero."""

    payments: int
    """The number of payments."""

    factor: Fraction
    """The median of the factors by which payments differ from the usual amount."""

    high: int
    """The amount that at most one payment in twenty exceeds."""

    @classmethod
    def of(cls, amounts: Sequence[int]) -> Self | None:
        """Return the usual amount, given amounts above zero; None if there are too few."""
        if len(amounts) < _FEWEST_PAYMENTS:
            return None
        ordered = sorted(amounts)
        median = median_high(ordered)
        return cls(
            minor=median,
            payments=len(ordered),
            factor=median_high(Fraction(max(it, median), min(it, median)) for it in ordered),
            # The smallest amount that 19 of 20 payments do not exceed.
            high=ordered[ceil(len(ordered) * _HIGH) - 1],
        )

    def is_exceeded_by(self, minor: int) -> bool:
        """Return whether an amount is unusually far above the usual amount."""
        factor = max(self.factor**_POWER, _LEAST_FACTOR)
        return minor > self.minor * factor and minor > self.high * _ABOVE_HIGH


def compared_amount(payment: TransactionRecord, other: TransactionRecord, basis: Basis) -> int:
    """Return the amount of another payment for a comparison with a payment, in minor units.

    It is zero or less if the two cannot be compared, for example if one is a refund. In a category,
    only the part of a split payment in the category of `payment` counts.
    """
    if basis is Basis.CATEGORY:
        return other.spent.get(payment.category or UNCATEGORISED, 0)
    if not other.spent or merchant_of(other) != merchant_of(payment):
        return 0
    return sum(other.spent.values())


async def async_usual_amount(
    history: TransactionHistory, payment: TransactionRecord, basis: Basis
) -> UsualAmount | None:
    """Return the usual amount before a payment; None if too few earlier payments are kept."""
    kept_since = history.kept_since(payment.created)
    if kept_since is None:
        return None

    def is_compared(other: TransactionRecord) -> bool:
        return other.id != payment.id and compared_amount(payment, other, basis) > 0

    earlier = await history.async_find_kept(
        max(kept_since, payment.created - _COMPARED_WITHIN),
        payment.created,
        merchant_group=(payment.merchant_group or "") if basis is Basis.MERCHANT else None,
        matches=is_compared,
        limit=_MOST_PAYMENTS,
    )
    return UsualAmount.of([compared_amount(payment, it, basis) for it in earlier or ()])
