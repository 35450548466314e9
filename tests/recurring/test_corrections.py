"""Corrections of recurring payments survive restarts and new detections."""

from dataclasses import replace
from datetime import date, timedelta
import json

from custom_components.monzo.recurring.changes import last_price_change, missed_day
from custom_components.monzo.recurring.corrections import (
    Correction,
    correct,
    follow_payments,
)
from custom_components.monzo.recurring.detection import RecurringPayment, detect, propose

from .households import Row, following, monthly
from .payments import DEBIT, OUT, only, rows, same, until

BEGIN = date(2024, 1, 1)
TODAY = date(2026, 1, 20)
LATER = date(2026, 4, 20)
LATER_YET = date(2026, 9, 30)

ALL = rows(until(monthly(BEGIN, 5, following), LATER), same(-2_999), DEBIT, "Ironworks Gym")


def gym(history: list[Row] = ALL, today: date = TODAY) -> RecurringPayment:
    return only(history, today)


def corrected(
    history: list[Row], correction: Correction, today: date = TODAY
) -> list[RecurringPayment]:
    """Return the payments after a correction was stored, and detection ran again."""
    stored = json.loads(json.dumps(correction.to_stored()))
    corrections = {gym().key: Correction.from_stored(stored)}
    payments = detect(history, today, corrections if correction.continues else ())
    return correct(payments, follow_payments(corrections, payments), today)


def test_a_dismissed_payment_stays_dismissed() -> None:
    dismissed = replace(Correction.of(gym()), dismissed=True)
    assert corrected(ALL, dismissed) == []
    assert corrected(ALL, dismissed, LATER) == []


def test_a_payment_without_corrections_stays_as_it_is() -> None:
    payment = gym()
    assert correct([payment], {}, TODAY) == [payment]
    assert correct([payment], {payment.key: Correction.of(payment)}, TODAY) == [payment]


def test_a_name_and_an_amount_can_be_corrected() -> None:
    (payment,) = corrected(ALL, replace(Correction.of(gym()), name="Climbing", minor=-3_500), LATER)
    assert (payment.payee, payment.minor, payment.is_exact) == ("Climbing", -3_500, True)
    assert payment.next == gym(today=LATER).next


def test_a_day_can_be_corrected() -> None:
    (payment,) = corrected(ALL, replace(Correction.of(gym()), day=28))
    # The last payment was on the 5th of January.
    assert payment.next == date(2026, 3, 2)
    assert list(payment.days_until(date(2026, 5, 1))) == [
        date(2026, 3, 2),
        date(2026, 3, 30),
        date(2026, 4, 28),
    ]


def test_a_payment_that_is_due_counts_although_its_new_day_of_the_month_is_over() -> None:
    (payment,) = corrected(ALL[:-1], replace(Correction.of(gym()), day=2), date(2026, 4, 4))
    # The 5th is Easter Sunday, and the 2nd of May a Saturday before a bank holiday.
    assert payment.next == date(2026, 4, 7)
    assert list(payment.days_until(date(2026, 6, 30))) == [
        date(2026, 4, 7),
        date(2026, 5, 5),
        date(2026, 6, 2),
    ]
    assert missed_day(payment) is None


def test_a_payment_whose_day_was_moved_back_is_neither_missed_nor_ended_before_that_day() -> None:
    history = [row for row in ALL if row.created.date() < date(2026, 4, 1)]
    (missed,) = detect(history, date(2026, 4, 10))
    assert missed_day(missed) == date(2026, 4, 7)
    moved = replace(Correction.of(gym()), day=28)
    (payment,) = corrected(history, moved, date(2026, 4, 10))
    assert (payment.next, missed_day(payment)) == (date(2026, 4, 28), None)

    assert detect(history, date(2026, 4, 27)) == []
    (payment,) = corrected(history, moved, date(2026, 4, 27))
    assert (payment.next, missed_day(payment)) == (date(2026, 4, 28), None)
    (payment,) = corrected(history, moved, date(2026, 4, 30))
    assert (payment.next, missed_day(payment)) == (date(2026, 5, 28), date(2026, 4, 28))
    assert corrected(history, moved, date(2026, 5, 20)) == []


def moved_gym(old: int, new: int, first: date) -> list[list[date]]:
    """Return the days expected in early April 2026, and a week and a month after a first payment.

    It is the first one on another day of the month. On 10 April, a person says that it has moved.
    """
    said = date(2026, 4, 10)
    before = [day for day in until(monthly(BEGIN, old, following), said) if day < said]
    after = [day for day in until(monthly(BEGIN, new, following), LATER_YET) if day >= first]
    history = rows([*before, *after], same(-2_999), DEBIT, "Ironworks Gym")
    expected = []
    for today in (said, first + timedelta(days=7), first + timedelta(days=38)):
        (known,) = detect([row for row in history if row.created.date() < said], said)
        corrections = {known.key: replace(Correction.of(known), day=new)}
        past = [row for row in history if row.created.date() <= today]
        payments = detect(past, today, corrections)
        (payment,) = correct(payments, follow_payments(corrections, payments), today)
        expected.append(list(payment.days_until(today + timedelta(days=60))))
    return expected


def test_a_payment_that_moved_into_the_next_month_is_expected_once_a_month() -> None:
    assert moved_gym(28, 5, date(2026, 5, 5)) == [
        [date(2026, 5, 5), date(2026, 6, 5)],
        [date(2026, 6, 5), date(2026, 7, 6)],
        [date(2026, 7, 6), date(2026, 8, 5)],
    ]


def test_a_payment_that_was_made_a_second_time_in_the_month_is_not_skipped_in_the_next() -> None:
    may, june, july = date(2026, 5, 28), date(2026, 6, 29), date(2026, 7, 28)
    _first, after_a_week, after_a_month = moved_gym(5, 28, date(2026, 4, 28))
    assert after_a_week == [may, june]
    assert after_a_month == [june, july]


def test_a_confirmed_payment_may_be_missed_once() -> None:
    history = [row for row in ALL if row.created.date() < date(2026, 4, 1)]
    confirmed = replace(Correction.of(gym()), confirmed=True)
    (payment,) = corrected(history, confirmed, date(2026, 4, 27))
    assert (payment.next, missed_day(payment)) == (date(2026, 5, 5), date(2026, 4, 7))


def test_an_amount_that_a_person_sets_is_no_change_of_the_price() -> None:
    days = until(monthly(BEGIN, 9, following), TODAY)
    energy = only(
        rows(days, [-9_000 - 500 * (day.month % 5) for day in days], DEBIT, "Energy"), TODAY
    )
    (payment,) = correct(
        [energy], {energy.key: replace(Correction.of(energy), minor=-9_500)}, TODAY
    )
    assert (payment.minor, payment.is_exact) == (-9_500, True)
    assert last_price_change(payment) is None


def test_a_correction_survives_the_removal_of_older_transactions() -> None:
    renamed = replace(Correction.of(gym()), name="Climbing")
    (payment,) = corrected(ALL[-8:], renamed, LATER)
    assert payment.payee == "Climbing"


def test_a_correction_follows_a_payment_whose_payee_has_another_id() -> None:
    before = gym([replace(row, payee_id="sun_1") for row in ALL])
    payments = detect([replace(row, payee_id="sun_2") for row in ALL], LATER)
    corrections = {before.key: replace(Correction.of(before), dismissed=True)}
    assert payments[0].key != before.key
    followed = follow_payments(corrections, payments)
    assert followed.keys() == {payments[0].key}
    assert correct(payments, followed, LATER) == []


def test_a_correction_stays_while_its_payment_is_not_detected() -> None:
    dismissed = {gym().key: replace(Correction.of(gym()), dismissed=True)}
    assert follow_payments(dismissed, []) == dismissed


def test_a_later_correction_keeps_an_earlier_one() -> None:
    renamed = replace(Correction.of(gym()), name="Climbing")
    assert replace(Correction.of(gym(), renamed), minor=-3_500).name == "Climbing"


# Proposals


def test_three_payments_to_a_person_are_proposed_but_not_detected() -> None:
    days = until(monthly(date(2025, 11, 1), 3, following), TODAY)
    rent = rows(days, same(-95_000), OUT, "Lena Landlord")
    assert detect(rent, TODAY) == []
    (proposal,) = propose(rent, TODAY)
    assert (proposal.payee, proposal.minor, proposal.next) == (
        "Lena Landlord",
        -95_000,
        date(2026, 2, 3),
    )


def test_a_proposal_keeps_its_key_when_it_is_detected() -> None:
    days = until(monthly(date(2025, 11, 1), 3, following), LATER)
    rent = rows(days, same(-95_000), OUT, "Lena Landlord")
    (proposal,) = propose(rent, TODAY)
    assert only(rent, LATER).key == proposal.key
    assert propose(rent, LATER) == []


def test_sums_that_friends_send_now_and_then_are_not_proposed() -> None:
    days = [date(2025, 11, 3), date(2025, 11, 20), date(2026, 1, 2)]
    assert propose(rows(days, iter((-2_000, -3_500, -1_000)), OUT, "Finn Friend"), TODAY) == []
