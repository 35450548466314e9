"""The comparison of this integration with the built-in one: its arithmetic, and its counts."""

from pathlib import Path
import sys

from aiohttp import ClientSession
import pytest

from sandbox.bench.comparison import Row, measured, table
from sandbox.bench.worker import FastClock, RequestTrace

# Bench and demo run on the newest Home Assistant.
PYTHON = Path(__file__).parents[3] / ".venv-demo/bin/python"


@pytest.fixture
def requests(session: ClientSession) -> RequestTrace:
    """Return what is known of a program's requests: none yet."""
    return RequestTrace(session, FastClock())


@pytest.mark.parametrize(
    ("spans", "row"),
    [
        pytest.param([], 0, id="nothing was asked"),
        pytest.param([(1, 2), (1, 3), (1, 4)], 1, id="all at once"),
        pytest.param([(1, 2), (2, 3), (3, 4)], 3, id="one after the other"),
        pytest.param([(1, 2), (1, 5), (2, 3), (3, 4)], 3, id="one of them meanwhile"),
    ],
)
def test_requests_that_wait_for_one_another_are_in_a_row(
    requests: RequestTrace, spans: list[tuple[float, float]], row: int
) -> None:
    requests.spans = spans
    assert requests.in_a_row() == row


def test_the_most_requests_are_looked_for_in_every_span(requests: RequestTrace) -> None:
    requests.spans = [(sent, sent + 1) for sent in (0, 150, 280, 290, 399, 449)]
    assert requests.most_within(300) == 5
    assert requests.most_within(10) == 1
    assert requests.most_within(11) == 2


def test_both_integrations_stand_side_by_side() -> None:
    rows = [
        Row("requests", 0, core=[6, 14, 42], ours=[3, 7, 21]),
        Row("seconds", 2, core=[1, 1, 1], ours=[0.25, 1, 2]),
    ]
    _, _, requests, seconds = table(rows).splitlines()
    assert requests.split() == ["requests", "6", "3", "0.50", "14", "7", "0.50", "42", "21", "0.50"]
    assert seconds.split()[1:4] == ["1.00", "0.25", "0.25"]


async def test_a_payment_takes_few_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(PYTHON))
    payments = await measured("ours", 1, "payments", latency=0.01, repetitions=1)
    assert payments["requests"] == 2
    assert payments["requests_with_round_up"] <= 3
    assert payments["event"] > 0
    assert payments["next_balance"] > 0
