"""Polling of accounts, balances and pots: request frequency, failures and log privacy."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
import logging
import math
from typing import Any, Literal

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.monzo.accounts.coordinator import BalancesCoordinator
from custom_components.monzo.api import MonzoError
from custom_components.monzo.bank.repair_issues import RepairIssue
from custom_components.monzo.const import DOMAIN
from sandbox.bank import Account, Bank, Person
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, Edited, Fault, Truncated
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import ByAccount, Together, entity_id, set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock

# Longer than the polling interval for up to five accounts.
ONE_POLL = timedelta(minutes=2)

# Paths that the balances coordinator fetches. The transactions coordinator has its own tests.
POLLED_PATHS = {"/accounts", "/balance", "/pots"}

TEMPORARY_FAULTS = {
    "a proxy's error page": Answer.html(502),
    "a broken connection": DropBefore(),
    "half an answer": Truncated(),
    "garbage": Answer.garbage(),
    "an empty answer": Answer(200),
    "null": Answer.json(None),
    "an internal error of the bank": Answer.error("internal_service"),
}

REFUSALS = {
    "not permitted": Answer.error("forbidden.insufficient_permissions"),
    "not found": Answer.error("not_found.account_not_found"),
    "bad request": Answer.error("bad_request.bad_param.account_id"),
}


@dataclass
class Customer:
    """A person with accounts, one pot in each, and the requests of their config entry."""

    bank: Bank
    server: BankServer
    person: Person
    accounts: list[Account]
    entry: MockConfigEntry
    _requests_counted: int = 0

    def poll_requests_since_last_call(self) -> Counter[str]:
        """Return the number of requests per polled path since the last call."""
        return Counter(
            {
                path: n
                for path, n in self.all_requests_since_last_call().items()
                if path in POLLED_PATHS
            }
        )

    def all_requests_since_last_call(self) -> Counter[str]:
        """Return the number of requests per path since the last call."""
        new, self._requests_counted = (
            self.server.requests[self._requests_counted :],
            len(self.server.requests),
        )
        return Counter(call.path for call in new)

    def fail_accounts(self, faults: Mapping[str, Fault]) -> None:
        """Apply faults to all balance and pot requests, by account ID."""
        for path in ("/balance", "/pots"):
            self.server.fail("GET", path, ByAccount(faults), times=None)


@pytest.fixture
def open_customer(
    hass: HomeAssistant, bank: Bank, server: BankServer, sign_in: SignIn
) -> Callable[[int], Customer]:
    """Return a factory for a customer with the given number of accounts."""

    def open_customer(count: int) -> Customer:
        person = bank.add_person("Cleo Carter")
        accounts = [
            bank.open_account(person, type="uk_business", balance=10_000 + number)
            for number in range(count)
        ]
        for account in accounts:
            bank.open_pot(account.id, "Taxes", balance=5_000)
        return Customer(bank, server, person, accounts, sign_in(person))

    return open_customer


@pytest.fixture
async def cleo(
    hass: HomeAssistant, open_customer: Callable[[int], Customer], advance_time: AdvanceTime
) -> Customer:
    """Return a customer with three accounts whose config entry is loaded."""
    customer = open_customer(3)
    await set_up(hass, customer.entry)
    assert customer.entry.state is ConfigEntryState.LOADED
    customer.poll_requests_since_last_call()
    return customer


def new_log_messages(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """Return the log messages of the integration since the last call."""
    records = [
        record
        for record in caplog.records
        if record.name.startswith("custom_components.monzo") and record.levelno >= level
    ]
    caplog.clear()
    return [record.getMessage() for record in records]


def repair_issues(hass: HomeAssistant) -> list[str]:
    """Return the repair issue IDs, except for a missing external URL."""
    return [
        issue for _, issue in ir.async_get(hass).issues if RepairIssue.NO_EXTERNAL_URL not in issue
    ]


def reauth_flows(hass: HomeAssistant) -> list[Any]:
    return [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_REAUTH
    ]


# Requests


@pytest.mark.parametrize("accounts", [1, 3, 7])
async def test_set_up_sends_two_rounds_of_parallel_requests_and_a_poll_sends_one(
    hass: HomeAssistant,
    open_customer: Callable[[int], Customer],
    advance_time: AdvanceTime,
    accounts: int,
) -> None:
    customer = open_customer(accounts)
    first = customer.server.fail(
        "GET", "/[bp]*", Together(asyncio.Barrier(2 * accounts)), times=2 * accounts
    )

    await set_up(hass, customer.entry)

    assert first.met == 2 * accounts
    assert customer.poll_requests_since_last_call() == {
        "/accounts": 1,
        "/balance": accounts,
        "/pots": accounts,
    }
    customer.server.fail("GET", "/balance", Together(asyncio.Barrier(accounts)), times=accounts)
    await advance_time(timedelta(minutes=6))
    assert customer.entry.runtime_data.balances.last_update_success
    assert customer.poll_requests_since_last_call() == {"/balance": accounts}


async def test_three_accounts_are_polled_every_minute(
    cleo: Customer, advance_time: AdvanceTime
) -> None:
    for _minute in range(5):
        await advance_time(timedelta(seconds=61))
        assert cleo.poll_requests_since_last_call() == {"/balance": 3}


async def test_pots_are_fetched_after_a_pot_deposit(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    account = cleo.accounts[1]
    (pot,) = cleo.bank.pots_of(account.id)
    cleo.bank.deposit(pot.id, account.id, 1_234, "by hand in the app")

    await advance_time(ONE_POLL)

    assert value(hass, pot.id, "pot_balance") == "62.34"
    assert cleo.poll_requests_since_last_call() == {"/balance": 3, "/pots": 1}
    await advance_time(ONE_POLL)
    assert cleo.poll_requests_since_last_call() == {"/balance": 3}


async def test_pots_are_fetched_after_a_round_up(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    account = cleo.accounts[0]
    jar = cleo.bank.open_pot(account.id, "Coin jar", round_up=True)
    cleo.bank.pay(account.id, -340)

    await advance_time(ONE_POLL)

    assert cleo.poll_requests_since_last_call() == {"/balance": 3, "/pots": 1}
    assert value(hass, jar.id, "pot_balance") == "0.60"


async def test_pots_are_not_fetched_after_a_card_payment(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.bank.pay(cleo.accounts[0].id, -1_000)

    await advance_time(ONE_POLL)

    assert cleo.poll_requests_since_last_call() == {"/balance": 3}
    assert value(hass, cleo.accounts[0].id, "balance") == "90.00"


async def test_a_pot_change_that_moves_no_money_is_shown_within_eleven_minutes(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    (pot,) = cleo.bank.pots_of(cleo.accounts[0].id)
    cleo.bank.set_locked(pot.id, locked=True)

    await advance_time(timedelta(minutes=9, seconds=50))
    assert cleo.poll_requests_since_last_call() == {"/balance": 3}
    await advance_time(timedelta(seconds=61))

    assert cleo.poll_requests_since_last_call() == {"/balance": 3, "/pots": 3}
    assert value(hass, pot.id, "locked", "binary_sensor") == "off"


async def test_the_list_of_accounts_is_fetched_every_hour(
    cleo: Customer, advance_time: AdvanceTime
) -> None:
    for _tenth in range(9):
        await advance_time(timedelta(minutes=6))
    assert cleo.poll_requests_since_last_call()["/accounts"] == 0

    await advance_time(timedelta(minutes=6))

    assert cleo.poll_requests_since_last_call()["/accounts"] == 1


@pytest.mark.parametrize("accounts", [1, 3, 7, 12, 30])
async def test_two_hours_of_polling_stay_within_the_request_budget(
    hass: HomeAssistant,
    open_customer: Callable[[int], Customer],
    freezer: StoppedClock,
    advance_time: AdvanceTime,
    accounts: int,
) -> None:
    customer = open_customer(accounts)
    requests = customer.server.requests
    await set_up(hass, customer.entry)
    end = customer.bank.clock() + timedelta(hours=2)

    while (now := customer.bank.clock()) < end:
        # Move in small steps because timers fire up to a second early.
        freezer.move_to(now + customer.entry.runtime_data.balances.update_interval)
        freezer.tick(timedelta(seconds=-1))
        before = len(requests)
        for _step in range(4):
            freezer.tick(timedelta(seconds=0.5))
            async_fire_time_changed(hass)
            await asyncio.sleep(0)
            await hass.async_block_till_done(wait_background_tasks=True)
            # The transactions coordinator has its own timer, which may fire first.
            if any(call.path == "/balance" for call in requests[before:]):
                break

    times = [call.at for call in requests]
    requests_per_window = [
        sum(start <= at < start + timedelta(minutes=5) for at in times) for start in times
    ]
    assert max(requests_per_window) <= 24
    requests_per_hour = Counter((at - times[0]) // timedelta(hours=1) for at in times)
    assert max(requests_per_hour.values()) <= (240 if accounts <= 3 else 288)
    assert value(hass, customer.person.user_id, "total") == str(
        sum(account.balance + 5_000 for account in customer.accounts) / 100
    ).ljust(6, "0")
    for account in customer.accounts:
        for path, most in (("/balance", 20), ("/pots", 25)):
            request_times = [
                call.at
                for call in requests
                if call.path == path and account.id in call.query.values()
            ]
            gaps = [later - earlier for earlier, later in pairwise(request_times)]
            assert max(gaps) <= timedelta(minutes=most)


async def test_a_poll_sends_nothing_and_still_fails_when_the_request_budget_is_used_up(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
) -> None:
    balances: BalancesCoordinator = cleo.entry.runtime_data.balances
    cleo.server.fail("*", "*", DropBefore(), times=None)
    await advance_time(ONE_POLL)
    assert not balances.last_update_success
    while balances.session.budget.left:
        await balances.async_refresh()
    cleo.server.clear_faults()
    cleo.poll_requests_since_last_call()

    await balances.async_refresh()

    assert not cleo.poll_requests_since_last_call()
    assert not balances.last_update_success
    await advance_time(timedelta(minutes=6))
    assert balances.last_update_success


async def test_unchanged_states_are_not_written(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    reports: list[object] = []
    hass.bus.async_listen(
        EVENT_STATE_REPORTED,
        callback(lambda event: reports.append(event)),  # noqa: PLW0108 - must be a function
        event_filter=callback(lambda _data: True),
    )
    changes: list[Event[Any]] = async_capture_events(hass, EVENT_STATE_CHANGED)

    await advance_time(ONE_POLL)
    assert cleo.poll_requests_since_last_call() == {"/balance": 3}
    assert (reports, changes) == ([], [])

    cleo.bank.pay(cleo.accounts[0].id, -100)
    await advance_time(ONE_POLL)
    assert {event.data["entity_id"] for event in changes} == {
        entity_id(hass, cleo.accounts[0].id, "balance"),
        entity_id(hass, cleo.accounts[0].id, "total_balance"),
        entity_id(hass, cleo.accounts[0].id, "spend_today"),
        entity_id(hass, cleo.accounts[0].id, "spent_this_week"),
        entity_id(hass, cleo.accounts[0].id, "spent_this_month"),
        entity_id(hass, cleo.person.user_id, "total"),
        entity_id(hass, cleo.accounts[0].id, "transaction", "event"),
    }


async def test_refreshing_one_account_updates_it_at_once_and_does_not_delay_the_poll(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    account = cleo.accounts[2]
    (pot,) = cleo.bank.pots_of(account.id)
    cleo.bank.deposit(pot.id, account.id, 100, "moved")
    await advance_time(timedelta(seconds=50))

    await cleo.entry.runtime_data.balances.async_refresh_account(account.id, since=math.inf)

    await hass.async_block_till_done()
    assert value(hass, pot.id, "pot_balance") == "51.00"
    assert cleo.poll_requests_since_last_call() == {"/balance": 1, "/pots": 1}
    await advance_time(timedelta(seconds=11))
    # The pots are fetched again because the order of the two answers is unknown.
    assert cleo.poll_requests_since_last_call() == {"/balance": 3, "/pots": 1}


async def test_a_poll_and_a_refresh_of_one_account_can_overlap(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    balances: BalancesCoordinator = cleo.entry.runtime_data.balances
    cleo.bank.pay(cleo.accounts[0].id, -1_000)

    await asyncio.gather(
        balances.async_refresh(),
        balances.async_refresh_account(cleo.accounts[0].id, since=math.inf),
        balances.async_refresh(),
    )

    await hass.async_block_till_done()
    assert value(hass, cleo.accounts[0].id, "balance") == "90.00"
    assert balances.last_update_success


# Failures


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS.values(), ids=TEMPORARY_FAULTS)
async def test_a_request_that_fails_once_is_repeated_without_a_log_message(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    for path, balance in (("/balance", "90.00"), ("/pots", "80.00"), ("/accounts", "70.00")):
        cleo.bank.pay(cleo.accounts[0].id, -1_000)
        handle = cleo.server.fail("GET", path, fault)

        await advance_time(timedelta(hours=1, minutes=1))

        assert handle.met == 1
        assert cleo.poll_requests_since_last_call() == Counter(
            {"/accounts": 1, "/balance": 3, "/pots": 3}
        ) + Counter([path])
        assert value(hass, cleo.accounts[0].id, "balance") == balance
        assert value(hass, cleo.person.user_id, "total") != STATE_UNKNOWN
        assert new_log_messages(caplog) == []


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS.values(), ids=TEMPORARY_FAULTS)
async def test_set_up_succeeds_when_requests_fail_once(
    hass: HomeAssistant,
    open_customer: Callable[[int], Customer],
    advance_time: AdvanceTime,
    fault: Fault,
) -> None:
    customer = open_customer(1)
    customer.server.fail("GET", "/accounts", fault)
    customer.server.fail("GET", "/balance", fault)

    await set_up(hass, customer.entry)

    assert customer.entry.state is ConfigEntryState.LOADED
    assert value(hass, customer.accounts[0].id, "balance") == "100.00"


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS.values(), ids=TEMPORARY_FAULTS)
async def test_repeated_failures_make_entities_unavailable_and_are_logged_once(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    cleo.server.fail("*", "*", fault, times=None)

    for _poll in range(4):
        await advance_time(ONE_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "total") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "off"
    assert len(new_log_messages(caplog)) == 1
    # Each read is repeated once in the first failed poll only, so that an outage does not double
    # the requests.
    assert cleo.poll_requests_since_last_call() == {"/balance": 6 + 3 * 3}
    assert not reauth_flows(hass)

    cleo.server.clear_faults()
    await advance_time(ONE_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "on"
    assert new_log_messages(caplog) == ["Fetching monzo balances data recovered"]


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
async def test_a_refused_account_does_not_affect_other_accounts(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    refused, *others = cleo.accounts
    cleo.fail_accounts({refused.id: fault})
    await advance_time(ONE_POLL)
    warnings = new_log_messages(caplog)
    cleo.poll_requests_since_last_call()

    for _minute in range(29):
        await advance_time(ONE_POLL)

    assert value(hass, refused.id, "balance") == STATE_UNAVAILABLE
    assert value(hass, refused.id, "spend_today") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN
    for account in others:
        assert value(hass, account.id, "balance") != STATE_UNAVAILABLE
    # Also the refused one: after one, five, fifteen and sixty minutes.
    assert cleo.poll_requests_since_last_call()["/balance"] == 29 * 2 + 3
    assert len(warnings) == 1
    assert warnings[0].startswith("Could not fetch the balance of an account: ")
    assert new_log_messages(caplog) == []
    assert not reauth_flows(hass)
    assert not repair_issues(hass)

    cleo.server.clear_faults()
    await advance_time(timedelta(minutes=30))

    assert value(hass, refused.id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "total") == "450.03"
    assert new_log_messages(caplog) == ["Fetching the balance of an account works again"]


async def test_an_account_that_is_refused_once_is_back_after_a_minute(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    account = cleo.accounts[0]
    cleo.server.fail("GET", "/balance", ByAccount({account.id: REFUSALS["not permitted"]}), times=3)
    await advance_time(timedelta(seconds=62))
    assert value(hass, account.id, "balance") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "off"

    await advance_time(timedelta(seconds=60))

    assert value(hass, account.id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "on"
    assert value(hass, cleo.person.user_id, "total") == "450.03"


async def test_a_refused_account_is_asked_ever_more_rarely(
    cleo: Customer, advance_time: AdvanceTime
) -> None:
    account = cleo.accounts[0]
    cleo.fail_accounts({account.id: REFUSALS["not permitted"]})
    start = cleo.bank.clock()
    cleo.server.requests.clear()

    for _half_minute in range(2 * 60 * 4):
        await advance_time(timedelta(seconds=30))

    tries = [
        round((call.at - start).total_seconds() / 60)
        for call in cleo.server.requests_to("GET", "/balance")
        if account.id in call.query.values()
    ]
    assert [later - earlier for earlier, later in pairwise(tries)] == [1, 5, 15, 60, 60, 60]


UNREADABLE: Mapping[str, Literal["forbidden", "error", "empty", "no spend_today"]] = {
    "403": "forbidden",
    "500": "error",
    "an empty object": "empty",
    "no spend_today": "no spend_today",
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_the_total_ignores_an_account_that_could_never_be_read(
    hass: HomeAssistant,
    open_customer: Callable[[int], Customer],
    advance_time: AdvanceTime,
    answer: Literal["forbidden", "error", "empty", "no spend_today"],
) -> None:
    customer = open_customer(2)
    loan = customer.bank.open_account(customer.person, type="uk_loan", balance=-500_000)
    customer.server.behaviour = replace(
        customer.server.behaviour,
        unreadable_balance=frozenset({"uk_loan"}),
        unreadable_balance_answer=answer,
    )

    await set_up(hass, customer.entry)
    for _hour in range(2):
        await advance_time(timedelta(hours=1))
        assert entity_id(hass, loan.id, "balance") is None
        assert value(hass, customer.person.user_id, "total") == "300.01"
        assert value(hass, customer.person.user_id, "connection", "binary_sensor") == "on"


@pytest.mark.parametrize("path", ["/balance", "/pots"])
@pytest.mark.parametrize("fault", [Answer.html(502), *REFUSALS.values()])
async def test_the_total_is_unknown_if_an_account_becomes_unreadable_before_a_restart(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, path: str, fault: Fault
) -> None:
    account = cleo.accounts[0]
    cleo.server.fail("GET", path, ByAccount({account.id: fault}), times=None)

    await hass.config_entries.async_reload(cleo.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "off"
    cleo.server.clear_faults()
    await advance_time(timedelta(seconds=62))
    assert value(hass, cleo.person.user_id, "total") == "450.03"


async def test_a_failed_read_is_repeated_every_minute_whatever_else_uses_the_budget(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    """While webhooks arrive, the next poll can be five minutes away."""
    runtime = cleo.entry.runtime_data
    runtime.webhook_status.update(arriving=True)
    await advance_time(ONE_POLL)
    account = cleo.accounts[0]
    cleo.fail_accounts({account.id: Answer.html(502)})
    with pytest.raises(MonzoError):
        await runtime.balances.async_refresh_if_older_than((account.id,), math.inf)
    await hass.async_block_till_done()
    assert value(hass, account.id, "balance") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "off"
    while runtime.session.budget.left:
        await runtime.session.who_am_i()

    cleo.server.clear_faults()
    await advance_time(timedelta(seconds=62))

    assert value(hass, account.id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "on"


async def test_a_poll_without_room_in_the_budget_proves_nothing(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    runtime = cleo.entry.runtime_data
    before = runtime.balances.last_polled
    while runtime.session.budget.left:
        await runtime.session.who_am_i()
    await advance_time(timedelta(seconds=62))

    assert not cleo.poll_requests_since_last_call()
    assert runtime.balances.last_polled == before
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


@pytest.mark.parametrize("issue", [RepairIssue.EVICTED, RepairIssue.NOT_APPROVED])
async def test_a_repair_issue_stays_until_a_balance_is_read(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, issue: RepairIssue
) -> None:
    runtime = cleo.entry.runtime_data
    if issue is RepairIssue.EVICTED:
        cleo.server.evict(cleo.person)
    else:
        cleo.server.fail("GET", "/balance", REFUSALS["not permitted"], times=None)
    await advance_time(timedelta(seconds=62))
    for _poll in range(3):
        while runtime.session.budget.left:
            with suppress(MonzoError):
                await runtime.session.who_am_i()
        await runtime.balances.async_refresh()
        await advance_time(timedelta(seconds=62))

        assert ir.async_get(hass).async_get_issue(DOMAIN, f"{issue}_{cleo.entry.entry_id}")
        assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE


async def test_a_failing_account_does_not_affect_other_accounts(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, caplog: pytest.LogCaptureFixture
) -> None:
    broken, *others = cleo.accounts
    cleo.fail_accounts({broken.id: Answer.html(502)})

    for _poll in range(4):
        await advance_time(ONE_POLL)
        assert value(hass, broken.id, "balance") == STATE_UNAVAILABLE
        assert value(hass, others[0].id, "balance") == "100.01"
        assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "off"

    assert len(new_log_messages(caplog)) == 1
    cleo.server.clear_faults()
    await advance_time(ONE_POLL)
    assert value(hass, broken.id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "on"
    assert len(new_log_messages(caplog)) == 1


async def test_unreadable_pots_do_not_affect_the_account_balance(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, caplog: pytest.LogCaptureFixture
) -> None:
    (pot,) = cleo.bank.pots_of(cleo.accounts[0].id)
    cleo.server.fail("GET", "/pots", Answer.html(503), times=None)

    await advance_time(timedelta(minutes=11))

    assert value(hass, pot.id, "pot_balance") == STATE_UNAVAILABLE
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN
    cleo.server.clear_faults()
    await advance_time(ONE_POLL)
    assert value(hass, pot.id, "pot_balance") == "50.00"
    assert value(hass, cleo.person.user_id, "total") == "450.03"


async def test_known_accounts_stay_when_the_list_of_accounts_cannot_be_read(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, caplog: pytest.LogCaptureFixture
) -> None:
    cleo.server.fail("GET", "/accounts", Answer.html(502), times=None)

    await advance_time(timedelta(hours=1, minutes=1))

    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"
    (line,) = new_log_messages(caplog)
    assert line.startswith("Could not fetch the list of accounts: ")


@pytest.mark.parametrize("path", ["*", "/balance"], ids=["everything", "all balances"])
async def test_missing_permissions_create_an_approval_issue_instead_of_reauthentication(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, path: str
) -> None:
    cleo.server.fail("GET", path, REFUSALS["not permitted"], times=None)

    await advance_time(ONE_POLL)

    issues = ir.async_get(hass)
    issue_id = f"{RepairIssue.NOT_APPROVED}_{cleo.entry.entry_id}"
    assert issues.async_get_issue(DOMAIN, issue_id)
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert not reauth_flows(hass)

    cleo.server.clear_faults()
    await advance_time(ONE_POLL)

    assert issues.async_get_issue(DOMAIN, issue_id) is None
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_set_up_is_retried_when_access_is_not_approved(
    hass: HomeAssistant, bank: Bank, server: BankServer, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    person = bank.add_person("Cleo Carter")
    bank.open_account(person)
    entry = sign_in(person)
    server.fail("GET", "/accounts", REFUSALS["not permitted"], times=None)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "not_approved"
    assert not reauth_flows(hass)


async def test_failing_accounts_with_one_refused_account_create_no_approval_issue(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    refused, *others = cleo.accounts
    cleo.fail_accounts(
        {account.id: Answer.html(502) for account in others}
        | {refused.id: REFUSALS["not permitted"]}
    )

    await advance_time(ONE_POLL)

    assert value(hass, refused.id, "balance") == STATE_UNAVAILABLE
    assert value(hass, others[0].id, "balance") == STATE_UNAVAILABLE
    assert not repair_issues(hass)


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [("400", timedelta(seconds=400)), (None, timedelta(seconds=60))],
    ids=["with a duration", "without a duration"],
)
async def test_polling_pauses_for_the_time_of_a_rate_limit(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    retry_after: str | None,
    pause: timedelta,
) -> None:
    cleo.server.fail("*", "*", Answer.rate_limited(retry_after), times=3)
    await advance_time(timedelta(seconds=61))
    assert cleo.poll_requests_since_last_call() == {"/balance": 3}
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE

    await advance_time(pause - timedelta(seconds=2))
    assert not cleo.poll_requests_since_last_call()
    await advance_time(timedelta(seconds=4))
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_a_rate_limit_for_one_account_pauses_all_accounts(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.server.fail("GET", "/balance", Answer.rate_limited("90"), after=1)

    await advance_time(timedelta(seconds=61))
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    await advance_time(timedelta(seconds=92))

    for account in cleo.accounts:
        assert value(hass, account.id, "balance") != STATE_UNAVAILABLE


async def test_invalid_records_are_skipped_and_counted(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    def with_nonsense(data: dict[str, Any]) -> dict[str, Any]:
        return {key: [*rows, {"id": 7}, None] for key, rows in data.items()}

    cleo.server.fail("GET", "/pots", Edited(with_nonsense), times=None)
    cleo.server.fail("GET", "/accounts", Edited(with_nonsense), times=None)

    await advance_time(timedelta(hours=1, minutes=1))

    assert cleo.entry.runtime_data.balances.health == {
        "records_skipped": 8,
        "reads_failed": 0,
        "reads_refused": 0,
    }
    assert value(hass, cleo.person.user_id, "total") == "450.03"


async def test_polling_continues_after_an_unexpected_exception(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def balance(account_id: str) -> None:
        await asyncio.sleep(0)
        message = "a bug"
        raise LookupError(message)

    with monkeypatch.context() as patched:
        patched.setattr(cleo.entry.runtime_data.session, "balance", balance)
        await advance_time(ONE_POLL)
        assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
        assert "Unexpected error while fetching monzo balances" in caplog.text
        await advance_time(ONE_POLL)

    await advance_time(ONE_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_a_temporary_token_renewal_failure_does_not_start_reauthentication(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.server.expire_access_token(cleo.person)
    cleo.server.fail("POST", "/oauth2/token", Answer.html(502), times=None)

    await advance_time(ONE_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert not reauth_flows(hass)
    cleo.server.clear_faults()
    await advance_time(ONE_POLL)
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_a_sign_in_ended_by_another_program_starts_reauthentication(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.server.evict(cleo.person)

    await advance_time(ONE_POLL)

    assert len(reauth_flows(hass)) == 1
    assert ir.async_get(hass).async_get_issue(
        DOMAIN, f"{RepairIssue.EVICTED}_{cleo.entry.entry_id}"
    )
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    cleo.poll_requests_since_last_call()
    await advance_time(ONE_POLL)
    assert not cleo.poll_requests_since_last_call()


async def test_access_withdrawn_by_the_user_starts_reauthentication(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.server.fail("GET", "/balance", Answer.error("unauthorized.bad_access_token"), times=None)
    cleo.server.fail("POST", "*", Answer.error("unauthorized.bad_refresh_token"), times=None)

    await advance_time(ONE_POLL)

    assert len(reauth_flows(hass)) == 1
    issue_id = f"{RepairIssue.EVICTED}_{cleo.entry.entry_id}"
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (REFUSALS["bad request"], "does not understand"),
        (Answer.garbage(), "does not understand"),
        (DropBefore(), "Home Assistant cannot connect to Monzo"),
        (Answer.html(502), "Home Assistant cannot connect to Monzo"),
        (Answer.error("rate_limited"), "has asked Home Assistant to wait"),
    ],
    ids=["a refusal", "garbage", "no connection", "a proxy's error page", "too many requests"],
)
async def test_the_log_message_names_the_kind_of_error(
    hass: HomeAssistant,
    cleo: Customer,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    expected: str,
) -> None:
    cleo.server.fail("*", "*", fault, times=None)

    await advance_time(ONE_POLL)

    (line,) = new_log_messages(caplog)
    assert expected in line


async def test_the_total_is_unknown_when_known_pots_are_refused(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.server.fail("GET", "/pots", REFUSALS["not found"], times=None)

    await advance_time(timedelta(minutes=11))

    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN


@pytest.mark.parametrize("listed", [False, True], ids=["missing", "invalid"])
async def test_the_total_is_unknown_while_a_pot_is_missing_or_invalid(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime, *, listed: bool
) -> None:
    def without_balances(data: dict[str, Any]) -> dict[str, Any]:
        return {"pots": [{**pot, "balance": "?"} for pot in data["pots"] if listed]}

    before = value(hass, cleo.person.user_id, "total")
    cleo.server.fail("GET", "/pots", Edited(without_balances), times=None)
    await advance_time(timedelta(minutes=11))
    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN

    cleo.server.clear_faults()
    await advance_time(timedelta(minutes=11))
    assert value(hass, cleo.person.user_id, "total") == before


async def test_the_total_includes_an_account_whose_pots_are_refused(
    hass: HomeAssistant, open_customer: Callable[[int], Customer], advance_time: AdvanceTime
) -> None:
    customer = open_customer(1)
    customer.server.fail("GET", "/pots", REFUSALS["not permitted"], times=None)

    await set_up(hass, customer.entry)

    assert value(hass, customer.person.user_id, "total") == "100.00"


async def test_only_the_list_of_accounts_is_polled_when_every_account_is_excluded(
    hass: HomeAssistant, open_customer: Callable[[int], Customer], advance_time: AdvanceTime
) -> None:
    customer = open_customer(2)
    hass.config_entries.async_update_entry(
        customer.entry, options={"excluded_accounts": [account.id for account in customer.accounts]}
    )

    await set_up(hass, customer.entry)
    await advance_time(ONE_POLL)

    assert customer.poll_requests_since_last_call() == {"/accounts": 2}
    assert not hass.states.async_all("sensor")


async def test_the_list_of_accounts_is_polled_until_the_first_account_is_opened(
    hass: HomeAssistant, open_customer: Callable[[int], Customer], advance_time: AdvanceTime
) -> None:
    customer = open_customer(0)
    await set_up(hass, customer.entry)
    assert customer.entry.state is ConfigEntryState.LOADED
    assert value(hass, customer.person.user_id, "connection", "binary_sensor") == "on"
    assert entity_id(hass, customer.person.user_id, "total") is None

    account = customer.bank.open_account(customer.person, balance=4_200)
    await advance_time(ONE_POLL)

    assert value(hass, account.id, "balance") == "42.00"
    assert value(hass, customer.person.user_id, "total") == "42.00"


async def test_an_empty_list_of_accounts_at_set_up_is_fetched_again(
    hass: HomeAssistant, open_customer: Callable[[int], Customer], advance_time: AdvanceTime
) -> None:
    customer = open_customer(2)
    await set_up(hass, customer.entry)
    await hass.config_entries.async_unload(customer.entry.entry_id)
    customer.server.fail("GET", "/accounts", Answer.json({"accounts": []}))

    await set_up(hass, customer.entry)

    assert value(hass, customer.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert value(hass, customer.person.user_id, "total") == STATE_UNAVAILABLE
    await advance_time(ONE_POLL)
    assert value(hass, customer.accounts[0].id, "balance") == "100.00"
    assert value(hass, customer.person.user_id, "total") == "300.01"


# Privacy


async def test_logs_contain_no_private_data(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    entry = sign_in(home.ann)
    secrets = {entry.data["token"]["access_token"], entry.data["token"]["refresh_token"]}
    await set_up(hass, entry)
    for fault in (
        *TEMPORARY_FAULTS.values(),
        *REFUSALS.values(),
        Answer.rate_limited("5"),
        Answer.error("bad_request", f"No {home.current.id} for {home.ann.user_id} at /balance"),
    ):
        for path in ("/balance", "/pots", "/accounts"):
            server.fail("GET", path, fault, times=4)
        for _poll in range(2):
            await advance_time(timedelta(minutes=31))
        server.clear_faults()
        await advance_time(ONE_POLL)
    server.expire_access_token(home.ann)
    await advance_time(ONE_POLL)
    secrets |= {entry.data["token"]["access_token"], entry.data["token"]["refresh_token"]}
    home.bank.close_pot(home.holiday.id)
    home.bank.close_account(home.joint.id)
    await advance_time(timedelta(minutes=61))
    server.evict(home.ann)
    await advance_time(ONE_POLL)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    bank = home.bank
    secrets |= bank.accounts.keys() | bank.pots.keys() | bank.people.keys()
    names = {pot.name for pot in bank.pots.values()} - {"House", "Bills"}
    names |= {person.name for person in bank.people.values()} | {home.ann.first_name}
    amounts = {str(thing.balance) for thing in (home.current, home.rainy_day, home.isa, home.loan)}
    amounts |= {f"{int(amount) / 100:.2f}" for amount in amounts}
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert any(record.levelno == logging.DEBUG for record in ours)
    for record in ours:
        line = logging.Formatter().format(record)
        assert not [secret for secret in secrets | names | amounts if secret in line], line
    # Names are allowed here because Home Assistant logs the entry's title, and the entity registry
    # logs entity IDs.
    for record in caplog.records:
        if (
            record.levelno >= logging.INFO
            and record.name != "homeassistant.helpers.entity_registry"
        ):
            line = logging.Formatter().format(record)
            assert not [secret for secret in secrets | amounts if secret in line], line


async def test_the_connection_sensor_is_off_during_an_outage(
    hass: HomeAssistant, cleo: Customer, advance_time: AdvanceTime
) -> None:
    cleo.server.fail("*", "*", DropBefore(), times=None)
    await advance_time(ONE_POLL)
    assert shown(hass, cleo.person.user_id, "connection", "binary_sensor").state == "off"
