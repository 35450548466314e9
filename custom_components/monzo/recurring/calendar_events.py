"""Calendar events of recurring payments, and corrections that people make by editing them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from ..amounts import format_amount, parse_amount
from ..api import Money, currency_exponent
from ..bank import validation_error
from .detection import RecurringPayment
from .revision import Revision

_ESTIMATE: Final = "≈"
_DAY: Final = timedelta(days=1)


def describe_amount(amount: Money, *, is_exact: bool) -> str:
    """Return the description of an event: an amount with its sign and currency."""
    text = format_amount(amount)
    return text if is_exact else f"{_ESTIMATE} {text}"


def event_id(payment: RecurringPayment, day: date) -> str:
    """Return the ID of the event for a payment on a day."""
    return f"{payment.key}_{day.isoformat()}"


def revision_by_event(
    payment: RecurringPayment, day: date, event: Mapping[str, Any], today: date
) -> Revision:
    """Return the corrections that a person makes by editing the event of an expected payment.

    `day` is the day before the edit, and `event` has the fields of Home Assistant. An event that is
    saved unchanged confirms the payment, because calendars have no field for that. Raises
    ServiceValidationError for edits that do not correspond to a correction.
    """
    start, end = event["dtstart"], event["dtend"]
    is_whole_day = not isinstance(start, datetime) and end - start == _DAY
    if not is_whole_day or event.get("rrule") or event.get("location"):
        raise validation_error("event_cannot_hold_this", name=payment.payee)
    name = event["summary"].strip()
    revision = Revision(
        name=None if name in {"", payment.payee} else name,
        amount=_changed_amount(payment, event.get("description", "")),
        day=None if start == day else _changed_day(payment, day, start, today),
    )
    return Revision(confirmed=True) if revision == Revision() else revision


def _changed_amount(payment: RecurringPayment, description: str) -> Money | None:
    """Return the amount in a description; None if it is unchanged or empty."""
    text = description.strip()
    if text in {"", describe_amount(payment.amount, is_exact=payment.is_exact)}:
        return None
    number, _, currency = text.removeprefix(_ESTIMATE).strip().partition(" ")
    amount = parse_amount(number, payment.currency)
    if amount is None or not amount.minor or currency.upper() not in {"", payment.currency}:
        raise validation_error(
            "invalid_amount",
            field="description",
            value=text,
            currency=payment.currency,
            decimals=str(currency_exponent(payment.currency)),
        )
    return abs(amount)


def _changed_day(payment: RecurringPayment, before: date, after: date, today: date) -> int:
    """Return the day of the month to which an event was moved."""
    placeholders = {"name": payment.payee, "day": after.isoformat()}
    if after < today:
        raise validation_error("day_in_past", **placeholders)
    if (after.year, after.month) != (before.year, before.month):
        raise validation_error("day_of_other_month", **placeholders)
    return after.day
