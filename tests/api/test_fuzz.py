"""For any response, a call returns a model or raises a MonzoError, and no other error."""

from collections.abc import Callable, Iterator
from contextlib import suppress
import copy
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.monzo.api import (
    Account,
    Attachment,
    Balance,
    Identity,
    Money,
    MonzoClient,
    MonzoError,
    Pot,
    Receipt,
    Records,
    Transaction,
    UploadTarget,
    Webhook,
    parse_retry_after,
)
from custom_components.monzo.api.response import Response

from .endpoints import ALL_CALLS, ENDPOINTS, Call
from .recorded_answers import recorded_answer
from .scripted_server import ScriptedServer

type Read = Callable[[object], Any]

# Without time limits, because a busy machine must not fail a test. The fixtures may be used for all
# examples, because each example scripts its own response.
FUZZ = settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

READERS: dict[str, tuple[Read, Any]] = {
    "identity": (Identity.from_json, recorded_answer("whoami")),
    "accounts": (
        lambda data: Records.from_json(data, "accounts", Account.from_json),
        recorded_answer("accounts"),
    ),
    "balance": (Balance.from_json, recorded_answer("balance_abroad")),
    "pots": (lambda data: Records.from_json(data, "pots", Pot.from_json), recorded_answer("pots")),
    "card payment": (Transaction.from_json, recorded_answer("transaction_expanded")["transaction"]),
    "bank transfer": (Transaction.from_json, recorded_answer("faster_payment")),
    "receipt": (Receipt.from_json, recorded_answer("receipt")["receipt"]),
    "webhook": (Webhook.from_json, {"id": "webhook_1", "account_id": "acc_1", "url": "u"}),
    "upload": (UploadTarget.from_json, {"file_url": "f", "upload_url": "u"}),
    "attachment": (Attachment.from_json, {"id": "attach_1", "file_url": "f", "created": ""}),
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**4000), 10**4000)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from([Decimal("1e999999"), Decimal("-1e-999999"), Decimal("0e99999")])
    | st.text(st.characters())
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    | st.sampled_from(["GBP", "JPY", "", "0001-01-01T00:00:00+23:59", "\ud800", "tx_1"])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


def _places(data: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items: Any = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for key, value in items:
        yield from _places(value, (*path, key))


def _with(data: Any, path: tuple[Any, ...], value: object) -> Any:
    """Return JSON with a new value at one place."""
    if not path:
        return value
    data = copy.copy(data)
    data[path[0]] = _with(data[path[0]], path[1:], value)
    return data


@st.composite
def _distorted(draw: st.DrawFn) -> tuple[Read, object]:
    """Draw a reader of a recorded response, and the response with a few wrong values."""
    read, data = draw(st.sampled_from(list(READERS.values())))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(_places(data))))
        data = _with(data, path, draw(JSON))
    return read, data


def _is_sound(value: object) -> bool:
    """Return whether all values of a model can be encoded, compared and calculated with."""
    match value:
        case None | bool() | int():
            sound = True
        case str():
            sound = value.encode().decode() == value
        case Money():
            sound = Money.from_minor(value.minor, value.currency) == value
        case Decimal():
            sound = value.is_finite() and abs(value) < 10**15
        case datetime():
            sound = value.utcoffset() is not None and 1970 <= value.year <= 2200
        case tuple() | Records():
            sound = all(map(_is_sound, value))
        case dict():
            sound = all(map(_is_sound, [*value, *value.values()]))
        case _:
            assert is_dataclass(value)
            sound = all(_is_sound(getattr(value, field.name)) for field in fields(value))
    return sound


@FUZZ
@given(case=_distorted())
def test_any_json_becomes_a_model_or_an_error(case: tuple[Read, object]) -> None:
    read, data = case
    with suppress(MonzoError):
        assert _is_sound(read(data))


@FUZZ
@given(
    status=st.integers(0, 999) | st.sampled_from([200, 200, 401, 403, 429, 500]),
    body=st.binary()
    | st.text().map(str.encode)
    | JSON.map(lambda data: json.dumps(data, default=str).encode())
    | st.dictionaries(st.sampled_from(["code", "message", "balance"]), JSON).map(
        lambda data: json.dumps(data, default=str).encode()
    ),
    retry_after=st.none() | st.text(),
)
def test_any_response_is_decoded_or_an_error(
    status: int, body: bytes, retry_after: str | None
) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    response = Response(endpoint="GET x", status=status, headers=headers, body=body)
    text = ""
    try:
        response.json()
    except MonzoError as err:
        text = str(err)
    assert len(text) < 500
    assert text.isprintable()


@FUZZ
@given(header=st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .{1,9}"))
def test_any_header_is_a_time_to_wait_or_nothing(header: str) -> None:
    seconds = parse_retry_after({"Retry-After": header, "Date": header})
    assert seconds is None or 0 <= seconds <= 86_400


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "Connection",
                "Content-Encoding",
                "Content-Length",
                "Content-Type",
                "Location",
                "Retry-After",
                "Set-Cookie",
                "Transfer-Encoding",
                "Upgrade",
                "WWW-Authenticate",
            ]
        ),
        st.sampled_from(
            ["gzip", "deflate", "br", "zstd", "chunked", "close", "keep-alive", "websocket"]
        )
        | st.integers(-5, 300).map(str)
        | st.text(st.characters(codec="latin-1"), max_size=20),
    ),
    max_size=4,
)
RAW_RESPONSES = st.binary() | st.builds(
    lambda status, headers, body: (
        b"HTTP/1.1 %d OK\r\n" % status
        + b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers)
        + b"\r\n"
        + body
    ),
    st.sampled_from([100, 101, 103, 200, 200, 200, 204, 206, 301, 304, 400, 401, 403, 429, 500])
    | st.integers(0, 999),
    HEADERS,
    st.binary()
    | JSON.map(lambda data: json.dumps(data, default=str).encode())
    | st.sampled_from([endpoint.reply for endpoint in ENDPOINTS]),
)


@FUZZ
@given(call=st.sampled_from(list(ALL_CALLS.values())), raw=RAW_RESPONSES)
async def test_any_received_bytes_are_a_model_or_an_error(
    client: MonzoClient, server: ScriptedServer, call: Call, raw: bytes
) -> None:
    server.script(raw)
    with suppress(MonzoError):
        assert _is_sound(await call(client))
