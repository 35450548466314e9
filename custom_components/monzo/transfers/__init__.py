"""Moving money between an account and its pots.

A request is planned from balances (planning), prepared and checked against the limits (preparation,
limits), recorded (journal), sent (send_batch, send_transfer), and confirmed if an answer was lost
(confirm_transfer). Its result goes back to the action (money_mover), and to entities and triggers
(results).
"""

from .journal import async_open_journal, async_remove_journal
from .models import MoveDirection, TransferStatus
from .money_mover import MoneyMover
from .planning import (
    Deposit,
    Distribution,
    KeepAccountAt,
    MoveBetweenPots,
    Percentage,
    Remainder,
    SetPotBalance,
    Share,
    TransferRequest,
    Withdrawal,
)
from .repair_issue import async_delete_issues
from .results import (
    EARLIER_MOVE_FAILED,
    OUTCOMES,
    SIGNAL_TRANSFER_RESULT,
    RequestResult,
    TransferResult,
)

__all__ = [
    "EARLIER_MOVE_FAILED",
    "OUTCOMES",
    "SIGNAL_TRANSFER_RESULT",
    "Deposit",
    "Distribution",
    "KeepAccountAt",
    "MoneyMover",
    "MoveBetweenPots",
    "MoveDirection",
    "Percentage",
    "Remainder",
    "RequestResult",
    "SetPotBalance",
    "Share",
    "TransferRequest",
    "TransferResult",
    "TransferStatus",
    "Withdrawal",
    "async_delete_issues",
    "async_open_journal",
    "async_remove_journal",
]
