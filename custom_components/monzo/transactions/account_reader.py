"""Reads the transactions of one account, and publishes the new and changed ones."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
import math
from typing import Final

from homeassistant.core import callback

from ..accounts import BalancesCoordinator
from ..api import MAX_PAGE_SIZE, Balance, MonzoError, Transaction
from ..bank import (
    BLOCKING_ERRORS,
    MIN_POLL_INTERVAL,
    TIMER_TOLERANCE,
    TRANSIENT_ERRORS,
    Priority,
    error_code_for_log,
)
from ..clock import monotonic
from ..privacy import get_logger
from .archive import Archive
from .archive_change import Listing
from .explained_balance import BalanceExplanation
from .known_transaction import KnownTransaction
from .page_publisher import LOOKBACK, PagePublisher
from .pages import PRECISION, VISIBLE, VISIBLE_MARGIN, TransactionPage, TransactionPages
from .recent import RecentTransactions
from .record import TransactionRecord
from .retention import Retention
from .tags import tags_in
from .transaction_log import KEPT_FOR, TransactionLog

_LOGGER = get_logger(__name__)

# The bank may list a transaction only after a later one.
_OVERLAP: Final = timedelta(minutes=10)

# Added around a transaction that is read again, because Monzo does not document whether a
# transaction exactly at the start of a span is listed.
_MARGIN: Final = timedelta(seconds=1)

# The interval at which the last seven days are read again, to find settled and changed ones.
REREAD_INTERVAL: Final = timedelta(hours=1)

# The night in hours of UTC, and the minimum time between two nightly reads.
_NIGHT: Final = range(2, 5)
_NIGHTLY: Final = timedelta(hours=12)

# The number of pages in one go. More would delay deliveries that arrive in the meantime.
_REREAD_PAGES_AT_ONCE: Final = 5

# One failure is normal. In a longer outage, the balances fail before the second failure here.
_LOG_AFTER_FAILURES: Final = 2


class AccountReader:
    """Reads the transactions of one account, and remembers the results of reads.

    A read covers the time from the newest known transaction until now. Once an hour the last seven
    days are read again, and at first a whole month: within the same request if it is enough, or
    else page by page in the background. Pages for which the request budget has no room are read
    later. All moments are by `clock.monotonic`.
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
        before_new: Callable[[], Awaitable[None]],
        explanation: BalanceExplanation,
    ) -> None:
        """Initialize the reader of an account that has not been read since set-up.

        `known_before` returns the moment up to which transactions are not new, if the archive has
        no log of the account. `before_new` is called before new transactions are published, when
        they are written and the balance is refreshed.
        """
        self.account_id = account_id
        self._balances = balances
        self._budget = balances.session.budget
        self._clock = balances.session.clock
        self._archive = archive
        self._retention = retention
        self._before_new = before_new
        self._publisher = PagePublisher(
            account_id=account_id,
            entry_id=entry_id,
            balances=balances,
            archive=archive,
            retention=retention,
            known_before=known_before,
            on_new=on_new,
            on_changed=on_changed,
            before_new=self._async_before_new,
        )
        self._hint: Priority | None = None
        self._reading = False
        self._expects_news = False
        self._new_pages: TransactionPages | None = None
        self._reread_pages: TransactionPages | None = None
        self._older_pages: list[TransactionPages] = []
        self._reread_at = -math.inf
        self._all_read_at = -math.inf
        self._failures = 0
        self._is_log_loaded = archive.loaded
        self._explanation = explanation

        self.recent = RecentTransactions()
        """The newest transactions, for cards."""

        self.asked_at = -math.inf
        """The time of the last read, or of the last attempt."""

        self.answered_at = -math.inf
        """The start of the last read that the bank answered, even if it refused the read."""

        self.retry_soon = False
        """Whether to read again within a minute, after a failure or a missing transaction."""

        self.is_unfinished = False
        """Whether new transactions could not be read, because the request budget had no room."""

        self.current: bool | None = None
        """Whether reads work; None before the first answer, because one failure is normal."""

    @property
    def account_opened(self) -> datetime | None:
        """The opening date of the account, before which there are no transactions."""
        state = self._balances.data.accounts.get(self.account_id)
        return state.account.created if state else None

    @callback
    def async_stop(self) -> None:
        """Stop publishing, because the config entry is unloaded."""
        self._publisher.stop()

    # When to read

    def is_due(self, interval: timedelta) -> bool:
        """Return whether the account must be read, given the interval of regular reads."""
        if self.retry_soon or self.is_unfinished:
            interval = MIN_POLL_INTERVAL
        return monotonic() - self.asked_at >= (interval - TIMER_TOLERANCE).total_seconds()

    @property
    def continues_soon(self) -> bool:
        """Whether the next read must follow within a minute."""
        is_reread_unfinished = self._reread_pages is not None or bool(self._older_pages)
        return self.retry_soon or self.is_unfinished or is_reread_unfinished

    @property
    def was_asked(self) -> bool:
        """Whether the account has been read, or should have been, since set-up or `mark_due`."""
        return self.asked_at > -math.inf

    def mark_due(self) -> None:
        """Mark the account as due, so that it is read at the next opportunity."""
        self.asked_at = -math.inf

    @property
    def hinted(self) -> bool:
        """Whether there was a sign of a new transaction since the start of the last read."""
        return self._hint is not None

    def hint(self, priority: Priority) -> None:
        """Note a sign of a new transaction, and its priority."""
        self._hint = min(priority, self._hint or priority)
        self._explanation.suspend()

    def note_new_balance(self, asked_at: float) -> bool:
        """Note a changed balance, and return whether the account must be read because of it.

        A read that began after the request for the balance will find the transaction anyway.
        """
        if self._reading and asked_at <= self.asked_at:
            self._expects_news = True
            return False
        was_hinted = self.hinted
        self.hint(Priority.NEWS)
        return not was_hinted

    @property
    def _balance(self) -> Balance | None:
        """The newest balance of an account that people pay from; None for others."""
        state = self._balances.data.accounts.get(self.account_id)
        return state.balance if state and state.is_current_account else None

    def _note_explained(self, *, found: bool) -> bool:
        """Note that the known transactions explain the newest balance; return False if they do not.

        `found` is whether the list had new ones. It is often asked for together with the balance,
        so that one of the two may lack a payment.
        """
        balance = self._balance
        if balance is None or self.hinted:
            return True
        if found and not self._explanation.adds_up_to(balance):
            return False
        self._explanation.note(balance)
        return True

    @property
    def _priority(self) -> Priority:
        if self._hint is not None:
            return self._hint
        return Priority.RETRY if self._failures else Priority.POLL

    @property
    def _is_reread_due(self) -> bool:
        return monotonic() - self._reread_at >= REREAD_INTERVAL.total_seconds()

    # Reading

    def has_room(self, *, begun: int) -> bool:
        """Return whether the request budget grants a read. If not, the account is read later.

        `begun` reads of other accounts have just begun.
        """
        # Each of them, and this one, may also need the balance, before it reports anything.
        wanted = 2 + begun if self._priority is Priority.NEWS else 1
        self.is_unfinished = self._budget.grant(wanted, self._priority) < wanted
        return not self.is_unfinished

    async def async_read(self) -> Exception | None:
        """Read the account and publish new transactions; return the error if it fails."""
        if self._archive.loaded and not self._is_log_loaded:
            # Until now, transactions from before the start of Home Assistant counted as old.
            self._start_over()
            self._reread_at = -math.inf
        self._is_log_loaded = self._archive.loaded
        priority = self._priority
        self._expects_news, self._hint = self.hinted, None
        self._reading = True
        self.asked_at = monotonic()
        try:
            with self._budget.asking_as(priority):
                found = await self._async_read_new()
        except asyncio.CancelledError:
            self.hint(max(priority, Priority.NEWS))
            raise
        except (MonzoError, *BLOCKING_ERRORS) as err:
            self._note_failure(err)
            return err
        finally:
            self._reading = False
        self._note_success(found=found)
        return None

    async def async_reread(self) -> Exception | None:
        """Read the next pages of the last days again; return the error if it fails.

        The pages wait until no other read needs the requests. The pages of the first read do not
        wait, because without them the spending of the month is unknown, however busy the account
        is.
        """
        try:
            with self._budget.asking_as(self._reread_priority):
                await self._async_reread()
        except (MonzoError, *BLOCKING_ERRORS) as err:
            self._note_failure(err)
            return err
        return None

    def _note_success(self, *, found: bool) -> None:
        if self._failures >= _LOG_AFTER_FAILURES:
            _LOGGER.info("Fetching the transactions of an account works again")
        self._failures = 0
        self.answered_at = self.asked_at
        self.is_unfinished = self._new_pages is not None
        balance = self._balance
        # A payment may be announced, or lower the balance, before the bank lists it. The bank may
        # also list it with a date some days ago.
        was_listed = found or (balance is not None and self._explanation.has_news_of(balance))
        self.retry_soon = self._expects_news and not was_listed
        if self.retry_soon:
            self._reread_at = -math.inf
        elif not self.is_unfinished:
            self.retry_soon = not self._note_explained(found=found)

    def _note_failure(self, err: Exception) -> None:
        self._failures += 1
        self.retry_soon = isinstance(err, (*TRANSIENT_ERRORS, *BLOCKING_ERRORS))
        if not self.retry_soon:
            self.answered_at = self.asked_at
            # The bank may no longer list the transaction before the next page.
            self._start_over()
        if self._failures == _LOG_AFTER_FAILURES:
            self.current = False
            _LOGGER.warning(
                "Could not fetch the transactions of an account: %s", error_code_for_log(err)
            )

    def _start_over(self) -> None:
        """Restart at the first page with the next read."""
        self._new_pages = self._reread_pages = None
        self._older_pages.clear()

    async def _async_read_new(self) -> bool:
        """Read transactions after the newest known one; return whether there are any."""
        found = False
        if (reread := self._due_reread()) is not None and self._fits_one_page(reread):
            found = await self._async_read_page(reread)
            if reread.finished or not self._has_room_for_more():
                return found
        if self._new_pages is None:
            self._new_pages = self._pages(self._new_since())
        pages = self._new_pages
        found |= await self._async_read_page(pages)
        while not pages.finished and self._has_room_for_more():
            found |= await self._async_read_page(pages)
        return found

    async def _async_reread(self) -> None:
        """Read the next pages of the last days again, followed by older pending transactions."""
        for _page in range(_REREAD_PAGES_AT_ONCE):
            pages = self._reread_pages or next(iter(self._older_pages), None)
            if pages is None or not self._budget.grant(1, self._reread_priority):
                return
            was_explained = self._balance is not None and self._explanation.of(self._balance)
            found = await self._async_read_page(pages)
            if was_explained:
                self._note_explained(found=found)

    @property
    def _reread_priority(self) -> Priority:
        is_first = self._publisher.log().state.first_read is not None
        return Priority.POLL if is_first else Priority.BACKGROUND

    def _has_room_for_more(self) -> bool:
        """Return whether the request budget grants another page of new transactions.

        The bank has listed a full page, so this is no delivery that may be forged.
        """
        return bool(self._budget.grant(1, Priority.POLL))

    def _pages(self, since: datetime, before: datetime | None = None) -> TransactionPages:
        session = self._balances.session
        return TransactionPages(session, self.account_id, since=since, before=before)

    def _new_since(self) -> datetime:
        """Return the start of the time to read, just before the newest known transaction."""
        now = self._clock.now()
        log = self._publisher.log()
        # The bank may list transactions that are dated tomorrow.
        return max(now - KEPT_FOR, min(log.state.read_until, now) - _OVERLAP)

    def _due_reread(self) -> TransactionPages | None:
        """Return the pages of the last days, if they must be read again."""
        if self._reread_pages is None and self._is_reread_due:
            self._reread_pages = self._pages(self._reread_since())
        return self._reread_pages

    def _reread_since(self) -> datetime:
        """Return the start of the time to read again."""
        now = self._clock.now()
        state = self._publisher.log().state
        if state.first_read is not None:
            return state.first_read.read_until
        if state.unreadable_until is not None:
            # Continue until all of it can be read.
            return now - KEPT_FOR
        month = self._pages(now - KEPT_FOR)
        if self.recent.since is None and self._fits_one_page(month):
            # The cards show more than a week, and the whole month also takes one request.
            return month.read_until
        # This read must also find the new transactions, which a longer failure has left unread.
        return min(now - LOOKBACK, self._new_since())

    def _fits_one_page(self, pages: TransactionPages) -> bool:
        """Return whether all transactions up to now probably fit on one page."""
        return (
            not pages.started
            and self._publisher.log().count_since(pages.read_until) < MAX_PAGE_SIZE
        )

    async def _async_read_page(self, pages: TransactionPages) -> bool:
        """Read one page and publish its new transactions; return whether there are any."""
        asked = self._clock.now()
        # This comes before the request, because the account may become unreadable in the meantime.
        log = self._publisher.log()
        self._explanation.suspend()
        page = await pages.async_next()
        # The logs may have been loaded in the meantime.
        log = self._archive.logs.setdefault(self.account_id, log)
        self._note_page(log, pages, page, asked)
        # This comes before publishing, because listeners may ask for the spending.
        self.current = True
        is_first_read = pages is self._reread_pages
        found = await self._publisher.async_publish(
            log,
            page,
            asked=asked,
            listed_before_at=self.answered_at,
            is_first_read=is_first_read,
        )
        listed = self._listing(pages, page)
        taken_back = listed is not None and log.stop_counting_unlisted(
            listed.since, listed.before, listed.ids
        )
        self._move_past(log, pages, page)
        # For times before the last month, only the archive shows which transactions the bank took
        # back.
        is_older = listed is not None and listed.since < asked - KEPT_FOR
        await self._publisher.async_finish(log, listed, is_changed=taken_back or is_older)
        return found

    async def _async_before_new(
        self, page: TransactionPage, new: Iterable[TransactionRecord]
    ) -> None:
        """Update everything that automations may look at because of new transactions."""
        self._explanation.add(record.amount for record in new if not record.declined)
        if page.is_last:
            self._note_explained(found=True)
            await self._before_new()

    def _note_page(
        self, log: TransactionLog, pages: TransactionPages, page: TransactionPage, asked: datetime
    ) -> None:
        """Note the time that a page covers, of which all transactions are now known."""
        end = pages.before or asked
        until = end if page.is_last else page.transactions[-1].created + PRECISION
        has_unreadable = page.transactions.skipped > 0
        up_to_now = page.is_last and pages.before is None
        if up_to_now:
            log.read_at = asked
        self.recent.add(
            page.transactions,
            since=page.since,
            until=until,
            up_to_now=up_to_now,
            has_unreadable=has_unreadable,
        )
        if self._retention.keeps_history and not has_unreadable:
            log.spans = log.spans.with_span(page.since, until)

    def _listing(self, pages: TransactionPages, page: TransactionPage) -> Listing | None:
        """Return the list of the bank, which shows what it took back; None if it is incomplete.

        It is incomplete if a part of the page was unreadable. The list of new transactions is too,
        because the bank may list some a little late.
        """
        if pages is self._new_pages or page.transactions.skipped:
            return None
        before = pages.before or self._clock.now()
        if not page.is_last:
            before = min(before, page.transactions[-1].created)
        ids = frozenset(transaction.id for transaction in page.transactions)
        return Listing(since=pages.read_until, before=before, ids=ids)

    def _move_past(
        self, log: TransactionLog, pages: TransactionPages, page: TransactionPage
    ) -> None:
        """Mark a page as read, so that the next read continues after it."""
        pages.move_past(page)
        if not pages.finished:
            return
        if pages in self._older_pages:
            self._older_pages.remove(pages)
            return
        log.note_read(pages.since, pages.unreadable_until)
        if pages is self._reread_pages:
            self._reread_pages = None
            self._reread_at = self.asked_at
            self._older_pages = self._due_older_pages(log)
        # Both kinds of pages end with the newest transaction.
        self._new_pages = None

    def _due_older_pages(self, log: TransactionLog) -> list[TransactionPages]:
        """Return the pages of older transactions to read again, after the last days.

        Once a night, these are all that the bank shows, because categories and notes change.
        """
        now = self._clock.now()
        is_due = monotonic() - self._all_read_at >= _NIGHTLY.total_seconds()
        if self._retention.keeps_history and is_due and now.hour in _NIGHT:
            self._all_read_at = monotonic()
            since = now - VISIBLE + VISIBLE_MARGIN
            return [self._pages(since, before=now - LOOKBACK)]
        return self._pages_of_old_pending(log)

    def _pages_of_old_pending(self, log: TransactionLog) -> list[TransactionPages]:
        """Return the pages of older pending transactions.

        A merchant may keep an authorisation pending for a month, and Monzo announces neither its
        settlement nor its release.
        """
        return [
            self._pages(created - _MARGIN, before=created + _MARGIN)
            for created in sorted(log.pending_before(self._clock.now() - LOOKBACK))
        ]

    def record(self, transaction: Transaction) -> TransactionRecord:
        """Convert a transaction of this account into a record."""
        return self._publisher.record(transaction)

    async def async_note_notes(self, transaction_id: str, notes: str | None) -> None:
        """Note that the user has changed the notes of a transaction."""
        self.recent.set_notes(transaction_id, notes)
        log = self._archive.logs.get(self.account_id)
        known = log and log.find(transaction_id)
        if log and known:
            log.remember(transaction_id, replace(known, tags=tags_in(notes)))
        if self._retention.keeps_history:
            await self._archive.async_write_notes(self.account_id, transaction_id, notes)
