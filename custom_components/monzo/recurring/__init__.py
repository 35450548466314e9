"""Recurring payments: detected in the past, and what they leave to spend until pay day."""

from .calendar_events import describe_amount, event_id, revision_by_event
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
    "describe_amount",
    "event_id",
    "next_pay_day",
    "revision_by_event",
]
