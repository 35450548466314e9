"""Rows of long-term statistics: their times, their sums, and corrections."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple, Self

# Older transactions are summed up in one row per day, because Home Assistant needs up to a
# millisecond for each row.
_HOURLY_FOR: Final = timedelta(days=90)

# Noon in UTC is within the same day in the time zones from UTC-12 to UTC+11.
_NOON: Final = time(12, tzinfo=UTC)


# The recorder needs up to a millisecond for a row, and does nothing else in that time.
ROWS_AT_ONCE: Final = 2_000


class StatisticsRow(NamedTuple):
    """One row, with amounts in minor units."""

    start: datetime
    """The full hour, in UTC."""

    change: int
    """The sum of the transactions of the row."""

    total: int
    """The sum of this row and all rows before it."""


@dataclass(frozen=True, slots=True)
class RowTimes:
    """The times of rows: one per hour after a border, and one per day before it."""

    hourly_since: datetime
    """The border: a local midnight, in UTC. It never changes, so that no row counts twice."""

    zone: tzinfo

    @classmethod
    def beginning(cls, now: datetime, zone: tzinfo) -> Self:
        """Return the times for new statistics."""
        return cls(midnight((now - _HOURLY_FOR).astimezone(zone).date(), zone), zone)

    def start_of_row(self, moment: datetime) -> datetime:
        """Return the start of the row that contains a moment."""
        if moment >= self.hourly_since:
            return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return datetime.combine(moment.astimezone(self.zone).date(), _NOON)

    def first_moment_of_row(self, moment: datetime) -> datetime:
        """Return the first moment of the row that contains a moment."""
        if moment >= self.hourly_since:
            return max(self.hourly_since, self.start_of_row(moment))
        return midnight(moment.astimezone(self.zone).date(), self.zone)

    def add_up(self, amounts: Iterable[tuple[datetime, int]]) -> dict[datetime, int]:
        """Return the sum of each row by its start."""
        sums: dict[datetime, int] = {}
        for moment, amount in amounts:
            start = self.start_of_row(moment)
            sums[start] = sums.get(start, 0) + amount
        return sums


def rows_to_send(
    sums: Mapping[datetime, int], sent: Mapping[datetime, int], sent_before: int
) -> list[StatisticsRow]:
    """Return the rows from the first changed one on, oldest first.

    `sums` and `sent` begin at the same moment, and `sent_before` is the sum of all rows before it.
    A row without transactions is kept with a sum of zero, because Home Assistant cannot remove
    single rows.
    """
    starts = sorted(sums.keys() | sent.keys())
    total = sent_before
    rows: list[StatisticsRow] = []
    for start in starts:
        change = sums.get(start, 0)
        total += change
        if rows or sent.get(start) != change:
            rows.append(StatisticsRow(start, change, total))
    return rows


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the start of a local day in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
