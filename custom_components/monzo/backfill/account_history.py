"""Reads the history of one account into the archive, page by page."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from ..api import Account
from ..bank import MonzoSession
from ..transactions import (
    KEPT_FOR,
    LOOKBACK,
    PRECISION,
    Archive,
    ArchiveChange,
    KnownTransaction,
    Retention,
    Span,
    Spans,
    TransactionPage,
    TransactionPages,
    TransactionRecord,
    is_own_transfer,
)

# Monzo was founded then. Applies to accounts without an opening date.
_MONZO_BEGAN: Final = datetime(2015, 2, 1, tzinfo=UTC)

# Requests start this much earlier, because Monzo does not document whether a transaction at the
# very moment of `since` is listed.
_SINCE_MARGIN: Final = timedelta(seconds=1)


class AccountHistory:
    """The history of one account, without the last days, which are read regularly anyway."""

    def __init__(  # noqa: PLR0913 - the parts that it connects
        self,
        account: Account,
        *,
        session: MonzoSession,
        archive: Archive,
        retention: Retention,
        own_accounts: Callable[[], Collection[Account]],
        now: datetime,
    ) -> None:
        """Initialize the history of an account as of a moment."""
        self.account = account
        self._session = session
        self._archive = archive
        self._retention = retention
        self._own_accounts = own_accounts
        self._now = now

    @property
    def is_known(self) -> bool:
        """Whether its newest transactions have been read, so that the archive has the account."""
        return self.account.id in self._archive.logs

    def span(self) -> Span:
        """Return the time from the opening of the account, or from the first day that is kept.

        The last days are excluded, because their transactions may still have to be reported.
        """
        opened = self.account.created or _MONZO_BEGAN
        horizon = self._retention.horizon(self._now)
        until = self._now - LOOKBACK
        return min(opened if horizon is None else max(opened, horizon), until), until

    def gaps(self) -> list[Span]:
        """Return the parts of the history that are incomplete in the archive, oldest first."""
        return self._archive.logs[self.account.id].spans.gaps(*self.span())

    def unread_parts(self) -> list[Span]:
        """Return the parts of the history that were never read, oldest first.

        Parts with a transaction that could not be read are excluded, because another sign-in would
        not help.
        """
        read = self._archive.logs[self.account.id].spans
        unreadable = self._archive.unreadable_spans(self.account.id)
        return Spans([*read, *unreadable]).gaps(*self.span())

    def pages(self, part: Span) -> TransactionPages:
        """Return the pages of a part of the history."""
        since, before = part
        return TransactionPages(
            self._session, self.account.id, since=since - _SINCE_MARGIN, before=before
        )

    async def async_keep(self, part: Span, page: TransactionPage) -> None:
        """Write a page and the time that it covers to the archive, in one step.

        Nothing is published: for the rest of the integration, these transactions are old. A part
        with an unreadable transaction stays incomplete.
        """
        log = self._archive.logs.get(self.account.id)
        if log is None:
            # The account was removed in the meantime.
            return
        now = self._session.clock.now()
        own_accounts = self._own_accounts()
        records = [
            TransactionRecord.of(
                transaction,
                account_id=self.account.id,
                own_transfer=is_own_transfer(transaction, own_accounts),
            )
            for transaction in page.transactions
        ]
        for record in records:
            if record.created >= now - KEPT_FOR:
                log.remember(record.id, KnownTransaction.of(record))
        since, before = part
        until = before if page.is_last else page.transactions[-1].created + PRECISION
        span = max(page.since, since), until
        if page.transactions.skipped:
            await self._archive.async_note_unreadable(self.account.id, span)
        else:
            log.spans = log.spans.with_span(*span)
        horizon = self._retention.horizon(now)
        await self._archive.async_write(
            ArchiveChange(
                account_id=self.account.id,
                state=log.state,
                spans=log.spans,
                records=[
                    self._retention.record_to_keep(record)
                    for record in records
                    if horizon is None or record.created >= horizon
                ],
            )
        )
