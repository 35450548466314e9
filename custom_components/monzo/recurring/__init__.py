"""Recurring payments: detected in the past, and what they leave to spend until pay day."""

from .coordinator import RecurringCoordinator
from .correction_store import async_get_corrections
from .detection import RecurringPayment
from .outlook import AccountOutlook, PersonOutlook
from .pay_day import PayDayBasis, PayDayRule, next_pay_day

__all__ = [
    "AccountOutlook",
    "PayDayBasis",
    "PayDayRule",
    "PersonOutlook",
    "RecurringCoordinator",
    "RecurringPayment",
    "async_get_corrections",
    "next_pay_day",
]
