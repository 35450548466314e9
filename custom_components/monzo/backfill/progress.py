"""Progress of the import: the share of the history that is in the archive."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from ..transactions import Span

_YEAR: Final = timedelta(days=365.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryProgress:
    """The share of the history of several accounts that is in the archive, measured by time."""

    read: timedelta
    total: timedelta
    """The length of all accounts' histories together."""

    longest: timedelta
    """The length of the longest history, that of the oldest account."""

    @classmethod
    def of(cls, histories: Iterable[tuple[Span, Iterable[Span]]]) -> Self:
        """Return the progress for histories, each given with its missing parts."""
        total = missing = longest = timedelta()
        for (since, until), gaps in histories:
            length = until - since
            total += length
            longest = max(longest, length)
            missing += sum((end - begin for begin, end in gaps), timedelta())
        return cls(read=total - missing, total=total, longest=longest)

    @property
    def percent(self) -> int:
        """The percentage that was read, rounded down so that 100 means everything."""
        return 100 * self.read // self.total if self.total else 100

    @property
    def years(self) -> float:
        """The years since the oldest account was opened, or since the first day that is kept."""
        return round(self.longest / _YEAR, 1)

    @property
    def years_read(self) -> float:
        """The number of these years that were read, as an average of several accounts."""
        share = self.read / self.total if self.total else 1.0
        return round(self.longest / _YEAR * share, 1)


def gaps_before(gaps: Iterable[Span], moment: datetime) -> list[Span]:
    """Return the parts of gaps that are before a moment."""
    return [(since, min(until, moment)) for since, until in gaps if since < moment]


def gaps_after(gaps: Iterable[Span], moment: datetime) -> list[Span]:
    """Return the parts of gaps that are after a moment."""
    return [(max(since, moment), until) for since, until in gaps if until > moment]
