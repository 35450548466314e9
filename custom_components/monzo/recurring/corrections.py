"""Corrections: what people know better about their recurring payments than detection."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Self, TypedDict

from ..api import Private
from .detection import RecurringPayment
from .recognition import recognise, recognising_ids
from .schedule import DayOfMonth, EveryFewMonths


class StoredCorrection(TypedDict):
    """A correction as it is stored."""

    transaction_ids: list[str]
    dismissed: bool
    confirmed: bool
    name: str | None
    minor: int | None
    day: int | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Correction(Private):
    """What a person said about a recurring payment."""

    transaction_ids: tuple[str, ...]
    """See `recognising_ids`."""

    dismissed: bool = False
    """Whether it does not recur."""

    confirmed: bool = False
    """Whether it certainly recurs."""

    name: str | None = None
    """The name to show; None for that of the payee."""

    minor: int | None = None
    """The expected amount, with its sign, in minor units; None for the detected one."""

    day: int | None = None
    """The day of the month, from 1; None for the detected one."""

    @property
    def changes_anything(self) -> bool:
        """Whether it differs from no correction."""
        return self != Correction(transaction_ids=self.transaction_ids)

    @property
    def continues(self) -> bool:
        """Whether it says that the payment recurs, although it may not have been made lately."""
        return self.confirmed or self.day is not None

    @classmethod
    def of(cls, payment: RecurringPayment, before: Correction | None = None) -> Self:
        """Return a correction of a payment that changes no more than an earlier one did."""
        ids = recognising_ids(payment)
        if before is None:
            return cls(transaction_ids=ids)
        return cls(
            transaction_ids=ids,
            dismissed=before.dismissed,
            confirmed=before.confirmed,
            name=before.name,
            minor=before.minor,
            day=before.day,
        )

    @classmethod
    def from_stored(cls, stored: StoredCorrection) -> Self:
        """Return a correction from its stored form."""
        return cls(
            transaction_ids=tuple(stored["transaction_ids"]),
            dismissed=stored["dismissed"],
            confirmed=stored["confirmed"],
            name=stored["name"],
            minor=stored["minor"],
            day=stored["day"],
        )

    def to_stored(self) -> StoredCorrection:
        """Return the form to store."""
        return StoredCorrection(
            transaction_ids=list(self.transaction_ids),
            dismissed=self.dismissed,
            confirmed=self.confirmed,
            name=self.name,
            minor=self.minor,
            day=self.day,
        )


def follow_payments(
    corrections: Mapping[str, Correction], payments: Iterable[RecurringPayment]
) -> dict[str, Correction]:
    """Return the corrections by the keys that the detected payments have now.

    Corrections of payments that were not detected stay, because more history may show them again.
    """
    kept = dict(corrections)
    for payment in payments:
        key = recognise(payment, kept)
        if key is not None:
            kept[payment.key] = Correction.of(payment, kept.pop(key))
    return kept


def correct(
    payments: Iterable[RecurringPayment], corrections: Mapping[str, Correction], today: date
) -> list[RecurringPayment]:
    """Return the payments as people corrected them, by their next days.

    `corrections` are those of `follow_payments` for the same payments.
    """
    kept = []
    for payment in payments:
        correction = corrections.get(payment.key)
        if correction is None:
            kept.append(payment)
        elif not correction.dismissed:
            kept.append(corrected(payment, correction, today))
    return sorted(kept, key=lambda it: (it.next, it.payee, it.key))


def corrected(payment: RecurringPayment, correction: Correction, today: date) -> RecurringPayment:
    """Return a payment with its corrected name, amount and day."""
    if correction.name is not None:
        payment = replace(payment, payee=correction.name)
    if correction.minor is not None:
        payment = replace(payment, minor=correction.minor, is_exact=True)
    schedule = payment.schedule
    if correction.day is None or not isinstance(schedule, EveryFewMonths):
        return payment
    return _moved(payment, schedule, replace(schedule, rule=DayOfMonth(correction.day)), today)


def _moved(
    payment: RecurringPayment, before: EveryFewMonths, after: EveryFewMonths, today: date
) -> RecurringPayment:
    """Return a payment whose day of the month changes from one schedule to another."""
    if abs(after.deviation(payment.last)) < abs(before.deviation(payment.last)):
        # It was made on the new day already, although detection still counts by the old one.
        slot = after.next_slot(after.slot_near(payment.last))
    else:
        slot = before.slot_near(payment.due)
        is_awaited = slot == before.slot_near(payment.next)
        if is_awaited and after.day_of(slot) < today:
            # The new day is over in this month, so that the nearest one may be in the next month.
            slot = after.slot_near(payment.due)
            if after.day_of(slot) < today:
                # It was not made on the new day. It counts where it was expected before.
                return replace(payment, schedule=after)
    due = after.day_of(slot)
    while (day := after.day_of(slot)) < today:
        slot = after.next_slot(slot)
    return replace(payment, schedule=after, due=due, next=day)
