"""The rows of the statistics add up to the archive, whatever changes and in whatever order."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.api import Transaction as ApiTransaction
from custom_components.monzo.backfill.statistics_rows import RowTimes, StatisticsRow, rows_to_send
from custom_components.monzo.backfill.statistics_table import find_update, note_sent
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState
from sandbox.bank import Bank, CardOptions
from sandbox.models import Transaction
from sandbox.serializers import transaction_json

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
    """Ten years of an account at a bank, in an archive; added up here by its own rules."""

    def __init__(self, file: ArchiveFile, random: Random) -> None:
        """Initialize without a transaction."""
        self._file, self._random = file, random
        self._bank = Bank(clock=lambda: NOW)
        opened = NOW - timedelta(days=3_650)
        self._account = self._bank.open_account(self._bank.add_person("Ann"), created=opened)

    @property
    def rows(self) -> list[Transaction]:
        """The transactions at the bank."""
        return self._bank.transactions(self._account.id)

    def add(self, count: int, *, days: int = 3_650) -> None:
        """Add transactions at random times of the last days."""
        moments = [NOW - timedelta(days=days) * self._random.random() for _ in range(count)]
        self.write([self._make(moment) for moment in moments])

    def _make(self, at: datetime) -> Transaction:
        """Make a payment, some of them split or in yen, a refund, or a receipt of money."""
        random, account_id = self._random, self._account.id
        minor, category = random.randint(1, 20_000), random.choice(CATEGORIES)
        match random.randrange(5):
            case 0:
                return self._bank.receive(account_id, minor * 15, at=at)
            case 1:
                return self._bank.refund(account_id, minor, category=category, at=at)
            case 2:
                first, second = random.sample(CATEGORIES, 2)
                parts = {first: -minor, second: -random.randint(1, 5_000)}
                options: CardOptions = {"category": first, "categories": parts, "at": at}
                minor = -sum(parts.values())
            case 3:
                yen = -random.randint(100, 30_000)
                options = {"local_amount": yen, "local_currency": "JPY", "at": at}
                options["category"] = category
            case _:
                options = {"category": category, "at": at}
        return self._bank.pay(account_id, -minor, pending=False, **options)

    def change(self, count: int) -> None:
        """Give some payments other amounts and categories."""
        payments = [row for row in self.rows if row.merchant]
        chosen = self._random.sample(payments, min(count, len(payments)))
        for row in chosen:
            row.category, row.categories = self._random.choice(CATEGORIES), None
            row.amount += self._random.randint(-500, 500)
        self.write(chosen)

    def write(self, rows: list[Transaction]) -> None:
        """Write transactions into the archive, as the bank's API returns them."""
        records = [
            TransactionRecord.of(
                ApiTransaction.from_json(transaction_json(row, expand_merchant=True)),
                account_id=ACCOUNT,
                own_transfer=False,
            )
            for row in rows
        ]
        change = ArchiveChange(account_id=ACCOUNT, state=STATE, spans=Spans(), records=records)
        self._file.run([lambda file: file.write(change)])

    def by_day(self, series: str) -> dict[date, int]:
        """Return the sums of local days."""
        days: defaultdict[date, int] = defaultdict(int)
        for row in self.rows:
            days[row.created.astimezone(LONDON).date()] += _amount(series, row)
        return days


def _amount(series: str, row: Transaction) -> int:
    """Return what a transaction adds to a series; spending and income are positive."""
    if not row.merchant:
        return row.amount if series == "income" else 0
    parts = row.categories or {row.category: row.amount}
    return -sum(
        minor
        for category, minor in parts.items()
        if series in {"spending", f"spending_{category.lower()}"}
    )


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


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_ten_years_with_corrections_are_right_to_the_penny(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - not used for security
    with TemporaryDirectory() as folder:
        file = ArchiveFile(Path(folder) / "archive.db")
        ledger, recorder = Ledger(file, random), FakeRecorder()
        ledger.add(1_000)
        assert refresh(file, recorder) > 1_000
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
    ledger.add(20, days=-1)
    assert refresh(file, recorder) == 0

    def spending() -> int:
        return recorder.change_of("spending", NOW - timedelta(days=2), NOW + timedelta(days=2))

    everything = sum(ledger.by_day("spending").values())
    refresh(file, recorder, NOW + timedelta(hours=12))
    assert 0 < spending() < everything
    refresh(file, recorder, NOW + timedelta(hours=25))
    assert spending() == everything
    file.close()
