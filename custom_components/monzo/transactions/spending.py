"""What counts as spending, and under which category."""

from collections.abc import Mapping
from typing import Final

from ..api import Money, Transaction
from .classification import UNCATEGORISED, TransactionKind, transaction_kind

# Money that stays the owner's, or never left.
NEVER_SPENT: Final = frozenset(
    {
        TransactionKind.DECLINED,
        TransactionKind.POT_DEPOSIT,
        TransactionKind.POT_WITHDRAWAL,
        TransactionKind.ROUND_UP,
    }
)


def spending_by_category(transaction: Transaction) -> Mapping[str, Money]:
    """Return what a transaction adds to the spending of each category.

    Positive for money spent, negative for a refund; nothing for pot transfers, declined payments,
    checks of a card, income, and what the owner has told Monzo to leave out.
    """
    kind = transaction_kind(transaction)
    amount = transaction.amount
    if (
        kind in NEVER_SPENT
        or not transaction.include_in_spending
        or (amount.minor >= 0 and kind is not TransactionKind.REFUND)
    ):
        return {}
    parts = transaction.categories
    if sum(part.minor for part in parts.values()) != amount.minor:
        # Not split, or not as much as was spent.
        parts = {transaction.category or UNCATEGORISED: amount}
    return {category: -part for category, part in parts.items()}
