"""A clock for the sandbox that only tests turn."""

import asyncio
from datetime import UTC, datetime, timedelta


class ManualClock:
    """A clock that stands still until a test turns it forward; it starts at noon in winter."""

    def __init__(self) -> None:
        """Initialize the clock."""
        self.now = datetime(2026, 1, 14, 12, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    @property
    def next_wake(self) -> timedelta | None:
        """Time until the next sleeper wakes; None if nothing sleeps by this clock."""
        return min((wake_time - self.now for wake_time, _ in self._sleepers), default=None)

    def forward(self, **by: float) -> None:
        """Turn the clock forward, and wake every sleeper whose time has come."""
        self.now += timedelta(**by)
        for wake_time, event in self._sleepers:
            if wake_time <= self.now:
                event.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep by this clock, like `asyncio.sleep` by the real one."""
        sleeper = (self.now + timedelta(seconds=seconds), asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)
