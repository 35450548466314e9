"""Changes of events in a calendar correct the payment, or are refused by name."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.recurring.calendar_events import describe_amount, revision_by_event
from custom_components.monzo.recurring.detection import RecurringPayment
from custom_components.monzo.recurring.revision import Revision

from .households import following, monthly
from .payments import DEBIT, only, rows, same, until

TODAY = date(2026, 1, 20)


def electricity() -> RecurringPayment:
    days = until(monthly(date(2025, 1, 1), 24, following), TODAY)
    amounts = (-6_000 - 137 * (number % 5) for number in range(99))
    return only(rows(days, amounts, DEBIT, "Current Energy"), TODAY)


def gym() -> RecurringPayment:
    days = until(monthly(date(2025, 1, 1), 24, following), TODAY)
    return only(rows(days, same(-2_999), DEBIT, "Ironworks Gym"), TODAY)


DAY = gym().next


def changed(payment: RecurringPayment, **fields: Any) -> Revision:
    """Return the revision by an event of which some fields were changed."""
    event = {
        "dtstart": DAY,
        "dtend": fields.get("dtstart", DAY) + timedelta(days=1),
        "summary": payment.payee,
        "description": describe_amount(payment.amount, is_exact=payment.is_exact),
    }
    return revision_by_event(payment, DAY, {**event, **fields}, TODAY)


def test_the_expected_payment_is_on_the_next_working_day() -> None:
    # The 24th is a Saturday.
    assert date(2026, 1, 26) == DAY
    assert describe_amount(gym().amount, is_exact=gym().is_exact) == "-29.99 GBP"


@pytest.mark.parametrize("payment", [gym(), electricity()], ids=["exact", "estimate"])
def test_an_event_that_is_saved_unchanged_confirms_the_payment(payment: RecurringPayment) -> None:
    confirmed = Revision(confirmed=True)
    assert changed(payment) == confirmed
    assert changed(payment, description="") == confirmed
    assert changed(payment, summary=" ") == confirmed


def test_the_name_can_be_changed() -> None:
    assert changed(gym(), summary=" Climbing ") == Revision(name="Climbing")


@pytest.mark.parametrize(
    "description", ["-35.00 GBP", "35 gbp", "35", "-35", "≈ -35.00 GBP", "≈35"]
)
def test_the_amount_can_be_changed_in_the_description(description: str) -> None:
    amount = Money.from_minor(3_500, "GBP")
    assert changed(gym(), description=description) == Revision(amount=amount)


def test_the_day_can_be_changed_within_the_month() -> None:
    assert changed(gym(), dtstart=date(2026, 1, 28)) == Revision(day=28)
    assert changed(gym(), dtstart=TODAY) == Revision(day=20)


@pytest.mark.parametrize(
    ("fields", "key", "named"),
    [
        ({"description": "35 EUR"}, "invalid_amount", "35 EUR"),
        ({"description": "0"}, "invalid_amount", "0"),
        ({"description": "-35.999 GBP"}, "invalid_amount", "-35.999 GBP"),
        ({"description": "more"}, "invalid_amount", "more"),
        ({"description": "35 GBP a month"}, "invalid_amount", "35 GBP a month"),
        ({"dtstart": date(2026, 1, 19)}, "day_in_past", "2026-01-19"),
        ({"dtstart": date(2026, 2, 1)}, "day_of_other_month", "2026-02-01"),
        ({"dtend": DAY + timedelta(days=2)}, "event_cannot_hold_this", "Ironworks Gym"),
        ({"rrule": "FREQ=DAILY"}, "event_cannot_hold_this", "Ironworks Gym"),
        ({"location": "Leeds"}, "event_cannot_hold_this", "Ironworks Gym"),
        (
            {
                "dtstart": datetime(2026, 1, 26, 9, tzinfo=UTC),
                "dtend": datetime(2026, 1, 27, 9, tzinfo=UTC),
            },
            "event_cannot_hold_this",
            "Ironworks Gym",
        ),
    ],
)
def test_a_change_that_is_no_correction_is_refused(
    fields: dict[str, Any], key: str, named: str
) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        changed(gym(), **fields)
    assert raised.value.translation_key == key
    assert named in (raised.value.translation_placeholders or {}).values()
