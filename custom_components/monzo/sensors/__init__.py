"""The sensors, in a module for each subject."""

from .balances import async_add_balance_sensors
from .budgets import async_add_budget_sensors
from .history import async_add_history_sensor
from .outlook import async_add_outlook_sensors
from .period_sums import async_add_period_sensors

__all__ = [
    "async_add_balance_sensors",
    "async_add_budget_sensors",
    "async_add_history_sensor",
    "async_add_outlook_sensors",
    "async_add_period_sensors",
]
