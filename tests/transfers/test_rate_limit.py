"""A batch waits for the end of the bank's rate limit, because it would stop half-way otherwise."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Pot
from sandbox.server import Answer, BankServer, LoseResponse, RateLimit
from tests.conftest import AdvanceTime
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transfer_client import TransferClient, refused, results_of
from tests.helpers.transfer_faults import break_transfers

type Call = asyncio.Task[dict[str, Any]]


@pytest.fixture
async def pots(
    bank: Bank, home: Household, advance_time: AdvanceTime, transfer_client: TransferClient
) -> list[Pot]:
    """Return a dozen pots that Home Assistant knows."""
    bank.set_round_up(home.coin_jar.id, on=False)
    pots = [bank.open_pot(home.current.id, f"Pot {number}") for number in range(12)]
    for _ in range(11):
        await advance_time(timedelta(seconds=60))
    # The clock is turned while requests of polls are on their way.
    transfer_client.entry.runtime_data.session.timeout = 3_600
    return pots


async def let_work() -> None:
    """Let the bank and its clients work until they have nothing to do at this time.

    Not with async_block_till_done, which would wait for a call that waits for the bank.
    """
    for _ in range(300):
        await asyncio.sleep(0)


async def finished(client: TransferClient, call: Call, freezer: StoppedClock) -> dict[str, Any]:
    """Turn the clock until a call is finished, and return its response."""
    for _ in range(300):
        await let_work()
        if call.done():
            return call.result()
        freezer.tick(5)
        async_fire_time_changed(client.hass)
    call.cancel()
    pytest.fail("the call does not end")


def distributed(client: TransferClient, pots: list[Pot]) -> Call:
    """Begin to distribute ten pounds to each of these pots."""
    parts = [(pot, {"amount": 10}) for pot in pots]
    return asyncio.create_task(client.distribute(*parts, dedupe_id="pay day"))


@pytest.mark.parametrize("retry_after", [None, "seconds"])
async def test_a_distribution_to_many_pots_waits_for_the_end_of_the_rate_limit(
    transfer_client: TransferClient,
    server: BankServer,
    freezer: StoppedClock,
    pots: list[Pot],
    retry_after: Any,
) -> None:
    limit = RateLimit(requests=6, window=timedelta(minutes=1), retry_after=retry_after)
    server.behaviour = replace(server.behaviour, rate_limit=limit)
    started = server.bank.clock()
    response = await finished(transfer_client, distributed(transfer_client, pots[:8]), freezer)
    assert results_of(response) == ["moved"] * 8
    assert len(transfer_client.moves) == 8
    assert server.bank.clock() - started >= timedelta(minutes=1)


async def test_a_distribution_gives_up_if_the_rate_limit_lasts_too_long(
    transfer_client: TransferClient,
    server: BankServer,
    freezer: StoppedClock,
    pots: list[Pot],
) -> None:
    server.fail("PUT", "/pots/*", Answer.rate_limited("3600"), after=1)
    response = await finished(transfer_client, distributed(transfer_client, pots[:3]), freezer)
    assert results_of(response) == ["moved", "refused", "not_sent"]
    assert response["moves"][1]["reason"] == "transfer_not_sent"


async def test_a_distribution_that_is_refused_again_and_again_gives_up(
    transfer_client: TransferClient,
    server: BankServer,
    freezer: StoppedClock,
    pots: list[Pot],
) -> None:
    server.fail("PUT", "/pots/*", Answer.rate_limited("200"), times=None, after=1)
    response = await finished(transfer_client, distributed(transfer_client, pots[:3]), freezer)
    assert results_of(response) == ["moved", "refused", "not_sent"]
    # At once, and after each of the three pauses that fit into ten minutes.
    assert len(transfer_client.sent) == 1 + 4


async def test_a_transfer_whose_answer_was_lost_does_not_wait(
    transfer_client: TransferClient,
    server: BankServer,
    freezer: StoppedClock,
    pots: list[Pot],
) -> None:
    server.fail("PUT", "/pots/*", LoseResponse(), after=1)
    server.fail("PUT", "/pots/*", Answer.rate_limited("200"), after=1)
    response = await finished(transfer_client, distributed(transfer_client, pots[:3]), freezer)
    assert results_of(response) == ["moved", "unknown", "not_sent"]


async def test_a_caller_that_is_cancelled_while_it_waits_leaves_the_rest(
    transfer_client: TransferClient,
    server: BankServer,
    home: Household,
    freezer: StoppedClock,
    pots: list[Pot],
) -> None:
    server.fail("PUT", "/pots/*", Answer.rate_limited("200"), after=1)
    call = distributed(transfer_client, pots[:3])
    await let_work()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    freezer.tick(201)
    async_fire_time_changed(transfer_client.hass)
    await transfer_client.hass.async_block_till_done()
    assert len(transfer_client.moves) == 1
    # The account is free for others, and the rest can be made later.
    await transfer_client.deposit(home.holiday, 5)
    response = await finished(transfer_client, distributed(transfer_client, pots[:3]), freezer)
    assert results_of(response) == ["already_moved", "moved", "moved"]


async def test_a_single_transfer_waits_half_a_minute_at_most(
    transfer_client: TransferClient, home: Household, server: BankServer, pots: list[Pot]
) -> None:
    break_transfers(server, Answer.rate_limited("31"))
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 5)
    assert refusal.key == "transfer_not_sent"
