"""A clock that stands still until a test advances it."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
import time
from unittest.mock import patch

import time_machine


class StoppedClock:
    """The time of day and the monotonic clock of this process, which only a test advances."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        """Initialize the clock with the time of day that it controls."""
        self._traveller = traveller
        self._ahead = timedelta(0)

    def monotonic(self) -> float:
        """Return the seconds of the clock that never jumps."""
        return time.time() - self._ahead.total_seconds()

    def tick(self, by: timedelta | float) -> None:
        """Advance the time, by seconds if it is a number; a negative time sets the clock back."""
        self._traveller.shift(by)

    def jump(self, by: timedelta) -> None:
        """Set the time of day forward or back; the monotonic clock does not follow."""
        self.tick(by)
        self._ahead += by

    def move_to(self, moment: datetime | str) -> None:
        """Set the clock to a moment; a text without a time zone, as in ISO 8601, is in UTC."""
        self.tick(_in_utc(moment) - datetime.now(UTC))


@contextmanager
def stopped_clock(start: datetime | str) -> Generator[StoppedClock]:
    """Stop the clocks at a moment, including those of event loops and of HTTP connections.

    Home Assistant's test helpers use freezegun, which searches all imported modules for functions
    to replace, and slows down each calculation with times. It would take a tenth of all test time.
    """
    with time_machine.travel(_in_utc(start), tick=False) as traveller:
        clock = StoppedClock(traveller)
        with (
            patch.object(time, "monotonic", clock.monotonic),
            # It has imported the function, and measures with it how long a connection is unused.
            patch("aiohttp.connector.monotonic", clock.monotonic),
        ):
            yield clock


def _in_utc(moment: datetime | str) -> datetime:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
