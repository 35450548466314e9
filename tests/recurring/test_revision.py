"""Revisions of recurring payments: what a person asks for is applied, or refused by name."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.recurring.corrections import Correction
from custom_components.monzo.recurring.detection import RecurringPayment
from custom_components.monzo.recurring.revision import Revision

from .households import as_it_is, following, monthly, weekly
from .payments import CARD, DEBIT, INCOME, only, rows, same, until

BEGIN = date(2025, 1, 1)
TODAY = date(2026, 1, 20)


def gym() -> RecurringPayment:
    days = until(monthly(BEGIN, 5, following), TODAY)
    return only(rows(days, same(-2_999), DEBIT, "Ironworks Gym"), TODAY)


def vegetables() -> RecurringPayment:
    days = until(weekly(BEGIN, 1, as_it_is), TODAY)
    return only(rows(days, same(-1_250), CARD, "Vegetable box"), TODAY)


NOTHING = Correction.of(gym())


def revised(revision: Revision, before: Correction | None = None) -> Correction:
    """Return the correction without the transactions of the payment."""
    return replace(revision.apply_to(gym(), before), transaction_ids=NOTHING.transaction_ids)


def test_a_revision_changes_only_the_given_fields() -> None:
    first = revised(Revision(name="Climbing", day=28))
    assert first == replace(NOTHING, name="Climbing", day=28)
    second = revised(Revision(amount=Money.from_minor(3_500, "GBP")), first)
    assert second == replace(first, minor=-3_500)


def test_an_amount_that_comes_in_is_positive() -> None:
    days = until(monthly(BEGIN, 28, as_it_is), TODAY)
    salary = only(rows(days, same(265_000), INCOME, "Employer"), TODAY)
    correction = Revision(amount=Money.from_minor(300_000, "GBP")).apply_to(salary, None)
    assert correction.minor == 300_000


def test_dismissing_and_confirming_undo_each_other() -> None:
    dismissed = revised(Revision(dismissed=True))
    assert dismissed == replace(NOTHING, dismissed=True)
    confirmed = revised(Revision(confirmed=True), dismissed)
    assert confirmed == replace(NOTHING, confirmed=True)
    assert revised(Revision(dismissed=True), confirmed) == dismissed
    assert revised(Revision(dismissed=False), dismissed) == NOTHING
    assert revised(Revision(confirmed=False), confirmed) == NOTHING


def test_a_reset_undoes_all_earlier_corrections_and_then_applies_the_others() -> None:
    before = replace(NOTHING, dismissed=True, name="Climbing", day=28)
    assert revised(Revision(reset=True), before) == NOTHING
    assert revised(Revision(reset=True, day=3), before) == replace(NOTHING, day=3)
    assert revised(Revision(reset=True, dismissed=True), before).dismissed


def refusal(
    revision: Revision, payment: RecurringPayment, before: Correction | None = None
) -> tuple[str | None, Mapping[str, str] | None]:
    """Return the translation key and the placeholders of the error."""
    with pytest.raises(ServiceValidationError) as raised:
        revision.apply_to(payment, before)
    return raised.value.translation_key, raised.value.translation_placeholders


def test_a_payment_cannot_be_dismissed_twice() -> None:
    before = replace(NOTHING, dismissed=True, name="Climbing")
    assert refusal(Revision(dismissed=True, name="Gym"), gym(), before) == (
        "already_dismissed",
        {"name": "Climbing"},
    )


@pytest.mark.parametrize("day", [0, 32, -1])
def test_a_day_that_no_month_has_is_refused(day: int) -> None:
    error = ("no_such_day", {"day": str(day), "name": "Ironworks Gym"})
    assert refusal(Revision(day=day), gym()) == error


def test_a_weekly_payment_has_no_day_of_the_month() -> None:
    error = ("no_day_of_month", {"day": "5", "name": "Vegetable box"})
    assert refusal(Revision(day=5), vegetables()) == error


def test_contradictions_and_empty_calls_are_refused() -> None:
    named = {"name": "Ironworks Gym"}
    both = Revision(dismissed=True, confirmed=True)
    assert refusal(both, gym()) == ("dismissed_and_confirmed", named)
    assert refusal(Revision(), gym()) == ("nothing_to_correct", named)
