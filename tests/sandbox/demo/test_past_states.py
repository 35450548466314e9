"""States of the time before the demo's first start."""

from datetime import UTC, datetime, timedelta

from sandbox.demo.past_states import recent_changes

_NOW = datetime(2026, 11, 18, 18, tzinfo=UTC)


def test_there_is_a_state_for_each_change_of_the_last_two_weeks() -> None:
    first = _NOW - timedelta(days=14)
    balances = {
        first - timedelta(hours=2): 1,
        first: 10_000,
        first + timedelta(hours=1): 10_000,
        first + timedelta(hours=2): 9_505,
    }
    assert list(recent_changes(balances, _NOW)) == [
        ((first + timedelta(hours=1)).timestamp(), "100.00"),
        ((first + timedelta(hours=3)).timestamp(), "95.05"),
    ]
