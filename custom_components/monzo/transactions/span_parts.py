"""Division of a span of time into parts that the archive covers, and other parts."""

from dataclasses import dataclass
from datetime import UTC, datetime

from .spans import Span, Spans

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPart:
    """A part of a span."""

    since: datetime

    before: datetime | None
    """The end, exclusive; None for an open end."""

    is_kept: bool
    """Whether the archive has all transactions of this part."""


def span_parts(kept: Spans, since: datetime, before: datetime | None) -> list[SpanPart]:
    """Return the parts of a span, newest first. `kept` has the spans that the archive covers.

    The last part of a span with an open end has an open end, too.
    """
    end = before or _END_OF_TIME
    gaps = kept.gaps(since, end)
    clipped = ((max(first, since), min(last, end)) for first, last in kept)
    parts = [(part, True) for part in clipped if part[0] < part[1]]
    parts += [(part, False) for part in gaps]
    return [_part(part, is_kept=is_kept) for part, is_kept in sorted(parts, reverse=True)]


def _part(span: Span, *, is_kept: bool) -> SpanPart:
    since, before = span
    return SpanPart(since=since, before=None if before == _END_OF_TIME else before, is_kept=is_kept)
