"""Calendars of recurring payments: those that were made, and those that are expected."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import AccountState
from .api import Money
from .bank import translating_defects
from .entity import EntityTables, MonzoEntityDescription, async_add_as_they_appear
from .outlook_entity import MonzoOutlookEntity, with_history
from .recurring import RecurringPayment
from .runtime import MonzoConfigEntry

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class MonzoCalendarDescription(MonzoEntityDescription[AccountState], CalendarEntityDescription):
    """Describes a calendar of an account."""


RECURRING_PAYMENTS: Final = MonzoCalendarDescription(key="recurring_payments")

# Further ahead, nothing is certain. A yearly payment is still shown once.
_DAYS_AHEAD: Final = timedelta(days=400)
_DAY: Final = timedelta(days=1)


@translating_defects("the set-up of calendars")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendars of a config entry."""
    async_add_as_they_appear(
        entry,
        async_add_entities,
        partial(MonzoPaymentsCalendar, entry.runtime_data.recurring),
        EntityTables(account=with_history(entry, (RECURRING_PAYMENTS,))),
    )


class MonzoPaymentsCalendar(MonzoOutlookEntity[AccountState], CalendarEntity):
    """Calendar of the recurring payments of an account, each on a whole day."""

    # Names of payees do not belong into the history.
    _unrecorded_attributes = frozenset({"message", "location", "description"})

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the next expected payment."""
        today = self.recurring.today
        return min(
            self._expected(today, today + _DAYS_AHEAD), key=lambda event: event.start, default=None
        )

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the payments of a period: those that were made, and those that are expected."""
        first, last = start_date.date(), end_date.date()
        events = [*self._made(first, last), *self._expected(first, last)]
        return sorted(events, key=lambda event: (event.start, event.summary))

    @property
    def _payments(self) -> Iterator[RecurringPayment]:
        outlook = self.recurring.accounts.get(self.monzo_id)
        yield from outlook.payments if outlook else ()

    def _made(self, first: date, last: date) -> Iterator[CalendarEvent]:
        for payment in self._payments:
            for occurrence in payment.occurrences:
                if first <= occurrence.day <= last:
                    amount = Money.from_minor(occurrence.minor, payment.currency)
                    yield _event(payment, occurrence.day, _text(amount))

    def _expected(self, first: date, last: date) -> Iterator[CalendarEvent]:
        last = min(last, self.recurring.today + _DAYS_AHEAD)
        for payment in self._payments:
            amount = _text(payment.amount)
            for day in payment.days_until(last):
                if day >= first:
                    yield _event(payment, day, amount if payment.is_exact else f"≈ {amount}")


def _event(payment: RecurringPayment, day: date, amount: str) -> CalendarEvent:
    return CalendarEvent(
        start=day,
        end=day + _DAY,
        summary=payment.payee,
        description=amount,
        uid=f"{payment.key}_{day.isoformat()}",
    )


def _text(amount: Money) -> str:
    """Return an amount with its currency; negative if money goes out."""
    return f"{amount.amount} {amount.currency}"
