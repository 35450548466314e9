"""Triggers for automations, in a module for each subject."""

from .balances import BalanceCrossed, PotGoalReached
from .budgets import BudgetCrossed, BudgetPeriodHasEnded
from .transactions import MoneyReceived, PaymentDeclined, PaymentMade, TransactionAmountChanged
from .transfers import TransferFailed

__all__ = [
    "BalanceCrossed",
    "BudgetCrossed",
    "BudgetPeriodHasEnded",
    "MoneyReceived",
    "PaymentDeclined",
    "PaymentMade",
    "PotGoalReached",
    "TransactionAmountChanged",
    "TransferFailed",
]
