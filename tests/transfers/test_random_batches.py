"""Whatever goes wrong on the way, an order moves what was planned, each part once, in the end."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from hypothesis import event, given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.bank import request_budget
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Purse
from sandbox.server import BankServer
from tests.helpers.transfer_client import Teller
from tests.transfers.test_random_transfers import ATTEMPTS, LOOKS

# What one call is to do with the pots, and the account that they belong to.
SHARES = st.one_of(
    st.integers(1, 60_000).map(lambda pence: {"amount": f"{pence / 100:.2f}"}),
    st.integers(1, 30).map(lambda percent: {"percentage": percent}),
    st.just({"remainder": True}),
)
HANDING_OUT = st.lists(SHARES, min_size=2, max_size=3).filter(
    lambda shares: sum("remainder" in share for share in shares) < 2
)
MOVING_OVER = st.one_of(
    st.integers(1, 40_000).map(lambda pence: {"amount": f"{pence / 100:.2f}"}),
    st.integers(1, 100).map(lambda percent: {"percentage": percent}),
    st.just({"everything": True}),
)

# What says that what was planned does not fit what there is, so that nothing more was moved.
UNFIT = {"account_overdrawn", "below_keep_at_least"}


@dataclass(frozen=True)
class Step:
    """One call under the same id, and what goes on around it."""

    attempts: tuple[str, ...]
    look: str

    spent: int
    """What somebody spends before, in pence; what they get, if it is less than nothing."""

    reload: bool


STEPS = st.builds(
    Step,
    attempts=st.lists(st.sampled_from(list(ATTEMPTS)), max_size=8).map(tuple),
    look=st.sampled_from(list(LOOKS)),
    spent=st.sampled_from([0, 0, 2_000, -3_000, 90_000, -200_000]),
    reload=st.booleans(),
)


class OrderStory:
    """Calls an action again and again under one id, and holds each answer against the ledger."""

    def __init__(self, teller: Teller, server: BankServer, home: Household, name: str) -> None:
        """Begin with nothing moved under this id."""
        self._teller = teller
        self._server = server
        self._home = home
        self._name = name
        self._planned: list[float] | None = None

    async def play(self, action: str, fields: dict[str, Any], steps: list[Step]) -> None:
        """Make the calls, and then some more until nothing is left to do."""
        for step in steps:
            await self._take(action, fields, step)
        self._let_there_be_enough()
        for _ in range(2):
            answer = await self._take(action, fields, Step((), "fine", 0, reload=False))
        assert answer is None or answer["result"] in {"already_moved", "nothing_to_do"}
        await self._teller.hass.async_block_till_done(wait_background_tasks=True)

    def _let_there_be_enough(self) -> None:
        """Give what no refusal can be about any more."""
        bank, current = self._home.bank, self._home.current
        bank.receive(current.id, 10**7, sender="Ben Baker")
        bank.deposit(self._home.holiday.id, current.id, 10**6, f"gift for {self._name}")

    async def _take(self, action: str, fields: dict[str, Any], step: Step) -> dict[str, Any] | None:
        """Make one call, and check what is said about it."""
        bank, current = self._home.bank, self._home.current
        if step.spent > 0:
            bank.pay(current.id, -step.spent)
        elif step.spent:
            bank.receive(current.id, -step.spent, sender="Ben Baker")
        for attempt in step.attempts:
            self._server.fail("PUT", "/pots/*", ATTEMPTS[attempt])
        self._server.fail("GET", "/transactions", LOOKS[step.look])
        try:
            answer = await self._teller.call(action, **fields, dedupe_id=self._name)
        except HomeAssistantError as err:
            event(str(err.translation_key))
            if err.translation_key not in UNFIT:
                raise
            return None
        finally:
            self._server.clear_faults()
            if step.reload:
                hass, entry = self._teller.hass, self._teller.entry
                assert await hass.config_entries.async_reload(entry.entry_id)
        event(answer["result"])
        self._check(answer)
        return answer

    def _check(self, answer: dict[str, Any]) -> None:
        """Hold an answer against the ledger."""
        rows = answer["moves"]
        made = self._made()
        for place, row in enumerate(rows, start=1):
            moved = made.pop(f"{self._name}/{place}", None)
            sign = 1 if row["direction"] == "deposit" else -1
            if row["result"] in {"moved", "already_moved"}:
                assert moved == (row["pot"], sign * round(100 * row["amount"]))
            elif row["result"] in {"refused", "not_sent"}:
                assert moved is None
            else:
                assert row["result"] == "unknown"
                assert moved in {None, (row["pot"], sign * round(100 * row["amount"]))}
        assert not made
        amounts = [row["amount"] for row in rows]
        if self._planned is not None:
            assert amounts == self._planned
        if any(row["result"] in {"moved", "already_moved", "unknown"} for row in rows):
            self._planned = amounts

    def _made(self) -> dict[str, tuple[str, int]]:
        """Return what has moved under the id, by the id of each transfer."""
        mine = [
            move for move in self._teller.moves if move.dedupe_id.rpartition("/")[0] == self._name
        ]
        made = {move.dedupe_id: (move.pot, move.amount) for move in mine}
        assert len(made) == len(mine)
        return made


def test_an_order_moves_what_was_planned_once(
    hass: HomeAssistant,
    teller: Teller,
    server: BankServer,
    home: Household,
    bank: Bank,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_budget, "_DEFAULT_PAUSE", 0.0)
    names = count()
    pots = (home.holiday, home.coin_jar, home.rainy_day)
    bank.set_round_up(home.coin_jar.id, on=False)

    async def play(wish: list[dict[str, Any]] | dict[str, Any], steps: list[Step]) -> None:
        if isinstance(wish, dict):
            action = "move_between_pots"
            fields = {
                "from_pot": teller.device(home.holiday),
                "to_pot": teller.device(home.coin_jar),
                **wish,
            }
        else:
            action = "distribute"
            parts = zip(pots, wish, strict=False)
            fields = {
                "pots": [{"pot": teller.device(pot), **share} for pot, share in parts],
                "keep_at_least": 10,
            }
        await OrderStory(teller, server, home, f"story {next(names)}").play(action, fields, steps)

    @given(wish=HANDING_OUT | MOVING_OVER, steps=st.lists(STEPS, min_size=1, max_size=4))
    @settings(max_examples=40, deadline=None)
    def tell(wish: list[dict[str, Any]] | dict[str, Any], steps: list[Step]) -> None:
        hass.loop.run_until_complete(play(wish, steps))

    purses: list[Purse] = [*bank.accounts.values(), *bank.pots.values(), *bank.outside.values()]
    before = sum(purse.balance for purse in purses)
    tell()
    assert sum(purse.balance for purse in purses) == before
