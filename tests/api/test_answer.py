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
)
from custom_components.monzo.api.answer import Answer, parse_retry_after

from .shapes import shape_bytes

HTML = b"<html><body>502 Bad Gateway, dear Ann Other</body></html>"


def _answer(body: bytes, status: int = 200, retry_after: str | None = None) -> Answer:
    return Answer(endpoint="GET balance", status=status, body=body, retry_after=retry_after)


def _error(
    body: bytes | dict[str, object], status: int, retry_after: str | None = None
) -> MonzoError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(MonzoError) as caught:
        _answer(content, status, retry_after).json()
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "unauthorized.bad_access_token", MonzoAuthenticationError),
        (401, "unauthorized.bad_access_token.expired", MonzoAuthenticationError),
        (401, "unauthorized.bad_access_token.evicted", MonzoEvictedError),
        (401, "unauthorized.bad_refresh_token.evicted", MonzoEvictedError),
        (401, "unauthorized", MonzoAuthenticationError),
        (403, "forbidden.insufficient_permissions", MonzoPermissionError),
        (403, "forbidden.verification_required", MonzoVerificationRequiredError),
        (403, "forbidden.pot_locked", MonzoRejectedError),
        (403, "forbidden", MonzoRejectedError),
        (400, "bad_request.insufficient_funds", MonzoRejectedError),
        (400, "bad_request.invalid_time_range", MonzoRejectedError),
        (400, "bad_request.refresh_token.evicted", MonzoRejectedError),
        (412, "precondition_failed.pot", MonzoRejectedError),
        (404, "not_found", MonzoNotFoundError),
        (404, "not_found.transaction_not_found", MonzoNotFoundError),
        (429, "rate_limited", MonzoRateLimitError),
        (500, "internal_service", MonzoConnectionError),
        (500, "internal_service.timeout", MonzoConnectionError),
        (504, "timeout", MonzoConnectionError),
        (500, "unknown", MonzoConnectionError),
    ],
)
def test_the_banks_code_decides_about_the_error(
    status: int, code: str, error: type[MonzoError]
) -> None:
    caught = _error({"code": code, "message": "The bank's words"}, status)
    assert type(caught) is error
    assert caught.code == code
    assert caught.message == "The bank's words"
    assert str(caught) == f"The bank's words ({code})"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (500, "unauthorized.bad_access_token", MonzoAuthenticationError),
        (400, "rate_limited.slow_down", MonzoRateLimitError),
        (400, "timeout", MonzoConnectionError),
        (502, "bad_request.insufficient_funds", MonzoRejectedError),
    ],
)
def test_the_code_counts_more_than_the_status(
    status: int, code: str, error: type[MonzoError]
) -> None:
    assert type(_error({"code": code}, status)) is error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, MonzoRejectedError),
        (401, MonzoAuthenticationError),
        (403, MonzoRejectedError),
        (404, MonzoNotFoundError),
        (405, MonzoRejectedError),
        (406, MonzoRejectedError),
        (408, MonzoConnectionError),
        (429, MonzoRateLimitError),
        (500, MonzoConnectionError),
        (502, MonzoConnectionError),
        (503, MonzoConnectionError),
        (504, MonzoConnectionError),
        (520, MonzoConnectionError),
        (999, MonzoConnectionError),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        HTML,
        b"",
        b"null",
        b"[]",
        b'"code"',
        b"{}",
        b'{"code":5,"message":["no"]}',
        b'{"code":"martian.weather"}',
        b"\xff\xfe\xff",
        b"[" * 100_000,
    ],
    ids=[
        "a page",
        "nothing",
        "null",
        "a list",
        "a text",
        "no code",
        "wrong types",
        "a code nobody knows",
        "no text at all",
        "nested without end",
    ],
)
def test_without_a_known_code_the_status_decides(
    status: int, error: type[MonzoError], body: bytes
) -> None:
    caught = _error(body, status)
    assert type(caught) is error
    assert caught.message == f"GET balance was answered with HTTP status {status}"
    assert "Ann" not in str(caught)


@pytest.mark.parametrize("status", [100, 101, 199, 300, 301, 302, 304, 307, 399])
def test_neither_success_nor_error_is_not_understood(status: int) -> None:
    assert type(_error({"balance": 1}, status)) is MonzoResponseError


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
)
def test_what_is_not_json_is_not_understood(body: bytes) -> None:
    caught = _error(body, 200)
    assert type(caught) is MonzoResponseError
    assert str(caught) == "GET balance was answered with something that is not JSON"
    assert caught.__suppress_context__


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n"])
def test_an_empty_answer_is_a_good_one(status: int, body: bytes) -> None:
    assert _answer(body, status).json() is None


def test_numbers_with_a_point_are_exact() -> None:
    assert _answer(b'{"rate":139.676771,"amount":5}').json() == {
        "rate": Decimal("139.676771"),
        "amount": 5,
    }


def test_the_recorded_refusal_of_a_token() -> None:
    caught = _error(shape_bytes("bad_access_token"), 401)
    assert type(caught) is MonzoAuthenticationError
    assert str(caught) == "Bad access token (unauthorized.bad_access_token)"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "The field 'current_account_id' is required",
            "The field 'current_account_id' is required",
        ),
        ("/pots/nosuchpot/deposit not found", "… not found"),
        ("Pot pot_00009AAAAAAAAAAAAAAAAA is locked", "Pot … is locked"),
        ("No account acc_12345.", "No account …."),
        (f"Bad token {'eyJhbGciOiJFUzI1NiIs' * 20}", "Bad token …"),
        ("Paid 04-00-04 12345678 of ann@example.com", "Paid … … of …"),
        ("Short token eyJhbGci", "Short token …"),
        ("Two\nlines\tand\x00 a\u202e trick", "Two lines and a trick"),
        ("far too long " * 100, ("far too long " * 100)[:300]),
        ("half \ud800 a pair", "half a pair"),
    ],
    ids=[
        "the name of a field",
        "path",
        "id",
        "short id",
        "token",
        "numbers",
        "short token",
        "control",
        "long",
        "surrogate",
    ],
)
def test_the_banks_message_can_be_shown_and_logged(message: str, shown: str) -> None:
    caught = _error({"code": "bad_request.something", "message": message}, 400)
    assert caught.message == shown


@pytest.mark.parametrize("code", ["Bad Code", "bad\nrequest", "x" * 101, "", "naïve"])
def test_a_code_that_is_none_is_not_kept(code: str) -> None:
    caught = _error({"code": code, "message": "No"}, 400)
    assert caught.code is None
    assert str(caught) == "No"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        ("7200", 7200.0),
        ("172800", 86_400.0),
        ("9" * 5000, 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 2199 07:28:00 GMT", 86_400.0),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("01 Jan 0001 00:00:00 +2359", None),
        ("01 Jan 2030 00:00:00 +9999999999999999", None),
    ],
)
def test_how_long_to_wait_is_read_with_suspicion(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header) == seconds


@pytest.mark.parametrize("usegmt", [True, False])
def test_how_long_to_wait_can_be_a_date(*, usegmt: bool) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=5)
    seconds = parse_retry_after(format_datetime(moment, usegmt=usegmt))
    assert seconds == pytest.approx(300, abs=5)


def test_a_date_without_a_zone_is_in_utc() -> None:
    moment = datetime.now(UTC) + timedelta(minutes=5)
    seconds = parse_retry_after(moment.strftime("%a, %d %b %Y %H:%M:%S -0000"))
    assert seconds == pytest.approx(300, abs=5)


def test_a_rate_limit_says_how_long_to_wait() -> None:
    caught = _error(HTML, 429, retry_after="42")
    assert isinstance(caught, MonzoRateLimitError)
    assert caught.retry_after == 42


def test_a_rate_limit_need_not_say_how_long_to_wait() -> None:
    caught = _error({"code": "rate_limited", "message": "Slow down"}, 429)
    assert isinstance(caught, MonzoRateLimitError)
    assert caught.retry_after is None


def test_errors_survive_being_copied() -> None:
    caught = _error({"code": "rate_limited", "message": "Slow down"}, 429, retry_after="42")
    copy = pickle.loads(pickle.dumps(caught))  # noqa: S301 - our own
    assert (str(copy), copy.code, copy.message, copy.retry_after) == (
        "Slow down (rate_limited)",
        "rate_limited",
        "Slow down",
        42,
    )
