"""Transactions: each one is published once, classified, and counted as spending."""

from .classification import (
    TransactionKind,
    counterparty_name,
    is_of_category,
    template_variables,
    transaction_kind,
)
from .coordinator import TransactionsCoordinator
from .history import TransactionHistory
from .signals import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
)
from .spending import spending_by_category
from .transaction_log import async_get_transaction_logs

__all__ = [
    "SIGNAL_NEW_TRANSACTION",
    "SIGNAL_TRANSACTION_CHANGED",
    "NewTransaction",
    "TransactionChanged",
    "TransactionHistory",
    "TransactionKind",
    "TransactionsCoordinator",
    "async_get_transaction_logs",
    "counterparty_name",
    "is_of_category",
    "spending_by_category",
    "template_variables",
    "transaction_kind",
]
