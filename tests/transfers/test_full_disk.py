"""No transfer is sent without a record on the disk, which may be full at any moment."""

import asyncio
from collections.abc import Awaitable, Callable
import json
from pathlib import Path
from typing import Any, override

from aiohttp import web
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import storage
from homeassistant.util.file import WriteError, write_utf8_file_atomic
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from sandbox.faults import Exchange, Fault
from sandbox.household import Household
from sandbox.server import BankServer
from tests.helpers.transfer_client import TransferClient

MOVED = {"moved", "already_moved"}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Use a temporary folder as the configuration folder."""
    return hass_tmp_config_dir


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let Home Assistant store files on the disk, as it does outside of tests."""
    return {}


class Disk:
    """A disk on which the next writes of journals fail or succeed, in this order."""

    def __init__(self) -> None:
        """Initialize a disk with enough space."""
        self.full: list[bool] = []

    def check(self, path: str) -> None:
        """Raise the error of a full disk if it is the turn of one."""
        if path.endswith(".transfers") and self.full and self.full.pop(0):
            raise WriteError(28, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return the disk that Home Assistant writes to."""
    disk = Disk()

    def write_if_possible(path: str, *args: Any, **kwargs: Any) -> None:
        disk.check(path)
        write_utf8_file_atomic(path, *args, **kwargs)

    monkeypatch.setattr(storage, "write_utf8_file_atomic", write_if_possible)
    return disk


class Witness(Fault):
    """The bank, which looks at the disk of Home Assistant whenever it is to move money."""

    def __init__(self, path: Path) -> None:
        """Initialize with the file of the journal."""
        self._path = path
        self.unrecorded: list[str] = []

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        form = await exchange.request.post()
        recorded = json.loads(self._path.read_text(encoding="utf-8"))["data"]["transfers"]
        if form["dedupe_id"] not in recorded:
            self.unrecorded.append(str(form["dedupe_id"]))
        return await exchange.work()


@pytest.fixture
def witness(transfer_client: TransferClient, server: BankServer) -> Witness:
    """Return the witness, which is at the bank from now on."""
    entry_id = transfer_client.entry.entry_id
    folder = Path(transfer_client.hass.config.path(".storage"))
    witness = Witness(folder / f"monzo.{entry_id}.transfers")
    server.fail("PUT", "/pots/*", witness, times=None)
    return witness


async def result_of(call: Awaitable[dict[str, Any]]) -> str:
    """Return the result of a call, or the key of its error."""
    try:
        result: str = (await call)["result"]
    except HomeAssistantError as err:
        return str(err.translation_key)
    return result


async def test_a_transfer_that_cannot_be_recorded_is_not_sent(
    transfer_client: TransferClient, home: Household, disk: Disk, witness: Witness
) -> None:
    disk.full = [True]
    call = transfer_client.deposit(home.holiday, 1, dedupe_id="once")
    assert await result_of(call) == "transfer_not_recorded"
    assert transfer_client.sent == []
    assert await result_of(transfer_client.deposit(home.holiday, 1, dedupe_id="once")) == "moved"


async def test_a_transfer_whose_end_cannot_be_recorded_is_not_made_again(
    transfer_client: TransferClient, home: Household, disk: Disk, witness: Witness
) -> None:
    disk.full = [False, True]
    for result in ("moved", "already_moved"):
        call = transfer_client.deposit(home.holiday, 1, dedupe_id="once")
        assert await result_of(call) == result
    assert len(transfer_client.moves) == 1


def test_transfers_at_once_are_recorded_before_they_are_sent(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    disk: Disk,
    witness: Witness,
) -> None:
    # Of two accounts, because one account makes one transfer at a time.
    pots = (home.holiday, home.bills)
    rounds = 0

    async def late(turns: int, call: Callable[[], Awaitable[dict[str, Any]]]) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await result_of(call())

    async def play(full: list[bool], turns: list[int]) -> None:
        nonlocal rounds
        rounds += 1
        disk.full = full
        ids = [f"{rounds}-{number}" for number in range(len(turns))]
        results = await asyncio.gather(
            *(
                late(
                    wait,
                    lambda number=number: transfer_client.deposit(  # type: ignore[misc]
                        pots[number % 2], "0.01", dedupe_id=ids[number]
                    ),
                )
                for number, wait in enumerate(turns)
            )
        )
        disk.full = []
        moved = {move.dedupe_id for move in transfer_client.moves}
        for dedupe_id, result in zip(ids, results, strict=True):
            assert result in MOVED | {"transfer_not_recorded"}
            assert (dedupe_id in moved) == (result in MOVED)
        assert witness.unrecorded == []

    @given(
        full=st.lists(st.booleans(), max_size=12),
        turns=st.lists(st.integers(0, 40), min_size=2, max_size=5),
    )
    @settings(max_examples=40)
    def run(full: list[bool], turns: list[int]) -> None:
        hass.loop.run_until_complete(play(full, turns))

    run()
