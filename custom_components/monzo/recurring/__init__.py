"""Recurring payments: detection, forecasts, pay days, and the money left to spend until pay day."""

from .account_payments import AccountPayments, ListedPayment
from .announcement_store import async_get_announcements
from .announcements import (
    Announcement,
    PaymentChanged,
    PaymentDue,
    PaymentMissed,
    PaymentStarted,
)
from .announcer import RecurringAnnouncer
from .calendar_events import describe_amount, event_id, revision_by_event
from .coordinator import RecurringCoordinator
from .correction_store import async_get_corrections
from .detection import RecurringPayment
from .forecast import Forecast, ForecastDay
from .outlook import AccountOutlook, PersonOutlook
from .pay_day import PayDayBasis, PayDays
from .pay_day_arrivals import PayDayArrived
from .payees import merchant_of
from .revision import Revision
from .signals import (
    SIGNAL_PAY_DAY_ARRIVED,
    SIGNAL_POSSIBLE_DUPLICATE,
    SIGNAL_RECURRING_PAYMENT,
    PossibleDuplicate,
    payment_variables,
)
from .upcoming import UpcomingPayment

__all__ = [
    "SIGNAL_PAY_DAY_ARRIVED",
    "SIGNAL_POSSIBLE_DUPLICATE",
    "SIGNAL_RECURRING_PAYMENT",
    "AccountOutlook",
    "AccountPayments",
    "Announcement",
    "Forecast",
    "ForecastDay",
    "ListedPayment",
    "PayDayArrived",
    "PayDayBasis",
    "PayDays",
    "PaymentChanged",
    "PaymentDue",
    "PaymentMissed",
    "PaymentStarted",
    "PersonOutlook",
    "PossibleDuplicate",
    "RecurringAnnouncer",
    "RecurringCoordinator",
    "RecurringPayment",
    "Revision",
    "UpcomingPayment",
    "async_get_announcements",
    "async_get_corrections",
    "describe_amount",
    "event_id",
    "merchant_of",
    "payment_variables",
    "revision_by_event",
]
