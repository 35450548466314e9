"""The archive's record of the rows that were sent to the recorder, as SQL without Home Assistant.

It contains the change of each row. So a correction needs neither the rows in the recorder, which
writes them later, nor the earlier amount or category of a transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
import sqlite3
from typing import Final

from homeassistant.util import slugify

from .statistics_rows import RowTimes, StatisticsRow, rows_to_send

SPENDING: Final = "spending"
INCOME: Final = "income"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# The offsets of time zones from UTC are multiples of this.
_QUARTER: Final = timedelta(minutes=15) // _MICROSECOND

# In microseconds since 1970. No transaction is older.
_NEVER: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsUpdate:
    """The rows of an account for the recorder, and the state to store once it has written them."""

    account_id: str

    rows: Mapping[str, list[StatisticsRow]]
    """By the name of the series, such as `spending_groceries`."""

    times: RowTimes
    revision: int
    until: datetime


def find_update(
    sql: sqlite3.Connection, account_id: str, now: datetime, zone: tzinfo
) -> StatisticsUpdate | None:
    """Return the rows to send for new and changed transactions; None if there are none.

    Transactions that are dated after `now` do not count yet.
    """
    times, revision, until = _state(sql, account_id, now, zone)
    since = _first_change(sql, account_id, revision, until, now)
    if since is None:
        return None
    begin = times.first_moment_of_row(since)
    sums = {
        series: times.add_up(amounts)
        for series, amounts in _amounts(sql, account_id, begin, now).items()
    }
    first_row = times.start_of_row(begin)
    sent = _sent(sql, account_id, first_row)
    rows = {
        series: rows_to_send(
            sums.get(series, {}),
            sent.get(series, {}),
            _sent_before(sql, account_id, series, first_row),
        )
        for series in sums.keys() | sent.keys()
    }
    query = "SELECT max(revision) FROM transactions WHERE account = ?"
    (newest,) = sql.execute(query, (account_id,)).fetchone()
    return StatisticsUpdate(
        account_id=account_id,
        rows={series: changed for series, changed in sorted(rows.items()) if changed},
        times=times,
        revision=newest,
        until=now,
    )


def note_sent(sql: sqlite3.Connection, update: StatisticsUpdate) -> None:
    """Record that the recorder has written the rows of an update."""
    sql.execute(
        "INSERT OR REPLACE INTO statistics_state VALUES (?, ?, ?, ?)",
        (
            update.account_id,
            to_number(update.times.hourly_since),
            update.revision,
            to_number(update.until),
        ),
    )
    sql.executemany(
        "INSERT OR REPLACE INTO statistics VALUES (?, ?, ?, ?)",
        (
            (update.account_id, series, to_number(row.start), row.change)
            for series, rows in update.rows.items()
            for row in rows
        ),
    )


def sent_series(sql: sqlite3.Connection, account_id: str) -> set[str]:
    """Return the names of the series that were sent to the recorder."""
    query = "SELECT DISTINCT series FROM statistics WHERE account = ?"
    return {series for (series,) in sql.execute(query, (account_id,))}


def forget_sent(sql: sqlite3.Connection, account_ids: Iterable[str]) -> None:
    """Delete the record of these accounts, because their statistics are cleared."""
    for account_id in account_ids:
        sql.execute("DELETE FROM statistics WHERE account = ?", (account_id,))
        sql.execute("DELETE FROM statistics_state WHERE account = ?", (account_id,))


def _state(
    sql: sqlite3.Connection, account_id: str, now: datetime, zone: tzinfo
) -> tuple[RowTimes, int, int]:
    """Return the times of rows, and the revision and the moment of the last update."""
    query = "SELECT hourly_since, revision, until FROM statistics_state WHERE account = ?"
    if (row := sql.execute(query, (account_id,)).fetchone()) is None:
        return RowTimes.beginning(now, zone), 0, _NEVER
    hourly_since, revision, until = row
    return RowTimes(from_number(hourly_since), zone), revision, until


def _first_change(
    sql: sqlite3.Connection, account_id: str, revision: int, until: int, now: datetime
) -> datetime | None:
    """Return the time of the oldest transaction that is new, has changed, or counts by now."""
    changed = sql.execute(
        # The plus sign keeps SQLite from going through all transactions by their time.
        """
        SELECT min(created) FROM transactions
        WHERE account = ? AND revision > ? AND +created <= ?
        """,
        (account_id, revision, to_number(now)),
    ).fetchone()
    come_of_age = sql.execute(
        "SELECT min(created) FROM transactions WHERE account = ? AND created > ? AND created <= ?",
        (account_id, until, to_number(now)),
    ).fetchone()
    found = [number for (number,) in (changed, come_of_age) if number is not None]
    return from_number(min(found)) if found else None


def _amounts(
    sql: sqlite3.Connection, account_id: str, begin: datetime, now: datetime
) -> dict[str, list[tuple[datetime, int]]]:
    """Return the amounts of each series, summed up by quarters of an hour."""
    span = (_QUARTER, account_id, to_number(begin), to_number(now))
    spent = sql.execute(
        """
        SELECT created / ?, part.key, sum(part.value)
        FROM transactions, json_each(transactions.spent) AS part
        WHERE account = ? AND created >= ? AND created <= ? GROUP BY 1, 2
        """,
        span,
    )
    amounts: dict[str, list[tuple[datetime, int]]] = {}
    for quarter, category, minor in spent:
        amount = (from_number(quarter * _QUARTER), minor)
        amounts.setdefault(SPENDING, []).append(amount)
        amounts.setdefault(f"{SPENDING}_{slugify(category)}", []).append(amount)
    received = sql.execute(
        """
        SELECT created / ?, sum(received) FROM transactions
        WHERE account = ? AND created >= ? AND created <= ? AND received != 0 GROUP BY 1
        """,
        span,
    )
    for quarter, minor in received:
        amounts.setdefault(INCOME, []).append((from_number(quarter * _QUARTER), minor))
    return amounts


def _sent(
    sql: sqlite3.Connection, account_id: str, since: datetime
) -> dict[str, dict[datetime, int]]:
    """Return the changes of the sent rows by series, from a row on."""
    sent: dict[str, dict[datetime, int]] = {}
    rows = sql.execute(
        "SELECT series, start, change FROM statistics WHERE account = ? AND start >= ?",
        (account_id, to_number(since)),
    )
    for series, start, change in rows:
        sent.setdefault(series, {})[from_number(start)] = change
    return sent


def _sent_before(sql: sqlite3.Connection, account_id: str, series: str, before: datetime) -> int:
    """Return the sum of the sent rows of a series before a row."""
    (total,) = sql.execute(
        """
        SELECT coalesce(sum(change), 0) FROM statistics
        WHERE account = ? AND series = ? AND start < ?
        """,
        (account_id, series, to_number(before)),
    ).fetchone()
    return int(total)


def to_number(moment: datetime) -> int:
    """Return a moment in the form that the archive stores."""
    return (moment - _EPOCH) // _MICROSECOND


def from_number(number: int) -> datetime:
    """Return a moment from the form that the archive stores."""
    return _EPOCH + number * _MICROSECOND
