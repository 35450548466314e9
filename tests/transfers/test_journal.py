"""The journal: the transfers that it keeps, for how long, and the form in which they are stored."""

from collections.abc import Callable
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.monzo.transfers import journal as journal_module
from custom_components.monzo.transfers.journal import (
    KEPT_FOR,
    UNFINISHED_KEPT_FOR,
    TransferJournal,
)
from custom_components.monzo.transfers.models import BatchKind, TransferStatus
from tests.helpers.stopped_clock import StoppedClock

from .conftest import batch_of, deposit, record, transfer_of, withdrawal

FILE = "monzo.entry.transfers"

# Written by release 1.0.0, on 29 November 2026: a transfer that is done, one in doubt, a
# distribution that stopped after its first transfer, and money that is between two pots.
RECORDING = Path(__file__).parent / "recordings/journal_1_0_0.json"


def statuses(journal: TransferJournal, *dedupe_ids: str) -> list[TransferStatus | None]:
    """Return the statuses of transfers; None for those that are not recorded."""
    found = [journal.find(dedupe_id) for dedupe_id in dedupe_ids]
    return [None if transfer is None else transfer.status for transfer in found]


# Recording transfers


async def test_a_transfer_is_on_disk_before_it_is_sent(
    journal: TransferJournal, hass_storage: dict[str, Any]
) -> None:
    move = deposit(2_000)
    assert await journal.async_record(transfer_of("once", move), batch_of("once", move))
    stored = hass_storage[FILE]["data"]["transfers"]["once"]
    assert (stored["minor"], stored["status"]) == (2_000, "pending")
    await journal.async_end(transfer_of("once", move, TransferStatus.DONE))
    assert hass_storage[FILE]["data"]["transfers"]["once"]["status"] == "done"


async def test_a_discarded_transfer_is_removed_with_its_batch(
    journal: TransferJournal, hass_storage: dict[str, Any]
) -> None:
    move = deposit(2_000)
    transfer = transfer_of("once", move)
    await journal.async_record(transfer, batch_of("once", move))
    await journal.async_discard(transfer)
    assert hass_storage[FILE]["data"]["transfers"] == {}
    assert journal.find_batch("once") is None


async def test_only_a_recorded_transfer_can_be_in_doubt(journal: TransferJournal) -> None:
    transfer = transfer_of("once", deposit(2_000))
    assert journal.async_doubt(transfer).status is TransferStatus.PENDING
    await journal.async_record(transfer, batch_of("once", transfer.move))
    assert journal.async_doubt(transfer).status is TransferStatus.IN_DOUBT
    assert statuses(journal, "once") == [TransferStatus.IN_DOUBT]


async def test_a_transfer_that_was_being_sent_is_in_doubt_after_a_restart(
    journal: TransferJournal, open_journal: Callable[[], TransferJournal]
) -> None:
    move = deposit(2_000)
    await journal.async_record(transfer_of("once", move), batch_of("once", move))
    later = open_journal()
    await later.async_load()
    assert statuses(later, "once") == [TransferStatus.IN_DOUBT]


async def test_another_move_with_the_same_id_is_a_new_transfer(journal: TransferJournal) -> None:
    await record(journal, "once", deposit(2_000))
    assert journal.current("once", deposit(2_000)).status is TransferStatus.DONE
    for other in (deposit(2_001), deposit(2_000, pot="other"), withdrawal(2_000)):
        assert journal.current("once", other).status is TransferStatus.PENDING


async def test_the_rest_of_a_batch_is_known(journal: TransferJournal) -> None:
    batch = batch_of("batch", deposit(1), deposit(2), deposit(3), kind=BatchKind.DISTRIBUTION)
    await journal.async_record(transfer_of("batch/1", deposit(1)), batch)
    await journal.async_end(transfer_of("batch/1", deposit(1), TransferStatus.DONE))
    await journal.async_record(transfer_of("batch/2", deposit(2)), batch)
    assert journal.remaining(batch) == {"batch/2": deposit(2), "batch/3": deposit(3)}


@pytest.mark.parametrize(
    ("kind", "done", "is_between"),
    [
        (BatchKind.BETWEEN_POTS, [], False),
        (BatchKind.BETWEEN_POTS, ["batch/1"], True),
        (BatchKind.BETWEEN_POTS, ["batch/1", "batch/2"], False),
        (BatchKind.DISTRIBUTION, ["batch/1"], False),
    ],
)
async def test_money_is_between_pots_after_the_first_half(
    journal: TransferJournal, kind: BatchKind, done: list[str], *, is_between: bool
) -> None:
    batch = batch_of("batch", withdrawal(5, pot="a"), deposit(5, pot="b"), kind=kind)
    for dedupe_id in done:
        await journal.async_record(transfer_of(dedupe_id, batch.moves[dedupe_id]), batch)
        await journal.async_end(transfer_of(dedupe_id, batch.moves[dedupe_id], TransferStatus.DONE))
    assert journal.has_money_between_pots(batch) is is_between


# Keeping transfers


async def test_transfers_are_kept_for_a_month_and_all_of_the_last_day(
    journal: TransferJournal, freezer: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "MAX_KEPT", 3)
    numbers = [str(number) for number in range(7)]

    def kept() -> list[str]:
        return [number for number in numbers if journal.find(number)]

    for number in numbers[:5]:
        await record(journal, number, deposit(1))
        freezer.tick(timedelta(seconds=1))
    # The daily limit needs all of the last day.
    assert kept() == numbers[:5]
    freezer.tick(timedelta(days=2))
    await record(journal, "5", deposit(1))
    assert kept() == ["3", "4", "5"]
    freezer.tick(KEPT_FOR)
    await record(journal, "6", deposit(1))
    assert kept() == ["6"]


async def test_a_half_finished_batch_is_kept_for_a_year(
    journal: TransferJournal, freezer: StoppedClock
) -> None:
    batch = batch_of("half", deposit(1), deposit(2), kind=BatchKind.DISTRIBUTION)
    await journal.async_record(transfer_of("half/1", deposit(1)), batch)
    await journal.async_end(transfer_of("half/1", deposit(1), TransferStatus.DONE))
    await record(journal, "whole", deposit(1))
    freezer.tick(UNFINISHED_KEPT_FOR - timedelta(days=1))
    await record(journal, "new", deposit(1))
    assert statuses(journal, "half/1", "whole") == [TransferStatus.DONE, None]
    assert journal.find_batch("half")
    assert journal.find_batch("whole") is None
    freezer.tick(timedelta(days=1))
    await record(journal, "newer", deposit(1))
    assert journal.find_batch("half") is None


async def test_a_corrected_clock_leaves_no_transfer_in_the_future(
    journal: TransferJournal, freezer: StoppedClock
) -> None:
    freezer.tick(timedelta(days=7))
    await record(journal, "ahead", deposit(5_000))
    freezer.tick(timedelta(days=-7))
    await record(journal, "now", deposit(1))
    freezer.tick(timedelta(days=1))
    assert journal.moved_in_last_24_hours("GBP", except_ids=()).minor == 0


# The file


async def test_the_file_of_release_1_0_0_is_read(
    open_journal: Callable[[], TransferJournal],
    hass_storage: dict[str, Any],
    freezer: StoppedClock,
) -> None:
    recorded = json.loads(RECORDING.read_text(encoding="utf-8"))
    hass_storage[FILE] = recorded
    freezer.move_to("2026-11-29T07:00:00+00:00")
    journal = open_journal()
    await journal.async_load()

    assert journal.history_complete
    assert statuses(journal, "done once", "in doubt", "pay day/1", "pay day/2") == [
        TransferStatus.DONE,
        TransferStatus.IN_DOUBT,
        TransferStatus.DONE,
        None,
    ]
    assert {batch.dedupe_id: batch.kind for batch in journal.batches} == {
        "done once": BatchKind.SINGLE,
        "in doubt": BatchKind.SINGLE,
        "pay day": BatchKind.DISTRIBUTION,
        "treat": BatchKind.BETWEEN_POTS,
    }
    treat = journal.find_batch("treat")
    assert treat
    assert treat.fingerprint == recorded["data"]["orders"]["treat"]["request"]
    assert journal.has_money_between_pots(treat)
    assert (
        journal.moved_in_last_24_hours("GBP", except_ids=()).minor
        == 1_234 + 2_000 + 3_000 + 4_000 * 2
    )


async def test_release_1_0_0_can_read_the_file(
    journal: TransferJournal, hass_storage: dict[str, Any]
) -> None:
    recorded = json.loads(RECORDING.read_text(encoding="utf-8"))["data"]
    await record(journal, "done", deposit(1))
    await record(journal, "doubtful", deposit(2), TransferStatus.IN_DOUBT)
    await record(journal, "sent", deposit(3), TransferStatus.PENDING)
    stored = hass_storage[FILE]
    # Home Assistant reads a newer minor version with older code, if the major version is the same.
    assert stored["version"] == 1
    data = stored["data"]
    assert data.keys() == recorded.keys()
    for transfer in data["transfers"].values():
        assert transfer.keys() >= recorded["transfers"]["treat/1"].keys()
    assert {id_: transfer["done"] for id_, transfer in data["transfers"].items()} == {
        "done": True,
        "doubtful": False,
        "sent": False,
    }
    for batch in data["orders"].values():
        assert batch.keys() >= recorded["orders"]["treat"].keys()
        for move in batch["moves"].values():
            assert move.keys() == recorded["orders"]["treat"]["moves"]["treat/1"].keys()


async def test_a_file_that_release_1_0_0_changed_in_between_is_read_by_its_own_keys(
    journal: TransferJournal,
    open_journal: Callable[[], TransferJournal],
    hass_storage: dict[str, Any],
) -> None:
    await record(journal, "once", deposit(1), TransferStatus.IN_DOUBT)
    # Release 1.0.0 stores the keys that it does not know unchanged, until it moves money itself.
    hass_storage[FILE]["minor_version"] = 1
    hass_storage[FILE]["data"]["transfers"]["once"]["done"] = True
    later = open_journal()
    await later.async_load()
    assert statuses(later, "once") == [TransferStatus.DONE]


async def test_a_file_of_a_later_minor_version_is_read(
    journal: TransferJournal,
    open_journal: Callable[[], TransferJournal],
    hass_storage: dict[str, Any],
) -> None:
    await record(journal, "once", deposit(1))
    hass_storage[FILE]["minor_version"] = 99
    hass_storage[FILE]["data"]["transfers"]["once"]["new key"] = 1
    later = open_journal()
    await later.async_load()
    assert later.history_complete
    assert statuses(later, "once") == [TransferStatus.DONE]


async def test_everything_is_read_as_it_was_written(
    journal: TransferJournal, open_journal: Callable[[], TransferJournal]
) -> None:
    batch = batch_of(
        "treat", withdrawal(5, pot="a"), deposit(5, pot="b"), kind=BatchKind.BETWEEN_POTS
    )
    for dedupe_id, move in batch.moves.items():
        await journal.async_record(transfer_of(dedupe_id, move), batch)
        await journal.async_end(transfer_of(dedupe_id, move, TransferStatus.IN_DOUBT))
    later = open_journal()
    await later.async_load()
    assert [later.find(dedupe_id) for dedupe_id in batch.moves] == [
        journal.find(dedupe_id) for dedupe_id in batch.moves
    ]
    assert later.find_batch("treat") == batch


async def test_a_journal_without_a_file_is_complete(
    hass: HomeAssistant, journal: TransferJournal
) -> None:
    assert journal.history_complete
    assert list(journal.batches) == []
