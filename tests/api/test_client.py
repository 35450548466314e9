import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
import logging
from typing import Any, override

from aiohttp import ClientConnectionError, ClientSession
import pytest

from custom_components.monzo.api import (
    Money,
    MonzoClient,
    MonzoConnectionError,
    MonzoError,
    MonzoNotFoundError,
    MonzoRateLimitError,
    MonzoRejectedError,
    MonzoResponseError,
    MonzoUnreachableError,
    Receipt,
    ReceiptItem,
    Records,
)

from .conftest import TOKEN
from .shapes import shape
from .wire import Wire, answer, refusal

type Call = Callable[[MonzoClient], Awaitable[Any]]

POT = shape("pots")["pots"][1]
TRANSACTION = shape("transaction_expanded")
ATTACHMENT = {"attachment": {"id": "attach_1"}}
WEBHOOK = {"id": "webhook_1", "account_id": "acc_1", "url": "https://example.com/hook?a=b"}
FIVE_POUNDS = Money(Decimal(5), "GBP")
RECEIPT = Receipt(
    transaction_id="tx_1",
    external_id="order 1",
    total=FIVE_POUNDS,
    items=(ReceiptItem(description="Tea", quantity=Decimal("0.5"), amount=FIVE_POUNDS),),
)
EXPANDED = "expand%5B%5D=merchant"
SINCE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=1)))

# Every call: what it is, how it is made, what has to arrive, and what the bank answers.
ENDPOINTS: list[tuple[str, Call, str, dict[str, str], object]] = [
    ("who am I", lambda c: c.who_am_i(), "GET /ping/whoami", {}, shape("whoami")),
    ("log out", lambda c: c.log_out(), "POST /oauth2/logout", {}, {"ok": True}),
    ("accounts", lambda c: c.accounts(), "GET /accounts", {}, shape("accounts")),
    (
        "accounts of a type",
        lambda c: c.accounts("uk_retail"),
        "GET /accounts?account_type=uk_retail",
        {},
        shape("accounts"),
    ),
    (
        "balance",
        lambda c: c.balance("acc_1"),
        "GET /balance?account_id=acc_1",
        {},
        {"balance": 1, "spend_today": 0, "currency": "GBP"},
    ),
    ("pots", lambda c: c.pots("acc_1"), "GET /pots?current_account_id=acc_1", {}, {"pots": [POT]}),
    (
        "deposit",
        lambda c: c.deposit_into_pot(
            "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
        ),
        "PUT /pots/pot_1/deposit",
        {"source_account_id": "acc_1", "amount": "500", "dedupe_id": "once"},
        POT,
    ),
    (
        "withdraw",
        lambda c: c.withdraw_from_pot(
            "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
        ),
        "PUT /pots/pot_1/withdraw",
        {"destination_account_id": "acc_1", "amount": "500", "dedupe_id": "once"},
        POT,
    ),
    (
        "transactions",
        lambda c: c.transactions("acc_1"),
        f"GET /transactions?account_id=acc_1&limit=100&{EXPANDED}",
        {},
        {"transactions": []},
    ),
    (
        "transactions of a span",
        lambda c: c.transactions(
            "acc_1", since=SINCE, before=datetime(2026, 2, 1, tzinfo=UTC), limit=7
        ),
        (
            "GET /transactions?account_id=acc_1&since=2026-01-02T02:04:05.678Z"
            f"&before=2026-02-01T00:00:00.000Z&limit=7&{EXPANDED}"
        ),
        {},
        {"transactions": []},
    ),
    (
        "transactions after another",
        lambda c: c.transactions("acc_1", since="tx_1", expand_merchant=False),
        "GET /transactions?account_id=acc_1&since=tx_1&limit=100",
        {},
        shape("transactions_unexpanded"),
    ),
    (
        "all transactions",
        lambda c: c.all_transactions("acc_1", since="tx_1"),
        f"GET /transactions?account_id=acc_1&since=tx_1&limit=100&{EXPANDED}",
        {},
        shape("transactions_unexpanded"),
    ),
    (
        "transaction",
        lambda c: c.transaction("tx_1"),
        f"GET /transactions/tx_1?{EXPANDED}",
        {},
        TRANSACTION,
    ),
    (
        "annotate",
        lambda c: c.annotate_transaction("tx_1", {"notes": "für Ann & Ben", "old": ""}),
        "PATCH /transactions/tx_1",
        {"metadata[notes]": "für Ann & Ben", "metadata[old]": ""},
        TRANSACTION,
    ),
    (
        "feed item",
        lambda c: c.create_feed_item("acc_1", title="Tea", image_url="https://example.com/1.png"),
        "POST /feed",
        {
            "account_id": "acc_1",
            "type": "basic",
            "params[title]": "Tea",
            "params[image_url]": "https://example.com/1.png",
        },
        {},
    ),
    (
        "feed item with everything",
        lambda c: c.create_feed_item(
            "acc_1",
            title="Tea",
            image_url="https://example.com/1.png",
            body="is ready",
            background_color="#FCF1EE",
            title_color="#333333",
            body_color="#444444",
            url="https://example.com",
        ),
        "POST /feed",
        {
            "account_id": "acc_1",
            "type": "basic",
            "url": "https://example.com",
            "params[title]": "Tea",
            "params[image_url]": "https://example.com/1.png",
            "params[body]": "is ready",
            "params[background_color]": "#FCF1EE",
            "params[title_color]": "#333333",
            "params[body_color]": "#444444",
        },
        {},
    ),
    (
        "register an attachment",
        lambda c: c.register_attachment(
            "tx_1", file_url="https://example.com/1.png", file_type="image/png"
        ),
        "POST /attachment/register",
        {
            "external_id": "tx_1",
            "file_url": "https://example.com/1.png",
            "file_type": "image/png",
        },
        ATTACHMENT,
    ),
    (
        "deregister an attachment",
        lambda c: c.deregister_attachment("attach_1"),
        "POST /attachment/deregister",
        {"id": "attach_1"},
        {},
    ),
    (
        "receipt",
        lambda c: c.receipt("order 1"),
        "GET /transaction-receipts?external_id=order+1",
        {},
        shape("receipt"),
    ),
    (
        "delete a receipt",
        lambda c: c.delete_receipt("order 1"),
        "DELETE /transaction-receipts?external_id=order+1",
        {},
        {},
    ),
    (
        "webhooks",
        lambda c: c.webhooks("acc_1"),
        "GET /webhooks?account_id=acc_1",
        {},
        {"webhooks": [WEBHOOK]},
    ),
    (
        "register a webhook",
        lambda c: c.register_webhook("acc_1", "https://example.com/hook?a=b"),
        "POST /webhooks",
        {"account_id": "acc_1", "url": "https://example.com/hook?a=b"},
        {"webhook": WEBHOOK},
    ),
    (
        "delete a webhook",
        lambda c: c.delete_webhook("webhook_1"),
        "DELETE /webhooks/webhook_1",
        {},
        {},
    ),
]
CALLS = pytest.mark.parametrize(
    "call", [call for _, call, *_ in ENDPOINTS], ids=[name for name, *_ in ENDPOINTS]
)


@pytest.mark.parametrize(
    ("call", "line", "form", "reply"),
    [rest for _, *rest in ENDPOINTS],
    ids=[name for name, *_ in ENDPOINTS],
)
async def test_what_is_sent_and_what_comes_back(
    client: MonzoClient,
    wire: Wire,
    call: Call,
    line: str,
    form: dict[str, str],
    reply: object,
) -> None:
    wire.will_answer(answer(_plain(reply)))
    result = await call(client)
    (request,) = wire.requests
    assert str(request) == line
    assert request.form == form
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Accept"] == "application/json"
    if isinstance(result, Records):
        assert result.skipped == 0


def _plain(reply: object) -> object:
    """Return JSON without its Decimals, which only stand for coordinates here."""
    if isinstance(reply, dict):
        return {key: _plain(value) for key, value in reply.items()}
    if isinstance(reply, list):
        return [_plain(value) for value in reply]
    return float(reply) if isinstance(reply, Decimal) else reply


async def test_a_receipt_goes_as_json(client: MonzoClient, wire: Wire) -> None:
    # The documentation promises an empty answer here.
    wire.will_answer(answer(b""))
    await client.put_receipt(RECEIPT)
    (request,) = wire.requests
    assert str(request) == "PUT /transaction-receipts"
    assert request.headers["Content-Type"] == "application/json"
    assert b'"quantity": 0.5' in request.body
    assert b'"total": 500' in request.body


async def test_what_models_come_back(client: MonzoClient, wire: Wire) -> None:
    wire.will_answer(
        answer(POT), answer(_plain(TRANSACTION)), answer(ATTACHMENT), answer({"webhook": WEBHOOK})
    )
    pot = await client.deposit_into_pot(
        "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
    )
    assert pot.name == "Savings"
    assert (await client.transaction("tx_1")).amount == Money(Decimal(-50), "GBP")
    attachment = await client.register_attachment("tx_1", file_url="f", file_type="image/png")
    assert attachment.id == "attach_1"
    assert (await client.register_webhook("acc_1", "u")).id == "webhook_1"


@CALLS
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refusal(400, "bad_request.something", "No"), MonzoRejectedError),
        (answer(b"<html>", 502), MonzoConnectionError),
        (answer({}, 429, Retry_After="7"), MonzoRateLimitError),
        (answer({}, 404), MonzoNotFoundError),
        (answer(b"<html>Sign in to this Wi-Fi"), MonzoResponseError),
        (b"", MonzoConnectionError),
        (b"nonsense", MonzoConnectionError),
    ],
    ids=["refused", "bad gateway", "too many", "not found", "captive portal", "closed", "no HTTP"],
)
async def test_every_call_says_what_went_wrong(
    client: MonzoClient, wire: Wire, call: Call, reply: bytes, error: type[MonzoError]
) -> None:
    wire.will_answer(reply)
    with pytest.raises(MonzoError) as caught:
        await call(client)
    assert type(caught.value) is error
    assert len(wire.requests) == 1


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
async def test_when_the_answer_is_lost_no_second_order_is_sent(
    client: MonzoClient, wire: Wire, reply: bytes
) -> None:
    wire.will_answer(reply, answer(POT))
    with pytest.raises(MonzoConnectionError):
        await client.withdraw_from_pot(
            "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
        )
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 abc OK\r\n\r\n{}",
        b"HTTP/9.9 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}",
        b"\x00" * 1000,
    ],
    ids=[
        "cut short",
        "bad chunk",
        "missing chunk",
        "not compressed",
        "negative length",
        "two lengths",
        "no status",
        "no end",
        "long header",
        "zeros",
    ],
)
async def test_broken_http_is_a_broken_connection(
    client: MonzoClient, wire: Wire, reply: bytes
) -> None:
    wire.will_answer(reply)
    with pytest.raises(MonzoConnectionError, match=r"^GET ping/whoami failed: [A-Za-z]+$"):
        await client.who_am_i()


async def test_nobody_listening_means_that_nothing_was_sent(
    client: MonzoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Wire() as gone:
        monkeypatch.setattr("custom_components.monzo.api.client.API_URL", gone.url)
    with pytest.raises(MonzoUnreachableError, match="GET ping/whoami failed: ClientConnectorError"):
        await client.who_am_i()


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["no answer", "half of the headers", "half of the body"],
)
async def test_a_bank_that_falls_silent_is_a_broken_connection(
    client: MonzoClient, wire: Wire, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr("custom_components.monzo.api.client._TIMEOUT", 0.05)
    wire.stalls = True
    wire.will_answer(beginning)
    with pytest.raises(MonzoConnectionError, match="GET ping/whoami failed: TimeoutError"):
        await client.who_am_i()


async def test_stopping_stops_at_once(client: MonzoClient, wire: Wire) -> None:
    wire.stalls = True
    wire.will_answer(b"")
    call = asyncio.ensure_future(client.who_am_i())
    await wire.reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_an_answer_without_end_is_not_read_to_the_end(
    client: MonzoClient, wire: Wire
) -> None:
    wire.will_answer(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 9_000_000)
    with pytest.raises(MonzoResponseError, match="GET ping/whoami was answered with too much"):
        await client.who_am_i()


async def test_a_long_answer_is_read_to_the_end(client: MonzoClient, wire: Wire) -> None:
    wire.will_answer(answer({"pots": [POT] * 10_000}))
    assert len((await client.pots("acc_1")).items) == 10_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_token_follows_no_redirect(client: MonzoClient, wire: Wire, status: int) -> None:
    async with Wire() as elsewhere:
        wire.will_answer(answer({}, status, Location=elsewhere.url))
        with pytest.raises(MonzoResponseError, match=f"HTTP status {status}"):
            await client.who_am_i()
        assert not elsewhere.requests


async def test_a_token_is_asked_for_each_time(session: ClientSession, wire: Wire) -> None:
    tokens = iter(["first", "second"])

    async def access_token() -> str:
        return next(tokens)

    client = MonzoClient(session, access_token)
    wire.will_answer(*[answer(shape("whoami"))] * 2)
    await client.who_am_i()
    await client.who_am_i()
    assert [request.headers["Authorization"] for request in wire.requests] == [
        "Bearer first",
        "Bearer second",
    ]


async def test_trouble_with_the_token_is_left_to_the_caller(
    session: ClientSession, wire: Wire
) -> None:
    trouble = ClientConnectionError("no network while renewing")

    async def access_token() -> str:
        raise trouble

    with pytest.raises(ClientConnectionError) as caught:
        await MonzoClient(session, access_token).who_am_i()
    assert caught.value is trouble
    assert not wire.requests


@pytest.mark.parametrize(
    ("transaction_id", "target"),
    [
        ("a/b", "a%2Fb"),
        ("../accounts", "..%2Faccounts"),
        ("a?limit=1", "a%3Flimit%3D1"),
        ("a#b", "a%23b"),
        ("a%2Fb", "a%252Fb"),
        ("%2e%2e", "%252e%252e"),
        ("ä b\r\n", "%C3%A4%20b%0D%0A"),
        ("{pot_id}", "%7Bpot_id%7D"),
        ("...", "..."),
    ],
)
async def test_an_id_stays_in_its_place(
    client: MonzoClient, wire: Wire, transaction_id: str, target: str
) -> None:
    wire.will_answer(answer(_plain(TRANSACTION)))
    await client.transaction(transaction_id)
    assert str(wire.requests[0]) == f"GET /transactions/{target}?{EXPANDED}"


@pytest.mark.parametrize("no_id", ["", ".", "..", "\ud800"])
async def test_what_can_be_no_id_is_not_sent(client: MonzoClient, wire: Wire, no_id: str) -> None:
    with pytest.raises(ValueError, match=r"not an id|surrogates"):
        await client.transaction(no_id)
    assert not wire.requests


@pytest.mark.parametrize("account_id", ["a&current_account_id=b", "a#b", "ä b+", "%26"])
async def test_a_parameter_stays_in_its_place(
    client: MonzoClient, wire: Wire, account_id: str
) -> None:
    wire.will_answer(answer({"pots": []}))
    await client.pots(account_id)
    _, _, query = wire.requests[0].target.partition("?")
    assert dict([part.split("=") for part in query.split("&")]).keys() == {"current_account_id"}


@pytest.mark.parametrize("amount", ["0", "-0", "-1", "0.001", "NaN", "Infinity", "1e20"])
async def test_no_money_moves_unless_the_amount_makes_sense(
    client: MonzoClient, wire: Wire, amount: str
) -> None:
    money = Money(Decimal(amount), "GBP")
    with pytest.raises(ValueError, match=r"above zero|whole number"):
        await client.deposit_into_pot("pot_1", account_id="acc_1", amount=money, dedupe_id="once")
    with pytest.raises(ValueError, match=r"above zero|whole number"):
        await client.withdraw_from_pot("pot_1", account_id="acc_1", amount=money, dedupe_id="once")
    assert not wire.requests


def _page(first: int, last: int) -> bytes:
    template = shape("transactions_unexpanded")["transactions"][0]
    rows = [template | {"id": f"tx_{number}"} for number in range(first, last + 1)]
    return answer({"transactions": rows})


async def test_all_pages_are_followed_and_overlaps_removed(client: MonzoClient, wire: Wire) -> None:
    wire.will_answer(_page(1, 100), _page(100, 199), _page(200, 205))
    records = await client.all_transactions(
        "acc_1", since=SINCE, before=datetime(2026, 2, 1, tzinfo=UTC)
    )
    assert [item.id for item in records.items] == [f"tx_{number}" for number in range(1, 206)]
    assert records.skipped == 0
    since = [request.target.split("since=")[1].split("&")[0] for request in wire.requests]
    assert since == ["2026-01-02T02:04:05.678Z", "tx_100", "tx_199"]
    assert all("before=2026-02-01T00:00:00.000Z" in request.target for request in wire.requests)


async def test_a_bank_that_repeats_itself_comes_to_an_end(client: MonzoClient, wire: Wire) -> None:
    wire.will_answer(*[_page(1, 100)] * 5)
    assert len((await client.all_transactions("acc_1", since=SINCE)).items) == 100
    assert len(wire.requests) == 2


async def test_a_page_that_nobody_can_read_comes_to_an_end(client: MonzoClient, wire: Wire) -> None:
    wire.will_answer(*[answer({"transactions": [None] * 100})] * 5)
    records = await client.all_transactions("acc_1", since=SINCE)
    assert records == Records(items=(), skipped=100)
    assert len(wire.requests) == 1


async def test_a_full_page_may_hold_odd_transactions(client: MonzoClient, wire: Wire) -> None:
    rows = [*shape("transactions_unexpanded")["transactions"], *[{}] * 99]
    wire.will_answer(answer({"transactions": rows}), _page(1, 1))
    records = await client.all_transactions("acc_1", since=SINCE)
    assert [item.id for item in records.items] == ["tx_123ABC1", "tx_1"]
    assert records.skipped == 99


async def test_a_bank_that_never_stops_comes_to_an_end(
    client: MonzoClient, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.monzo.api.client._MAX_PAGES", 3)
    wire.will_answer(*[_page(1000 * page, 1000 * page + 99) for page in range(5)])
    with pytest.raises(MonzoResponseError, match="never comes to an end"):
        await client.all_transactions("acc_1", since=SINCE)
    assert len(wire.requests) == 3


async def test_a_file_is_uploaded_without_the_token(client: MonzoClient, wire: Wire) -> None:
    async with Wire() as storage:
        storage.will_answer(answer(b""))
        target = {"file_url": "https://example.com/f", "upload_url": f"{storage.url}/u?Sig=a%2Bb"}
        wire.will_answer(answer(target))
        file_url = await client.upload_attachment("tea.png", "image/png", b"PNG")
        assert file_url == "https://example.com/f"
        assert str(wire.requests[0]) == "POST /attachment/upload"
        assert wire.requests[0].form == {
            "file_name": "tea.png",
            "file_type": "image/png",
            "content_length": "3",
        }
        (upload,) = storage.requests
        assert str(upload) == "PUT /u?Sig=a%2Bb"
        assert upload.body == b"PNG"
        assert upload.headers["Content-Type"] == "image/png"
        assert "Authorization" not in upload.headers
        assert TOKEN not in str(upload.headers)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (answer(b"<Error><Code>AccessDenied</Code></Error>", 403), MonzoRejectedError),
        (answer(b"<Error/>", 503), MonzoConnectionError),
        (answer({}, 307, Location="http://127.0.0.1:1/"), MonzoResponseError),
        (b"", MonzoConnectionError),
    ],
)
async def test_a_failed_upload_says_what_went_wrong(
    client: MonzoClient, wire: Wire, reply: bytes, error: type[MonzoError]
) -> None:
    wire.will_answer(answer({"file_url": "f", "upload_url": f"{wire.url}/u"}), reply)
    with pytest.raises(error):
        await client.upload_attachment("tea.png", "image/png", b"PNG")


@pytest.mark.parametrize(
    "upload_url",
    [
        "nowhere",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://",
        "http://[",
        "http://127.0.0.1:99999/",
        "http://\ud800/",
        "http://" + "ä" * 300,
        "//127.0.0.1/",
    ],
)
async def test_a_file_goes_to_no_nonsense(client: MonzoClient, wire: Wire, upload_url: str) -> None:
    wire.will_answer(answer({"file_url": "f", "upload_url": upload_url}))
    with pytest.raises((MonzoConnectionError, MonzoResponseError)):
        await client.upload_attachment("tea.png", "image/png", b"PNG")


async def test_a_subclass_sees_every_request(session: ClientSession, wire: Wire) -> None:
    seen: list[str] = []

    class CountingClient(MonzoClient):
        @override
        async def request(self, method: str, path: str, **kwargs: Any) -> object:
            seen.append(f"{method} {path}")
            return await super().request(method, path, **kwargs)

    async def access_token() -> str:
        return TOKEN

    client = CountingClient(session, access_token)
    for _, call, _, _, reply in ENDPOINTS:
        wire.will_answer(answer(_plain(reply)))
        await call(client)
    assert len(seen) == len(ENDPOINTS) == len(wire.requests)


async def test_requests_leave_a_line_for_debugging(
    client: MonzoClient, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.monzo")
    wire.will_answer(answer(POT))
    await client.deposit_into_pot("pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once")
    messages = [message for name, _, message in caplog.record_tuples if "monzo" in name]
    assert messages == ["PUT pots/{pot_id}/deposit → 200"]
