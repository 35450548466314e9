"""Over any sequence of transfers, faults and restarts, the answers tell what is in the ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any, Literal

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from hypothesis import event, given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.bank import request_budget
from custom_components.monzo.const import CONF_MAX_PER_DAY, DOMAIN
from custom_components.monzo.transfers import executor as transfers
from custom_components.monzo.transfers.journal import JOURNALS
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
    Silence,
    Truncated,
)
from tests.helpers.transfer_client import Meanwhile, Move, Teller

# What an attempt to move money, or to look it up, may meet.
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
LOOKS: dict[str, Fault] = {
    "fine": Delay(0),
    "502": Answer.html(502),
    "garbage": Answer.garbage(),
    "too many": Answer.rate_limited(),
}

# What says that the money is where it belongs.
MOVED = {"moved", "already_moved"}

# What says that the transfer has not happened, neither now nor before.
NOT_MOVED = {"transfer_rejected", "transfer_not_sent", "action_needs_sign_in"}

# What says only that this call has not moved anything.
NOT_MOVED_NOW = NOT_MOVED | {"already_moved", "dedupe_id_reused", "over_daily_limit"}

# What says that it has most likely not happened: as far as the account shows.
NOT_SHOWN = {"transfer_not_found", "transfer_rejected_later"}

# What leaves it open, to be finished with the same id.
OPEN = NOT_SHOWN | {"transfer_unconfirmed", "cancelled"}

MOST_PER_DAY = 500


# Whether into the pot, which pot, and how many pence: some of it more than there is.
PLANS = (
    (True, 0, 250),
    (True, 1, 40_000),
    (False, 0, 12_345),
    (False, 1, 45_000),
)


@dataclass(frozen=True)
class Step:
    """One call of an action, and what goes on around it."""

    plan: int
    """What to move, which is also what the dedupe id says."""

    amiss: bool
    """Whether it is another amount under that id."""

    attempts: tuple[str, ...]
    look: str
    event: Literal["nothing", "reload", "cancel"]


STEPS = st.builds(
    Step,
    plan=st.integers(0, len(PLANS) - 1),
    amiss=st.sampled_from([False] * 9 + [True]),
    attempts=st.lists(
        st.sampled_from(list(ATTEMPTS)), max_size=1 + len(transfers.RESEND_AFTER)
    ).map(tuple),
    look=st.sampled_from(list(LOOKS)),
    event=st.sampled_from(["nothing", "nothing", "nothing", "reload", "cancel"]),
)


class Story:
    """Plays steps, and holds each answer against the ledger."""

    def __init__(self, teller: Teller, server: BankServer, pots: tuple[Pot, ...]) -> None:
        """Begin with nothing moved."""
        self._teller = teller
        self._server = server
        self._pots = pots
        self._begun = len(teller.moves)

    @property
    def moves(self) -> list[Move]:
        """What has moved since the story began."""
        return self._teller.moves[self._begun :]

    async def play(self, told: list[Step], name: str) -> None:
        """Take one step after the other, and then those again whose end is open."""
        open_ends: dict[str, Step] = {}
        for step in told:
            dedupe_id = f"{name}:{step.plan}"
            outcome = await self._take(step, dedupe_id)
            if outcome in OPEN:
                open_ends[dedupe_id] = step
        for dedupe_id, step in open_ends.items():
            again = replace(step, attempts=(), look="fine", event="nothing")
            assert await self._take(again, dedupe_id) not in OPEN - {"transfer_rejected_later"}
        await self._teller.hass.async_block_till_done(wait_background_tasks=True)

    async def _take(self, step: Step, dedupe_id: str) -> str:
        """Take a step, check what is said about it, and return that."""
        before = len(self.moves)
        outcome = await self._call(step, dedupe_id)
        event(outcome)
        under_this_id = [move for move in self.moves if move.dedupe_id == dedupe_id]
        assert len(under_this_id) <= 1
        assert outcome in MOVED | NOT_MOVED_NOW | OPEN
        if outcome in MOVED:
            deposit, pot, pence = PLANS[step.plan]
            pence += step.amiss
            assert under_this_id == [
                Move(self._pots[pot].name, pence if deposit else -pence, dedupe_id)
            ]
        if outcome in NOT_MOVED | NOT_SHOWN:
            assert under_this_id == []
        if outcome in NOT_MOVED_NOW:
            assert len(self.moves) == before
        assert sum(abs(move.amount) for move in self.moves) <= 100 * MOST_PER_DAY
        return outcome

    async def _call(self, step: Step, dedupe_id: str) -> str:
        """Call the action while all that happens, and return what it says."""
        for attempt in step.attempts:
            self._server.fail("PUT", "/pots/*", ATTEMPTS[attempt])
        self._server.fail("GET", "/transactions", LOOKS[step.look])
        deposit, pot, pence = PLANS[step.plan]
        move = self._teller.deposit if deposit else self._teller.withdraw
        amount = Decimal(pence + step.amiss) / 100
        call = move(self._pots[pot], amount, dedupe_id=dedupe_id)
        try:
            return await (self._cancel(call) if step.event == "cancel" else self._answer(call))
        finally:
            self._server.clear_faults()
            if step.event == "reload":
                hass, entry = self._teller.hass, self._teller.entry
                assert await hass.config_entries.async_reload(entry.entry_id)

    @staticmethod
    async def _answer(call: Awaitable[dict[str, Any]]) -> str:
        try:
            result: str = (await call)["result"]
        except HomeAssistantError as err:
            return str(err.translation_key)
        return result

    async def _cancel(self, call: Awaitable[dict[str, Any]]) -> str:
        """Give up as soon as the bank has the next request, and has heeded it or not."""
        arrived = asyncio.Event()
        committed = bool(len(self._teller.sent) % 2)
        self._server.fail("PUT", "/pots/*", Meanwhile(arrived.set, Silence(committed=committed)))
        asking = asyncio.ensure_future(self._answer(call))
        waiting = asyncio.ensure_future(arrived.wait())
        await asyncio.wait((asking, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        asking.cancel()
        try:
            return await asking
        except asyncio.CancelledError:
            return "cancelled"


@pytest.fixture
def fresh(
    teller: Teller,
    server: BankServer,
    home: Household,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Awaitable[Story]]:
    """Return what begins a story: with nothing moved today, whatever was moved for another."""
    monkeypatch.setattr(request_budget, "_DEFAULT_PAUSE", 0.0)

    async def begin() -> Story:
        hass, entry = teller.hass, teller.entry
        del hass.data[JOURNALS]
        hass_storage.pop(f"{DOMAIN}.{entry.entry_id}.transfers", None)
        hass.config_entries.async_update_entry(entry, options={CONF_MAX_PER_DAY: MOST_PER_DAY})
        assert await hass.config_entries.async_reload(entry.entry_id)
        return Story(teller, server, (home.holiday, home.coin_jar))

    return begin


def test_the_answers_tell_what_is_in_the_ledger(
    hass: HomeAssistant, fresh: Callable[[], Awaitable[Story]], bank: Bank
) -> None:
    names = count()

    async def play(told: list[Step]) -> None:
        story = await fresh()
        await story.play(told, f"story {next(names)}")

    @given(told=st.lists(STEPS, min_size=1, max_size=6))
    @settings(max_examples=40, deadline=None)
    def tell(told: list[Step]) -> None:
        hass.loop.run_until_complete(play(told))

    holdings: list[Purse] = [*bank.accounts.values(), *bank.pots.values(), *bank.outside.values()]
    before = sum(holding.balance for holding in holdings)
    tell()
    assert sum(holding.balance for holding in holdings) == before
