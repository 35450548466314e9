"""The clock by which the integration measures how old something is."""

from datetime import datetime
import time

from homeassistant.util import dt as dt_util


def monotonic() -> float:
    """Return the seconds of a clock that never jumps, unlike the time of day."""
    return time.monotonic()


def monotonic_at(moment: datetime) -> float:
    """Return what `monotonic` returned, or will return, at a moment of the time of day."""
    return monotonic() - (dt_util.utcnow() - moment).total_seconds()
