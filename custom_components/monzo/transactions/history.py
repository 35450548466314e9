"""Past transactions of an account for actions and cards, within the request budget."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ..api import (
    MAX_PAGE_SIZE,
    Attachment,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    MonzoVerificationRequiredError,
    Transaction,
)
from ..bank import TRANSIENT_ERRORS, MonzoSession, Priority, validation_error
from .account_reader import AccountReader
from .archive import Archive
from .archive_database import DISK_ERRORS
from .archive_query import ArchiveQuery, SpendingGroup
from .pages import PRECISION, VISIBLE, VISIBLE_MARGIN, TransactionPages
from .recent import age
from .record import TransactionRecord
from .span_parts import span_parts
from .spans import Span, Spans
from .spending import CLOCK_SKEW
from .tags import TAG_SIGN
from .transaction_log import KEPT_FOR

# Below the 365 days that the bank lists per request.
_MAX_PART: Final = timedelta(days=360)

# Requests start this much earlier, because Monzo does not document whether a transaction at the
# very moment of `since` is listed.
_SINCE_MARGIN: Final = timedelta(seconds=1)

# The longest span that is read from the bank at once: a leap year, and a minute for the time
# from the rendering of a template to the call.
MAX_SPAN: Final = timedelta(days=366, minutes=1)

# How many records of the archive are in memory at once.
_RECORDS_AT_ONCE: Final = 1000

# How long to wait for room in the request budget, or for the end of a hiccup.
_DELAY: Final = timedelta(seconds=5)

# The error if nothing is known of an account yet, and there is no room to ask.
_NO_ROOM: Final = "The request budget is used up"
_RETRY_AFTER: Final = 60.0

# A part is chosen so that one page probably holds all of it.
_EXPECTED_PER_PART: Final = MAX_PAGE_SIZE * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPart:
    """The transactions of a part of a span."""

    since: datetime
    transactions: tuple[Transaction, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPart:
    """The records of a part of a span."""

    records: Sequence[TransactionRecord]
    complete: bool

    missing: Span | None = None
    """The time that this part lacks altogether, because the bank no longer shows it."""


class TransactionHistory:
    """Reads the past transactions of one account for actions and cards.

    They come from the archive if it has all of them, and else from memory or from the bank.
    """

    def __init__(
        self,
        session: MonzoSession,
        reader: AccountReader,
        archive: Archive,
        *,
        count_of_month: Callable[[], int],
        is_current: Callable[[], bool],
    ) -> None:
        """Initialize the history of an account.

        `count_of_month` returns how many transactions it had in the last month, as far as that is
        known. `is_current` returns whether what is kept of it is as current as polls make it.
        """
        self._session = session
        self._account_id = reader.account_id
        self._reader = reader
        self._recent = reader.recent
        self._archive = archive
        self._count_of_month = count_of_month
        self._is_current = is_current
        self._reading = asyncio.Lock()
        self._reads_begun = 0
        # The number of the last read of the newest transactions that the bank answered.
        self._last_read = 0
        self._stopped = False

    def stop(self) -> None:
        """Stop waiting for room in the request budget, because the config entry is unloaded."""
        self._stopped = True

    # From the archive

    def is_kept(self, since: datetime, before: datetime | None) -> bool:
        """Return whether the archive has all transactions of a span, up to the last read."""
        kept_since = self.kept_since(before)
        return kept_since is not None and kept_since <= self._since_opened(since)

    def _is_busy_month_kept(self, since: datetime, by: SpendingGroup) -> bool:
        """Return whether a time of the last month is kept that has too many transactions to read.

        The archive has their amounts and categories even if the user chose to keep no history. The
        bank would need an hour for twenty thousand; what one request can read is more current.
        """
        log = self._archive.logs.get(self._account_id)
        return (
            log is not None
            and by is not SpendingGroup.MERCHANT
            and since >= self._session.clock.now() - KEPT_FOR
            and log.count_since(since) > MAX_PAGE_SIZE
            and log.is_complete(since)
            and self._is_current()
            and self._archive.state == "ok"
        )

    def kept_since(self, before: datetime | None) -> datetime | None:
        """Return since when the archive has all transactions up to a moment, or the last read."""
        if not self._is_current():
            # What it has may be as old as the last stop.
            return None
        return self._archive.kept_since(self._account_id, before)

    def since_not_kept(self, since: datetime) -> datetime:
        """Return from when on the bank must be asked: only for what it shows, if the rest is kept.

        The bank may have changed a transaction that it shows.
        """
        visible = self._session.clock.now() - VISIBLE + VISIBLE_MARGIN
        return visible if since < visible and self.is_kept(since, visible) else since

    async def async_find_kept(
        self,
        since: datetime,
        before: datetime | None,
        *,
        text: str = "",
        matches: Callable[[TransactionRecord], bool],
        limit: int | None = None,
    ) -> list[TransactionRecord] | None:
        """Return kept transactions of a span, newest first; None if not all are kept."""
        if not self.is_kept(since, before):
            return None
        query = self._query(since, before, text=text)
        with suppress(*DISK_ERRORS):
            return await self._archive.async_find(query, matches, limit)
        return None

    async def async_kept_spending(
        self, since: datetime, before: datetime | None, by: SpendingGroup
    ) -> list[tuple[str, int, int]] | None:
        """Return groups of spending, see `ArchiveFile.spending`; None if not all is known now."""
        if not self.is_kept(since, before) and not self._is_busy_month_kept(since, by):
            return None
        now = self._session.clock.now() + CLOCK_SKEW
        query = self._query(since, min(before or now, now))
        with suppress(*DISK_ERRORS):
            return await self._archive.async_spending(query, by)
        return None

    def attachments(self, transaction_id: str) -> Sequence[Attachment]:
        """Return the attachments of a transaction as far as they are in memory.

        The archive has none.
        """
        known = self._recent.find(transaction_id)
        return known.attachments if known else ()

    async def async_created(self, transaction_id: str) -> datetime | None:
        """Return when a transaction was made, if it is known."""
        if (known := self._recent.find(transaction_id)) is not None:
            return known.created
        with suppress(*DISK_ERRORS):
            return await self._archive.async_created(self._account_id, transaction_id)
        return None

    def _query(
        self,
        since: datetime,
        before: datetime | None,
        *,
        text: str = "",
        after: tuple[datetime, str] | None = None,
    ) -> ArchiveQuery:
        return ArchiveQuery(
            account_id=self._account_id,
            since=since,
            # The bank may list transactions that it will make tomorrow.
            before=before or datetime.max.replace(tzinfo=UTC),
            text=text,
            after=after,
        )

    async def async_records(
        self, since: datetime, before: datetime | None, *, tag: str | None = None
    ) -> AsyncGenerator[RecordPart]:
        """Yield all transactions of a span in parts, in no particular order; see `_async_all`.

        With a tag, only those that have it in their notes. The bank is asked for what the archive
        does not have. If that is only a part of the span, and the bank no longer shows it, the part
        is missing.
        """
        text = "" if tag is None else TAG_SIGN
        async with aclosing(self._async_parts(since, before, text)) as parts:
            async for part in parts:
                records = [it for it in part.records if tag is None or tag in it.tags]
                yield replace(part, records=records)

    async def _async_parts(
        self, since: datetime, before: datetime | None, text: str
    ) -> AsyncGenerator[RecordPart]:
        """Yield all transactions of a span; of the kept ones, only those with a text."""
        parts = span_parts(self._kept_spans(), self._since_opened(since), before)
        if any(part.is_kept for part in parts):
            reads = [
                self._async_kept(part.since, part.before, text)
                if part.is_kept
                else self._async_not_kept(part.since, part.before)
                for part in parts
            ]
        else:
            reads = [self._async_from_bank(since, before)]
        for read in reads:
            async with aclosing(read) as pages:
                async for page in pages:
                    yield page

    def _since_opened(self, since: datetime) -> datetime:
        opened = self._reader.account_opened
        return since if opened is None else max(since, opened)

    def _kept_spans(self) -> Spans:
        """Return the spans of which the archive has all transactions; the newest up to now."""
        spans = self._archive.kept_spans(self._account_id)
        end = spans.end
        if end is None or not self._is_current():
            # What it has may be as old as the last stop.
            return Spans()
        if self._recent.is_readable(end):
            spans = spans.with_span(end, datetime.max.replace(tzinfo=UTC))
        return spans

    async def _async_not_kept(
        self, since: datetime, before: datetime | None
    ) -> AsyncGenerator[RecordPart]:
        """Yield the transactions of a span that the archive lacks, as far as the bank shows it."""
        visible = self._session.clock.now() - VISIBLE + VISIBLE_MARGIN
        if before is None or before > visible:
            async with aclosing(self._async_from_bank(max(since, visible), before)) as pages:
                async for page in pages:
                    yield page
            before = visible
        if since >= before:
            return
        try:
            if before - since <= MAX_SPAN:
                async with aclosing(self._async_from_bank(since, before)) as pages:
                    async for page in pages:
                        yield page
                return
        except MonzoVerificationRequiredError:
            pass
        yield RecordPart(records=(), complete=False, missing=(since, before))

    async def _async_from_bank(
        self, since: datetime, before: datetime | None
    ) -> AsyncGenerator[RecordPart]:
        """Yield the records of `_async_all`."""
        async with aclosing(self._async_all(since, before)) as parts:
            async for part in parts:
                records = [self.record(transaction) for transaction in part.transactions]
                yield RecordPart(records=records, complete=part.complete)

    async def _async_kept(
        self, since: datetime, before: datetime | None, text: str
    ) -> AsyncGenerator[RecordPart]:
        """Yield the kept transactions of a span with a text, newest first.

        If the archive cannot be read any further, the bank is asked for the rest.
        """
        position: tuple[datetime, str] | None = None
        while True:
            query = self._query(since, before, text=text, after=position)
            try:
                records = await self._archive.async_find(query, limit=_RECORDS_AT_ONCE)
            except DISK_ERRORS:
                break
            yield RecordPart(records=records, complete=True)
            if len(records) < _RECORDS_AT_ONCE:
                return
            position = (records[-1].created, records[-1].id)
        end = position[0] + PRECISION if position else before
        async with aclosing(self._async_from_bank(since, end)) as parts:
            async for part in parts:
                rest = [it for it in part.records if not position or (it.created, it.id) < position]
                yield replace(part, records=rest)

    def record(self, transaction: Transaction) -> TransactionRecord:
        """Return the facts about a transaction of the account."""
        return self._reader.record(transaction)

    def _check_length(self, since: datetime, before: datetime | None) -> None:
        """Raise ServiceValidationError if a span is too long to be read from the bank at once."""
        length = (before or self._session.clock.now()) - since
        if length > MAX_SPAN:
            raise validation_error("span_too_long", days=str(-(-length // timedelta(days=1))))

    # From memory and from the bank

    async def async_newest_first(
        self, since: datetime, before: datetime | None, *, first_part: timedelta, refresh: bool
    ) -> AsyncGenerator[HistoryPart]:
        """Yield the transactions of a span in parts, newest first.

        With `refresh` all are read from the bank, else only those that are not in memory. If the
        request budget has no room for that, they come from memory. If they are not there either,
        the last part is not complete; without any part, this raises MonzoRateLimitError.

        The bank lists the oldest transactions first. So the span is read backwards in parts, and a
        caller that needs only a few of the newest can stop early. Each part is twice as long as the
        part before, up to the limit of the bank.
        """
        self._check_length(since, before)
        reads_before = self._reads_begun
        end = start = before or self._session.clock.now()
        length = min(first_part, self._length_of_page) if refresh else self._length_of_page
        while end > since:
            async with self._reading:
                if end == start and self._last_read > reads_before:
                    # Another call has read the bank while this one waited.
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

    async def _async_all(
        self, since: datetime, before: datetime | None
    ) -> AsyncGenerator[HistoryPart]:
        """Yield all transactions of a span page by page, in no particular order.

        After the first page, this waits for room in the request budget, which can take minutes for
        thousands of transactions, and until a hiccup or a rate limit of the bank is over.
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
        """How long a part may be of which one page probably holds all."""
        per_part = _EXPECTED_PER_PART / max(self._count_of_month(), 1)
        return min(KEPT_FOR * per_part, _MAX_PART)

    def _remembered(
        self, since: datetime, end: datetime, before: datetime | None
    ) -> HistoryPart | None:
        """Return the last part of a span if it is in memory."""
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
        """The priority of a read that can wait, unless there is nothing to show yet."""
        return Priority.NEWS if self._recent.since is None else Priority.BACKGROUND

    async def _async_read_patiently(
        self, pages: TransactionPages, begin: datetime, before: datetime | None
    ) -> HistoryPart:
        """Read the next page of several, after waiting for the end of a hiccup or a rate limit."""
        try:
            page = await pages.async_next()
        except MonzoError as err:
            if not pages.started or not isinstance(err, (MonzoRateLimitError, *TRANSIENT_ERRORS)):
                raise
            # What has been read so far stays; an outage ends the next attempt.
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


def _within(
    transactions: Iterable[Transaction], begin: datetime, before: datetime | None
) -> tuple[Transaction, ...]:
    return tuple(
        transaction
        for transaction in transactions
        if begin <= transaction.created and (before is None or transaction.created < before)
    )
