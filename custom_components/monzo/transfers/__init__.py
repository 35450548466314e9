"""Moving money between an account and its pots.

A request is planned from balances (planning), prepared and checked against the limits (preparation,
limits), recorded (journal), made (executor), and confirmed if an answer was lost (confirmation).
Its result goes back to the action (requests), and to entities and triggers (results).
"""

from .between_pots import async_delete_issues
from .journal import async_open_journal, async_remove_journal
from .models import Direction, TransferStatus
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
from .requests import RequestResult, Transfers
from .results import (
    EARLIER_MOVE_FAILED,
    SIGNAL_TRANSFER_RESULT,
    TransferOutcome,
    TransferResult,
)

__all__ = [
    "EARLIER_MOVE_FAILED",
    "SIGNAL_TRANSFER_RESULT",
    "Deposit",
    "Direction",
    "Distribution",
    "KeepAccountAt",
    "MoveBetweenPots",
    "Percentage",
    "Remainder",
    "RequestResult",
    "SetPotBalance",
    "Share",
    "TransferOutcome",
    "TransferRequest",
    "TransferResult",
    "TransferStatus",
    "Transfers",
    "Withdrawal",
    "async_delete_issues",
    "async_open_journal",
    "async_remove_journal",
]
