"""Announcements of recurring payments: each once, and none of what was so before."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from custom_components.monzo.api import Money
from custom_components.monzo.recurring.announcements import (
    AnnouncedAccount,
    Announcement,
    Observation,
    PaymentChanged,
    PaymentDue,
    PaymentMissed,
    PaymentStarted,
    compare,
)
from custom_components.monzo.recurring.corrections import Correction, correct
from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.recurring.forecast import forecast
from custom_components.monzo.recurring.upcoming import Pots

from .households import LONDON, Row, as_it_is, following, monthly, preceding, weekly
from .payments import CARD, DEBIT, INCOME, rows, same, until

BEGIN = date(2024, 1, 1)
END = date(2026, 12, 31)
LONG_AGO = datetime(2023, 1, 1, tzinfo=LONDON)
DAY = timedelta(days=1)
NO_POTS = Pots(balances={}, by_payment={})


def at(day: date, hour: int = 9) -> datetime:
    """Return a moment in London."""
    return datetime.combine(day, time(hour), LONDON)


class Account:
    """An account whose payments are known up to the moment of each look."""

    def __init__(self, *payments: list[Row]) -> None:
        """Initialize the account, at which there was no look so far."""
        self.rows = [row for each in payments for row in each]
        self.corrections: dict[str, Correction] = {}
        self.known_since = LONG_AGO
        self.balance = 100_000
        self.arrived: list[RecurringPayment] = []
        self._announced: AnnouncedAccount | None = None

    def look(self, moment: datetime) -> list[Announcement]:
        """Return what is announced at a moment."""
        known = [row for row in self.rows if row.created <= moment]
        today = moment.date()
        detected = detect(known, today)
        payments = correct(detected, self.corrections, today)
        now = Observation(
            payments=payments,
            detected={payment.key: payment for payment in detected},
            at=moment,
            known_since=self.known_since,
            forecast=forecast(
                Money.from_minor(self.balance, "GBP"), payments, today=today, days=31, pots=NO_POTS
            ),
        )
        comparison = compare(now, self._announced)
        # As after a restart.
        self._announced = AnnouncedAccount.from_stored(comparison.after.to_stored())
        self.arrived += comparison.arrived
        return comparison.announcements

    def look_daily(self, first: date, last: date, *hours: int) -> list[Announcement]:
        """Return what is announced from one day to another, both included."""
        found: list[Announcement] = []
        for number in range((last - first).days + 1):
            for hour in hours or (7, 9):
                found += self.look(at(first + number * DAY, hour))
        return found


def of_type[T: Announcement](kind: type[T], found: Iterable[Announcement]) -> list[T]:
    """Return the announcements of one kind."""
    return [it for it in found if isinstance(it, kind)]


def due_days(found: Iterable[Announcement], days: int) -> list[date]:
    """Return the days of payments that are announced so many days before."""
    return [it.day for it in of_type(PaymentDue, found) if it.reaches(days)]


def gym(last: date = END) -> list[Row]:
    """Return direct debits on the 5th of each month."""
    return rows(until(monthly(BEGIN, 5, following), last), same(-2_500), DEBIT, "Gym")


def streaming(*prices: int) -> list[Row]:
    """Return card payments on the 16th of each month of 2025, with their amounts."""
    return rows(monthly(date(2025, 1, 1), 16, as_it_is), prices, CARD, "Streamly")


def test_the_first_observation_announces_nothing() -> None:
    account = Account(gym(), streaming(*[-1_299] * 8, *[-1_399] * 4))
    assert account.look(at(date(2025, 9, 16))) == []
    # The payments of the next days are announced, but nothing that was so before.
    assert account.look(at(date(2025, 9, 16), 10)) == []


# Due


def test_each_payment_is_due_once_some_days_before() -> None:
    days_of_debits = until(monthly(BEGIN, 5, following), END)
    # They are collected after the morning.
    account = Account(rows(days_of_debits, same(-2_500), DEBIT, "Gym", at=time(15)))
    account.look_daily(date(2025, 3, 1), date(2025, 3, 10))
    found = account.look_daily(date(2025, 3, 11), date(2025, 9, 1))
    for days in (0, 1, 3, 14, 28):
        moments = [day - days * DAY for day in days_of_debits]
        expected = [
            day
            for day, moment in zip(days_of_debits, moments, strict=True)
            if date(2025, 3, 11) <= moment <= date(2025, 9, 1)
        ]
        assert due_days(found, days) == expected


def test_a_payment_is_announced_in_the_morning_in_london() -> None:
    account = Account(gym())
    account.look(at(date(2025, 9, 3), 12))
    assert due_days(account.look(at(date(2025, 9, 4), 7)), 1) == []
    (due,) = of_type(PaymentDue, account.look(at(date(2025, 9, 4), 8)))
    assert (due.day, due.days_left, due.payment.payee) == (date(2025, 9, 5), 1, "Gym")
    assert due.reaches(1)
    assert not due.reaches(0)
    assert not due.reaches(2)


def test_a_payment_is_announced_late_after_home_assistant_was_off() -> None:
    account = Account(gym())
    account.look(at(date(2025, 8, 31)))
    (due,) = of_type(PaymentDue, account.look(at(date(2025, 9, 4))))
    assert due.days_left == 1
    assert due.reaches(4)
    assert due.reaches(1)


def test_a_day_that_moves_is_no_other_payment() -> None:
    account = Account(gym(date(2025, 8, 31)))
    (key,) = (payment.key for payment in detect(account.rows, date(2025, 9, 2)))
    assert due_days(account.look_daily(date(2025, 9, 1), date(2025, 9, 4)), 3) == [date(2025, 9, 5)]
    # A person says that the day is the 9th, so that it is five days away again.
    account.corrections = {key: Correction(transaction_ids=(), day=9)}
    found = account.look_daily(date(2025, 9, 4), date(2025, 9, 8))
    assert due_days(found, 3) == []
    assert due_days(found, 0) == []
    assert due_days(found + account.look(at(date(2025, 9, 9))), 0) == [date(2025, 9, 9)]


def test_dismissed_payments_are_not_announced() -> None:
    account = Account(gym())
    (key,) = (payment.key for payment in detect(account.rows, date(2025, 9, 2)))
    account.corrections = {key: Correction(transaction_ids=(), dismissed=True)}
    assert account.look_daily(date(2025, 9, 1), date(2025, 10, 31)) == []


def test_money_that_is_missing_counts_for_one_of_several_payments_of_a_day() -> None:
    days = until(monthly(BEGIN, 5, following), END)
    payees = ("Gym", "Water", "Council")
    account = Account(*(rows(days, same(-4_000), DEBIT, payee) for payee in payees))
    account.look(at(date(2025, 9, 3)))
    account.balance = 10_000
    found = of_type(PaymentDue, account.look(at(date(2025, 9, 4))))
    missing = [it.missing.money.minor for it in found if it.missing is not None]
    assert sorted(missing) == [0, 0, 2_000]


# Price


def test_a_new_price_is_announced_once() -> None:
    account = Account(streaming(*[-1_299] * 8, *[-1_399] * 4))
    account.look(at(date(2025, 6, 1)))
    found = of_type(PaymentChanged, account.look_daily(date(2025, 8, 1), date(2025, 12, 31)))
    (changed,) = found
    assert changed.change.since == date(2025, 9, 16)
    assert (changed.change.before.minor, changed.change.after.minor) == (-1_299, -1_399)


def test_an_amount_that_a_person_corrects_is_no_new_price() -> None:
    account = Account(streaming(*[-1_299] * 12))
    (key,) = (payment.key for payment in detect(account.rows, date(2025, 12, 31)))
    account.look(at(date(2025, 6, 1)))
    account.corrections = {key: Correction(transaction_ids=(), minor=-1_500)}
    found = account.look_daily(date(2025, 6, 2), date(2025, 9, 30))
    assert of_type(PaymentChanged, found) == []


def test_bills_that_always_differ_have_no_price_even_if_a_person_expects_an_amount() -> None:
    days = until(monthly(BEGIN, 9, following), END)
    amounts = [-9_000 - 500 * (day.month % 5) for day in days]
    account = Account(rows(days, amounts, DEBIT, "Energy"))
    (key,) = (payment.key for payment in detect(account.rows, END))
    account.corrections = {key: Correction(transaction_ids=(), minor=-10_000)}
    found = account.look_daily(date(2025, 6, 1), date(2025, 12, 31))
    assert of_type(PaymentChanged, found) == []


# Missed


def test_a_missed_payment_is_announced_once_on_the_next_morning() -> None:
    account = Account(gym(date(2025, 8, 31)))
    account.look(at(date(2025, 9, 1)))
    found = account.look_daily(date(2025, 9, 2), date(2025, 9, 5))
    found += account.look(at(date(2025, 9, 6), 7))
    assert of_type(PaymentMissed, found) == []
    (missed,) = of_type(PaymentMissed, account.look(at(date(2025, 9, 6), 8)))
    assert missed.day == date(2025, 9, 5)
    assert of_type(PaymentMissed, account.look_daily(date(2025, 9, 7), date(2025, 10, 20))) == []


def test_a_payment_that_may_be_among_unknown_transactions_is_not_missed() -> None:
    account = Account(gym(date(2025, 8, 31)))
    account.look(at(date(2025, 9, 1)))
    account.known_since = at(date(2025, 9, 3))
    # Everything before is still known from elsewhere.
    rows_before = account.rows
    account.rows = [Row(**{**vars(row), "created": row.created}) for row in rows_before]
    assert of_type(PaymentMissed, account.look_daily(date(2025, 9, 6), date(2025, 9, 20))) == []


# Started


def test_a_new_subscription_is_announced_with_its_third_payment() -> None:
    account = Account(gym(), streaming(*[-1_299] * 12))
    found = of_type(PaymentStarted, account.look_daily(date(2024, 12, 1), date(2025, 6, 30)))
    (started,) = found
    assert (started.payment.payee, started.payment.last) == ("Streamly", date(2025, 3, 16))


def test_a_payment_that_has_been_made_for_long_does_not_start_when_it_is_found_again() -> None:
    account = Account(gym())
    account.look(at(date(2025, 12, 15)))
    account.rows += streaming(*[-1_299] * 12)
    found = account.look(at(date(2025, 12, 16), 10))
    assert of_type(PaymentStarted, found) == []
    assert {it.payment.payee for it in account.look_daily(date(2026, 1, 3), date(2026, 1, 17))} == {
        "Gym",
        "Streamly",
    }


def test_older_transactions_announce_no_new_payment() -> None:
    old = rows(until(weekly(BEGIN, 1, as_it_is), END), same(-1_000), DEBIT, "Swimming")
    account = Account(gym())
    for month in (8, 7, 6, 5):
        account.known_since = at(date(2025, month, 20))
        account.rows = [row for row in (*gym(), *old) if row.created >= account.known_since]
        assert of_type(PaymentStarted, account.look(at(date(2025, 9, 2), 18 - month))) == []


def test_a_payment_is_recognised_after_its_key_has_changed() -> None:
    days = until(monthly(BEGIN, 5, following), END)
    old = [day for day in days if day < date(2025, 7, 1)]
    new = [day for day in days if day >= date(2025, 7, 1)]
    account = Account(
        rows(old, same(-2_500), DEBIT, "Gym", payee_id="123456"),
        rows(new, same(-2_500), DEBIT, "Gym", payee_id="654321"),
    )
    found = account.look_daily(date(2025, 5, 20), date(2025, 12, 20))
    assert of_type(PaymentStarted, found) == []
    assert len(due_days(found, 1)) == 7


def test_an_income_arrives_once_and_not_after_a_week() -> None:
    wages = rows(until(monthly(BEGIN, 25, preceding), END), same(210_000), INCOME, "Employer")
    account = Account(wages)
    account.look_daily(date(2025, 9, 1), date(2025, 10, 31))
    assert [payment.last for payment in account.arrived] == [date(2025, 9, 25), date(2025, 10, 24)]
    # Home Assistant is off for two weeks.
    account.look(at(date(2025, 12, 9)))
    assert len(account.arrived) == 2
