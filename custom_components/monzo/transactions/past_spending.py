"""The spending of a period that has ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..api import Money, Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PastSpending(Private):
    """What each transaction of an account counted for, from the archive."""

    currency: str

    spent: Sequence[tuple[datetime, int]]
    """When each transaction was made, and its spending in minor units."""

    def until(self, moment: datetime) -> Money:
        """Return the spending from the start of the period until a moment."""
        minor = sum(minor for created, minor in self.spent if created <= moment)
        return Money.from_minor(minor, self.currency)
