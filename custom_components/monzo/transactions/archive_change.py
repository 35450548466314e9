"""A change of the archive: the transactions of one account, and how far it was read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..api import Private
from .record import TransactionRecord
from .spans import Spans
from .transaction_log import ReadState


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Listing(Private):
    """All transactions that the bank lists between two moments, without these."""

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
    """Transactions that are new or have changed, or may have."""

    unreported: Collection[str] = ()
    """The IDs of those records that are not reported yet."""

    reported: str | None = None
    """The ID of a transaction that was reported."""

    listed: Listing | None = None
    """What the bank lists between two moments: other transactions were taken back."""

    forget_before: datetime | None = None
    """Delete the transactions that are older; None to keep all."""
