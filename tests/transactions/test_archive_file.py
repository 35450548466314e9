"""The file of the archive holds what was written, whatever the order, and nobody else reads it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.transactions.archive_change import ArchiveChange, Listing
from custom_components.monzo.transactions.archive_database import ArchiveReplaced
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.archive_query import ArchiveQuery, SpendingGroup
from custom_components.monzo.transactions.archive_schema import SetAside
from custom_components.monzo.transactions.classification import TransactionKind
from custom_components.monzo.transactions.known_transaction import KnownTransaction
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.retention import Retention
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import FirstRead, ReadState

START = datetime(2026, 9, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATE = ReadState(entry_id="entry", currency="GBP", read_until=START)

ACCOUNTS = ("acc_1", "acc_2")


def record(number: int, account: str = "acc_1", **facts: object) -> TransactionRecord:
    """Return a payment at a number of hours after the start, with some other facts."""
    plain = TransactionRecord(
        id=f"tx_{number}",
        account=account,
        created=START + number * HOUR,
        minor=-100,
        currency="GBP",
        kind=TransactionKind.CARD_PAYMENT,
        category="groceries",
        split={"groceries": -100},
        spent={"groceries": 100},
    )
    return replace(plain, **facts)  # type: ignore[arg-type]  # facts of different types


def change(account: str = "acc_1", **fields: object) -> ArchiveChange:
    return ArchiveChange(
        account_id=account,
        **{"state": STATE, "spans": Spans(), **fields},  # type: ignore[arg-type]  # fields of different types
    )


def everything(account: str = "acc_1", **fields: object) -> ArchiveQuery:
    """Return the query for all transactions of an account, or for some of them."""
    span = {"since": START, "before": START + 1_000 * HOUR}
    return ArchiveQuery(account_id=account, **{**span, **fields})  # type: ignore[arg-type]  # fields of different types


def write(file: ArchiveFile, *changes: ArchiveChange) -> None:
    file.run([lambda file, each=each: file.write(each) for each in changes])  # type: ignore[misc]  # mypy infers no default


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".storage" / "monzo.archive.db"


@pytest.fixture
def file(path: Path) -> Iterator[ArchiveFile]:
    file = ArchiveFile(path)
    yield file
    file.close()


def rows(path: Path, columns: str = "id, reported, taken_back") -> list[tuple[object, ...]]:
    """Return columns of all transactions by time, as another program reads them."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            f"SELECT {columns} FROM transactions ORDER BY account, created"  # noqa: S608 - names of columns
        ).fetchall()


# Any order


@dataclass
class Reference:
    """The same facts as the file, in dictionaries."""

    records: dict[tuple[str, str], TransactionRecord] = field(default_factory=dict)
    reported: set[tuple[str, str]] = field(default_factory=set)
    taken_back: set[tuple[str, str]] = field(default_factory=set)
    states: dict[str, ReadState] = field(default_factory=dict)

    def write(self, change: ArchiveChange) -> None:
        """Do as the file does."""
        account = change.account_id
        self.states[account] = change.state
        for each in change.records:
            self.records[account, each.id] = each
            self.taken_back.discard((account, each.id))
            if each.id not in change.unreported:
                self.reported.add((account, each.id))
        if (listed := change.listed) is not None:
            for (owner, id_), old in self.records.items():
                within = listed.since < old.created < listed.before
                if owner == account and within and id_ not in listed.ids:
                    self.records[owner, id_] = replace(old, spent={}, received=0)
                    self.taken_back.add((owner, id_))
        if change.reported is not None:
            self.reported.add((account, change.reported))
        horizon = change.forget_before
        if horizon is not None:
            self.records = {
                key: each
                for key, each in self.records.items()
                if key[0] != account or each.created >= horizon
            }
        self.reported &= self.records.keys()

    def of(self, account: str, since: datetime) -> list[TransactionRecord]:
        """Return the transactions of an account since a moment."""
        return [
            each
            for (owner, _id), each in self.records.items()
            if owner == account and each.created >= since
        ]

    def listed(self, account: str, since: datetime) -> list[str]:
        """Return the IDs of the transactions that the bank lists, newest first."""
        found = [it for it in self.of(account, since) if (account, it.id) not in self.taken_back]
        return [it.id for it in sorted(found, key=lambda it: (it.created, it.id), reverse=True)]

    def spent(self, account: str, since: datetime) -> Counter[str]:
        """Return the spending by category."""
        spent: Counter[str] = Counter()
        for each in self.of(account, since):
            for category, minor in each.spent.items():
                spent[category] += minor
        return spent

    def known(self, account: str, since: datetime) -> dict[str, KnownTransaction]:
        """Return the reported transactions of an account since a moment."""
        return {
            id_: KnownTransaction.of(each)
            for (owner, id_), each in self.records.items()
            if owner == account and each.created >= since and (owner, id_) in self.reported
        }


NUMBERS = st.integers(0, 12)
IDS = NUMBERS.map(lambda number: f"tx_{number}")
MOMENTS = NUMBERS.map(lambda number: START + number * HOUR)
TEXTS = st.sampled_from([None, "", "Deli", "Café “Ö”", "a\x00b", "half \ud83d of an emoji", "🥪"])
PARTS = st.dictionaries(st.sampled_from(["groceries", "gifts", ""]), st.integers(-(10**14), 10**14))


@st.composite
def records(draw: st.DrawFn, account: str) -> TransactionRecord:
    return record(
        draw(NUMBERS),
        account,
        minor=draw(st.integers(-(10**14), 10**14)),
        settled=draw(st.none() | MOMENTS),
        category=draw(st.sampled_from([None, "groceries", "category_1"])),
        spent=draw(PARTS),
        notes=draw(TEXTS),
        counterparty=draw(TEXTS),
    )


@st.composite
def changes(draw: st.DrawFn) -> ArchiveChange:
    account = draw(st.sampled_from(ACCOUNTS))
    page = draw(st.lists(records(account), max_size=5, unique_by=lambda each: each.id))
    first_read = FirstRead(before=draw(MOMENTS), read_until=draw(MOMENTS))
    return change(
        account,
        state=ReadState(
            entry_id=draw(st.sampled_from(["Ann", "Ben"])),
            currency="GBP",
            read_until=draw(MOMENTS),
            first_read=draw(st.sampled_from([None, first_read])),
            unreadable_until=draw(st.none() | MOMENTS),
        ),
        records=page,
        unreported={each.id for each in page if draw(st.booleans())},
        reported=draw(st.none() | IDS),
        listed=draw(
            st.none()
            | st.builds(Listing, since=MOMENTS, before=MOMENTS, ids=st.frozensets(IDS, max_size=3))
        ),
        forget_before=draw(st.none() | MOMENTS),
    )


@given(
    batches=st.lists(st.lists(changes(), min_size=1, max_size=4), max_size=6),
    reopened=st.booleans(),
    since=MOMENTS,
)
@settings(max_examples=60)
def test_any_order_of_pages_repeats_and_corrections_equals_a_reference(
    batches: list[list[ArchiveChange]],
    reopened: bool,  # noqa: FBT001 - a parameter of the test
    since: datetime,
) -> None:
    reference = Reference()
    with TemporaryDirectory() as folder, closing(ArchiveFile(Path(folder) / "a.db")) as file:
        for batch in batches:
            write(file, *batch)
            # A change that was not confirmed is written once more.
            write(file, batch[-1])
            for each in [*batch, batch[-1]]:
                reference.write(each)
            if reopened:
                file.close()
        for account in ACCOUNTS:
            found = file.find(everything(account, since=since))
            assert [each.id for each in found] == reference.listed(account, since)
            by_category = file.spending(everything(account, since=since), SpendingGroup.CATEGORY)
            assert {name: minor for name, minor, _count in by_category} == reference.spent(
                account, since
            )
        logs = file.load_logs(since)
        assert {id_: log.state for id_, log in logs.items()} == reference.states
        for account, log in logs.items():
            assert log.known == reference.known(account, since)


def test_a_failed_operation_changes_nothing(file: ArchiveFile, path: Path) -> None:
    write(file, change(records=[record(1)]))

    def fail(_file: ArchiveFile) -> None:
        message = "Power failure"
        raise LookupError(message)

    operations = [lambda file: file.write(change(records=[record(2)])), fail]
    with pytest.raises(LookupError):
        file.run(operations)
    assert len(operations) == 2
    assert [id_ for id_, *_ in rows(path)] == ["tx_1"]


def test_a_known_transaction_is_reported_and_keeps_its_other_facts(
    file: ArchiveFile, path: Path
) -> None:
    payment = record(1, notes="lunch")
    write(file, change(records=[payment], unreported={"tx_1"}))
    known = [(payment.id, KnownTransaction.of(payment)), ("tx_2", KnownTransaction.of(record(2)))]
    for _time in range(2):
        file.run([lambda file: file.write_known("acc_1", STATE, known)])
    assert rows(path, "id, reported, notes") == [("tx_1", 1, "lunch"), ("tx_2", 1, None)]


def test_the_spending_of_a_tag_is_the_same_after_a_restart(file: ArchiveFile) -> None:
    write(file, change(records=[record(1, notes="for the #holiday"), record(2)]))
    log = file.load_logs(START)["acc_1"]
    now = START + 3 * HOUR
    assert log.spent(START, now, tag="holiday").minor == 100
    assert log.spent(START, now).minor == 200


def test_a_transaction_that_the_bank_lists_again_counts_again(
    file: ArchiveFile, path: Path
) -> None:
    nothing = Listing(since=START, before=START + 2 * HOUR, ids=frozenset())
    write(file, change(records=[record(1), record(2)]), change(listed=nothing))
    counts = '{"groceries":100}'
    assert rows(path, "taken_back, spent") == [(1, "{}"), (0, counts)]
    assert [each.id for each in file.find(everything())] == ["tx_2"]
    write(file, change(records=[record(1)]))
    assert rows(path, "taken_back, spent") == [(0, counts), (0, counts)]


def test_reading_the_same_again_writes_nothing(file: ArchiveFile, path: Path) -> None:
    write(file, change(records=[record(1)], spans=Spans([(START, START + HOUR)])))
    before = path.read_bytes()
    write(file, change(records=[record(1)], spans=Spans([(START, START + 2 * HOUR)])))
    assert path.read_bytes() == before
    # The span is written together with the next change.
    write(file, change(records=[record(2)], spans=Spans([(START, START + 2 * HOUR)])))
    assert [*file.load_logs(START)["acc_1"].spans] == [(START, START + 2 * HOUR)]


def test_forgetting_an_account_leaves_the_others_alone(file: ArchiveFile, path: Path) -> None:
    spans = Spans([(START, START + HOUR)])
    for account in ACCOUNTS:
        write(file, change(account, records=[record(1, account)], spans=spans))
    file.run([lambda file: file.forget_account("acc_1")])
    logs = file.load_logs(START)
    assert logs.keys() == {"acc_2"}
    assert [*logs["acc_2"].spans] == [*spans]
    assert len(rows(path)) == 1


# Reading


def test_a_search_finds_names_and_notes_without_regard_to_case_and_accents(
    file: ArchiveFile,
) -> None:
    page = [
        record(1, merchant="CAFÉ Straße"),
        record(2, notes="for the café #holiday"),
        record(3, counterparty="Ben"),
    ]
    write(file, change(records=page))
    found = {
        "café": ["tx_2", "tx_1"],
        "CAFE": ["tx_2", "tx_1"],
        "Cafe\N{COMBINING ACUTE ACCENT}": ["tx_2", "tx_1"],
        "STRASSE": ["tx_1"],
        "straße": ["tx_1"],
        "ben": ["tx_3"],
    }
    for text, expected in found.items():
        assert [each.id for each in file.find(everything(text=text))] == expected


def test_notes_that_the_user_changes_are_found_and_change_nothing_else(file: ArchiveFile) -> None:
    write(file, change(records=[record(1, notes="old", merchant="Deli"), record(2)]))
    changed: list[TransactionRecord] = []
    revision = file.changed_records("acc_1", START, 0, changed.append)
    assert [it.id for it in changed] == ["tx_1", "tx_2"]
    changed.clear()
    file.run(
        [
            lambda it: it.write_notes("acc_1", "tx_1", "#holiday, half a character: \ud83c"),
            lambda it: it.write_notes("acc_1", "tx_9", "#holiday"),
        ]
    )
    (found,) = file.find(everything(text="#Holiday"))
    assert found.tags == {"holiday"}
    assert replace(found, notes="old") == record(1, notes="old", merchant="Deli")
    assert not file.find(everything(text="old"))
    file.changed_records("acc_1", START, revision + 1, changed.append)
    assert [it.id for it in changed] == ["tx_1"]


def test_a_file_of_an_earlier_version_is_searched_without_accents_as_well(
    file: ArchiveFile, path: Path
) -> None:
    write(file, change(records=[record(1, merchant="CAFÉ Straße")]))
    file.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE transactions SET searchable = 'café strasse'")
        connection.execute("DROP TABLE unreadable_spans")
        connection.execute("DROP INDEX transactions_by_merchant")
        connection.execute("PRAGMA user_version = 2")
    assert [each.id for each in file.find(everything(text="cafe"))] == ["tx_1"]


def test_pages_continue_after_a_transaction_also_at_the_same_moment(file: ArchiveFile) -> None:
    page = [record(number, created=START + number // 3 * HOUR) for number in range(9)]
    write(file, change(records=page))
    whole = file.find(everything())
    paged: list[TransactionRecord] = []
    while found := file.find(
        everything(after=(paged[-1].created, paged[-1].id) if paged else None), limit=2
    ):
        paged += found
    assert paged == whole
    assert len(whole) == 9


def test_spending_is_added_up_by_merchant_and_by_quarter_of_an_hour(file: ArchiveFile) -> None:
    parts = {"groceries": 60, "gifts": 40}
    page = [
        record(1, merchant="Deli", spent=parts),
        record(2, counterparty="Ben"),
        record(3, description="TFL"),
        record(4, merchant="Deli", spent={}),
    ]
    write(file, change(records=page))
    by_merchant = file.spending(everything(), SpendingGroup.MERCHANT)
    assert sorted(by_merchant) == [("Ben", 100, 1), ("Deli", 100, 1), ("TFL", 100, 1)]
    by_quarter = file.spending(everything(), SpendingGroup.QUARTER_HOUR)
    begins = [datetime.fromtimestamp(int(name), UTC) for name, *_ in by_quarter]
    assert begins == [START + n * HOUR for n in (1, 2, 3)]
    assert {(minor, count) for _name, minor, count in by_quarter} == {(100, 1)}


def test_transactions_that_are_no_longer_kept_are_deleted_permanently(
    file: ArchiveFile, path: Path
) -> None:
    page = [record(number, notes="secret", merchant="Deli") for number in range(400)]
    write(file, change(records=page, spans=Spans([(START, START + 400 * HOUR)])))
    size = path.stat().st_size
    now = page[-1].created + timedelta(days=397) - 200 * HOUR
    file.run([lambda file: file.shorten(["acc_1"], Retention.THIRTEEN_MONTHS, now)])
    assert len(rows(path)) == 201
    assert path.stat().st_size < size
    file.run([lambda file: file.shorten(["acc_1"], Retention.NEEDED, START + 400 * HOUR)])
    assert {*rows(path, "merchant, notes, searchable, spent")} == {
        (None, None, "", '{"groceries":100}')
    }
    assert b"secret" not in path.read_bytes()


# The file


def test_only_its_owner_can_read_the_file(file: ArchiveFile, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o666)
    path.chmod(0o666)
    write(file, change(records=[record(1)]))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_deleted_text_is_not_left_in_the_file(file: ArchiveFile, path: Path) -> None:
    write(file, change(records=[record(1, notes="a secret note")]))
    assert b"a secret note" in path.read_bytes()
    write(file, change(forget_before=START + 2 * HOUR))
    assert b"a secret note" not in path.read_bytes()


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE something (else_ TEXT)")


def newer(path: Path) -> None:
    with closing(ArchiveFile(path)) as file:
        file.open()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def damaged(path: Path) -> None:
    with closing(ArchiveFile(path)) as file:
        write(file, change(records=[record(number) for number in range(500)]))
    content = bytearray(path.read_bytes())
    content[5_000:15_000] = bytes(10_000)
    path.write_bytes(content)


def no_database(path: Path) -> None:
    path.write_bytes(b"<html>" * 1_000)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (foreign, SetAside.FOREIGN),
        (newer, SetAside.NEWER),
        (damaged, SetAside.DAMAGED),
        (no_database, SetAside.DAMAGED),
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_and_a_new_one_works(
    file: ArchiveFile, path: Path, spoil: object, reason: SetAside
) -> None:
    path.parent.mkdir(exist_ok=True)
    spoil(path)  # type: ignore[operator]  # a function of this module
    content = path.read_bytes()
    with pytest.raises(ArchiveReplaced) as replaced:
        file.load_logs(START)
    assert replaced.value.reason is reason
    assert file.path_aside.read_bytes() == content
    write(file, change(records=[record(1)]))
    assert len(rows(path)) == 1


def test_deleting_leaves_nothing_behind(file: ArchiveFile, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    no_database(path)
    with pytest.raises(ArchiveReplaced):
        file.open()
    write(file, change(records=[record(1)]))
    file.delete()
    assert [*path.parent.iterdir()] == []


def test_the_payments_to_one_merchant_are_found_newest_first(file: ArchiveFile) -> None:
    groups = ("grp_deli", None, "grp_bus", "grp_deli")
    write(file, change(records=[record(n, merchant_group=it) for n, it in enumerate(groups)]))
    found = {
        group: [it.id for it in file.find(everything(merchant_group=group))]
        for group in ("grp_deli", "", None)
    }
    assert found == {
        "grp_deli": ["tx_3", "tx_0"],
        "": ["tx_1"],
        None: ["tx_3", "tx_2", "tx_1", "tx_0"],
    }
