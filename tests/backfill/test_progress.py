"""The progress of the history is measured by time."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.monzo.backfill.progress import HistoryProgress, gaps_after, gaps_before
from custom_components.monzo.transactions.spans import Spans

NOW = datetime(2026, 9, 16, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def test_gaps_are_the_times_in_no_span() -> None:
    spans = Spans([(ago(50), ago(40)), (ago(20), ago(10))])
    assert spans.gaps(ago(60), NOW) == [(ago(60), ago(50)), (ago(40), ago(20)), (ago(10), NOW)]
    assert spans.gaps(ago(45), ago(15)) == [(ago(40), ago(20))]
    assert spans.gaps(ago(20), ago(10)) == []
    assert spans.gaps(ago(5), ago(5)) == []
    assert Spans().gaps(ago(5), NOW) == [(ago(5), NOW)]


def test_gaps_are_split_at_a_moment() -> None:
    gaps = [(ago(60), ago(50)), (ago(40), ago(20)), (ago(10), NOW)]
    assert gaps_before(gaps, ago(30)) == [(ago(60), ago(50)), (ago(40), ago(30))]
    assert gaps_after(gaps, ago(30)) == [(ago(30), ago(20)), (ago(10), NOW)]


@pytest.mark.parametrize(
    ("missing", "percent", "years_read"),
    [([], 100, 4.0), ([(ago(1461), ago(1461 / 2))], 50, 2.0), ([(ago(1461), ago(1460))], 99, 4.0)],
)
def test_progress_is_the_share_of_the_time_that_was_read(
    missing: list[tuple[datetime, datetime]], percent: int, years_read: float
) -> None:
    progress = HistoryProgress.of([((ago(1461), NOW), missing)])
    assert (progress.percent, progress.years_read, progress.years) == (percent, years_read, 4.0)


def test_an_account_that_was_just_opened_has_nothing_to_read() -> None:
    assert HistoryProgress.of([((NOW, NOW), [])]).percent == 100
    assert HistoryProgress.of([]).percent == 100


def test_spans_that_differ_only_in_their_end_need_no_write() -> None:
    spans = Spans([(ago(50), ago(40)), (ago(20), ago(10))])
    assert spans.equals_except_for_end(spans.with_span(ago(20), NOW))
    assert not spans.equals_except_for_end(spans.with_span(ago(60), ago(50)))
    assert not spans.equals_except_for_end(Spans())
    assert Spans().equals_except_for_end(Spans())
