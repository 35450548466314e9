"""Signals for the triggers of budgets."""

from dataclasses import dataclass
from typing import Any

from homeassistant.util.signal_type import SignalTypeFormat

from ..api import Money, Private
from ..const import DOMAIN
from .budget import BudgetStatus
from .crossings import UsageChange
from .periods import Period


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetUsed(Private):
    """Another percentage of a budget is used than before."""

    status: BudgetStatus
    change: UsageChange


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetPeriodEnded(Private):
    """A period of a budget has ended."""

    period: Period

    limit: Money
    """Without what was carried over."""

    spent: Money
    left: Money
    """With what was carried over; negative if more was spent than there was."""


# Keyed by the ID of the budget, so that listeners survive a reload of the config entry.
SIGNAL_BUDGET_USED: SignalTypeFormat[BudgetUsed] = SignalTypeFormat(f"{DOMAIN}_budget_used_{{}}")
SIGNAL_BUDGET_PERIOD_ENDED: SignalTypeFormat[BudgetPeriodEnded] = SignalTypeFormat(
    f"{DOMAIN}_budget_period_ended_{{}}"
)


def budget_variables(status: BudgetStatus) -> dict[str, Any]:
    """Return the numbers of a budget for templates; amounts in major units."""
    return {
        "limit": float(status.limit.amount),
        "spent": float(status.spent.amount),
        "left": float(status.left.amount),
        "used": float(status.used),
        "currency": status.limit.currency,
    }
