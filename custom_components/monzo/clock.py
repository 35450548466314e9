"""The clock for measuring the age of data."""

import time


def monotonic() -> float:
    """Return the seconds of a clock that never jumps, unlike the time of day."""
    return time.monotonic()
