"""A change of the archive: transactions of one account, and the progress of reading it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..api import Private
from .record import TransactionRecord
from .spans import Spans
from .transaction_log import ReadState


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Listing(Private):
    """The complete list of the bank's transactions between two moments, which are excluded."""

    since: datetime
    before: datetime
    ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ArchiveChange(Private):
    """A change of one account, which is written as a whole or not at all."""

    account_id: str
    state: ReadState
    spans: Spans

    records: Sequence[TransactionRecord] = ()
    """Transactions that are new, or that may have changed."""

    unreported: Collection[str] = ()
    """The IDs of those transactions that have not been reported yet."""

    reported: str | None = None
    """The ID of a transaction that has been reported."""

    listed: Listing | None = None
    """The bank's list between two moments. Other transactions in this time were taken back."""

    forget_before: datetime | None = None
    """Transactions before this moment are deleted; None to keep all."""
