"""Possible duplicates: a merchant has charged the same amount twice within hours."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, Protocol

from ..transactions import TransactionKind
from .payees import Row, merchant_of

DUPLICATED_WITHIN: Final = timedelta(hours=6)

# Smaller amounts are often paid twice on purpose: vending machines, parking meters, coffee.
_SMALLEST: Final = 500

# People pay the same fare twice, there and back.
_TRANSPORT: Final = "transport"


class CategorisedRow(Row, Protocol):
    """A transaction with its category."""

    @property
    def category(self) -> str | None:
        """The category at the bank."""


def possible_duplicate_of[R: CategorisedRow](payment: R, others: Iterable[R]) -> R | None:
    """Return the newest earlier payment that a card payment may duplicate; None if there is none.

    Amounts below £5 and fares never count as duplicates.
    """
    merchant = merchant_of(payment)
    if not merchant or not _may_be_duplicated(payment):
        return None
    earlier = (
        other
        for other in others
        if other.id != payment.id
        and _may_be_duplicated(other)
        and other.account == payment.account
        and other.minor == payment.minor
        and other.currency == payment.currency
        and merchant_of(other) == merchant
        and timedelta() <= payment.created - other.created <= DUPLICATED_WITHIN
    )
    return max(earlier, key=lambda it: (it.created, it.id), default=None)


def _may_be_duplicated(row: CategorisedRow) -> bool:
    return (
        row.kind == TransactionKind.CARD_PAYMENT
        and row.minor <= -_SMALLEST
        and row.category != _TRANSPORT
    )
