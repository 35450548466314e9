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
    """The used percentage of a budget has changed."""

    status: BudgetStatus
    change: UsageChange


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetPeriodEnded(Private):
    """A period of a budget has ended."""

    period: Period

    limit: Money
    """The limit, without the amount carried over."""

    spent: Money
    left: Money
    """Including the amount carried over; negative if the budget was exceeded."""


# Keyed by the budget's ID, so that subscriptions survive a reload of the config entry.
SIGNAL_BUDGET_USED: SignalTypeFormat[BudgetUsed] = SignalTypeFormat(f"{DOMAIN}_budget_used_{{}}")
SIGNAL_BUDGET_PERIOD_ENDED: SignalTypeFormat[BudgetPeriodEnded] = SignalTypeFormat(
    f"{DOMAIN}_budget_period_ended_{{}}"
)


def budget_variables(status: BudgetStatus) -> dict[str, Any]:
    """Return the figures of a budget as template variables; amounts are in major units."""
    return {
        "limit": float(status.limit.amount),
        "spent": float(status.spent.amount),
        "left": float(status.left.amount),
        "used": float(status.used),
        "currency": status.limit.currency,
    }
