"""Announcements of recurring payments, each of which is made only once.

Earlier announcements are compared with the current payments. Facts that were already true before
are not announced: when an account is observed for the first time, when older transactions are read,
or when a newer version of the integration detects more payments.
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

# People are awake by then, and can still move money before a bill is collected the next day.
_MORNING: Final = time(8)

# A payment may be yearly, so it is kept for more than a year after it was last made.
_KEPT_FOR: Final = timedelta(days=400)

# Detection goes back by at most one payment, for example when the bank lists one again.
_COUNTDOWNS_KEPT: Final = 3

# Fortnightly card payments are detected after nine payments, and all others after fewer.
_NEW_UP_TO: Final = 9

# Transactions are reported up to seven days late, and so are salaries.
_LATEST_PAY: Final = timedelta(days=7)


def morning_of(at: datetime) -> date:
    """Return the day itself from 8:00 in London on, and the day before until then."""
    return at.date() if at.time() >= _MORNING else at.date() - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentDue(Private):
    """A payment is due in fewer days than last announced."""

    payment: RecurringPayment
    day: date

    days_left: int
    """The days until the due day; 0 from its morning on."""

    days_left_before: int | None
    """The days of the last announcement; None if this is the first one for this due day."""

    missing: Missing | None
    """The money that the account will lack for the payment; see `Forecast.missing_for`."""

    def reaches(self, days: int) -> bool:
        """Return whether this announcement is the first one with at most so many days left."""
        before = self.days_left_before
        return self.days_left <= days and (before is None or days < before)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentChanged(Private):
    """A payment was made at a new price for the first time."""

    payment: RecurringPayment
    change: PriceChange


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentMissed(Private):
    """A payment was due on a day but was not made."""

    payment: RecurringPayment
    day: date


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentStarted(Private):
    """A new payment was found to recur."""

    payment: RecurringPayment


type Announcement = PaymentDue | PaymentChanged | PaymentMissed | PaymentStarted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Observation(Private):
    """The recurring payments of an account when its newest transactions are known."""

    payments: Sequence[RecurringPayment]
    """The payments with people's corrections."""

    detected: Mapping[str, RecurringPayment]
    """The payments without corrections by key, because a corrected amount is not a new price."""

    at: datetime
    """The time of the observation, in London."""

    known_since: datetime
    """The start of the time from which all transactions are known."""

    forecast: Forecast

    @property
    def today(self) -> date:
        """The day of the observation in London."""
        return self.at.date()

    @property
    def morning(self) -> date:
        """Today from 8:00 in London on, and yesterday until then; see `morning_of`."""
        return morning_of(self.at)

    @property
    def is_past_morning(self) -> bool:
        """Whether it is past 8:00 in London."""
        return self.morning == self.today


class Countdown(NamedTuple):
    """The last announcement of the days until a payment."""

    day: date
    """The due day."""

    days_left: int
    """The smallest number of days left that was announced."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Announced(Private):
    """The announcements that were made about a payment. They are stored on disk."""

    transaction_ids: tuple[str, ...]
    """The transactions that identify the payment; see `recognising_ids`."""

    last: date
    """The day of the last payment."""

    countdowns: tuple[Countdown, ...]
    """The countdowns to the last few due days, because detection may go back to an earlier one."""

    changed: date | None = None
    """The first day of the last announced price."""

    missed: date | None = None
    """The day of the last payment that was announced as missed."""

    @classmethod
    def at_first(cls, payment: RecurringPayment, now: Observation) -> Self:
        """Return the state of a payment that is new, with all its current facts as announced."""
        change = last_price_change(now.detected[payment.key])
        return cls(
            transaction_ids=recognising_ids(payment),
            last=payment.last,
            countdowns=(_countdown(payment, now),),
            changed=change.since if change else None,
            missed=missed_day(payment),
        )

    def to_stored(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "transaction_ids": list(self.transaction_ids),
            "last": self.last.isoformat(),
            "countdowns": [[it.day.isoformat(), it.days_left] for it in self.countdowns],
            "changed": self.changed.isoformat() if self.changed else None,
            "missed": self.missed.isoformat() if self.missed else None,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Create the object from its stored form.

        Raises KeyError, TypeError or ValueError if that is invalid.
        """
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
    """The announcements that were made about an account. They are stored on disk."""

    looked_on: date
    """The day of the last observation."""

    known_since: datetime
    """`Observation.known_since` at the last observation."""

    payments: Mapping[str, Announced]
    """The announcements about each payment, by its key."""

    def to_stored(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "looked_on": self.looked_on.isoformat(),
            "known_since": self.known_since.isoformat(),
            "payments": {key: it.to_stored() for key, it in self.payments.items()},
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Create the object from its stored form.

        Raises KeyError, TypeError or ValueError if that is invalid.
        """
        return cls(
            looked_on=date.fromisoformat(stored["looked_on"]),
            known_since=datetime.fromisoformat(stored["known_since"]),
            payments={key: Announced.from_stored(it) for key, it in stored["payments"].items()},
        )


class Comparison(NamedTuple):
    """The result of comparing an observation with earlier announcements."""

    after: AnnouncedAccount
    """The announcements about the account, including the new ones."""

    announcements: list[Announcement]
    """The new announcements."""

    arrived: list[RecurringPayment]
    """The incomes that have arrived since the last observation."""


def compare(now: Observation, before: AnnouncedAccount | None) -> Comparison:
    """Compare an observation with the earlier announcements about the account, if there are any."""
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
    """Return whether a payment has only now begun to recur, and not just become known."""
    return (
        payment.last >= before.looked_on
        and now.known_since >= before.known_since
        # Detection may lose a payment for some time, for example when its day changes.
        and len(payment.occurrences) <= _NEW_UP_TO
    )


def _has_arrived(payment: RecurringPayment, known: Announced, now: Observation) -> bool:
    """Return whether an income has arrived since the last observation, within the last days."""
    since = max(known.last, now.today - _LATEST_PAY)
    return payment.direction == "in" and payment.last > since


def _after(payment: RecurringPayment, known: Announced, now: Observation) -> Announced:
    """Return the announcements about a known payment, including the new ones."""
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
        missed=(new.missed if now.is_past_morning else None) or known.missed,
    )


def _news(payment: RecurringPayment, known: Announced, now: Observation) -> Iterator[Announcement]:
    """Yield the new announcements about a known payment."""
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
    """Return whether a missed payment must be announced now."""
    # If transactions since the last payment are unknown, the payment may be one of them.
    is_certain = now.known_since.date() <= payment.last
    is_new = known.missed is None or not _is_same_payment(payment, missed, known.missed)
    return now.is_past_morning and is_certain and is_new


def _payment_due(
    payment: RecurringPayment, known: Announced, now: Observation
) -> PaymentDue | None:
    """Return the announcement that a payment is closer than last announced, if it is."""
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
    """Return the countdown to the next payment, which may be some days late already."""
    schedule = payment.schedule
    day = schedule.day_of(schedule.slot_near(payment.next))
    return Countdown(day, (day - now.morning).days)


def _countdown_before(
    payment: RecurringPayment, countdown: Countdown, known: Announced
) -> Countdown | None:
    """Return the announced countdown to the same payment, if there is one."""
    return next(
        (it for it in known.countdowns if _is_same_payment(payment, it.day, countdown.day)), None
    )


def _is_same_payment(payment: RecurringPayment, day: date, other: date) -> bool:
    """Return whether two days belong to the same payment, which may have moved in between."""
    return abs((day - other).days) < payment.schedule.cadence.mean_days / 2
