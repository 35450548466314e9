"""Corrections of recurring payments by people, which take precedence over detection."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Self, TypedDict

from ..api import Private
from .detection import RecurringPayment
from .recognition import recognise, recognising_ids
from .schedule import DayOfMonth, EveryFewMonths


class StoredCorrection(TypedDict):
    """The stored form of a correction."""

    transaction_ids: list[str]
    dismissed: bool
    confirmed: bool
    name: str | None
    minor: int | None
    day: int | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Correction(Private):
    """A person's corrections of one recurring payment."""

    transaction_ids: tuple[str, ...]
    """The transactions that identify the payment; see `recognising_ids`."""

    dismissed: bool = False
    """Whether the payment does not recur."""

    confirmed: bool = False
    """Whether the payment certainly recurs."""

    name: str | None = None
    """The name to show; None for the name of the payee."""

    minor: int | None = None
    """The expected amount in minor units, with its sign; None for the detected amount."""

    day: int | None = None
    """The day of the month, from 1; None for the detected day."""

    @property
    def changes_anything(self) -> bool:
        """Whether the correction has any effect."""
        return self != Correction(transaction_ids=self.transaction_ids)

    @property
    def continues(self) -> bool:
        """Whether the payment continues by correction, even if it has not been made lately."""
        return self.confirmed or self.day is not None

    @classmethod
    def of(cls, payment: RecurringPayment, before: Correction | None = None) -> Self:
        """Return a correction of a payment without changes, or with those of an earlier one."""
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
        """Return the stored form."""
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
    """Return the corrections by the current keys of the detected payments.

    Corrections of payments that were not detected are kept, because payments may be detected again
    once more history is known.
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
    """Return the payments with people's corrections, in the order of their next days.

    `corrections` must be the result of `follow_payments` for the same payments.
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
    """Return a payment that moves to another day of the month."""
    if abs(after.deviation(payment.last)) < abs(before.deviation(payment.last)):
        # The last payment was already made on the new day, although detection uses the old one.
        slot = after.next_slot(after.slot_near(payment.last))
    else:
        slot = before.slot_near(payment.due)
        is_awaited = slot == before.slot_near(payment.next)
        if is_awaited and after.day_of(slot) < today:
            # The new day of this month has passed, so the nearest one may be in the next month.
            slot = after.slot_near(payment.due)
            if after.day_of(slot) < today:
                # The payment was not made on the new day, so it is still expected on the old one.
                return replace(payment, schedule=after)
    due = after.day_of(slot)
    while (day := after.day_of(slot)) < today:
        slot = after.next_slot(slot)
    return replace(payment, schedule=after, due=due, next=day)
