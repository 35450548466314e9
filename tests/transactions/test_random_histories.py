"""Random payments, deliveries, faults and restarts: each transaction is reported once.

Also with cancelled callers, clock jumps, full disks, another language and another entry.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
import json
import logging
from typing import Any, override

from aiohttp import ClientError, web
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transactions.archive import Archive
from custom_components.monzo.transactions.retention import Retention
from sandbox.bank import Bank
from sandbox.faults import Exchange, Fault
from sandbox.models import Account, Pot, Transaction
from sandbox.server import (
    Answer,
    BankServer,
    DropBefore,
    Edited,
    LoseResponse,
    RateLimit,
    Silence,
    Truncated,
)
from tests.conftest import WEBHOOK_ID, AdvanceTime, SignIn
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import set_up
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transaction_listener import Listener, make_reachable
from tests.helpers.transfer_client import Meanwhile

# Histories of up to twelve steps: about four seconds for all.
SETTINGS = settings(max_examples=20, print_blob=True)

PATH = f"/api/webhook/{WEBHOOK_ID}"

# The amount of forged deliveries, which no real transaction has.
FORGED_AMOUNT = -99_999_999

# Longer than the integration's request timeout.
BEYOND_TIMEOUT = timedelta(seconds=11)

# After the faults end, all transactions must be reported within this time.
RECOVERY_STEPS = [timedelta(minutes=minutes) for minutes in (2, 2, 6, 11, 61, 6, 2)]


@dataclass(frozen=True)
class Customer:
    """The customer of a history."""

    entry: MockConfigEntry
    other_entry: MockConfigEntry
    """The entry of the other owner of the joint account."""

    accounts: tuple[Account, ...]
    bills: Pot
    """A pot of the first account, for direct debits."""


class Clocks:
    """The stopped clocks of Home Assistant's machine and of the bank.

    The machine's time of day can jump; its monotonic clock and the bank's clock do not.
    """

    def __init__(self, freezer: StoppedClock, bank: Bank) -> None:
        """Initialize clocks that agree."""
        self._freezer = freezer
        self._ahead = timedelta(0)
        bank_clock = bank.clock
        bank.clock = lambda: bank_clock() - self._ahead

    def advance(self, by: timedelta) -> None:
        """Advance all clocks."""
        self._freezer.tick(by)

    def jump(self, by: timedelta) -> None:
        """Set the machine's time of day forward or back."""
        self._freezer.jump(by)
        self._ahead += by

    def agree(self) -> None:
        """Set the machine's time of day right."""
        self.jump(-self._ahead)


class History:
    """A history of bank events, with the transactions that Home Assistant reports."""

    def __init__(
        self,
        hass: HomeAssistant,
        server: BankServer,
        webhook_client: Any,
        clocks: Clocks,
        customer: Customer,
    ) -> None:
        """Initialize the history, and start listening."""
        self.hass = hass
        self.server = server
        self.bank = server.bank
        self.customer = customer
        self.counter = count()
        self._webhook_client = webhook_client
        self.clocks = clocks
        self._listeners = [Listener(hass, account) for account in customer.accounts]
        self._transactions: defaultdict[str, list[Transaction]] = defaultdict(list)
        # The account balance after each transaction.
        self._balances: defaultdict[str, list[str]] = defaultdict(list)
        self.stop_listening = self.bank.on_transaction(self._record)

    def _record(self, row: Transaction) -> None:
        balance = self.bank.account(row.account_id).balance
        self._transactions[row.account_id].append(row)
        self._balances[row.account_id].append(f"{balance / 100:.2f}")

    def rows(self) -> list[Transaction]:
        """Return all transactions of the customer, newest last."""
        accounts = self.customer.accounts
        rows = [row for account in accounts for row in self.bank.transactions(account.id)]
        return sorted(rows, key=lambda row: row.id)

    def run_in_background(self, work: Awaitable[object]) -> None:
        """Run a request in the background, ignoring connection errors."""

        async def run() -> None:
            with suppress(ClientError):
                await work

        self.hass.async_create_task(run())

    def post_to_webhook(self, body: bytes) -> None:
        """Post to the webhook, which requires no authentication."""
        self.run_in_background(self._webhook_client.post(PATH, data=body))

    def advance_clock(self, time: timedelta) -> None:
        """Advance the clock and fire timers without waiting."""
        self.clocks.advance(time)
        async_fire_time_changed(self.hass)

    async def wait_until_idle(self) -> None:
        """Wait until Home Assistant has processed all deliveries and background tasks."""
        await self.hass.async_block_till_done(wait_background_tasks=True)
        await self.server.delivered()
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def advance_time(self, time: timedelta) -> None:
        """Advance the clock, waiting for background tasks before and after."""
        await self.wait_until_idle()
        self.advance_clock(time)
        await self.wait_until_idle()

    def fill_disk(self, *, is_full: bool = True) -> None:
        """Let every write of the archive fail from now on, or none."""
        if archive := async_get_memory(self.hass).find(Archive):
            archive.file.open()
            # There is no other way to fill the disk.
            archive.file._sql.execute(f"PRAGMA query_only = {is_full}")  # noqa: SLF001

    async def free_disk(self) -> None:
        """Free the disk, and let Home Assistant write all that waits, as it does when it stops."""
        self.fill_disk(is_full=False)
        if archive := async_get_memory(self.hass).find(Archive):
            await archive.async_wait_for_write()

    def assert_reported_once(self) -> None:
        """Assert that each transaction was reported once, in order, with a current balance."""
        for account, listener in zip(self.customer.accounts, self._listeners, strict=True):
            expected_ids = [row.id for row in self._transactions[account.id]]
            reported = [report.transaction for report in listener.reports]
            assert sorted(listener.heard) == sorted(expected_ids)
            assert listener.events == listener.heard
            assert reported == sorted(reported, key=lambda transaction: transaction.created)
            assert FORGED_AMOUNT not in {transaction.amount.minor for transaction in reported}
            assert {change.transaction.id for change in listener.changes} <= {
                row.id for row in self.bank.transactions(account.id)
            }
            for transaction_id, balance in zip(listener.heard, listener.balances, strict=True):
                assert balance in self._balances[account.id][expected_ids.index(transaction_id) :]


# Events


class Event(ABC):
    """An instant event. It can also occur during a request."""

    @abstractmethod
    def apply(self, history: History) -> None:
        """Apply the event, or start it in the background."""


type MakeTransaction = Callable[[History, str], object]

TRANSACTION_KINDS: dict[str, MakeTransaction] = {
    "card": lambda history, account: history.bank.pay(account, -1_234),
    "declined": lambda history, account: history.bank.decline(account, -500),
    "refund": lambda history, account: history.bank.refund(account, 567),
    "transfer": lambda history, account: history.bank.receive(account, 10_001),
    "cash": lambda history, account: history.bank.withdraw_cash(account, -2_100, fee=100),
    "interest": lambda history, account: history.bank.interest(account, 3),
    "bill": lambda history, account: history.bank.direct_debit(account, -4_000),
    "bill from a pot": lambda history, _account: history.bank.direct_debit(
        history.customer.bills.account_id, -77, pot_id=history.customer.bills.id
    ),
    "deposit": lambda history, _account: history.bank.deposit(
        history.customer.bills.id,
        history.customer.bills.account_id,
        250,
        f"{history.customer.bills.id}:{next(history.counter)}",
    ),
    "to another": lambda history, account: history.bank.p2p(
        account, next(other.id for other in history.customer.accounts if other.id != account), 20
    ),
}


@dataclass(frozen=True)
class Pay(Event):
    """Makes transactions of one kind at the same time."""

    account: int
    kind: str
    times: int

    @override
    def apply(self, history: History) -> None:
        for _time in range(self.times):
            TRANSACTION_KINDS[self.kind](history, history.customer.accounts[self.account].id)


@dataclass(frozen=True)
class Change(Event):
    """Changes or settles a transaction, which must not be reported again."""

    index: int
    settles: bool

    @override
    def apply(self, history: History) -> None:
        rows = history.rows()
        row = rows[-1 - self.index % len(rows)]
        if self.settles and row.settled is None:
            history.bank.settle(row.id)
        else:
            row.category = f"category {next(history.counter)}"


def payload(account_id: object, transaction_id: object, amount: int) -> bytes:
    """Return the body of a genuine or forged delivery."""
    data = {"account_id": account_id, "id": transaction_id, "amount": amount}
    return json.dumps({"type": "transaction.created", "data": data}).encode()


PAYLOADS: dict[str, Callable[[History, Transaction], bytes]] = {
    "genuine": lambda _history, row: payload(row.account_id, row.id, row.amount),
    "another amount": lambda _history, row: payload(row.account_id, row.id, FORGED_AMOUNT),
    "unknown transaction": lambda history, row: payload(
        row.account_id, f"tx_forged{next(history.counter)}", FORGED_AMOUNT
    ),
    "wrong account": lambda history, row: payload(
        next(other.id for other in history.customer.accounts if other.id != row.account_id),
        row.id,
        row.amount,
    ),
    "unknown account": lambda _history, row: payload("acc_forged", row.id, row.amount),
    "invalid ID": lambda _history, row: payload(row.account_id, 7, FORGED_AMOUNT),
    "not JSON": lambda _history, _row: b"<html>",
}


@dataclass(frozen=True)
class Deliver(Event):
    """Sends late, repeated or forged deliveries."""

    index: int
    payload_kind: str
    copies: int

    @override
    def apply(self, history: History) -> None:
        rows = history.rows()
        row = rows[-1 - self.index % len(rows)]
        for _copy in range(self.copies):
            history.post_to_webhook(PAYLOADS[self.payload_kind](history, row))


BEHAVIOURS: dict[str, dict[str, Any]] = {
    "delivers twice": {"webhook_copies": 2},
    "delivers in swapped order": {"webhook_order": "swapped"},
    "loses every other delivery": {"webhook_lost": 2},
    "delivers nothing": {"webhook_lost": 1},
    "limits the request rate": {"rate_limit": RateLimit(retry_after="seconds")},
}


@dataclass(frozen=True)
class BankBehaviour(Event):
    """Changes the behaviour of the bank from now on."""

    name: str

    @override
    def apply(self, history: History) -> None:
        history.server.behaviour = replace(history.server.behaviour, **BEHAVIOURS[self.name])


class Reload(Event):
    """Reloads the config entry in the background, also during a poll."""

    @override
    def apply(self, history: History) -> None:
        history.run_in_background(
            history.hass.config_entries.async_reload(history.customer.entry.entry_id)
        )

    @override
    def __repr__(self) -> str:
        return "Reload()"


@dataclass(frozen=True)
class ClockJump(Event):
    """Sets the time of day of Home Assistant's machine forward or back."""

    days: int

    @override
    def apply(self, history: History) -> None:
        history.clocks.jump(timedelta(days=self.days))


@dataclass(frozen=True)
class FullDisk(Event):
    """Fills the disk, or frees it."""

    is_full: bool

    @override
    def apply(self, history: History) -> None:
        history.fill_disk(is_full=self.is_full)


@dataclass(frozen=True)
class Language(Event):
    """Changes the language of Home Assistant."""

    language: str

    @override
    def apply(self, history: History) -> None:
        history.run_in_background(history.hass.config.async_update(language=self.language))


@dataclass(frozen=True)
class CancelledCaller(Event):
    """Calls an action, which is cancelled during a request or at once."""

    action: str
    path: str

    @override
    def apply(self, history: History) -> None:
        call = history.hass.async_create_task(self._call(history))
        history.server.fail("GET", self.path, RunDuring(call.cancel, after_bank_processed=False))

    async def _call(self, history: History) -> None:
        device = dr.async_get(history.hass).async_get_device_by_identifier(
            (DOMAIN, history.customer.accounts[1].id), history.customer.entry.entry_id
        )
        fields = {"account": device and device.id} if self.action == "get_transactions" else {}
        with suppress(HomeAssistantError):
            await history.hass.services.async_call(
                DOMAIN, self.action, fields, blocking=True, return_response=bool(fields)
            )


@dataclass(frozen=True)
class EditList:
    """Edits the list of transactions in an answer."""

    change: Callable[[list[object]], list[object]]

    def __call__(self, data: dict[str, object]) -> object:
        """Return the answer with an edited list of transactions."""
        rows = data.get("transactions")
        return {"transactions": self.change(rows)} if isinstance(rows, list) else data


FAULTS: dict[str, Callable[[History], Fault]] = {
    "500": lambda _history: Answer.error("internal_service"),
    "a proxy's page": lambda _history: Answer.html(502),
    "garbage": lambda _history: Answer.garbage(),
    "null": lambda _history: Answer.json(None),
    "rate limit": lambda _history: Answer.rate_limited(),
    "long rate limit": lambda _history: Answer.rate_limited("400"),
    "dropped connection": lambda _history: DropBefore(),
    "lost answer": lambda _history: LoseResponse(),
    "truncated": lambda _history: Truncated(),
    "no answer": lambda history: Meanwhile(
        lambda: history.advance_clock(BEYOND_TIMEOUT), Silence()
    ),
    "newest first": lambda _history: Edited(EditList(lambda rows: rows[::-1])),
    "without the newest": lambda _history: Edited(EditList(lambda rows: rows[:-1])),
    "with an invalid transaction": lambda _history: Edited(
        EditList(lambda rows: [{"id": 7}, *rows])
    ),
}

PATHS = ("/transactions", "/balance", "/pots", "*")


@dataclass(frozen=True)
class RequestFaults(Event):
    """Applies a fault to the next requests, or to all requests if `times` is `None`."""

    path: str
    fault: str
    times: int | None

    @override
    def apply(self, history: History) -> None:
        history.server.fail("GET", self.path, FAULTS[self.fault](history), times=self.times)


class ClearFaults(Event):
    """Removes all faults."""

    @override
    def apply(self, history: History) -> None:
        history.server.clear_faults()

    @override
    def __repr__(self) -> str:
        return "ClearFaults()"


@dataclass(frozen=True)
class RunDuring(Fault):
    """A normal answer, with an event before or after the bank processes the request."""

    event: Callable[[], object]
    after_bank_processed: bool

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if not self.after_bank_processed:
            self.event()
        answer = await exchange.work()
        if self.after_bank_processed:
            self.event()
        return answer


@dataclass(frozen=True)
class DuringRequest(Event):
    """Applies an event before or after the bank processes a request."""

    path: str
    after_bank_processed: bool
    event: Event

    @override
    def apply(self, history: History) -> None:
        fault = RunDuring(lambda: self.event.apply(history), self.after_bank_processed)
        history.server.fail("GET", self.path, fault)


@dataclass(frozen=True)
class PassTime:
    """Lets time pass, after all background tasks have finished."""

    seconds: float

    async def run(self, history: History) -> None:
        """Run the step."""
        await history.advance_time(timedelta(seconds=self.seconds))


@dataclass(frozen=True)
class Restart:
    """Turns Home Assistant off for a while, with an event in the meantime."""

    off: float
    meanwhile: Event

    async def run(self, history: History) -> None:
        """Run the step."""
        await history.wait_until_idle()
        await history.free_disk()
        config_entries, customer = history.hass.config_entries, history.customer
        for entry in (customer.other_entry, customer.entry):
            assert await config_entries.async_unload(entry.entry_id)
        self.meanwhile.apply(history)
        await history.advance_time(timedelta(seconds=self.off))
        forget_process_memory(history.hass)
        for entry in (customer.entry, customer.other_entry):
            await config_entries.async_setup(entry.entry_id)


@dataclass(frozen=True)
class Disable:
    """Disables the entry for a while, in which the other owner's entry has the joint account."""

    off: float
    meanwhile: Event

    async def run(self, history: History) -> None:
        """Run the step."""
        await history.wait_until_idle()
        disable = history.hass.config_entries.async_set_disabled_by
        await disable(history.customer.entry.entry_id, ConfigEntryDisabler.USER)
        await history.wait_until_idle()
        self.meanwhile.apply(history)
        await history.advance_time(timedelta(seconds=self.off))
        await disable(history.customer.entry.entry_id, None)


type Step = Event | PassTime | Restart | Disable

SECONDS = st.sampled_from([0, 1, 20, 70, 400, 4_000, 30_000])

PAYMENTS = st.builds(
    Pay,
    account=st.integers(0, 2),
    kind=st.sampled_from(list(TRANSACTION_KINDS)),
    times=st.sampled_from([1, 1, 1, 1, 2, 3, 5, 120]),
)
DELIVERIES = st.builds(
    Deliver,
    index=st.integers(0, 5),
    payload_kind=st.sampled_from(list(PAYLOADS)),
    copies=st.sampled_from([1, 1, 3, 8]),
)
CHANGES = st.builds(Change, index=st.integers(0, 5), settles=st.booleans())
BANK_EVENTS: st.SearchStrategy[Event] = st.one_of(PAYMENTS, PAYMENTS, DELIVERIES, CHANGES)
CLOCK_JUMPS = st.builds(ClockJump, st.sampled_from([-3, 8]))
HOME_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Reload),
    CLOCK_JUMPS,
    st.builds(FullDisk, st.booleans()),
    st.builds(Language, st.sampled_from(["en", "de"])),
    st.builds(
        CancelledCaller,
        st.sampled_from(["refresh", "get_transactions"]),
        st.sampled_from(["/transactions", "/balance"]),
    ),
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    PAYMENTS,
    PAYMENTS,
    DELIVERIES,
    CHANGES,
    st.builds(BankBehaviour, st.sampled_from(list(BEHAVIOURS))),
    HOME_EVENTS,
    HOME_EVENTS,
    st.builds(
        RequestFaults,
        st.sampled_from(PATHS),
        st.sampled_from(list(FAULTS)),
        st.sampled_from([1, 1, 2, 4, None]),
    ),
    st.builds(ClearFaults),
    st.builds(DuringRequest, st.sampled_from(PATHS), st.booleans(), BANK_EVENTS | HOME_EVENTS),
    st.builds(PassTime, SECONDS),
    st.builds(PassTime, SECONDS),
    st.builds(Restart, SECONDS, BANK_EVENTS | CLOCK_JUMPS),
    st.builds(Disable, SECONDS, BANK_EVENTS),
)


async def play(history: History, steps: list[Step]) -> None:
    """Run all steps, then remove all faults and let time pass."""
    for step in steps:
        if isinstance(step, Event):
            step.apply(history)
        else:
            await step.run(history)
    await history.wait_until_idle()
    history.server.clear_faults()
    await history.free_disk()
    for pause in RECOVERY_STEPS:
        await history.advance_time(pause)


type StartHistory = Callable[[Retention], AbstractAsyncContextManager[History]]


@pytest.fixture
async def start_history(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    hass_client_no_auth: ClientSessionGenerator,
    freezer: StoppedClock,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> StartHistory:
    """Return a factory for histories that start at noon with a new customer and no faults."""
    webhook_client = await make_reachable(hass, server, hass_client_no_auth)
    behaviour = server.behaviour
    clocks = Clocks(freezer, bank)

    @asynccontextmanager
    async def history(retention: Retention) -> AsyncIterator[History]:
        clocks.agree()
        now = bank.clock()
        noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
        clocks.advance(noon + timedelta(days=1) - now)
        await hass.config.async_update(language="en")
        server.behaviour = behaviour
        server.requests.clear()
        ann, ben = bank.add_person("Ann Archer"), bank.add_person("Ben Baker")
        accounts = (
            bank.open_account(ann, balance=1_000_000),
            bank.open_account(ann, ben, type="uk_retail_joint", balance=1_000_000),
            bank.open_account(ann, type="uk_business", balance=1_000_000),
        )
        bank.open_pot(accounts[1].id, "Coin jar", round_up=True)
        bills = bank.open_pot(accounts[0].id, "Bills", balance=1_000_000)
        for days in (9, 6, 1):
            bank.pay(accounts[0].id, -3_000, at=bank.clock() - timedelta(days=days))
        entry = sign_in(ann, options={CONF_KEEP_TRANSACTIONS: retention})
        await set_up(hass, entry)
        other_entry = sign_in(ben)
        await set_up(hass, other_entry)
        customer = Customer(entry, other_entry, accounts, bills)
        current = History(hass, server, webhook_client, clocks, customer)
        try:
            yield current
        finally:
            current.stop_listening()
            server.clear_faults()
            for each in (entry, other_entry):
                await hass.config_entries.async_remove(each.entry_id)
            await current.wait_until_idle()

    return history


def test_random_histories_report_each_transaction_once_and_in_order(
    hass: HomeAssistant,
    start_history: StartHistory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play_one(steps: list[Step], retention: Retention) -> None:
        caplog.clear()
        async with start_history(retention) as history:
            await play(history, steps)
            history.assert_reported_once()
        assert not [record for record in caplog.records if record.exc_info]

    @given(
        steps=st.lists(STEPS, min_size=1, max_size=12),
        retention=st.sampled_from([Retention.NEEDED, Retention.EVERYTHING]),
    )
    @SETTINGS
    def play_all(steps: list[Step], retention: Retention) -> None:
        hass.loop.run_until_complete(play_one(steps, retention))

    caplog.set_level(logging.WARNING)
    play_all()
