"""The rows of the statistics add up to the archive, whatever changes and in whatever order."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.backfill.statistics_rows import RowTimes, StatisticsRow, rows_to_send
from custom_components.monzo.backfill.statistics_table import find_update, note_sent
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.classification import TransactionKind
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 9, 16, 16, 5, tzinfo=UTC)
ACCOUNT = "acc_1"
STATE = ReadState(entry_id="entry", currency="GBP", read_until=NOW)
CATEGORIES = ("groceries", "eating_out", "transport", "category_0000Aa")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Times


def test_rows_are_hours_after_the_border_and_local_days_before_it() -> None:
    times = RowTimes.beginning(NOW, LONDON)
    # Midnight in London, in summer.
    assert times.hourly_since == at("2026-06-17T23:00")
    assert times.start_of_row(at("2026-06-17T23:00")) == at("2026-06-17T23:00")
    assert times.start_of_row(at("2026-09-16T16:04:59")) == at("2026-09-16T16:00")
    assert times.start_of_row(at("2026-06-17T22:59")) == at("2026-06-17T12:00")
    # 23:30 on the day before in London's winter, and half past midnight in its summer.
    assert times.start_of_row(at("2026-01-09T23:30")) == at("2026-01-09T12:00")
    assert times.start_of_row(at("2025-07-09T23:30")) == at("2025-07-10T12:00")
    assert times.first_moment_of_row(at("2025-07-09T23:30")) == at("2025-07-09T23:00")
    assert times.first_moment_of_row(at("2026-09-16T16:04:59")) == at("2026-09-16T16:00")


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney"])
def test_the_rows_of_every_time_zone_are_in_order(zone: str) -> None:
    times = RowTimes.beginning(NOW, ZoneInfo(zone))
    moments = [NOW - timedelta(minutes=15) * n for n in range(60_000, -1, -1)]
    starts = [times.start_of_row(moment) for moment in moments]
    assert starts == sorted(starts)
    for moment in moments[::997]:
        first = times.first_moment_of_row(moment)
        assert times.start_of_row(first) == times.start_of_row(moment)
        assert times.start_of_row(first - timedelta(seconds=1)) < times.start_of_row(moment)


# Corrections


def test_rows_are_sent_from_the_first_difference_on() -> None:
    day = [NOW + timedelta(days=n) for n in range(5)]
    sent = {day[0]: 100, day[1]: 50, day[3]: 30}
    assert rows_to_send(sent, sent, 7) == []
    assert rows_to_send({**sent, day[4]: 5}, sent, 7) == [StatisticsRow(day[4], 5, 192)]
    # Moved to another day: the old row stays, with nothing in it.
    assert rows_to_send({day[0]: 100, day[2]: 50, day[3]: 30}, sent, 7) == [
        StatisticsRow(day[1], 0, 107),
        StatisticsRow(day[2], 50, 157),
        StatisticsRow(day[3], 30, 187),
    ]
    assert rows_to_send({}, {day[0]: 0}, 7) == []


# Ten years


class FakeRecorder:
    """Keeps the rows that were sent, as the recorder does."""

    def __init__(self) -> None:
        """Initialize without a row."""
        self.rows: defaultdict[str, dict[datetime, StatisticsRow]] = defaultdict(dict)

    def take(self, rows: Mapping[str, list[StatisticsRow]]) -> None:
        """Insert rows, or replace those with the same start."""
        for series, of_series in rows.items():
            self.rows[series] |= {row.start: row for row in of_series}

    def change_of(self, series: str, since: datetime, until: datetime) -> int:
        """Return the difference of the sums at two moments, as graphs show it."""
        return self._total(series, until) - self._total(series, since)

    def _total(self, series: str, moment: datetime) -> int:
        earlier = [row for start, row in self.rows[series].items() if start < moment]
        return max(earlier, key=lambda row: row.start).total if earlier else 0


class Ledger:
    """Transactions of ten years that change, in an archive and in an independent account."""

    def __init__(self, file: ArchiveFile, random: Random) -> None:
        """Initialize without a transaction."""
        self._file, self._random = file, random
        self.records: dict[str, TransactionRecord] = {}

    def add(self, count: int, *, days: int = 3_650) -> None:
        """Add transactions at random times of the last days."""
        for _ in range(count):
            created = NOW - timedelta(days=days) * self._random.random()
            self._keep(f"tx_{len(self.records)}", created.replace(microsecond=0))
        self.write(list(self.records.values())[-count:])

    def change(self, count: int) -> None:
        """Give some transactions other amounts and categories."""
        chosen = self._random.sample(sorted(self.records), min(count, len(self.records)))
        for id_ in chosen:
            self._keep(id_, self.records[id_].created)
        self.write([self.records[id_] for id_ in chosen])

    def _keep(self, id_: str, created: datetime) -> None:
        parts = self._random.randint(0, 2)
        categories = self._random.sample(CATEGORIES, parts)
        # Refunds are negative.
        spent = {category: self._random.randint(-5_000, 20_000) for category in categories}
        self.records[id_] = TransactionRecord(
            id=id_,
            account=ACCOUNT,
            created=created,
            minor=-sum(spent.values()),
            currency="GBP",
            kind=TransactionKind.CARD_PAYMENT,
            split={},
            spent=spent,
            received=0 if parts else self._random.randint(0, 300_000),
        )

    def write(self, records: list[TransactionRecord]) -> None:
        """Write transactions into the archive."""
        change = ArchiveChange(account_id=ACCOUNT, state=STATE, spans=Spans(), records=records)
        self._file.run([lambda file: file.write(change)])

    def amount(self, series: str, record: TransactionRecord) -> int:
        """Return what a transaction adds to a series."""
        if series == "income":
            return record.received
        if series == "spending":
            return sum(record.spent.values())
        return {f"spending_{name.lower()}": minor for name, minor in record.spent.items()}.get(
            series, 0
        )

    def by_day(self, series: str) -> dict[date, int]:
        """Return the sums of local days."""
        days: defaultdict[date, int] = defaultdict(int)
        for record in self.records.values():
            days[record.created.astimezone(LONDON).date()] += self.amount(series, record)
        return days


def refresh(file: ArchiveFile, recorder: FakeRecorder, now: datetime = NOW) -> int:
    """Send what has changed; return the number of rows."""
    update = file.use(find_update, ACCOUNT, now, LONDON)
    if update is None:
        return 0
    recorder.take(update.rows)
    file.use(note_sent, update)
    return sum(map(len, update.rows.values()))


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), LONDON).astimezone(UTC)


def assert_equal(recorder: FakeRecorder, ledger: Ledger) -> None:
    """Compare each local day and each month of each series."""
    assert recorder.rows.keys() <= {
        "spending",
        "income",
        *(f"spending_{name.lower()}" for name in CATEGORIES),
    }
    for series in ("spending", "income", *(f"spending_{name.lower()}" for name in CATEGORIES)):
        expected = ledger.by_day(series)
        day, total, total_of_month = date(2016, 9, 1), 0, 0
        rows = sorted(recorder.rows[series].values())
        position = 0
        found = 0
        while day <= NOW.date():
            end = midnight(day + timedelta(days=1))
            while position < len(rows) and rows[position].start < end:
                found = rows[position].total
                position += 1
            assert found - total == expected.get(day, 0), (series, day)
            total = found
            total_of_month += expected.get(day, 0)
            day += timedelta(days=1)
        assert total == total_of_month


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32))
def test_ten_years_with_corrections_are_right_to_the_penny(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - not used for security
    with TemporaryDirectory() as folder:
        file = ArchiveFile(Path(folder) / "archive.db")
        ledger, recorder = Ledger(file, random), FakeRecorder()
        ledger.add(1_500)
        assert refresh(file, recorder) > 1_500
        assert_equal(recorder, ledger)
        assert refresh(file, recorder) == 0
        for _round in range(3):
            ledger.change(random.randint(1, 20))
            ledger.add(random.randint(1, 20), days=random.choice([1, 89, 3_650]))
            refresh(file, recorder)
        assert_equal(recorder, ledger)
        # Days are one row, and hours are kept apart only for the last months.
        old = [start for start in recorder.rows["spending"] if start < NOW - timedelta(days=92)]
        assert {start.hour for start in old} == {12}
        file.close()


def test_a_change_of_today_sends_few_rows(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "archive.db")
    ledger, recorder = Ledger(file, Random(1)), FakeRecorder()  # noqa: S311 - not used for security
    ledger.add(2_000)
    refresh(file, recorder)
    ledger.add(1, days=0)
    assert refresh(file, recorder) <= 3
    assert_equal(recorder, ledger)
    file.close()


def test_a_transaction_that_is_dated_tomorrow_counts_tomorrow(tmp_path: Path) -> None:
    file = ArchiveFile(tmp_path / "archive.db")
    ledger, recorder = Ledger(file, Random(1)), FakeRecorder()  # noqa: S311 - not used for security
    ledger.add(20, days=1)
    future = {
        id_: replace(record, created=record.created + timedelta(days=1), received=5)
        for id_, record in ledger.records.items()
    }
    ledger.records = future
    ledger.write(list(future.values()))
    assert refresh(file, recorder) == 0
    refresh(file, recorder, NOW + timedelta(hours=12))
    some = recorder.change_of("income", NOW - timedelta(days=2), NOW + timedelta(days=2))
    assert 0 < some < 100
    refresh(file, recorder, NOW + timedelta(hours=25))
    everything = recorder.change_of("income", NOW - timedelta(days=2), NOW + timedelta(days=2))
    assert everything == 100
    file.close()
