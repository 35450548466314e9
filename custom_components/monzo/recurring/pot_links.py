"""Links between recurring payments and pots: standing orders fill pots, and pots pay bills."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ..transactions import PastTransaction, TransactionKind, TransactionRecord

# The bank withdraws the money for a bill from the pot at about the same moment.
_AT_THE_SAME_TIME: Final = timedelta(minutes=5)


class _Withdrawal(NamedTuple):
    created: datetime
    minor: int
    pot_id: str


class PotLinks:
    """Finds the pots that payments fill, and those that pay bills."""

    def __init__(self) -> None:
        """Initialize without any transaction."""
        self._withdrawals: dict[str, _Withdrawal] = {}

    def put(self, transaction: PastTransaction) -> None:
        """Add a transaction of the account, or replace it if it is known."""
        self.remove(transaction.id)
        if transaction.kind == TransactionKind.POT_WITHDRAWAL:
            self._withdrawals[transaction.id] = _Withdrawal(
                transaction.created, transaction.minor, _pot_id(transaction)
            )

    def remove(self, transaction_id: str) -> None:
        """Remove a transaction if it is known."""
        self._withdrawals.pop(transaction_id, None)

    def pot_of(self, payment: TransactionRecord) -> str | None:
        """Return the ID of the pot that a payment fills or that pays it, if there is one.

        A pot pays a bill if the same amount left it at the same time.
        """
        if payment.kind is TransactionKind.POT_DEPOSIT:
            return _pot_id(payment) or None
        pots = (
            it.pot_id
            for it in self._withdrawals.values()
            if it.minor == -payment.minor and abs(it.created - payment.created) <= _AT_THE_SAME_TIME
        )
        return next(pots, None) or None


def _pot_id(transaction: PastTransaction | TransactionRecord) -> str:
    # The bank describes a transfer by the ID of its pot.
    return transaction.pot_id or transaction.description
