"""The newest transactions of an account in memory, so that cards do not have to ask the bank."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..api import Transaction
from .spans import Spans

# More than the longest response of `get_transactions`. The few accounts with so many transactions
# in a month take about fifteen megabytes.
_MAX_KEPT: Final = 1100

# Greater than any ID.
_LAST_ID: Final = "\U0010ffff"


class RecentTransactions:
    """The newest transactions of an account, and the spans that they cover completely.

    They are as current as the last read of their time.
    """

    def __init__(self) -> None:
        """Initialize without transactions."""
        self._by_id: dict[str, Transaction] = {}
        self._by_age: list[tuple[datetime, str]] = []
        self._spans = Spans()
        self._newest_until: datetime | None = None
        self._unreadable_since: datetime | None = None

    def add(
        self,
        transactions: Iterable[Transaction],
        *,
        since: datetime,
        until: datetime,
        up_to_now: bool,
        has_unreadable: bool,
    ) -> None:
        """Add the complete list of the bank between two moments."""
        # At exactly these two moments, the bank may not have listed all transactions.
        start = bisect_right(self._by_age, (since, _LAST_ID))
        end = bisect_left(self._by_age, (until, ""))
        for _created, id_ in self._by_age[start:end]:
            del self._by_id[id_]
        del self._by_age[start:end]
        for transaction in transactions:
            self._put(transaction)
        self._spans = self._spans.with_span(since, until)
        if up_to_now:
            self._newest_until = until
        self._note_unreadable(since, has_unreadable=has_unreadable, up_to_now=up_to_now)
        self._forget_oldest()

    def _note_unreadable(self, since: datetime, *, has_unreadable: bool, up_to_now: bool) -> None:
        earlier = self._unreadable_since
        if has_unreadable:
            self._unreadable_since = since if earlier is None else min(since, earlier)
        elif up_to_now and earlier is not None and since <= earlier:
            self._unreadable_since = None

    def _put(self, transaction: Transaction) -> None:
        if (known := self._by_id.get(transaction.id)) is not None:
            del self._by_age[bisect_left(self._by_age, age(known))]
        self._by_id[transaction.id] = transaction
        insort(self._by_age, age(transaction))

    def _forget_oldest(self) -> None:
        if len(self._by_age) <= _MAX_KEPT:
            return
        oldest, _id = self._by_age[-_MAX_KEPT]
        forgotten = bisect_left(self._by_age, (oldest, ""))
        for _created, id_ in self._by_age[:forgotten]:
            del self._by_id[id_]
        del self._by_age[:forgotten]
        self._spans = self._spans.since(oldest)

    def set_notes(self, transaction_id: str, notes: str | None) -> None:
        """Change the notes of a transaction, if it is in memory."""
        if (known := self._by_id.get(transaction_id)) is not None:
            self._by_id[transaction_id] = replace(known, notes=notes)

    @property
    def since(self) -> datetime | None:
        """The start of the time that is covered up to the last read; None before the first read."""
        newest = self._newest_until
        return None if newest is None else self._spans.start_of(newest)

    def is_readable(self, since: datetime) -> bool:
        """Return whether all transactions that the bank listed since a moment could be read."""
        return self._unreadable_since is None or self._unreadable_since < since

    def newest_first(self, since: datetime, before: datetime | None) -> tuple[Transaction, ...]:
        """Return the known transactions between two moments."""
        start = bisect_left(self._by_age, (since, ""))
        end = None if before is None else bisect_left(self._by_age, (before, ""))
        return tuple(self._by_id[id_] for _created, id_ in reversed(self._by_age[start:end]))

    def find(self, transaction_id: str) -> Transaction | None:
        """Return a transaction, if it is known."""
        return self._by_id.get(transaction_id)


def age(transaction: Transaction) -> tuple[datetime, str]:
    """Return the sort key of a transaction. Transactions of the same moment are sorted by ID."""
    return transaction.created, transaction.id
