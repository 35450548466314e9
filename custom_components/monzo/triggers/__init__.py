"""Triggers for automations, one module per subject."""

from .balances import BalanceCrossed, PotGoalReached
from .budgets import BudgetCrossed, BudgetPeriodHasEnded
from .recurring import (
    PayDayHasArrived,
    RecurringPaymentChanged,
    RecurringPaymentDue,
    RecurringPaymentMissed,
    RecurringPaymentStarted,
)
from .transactions import (
    ChargedTwice,
    MoneyReceived,
    PaymentDeclined,
    PaymentMade,
    TransactionAmountChanged,
)
from .transfers import TransferFailed
from .unusual import UnusualAmount

__all__ = [
    "BalanceCrossed",
    "BudgetCrossed",
    "BudgetPeriodHasEnded",
    "ChargedTwice",
    "MoneyReceived",
    "PayDayHasArrived",
    "PaymentDeclined",
    "PaymentMade",
    "PotGoalReached",
    "RecurringPaymentChanged",
    "RecurringPaymentDue",
    "RecurringPaymentMissed",
    "RecurringPaymentStarted",
    "TransactionAmountChanged",
    "TransferFailed",
    "UnusualAmount",
]
