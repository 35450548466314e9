"""The facts about a transaction of the last month that are kept in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from ..api import Private
from .record import TransactionRecord


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KnownTransaction(Private):
    """The facts about a transaction that are kept in memory."""

    created: datetime

    amount: int
    """In minor units of the account's currency; negative for outgoing money."""

    settled: bool
    category: str | None

    spent: Mapping[str, int]
    """The spending by category in minor units; see `spending_by_category`."""

    received: int = 0
    """The income in minor units; see `income`."""

    tags: frozenset[str] = field(default=frozenset(), compare=False)
    """The tags in the notes, if notes are kept. Other changes of the notes are not reported."""

    @property
    def counts(self) -> bool:
        """Whether the transaction is part of the spending or income."""
        return bool(self.spent or self.received)

    @classmethod
    def of(cls, record: TransactionRecord) -> Self:
        """Return the facts to keep in memory about a transaction."""
        return cls(
            created=record.created,
            amount=record.minor,
            settled=record.settled is not None,
            category=record.category,
            spent=record.spent,
            received=record.received,
            tags=record.tags,
        )
