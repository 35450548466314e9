"""Shares are planned with the balances of that moment, once; and a dry run only plans."""

import asyncio
from datetime import timedelta
import math
from typing import Any

import pytest

from custom_components.monzo.const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
)
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, LoseResponse
from tests.conftest import AdvanceTime
from tests.helpers.transfer_client import Held, Move, TransferClient, refused
from tests.helpers.transfer_faults import break_transfers, change_options


def pence_of(percentage: int, whole: int) -> int:
    """Return a percentage, rounded down."""
    return whole * percentage // 100


async def test_a_percentage_is_of_the_money_above_the_minimum(
    transfer_client: TransferClient, home: Household
) -> None:
    before = home.current.balance
    response = await transfer_client.call(
        "deposit_into_pot",
        pot=transfer_client.device(home.holiday),
        percentage=25,
        keep_at_least=100,
    )
    moved = pence_of(25, before - 10_000)
    assert transfer_client.amounts == [("Holiday", moved)]
    assert response["amount"] == moved / 100
    before = home.coin_jar.balance
    await transfer_client.call(
        "withdraw_from_pot", pot=transfer_client.device(home.coin_jar), percentage="33.3"
    )
    assert home.coin_jar.balance == before - before * 333 // 1000


async def test_everything_moves_except_the_minimum(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    # The balances of the last poll are outdated.
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    total = home.current.balance + home.holiday.balance
    pot = transfer_client.device(home.holiday)
    response = await transfer_client.call(
        "deposit_into_pot", pot=pot, everything=True, keep_at_least="250.50"
    )
    assert response["result"] == "moved"
    assert response["account_balance"] == 250.5
    assert home.current.balance == 25_050
    await transfer_client.call("withdraw_from_pot", pot=pot, everything=True)
    assert (home.current.balance, home.holiday.balance) == (total, 0)


async def test_with_nothing_to_move_the_id_can_be_used_again(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.pay(home.current.id, -home.current.balance - 5_000)
    fields = {"pot": transfer_client.device(home.holiday), "dedupe_id": "sweep"}
    response = await transfer_client.call("deposit_into_pot", **fields, everything=True)
    assert (response["result"], response["reason"]) == ("nothing_to_do", "nothing_to_spare")
    assert (response["amount"], response["moves"]) == (0, [])
    assert response["account_balance"] == -50
    assert transfer_client.sent == []
    bank.receive(home.current.id, 6_000, sender="Harbour Design Ltd")
    response = await transfer_client.call("deposit_into_pot", **fields, percentage=50)
    assert response["amount"] == 5


async def test_an_exact_amount_below_the_minimum_is_refused(
    transfer_client: TransferClient, home: Household
) -> None:
    before = home.current.balance
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, (before - 10_000 + 1) / 100, keep_at_least=100)
    assert refusal.key == "below_keep_at_least"
    assert f"Current account holds {before / 100:.2f} GBP" in refusal.text
    assert "less than the minimum of 100.00 GBP" in refusal.text
    assert "this transfer was not made" in refusal.text
    with refused() as refusal:
        await transfer_client.withdraw(home.holiday, 640, keep_at_least=0.01)
    assert refusal.key == "below_keep_at_least"
    assert "Holiday holds 640.00 GBP. Moving 640.00 GBP out of it" in refusal.text
    assert transfer_client.sent == []
    await transfer_client.deposit(home.holiday, (before - 10_000) / 100, keep_at_least=100)
    assert home.current.balance == 10_000


async def test_limits_and_locks_hold_for_shares(
    transfer_client: TransferClient, home: Household
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_TRANSFER: 100})
    for pot, key in ((home.holiday, "over_transfer_limit"), (home.rainy_day, "pot_locked")):
        with refused() as refusal:
            await transfer_client.call(
                "withdraw_from_pot", pot=transfer_client.device(pot), everything=True
            )
        assert refusal.key == key
    assert transfer_client.sent == []


async def test_nothing_is_planned_without_current_balances(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    pot = transfer_client.device(home.holiday)
    for path in ("/balance", "/pots"):
        server.fail("GET", path, Answer.html(502), times=None)
        with refused() as refusal:
            await transfer_client.call("withdraw_from_pot", pot=pot, everything=True)
        assert refusal.key == "cannot_be_read"
        server.clear_faults()
        await advance_time(timedelta(minutes=6))
    server.evict(home.ann)
    with refused() as refusal:
        await transfer_client.call("deposit_into_pot", pot=pot, everything=True)
    assert refusal.key == "cannot_be_read"
    await transfer_client.hass.async_block_till_done()
    assert transfer_client.asked_to_sign_in
    assert transfer_client.sent == []


async def test_an_account_that_cannot_be_read_any_more_moves_nothing(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    held = Held(Answer.error("bad_request.insufficient_funds"))
    break_transfers(server, held)
    calls = [
        asyncio.create_task(transfer_client.deposit(home.holiday, 1, dedupe_id="november"))
        for _ in range(2)
    ]
    await held.arrived.wait()
    server.fail("GET", "*", Answer.html(502), times=None)
    balances = transfer_client.entry.runtime_data.balances
    await balances.async_refresh_account(home.current.id, since=math.inf)
    held.released.set()
    for call, key in zip(calls, ("transfer_rejected", "cannot_be_read"), strict=True):
        with refused() as refusal:
            await call
        assert refusal.key == key
    assert len(transfer_client.sent) == 1


# The same id again


async def test_a_repeated_call_is_not_planned_again(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    fields = {
        "pot": transfer_client.device(home.holiday),
        "percentage": 10,
        "dedupe_id": "november",
    }
    first = await transfer_client.call("deposit_into_pot", **fields)
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    again = await transfer_client.call("deposit_into_pot", **fields)
    assert again["result"] == "already_moved"
    assert again["amount"] == first["amount"]
    assert len(transfer_client.sent) == 1


async def test_a_transfer_in_doubt_is_finished_as_planned(
    transfer_client: TransferClient, home: Household, server: BankServer, bank: Bank
) -> None:
    fields = {
        "pot": transfer_client.device(home.holiday),
        "percentage": 10,
        "dedupe_id": "november",
    }
    planned = pence_of(10, home.current.balance)
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused() as refusal:
        await transfer_client.call("deposit_into_pot", **fields)
    assert refusal.key == "transfer_unconfirmed"
    server.clear_faults()
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    response = await transfer_client.call("deposit_into_pot", **fields)
    assert response["result"] == "moved"
    assert transfer_client.moves == [Move("Holiday", planned, "november")]


@pytest.mark.parametrize("happened", [False, True], ids=["was not moved", "was moved"])
async def test_a_transfer_in_doubt_is_repeated_only_if_the_minimum_stays(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    bank: Bank,
    *,
    happened: bool,
) -> None:
    bank.set_round_up(home.coin_jar.id, on=False)
    bank.receive(home.current.id, 100_000, sender="Ben Baker")
    deposit, withdrawal = transfer_client.deposit, transfer_client.withdraw
    for move, pot in ((deposit, home.coin_jar), (withdrawal, home.holiday)):
        fields: dict[str, Any] = {"keep_at_least": 100, "dedupe_id": f"november {pot.name}"}
        break_transfers(server, LoseResponse() if happened else DropBefore(), times=None)
        server.fail("GET", "/transactions", Answer.html(502), times=None)
        with refused() as refusal:
            await move(pot, 500, **fields)
        assert refusal.key == "transfer_unconfirmed"
        server.clear_faults()
        # Most of the money is spent in the meantime.
        if move == deposit:
            bank.pay(home.current.id, 20_000 - home.current.balance)
        else:
            bank.withdraw(pot.id, home.current.id, pot.balance - 12_000, "by hand")
        if happened:
            assert (await move(pot, 500, **fields))["result"] == "moved"
        else:
            with refused() as refusal:
                await move(pot, 500, **fields)
            assert refusal.key == "below_keep_at_least"
    moved = [move.pot for move in transfer_client.moves if "november" in move.dedupe_id]
    assert moved == (["Coin jar", "Holiday"] if happened else [])


async def test_a_refused_call_is_planned_again(
    transfer_client: TransferClient, home: Household, server: BankServer, bank: Bank
) -> None:
    fields = {
        "pot": transfer_client.device(home.holiday),
        "everything": True,
        "dedupe_id": "november",
    }
    break_transfers(server, Answer.error("bad_request.insufficient_funds"))
    with refused() as refusal:
        await transfer_client.call("deposit_into_pot", **fields)
    assert refusal.key == "transfer_rejected"
    bank.pay(home.current.id, -10_000)
    left = home.current.balance
    await transfer_client.call("deposit_into_pot", **fields)
    assert transfer_client.amounts == [("Holiday", left)]


async def test_another_request_with_the_same_id_is_refused(
    transfer_client: TransferClient, home: Household
) -> None:
    fields = {"pot": transfer_client.device(home.holiday), "dedupe_id": "november"}
    await transfer_client.call("deposit_into_pot", percentage=10, **fields)
    for other in (
        {"percentage": 11},
        {"percentage": 10, "keep_at_least": 0},
        {"everything": True},
        {"amount": 1},
    ):
        with refused() as refusal:
            await transfer_client.call("deposit_into_pot", **fields, **other)
        assert refusal.key == "dedupe_id_reused"
    response = await transfer_client.call("deposit_into_pot", percentage="10.0", **fields)
    assert response["result"] == "already_moved"


# Calls at once


async def test_two_calls_at_once_do_not_plan_with_the_same_money(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    whole = home.current.balance
    held = Held(Answer.error("internal_service"))
    break_transfers(server, held)
    calls = [
        asyncio.create_task(
            transfer_client.call(
                "deposit_into_pot", pot=transfer_client.device(pot), everything=True
            )
        )
        for pot in (home.holiday, home.coin_jar)
    ]
    await held.arrived.wait()
    held.released.set()
    responses = await asyncio.gather(*calls)
    assert sorted(response["result"] for response in responses) == ["moved", "nothing_to_do"]
    assert [move.amount for move in transfer_client.moves] == [whole]
    assert home.current.balance == 0


async def test_neither_another_account_nor_a_dry_run_waits_for_a_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    held = Held(Answer.error("internal_service"))
    break_transfers(server, held)
    fields: dict[str, Any] = {"pot": transfer_client.device(home.holiday), "everything": True}
    moving = asyncio.create_task(transfer_client.call("deposit_into_pot", **fields))
    await held.arrived.wait()
    response = await transfer_client.call("deposit_into_pot", **fields, dry_run=True)
    assert response["result"] == "planned"
    bills = transfer_client.device(home.bills)
    await transfer_client.call("deposit_into_pot", pot=bills, percentage=1)
    assert [move.pot for move in transfer_client.moves] == ["Bills"]
    held.released.set()
    await moving


# Dry runs


async def test_a_dry_run_returns_the_plan_and_sends_nothing(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    before = home.current.balance
    response = await transfer_client.call(
        "deposit_into_pot",
        pot=transfer_client.device(home.holiday),
        percentage=50,
        dedupe_id="november",
        dry_run=True,
    )
    planned = pence_of(50, before) / 100
    assert response == {
        "result": "planned",
        "reason": None,
        "problems": [],
        "dedupe_id": "november",
        "amount": planned,
        "currency": "GBP",
        "short_by": 0,
        "pot": "Holiday",
        "pot_id": home.holiday.id,
        "pot_balance": 640,
        "account_id": home.current.id,
        "account_balance": before / 100,
        "moves": [
            {
                "direction": "deposit",
                "pot": "Holiday",
                "pot_id": home.holiday.id,
                "amount": planned,
                "currency": "GBP",
                "result": "planned",
                "reason": None,
                "message": None,
            }
        ],
    }
    assert server.requests_to("PUT", "*") == []
    response = await transfer_client.deposit(home.holiday, 1, dedupe_id="november")
    assert response["result"] == "moved"


async def test_a_dry_run_knows_earlier_calls_with_the_same_id(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    fields: dict[str, Any] = {"dedupe_id": "november", "dry_run": True}
    await transfer_client.withdraw(home.holiday, 5, keep_at_least=0, dedupe_id="november")
    before = len(server.requests_to())
    response = await transfer_client.withdraw(home.holiday, 5, keep_at_least=0, **fields)
    assert response["result"] == "already_moved"
    for pot in (home.holiday, home.coin_jar):
        response = await transfer_client.withdraw(pot, 5, **fields)
        assert response["result"] == "nothing_to_do"
        assert [problem["reason"] for problem in response["problems"]] == ["dedupe_id_reused"]
    assert len(server.requests_to()) == before


async def test_a_dry_run_shows_all_problems(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.deposit(home.holiday, 50)
    await change_options(
        transfer_client,
        **{CONF_ALLOW_TRANSFERS: False, CONF_MAX_PER_TRANSFER: 10, CONF_MAX_PER_DAY: 60},
    )
    response = await transfer_client.withdraw(home.rainy_day, 20, dry_run=True)
    assert response["result"] == "planned"
    assert [problem["reason"] for problem in response["problems"]] == [
        "pot_locked",
        "transfers_not_allowed",
        "over_transfer_limit",
        "over_daily_limit",
    ]
    messages = [problem["message"] for problem in response["problems"]]
    assert "Rainy day is locked" in messages[0]
    assert "20.00 GBP exceeds the limit of 10.00 GBP" in messages[2]
    assert "of which 50.00 GBP is already used" in messages[3]
    response = await transfer_client.deposit(home.holiday, 10**6, keep_at_least=1, dry_run=True)
    assert [problem["reason"] for problem in response["problems"]] == ["below_keep_at_least"]
    assert len(transfer_client.sent) == 1


async def test_a_dry_run_shows_that_there_is_not_enough_money(
    transfer_client: TransferClient, home: Household
) -> None:
    for move, source in (
        (transfer_client.deposit, "Current account"),
        (transfer_client.withdraw, "Holiday"),
    ):
        response = await move(home.holiday, 500_000, dry_run=True)
        (problem,) = response["problems"]
        assert problem["reason"] == "more_than_there_is"
        assert problem["message"].startswith(f"{source} holds only ")
        assert "500000.00 GBP" in problem["message"]
    response = await transfer_client.deposit(home.holiday, 5, dry_run=True)
    assert response["problems"] == []
