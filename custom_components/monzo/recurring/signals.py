"""Signals for the triggers of recurring payments, pay days and possible duplicates."""

from dataclasses import dataclass
from typing import Any

from homeassistant.util.signal_type import SignalTypeFormat

from ..api import Private
from ..const import DOMAIN
from ..transactions import NewTransaction, TransactionRecord
from .announcements import Announcement
from .detection import RecurringPayment
from .pay_day_arrivals import PayDayArrived


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PossibleDuplicate(Private):
    """A payment that may duplicate an earlier one; see `possible_duplicate_of`."""

    new: NewTransaction
    earlier: TransactionRecord


# Keyed by the ID of the account or person, so that subscriptions survive a reload of the entry.
SIGNAL_RECURRING_PAYMENT: SignalTypeFormat[Announcement] = SignalTypeFormat(
    f"{DOMAIN}_recurring_payment_{{}}"
)
SIGNAL_PAY_DAY_ARRIVED: SignalTypeFormat[PayDayArrived] = SignalTypeFormat(
    f"{DOMAIN}_pay_day_arrived_{{}}"
)
SIGNAL_POSSIBLE_DUPLICATE: SignalTypeFormat[PossibleDuplicate] = SignalTypeFormat(
    f"{DOMAIN}_possible_duplicate_{{}}"
)


def payment_variables(payment: RecurringPayment) -> dict[str, Any]:
    """Return a recurring payment as template variables. Amounts are signed, in major units."""
    return {
        "key": payment.key,
        "name": payment.payee,
        "kind": payment.kind.value,
        "direction": payment.direction,
        "cadence": payment.cadence.value,
        "amount": float(payment.amount.amount),
        "exact": payment.is_exact,
        "currency": payment.currency,
        "last": payment.last.isoformat(),
    }
