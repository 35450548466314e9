"""The server: errors, faults, request log, latency, rate limit, start and stop."""

import asyncio
from datetime import timedelta
from email.utils import parsedate_to_datetime
import os
from pathlib import Path
import re
import signal
import sys

from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession
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

from .api_client import ApiClient
from .clock import ManualClock
from .waiting import LIMIT_SECONDS, wait_until

REPOSITORY = Path(__file__).parents[2]

# A shell without job control makes programs in the background ignore SIGINT.
IGNORE_SIGINT = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]


async def test_an_unknown_path_gives_the_recorded_error(client: ApiClient) -> None:
    response = await client.get("/a")
    assert response.error == (404, "not_found")
    assert response.data == {
        "code": "not_found",
        "message": "/a not found",
        "retryable": {},
        "marshal_count": 1,
        "unexpected": {},
    }


async def test_the_wrong_method_is_refused(client: ApiClient) -> None:
    assert (await client.request("DELETE", "/accounts")).error == (405, "method_not_allowed")


async def test_every_request_is_logged_including_failed_ones(
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
async def test_a_fault_replaces_the_response(
    client: ApiClient, server: BankServer, fault: Answer, status: int, body: str
) -> None:
    server.fail("GET", "/accounts", fault)
    response = await client.get("/accounts")
    assert response.status == status
    assert body in response.body.decode()


async def test_garbage_is_not_text(client: ApiClient, server: BankServer) -> None:
    server.fail("GET", "/accounts", Answer.garbage())
    with pytest.raises(UnicodeDecodeError):
        (await client.get("/accounts")).body.decode()


async def test_errors_have_the_header_of_the_bank_but_pages_do_not(
    client: ApiClient, server: BankServer
) -> None:
    server.fail("*", "*", Answer.error("internal_service"))
    assert (await client.get("/accounts")).headers["Terror"] == "1"
    server.fail("*", "*", Answer.html())
    assert "Terror" not in (await client.get("/accounts")).headers


@pytest.mark.parametrize("retry_after", [None, "30", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_fault_can_be_a_rate_limit(
    client: ApiClient, server: BankServer, retry_after: str | None
) -> None:
    server.fail("GET", "/accounts", Answer.rate_limited(retry_after))
    response = await client.get("/accounts")
    assert response.error == (429, "rate_limited")
    assert response.headers.get("Retry-After") == retry_after


async def test_a_fault_can_start_later_and_affect_a_number_of_requests(
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


async def test_a_fault_does_not_affect_other_methods(client: ApiClient, server: BankServer) -> None:
    server.fail("PUT", "*", Answer.html(), times=None)
    assert (await client.get("/accounts")).status == 200


async def test_money_has_moved_when_a_response_is_lost(
    client: ApiClient, server: BankServer, current: Account, pot: Pot
) -> None:
    server.fail("PUT", "/pots/*", LoseResponse(), times=None)
    with pytest.raises(ClientConnectionError):
        await client.deposit(pot.id, current.id, 500, "one")
    assert pot.balance == 2_500
    assert server.requests[0].status == 0


async def test_no_money_has_moved_when_a_request_is_dropped(
    client: ApiClient, server: BankServer, current: Account, pot: Pot
) -> None:
    server.fail("PUT", "/pots/*", DropBefore(), times=None)
    with pytest.raises(ClientConnectionError):
        await client.deposit(pot.id, current.id, 500, "one")
    assert pot.balance == 2_000


async def test_money_has_moved_when_an_error_follows_the_commit(
    client: ApiClient, server: BankServer, current: Account, pot: Pot
) -> None:
    server.fail("PUT", "/pots/*", CommitThen(500))
    assert (await client.deposit(pot.id, current.id, 500, "one")).status == 500
    assert pot.balance == 2_500


@pytest.mark.parametrize("committed", [False, True])
async def test_silence_lasts_until_the_client_gives_up(
    client: ApiClient, server: BankServer, current: Account, pot: Pot, *, committed: bool
) -> None:
    server.fail("PUT", "/pots/*", Silence(committed=committed))
    depositing = asyncio.create_task(client.deposit(pot.id, current.id, 500, "one"))
    await wait_until(lambda: server.requests)
    assert pot.balance == (2_500 if committed else 2_000)
    depositing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await depositing
    assert server.requests[0].status == 0
    assert (await client.get("/accounts")).status == 200


async def test_stopping_ends_requests_that_meet_silence(bank: Bank, session: ClientSession) -> None:
    async with BankServer(bank) as server:
        server.fail("*", "*", Silence(), times=None)
        requests = [asyncio.create_task(_get(session, f"{server.url}/accounts")) for _ in range(3)]
        await wait_until(lambda: len(server.requests) == len(requests))
    async with asyncio.timeout(LIMIT_SECONDS):
        outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert all(isinstance(outcome, ClientConnectionError) for outcome in outcomes)


async def _get(session: ClientSession, url: str) -> None:
    async with session.get(url):
        pass


async def test_a_truncated_response_is_an_error(client: ApiClient, server: BankServer) -> None:
    server.fail("GET", "/accounts", Truncated())
    with pytest.raises(ClientPayloadError):
        await client.get("/accounts")


@pytest.mark.parametrize("committed", [False, True])
async def test_a_delayed_response_is_the_normal_one(
    client: ApiClient, server: BankServer, current: Account, pot: Pot, *, committed: bool
) -> None:
    server.fail("PUT", "/pots/*", Delay(0.05, committed=committed))
    depositing = asyncio.create_task(client.deposit(pot.id, current.id, 500, "one"))
    await wait_until(lambda: server.requests)
    assert pot.balance == (2_500 if committed else 2_000)
    assert (await depositing).data["balance"] == 2_500


async def test_latency_delays_every_response(
    bank: Bank, clock: ManualClock, session: ClientSession
) -> None:
    async with BankServer(bank, latency=0.05, sleep=clock.sleep) as server:
        getting = asyncio.create_task(_get(session, f"{server.url}/accounts"))
        await wait_until(lambda: clock.next_wake)
        assert clock.next_wake == timedelta(milliseconds=50)
        assert server.requests[0].status == 0
        clock.forward(milliseconds=50)
        async with asyncio.timeout(LIMIT_SECONDS):
            await getting
        assert server.requests[0].status == 401


async def test_latency_delays_a_delivery_by_half(
    bank: Bank, clock: ManualClock, current: Account
) -> None:
    async with BankServer(bank, latency=0.05, sleep=clock.sleep) as server:
        bank.register_webhook(current.id, "a client", "http://127.0.0.1:9/hook")
        bank.pay(current.id, -100)
        await wait_until(lambda: clock.next_wake)
        assert clock.next_wake == timedelta(milliseconds=25)
        assert not server.deliveries
        clock.forward(milliseconds=25)
        await wait_until(lambda: server.deliveries)


async def test_a_client_can_give_up_during_the_latency(
    bank: Bank, clock: ManualClock, session: ClientSession
) -> None:
    async with BankServer(bank, latency=0.05, sleep=clock.sleep) as server:
        getting = asyncio.create_task(_get(session, f"{server.url}/accounts"))
        await wait_until(lambda: clock.next_wake)
        getting.cancel()
        await wait_until(lambda: not clock.next_wake)


# Rate limits


@pytest.mark.parametrize("form", ["seconds", "date", None])
async def test_requests_above_the_rate_limit_are_refused(
    client: ApiClient, server: BankServer, clock: ManualClock, form: str | None
) -> None:
    limit = RateLimit(requests=2, window=timedelta(minutes=5), retry_after=form)  # type: ignore[arg-type]
    server.behaviour = ServerBehaviour(rate_limit=limit)
    for _ in range(2):
        assert (await client.get("/accounts")).status == 200
        clock.forward(seconds=10)
    response = await client.get("/accounts")
    assert response.error == (429, "rate_limited")
    wait = timedelta(minutes=5, seconds=-20)
    match form:
        case "seconds":
            assert response.headers["Retry-After"] == str(int(wait.total_seconds()))
        case "date":
            when = parsedate_to_datetime(response.headers["Retry-After"])
            assert when == clock.now + wait
        case _:
            assert "Retry-After" not in response.headers
    clock.now += wait
    assert (await client.get("/accounts")).status == 200
    assert (await client.get("/accounts")).status == 429


async def test_a_rate_limit_can_come_as_a_page(client: ApiClient, server: BankServer) -> None:
    server.behaviour = ServerBehaviour(rate_limit=RateLimit(requests=0), errors_as_html=True)
    response = await client.get("/accounts")
    assert response.status == 429
    assert response.headers["Content-Type"].startswith("text/html")


# Start and stop


async def test_a_server_can_be_started_again_at_the_same_url(
    bank: Bank, session: ClientSession
) -> None:
    server = BankServer(bank)
    await server.start()
    url = server.url
    await server.stop()
    await server.stop()
    async with server:
        assert server.url == url
        await _get(session, f"{url}/accounts")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("start", [[], IGNORE_SIGINT], ids=["in a terminal", "in the background"])
async def test_it_runs_as_a_program_until_a_signal_stops_it(
    start: list[str], stop: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*start, sys.executable, "-m", "sandbox.server", "--port", "0"),
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            assert process.stdout is not None
            greeting = (await process.stdout.readline()).decode()
            found = re.search(r"http://\S+/control", greeting)
            assert found is not None
            async with ClientSession() as session, session.get(f"{found.group()}/state") as state:
                accounts = (await state.json())["accounts"]
            process.send_signal(stop)
            output = await process.stdout.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert b"has stopped" in output
    assert any(account["name"] == "Joint account · Ann & Ben" for account in accounts)
