"""The time of day at the bank, because a Raspberry Pi without a battery starts with a wrong one."""

from datetime import UTC, datetime, timedelta
import time
from typing import Final

# A Date header has whole seconds, and the local clock is exact if it agrees with it.
_AGREES: Final = timedelta(seconds=2)

# The longest time that a response may have been under way.
_MAX_TRANSIT: Final = timedelta(minutes=2)


class ServerClock:
    """The bank's clock, as the Date headers of its responses show it.

    It continues with a clock that never jumps, so setting the local clock does not change it.
    """

    def __init__(self) -> None:
        """Initialize the clock. Until the first observation it shows the local time."""
        # The time of day at the bank when the monotonic clock was zero.
        self._zero: datetime | None = None

    def observe(self, date: datetime) -> None:
        """Note the Date header of a response that has just arrived."""
        zero = date - _elapsed()
        # Of several responses, the one that was under way for the shortest time is most exact.
        if self._zero is None or not zero < self._zero <= zero + _MAX_TRANSIT:
            self._zero = zero

    def now(self) -> datetime:
        """Return the current time in UTC."""
        local = datetime.now(UTC)
        if self._zero is None:
            return local
        bank = self._zero + _elapsed()
        return local if abs(local - bank) <= _AGREES else bank


def _elapsed() -> timedelta:
    return timedelta(seconds=time.monotonic())
