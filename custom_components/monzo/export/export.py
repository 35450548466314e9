"""Writes the transactions of accounts to a file, page by page."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from homeassistant.core import HomeAssistant

from ..api import Money, Private
from ..transactions import Span, TransactionRecord
from .file_format import ExportedAccount, ExportedPeriod
from .formats import FILE_FORMATS, FileFormatName
from .published_file import Destination, PublishedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """A page of an account's transactions."""

    records: Sequence[TransactionRecord]

    complete: bool
    """Whether the page has all transactions of its part of the period."""

    missing: Span | None = None
    """The time for which the file cannot have any transactions."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Statement(Private):
    """An account, and its transactions in the period."""

    account: ExportedAccount
    pages: AsyncGenerator[RecordPage]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExportResult(Private):
    """Facts about the content of a file."""

    count: int
    """The number of transactions."""

    sums: Mapping[str, Money]
    """The sum of the transactions by currency."""

    complete: bool
    """Whether the file has all transactions of the period."""

    missing: Mapping[str, Sequence[Span]]
    """The times without transactions in the file, by the account's ID."""


class _Totals:
    """Counts the transactions of a file and adds them up."""

    def __init__(self) -> None:
        """Initialize the totals of an empty file."""
        self._count = 0
        self._minor: Counter[str] = Counter()
        self._complete = True
        self._missing: dict[str, list[Span]] = {}

    def add(self, account: ExportedAccount, page: RecordPage) -> Sequence[TransactionRecord]:
        """Add a page, and return its transactions that moved money."""
        moved = [record for record in page.records if not record.declined and record.minor]
        for record in moved:
            self._minor[record.currency] += record.minor
        self._count += len(moved)
        self._complete = self._complete and page.complete
        if page.missing is not None:
            self._missing.setdefault(account.id, []).append(page.missing)
        return moved

    def result(self) -> ExportResult:
        """Return the facts about the content so far."""
        return ExportResult(
            count=self._count,
            sums={
                currency: Money.from_minor(minor, currency)
                for currency, minor in self._minor.items()
            },
            complete=self._complete,
            missing=self._missing,
        )


async def async_export(
    hass: HomeAssistant,
    statements: Iterable[Statement],
    period: ExportedPeriod,
    *,
    format_name: FileFormatName,
    destination: Destination,
) -> ExportResult:
    """Write a file with all transactions that moved money.

    Declined payments and card checks of zero are left out. If anything fails, no file is created,
    and an existing file stays as it was.
    """
    file_format = FILE_FORMATS[format_name]
    totals = _Totals()
    file = await hass.async_add_executor_job(PublishedFile, destination)

    async def write(lines: Iterable[str]) -> None:
        # The lines are an iterator, so they are also formatted in the executor.
        await hass.async_add_executor_job(file.write, lines)

    try:
        await write([file_format.begin_file(period)])
        for statement in statements:
            account = statement.account
            await write([file_format.begin_account(account, period)])
            async with aclosing(statement.pages) as pages:
                async for page in pages:
                    await write(
                        map(partial(file_format.transaction, account), totals.add(account, page))
                    )
            await write([file_format.end_account(account, period)])
        await write([file_format.end_file()])
        await hass.async_add_executor_job(file.publish)
    finally:
        await hass.async_add_executor_job(file.close)
    return totals.result()
