"""Announcements of recurring payments, each of which is made once.

What was announced is compared with the payments as they are now. Nothing is announced that was so
before: when an account is looked at for the first time, when older transactions are read, or when
another version of the integration detects more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Self

from ..api import Private
from .changes import PriceChange, last_price_change, missed_day
from .detection import RecurringPayment
from .forecast import Forecast, Missing
from .recognition import recognise, recognising_ids

# People are awake then, and can still move money before a bill of the next day is collected.
_MORNING: Final = time(8)

# A payment that is not made any more is forgotten after more than a year, because it may be yearly.
_KEPT_FOR: Final = timedelta(days=400)

# Detection goes back by one payment at most, for example when the bank lists one again.
_COUNTDOWNS_KEPT: Final = 3

# Fortnightly payments by card are detected after nine, and all others after fewer.
_NEW_UP_TO: Final = 9

# Transactions are reported up to seven days late, and so is a pay.
_LATEST_PAY: Final = timedelta(days=7)


def morning_of(at: datetime) -> date:
    """Return the newest day whose morning has come at a moment in London."""
    return at.date() if at.time() >= _MORNING else at.date() - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentDue(Private):
    """A payment is due in fewer days than before."""

    payment: RecurringPayment
    day: date

    days_left: int
    """0 on the morning of the day."""

    days_left_before: int | None
    """The days of the last announcement; None if this is the first one for the day."""

    missing: Missing | None
    """See `Forecast.missing_for`."""

    def has_come_to(self, days: int) -> bool:
        """Return whether so many days before the payment are announced just now."""
        before = self.days_left_before
        return self.days_left <= days and (before is None or days < before)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentChanged(Private):
    """A payment was made for the first time at a new price."""

    payment: RecurringPayment
    change: PriceChange


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentMissed(Private):
    """A payment was due on a day, but was not made."""

    payment: RecurringPayment
    day: date


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentStarted(Private):
    """A new payment recurs."""

    payment: RecurringPayment


type Announcement = PaymentDue | PaymentChanged | PaymentMissed | PaymentStarted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Observation(Private):
    """The recurring payments of an account at a moment when its newest transactions are known."""

    payments: Sequence[RecurringPayment]
    """As people corrected them."""

    detected: Mapping[str, RecurringPayment]
    """The same without corrections, by their keys: an expected amount is no price."""

    at: datetime
    """In London."""

    known_since: datetime
    """Since when all transactions are known."""

    forecast: Forecast

    @property
    def today(self) -> date:
        """The day in London."""
        return self.at.date()

    @property
    def morning(self) -> date:
        """See `morning_of`."""
        return morning_of(self.at)

    @property
    def is_after_morning(self) -> bool:
        """Whether the morning of the day has come."""
        return self.morning == self.today


class Countdown(NamedTuple):
    """How near a payment was announced to be."""

    day: date
    """The day on which it is due."""

    days_left: int
    """The fewest days before that day that were announced."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Announced(Private):
    """What was announced of a payment. It is kept on disk."""

    transaction_ids: tuple[str, ...]
    """See `recognising_ids`."""

    last: date
    """The day of the last payment."""

    countdowns: tuple[Countdown, ...]
    """Those of the last days on which it was due, because detection may go back to an earlier one.
    """

    changed: date | None = None
    """The first day of the last new price."""

    missed: date | None = None
    """The day of the last payment that was missed."""

    @classmethod
    def at_first(cls, payment: RecurringPayment, now: Observation) -> Self:
        """Return it for a payment that was not known before, of which nothing is news."""
        change = last_price_change(now.detected[payment.key])
        return cls(
            transaction_ids=recognising_ids(payment),
            last=payment.last,
            countdowns=(_countdown(payment, now),),
            changed=change.since if change else None,
            missed=missed_day(payment),
        )

    def to_stored(self) -> dict[str, Any]:
        """Return the form to store."""
        return {
            "transaction_ids": list(self.transaction_ids),
            "last": self.last.isoformat(),
            "countdowns": [[it.day.isoformat(), it.days_left] for it in self.countdowns],
            "changed": self.changed.isoformat() if self.changed else None,
            "missed": self.missed.isoformat() if self.missed else None,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return it from its stored form. Raises KeyError, TypeError or ValueError for others."""
        changed, missed = stored["changed"], stored["missed"]
        return cls(
            transaction_ids=tuple(stored["transaction_ids"]),
            last=date.fromisoformat(stored["last"]),
            countdowns=tuple(
                Countdown(date.fromisoformat(day), int(days_left))
                for day, days_left in stored["countdowns"]
            ),
            changed=date.fromisoformat(changed) if changed else None,
            missed=date.fromisoformat(missed) if missed else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AnnouncedAccount(Private):
    """What was announced of an account. It is kept on disk."""

    looked_on: date
    """The day of the last look at it."""

    known_since: datetime
    """Since when all transactions were known at that look."""

    payments: Mapping[str, Announced]
    """By the keys of the payments."""

    def to_stored(self) -> dict[str, Any]:
        """Return the form to store."""
        return {
            "looked_on": self.looked_on.isoformat(),
            "known_since": self.known_since.isoformat(),
            "payments": {key: it.to_stored() for key, it in self.payments.items()},
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return it from its stored form. Raises KeyError, TypeError or ValueError for others."""
        return cls(
            looked_on=date.fromisoformat(stored["looked_on"]),
            known_since=datetime.fromisoformat(stored["known_since"]),
            payments={key: Announced.from_stored(it) for key, it in stored["payments"].items()},
        )


class Comparison(NamedTuple):
    """What comes of comparing the payments of an account with what was announced of them."""

    after: AnnouncedAccount
    """What was announced of the account after this."""

    announcements: list[Announcement]
    """What to announce now."""

    arrived: list[RecurringPayment]
    """The incomes that have come in."""


def compare(now: Observation, before: AnnouncedAccount | None) -> Comparison:
    """Return what to announce of an account, and what was announced of it after that."""
    kept = dict(before.payments) if before else {}
    announcements: list[Announcement] = []
    arrived: list[RecurringPayment] = []
    after: dict[str, Announced] = {}
    for payment in now.payments:
        key = recognise(payment, kept)
        known = None if key is None else kept.pop(key)
        if known is not None:
            after[payment.key] = _after(payment, known, now)
            announcements += _news(payment, known, now)
            if _has_arrived(payment, known, now):
                arrived.append(payment)
        else:
            after[payment.key] = Announced.at_first(payment, now)
            if before is not None and _has_started(payment, before, now):
                announcements.append(PaymentStarted(payment=payment))
    ended = {key: it for key, it in kept.items() if it.last > now.today - _KEPT_FOR}
    account = AnnouncedAccount(
        looked_on=now.today, known_since=now.known_since, payments=ended | after
    )
    return Comparison(account, announcements, arrived)


def _has_started(payment: RecurringPayment, before: AnnouncedAccount, now: Observation) -> bool:
    """Return whether a new payment shows that it recurs, and not an older one that is known now."""
    return (
        payment.last >= before.looked_on
        and now.known_since >= before.known_since
        # Detection may lose a payment for a while, for example when its day changes.
        and len(payment.occurrences) <= _NEW_UP_TO
    )


def _has_arrived(payment: RecurringPayment, known: Announced, now: Observation) -> bool:
    """Return whether an income has come in since the last look, and not long ago."""
    since = max(known.last, now.today - _LATEST_PAY)
    return payment.direction == "in" and payment.last > since


def _after(payment: RecurringPayment, known: Announced, now: Observation) -> Announced:
    """Return what is announced of a known payment after this."""
    new = Announced.at_first(payment, now)
    (countdown,) = new.countdowns
    before = _countdown_before(payment, countdown, known)
    if before is not None:
        countdown = countdown._replace(days_left=min(countdown.days_left, before.days_left))
    others = [it for it in known.countdowns if it is not before]
    return replace(
        new,
        countdowns=(*others, countdown)[-_COUNTDOWNS_KEPT:],
        changed=new.changed or known.changed,
        missed=(new.missed if now.is_after_morning else None) or known.missed,
    )


def _news(payment: RecurringPayment, known: Announced, now: Observation) -> Iterator[Announcement]:
    """Yield what is new about a known payment."""
    change = last_price_change(now.detected[payment.key])
    if change is not None and change.since >= known.last and change.since != known.changed:
        yield PaymentChanged(payment=payment, change=change)
    missed = missed_day(payment)
    if missed is not None and _is_newly_missed(payment, missed, known, now):
        yield PaymentMissed(payment=payment, day=missed)
    due = _payment_due(payment, known, now)
    if due is not None:
        yield due


def _is_newly_missed(
    payment: RecurringPayment, missed: date, known: Announced, now: Observation
) -> bool:
    """Return whether a missed payment is announced now."""
    # If transactions are missing since the last payment, it may be among them.
    is_certain = now.known_since.date() <= payment.last
    is_new = known.missed is None or not _is_same_payment(payment, missed, known.missed)
    return now.is_after_morning and is_certain and is_new


def _payment_due(
    payment: RecurringPayment, known: Announced, now: Observation
) -> PaymentDue | None:
    """Return the announcement that a payment is nearer than before; None if there is none."""
    day, days_left = countdown = _countdown(payment, now)
    before = _countdown_before(payment, countdown, known)
    if days_left < 0 or (before is not None and days_left >= before.days_left):
        return None
    return PaymentDue(
        payment=payment,
        day=day,
        days_left=days_left,
        days_left_before=before.days_left if before else None,
        missing=now.forecast.missing_for(payment.key, day),
    )


def _countdown(payment: RecurringPayment, now: Observation) -> Countdown:
    """Return the countdown to the next payment, also while it is some days late."""
    schedule = payment.schedule
    day = schedule.day_of(schedule.slot_near(payment.next))
    return Countdown(day, (day - now.morning).days)


def _countdown_before(
    payment: RecurringPayment, countdown: Countdown, known: Announced
) -> Countdown | None:
    """Return what was announced of the same day; None if nothing was."""
    return next(
        (it for it in known.countdowns if _is_same_payment(payment, it.day, countdown.day)), None
    )


def _is_same_payment(payment: RecurringPayment, day: date, other: date) -> bool:
    """Return whether two days are those of one payment, which may have been moved meanwhile."""
    return abs((day - other).days) < payment.schedule.cadence.mean_days / 2
