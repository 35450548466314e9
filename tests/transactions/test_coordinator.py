"""Every transaction is reported once and in order, however Home Assistant learns of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import CONF_EXCLUDED_ACCOUNTS, DOMAIN
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import Answer, BankServer, Delay, DropBefore, Edited, Fault, Truncated
from tests.accounts.test_coordinator import ByAccount
from tests.conftest import LetPass, SignIn
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import complaints, set_up, shown, value
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_client import Held

A_POLL = timedelta(minutes=2)
ALL_POLLS = timedelta(minutes=6)
AN_HOUR = timedelta(minutes=61)

TROUBLE = {
    "a proxy's error page": Answer.html(502),
    "a broken connection": DropBefore(),
    "half an answer": Truncated(),
    "garbage": Answer.garbage(),
    "null": Answer.json(None),
    "too many requests": Answer.rate_limited("90"),
}


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    home: Household,
    sign_in: SignIn,
    let_pass: LetPass,
) -> MockConfigEntry:
    """Return Ann's entry, set up, after the start weighed on the request budget."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass(ALL_POLLS)
    return entry


@pytest.fixture
def current(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return who listens to Ann's current account."""
    return Listener(hass, home.current)


@pytest.fixture
def joint(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return who listens to the joint account."""
    return Listener(hass, home.joint)


class Restart(Protocol):
    """Has Home Assistant off for a while, with nothing left but what is on disk."""

    async def __call__(self, off: timedelta, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Stop, let time pass and something happen, and start again."""


@pytest.fixture
def restart(hass: HomeAssistant, entry: MockConfigEntry, let_pass: LetPass) -> Restart:
    """Return what turns Home Assistant off and on."""

    async def restart(off: timedelta, meanwhile: Callable[[], None] = lambda: None) -> None:
        assert await hass.config_entries.async_unload(entry.entry_id)
        await let_pass(off)
        meanwhile()
        forget_process_memory(hass)
        await set_up(hass, entry)
        await let_pass(ALL_POLLS)

    return restart


def ids(*rows: Transaction) -> list[str]:
    return [row.id for row in rows]


# What is new


async def test_what_was_there_before_is_not_reported(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    assert value(hass, home.current.id, "transaction", "event") == STATE_UNKNOWN
    await let_pass(AN_HOUR)
    assert value(hass, home.current.id, "transaction", "event") == STATE_UNKNOWN


async def test_a_payment_is_found_by_the_balance_that_it_moved(
    home: Household, bank: Bank, current: Listener, let_pass: LetPass
) -> None:
    row = bank.pay(home.joint.id, -350)
    other = bank.receive(home.current.id, 1_000)

    await let_pass(A_POLL)

    assert current.heard == current.events == ids(other)
    assert not current.reports[0].late
    assert row.id not in current.heard


async def test_a_declined_payment_moves_nothing_and_is_found_within_five_minutes(
    home: Household, bank: Bank, current: Listener, let_pass: LetPass
) -> None:
    row = bank.decline(home.current.id, -99_999)

    await let_pass(timedelta(minutes=5, seconds=2))

    assert current.heard == current.events == ids(row)


async def test_several_at_once_are_reported_one_by_one_and_oldest_first(
    home: Household, bank: Bank, joint: Listener, let_pass: LetPass
) -> None:
    rows = [bank.pay(home.joint.id, -100 - number) for number in range(5)]
    rows.append(bank.refund(home.joint.id, 350))

    await let_pass(A_POLL)
    await let_pass(A_POLL)

    assert joint.heard == joint.events == ids(*rows)


async def test_more_than_a_page_at_once_is_reported_to_the_last(
    home: Household, bank: Bank, joint: Listener, let_pass: LetPass
) -> None:
    rows = [bank.pay(home.joint.id, -100 - number) for number in range(250)]

    await let_pass(A_POLL)

    assert joint.heard == joint.events == ids(*rows)


async def test_the_balance_is_the_new_one_when_the_payment_is_reported(
    home: Household, bank: Bank, entry: MockConfigEntry, joint: Listener
) -> None:
    bank.pay(home.joint.id, -725)

    # The transactions' own poll may be earlier than the balances'.
    await entry.runtime_data.transactions.async_refresh_all()

    assert joint.balances == [f"{home.joint.balance / 100:.2f}"]


# What moves while transactions are read


@dataclass
class Reading:
    """Somebody has Monzo refreshed, and the bank takes its time to tell the transactions."""

    task: asyncio.Task[object]
    held: Held
    server: BankServer

    async def stop(self) -> None:
        """Stop whoever reads, and have the bank answer at once from now on."""
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task
        self.held.released.set()
        self.server.clear_faults()

    async def finish(self) -> None:
        """Let the answer come, and have the bank answer at once from now on."""
        self.held.released.set()
        await self.task
        self.server.clear_faults()


@pytest.fixture
async def reading(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    let_pass: LetPass,
) -> Callable[[Fault], Awaitable[Reading]]:
    """Return what begins to read Ann's current account, with an answer that may come later."""

    async def begin(answer: Fault) -> Reading:
        # Of fewer accounts, all may be read at once.
        others = [account.id for account in (home.flex, home.rewards, home.loan)]
        hass.config_entries.async_update_entry(entry, options={CONF_EXCLUDED_ACCOUNTS: others})
        await hass.config_entries.async_reload(entry.entry_id)
        await let_pass(ALL_POLLS)
        held = Held(answer)
        server.fail("GET", "/transactions", ByAccount({home.current.id: held}), times=None)
        refresh = hass.services.async_call(DOMAIN, "refresh", blocking=True)
        task = asyncio.create_task(refresh)
        await held.arrived.wait()
        return Reading(task, held, server)

    return begin


async def test_it_is_found_though_whoever_reads_is_stopped(
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    current: Listener,
    reading: Callable[[Fault], Awaitable[Reading]],
    let_pass: LetPass,
) -> None:
    refresh = await reading(Delay(0))
    row = bank.pay(home.current.id, -350)
    await entry.runtime_data.balances.async_refresh()
    await refresh.stop()
    await let_pass(timedelta(seconds=5))

    assert current.heard[:1] == ids(row)


async def test_what_gives_no_sign_is_found_soon_though_whoever_reads_is_stopped(
    home: Household,
    bank: Bank,
    current: Listener,
    reading: Callable[[Fault], Awaitable[Reading]],
    let_pass: LetPass,
) -> None:
    refresh = await reading(Delay(0))
    row = bank.decline(home.current.id, -99_999)
    await refresh.stop()
    await let_pass(timedelta(seconds=5))

    assert current.heard == ids(row)


async def test_it_is_found_though_the_sign_in_was_refused_meanwhile(
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    current: Listener,
    reading: Callable[[Fault], Awaitable[Reading]],
    let_pass: LetPass,
) -> None:
    refresh = await reading(Answer.error("unauthorized.bad_access_token"))
    first = bank.pay(home.current.id, -300)
    await entry.runtime_data.balances.async_refresh()
    await refresh.finish()
    await let_pass(timedelta(seconds=5))
    second = bank.pay(home.current.id, -400)
    await let_pass(A_POLL)

    assert current.heard == ids(first, second)


async def test_it_is_found_though_nothing_is_polled(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    current: Listener,
    reading: Callable[[Fault], Awaitable[Reading]],
    let_pass: LetPass,
) -> None:
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    refresh = await reading(Delay(0))
    rows = [bank.pay(home.current.id, -300)]
    await entry.runtime_data.balances.async_refresh()
    await refresh.finish()
    await let_pass(timedelta(seconds=5))
    rows.append(bank.pay(home.current.id, -400))
    # As an automation does that updates an entity.
    await entry.runtime_data.balances.async_refresh()
    await let_pass(timedelta(seconds=5))

    assert current.heard == ids(*rows)


# While Home Assistant is off


async def test_what_happened_while_home_assistant_was_off_is_reported_as_late(
    home: Household, bank: Bank, joint: Listener, restart: Restart, let_pass: LetPass
) -> None:
    before = bank.pay(home.joint.id, -100)
    await let_pass(A_POLL)

    def live() -> None:
        for days in (8, 6, 3, 1):
            at = bank.clock() - timedelta(days=days)
            missed.append(bank.pay(home.joint.id, -100 * days, at=at))

    missed: list[Transaction] = []
    await restart(timedelta(days=9), live)
    too_old = missed.pop(0)
    after = bank.pay(home.joint.id, -300)
    await let_pass(A_POLL)

    assert joint.heard == joint.events == ids(before, *missed, after)
    assert [report.late for report in joint.reports] == [False, True, True, True, False]
    assert too_old.id not in joint.heard


async def test_nothing_is_reported_before_automations_are_there_to_hear_of_it(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    row = bank.pay(home.joint.id, -725)
    hass.set_state(CoreState.starting)
    await set_up(hass, entry)
    # The request budget has room again.
    await let_pass(ALL_POLLS)
    await let_pass(ALL_POLLS)

    await hass.services.async_call(DOMAIN, "refresh", blocking=True)
    assert joint.heard == []
    assert complaints(caplog, "ERROR") == []

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done(wait_background_tasks=True)
    await let_pass(ALL_POLLS)
    assert joint.heard == ids(row)


async def test_a_restart_reports_nothing_again(
    home: Household, bank: Bank, joint: Listener, restart: Restart, let_pass: LetPass
) -> None:
    rows = [bank.pay(home.joint.id, -100 - number) for number in range(3)]
    await let_pass(A_POLL)

    await restart(timedelta(minutes=1))
    await let_pass(AN_HOUR)

    assert joint.heard == ids(*rows)


async def test_a_reload_reports_nothing_again_and_misses_nothing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    let_pass: LetPass,
) -> None:
    rows = [bank.pay(home.joint.id, -100)]
    await let_pass(A_POLL)
    rows.append(bank.pay(home.joint.id, -200))
    await hass.config_entries.async_reload(entry.entry_id)
    rows.append(bank.pay(home.joint.id, -300))
    await let_pass(ALL_POLLS)

    assert joint.heard == ids(*rows)
    assert not any(report.late for report in joint.reports)


@pytest.mark.parametrize("written", [0, 1, 7, 19])
async def test_a_crash_within_many_at_once_repeats_the_last_one_at_most(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    joint: Listener,
    restart: Restart,
    let_pass: LetPass,
    monkeypatch: pytest.MonkeyPatch,
    written: int,
) -> None:
    rows = [bank.pay(home.joint.id, -100 - number) for number in range(20)]
    save, saved = Store.async_save, 0

    async def crash(store: Store[Any], data: Any) -> None:
        nonlocal saved
        if store.key.endswith(".transactions"):
            if saved == written:
                message = "The power is gone"
                raise LookupError(message)
            saved += 1
        await save(store, data)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "async_save", crash)
        await let_pass(A_POLL)
        told = len(joint.heard)
        assert told == written + 1

    await restart(timedelta(0))
    await let_pass(ALL_POLLS)

    assert joint.heard[:told] == ids(*rows[:told])
    assert joint.heard[told:] == ids(*rows[written:])


# Trouble


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize("path", ["/transactions", "*"])
async def test_trouble_in_between_loses_nothing(
    home: Household,
    bank: Bank,
    server: BankServer,
    joint: Listener,
    let_pass: LetPass,
    fault: Fault,
    path: str,
) -> None:
    rows = [bank.pay(home.joint.id, -100)]
    await let_pass(A_POLL)
    server.fail("GET", path, fault, times=None)
    rows.append(bank.pay(home.joint.id, -200))
    for _poll in range(4):
        await let_pass(A_POLL)
    rows.append(bank.pay(home.joint.id, -300))
    server.clear_faults()
    for _poll in range(4):
        await let_pass(A_POLL)

    assert joint.heard == joint.events == ids(*rows)


async def test_an_account_whose_transactions_are_refused_leaves_the_others_alone(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    joint: Listener,
    current: Listener,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusal = Answer.error("forbidden.insufficient_permissions")
    server.fail("GET", "/transactions", ByAccount({home.current.id: refusal}), times=None)
    row = bank.pay(home.joint.id, -100)
    mine = bank.pay(home.current.id, -100)
    caplog.clear()
    for _poll in range(10):
        await let_pass(A_POLL)

    assert joint.heard == ids(row)
    assert caplog.text.count("Could not fetch the transactions of an account") == 1
    server.clear_faults()
    await let_pass(ALL_POLLS)
    assert current.heard[0] == mine.id
    assert "Fetching the transactions of an account works again" in caplog.text


async def test_rows_out_of_order_are_reported_in_order(
    home: Household, bank: Bank, server: BankServer, joint: Listener, let_pass: LetPass
) -> None:
    def reverse(data: dict[str, Any]) -> dict[str, Any]:
        return {"transactions": data["transactions"][::-1]}

    server.fail("GET", "/transactions", Edited(reverse), times=None)
    rows = [bank.pay(home.joint.id, -100, at=bank.clock() + timedelta(seconds=n)) for n in range(4)]

    await let_pass(A_POLL)

    assert joint.heard == ids(*rows)


@pytest.mark.parametrize(
    ("ago", "late"),
    [(timedelta(minutes=5), False), (timedelta(hours=3), True), (timedelta(days=6), True)],
)
async def test_a_row_that_appears_after_later_ones_is_reported_within_the_hour(
    home: Household,
    bank: Bank,
    joint: Listener,
    let_pass: LetPass,
    ago: timedelta,
    late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    first = bank.pay(home.joint.id, -100)
    await let_pass(A_POLL)
    second = bank.pay(home.joint.id, -200, at=bank.clock() - ago)
    await let_pass(AN_HOUR)

    assert joint.heard == ids(first, second)
    assert joint.reports[1].late is late


# What changes


async def test_what_settles_with_another_amount_is_a_change_and_no_event(
    home: Household, bank: Bank, joint: Listener, let_pass: LetPass
) -> None:
    row = bank.pay(home.joint.id, -500)
    await let_pass(A_POLL)
    bank.settle(row.id, -450)
    row.category = "holidays"
    await let_pass(AN_HOUR)

    (change,) = joint.changes
    assert change.transaction.id == row.id
    assert (change.before.amount, change.before.settled) == (-500, False)
    assert change.transaction.amount.minor == -450
    assert change.transaction.settled is not None
    assert change.transaction.category == "holidays"
    assert joint.heard == joint.events == ids(row)


# What is kept


async def test_the_store_stays_small_however_long_it_runs(
    hass_storage: dict[str, Any],
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    let_pass: LetPass,
) -> None:
    for _day in range(45):
        for _payment in range(5):
            bank.pay(home.joint.id, -100)
        await let_pass(timedelta(days=1))

    stored = hass_storage["monzo.transactions"]["data"][home.joint.id]
    assert len(joint.heard) == 45 * 5
    # A month of them; what the bank had before is forgotten.
    assert len(stored["seen"]) <= 33 * 5
    assert set(stored) == {"entry_id", "currency", "read_until", "seen"}


async def test_an_account_that_is_taken_over_reports_nothing_of_before(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    sign_in: SignIn,
    let_pass: LetPass,
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    bank.pay(home.joint.id, -100)
    await let_pass(ALL_POLLS)
    taken_over = shown(hass, home.joint.id, "transaction", "event").state

    await hass.config_entries.async_remove(entry.entry_id)
    await let_pass(ALL_POLLS)
    await let_pass(ALL_POLLS)
    assert taken_over != STATE_UNKNOWN
    assert value(hass, home.joint.id, "transaction", "event") in (STATE_UNKNOWN, taken_over)
    listener = Listener(hass, home.joint)
    row = bank.pay(home.joint.id, -200)
    await let_pass(A_POLL)

    assert listener.heard == ids(row)


# Late, changed, or elsewhere


async def test_what_is_listed_a_moment_after_the_balance_has_moved_is_looked_for_again(
    home: Household, bank: Bank, server: BankServer, joint: Listener, let_pass: LetPass
) -> None:
    server.fail("GET", "/transactions", Answer.json({"transactions": []}), times=1)
    row = bank.pay(home.joint.id, -725)
    await let_pass(A_POLL)
    assert not joint.heard

    await let_pass(A_POLL)

    assert joint.heard == [row.id]
    assert not joint.reports[0].late


async def test_an_account_that_goes_to_another_entry_and_back_is_told_once(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    joint: Listener,
    sign_in: SignIn,
    let_pass: LetPass,
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_entry(entry, options={CONF_EXCLUDED_ACCOUNTS: [home.joint.id]})
    await set_up(hass, entry)
    rows = []
    for _payment in range(4):
        rows.append(bank.pay(home.joint.id, -100))
        await let_pass(ALL_POLLS)
    await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_entry(entry, options={})
    await hass.config_entries.async_remove(ben.entry_id)
    await set_up(hass, entry)
    await let_pass(ALL_POLLS)
    await let_pass(ALL_POLLS)

    assert joint.heard == ids(*rows)


# The request budget


@pytest.mark.parametrize(("accounts", "rows"), [(3, 150), (3, 400), (5, 250)])
async def test_accounts_with_pages_of_transactions_stay_within_the_budget(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    let_pass: LetPass,
    accounts: int,
    rows: int,
) -> None:
    cleo = bank.add_person("Cleo")
    month, now = timedelta(days=30), bank.clock()
    for _account in range(accounts):
        account = bank.open_account(cleo, type="uk_business", balance=10_000_000)
        for row in range(rows):
            bank.pay(account.id, -100, at=now - month + row * month / rows)
    await set_up(hass, sign_in(cleo))
    for _quarter in range(4 * 70):
        await let_pass(timedelta(seconds=15))

    times = [call.at for call in server.requests]
    in_any_window = [
        sum(start <= at < start + timedelta(minutes=5) for at in times) for start in times
    ]
    # At the start nobody knows how many pages there are.
    assert max(in_any_window) <= 24 + accounts
    after_the_start = [
        count
        for count, at in zip(in_any_window, times, strict=True)
        if at > times[0] + timedelta(minutes=5)
    ]
    assert max(after_the_start) <= 24
