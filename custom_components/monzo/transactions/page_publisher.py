"""Publishes the new and changed transactions of an account, and writes pages to the archive."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ..accounts import BalancesCoordinator
from ..api import MonzoConnectionError, Transaction
from ..clock import monotonic
from .archive import Archive
from .archive_change import ArchiveChange, Listing
from .classification import is_own_transfer
from .known_transaction import KnownTransaction
from .new_transactions import ReadTransaction, find_differences
from .pages import PRECISION, TransactionPage
from .record import TransactionRecord
from .retention import Retention
from .transaction_log import KEPT_FOR, FirstRead, ReadState, TransactionLog

# Transactions from the time while Home Assistant was not running count as new for this long.
LOOKBACK: Final = timedelta(days=7)

# A balance and transactions that were read within this time count as read at once, because the
# clocks of the bank and of this computer differ.
_CLOCK_SKEW: Final = timedelta(seconds=5)


class PagePublisher:
    """Publishes the pages of one account, each transaction once and in order.

    It writes each page to the archive, so that no transaction is missed or repeated after a
    restart.
    """

    def __init__(  # noqa: PLR0913 - the parts that it connects
        self,
        *,
        account_id: str,
        entry_id: str,
        balances: BalancesCoordinator,
        archive: Archive,
        retention: Retention,
        known_before: Callable[[str], datetime],
        on_new: Callable[[str, Transaction], None],
        on_changed: Callable[[str, Transaction, KnownTransaction], None],
        before_new: Callable[[TransactionPage, Iterable[TransactionRecord]], Awaitable[None]],
    ) -> None:
        """Initialize the publisher of an account; see `AccountReader`."""
        self._account_id = account_id
        self._entry_id = entry_id
        self._balances = balances
        self._clock = balances.session.clock
        self._archive = archive
        self._retention = retention
        self._known_before = known_before
        self._on_new = on_new
        self._on_changed = on_changed
        self._before_new = before_new
        self._stopped = False
        self._written: ReadState | None = None

    def stop(self) -> None:
        """Stop publishing, because the config entry is unloaded."""
        self._stopped = True

    def log(self) -> TransactionLog:
        """Return the log of the account, which is new and empty until the bank has answered."""
        if (log := self._archive.logs.get(self._account_id)) is not None:
            return log
        known_before = self._known_before(self._account_id)
        return TransactionLog(
            ReadState(
                entry_id=self._entry_id,
                currency=self._balances.data.accounts[self._account_id].currency,
                read_until=known_before,
                first_read=FirstRead(before=known_before, read_until=self._clock.now() - KEPT_FOR),
            )
        )

    def record(self, transaction: Transaction) -> TransactionRecord:
        """Convert a transaction of this account into a record."""
        own_transfer = is_own_transfer(transaction, self._balances.data.own_accounts)
        return TransactionRecord.of(
            transaction, account_id=self._account_id, own_transfer=own_transfer
        )

    async def async_publish(
        self,
        log: TransactionLog,
        page: TransactionPage,
        *,
        asked: datetime,
        listed_before_at: float,
        is_first_read: bool,
    ) -> bool:
        """Publish and write a page; return whether it has new transactions.

        `listed_before_at` is when the bank was asked for the transactions the time before, by
        `clock.monotonic`. `is_first_read` says whether the page belongs to the first read of the
        last month.
        """
        news_since = asked - LOOKBACK
        is_taken_over = log.state.entry_id != self._entry_id
        state = replace(log.state, entry_id=self._entry_id)
        if (first_read := state.first_read) is not None:
            # Transactions from before the set-up are not new.
            news_since = max(news_since, first_read.before + PRECISION)
            if is_first_read:
                state = replace(state, first_read=first_read.moved_past(page))
        log.state = state
        if page.unreadable_until is not None:
            log.note_unreadable(page.unreadable_until)
        if is_taken_over:
            # The other owner of a joint account may want to keep less.
            await self._archive.async_shorten(self._entry_id, self._retention, asked)
        found = await self._async_write_differences(log, page.transactions, asked, news_since)
        if found:
            await self._async_refresh_balance(found, asked, listed_before_at)
            await self._before_new(page, [record for _transaction, record in found])
            await self._async_publish_new(log, found)
        return bool(found)

    async def async_finish(
        self, log: TransactionLog, listed: Listing | None, *, is_changed: bool
    ) -> None:
        """Write the progress of reading after a page, and remove what the bank no longer lists."""
        if is_changed or log.state != self._written:
            await self._async_write(log, listed=listed)

    async def _async_write_differences(
        self,
        log: TransactionLog,
        transactions: Iterable[Transaction],
        asked: datetime,
        news_since: datetime,
    ) -> Sequence[ReadTransaction]:
        """Write a page, and publish its changed transactions; return the new ones, oldest first.

        A change is written after it is published, so that a crash repeats it. A new transaction is
        written before it is published, and marked as reported afterwards.
        """
        read = ((transaction, self.record(transaction)) for transaction in transactions)
        found = find_differences(log, read, news_since=news_since)
        for record in found.others:
            if record.created >= asked - KEPT_FOR:
                # It is too old to be reported, but counts as spending; or only its tags have
                # changed.
                log.remember(record.id, KnownTransaction.of(record))
        new = [record for _transaction, record in found.new]
        await self._async_write(
            log, records=[*found.others, *new], unreported={record.id for record in new}
        )
        if found.changed:
            self._publish_changed(log, found.changed)
            await self._async_write(log, records=[record for _transaction, record in found.changed])
        return found.new

    def _publish_changed(self, log: TransactionLog, changed: Iterable[ReadTransaction]) -> None:
        """Publish known transactions that have changed."""
        for transaction, record in changed:
            before, after = log.find(record.id), KnownTransaction.of(record)
            # Another set-up of the entry may have published it in the meantime.
            if before is not None and before != after:
                log.remember(record.id, after)
                self._on_changed(self._account_id, transaction, before)

    async def _async_refresh_balance(
        self, new: Sequence[ReadTransaction], asked: datetime, listed_before_at: float
    ) -> None:
        """Refresh the balance unless it contains the new transactions.

        Raises MonzoError, or an OAuth error of Home Assistant, if the balance cannot be read.
        """
        newest, _record = new[-1]
        # The bank's times are rounded down to milliseconds.
        made = max(newest.created + PRECISION, asked - _CLOCK_SKEW)
        made_at = monotonic() - (self._clock.now() - made).total_seconds()
        # The balance may change as late as the list, which did not show them the time before.
        at = max(made_at, listed_before_at)
        await self._balances.async_refresh_if_older_than((self._account_id,), at)
        if not self._balances.are_readable((self._account_id,)):
            # A poll has failed since the page was asked for. The page is read again.
            message = "the balance of the account is unknown"
            raise MonzoConnectionError(message)

    async def _async_publish_new(self, log: TransactionLog, new: Iterable[ReadTransaction]) -> None:
        """Publish new transactions, oldest first."""
        for transaction, record in new:
            # Another set-up of the entry has published it in the meantime, or will.
            if self._stopped or not log.is_new(record.id):
                continue
            log.remember(record.id, KnownTransaction.of(record))
            self._on_new(self._account_id, transaction)
            # Mark them one by one, so that a crash repeats at most the last one of an account.
            await self._async_write(log, reported=record.id)

    async def _async_write(
        self,
        log: TransactionLog,
        *,
        records: Iterable[TransactionRecord] = (),
        unreported: Collection[str] = (),
        reported: str | None = None,
        listed: Listing | None = None,
    ) -> None:
        """Write changes, and forget transactions that are too old."""
        now = self._clock.now()
        log.forget_before(now - KEPT_FOR)
        horizon = self._retention.horizon(now)
        if horizon is not None:
            log.spans = log.spans.since(horizon)
        self._written = log.state
        await self._archive.async_write(
            ArchiveChange(
                account_id=self._account_id,
                state=log.state,
                spans=log.spans,
                records=[
                    self._retention.record_to_keep(record)
                    for record in records
                    if horizon is None or record.created >= horizon
                ],
                unreported=unreported,
                reported=reported,
                listed=listed,
                forget_before=horizon,
            )
        )
