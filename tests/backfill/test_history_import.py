"""The history is read while the bank shows it, and resumes wherever it was interrupted."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, override

from aiohttp import web
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.bank import RepairIssue
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN
from custom_components.monzo.transactions import Retention
from custom_components.monzo.transactions.archive_file import ArchiveFile
from sandbox.bank import Bank
from sandbox.behaviour import RateLimit
from sandbox.faults import Exchange, Fault
from sandbox.models import Person
from sandbox.server import Answer, BankServer, Edited
from tests.backfill.old_customer import OldCustomer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.archive_reader import archive_path, archived_ids, archived_rows
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import HeldResponse, entity_id, set_up, shown, value
from tests.helpers.transaction_listener import Listener

EVERYTHING = {CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING}

TRANSACTIONS = "/transactions"


@dataclass(frozen=True)
class Before(Fault):
    """Does something before the bank executes the request."""

    action: Callable[[], None]

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        self.action()
        return await exchange.work()


@pytest.fixture
def customer(bank: Bank) -> OldCustomer:
    """Return a customer of three years."""
    return OldCustomer(bank)


def close_window(server: BankServer) -> None:
    """Show only the last 89 days from now on."""
    server.behaviour = replace(server.behaviour, full_history=timedelta(-1))


def open_window(server: BankServer, person: Person) -> None:
    """Show everything, as after a new sign-in."""
    server.behaviour = replace(server.behaviour, full_history=timedelta(minutes=5))
    server.approve(person)
    for grant in server.sign_ins.active(person):
        grant.approved_at = server.bank.clock()


def repair(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(
        DOMAIN, f"{RepairIssue.HISTORY_INCOMPLETE}_{entry.entry_id}"
    )


def pages(server: BankServer) -> int:
    return len(server.requests_to("GET", TRANSACTIONS))


async def test_the_whole_history_is_read_after_a_sign_in_and_reported_by_nothing(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(customer.person, options=EVERYTHING)
    await set_up(hass, entry)

    assert archived_ids(hass, customer.account) == customer.ids()
    assert all(row["reported"] for row in archived_rows(archive_path(hass), customer.account))
    progress = shown(hass, customer.person.user_id, "history")
    assert progress.state == "100"
    assert (progress.attributes["years"], progress.attributes["years_read"]) == (3.0, 3.0)
    assert not progress.attributes["running"]
    assert repair(hass, entry) is None
    assert shown(hass, customer.account.id, "transaction", "event").state == "unknown"
    # One request for a hundred rows, and a few for the ends of spans.
    assert pages(server) <= 15 + 10
    # Its requests leave the budget of the polls alone.
    assert entry.runtime_data.session.budget.left >= 15

    # Nothing is read again after a restart, and payments are reported as ever.
    listener = Listener(hass, customer.account)
    await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    await advance_time(timedelta(minutes=1))
    before = pages(server)
    await set_up(hass, entry)
    row = customer.bank.pay(customer.account.id, -350)
    await advance_time(timedelta(minutes=2))
    assert listener.heard == [row.id]
    assert pages(server) <= before + 3
    assert archived_ids(hass, customer.account) == customer.ids()


async def test_without_the_users_choice_nothing_old_is_asked_for_or_kept(
    hass: HomeAssistant, customer: OldCustomer, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    assert pages(server) == 1
    assert entity_id(hass, customer.person.user_id, "history") is None
    month = customer.bank.clock() - timedelta(days=32)
    assert archived_ids(hass, customer.account) == customer.ids(since=month)


async def test_only_what_the_user_keeps_is_read(
    hass: HomeAssistant, customer: OldCustomer, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(customer.person, options={CONF_KEEP_TRANSACTIONS: Retention.THIRTEEN_MONTHS})
    await set_up(hass, entry)
    since = customer.bank.clock() - timedelta(days=397)
    assert archived_ids(hass, customer.account) == customer.ids(since=since)
    assert value(hass, customer.person.user_id, "history") == "100"


@pytest.mark.parametrize("killed_at", [2, 3, 7, 12])
async def test_an_import_that_is_killed_at_any_page_resumes_there(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    killed_at: int,
) -> None:
    entry = sign_in(customer.person, options=EVERYTHING)
    held = HeldResponse()
    server.fail("GET", TRANSACTIONS, held, after=killed_at)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await held.arrived.wait()
    assert shown(hass, customer.person.user_id, "history").attributes["running"]
    known = archived_ids(hass, customer.account)
    assert 0 < len(known) < len(customer.ids())
    await hass.config_entries.async_unload(entry.entry_id)
    held.released.set()
    forget_process_memory(hass)
    await advance_time(timedelta(minutes=1))
    await set_up(hass, entry)

    assert archived_ids(hass, customer.account) == customer.ids()
    # The page that was lost, and the newest page after the restart.
    assert pages(server) <= 15 + 10 + 2
    assert shown(hass, customer.account.id, "transaction", "event").state == "unknown"


async def test_a_window_that_closes_leaves_the_rest_to_the_next_sign_in(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(customer.person, options=EVERYTHING)
    server.fail("GET", TRANSACTIONS, Before(lambda: close_window(server)), after=8)
    await set_up(hass, entry)
    for _minute in range(10):
        await advance_time(timedelta(minutes=1))

    known = archived_ids(hass, customer.account)
    visible = customer.bank.clock() - timedelta(days=88)
    assert known[-len(customer.ids(since=visible)) :] == customer.ids(since=visible)
    # The newest transactions were read first.
    assert 400 < len(known) < 1_000
    issue = repair(hass, entry)
    assert issue is not None
    placeholders = issue.translation_placeholders or {}
    assert placeholders["name"] == "Cleo Cooper"
    assert placeholders["years"] == "3"
    assert 1 < float(placeholders["read"]) < 2
    assert 30 < int(value(hass, customer.person.user_id, "history")) < 70

    # A restart asks once whether the window is open.
    await hass.config_entries.async_reload(entry.entry_id)
    before = pages(server)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert pages(server) <= before + 2
    assert repair(hass, entry) is not None

    open_window(server, customer.person)
    before = pages(server)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert archived_ids(hass, customer.account) == customer.ids()
    assert repair(hass, entry) is None
    assert pages(server) <= before + 18
    assert value(hass, customer.person.user_id, "history") == "100"


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_rate_limit_is_waited_for_once(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    refusals: int,
) -> None:
    entry = sign_in(customer.person, options=EVERYTHING)
    for number in range(refusals):
        server.fail("GET", TRANSACTIONS, Answer.rate_limited("30"), after=5 + 3 * number)
    await set_up(hass, entry)
    assert 200 < len(archived_ids(hass, customer.account)) < 700
    assert repair(hass, entry) is None
    customer.bank.pay(customer.account.id, -350)
    for _half_minute in range(6):
        await advance_time(timedelta(seconds=30))

    balance = f"{customer.account.balance / 100:.2f}"
    assert value(hass, customer.account.id, "balance") == balance
    if refusals == 1:
        assert archived_ids(hass, customer.account) == customer.ids()
        assert repair(hass, entry) is None
        return
    assert len(archived_ids(hass, customer.account)) < 1_000
    # What the bank always shows is read once the rest is out of reach.
    for _minute in range(10):
        await advance_time(timedelta(minutes=1))
    since = customer.bank.clock() - timedelta(days=88)
    visible = [
        row.id for row in customer.bank.transactions(customer.account.id) if row.created > since
    ]
    assert archived_ids(hass, customer.account)[-len(visible) :] == visible
    assert len(archived_ids(hass, customer.account)) < 1_000
    assert repair(hass, entry) is not None


async def test_a_bank_that_limits_requests_gets_few_more_and_balances_stay_current(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    server.behaviour = replace(server.behaviour, rate_limit=RateLimit(requests=20))
    entry = sign_in(customer.person, options=EVERYTHING)
    await set_up(hass, entry)
    for _minute in range(8):
        await advance_time(timedelta(minutes=1))
    # The import asks once more, and then polls only try once a minute.
    assert sum(request.status == 429 for request in server.requests) <= 8
    read = len(archived_ids(hass, customer.account))
    assert 500 < read < 1_500
    assert repair(hass, entry) is not None

    # Only the import has used up what the bank allows, and only once.
    server.requests.clear()
    customer.bank.pay(customer.account.id, -350)
    for _minute in range(5):
        await advance_time(timedelta(minutes=1))
    balance = f"{customer.account.balance / 100:.2f}"
    assert value(hass, customer.account.id, "balance") == balance
    assert len(archived_ids(hass, customer.account)) == read + 1
    assert all(request.status == 200 for request in server.requests)


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_transaction_that_cannot_be_read_asks_for_no_sign_in_that_would_not_help(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    restarts: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    broken = customer.ids()[200]

    def spoil(page: dict[str, Any]) -> dict[str, Any]:
        for row in page["transactions"]:
            if row["id"] == broken:
                row["amount"] = "much"
        return page

    server.fail("GET", TRANSACTIONS, Edited(spoil), times=None)
    entry = sign_in(customer.person, options=EVERYTHING)
    await set_up(hass, entry)
    if restarts:
        close_window(server)
        await hass.config_entries.async_unload(entry.entry_id)
        forget_process_memory(hass)
        await set_up(hass, entry)

    assert archived_ids(hass, customer.account) == [it for it in customer.ids() if it != broken]
    assert value(hass, customer.person.user_id, "history") == "100"
    assert repair(hass, entry) is None
    # The sums of that time are still said to be incomplete.
    (row,) = (it for it in customer.bank.transactions(customer.account.id) if it.id == broken)
    past = await entry.runtime_data.transactions.sums.async_past_spending(
        customer.account.id, row.created - timedelta(days=1), row.created + timedelta(days=1)
    )
    assert past is None

    # The next sign-in tries again.
    server.clear_faults()
    open_window(server, customer.person)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert archived_ids(hass, customer.account) == customer.ids()


async def test_an_import_survives_a_hiccup_of_the_bank(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(customer.person, options=EVERYTHING)
    server.fail("GET", TRANSACTIONS, Answer.html(502), after=6)
    await set_up(hass, entry)
    assert len(archived_ids(hass, customer.account)) < 1_000
    await advance_time(timedelta(seconds=6))
    assert archived_ids(hass, customer.account) == customer.ids()
    assert repair(hass, entry) is None


async def test_a_joint_account_of_two_people_is_read_once(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
) -> None:
    partner = customer.bank.add_person("Dan Cooper")
    joint = customer.open(years=2, rows=900, owners=(customer.person, partner))
    first = sign_in(customer.person, options=EVERYTHING)
    await set_up(hass, first)
    assert archived_ids(hass, joint) == customer.ids(joint)
    read = len([it for it in server.requests if it.query.get("account_id") == joint.id])
    second = sign_in(partner, options=EVERYTHING)
    await set_up(hass, second)

    again = [it for it in server.requests if it.query.get("account_id") == joint.id][read:]
    assert not [it for it in again if it.path == TRANSACTIONS]
    assert value(hass, partner.user_id, "history") == "100"


async def test_an_account_of_which_the_bank_shows_everything_anyway_needs_no_window(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    customer = OldCustomer(bank, years=0.2, rows=400)
    entry = sign_in(customer.person, options=EVERYTHING)
    close_window(server)
    await set_up(hass, entry)
    for _minute in range(10):
        await advance_time(timedelta(minutes=1))
    assert archived_ids(hass, customer.account) == customer.ids()
    assert repair(hass, entry) is None


async def test_a_full_disk_ends_the_import(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ArchiveFile, "run", fail)
    entry = sign_in(customer.person, options=EVERYTHING)
    await set_up(hass, entry)
    # The newest page alone.
    assert pages(server) == 1
    assert value(hass, customer.account.id, "balance") != "unavailable"


async def test_unloading_ends_the_import(
    hass: HomeAssistant, customer: OldCustomer, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(customer.person, options=EVERYTHING)
    held = HeldResponse()
    server.fail("GET", TRANSACTIONS, held, after=4)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await held.arrived.wait()
    await hass.config_entries.async_unload(entry.entry_id)
    held.released.set()
    before = pages(server)
    async with asyncio.timeout(10):
        await hass.async_block_till_done(wait_background_tasks=True)
    assert pages(server) == before
    assert repair(hass, entry) is None
