"""Balances and recurring payments change together, in whichever order the bank answers."""

from datetime import timedelta
from typing import Any

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION, NewTransaction
from sandbox.bank import Bank
from sandbox.models import Account, Transaction
from sandbox.server import Answer, BankServer, Delay, Edited
from tests.conftest import AdvanceTime
from tests.helpers.archive_filler import fill_archive
from tests.helpers.held_answers import BALANCE, TRANSACTIONS, hold_both_answers
from tests.helpers.state_helpers import entity_id, set_up, value
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transaction_listener import make_reachable
from tests.helpers.transfer_client import Held
from tests.sandbox.waiting import let_tasks_run, wait_until

BROADBAND = (-3_400, "Threadnet Broadband")

# On Friday, 18 September, £1,000 are there, and £34 and £21 are due until the 25th.
LEFT = {
    ("left_to_spend", "945.00"),
    ("left_to_spend_per_day", "135.00"),
    ("lowest_balance_ahead", "945.00"),
}
UPCOMING = ("upcoming_payments", "55.00")


class Outlook:
    """Records all that the sensors of an account have shown."""

    def __init__(self, hass: HomeAssistant, account: Account) -> None:
        """Initialize it with what they show now."""
        self._hass = hass
        self._account = account
        self._keys = {
            entity_id(hass, account.id, key) or "": key for key, _state in (*LEFT, UPCOMING)
        }
        self.seen = self.now
        async_track_state_change_event(hass, list(self._keys), self._note)

    @property
    def now(self) -> set[tuple[str, str]]:
        """What the sensors show now."""
        return {(key, value(self._hass, self._account.id, key)) for key in self._keys.values()}

    @callback
    def _note(self, event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state
        self.seen.add((self._keys[state.entity_id], state.state))


@pytest.fixture
async def outlook(
    hass: HomeAssistant,
    server: BankServer,
    hass_client_no_auth: ClientSessionGenerator,
    bank: Bank,
    account: Account,
    dora: MockConfigEntry,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> Outlook:
    """Return the outlook on the day of a bill, with instant updates."""
    await make_reachable(hass, server, hass_client_no_auth)
    freezer.tick(timedelta(days=1, hours=14))
    await fill_archive(hass, bank, dora, [account])
    await set_up(hass, dora)
    await advance_time(timedelta(minutes=6))
    outlook = Outlook(hass, account)
    assert outlook.seen == {*LEFT, UPCOMING}
    return outlook


async def test_a_poll_that_shows_a_paid_bill_before_the_list_does_changes_nothing(
    hass: HomeAssistant,
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    bank.webhooks.clear()
    transactions = Held(Delay(0))
    server.fail("GET", "/transactions", transactions)
    bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1])
    freezer.tick(timedelta(minutes=5))
    async_fire_time_changed(hass)
    await transactions.arrived.wait()
    await wait_until(lambda: value(hass, account.id, "balance") == "966.00")
    # The shown figures are still those of the earlier balance.
    assert outlook.now == {*LEFT, UPCOMING}

    transactions.released.set()
    for _read in range(2):
        await advance_time(timedelta(seconds=2))
    assert outlook.now == {*LEFT, ("upcoming_payments", "21.00")}
    assert outlook.seen == {*LEFT, UPCOMING, ("upcoming_payments", "21.00")}


@pytest.mark.parametrize("late", ["/transactions", "/balance"])
async def test_a_delivery_changes_nothing_before_both_answers_show_the_bill(
    late: str,
    hass: HomeAssistant,
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
) -> None:
    held = Held(Delay(0))
    server.fail("GET", late, held)
    bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1])
    await held.arrived.wait()
    await let_tasks_run()
    assert outlook.now == {*LEFT, UPCOMING}

    held.released.set()
    await server.delivered()
    for _read in range(2):
        await advance_time(timedelta(seconds=2))
    assert outlook.seen == {*LEFT, UPCOMING, ("upcoming_payments", "21.00")}


async def test_a_list_with_a_bill_that_the_balance_lacks_changes_nothing(
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
) -> None:
    await hold_both_answers(
        server,
        lambda: bank.pay(account.id, -1_000, merchant="Corner Shop"),
        lambda: bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1]),
        executed=[BALANCE],
    )
    await server.delivered()
    for _read in range(3):
        await advance_time(timedelta(seconds=2))
    # £10 less.
    assert ("left_to_spend", "935.00") in outlook.now
    assert {state for key, state in outlook.seen if key == "left_to_spend"} == {"945.00", "935.00"}


async def test_a_balance_with_a_bill_that_the_list_lacks_changes_nothing(
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
) -> None:
    await hold_both_answers(
        server,
        lambda: bank.pay(account.id, -1_000, merchant="Corner Shop"),
        lambda: bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1]),
        executed=[TRANSACTIONS],
    )
    await server.delivered()
    for _read in range(3):
        await advance_time(timedelta(seconds=2))
    assert {state for key, state in outlook.seen if key == "left_to_spend"} == {"945.00", "935.00"}


async def test_a_bill_that_the_bank_lists_late_does_not_count_twice(
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
) -> None:
    bank.webhooks.clear()
    bill = bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1])
    lists_late = server.fail("GET", "/transactions", _without(bill), times=None)
    for _minute in range(5):
        await advance_time(timedelta(minutes=1))
    assert outlook.seen == {*LEFT, UPCOMING}
    # £10 less.
    bank.pay(account.id, -1_000, merchant="Corner Shop")
    for _minute in range(5):
        await advance_time(timedelta(minutes=1))
    less = {("left_to_spend", "935.00"), ("lowest_balance_ahead", "935.00")}
    assert less | {UPCOMING} < outlook.now
    lists_late.clear()
    for _minute in range(3):
        await advance_time(timedelta(minutes=1))
    assert less | {("upcoming_payments", "21.00")} < outlook.now
    assert {state for key, state in outlook.seen if key == "left_to_spend"} == {"945.00", "935.00"}


async def test_a_bill_that_the_bank_lists_later_than_on_its_day_counts_as_paid_from_midnight(
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    bank.webhooks.clear()
    freezer.move_to("2026-09-18T22:54:00Z")
    bill = bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1])
    server.fail("GET", "/transactions", _without(bill), times=None)
    for _minute in range(5):
        await advance_time(timedelta(minutes=1))
    assert outlook.seen == {*LEFT, UPCOMING}
    # In London, the next day begins after a minute.
    for _second in range(90):
        await advance_time(timedelta(seconds=1))
    assert ("upcoming_payments", "21.00") in outlook.now
    assert {state for key, state in outlook.seen if key == "left_to_spend"} == {"945.00"}


def _without(transaction: Transaction) -> Edited:
    """Return a fault by which the bank does not list a transaction."""

    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        return {"transactions": [it for it in answer["transactions"] if it["id"] != transaction.id]}

    return Edited(edit)


async def test_a_pot_that_cannot_be_read_is_not_taken_for_an_empty_one(
    server: BankServer, outlook: Outlook, advance_time: AdvanceTime
) -> None:
    fault = server.fail("GET", "/pots", Answer.html(502), times=None)
    for _minute in range(12):
        await advance_time(timedelta(minutes=1))
    # After a while, what the pot pays of the water is unknown.
    assert {state for _key, state in outlook.now} == {STATE_UNKNOWN}
    known = {each for each in outlook.seen if each[1] != STATE_UNKNOWN}
    assert known == {*LEFT, UPCOMING}

    fault.clear()
    for _minute in range(2):
        await advance_time(timedelta(minutes=1))
    assert outlook.now == {*LEFT, UPCOMING}


async def test_an_automation_that_a_payment_triggers_sees_what_is_left_after_it(
    hass: HomeAssistant,
    server: BankServer,
    bank: Bank,
    account: Account,
    outlook: Outlook,
    advance_time: AdvanceTime,
) -> None:
    left: list[str] = []

    @callback
    def note(_new: NewTransaction) -> None:
        left.append(value(hass, account.id, "left_to_spend"))

    async_dispatcher_connect(hass, SIGNAL_NEW_TRANSACTION.format(account.id), note)
    bank.pay(account.id, -1_000, merchant="Corner Shop")
    await server.delivered()
    await advance_time(timedelta(seconds=2))
    bank.direct_debit(account.id, BROADBAND[0], payee=BROADBAND[1])
    await server.delivered()
    await advance_time(timedelta(seconds=2))
    assert left == ["935.00", "935.00"]
