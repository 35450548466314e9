"""The clocks and counters of the benchmark's worker."""

from aiohttp import ClientSession
import pytest

from sandbox.bench.worker import FastClock, RequestTrace


@pytest.fixture
def requests(session: ClientSession) -> RequestTrace:
    """Return an empty trace."""
    return RequestTrace(session, FastClock())


@pytest.mark.parametrize(
    ("spans", "length"),
    [
        pytest.param([], 0, id="no requests"),
        pytest.param([(1, 2), (1, 3), (1, 4)], 1, id="all at once"),
        pytest.param([(1, 2), (2, 3), (3, 4)], 3, id="one after the other"),
        pytest.param([(1, 2), (1, 5), (2, 3), (3, 4)], 3, id="one in parallel"),
    ],
)
def test_requests_that_wait_for_a_response_form_a_sequence(
    requests: RequestTrace, spans: list[tuple[float, float]], length: int
) -> None:
    requests.spans = spans
    assert requests.longest_sequence() == length


def test_the_highest_number_of_requests_is_found_in_any_period(requests: RequestTrace) -> None:
    requests.spans = [(sent, sent + 1) for sent in (0, 150, 280, 290, 399, 449)]
    assert requests.most_within(300) == 5
    assert requests.most_within(10) == 1
    assert requests.most_within(11) == 2
