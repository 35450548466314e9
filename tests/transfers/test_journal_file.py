"""The file of the journal on a real disk: private, verified after writing, and maybe damaged."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import json
from pathlib import Path
import stat
from typing import Any

from homeassistant.core import CoreState, HomeAssistant
import pytest

from custom_components.monzo.transfers.journal import TransferJournal
from custom_components.monzo.transfers.models import TransferStatus
from tests.helpers.stopped_clock import StoppedClock

from .conftest import ENTRY_ID, batch_of, deposit, record, transfer_of


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Use a temporary folder as the configuration folder."""
    return hass_tmp_config_dir


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let Home Assistant store files on the disk, as it does outside of tests."""
    return {}


type Damage = Callable[[bytes], bytes]


class JournalFile:
    """The file of the journal, on a disk that can fail."""

    def __init__(self, path: Path) -> None:
        """Initialize with the path, where there is no file yet."""
        self._path = path
        self._kept = path.with_suffix(".kept")

    @property
    def exists(self) -> bool:
        """Whether the file exists."""
        return self._path.exists()

    @property
    def permissions(self) -> int:
        """The permissions of the file."""
        return stat.S_IMODE(self._path.stat().st_mode)

    def damage(self, damage: Damage) -> None:
        """Change the content of the file."""
        self._path.write_bytes(damage(self._path.read_bytes()))

    def refuse_access(self) -> None:
        """Refuse all reads and writes from now on."""
        self._path.rename(self._kept)
        self._path.mkdir()

    def allow_access(self) -> None:
        """Allow reads and writes again, of the file as it was."""
        self._path.rmdir()
        self._kept.rename(self._path)


@pytest.fixture
def file(hass: HomeAssistant) -> JournalFile:
    """Return the file of the journal."""
    return JournalFile(Path(hass.config.path(".storage")) / f"monzo.{ENTRY_ID}.transfers")


async def test_only_the_user_of_home_assistant_can_read_the_file(
    journal: TransferJournal, file: JournalFile
) -> None:
    await record(journal, "once", deposit(2_000))
    assert file.permissions == 0o600


async def test_a_removed_journal_has_no_file_even_if_a_transfer_is_still_on_its_way(
    journal: TransferJournal, file: JournalFile
) -> None:
    await record(journal, "once", deposit(2_000))
    assert file.exists
    await journal.async_remove()
    await journal.async_end(transfer_of("once", deposit(2_000), TransferStatus.DONE))
    assert not file.exists


async def test_a_journal_without_a_file_can_be_removed(
    journal: TransferJournal, file: JournalFile
) -> None:
    assert not file.exists
    await journal.async_remove()


async def test_the_file_is_read_after_a_restart(
    journal: TransferJournal, open_journal: Callable[[], TransferJournal]
) -> None:
    await record(journal, "once", deposit(2_000))
    later = open_journal()
    await later.async_load()
    assert later.find("once") == journal.find("once")
    assert later.history_complete


# Writing


async def test_a_record_that_does_not_reach_the_disk_is_undone(
    journal: TransferJournal, file: JournalFile
) -> None:
    await record(journal, "first", deposit(1))
    file.refuse_access()
    transfer = transfer_of("once", deposit(2_000))
    assert not await journal.async_record(transfer, batch_of("once", transfer.move))
    assert journal.find("once") is None
    assert journal.find_batch("once") is None
    file.allow_access()
    assert await journal.async_record(transfer, batch_of("once", transfer.move))


async def test_of_two_records_at_once_neither_counts_as_written_if_the_disk_fails(
    journal: TransferJournal, file: JournalFile
) -> None:
    await record(journal, "first", deposit(1))
    file.refuse_access()
    written = await asyncio.gather(
        *(
            journal.async_record(transfer_of(id_, deposit(1)), batch_of(id_, deposit(1)))
            for id_ in ("a", "b", "c")
        )
    )
    assert written == [False, False, False]


async def test_a_transfer_in_doubt_stays_so_if_the_disk_fails(
    journal: TransferJournal, file: JournalFile
) -> None:
    await record(journal, "once", deposit(2_000), TransferStatus.IN_DOUBT)
    before = journal.find("once")
    file.refuse_access()
    again = transfer_of("once", deposit(2_000), TransferStatus.IN_DOUBT)
    assert not await journal.async_record(again, batch_of("once", again.move))
    assert journal.find("once") == before


async def test_nothing_counts_as_written_while_home_assistant_is_stopping(
    hass: HomeAssistant, journal: TransferJournal
) -> None:
    transfer = transfer_of("once", deposit(2_000))
    hass.set_state(CoreState.stopping)
    assert not await journal.async_record(transfer, batch_of("once", transfer.move))
    hass.set_state(CoreState.running)


# Damage


def changed_transfer(change: dict[str, object]) -> Damage:
    def damage(content: bytes) -> bytes:
        stored = json.loads(content)
        next(iter(stored["data"]["transfers"].values())).update(change)
        return json.dumps(stored).encode()

    return damage


def changed_data(change: dict[str, object]) -> Damage:
    def damage(content: bytes) -> bytes:
        stored = json.loads(content)
        stored["data"].update(change)
        return json.dumps(stored).encode()

    return damage


def changed_file(change: dict[str, object]) -> Damage:
    return lambda content: json.dumps({**json.loads(content), **change}).encode()


DAMAGES: dict[str, Damage] = {
    "empty": lambda _content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "not text": lambda _content: b"\xff\xfe\x00",
    "null": lambda _content: b"null",
    "a list": lambda _content: b"[]",
    "an empty object": lambda _content: b"{}",
    "no transfers": changed_file({"data": {}}),
    "no transfers, in an old version": changed_file({"data": {}, "minor_version": 1}),
    "a list of transfers": changed_data({"transfers": []}),
    "a later major version": changed_file({"version": 99}),
    "an amount that is a text": changed_transfer({"minor": "2000"}),
    "an amount with too many digits": changed_transfer({"minor": 10**30}),
    "an unknown direction": changed_transfer({"direction": "sideways"}),
    "an unknown status": changed_transfer({"status": "lost"}),
    "a time that is no time": changed_transfer({"sent_at": "yesterday"}),
    "a time that is a number": changed_transfer({"asked_at": 5}),
    "a currency that is a list": changed_transfer({"currency": []}),
    "a list of batches": changed_data({"orders": []}),
    "a batch without moves": changed_data(
        {"orders": {"once": {"kind": "single", "request": "", "moves": {}, "short_by": 0}}}
    ),
    "a batch that is null": changed_data({"orders": {"once": None}}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_after_damage_the_journal_is_incomplete_for_a_day(
    journal: TransferJournal,
    open_journal: Callable[[], TransferJournal],
    file: JournalFile,
    damage: Damage,
    freezer: StoppedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await record(journal, "once", deposit(2_000))
    file.damage(damage)
    for _restart in range(2):
        later = open_journal()
        await later.async_load()
        assert later.find("once") is None
        assert not later.history_complete
    assert caplog.text.count("The record of earlier transfers is damaged") == 1
    freezer.tick(timedelta(days=1))
    assert later.history_complete


async def test_damage_noticed_with_a_clock_that_was_ahead_is_over_after_a_day(
    journal: TransferJournal,
    open_journal: Callable[[], TransferJournal],
    file: JournalFile,
    freezer: StoppedClock,
) -> None:
    await record(journal, "once", deposit(2_000))
    ahead: dict[str, object] = {"transfers": {}, "lost_at": "2199-01-01T00:00:00+00:00"}
    file.damage(changed_data(ahead))
    later = open_journal()
    await later.async_load()
    assert not later.history_complete
    freezer.tick(timedelta(days=1))
    assert later.history_complete
