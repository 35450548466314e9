"""Transactions: each one is published once, classified, and counted as spending."""

from .archive import Archive, async_get_archive
from .archive_change import ArchiveChange
from .archive_database import DISK_ERRORS
from .archive_file import ArchiveFile
from .archive_query import SpendingGroup
from .classification import (
    CATEGORIES,
    POT_KINDS,
    SPENDING_CATEGORIES,
    UNCATEGORISED,
    TransactionKind,
    is_of_category,
    is_own_transfer,
    is_payee,
    transaction_kind,
)
from .coordinator import TransactionsCoordinator
from .explained_balance import ExplainedBalance
from .history import TransactionHistory
from .known_sums import KnownSums
from .known_transaction import KnownTransaction
from .page_publisher import LOOKBACK
from .pages import PRECISION, TransactionPage, TransactionPages
from .past_spending import PastSpending
from .past_transaction import PastTransaction
from .record import TransactionRecord
from .retention import Retention, retention_in, retention_of
from .signals import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
)
from .spans import Span, Spans
from .spending import has_happened
from .tags import TAG_SIGN, parse_tag, tags_in
from .transaction_log import KEPT_FOR
from .variables import record_variables, template_variables

__all__ = [
    "CATEGORIES",
    "DISK_ERRORS",
    "KEPT_FOR",
    "LOOKBACK",
    "POT_KINDS",
    "PRECISION",
    "SIGNAL_NEW_TRANSACTION",
    "SIGNAL_TRANSACTION_CHANGED",
    "SPENDING_CATEGORIES",
    "TAG_SIGN",
    "UNCATEGORISED",
    "Archive",
    "ArchiveChange",
    "ArchiveFile",
    "ExplainedBalance",
    "KnownSums",
    "KnownTransaction",
    "NewTransaction",
    "PastSpending",
    "PastTransaction",
    "Retention",
    "Span",
    "Spans",
    "SpendingGroup",
    "TransactionChanged",
    "TransactionHistory",
    "TransactionKind",
    "TransactionPage",
    "TransactionPages",
    "TransactionRecord",
    "TransactionsCoordinator",
    "async_get_archive",
    "has_happened",
    "is_of_category",
    "is_own_transfer",
    "is_payee",
    "parse_tag",
    "record_variables",
    "retention_in",
    "retention_of",
    "tags_in",
    "template_variables",
    "transaction_kind",
]
