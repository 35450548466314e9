"""Publishes every transaction once and in order, whether a poll or a webhook finds it.

The log of each account has its transactions of the last month, and how far it was read; the archive
keeps both on disk. A transaction is new if it is not in the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later

from ..accounts import BalancesCoordinator
from ..api import Money, MonzoAuthenticationError, MonzoError, Transaction
from ..bank import MIN_POLL_INTERVAL, Priority, RequestBudget, WebhookStatus
from ..clock import monotonic
from ..coordinator import gather_all
from ..memory import async_get_memory
from ..privacy import contain_failures, get_logger
from .account_reader import REREAD_INTERVAL, AccountReader
from .archive import Archive
from .classification import is_own_transfer
from .explained_balance import BalanceExplanations, ExplainedBalance
from .history import TransactionHistory
from .known_sums import KnownSums
from .known_transaction import KnownTransaction
from .last_reported import async_last_reported
from .retention import retention_of
from .signals import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
)

_LOGGER = get_logger(__name__)

# The interval of reads without a sign of a new transaction. A declined payment changes no balance,
# so without a webhook only these reads find it.
_READ_INTERVAL: Final = timedelta(minutes=5)

# A transaction is late if it is published later than this. It is longer than the search for a
# declined payment takes whose delivery was lost while others arrive.
LATE_AFTER: Final = REREAD_INTERVAL + timedelta(minutes=15)

# Hints during a read wait this long. If many payments are made at once, each read then finds
# several of them.
_HINT_DELAY: Final = timedelta(seconds=1)


class TransactionsCoordinator:
    """Schedules the reads of all accounts' transactions, and publishes the new ones.

    It reads nothing while the balances cannot be read, because automations on a payment rely on the
    balance.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        balances: BalancesCoordinator,
        archive: Archive,
        webhook_status: WebhookStatus,
    ) -> None:
        """Initialize the coordinator of an entry, which reads nothing before it is started."""
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._archive = archive
        self._webhook_status = webhook_status
        self._budget: RequestBudget = balances.session.budget
        self._accounts = balances.data.accounts
        self._balances_readable = True
        self._readers: dict[str, AccountReader] = {}
        self._histories: dict[str, TransactionHistory] = {}
        self._reading = asyncio.Lock()
        self._listeners: list[Callable[[NewTransaction], None]] = []
        self._read_listeners: list[CALLBACK_TYPE] = []
        self._before_new: list[Callable[[], Awaitable[None]]] = []
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._interval = _READ_INTERVAL
        # Each hint leads to a read, even if the task of an earlier hint is cancelled.
        self._refresh_hinted = Debouncer(
            hass,
            _LOGGER,
            cooldown=_HINT_DELAY.total_seconds(),
            immediate=False,
            function=self._async_refresh_soon,
        )
        self._running = False
        self._clock = balances.session.clock
        self._created_at = self._clock.now()
        memory = async_get_memory(hass)
        self._started_at = memory.started_at
        self._explanations = memory.find_or_create(
            BalanceExplanations, entry.entry_id, BalanceExplanations
        )

        self.sums = KnownSums(archive, balances, self.is_current)
        """The spending and income of the known transactions."""

    @callback
    def async_start(self) -> None:
        """Read all accounts, and keep reading them until the config entry is unloaded."""
        self._running = True
        self._entry.async_on_unload(self._async_stop)
        self._entry.async_on_unload(
            self._balances.async_add_listener(self._async_on_balances_updated)
        )
        self._async_refresh_soon()

    @callback
    def _async_stop(self) -> None:
        self._running = False
        self._async_cancel_timer()
        self._refresh_hinted.async_shutdown()
        for reader in self._readers.values():
            reader.async_stop()
        for history in self._histories.values():
            history.stop()

    @callback
    def async_add_listener(self, listener: Callable[[NewTransaction], None]) -> CALLBACK_TYPE:
        """Call a function for each new transaction, before event entities and triggers."""
        contained = contain_failures(listener)
        self._listeners.append(contained)
        return partial(self._listeners.remove, contained)

    @callback
    def async_add_read_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a function after each read, because sums may have changed or become known."""
        self._read_listeners.append(listener)
        return partial(self._read_listeners.remove, listener)

    @callback
    def async_add_before_new(self, function: Callable[[], Awaitable[None]]) -> CALLBACK_TYPE:
        """Await a function before new transactions are published, so that automations see its work.

        They are written then, and the balance contains them.
        """
        self._before_new.append(function)
        return partial(self._before_new.remove, function)

    # Known transactions

    @property
    def health(self) -> dict[str, int]:
        """Counts of known accounts and transactions, for diagnostics."""
        logs = [
            log for log in self._archive.logs.values() if log.state.entry_id == self._entry.entry_id
        ]
        return {
            "accounts_known": len(logs),
            "transactions_known": sum(len(log.known) for log in logs),
        }

    def is_current(self, account_id: str) -> bool:
        """Return whether an account has been read, and reads are not failing.

        Just after a reload of the config entry, the last read before it counts.
        """
        reader = self._readers.get(account_id)
        if reader is not None and reader.current is not None:
            return reader.current
        log = self._archive.logs.get(account_id)
        read_at = (log.read_at or log.spans.end) if log else None
        return read_at is not None and read_at >= self._clock.now() - 2 * _READ_INTERVAL

    def explained_balance(self, account_id: str) -> ExplainedBalance | None:
        """Return the newest balance of a current account, if the known transactions explain it.

        None during a read.
        """
        state = self._balances.data.accounts.get(account_id)
        return self._explanations.of(account_id).of(state.balance) if state else None

    @callback
    def async_expect(self, account_id: str, due: Iterable[Money]) -> None:
        """Set the amounts of an account's payments that are due now; negative for outgoing ones.

        A balance may contain them before the list does.
        """
        self._explanations.of(account_id).expect(due)

    def unlisted(self, account_id: str) -> Money | None:
        """Return the sum of due payments that only the explained balance contains; None if none."""
        return self._explanations.of(account_id).unlisted

    def read_until(self, account_id: str) -> datetime | None:
        """Return the end of the time that was read into the archive; None if there is none."""
        log = self._archive.logs.get(account_id)
        return log.spans.end if log else None

    def knows(self, account_id: str, transaction_id: str) -> bool:
        """Return whether a transaction was published, or was made before the first read."""
        log = self._archive.logs.get(account_id)
        return log is not None and not log.is_new(transaction_id)

    def recent(self, account_id: str, since: datetime) -> tuple[Transaction, ...]:
        """Return the transactions in memory since a moment of the last days.

        Just after a start, some may be missing.
        """
        return self._reader(account_id).recent.newest_first(since, None)

    def history(self, account_id: str) -> TransactionHistory:
        """Return the past transactions of an account, for actions and cards."""
        if account_id not in self._histories:
            self._histories[account_id] = TransactionHistory(
                self._balances.session,
                self._reader(account_id),
                self._archive,
                count_of_month=partial(self._count_of_month, account_id),
                is_current=partial(self.is_current, account_id),
            )
        return self._histories[account_id]

    def _count_of_month(self, account_id: str) -> int:
        log = self._archive.logs.get(account_id)
        return len(log.known) if log else 0

    async def async_note_notes(
        self, account_id: str, transaction_id: str, notes: str | None
    ) -> None:
        """Note that the user has changed the notes of a transaction."""
        await self._reader(account_id).async_note_notes(transaction_id, notes)

    # Scheduling

    async def async_refresh(self) -> None:
        """Read the accounts that are due, and schedule the next read."""
        async with self._reading:
            self._async_cancel_timer()
            try:
                if self._running and self._balances.last_update_success:
                    await self._async_read_due()
            except asyncio.CancelledError:
                # The accounts that the caller was reading are still hinted.
                self._refresh_hinted.async_schedule_call()
                raise
            except Exception:
                # As in Home Assistant's own coordinator, a defect must not stop all future reads.
                _LOGGER.exception("Unexpected error while reading transactions")
            finally:
                self._async_schedule()

    def hint_priority(self, account_ids: Collection[str]) -> Priority:
        """Return the priority of reading these accounts because of webhook deliveries."""
        # In an outage, a delivery indicates that the bank may be available again.
        return Priority.HINT if self._balances.are_readable(account_ids) else Priority.RETRY

    def grant_hints(
        self, account_ids: Collection[str], priority: Priority, *, balances: Collection[str]
    ) -> list[str]:
        """Return the accounts that may be read now because of webhook deliveries.

        `account_ids` are the accounts whose transactions are to be read, and `balances` those whose
        balances are.
        """
        self._budget.note_delivery()
        accounts = list(dict.fromkeys([*account_ids, *balances]))
        # In an outage, the balance alone shows whether the bank is available again.
        if self._balances.are_readable(accounts):
            needed = [(id_ in account_ids) + (id_ in balances) for id_ in accounts]
        else:
            needed = [1] * len(accounts)
        granted = self._budget.grant(sum(needed), priority)
        totals = zip(accounts, accumulate(needed), strict=True)
        return [account_id for account_id, total in totals if total <= granted]

    async def async_refresh_hinted(
        self, account_ids: Collection[str], priority: Priority, *, balances: Collection[str]
    ) -> frozenset[str]:
        """Read the accounts in webhook deliveries, and balances at the same time.

        Return the accounts for which the bank has answered the request for transactions, even if it
        refused.
        """
        began = monotonic()
        accounts = {*account_ids, *balances}
        for account_id in account_ids:
            self._reader(account_id).hint(priority)
        self._refresh_hinted.async_schedule_call()
        with self._budget.asking_as(priority):
            if self._balances.are_readable(accounts):
                # The balances are requested first, so that the read counts as later than them.
                await gather_all((self._async_refresh_balances(balances), self.async_refresh()))
            else:
                # An account is only read together with its balance.
                await self._async_refresh_balances(accounts)
                if not self._balances.last_update_success:
                    await self._balances.async_refresh()
                await self.async_refresh()
        return frozenset(id_ for id_ in account_ids if self._reader(id_).answered_at >= began)

    async def _async_refresh_balances(self, account_ids: Collection[str]) -> None:
        # An error of the balances also stops the read of the transactions, where it is logged.
        with suppress(MonzoError, HomeAssistantError):
            await self._balances.async_refresh_if_older_than(account_ids, monotonic())

    async def async_refresh_all(self) -> None:
        """Read all accounts now, or once the request budget has room."""
        for account_id in self._balances.account_ids():
            self._reader(account_id).mark_due()
        await self.async_refresh()

    @callback
    def _async_on_balances_updated(self) -> None:
        """Read accounts that are new, have a changed balance, or could not be read before."""
        before, self._accounts = self._accounts, self._balances.data.accounts
        was_readable, self._balances_readable = (
            self._balances_readable,
            self._balances.last_update_success,
        )
        changed = [
            account_id
            for account_id, state in self._accounts.items()
            if self._reader(account_id).was_asked
            and (account_id not in before or before[account_id].balance != state.balance)
        ]
        hints = [
            self._reader(account_id).note_new_balance(self._balances.asked_at(account_id))
            for account_id in changed
        ]
        if any(hints):
            self._refresh_hinted.async_schedule_call()
        # If a balance changes during a read, the next read waits for its end.
        is_news = any(hints) and not self._reading.locked()
        if is_news or not was_readable or self._accounts.keys() - before.keys():
            self._async_refresh_soon()

    @callback
    def _async_refresh_soon(self, _now: datetime | None = None) -> None:
        self._entry.async_create_background_task(
            self._hass, self.async_refresh(), "read transactions of Monzo"
        )

    @callback
    def _async_schedule(self) -> None:
        """Schedule the next read by the clock."""
        if self._running and not self._entry.pref_disable_polling:
            self._cancel_timer = async_call_later(
                self._hass,
                self._interval,
                HassJob(self._async_refresh_soon, cancel_on_shutdown=True),
            )

    @callback
    def _async_cancel_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    # Reading

    def _reader(self, account_id: str) -> AccountReader:
        if account_id not in self._readers:
            self._readers[account_id] = AccountReader(
                account_id=account_id,
                entry_id=self._entry.entry_id,
                balances=self._balances,
                archive=self._archive,
                retention=retention_of(self._entry),
                known_before=self._known_before,
                on_new=self._async_publish_new,
                on_changed=self._async_publish_changed,
                before_new=self._async_before_new,
                explanation=self._explanations.of(account_id),
            )
        return self._readers[account_id]

    def _known_before(self, account_id: str) -> datetime:
        """Return the moment up to which transactions of an account without a log are not new.

        That is the set-up of the account, or the last report if the archive's file was lost.
        """
        reported = async_last_reported(self._hass, account_id)
        # An earlier entry may have reported it. A file that is not loaded yet contains more.
        if reported is None or reported < self._entry.created_at or not self._archive.loaded:
            return self._created_at
        return reported

    async def _async_read_due(self) -> None:
        """Read all accounts that are due at the same time."""
        readers = {id_: self._reader(id_) for id_ in self._balances.account_ids()}
        errors = await gather_all(self._reads(self._due(readers.values())))
        # One after the other, because they share the rest of the request budget.
        errors += [await reader.async_reread() for reader in readers.values()]
        soon = any(reader.continues_soon for reader in readers.values())
        self._interval = MIN_POLL_INTERVAL if soon else _READ_INTERVAL
        for listener in tuple(self._read_listeners):
            listener()
        if any(isinstance(error, MonzoAuthenticationError) for error in errors):
            # The balances show whether the sign-in has ended, and ask for a new one.
            await self._balances.async_refresh()

    @staticmethod
    def _reads(readers: Iterable[AccountReader]) -> Iterator[Coroutine[Any, Any, Exception | None]]:
        """Yield the reads for which the request budget has room.

        Each must start before the next one is requested, because that checks the request budget.
        """
        begun = 0
        for reader in readers:
            if reader.has_room(begun=begun):
                yield reader.async_read()
                begun += 1

    def _due(self, readers: Collection[AccountReader]) -> list[AccountReader]:
        """Return the readers to run now: first those with a hint, and the oldest of each first."""
        readers = sorted(readers, key=lambda reader: reader.asked_at)
        hinted = [reader for reader in readers if reader.hinted]
        interval = REREAD_INTERVAL if self._webhook_status.arriving else _READ_INTERVAL
        unprompted = [reader for reader in readers if not reader.hinted and reader.is_due(interval)]
        return hinted + unprompted[: self._budget.max_unprompted_reads(len(readers))]

    # Publishing

    async def _async_before_new(self) -> None:
        """Update what automations may look at because of a new transaction."""
        for function in tuple(self._before_new):
            try:
                await function()
            except Exception:
                # A defect must not stop the report of a transaction.
                _LOGGER.exception("Unexpected error before the report of a transaction")

    @callback
    def _async_publish_new(self, account_id: str, transaction: Transaction) -> None:
        age = self._clock.now() - transaction.created
        running = timedelta(seconds=monotonic() - self._started_at)
        data = self._balances.data
        new = NewTransaction(
            account_id=account_id,
            transaction=transaction,
            pot=data.pot_of(transaction),
            own_transfer=is_own_transfer(transaction, data.own_accounts),
            late=age > min(running, LATE_AFTER),
        )
        for listener in self._listeners:
            listener(new)
        async_dispatcher_send(self._hass, SIGNAL_NEW_TRANSACTION.format(account_id), new)

    @callback
    def _async_publish_changed(
        self, account_id: str, transaction: Transaction, before: KnownTransaction
    ) -> None:
        data = self._balances.data
        changed = TransactionChanged(
            transaction=transaction,
            pot=data.pot_of(transaction),
            own_transfer=is_own_transfer(transaction, data.own_accounts),
            before=before,
        )
        async_dispatcher_send(self._hass, SIGNAL_TRANSACTION_CHANGED.format(account_id), changed)
