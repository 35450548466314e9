"""Links between recurring payments and pots: standing orders fill pots, and pots pay bills."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from ..transactions import TransactionKind, TransactionRecord
from .detection import RecurringPayment

# The bank withdraws the money for a bill from the pot at about the same moment.
_AT_THE_SAME_TIME: Final = timedelta(minutes=5)


def pots_by_payment(
    payments: Iterable[RecurringPayment], past: Iterable[TransactionRecord]
) -> dict[str, str]:
    """Return the pot ID, by key, of each payment that fills a pot or is paid from one.

    A payment is paid from a pot if the same amount left the pot at the last payment.
    """
    by_id = {transaction.id: transaction for transaction in past}
    withdrawals: dict[tuple[str, int], list[TransactionRecord]] = defaultdict(list)
    for transaction in by_id.values():
        if transaction.kind is TransactionKind.POT_WITHDRAWAL:
            withdrawals[transaction.account, transaction.minor].append(transaction)
    pots = {}
    for payment in payments:
        last = by_id.get(payment.transaction_ids[-1])
        if last is None:
            continue
        moved = (
            [last]
            if last.kind is TransactionKind.POT_DEPOSIT
            else [
                withdrawal
                for withdrawal in withdrawals[last.account, -last.minor]
                if abs(withdrawal.created - last.created) <= _AT_THE_SAME_TIME
            ]
        )
        if moved and (pot := moved[0].pot_id or moved[0].description):
            pots[payment.key] = pot
    return pots
