"""A transfer outlasts its caller, and nothing is planned before it has ended."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from sandbox.bank import Bank
from sandbox.faults import Delay
from sandbox.household import Household
from sandbox.server import BankServer, DropBefore
from tests.helpers.state_helpers import HeldResponse
from tests.helpers.transfer_client import Held, Move, TransferClient
from tests.helpers.transfer_faults import break_transfers
from tests.sandbox.waiting import let_tasks_run

type Call = Coroutine[Any, Any, dict[str, Any]]


async def stopped(call: asyncio.Task[dict[str, Any]]) -> None:
    """Stop a caller as `mode: restart` does."""
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.fixture
def first_read(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> dict[str, Callable[[Held], Awaitable[asyncio.Task[Any]]]]:
    """Return reads of the balance that the bank holds back, by who has asked for it."""

    async def by_a_poll(held: Held) -> asyncio.Task[Any]:
        balances = transfer_client.entry.runtime_data.balances
        return asyncio.create_task(balances.async_refresh())

    async def by_another_call(held: Held) -> asyncio.Task[Any]:
        enough = home.current.balance / 100
        return asyncio.create_task(transfer_client.keep_account_at(home.coin_jar, enough))

    return {"a poll": by_a_poll, "another call": by_another_call}


@pytest.mark.parametrize("reader", ["a poll", "another call"])
async def test_a_plan_takes_the_transfer_of_a_cancelled_caller_into_account(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    first_read: dict[str, Callable[[Held], Awaitable[asyncio.Task[Any]]]],
    reader: str,
) -> None:
    read = Held(Delay(0))
    server.fail("GET", "/balance", read)
    reading = await first_read[reader](read)
    await read.arrived.wait()
    # Both calls wait for balances from before the first transfer.
    transfer = HeldResponse()
    break_transfers(server, transfer)
    first = asyncio.create_task(transfer_client.keep_account_at(home.holiday, 3_500))
    second = asyncio.create_task(transfer_client.keep_account_at(home.coin_jar, 3_500))
    await asyncio.sleep(0)
    read.released.set()
    await transfer.arrived.wait()
    await stopped(first)
    transfer.released.set()
    assert (await second)["result"] == "nothing_to_do"
    await reading
    assert home.current.balance == 350_000
    assert [move.pot for move in transfer_client.moves] == ["Holiday"]


@pytest.mark.parametrize("committed", [True, False], ids=["moved", "not moved"])
async def test_a_plan_waits_until_the_transfer_of_a_cancelled_caller_has_ended(
    transfer_client: TransferClient, home: Household, server: BankServer, *, committed: bool
) -> None:
    transfer = Held(Delay(0) if committed else DropBefore())
    break_transfers(server, transfer)
    first = asyncio.create_task(transfer_client.keep_account_at(home.holiday, 3_500))
    await transfer.arrived.wait()
    await stopped(first)
    second = asyncio.create_task(transfer_client.keep_account_at(home.coin_jar, 3_500))
    for _ in range(20):
        await asyncio.sleep(0)
    # The bank has the request, and has not moved the money yet.
    transfer.released.set()
    assert (await second)["result"] == "nothing_to_do"
    assert home.current.balance == 350_000


async def test_an_automation_that_is_triggered_twice_moves_the_money_once(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    server: BankServer,
) -> None:
    assert await async_setup_component(
        hass,
        "script",
        {
            "script": {
                "sweep": {
                    "mode": "restart",
                    "sequence": {
                        "action": "monzo.keep_account_at",
                        "data": {"pot": transfer_client.device(home.holiday), "amount": 3_500},
                    },
                }
            }
        },
    )
    transfer = Held(Delay(0))
    break_transfers(server, transfer)
    await hass.services.async_call("script", "turn_on", {"entity_id": "script.sweep"})
    await transfer.arrived.wait()
    again = asyncio.create_task(hass.services.async_call("script", "sweep", blocking=True))
    await let_tasks_run()
    transfer.released.set()
    await again
    assert home.current.balance == 350_000
    assert len(transfer_client.moves) == 1


async def test_the_transfers_after_that_of_a_cancelled_caller_are_not_made(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    parts = ((home.holiday, {"amount": 10}), (home.rainy_day, {"amount": 20}))
    transfer = Held(Delay(0))
    break_transfers(server, transfer)
    first = asyncio.create_task(transfer_client.distribute(*parts, dedupe_id="pay day"))
    await transfer.arrived.wait()
    await stopped(first)
    transfer.released.set()
    await transfer_client.hass.async_block_till_done()
    assert transfer_client.moves == [Move("Holiday", 1_000, "pay day/1")]
    # The same call finishes the rest.
    response = await transfer_client.distribute(*parts, dedupe_id="pay day")
    assert [row["result"] for row in response["moves"]] == ["already_moved", "moved"]


async def test_calls_of_one_account_at_once_keep_it_at_its_amount(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    calls = [
        asyncio.create_task(transfer_client.keep_account_at(pot, 3_500))
        for pot in (home.holiday, home.coin_jar, home.holiday)
    ]
    results = [(await call)["result"] for call in calls]
    assert results == ["moved", "nothing_to_do", "nothing_to_do"]
    assert home.current.balance == 350_000
