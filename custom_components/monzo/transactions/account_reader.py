"""Reads the transactions of one account, and finds the new and the changed ones."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
import logging
import math
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..accounts import BalancesCoordinator
from ..api import MAX_PAGE_SIZE, MonzoError, Transaction
from ..bank import (
    BLOCKING_ERRORS,
    MIN_POLL_INTERVAL,
    TIMER_TOLERANCE,
    TRANSIENT_ERRORS,
    error_code_for_log,
)
from ..clock import monotonic
from .transaction_log import KEPT_FOR, KnownTransaction, TransactionLog, TransactionLogs

_LOGGER = logging.getLogger(__name__)

# How far back transactions count as new, if Home Assistant was not running when they were made.
LOOKBACK: Final = timedelta(days=7)

# A transaction may appear in the bank's list a little after a later one.
_OVERLAP: Final = timedelta(minutes=10)

# The bank tells milliseconds, so a payment was made up to this much later than it says.
_PRECISION: Final = timedelta(milliseconds=1)

# A balance that was read this long before the transactions counts as read at the same time,
# because the bank's clock and this one differ.
_CLOCK_SKEW: Final = timedelta(seconds=5)

# How often the last seven days are read again, for transactions that settled or changed.
REREAD_INTERVAL: Final = timedelta(hours=1)

# The first read of an account: most have less than two hundred transactions in a month.
_REQUESTS_FOR_A_MONTH: Final = 2

# One failure is normal, and a longer outage shows in the balances before the second.
_LOG_AFTER_FAILURES: Final = 2


class AccountReader:
    """Reads the transactions of one account, and remembers how that went.

    All moments are by `clock.monotonic`.
    """

    def __init__(  # noqa: PLR0913 - the parts that it connects
        self,
        hass: HomeAssistant,
        *,
        account_id: str,
        entry_id: str,
        balances: BalancesCoordinator,
        logs: TransactionLogs,
        known_before: datetime,
        on_new: Callable[[str, Transaction], None],
        on_changed: Callable[[str, Transaction, KnownTransaction], None],
    ) -> None:
        """Initialize the reader of an account that has not been read since set-up."""
        self._hass = hass
        self._account_id = account_id
        self._entry_id = entry_id
        self._balances = balances
        self._clock = balances.session.clock
        self._logs = logs
        self._known_before = known_before
        self._on_new = on_new
        self._on_changed = on_changed
        self._reread_at = -math.inf
        self._failures = 0
        self._stopped = False

        self.asked_at = -math.inf
        """When the account was last read, or a read was tried."""

        self.hinted = False
        """Whether something pointed to a new transaction since the account was last read."""

        self.retry_soon = False
        """Whether to read again within a minute: a failure, or a hint without its transaction."""

        self.current = False
        """Whether the account has been read, and reads have not kept failing since."""

    @callback
    def async_stop(self) -> None:
        """Publish nothing any more, because the config entry is unloaded."""
        self._stopped = True

    def is_due(self, interval: timedelta) -> bool:
        """Return whether to read the account, if it is read this often without a hint."""
        if self.retry_soon:
            interval = MIN_POLL_INTERVAL
        return monotonic() - self.asked_at >= (interval - TIMER_TOLERANCE).total_seconds()

    @property
    def was_asked(self) -> bool:
        """Whether a read was tried since set-up, or since `mark_due`."""
        return self.asked_at > -math.inf

    def mark_due(self) -> None:
        """Have the account read at the next opportunity."""
        self.asked_at = -math.inf

    @property
    def requests_needed(self) -> int:
        """An estimate of how many requests the next read takes."""
        if (log := self._logs.by_account.get(self._account_id)) is None:
            return _REQUESTS_FOR_A_MONTH
        since = self._since(log)
        return 1 + sum(it.created >= since for it in log.known.values()) // MAX_PAGE_SIZE

    @property
    def _is_reread_due(self) -> bool:
        return monotonic() - self._reread_at >= REREAD_INTERVAL.total_seconds()

    def _since(self, log: TransactionLog) -> datetime:
        """Return from when on to read an account that has been read before."""
        now = self._clock.now()
        # The bank may already list transactions that it will make tomorrow.
        since = max(now - KEPT_FOR, min(log.read_until, now) - _OVERLAP)
        return min(since, now - LOOKBACK) if self._is_reread_due else since

    async def async_read(self) -> Exception | None:
        """Read the account and publish new transactions; return the error if that fails."""
        expected, self.hinted = self.hinted, False
        self.asked_at = monotonic()
        try:
            found = await self._async_read()
        except asyncio.CancelledError:
            self.hinted = True
            raise
        except (MonzoError, *BLOCKING_ERRORS) as err:
            self._note_failure(err)
            return err
        if self._failures >= _LOG_AFTER_FAILURES:
            _LOGGER.info("Fetching the transactions of an account works again")
        self._failures = 0
        # A payment may be announced, or lower the balance, before it is listed; and it may be
        # listed among those of days ago.
        self.retry_soon = expected and not found
        if self.retry_soon:
            self._reread_at = -math.inf
        return None

    def _note_failure(self, err: Exception) -> None:
        self._failures += 1
        self.retry_soon = isinstance(err, (*TRANSIENT_ERRORS, *BLOCKING_ERRORS))
        if self._failures == _LOG_AFTER_FAILURES:
            self.current = False
            _LOGGER.warning(
                "Could not fetch the transactions of an account: %s", error_code_for_log(err)
            )

    async def _async_read(self) -> bool:
        """Read the account and publish new transactions; return whether there are any."""
        now = self._clock.now()
        # Before the request, because the account may become unreadable during it.
        currency = self._balances.data.accounts[self._account_id].currency
        log = self._logs.by_account.get(self._account_id)
        is_reread = self._is_reread_due
        since = now - KEPT_FOR if log is None else self._since(log)
        session = self._balances.session
        transactions = await session.all_transactions(self._account_id, since=since)
        # Before publishing, because listeners may ask for the spending.
        self.current = True
        if log is None:
            log = self._create_log(currency, transactions)
            await self._async_save()
        log.entry_id = self._entry_id
        found = await self._async_compare(log, transactions, asked=now)
        if is_reread:
            self._reread_at = self.asked_at
        return found

    def _create_log(self, currency: str, transactions: Iterable[Transaction]) -> TransactionLog:
        """Return the log of an account that is read for the first time.

        Transactions from before set-up are known from the start, so that they are not published.
        """
        log = TransactionLog(
            entry_id=self._entry_id, currency=currency, read_until=self._known_before - LOOKBACK
        )
        for transaction in transactions:
            if transaction.created <= self._known_before:
                log.remember(transaction)
        self._logs.by_account[self._account_id] = log
        return log

    async def _async_compare(
        self, log: TransactionLog, transactions: Iterable[Transaction], asked: datetime
    ) -> bool:
        """Publish changed and then new transactions, oldest first; return whether any is new."""
        by_age = sorted(transactions, key=lambda transaction: transaction.created)
        unknown = [transaction for transaction in by_age if transaction.id not in log.known]
        new = [transaction for transaction in unknown if transaction.created >= asked - LOOKBACK]
        # The others are too old to be news, but still count as spending.
        for transaction in unknown[: len(unknown) - len(new)]:
            log.remember(transaction)
        if self._publish_changed(log, by_age):
            await self._async_save()
        if new:
            await self._async_publish_new(log, new, asked)
        return bool(new)

    def _publish_changed(self, log: TransactionLog, transactions: Iterable[Transaction]) -> bool:
        """Publish known transactions that have changed; return whether any has."""
        any_changed = False
        for transaction in transactions:
            before = log.known.get(transaction.id)
            if before is not None and before != KnownTransaction.of(transaction):
                any_changed = True
                log.remember(transaction)
                self._on_changed(self._account_id, transaction, before)
        return any_changed

    async def _async_publish_new(
        self, log: TransactionLog, new: list[Transaction], asked: datetime
    ) -> None:
        """Refresh the balance, and then publish new transactions, oldest first."""
        made = max(new[-1].created + _PRECISION, asked - _CLOCK_SKEW)
        at = monotonic() - (self._clock.now() - made).total_seconds()
        await self._balances.async_refresh_if_older_than((self._account_id,), at)
        for transaction in new:
            # An entry that was set up again meanwhile has published it, or will.
            if self._stopped or transaction.id in log.known:
                continue
            log.remember(transaction)
            self._on_new(self._account_id, transaction)
            # One by one, so that a crash repeats at most the last one of an account.
            await self._async_save()

    async def _async_save(self) -> None:
        """Save the logs, even if the caller is cancelled meanwhile."""
        save = self._logs.async_save(self._clock.now() - KEPT_FOR)
        await asyncio.shield(self._hass.async_create_task(save))
