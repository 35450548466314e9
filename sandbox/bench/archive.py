"""Measures the archive of transactions: ten years of one account, and a busy month."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.archive_query import ArchiveQuery, SpendingGroup
from custom_components.monzo.transactions.classification import TransactionKind
from custom_components.monzo.transactions.known_transaction import KnownTransaction
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import (
    KEPT_FOR,
    ReadState,
    TransactionLog,
)

from .limits import Figure, figures_table

TEN_YEARS = 36_500
BUSY_MONTH = 20_000
REPETITIONS = 30
PAGE = 100

_ACCOUNT = "acc_0000000000000000000001"
_END = datetime(2026, 11, 1, tzinfo=UTC)
_CATEGORIES = ("bills", "eating_out", "entertainment", "groceries", "shopping", "transport")


def _record(number: int, created: datetime, random: Random) -> TransactionRecord:
    category, minor = random.choice(_CATEGORIES), -random.randint(100, 9_999)
    return TransactionRecord(
        id=f"tx_{number:022}",
        account=_ACCOUNT,
        created=created,
        settled=created,
        minor=minor,
        currency="GBP",
        kind=TransactionKind.CARD_PAYMENT,
        category=category,
        split={category: minor},
        spent={category: -minor},
        merchant=f"Merchant {random.randint(1, 400)}",
        merchant_id=f"merch_{random.randint(1, 400):022}",
        description=f"MERCHANT {number} LONDON GBR",
        scheme="mastercard",
    )


def _milliseconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return (perf_counter() - begin) * 1000


# In milliseconds.
_LIMITS = {
    "a page of 100 written": 15,
    "a payment written and reported": 10,
    "spending of ten years by category": 100,
    "spending of ten years by merchant": 100,
    "the newest 100 of a frequent merchant": 20,
    "a search that finds nothing": 20,
    "a payment noted in a busy month, event loop": 1,
}


def measure_archive() -> list[Figure]:
    """Return medians in milliseconds."""
    random = Random(1)  # noqa: S311 - not used for security
    step = timedelta(days=3_650) / TEN_YEARS
    records = [_record(n, _END - (TEN_YEARS - n) * step, random) for n in range(TEN_YEARS)]
    state = ReadState(entry_id="entry", currency="GBP", read_until=_END)

    with TemporaryDirectory() as folder:
        file = ArchiveFile(Path(folder) / "archive.db")

        def write(page: list[TransactionRecord], reported: str | None = None) -> None:
            change = ArchiveChange(
                account_id=_ACCOUNT, state=state, spans=Spans(), records=page, reported=reported
            )
            file.run([lambda file: file.write(change)])

        def everything(text: str = "") -> ArchiveQuery:
            since, before = records[0].created, _END + timedelta(days=1)
            return ArchiveQuery(account_id=_ACCOUNT, since=since, before=before, text=text)

        def report(number: int) -> None:
            payment = _record(number, _END + timedelta(seconds=number), random)
            write([payment])
            write([], payment.id)

        pages = [records[start : start + PAGE] for start in range(0, TEN_YEARS, PAGE)]
        written = [_milliseconds(lambda page=page: write(page)) for page in pages]  # type: ignore[misc]  # mypy infers no default
        figures = {
            "a page of 100 written": median(written),
            "a payment written and reported": median(
                _milliseconds(lambda number=number: report(TEN_YEARS + number))  # type: ignore[misc]  # mypy infers no default
                for number in range(REPETITIONS)
            ),
            "spending of ten years by category": median(
                _milliseconds(lambda: file.spending(everything(), SpendingGroup.CATEGORY))
                for _time in range(REPETITIONS)
            ),
            "spending of ten years by merchant": median(
                _milliseconds(lambda: file.spending(everything(), SpendingGroup.MERCHANT))
                for _time in range(REPETITIONS)
            ),
            "the newest 100 of a frequent merchant": median(
                _milliseconds(lambda: file.find(everything("merchant 7"), limit=100))
                for _time in range(REPETITIONS)
            ),
            "a search that finds nothing": median(
                _milliseconds(lambda: file.find(everything("nowhere"), limit=100))
                for _time in range(REPETITIONS)
            ),
        }
        file.close()
    figures["a payment noted in a busy month, event loop"] = _event_loop(state, random)
    return [
        Figure(name=name, value=milliseconds, unit="ms", limit=_LIMITS[name])
        for name, milliseconds in figures.items()
    ]


def _event_loop(state: ReadState, random: Random) -> float:
    """Return the milliseconds that the log of a busy account takes for a payment."""
    step = KEPT_FOR / BUSY_MONTH
    log = TransactionLog(
        state,
        {
            record.id: KnownTransaction.of(record)
            for record in (_record(n, _END - n * step, random) for n in range(BUSY_MONTH))
        },
    )

    # The sensors of a day, a week and a month.
    starts = [_END - timedelta(days=days) for days in (1, 7, 31)]

    def note(number: int) -> None:
        record = _record(BUSY_MONTH + number, _END + number * step, random)
        log.is_new(record.id)
        log.remember(record.id, KnownTransaction.of(record))
        log.forget_before(record.created - KEPT_FOR)
        for start in starts:
            log.spent(start, record.created)

    return median(
        _milliseconds(lambda number=number: note(number))  # type: ignore[misc]  # mypy infers no default
        for number in range(REPETITIONS)
    )


def archive_table() -> str:
    """Return the figures as lines for a terminal."""
    return figures_table(f"The archive with {TEN_YEARS} transactions:", measure_archive())
