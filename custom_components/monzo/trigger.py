"""The triggers that Home Assistant loads, by their names in automations."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.trigger import Trigger

from .triggers import (
    BalanceCrossed,
    BudgetCrossed,
    BudgetPeriodHasEnded,
    MoneyReceived,
    PaymentDeclined,
    PaymentMade,
    PotGoalReached,
    TransactionAmountChanged,
    TransferFailed,
)

TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "balance_crossed": BalanceCrossed,
    "budget_crossed": BudgetCrossed,
    "budget_period_ended": BudgetPeriodHasEnded,
    "money_received": MoneyReceived,
    "payment_declined": PaymentDeclined,
    "payment_made": PaymentMade,
    "pot_goal_reached": PotGoalReached,
    "transaction_amount_changed": TransactionAmountChanged,
    "transfer_failed": TransferFailed,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of this integration."""
    return TRIGGERS
