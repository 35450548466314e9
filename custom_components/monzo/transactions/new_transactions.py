"""Decides which transactions of an answer are new, and which have changed since the last read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ..api import Private, Transaction
from .known_transaction import KnownTransaction
from .record import TransactionRecord
from .transaction_log import TransactionLog

type ReadTransaction = tuple[Transaction, TransactionRecord]
"""A transaction as the bank lists it, and the facts about it."""


@dataclass(frozen=True, slots=True, repr=False)
class Differences(Private):
    """The differences between an answer and the known transactions, each in the answer's order."""

    new: list[ReadTransaction] = field(default_factory=list)
    """Unknown transactions that are recent enough to be published."""

    changed: list[ReadTransaction] = field(default_factory=list)
    """Known transactions with other facts than before."""

    others: list[TransactionRecord] = field(default_factory=list)
    """Unchanged transactions, and unknown ones that are too old to be published."""


def find_differences(
    log: TransactionLog, transactions: Iterable[ReadTransaction], *, news_since: datetime
) -> Differences:
    """Return the new and changed transactions. Transactions before a moment are not new."""
    differences = Differences()
    for transaction, record in transactions:
        known = log.find(record.id)
        if known is None and record.created >= news_since:
            differences.new.append((transaction, record))
        elif known is not None and known != KnownTransaction.of(record):
            differences.changed.append((transaction, record))
        else:
            differences.others.append(record)
    return differences
