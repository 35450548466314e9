"""Moving a share of what is there: planned on what is there at that moment, and only once."""

import asyncio
from datetime import timedelta
import math
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.monzo.const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
)
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, LoseResponse
from tests.conftest import LetPass
from tests.helpers.transfer_client import Held, Move, Teller, refused
from tests.helpers.transfer_faults import break_transfers, change_options

NO_PERCENTAGES = (
    0,
    "0",
    -5,
    100.01,
    101,
    "a half",
    "",
    None,
    "5%",
    "1e1",
    "1" * 30,
    10**5000,
    [50],
)


def pence_of(share: int, whole: int) -> int:
    """Return a percentage, rounded down."""
    return whole * share // 100


async def test_a_percentage_is_of_what_is_there_above_what_is_kept(
    teller: Teller, home: Household
) -> None:
    before = home.current.balance
    answer = await teller.call(
        "deposit_into_pot", pot=teller.device(home.holiday), percentage=25, keep_at_least=100
    )
    moved = pence_of(25, before - 10_000)
    assert [move.amount for move in teller.moves] == [moved]
    assert answer["amount"] == moved / 100
    before = home.coin_jar.balance
    await teller.call("withdraw_from_pot", pot=teller.device(home.coin_jar), percentage="33.3")
    assert home.coin_jar.balance == before - before * 333 // 1000


async def test_everything_is_all_but_what_is_kept(teller: Teller, home: Household) -> None:
    total = home.current.balance + home.holiday.balance
    answer = await teller.call(
        "deposit_into_pot",
        pot=teller.device(home.holiday),
        everything=True,
        keep_at_least="250.50",
    )
    assert answer["result"] == "moved"
    assert answer["account_balance"] == 250.5
    assert home.current.balance == 25_050
    await teller.call("withdraw_from_pot", pot=teller.device(home.holiday), everything=True)
    assert (home.current.balance, home.holiday.balance) == (total, 0)


async def test_an_account_is_never_overdrawn_for_a_share(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.pay(home.current.id, -home.current.balance - 5_000)
    for share in ({"everything": True}, {"percentage": 50}):
        answer = await teller.call(
            "deposit_into_pot", pot=teller.device(home.holiday), dedupe_id="sweep", **share
        )
        assert answer["result"] == "nothing_to_do"
        assert answer["reason"] == "nothing_to_spare"
        assert answer["amount"] == 0
        assert answer["moves"] == []
        assert answer["account_balance"] == -50
    assert teller.sent == []
    # What has moved nothing has not used its id up.
    bank.receive(home.current.id, 6_000, sender="Harbour Design Ltd")
    answer = await teller.call(
        "deposit_into_pot",
        pot=teller.device(home.holiday),
        dedupe_id="sweep",
        percentage=50,
    )
    assert answer["amount"] == 5


async def test_a_percentage_of_next_to_nothing_is_nothing(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.pay(home.current.id, -home.current.balance + 3)
    answer = await teller.call("deposit_into_pot", pot=teller.device(home.holiday), percentage=30)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "too_little")


async def test_the_share_is_of_what_is_there_now(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    whole = home.current.balance
    await teller.call("deposit_into_pot", pot=teller.device(home.holiday), everything=True)
    assert [move.amount for move in teller.moves] == [whole]


async def test_an_amount_that_would_leave_too_little_is_refused(
    teller: Teller, home: Household, bank: Bank
) -> None:
    before = home.current.balance
    with refused() as refusal:
        await teller.deposit(home.holiday, (before - 10_000 + 1) / 100, keep_at_least=100)
    assert refusal.key == "below_keep_at_least"
    assert "moved no money" in refusal.text
    with refused() as refusal:
        await teller.withdraw(home.holiday, 640, keep_at_least=0.01)
    assert refusal.key == "below_keep_at_least"
    assert teller.sent == []
    await teller.deposit(home.holiday, (before - 10_000) / 100, keep_at_least=100)
    assert home.current.balance == 10_000


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"amount": 1, "percentage": 1},
        {"amount": 1, "everything": True},
        {"percentage": 5, "everything": True},
        {"everything": False},
    ],
    ids=str,
)
async def test_exactly_one_field_says_how_much(
    teller: Teller, home: Household, fields: dict[str, object]
) -> None:
    for action in ("deposit_into_pot", "withdraw_from_pot"):
        with refused() as refusal:
            await teller.call(action, pot=teller.device(home.holiday), **fields)
        assert refusal.key == "one_of_these"
        assert isinstance(refusal.error, ServiceValidationError)
    assert teller.sent == []


async def test_what_is_no_percentage_moves_nothing(teller: Teller, home: Household) -> None:
    for value in NO_PERCENTAGES:
        with pytest.raises(vol.Invalid, match="percentage"):
            await teller.call("deposit_into_pot", pot=teller.device(home.holiday), percentage=value)
    assert teller.sent == []


@pytest.mark.parametrize(
    "kept", [-1, "a lot", 0.001, None, 10**5000, [1]], ids=lambda v: str(type(v))
)
async def test_what_is_to_be_kept_must_be_an_amount(
    teller: Teller, home: Household, kept: object
) -> None:
    with refused() as refusal:
        await teller.deposit(home.holiday, 1, keep_at_least=kept)
    assert refusal.key == "invalid_amount_in_field"
    assert "keep_at_least" in refusal.text
    assert teller.sent == []


# Once


async def test_the_same_id_is_not_planned_anew(teller: Teller, home: Household, bank: Bank) -> None:
    fields = {"pot": teller.device(home.holiday), "percentage": 10, "dedupe_id": "november"}
    first = await teller.call("deposit_into_pot", **fields)
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    again = await teller.call("deposit_into_pot", **fields)
    assert again["result"] == "already_moved"
    assert again["amount"] == first["amount"]
    assert len(teller.sent) == 1


async def test_what_may_have_moved_is_finished_as_it_was_planned(
    teller: Teller, home: Household, server: BankServer, bank: Bank
) -> None:
    fields = {"pot": teller.device(home.holiday), "percentage": 10, "dedupe_id": "november"}
    planned = pence_of(10, home.current.balance)
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused() as refusal:
        await teller.call("deposit_into_pot", **fields)
    assert refusal.key == "transfer_unconfirmed"
    server.clear_faults()
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    answer = await teller.call("deposit_into_pot", **fields)
    assert answer["result"] == "moved"
    assert teller.moves == [Move("Holiday", planned, "november")]


@pytest.mark.parametrize("happened", [False, True], ids=["was not moved", "was moved"])
async def test_what_may_have_moved_is_held_against_what_is_to_be_kept(
    teller: Teller, home: Household, server: BankServer, bank: Bank, *, happened: bool
) -> None:
    bank.set_round_up(home.coin_jar.id, on=False)
    bank.receive(home.current.id, 100_000, sender="Ben Baker")
    fields: dict[str, Any] = {"keep_at_least": 100, "dedupe_id": "november"}
    into, out = (teller.deposit, home.coin_jar), (teller.withdraw, home.holiday)
    for move, pot in (into, out):
        fields["dedupe_id"] = f"november {pot.name}"
        break_transfers(server, LoseResponse() if happened else DropBefore(), times=None)
        server.fail("GET", "/transactions", Answer.html(502), times=None)
        with refused() as refusal:
            await move(pot, 500, **fields)
        assert refusal.key == "transfer_unconfirmed"
        server.clear_faults()
        # Meanwhile somebody takes most of what is there.
        if move == teller.deposit:
            bank.pay(home.current.id, 20_000 - home.current.balance)
        else:
            bank.withdraw(pot.id, home.current.id, pot.balance - 12_000, "by hand")
        if happened:
            assert (await move(pot, 500, **fields))["result"] == "moved"
        else:
            with refused() as refusal:
                await move(pot, 500, **fields)
            assert refusal.key == "below_keep_at_least"
    assert [move.pot for move in teller.moves if "november" in move.dedupe_id] == (
        ["Coin jar", "Holiday"] if happened else []
    )


async def test_what_was_refused_is_planned_anew(
    teller: Teller, home: Household, server: BankServer, bank: Bank
) -> None:
    fields = {"pot": teller.device(home.holiday), "everything": True, "dedupe_id": "november"}
    break_transfers(server, Answer.error("bad_request.insufficient_funds"))
    with refused() as refusal:
        await teller.call("deposit_into_pot", **fields)
    assert refusal.key == "transfer_rejected"
    bank.pay(home.current.id, -10_000)
    left = home.current.balance
    await teller.call("deposit_into_pot", **fields)
    assert [move.amount for move in teller.moves] == [left]


async def test_the_same_id_with_another_wish_is_refused(teller: Teller, home: Household) -> None:
    pot = teller.device(home.holiday)
    await teller.call("deposit_into_pot", pot=pot, percentage=10, dedupe_id="november")
    for fields in (
        {"percentage": 11},
        {"percentage": 10, "keep_at_least": 0},
        {"everything": True},
        {"amount": 1},
    ):
        with refused() as refusal:
            await teller.call("deposit_into_pot", pot=pot, dedupe_id="november", **fields)
        assert refusal.key == "dedupe_id_reused"
    answer = await teller.call("deposit_into_pot", pot=pot, percentage="10.0", dedupe_id="november")
    assert answer["result"] == "already_moved"


async def test_a_plan_says_that_its_id_was_used_for_another_wish(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await teller.withdraw(home.holiday, 5, keep_at_least=0, dedupe_id="november")
    before = len(server.requests_to())
    for pot in (home.holiday, home.coin_jar):
        plan = await teller.withdraw(pot, 5, dedupe_id="november", dry_run=True)
        assert plan["result"] == "nothing_to_do"
        assert [problem["reason"] for problem in plan["problems"]] == ["dedupe_id_reused"]
    assert len(server.requests_to()) == before


async def test_two_calls_at_once_do_not_plan_on_the_same_money(
    teller: Teller, home: Household, server: BankServer
) -> None:
    whole = home.current.balance
    held = Held(Answer.error("internal_service"))
    break_transfers(server, held)
    calls = [
        asyncio.create_task(
            teller.call("deposit_into_pot", pot=teller.device(pot), everything=True)
        )
        for pot in (home.holiday, home.coin_jar)
    ]
    await held.arrived.wait()
    held.released.set()
    answers = await asyncio.gather(*calls)
    assert sorted(answer["result"] for answer in answers) == ["moved", "nothing_to_do"]
    assert [move.amount for move in teller.moves] == [whole]
    assert home.current.balance == 0


async def test_a_plan_for_one_account_does_not_wait_for_another(
    teller: Teller, home: Household, server: BankServer
) -> None:
    held = Held(Answer.error("internal_service"))
    break_transfers(server, held)
    waiting = asyncio.create_task(
        teller.call("deposit_into_pot", pot=teller.device(home.holiday), everything=True)
    )
    await held.arrived.wait()
    await teller.call("deposit_into_pot", pot=teller.device(home.bills), percentage=1)
    assert [move.pot for move in teller.moves] == ["Bills"]
    held.released.set()
    await waiting


async def test_without_knowing_what_is_there_nothing_is_planned(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    for path in ("/balance", "/pots"):
        server.fail("GET", path, Answer.html(502), times=None)
        with refused() as refusal:
            await teller.call("withdraw_from_pot", pot=teller.device(home.holiday), everything=True)
        assert refusal.key == "cannot_be_read"
        server.clear_faults()
        await let_pass(timedelta(minutes=6))
    server.evict(home.ann)
    with refused() as refusal:
        await teller.call("deposit_into_pot", pot=teller.device(home.holiday), everything=True)
    assert refusal.key == "cannot_be_read"
    await teller.hass.async_block_till_done()
    assert teller.asked_to_sign_in
    assert teller.sent == []


async def test_what_is_not_known_any_more_when_its_turn_comes_is_not_moved(
    teller: Teller, home: Household, server: BankServer
) -> None:
    held = Held(Answer.error("bad_request.insufficient_funds"))
    break_transfers(server, held)
    calls = [
        asyncio.create_task(teller.deposit(home.holiday, 1, dedupe_id="november")) for _ in range(2)
    ]
    await held.arrived.wait()
    server.fail("GET", "*", Answer.html(502), times=None)
    await teller.entry.runtime_data.balances.async_refresh_account(home.current.id, since=math.inf)
    held.released.set()
    for call, key in zip(calls, ("transfer_rejected", "cannot_be_read"), strict=True):
        with refused() as refusal:
            await call
        assert refusal.key == key
    assert len(teller.sent) == 1


# Only planned


async def test_a_dry_run_tells_what_would_move_and_sends_nothing(
    teller: Teller, home: Household, server: BankServer
) -> None:
    before = home.current.balance
    answer = await teller.call(
        "deposit_into_pot",
        pot=teller.device(home.holiday),
        percentage=50,
        dedupe_id="november",
        dry_run=True,
    )
    planned = pence_of(50, before) / 100
    assert answer == {
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
    answer = await teller.deposit(home.holiday, 1, dedupe_id="november")
    assert answer["result"] == "moved"


async def test_a_dry_run_of_what_was_moved_says_so(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 1, dedupe_id="november")
    answer = await teller.deposit(home.holiday, 1, dedupe_id="november", dry_run=True)
    assert answer["result"] == "already_moved"
    assert len(teller.sent) == 1


async def test_a_dry_run_shows_all_that_is_in_the_way(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 50)
    await change_options(
        teller,
        **{CONF_ALLOW_TRANSFERS: False, CONF_MAX_PER_TRANSFER: 10, CONF_MAX_PER_DAY: 60},
    )
    answer = await teller.withdraw(home.rainy_day, 20, dry_run=True)
    assert answer["result"] == "planned"
    assert [problem["reason"] for problem in answer["problems"]] == [
        "pot_locked",
        "transfers_not_allowed",
        "over_transfer_limit",
        "over_daily_limit",
    ]
    assert "locked" in answer["problems"][0]["message"]
    answer = await teller.deposit(home.holiday, 10**6, keep_at_least=1, dry_run=True)
    assert [problem["reason"] for problem in answer["problems"]] == ["below_keep_at_least"]
    assert len(teller.sent) == 1


async def test_a_dry_run_does_not_wait_for_money_on_its_way(
    teller: Teller, home: Household, server: BankServer
) -> None:
    held = Held(Answer.error("internal_service"))
    break_transfers(server, held)
    fields: dict[str, Any] = {"pot": teller.device(home.holiday), "everything": True}
    moving = asyncio.create_task(teller.call("deposit_into_pot", **fields))
    await held.arrived.wait()
    answer = await teller.call("deposit_into_pot", **fields, dry_run=True)
    assert answer["result"] == "planned"
    held.released.set()
    await moving


async def test_the_limits_hold_for_a_share_as_well(
    teller: Teller, home: Household, hass: HomeAssistant
) -> None:
    await change_options(teller, **{CONF_MAX_PER_TRANSFER: 100})
    with refused() as refusal:
        await teller.call("withdraw_from_pot", pot=teller.device(home.holiday), everything=True)
    assert refusal.key == "over_transfer_limit"
    assert teller.sent == []


async def test_everything_in_a_locked_pot_stays_there(teller: Teller, home: Household) -> None:
    with refused() as refusal:
        await teller.call("withdraw_from_pot", pot=teller.device(home.rainy_day), everything=True)
    assert refusal.key == "pot_locked"
    assert teller.sent == []
