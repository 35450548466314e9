"""Recognition of recurring payments by their transactions, because their keys may change."""

from collections.abc import Mapping
from typing import Final, Protocol

from .detection import RecurringPayment

# So many of the newest transactions identify a payment. Some of them remain if older ones are
# removed.
_RECOGNISED_BY: Final = 6


class Known(Protocol):
    """An object about a recurring payment that must be found again."""

    @property
    def transaction_ids(self) -> tuple[str, ...]:
        """The newest transactions of the payment; see `recognising_ids`."""


def recognising_ids(payment: RecurringPayment) -> tuple[str, ...]:
    """Return the transactions that identify a payment later on."""
    return payment.transaction_ids[-_RECOGNISED_BY:]


def recognise(payment: RecurringPayment, known: Mapping[str, Known]) -> str | None:
    """Return the key under which a payment is known; None if it is unknown.

    Keys may change, for example when a merchant changes its ID.
    """
    if payment.key in known:
        return payment.key
    ids = set(payment.transaction_ids)
    return next((key for key, it in known.items() if ids.intersection(it.transaction_ids)), None)
