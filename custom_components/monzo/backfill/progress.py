"""How much of the history is in the archive."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from ..transactions import Span

_YEAR: Final = timedelta(days=365.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryProgress:
    """How much of the history of several accounts is in the archive, measured by time."""

    read: timedelta
    total: timedelta
    """Of all accounts together."""

    longest: timedelta
    """The history of the oldest account."""

    @classmethod
    def of(cls, histories: Iterable[tuple[Span, Iterable[Span]]]) -> Self:
        """Return the progress for histories, each with the parts of it that are missing."""
        total = missing = longest = timedelta()
        for (since, until), gaps in histories:
            length = until - since
            total += length
            longest = max(longest, length)
            missing += sum((end - begin for begin, end in gaps), timedelta())
        return cls(read=total - missing, total=total, longest=longest)

    @property
    def percent(self) -> int:
        """Percentage that was read, rounded down so that 100 means everything."""
        return 100 * self.read // self.total if self.total else 100

    @property
    def years(self) -> float:
        """Years since the oldest account was opened, or since the first day that is kept."""
        return round(self.longest / _YEAR, 1)

    @property
    def years_read(self) -> float:
        """The share of these years that was read; with several accounts, on average."""
        share = self.read / self.total if self.total else 1.0
        return round(self.longest / _YEAR * share, 1)


def gaps_before(gaps: Iterable[Span], moment: datetime) -> list[Span]:
    """Return the parts of the gaps that are older than a moment."""
    return [(since, min(until, moment)) for since, until in gaps if since < moment]


def gaps_after(gaps: Iterable[Span], moment: datetime) -> list[Span]:
    """Return the parts of the gaps that are newer than a moment."""
    return [(max(since, moment), until) for since, until in gaps if until > moment]
