"""Each transaction is reported once and in order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
import threading
from typing import Any, Protocol

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.monzo.const import CONF_EXCLUDED_ACCOUNTS, DOMAIN
from custom_components.monzo.transactions.archive import Archive
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_file import ArchiveFile
from sandbox.bank import Bank, utc_now
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import Answer, BankServer, Delay, DropBefore, Edited, Fault, Truncated
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.archive_reader import archived_ids
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import ByAccount, complaints, set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_client import Held
from tests.sandbox.waiting import let_tasks_run
from tests.transactions.conftest import ALL_POLLS

ONE_POLL = timedelta(minutes=2)
HOURLY_CHECK = timedelta(minutes=61)

TEMPORARY_FAULTS = {
    "a proxy's error page": Answer.html(502),
    "a broken connection": DropBefore(),
    "half an answer": Truncated(),
    "garbage": Answer.garbage(),
    "null": Answer.json(None),
    "too many requests": Answer.rate_limited("90"),
}


@pytest.fixture
def current(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return a listener for Ann's current account."""
    return Listener(hass, home.current)


@pytest.fixture
def joint(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return a listener for the joint account."""
    return Listener(hass, home.joint)


class Restart(Protocol):
    """Turn Home Assistant off for a while. Only the data on disk is kept."""

    async def __call__(self, off: timedelta, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Stop, wait, run the callback, and start again."""


@pytest.fixture
def restart(hass: HomeAssistant, entry: MockConfigEntry, advance_time: AdvanceTime) -> Restart:
    """Return a function that turns Home Assistant off and on."""

    async def restart(off: timedelta, meanwhile: Callable[[], None] = lambda: None) -> None:
        assert await hass.config_entries.async_unload(entry.entry_id)
        await advance_time(off)
        meanwhile()
        forget_process_memory(hass)
        await set_up(hass, entry)
        await advance_time(ALL_POLLS)

    return restart


def ids(*transactions: Transaction) -> list[str]:
    return [transaction.id for transaction in transactions]


# New transactions


async def test_transactions_from_before_set_up_are_not_reported(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    assert value(hass, home.current.id, "transaction", "event") == STATE_UNKNOWN
    await advance_time(HOURLY_CHECK)
    assert value(hass, home.current.id, "transaction", "event") == STATE_UNKNOWN


async def test_a_payment_is_reported_after_the_balance_changes(
    home: Household, bank: Bank, current: Listener, advance_time: AdvanceTime
) -> None:
    transaction = bank.pay(home.joint.id, -350)
    other = bank.receive(home.current.id, 1_000)

    await advance_time(ONE_POLL)

    assert current.heard == current.events == ids(other)
    assert not current.reports[0].late
    assert transaction.id not in current.heard


async def test_a_declined_payment_is_reported_within_five_minutes(
    home: Household, bank: Bank, current: Listener, advance_time: AdvanceTime
) -> None:
    transaction = bank.decline(home.current.id, -99_999)

    await advance_time(timedelta(minutes=5, seconds=2))

    assert current.heard == current.events == ids(transaction)


async def test_payments_are_reported_only_while_their_balance_is_known(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    payment = bank.pay(home.joint.id, -350)
    held = Held(Delay(0))
    server.fail("GET", "/transactions", ByAccount({home.joint.id: held}), times=None)
    freezer.tick(ONE_POLL)
    async_fire_time_changed(hass)
    await held.arrived.wait()
    server.fail("GET", "*", Answer.html(502), times=None)
    await entry.runtime_data.balances.async_refresh()
    assert value(hass, home.joint.id, "balance") == STATE_UNAVAILABLE
    server.clear_faults()

    held.released.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    await advance_time(ALL_POLLS)

    assert joint.heard == [payment.id]
    assert joint.balances == [f"{home.joint.balance / 100:.2f}"]


async def test_several_transactions_are_reported_one_by_one_and_oldest_first(
    home: Household, bank: Bank, joint: Listener, advance_time: AdvanceTime
) -> None:
    transactions = [bank.pay(home.joint.id, -100 - number) for number in range(5)]
    transactions.append(bank.refund(home.joint.id, 350))

    await advance_time(ONE_POLL)
    await advance_time(ONE_POLL)

    assert joint.heard == joint.events == ids(*transactions)


async def test_all_transactions_of_several_pages_are_reported(
    home: Household, bank: Bank, joint: Listener, advance_time: AdvanceTime
) -> None:
    transactions = [bank.pay(home.joint.id, -100 - number) for number in range(250)]

    await advance_time(ONE_POLL)

    assert joint.heard == joint.events == ids(*transactions)


async def test_the_balance_is_up_to_date_when_a_payment_is_reported(
    home: Household, bank: Bank, entry: MockConfigEntry, joint: Listener
) -> None:
    bank.pay(home.joint.id, -725)

    # The transactions coordinator may poll before the balances coordinator.
    await entry.runtime_data.transactions.async_refresh_all()

    assert joint.balances == [f"{home.joint.balance / 100:.2f}"]


# Payments during a refresh


@dataclass
class PendingRefresh:
    """A call of the refresh action that waits for the answer to a transactions request."""

    task: asyncio.Task[object]
    held: Held
    server: BankServer

    async def stop(self) -> None:
        """Cancel the refresh, and let the bank answer normally."""
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task
        self.held.released.set()
        self.server.clear_faults()

    async def finish(self) -> None:
        """Release the answer, finish the refresh, and let the bank answer normally."""
        self.held.released.set()
        await self.task
        self.server.clear_faults()


@pytest.fixture
async def start_refresh(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
) -> Callable[[Fault], Awaitable[PendingRefresh]]:
    """Return a function that starts a refresh and holds the answer for Ann's current account."""

    async def start_refresh(answer: Fault) -> PendingRefresh:
        # The request budget allows fewer accounts to be read at once.
        others = [account.id for account in (home.flex, home.rewards, home.loan)]
        hass.config_entries.async_update_entry(entry, options={CONF_EXCLUDED_ACCOUNTS: others})
        await hass.config_entries.async_reload(entry.entry_id)
        await advance_time(ALL_POLLS)
        held = Held(answer)
        server.fail("GET", "/transactions", ByAccount({home.current.id: held}), times=None)
        refresh = hass.services.async_call(DOMAIN, "refresh", blocking=True)
        task = asyncio.create_task(refresh)
        await held.arrived.wait()
        return PendingRefresh(task, held, server)

    return start_refresh


async def test_a_payment_is_reported_when_the_refresh_is_cancelled(
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    current: Listener,
    start_refresh: Callable[[Fault], Awaitable[PendingRefresh]],
    advance_time: AdvanceTime,
) -> None:
    refresh = await start_refresh(Delay(0))
    transaction = bank.pay(home.current.id, -350)
    await entry.runtime_data.balances.async_refresh()
    await refresh.stop()
    await advance_time(timedelta(seconds=5))

    assert current.heard[:1] == ids(transaction)


async def test_a_declined_payment_is_reported_soon_when_the_refresh_is_cancelled(
    home: Household,
    bank: Bank,
    current: Listener,
    start_refresh: Callable[[Fault], Awaitable[PendingRefresh]],
    advance_time: AdvanceTime,
) -> None:
    refresh = await start_refresh(Delay(0))
    transaction = bank.decline(home.current.id, -99_999)
    await refresh.stop()
    await advance_time(timedelta(seconds=5))

    assert current.heard == ids(transaction)


async def test_a_payment_is_reported_when_the_token_is_refused_during_a_refresh(
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    current: Listener,
    start_refresh: Callable[[Fault], Awaitable[PendingRefresh]],
    advance_time: AdvanceTime,
) -> None:
    refresh = await start_refresh(Answer.error("unauthorized.bad_access_token"))
    first = bank.pay(home.current.id, -300)
    await entry.runtime_data.balances.async_refresh()
    await refresh.finish()
    await advance_time(timedelta(seconds=5))
    second = bank.pay(home.current.id, -400)
    await advance_time(ONE_POLL)

    assert current.heard == ids(first, second)


async def test_payments_are_reported_when_polling_is_disabled(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    current: Listener,
    start_refresh: Callable[[Fault], Awaitable[PendingRefresh]],
    advance_time: AdvanceTime,
) -> None:
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    refresh = await start_refresh(Delay(0))
    transactions = [bank.pay(home.current.id, -300)]
    await entry.runtime_data.balances.async_refresh()
    await refresh.finish()
    await advance_time(timedelta(seconds=5))
    transactions.append(bank.pay(home.current.id, -400))
    # An automation can do the same with the `homeassistant.update_entity` action.
    await entry.runtime_data.balances.async_refresh()
    await advance_time(timedelta(seconds=5))

    assert current.heard == ids(*transactions)


# While Home Assistant is off


async def test_transactions_made_while_home_assistant_was_off_are_reported_as_late(
    home: Household, bank: Bank, joint: Listener, restart: Restart, advance_time: AdvanceTime
) -> None:
    before = bank.pay(home.joint.id, -100)
    await advance_time(ONE_POLL)

    def make_missed_payments() -> None:
        for days in (8, 6, 3, 1):
            at = bank.clock() - timedelta(days=days)
            missed.append(bank.pay(home.joint.id, -100 * days, at=at))

    missed: list[Transaction] = []
    await restart(timedelta(days=9), make_missed_payments)
    too_old = missed.pop(0)
    after = bank.pay(home.joint.id, -300)
    await advance_time(ONE_POLL)

    assert joint.heard == joint.events == ids(before, *missed, after)
    assert [report.late for report in joint.reports] == [False, True, True, True, False]
    assert too_old.id not in joint.heard


@pytest.mark.parametrize(
    "wrong_by", [timedelta(days=-3), timedelta(days=8)], ids=["behind", "ahead"]
)
async def test_a_wrong_clock_at_a_start_changes_neither_the_reports_nor_their_lateness(
    home: Household,
    bank: Bank,
    joint: Listener,
    restart: Restart,
    advance_time: AdvanceTime,
    wrong_by: timedelta,
) -> None:
    """A Raspberry Pi without a battery starts with a wrong time of day."""

    def lose_power() -> None:
        bank.clock = lambda: utc_now() - wrong_by
        expected.append(bank.receive(home.joint.id, 5_000, at=bank.clock() - timedelta(hours=1)))

    await advance_time(max(wrong_by, timedelta(0)))
    expected: list[Transaction] = []
    await restart(timedelta(hours=2), lose_power)
    expected.append(bank.pay(home.joint.id, -300))
    await advance_time(ONE_POLL)
    expected.append(bank.decline(home.joint.id, -99_999))
    await advance_time(ALL_POLLS)
    await advance_time(HOURLY_CHECK)

    assert joint.heard == joint.events == ids(*expected)
    assert [report.late for report in joint.reports] == [True, False, False]


async def test_transactions_are_reported_only_after_home_assistant_has_started(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    transaction = bank.pay(home.joint.id, -725)
    hass.set_state(CoreState.starting)
    await set_up(hass, entry)
    # The request budget has room again.
    await advance_time(ALL_POLLS)
    await advance_time(ALL_POLLS)

    await hass.services.async_call(DOMAIN, "refresh", blocking=True)
    assert joint.heard == []
    assert complaints(caplog, "ERROR") == []

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done(wait_background_tasks=True)
    await advance_time(ALL_POLLS)
    assert joint.heard == ids(transaction)


async def test_a_restart_repeats_no_report(
    home: Household, bank: Bank, joint: Listener, restart: Restart, advance_time: AdvanceTime
) -> None:
    transactions = [bank.pay(home.joint.id, -100 - number) for number in range(3)]
    await advance_time(ONE_POLL)

    await restart(timedelta(minutes=1))
    await advance_time(HOURLY_CHECK)

    assert joint.heard == ids(*transactions)


async def test_a_reload_repeats_and_misses_no_transaction(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    transactions = [bank.pay(home.joint.id, -100)]
    await advance_time(ONE_POLL)
    transactions.append(bank.pay(home.joint.id, -200))
    await hass.config_entries.async_reload(entry.entry_id)
    transactions.append(bank.pay(home.joint.id, -300))
    await advance_time(ALL_POLLS)

    assert joint.heard == ids(*transactions)
    assert not any(report.late for report in joint.reports)


@pytest.mark.parametrize("written", [0, 1, 7, 19])
async def test_a_crash_repeats_at_most_the_last_reported_transaction(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    joint: Listener,
    restart: Restart,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
    written: int,
) -> None:
    transactions = [bank.pay(home.joint.id, -100 - number) for number in range(20)]
    write, reported = Archive.async_write, 0

    async def fail_after_reports(archive: Archive, change: ArchiveChange) -> None:
        nonlocal reported
        if change.reported is not None:
            if reported == written:
                message = "Power failure"
                raise LookupError(message)
            reported += 1
        await write(archive, change)

    with monkeypatch.context() as patched:
        patched.setattr(Archive, "async_write", fail_after_reports)
        await advance_time(ONE_POLL)
        reported_before_crash = len(joint.heard)
        assert reported_before_crash == written + 1

    await restart(timedelta(0))
    await advance_time(ALL_POLLS)

    assert joint.heard[:reported_before_crash] == ids(*transactions[:reported_before_crash])
    assert joint.heard[reported_before_crash:] == ids(*transactions[written:])


async def test_home_assistant_stops_after_a_report_is_saved(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    joint: Listener,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the next start would report the transaction once more."""
    transaction = bank.pay(home.joint.id, -100)
    run, arrived, released = ArchiveFile.run, asyncio.Event(), threading.Event()

    def wait_for_the_disk(file: ArchiveFile, operations: list[Any]) -> None:
        if joint.heard:
            hass.loop.call_soon_threadsafe(arrived.set)
            released.wait(timeout=60)
        run(file, operations)

    monkeypatch.setattr(ArchiveFile, "run", wait_for_the_disk)
    polling = asyncio.ensure_future(advance_time(ONE_POLL))
    await arrived.wait()
    stop = asyncio.create_task(hass.async_stop(force=True))
    await let_tasks_run()
    released.set()
    await asyncio.gather(polling, stop)

    assert transaction.id in archived_ids(hass, home.joint)


# Failures


@pytest.mark.parametrize(
    ("path", "fault"),
    [*(("/transactions", name) for name in TEMPORARY_FAULTS), ("*", next(iter(TEMPORARY_FAULTS)))],
)
async def test_temporary_failures_lose_no_transaction(
    home: Household,
    bank: Bank,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
    path: str,
    fault: str,
) -> None:
    transactions = [bank.pay(home.joint.id, -100)]
    await advance_time(ONE_POLL)
    server.fail("GET", path, TEMPORARY_FAULTS[fault], times=None)
    transactions.append(bank.pay(home.joint.id, -200))
    for _poll in range(4):
        await advance_time(ONE_POLL)
    transactions.append(bank.pay(home.joint.id, -300))
    server.clear_faults()
    for _poll in range(4):
        await advance_time(ONE_POLL)

    assert joint.heard == joint.events == ids(*transactions)


async def test_refused_transactions_of_one_account_do_not_affect_other_accounts(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    joint: Listener,
    current: Listener,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusal = Answer.error("forbidden.insufficient_permissions")
    server.fail("GET", "/transactions", ByAccount({home.current.id: refusal}), times=None)
    transaction = bank.pay(home.joint.id, -100)
    mine = bank.pay(home.current.id, -100)
    caplog.clear()
    for _poll in range(10):
        await advance_time(ONE_POLL)

    assert joint.heard == ids(transaction)
    assert caplog.text.count("Could not fetch the transactions of an account") == 1
    server.clear_faults()
    await advance_time(ALL_POLLS)
    assert current.heard[0] == mine.id
    assert "Fetching the transactions of an account works again" in caplog.text


async def test_transactions_listed_out_of_order_are_reported_in_order(
    home: Household, bank: Bank, server: BankServer, joint: Listener, advance_time: AdvanceTime
) -> None:
    def reverse(data: dict[str, Any]) -> dict[str, Any]:
        return {"transactions": data["transactions"][::-1]}

    server.fail("GET", "/transactions", Edited(reverse), times=None)
    transactions = [
        bank.pay(home.joint.id, -100, at=bank.clock() + timedelta(seconds=n)) for n in range(4)
    ]

    await advance_time(ONE_POLL)

    assert joint.heard == ids(*transactions)


@pytest.mark.parametrize(
    ("ago", "late"),
    [(timedelta(minutes=5), False), (timedelta(hours=3), True), (timedelta(days=6), True)],
)
async def test_a_backdated_transaction_is_reported_within_the_hour(
    home: Household,
    bank: Bank,
    joint: Listener,
    advance_time: AdvanceTime,
    ago: timedelta,
    late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    first = bank.pay(home.joint.id, -100)
    await advance_time(ONE_POLL)
    second = bank.pay(home.joint.id, -200, at=bank.clock() - ago)
    await advance_time(HOURLY_CHECK)

    assert joint.heard == ids(first, second)
    assert joint.reports[1].late is late


# Changes


async def test_settling_with_another_amount_is_reported_as_a_change_without_an_event(
    home: Household, bank: Bank, joint: Listener, advance_time: AdvanceTime
) -> None:
    transaction = bank.pay(home.joint.id, -500)
    await advance_time(ONE_POLL)
    bank.settle(transaction.id, -450)
    transaction.category = "holidays"
    await advance_time(HOURLY_CHECK)

    (change,) = joint.changes
    assert change.transaction.id == transaction.id
    assert (change.before.amount, change.before.settled) == (-500, False)
    assert change.transaction.amount.minor == -450
    assert change.transaction.settled is not None
    assert change.transaction.category == "holidays"
    assert joint.heard == joint.events == ids(transaction)


# Storage


async def test_the_archive_keeps_about_a_month_of_transactions(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    for _three_days in range(15):
        for _payment in range(3 * 5):
            bank.pay(home.joint.id, -100)
        await advance_time(timedelta(days=3))

    assert len(joint.heard) == 45 * 5
    # About a month of transactions. Older ones are removed.
    assert len(archived_ids(hass, home.joint)) <= 33 * 5


async def test_an_account_taken_over_by_another_entry_does_not_report_earlier_transactions(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    bank.pay(home.joint.id, -100)
    await advance_time(ALL_POLLS)
    taken_over = shown(hass, home.joint.id, "transaction", "event").state

    await hass.config_entries.async_remove(entry.entry_id)
    await advance_time(ALL_POLLS)
    await advance_time(ALL_POLLS)
    assert taken_over != STATE_UNKNOWN
    assert value(hass, home.joint.id, "transaction", "event") in (STATE_UNKNOWN, taken_over)
    listener = Listener(hass, home.joint)
    transaction = bank.pay(home.joint.id, -200)
    await advance_time(ONE_POLL)

    assert listener.heard == ids(transaction)


# Late listings and moved accounts


async def test_a_transaction_listed_after_its_balance_change_is_reported_at_the_next_poll(
    home: Household, bank: Bank, server: BankServer, joint: Listener, advance_time: AdvanceTime
) -> None:
    server.fail("GET", "/transactions", Answer.json({"transactions": []}), times=1)
    transaction = bank.pay(home.joint.id, -725)
    await advance_time(ONE_POLL)
    assert not joint.heard

    await advance_time(ONE_POLL)

    assert joint.heard == [transaction.id]
    assert not joint.reports[0].late


async def test_an_account_moved_to_another_entry_and_back_reports_each_transaction_once(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_entry(entry, options={CONF_EXCLUDED_ACCOUNTS: [home.joint.id]})
    await set_up(hass, entry)
    transactions = []
    for _payment in range(4):
        transactions.append(bank.pay(home.joint.id, -100))
        await advance_time(ALL_POLLS)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_entry(entry, options={})
    await hass.config_entries.async_remove(ben.entry_id)
    await set_up(hass, entry)
    await advance_time(ALL_POLLS)
    await advance_time(ALL_POLLS)

    assert joint.heard == ids(*transactions)


# The request budget


@pytest.mark.parametrize(("accounts", "transactions"), [(3, 400), (5, 250)])
async def test_accounts_with_many_transactions_stay_within_the_request_budget(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    accounts: int,
    transactions: int,
) -> None:
    cleo = bank.add_person("Cleo")
    month, now = timedelta(days=30), bank.clock()
    for _account in range(accounts):
        account = bank.open_account(cleo, type="uk_business", balance=10_000_000)
        for number in range(transactions):
            bank.pay(account.id, -100, at=now - month + number * month / transactions)
    await set_up(hass, sign_in(cleo))
    for _quarter in range(4 * 70):
        await advance_time(timedelta(seconds=15))

    times = [call.at for call in server.requests]
    requests_per_window = [
        sum(start <= at < start + timedelta(minutes=5) for at in times) for start in times
    ]
    # The number of pages is unknown at the start.
    assert max(requests_per_window) <= 24 + accounts
    after_the_start = [
        count
        for count, at in zip(requests_per_window, times, strict=True)
        if at > times[0] + timedelta(minutes=5)
    ]
    assert max(after_the_start) <= 24
