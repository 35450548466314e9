"""Every transaction, once and in order, however Home Assistant learns of it.

What is known of each account is kept on disk: how far its transactions were read, and those of the
last days. A transaction is new if it is not among them; where it was found does not matter.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, KeysView, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
import math
import time
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalTypeFormat

from .api import MAX_PAGE_SIZE, Money, MonzoAuthenticationError, MonzoError, Transaction
from .balances import BalancesCoordinator
from .const import DOMAIN, MIN_POLL_INTERVAL
from .coordinator import (
    BLOCKING_ERRORS,
    TRANSIENT_ERRORS,
    MonzoCoordinator,
    async_at_once,
    loggable,
    quiet_reads,
)
from .transaction_ledger import KEPT_FOR, Ledger, Ledgers, Seen

_LOGGER = logging.getLogger(__name__)

# When Home Assistant began to look after any Monzo; a reload of an entry is no absence.
STARTED: HassKey[datetime] = HassKey(f"{DOMAIN}_started")

# How far back is looked for what was missed while Home Assistant was off, and for changes.
LOOKBACK: Final = timedelta(days=7)

# A transaction may appear in the list a little after a later one.
OVERLAP: Final = timedelta(minutes=10)

# Of the moments that the bank tells: a payment was made up to this much later than it says.
PRECISION: Final = timedelta(milliseconds=1)

# A balance that was read so long before the transactions is taken for the same moment's, though
# the bank's clock may be another.
JUST_NOW: Final = timedelta(seconds=5)

# How often each account is asked without a sign of anything new: a declined payment moves no
# balance, and gives no sign without a webhook.
ASKED_EVERY: Final = timedelta(minutes=5)

# How often the last seven days are read again for what has settled, or has another category.
REREAD_EVERY: Final = timedelta(hours=1)

# What is reported later than this after it was made is marked as late: longer than it takes to find
# a declined payment whose delivery is lost, while others arrive.
LATE_AFTER: Final = REREAD_EVERY + timedelta(minutes=15)

# How long after a hint to look whether it was followed, and to follow it if not. Those that come
# while transactions are read have to wait: of many payments at once, they come with each look.
FOLLOW_HINTS_AFTER: Final = timedelta(seconds=1)

# For an account that was never read: most have less than two hundred transactions in a month.
REQUESTS_FOR_A_MONTH: Final = 2

# Once is nothing to speak of, and of an outage the balances tell before the second time.
TOLD_AFTER_FAILURES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A transaction that Home Assistant has not heard of before."""

    transaction: Transaction

    pot: str | None
    """The name of the pot that the money went into or came from, if it is known."""

    late: bool
    """Whether it was made a while ago, most likely while Home Assistant was off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A known transaction that is no longer what it was."""

    transaction: Transaction

    pot: str | None
    """See `Report.pot`."""

    before: Seen


# Keyed by account id, so that listeners survive a reload of the config entry.
SIGNAL_TRANSACTION: SignalTypeFormat[Report] = SignalTypeFormat(f"{DOMAIN}_transaction_{{}}")
SIGNAL_CHANGE: SignalTypeFormat[Change] = SignalTypeFormat(f"{DOMAIN}_transaction_changed_{{}}")


@dataclass(slots=True, kw_only=True)
class ReadState:
    """How looking at an account's transactions has gone since the config entry was set up."""

    asked_at: float = -math.inf
    """By `time.monotonic`, like all moments here."""

    reread_at: float = -math.inf
    """When the last seven days were read."""

    hinted: bool = False
    """Whether there has been a sign of something new since it was last asked about."""

    failures: int = 0
    """How often in a row it has failed."""

    retry_soon: bool = False
    """Whether the last failure may be over in a moment, or what there was a sign of may come."""

    current: bool = False
    """Whether the bank has told the transactions, and has not failed to in more than passing."""

    @property
    def is_to_be_reread(self) -> bool:
        """Whether the last seven days are due to be read again."""
        return time.monotonic() - self.reread_at >= REREAD_EVERY.total_seconds()

    def is_due(self, interval: timedelta) -> bool:
        """Return whether to ask without a hint; `interval` is how often if nothing is wrong."""
        if self.retry_soon:
            interval = MIN_POLL_INTERVAL
        # Home Assistant's timers may be a second early.
        return self.asked_at <= time.monotonic() - interval.total_seconds() + 2


class TransactionsCoordinator(MonzoCoordinator[Mapping[str, datetime]]):
    """Reads each account's transactions, and reports what is new and what has changed.

    Its data is how far each account has been read. It looks at nothing while the balances cannot
    be read: whoever hears of a payment must be able to rely on the balance.
    """

    _on_report: Callable[[Report], None]

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        balances: BalancesCoordinator,
        ledgers: Ledgers,
    ) -> None:
        """Begin with what the ledgers know."""
        super().__init__(hass, entry, balances.session, "transactions")
        self._balances = balances
        self.update_interval = ASKED_EVERY
        self._ledgers = ledgers
        self._accounts = self._balances.data.accounts
        self._reachable = True
        self._states: defaultdict[str, ReadState] = defaultdict(ReadState)
        self._reading = asyncio.Lock()
        # Whatever becomes of whoever looks for it first, each hint is followed.
        self._look_again = Debouncer(
            hass,
            _LOGGER,
            cooldown=FOLLOW_HINTS_AFTER.total_seconds(),
            immediate=False,
            function=self._async_refresh_soon,
        )
        self._has_begun = False
        self._began = dt_util.utcnow()
        self._started = hass.data.setdefault(STARTED, self._began)

    @property
    def health(self) -> dict[str, int]:
        """How much is known; for diagnostics, so without saying what."""
        known = [
            ledger
            for ledger in self._ledgers.by_account.values()
            if ledger.entry_id == self.config_entry.entry_id
        ]
        return {
            "accounts_known": len(known),
            "transactions_known": sum(len(ledger.seen) for ledger in known),
        }

    def is_current(self, account_id: str) -> bool:
        """Return whether an account's transactions have been read, and not failed to be since."""
        return self._states[account_id].current

    def spent(self, account_id: str, since: datetime, category: str | None = None) -> Money | None:
        """Return what an account has spent since a moment of the last month; None if not known.

        In all, or in one category. Negative if refunds were more than that. As of when the bank
        last told the transactions, which may be long ago; see `is_current`.
        """
        ledger = self._ledgers.by_account.get(account_id)
        return ledger.spent(since, category) if ledger else None

    @callback
    def async_begin(self, on_report: Callable[[Report], None]) -> None:
        """Look at once, and then again and again until the config entry is unloaded.

        `on_report` is told of each report before everybody else.
        """
        entry = self.config_entry
        self._on_report = on_report
        self._has_begun = True
        # A coordinator without listeners does not poll; those of this one listen to signals.
        entry.async_on_unload(self.async_add_listener(lambda: None))
        entry.async_on_unload(self._balances.async_add_listener(self._async_compare))
        entry.async_on_unload(self._look_again.async_shutdown)
        self._async_refresh_soon()

    def knows(self, account_id: str, transaction_id: str) -> bool:
        """Return whether a transaction has been reported, or was there before."""
        ledger = self._ledgers.by_account.get(account_id)
        return ledger is not None and transaction_id in ledger.seen

    async def async_look_at(self, account_ids: Collection[str]) -> None:
        """Look for what is new in these accounts, at their balances first."""
        self._async_hint(account_ids)
        # What fails here fails below as well, where it is told.
        with suppress(MonzoError, HomeAssistantError):
            await self._balances.async_bring_forward(account_ids, dt_util.utcnow())
        if not self._balances.last_update_success:
            # A bank that has something to tell may be there again.
            await self._balances.async_refresh()
        await self.async_refresh()

    async def async_ask_for_everything(self) -> None:
        """Look for what is new in all accounts, now or as soon as the request budget has room."""
        for account_id in self._balances.account_ids():
            self._states[account_id].asked_at = -math.inf
        await self.async_refresh()

    @callback
    def _async_compare(self) -> None:
        """Look at accounts that are new or whose balance has moved, or at what was left undone."""
        before, self._accounts = self._accounts, self._balances.data.accounts
        was_reachable, self._reachable = self._reachable, self._balances.last_update_success
        moved = [
            account_id
            for account_id, state in self._accounts.items()
            if self._states[account_id].asked_at > -math.inf
            and not self._states[account_id].hinted
            and (account_id not in before or before[account_id].balance != state.balance)
        ]
        if moved:
            self._async_hint(moved)
        # What moves while transactions are read is looked for a moment later.
        is_news = bool(moved) and not self._reading.locked()
        if is_news or not was_reachable or self._accounts.keys() - before.keys():
            self._async_refresh_soon()

    @callback
    def _async_hint(self, account_ids: Collection[str]) -> None:
        """Note a sign of something new in these accounts."""
        for account_id in account_ids:
            self._states[account_id].hinted = True
        self._look_again.async_schedule_call()

    @callback
    def _async_refresh_soon(self) -> None:
        self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), "look at Monzo's transactions"
        )

    @override
    async def _async_fetch(self) -> Mapping[str, datetime]:
        """Read what is due, all accounts at once."""
        async with self._reading:
            # Before that, nobody would hear of what is found.
            if self._has_begun and self._balances.last_update_success:
                await self._async_read_due()
            ledgers = self._ledgers.by_account
            return {
                account_id: ledgers[account_id].read_until
                for account_id in ledgers.keys() & self._balances.account_ids()
            }

    async def _async_read_due(self) -> None:
        accounts = self._balances.account_ids()
        due, left_out = self._due(accounts)
        errors = await async_at_once(map(self._async_try, due))
        waiting = (self._states[account_id].retry_soon for account_id in accounts)
        soon = left_out or any(waiting)
        self.update_interval = MIN_POLL_INTERVAL if soon else ASKED_EVERY
        for err in errors:
            if isinstance(err, MonzoAuthenticationError):
                raise err

    def _due(self, accounts: KeysView[str]) -> tuple[list[str], bool]:
        """Return the accounts to ask about, and whether some wait for room in the request budget.

        Those with a hint never do; of the others, the oldest are first.
        """
        hinted = [id_ for id_ in accounts if self._states[id_].hinted]
        interval = REREAD_EVERY if self.session.webhooks_arrive else ASKED_EVERY
        quiet = [id_ for id_ in accounts - set(hinted) if self._states[id_].is_due(interval)]
        quiet.sort(key=lambda id_: self._states[id_].asked_at)
        room = self.session.requests_left - sum(map(self._requests_for, hinted))
        due = hinted
        for account_id in quiet[: quiet_reads(len(accounts))]:
            room -= self._requests_for(account_id)
            if room < 0:
                return due, True
            due.append(account_id)
        return due, False

    def _requests_for(self, account_id: str) -> int:
        """Return how many requests it takes to read an account, as far as one can tell."""
        if (ledger := self._ledgers.by_account.get(account_id)) is None:
            return REQUESTS_FOR_A_MONTH
        since = self._since(account_id, ledger)
        return 1 + sum(seen.created >= since for seen in ledger.seen.values()) // MAX_PAGE_SIZE

    def _since(self, account_id: str, ledger: Ledger) -> datetime:
        """Return from when on to read an account that is known."""
        now = dt_util.utcnow()
        # The bank may already list what it will do tomorrow.
        since = max(now - KEPT_FOR, min(ledger.read_until, now) - OVERLAP)
        return min(since, now - LOOKBACK) if self._states[account_id].is_to_be_reread else since

    async def _async_try(self, account_id: str) -> Exception | None:
        """Read one account's transactions, and return what went wrong."""
        state = self._states[account_id]
        expected, state.hinted = state.hinted, False
        state.asked_at = time.monotonic()
        try:
            found = await self._async_read(account_id, state)
        except asyncio.CancelledError:
            # Whoever asked has gone.
            self._async_hint((account_id,))
            raise
        except (MonzoError, *BLOCKING_ERRORS) as err:
            state.failures += 1
            state.retry_soon = isinstance(err, (*TRANSIENT_ERRORS, *BLOCKING_ERRORS))
            if state.failures == TOLD_AFTER_FAILURES:
                state.current = False
                _LOGGER.warning(
                    "Monzo does not tell the transactions of an account: %s", loggable(err)
                )
            return err
        if state.failures >= TOLD_AFTER_FAILURES:
            _LOGGER.info("Monzo tells the transactions of an account again")
        state.failures = 0
        # A payment may be announced, or move the balance, a little before it is in the list; and it
        # may be listed among those of days ago.
        state.retry_soon = expected and not found
        if state.retry_soon:
            state.reread_at = -math.inf
        return None

    async def _async_read(self, account_id: str, state: ReadState) -> bool:
        """Read one account's transactions, report what is new, and return whether anything is."""
        now = dt_util.utcnow()
        # Before asking, for the balance may not be known any more then.
        currency = self._balances.data.accounts[account_id].currency
        ledger = self._ledgers.by_account.get(account_id)
        again = state.is_to_be_reread
        since = now - KEPT_FOR if ledger is None else self._since(account_id, ledger)
        transactions = await self.session.all_transactions(account_id, since=since)
        # Before anybody hears of one of them, and asks what has been spent.
        state.current = True
        if ledger is None:
            ledger = self._take_bearings(account_id, currency, transactions)
            await self._async_save()
        ledger.entry_id = self.config_entry.entry_id
        found = await self._async_report(account_id, ledger, transactions, asked=now)
        if again:
            state.reread_at = state.asked_at
        return found

    def _take_bearings(
        self, account_id: str, currency: str, transactions: Iterable[Transaction]
    ) -> Ledger:
        """Return the ledger of an account that is looked at for the first time.

        It knows what was there before, which nobody wants to be told.
        """
        ledger = Ledger(
            entry_id=self.config_entry.entry_id,
            currency=currency,
            read_until=self._began - LOOKBACK,
        )
        for transaction in transactions:
            if transaction.created <= self._began:
                ledger.remember(transaction)
        self._ledgers.by_account[account_id] = ledger
        return ledger

    async def _async_report(
        self,
        account_id: str,
        ledger: Ledger,
        transactions: Iterable[Transaction],
        asked: datetime,
    ) -> bool:
        """Report what has changed and what is new, oldest first; return whether anything is."""
        by_age = sorted(transactions, key=lambda transaction: transaction.created)
        unknown = [transaction for transaction in by_age if transaction.id not in ledger.seen]
        changed = [
            transaction
            for transaction in by_age
            if (before := ledger.seen.get(transaction.id)) and before != Seen.of(transaction)
        ]
        new = [it for it in unknown if it.created >= asked - LOOKBACK]
        # What is older is too long ago to be news, but not to count as spending.
        for transaction in unknown[: len(unknown) - len(new)]:
            ledger.remember(transaction)
        for transaction in changed:
            self._async_tell_change(account_id, ledger, transaction)
        if changed:
            await self._async_save()
        if not new:
            return False
        made = new[-1].created + PRECISION
        await self._balances.async_bring_forward((account_id,), max(made, asked - JUST_NOW))
        for transaction in new:
            # Whoever comes after an unloaded entry may have told of it meanwhile, or will.
            if self._shutdown_requested or transaction.id in ledger.seen:
                continue
            ledger.remember(transaction)
            self._async_tell(account_id, transaction)
            # One by one: after a crash an account's last one may be reported again, and no other.
            await self._async_save()
        return True

    @callback
    def _async_tell_change(self, account_id: str, ledger: Ledger, transaction: Transaction) -> None:
        """Report that a known transaction is no longer what it was."""
        change = Change(
            transaction=transaction,
            pot=self._balances.data.pot_of(transaction),
            before=ledger.seen[transaction.id],
        )
        ledger.remember(transaction)
        async_dispatcher_send(self.hass, SIGNAL_CHANGE.format(account_id), change)

    @callback
    def _async_tell(self, account_id: str, transaction: Transaction) -> None:
        """Report one transaction."""
        age = dt_util.utcnow() - transaction.created
        report = Report(
            transaction=transaction,
            pot=self._balances.data.pot_of(transaction),
            late=transaction.created < self._started or age > LATE_AFTER,
        )
        self._on_report(report)
        async_dispatcher_send(self.hass, SIGNAL_TRANSACTION.format(account_id), report)

    async def _async_save(self) -> None:
        """Write down what is known, even if the config entry is unloaded meanwhile."""
        await asyncio.shield(self.hass.async_create_task(self._ledgers.async_save()))
