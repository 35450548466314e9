"""The log of one account: the progress of reading it, and its transactions of the last month."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from ..api import Money, Private
from .known_transaction import KnownTransaction
from .pages import TransactionPage
from .running_sums import PeriodSum, RunningSums
from .spans import Spans
from .spending import has_happened

# The longest month, and one day for time zones. The spending of a month is computed from the log.
KEPT_FOR: Final = timedelta(days=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRead:
    """The progress of the first read of an account."""

    before: datetime
    """The time of the set-up. Transactions up to then are not published."""

    read_until: datetime
    """All transactions of the last month before this moment are known."""

    def moved_past(self, page: TransactionPage) -> FirstRead | None:
        """Return the progress after the next page; None if that was the last one."""
        if page.is_last:
            return None
        return replace(self, read_until=page.transactions[-1].created)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadState(Private):
    """The progress of reading an account's transactions."""

    entry_id: str
    """The config entry that read the account last."""

    currency: str

    read_until: datetime
    """The time of the newest known transaction."""

    first_read: FirstRead | None = None
    """None once all transactions of the last month are known."""

    unreadable_until: datetime | None = None
    """A transaction before this moment could not be read; None if all could."""


class TransactionLog(Private):
    """The known transactions of one account from the last month.

    A transaction is known as soon as it is published. Apart from the first sum of a period, no
    operation takes longer with more transactions.
    """

    def __init__(
        self,
        state: ReadState,
        known: Mapping[str, KnownTransaction] | None = None,
        spans: Spans | None = None,
    ) -> None:
        """Initialize the log with known transactions by ID."""
        self.state = state
        self.spans = spans or Spans()
        """The spans for which the archive has all transactions."""
        self.read_at: datetime | None = None
        """The time of the last read that reached the newest transaction; None before that."""
        self._known = dict(known or {})
        self._by_age = _by_age(self._known)
        self._sums = RunningSums()

    @property
    def known(self) -> Mapping[str, KnownTransaction]:
        """The transactions of the last month, by ID."""
        return self._known

    def is_new(self, transaction_id: str) -> bool:
        """Return whether a transaction is unknown, and is therefore published now."""
        return transaction_id not in self._known

    def find(self, transaction_id: str) -> KnownTransaction | None:
        """Return a transaction, if it is known."""
        return self._known.get(transaction_id)

    def remember(self, transaction_id: str, known: KnownTransaction) -> None:
        """Add a transaction, or replace it if it has changed."""
        before = self._known.get(transaction_id)
        self._known[transaction_id] = known
        self._sums.replace(before, known)
        if before is None or before.created != known.created:
            if before is not None:
                del self._by_age[bisect_left(self._by_age, (before.created, transaction_id))]
            insort(self._by_age, (known.created, transaction_id))
        read_until = max(self.state.read_until, known.created)
        if read_until != self.state.read_until:
            self.state = replace(self.state, read_until=read_until)

    def forget_before(self, horizon: datetime) -> None:
        """Remove the transactions before a moment."""
        forgotten = bisect_left(self._by_age, (horizon, ""))
        for _created, id_ in self._by_age[:forgotten]:
            self._sums.replace(self._known.pop(id_), None)
        del self._by_age[:forgotten]
        unreadable_until = self.state.unreadable_until
        if unreadable_until is not None and unreadable_until <= horizon:
            self.state = replace(self.state, unreadable_until=None)

    def count_since(self, since: datetime) -> int:
        """Return the number of known transactions since a moment."""
        return len(self._by_age) - bisect_left(self._by_age, (since, ""))

    def merged_with(self, other: TransactionLog | None) -> TransactionLog:
        """Return this log, written by a version without an archive, merged with an older one.

        Its facts are newer, and have been published. Income and tags come from the older log,
        because that version did not store them.
        """
        if other is None:
            return self
        read_until = max(self.state.read_until, other.state.read_until)
        known = dict(self._known)
        for id_, older in other.known.items():
            newer = known.get(id_, older)
            known[id_] = replace(newer, received=older.received, tags=older.tags)
        return TransactionLog(replace(self.state, read_until=read_until), known, other.spans)

    def continue_from(self, stored: TransactionLog, *, reported: Collection[str]) -> None:
        """Continue from the stored log, which could not be read before.

        Transactions that have been reported since then stay known. Others are forgotten, because
        they only seemed to be from before the set-up.
        """
        since = {id_: self._known[id_] for id_ in reported if id_ in self._known}
        self.state, self.spans = stored.state, stored.spans
        self._known = {**stored.known, **since}
        self._by_age = _by_age(self._known)
        self._sums = RunningSums()

    def note_unreadable(self, until: datetime) -> None:
        """Record that a transaction before a moment could not be read."""
        unreadable_until = max(until, self.state.unreadable_until or until)
        self.state = replace(self.state, unreadable_until=unreadable_until)

    def note_read(self, since: datetime, unreadable_until: datetime | None) -> None:
        """Record that the time since a moment was read completely.

        If `unreadable_until` is given, a transaction before that moment could not be read.
        """
        if self.state.unreadable_until is not None:
            earlier = min(self.state.unreadable_until, since)
            self.state = replace(self.state, unreadable_until=earlier)
        if unreadable_until is not None:
            self.note_unreadable(unreadable_until)

    def stop_counting_unlisted(
        self, since: datetime, before: datetime, listed: Collection[str]
    ) -> bool:
        """Stop counting the transactions of a span that the bank does not list; return if any.

        The bank took them back, such as the hold of a hotel. They stay known, so that they are not
        published again if the bank lists them again.
        """
        unlisted = [
            id_
            for _created, id_ in self._between(since, before)
            if id_ not in listed and self._known[id_].counts
        ]
        for id_ in unlisted:
            self.remember(id_, replace(self._known[id_], spent={}, received=0))
        return bool(unlisted)

    def _between(self, since: datetime, before: datetime) -> Iterable[tuple[datetime, str]]:
        """Return the times and IDs of the transactions between two moments, which are excluded."""
        start = bisect_right(self._by_age, (since, "\U0010ffff"))
        return self._by_age[start : bisect_left(self._by_age, (before, ""))]

    def pending_before(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times of pending transactions before a moment that count."""
        for created, id_ in self._by_age[: bisect_left(self._by_age, (moment, ""))]:
            transaction = self._known[id_]
            if transaction.spent and not transaction.settled:
                yield created

    def is_complete(self, since: datetime) -> bool:
        """Return whether all transactions since a moment of the last month are known."""
        state = self.state
        return state.first_read is None and (
            state.unreadable_until is None or state.unreadable_until <= since
        )

    def spent(
        self,
        since: datetime,
        now: datetime,
        category: str | None = None,
        tag: str | None = None,
    ) -> Money:
        """Return the spending from a moment of the last month until now, by the bank's clock.

        It can be limited to a category and a tag. It is negative if refunds exceed the spending.
        """
        spent = self._sum(since, now, tag).spent
        minor = sum(spent.values()) if category is None else spent.get(category, 0)
        return Money.from_minor(minor, self.state.currency)

    def received(self, since: datetime, now: datetime) -> Money:
        """Return the income from a moment of the last month until now, by the bank's clock."""
        return Money.from_minor(self._sum(since, now).received, self.state.currency)

    def _sum(self, since: datetime, now: datetime, tag: str | None = None) -> PeriodSum:
        """Return the sum of the transactions from a moment until now."""
        found = self._sums.since(since, tag, self._known.values())
        return found.without(self._dated_ahead(now))

    def _dated_ahead(self, now: datetime) -> list[KnownTransaction]:
        """Return the transactions that have not happened yet; the bank lists very few of them."""
        newest_first = (self._known[id_] for _created, id_ in reversed(self._by_age))
        return [*takewhile(lambda it: not has_happened(it.created, now), newest_first)]


def _by_age(known: Mapping[str, KnownTransaction]) -> list[tuple[datetime, str]]:
    """Return the times and IDs of transactions, oldest first."""
    return sorted((transaction.created, id_) for id_, transaction in known.items())
