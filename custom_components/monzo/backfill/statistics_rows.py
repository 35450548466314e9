"""The rows of long-term statistics: which transactions each one adds up, and corrections."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple, Self

# Days are added up in one row each before this time, because Home Assistant needs up to a
# millisecond for each row.
_HOURLY_FOR: Final = timedelta(days=90)

# Within the same day in the time zones from UTC-12 to UTC+11.
_NOON: Final = time(12, tzinfo=UTC)


# The recorder is busy with a row for up to a millisecond, and can do nothing else meanwhile.
ROWS_AT_ONCE: Final = 2_000


class StatisticsRow(NamedTuple):
    """One row; amounts in minor units."""

    start: datetime
    """The full hour at which it starts, in UTC."""

    change: int
    """The sum of the transactions of the row."""

    total: int
    """The sum of this row and all rows before it."""


@dataclass(frozen=True, slots=True)
class RowTimes:
    """When rows start: every hour, and once a day before a border."""

    hourly_since: datetime
    """Midnight of a local day, in UTC. It never changes, because rows would be counted twice."""

    zone: tzinfo

    @classmethod
    def beginning(cls, now: datetime, zone: tzinfo) -> Self:
        """Return the times for statistics that begin now."""
        return cls(midnight((now - _HOURLY_FOR).astimezone(zone).date(), zone), zone)

    def start_of_row(self, moment: datetime) -> datetime:
        """Return the start of the row that a moment belongs to."""
        if moment >= self.hourly_since:
            return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return datetime.combine(moment.astimezone(self.zone).date(), _NOON)

    def first_moment_of_row(self, moment: datetime) -> datetime:
        """Return the first moment of the row that a moment belongs to."""
        if moment >= self.hourly_since:
            return max(self.hourly_since, self.start_of_row(moment))
        return midnight(moment.astimezone(self.zone).date(), self.zone)

    def add_up(self, amounts: Iterable[tuple[datetime, int]]) -> dict[datetime, int]:
        """Return the sum of each row, by its start."""
        sums: dict[datetime, int] = {}
        for moment, amount in amounts:
            start = self.start_of_row(moment)
            sums[start] = sums.get(start, 0) + amount
        return sums


def rows_to_send(
    sums: Mapping[datetime, int], sent: Mapping[datetime, int], sent_before: int
) -> list[StatisticsRow]:
    """Return the rows from the first one that differs from those that were sent, oldest first.

    `sums` and `sent` begin at the same moment, and `sent_before` is the sum of all rows before it.
    A row that has no transaction any more stays with a sum of zero, because Home Assistant cannot
    remove single rows.
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
    """Return when a local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
