"""Budgets: limits for the spending of a period."""

from .budget import BudgetStatus
from .coordinator import BudgetsCoordinator, async_forget_usage
from .devices import async_register_budget_device
from .periods import Months, PayCycles, Period, PeriodRule, Weeks, Years
from .scope import Scope
from .settings import (
    CONF_ACCOUNTS,
    CONF_CARRY_OVER,
    CONF_CARRY_SINCE,
    CONF_CATEGORIES,
    CONF_CURRENCY,
    CONF_DAY,
    CONF_LIMIT,
    CONF_MERCHANT,
    CONF_PERIOD,
    CONF_TAG,
    CONF_TITLE,
    CONF_WEEKDAY,
    SUBENTRY_BUDGET,
    BudgetSettings,
    PeriodType,
    with_limit,
)
from .signals import (
    SIGNAL_BUDGET_PERIOD_ENDED,
    SIGNAL_BUDGET_USED,
    BudgetPeriodEnded,
    BudgetUsed,
    budget_variables,
)

__all__ = [
    "CONF_ACCOUNTS",
    "CONF_CARRY_OVER",
    "CONF_CARRY_SINCE",
    "CONF_CATEGORIES",
    "CONF_CURRENCY",
    "CONF_DAY",
    "CONF_LIMIT",
    "CONF_MERCHANT",
    "CONF_PERIOD",
    "CONF_TAG",
    "CONF_TITLE",
    "CONF_WEEKDAY",
    "SIGNAL_BUDGET_PERIOD_ENDED",
    "SIGNAL_BUDGET_USED",
    "SUBENTRY_BUDGET",
    "BudgetPeriodEnded",
    "BudgetSettings",
    "BudgetStatus",
    "BudgetUsed",
    "BudgetsCoordinator",
    "Months",
    "PayCycles",
    "Period",
    "PeriodRule",
    "PeriodType",
    "Scope",
    "Weeks",
    "Years",
    "async_forget_usage",
    "async_register_budget_device",
    "budget_variables",
    "with_limit",
]
