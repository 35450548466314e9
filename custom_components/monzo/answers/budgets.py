"""Budgets that an assistant may read."""

from collections.abc import Mapping
from typing import Any

from ..amounts import format_amount
from ..budgets import BudgetStatus
from .periods import shown_period
from .readable import Readable, ReadableBudget


async def async_get_budgets(readable: Readable, _fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of each budget for its current period."""
    return {"budgets": [_budget(budget) for budget in readable.budgets]}


def _budget(budget: ReadableBudget) -> dict[str, Any]:
    status = budget.runtime.budgets.state(budget.settings.id)
    if not isinstance(status, BudgetStatus):
        return {"budget": budget.name, "unknown_because": status.value.replace("_", " ")}
    return {
        "budget": budget.name,
        **shown_period(status.period),
        "limit": format_amount(status.limit),
        "carried_over": format_amount(status.carried_over),
        "spent": format_amount(status.spent),
        "left": format_amount(status.left),
        "left_per_day": format_amount(status.left_per_day),
        "used_percent": float(status.used),
        "projected_spending": format_amount(status.projected),
        "on_track": status.is_on_track,
    }
