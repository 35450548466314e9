"""Past transactions of an account from memory and from the bank, within the request budget."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..api import (
    MAX_PAGE_SIZE,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    Transaction,
)
from ..bank import TRANSIENT_ERRORS, MonzoSession, Priority, validation_error
from .pages import VISIBLE, VISIBLE_MARGIN, TransactionPages
from .recent import RecentTransactions, age
from .transaction_log import KEPT_FOR

# Below the 365 days that the bank lists per request.
_MAX_PART: Final = timedelta(days=360)

# Requests start this much earlier, because Monzo does not document whether a transaction at the
# very moment of `since` is listed.
_SINCE_MARGIN: Final = timedelta(seconds=1)

# The longest span that is read from the bank at once: a leap year, plus a minute because time
# passes between the rendering of a template and the call.
MAX_SPAN: Final = timedelta(days=366, minutes=1)

# The delay until the request budget is checked again, or a request is repeated after a failure.
_DELAY: Final = timedelta(seconds=5)

# The error if no transaction of an account is known yet, and the bank cannot be asked.
_NO_ROOM: Final = "The request budget is used up"
_RETRY_AFTER: Final = 60.0

# The length of a part is chosen so that it probably fits on one page.
_EXPECTED_PER_PART: Final = MAX_PAGE_SIZE * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPart:
    """The transactions of a part of a span."""

    since: datetime
    transactions: tuple[Transaction, ...]
    complete: bool


class BankHistory:
    """Reads the past transactions of one account from memory or from the bank."""

    def __init__(
        self,
        session: MonzoSession,
        account_id: str,
        recent: RecentTransactions,
        count_of_month: Callable[[], int],
    ) -> None:
        """Initialize the history of an account.

        `count_of_month` returns the number of known transactions of the last month.
        """
        self._session = session
        self._account_id = account_id
        self._recent = recent
        self._count_of_month = count_of_month
        self._reading = asyncio.Lock()
        self._reads_begun = 0
        # The number of the last successful read that included the newest transactions.
        self._last_read = 0
        self._stopped = False

    def stop(self) -> None:
        """Stop waiting for room in the request budget, because the config entry is unloaded."""
        self._stopped = True

    async def async_newest_first(
        self, since: datetime, before: datetime | None, *, first_part: timedelta, refresh: bool
    ) -> AsyncGenerator[HistoryPart]:
        """Yield the transactions of a span in parts, newest first.

        With `refresh` everything is read from the bank, and otherwise only parts that are not in
        memory. If the request budget has no room, the transactions come from memory. If they are
        not there either, the last part is incomplete, or MonzoRateLimitError is raised if there is
        no part at all.

        The bank lists the oldest transactions first. Therefore the span is read backwards in parts,
        so that a caller that needs only a few of the newest can stop early. Each part is twice as
        long as the previous one, up to the limit of the bank.
        """
        self._check_length(since, before)
        reads_before = self._reads_begun
        end = start = before or self._session.clock.now()
        length = min(first_part, self._length_of_page) if refresh else self._length_of_page
        while end > since:
            async with self._reading:
                if end == start and self._last_read > reads_before:
                    # Another call has just read from the bank.
                    refresh = False
                part = None if refresh else self._remembered(since, end, before)
                if part is None:
                    begin = max(since, (end - length).replace(microsecond=0))
                    part = await self._async_read_part(begin, before, refresh=refresh)
                    length = min(2 * length, _MAX_PART)
            if part is None:
                refresh = False
                part = self._remembered(since, end, before)
            if part is None:
                if end == start:
                    raise MonzoRateLimitError(_NO_ROOM, retry_after=_RETRY_AFTER)
                yield HistoryPart(since=since, transactions=(), complete=False)
                return
            yield part
            end = before = part.since

    async def async_all(
        self, since: datetime, before: datetime | None
    ) -> AsyncGenerator[HistoryPart]:
        """Yield all transactions of a span page by page, in no particular order.

        After the first page, each page waits for room in the request budget, which can take minutes
        for thousands of transactions. A page is also repeated once after a failure or a rate limit.
        """
        self._check_length(since, before)
        end = before or self._session.clock.now()
        priority = Priority.PERSON
        while end > since:
            begin = max(since, (end - _MAX_PART).replace(microsecond=0))
            pages = self._pages(begin, before)
            while not pages.finished:
                await self._async_wait_for_room(priority)
                with self._session.budget.asking_as(priority):
                    part = await self._async_read_patiently(pages, begin, before)
                yield part
                priority = Priority.ANSWER
            end = before = begin

    def _pages(self, begin: datetime, before: datetime | None) -> TransactionPages:
        since = begin - _SINCE_MARGIN
        oldest = self._session.clock.now() - VISIBLE
        if abs(begin - oldest) <= VISIBLE_MARGIN:
            since = oldest + VISIBLE_MARGIN
        return TransactionPages(self._session, self._account_id, since=since, before=before)

    @property
    def _length_of_page(self) -> timedelta:
        """The length of a part that probably fits on one page."""
        per_part = _EXPECTED_PER_PART / max(self._count_of_month(), 1)
        return min(KEPT_FOR * per_part, _MAX_PART)

    def _remembered(
        self, since: datetime, end: datetime, before: datetime | None
    ) -> HistoryPart | None:
        """Return the last part of a span, if it is in memory."""
        known_since = self._recent.since
        if known_since is None or known_since >= end:
            return None
        since = max(since, known_since)
        return HistoryPart(
            since=since,
            transactions=self._recent.newest_first(since, before),
            complete=self._recent.is_readable(since),
        )

    async def _async_read_part(
        self, begin: datetime, before: datetime | None, *, refresh: bool
    ) -> HistoryPart | None:
        """Read a part from the bank; None if the request budget has no room for all of it."""
        priority = Priority.ANSWER if refresh else self._background_priority
        self._reads_begun += 1
        asked = self._session.clock.now()
        pages = self._pages(begin, before)
        found: list[Transaction] = []
        skipped = 0
        while not pages.finished:
            if not self._session.budget.grant(1, priority):
                return None
            with self._session.budget.asking_as(priority):
                page = await pages.async_next()
            pages.move_past(page)
            found += page.transactions
            skipped += page.transactions.skipped
        listed = _within(found, begin, before)
        self._recent.add(
            listed,
            since=begin,
            until=before or asked,
            up_to_now=before is None,
            has_unreadable=skipped > 0,
        )
        if before is None:
            self._last_read = self._reads_begun
        newest_first = tuple(sorted(listed, key=age)[::-1])
        return HistoryPart(since=begin, transactions=newest_first, complete=not skipped)

    @property
    def _background_priority(self) -> Priority:
        """NEWS if there is nothing in memory to show yet; otherwise BACKGROUND."""
        return Priority.NEWS if self._recent.since is None else Priority.BACKGROUND

    async def _async_read_patiently(
        self, pages: TransactionPages, begin: datetime, before: datetime | None
    ) -> HistoryPart:
        """Read the next page, and try once more after a failure or the end of a rate limit."""
        try:
            page = await pages.async_next()
        except MonzoError as err:
            if not pages.started or not isinstance(err, (MonzoRateLimitError, *TRANSIENT_ERRORS)):
                raise
            # The pages so far must not be lost. If the bank is down for longer, the second try
            # fails.
            wait = getattr(err, "retry_after", None) or _DELAY.total_seconds()
            await asyncio.sleep(wait)
            page = await pages.async_next()
        pages.move_past(page)
        return HistoryPart(
            since=begin,
            transactions=_within(page.transactions, begin, before),
            complete=not page.transactions.skipped,
        )

    async def _async_wait_for_room(self, priority: Priority) -> None:
        """Wait until the request budget has room for a page."""
        while not self._session.budget.grant(1, priority):
            await asyncio.sleep(_DELAY.total_seconds())
            if self._stopped:
                message = "The config entry was unloaded"
                raise MonzoConnectionError(message)

    def _check_length(self, since: datetime, before: datetime | None) -> None:
        """Raise ServiceValidationError if a span is too long to be read from the bank at once."""
        length = (before or self._session.clock.now()) - since
        if length > MAX_SPAN:
            raise validation_error("span_too_long", days=str(-(-length // timedelta(days=1))))


def _within(
    transactions: Iterable[Transaction], begin: datetime, before: datetime | None
) -> tuple[Transaction, ...]:
    return tuple(
        transaction
        for transaction in transactions
        if begin <= transaction.created and (before is None or transaction.created < before)
    )
