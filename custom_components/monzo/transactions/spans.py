"""Spans of time of which all transactions are known."""

from collections.abc import Iterable, Iterator
from datetime import datetime

type Span = tuple[datetime, datetime]
"""The first and the last moment."""


class Spans:
    """Ordered spans of time. Adjoining spans are merged."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        """Initialize with spans in any order."""
        self._spans: list[Span] = []
        for since, until in sorted(spans):
            if self._spans and since <= self._spans[-1][1]:
                first, last = self._spans[-1]
                self._spans[-1] = (first, max(last, until))
            else:
                self._spans.append((since, until))

    def __iter__(self) -> Iterator[Span]:
        """Iterate over the spans, oldest first."""
        return iter(self._spans)

    def with_span(self, since: datetime, until: datetime) -> Spans:
        """Return these spans together with another one."""
        return Spans([*self._spans, (since, until)])

    def since(self, moment: datetime) -> Spans:
        """Return the parts of the spans from a moment on."""
        return Spans((max(since, moment), until) for since, until in self._spans if until > moment)

    @property
    def end(self) -> datetime | None:
        """The end of the newest span; None without spans."""
        return self._spans[-1][1] if self._spans else None

    def start_of(self, moment: datetime | None) -> datetime | None:
        """Return the start of the span that contains a moment; None if there is none."""
        if moment is None:
            return None
        return next((since for since, until in self._spans if since <= moment <= until), None)

    def equals_except_for_end(self, other: Spans) -> bool:
        """Return whether other spans are the same, not counting the end of the newest one."""
        newest = [since for since, _until in self._spans[-1:]]
        others_newest = [since for since, _until in other._spans[-1:]]
        return self._spans[:-1] == other._spans[:-1] and newest == others_newest

    def gaps(self, since: datetime, until: datetime) -> list[Span]:
        """Return the parts of a time that are not covered, oldest first."""
        gaps: list[Span] = []
        for first, last in self._spans:
            if since < min(first, until):
                gaps.append((since, min(first, until)))
            since = max(since, last)
        if since < until:
            gaps.append((since, until))
        return gaps
