"""Announces recurring payments, pay days and possible duplicates to triggers, each only once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_track_utc_time_change

from ..api import Transaction
from ..privacy import get_logger
from ..transactions import Archive, NewTransaction, TransactionRecord, TransactionsCoordinator
from .announcement_store import AnnouncementStore
from .announcements import Announcement, Observation, compare, morning_of
from .coordinator import RecurringCoordinator
from .detection import RecurringPayment
from .duplicates import DUPLICATED_WITHIN, possible_duplicate_of
from .pay_day_arrivals import PayDayArrived, announce_pay_day
from .signals import (
    SIGNAL_PAY_DAY_ARRIVED,
    SIGNAL_POSSIBLE_DUPLICATE,
    SIGNAL_RECURRING_PAYMENT,
    PossibleDuplicate,
)

_LOGGER = get_logger(__name__)

# In seconds. Several reads may follow each other.
_DELAY: Final = 1

# Longer than the time between two reads. The computer may have slept.
_READ_WITHIN: Final = timedelta(hours=2)


class RecurringAnnouncer:
    """Compares recurring payments with earlier announcements, after each read and every hour."""

    def __init__(  # noqa: PLR0913 - one parameter for each part
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        recurring: RecurringCoordinator,
        transactions: TransactionsCoordinator,
        archive: Archive,
        store: AnnouncementStore,
    ) -> None:
        """Initialize the announcer, which is silent until it is started."""
        self._hass = hass
        self._entry = entry
        self._recurring = recurring
        self._transactions = transactions
        self._archive = archive
        self._store = store
        self._announce = Debouncer(
            hass,
            _LOGGER,
            cooldown=_DELAY,
            immediate=True,
            function=self._async_announce,
            background=True,
        )

    @callback
    def async_start(self) -> None:
        """Start to announce, because automations are running by now."""
        on_unload = self._entry.async_on_unload
        on_unload(self._announce.async_shutdown)
        on_unload(self._transactions.async_add_listener(self._on_new_transaction))
        on_unload(self._transactions.async_add_read_listener(self._announce.async_schedule_call))
        # 8:00 in London is always a full hour in UTC.
        on_unload(async_track_utc_time_change(self._hass, self._on_hour, minute=0, second=10))

    @callback
    def _on_hour(self, _now: datetime) -> None:
        self._announce.async_schedule_call()

    @callback
    def _on_new_transaction(self, new: NewTransaction) -> None:
        """Announce a payment that may have been charged twice."""
        account_id, amount = new.account_id, new.transaction.amount
        since = new.transaction.created - DUPLICATED_WITHIN
        recent = self._transactions.recent(account_id, since)
        earlier = possible_duplicate_of(
            _record(new.transaction, account_id),
            # Skip the conversion of most payments, because thousands may follow each other.
            (_record(it, account_id) for it in recent if it.amount == amount),
        )
        if earlier is not None:
            signal = SIGNAL_POSSIBLE_DUPLICATE.format(account_id)
            duplicate = PossibleDuplicate(new=new, earlier=earlier)
            async_dispatcher_send(self._hass, signal, duplicate)

    async def _async_announce(self) -> None:
        """Announce news about accounts whose newest transactions are known."""
        # Check this before the search, because an account may be read in the meantime.
        current = [id_ for id_ in self._recurring.accounts if self._is_current(id_)]
        await self._recurring.async_search()
        announcements: list[tuple[str, Announcement]] = []
        arrived: list[RecurringPayment] = []
        for account_id in current:
            now = self._observation(account_id)
            if now is not None:
                comparison = compare(now, self._store.account(account_id))
                self._store.set_account(account_id, comparison.after)
                announcements += [(account_id, it) for it in comparison.announcements]
                arrived += comparison.arrived
        pay_day = self._pay_day(arrived)
        # Save before sending the signals, so that a crash does not repeat any of them.
        await self._store.async_save()
        for account_id, announcement in announcements:
            signal = SIGNAL_RECURRING_PAYMENT.format(account_id)
            async_dispatcher_send(self._hass, signal, announcement)
        if pay_day is not None:
            signal_of_person = SIGNAL_PAY_DAY_ARRIVED.format(self._entry.unique_id)
            async_dispatcher_send(self._hass, signal_of_person, pay_day)

    def _is_current(self, account_id: str) -> bool:
        """Return whether the newest transactions of an account are known."""
        read_until = self._transactions.read_until(account_id)
        oldest = self._recurring.now - _READ_WITHIN
        is_recent = read_until is not None and read_until >= oldest
        return is_recent and self._transactions.is_current(account_id)

    def _observation(self, account_id: str) -> Observation | None:
        """Return the observation of an account; None if its payments are unknown."""
        known_since = self._archive.kept_since(account_id, None)
        outlook = self._recurring.accounts.get(account_id)
        if known_since is None or outlook is None:
            return None
        return Observation(
            payments=self._recurring.payments[account_id].payments,
            detected=self._recurring.detected(account_id),
            at=self._recurring.now,
            known_since=known_since,
            forecast=outlook.forecast,
        )

    def _pay_day(self, arrived: Iterable[RecurringPayment]) -> PayDayArrived | None:
        """Return the pay day that has arrived, if any."""
        person, person_id = self._recurring.person, str(self._entry.unique_id)
        if person is None:
            return None
        announced, pay_day = announce_pay_day(
            person.rule,
            self._store.pay_day(person_id),
            arrived=arrived,
            incomes=self._recurring.incomes,
            morning=morning_of(self._recurring.now),
        )
        self._store.set_pay_day(person_id, announced)
        return pay_day


def _record(transaction: Transaction, account_id: str) -> TransactionRecord:
    return TransactionRecord.of(transaction, account_id=account_id, own_transfer=False)
