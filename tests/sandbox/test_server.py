"""The server itself: errors, faults, the request log, rate limits; points 14 and 16."""

import asyncio
from datetime import timedelta
from email.utils import parsedate_to_datetime
import os
from pathlib import Path
import re
import signal
import sys
import time

from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer
import pytest

from sandbox.bank import Bank
from sandbox.behaviour import RateLimit, ServerBehaviour
from sandbox.models import Account, Pot
from sandbox.server import (
    Answer,
    BankServer,
    CommitThen,
    Delay,
    DropBefore,
    Edited,
    LoseResponse,
    Silence,
    Truncated,
)

from .api_client import ApiClient, ManualClock, until


async def test_an_unknown_path_answers_as_recorded(client: ApiClient) -> None:
    reply = await client.get("/a")
    assert reply.refused == (404, "not_found")
    assert reply.data == {
        "code": "not_found",
        "message": "/a not found",
        "retryable": {},
        "marshal_count": 1,
        "unexpected": {},
    }


async def test_the_wrong_method_is_refused(client: ApiClient) -> None:
    assert (await client.request("DELETE", "/accounts")).refused == (405, "method_not_allowed")


async def test_every_request_is_logged_even_those_that_fail(
    client: ApiClient, server: BankServer, clock: ManualClock, current: Account, pot: Pot
) -> None:
    server.fail("GET", "/accounts", Answer.html(502))
    await client.get("/accounts")
    clock.forward(seconds=1)
    await client.get("/balance", account_id=current.id)
    await client.deposit(pot.id, current.id, 100, "in")
    await client.get("/nothing")
    await client.session.get(f"{server.url}/control")
    assert [(call.method, call.path, call.status) for call in server.requests] == [
        ("GET", "/accounts", 502),
        ("GET", "/balance", 200),
        ("PUT", f"/pots/{pot.id}/deposit", 200),
        ("GET", "/nothing", 404),
    ]
    assert server.requests[1].query == {"account_id": current.id}
    assert server.requests[1].at == clock.now
    assert server.requests[2].form == {
        "source_account_id": current.id,
        "amount": "100",
        "dedupe_id": "in",
    }
    assert len(server.requests_to("PUT", "/pots/*/deposit")) == 1
    assert len(server.requests_to("GET")) == 3


# Faults


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (Answer.html(502), 502, "<h1>502"),
        (Answer.json(None), 200, "null"),
        (Answer.json([]), 200, "[]"),
        (Answer(200), 200, ""),
        (Answer.error("internal_service"), 500, '"retryable": {"value": true}'),
        (Answer.error("timeout"), 504, '"timeout"'),
        (Answer.error("bad_request.x", "No", params={"a": "b"}), 400, '"params": {"a": "b"}'),
        (CommitThen(504), 504, '"timeout"'),
        (CommitThen(), 500, '"internal_service"'),
        (Edited(lambda _: {"accounts": []}), 200, '{"accounts": []}'),
    ],
)
async def test_a_fault_answers_instead_of_the_bank(
    client: ApiClient, server: BankServer, fault: Answer, status: int, body: str
) -> None:
    server.fail("GET", "/accounts", fault)
    reply = await client.get("/accounts")
    assert reply.status == status
    assert body in reply.body.decode()


async def test_garbage_is_not_even_text(client: ApiClient, server: BankServer) -> None:
    server.fail("GET", "/accounts", Answer.garbage())
    with pytest.raises(UnicodeDecodeError):
        (await client.get("/accounts")).body.decode()


async def test_errors_have_the_bank_s_header_and_pages_do_not(
    client: ApiClient, server: BankServer
) -> None:
    server.fail("*", "*", Answer.error("internal_service"))
    assert (await client.get("/accounts")).headers["Terror"] == "1"
    server.fail("*", "*", Answer.html())
    assert "Terror" not in (await client.get("/accounts")).headers


@pytest.mark.parametrize("retry_after", [None, "30", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_rate_limiting_on_demand(
    client: ApiClient, server: BankServer, retry_after: str | None
) -> None:
    server.fail("GET", "/accounts", Answer.rate_limited(retry_after))
    reply = await client.get("/accounts")
    assert reply.refused == (429, "rate_limited")
    assert reply.headers.get("Retry-After") == retry_after


async def test_a_fault_meets_so_many_requests_after_so_many(
    client: ApiClient, server: BankServer
) -> None:
    handle = server.fail("GET", "/acc*", Answer.html(503), times=2, after=1)
    statuses = [(await client.get("/accounts")).status for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert (await client.get("/ping/whoami")).status == 200
    assert handle.met == 2


async def test_a_fault_lasts_until_it_is_cleared(client: ApiClient, server: BankServer) -> None:
    one = server.fail("GET", "/accounts", Answer.html(), times=None)
    assert [(await client.get("/accounts")).status for _ in range(3)] == [502] * 3
    one.clear()
    assert (await client.get("/accounts")).status == 200
    server.fail("*", "*", Answer.html(), times=None)
    server.clear_faults()
    assert (await client.get("/accounts")).status == 200


async def test_faults_of_other_methods_pass_by(client: ApiClient, server: BankServer) -> None:
    server.fail("PUT", "*", Answer.html(), times=None)
    assert (await client.get("/accounts")).status == 200


async def test_a_lost_answer_leaves_the_money_moved(
    client: ApiClient, server: BankServer, current: Account, pot: Pot
) -> None:
    server.fail("PUT", "/pots/*", LoseResponse(), times=None)
    with pytest.raises(ClientConnectionError):
        await client.deposit(pot.id, current.id, 500, "one")
    assert pot.balance == 2_500
    assert server.requests[0].status == 0


async def test_a_drop_before_leaves_the_money_where_it_was(
    client: ApiClient, server: BankServer, current: Account, pot: Pot
) -> None:
    server.fail("PUT", "/pots/*", DropBefore(), times=None)
    with pytest.raises(ClientConnectionError):
        await client.deposit(pot.id, current.id, 500, "one")
    assert pot.balance == 2_000


async def test_an_error_after_the_commit_leaves_the_money_moved(
    client: ApiClient, server: BankServer, current: Account, pot: Pot
) -> None:
    server.fail("PUT", "/pots/*", CommitThen(500))
    assert (await client.deposit(pot.id, current.id, 500, "one")).status == 500
    assert pot.balance == 2_500


@pytest.mark.parametrize("committed", [False, True])
async def test_silence_lasts_until_the_program_gives_up(
    client: ApiClient, server: BankServer, current: Account, pot: Pot, *, committed: bool
) -> None:
    server.fail("PUT", "/pots/*", Silence(committed=committed))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.deposit(pot.id, current.id, 500, "one")
    assert pot.balance == (2_500 if committed else 2_000)
    assert (await client.get("/accounts")).status == 200


async def test_stopping_does_not_wait_for_the_silent(bank: Bank, session: ClientSession) -> None:
    async with BankServer(bank) as server:
        server.fail("*", "*", Silence(), times=None)
        asked = [asyncio.create_task(_get(session, f"{server.url}/accounts")) for _ in range(3)]
        await until(lambda: len(server.requests) == len(asked))
        began = time.monotonic()
    assert time.monotonic() - began < 1
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(outcome, ClientConnectionError) for outcome in outcomes)


async def _get(session: ClientSession, url: str) -> None:
    async with session.get(url):
        pass


async def test_a_truncated_answer_is_noticed(client: ApiClient, server: BankServer) -> None:
    server.fail("GET", "/accounts", Truncated())
    with pytest.raises(ClientPayloadError):
        await client.get("/accounts")


@pytest.mark.parametrize("committed", [False, True])
async def test_a_slow_answer_is_the_right_one(
    client: ApiClient, server: BankServer, current: Account, pot: Pot, *, committed: bool
) -> None:
    server.fail("PUT", "/pots/*", Delay(0.05, committed=committed))
    asking = asyncio.create_task(client.deposit(pot.id, current.id, 500, "one"))
    await until(lambda: server.requests)
    assert pot.balance == (2_500 if committed else 2_000)
    assert (await asking).data["balance"] == 2_500


async def test_latency_delays_every_answer(bank: Bank, session: ClientSession) -> None:
    async with BankServer(bank, latency=0.05) as server:
        began = time.monotonic()
        await _get(session, f"{server.url}/accounts")
        assert time.monotonic() - began >= 0.05


async def test_latency_delays_a_delivery_by_half(
    bank: Bank, current: Account, session: ClientSession
) -> None:
    arrived = asyncio.Event()

    async def take(_request: web.Request) -> web.Response:
        arrived.set()
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    async with TestServer(application) as house, BankServer(bank, latency=0.05):
        bank.register_webhook(current.id, "a program", str(house.make_url("/hook")))
        began = time.monotonic()
        bank.pay(current.id, -100)
        await arrived.wait()
        assert time.monotonic() - began >= 0.025


async def test_a_request_can_be_cut_short(bank: Bank) -> None:
    short = ClientTimeout(total=0.02)
    async with BankServer(bank, latency=5) as server, ClientSession(timeout=short) as session:
        with pytest.raises(TimeoutError):
            await _get(session, f"{server.url}/accounts")


# Rate limits


@pytest.mark.parametrize("form", ["seconds", "date", None])
async def test_more_than_so_many_requests_in_a_window_are_refused(
    client: ApiClient, server: BankServer, clock: ManualClock, form: str | None
) -> None:
    limit = RateLimit(requests=2, window=timedelta(minutes=5), retry_after=form)  # type: ignore[arg-type]
    server.behaviour = ServerBehaviour(rate_limit=limit)
    for _ in range(2):
        assert (await client.get("/accounts")).status == 200
        clock.forward(seconds=10)
    reply = await client.get("/accounts")
    assert reply.refused == (429, "rate_limited")
    wait = timedelta(minutes=5, seconds=-20)
    match form:
        case "seconds":
            assert reply.headers["Retry-After"] == str(int(wait.total_seconds()))
        case "date":
            when = parsedate_to_datetime(reply.headers["Retry-After"])
            assert when == clock.now + wait
        case _:
            assert "Retry-After" not in reply.headers
    clock.now += wait
    assert (await client.get("/accounts")).status == 200
    assert (await client.get("/accounts")).status == 429


async def test_refusals_can_come_as_a_page(client: ApiClient, server: BankServer) -> None:
    server.behaviour = ServerBehaviour(rate_limit=RateLimit(requests=0), errors_as_html=True)
    reply = await client.get("/accounts")
    assert reply.status == 429
    assert reply.headers["Content-Type"].startswith("text/html")


# Coming and going


async def test_a_server_starts_again_where_it_was(bank: Bank, session: ClientSession) -> None:
    server = BankServer(bank)
    await server.start()
    url = server.url
    await server.stop()
    await server.stop()
    async with server:
        assert server.url == url
        await _get(session, f"{url}/accounts")


async def test_it_runs_by_itself() -> None:
    repository = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "sandbox.server", "--port", "0"),
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    found = re.search(r"http://\S+/control", said)
    assert found is not None
    async with ClientSession() as session, session.get(f"{found.group()}/state") as response:
        state = await response.json()
    process.send_signal(signal.SIGINT)
    rest = await process.stdout.read()
    assert await process.wait() == 0
    assert b"closed" in rest
    assert any(account["name"] == "Joint account · Ann & Ben" for account in state["accounts"])
