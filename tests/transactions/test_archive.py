"""Transactions are kept on disk, and reported once, whatever happens to the disk."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
import sqlite3
import threading
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo import backup
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transactions.archive import Archive
from custom_components.monzo.transactions.archive_issues import ArchiveIssue
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Transaction
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.archive_reader import archive_files, archive_path, archived_ids, archived_rows
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import complaints, set_up
from tests.helpers.texts import TEXTS
from tests.helpers.transaction_listener import Listener

A_POLL = timedelta(minutes=2)
ALL_POLLS = timedelta(minutes=6)


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's entry, set up, after its first reads."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(ALL_POLLS)
    return entry


@pytest.fixture
def joint(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return a listener for the joint account."""
    return Listener(hass, home.joint)


async def stop(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Turn Home Assistant off."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)


async def start(hass: HomeAssistant, entry: MockConfigEntry, advance_time: AdvanceTime) -> None:
    """Turn Home Assistant on, and let it read all accounts."""
    await advance_time(ALL_POLLS)
    await set_up(hass, entry)
    await advance_time(ALL_POLLS)


def ids(*transactions: Transaction) -> list[str]:
    return [transaction.id for transaction in transactions]


def issues(hass: HomeAssistant) -> set[str]:
    """Return the repair issues of the archive."""
    shown = {issue_id for domain, issue_id in ir.async_get(hass).issues if domain == DOMAIN}
    return shown & set(ArchiveIssue)


def archive(hass: HomeAssistant) -> Archive:
    found = async_get_memory(hass).find(Archive)
    assert found is not None
    return found


# Contents


async def test_without_a_choice_no_name_or_text_is_kept(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    bank.pay(home.joint.id, -725)
    await advance_time(A_POLL)
    content = archive_path(hass).read_bytes()
    for row in bank.transactions(home.joint.id)[-30:]:
        for text in (row.description, row.notes, row.merchant and row.merchant.name):
            assert not text or text.encode() not in content
    assert all(row["reported"] for row in archived_rows(archive_path(hass), home.joint))


# Earlier versions


def stored(transactions: list[Transaction], entry: MockConfigEntry) -> dict[str, Any]:
    """Return the log of an account as earlier versions stored it."""
    return {
        "entry_id": entry.entry_id,
        "currency": "GBP",
        "read_until": transactions[-1].created.isoformat(),
        "seen": {
            row.id: {
                "created": row.created.isoformat(),
                "amount": row.amount,
                "settled": row.settled is not None,
                "category": row.category,
                "spent": {row.category: -row.amount},
            }
            for row in transactions
        },
    }


async def test_the_store_of_an_earlier_version_is_migrated_without_loss_or_repetition(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    await stop(hass, entry)
    archive_path(hass).unlink()
    earlier = [row for row in bank.transactions(home.joint.id) if row.created >= month_ago(bank)]
    hass_storage["monzo.transactions"] = {
        "version": 1,
        "key": "monzo.transactions",
        "data": {home.joint.id: stored(earlier, entry)},
    }
    missed = bank.pay(home.joint.id, -700)
    await start(hass, entry, advance_time)

    assert joint.heard == ids(missed)
    assert "monzo.transactions" not in hass_storage
    kept = archived_ids(hass, home.joint)
    assert set(kept) >= set(ids(*earlier, missed))
    assert len(kept) == len(set(kept))


def month_ago(bank: Bank) -> datetime:
    return bank.clock() - timedelta(days=32)


async def test_what_an_earlier_version_has_reported_meanwhile_is_not_reported_again(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    """The user goes back to the version before the archive, and forward again."""
    first = bank.pay(home.joint.id, -100)
    await advance_time(A_POLL)
    await stop(hass, entry)
    meanwhile = bank.pay(home.joint.id, -200)
    hass_storage["monzo.transactions"] = {
        "version": 1,
        "key": "monzo.transactions",
        "data": {home.joint.id: stored([first, meanwhile], entry)},
    }
    missed = bank.pay(home.joint.id, -300)
    await start(hass, entry, advance_time)

    assert joint.heard == ids(first, missed)


# A disk that fails


class Disk:
    """The disk with the archive, which fails in one way."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize with a disk that works."""
        self._hass = hass
        self._lock = sqlite3.connect(archive_path(hass), isolation_level=None)
        # SQLite cannot write without its journal, which cannot replace a folder.
        self._journal = archive_path(hass).with_name("monzo.archive.db-journal")

    def close(self) -> None:
        """Forget the disk."""
        self._lock.close()

    def fail(self, how: str) -> None:
        """Fail from now on."""
        match how:
            case "full":
                self._execute("PRAGMA max_page_count = 1")
            case "read-only":
                self._execute("PRAGMA query_only = ON")
            case "locked":
                self._lock.execute("BEGIN EXCLUSIVE")
            case "no journal":
                self._journal.mkdir()

    def work(self) -> None:
        """Work again."""
        if self._lock.in_transaction:
            self._lock.execute("ROLLBACK")
        if self._journal.exists():
            self._journal.rmdir()
        self._execute("PRAGMA max_page_count = 1000000")
        self._execute("PRAGMA query_only = OFF")

    def _execute(self, pragma: str) -> None:
        """Change the connection of Home Assistant, because a limit holds for one connection."""
        file = archive(self._hass).file
        file.open()
        file._sql.execute(pragma)  # noqa: SLF001 - there is no other way to fill the disk


@pytest.fixture
def disk(hass: HomeAssistant, entry: MockConfigEntry) -> Iterator[Disk]:
    """Return the disk of Home Assistant."""
    with closing(Disk(hass)) as disk:
        yield disk


@pytest.mark.parametrize("how", ["full", "read-only", "locked", "no journal"])
async def test_a_disk_that_fails_stops_no_report_and_nothing_is_lost_or_repeated(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    disk: Disk,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    transactions = [bank.pay(home.joint.id, -100)]
    await advance_time(A_POLL)
    caplog.clear()
    disk.fail(how)
    for _poll in range(3):
        transactions += [bank.pay(home.joint.id, -200) for _payment in range(20)]
        await advance_time(A_POLL)

    assert joint.heard == joint.events == ids(*transactions)
    assert issues(hass) == {ArchiveIssue.NOT_WRITABLE}
    (complaint,) = complaints(caplog, "ERROR")
    assert "Could not write the archive of transactions: SQLITE_" in complaint.getMessage()

    disk.work()
    transactions.append(bank.pay(home.joint.id, -300))
    await advance_time(A_POLL)
    assert issues(hass) == set()
    assert set(archived_ids(hass, home.joint)) >= set(ids(*transactions))
    await stop(hass, entry)
    await start(hass, entry, advance_time)
    assert joint.heard == ids(*transactions)


async def test_a_file_that_is_damaged_while_it_is_used_is_replaced_and_repeats_nothing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    transactions = [bank.pay(home.joint.id, -100)]
    await advance_time(A_POLL)
    archive_path(hass).write_bytes(b"<html>" * 1_000)
    for _poll in range(3):
        transactions.append(bank.pay(home.joint.id, -200))
        await advance_time(A_POLL)

    assert joint.heard == ids(*transactions)
    assert issues(hass) == {ArchiveIssue.SET_ASIDE}
    await stop(hass, entry)
    await start(hass, entry, advance_time)
    assert joint.heard == ids(*transactions)


async def test_a_file_that_is_damaged_at_a_start_is_replaced_and_repeats_nothing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    before = bank.pay(home.joint.id, -100)
    await advance_time(A_POLL)
    await stop(hass, entry)
    archive_path(hass).write_bytes(b"<html>" * 1_000)
    await start(hass, entry, advance_time)
    after = bank.pay(home.joint.id, -300)
    await advance_time(A_POLL)

    assert joint.heard == ids(before, after)
    assert issues(hass) == {ArchiveIssue.SET_ASIDE}


@pytest.mark.parametrize("issue", ArchiveIssue)
async def test_each_problem_is_described_with_the_path_of_the_file(issue: ArchiveIssue) -> None:
    texts = TEXTS["issues"][issue]
    assert texts.keys() == {"title", "description"}
    assert "{path}" in texts["description"]


# Backups


async def test_a_backup_copies_a_whole_file_and_delays_no_report(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
    tmp_path: Path,
) -> None:
    before = bank.pay(home.joint.id, -100)
    await advance_time(A_POLL)
    await backup.async_pre_backup(hass)
    content = archive_path(hass).read_bytes()
    during = bank.pay(home.joint.id, -200)
    await advance_time(A_POLL)
    assert joint.heard == ids(before, during)
    assert archive_path(hass).read_bytes() == content
    await backup.async_post_backup(hass)
    assert archived_ids(hass, home.joint)[-2:] == ids(before, during)

    # The backup is restored later.
    await stop(hass, entry)
    archive_path(hass).write_bytes(content)
    joint.reports.clear()
    await start(hass, entry, advance_time)
    assert joint.heard == ids(during)


async def test_a_backup_that_never_ends_does_not_stop_writing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    await backup.async_pre_backup(hass)
    payment = bank.pay(home.joint.id, -100)
    await advance_time(A_POLL)
    await advance_time(timedelta(hours=1))
    assert archived_ids(hass, home.joint)[-1] == payment.id


async def test_a_backup_without_an_entry_has_nothing_to_wait_for(hass: HomeAssistant) -> None:
    await backup.async_pre_backup(hass)
    await backup.async_post_backup(hass)


# Removal


async def test_removing_an_entry_keeps_the_joint_account_of_another_one_and_the_last_deletes_all(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    await advance_time(ALL_POLLS)
    kept = archived_ids(hass, home.joint)
    assert kept
    assert archived_ids(hass, home.current)

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert archived_ids(hass, home.joint) == kept
    assert not archived_ids(hass, home.current)

    await hass.config_entries.async_remove(ben.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not archive_files(hass)


async def test_the_file_is_used_by_one_caller_at_a_time_even_if_one_is_cancelled(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Two threads that use one connection at the same time would crash Home Assistant."""
    steps: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def use_slowly(_connection: sqlite3.Connection) -> None:
        steps.append("first begins")
        begun.set()
        may_end.wait(timeout=10)
        steps.append("first ends")

    def use(_connection: sqlite3.Connection) -> None:
        steps.append("second")

    first = hass.async_create_task(archive(hass).async_use(use_slowly))
    await hass.async_add_executor_job(begun.wait, 10)
    first.cancel()
    second = hass.async_create_task(archive(hass).async_use(use))
    await asyncio.wait({first})
    may_end.set()
    await second

    assert steps == ["first begins", "first ends", "second"]
