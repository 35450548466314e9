"""For any sequence of transfers, faults and restarts, responses agree with the bank's ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum, auto
from functools import partial
from itertools import count
import random
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from hypothesis import event, given, settings
from hypothesis import strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import time_machine

from custom_components.monzo.bank import request_budget
from custom_components.monzo.const import CONF_MAX_PER_DAY, DOMAIN
from custom_components.monzo.transfers import (
    SIGNAL_TRANSFER_RESULT,
    TransferResult,
    TransferStatus,
    async_remove_journal,
    send_transfer,
)
from sandbox.bank import Bank
from sandbox.faults import Fault
from sandbox.household import Household
from sandbox.models import Pot, Purse
from sandbox.server import (
    Answer,
    BankServer,
    CommitThen,
    Delay,
    DropBefore,
    Edited,
    LoseResponse,
    Truncated,
)
from tests.conftest import SignIn
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import set_up
from tests.helpers.transfer_client import Held, Meanwhile, Move, TransferClient
from tests.sandbox.waiting import let_tasks_run

# Answers to an attempt to move money.
ATTEMPTS: dict[str, Fault] = {
    "fine": Delay(0),
    "lost": LoseResponse(),
    "broken off": Truncated(),
    "done, then 500": CommitThen(500),
    "done, then 504": CommitThen(504),
    "not a pot": Edited(lambda _pot: {}),
    "dropped": DropBefore(),
    "500": Answer.error("internal_service"),
    "502": Answer.html(502),
    "garbage": Answer.garbage(),
    "too many": Answer.rate_limited(),
    "token expired": Answer.error("unauthorized.bad_access_token.expired"),
    "refused": Answer.error("bad_request.insufficient_funds"),
    "forbidden": Answer.error("forbidden.pot_locked"),
}

# Answers to the request for the account's transactions.
CONFIRMATIONS: dict[str, Fault] = {
    "fine": Delay(0),
    "502": Answer.html(502),
    "garbage": Answer.garbage(),
    "too many": Answer.rate_limited(),
}

# Outcomes after which the money has moved.
MOVED = {"moved", "already_moved"}

# Outcomes after which it has not moved, neither by this call nor by an earlier one.
NOT_MOVED = {"transfer_rejected", "transfer_not_sent", "action_needs_sign_in"}

# Outcomes after which this call has not moved it.
NOT_MOVED_NOW = NOT_MOVED | {
    "already_moved",
    "dedupe_id_reused",
    "over_daily_limit",
    # The other entry had no room in its request budget to read the account.
    "service_config_entry_not_loaded",
    "transfer_not_shown",
}

# Outcomes after which the account does not show it.
NOT_SHOWN = {"transfer_not_found", "transfer_rejected_later"}

# Outcomes after which it is in doubt, until a call with the same ID finishes it.
IN_DOUBT = NOT_SHOWN | {"transfer_unconfirmed", "cancelled"}

MAX_PER_DAY = 500


# Whether it is a deposit, the number of the pot, and pence: some of it more than there is.
TRANSFERS = (
    (True, 0, 250),
    (True, 1, 40_000),
    (False, 0, 12_345),
    (False, 1, 45_000),
    (True, 2, 1_500),
)

# The number of the transfer in the joint account, which another entry can read as well.
JOINT = 4


class Event(StrEnum):
    """What happens during or after a call."""

    NOTHING = auto()
    CANCEL = auto()
    """The caller is cancelled while the bank has its request."""

    CLOCK_BACK = auto()
    """While the bank has the request, somebody sets the clock of this machine back."""

    CLOCK_FORWARD = auto()
    SUSPEND = auto()
    """Afterwards, the machine sleeps for hours, in which its monotonic clock stands still."""

    RELOAD = auto()
    LANGUAGE = auto()
    """Afterwards, somebody changes the language of Home Assistant."""

    TAKE_OVER = auto()
    """Afterwards, the entry is disabled for a while, and another one has the joint account."""

    KILL = auto()
    LOSE_JOURNAL = auto()


# How far the clock of this machine is set back or forward.
CLOCK_JUMPS = {Event.CLOCK_BACK: timedelta(days=-3), Event.CLOCK_FORWARD: timedelta(days=8)}


@dataclass(frozen=True)
class Step:
    """One call of an action, with the answers of the bank and an event."""

    transfer: int
    """The number of the transfer, which is part of its ID."""

    other_amount: bool
    """Whether the call has another amount than usual with this ID."""

    attempts: tuple[str, ...]
    confirmation: str
    event: Event


STEPS = st.builds(
    Step,
    transfer=st.integers(0, len(TRANSFERS) - 1),
    other_amount=st.sampled_from([False] * 9 + [True]),
    attempts=st.lists(
        st.sampled_from(list(ATTEMPTS)), max_size=1 + len(send_transfer.RETRY_DELAYS)
    ).map(tuple),
    confirmation=st.sampled_from(list(CONFIRMATIONS)),
    event=st.sampled_from([Event.NOTHING] * 3 + list(Event)),
)


class Clocks:
    """The clocks of this machine and of the bank; the monotonic clock runs on in any case."""

    def __init__(self, bank: Bank) -> None:
        """Initialize clocks that agree."""
        self._bank = bank
        self._right = bank.clock
        self._ahead = timedelta(0)
        self._jumps = ExitStack()
        bank.clock = lambda: self._right() - self._ahead

    @property
    def local_is_behind(self) -> bool:
        """Whether the clock of this machine is behind that of the bank."""
        return self._ahead < timedelta(0)

    def set_local(self, by: timedelta) -> None:
        """Set the clock of this machine forward or back."""
        self._ahead += by
        self._travel(by)

    def suspend(self, time: timedelta) -> None:
        """Let time pass that the monotonic clock of this machine does not count."""
        self._travel(time)

    def _travel(self, by: timedelta) -> None:
        self._jumps.enter_context(time_machine.travel(datetime.now(UTC) + by, tick=True))

    def close(self) -> None:
        """Return to the real clocks."""
        self._jumps.close()
        self._bank.clock = self._right


class Story:
    """Makes calls, and compares each response with the ledger."""

    def __init__(
        self,
        client: TransferClient,
        server: BankServer,
        pots: tuple[Pot, ...],
        clocks: Clocks,
        other: MockConfigEntry,
    ) -> None:
        """Initialize a story without moves. `other` is the entry of the joint account's owner."""
        self._clocks = clocks
        self._other = other
        self._client = client
        self._server = server
        self._pots = pots
        client.forget()
        self._has_lost_journal = False
        self._done: list[str] = []
        self._unsubscribe = [
            async_dispatcher_connect(
                client.hass, SIGNAL_TRANSFER_RESULT.format(account_id), self._receive
            )
            for account_id in {pot.account_id for pot in pots}
        ]

    @callback
    def _receive(self, result: TransferResult) -> None:
        """Note a transfer that is published as done."""
        if result.transfer.status is TransferStatus.DONE:
            self._done.append(result.transfer.dedupe_id)

    @property
    def moves(self) -> list[Move]:
        """The moves of this story."""
        return self._client.moves

    async def play(self, steps: list[Step], name: str) -> None:
        """Take one step after the other, and then repeat those that are in doubt."""
        doubtful: dict[str, Step] = {}
        for step in steps:
            dedupe_id = f"{name}:{step.transfer}"
            outcome = await self._take(step, dedupe_id)
            if outcome in IN_DOUBT:
                doubtful[dedupe_id] = step
        for dedupe_id, step in doubtful.items():
            again = replace(step, attempts=(), confirmation="fine", event=Event.NOTHING)
            assert await self._take(again, dedupe_id) not in IN_DOUBT - {"transfer_rejected_later"}
        await self._client.hass.async_block_till_done(wait_background_tasks=True)
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._clocks.close()
        moved = {move.dedupe_id for move in self.moves}
        assert moved >= {*self._done}
        if not self._has_lost_journal:
            assert sorted(self._done) == sorted(moved)

    async def _take(self, step: Step, dedupe_id: str) -> str:
        """Take a step, check its outcome, and return it."""
        before = len(self.moves)
        outcome = await self._call(step, dedupe_id)
        event(outcome)
        with_this_id = [move for move in self.moves if move.dedupe_id == dedupe_id]
        assert len(with_this_id) <= 1
        assert outcome in MOVED | NOT_MOVED_NOW | IN_DOUBT
        if outcome in MOVED:
            deposit, pot, pence = TRANSFERS[step.transfer]
            pence += step.other_amount
            assert with_this_id == [
                Move(self._pots[pot].name, pence if deposit else -pence, dedupe_id)
            ]
        if outcome in NOT_MOVED | NOT_SHOWN and not self._has_lost_journal:
            assert with_this_id == []
        if outcome in NOT_MOVED_NOW:
            assert len(self.moves) == before
        if not self._has_lost_journal:
            assert sum(abs(move.amount) for move in self.moves) <= 100 * MAX_PER_DAY
        await self._end(step, dedupe_id)
        return outcome

    async def _call(self, step: Step, dedupe_id: str) -> str:
        """Call the action, and return its result, or the key of its error."""
        attempts = [ATTEMPTS[attempt] for attempt in step.attempts]
        if (jump := CLOCK_JUMPS.get(step.event)) is not None:
            first, *others = attempts or [Delay(0)]
            attempts = [Meanwhile(partial(self._clocks.set_local, jump), first), *others]
        for attempt in attempts:
            self._server.fail("PUT", "/pots/*", attempt)
        self._server.fail("GET", "/transactions", CONFIRMATIONS[step.confirmation])
        deposit, pot, pence = TRANSFERS[step.transfer]
        move = self._client.deposit if deposit else self._client.withdraw
        amount = Decimal(pence + step.other_amount) / 100
        call = move(self._pots[pot], amount, dedupe_id=dedupe_id)
        try:
            return await (self._cancel(call) if step.event is Event.CANCEL else self._answer(call))
        finally:
            self._server.clear_faults()

    async def _end(self, step: Step, dedupe_id: str) -> None:
        """End a step with its event."""
        hass, entry = self._client.hass, self._client.entry
        if step.event is Event.SUSPEND:
            self._clocks.suspend(timedelta(hours=3))
        elif step.event is Event.LANGUAGE:
            language = "de" if hass.config.language == "en" else "en"
            await hass.config.async_update(language=language)
        elif step.event is Event.TAKE_OVER and not self._clocks.local_is_behind:
            # Not with a clock that is behind, because the account belongs to the entry with the
            # older device. The other entry has a journal and limits of its own.
            self._has_lost_journal = True
            disable = hass.config_entries.async_set_disabled_by
            await disable(entry.entry_id, ConfigEntryDisabler.USER)
            await hass.async_block_till_done(wait_background_tasks=True)
            await self._other.runtime_data.balances.async_refresh()
            meanwhile = replace(step, transfer=JOINT, event=Event.NOTHING)
            name, _separator, _transfer = dedupe_id.rpartition(":")
            outcome = await self._take(meanwhile, f"{name}:{JOINT}")
            event(f"taken over: {outcome}")
            await disable(entry.entry_id, None)
            await hass.async_block_till_done(wait_background_tasks=True)
        elif step.event is Event.RELOAD:
            assert await hass.config_entries.async_reload(entry.entry_id)
        elif step.event is Event.KILL:
            entries = hass.config_entries.async_entries(DOMAIN)
            for each in entries:
                assert await hass.config_entries.async_unload(each.entry_id)
            forget_process_memory(hass)
            for each in entries:
                assert await hass.config_entries.async_setup(each.entry_id)
        elif step.event is Event.LOSE_JOURNAL:
            self._has_lost_journal = True
            await async_remove_journal(hass, entry.entry_id)
            assert await hass.config_entries.async_reload(entry.entry_id)

    @staticmethod
    async def _answer(call: Awaitable[dict[str, Any]]) -> str:
        try:
            result: str = (await call)["result"]
        except HomeAssistantError as err:
            return str(err.translation_key)
        return result

    async def _cancel(self, call: Awaitable[dict[str, Any]]) -> str:
        """Stop the caller when the bank has its request; the bank carries it out or not."""
        committed = bool(len(self._client.sent) % 2)
        held = Held(CommitThen(504) if committed else Answer.html(502))
        self._server.fail("PUT", "/pots/*", held)
        asking = asyncio.ensure_future(self._answer(call))
        waiting = asyncio.ensure_future(held.arrived.wait())
        await asyncio.wait((asking, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        asking.cancel()
        await let_tasks_run()
        held.released.set()
        try:
            return await asking
        except asyncio.CancelledError:
            # The transfer continues to its end.
            await self._client.hass.async_block_till_done()
            return "cancelled"


@pytest.fixture
def begin(
    transfer_client: TransferClient,
    server: BankServer,
    home: Household,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Awaitable[Story]]:
    """Return a function that begins a story with an empty journal."""
    bens_entry = sign_in(home.ben)
    # A busy account, so that a transfer is confirmed by its second page.
    for _payment in range(120):
        home.bank.pay(home.current.id, -1, pending=False)
    monkeypatch.setattr(request_budget, "_DEFAULT_PAUSE", 0.0)

    async def begin_story() -> Story:
        # Hypothesis begins each example with the same random numbers, of which Home Assistant makes
        # the IDs of devices.
        random.seed()
        hass, entry = transfer_client.hass, transfer_client.entry
        if bens_entry.state is not ConfigEntryState.LOADED:
            await set_up(hass, bens_entry)
        await async_remove_journal(hass, entry.entry_id)
        hass.config_entries.async_update_entry(entry, options={CONF_MAX_PER_DAY: MAX_PER_DAY})
        assert await hass.config_entries.async_reload(entry.entry_id)
        clocks = Clocks(home.bank)
        pots = (home.holiday, home.coin_jar, home.house)
        return Story(transfer_client, server, pots, clocks, bens_entry)

    return begin_story


def test_responses_agree_with_the_ledger(
    hass: HomeAssistant, begin: Callable[[], Awaitable[Story]], bank: Bank
) -> None:
    names = count()

    async def play(steps: list[Step]) -> None:
        story = await begin()
        await story.play(steps, f"story {next(names)}")

    @given(steps=st.lists(STEPS, min_size=1, max_size=6))
    @settings(max_examples=20)
    def run(steps: list[Step]) -> None:
        hass.loop.run_until_complete(play(steps))

    purses: list[Purse] = [*bank.accounts.values(), *bank.pots.values(), *bank.outside.values()]
    before = sum(purse.balance for purse in purses)
    run()
    assert sum(purse.balance for purse in purses) == before
