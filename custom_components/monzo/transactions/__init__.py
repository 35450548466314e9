"""Transactions: each one is published once, classified, and counted as spending."""

from .account_reader import LOOKBACK
from .archive import Archive, async_get_archive
from .archive_file import DISK_ERRORS, ArchiveChange
from .classification import (
    POT_KINDS,
    UNCATEGORISED,
    TransactionKind,
    counterparty_name,
    is_of_category,
    is_own_transfer,
    rounded_up_payment_id,
    transaction_kind,
)
from .coordinator import TransactionsCoordinator
from .history import TransactionHistory
from .pages import PRECISION, TransactionPage, TransactionPages
from .past_spending import PastSpending
from .record import TransactionRecord
from .retention import Retention, retention_in, retention_of
from .signals import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
)
from .spans import Span
from .spending import has_happened, spending_by_category
from .transaction_log import KEPT_FOR, KnownTransaction
from .variables import template_variables

__all__ = [
    "DISK_ERRORS",
    "KEPT_FOR",
    "LOOKBACK",
    "POT_KINDS",
    "PRECISION",
    "SIGNAL_NEW_TRANSACTION",
    "SIGNAL_TRANSACTION_CHANGED",
    "UNCATEGORISED",
    "Archive",
    "ArchiveChange",
    "KnownTransaction",
    "NewTransaction",
    "PastSpending",
    "Retention",
    "Span",
    "TransactionChanged",
    "TransactionHistory",
    "TransactionKind",
    "TransactionPage",
    "TransactionPages",
    "TransactionRecord",
    "TransactionsCoordinator",
    "async_get_archive",
    "counterparty_name",
    "has_happened",
    "is_of_category",
    "is_own_transfer",
    "retention_in",
    "retention_of",
    "rounded_up_payment_id",
    "spending_by_category",
    "template_variables",
    "transaction_kind",
]
