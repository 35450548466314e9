"""Spending in a past period."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate

from ..api import Money, Private


class PastSpending(Private):
    """The spending of an account at any moment of a period, from the archive."""

    def __init__(self, currency: str, spent: Iterable[tuple[datetime, int]]) -> None:
        """Initialize with the moment and the spending in minor units of each transaction."""
        in_order = sorted(spent)
        self._currency = currency
        self._moments = [created for created, _minor in in_order]
        # Thousands of amounts take too long to add up each time.
        self._totals = [*accumulate((minor for _created, minor in in_order), initial=0)]

    def until(self, moment: datetime) -> Money:
        """Return the spending from the start of the period until a moment."""
        total = self._totals[bisect_right(self._moments, moment)]
        return Money.from_minor(total, self._currency)
