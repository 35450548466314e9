"""Rules for spending and income: which transactions count, and in which category."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ..api import Money, Transaction
from .classification import POT_KINDS, TransactionKind, amount_by_category, transaction_kind

# The bank's clock is not known exactly, and a payment counts as soon as it is listed.
CLOCK_SKEW: Final = timedelta(seconds=5)

# Money that stays with the owner, or that was never paid.
_NEVER_SPENT: Final = POT_KINDS | {TransactionKind.DECLINED}


def spending_by_category(transaction: Transaction, *, own_transfer: bool) -> Mapping[str, Money]:
    """Return the part of a transaction that counts as spending, by category.

    Positive for money spent, negative for money that came back. Empty for transfers between
    accounts or pots of one person, declined payments, card checks, income, and transactions that
    the owner excluded in the Monzo app. See `is_own_transfer`.
    """
    if own_transfer or not _is_spending(transaction):
        return {}
    return {category: -part for category, part in amount_by_category(transaction).items()}


def income(transaction: Transaction, *, own_transfer: bool) -> Money:
    """Return the money that a transaction brings in from other people; zero if there is none.

    Interest is income. Transfers between accounts or pots of one person, refunds, and credits that
    lower the spending are not.
    """
    amount = transaction.amount
    kind = transaction_kind(transaction)
    if (
        own_transfer
        or amount.minor <= 0
        or kind in _NEVER_SPENT
        or kind is TransactionKind.REFUND
        or transaction.include_in_spending
    ):
        return Money.zero(amount.currency)
    return amount


def has_happened(created: datetime, now: datetime) -> bool:
    """Return whether a transaction counts by now.

    The bank lists some transactions before their date.
    """
    return created <= now + CLOCK_SKEW


def _is_spending(transaction: Transaction) -> bool:
    kind = transaction_kind(transaction)
    if kind in _NEVER_SPENT or transaction.include_in_spending is False:
        return False
    minor = transaction.amount.minor
    # The bank marks credits that lower spending, such as refunds of payments and direct debits, and
    # shares of bills that were paid back. Without a mark, only refunds of card payments are
    # certain.
    is_credit = transaction.include_in_spending or kind is TransactionKind.REFUND
    return minor < 0 or (minor > 0 and is_credit)
