"""Money moves exactly once or not at all, and the user is told which, whatever the bank does."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import ANY

from freezegun.api import FrozenDateTimeFactory
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
from custom_components.monzo.transfers import executor as transfers
from custom_components.monzo.transfers import journal as transfer_journal
from custom_components.monzo.transfers.journal import REMEMBERED_FOR
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
from tests.conftest import LetPass, SignIn
from tests.helpers.transfer_client import Held, Meanwhile, Move, Teller, refused
from tests.helpers.transfer_faults import after_a_crash, break_transfers, change_options, restart

# Before tests make them short.
REAL_PAUSES = transfers.RESEND_AFTER

REJECTION = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")

# The bank has moved the money, and does not say so.
MOVED: dict[str, Fault] = {
    "the answer is lost": LoseResponse(),
    "the answer breaks off": Truncated(),
    "an error after the work is done": CommitThen(500),
    "a time-out behind the gateway": CommitThen(504),
    "silence after the work is done": Silence(committed=True),
    "an answer without a pot": Edited(lambda _pot: {}),
    "an answer about another pot": Edited(lambda pot: {**pot, "id": "pot_00000OfSomebodyElse0001"}),
    "null": Edited(lambda _pot: None),
    "a list": Edited(lambda pot: [pot]),
}

# The bank has not moved the money, and says nothing about it either.
NOT_MOVED: dict[str, Fault] = {
    "the connection breaks": DropBefore(),
    "an error of the bank": Answer.error("internal_service"),
    "an unknown error": Answer.error("unknown"),
    "a time-out": Answer.error("timeout"),
    "a proxy's page": Answer.html(502),
    "a proxy without a bank": Answer.html(503),
    "a request that took too long": Answer.html(408),
    "garbage": Answer.garbage(),
    "nothing": Answer(200),
    "a web page": Answer.html(200),
    "a redirect": Answer(302, headers={"Location": "https://example.com/"}),
    "silence": Silence(),
}

LOST = MOVED | NOT_MOVED

# The account's transactions cannot be read.
UNREADABLE: dict[str, Fault] = {
    "a proxy's page": Answer.html(502),
    "garbage": Answer.garbage(),
    "silence": Silence(),
    "not allowed": Answer.error("forbidden.insufficient_permissions"),
    "too old": Answer.error("forbidden.verification_required"),
}


@pytest.fixture(autouse=True)
def _impatient(request: pytest.FixtureRequest) -> None:
    """Give up sooner where a bank is silent on purpose."""
    if any(isinstance(value, Silence) for value in _parameters(request)):
        request.getfixturevalue("teller").entry.runtime_data.session.timeout = 0.3


def _parameters(request: pytest.FixtureRequest) -> Iterable[object]:
    """Return what the test is run with."""
    return request.node.callspec.params.values() if hasattr(request.node, "callspec") else ()


# Whatever the bank does


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
async def test_an_answer_that_gets_lost_is_asked_for_again(
    teller: Teller, home: Household, server: BankServer, fault: Fault
) -> None:
    for times, dedupe_id in ((1, "lost once"), (3, "lost thrice")):
        break_transfers(server, fault, times=times)
        answer = await teller.deposit(home.holiday, 20, dedupe_id=dedupe_id)
        assert answer["result"] == "moved"
        assert teller.moves[-1] == Move("Holiday", 2000, dedupe_id)
        assert answer["pot_balance"] == home.holiday.balance / 100
    assert len(teller.moves) == 2
    sent = [form["dedupe_id"] for form in teller.sent]
    assert sent == ["lost once"] * 2 + ["lost thrice"] * 4


@pytest.mark.parametrize("fault", MOVED.values(), ids=MOVED.keys())
async def test_a_transfer_that_the_account_shows_has_happened(
    teller: Teller, home: Household, server: BankServer, fault: Fault
) -> None:
    break_transfers(server, fault, times=None)
    for move in (teller.deposit, teller.withdraw):
        assert (await move(home.holiday, 20))["result"] == "moved"
    assert [move.amount for move in teller.moves] == [2000, -2000]
    assert len(teller.sent) == 2 * (1 + len(transfers.RESEND_AFTER))


@pytest.mark.parametrize("fault", NOT_MOVED.values(), ids=NOT_MOVED.keys())
async def test_a_transfer_that_the_account_does_not_show_has_not(
    teller: Teller, home: Household, server: BankServer, fault: Fault
) -> None:
    break_transfers(server, fault, times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="try-me-again")
    assert refusal.key == "transfer_not_found"
    assert "most likely not moved" in refusal.text
    assert "try-me-again" in refusal.text
    assert teller.moves == []
    server.clear_faults()
    assert (await teller.deposit(home.holiday, 20, dedupe_id="try-me-again"))["result"] == "moved"
    assert len(teller.moves) == 1


async def test_without_a_connection_nothing_was_moved_and_the_user_is_told(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await server.stop()
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="try-me-again")
    assert refusal.key == "transfer_not_sent"
    assert "was not moved" in refusal.text
    await server.start()
    assert teller.moves == []
    assert (await teller.deposit(home.holiday, 20, dedupe_id="try-me-again"))["result"] == "moved"
    assert len(teller.moves) == 1


@pytest.mark.parametrize("reading", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_what_cannot_be_confirmed_is_left_open(
    teller: Teller, home: Household, server: BankServer, reading: Fault, *, moved: bool
) -> None:
    break_transfers(server, LoseResponse() if moved else DropBefore(), times=None)
    server.fail("GET", "/transactions", reading, times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="make-sure")
    assert refusal.key == "transfer_unconfirmed"
    assert "may or may not have been moved" in refusal.text
    assert "make-sure" in refusal.text
    server.clear_faults()
    answer = await teller.deposit(home.holiday, 20, dedupe_id="make-sure")
    assert answer["result"] == "moved"
    assert len(teller.moves) == 1
    # Now it is known.
    answer = await teller.deposit(home.holiday, 20, dedupe_id="make-sure")
    assert answer["result"] == "already_moved"


async def test_a_dedupe_id_made_up_by_home_assistant_can_be_used_again(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    server.clear_faults()
    assert refusal.error.translation_placeholders is not None
    dedupe_id = refusal.error.translation_placeholders["dedupe_id"]
    assert teller.sent[0]["dedupe_id"] == dedupe_id
    await teller.deposit(home.holiday, 20, dedupe_id=dedupe_id)
    assert len(teller.moves) == 1


async def test_balances_are_read_after_a_failure_as_well(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await teller.deposit(home.holiday, 20)
    await teller.hass.async_block_till_done(wait_background_tasks=True)
    assert teller.shown(home.holiday) == "660.00"


def test_an_automation_waits_for_about_a_minute() -> None:
    pauses = sum(REAL_PAUSES, timedelta(0))
    assert timedelta(seconds=10) < pauses <= transfers.PATIENCE
    assert pauses + (len(REAL_PAUSES) + 1) * timedelta(seconds=DEFAULT_TIMEOUT) < timedelta(
        minutes=1
    )


async def test_a_silent_bank_holds_up_no_transfer_of_another_account(
    teller: Teller, home: Household, server: BankServer
) -> None:
    held = Held(DropBefore())
    break_transfers(server, held)
    waiting = asyncio.create_task(teller.deposit(home.holiday, 20))
    await held.arrived.wait()
    await teller.deposit(home.bills, 30)
    assert teller.moves == [Move("Bills", 3000, ANY)]
    held.released.set()
    await waiting
    assert len(teller.moves) == 2


# When the bank says no


async def test_a_refusal_says_that_nothing_was_moved_and_why(
    teller: Teller, home: Household, server: BankServer
) -> None:
    with refused() as refusal:
        await teller.deposit(home.holiday, 1_000_000, dedupe_id="too much")
    assert refusal.key == "transfer_rejected"
    assert "was not moved" in refusal.text
    assert "more than your current account balance" in refusal.text
    assert teller.moves == []
    assert len(teller.sent) == 1
    # A refused transfer has not used its id up.
    await teller.deposit(home.holiday, 1, dedupe_id="too much")
    assert len(teller.moves) == 1


async def test_money_in_a_pot_with_added_security_needs_the_app(
    teller: Teller, home: Household
) -> None:
    with refused() as refusal:
        await teller.withdraw(home.house, 1)
    assert refusal.key == "transfer_rejected"
    assert "approval in the app" in refusal.text
    assert teller.moves == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer.error("forbidden.insufficient_permissions"),
        Answer.error("forbidden.verification_required"),
        Answer.error("not_found.pot_not_found"),
        Answer.error("bad_request.something_new"),
        Answer(400, b""),
        Answer.html(403),
        Answer.html(451),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:60]}",
)
async def test_any_refusal_is_final(
    teller: Teller, home: Household, server: BankServer, answer: Answer
) -> None:
    break_transfers(server, answer)
    with refused() as refusal:
        await teller.deposit(home.holiday, 1)
    assert refusal.key == "transfer_rejected"
    assert len(teller.sent) == 1
    assert teller.moves == []


@pytest.mark.parametrize("refusal_answer", [REJECTION, Answer.html(403)], ids=["bank", "proxy"])
async def test_a_refusal_after_a_lost_answer_is_looked_into(
    teller: Teller, home: Household, server: BankServer, refusal_answer: Fault
) -> None:
    break_transfers(server, LoseResponse(), refusal_answer)
    assert (await teller.deposit(home.holiday, 20))["result"] == "moved"
    assert len(teller.moves) == 1


async def test_a_refusal_after_an_attempt_that_came_to_nothing_says_why(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, DropBefore(), REJECTION)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="again")
    assert refusal.key == "transfer_rejected_later"
    assert "You can't deposit that much" in refusal.text
    assert "most likely not moved" in refusal.text
    assert "again" in refusal.text
    assert teller.moves == []


async def test_a_refusal_after_a_lost_answer_that_cannot_be_looked_into_is_left_open(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), REJECTION)
    server.fail("GET", "/transactions", Answer.html(502))
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    assert refusal.key == "transfer_unconfirmed"


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_a_refusal_of_what_was_in_doubt_before_is_looked_into(
    teller: Teller, home: Household, server: BankServer, *, moved: bool
) -> None:
    break_transfers(server, LoseResponse() if moved else DropBefore(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await teller.deposit(home.holiday, 20, dedupe_id="once")
    server.clear_faults()
    break_transfers(server, REJECTION)
    if moved:
        assert (await teller.deposit(home.holiday, 20, dedupe_id="once"))["result"] == "moved"
    else:
        with refused() as refusal:
            await teller.deposit(home.holiday, 20, dedupe_id="once")
        assert refusal.key == "transfer_rejected_later"


# When the bank wants to be left alone


async def test_too_many_requests_for_long_move_nothing(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, Answer.rate_limited())
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    assert refusal.key == "transfer_not_sent"
    assert "was not moved" in refusal.text
    assert len(teller.sent) == 1
    assert teller.moves == []


async def test_while_the_bank_wants_to_be_left_alone_nothing_is_sent(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    server.fail("GET", "*", Answer.rate_limited("120"))
    await teller.entry.runtime_data.balances.async_refresh()
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    assert refusal.key == "transfer_not_sent"
    assert teller.sent == []
    await let_pass(timedelta(seconds=121))
    await teller.deposit(home.holiday, 20)
    assert len(teller.moves) == 1


async def test_too_many_requests_for_a_moment_are_waited_for(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, Answer.rate_limited("1"))
    assert (await teller.deposit(home.holiday, 20))["result"] == "moved"
    assert len(teller.sent) == 2


@pytest.mark.parametrize("fault", [LoseResponse(), DropBefore()], ids=["moved", "not moved"])
async def test_too_many_requests_after_a_lost_answer_leave_it_open(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass, fault: Fault
) -> None:
    break_transfers(server, fault, Answer.rate_limited("300"))
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="later")
    assert refusal.key == "transfer_unconfirmed"
    await let_pass(timedelta(seconds=301))
    assert (await teller.deposit(home.holiday, 20, dedupe_id="later"))["result"] == "moved"
    assert len(teller.moves) == 1


# When the sign-in gives out


async def test_an_expired_token_is_renewed_once_for_the_same_transfer(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.expire_access_token(home.ann)
    assert (await teller.deposit(home.holiday, 20))["result"] == "moved"
    assert len({form["dedupe_id"] for form in teller.sent}) == 1
    assert len(teller.sent) == 2
    assert len(teller.moves) == 1
    assert len(server.requests_to("POST", "/oauth2/token")) == 1


async def test_a_token_that_expires_between_two_attempts_is_renewed(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse(), Answer.error("unauthorized.bad_access_token.expired"))
    assert (await teller.deposit(home.holiday, 20))["result"] == "moved"
    assert len(teller.sent) == 3
    assert len(teller.moves) == 1


async def test_a_sign_in_that_has_ended_moves_nothing(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="after signing in")
    assert refusal.key == "action_needs_sign_in"
    assert "was not carried out" in refusal.text
    assert teller.asked_to_sign_in
    assert teller.moves == []


async def test_a_sign_in_that_ends_between_two_attempts_leaves_it_open(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, Meanwhile(lambda: server.evict(home.ann), DropBefore()))
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    assert refusal.key == "transfer_unconfirmed"
    await teller.hass.async_block_till_done(wait_background_tasks=True)
    assert teller.asked_to_sign_in


@pytest.mark.parametrize("fault", [Answer.html(502), DropBefore(), Answer.garbage()], ids=repr)
async def test_a_token_that_cannot_be_renewed_for_now_moves_nothing(
    teller: Teller, home: Household, server: BankServer, fault: Fault
) -> None:
    server.expire_access_token(home.ann)
    server.fail("POST", "/oauth2/token", fault, times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    assert refusal.key == "transfer_not_sent"
    assert teller.moves == []
    assert not teller.asked_to_sign_in
    server.clear_faults()
    await teller.deposit(home.holiday, 20)
    assert len(teller.moves) == 1


# Looking a transfer up


async def test_ids_that_end_alike_are_not_mixed_up(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await teller.deposit(home.holiday, 20, dedupe_id="coffee:7")
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="7")
    assert refusal.key == "transfer_not_found"


def without_metadata(listing: JsonObject) -> object:
    """Leave the ids of the callers out, as they are missing from older recordings."""
    rows: Any = listing["transactions"]
    return {"transactions": [{**row, "metadata": {}} for row in rows]}


def unreadable(listing: JsonObject) -> object:
    """Leave out what every transaction has."""
    rows: Any = listing["transactions"]
    return {"transactions": [{**row, "amount": None} for row in rows]}


def of_another_pot(listing: JsonObject) -> object:
    """Have everything happen to another pot."""
    rows: Any = listing["transactions"]
    return {
        "transactions": [{**row, "metadata": {**row["metadata"], "pot_id": "x"}} for row in rows]
    }


def declined(listing: JsonObject) -> object:
    """Have no money moved by anything."""
    rows: Any = listing["transactions"]
    return {"transactions": [{**row, "decline_reason": "OTHER"} for row in rows]}


async def test_a_transfer_is_known_by_the_banks_own_dedupe_id_as_well(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/transactions", Edited(without_metadata), times=None)
    break_transfers(server, LoseResponse(), times=None)
    assert (await teller.deposit(home.holiday, 20, dedupe_id="a:b"))["result"] == "moved"
    server.clear_faults()
    server.fail("GET", "/transactions", Edited(without_metadata), times=None)
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="b")
    assert refusal.key == "transfer_not_found"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (unreadable, "transfer_unconfirmed"),
        (of_another_pot, "transfer_not_found"),
        (declined, "transfer_not_found"),
    ],
)
async def test_a_transaction_that_may_be_another_proves_nothing(
    teller: Teller,
    home: Household,
    server: BankServer,
    change: Callable[[JsonObject], object],
    key: str,
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Edited(change), times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    assert refusal.key == key


async def test_an_id_that_another_person_has_used_is_not_taken_for_a_transfer(
    teller: Teller,
    hass: HomeAssistant,
    home: Household,
    sign_in: SignIn,
    bank: Bank,
    server: BankServer,
) -> None:
    pot = bank.open_pot(home.bens.id, "Ben's")
    entry = sign_in(home.ben)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await teller.deposit(home.holiday, 20, dedupe_id="pay day")
    # The sandbox answers, as Monzo may, with what the id was first used for.
    with refused() as refusal:
        await teller.seen_from(hass, entry).deposit(pot, 20, dedupe_id="pay day")
    assert refusal.key == "transfer_not_found"
    assert pot.balance == 0


async def test_a_transfer_is_looked_for_since_it_was_first_asked_for(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502))
    with refused():
        await teller.deposit(home.holiday, 20, dedupe_id="once")
    for _ in range(2):
        await let_pass(timedelta(days=3))
        server.fail("GET", "/transactions", Answer.html(502))
        with refused():
            await teller.deposit(home.holiday, 20, dedupe_id="once")
    assert (await teller.deposit(home.holiday, 20, dedupe_id="once"))["result"] == "moved"
    assert len(teller.moves) == 1


async def test_another_amount_under_the_same_id_is_not_taken_for_the_transfer(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    # By another program with the same person's access.
    bank.deposit(home.holiday.id, home.current.id, 500, "pay day")
    break_transfers(server, LoseResponse(), times=None)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="pay day")
    assert refusal.key == "transfer_not_found"


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-20), timedelta(hours=20)], ids=str)
async def test_a_clock_that_is_hours_off_does_not_hide_a_transfer(
    teller: Teller,
    home: Household,
    bank: Bank,
    server: BankServer,
    freezer: FrozenDateTimeFactory,
    wrong_by: timedelta,
) -> None:
    right = bank.clock
    bank.clock = lambda: right() - wrong_by
    break_transfers(server, LoseResponse(), times=None)
    assert (await teller.deposit(home.holiday, 20))["result"] == "moved"


async def test_a_clock_that_is_put_back_does_not_hide_a_transfer(
    teller: Teller, home: Household, server: BankServer, freezer: FrozenDateTimeFactory
) -> None:
    break_transfers(
        server, Meanwhile(lambda: freezer.tick(timedelta(days=-3)), LoseResponse()), times=1
    )
    break_transfers(server, LoseResponse(), times=None)
    assert (await teller.deposit(home.holiday, 20))["result"] == "moved"


# The same dedupe id again


async def test_the_same_id_again_moves_nothing_and_says_so(
    teller: Teller, home: Household, server: BankServer
) -> None:
    first = await teller.deposit(home.holiday, 20, dedupe_id="once")
    again = await teller.deposit(home.holiday, "20.00", dedupe_id="once")
    (row,) = first["moves"]
    assert again == {
        **first,
        "result": "already_moved",
        "moves": [{**row, "result": "already_moved"}],
    }
    assert len(teller.sent) == 1


async def test_the_same_id_for_something_else_is_refused(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await teller.deposit(home.holiday, 20, dedupe_id="once")
    for call in (
        teller.deposit(home.holiday, 21, dedupe_id="once"),
        teller.deposit(home.coin_jar, 20, dedupe_id="once"),
        teller.deposit(home.bills, 20, dedupe_id="once"),
        teller.withdraw(home.holiday, 20, dedupe_id="once"),
    ):
        with refused() as refusal:
            await call
        assert refusal.key == "dedupe_id_reused"
        assert isinstance(refusal.error, ServiceValidationError)
        assert "once" in refusal.text
        assert "no money was moved" in refusal.text
    assert len(teller.sent) == 1


async def test_calls_with_the_same_id_at_once_move_once(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse())
    answers = await asyncio.gather(
        *(teller.deposit(home.holiday, 20, dedupe_id="once") for _ in range(5))
    )
    assert sorted(answer["result"] for answer in answers) == ["already_moved"] * 4 + ["moved"]
    assert len(teller.sent) == 2
    assert len(teller.moves) == 1


async def test_calls_with_the_same_id_at_once_but_for_something_else_are_refused(
    teller: Teller, home: Household
) -> None:
    answers = await asyncio.gather(
        *(teller.deposit(home.holiday, amount, dedupe_id="once") for amount in range(1, 6)),
        return_exceptions=True,
    )
    refusals = [answer for answer in answers if isinstance(answer, ServiceValidationError)]
    assert {refusal.translation_key for refusal in refusals} == {"dedupe_id_reused"}
    assert len(refusals) == 4
    assert [move.amount for move in teller.moves] == [100]


async def test_a_transfer_is_remembered_over_restarts(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 20, dedupe_id="once")
    await restart(teller)
    answer = await teller.deposit(home.holiday, 20, dedupe_id="once")
    assert answer["result"] == "already_moved"
    async with after_a_crash(teller) as later:
        answer = await later.deposit(home.holiday, 20, dedupe_id="once")
        assert answer["result"] == "already_moved"
    assert len(teller.sent) == 1


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_after_a_crash_the_same_id_finishes_the_transfer(
    teller: Teller,
    home: Household,
    server: BankServer,
    *,
    moved: bool,
) -> None:
    sent = asyncio.Event()
    break_transfers(server, Meanwhile(sent.set, Silence(committed=moved)))
    lost = asyncio.create_task(teller.deposit(home.holiday, 20, dedupe_id="once"))
    await sent.wait()
    async with after_a_crash(teller) as later:
        with refused() as refusal:
            await later.deposit(home.holiday, 21, dedupe_id="once")
        assert refusal.key == "dedupe_id_reused"
        assert (await later.deposit(home.holiday, 20, dedupe_id="once"))["result"] == "moved"
        assert teller.moves == [Move("Holiday", 2000, "once")]
    lost.cancel()


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "not moved"])
async def test_an_automation_that_is_restarted_finishes_its_transfer(
    teller: Teller,
    home: Household,
    server: BankServer,
    *,
    moved: bool,
) -> None:
    sent = asyncio.Event()
    break_transfers(server, Meanwhile(sent.set, Silence(committed=moved)))
    assert await async_setup_component(
        teller.hass,
        "script",
        {
            "script": {
                "save": {
                    "mode": "restart",
                    "sequence": {
                        "action": "monzo.deposit_into_pot",
                        "data": {
                            "pot": teller.device(home.holiday),
                            "amount": 20,
                            "dedupe_id": "once",
                        },
                    },
                }
            }
        },
    )
    await teller.hass.services.async_call("script", "turn_on", {"entity_id": "script.save"})
    await sent.wait()
    await teller.hass.services.async_call("script", "save", blocking=True)
    assert len(teller.sent) == 2
    assert teller.moves == [Move("Holiday", 2000, "once")]


async def test_a_transfer_may_outlast_a_reload(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    held = Held(DropBefore())
    break_transfers(server, held)
    waiting = asyncio.create_task(teller.deposit(home.holiday, 20, dedupe_id="slow"))
    await held.arrived.wait()
    assert await teller.hass.config_entries.async_reload(teller.entry.entry_id)
    await teller.deposit(home.holiday, 30)
    held.released.set()
    assert (await waiting)["result"] == "moved"
    # What both have moved is remembered, also on disk.
    async with after_a_crash(teller) as later:
        with refused() as refusal:
            await later.deposit(home.holiday, "0.01")
        assert refusal.key == "over_daily_limit"
        answer = await later.deposit(home.holiday, 20, dedupe_id="slow")
        assert answer["result"] == "already_moved"


@pytest.mark.parametrize("end", ["async_unload", "async_remove"])
async def test_a_transfer_may_outlast_its_entry(
    teller: Teller,
    home: Household,
    server: BankServer,
    hass_storage: dict[str, Any],
    end: str,
) -> None:
    held = Held(DropBefore())
    break_transfers(server, held)
    waiting = asyncio.create_task(teller.deposit(home.holiday, 20, dedupe_id="slow"))
    same = asyncio.create_task(teller.deposit(home.holiday, 20, dedupe_id="slow"))
    await held.arrived.wait()
    await getattr(teller.hass.config_entries, end)(teller.entry.entry_id)
    held.released.set()
    assert (await waiting)["result"] == "moved"
    assert (await same)["result"] == "already_moved"
    assert len(teller.moves) == 1
    assert (journal_key(teller) in hass_storage) == (end == "async_unload")


# What is written down


def journal_key(teller: Teller) -> str:
    """Return the name of the journal's file."""
    return f"{DOMAIN}.{teller.entry.entry_id}.transfers"


async def test_a_transfer_is_written_down_before_it_is_sent(
    teller: Teller, home: Household, server: BankServer, hass_storage: dict[str, Any]
) -> None:
    stored: list[Any] = []

    def look() -> None:
        stored.append(hass_storage[journal_key(teller)]["data"]["transfers"].copy())

    break_transfers(server, Meanwhile(look, Answer.html(502)))
    await teller.deposit(home.holiday, 20, dedupe_id="once")
    assert stored[0]["once"]["minor"] == 2000
    assert not stored[0]["once"]["done"]
    look()
    assert stored[1]["once"]["done"]


async def test_what_was_refused_is_not_kept(
    teller: Teller, home: Household, hass_storage: dict[str, Any]
) -> None:
    with refused():
        await teller.deposit(home.holiday, 1_000_000)
    assert hass_storage[journal_key(teller)]["data"]["transfers"] == {}


async def test_a_home_assistant_that_is_stopping_moves_nothing(
    teller: Teller, home: Household, server: BankServer
) -> None:
    teller.hass.set_state(CoreState.stopping)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20)
    teller.hass.set_state(CoreState.running)
    assert refusal.key == "transfer_not_recorded"
    assert "was not moved" in refusal.text
    assert teller.sent == []


async def test_what_is_in_doubt_stays_in_doubt_while_home_assistant_is_stopping(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await teller.deposit(home.holiday, 20, dedupe_id="once")
    server.clear_faults()
    sent = len(teller.sent)
    teller.hass.set_state(CoreState.stopping)
    with refused() as refusal:
        await teller.deposit(home.holiday, 20, dedupe_id="once")
    teller.hass.set_state(CoreState.running)
    assert refusal.key == "transfer_not_recorded"
    assert len(teller.sent) == sent
    with refused() as refusal:
        await teller.deposit(home.holiday, 21, dedupe_id="once")
    assert refusal.key == "dedupe_id_reused"
    assert (await teller.deposit(home.holiday, 20, dedupe_id="once"))["result"] == "moved"


async def test_the_journal_forgets_what_is_long_ago_or_too_much(
    teller: Teller,
    home: Household,
    let_pass: LetPass,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def remembered() -> set[str]:
        return set(hass_storage[journal_key(teller)]["data"]["transfers"])

    monkeypatch.setattr(transfer_journal, "MOST_REMEMBERED", 3)
    for number in range(5):
        await teller.deposit(home.holiday, 1, dedupe_id=str(number))
        await let_pass(timedelta(seconds=1))
    # All of the last day are needed for the daily limit.
    assert remembered() == {"0", "1", "2", "3", "4"}
    await let_pass(timedelta(days=2))
    await teller.deposit(home.holiday, 1, dedupe_id="5")
    assert remembered() == {"3", "4", "5"}
    await let_pass(REMEMBERED_FOR)
    await teller.deposit(home.holiday, 1, dedupe_id="6")
    assert remembered() == {"6"}
    # The bank knows the forgotten ones all the same.
    await teller.deposit(home.holiday, 1, dedupe_id="3")
    assert len([move for move in teller.moves if move.dedupe_id == "3"]) == 1


# The user's limits


async def test_money_is_not_moved_if_the_user_does_not_want_it(
    teller: Teller, home: Household
) -> None:
    await teller.deposit(home.holiday, 1, dedupe_id="before")
    await change_options(teller, **{CONF_ALLOW_TRANSFERS: False})
    for move in (teller.deposit, teller.withdraw):
        with refused() as refusal:
            await move(home.holiday, 1)
        assert refusal.key == "transfers_not_allowed"
        assert isinstance(refusal.error, ServiceValidationError)
    assert len(teller.sent) == 1
    answer = await teller.deposit(home.holiday, 1, dedupe_id="before")
    assert answer["result"] == "already_moved"


async def test_the_most_per_transfer(teller: Teller, home: Household) -> None:
    await change_options(teller, **{CONF_MAX_PER_TRANSFER: 12.34})
    with refused() as refusal:
        await teller.deposit(home.holiday, "12.35")
    assert refusal.key == "over_transfer_limit"
    assert isinstance(refusal.error, ServiceValidationError)
    assert teller.sent == []
    await teller.deposit(home.holiday, "12.34")
    assert len(teller.moves) == 1


async def test_the_most_per_day_is_a_sum_over_24_hours(
    teller: Teller, home: Household, let_pass: LetPass
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    await teller.deposit(home.holiday, 30)
    await let_pass(timedelta(hours=12))
    await teller.withdraw(home.holiday, 20)
    for wait in (timedelta(0), timedelta(hours=11, minutes=59)):
        await let_pass(wait)
        await restart(teller)
        with refused() as refusal:
            await teller.deposit(home.holiday, "0.01")
        assert refusal.key == "over_daily_limit"
        assert isinstance(refusal.error, ServiceValidationError)
    await let_pass(timedelta(minutes=1))
    with refused() as refusal:
        await teller.deposit(home.holiday, "30.01")
    await teller.deposit(home.holiday, 30)
    assert [move.amount for move in teller.moves] == [3000, -2000, 3000]
    assert len(teller.sent) == 3


async def test_the_most_per_day_survives_a_crash(teller: Teller, home: Household) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    await teller.deposit(home.holiday, 30)
    async with after_a_crash(teller) as later:
        with refused() as refusal:
            await later.deposit(home.holiday, "20.01")
        assert refusal.key == "over_daily_limit"
        await later.deposit(home.holiday, 20)


async def test_what_was_refused_does_not_count(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    break_transfers(server, REJECTION, Answer.rate_limited("1"))
    with refused():
        await teller.deposit(home.holiday, 50)
    await teller.deposit(home.holiday, 50)


async def test_what_may_have_been_moved_counts(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await teller.deposit(home.holiday, 30, dedupe_id="open")
    server.clear_faults()
    with refused() as refusal:
        await teller.deposit(home.holiday, "20.01")
    assert refusal.key == "over_daily_limit"
    # Finishing it counts once.
    await teller.deposit(home.holiday, 30, dedupe_id="open")
    await teller.deposit(home.holiday, 20)
    assert sum(move.amount for move in teller.moves) == 5000


async def test_what_is_sent_again_counts_from_then_on(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await teller.deposit(home.holiday, 30, dedupe_id="open")
    server.clear_faults()
    await let_pass(timedelta(days=2))
    await teller.deposit(home.holiday, 30, dedupe_id="open")
    with refused() as refusal:
        await teller.deposit(home.holiday, "20.01")
    assert refusal.key == "over_daily_limit"


async def test_what_is_in_doubt_is_sent_again_only_within_the_limits(
    teller: Teller, home: Household, server: BankServer
) -> None:
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await teller.deposit(home.holiday, 30, dedupe_id="open")
    server.clear_faults()
    sent = len(teller.sent)
    for options, key in (
        ({CONF_MAX_PER_TRANSFER: 29}, "over_transfer_limit"),
        ({CONF_MAX_PER_DAY: 29}, "over_daily_limit"),
        ({CONF_ALLOW_TRANSFERS: False}, "transfers_not_allowed"),
    ):
        await change_options(teller, **options)
        with refused() as refusal:
            await teller.deposit(home.holiday, 30, dedupe_id="open")
        assert refusal.key == key
        # It may have been moved before.
        assert "This call moved no money" in refusal.text
        await change_options(teller, **dict.fromkeys(options))
        await change_options(teller, **{CONF_ALLOW_TRANSFERS: True})
    assert len(teller.sent) == sent


async def test_calls_at_once_keep_within_the_most_per_day(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    break_transfers(server, LoseResponse(), times=3)
    answers = await asyncio.gather(
        *(teller.deposit(home.holiday, 10) for _ in range(12)), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, ServiceValidationError)]
    assert {refusal.translation_key for refusal in refusals} == {"over_daily_limit"}
    assert len(refusals) == 7
    assert [move.amount for move in teller.moves] == [1000] * 5


async def test_each_currency_has_its_own_sum(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    account = bank.open_account(home.ann, currency="EUR", balance=100_000)
    pot = bank.open_pot(account.id, "Abroad")
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    await teller.deposit(home.holiday, 50)
    await teller.deposit(pot, 50)
    for full in (home.holiday, pot):
        with refused() as refusal:
            await teller.deposit(full, 1)
        assert refusal.key == "over_daily_limit"


async def test_without_limits_everything_may_be_moved(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, Decimal(home.current.balance) / 100)
    assert home.current.balance == 0


async def test_transfers_of_the_future_do_not_count_for_ever(
    teller: Teller, home: Household, let_pass: LetPass, freezer: FrozenDateTimeFactory
) -> None:
    await change_options(teller, **{CONF_MAX_PER_DAY: 50})
    await teller.deposit(home.holiday, 50)
    # The clock was a week ahead, and is put right.
    freezer.tick(timedelta(days=-7))
    async with after_a_crash(teller) as later:
        with refused() as refusal:
            await later.deposit(home.holiday, 1)
        assert refusal.key == "over_daily_limit"
        freezer.tick(timedelta(days=1))
        await later.deposit(home.holiday, 1)
