"""Past transactions of an account for actions, cards and triggers, within the request budget."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from ..api import (
    MAX_PAGE_SIZE,
    Attachment,
    MonzoVerificationRequiredError,
    Transaction,
)
from ..bank import MonzoSession
from .account_reader import AccountReader
from .archive import Archive
from .archive_database import DISK_ERRORS
from .archive_query import ArchiveQuery, SpendingGroup
from .bank_history import MAX_SPAN, BankHistory
from .pages import PRECISION, VISIBLE, VISIBLE_MARGIN
from .record import TransactionRecord
from .span_parts import span_parts
from .spans import Span, Spans
from .spending import CLOCK_SKEW
from .tags import TAG_SIGN
from .transaction_log import KEPT_FOR

# The number of records from the archive that are in memory at a time.
_RECORDS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPart:
    """The records of a part of a span."""

    records: Sequence[TransactionRecord]
    complete: bool

    missing: Span | None = None
    """The part of the span that is missing, because it is not kept and the bank no longer shows it.
    """


class TransactionHistory:
    """Finds the past transactions of one account for actions, cards and triggers.

    They come from the archive if it has all of them, and otherwise from memory or the bank.
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

        `count_of_month` returns the number of known transactions of the last month. `is_current`
        returns whether the archive is as current as the polls make it.
        """
        self._session = session
        self._account_id = reader.account_id
        self._reader = reader
        self._recent = reader.recent
        self._archive = archive
        self._is_current = is_current

        self.bank = BankHistory(session, self._account_id, self._recent, count_of_month)
        """The transactions in memory and at the bank, without the archive."""

    def stop(self) -> None:
        """Stop waiting for room in the request budget, because the config entry is unloaded."""
        self.bank.stop()

    def is_kept(self, since: datetime, before: datetime | None) -> bool:
        """Return whether the archive has all transactions of a span, up to the last read."""
        kept_since = self.kept_since(before)
        return kept_since is not None and kept_since <= self._since_opened(since)

    def _is_busy_month_kept(self, since: datetime, by: SpendingGroup) -> bool:
        """Return whether spending in the last month can be computed from the archive alone.

        Even if the user keeps no history, the archive has the amounts and categories of the month.
        For twenty thousand transactions, the bank would need an hour. If one request can read all
        of them, the bank is asked, because it is more current.
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
        """Return the start of the time that the archive covers until a moment, or the last read."""
        if not self._is_current():
            # The archive may only cover the time until Home Assistant was stopped.
            return None
        return self._archive.kept_since(self._account_id, before)

    def since_not_kept(self, since: datetime) -> datetime:
        """Return the start of the time for which the bank must be asked.

        The bank may have changed any transaction that it still shows, so only older ones are taken
        from the archive.
        """
        visible = self._session.clock.now() - VISIBLE + VISIBLE_MARGIN
        return visible if since < visible and self.is_kept(since, visible) else since

    async def async_find_kept(  # noqa: PLR0913 - one parameter for each condition
        self,
        since: datetime,
        before: datetime | None,
        *,
        text: str = "",
        merchant_group: str | None = None,
        matches: Callable[[TransactionRecord], bool],
        limit: int | None = None,
    ) -> list[TransactionRecord] | None:
        """Return the kept transactions of a span, newest first; None if not all are kept."""
        if not self.is_kept(since, before):
            return None
        query = replace(self._query(since, before, text=text), merchant_group=merchant_group)
        with suppress(*DISK_ERRORS):
            return await self._archive.async_find(query, matches, limit)
        return None

    async def async_kept_spending(
        self, since: datetime, before: datetime | None, by: SpendingGroup
    ) -> list[tuple[str, int, int]] | None:
        """Return the spending by group; None if it is not known completely.

        See `ArchiveFile.spending`.
        """
        if not self.is_kept(since, before) and not self._is_busy_month_kept(since, by):
            return None
        now = self._session.clock.now() + CLOCK_SKEW
        query = self._query(since, min(before or now, now))
        with suppress(*DISK_ERRORS):
            return await self._archive.async_spending(query, by)
        return None

    def attachments(self, transaction_id: str) -> Sequence[Attachment]:
        """Return the attachments of a transaction, if it is in memory.

        The archive has no attachments.
        """
        known = self._recent.find(transaction_id)
        return known.attachments if known else ()

    async def async_created(self, transaction_id: str) -> datetime | None:
        """Return the time of a transaction, if it is known."""
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
            # The bank may list transactions that are dated tomorrow.
            before=before or datetime.max.replace(tzinfo=UTC),
            text=text,
            after=after,
        )

    async def async_records(
        self, since: datetime, before: datetime | None, *, tag: str | None = None
    ) -> AsyncGenerator[RecordPart]:
        """Yield all transactions of a span in parts, in no particular order.

        With a tag, only those with the tag in their notes. The bank is asked for the parts that the
        archive lacks. If the archive has other parts of the span, and the bank no longer shows a
        part, it is reported as missing. See `BankHistory.async_all` for how long this can take.
        """
        text = "" if tag is None else TAG_SIGN
        async with aclosing(self._async_parts(since, before, text)) as parts:
            async for part in parts:
                records = [it for it in part.records if tag is None or tag in it.tags]
                yield replace(part, records=records)

    async def _async_parts(
        self, since: datetime, before: datetime | None, text: str
    ) -> AsyncGenerator[RecordPart]:
        """Yield all transactions of a span. Kept transactions must contain a text."""
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
        """Return the spans that the archive covers completely. The newest one may extend to now."""
        spans = self._archive.kept_spans(self._account_id)
        end = spans.end
        if end is None or not self._is_current():
            # The archive may only cover the time until Home Assistant was stopped.
            return Spans()
        if self._recent.is_readable(end):
            spans = spans.with_span(end, datetime.max.replace(tzinfo=UTC))
        return spans

    async def _async_not_kept(
        self, since: datetime, before: datetime | None
    ) -> AsyncGenerator[RecordPart]:
        """Yield the transactions of a span that the archive lacks, if the bank shows them."""
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
        """Yield the records of `BankHistory.async_all`."""
        async with aclosing(self.bank.async_all(since, before)) as parts:
            async for part in parts:
                records = [self.record(transaction) for transaction in part.transactions]
                yield RecordPart(records=records, complete=part.complete)

    async def _async_kept(
        self, since: datetime, before: datetime | None, text: str
    ) -> AsyncGenerator[RecordPart]:
        """Yield the kept transactions of a span that contain a text, newest first.

        If the archive becomes unreadable, the rest is read from the bank.
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
        """Convert a transaction of this account into a record."""
        return self._reader.record(transaction)
