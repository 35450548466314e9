"""Running sums of an account's spending and income since the starts of some periods."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ..api import Private
from .known_transaction import KnownTransaction

# More than the periods of the sensors and of most conditions. A dropped sum is computed again when
# it is needed.
_MOST_SUMS: Final = 24


@dataclass(slots=True, kw_only=True, repr=False)
class PeriodSum(Private):
    """The sum of the transactions since a moment, either of all or of those with a tag."""

    since: datetime
    tag: str | None

    spent: dict[str, int] = field(default_factory=dict)
    """The spending by category in minor units; negative if refunds exceed it."""

    received: int = 0
    """The income in minor units."""

    def add(self, transaction: KnownTransaction, times: int = 1) -> None:
        """Add a transaction if it belongs to the sum. With -1 for `times`, it is subtracted."""
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
    """The sums that were requested, corrected with each change of a transaction.

    Otherwise each payment of a busy account would sum up its month again, and hold up Home
    Assistant.
    """

    def __init__(self) -> None:
        """Initialize without sums."""
        self._sums: dict[tuple[datetime, str | None], PeriodSum] = {}

    def since(
        self, since: datetime, tag: str | None, transactions: Iterable[KnownTransaction]
    ) -> PeriodSum:
        """Return the sum since a moment, of all transactions or of those with a tag.

        `transactions` are all known transactions, from which a new sum is computed.
        """
        found = self._sums.pop((since, tag), None)
        if found is None:
            found = PeriodSum(since=since, tag=tag)
            for transaction in transactions:
                found.add(transaction)
            if len(self._sums) == _MOST_SUMS:
                # A sum moves to the end when it is used, so the first one has been unused for
                # longest.
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
