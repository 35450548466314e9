"""The triggers that Home Assistant loads, by their names in automations."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.trigger import Trigger

from .triggers import (
    BalanceCrossed,
    BudgetCrossed,
    BudgetPeriodHasEnded,
    ChargedTwice,
    MoneyReceived,
    PayDayHasArrived,
    PaymentDeclined,
    PaymentMade,
    PotGoalReached,
    RecurringPaymentChanged,
    RecurringPaymentDue,
    RecurringPaymentMissed,
    RecurringPaymentStarted,
    TransactionAmountChanged,
    TransferFailed,
    UnusualAmount,
)

TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "balance_crossed": BalanceCrossed,
    "budget_crossed": BudgetCrossed,
    "budget_period_ended": BudgetPeriodHasEnded,
    "money_received": MoneyReceived,
    "pay_day_arrived": PayDayHasArrived,
    "payment_declined": PaymentDeclined,
    "payment_made": PaymentMade,
    "possible_duplicate": ChargedTwice,
    "pot_goal_reached": PotGoalReached,
    "recurring_payment_changed": RecurringPaymentChanged,
    "recurring_payment_due": RecurringPaymentDue,
    "recurring_payment_missed": RecurringPaymentMissed,
    "recurring_payment_started": RecurringPaymentStarted,
    "transaction_amount_changed": TransactionAmountChanged,
    "transfer_failed": TransferFailed,
    "unusual_amount": UnusualAmount,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of this integration."""
    return TRIGGERS
