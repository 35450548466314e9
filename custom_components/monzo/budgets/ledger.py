"""The ledger of a budget: running sums of its spending, by period."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, tzinfo

from ..transactions import TransactionRecord, has_happened
from .periods import Period
from .scope import Scope


class BudgetLedger:
    """The spending of consecutive periods, corrected by each new or changed transaction.

    The ledger remembers only transactions that count, each with its period and amount.
    """

    def __init__(self, scope: Scope, periods: Sequence[Period], zone: tzinfo) -> None:
        """Initialize the ledger for consecutive periods, oldest first, without spending.

        Periods begin and end at midnight in the time zone.
        """
        self.scope = scope
        self.periods = tuple(periods)
        self.zone = zone
        self._begins = [period.since(zone) for period in periods]
        self._end = periods[-1].until(zone)
        self._minor = [0] * len(periods)
        self._entries: dict[str, tuple[int, int]] = {}
        self._future: dict[str, TransactionRecord] = {}

    @property
    def since(self) -> datetime:
        """The start of the oldest period."""
        return self._begins[0]

    def put(self, record: TransactionRecord, now: datetime) -> None:
        """Add a transaction, or replace it if it is already there.

        `now` is the time at the bank.
        """
        self._remove(record.id)
        if not self.since <= record.created < self._end:
            return
        if not (minor := self.scope.minor_of(record)):
            return
        if not has_happened(record.created, now):
            self._future[record.id] = record
            return
        index = bisect_right(self._begins, record.created) - 1
        self._entries[record.id] = (index, minor)
        self._minor[index] += minor

    def put_due(self, now: datetime) -> bool:
        """Add the transactions whose future date has come, and return whether there were any."""
        due = [it for it in self._future.values() if has_happened(it.created, now)]
        for record in due:
            self.put(record, now)
        return bool(due)

    def spent_minor(self, period: Period) -> int:
        """Return the spending of a period in minor units."""
        return self._minor[self.periods.index(period)]

    def minor_of(self, transaction_id: str, period: Period) -> int:
        """Return the spending of a transaction in minor units; zero if it is not in the period."""
        index, minor = self._entries.get(transaction_id, (-1, 0))
        return minor if index == self.periods.index(period) else 0

    def _remove(self, transaction_id: str) -> None:
        self._future.pop(transaction_id, None)
        index, minor = self._entries.pop(transaction_id, (0, 0))
        self._minor[index] -= minor
