"""Transactions: each one is published once, classified, and counted as spending."""

from .archive import Archive, async_get_archive
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
from .record import TransactionRecord
from .signals import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
)
from .spending import has_happened, spending_by_category
from .variables import template_variables

__all__ = [
    "POT_KINDS",
    "SIGNAL_NEW_TRANSACTION",
    "SIGNAL_TRANSACTION_CHANGED",
    "UNCATEGORISED",
    "Archive",
    "NewTransaction",
    "TransactionChanged",
    "TransactionHistory",
    "TransactionKind",
    "TransactionRecord",
    "TransactionsCoordinator",
    "async_get_archive",
    "counterparty_name",
    "has_happened",
    "is_of_category",
    "is_own_transfer",
    "rounded_up_payment_id",
    "spending_by_category",
    "template_variables",
    "transaction_kind",
]
