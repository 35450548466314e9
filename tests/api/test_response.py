from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
import json
import pickle

import pytest

from custom_components.monzo.api import (
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
    parse_retry_after,
)
from custom_components.monzo.api.response import Response
from tests.helpers.stopped_clock import StoppedClock

from .recorded_answers import recorded_bytes

HTML = b"<html><body>502 Bad Gateway, dear Ann Other</body></html>"


def _response(body: bytes, status: int = 200, **headers: str) -> Response:
    return Response(endpoint="GET balance", status=status, headers=headers, body=body)


def _error(body: bytes | dict[str, object], status: int, **headers: str) -> MonzoError:
    """Return the error that a response raises."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(MonzoError) as caught:
        _response(content, status, **headers).json()
    return caught.value


# The type of an error


def test_the_code_of_the_bank_decides_which_error_is_raised() -> None:
    expected: dict[tuple[int, str], type[MonzoError]] = {
        (401, "unauthorized.bad_access_token"): MonzoAuthenticationError,
        (401, "unauthorized.bad_access_token.expired"): MonzoAuthenticationError,
        (401, "unauthorized.bad_access_token.evicted"): MonzoEvictedError,
        (401, "unauthorized.bad_refresh_token.evicted"): MonzoEvictedError,
        (401, "unauthorized"): MonzoAuthenticationError,
        (403, "forbidden.insufficient_permissions"): MonzoPermissionError,
        (403, "forbidden.verification_required"): MonzoVerificationRequiredError,
        (403, "forbidden.pot_locked"): MonzoRejectedError,
        (403, "forbidden"): MonzoRejectedError,
        (400, "bad_request.insufficient_funds"): MonzoRejectedError,
        (400, "bad_request.invalid_time_range"): MonzoRejectedError,
        (400, "bad_request.refresh_token.evicted"): MonzoRejectedError,
        (412, "precondition_failed.pot"): MonzoRejectedError,
        (404, "not_found"): MonzoNotFoundError,
        (404, "not_found.transaction_not_found"): MonzoNotFoundError,
        (429, "rate_limited"): MonzoRateLimitError,
        (500, "internal_service"): MonzoConnectionError,
        (500, "internal_service.timeout"): MonzoConnectionError,
        (504, "timeout"): MonzoConnectionError,
        (500, "unknown"): MonzoConnectionError,
        # The status does not matter.
        (500, "unauthorized.bad_access_token"): MonzoAuthenticationError,
        (400, "rate_limited.slow_down"): MonzoRateLimitError,
        (400, "timeout"): MonzoConnectionError,
        (502, "bad_request.insufficient_funds"): MonzoRejectedError,
    }
    raised = {
        (status, code): _error({"code": code, "message": "The bank's words"}, status)
        for status, code in expected
    }
    assert {key: type(error) for key, error in raised.items()} == expected
    for (_status, code), error in raised.items():
        assert (error.code, error.message) == (code, "The bank's words")
        assert str(error) == code


WITHOUT_A_KNOWN_CODE = {
    "a page": HTML,
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"code"',
    "no code": b"{}",
    "a message without a code": b'{"message":"The bank\'s words"}',
    "wrong types": b'{"code":5,"message":["no"]}',
    "an unknown code": b'{"code":"martian.weather"}',
    "bytes that are not text": b"\xff\xfe\xff",
    "deep nesting": b"[" * 100_000,
}


@pytest.mark.parametrize("body", WITHOUT_A_KNOWN_CODE.values(), ids=WITHOUT_A_KNOWN_CODE)
def test_without_a_known_code_the_status_decides(body: bytes) -> None:
    expected: dict[int, type[MonzoError]] = {
        400: MonzoRejectedError,
        401: MonzoAuthenticationError,
        403: MonzoRejectedError,
        404: MonzoNotFoundError,
        405: MonzoRejectedError,
        406: MonzoRejectedError,
        408: MonzoConnectionError,
        429: MonzoRateLimitError,
        500: MonzoConnectionError,
        502: MonzoConnectionError,
        503: MonzoConnectionError,
        504: MonzoConnectionError,
        520: MonzoConnectionError,
        999: MonzoConnectionError,
    }
    raised = {status: _error(body, status) for status in expected}
    assert {status: type(error) for status, error in raised.items()} == expected
    for status, error in raised.items():
        # Nothing of the body is in the text.
        assert error.message == f"GET balance returned HTTP status {status}"


def test_a_status_that_is_neither_success_nor_error_cannot_be_understood() -> None:
    for status in (100, 101, 199, 300, 301, 302, 304, 307, 399):
        error = _error({"balance": 1}, status)
        assert type(error) is MonzoResponseError, status
        assert str(error) == f"GET balance returned HTTP status {status}"


def test_the_recorded_refusal_of_a_token() -> None:
    error = _error(recorded_bytes("bad_access_token"), 401)
    assert type(error) is MonzoAuthenticationError
    assert str(error) == "unauthorized.bad_access_token"
    assert error.message == "Bad access token"


# The body


@pytest.mark.parametrize(
    "body",
    [
        HTML,
        b"{",
        b'{"balance":40000,',
        b"NaN",
        b'{"balance":Infinity}',
        b"\xff\xfe\xff",
        b"9" * 5000,
        b"1e99999999999999999999",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: body[:20].decode(errors="replace"),
)
def test_a_body_that_is_not_json_cannot_be_understood(body: bytes) -> None:
    error = _error(body, 200)
    assert type(error) is MonzoResponseError
    assert str(error) == "GET balance returned a body that is not JSON"
    # The error of the decoder contains the body.
    assert error.__suppress_context__


def test_an_empty_body_is_none() -> None:
    for status in (200, 201, 202, 204, 299):
        for body in (b"", b"\n", b" \r\n"):
            assert _response(body, status).json() is None


def test_numbers_with_a_point_are_exact() -> None:
    assert _response(b'{"rate":139.676771,"amount":5}').json() == {
        "rate": Decimal("139.676771"),
        "amount": 5,
    }


# The text of an error


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("The field 'account_id' is required", "The field 'account_id' is required"),
        ("/pots/nosuchpot/deposit not found", "… not found"),
        ("Pot pot_00009AAAAAAAAAAAAAAAAA is locked", "Pot … is locked"),
        ("No account acc_12345.", "No account …."),
        (f"Bad token {'eyJhbGciOiJFUzI1NiIs' * 20}", "Bad token …"),
        ("Short token eyJhbGci", "Short token …"),
        ("Paid 04-00-04 12345678 of ann@example.com", "Paid … … of …"),
        ("Two\nlines\tand\x00 a\u202e trick", "Two lines and a trick"),
        ("far too long " * 100, ("far too long " * 100)[:300]),
        ("half \ud800 a pair", "half a pair"),
    ],
    ids=[
        "name of a field",
        "path",
        "id",
        "short id",
        "token",
        "short token",
        "numbers",
        "control characters",
        "long",
        "surrogate",
    ],
)
def test_the_message_of_the_bank_is_safe_to_show(message: str, shown: str) -> None:
    error = _error({"code": "bad_request.something", "message": message}, 400)
    assert error.message == shown


@pytest.mark.parametrize("code", ["Bad Code", "bad\nrequest", "x" * 101, "", "naïve"])
def test_a_message_with_an_impossible_code_is_left_out(code: str) -> None:
    error = _error({"code": code, "message": "No"}, 400)
    assert error.code is None
    assert str(error) == error.message == "GET balance returned HTTP status 400"


def test_errors_can_be_pickled() -> None:
    error = _error({"code": "rate_limited", "message": "Slow down"}, 429, **{"Retry-After": "42"})
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(copy), copy.code, copy.message, copy.retry_after) == (
        "rate_limited",
        "rate_limited",
        "Slow down",
        42,
    )


# The time to wait


def test_a_rate_limit_has_the_time_to_wait() -> None:
    error = _error(HTML, 429, **{"Retry-After": "42"})
    assert isinstance(error, MonzoRateLimitError)
    assert error.retry_after == 42


def test_a_rate_limit_may_have_no_time_to_wait() -> None:
    error = _error({"code": "rate_limited", "message": "Slow down"}, 429)
    assert isinstance(error, MonzoRateLimitError)
    assert error.retry_after is None


def test_the_time_to_wait_is_at_most_a_day_and_never_negative() -> None:
    expected = {
        "0": 0.0,
        "7": 7.0,
        "7200": 7200.0,
        "172800": 86_400.0,
        "9" * 5000: 86_400.0,
        "-5": None,
        "1.5": None,
        "1e3": None,
        "nan": None,
        "inf": None,
        "soon": None,
        "": None,
        "²": None,
        "Wed, 21 Oct 2015 07:28:00 GMT": None,
        "Wed, 21 Oct 2199 07:28:00 GMT": 86_400.0,
        "Wed, 21 Oct 99999 07:28:00 GMT": None,
        "01 Jan 0001 00:00:00 +2359": None,
        "01 Jan 2030 00:00:00 +9999999999999999": None,
    }
    answers = {header: parse_retry_after({"Retry-After": header}) for header in expected}
    assert answers == expected
    assert parse_retry_after({}) is None


def test_the_time_to_wait_may_be_a_date(freezer: StoppedClock) -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    freezer.move_to(now)
    date = now + timedelta(minutes=5)
    for header in (
        format_datetime(date, usegmt=True),
        format_datetime(date),
        # Without a time zone, which means UTC.
        date.strftime("%a, %d %b %Y %H:%M:%S -0000"),
    ):
        assert parse_retry_after({"Retry-After": header}) == 300, header


def test_a_date_to_wait_for_is_by_the_clock_of_the_response(freezer: StoppedClock) -> None:
    sent = datetime(2026, 6, 1, 12, tzinfo=UTC)
    headers = {
        "Date": format_datetime(sent, usegmt=True),
        "Retry-After": format_datetime(sent + timedelta(minutes=5), usegmt=True),
    }
    for wrong_by in (timedelta(days=-3), timedelta(0), timedelta(days=8)):
        freezer.move_to(sent + wrong_by)
        assert parse_retry_after(headers) == 300
