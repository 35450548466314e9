"""Triggers for budgets."""

from decimal import Decimal
from enum import StrEnum
from typing import Final, override

from homeassistant.core import CALLBACK_TYPE, callback
import voluptuous as vol

from ..automations import OPTIONAL_TARGETS, TargetType
from ..budgets import (
    SIGNAL_BUDGET_PERIOD_ENDED,
    SIGNAL_BUDGET_USED,
    BudgetPeriodEnded,
    BudgetUsed,
    budget_variables,
)
from ..privacy import async_subscribe
from .base import MonzoTrigger, TargetRunner, trigger_schema

CONF_DIRECTION: Final = "direction"
CONF_PERCENT: Final = "percent"

# Ten times the limit, so that budgets that are far exceeded can trigger as well.
MAX_PERCENT: Final = 1000


class Direction(StrEnum):
    """The direction in which a budget crosses a percentage."""

    REACHED = "reached"
    FALLEN_BELOW = "fallen_below"


class BudgetCrossed(MonzoTrigger):
    """Triggers when the used percentage of a budget crosses a value, in a chosen direction."""

    schema = trigger_schema(
        OPTIONAL_TARGETS,
        {
            vol.Required(CONF_PERCENT): vol.All(vol.Coerce(int), vol.Range(min=1, max=MAX_PERCENT)),
            vol.Optional(CONF_DIRECTION, default=Direction.REACHED): vol.Coerce(Direction),
        },
    )
    target_type = TargetType.BUDGET
    description = "a budget crossing a percentage"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        percent = Decimal(self._options[CONF_PERCENT])
        is_reached = self._options[CONF_DIRECTION] is Direction.REACHED

        @callback
        def on_budget_used(used: BudgetUsed) -> None:
            change = used.change
            if change.has_reached(percent) if is_reached else change.has_fallen_below(percent):
                runner.async_run(
                    {
                        "percent": int(percent),
                        "used_before": float(change.before.last),
                        **budget_variables(used.status),
                    }
                )

        return async_subscribe(
            self._hass, SIGNAL_BUDGET_USED.format(runner.monzo_id), on_budget_used
        )


class BudgetPeriodHasEnded(MonzoTrigger):
    """Triggers when a budget's period has ended."""

    schema = trigger_schema(OPTIONAL_TARGETS)
    target_type = TargetType.BUDGET
    description = "the end of a budget's period"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_period_ended(ended: BudgetPeriodEnded) -> None:
            runner.async_run(
                {
                    "limit": float(ended.limit.amount),
                    "spent": float(ended.spent.amount),
                    "left": float(ended.left.amount),
                    "currency": ended.limit.currency,
                    "period": ended.period.first.isoformat(),
                }
            )

        return async_subscribe(
            self._hass, SIGNAL_BUDGET_PERIOD_ENDED.format(runner.monzo_id), on_period_ended
        )
