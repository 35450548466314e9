"""What an HTTP answer means: decoded JSON, or one of the errors."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
import re
from typing import Final, Never

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

# What the beginning of Monzo's dotted code says; the first that fits counts. The bank tells
# internal_service, timeout and unknown from the rest as those where trying again may help
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

# What the status says if the code says nothing, as when a proxy answers instead of the bank. Other
# statuses below 500 mean that the request is not wanted like this.
_ERRORS_BY_STATUS: Final[dict[int, type[MonzoError]]] = {
    HTTPStatus.UNAUTHORIZED: MonzoAuthenticationError,
    HTTPStatus.NOT_FOUND: MonzoNotFoundError,
    HTTPStatus.REQUEST_TIMEOUT: MonzoConnectionError,
    HTTPStatus.TOO_MANY_REQUESTS: MonzoRateLimitError,
}

_CODE: Final = re.compile(r"[a-z0-9_.]{1,100}", re.ASCII)

# Monzo's longest known message has 230 characters.
_MAX_MESSAGE: Final = 300

# Ids and paths that hold them, numbers of accounts, addresses for mail, tokens; and whatever is
# longer than any word may be one of them.
_PRIVATE: Final = re.compile(
    r"(?<!\S)/\S+|\b[a-z0-9]+_\w*\d\w*|\S+@\S+|\b\d\d-\d\d-\d\d\b|\d{6,}|\beyJ\S+|\S{100,}",
    re.ASCII,
)

# A mistake at the other end must not keep the integration silent for longer than a day.
_MAX_RETRY_AFTER: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from a request."""

    endpoint: str
    """What was asked, without ids, for error texts."""

    status: int

    body: bytes

    retry_after: str | None
    """The header of that name."""

    def check(self) -> None:
        """Raise the error that this answer stands for, if it does."""
        if self.status >= HTTPStatus.BAD_REQUEST:
            raise self._error()
        if not HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES:
            # A redirect, for one. It is never followed: the token would go with it.
            message = f"{self.endpoint} was answered with HTTP status {self.status}"
            raise MonzoResponseError(message)

    def json(self) -> object:
        """Return the decoded body, or None if it is empty; numbers with a point are Decimals."""
        self.check()
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse)
        except ValueError, ArithmeticError, RecursionError:
            # Without the cause, which holds the body.
            message = f"{self.endpoint} was answered with something that is not JSON"
            raise MonzoResponseError(message) from None

    def _error(self) -> MonzoError:
        code, message = self._code_and_message()
        error = _error_type(self.status, code)
        message = message or f"{self.endpoint} was answered with HTTP status {self.status}"
        if issubclass(error, MonzoRateLimitError):
            return error(message, code=code, retry_after=parse_retry_after(self.retry_after))
        return error(message, code=code)

    def _code_and_message(self) -> tuple[str | None, str]:
        """Return what the bank says about the error; nothing if this is not the bank."""
        try:
            data = json.loads(self.body)
        except ValueError, RecursionError:
            return None, ""
        if not isinstance(data, dict):
            return None, ""
        code, message = data.get("code"), data.get("message")
        return (
            code if isinstance(code, str) and _CODE.fullmatch(code) else None,
            _clean(message) if isinstance(message, str) else "",
        )


def _error_type(status: int, code: str | None) -> type[MonzoError]:
    for prefix, error in _ERRORS_BY_CODE:
        if code is not None and f"{code}.".startswith(f"{prefix}."):
            evicted = error is MonzoAuthenticationError and code.endswith(".evicted")
            return MonzoEvictedError if evicted else error
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MonzoConnectionError
    return _ERRORS_BY_STATUS.get(status, MonzoRejectedError)


def _clean(message: str) -> str:
    """Return the bank's message as one line that can be shown and logged."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return _PRIVATE.sub("…", line)[:_MAX_MESSAGE]


def parse_retry_after(header: str | None) -> float | None:
    """Return the seconds to wait, from a Retry-After header in either of its forms (RFC 9110)."""
    if header is None:
        return None
    try:
        if header.isdecimal():
            seconds = float(header)
        else:
            moment = parsedate_to_datetime(header)
            seconds = (
                moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
            ).total_seconds()
    except ValueError, OverflowError:
        return None
    # A moment that has passed says more about the clocks than about the bank's wishes.
    return min(seconds, _MAX_RETRY_AFTER) if seconds >= 0 else None


def _refuse(constant: str) -> Never:
    """Refuse NaN and Infinity, which Python reads though they are not JSON."""
    raise ValueError(constant)
