"""Pages of transactions. Reading can stop and continue between any two pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..api import MAX_PAGE_SIZE, MonzoClient, Records, Transaction

# The bank refuses a span that begins earlier, except within five minutes after a sign-in. The
# actual limit is a little longer, because a request takes time to arrive.
VISIBLE: Final = timedelta(days=89)
VISIBLE_MARGIN: Final = timedelta(minutes=1)

# The precision of the bank's times.
PRECISION: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """One answer of the bank, oldest first."""

    transactions: Records[Transaction]

    since: datetime
    """The start of the time that this page and the following ones cover."""

    is_last: bool

    unreadable_until: datetime | None
    """A transaction before this moment could not be read; None if all of the page could."""


class TransactionPages:
    """The transactions of a span, oldest first.

    Each call of `async_next` requests the same page, until `move_past` marks it as processed. So a
    read can continue after an error, and after any time.
    """

    def __init__(
        self,
        client: MonzoClient,
        account_id: str,
        *,
        since: datetime,
        before: datetime | None = None,
    ) -> None:
        """Initialize the pages of a span that ends before a moment, or now if it is None."""
        self.since = since
        self.before = before
        self.unreadable_until: datetime | None = None
        """A transaction before this moment could not be read; None if all could so far."""

        self._client = client
        self._account_id = account_id
        self._last: Transaction | None = None
        self._ids: frozenset[str] = frozenset()

        self.read_until = since.replace(microsecond=since.microsecond // 1000 * 1000)
        """All transactions before this moment have been read."""

        self.finished = False
        """Whether there are no more pages."""

    @property
    def started(self) -> bool:
        """Whether at least one page has been processed."""
        return self.finished or self._last is not None

    async def async_next(self) -> TransactionPage:
        """Read the next page, without transactions that were also on the previous page.

        Raises the errors of `MonzoClient.transactions`.
        """
        records = await self._client.transactions(
            self._account_id,
            since=self.read_until if self._last is None else None,
            after_id=self._last.id if self._last else None,
            before=self.before,
        )
        # Monzo does not document whether it lists a transaction again after its own ID.
        new = (transaction for transaction in records if transaction.id not in self._ids)
        by_age = tuple(sorted(new, key=lambda transaction: transaction.created))
        return TransactionPage(
            transactions=Records(by_age, skipped=records.skipped),
            # The previous page contains at least one transaction of its last moment.
            since=self.read_until if self._last is None else self.read_until + PRECISION,
            # A full page without a new transaction is also the last one, because the next request
            # would return the same page.
            is_last=not by_age or len(records) + records.skipped < MAX_PAGE_SIZE,
            unreadable_until=self._unreadable_until(records),
        )

    def _unreadable_until(self, records: Records[Transaction]) -> datetime | None:
        if not records.skipped:
            return None
        # The bank lists the oldest first.
        later = (transaction.created for transaction in records[records.complete_from :])
        return min(later, default=self.before or self._client.clock.now())

    def move_past(self, page: TransactionPage) -> None:
        """Mark a page as processed, so that the next call continues after it."""
        self.unreadable_until = page.unreadable_until or self.unreadable_until
        if page.is_last:
            self.finished = True
            return
        self._last = page.transactions[-1]
        self.read_until = self._last.created
        self._ids = frozenset(transaction.id for transaction in page.transactions)
