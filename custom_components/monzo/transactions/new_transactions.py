"""Decides which transactions are new, and which have changed since they were read last."""

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
    """How the transactions of an answer differ from the known ones, each in the answer's order."""

    new: list[ReadTransaction] = field(default_factory=list)
    """Not known so far, and made lately enough to be published."""

    changed: list[ReadTransaction] = field(default_factory=list)
    """Known, with other facts than now."""

    others: list[TransactionRecord] = field(default_factory=list)
    """Known as they are, or too old to be published."""


def find_differences(
    log: TransactionLog, transactions: Iterable[ReadTransaction], *, news_since: datetime
) -> Differences:
    """Return which transactions are new or have changed; older ones than a moment are no news."""
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
