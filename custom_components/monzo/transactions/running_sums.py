"""Running sums: the spending and the income of an account since the starts of some periods."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ..api import Private
from .known_transaction import KnownTransaction

# More than the periods of the sensors and of most conditions. A sum that was dropped is added up
# again when it is needed.
_MOST_SUMS: Final = 24


@dataclass(slots=True, kw_only=True, repr=False)
class PeriodSum(Private):
    """The sum of the transactions since a moment, of all or of those with a tag."""

    since: datetime
    tag: str | None

    spent: dict[str, int] = field(default_factory=dict)
    """The spending by category, in minor units; negative if refunds were more."""

    received: int = 0
    """The income in minor units."""

    def add(self, transaction: KnownTransaction, times: int = 1) -> None:
        """Add a transaction if it belongs to the sum; `times` is -1 to subtract it."""
        if transaction.created < self.since or (self.tag and self.tag not in transaction.tags):
            return
        for category, minor in transaction.spent.items():
            self.spent[category] = self.spent.get(category, 0) + times * minor
        self.received += times * transaction.received

    def without(self, transactions: Iterable[KnownTransaction]) -> PeriodSum:
        """Return the sum without some of its transactions."""
        rest = PeriodSum(
            since=self.since, tag=self.tag, spent=dict(self.spent), received=self.received
        )
        for transaction in transactions:
            rest.add(transaction, -1)
        return rest


class RunningSums(Private):
    """The sums that were asked for, corrected by each change of a transaction.

    Adding up a month of a busy account again for each payment would hold up Home Assistant.
    """

    def __init__(self) -> None:
        """Initialize without any sum."""
        self._sums: dict[tuple[datetime, str | None], PeriodSum] = {}

    def since(
        self, since: datetime, tag: str | None, transactions: Iterable[KnownTransaction]
    ) -> PeriodSum:
        """Return the sum since a moment, of all transactions or of those with a tag.

        `transactions` are all that are known, of which a new sum is made.
        """
        found = self._sums.pop((since, tag), None)
        if found is None:
            found = PeriodSum(since=since, tag=tag)
            for transaction in transactions:
                found.add(transaction)
            if len(self._sums) == _MOST_SUMS:
                # Each sum moves to the end when it is used, so this one was not used for longest.
                del self._sums[next(iter(self._sums))]
        self._sums[since, tag] = found
        return found

    def replace(self, before: KnownTransaction | None, after: KnownTransaction | None) -> None:
        """Correct the sums after a transaction was added, changed or removed."""
        for each in self._sums.values():
            if before is not None:
                each.add(before, -1)
            if after is not None:
                each.add(after)
