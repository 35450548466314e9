"""The period of a call that reads transactions: its fields, and its form in the response."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..bank import validation_error
from .action import ATTR_ACCOUNT

ATTR_BEFORE: Final = "before"
ATTR_SINCE: Final = "since"

# The bank's own default if a request has no `since`.
DEFAULT_SPAN: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedSpan:
    """The period of a call that reads transactions."""

    since: datetime

    before: datetime | None
    """The exclusive end; None for all transactions up to now, by the later of two clocks."""

    asked_at: datetime

    @property
    def end(self) -> datetime:
        """The end for the response."""
        return self.before or self.asked_at

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the response."""
        return {"since": self.since.isoformat(), "before": self.end.isoformat()}


def point_in_time(value: object) -> datetime:
    """Validate a date and time. Without a time zone, it is in Home Assistant's."""
    try:
        return dt_util.as_utc(cv.datetime(value))
    except OverflowError as err:
        message = "Invalid datetime specified"
        raise vol.Invalid(message) from err


SPAN_FIELDS: Final = {
    vol.Required(ATTR_ACCOUNT): cv.string,
    vol.Optional(ATTR_SINCE): point_in_time,
    vol.Optional(ATTR_BEFORE): point_in_time,
}


def requested_span(fields: Mapping[str, Any], *, now: datetime) -> RequestedSpan:
    """Return the period of a call.

    Raises ServiceValidationError if it is empty.
    """
    before: datetime | None = fields.get(ATTR_BEFORE)
    end = before or now
    since: datetime = fields.get(ATTR_SINCE) or end - DEFAULT_SPAN
    if since >= end:
        raise validation_error("since_not_before", since=local_time(since), before=local_time(end))
    return RequestedSpan(since=since, before=before, asked_at=now)


def missing_period(since: datetime, before: datetime) -> dict[str, str]:
    """Return a period whose transactions are missing, for a response."""
    return {"since": since.isoformat(), "before": before.isoformat()}


def local_time(time: datetime) -> str:
    """Return a time for an error message."""
    return f"{dt_util.as_local(time):%Y-%m-%d %H:%M}"
