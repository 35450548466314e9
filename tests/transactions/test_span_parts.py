"""A span is divided into what the archive has and what it lacks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.transactions.span_parts import span_parts
from custom_components.monzo.transactions.spans import Spans

START = datetime(2026, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)

DAYS = st.integers(0, 30)
KEPT = st.lists(st.tuples(DAYS, DAYS).filter(lambda days: days[0] < days[1]), max_size=4)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ([], [(2, 9, False)]),
        ([(0, 30)], [(2, 9, True)]),
        ([(4, 6)], [(6, 9, False), (4, 6, True), (2, 4, False)]),
        ([(0, 3), (8, 12)], [(8, 9, True), (3, 8, False), (2, 3, True)]),
        ([(0, 2), (9, 12)], [(2, 9, False)]),
    ],
)
def test_the_parts_are_in_order_and_adjoin_each_other(
    kept: list[tuple[int, int]], expected: list[tuple[int, int, bool]]
) -> None:
    spans = Spans((day(first), day(last)) for first, last in kept)
    parts = span_parts(spans, day(2), day(9))
    assert [(part.since, part.before, part.is_kept) for part in parts] == [
        (day(since), day(before), is_kept) for since, before, is_kept in expected
    ]


@given(kept=KEPT, since=DAYS, length=st.integers(1, 30))
def test_every_moment_is_in_one_part(kept: list[tuple[int, int]], since: int, length: int) -> None:
    spans = Spans((day(first), day(last)) for first, last in kept)
    parts = span_parts(spans, day(since), day(since + length))
    for number in range(since, since + length):
        moment = day(number) + timedelta(hours=1)
        (part,) = (it for it in parts if it.before and it.since <= moment < it.before)
        assert part.is_kept == any(first <= number < last for first, last in kept)


def test_a_span_without_an_end_has_a_last_part_without_one() -> None:
    (newest, older) = span_parts(Spans([(day(4), END_OF_TIME)]), day(2), None)
    assert (newest.since, newest.before, newest.is_kept) == (day(4), None, True)
    assert (older.since, older.before, older.is_kept) == (day(2), day(4), False)
    (only,) = span_parts(Spans(), day(2), None)
    assert (only.before, only.is_kept) == (None, False)
