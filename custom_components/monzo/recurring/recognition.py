"""Recognition of recurring payments by their transactions, because their keys may change."""

from collections.abc import Mapping
from typing import Final, Protocol

from .detection import RecurringPayment

# So many newest transactions recognise a payment whose key changed, and survive the removal of
# older ones.
_RECOGNISED_BY: Final = 6


class Known(Protocol):
    """Something that is known about a recurring payment."""

    @property
    def transaction_ids(self) -> tuple[str, ...]:
        """Newest payments of the series; see `recognising_ids`."""


def recognising_ids(payment: RecurringPayment) -> tuple[str, ...]:
    """Return the transactions by which a payment is recognised later."""
    return payment.transaction_ids[-_RECOGNISED_BY:]


def recognise(payment: RecurringPayment, known: Mapping[str, Known]) -> str | None:
    """Return the key that a payment has among known ones; None if it is not one of them.

    Keys may change, for example when a merchant changes its ID.
    """
    if payment.key in known:
        return payment.key
    ids = set(payment.transaction_ids)
    return next((key for key, it in known.items() if ids.intersection(it.transaction_ids)), None)
