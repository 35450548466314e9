"""The archive's file on the disk: private, checked when it is opened, and written atomically.

All functions here block, so they run in the executor. Calls wait for each other.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
import os
from pathlib import Path
import sqlite3
from threading import RLock
from typing import Concatenate, Final, Self

from .archive_schema import SetAside, UnusableFileError, prepare

# The maximum wait for another program that has locked the file.
LOCKED_SECONDS: Final = 1.0

# The errors of a full, read-only or damaged disk, and of a locked file.
DISK_ERRORS: Final = (sqlite3.Error, OSError)

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class ArchiveReplaced(Exception):  # noqa: N818 - the new file works
    """An unusable file was set aside, and a new, empty one was created."""

    def __init__(self, reason: SetAside) -> None:
        """Initialize with the reason."""
        super().__init__(reason)
        self.reason = reason


def exclusive[Database: ArchiveDatabase, **Parameters, Result](
    method: Callable[Concatenate[Database, Parameters], Result],
) -> Callable[Concatenate[Database, Parameters], Result]:
    """Decorate a method so that its calls wait for each other, even if a caller is cancelled."""

    @wraps(method)
    def run(file: Database, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with file.lock:
            return method(file, *args, **kwargs)

    return run


class ArchiveDatabase:
    """The file, which is created and opened when it is first used."""

    def __init__(self, path: Path) -> None:
        """Initialize without opening the file."""
        self.path = path
        self.lock = RLock()
        """Held while the file is used, because SQLite does not lock a single connection."""
        self._connection: sqlite3.Connection | None = None
        self._has_free_space = False

    # Opening and closing

    @exclusive
    def open(self) -> None:
        """Open the file, unless it is open.

        Raises ArchiveReplaced if the file was set aside; in that case, the new one is open. Raises
        one of DISK_ERRORS if it cannot be opened now.
        """
        if self._connection is not None:
            return
        try:
            self._connection = self._open()
        except UnusableFileError as err:
            self._set_aside()
            self._connection = self._open()
            raise ArchiveReplaced(err.reason) from err

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(exist_ok=True)
        self._make_private()
        connection = sqlite3.connect(
            self.path, timeout=LOCKED_SECONDS, autocommit=True, check_same_thread=False
        )
        try:
            prepare(connection)
        except sqlite3.DatabaseError as err:
            connection.close()
            if getattr(err, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise UnusableFileError(SetAside.DAMAGED) from err
            raise
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_private(self) -> None:
        """Create the file with permissions that let no other user read it, from the start."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except (PermissionError, IsADirectoryError) as err:
            raise UnusableFileError(SetAside.FOREIGN) from err
        try:
            os.fchmod(descriptor, 0o600)
        except PermissionError as err:
            raise UnusableFileError(SetAside.FOREIGN) from err
        finally:
            os.close(descriptor)

    @property
    def path_aside(self) -> Path:
        """The path of the file that was set aside."""
        return self.path.with_name(f"{self.path.name}.old")

    def _set_aside(self) -> None:
        """Rename the file, replacing a file that was set aside earlier."""
        for path in _with_journal(self.path_aside):
            path.unlink(missing_ok=True)
        files = zip(_with_journal(self.path), _with_journal(self.path_aside), strict=True)
        for path, aside in files:
            if path.exists():
                path.replace(aside)

    @exclusive
    def close(self) -> None:
        """Close the file. It is opened again when it is next used."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def wait_until_idle(self) -> None:
        """Wait until no other call uses the file."""
        with self.lock:
            pass

    @exclusive
    def delete(self) -> None:
        """Close and delete the file and the files that belong to it."""
        self.close()
        for path in (*_with_journal(self.path), *_with_journal(self.path_aside)):
            path.unlink(missing_ok=True)

    @property
    def _sql(self) -> sqlite3.Connection:
        if self._connection is None:
            message = "The archive is not open"
            raise sqlite3.ProgrammingError(message)
        return self._connection

    @exclusive
    def run(self, operations: list[Callable[[Self], None]]) -> None:
        """Run operations that write, and remove them from the list.

        If one fails, none of them takes effect, and they stay in the list. Other threads may append
        to the list in the meantime. Raises the errors of `open`.
        """
        self.open()
        number = len(operations)
        try:
            with self._transaction():
                for operation in operations[:number]:
                    operation(self)
            if self._has_free_space:
                self._sql.execute("VACUUM")
                self._has_free_space = False
        except sqlite3.DatabaseError as err:
            if getattr(err, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                # The next call detects the damage, and sets the file aside.
                self.close()
            raise
        del operations[:number]

    def use[**Parameters, Result](
        self,
        function: Callable[Concatenate[sqlite3.Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Call a function with the connection. Its changes are written together or not at all.

        Raises the errors of `open`.
        """
        with self.lock:
            self.open()
            with self._transaction():
                return function(self._sql, *args, **kwargs)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # After some errors, SQLite has already rolled back.
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")


def _with_journal(path: Path) -> tuple[Path, Path]:
    """Return the paths of a file and of the journal with which SQLite repairs it after a crash."""
    return path, path.with_name(f"{path.name}-journal")
