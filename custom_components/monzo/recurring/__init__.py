"""Recurring payments: detected in the past, and what they leave to spend until pay day."""

from .coordinator import RecurringCoordinator
from .correction_store import async_get_corrections
from .detection import RecurringPayment
from .forecast import Forecast, ForecastDay
from .outlook import AccountOutlook, ListedPayment, PersonOutlook
from .pay_day import PayDayBasis, PayDayRule, next_pay_day
from .revision import Revision

__all__ = [
    "AccountOutlook",
    "Forecast",
    "ForecastDay",
    "ListedPayment",
    "PayDayBasis",
    "PayDayRule",
    "PersonOutlook",
    "RecurringCoordinator",
    "RecurringPayment",
    "Revision",
    "async_get_corrections",
    "next_pay_day",
]
