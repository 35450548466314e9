"""The newest transactions of an account in memory, so that cards do not have to ask the bank."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..api import Transaction
from .spans import Spans

# More than the longest response of `get_transactions`. The few accounts with so many transactions
# in a month take about fifteen megabytes.
_MAX_KEPT: Final = 1100

# Many are forgotten at once, because that takes longer than adding one.
_FORGOTTEN_AT_ONCE: Final = 100


class RecentTransactions:
    """The newest transactions of an account, and the spans that they cover completely.

    They are as current as the last read of their time.
    """

    def __init__(self) -> None:
        """Initialize without transactions."""
        self._by_id: dict[str, Transaction] = {}
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
        self._by_id = {
            id_: known for id_, known in self._by_id.items() if not since < known.created < until
        } | {transaction.id: transaction for transaction in transactions}
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

    def _forget_oldest(self) -> None:
        if len(self._by_id) <= _MAX_KEPT + _FORGOTTEN_AT_ONCE:
            return
        oldest = sorted(self._by_id.values(), key=age)[-_MAX_KEPT].created
        self._by_id = {id_: it for id_, it in self._by_id.items() if it.created >= oldest}
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
        found = (
            known
            for known in self._by_id.values()
            if known.created >= since and (before is None or known.created < before)
        )
        return tuple(sorted(found, key=age)[::-1])

    def find(self, transaction_id: str) -> Transaction | None:
        """Return a transaction, if it is known."""
        return self._by_id.get(transaction_id)


def age(transaction: Transaction) -> tuple[datetime, str]:
    """Return the sort key of a transaction. Transactions of the same moment are sorted by ID."""
    return transaction.created, transaction.id
