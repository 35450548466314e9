"""Comparison of an amount in the current period with the mean of past periods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Self

from ..api import Money, Private

_WHOLE: Final = Decimal(1)
_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(Private):
    """An amount, and the mean of the same amount in past periods."""

    amount: Money

    mean: Money | None
    """The mean of the past periods, rounded to minor units; None without past periods."""

    @classmethod
    def of(cls, minor: int, past: Sequence[int], currency: str) -> Self:
        """Compare an amount with the amounts of past periods, all in minor units."""
        mean = None
        if past:
            rounded = (Decimal(sum(past)) / len(past)).quantize(_WHOLE, ROUND_HALF_UP)
            mean = Money.from_minor(int(rounded), currency)
        return cls(amount=Money.from_minor(minor, currency), mean=mean)

    @classmethod
    def of_sums(
        cls, current: Mapping[str, int], past: Sequence[Mapping[str, int]], currency: str
    ) -> Self:
        """Compare the sum of all groups with the sums of past periods."""
        return cls.of(sum(current.values()), [sum(it.values()) for it in past], currency)

    @property
    def difference(self) -> Money | None:
        """The amount minus the mean: positive if it is above the mean; None without a mean."""
        return None if self.mean is None else self.amount - self.mean

    @property
    def percent(self) -> Decimal | None:
        """The difference as a percentage of the mean, rounded; None unless the mean is positive."""
        if self.mean is None or self.mean.minor <= 0:
            return None
        share = Decimal(100 * (self.amount.minor - self.mean.minor)) / self.mean.minor
        return share.quantize(_TENTH, ROUND_HALF_UP)


def compare_groups(
    current: Mapping[str, int], past: Sequence[Mapping[str, int]], currency: str
) -> dict[str, Comparison]:
    """Compare the amount of each group with past periods; the highest amount comes first.

    All amounts are in minor units. A group that is missing from a period counts as zero there.
    """
    names: Iterable[str] = {*current, *(name for groups in past for name in groups)}
    compared = {
        name: Comparison.of(current.get(name, 0), [it.get(name, 0) for it in past], currency)
        for name in names
    }
    return dict(sorted(compared.items(), key=_by_amount))


def _by_amount(group: tuple[str, Comparison]) -> tuple[int, int, str]:
    name, comparison = group
    mean = comparison.mean
    return -comparison.amount.minor, 0 if mean is None else -mean.minor, name
