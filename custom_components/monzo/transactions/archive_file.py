"""The file of the archive: SQL, and nothing of Home Assistant.

Everything here blocks, so it runs in the executor, and one call after the other. Times are stored
as microseconds since 1970, amounts in minor units.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
import json
import os
from pathlib import Path
import sqlite3
from typing import Any, Concatenate, Final

from ..api import Private
from .classification import TransactionKind
from .record import TransactionRecord
from .spans import Spans
from .transaction_log import FirstRead, KnownTransaction, ReadState, TransactionLog

# Marks the file as ours: "MNZO".
_APPLICATION_ID: Final = 0x4D4E5A4F

# How long to wait for another program that has locked the file.
_LOCKED_SECONDS: Final = 1.0

# The errors of a disk that is full, read-only or damaged, and of a file that is locked.
DISK_ERRORS: Final = (sqlite3.Error, OSError)

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

# Each script brings the file to the next version. They never change once they are released.
_MIGRATIONS: Final = (
    """
    CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        entry_id TEXT NOT NULL,
        currency TEXT NOT NULL,
        read_until INTEGER NOT NULL,
        first_read_before INTEGER,
        first_read_until INTEGER,
        unreadable_until INTEGER
    ) STRICT;
    CREATE TABLE spans (
        account TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE transactions (
        id TEXT NOT NULL,
        account TEXT NOT NULL,
        created INTEGER NOT NULL,
        settled INTEGER,
        minor INTEGER NOT NULL,
        currency TEXT NOT NULL,
        local_minor INTEGER,
        local_currency TEXT,
        kind TEXT NOT NULL,
        category TEXT,
        split TEXT NOT NULL,
        spent TEXT NOT NULL,
        received INTEGER NOT NULL,
        merchant TEXT,
        merchant_id TEXT,
        merchant_group TEXT,
        emoji TEXT,
        logo TEXT,
        counterparty TEXT,
        preferred_name TEXT,
        payee_id TEXT,
        description TEXT NOT NULL,
        notes TEXT,
        scheme TEXT,
        pot_id TEXT,
        decline_reason TEXT,
        round_up_of TEXT,
        searchable TEXT NOT NULL,
        taken_back INTEGER NOT NULL,
        reported INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (account, id)
    ) STRICT;
    CREATE INDEX transactions_by_time ON transactions (account, created);
    CREATE INDEX transactions_by_revision ON transactions (account, revision);
    """,
    """
    CREATE TABLE statistics (
        account TEXT NOT NULL,
        series TEXT NOT NULL,
        start INTEGER NOT NULL,
        change INTEGER NOT NULL,
        PRIMARY KEY (account, series, start)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE statistics_state (
        account TEXT PRIMARY KEY,
        hourly_since INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT;
    """,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_RECORD_COLUMNS: Final = tuple(TransactionRecord.__dataclass_fields__)
_FACTS: Final = (*_RECORD_COLUMNS, "searchable", "taken_back")
_TIMES: Final = frozenset({"created", "settled"})
_AMOUNTS_BY_CATEGORY: Final = frozenset({"split", "spent"})

# Only what differs is written, so that reading the same transactions again costs no write.
_UPSERT: Final = f"""
    INSERT INTO transactions ({", ".join(_FACTS)}, reported, revision)
    VALUES ({", ".join("?" * len(_FACTS))}, ?, ?)
    ON CONFLICT (account, id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _FACTS)},
        reported = max(reported, excluded.reported),
        revision = excluded.revision
    WHERE ({", ".join(_FACTS)}) IS NOT ({", ".join(f"excluded.{name}" for name in _FACTS)})
        OR reported < excluded.reported
"""  # noqa: S608 - names of columns

_STATE_COLUMNS: Final = (
    *("entry_id", "currency", "read_until"),
    *("first_read_before", "first_read_until", "unreadable_until"),
)
_UPSERT_STATE: Final = f"""
    INSERT INTO accounts (id, {", ".join(_STATE_COLUMNS)})
    VALUES (?, {", ".join("?" * len(_STATE_COLUMNS))})
    ON CONFLICT (id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _STATE_COLUMNS)}
    WHERE ({", ".join(_STATE_COLUMNS)})
        IS NOT ({", ".join(f"excluded.{name}" for name in _STATE_COLUMNS)})
"""  # noqa: S608 - names of columns


class SetAside(StrEnum):
    """Why a file was set aside."""

    DAMAGED = "damaged"
    FOREIGN = "foreign"
    NEWER = "newer"


class ArchiveReplaced(Exception):  # noqa: N818 - the new file works
    """A file that cannot be used was set aside, and a new one is empty."""

    def __init__(self, reason: SetAside) -> None:
        """Initialize with the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ArchiveChange(Private):
    """A change of one account, which is written as a whole or not at all."""

    account_id: str
    state: ReadState
    spans: Spans

    records: Sequence[TransactionRecord] = ()
    """Transactions that are new or have changed, or may have."""

    unreported: Collection[str] = ()
    """The IDs of those records that are not reported yet."""

    reported: str | None = None
    """The ID of a transaction that was reported."""

    taken_back: Collection[str] = ()
    """The IDs of transactions that the bank no longer lists: they count no more."""

    forget_before: datetime | None = None
    """Delete the transactions that are older; None to keep all."""


class ArchiveFile:
    """The file, which is opened, and made if there is none, when it is used."""

    def __init__(self, path: Path) -> None:
        """Initialize without opening the file."""
        self.path = path
        self._connection: sqlite3.Connection | None = None

    # Opening and closing

    def open(self) -> None:
        """Open the file, unless it is open.

        Raises ArchiveReplaced if the file was set aside; the new one is open then. Raises one of
        DISK_ERRORS if it cannot be opened now.
        """
        if self._connection is not None:
            return
        try:
            self._connection = self._open()
        except _UnusableFileError as err:
            self._set_aside()
            self._connection = self._open()
            raise ArchiveReplaced(err.reason) from err

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(exist_ok=True)
        self._make_private()
        connection = sqlite3.connect(
            self.path, timeout=_LOCKED_SECONDS, autocommit=True, check_same_thread=False
        )
        try:
            _prepare(connection)
        except sqlite3.DatabaseError as err:
            connection.close()
            if getattr(err, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise _UnusableFileError(SetAside.DAMAGED) from err
            raise
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_private(self) -> None:
        """Make the file, so that nobody else can read it even for a moment."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except (PermissionError, IsADirectoryError) as err:
            raise _UnusableFileError(SetAside.FOREIGN) from err
        try:
            os.fchmod(descriptor, 0o600)
        except PermissionError as err:
            raise _UnusableFileError(SetAside.FOREIGN) from err
        finally:
            os.close(descriptor)

    @property
    def path_aside(self) -> Path:
        """The place of a file that was set aside."""
        return self.path.with_name(f"{self.path.name}.old")

    def _set_aside(self) -> None:
        """Rename the file, and replace one that was set aside before."""
        for path in _with_journal(self.path_aside):
            path.unlink(missing_ok=True)
        files = zip(_with_journal(self.path), _with_journal(self.path_aside), strict=True)
        for path, aside in files:
            if path.exists():
                path.replace(aside)

    def close(self) -> None:
        """Close the file. It is opened again when it is used."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def delete(self) -> None:
        """Close and delete the file, and all that belongs to it."""
        self.close()
        for path in (*_with_journal(self.path), *_with_journal(self.path_aside)):
            path.unlink(missing_ok=True)

    @property
    def _sql(self) -> sqlite3.Connection:
        if self._connection is None:
            message = "The archive is not open"
            raise sqlite3.ProgrammingError(message)
        return self._connection

    # Writing

    def run(self, operations: Iterable[Callable[[ArchiveFile], None]]) -> None:
        """Run operations of this class that write: all of them, or none if one fails.

        Raises the errors of `open`.
        """
        self.open()
        try:
            with self._transaction():
                for operation in operations:
                    operation(self)
        except sqlite3.DatabaseError as err:
            if getattr(err, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                # The next call finds the damage, and sets the file aside.
                self.close()
            raise

    def use[**Parameters, Result](
        self,
        function: Callable[Concatenate[sqlite3.Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Call a function with the connection; what it writes is written as a whole.

        Raises the errors of `open`.
        """
        self.open()
        with self._transaction():
            return function(self._sql, *args, **kwargs)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # SQLite itself rolls back after some errors.
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def write(self, change: ArchiveChange) -> None:
        """Write a change of an account."""
        rows = self._write_records(change)
        state = self._sql.execute(
            _UPSERT_STATE, (change.account_id, *_state_to_row(change.state))
        ).rowcount
        stored = self._spans(change.account_id)
        # The end of the newest span moves with every read, which alone is worth no write.
        if rows or state or not change.spans.equals_except_for_end(stored):
            self._write_spans(change.account_id, change.spans)

    def _write_records(self, change: ArchiveChange) -> int:
        """Write the transactions of a change; return how many rows that has changed."""
        account, revision = change.account_id, self._next_revision(change.account_id)
        changed = 0
        for record in change.records:
            reported = record.id not in change.unreported
            row = (*_record_to_row(record), False, reported, revision)
            changed += self._sql.execute(_UPSERT, row).rowcount
        for transaction_id in change.taken_back:
            changed += self._sql.execute(
                """
                UPDATE transactions SET taken_back = TRUE, spent = '{}', received = 0, revision = ?
                WHERE account = ? AND id = ? AND NOT taken_back
                """,
                (revision, account, transaction_id),
            ).rowcount
        if change.reported is not None:
            changed += self._sql.execute(
                "UPDATE transactions SET reported = TRUE WHERE account = ? AND id = ?",
                (account, change.reported),
            ).rowcount
        if change.forget_before is not None:
            changed += self._sql.execute(
                "DELETE FROM transactions WHERE account = ? AND created < ?",
                (account, _to_number(change.forget_before)),
            ).rowcount
        return changed

    def _next_revision(self, account_id: str) -> int:
        query = "SELECT coalesce(max(revision), 0) + 1 FROM transactions WHERE account = ?"
        (revision,) = self._sql.execute(query, (account_id,)).fetchone()
        return int(revision)

    def _write_spans(self, account_id: str, spans: Spans) -> None:
        self._sql.execute("DELETE FROM spans WHERE account = ?", (account_id,))
        self._sql.executemany(
            "INSERT INTO spans VALUES (?, ?, ?)",
            [(account_id, _to_number(since), _to_number(until)) for since, until in spans],
        )

    def write_known(
        self, account_id: str, state: ReadState, known: Iterable[tuple[str, KnownTransaction]]
    ) -> None:
        """Write an account of which only the known transactions are at hand; all were reported.

        Transactions that are in the file already keep their other facts.
        """
        revision = self._next_revision(account_id)
        for id_, transaction in known:
            record = TransactionRecord(
                id=id_,
                account=account_id,
                created=transaction.created,
                # The time of the settlement is corrected by the next read.
                settled=transaction.created if transaction.settled else None,
                minor=transaction.amount,
                currency=state.currency,
                kind=TransactionKind.OTHER,
                category=transaction.category,
                split={},
                spent=transaction.spent,
            )
            self._sql.execute(
                f"""
                INSERT INTO transactions ({", ".join(_FACTS)}, reported, revision)
                VALUES ({", ".join("?" * len(_FACTS))}, TRUE, ?)
                ON CONFLICT (account, id) DO UPDATE SET reported = TRUE
                """,  # noqa: S608 - names of columns
                (*_record_to_row(record), False, revision),
            )
        self._sql.execute(_UPSERT_STATE, (account_id, *_state_to_row(state)))

    def forget_account(self, account_id: str) -> None:
        """Delete everything about an account."""
        self._sql.execute("DELETE FROM transactions WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM spans WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM statistics WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM statistics_state WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM accounts WHERE id = ?", (account_id,))

    # Reading

    def load_logs(self, since: datetime) -> dict[str, TransactionLog]:
        """Return the logs of all accounts, with the reported transactions since a moment.

        Raises the errors of `open`.
        """
        self.open()
        states = self._sql.execute(f"SELECT id, {', '.join(_STATE_COLUMNS)} FROM accounts")  # noqa: S608 - names of columns
        return {
            account_id: TransactionLog(
                _state_from_row(row), self._known(account_id, since), self._spans(account_id)
            )
            for account_id, *row in states.fetchall()
        }

    def _known(self, account_id: str, since: datetime) -> dict[str, KnownTransaction]:
        rows = self._sql.execute(
            """
            SELECT id, created, minor, settled IS NOT NULL, category, spent, received
            FROM transactions
            WHERE account = ? AND created >= ? AND reported
            """,
            (account_id, _to_number(since)),
        )
        return {
            id_: KnownTransaction(
                created=_from_number(created),
                amount=minor,
                settled=bool(settled),
                category=category,
                spent=json.loads(spent),
                received=received,
            )
            for id_, created, minor, settled, category, spent, received in rows
        }

    def spent_between(
        self, account_id: str, since: datetime, before: datetime
    ) -> list[tuple[datetime, int]]:
        """Return when each transaction of a period was made, and its spending in minor units.

        Raises the errors of `open`.
        """
        self.open()
        rows = self._sql.execute(
            """
            SELECT created, spent FROM transactions
            WHERE account = ? AND created >= ? AND created < ? AND spent != '{}'
            """,
            (account_id, _to_number(since), _to_number(before)),
        )
        return [(_from_number(created), sum(json.loads(spent).values())) for created, spent in rows]

    def _spans(self, account_id: str) -> Spans:
        rows = self._sql.execute("SELECT since, until FROM spans WHERE account = ?", (account_id,))
        return Spans((_from_number(since), _from_number(until)) for since, until in rows)

    def counts(self) -> dict[str, float]:
        """Return how many accounts and transactions there are, and the size of the file.

        Raises the errors of `open`.
        """
        self.open()
        (accounts,) = self._sql.execute("SELECT count(*) FROM accounts").fetchone()
        (transactions,) = self._sql.execute("SELECT count(*) FROM transactions").fetchone()
        megabytes = round(self.path.stat().st_size / 1e6, 1)
        return {"accounts": accounts, "transactions": transactions, "megabytes": megabytes}


class _UnusableFileError(Exception):
    """The file at the place of the archive cannot be used."""

    def __init__(self, reason: SetAside) -> None:
        super().__init__(reason)
        self.reason = reason


def _prepare(connection: sqlite3.Connection) -> None:
    """Check the file, and bring it to the current version.

    Raises _UnusableFileError if it is not ours, newer, or damaged.
    """
    with closing(connection.cursor()) as sql:
        # A copy of a file with a write-ahead log, such as a backup's, can be torn.
        sql.execute("PRAGMA journal_mode = DELETE")
        sql.execute("PRAGMA synchronous = FULL")
        sql.execute("PRAGMA secure_delete = ON")
        (application_id,) = sql.execute("PRAGMA application_id").fetchone()
        (version,) = sql.execute("PRAGMA user_version").fetchone()
        (tables,) = sql.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application_id != _APPLICATION_ID and (tables or application_id):
            raise _UnusableFileError(SetAside.FOREIGN)
        if version > len(_MIGRATIONS):
            raise _UnusableFileError(SetAside.NEWER)
        if sql.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _UnusableFileError(SetAside.DAMAGED)
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            sql.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {_APPLICATION_ID};"
                f"PRAGMA user_version = {number}; COMMIT;"
            )


def _with_journal(path: Path) -> tuple[Path, Path]:
    """Return the paths of a file, and of the journal with which SQLite repairs it after a kill."""
    return path, path.with_name(f"{path.name}-journal")


def _to_number(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _from_number(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND


def _optional_number(moment: datetime | None) -> int | None:
    return None if moment is None else _to_number(moment)


def _optional_moment(number: int | None) -> datetime | None:
    return None if number is None else _from_number(number)


def _record_to_row(record: TransactionRecord) -> tuple[Any, ...]:
    """Return a record as the columns before `taken_back` hold it."""
    searchable = "\n".join(filter(None, record.texts)).casefold()
    return (
        *(_value_to_column(name, getattr(record, name)) for name in _RECORD_COLUMNS),
        _value_to_column("searchable", searchable),
    )


def _value_to_column(name: str, value: Any) -> Any:  # noqa: ANN401 - of any column
    if name in _TIMES:
        return _optional_number(value)
    if name in _AMOUNTS_BY_CATEGORY:
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        # JSON can contain halves of characters, which SQLite refuses.
        return value.encode(errors="replace").decode()
    return value


def _state_to_row(state: ReadState) -> tuple[str | int | None, ...]:
    first_read = state.first_read
    return (
        state.entry_id,
        state.currency,
        _to_number(state.read_until),
        _to_number(first_read.before) if first_read else None,
        _to_number(first_read.read_until) if first_read else None,
        _optional_number(state.unreadable_until),
    )


def _state_from_row(row: Sequence[Any]) -> ReadState:
    entry_id, currency, read_until, before, first_read_until, unreadable_until = row
    return ReadState(
        entry_id=entry_id,
        currency=currency,
        read_until=_from_number(read_until),
        first_read=None
        if before is None
        else FirstRead(before=_from_number(before), read_until=_from_number(first_read_until)),
        unreadable_until=_optional_moment(unreadable_until),
    )
