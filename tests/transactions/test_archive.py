"""Transactions are kept on disk, and reported once, whatever happens to the disk."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3
import threading
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo import backup
from custom_components.monzo.api import Money
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transactions.archive import Archive
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_issues import ArchiveIssue
from custom_components.monzo.transactions.known_transaction import KnownTransaction
from custom_components.monzo.transactions.old_store import OldStore
from custom_components.monzo.transactions.retention import Retention
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState, TransactionLog
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account, Transaction
from sandbox.server import Answer, BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.archive_reader import archive_files, archive_path, archived_ids, archived_rows
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import complaints, device, set_up, set_up_and_import
from tests.helpers.texts import TEXTS
from tests.helpers.transaction_listener import Listener
from tests.transactions.conftest import ALL_POLLS

A_POLL = timedelta(minutes=2)

OLD_STORE = "monzo.transactions"

type Store = Callable[[list[Transaction]], None]


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


@pytest.mark.parametrize("written", [0, 1, 4])
async def test_a_kill_between_writing_and_reporting_loses_and_repeats_nothing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
    written: int,
) -> None:
    payments = [bank.pay(home.joint.id, -100 - number) for number in range(5)]
    write, reported = Archive.async_write, 0

    async def end_after_writing(archive: Archive, change: ArchiveChange) -> None:
        nonlocal reported
        await write(archive, change)
        reported += change.reported is not None
        if change.account_id == home.joint.id and reported == written:
            message = "Killed"
            raise LookupError(message)

    with monkeypatch.context() as patched:
        patched.setattr(Archive, "async_write", end_after_writing)
        await advance_time(A_POLL)
    assert joint.heard == ids(*payments[:written])
    assert archived_ids(hass, home.joint)[-5:] == ids(*payments)
    await stop(hass, entry)
    await start(hass, entry, advance_time)

    assert joint.heard == ids(*payments)


# Earlier versions


@pytest.fixture
def store(hass_storage: dict[str, Any], home: Household, entry: MockConfigEntry) -> Store:
    """Return a function that stores reported transactions as earlier versions did."""

    def store(transactions: list[Transaction]) -> None:
        log = {
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
        hass_storage[OLD_STORE] = {"version": 1, "key": OLD_STORE, "data": {home.joint.id: log}}

    return store


def last_month(bank: Bank, account: Account) -> list[Transaction]:
    """Return the transactions of an account that earlier versions kept."""
    month_ago = bank.clock() - timedelta(days=32)
    return [row for row in bank.transactions(account.id) if row.created >= month_ago]


async def test_the_store_of_an_earlier_version_is_migrated_without_loss_or_repetition(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    store: Store,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    await stop(hass, entry)
    archive_path(hass).unlink()
    earlier = last_month(bank, home.joint)
    store(earlier)
    missed = bank.pay(home.joint.id, -700)
    await start(hass, entry, advance_time)

    assert joint.heard == ids(missed)
    assert OLD_STORE not in hass_storage
    kept = archived_ids(hass, home.joint)
    assert set(kept) >= set(ids(*earlier, missed))
    assert len(kept) == len(set(kept))


async def test_income_that_an_earlier_version_did_not_keep_is_read_again(
    hass: HomeAssistant,
    store: Store,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    """Of a busy account, whose month takes several requests."""
    older_than_a_week = bank.clock() - timedelta(days=9)
    salary = bank.receive(home.joint.id, 200_000, sender="Acme", at=older_than_a_week)
    for _ in range(150):
        bank.pay(home.joint.id, -100)
    earlier = last_month(bank, home.joint)
    await stop(hass, entry)
    archive_path(hass).unlink()
    store(earlier)
    await start(hass, entry, advance_time)
    await advance_time(A_POLL)
    received = entry.runtime_data.transactions.sums.received(home.joint.id, salary.created)
    assert received == Money.from_minor(200_000, "GBP")
    assert joint.heard == []


async def test_transactions_reported_by_an_earlier_version_are_not_reported_again(
    hass: HomeAssistant,
    store: Store,
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
    store([first, meanwhile])
    missed = bank.pay(home.joint.id, -300)
    await start(hass, entry, advance_time)

    assert joint.heard == ids(first, missed)


async def test_an_earlier_version_finds_what_was_reported_before_home_assistant_stopped(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    """The file has the earlier version's format; this version continues from the archive."""
    first = bank.pay(home.joint.id, -700)
    await advance_time(A_POLL)
    assert OLD_STORE not in hass_storage
    hass.bus.async_fire(EVENT_HOMEASSISTANT_CLOSE)
    await hass.async_block_till_done()

    log = hass_storage[OLD_STORE]["data"][home.joint.id]
    assert log["entry_id"] == entry.entry_id
    assert log["read_until"] == first.created.isoformat()
    assert log["seen"].keys() == set(ids(*last_month(bank, home.joint)))
    assert log["seen"][first.id] == {
        "created": first.created.isoformat(),
        "amount": -700,
        "settled": False,
        "category": first.category,
        "spent": {first.category: 700},
    }
    assert await OldStore(hass).async_load() == {}


def test_a_change_that_an_earlier_version_has_reported_is_not_reported_again() -> None:
    now = datetime.now(UTC)
    state = ReadState(entry_id="entry", currency="GBP", read_until=now)
    pending = KnownTransaction(
        created=now, amount=500, settled=False, category="income", spent={}, received=500
    )
    settled = replace(pending, settled=True)
    reported = TransactionLog(state, {"tx": replace(settled, received=0)})
    assert reported.merged_with(TransactionLog(state, {"tx": pending})).find("tx") == settled


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


@pytest.mark.parametrize("lost", ["damaged", "deleted"])
async def test_a_file_that_is_lost_at_a_start_is_replaced_and_nothing_is_missed_or_repeated(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
    lost: str,
) -> None:
    transactions = [bank.pay(home.joint.id, -100 - number) for number in range(3)]
    await advance_time(A_POLL)
    await stop(hass, entry)
    if lost == "damaged":
        archive_path(hass).write_bytes(b"<html>" * 1_000)
    else:
        archive_path(hass).unlink()
    transactions += [bank.pay(home.joint.id, -200 - number) for number in range(3)]
    await start(hass, entry, advance_time)
    transactions.append(bank.pay(home.joint.id, -300))
    await advance_time(A_POLL)

    assert joint.heard == joint.events == ids(*transactions)
    assert [report.late for report in joint.reports] == [False] * 3 + [True] * 3 + [False]
    assert issues(hass) == ({ArchiveIssue.SET_ASIDE} if lost == "damaged" else set())


async def test_removing_an_entry_keeps_a_locked_file_with_the_accounts_of_another_one(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    joint: Listener,
    sign_in: SignIn,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    await advance_time(ALL_POLLS)
    kept = archived_ids(hass, home.bens)
    assert kept
    assert await hass.config_entries.async_unload(ben.entry_id)
    await stop(hass, entry)
    with closing(sqlite3.connect(archive_path(hass), isolation_level=None)) as other_program:
        other_program.execute("BEGIN EXCLUSIVE")
        server.fail("GET", "/transactions", Answer.html(502), times=None)
        await set_up(hass, entry, ben)
        await hass.config_entries.async_remove(entry.entry_id)
    await advance_time(ALL_POLLS)
    assert archived_ids(hass, home.bens)[-len(kept) :] == kept


async def test_an_entry_that_is_added_again_reports_nothing_from_before(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    before = bank.pay(home.joint.id, -100)
    await advance_time(A_POLL)
    await hass.config_entries.async_remove(entry.entry_id)
    await advance_time(ALL_POLLS)
    bank.pay(home.joint.id, -200)
    await advance_time(ALL_POLLS)
    await set_up(hass, sign_in(home.ann))
    after = bank.pay(home.joint.id, -300)
    await advance_time(ALL_POLLS)

    assert joint.heard == ids(before, after)


@pytest.mark.parametrize("keep", [Retention.NEEDED, Retention.EVERYTHING])
async def test_a_file_that_is_locked_at_a_start_is_used_when_it_is_free_and_nothing_is_missed(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
    keep: Retention,
) -> None:
    hass.config_entries.async_update_entry(entry, options={CONF_KEEP_TRANSACTIONS: keep})
    before = [bank.pay(home.joint.id, -100 - number) for number in range(3)]
    await advance_time(ALL_POLLS)
    await stop(hass, entry)
    missed = [bank.pay(home.joint.id, -200 - number) for number in range(3)]
    with closing(sqlite3.connect(archive_path(hass), isolation_level=None)) as other_program:
        other_program.execute("BEGIN EXCLUSIVE")
        await start(hass, entry, advance_time)
        during = bank.pay(home.joint.id, -300)
        await advance_time(A_POLL)
        assert joint.heard == ids(*before, during)
        assert issues(hass) == {ArchiveIssue.NOT_WRITABLE}
    after = bank.pay(home.joint.id, -400)
    for _read in range(3):
        await advance_time(ALL_POLLS)

    assert sorted(joint.heard) == sorted(ids(*before, *missed, during, after))
    assert issues(hass) == set()
    await stop(hass, entry)
    await start(hass, entry, advance_time)
    assert len(joint.heard) == len(ids(*before, *missed, during, after))
    assert archived_ids(hass, home.joint)[-5:] == ids(*missed, during, after)


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


async def test_choosing_less_during_a_backup_waits_for_its_end(
    hass: HomeAssistant, home: Household, keeping: MockConfigEntry
) -> None:
    await backup.async_pre_backup(hass)
    content = archive_path(hass).read_bytes()
    hass.config_entries.async_update_entry(
        keeping, options={CONF_KEEP_TRANSACTIONS: Retention.NEEDED}
    )
    await hass.config_entries.async_reload(keeping.entry_id)
    assert archive_path(hass).read_bytes() == content
    await backup.async_post_backup(hass)
    assert b"kiosk" not in archive_path(hass).read_bytes().lower()


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
    assert await archive(hass).async_health() == {"state": "ok", "waiting": 0}
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


# The choice of the user


@pytest.fixture
async def keeping(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's entry, which keeps everything, after the bank's 89 days were read."""
    for days in range(1, 88, 3):
        at = bank.clock() - timedelta(days=days)
        bank.pay(home.joint.id, -100 - days, merchant=f"Kiosk {days}", pending=False, at=at)
    entry = sign_in(home.ann, options={CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING})
    await set_up_and_import(hass, entry, advance_time, polls=15, every=A_POLL)
    return entry


async def call(
    hass: HomeAssistant, entry: MockConfigEntry, action: str, account: Account, **fields: object
) -> dict[str, Any]:
    """Call an action that reads transactions, for an account."""
    found = device(hass, entry, account.id)
    assert found is not None
    data = {"account": found.id, **fields}
    response = await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def test_kept_transactions_are_found_and_added_up_without_a_request(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    keeping: MockConfigEntry,
) -> None:
    since = bank.clock() - timedelta(days=85)
    span = {"since": since, "refresh": False, "include_declined": True, "limit": 1000}
    server.requests.clear()
    listed = await call(hass, keeping, "get_transactions", home.joint, **span)
    by_category = await call(hass, keeping, "get_spending", home.joint, since=since)
    by_day = await call(hass, keeping, "get_spending", home.joint, since=since, by="day")
    by_merchant = await call(hass, keeping, "get_spending", home.joint, since=since, by="merchant")
    assert not server.requests

    expected = [row for row in bank.transactions(home.joint.id) if row.created >= since]
    assert [row["transaction_id"] for row in listed["transactions"]] == ids(*expected[::-1])
    assert listed["complete"]
    # The bank's answer adds up to the same.
    forgotten = async_get_memory(hass).find(Archive)
    assert forgotten is not None
    forgotten.logs[home.joint.id].spans = Spans()
    for kept, by in ((by_category, "category"), (by_day, "day"), (by_merchant, "merchant")):
        assert kept["complete"]
        read = await call(hass, keeping, "get_spending", home.joint, since=since, by=by)
        assert read["total"] == kept["total"] > 0
        assert sorted(read["groups"], key=str) == sorted(kept["groups"], key=str)
    assert server.requests


async def test_a_kept_transaction_reads_like_one_from_the_bank(
    hass: HomeAssistant, home: Household, keeping: MockConfigEntry
) -> None:
    for account in (home.joint, home.current):
        kept = await call(hass, keeping, "get_transactions", account, refresh=False)
        read = await call(hass, keeping, "get_transactions", account)
        assert read["transactions"]
        assert kept["transactions"] == read["transactions"]


async def test_a_text_is_searched_in_everything_that_is_kept_and_pages_continue(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    server: BankServer,
) -> None:
    since = bank.clock() - timedelta(days=88)
    server.requests.clear()
    search = {"since": since, "text": "kIOSK ", "refresh": False, "limit": 7}
    whole = await call(hass, keeping, "get_transactions", home.joint, **search | {"limit": 100})
    assert len(whole["transactions"]) == 29
    paged: list[dict[str, Any]] = []
    while True:
        after = {"after": paged[-1]["transaction_id"]} if paged else {}
        page = await call(hass, keeping, "get_transactions", home.joint, **search, **after)
        paged += page["transactions"]
        if page["complete"]:
            break
    assert paged == whole["transactions"]
    assert not server.requests
    with pytest.raises(ServiceValidationError) as refused:
        await call(hass, keeping, "get_transactions", home.joint, after="tx_unknown")
    assert refused.value.translation_key == "unknown_transaction"


async def test_a_search_before_the_first_kept_transaction_is_incomplete_and_costs_no_request(
    hass: HomeAssistant, home: Household, keeping: MockConfigEntry, server: BankServer
) -> None:
    archive(hass).logs[home.joint.id].spans = (
        archive(hass).logs[home.joint.id].spans.since(datetime.now(UTC) - timedelta(days=50))
    )
    server.requests.clear()
    search = {"since": datetime(2016, 1, 1, tzinfo=UTC), "text": "kiosk", "refresh": False}
    found = await call(hass, keeping, "get_transactions", home.joint, **search)
    assert len(found["transactions"]) == 17
    assert not found["complete"]
    assert not server.requests


@pytest.mark.parametrize("refresh", [False, True])
async def test_without_a_choice_texts_and_pages_are_read_from_the_bank(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    refresh: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    payments = [bank.pay(home.joint.id, -100 - n, merchant="Zoo") for n in range(5)]
    await hass.services.async_call(DOMAIN, "refresh", blocking=True)
    search = {"text": "zoo", "limit": 2, "refresh": refresh}
    first = await call(hass, entry, "get_transactions", home.joint, **search)
    assert [row["transaction_id"] for row in first["transactions"]] == ids(*payments[:2:-1])
    second = await call(hass, entry, "get_transactions", home.joint, **search, after=payments[3].id)
    assert [row["transaction_id"] for row in second["transactions"]] == ids(*payments[2:0:-1])


async def test_without_a_choice_a_search_of_all_time_is_refused_without_a_request(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, server: BankServer
) -> None:
    server.requests.clear()
    search = {"since": datetime(2015, 1, 1, tzinfo=UTC), "text": "kiosk", "refresh": False}
    with pytest.raises(ServiceValidationError) as refused:
        await call(hass, entry, "get_transactions", home.joint, **search)
    # The card then searches only the rows that it has loaded.
    assert refused.value.translation_key == "span_too_long"
    assert not server.requests


async def test_history_that_the_bank_no_longer_shows_is_still_there(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    since = bank.clock() - timedelta(days=85)
    before = await call(hass, keeping, "get_spending", home.joint, since=since, before=bank.clock())
    end = bank.clock()
    for _three_days in range(40):
        await advance_time(timedelta(days=3))
    later = await call(hass, keeping, "get_spending", home.joint, since=since, before=end)
    assert later["total"] == before["total"]
    assert later["complete"]


async def test_a_night_later_changes_of_old_transactions_are_known(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    old = [row for row in bank.transactions(home.joint.id) if row.merchant]
    recategorised, noted = (
        next(row for row in old if row.created < bank.clock() - timedelta(days=days))
        for days in (60, 40)
    )
    recategorised.category, noted.notes = "gifts", "a late note"
    for _hour in range(26):
        await advance_time(timedelta(minutes=62))
    rows = {row["id"]: row for row in archived_rows(archive_path(hass), home.joint)}
    assert rows[recategorised.id]["category"] == "gifts"
    assert "gifts" in rows[recategorised.id]["spent"]
    assert rows[noted.id]["notes"] == "a late note"


async def test_a_pending_payment_that_the_bank_takes_back_stops_counting(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    since = bank.clock() - timedelta(hours=1)
    hold = bank.pay(home.joint.id, -20_000, merchant="Hotel")
    await advance_time(A_POLL)
    held = await call(hass, keeping, "get_spending", home.joint, since=since)
    bank.release(hold.id)
    await advance_time(timedelta(minutes=61))
    released = await call(hass, keeping, "get_spending", home.joint, since=since)
    assert held["total"] - released["total"] == 200
    listed = await call(hass, keeping, "get_transactions", home.joint, since=since, refresh=False)
    assert hold.id not in [row["transaction_id"] for row in listed["transactions"]]


async def test_a_replaced_file_does_not_claim_to_cover_lost_transactions(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    since = bank.clock() - timedelta(days=80)
    before = await call(hass, keeping, "get_spending", home.joint, since=since)
    archive_path(hass).write_bytes(b"<html>" * 1_000)
    bank.pay(home.joint.id, -1_000)
    await advance_time(ALL_POLLS)
    after = await call(hass, keeping, "get_spending", home.joint, since=since)
    assert after["complete"]
    assert after["total"] - before["total"] == 10


async def test_choosing_less_deletes_the_rest_for_good(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    assert b"Kiosk 61" in archive_path(hass).read_bytes()
    hass.config_entries.async_update_entry(
        keeping, options={CONF_KEEP_TRANSACTIONS: Retention.NEEDED}
    )
    await hass.config_entries.async_reload(keeping.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    content = archive_path(hass).read_bytes()
    assert b"kiosk" not in content.lower()
    oldest = archived_rows(archive_path(hass), home.joint)[0]["created"]
    assert oldest >= (bank.clock() - timedelta(days=32, hours=1)).timestamp() * 1e6


async def test_thirteen_months_are_kept_and_no_more(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    hass.config_entries.async_update_entry(
        keeping, options={CONF_KEEP_TRANSACTIONS: Retention.THIRTEEN_MONTHS}
    )
    await hass.config_entries.async_reload(keeping.entry_id)
    oldest = archived_ids(hass, home.joint)[0]
    for _month in range(10):
        await advance_time(timedelta(days=30))
    assert archived_ids(hass, home.joint)[0] == oldest
    for _month in range(5):
        await advance_time(timedelta(days=30))
    bank.pay(home.joint.id, -100)
    await advance_time(A_POLL)
    assert oldest not in archived_ids(hass, home.joint)


async def test_a_joint_account_keeps_what_its_reader_chose(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    keeping: MockConfigEntry,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    """Ben chose to keep only what is needed; he takes the account over when Ann leaves."""
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    await advance_time(ALL_POLLS)
    assert archived_rows(archive_path(hass), home.joint)[-1]["searchable"]
    await hass.config_entries.async_remove(keeping.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    for _poll in range(5):
        await advance_time(ALL_POLLS)
    assert {row["searchable"] for row in archived_rows(archive_path(hass), home.joint)} == {""}


async def test_a_card_of_an_old_pending_payment_shows_the_newer_ones(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    """Reading an old pending payment again must not remove newer ones from the memory of cards."""
    hold = bank.pay(home.joint.id, -20_000, at=bank.clock() - timedelta(days=12))
    newer = bank.pay(home.joint.id, -500, at=bank.clock() - timedelta(days=9), pending=False)
    await hass.config_entries.async_reload(entry.entry_id)
    for _hour in range(3):
        await advance_time(timedelta(minutes=62))
    since = bank.clock() - timedelta(days=20)
    shown = await call(hass, entry, "get_transactions", home.joint, since=since, refresh=False)
    shown_ids = [row["transaction_id"] for row in shown["transactions"]]
    assert {hold.id, newer.id} <= set(shown_ids)
