"""Money moves exactly once or not at all, and the caller learns which of them, at any fault."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import ANY

from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest

from custom_components.monzo.api import DEFAULT_TIMEOUT
from custom_components.monzo.const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from custom_components.monzo.transfers import send_transfer
from sandbox.bank import Bank
from sandbox.faults import Fault
from sandbox.household import Household
from sandbox.models import JsonObject
from sandbox.server import (
    Answer,
    BankServer,
    CommitThen,
    DropBefore,
    Edited,
    LoseResponse,
    Silence,
    Truncated,
)
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import HeldResponse
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transfer_client import (
    Held,
    Meanwhile,
    Move,
    TransferClient,
    refused,
    results_of,
)
from tests.helpers.transfer_faults import after_a_crash, break_transfers, change_options, restart
from tests.sandbox.waiting import let_tasks_run, wait_until

# Before the tests make them zero.
REAL_DELAYS = send_transfer.RETRY_DELAYS

REJECTION = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")

# The bank has moved the money, and the answer does not say so.
MOVED: dict[str, Fault] = {
    "the answer is lost": LoseResponse(),
    "the answer is cut off": Truncated(),
    "an error after the work is done": CommitThen(500),
    "a time-out behind the gateway": CommitThen(504),
    "an answer without a pot": Edited(lambda _pot: {}),
    "an answer about another pot": Edited(lambda pot: {**pot, "id": "pot_00000OfSomebodyElse0001"}),
    "null": Edited(lambda _pot: None),
    "a list": Edited(lambda pot: [pot]),
}

# The bank has not moved the money, and the answer does not say so either.
NOT_MOVED: dict[str, Fault] = {
    "the connection breaks": DropBefore(),
    "an error of the bank": Answer.error("internal_service"),
    "an unknown error": Answer.error("unknown"),
    "a time-out at the bank": Answer.error("timeout"),
    "a proxy's page": Answer.html(502),
    "a proxy without a bank": Answer.html(503),
    "a request that took too long": Answer.html(408),
    "garbage": Answer.garbage(),
    "nothing": Answer(200),
    "a web page": Answer.html(200),
    "a redirect": Answer(302, headers={"Location": "https://example.com/"}),
}

# The account's transactions cannot be read.
UNREADABLE: dict[str, Fault] = {
    "a proxy's page": Answer.html(502),
    "garbage": Answer.garbage(),
    "not allowed": Answer.error("forbidden.insufficient_permissions"),
    "too old": Answer.error("forbidden.verification_required"),
}


# Lost answers


async def test_a_transfer_is_sent_again_after_a_lost_answer(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
) -> None:
    for name, fault in {**MOVED, **NOT_MOVED}.items():
        for times in (1, 3):
            with subtests.test(name, times=times):
                transfer_client.forget()
                sent = len(transfer_client.sent)
                dedupe_id = f"{name} {times}"
                break_transfers(server, fault, times=times)
                response = await transfer_client.deposit(home.holiday, 1, dedupe_id=dedupe_id)
                assert response["result"] == "moved"
                assert response["pot_balance"] == home.holiday.balance / 100
                assert transfer_client.moves == [Move("Holiday", 100, dedupe_id)]
                ids = [form["dedupe_id"] for form in transfer_client.sent[sent:]]
                assert ids == [dedupe_id] * (1 + times)


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_a_transfer_is_sent_again_if_the_bank_is_silent(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    *,
    moved: bool,
) -> None:
    silence = Silence(committed=moved)
    break_transfers(server, Meanwhile(lambda: freezer.tick(2 * DEFAULT_TIMEOUT), silence))
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert response["result"] == "moved"
    assert transfer_client.moves == [Move("Holiday", 2000, "once")]


async def test_a_transfer_that_the_account_shows_is_done(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
) -> None:
    for name, fault in MOVED.items():
        with subtests.test(name):
            transfer_client.forget()
            sent = len(transfer_client.sent)
            break_transfers(server, fault, times=None)
            for move in (transfer_client.deposit, transfer_client.withdraw):
                assert (await move(home.holiday, 20))["result"] == "moved"
            server.clear_faults()
            assert transfer_client.amounts == [("Holiday", 2000), ("Holiday", -2000)]
            attempts = 1 + len(send_transfer.RETRY_DELAYS)
            assert len(transfer_client.sent) - sent == 2 * attempts


async def test_a_transfer_that_the_account_does_not_show_can_be_repeated(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
) -> None:
    for name, fault in NOT_MOVED.items():
        with subtests.test(name):
            transfer_client.forget()
            break_transfers(server, fault, times=None)
            with refused() as refusal:
                await transfer_client.deposit(home.holiday, 1, dedupe_id=name)
            server.clear_faults()
            assert refusal.key == "transfer_not_found"
            assert "1.00 GBP from Current account to Holiday" in refusal.text
            assert "the money was most likely not moved" in refusal.text
            assert f"the dedupe ID {name}" in refusal.text
            assert transfer_client.moves == []
            response = await transfer_client.deposit(home.holiday, 1, dedupe_id=name)
            assert response["result"] == "moved"
            assert len(transfer_client.moves) == 1


async def test_without_a_connection_the_caller_learns_that_nothing_was_moved(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await server.stop()
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="again")
    assert refusal.key == "transfer_not_sent"
    assert "20.00 GBP from Current account to Holiday" in refusal.text
    assert "the money was not moved" in refusal.text
    await server.start()
    assert transfer_client.moves == []
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="again")
    assert response["result"] == "moved"
    assert len(transfer_client.moves) == 1


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_an_unconfirmed_transfer_is_finished_by_a_repeated_call(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
    *,
    moved: bool,
) -> None:
    for name, reading in UNREADABLE.items():
        with subtests.test(name):
            transfer_client.forget()
            break_transfers(server, LoseResponse() if moved else DropBefore(), times=None)
            server.fail("GET", "/transactions", reading, times=None)
            with refused() as refusal:
                await transfer_client.deposit(home.holiday, 1, dedupe_id=name)
            server.clear_faults()
            assert refusal.key == "transfer_unconfirmed"
            assert "the money may or may not have been moved" in refusal.text
            assert f"the dedupe ID {name}" in refusal.text
            for result in ("moved", "already_moved"):
                response = await transfer_client.deposit(home.holiday, 1, dedupe_id=name)
                assert response["result"] == result
            assert len(transfer_client.moves) == 1


async def test_an_id_made_up_by_home_assistant_can_be_used_again(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20)
    server.clear_faults()
    assert refusal.error.translation_placeholders is not None
    dedupe_id = refusal.error.translation_placeholders["dedupe_id"]
    assert transfer_client.sent[0]["dedupe_id"] == dedupe_id
    await transfer_client.deposit(home.holiday, 20, dedupe_id=dedupe_id)
    assert len(transfer_client.moves) == 1


async def test_balances_are_also_read_after_a_failure(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 20)
    await transfer_client.hass.async_block_till_done(wait_background_tasks=True)
    assert transfer_client.shown(home.holiday) == "660.00"


def test_a_call_takes_at_most_a_minute() -> None:
    delays = sum(REAL_DELAYS, timedelta(0))
    timeouts = (len(REAL_DELAYS) + 1) * timedelta(seconds=DEFAULT_TIMEOUT)
    assert timedelta(seconds=10) < delays <= send_transfer.MAX_WAIT
    assert delays + timeouts < timedelta(minutes=1)


async def test_a_slow_answer_delays_no_transfer_of_another_account(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    held = Held(DropBefore())
    break_transfers(server, held)
    waiting = asyncio.create_task(transfer_client.deposit(home.holiday, 20))
    await held.arrived.wait()
    await transfer_client.deposit(home.bills, 30)
    assert transfer_client.moves == [Move("Bills", 3000, ANY)]
    held.released.set()
    await waiting
    assert len(transfer_client.moves) == 2


# Refusals


async def test_a_refusal_says_that_nothing_was_moved_and_why(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 1_000_000, dedupe_id="too much")
    assert refusal.key == "transfer_rejected"
    assert "1000000.00 GBP from Current account to Holiday" in refusal.text
    assert "the money was not moved" in refusal.text
    assert "more than your current account balance" in refusal.text
    assert transfer_client.moves == []
    assert len(transfer_client.sent) == 1
    # A refused transfer leaves its ID unused.
    await transfer_client.deposit(home.holiday, 1, dedupe_id="too much")
    assert len(transfer_client.moves) == 1


async def test_a_pot_with_added_security_needs_the_app(
    transfer_client: TransferClient, home: Household
) -> None:
    with refused() as refusal:
        await transfer_client.withdraw(home.house, 1)
    assert refusal.key == "transfer_rejected"
    assert "1.00 GBP from House to Joint account" in refusal.text
    assert "approval in the app" in refusal.text
    assert transfer_client.moves == []


async def test_any_refusal_is_final(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
) -> None:
    for number, answer in enumerate(
        (
            Answer.error("forbidden.insufficient_permissions"),
            Answer.error("forbidden.verification_required"),
            Answer.error("not_found.pot_not_found"),
            Answer.error("bad_request.something_new"),
            Answer(400, b""),
            Answer.html(403),
            Answer.html(451),
        ),
        start=1,
    ):
        with subtests.test(f"{answer.status} {answer.body[:60]!r}"):
            break_transfers(server, answer)
            with refused() as refusal:
                await transfer_client.deposit(home.holiday, 1)
            assert refusal.key == "transfer_rejected"
            assert len(transfer_client.sent) == number
    assert transfer_client.moves == []


async def test_after_a_lost_answer_a_refusal_is_compared_with_the_account(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    for number, refusing in enumerate((REJECTION, Answer.html(403)), start=1):
        break_transfers(server, LoseResponse(), refusing)
        assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"
        assert len(transfer_client.moves) == number


async def test_after_a_lost_answer_a_refusal_says_why_the_account_does_not_show_the_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, DropBefore(), REJECTION)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="again")
    assert refusal.key == "transfer_rejected_later"
    assert "Current account does not show the transfer" in refusal.text
    assert "the money was most likely not moved" in refusal.text
    assert "the dedupe ID again" in refusal.text
    assert "You can't deposit that much" in refusal.text
    assert transfer_client.moves == []


async def test_after_a_lost_answer_a_refusal_proves_nothing_if_the_account_cannot_be_read(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), REJECTION)
    server.fail("GET", "/transactions", Answer.html(502))
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20)
    assert refusal.key == "transfer_unconfirmed"


async def test_a_refused_repetition_of_a_transfer_in_doubt_is_compared_with_the_account(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    for dedupe_id, fault in {"moved": LoseResponse(), "not moved": DropBefore()}.items():
        break_transfers(server, fault, times=None)
        server.fail("GET", "/transactions", Answer.html(502), times=None)
        with refused():
            await transfer_client.deposit(home.holiday, 20, dedupe_id=dedupe_id)
        server.clear_faults()
    break_transfers(server, REJECTION)
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="moved")
    assert response["result"] == "moved"
    break_transfers(server, REJECTION)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="not moved")
    assert refusal.key == "transfer_rejected_later"


# Rate limits


async def test_nothing_is_sent_while_the_rate_limit_lasts(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    break_transfers(server, Answer.rate_limited("120"))
    for _ in range(2):
        with refused() as refusal:
            await transfer_client.deposit(home.holiday, 20)
        assert refusal.key == "transfer_not_sent"
        assert "the money was not moved" in refusal.text
    assert len(transfer_client.sent) == 1
    await advance_time(timedelta(seconds=121))
    await transfer_client.deposit(home.holiday, 20)
    assert len(transfer_client.moves) == 1


async def test_a_short_rate_limit_is_waited_for(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    break_transfers(server, Answer.rate_limited("10"))
    deposit = asyncio.create_task(transfer_client.deposit(home.holiday, 20))
    await wait_until(lambda: server.requests[-1].status == 429)
    await let_tasks_run()
    freezer.tick(timedelta(seconds=9.9))
    await let_tasks_run()
    assert len(transfer_client.sent) == 1
    freezer.tick(timedelta(seconds=10))
    assert (await deposit)["result"] == "moved"
    assert len(transfer_client.sent) == 2


async def test_a_rate_limit_after_a_lost_answer_leaves_the_transfer_in_doubt(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    for number, fault in enumerate((LoseResponse(), DropBefore()), start=1):
        dedupe_id = f"later {number}"
        break_transfers(server, fault, Answer.rate_limited("300"))
        with refused() as refusal:
            await transfer_client.deposit(home.holiday, 20, dedupe_id=dedupe_id)
        assert refusal.key == "transfer_unconfirmed"
        await advance_time(timedelta(seconds=301))
        response = await transfer_client.deposit(home.holiday, 20, dedupe_id=dedupe_id)
        assert response["result"] == "moved"
        assert len(transfer_client.moves) == number


# The sign-in


async def test_an_expired_token_is_renewed_once_for_the_same_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.expire_access_token(home.ann)
    assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"
    assert len({form["dedupe_id"] for form in transfer_client.sent}) == 1
    assert len(transfer_client.sent) == 2
    assert len(transfer_client.moves) == 1
    assert len(server.requests_to("POST", "/oauth2/token")) == 1


async def test_a_token_that_expires_between_two_attempts_is_renewed(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    expired = Answer.error("unauthorized.bad_access_token.expired")
    break_transfers(server, LoseResponse(), expired)
    assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"
    assert len(transfer_client.sent) == 3
    assert len(transfer_client.moves) == 1


async def test_a_sign_in_that_has_ended_moves_nothing(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20)
    assert refusal.key == "action_needs_sign_in"
    assert "no longer accepts the sign-in of Ann Archer" in refusal.text
    assert "so nothing was done" in refusal.text
    assert transfer_client.asked_to_sign_in
    assert transfer_client.moves == []


async def test_a_sign_in_that_ends_between_two_attempts_leaves_the_transfer_in_doubt(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, Meanwhile(lambda: server.evict(home.ann), DropBefore()))
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20)
    assert refusal.key == "transfer_unconfirmed"
    await transfer_client.hass.async_block_till_done(wait_background_tasks=True)
    assert transfer_client.asked_to_sign_in


@pytest.mark.parametrize(
    "fault", [Answer.html(502), DropBefore(), Answer.garbage()], ids=["502", "dropped", "garbage"]
)
async def test_a_token_that_cannot_be_renewed_for_now_moves_nothing(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    advance_time: AdvanceTime,
    fault: Fault,
) -> None:
    server.expire_access_token(home.ann)
    server.fail("POST", "/oauth2/token", fault, times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20)
    assert refusal.key == "transfer_not_sent"
    assert transfer_client.moves == []
    assert not transfer_client.asked_to_sign_in

    server.clear_faults()
    await advance_time(timedelta(minutes=6))
    await transfer_client.deposit(home.holiday, 20)
    assert len(transfer_client.moves) == 1


async def test_a_token_that_is_refused_for_now_moves_nothing(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    server.fail("*", "/*s/*", Answer.error("unauthorized.bad_access_token"), times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20)
    assert refusal.key == "transfer_not_sent"
    assert transfer_client.moves == []
    assert not transfer_client.asked_to_sign_in

    server.clear_faults()
    await transfer_client.deposit(home.holiday, 20)
    assert len(transfer_client.moves) == 1


# Confirmation by the account's transactions


async def test_ids_with_the_same_ending_are_different(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await transfer_client.deposit(home.holiday, 20, dedupe_id="coffee:7")
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="7")
    assert refusal.key == "transfer_not_found"


def edited(change: dict[str, Any]) -> Callable[[JsonObject], object]:
    """Return an edit that changes all transactions; a change of metadata is merged into it."""

    def edit(listing: JsonObject) -> object:
        rows: Any = listing["transactions"]
        metadata = change.get("metadata", {})
        return {
            "transactions": [
                {**row, **change, "metadata": {**row["metadata"], **metadata}} for row in rows
            ]
        }

    return edit


def without_metadata(listing: JsonObject) -> object:
    """Remove the callers' ids, which are missing in older recordings."""
    rows: Any = listing["transactions"]
    return {"transactions": [{**row, "metadata": {}} for row in rows]}


async def test_a_transfer_is_also_recognized_by_the_banks_own_dedupe_id(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/transactions", Edited(without_metadata), times=None)
    break_transfers(server, LoseResponse(), times=None)
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="a:b")
    assert response["result"] == "moved"
    server.clear_faults()
    server.fail("GET", "/transactions", Edited(without_metadata), times=None)
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="b")
    assert refusal.key == "transfer_not_found"


async def test_another_transaction_proves_nothing(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
) -> None:
    for name, change, key in (
        ("unreadable", {"amount": None}, "transfer_unconfirmed"),
        ("of another pot", {"metadata": {"pot_id": "x"}}, "transfer_not_found"),
        ("declined", {"decline_reason": "OTHER"}, "transfer_not_found"),
    ):
        with subtests.test(name):
            break_transfers(server, LoseResponse(), times=None)
            server.fail("GET", "/transactions", Edited(edited(change)), times=None)
            with refused() as refusal:
                await transfer_client.deposit(home.holiday, 20)
            server.clear_faults()
            assert refusal.key == key


async def test_a_transfer_of_another_person_with_the_same_id_proves_nothing(
    transfer_client: TransferClient,
    hass: HomeAssistant,
    home: Household,
    sign_in: SignIn,
    bank: Bank,
    server: BankServer,
) -> None:
    pot = bank.open_pot(home.bens.id, "Ben's")
    entry = sign_in(home.ben)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await transfer_client.deposit(home.holiday, 20, dedupe_id="pay day")
    # The sandbox answers, as Monzo may, with the transfer for which the ID was used first.
    with refused() as refusal:
        await transfer_client.seen_from(hass, entry).deposit(pot, 20, dedupe_id="pay day")
    assert refusal.key == "transfer_not_found"
    assert pot.balance == 0


async def test_another_amount_with_the_same_id_is_refused(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    # Another program uses the same person's access.
    bank.deposit(home.holiday.id, home.current.id, 500, "pay day")
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="pay day")
    assert refusal.key == "dedupe_id_reused"
    assert transfer_client.sent == []


async def test_a_transfer_is_searched_from_its_first_request_on(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    for _ in range(3):
        break_transfers(server, LoseResponse(), times=None)
        server.fail("GET", "/transactions", Answer.html(502), times=None)
        with refused():
            await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
        server.clear_faults()
        await advance_time(timedelta(days=3))
    break_transfers(server, LoseResponse(), times=None)
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert response["result"] == "moved"
    assert len(transfer_client.moves) == 1


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-20), timedelta(hours=20)], ids=str)
async def test_a_clock_that_is_wrong_by_hours_does_not_hide_a_transfer(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    server: BankServer,
    freezer: StoppedClock,
    wrong_by: timedelta,
) -> None:
    right = bank.clock
    bank.clock = lambda: right() - wrong_by
    break_transfers(server, LoseResponse(), times=None)
    assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"


async def test_a_clock_that_is_put_back_does_not_hide_a_transfer(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    freezer: StoppedClock,
) -> None:
    break_transfers(server, Meanwhile(lambda: freezer.tick(timedelta(days=-3)), LoseResponse()))
    break_transfers(server, LoseResponse(), times=None)
    assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"


# The same id again


async def test_the_same_id_again_moves_nothing(
    transfer_client: TransferClient, home: Household
) -> None:
    first = await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    again = await transfer_client.deposit(home.holiday, "20.00", dedupe_id="once")
    (row,) = first["moves"]
    assert again == {
        **first,
        "result": "already_moved",
        "moves": [{**row, "result": "already_moved"}],
    }
    assert len(transfer_client.sent) == 1


async def test_the_same_id_for_another_transfer_is_refused(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    for move, pot, amount in (
        (transfer_client.deposit, home.holiday, 21),
        (transfer_client.deposit, home.coin_jar, 20),
        (transfer_client.deposit, home.bills, 20),
        (transfer_client.withdraw, home.holiday, 20),
    ):
        with refused() as refusal:
            await move(pot, amount, dedupe_id="once")
        assert refusal.key == "dedupe_id_reused"
        assert isinstance(refusal.error, ServiceValidationError)
        assert "The dedupe ID once was already used" in refusal.text
        assert "no money was moved" in refusal.text
    assert len(transfer_client.sent) == 1


async def test_calls_with_the_same_id_at_once_move_once(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse())
    responses = await asyncio.gather(
        *(transfer_client.deposit(home.holiday, 20, dedupe_id="once") for _ in range(5))
    )
    results = sorted(response["result"] for response in responses)
    assert results == ["already_moved"] * 4 + ["moved"]
    assert len(transfer_client.sent) == 2
    assert len(transfer_client.moves) == 1


async def test_of_different_calls_with_the_same_id_at_once_one_moves(
    transfer_client: TransferClient, home: Household
) -> None:
    responses = await asyncio.gather(
        *(
            transfer_client.deposit(home.holiday, amount, dedupe_id="once")
            for amount in range(1, 6)
        ),
        return_exceptions=True,
    )
    refusals = [it for it in responses if isinstance(it, ServiceValidationError)]
    assert [refusal.translation_key for refusal in refusals] == ["dedupe_id_reused"] * 4
    assert transfer_client.amounts == [("Holiday", 100)]


# Reloads, crashes and stopped callers


async def test_a_transfer_is_known_after_a_restart(
    transfer_client: TransferClient, home: Household
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 50})
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    await restart(transfer_client)
    async with after_a_crash(transfer_client) as later:
        for client in (transfer_client, later):
            response = await client.deposit(home.holiday, 20, dedupe_id="once")
            assert response["result"] == "already_moved"
            with refused() as refusal:
                await client.deposit(home.holiday, "30.01")
            assert refusal.key == "over_daily_limit"
    assert len(transfer_client.sent) == 1


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_after_a_crash_the_same_id_finishes_the_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer, *, moved: bool
) -> None:
    first = HeldResponse() if moved else Held(DropBefore())
    break_transfers(server, first)
    lost = asyncio.create_task(transfer_client.deposit(home.holiday, 20, dedupe_id="once"))
    await first.arrived.wait()
    async with after_a_crash(transfer_client) as later:
        with refused() as refusal:
            await later.deposit(home.holiday, 21, dedupe_id="once")
        assert refusal.key == "dedupe_id_reused"
        response = await later.deposit(home.holiday, 20, dedupe_id="once")
        # What the bank has made was found out at the start.
        assert response["result"] == ("already_moved" if moved else "moved")
        assert transfer_client.moves == [Move("Holiday", 2000, "once")]
    lost.cancel()
    first.released.set()


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_a_restarted_automation_finishes_its_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer, *, moved: bool
) -> None:
    first = Held(CommitThen(504) if moved else Answer.html(502))
    break_transfers(server, first)
    assert await async_setup_component(
        transfer_client.hass,
        "script",
        {
            "script": {
                "save": {
                    "mode": "restart",
                    "sequence": {
                        "action": "monzo.deposit_into_pot",
                        "data": {
                            "pot": transfer_client.device(home.holiday),
                            "amount": 20,
                            "dedupe_id": "once",
                        },
                    },
                }
            }
        },
    )
    services = transfer_client.hass.services
    await services.async_call("script", "turn_on", {"entity_id": "script.save"})
    await first.arrived.wait()
    again = asyncio.create_task(services.async_call("script", "save", blocking=True))
    await let_tasks_run()
    first.released.set()
    await again
    assert len(transfer_client.sent) == 2
    assert transfer_client.moves == [Move("Holiday", 2000, "once")]


async def test_a_transfer_that_outlasts_a_reload_counts_for_those_after_it(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 50})
    held = Held(DropBefore())
    break_transfers(server, held)
    slow = asyncio.create_task(transfer_client.deposit(home.holiday, 20, dedupe_id="slow"))
    await held.arrived.wait()
    hass, entry = transfer_client.hass, transfer_client.entry
    assert await hass.config_entries.async_reload(entry.entry_id)
    # Of another account, because one account makes one transfer at a time.
    with refused() as refusal:
        await transfer_client.deposit(home.bills, "30.01")
    assert refusal.key == "over_daily_limit"
    await transfer_client.deposit(home.bills, 30)
    assert transfer_client.moves == [Move("Bills", 3000, ANY)]
    assert not slow.done()
    held.released.set()
    assert (await slow)["result"] == "moved"
    # Both are on disk.
    async with after_a_crash(transfer_client) as later:
        with refused() as refusal:
            await later.deposit(home.holiday, "0.01")
        assert refusal.key == "over_daily_limit"
        response = await later.deposit(home.holiday, 20, dedupe_id="slow")
        assert response["result"] == "already_moved"


@pytest.mark.parametrize("end", ["async_unload", "async_remove"])
async def test_a_transfer_can_outlast_its_entry(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    hass_storage: dict[str, Any],
    end: str,
) -> None:
    held = Held(DropBefore())
    break_transfers(server, held)
    slow, same = (
        asyncio.create_task(transfer_client.deposit(home.holiday, 20, dedupe_id="slow"))
        for _ in range(2)
    )
    await held.arrived.wait()
    entry_id = transfer_client.entry.entry_id
    await getattr(transfer_client.hass.config_entries, end)(entry_id)
    held.released.set()
    assert (await slow)["result"] == "moved"
    assert (await same)["result"] == "already_moved"
    assert len(transfer_client.moves) == 1
    assert (f"{DOMAIN}.{entry_id}.transfers" in hass_storage) == (end == "async_unload")


# The record of transfers


async def test_a_transfer_is_recorded_before_it_is_sent(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    hass_storage: dict[str, Any],
) -> None:
    key = f"{DOMAIN}.{transfer_client.entry.entry_id}.transfers"
    recorded: list[str] = []

    def read() -> None:
        recorded.append(hass_storage[key]["data"]["transfers"]["once"]["status"])

    break_transfers(server, Meanwhile(read, Answer.html(502)))
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    read()
    assert recorded == ["pending", "done"]


async def test_a_transfer_in_doubt_is_recorded_as_such(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    hass_storage: dict[str, Any],
) -> None:
    key = f"{DOMAIN}.{transfer_client.entry.entry_id}.transfers"
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert hass_storage[key]["data"]["transfers"]["once"]["status"] == "in_doubt"
    server.clear_faults()
    with refused():
        await transfer_client.deposit(home.holiday, 1_000_000, dedupe_id="refused")
    assert "refused" not in hass_storage[key]["data"]["orders"]


async def test_nothing_is_sent_while_home_assistant_is_stopping(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 20, dedupe_id="in doubt")
    server.clear_faults()
    sent = len(transfer_client.sent)
    transfer_client.hass.set_state(CoreState.stopping)
    for dedupe_id in ("in doubt", "new"):
        with refused() as refusal:
            await transfer_client.deposit(home.holiday, 20, dedupe_id=dedupe_id)
        assert refusal.key == "transfer_not_recorded"
        assert "cannot save a record of the transfer of 20.00 GBP" in refusal.text
        assert "the money was not moved" in refusal.text
    transfer_client.hass.set_state(CoreState.running)
    assert len(transfer_client.sent) == sent
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 21, dedupe_id="in doubt")
    assert refusal.key == "dedupe_id_reused"
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="in doubt")
    assert response["result"] == "moved"


async def test_a_batch_continues_after_a_crash_with_the_recorded_plan(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    parts = (
        (home.holiday, {"percentage": 10}),
        (home.coin_jar, {"remainder": True}),
    )
    server.fail("PUT", "/pots/*", REJECTION, after=1)
    planned = await transfer_client.distribute(*parts, dedupe_id="once")
    home.bank.receive(home.current.id, 100_000, sender="Ben Baker")
    async with after_a_crash(transfer_client) as later:
        response = await later.distribute(*parts, dedupe_id="once")
    assert results_of(response) == ["already_moved", "moved"]
    amounts = [[row["amount"] for row in each["moves"]] for each in (planned, response)]
    assert amounts[0] == amounts[1]
    assert home.current.balance == 100_000


# Limits


async def test_a_limit_applies_to_new_transfers_and_to_those_in_doubt(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await transfer_client.deposit(home.holiday, 1, dedupe_id="before")
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 30, dedupe_id="in doubt")
    server.clear_faults()
    sent = len(transfer_client.sent)
    for options, key in (
        ({CONF_MAX_PER_TRANSFER: 29}, "over_transfer_limit"),
        ({CONF_MAX_PER_DAY: 29}, "over_daily_limit"),
        ({CONF_ALLOW_TRANSFERS: False}, "transfers_not_allowed"),
    ):
        hass, entry = transfer_client.hass, transfer_client.entry
        hass.config_entries.async_update_entry(entry, options=options)
        for dedupe_id in ("in doubt", "new"):
            with refused() as refusal:
                await transfer_client.deposit(home.holiday, 30, dedupe_id=dedupe_id)
            assert refusal.key == key
            assert isinstance(refusal.error, ServiceValidationError)
            # The transfer in doubt may have been made by the earlier call.
            assert (
                "the transfer was not sent to Monzo" in refusal.text
                or "of 30.00 GBP was not sent" in refusal.text
            )
        response = await transfer_client.deposit(home.holiday, 1, dedupe_id="before")
        assert response["result"] == "already_moved"
    assert len(transfer_client.sent) == sent


async def test_calls_at_once_keep_the_daily_limit_together(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 50})
    break_transfers(server, LoseResponse(), times=3)
    pots = (home.holiday, home.bills)
    responses = await asyncio.gather(
        *(transfer_client.deposit(pots[number % 2], 10) for number in range(12)),
        return_exceptions=True,
    )
    refusals = [it for it in responses if isinstance(it, ServiceValidationError)]
    assert [refusal.translation_key for refusal in refusals] == ["over_daily_limit"] * 7
    assert [move.amount for move in transfer_client.moves] == [1000] * 5


async def test_without_limits_all_money_can_be_moved(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.deposit(home.holiday, Decimal(home.current.balance) / 100)
    assert home.current.balance == 0
