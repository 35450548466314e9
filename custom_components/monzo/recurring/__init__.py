"""Recurring payments: detected in the past, and what they leave to spend until pay day."""

from .coordinator import RecurringCoordinator
from .outlook import AccountOutlook, PersonOutlook
from .pay_day import PayDayBasis

__all__ = ["AccountOutlook", "PayDayBasis", "PersonOutlook", "RecurringCoordinator"]
