"""Calendars of recurring payments and pay days, both past and expected."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Final, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.components.calendar.const import CalendarEntityFeature
from homeassistant.components.websocket_api.connection import current_connection
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .accounts import AccountState, DeviceState, PersonState
from .administrators_only import transactions_are_limited
from .api import Money
from .bank import translating_defects, validation_error
from .entity import EntityTables, MonzoEntityDescription, async_add_as_they_appear
from .outlook_entity import MonzoOutlookEntity, with_history
from .recurring import (
    RecurringPayment,
    Revision,
    describe_amount,
    event_id,
    revision_by_event,
)
from .runtime import MonzoConfigEntry
from .texts import async_text

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class MonzoCalendarDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], CalendarEntityDescription
):
    """Describes a calendar of a person or an account."""


RECURRING_PAYMENTS: Final = MonzoCalendarDescription[AccountState](key="recurring_payments")
PAY_DAYS: Final = MonzoCalendarDescription[PersonState](key="pay_days")

# Later payments are uncertain. A yearly payment is still shown once.
_DAYS_AHEAD: Final = timedelta(days=400)
_DAY: Final = timedelta(days=1)


@translating_defects("the set-up of calendars")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendars of a config entry.

    There are none if transactions are limited to administrators, because all users see calendars.
    """
    recurring = entry.runtime_data.recurring
    for make, tables in (
        (MonzoPaymentsCalendar, EntityTables(account=_calendars(entry, RECURRING_PAYMENTS))),
        (MonzoPayDaysCalendar, EntityTables(person=_calendars(entry, PAY_DAYS))),
    ):
        async_add_as_they_appear(entry, async_add_entities, partial(make, recurring), tables)


def _calendars[DescriptionT: MonzoCalendarDescription[Any]](
    entry: MonzoConfigEntry, description: DescriptionT
) -> tuple[DescriptionT, ...]:
    if transactions_are_limited(entry):
        return (replace(description, has_fn=lambda _state: False),)
    return with_history(entry, (description,))


class MonzoCalendar[DeviceStateT: DeviceState](MonzoOutlookEntity[DeviceStateT], CalendarEntity):
    """Base class for calendars of whole-day events."""

    # Names of payees must not be recorded in the history.
    _unrecorded_attributes = frozenset({"message", "location", "description"})

    @property
    @override
    def available(self) -> bool:
        """Return whether the next event is known.

        As long as the newest transactions are unknown, it may have taken place. A calendar cannot
        be unknown.
        """
        return super().available and self._expected_from <= self.recurring.today

    @property
    @abstractmethod
    def _expected_from(self) -> date:
        """The first day whose expected events certainly have not taken place yet."""

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the next expected event."""
        today = self.recurring.today
        return self._next(today, today + _DAYS_AHEAD)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the past and expected events of a period."""
        first = dt_util.as_local(start_date).date()
        last = dt_util.as_local(end_date - datetime.resolution).date()
        expected = self._expected(
            max(first, self._expected_from), min(last, self.recurring.today + _DAYS_AHEAD)
        )
        events = [*self._past(first, last), *expected]
        return sorted(events, key=lambda event: (event.start, event.summary))

    @abstractmethod
    def _past(self, first: date, last: date) -> Iterator[CalendarEvent]:
        """Yield the past events between two days, both included."""

    @abstractmethod
    def _expected(self, first: date, last: date) -> Iterator[CalendarEvent]:
        """Yield the expected events between two days, both included."""

    def _next(self, first: date, last: date) -> CalendarEvent | None:
        """Return the first expected event between two days, both included."""
        return min(self._expected(first, last), key=lambda event: event.start, default=None)


class MonzoPaymentsCalendar(MonzoCalendar[AccountState]):
    """Calendar of the recurring payments of an account."""

    _attr_supported_features = (
        CalendarEntityFeature.DELETE_EVENT | CalendarEntityFeature.UPDATE_EVENT
    )

    @override
    async def async_delete_event(
        self, uid: str, recurrence_id: str | None = None, recurrence_range: str | None = None
    ) -> None:
        """Dismiss the payment of an event, which removes all of its events.

        Raises Unauthorized if the user is not an administrator, and ServiceValidationError if the
        event is a payment that was made.
        """
        self._require_administrator()
        payment, _day = self._expected_payment(uid)
        await self.recurring.async_revise(self.monzo_id, payment.key, Revision(dismissed=True))

    @override
    async def async_update_event(
        self,
        uid: str,
        event: dict[str, Any],
        recurrence_id: str | None = None,
        recurrence_range: str | None = None,
    ) -> None:
        """Correct the name, amount or day of a payment in all of its expected events.

        Raises the errors of `async_delete_event` and `revision_by_event`.
        """
        self._require_administrator()
        payment, day = self._expected_payment(uid)
        revision = revision_by_event(payment, day, event, self.recurring.today)
        await self.recurring.async_revise(self.monzo_id, payment.key, revision)

    def _require_administrator(self) -> None:
        """Raise Unauthorized if a person who is not an administrator edits the calendar.

        Home Assistant passes no context to these methods, but they run for a browser's connection.
        """
        connection = current_connection.get()
        if connection is not None and not connection.user.is_admin:
            raise Unauthorized(entity_id=self.entity_id)

    def _expected_payment(self, uid: str) -> tuple[RecurringPayment, date]:
        """Return the payment of an expected event, and its day."""
        for payment in self._payments:
            made = {event_id(payment, it.day): it.day for it in payment.occurrences}
            if uid in made:
                raise validation_error(
                    "payment_was_made", name=payment.payee, day=made[uid].isoformat()
                )
            for day in payment.days_until(self.recurring.today + _DAYS_AHEAD):
                if uid == event_id(payment, day):
                    return payment, day
        raise validation_error("unknown_recurring_payment", key=uid)

    @property
    @override
    def _expected_from(self) -> date:
        outlook = self.recurring.accounts.get(self.monzo_id)
        return outlook.expected_from if outlook else self.recurring.today

    @property
    def _payments(self) -> Iterator[RecurringPayment]:
        outlook = self.recurring.accounts.get(self.monzo_id)
        yield from outlook.payments if outlook else ()

    @override
    def _past(self, first: date, last: date) -> Iterator[CalendarEvent]:
        for payment in self._payments:
            yield from _made(payment, first, last)

    @override
    def _expected(self, first: date, last: date) -> Iterator[CalendarEvent]:
        for payment in self._payments:
            for day in payment.days_until(last):
                if day >= first:
                    yield _event(payment, day)

    @override
    def _next(self, first: date, last: date) -> CalendarEvent | None:
        # Without the other events, because Home Assistant asks several times at each change.
        next_days = [
            (payment, day)
            for payment in self._payments
            if (day := next((it for it in payment.days_until(last) if it >= first), None))
        ]
        return _event(*min(next_days, key=itemgetter(1))) if next_days else None


class MonzoPayDaysCalendar(MonzoCalendar[PersonState]):
    """Calendar of the pay days of a person."""

    @property
    @override
    def _expected_from(self) -> date:
        person = self.recurring.person
        return person.expected_from if person else self.recurring.today

    @override
    def _past(self, first: date, last: date) -> Iterator[CalendarEvent]:
        person = self.recurring.person
        for income in person.main_incomes if person else ():
            yield from _made(income, first, last)

    @override
    def _expected(self, first: date, last: date) -> Iterator[CalendarEvent]:
        person = self.recurring.person
        for day, income in person.pay_days_until(last) if person else ():
            if day >= first:
                yield self._pay_day(day) if income is None else _event(income, day)

    def _pay_day(self, day: date) -> CalendarEvent:
        """Return the event of a pay day from the options."""
        # The label of the option that contains the pay day.
        text = async_text(self.hass, "options.step.init.data.pay_day", {}, fallback="Pay day")
        return CalendarEvent(start=day, end=day + _DAY, summary=text, uid=day.isoformat())


def _made(payment: RecurringPayment, first: date, last: date) -> Iterator[CalendarEvent]:
    """Yield the payments that were made between two days."""
    for occurrence in payment.occurrences:
        if first <= occurrence.day <= last:
            amount = Money.from_minor(occurrence.minor, payment.currency)
            yield _event(payment, occurrence.day, describe_amount(amount, is_exact=True))


def _event(payment: RecurringPayment, day: date, description: str | None = None) -> CalendarEvent:
    """Return the event of a payment. By default, the description is the expected amount."""
    expected = describe_amount(payment.amount, is_exact=payment.is_exact)
    return CalendarEvent(
        start=day,
        end=day + _DAY,
        summary=payment.payee,
        description=expected if description is None else description,
        uid=event_id(payment, day),
    )
