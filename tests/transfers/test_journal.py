"""The record of transfers on a real disk: private, and not trusted when it is damaged."""

from collections.abc import Callable
from datetime import timedelta
import json
from pathlib import Path
import stat
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import CONF_MAX_PER_DAY
from custom_components.monzo.transfers.journal import JOURNALS
from sandbox.household import Household
from sandbox.server import Answer, BankServer, LoseResponse
from tests.conftest import LetPass
from tests.helpers.transfer_client import Meanwhile, Teller, refused


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep everything in a folder that is thrown away."""
    return hass_tmp_config_dir


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Have Home Assistant store things on disk, as it does outside of tests."""
    return {}


class JournalFile:
    """The file that the transfers are written down in."""

    def __init__(self, path: Path) -> None:
        """Look at this path."""
        self._path = path

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self._path.exists()

    @property
    def permissions(self) -> int:
        """Who may do what with it."""
        return stat.S_IMODE(self._path.stat().st_mode)

    @property
    def content(self) -> Any:
        """What is in it."""
        return json.loads(self._path.read_bytes())

    def damage(self, damage: Callable[[bytes], bytes]) -> None:
        """Change what is in it."""
        self._path.write_bytes(damage(self._path.read_bytes()))

    def take_disk_away(self) -> None:
        """Let nothing be written any more, nor read."""
        self._path.rename(self._path.with_suffix(".kept"))
        self._path.mkdir()

    def give_disk_back(self) -> None:
        """Have everything as it was."""
        self._path.rmdir()
        self._path.with_suffix(".kept").rename(self._path)


@pytest.fixture
def journal(teller: Teller) -> JournalFile:
    """Return where the transfers are written down."""
    storage = Path(teller.hass.config.path(".storage"))
    return JournalFile(storage / f"monzo.{teller.entry.entry_id}.transfers")


async def start_anew(teller: Teller, **options: object) -> None:
    """Have Home Assistant know only what is on disk."""
    entry: MockConfigEntry = teller.entry
    assert await teller.hass.config_entries.async_unload(entry.entry_id)
    del teller.hass.data[JOURNALS]
    teller.hass.config_entries.async_update_entry(entry, options=options)
    assert await teller.hass.config_entries.async_setup(entry.entry_id)
    await teller.hass.async_block_till_done()


def with_transfer(change: dict[str, object]) -> Callable[[bytes], bytes]:
    """Return what damages the first transfer."""

    def damage(content: bytes) -> bytes:
        stored = json.loads(content)
        first = next(iter(stored["data"]["transfers"].values()))
        first.update(change)
        return json.dumps(stored).encode()

    return damage


def with_orders(orders: object) -> Callable[[bytes], bytes]:
    """Return what damages the orders."""

    def damage(content: bytes) -> bytes:
        stored = json.loads(content)
        stored["data"]["orders"] = orders
        return json.dumps(stored).encode()

    return damage


def with_file(change: dict[str, object]) -> Callable[[bytes], bytes]:
    """Return what damages the file around the transfers."""
    return lambda content: json.dumps({**json.loads(content), **change}).encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "no text": lambda _content: b"\xff\xfe\x00",
    "null": lambda _content: b"null",
    "a list": lambda _content: b"[]",
    "an empty object": lambda _content: b"{}",
    "no transfers": with_file({"data": {}}),
    "transfers in a list": with_file({"data": {"transfers": [], "lost_at": None}}),
    "a version to come": with_file({"version": 99}),
    "an amount that is a text": with_transfer({"minor": "2000"}),
    "an absurd amount": with_transfer({"minor": 10**30}),
    "another direction": with_transfer({"direction": "sideways"}),
    "no moment": with_transfer({"sent_at": "yesterday"}),
    "a moment that is a number": with_transfer({"asked_at": 5}),
    "no currency": with_transfer({"currency": []}),
    "orders in a list": with_orders([]),
    "an order without moves": with_orders({"once": {"request": "", "moves": {}, "short_by": 0}}),
    "an order of nothing": with_orders({"once": None}),
}


async def test_nobody_else_can_read_it(
    teller: Teller, home: Household, journal: JournalFile
) -> None:
    await teller.deposit(home.holiday, 20)
    assert journal.permissions == 0o600


async def test_it_is_removed_with_the_entry(
    teller: Teller, home: Household, journal: JournalFile
) -> None:
    await teller.deposit(home.holiday, 20)
    assert journal.exists
    await teller.hass.config_entries.async_remove(teller.entry.entry_id)
    assert not journal.exists


async def test_an_entry_that_never_moved_money_can_be_removed(
    teller: Teller, journal: JournalFile
) -> None:
    assert not journal.exists
    await teller.hass.config_entries.async_remove(teller.entry.entry_id)


async def test_it_is_read_after_a_restart(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 20, dedupe_id="once")
    await start_anew(teller, **{CONF_MAX_PER_DAY: 30})
    answer = await teller.deposit(home.holiday, 20, dedupe_id="once")
    assert answer["result"] == "already_moved"
    with refused() as refusal:
        await teller.deposit(home.holiday, 11)
    assert refusal.key == "over_daily_limit"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_record_does_not_let_anything_move_twice(
    teller: Teller, home: Household, journal: JournalFile, damage: Callable[[bytes], bytes]
) -> None:
    await teller.deposit(home.holiday, 20, dedupe_id="once")
    journal.damage(damage)
    await start_anew(teller)
    # The bank remembers what this Home Assistant has forgotten.
    answer = await teller.deposit(home.holiday, 20, dedupe_id="once")
    assert answer["result"] == "moved"
    assert len(teller.moves) == 1
    await teller.deposit(home.holiday, 20)
    assert len(teller.moves) == 2


@pytest.mark.parametrize("damage", list(DAMAGES)[::5])
async def test_after_a_damage_a_daily_limit_counts_as_used_up(
    teller: Teller,
    home: Household,
    journal: JournalFile,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    await teller.deposit(home.holiday, 20)
    journal.damage(DAMAGES[damage])
    for _ in range(2):
        await start_anew(teller, **{CONF_MAX_PER_DAY: 100})
        with refused() as refusal:
            await teller.deposit(home.holiday, 1)
        assert refusal.key == "transfers_forgotten"
        assert "moved no money" in refusal.text
    assert caplog.text.count("The record of earlier transfers is damaged") == 1
    await let_pass(timedelta(days=1))
    await teller.deposit(home.holiday, 100)
    with refused() as refusal:
        await teller.deposit(home.holiday, 1)
    assert refusal.key == "over_daily_limit"


async def test_a_damage_noticed_by_a_clock_that_was_ahead_is_over_in_a_day(
    teller: Teller, home: Household, journal: JournalFile, let_pass: LetPass
) -> None:
    await teller.deposit(home.holiday, 20)
    journal.damage(with_file({"data": {"transfers": {}, "lost_at": "2199-01-01T00:00:00+00:00"}}))
    await start_anew(teller, **{CONF_MAX_PER_DAY: 100})
    with refused() as refusal:
        await teller.deposit(home.holiday, 1)
    assert refusal.key == "transfers_forgotten"
    await let_pass(timedelta(days=1))
    await teller.deposit(home.holiday, 1)


async def test_what_cannot_be_written_down_is_not_sent(
    teller: Teller, home: Household, journal: JournalFile, server: BankServer
) -> None:
    await teller.deposit(home.holiday, 20)
    journal.take_disk_away()
    for amount in (1, 2):
        with refused() as refusal:
            await teller.deposit(home.holiday, amount, dedupe_id="once")
        # The first was not sent, so its id is free for the second.
        assert refusal.key == "transfer_not_recorded"
    assert len(teller.sent) == 1
    journal.give_disk_back()
    await teller.deposit(home.holiday, 3, dedupe_id="once")
    assert len(teller.moves) == 2


async def test_a_success_that_cannot_be_written_down_is_a_success(
    teller: Teller, home: Household, journal: JournalFile, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*", Meanwhile(journal.take_disk_away, LoseResponse()))
    answer = await teller.deposit(home.holiday, 20)
    assert answer["result"] == "moved"
    assert len(teller.moves) == 1


async def test_a_plan_is_read_after_a_restart(
    teller: Teller, home: Household, server: BankServer
) -> None:
    parts = [
        {"pot": teller.device(home.holiday), "percentage": 10},
        {"pot": teller.device(home.coin_jar), "remainder": True},
    ]
    server.fail("PUT", "/pots/*", Answer.error("bad_request.insufficient_funds"), after=1)
    planned = await teller.call("distribute", pots=parts, dedupe_id="once")
    home.bank.receive(home.current.id, 100_000, sender="Ben Baker")
    await start_anew(teller)
    answer = await teller.call("distribute", pots=parts, dedupe_id="once")
    assert [row["result"] for row in answer["moves"]] == ["already_moved", "moved"]
    assert [row["amount"] for row in answer["moves"]] == [row["amount"] for row in planned["moves"]]
    assert home.current.balance == 100_000
