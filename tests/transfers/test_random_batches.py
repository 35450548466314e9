"""For any faults, repeated calls make the transfers of a batch as planned, each of them once."""

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
from tests.helpers.transfer_client import TransferClient
from tests.transfers.test_random_transfers import ATTEMPTS, CONFIRMATIONS

# The fields of a call.
SHARES = st.one_of(
    st.integers(1, 60_000).map(lambda pence: {"amount": f"{pence / 100:.2f}"}),
    st.integers(1, 30).map(lambda percent: {"percentage": percent}),
    st.just({"remainder": True}),
)
DISTRIBUTIONS = st.lists(SHARES, min_size=2, max_size=3).filter(
    lambda shares: sum("remainder" in share for share in shares) < 2
)
BETWEEN_POTS = st.one_of(
    st.integers(1, 40_000).map(lambda pence: {"amount": f"{pence / 100:.2f}"}),
    st.integers(1, 100).map(lambda percent: {"percentage": percent}),
    st.just({"everything": True}),
)

# The keys of errors about a plan that has become impossible, after which nothing more was moved.
IMPOSSIBLE = {"account_overdrawn", "below_keep_at_least"}


@dataclass(frozen=True)
class Step:
    """One call with the same ID, with the answers of the bank and events."""

    attempts: tuple[str, ...]
    confirmation: str

    spent: int
    """Pence that are spent before the call; received, if negative."""

    reload: bool


STEPS = st.builds(
    Step,
    attempts=st.lists(st.sampled_from(list(ATTEMPTS)), max_size=8).map(tuple),
    confirmation=st.sampled_from(list(CONFIRMATIONS)),
    spent=st.sampled_from([0, 0, 2_000, -3_000, 90_000, -200_000]),
    reload=st.booleans(),
)


class BatchStory:
    """Repeats a call with one ID, and compares each response with the ledger."""

    def __init__(
        self, client: TransferClient, server: BankServer, home: Household, name: str
    ) -> None:
        """Initialize a story without moves."""
        self._client = client
        self._server = server
        self._home = home
        self._name = name
        self._planned: list[float] | None = None

    async def play(self, action: str, fields: dict[str, Any], steps: list[Step]) -> None:
        """Make the calls, and then more until there is nothing left to do."""
        for step in steps:
            await self._take(action, fields, step)
        self._provide_money()
        for _ in range(2):
            response = await self._take(action, fields, Step((), "fine", 0, reload=False))
        assert response is None or response["result"] in {"already_moved", "nothing_to_do"}
        await self._client.hass.async_block_till_done(wait_background_tasks=True)

    def _provide_money(self) -> None:
        """Provide so much money that no plan is impossible any more."""
        bank, current = self._home.bank, self._home.current
        bank.receive(current.id, 10**7, sender="Ben Baker")
        bank.deposit(self._home.holiday.id, current.id, 10**6, f"gift for {self._name}")

    async def _take(self, action: str, fields: dict[str, Any], step: Step) -> dict[str, Any] | None:
        """Make one call, and check its response."""
        bank, current = self._home.bank, self._home.current
        if step.spent > 0:
            bank.pay(current.id, -step.spent)
        elif step.spent:
            bank.receive(current.id, -step.spent, sender="Ben Baker")
        for attempt in step.attempts:
            self._server.fail("PUT", "/pots/*", ATTEMPTS[attempt])
        self._server.fail("GET", "/transactions", CONFIRMATIONS[step.confirmation])
        try:
            response = await self._client.call(action, **fields, dedupe_id=self._name)
        except HomeAssistantError as err:
            event(str(err.translation_key))
            if err.translation_key not in IMPOSSIBLE:
                raise
            return None
        finally:
            self._server.clear_faults()
            if step.reload:
                hass, entry = self._client.hass, self._client.entry
                assert await hass.config_entries.async_reload(entry.entry_id)
        event(response["result"])
        self._check(response)
        return response

    def _check(self, response: dict[str, Any]) -> None:
        """Compare a response with the ledger."""
        rows = response["moves"]
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
        """Return the moves of the batch by the IDs of their transfers."""
        mine = [
            move for move in self._client.moves if move.dedupe_id.rpartition("/")[0] == self._name
        ]
        made = {move.dedupe_id: (move.pot, move.amount) for move in mine}
        assert len(made) == len(mine)
        return made


def test_a_batch_is_made_once_as_planned(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    server: BankServer,
    home: Household,
    bank: Bank,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_budget, "_DEFAULT_PAUSE", 0.0)
    names = count()
    pots = (home.holiday, home.coin_jar, home.rainy_day)
    bank.set_round_up(home.coin_jar.id, on=False)

    async def play(shares: list[dict[str, Any]] | dict[str, Any], steps: list[Step]) -> None:
        if isinstance(shares, dict):
            action = "move_between_pots"
            fields = {
                "from_pot": transfer_client.device(home.holiday),
                "to_pot": transfer_client.device(home.coin_jar),
                **shares,
            }
        else:
            action = "distribute"
            parts = zip(pots, shares, strict=False)
            fields = {
                "pots": [{"pot": transfer_client.device(pot), **share} for pot, share in parts],
                "keep_at_least": 10,
            }
        await BatchStory(transfer_client, server, home, f"story {next(names)}").play(
            action, fields, steps
        )

    @given(shares=DISTRIBUTIONS | BETWEEN_POTS, steps=st.lists(STEPS, min_size=1, max_size=4))
    @settings(max_examples=40)
    def run(shares: list[dict[str, Any]] | dict[str, Any], steps: list[Step]) -> None:
        hass.loop.run_until_complete(play(shares, steps))

    purses: list[Purse] = [*bank.accounts.values(), *bank.pots.values(), *bank.outside.values()]
    before = sum(purse.balance for purse in purses)
    run()
    assert sum(purse.balance for purse in purses) == before
