import asyncio
from decimal import Decimal
import logging
from typing import Any, override

from aiohttp import ClientConnectionError, ClientSession
import pytest
from yarl import URL

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
    Records,
)

from .conftest import TOKEN, client_with_token
from .endpoints import ENDPOINTS, EXPANDED, FIVE_POUNDS, POT, RECEIPT, WEBHOOK
from .recorded_answers import recorded_bytes
from .scripted_server import ScriptedServer, error_response, response

WHOAMI = response(recorded_bytes("whoami"))
TRANSACTION = response(recorded_bytes("transaction_expanded"))


# Requests and results


async def test_each_method_sends_its_documented_request(
    client: MonzoClient, server: ScriptedServer
) -> None:
    sent = {}
    for endpoint in ENDPOINTS:
        server.script(response(endpoint.reply))
        result = await endpoint.call(client)
        request = server.requests[-1]
        sent[endpoint.name] = (str(request), request.form)
        assert not isinstance(result, Records) or result.skipped == 0, endpoint.name
    assert sent == {each.name: (each.request, each.form) for each in ENDPOINTS}
    assert len(server.requests) == len(ENDPOINTS)
    for request in server.requests:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["Accept"] == "application/json"


async def test_a_receipt_is_sent_as_json(client: MonzoClient, server: ScriptedServer) -> None:
    # The documentation promises an empty response here.
    server.script(response(b""))
    await client.put_receipt(RECEIPT)
    (request,) = server.requests
    assert str(request) == "PUT /transaction-receipts"
    assert request.headers["Content-Type"] == "application/json"
    assert b'"quantity": 0.5' in request.body
    assert b'"total": 500' in request.body


async def test_methods_unwrap_the_response(client: MonzoClient, server: ScriptedServer) -> None:
    server.script(
        response(POT),
        TRANSACTION,
        TRANSACTION,
        response({"attachment": {"id": "attach_1"}}),
        response({"webhook": WEBHOOK}),
    )
    pot = await client.deposit_into_pot(
        "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
    )
    assert pot.name == "Savings"
    assert (await client.transaction("tx_1")).amount == Money(Decimal(-50), "GBP")
    annotated = await client.annotate_transaction("tx_1", {"notes": "Tea"})
    assert annotated.amount == Money(Decimal(-50), "GBP")
    attachment = await client.register_attachment("tx_1", file_url="f", file_type="image/png")
    assert attachment.id == "attach_1"
    assert (await client.register_webhook("acc_1", "u")).id == "webhook_1"


async def test_an_id_stays_one_segment_of_the_path(
    client: MonzoClient, server: ScriptedServer
) -> None:
    segments = {
        "a/b": "a%2Fb",
        "../accounts": "..%2Faccounts",
        "a?limit=1": "a%3Flimit%3D1",
        "a#b": "a%23b",
        "a%2Fb": "a%252Fb",
        "%2e%2e": "%252e%252e",
        "ä b\r\n": "%C3%A4%20b%0D%0A",
        "{pot_id}": "%7Bpot_id%7D",
        "...": "...",
    }
    for transaction_id in segments:
        server.script(TRANSACTION)
        await client.transaction(transaction_id)
    assert [str(request) for request in server.requests] == [
        f"GET /transactions/{segment}?{EXPANDED}" for segment in segments.values()
    ]


@pytest.mark.parametrize("no_id", ["", ".", "..", "\ud800"])
async def test_an_impossible_id_is_not_sent(
    client: MonzoClient, server: ScriptedServer, no_id: str
) -> None:
    with pytest.raises(ValueError, match=r"not an id|surrogates"):
        await client.transaction(no_id)
    assert not server.requests


async def test_a_parameter_cannot_add_another(client: MonzoClient, server: ScriptedServer) -> None:
    for account_id in ("a&current_account_id=b", "a#b", "ä b+", "%26"):
        server.script(response({"pots": []}))
        await client.pots(account_id)
        assert URL(server.requests[-1].target).query == {"current_account_id": account_id}


@pytest.mark.parametrize("amount", ["0", "-0", "-1", "0.001", "NaN", "Infinity", "1e20"])
async def test_an_impossible_amount_is_not_sent(
    client: MonzoClient, server: ScriptedServer, amount: str
) -> None:
    money = Money(Decimal(amount), "GBP")
    with pytest.raises(ValueError, match=r"greater than zero|whole number"):
        await client.deposit_into_pot("pot_1", account_id="acc_1", amount=money, dedupe_id="once")
    with pytest.raises(ValueError, match=r"greater than zero|whole number"):
        await client.withdraw_from_pot("pot_1", account_id="acc_1", amount=money, dedupe_id="once")
    assert not server.requests


async def test_a_subclass_can_intercept_every_request(
    session: ClientSession, server: ScriptedServer
) -> None:
    intercepted: list[str] = []

    class CountingClient(MonzoClient):
        @override
        async def request(self, method: str, path: str, **kwargs: Any) -> object:
            intercepted.append(f"{method} {path}")
            return await super().request(method, path, **kwargs)

    async def access_token() -> str:
        return TOKEN

    client = CountingClient(session, access_token, base_url=server.url)
    for endpoint in ENDPOINTS:
        server.script(response(endpoint.reply))
        await endpoint.call(client)
    assert len(intercepted) == len(ENDPOINTS) == len(server.requests)


# Options


async def test_requests_go_to_the_base_url(session: ClientSession, server: ScriptedServer) -> None:
    for base_url in (server.url, f"{server.url}/", f"{server.url}/proxy/", URL(server.url)):
        server.script(WHOAMI)
        await client_with_token(session, TOKEN, base_url=base_url).who_am_i()
    assert [request.target for request in server.requests] == [
        "/ping/whoami",
        "/ping/whoami",
        "/proxy/ping/whoami",
        "/ping/whoami",
    ]


async def test_the_timeout_covers_the_complete_response(
    session: ClientSession, server: ScriptedServer
) -> None:
    client = client_with_token(session, TOKEN, base_url=server.url, timeout=0.02)
    server.hangs = True
    for beginning in (
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    ):
        server.script(beginning)
        with pytest.raises(MonzoConnectionError, match="GET ping/whoami failed: TimeoutError"):
            await client.who_am_i()


async def test_a_new_timeout_applies_to_the_next_request(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.hangs = True
    server.script(b"")
    client.timeout = 0.02
    with pytest.raises(MonzoConnectionError, match="TimeoutError"):
        await client.who_am_i()


# The access token


async def test_every_request_asks_for_the_access_token(
    session: ClientSession, server: ScriptedServer
) -> None:
    tokens = iter(["first", "second"])

    async def access_token() -> str:
        return next(tokens)

    client = MonzoClient(session, access_token, base_url=server.url)
    server.script(WHOAMI, WHOAMI)
    await client.who_am_i()
    await client.who_am_i()
    assert [request.headers["Authorization"] for request in server.requests] == [
        "Bearer first",
        "Bearer second",
    ]


@pytest.mark.parametrize("error", [ClientConnectionError("no network"), TimeoutError()])
async def test_an_error_of_the_access_token_reaches_the_caller(
    session: ClientSession, server: ScriptedServer, error: Exception
) -> None:
    async def access_token() -> str:
        raise error

    with pytest.raises(type(error)) as caught:
        await MonzoClient(session, access_token, base_url=server.url).who_am_i()
    assert caught.value is error
    assert not server.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_does_not_get_the_access_token(
    client: MonzoClient, server: ScriptedServer, status: int
) -> None:
    async with ScriptedServer() as elsewhere:
        server.script(response({}, status, Location=elsewhere.url))
        with pytest.raises(MonzoResponseError, match=f"HTTP status {status}"):
            await client.who_am_i()
        assert not elsewhere.requests


# Failures


async def test_each_method_raises_the_error_of_the_response(
    client: MonzoClient, server: ScriptedServer
) -> None:
    errors: dict[bytes, type[MonzoError]] = {
        error_response(400, "bad_request.something", "No"): MonzoRejectedError,
        response(b"<html>", 502): MonzoConnectionError,
        response({}, 429, Retry_After="7"): MonzoRateLimitError,
        response({}, 404): MonzoNotFoundError,
        response(b"<html>Sign in to this Wi-Fi"): MonzoResponseError,
        b"": MonzoConnectionError,
        b"not HTTP": MonzoConnectionError,
    }
    for endpoint in ENDPOINTS:
        raised = {}
        server.requests.clear()
        for reply in errors:
            server.script(reply)
            with pytest.raises(MonzoError) as caught:
                await endpoint.call(client)
            raised[reply] = type(caught.value)
        assert raised == errors, endpoint.name
        assert len(server.requests) == len(errors), f"{endpoint.name}: a request was repeated"


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
async def test_a_transfer_is_not_repeated_if_its_response_is_lost(
    client: MonzoClient, server: ScriptedServer, reply: bytes
) -> None:
    for transfer in (client.deposit_into_pot, client.withdraw_from_pot):
        server.requests.clear()
        server.script(reply, response(POT))
        with pytest.raises(MonzoConnectionError):
            await transfer("pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once")
        assert len(server.requests) == 1


BROKEN_HTTP = {
    "incomplete body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "invalid chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    "missing chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
    "not compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no status": b"HTTP/1.1 abc OK\r\n\r\n{}",
    "no end of the headers": b"HTTP/9.9 200 OK\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}",
    "zeros": b"\x00" * 1000,
}


@pytest.mark.parametrize("reply", BROKEN_HTTP.values(), ids=BROKEN_HTTP)
async def test_broken_http_is_a_connection_error(
    client: MonzoClient, server: ScriptedServer, reply: bytes
) -> None:
    server.script(reply)
    with pytest.raises(MonzoConnectionError, match=r"^GET ping/whoami failed: [A-Za-z]+$"):
        await client.who_am_i()


async def test_an_unreachable_server_means_that_nothing_was_sent(session: ClientSession) -> None:
    async with ScriptedServer() as stopped:
        client = client_with_token(session, TOKEN, base_url=stopped.url)
    with pytest.raises(MonzoUnreachableError, match="GET ping/whoami failed: ClientConnectorError"):
        await client.who_am_i()


async def test_a_request_can_be_cancelled(client: MonzoClient, server: ScriptedServer) -> None:
    server.hangs = True
    request = asyncio.ensure_future(client.who_am_i())
    async with asyncio.timeout(30):
        await server.received.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_an_endless_body_is_not_read_to_its_end(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 9_000_000)
    with pytest.raises(MonzoResponseError, match="GET ping/whoami returned a body that is too"):
        await client.who_am_i()


async def test_a_long_body_is_read_to_its_end(client: MonzoClient, server: ScriptedServer) -> None:
    server.script(response({"pots": [POT] * 5_000}))
    assert len(await client.pots("acc_1")) == 5_000


async def test_a_request_logs_one_line_without_ids(
    client: MonzoClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.monzo")
    server.script(response(POT))
    await client.deposit_into_pot("pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once")
    messages = [message for name, _, message in caplog.record_tuples if "monzo" in name]
    assert messages == ["PUT pots/{pot_id}/deposit → 200"]
