"""The clock by which the integration measures how old something is."""

import time


def monotonic() -> float:
    """Return the seconds of a clock that never jumps, unlike the time of day."""
    return time.monotonic()
