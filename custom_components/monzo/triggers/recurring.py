"""Triggers for recurring payments and pay days."""

from abc import abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, override

from homeassistant.core import CALLBACK_TYPE, callback
import voluptuous as vol

from ..api import Money
from ..automations import (
    CONF_AT_LEAST,
    CONF_BY_AT_LEAST,
    CONF_MERCHANT,
    OPTIONAL_TARGETS,
    Mismatch,
    TargetType,
    filter_schema,
)
from ..privacy import async_subscribe
from ..recurring import (
    SIGNAL_PAY_DAY_ARRIVED,
    SIGNAL_RECURRING_PAYMENT,
    Announcement,
    PayDayArrived,
    PaymentChanged,
    PaymentDue,
    PaymentMissed,
    PaymentStarted,
    RecurringPayment,
    payment_variables,
)
from ..transactions import is_payee
from .base import MonzoTrigger, TargetRunner, trigger_schema

CONF_DAYS_BEFORE: Final = "days_before"
CONF_DIRECTION: Final = "direction"

# The forecast contains payments of every month this far ahead.
MAX_DAYS_BEFORE: Final = 28


class Direction(StrEnum):
    """The direction of the payments that trigger."""

    OUT = "out"
    IN = "in"
    ANY = "any"


DIRECTION: Final[Mapping[Any, Any]] = {
    vol.Optional(CONF_DIRECTION, default=Direction.OUT): vol.Coerce(Direction)
}
DAYS_BEFORE: Final[Mapping[Any, Any]] = {
    vol.Required(CONF_DAYS_BEFORE, default=1): vol.All(
        vol.Coerce(int), vol.Range(min=0, max=MAX_DAYS_BEFORE)
    )
}


class RecurringPaymentTrigger(MonzoTrigger):
    """Triggers on one type of announcement, if the payment matches the options."""

    schema = trigger_schema(
        OPTIONAL_TARGETS, DIRECTION, filter_schema(CONF_MERCHANT, CONF_AT_LEAST)
    )

    @abstractmethod
    def _own_variables(self, announcement: Announcement) -> dict[str, Any] | None:
        """Return the variables besides the payment's; None for another type of announcement."""

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_announcement(announcement: Announcement) -> None:
            variables = self._own_variables(announcement)
            if variables is not None:
                payment = announcement.payment
                runner.async_run_unless(
                    self._mismatch(announcement), {**payment_variables(payment), **variables}
                )

        return async_subscribe(
            self._hass, SIGNAL_RECURRING_PAYMENT.format(runner.monzo_id), on_announcement
        )

    def _mismatch(self, announcement: Announcement) -> Mismatch | None:
        """Return the reason why an announcement does not match the options; None if it matches."""
        payment = announcement.payment
        direction = self._options[CONF_DIRECTION]
        if direction is not Direction.ANY and direction != payment.direction:
            return Mismatch.OTHER_DIRECTION
        merchant = self._options[CONF_MERCHANT]
        if merchant and not is_payee(merchant, names=(payment.payee,), ids=(payment.key,)):
            return Mismatch.OTHER_MERCHANT
        return self._mismatch_of_amount(announcement)

    def _mismatch_of_amount(self, announcement: Announcement) -> Mismatch | None:
        at_least = self._options.get(CONF_AT_LEAST, 0)
        is_less = abs(announcement.payment.amount.amount) < at_least
        return Mismatch.LESS_THAN_AT_LEAST if is_less else None


class RecurringPaymentDue(RecurringPaymentTrigger):
    """Triggers in the morning, some days before a payment is due."""

    schema = trigger_schema(
        OPTIONAL_TARGETS, DAYS_BEFORE, DIRECTION, filter_schema(CONF_MERCHANT, CONF_AT_LEAST)
    )
    description = "a recurring payment that is due"

    @override
    def _own_variables(self, announcement: Announcement) -> dict[str, Any] | None:
        if not isinstance(announcement, PaymentDue):
            return None
        if not announcement.reaches(self._options[CONF_DAYS_BEFORE]):
            return None
        missing = announcement.missing
        return {
            "date": announcement.day.isoformat(),
            "days": announcement.days_left,
            "missing": float(missing.money.amount) if missing else None,
            "missing_exact": missing is not None and missing.is_exact,
        }


class RecurringPaymentChanged(RecurringPaymentTrigger):
    """Triggers when a payment is made at a new price."""

    schema = trigger_schema(
        OPTIONAL_TARGETS, DIRECTION, filter_schema(CONF_MERCHANT, CONF_BY_AT_LEAST)
    )
    description = "a recurring payment whose amount changed"

    @override
    def _own_variables(self, announcement: Announcement) -> dict[str, Any] | None:
        if not isinstance(announcement, PaymentChanged):
            return None
        change = announcement.change
        return {
            "date": change.since.isoformat(),
            "amount": float(change.after.amount),
            "amount_before": float(change.before.amount),
            "difference": float((change.after - change.before).amount),
        }

    @override
    def _mismatch_of_amount(self, announcement: Announcement) -> Mismatch | None:
        if not isinstance(announcement, PaymentChanged):
            return None
        difference = (announcement.change.after - announcement.change.before).amount
        is_less = abs(difference) < self._options.get(CONF_BY_AT_LEAST, 0)
        return Mismatch.LESS_THAN_BY_AT_LEAST if is_less else None


class RecurringPaymentMissed(RecurringPaymentTrigger):
    """Triggers when a payment was due but was not made."""

    description = "a recurring payment that was missed"

    @override
    def _own_variables(self, announcement: Announcement) -> dict[str, Any] | None:
        if not isinstance(announcement, PaymentMissed):
            return None
        return {"date": announcement.day.isoformat()}


class RecurringPaymentStarted(RecurringPaymentTrigger):
    """Triggers when a new payment is found to recur."""

    description = "a new recurring payment"

    @override
    def _own_variables(self, announcement: Announcement) -> dict[str, Any] | None:
        if not isinstance(announcement, PaymentStarted):
            return None
        return {"next": announcement.payment.next.isoformat()}


class PayDayHasArrived(MonzoTrigger):
    """Triggers on a person's pay day."""

    schema = trigger_schema(OPTIONAL_TARGETS)
    target_type = TargetType.PERSON
    description = "a pay day"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_pay_day(pay_day: PayDayArrived) -> None:
            payment = pay_day.payment
            runner.async_run(
                {
                    "date": pay_day.day.isoformat(),
                    "previous": pay_day.previous.isoformat() if pay_day.previous else None,
                    "next": pay_day.next.isoformat() if pay_day.next else None,
                    "name": payment.payee if payment else None,
                    "amount": _last_amount(payment) if payment else None,
                    "currency": payment.currency if payment else None,
                }
            )

        return async_subscribe(
            self._hass, SIGNAL_PAY_DAY_ARRIVED.format(runner.monzo_id), on_pay_day
        )


def _last_amount(payment: RecurringPayment) -> float:
    """Return the amount of the newest payment in major units."""
    minor = payment.occurrences[-1].minor
    return float(Money.from_minor(minor, payment.currency).amount)
