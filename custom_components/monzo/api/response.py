"""HTTP responses: decoded to JSON, or turned into one of the client's errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
import re
from typing import Final, Never

from aiohttp.hdrs import DATE, RETRY_AFTER

from .exceptions import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoEvictedError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoRejectedError,
    MonzoResponseError,
    MonzoVerificationRequiredError,
)
from .fields import YEARS
from .private import Private

# The errors by the first parts of Monzo's dotted code; the first match counts. Monzo itself treats
# internal_service, timeout and unknown as errors after which a retry may succeed
# (github.com/monzo/terrors).
_ERRORS_BY_CODE: Final[tuple[tuple[str, type[MonzoError]], ...]] = (
    ("unauthorized", MonzoAuthenticationError),
    ("forbidden.insufficient_permissions", MonzoPermissionError),
    ("forbidden.verification_required", MonzoVerificationRequiredError),
    ("forbidden", MonzoRejectedError),
    ("bad_request", MonzoRejectedError),
    ("precondition_failed", MonzoRejectedError),
    ("not_found", MonzoNotFoundError),
    ("rate_limited", MonzoRateLimitError),
    ("internal_service", MonzoConnectionError),
    ("timeout", MonzoConnectionError),
    ("unknown", MonzoConnectionError),
)

# The errors for a response without a known code, such as a page from a proxy in front of the bank.
# Any other status below 500 is a rejection.
_ERRORS_BY_STATUS: Final[dict[int, type[MonzoError]]] = {
    HTTPStatus.UNAUTHORIZED: MonzoAuthenticationError,
    HTTPStatus.NOT_FOUND: MonzoNotFoundError,
    HTTPStatus.REQUEST_TIMEOUT: MonzoConnectionError,
    HTTPStatus.TOO_MANY_REQUESTS: MonzoRateLimitError,
}

_CODE: Final = re.compile(r"[a-z0-9_.]{1,100}", re.ASCII)

# The longest known message of the bank has 230 characters.
_MAX_MESSAGE: Final = 300

# Private parts of a message: paths, ids, email addresses, sort codes, account numbers and tokens. A
# word of 100 characters or more is treated as a token too.
_PRIVATE: Final = re.compile(
    r"(?<!\S)/\S+|\b[a-z0-9]+_\w*\d\w*|\S+@\S+|\b\d\d-\d\d-\d\d\b|\d{6,}|\beyJ\S+|\S{100,}",
    re.ASCII,
)

# A wrong header must not stop a caller for more than a day.
_MAX_RETRY_AFTER: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Response(Private):
    """One complete HTTP response."""

    endpoint: str
    """Method and path of the request, with placeholders for ids. Used in error texts."""

    status: int

    headers: Mapping[str, str]

    body: bytes

    @property
    def date(self) -> datetime | None:
        """The time in UTC at which the response was sent, by the bank's clock, if it says so."""
        return _read_http_date(self.headers.get(DATE, ""))

    def raise_for_status(self) -> None:
        """Raise the MonzoError that belongs to the status and code, unless the request worked."""
        if self.status >= HTTPStatus.BAD_REQUEST:
            raise self._error()
        if not HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES:
            # For example a redirect. The client follows none, because it would pass on the token.
            raise MonzoResponseError(self._status_text)

    def json(self) -> object:
        """Return the decoded body, or None if it is empty. Numbers with a point become Decimals.

        Raises a MonzoError as `raise_for_status` does, and MonzoResponseError if the body is not
        JSON.
        """
        self.raise_for_status()
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except ValueError, ArithmeticError, RecursionError:
            message = f"{self.endpoint} returned a body that is not JSON"
            # Without the cause, because it holds the body.
            raise MonzoResponseError(message) from None

    @property
    def _status_text(self) -> str:
        return f"{self.endpoint} returned HTTP status {self.status}"

    def _error(self) -> MonzoError:
        code, message = self._code_and_message()
        error = _error_type(self.status, code)
        message = message or self._status_text
        if issubclass(error, MonzoRateLimitError):
            return error(message, code=code, retry_after=parse_retry_after(self.headers))
        return error(message, code=code)

    def _code_and_message(self) -> tuple[str | None, str]:
        """Return the bank's code and message; None and "" if the body is not the bank's JSON."""
        try:
            data = json.loads(self.body)
        except ValueError, RecursionError:
            return None, ""
        if not isinstance(data, dict):
            return None, ""
        code, message = data.get("code"), data.get("message")
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            return None, ""
        return code, _redacted_line(message) if isinstance(message, str) else ""


def _error_type(status: int, code: str | None) -> type[MonzoError]:
    for prefix, error in _ERRORS_BY_CODE:
        if code is not None and f"{code}.".startswith(f"{prefix}."):
            evicted = error is MonzoAuthenticationError and code.endswith(".evicted")
            return MonzoEvictedError if evicted else error
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MonzoConnectionError
    return _ERRORS_BY_STATUS.get(status, MonzoRejectedError)


def _redacted_line(message: str) -> str:
    """Return the bank's message as one line that is safe to show."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return _PRIVATE.sub("…", line)[:_MAX_MESSAGE]


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait from the Retry-After header (RFC 9110), at most one day.

    The header holds a number of seconds, or a date by the clock that the Date header shows. Returns
    None if it is missing or unreadable.
    """
    header = headers.get(RETRY_AFTER, "")
    seconds = float(header) if header.isdecimal() else None
    if seconds is None and (until := _read_http_date(header)) is not None:
        # The local clock may be wrong by days.
        now = _read_http_date(headers.get(DATE, "")) or datetime.now(UTC)
        seconds = (until - now).total_seconds()
    # A date in the past means that the clocks disagree, rather than that waiting is unnecessary.
    return min(seconds, _MAX_RETRY_AFTER) if seconds is not None and seconds >= 0 else None


def _read_http_date(header: str) -> datetime | None:
    """Return the time of a header with a date (RFC 9110), in UTC; None if it is unreadable."""
    try:
        date = parsedate_to_datetime(header)
        date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except ValueError, OverflowError:
        return None
    return date if date.year in YEARS else None


def _refuse_constant(constant: str) -> Never:
    """Refuse NaN and Infinity, which Python's decoder accepts although they are not JSON."""
    raise ValueError(constant)
