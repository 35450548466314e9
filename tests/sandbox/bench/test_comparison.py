"""The comparison of both integrations."""

import pytest

from sandbox.bench.comparison import Row, measure, table
from tests.helpers.newest_home_assistant import PYTHON, needs_newest_home_assistant
from tests.sandbox.waiting import LIMIT_SECONDS


@pytest.fixture(autouse=True)
def _fixed_start() -> None:
    """Keep the real time, because Home Assistant runs in another process."""


def test_the_table_shows_both_integrations_side_by_side() -> None:
    rows = [
        Row("requests", 0, core=[6, 14, 42], ours=[3, 7, 21]),
        Row("seconds", 2, core=[1, 1, 1], ours=[0.25, 1, 2]),
    ]
    _, _, requests, seconds = table(rows).splitlines()
    assert requests.split() == ["requests", "6", "3", "0.50", "14", "7", "0.50", "42", "21", "0.50"]
    assert seconds.split()[1:4] == ["1.00", "0.25", "0.25"]


@needs_newest_home_assistant
@pytest.mark.timeout(5 * LIMIT_SECONDS)
async def test_a_payment_needs_few_requests() -> None:
    payments = await measure("ours", 1, "payments", latency=0.01, repetitions=1, python=PYTHON)
    assert payments["requests"] == 2
    assert payments["requests_with_round_up"] <= 3
    assert payments["event"] > 0
    assert payments["next_balance"] > 0
