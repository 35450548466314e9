"""The tables of the archive's file, and the check of whether a file is usable."""

from contextlib import closing
from enum import StrEnum
import sqlite3
from typing import Final

from .search_text import search_text

# Marks the file as ours: "MNZO".
_APPLICATION_ID: Final = 0x4D4E5A4F

# SQLite uses an index of an expression for exactly this expression.
GROUP_OF_MERCHANT: Final = "coalesce(merchant_group, '')"

# Each script upgrades the file by one version. Released scripts never change.
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
    CREATE INDEX transactions_by_time
        ON transactions (account, created, id, taken_back, searchable);
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
    # Before, searches found an accent only with the same accent.
    """
    UPDATE transactions SET searchable = search_text(searchable);
    """,
    """
    CREATE TABLE unreadable_spans (
        account TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (account, since, until)
    ) STRICT, WITHOUT ROWID;
    """,
    # Without it, finding the payments to one merchant reads all payments of a year.
    f"""
    CREATE INDEX transactions_by_merchant ON transactions (account, {GROUP_OF_MERCHANT}, created);
    """,
)


class SetAside(StrEnum):
    """The reason why a file was set aside."""

    DAMAGED = "damaged"
    FOREIGN = "foreign"
    NEWER = "newer"


class UnusableFileError(Exception):
    """The file at the archive's path is unusable."""

    def __init__(self, reason: SetAside) -> None:
        """Initialize with the reason."""
        super().__init__(reason)
        self.reason = reason


def prepare(connection: sqlite3.Connection) -> None:
    """Check the file, and upgrade it to the current version.

    Raises UnusableFileError if it is another program's file, newer than this version, or damaged.
    """
    connection.create_function("search_text", 1, search_text, deterministic=True)
    with closing(connection.cursor()) as sql:
        # A copy of a file with a write-ahead log can be torn, for example in a backup.
        sql.execute("PRAGMA journal_mode = DELETE")
        # Otherwise a power cut could bring back what was written last, and reports be repeated.
        sql.execute("PRAGMA synchronous = EXTRA")
        sql.execute("PRAGMA secure_delete = ON")
        (application_id,) = sql.execute("PRAGMA application_id").fetchone()
        (version,) = sql.execute("PRAGMA user_version").fetchone()
        (tables,) = sql.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application_id != _APPLICATION_ID and (tables or application_id):
            raise UnusableFileError(SetAside.FOREIGN)
        if version > len(_MIGRATIONS):
            raise UnusableFileError(SetAside.NEWER)
        if sql.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise UnusableFileError(SetAside.DAMAGED)
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            sql.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {_APPLICATION_ID};"
                f"PRAGMA user_version = {number}; COMMIT;"
            )
