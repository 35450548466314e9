"""Decides which transactions count as spending, and in which category."""

from collections.abc import Mapping
from typing import Final

from ..api import Money, Transaction
from .classification import UNCATEGORISED, TransactionKind, transaction_kind

# Money that the owner keeps, or that was never paid.
_NEVER_SPENT: Final = frozenset(
    {
        TransactionKind.DECLINED,
        TransactionKind.POT_DEPOSIT,
        TransactionKind.POT_WITHDRAWAL,
        TransactionKind.ROUND_UP,
    }
)


def spending_by_category(transaction: Transaction) -> Mapping[str, Money]:
    """Return the part of a transaction that counts as spending, by category.

    Positive for money spent, negative for a refund. Empty for pot transfers, declined payments,
    card checks, income, and transactions that the owner excluded in the Monzo app.
    """
    kind = transaction_kind(transaction)
    amount = transaction.amount
    if (
        kind in _NEVER_SPENT
        or not transaction.include_in_spending
        or (amount.minor >= 0 and kind is not TransactionKind.REFUND)
    ):
        return {}
    parts = transaction.categories
    if sum(part.minor for part in parts.values()) != amount.minor:
        # Not split, or the parts do not make up the amount.
        parts = {transaction.category or UNCATEGORISED: amount}
    return {category: -part for category, part in parts.items()}
