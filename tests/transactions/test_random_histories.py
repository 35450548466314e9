"""Over any sequence of payments, deliveries, faults and restarts, each transaction is told once."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
import json
import logging
import math
from typing import Any, override

from aiohttp import ClientError, web
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

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
from tests.conftest import WEBHOOK_ID, LetPass, SignIn
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import set_up
from tests.helpers.transaction_listener import Listener, open_door
from tests.helpers.transfer_client import Meanwhile

# How many stories are told, each of up to a dozen steps: some thirty seconds' worth.
TOLD = settings(max_examples=60, deadline=None, print_blob=True)

PATH = f"/api/webhook/{WEBHOOK_ID}"

# What no real transaction is about, so that a forged one is known wherever it turns up.
FORGED = -99_999_999

# Longer than the integration waits for an answer.
TOO_LONG = timedelta(seconds=11)

# When all troubles are over, everything has to be found within this.
AFTERWARDS = [timedelta(minutes=minutes) for minutes in (2, 2, 6, 11, 61, 6, 2)]


@dataclass(frozen=True)
class Customer:
    """Who banks in a story."""

    entry: MockConfigEntry
    accounts: tuple[Account, ...]
    bills: Pot
    """A pot of the first account."""


class Story:
    """What happens at the bank, to what is on its way from there, and what is heard of it."""

    def __init__(
        self,
        hass: HomeAssistant,
        server: BankServer,
        door: Any,
        clock: FrozenDateTimeFactory,
        customer: Customer,
    ) -> None:
        """Listen from now on."""
        self.hass = hass
        self.server = server
        self.bank = server.bank
        self.customer = customer
        self.number = count()
        self._door = door
        self._clock = clock
        self._listeners = [Listener(hass, account) for account in customer.accounts]
        self._made: defaultdict[str, list[Transaction]] = defaultdict(list)
        # What an account's balance was after each of these.
        self._balances: defaultdict[str, list[str]] = defaultdict(list)
        self.stop_listening = self.bank.on_transaction(self._note)

    def _note(self, row: Transaction) -> None:
        balance = self.bank.account(row.account_id).balance
        self._made[row.account_id].append(row)
        self._balances[row.account_id].append(f"{balance / 100:.2f}")

    def rows(self) -> list[Transaction]:
        """Return all the customer's transactions, the newest last."""
        accounts = self.customer.accounts
        rows = [row for account in accounts for row in self.bank.transactions(account.id)]
        return sorted(rows, key=lambda row: row.id)

    def soon(self, errand: Awaitable[object]) -> None:
        """Have something done while other things go on."""

        async def run() -> None:
            with suppress(ClientError):
                await errand

        self.hass.async_create_task(run())

    def knock(self, body: bytes) -> None:
        """Send something to Home Assistant's webhook, as anybody may."""
        self.soon(self._door.post(PATH, data=body))

    def skip(self, time: timedelta) -> None:
        """Let time pass in the middle of something."""
        self._clock.tick(time)
        async_fire_time_changed(self.hass)

    async def settle(self) -> None:
        """Wait until everything that is on its way has arrived and was heeded."""
        await self.hass.async_block_till_done(wait_background_tasks=True)
        await self.server.delivered()
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def let_pass(self, time: timedelta) -> None:
        """Let time pass when everything has settled."""
        await self.settle()
        self.skip(time)
        await self.settle()

    def check(self) -> None:
        """Hold what was told against what was made."""
        for account, listener in zip(self.customer.accounts, self._listeners, strict=True):
            made = [row.id for row in self._made[account.id]]
            told = [report.transaction for report in listener.reports]
            assert sorted(listener.heard) == sorted(made)
            assert listener.events == listener.heard
            assert told == sorted(told, key=lambda transaction: transaction.created)
            assert FORGED not in {transaction.amount.minor for transaction in told}
            assert {change.transaction.id for change in listener.changes} <= {
                row.id for row in self.bank.transactions(account.id)
            }
            for transaction_id, balance in zip(listener.heard, listener.balances, strict=True):
                assert balance in self._balances[account.id][made.index(transaction_id) :]


# What can happen


class Happening(ABC):
    """Something that happens in a moment, also in the middle of something else."""

    @abstractmethod
    def happen(self, story: Story) -> None:
        """Happen, or begin to."""


type Kind = Callable[[Story, str], object]

KINDS: dict[str, Kind] = {
    "card": lambda story, account: story.bank.pay(account, -1_234),
    "declined": lambda story, account: story.bank.decline(account, -500),
    "refund": lambda story, account: story.bank.refund(account, 567),
    "transfer": lambda story, account: story.bank.receive(account, 10_001),
    "cash": lambda story, account: story.bank.withdraw_cash(account, -2_100, fee=100),
    "interest": lambda story, account: story.bank.interest(account, 3),
    "bill": lambda story, account: story.bank.direct_debit(account, -4_000),
    "bill from a pot": lambda story, _account: story.bank.direct_debit(
        story.customer.bills.account_id, -77, pot_id=story.customer.bills.id
    ),
    "deposit": lambda story, _account: story.bank.deposit(
        story.customer.bills.id,
        story.customer.bills.account_id,
        250,
        f"{story.customer.bills.id}:{next(story.number)}",
    ),
    "to another": lambda story, account: story.bank.p2p(
        account, next(other.id for other in story.customer.accounts if other.id != account), 20
    ),
}


@dataclass(frozen=True)
class Pay(Happening):
    """Transactions of one kind in one moment."""

    account: int
    kind: str
    times: int

    @override
    def happen(self, story: Story) -> None:
        for _time in range(self.times):
            KINDS[self.kind](story, story.customer.accounts[self.account].id)


@dataclass(frozen=True)
class Change(Happening):
    """A transaction is no longer what it was, which is nothing to tell again."""

    which: int
    settles: bool

    @override
    def happen(self, story: Story) -> None:
        rows = story.rows()
        row = rows[-1 - self.which % len(rows)]
        if self.settles and row.settled is None:
            story.bank.settle(row.id)
        else:
            row.category = f"category {next(story.number)}"


def letter(account_id: object, transaction_id: object, amount: int) -> bytes:
    """Return what the bank would send, or somebody who says to be the bank."""
    data = {"account_id": account_id, "id": transaction_id, "amount": amount}
    return json.dumps({"type": "transaction.created", "data": data}).encode()


LETTERS: dict[str, Callable[[Story, Transaction], bytes]] = {
    "as it was": lambda _story, row: letter(row.account_id, row.id, row.amount),
    "another amount": lambda _story, row: letter(row.account_id, row.id, FORGED),
    "no such transaction": lambda story, row: letter(
        row.account_id, f"tx_forged{next(story.number)}", FORGED
    ),
    "of another account": lambda story, row: letter(
        next(other.id for other in story.customer.accounts if other.id != row.account_id),
        row.id,
        row.amount,
    ),
    "of nobody": lambda _story, row: letter("acc_forged", row.id, row.amount),
    "an id that is none": lambda _story, row: letter(row.account_id, 7, FORGED),
    "no JSON": lambda _story, _row: b"<html>",
}


@dataclass(frozen=True)
class Deliver(Happening):
    """A delivery late or again, or a forged one."""

    which: int
    what: str
    copies: int

    @override
    def happen(self, story: Story) -> None:
        rows = story.rows()
        row = rows[-1 - self.which % len(rows)]
        for _copy in range(self.copies):
            story.knock(LETTERS[self.what](story, row))


CUSTOMS: dict[str, dict[str, Any]] = {
    "delivers twice": {"webhook_copies": 2},
    "delivers the second first": {"webhook_order": "swapped"},
    "loses every other delivery": {"webhook_lost": 2},
    "delivers nothing": {"webhook_lost": 1},
    "counts requests": {"rate_limit": RateLimit(retry_after="seconds")},
}


@dataclass(frozen=True)
class Custom(Happening):
    """The bank does something another way from now on."""

    how: str

    @override
    def happen(self, story: Story) -> None:
        story.server.behaviour = replace(story.server.behaviour, **CUSTOMS[self.how])


class Reload(Happening):
    """The config entry is reloaded, whatever it is doing."""

    @override
    def happen(self, story: Story) -> None:
        story.soon(story.hass.config_entries.async_reload(story.customer.entry.entry_id))

    @override
    def __repr__(self) -> str:
        return "Reload()"


@dataclass(frozen=True)
class Listing:
    """Changes how the bank lists transactions."""

    change: Callable[[list[object]], list[object]]

    def __call__(self, data: dict[str, object]) -> object:
        """Return an answer with other transactions than this one."""
        rows = data.get("transactions")
        return {"transactions": self.change(rows)} if isinstance(rows, list) else data


FAULTS: dict[str, Callable[[Story], Fault]] = {
    "500": lambda _story: Answer.error("internal_service"),
    "a proxy's page": lambda _story: Answer.html(502),
    "garbage": lambda _story: Answer.garbage(),
    "null": lambda _story: Answer.json(None),
    "too many": lambda _story: Answer.rate_limited(),
    "too many, for long": lambda _story: Answer.rate_limited("400"),
    "dropped": lambda _story: DropBefore(),
    "lost": lambda _story: LoseResponse(),
    "broken off": lambda _story: Truncated(),
    "no answer": lambda story: Meanwhile(lambda: story.skip(TOO_LONG), Silence()),
    "newest first": lambda _story: Edited(Listing(lambda rows: rows[::-1])),
    "without the newest": lambda _story: Edited(Listing(lambda rows: rows[:-1])),
    "with an odd one": lambda _story: Edited(Listing(lambda rows: [{"id": 7}, *rows])),
}

PATHS = ("/transactions", "/balance", "/pots", "*")


@dataclass(frozen=True)
class Trouble(Happening):
    """Something is wrong with the next requests, or with all of them."""

    path: str
    fault: str
    times: int | None

    @override
    def happen(self, story: Story) -> None:
        story.server.fail("GET", self.path, FAULTS[self.fault](story), times=self.times)


class Repair(Happening):
    """What was wrong with requests is mended."""

    @override
    def happen(self, story: Story) -> None:
        story.server.clear_faults()

    @override
    def __repr__(self) -> str:
        return "Repair()"


@dataclass(frozen=True)
class During(Fault):
    """The right answer, but something happens on the way."""

    event: Callable[[], None]
    answered: bool

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if not self.answered:
            self.event()
        answer = await exchange.work()
        if self.answered:
            self.event()
        return answer


@dataclass(frozen=True)
class Midway(Happening):
    """Something happens while a request is on its way to the bank, or the answer from there."""

    path: str
    answered: bool
    what: Happening

    @override
    def happen(self, story: Story) -> None:
        fault = During(lambda: self.what.happen(story), self.answered)
        story.server.fail("GET", self.path, fault)


@dataclass(frozen=True)
class Pass:
    """Time passes, and before that everything settles."""

    seconds: float

    async def take(self, story: Story) -> None:
        """Wait for that."""
        await story.let_pass(timedelta(seconds=self.seconds))


@dataclass(frozen=True)
class Restart:
    """Home Assistant is off for a while, in which something happens."""

    off: float
    meanwhile: Happening

    async def take(self, story: Story) -> None:
        """Wait for that."""
        await story.settle()
        config_entries, entry_id = story.hass.config_entries, story.customer.entry.entry_id
        assert await config_entries.async_unload(entry_id)
        self.meanwhile.happen(story)
        await story.let_pass(timedelta(seconds=self.off))
        forget_process_memory(story.hass)
        await config_entries.async_setup(entry_id)


type Step = Happening | Pass | Restart

SECONDS = st.sampled_from([0, 1, 20, 70, 400, 4_000, 30_000])

PAYMENTS = st.builds(
    Pay,
    account=st.integers(0, 2),
    kind=st.sampled_from(list(KINDS)),
    times=st.sampled_from([1, 1, 1, 1, 2, 3, 5, 120]),
)
DELIVERIES = st.builds(
    Deliver,
    which=st.integers(0, 5),
    what=st.sampled_from(list(LETTERS)),
    copies=st.sampled_from([1, 1, 3, 8]),
)
CHANGES = st.builds(Change, which=st.integers(0, 5), settles=st.booleans())
OUTSIDE: st.SearchStrategy[Happening] = st.one_of(PAYMENTS, PAYMENTS, DELIVERIES, CHANGES)
STEPS: st.SearchStrategy[Step] = st.one_of(
    PAYMENTS,
    PAYMENTS,
    DELIVERIES,
    CHANGES,
    st.builds(Custom, st.sampled_from(list(CUSTOMS))),
    st.builds(Reload),
    st.builds(
        Trouble,
        st.sampled_from(PATHS),
        st.sampled_from(list(FAULTS)),
        st.sampled_from([1, 1, 2, 4, None]),
    ),
    st.builds(Repair),
    st.builds(Midway, st.sampled_from(PATHS), st.booleans(), OUTSIDE | st.builds(Reload)),
    st.builds(Pass, SECONDS),
    st.builds(Pass, SECONDS),
    st.builds(Restart, SECONDS, OUTSIDE),
)


async def play(story: Story, steps: list[Step]) -> None:
    """Let everything happen, and then let the troubles end and time pass."""
    for step in steps:
        if isinstance(step, Happening):
            step.happen(story)
        else:
            await step.take(story)
    await story.settle()
    story.server.clear_faults()
    for time in AFTERWARDS:
        await story.let_pass(time)


type Begin = Callable[[], AbstractAsyncContextManager[Story]]


@pytest.fixture
async def begin(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    hass_client_no_auth: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    let_pass: LetPass,
) -> Begin:
    """Return what begins a story: with a new customer, at noon, and all well."""
    door = await open_door(hass, server, hass_client_no_auth)
    behaviour = server.behaviour

    @asynccontextmanager
    async def story() -> AsyncIterator[Story]:
        now = bank.clock()
        freezer.move_to(now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1))
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
        entry = sign_in(ann)
        await set_up(hass, entry)
        told = Story(hass, server, door, freezer, Customer(entry, accounts, bills))
        try:
            yield told
        finally:
            told.stop_listening()
            server.clear_faults()
            await hass.config_entries.async_remove(entry.entry_id)
            await told.settle()

    return story


def test_every_transaction_is_told_once_and_in_order(
    hass: HomeAssistant,
    begin: Begin,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def tell_one(steps: list[Step]) -> None:
        caplog.clear()
        async with begin() as story:
            await play(story, steps)
            story.check()
        assert not [record for record in caplog.records if record.exc_info]

    @given(steps=st.lists(STEPS, min_size=1, max_size=12))
    @TOLD
    def tell(steps: list[Step]) -> None:
        hass.loop.run_until_complete(tell_one(steps))

    caplog.set_level(logging.WARNING)
    # Hypothesis goes by the clock of the stories, so that their time would be up at once.
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", math.inf)
    # It notes a stack for everything that is begun, which is half of the time.
    hass.loop.set_debug(False)
    tell()
