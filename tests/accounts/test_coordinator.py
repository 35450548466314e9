"""What is asked of the bank, how often, and what becomes of it when the bank has a bad day."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
import logging
import math
from typing import Any, override

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
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
from custom_components.monzo.bank.repair_issues import RepairIssue
from custom_components.monzo.const import DOMAIN
from sandbox.bank import Account, Bank, Person
from sandbox.faults import Exchange
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, Edited, Fault, Truncated
from tests.conftest import LetPass, SignIn
from tests.helpers.state_helpers import Together, entity_id, set_up, shown, value

# Longer than the pause between two polls of up to five accounts.
A_POLL = timedelta(minutes=2)

# What the balances' poll asks for; the one of the transactions has its own tests.
POLLED = {"/accounts", "/balance", "/pots"}

NOBODY_NOTICES = {
    "a proxy's error page": Answer.html(502),
    "a broken connection": DropBefore(),
    "half an answer": Truncated(),
    "garbage": Answer.garbage(),
    "nothing": Answer(200),
    "null": Answer.json(None),
    "an error of the bank's own": Answer.error("internal_service"),
}

REFUSALS = {
    "not permitted": Answer.error("forbidden.insufficient_permissions"),
    "not found": Answer.error("not_found.account_not_found"),
    "not wanted like this": Answer.error("bad_request.bad_param.account_id"),
}


@dataclass
class Story:
    """A person with some accounts, each with a pot, and the requests they cause."""

    bank: Bank
    server: BankServer
    person: Person
    accounts: list[Account]
    entry: MockConfigEntry
    _seen: int = 0

    def asked(self) -> Counter[str]:
        """Return how often the poll asked for each of its paths since this was called last."""
        return Counter({path: n for path, n in self.asked_in_all().items() if path in POLLED})

    def asked_in_all(self) -> Counter[str]:
        """Return how often each path was asked for since this was called last."""
        new, self._seen = self.server.requests[self._seen :], len(self.server.requests)
        return Counter(call.path for call in new)

    def break_accounts(self, faults: Mapping[str, Fault]) -> None:
        """Let a fault meet each request about an account, by the account's id."""
        for path in ("/balance", "/pots"):
            self.server.fail("GET", path, ByAccount(faults), times=None)


@dataclass(frozen=True)
class ByAccount(Fault):
    """Other faults for requests about some accounts; the rest is answered as ever."""

    faults: Mapping[str, Fault]

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        for account_id in exchange.request.query.values():
            if account_id in self.faults:
                return await self.faults[account_id].answer(exchange)
        return await exchange.work()


@pytest.fixture
def open_accounts(
    hass: HomeAssistant, bank: Bank, server: BankServer, sign_in: SignIn
) -> Callable[[int], Story]:
    """Return what makes a customer with so many accounts."""
    # These are long stories: watching over the loop would take longer than all that happens in it.
    hass.loop.set_debug(False)

    def open_accounts(count: int) -> Story:
        person = bank.add_person("Cleo Carter")
        accounts = [
            bank.open_account(person, type="uk_business", balance=10_000 + number)
            for number in range(count)
        ]
        for account in accounts:
            bank.open_pot(account.id, "Taxes", balance=5_000)
        return Story(bank, server, person, accounts, sign_in(person))

    return open_accounts


@pytest.fixture
async def cleo(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass
) -> Story:
    """Return a customer with three accounts, set up."""
    story = open_accounts(3)
    await set_up(hass, story.entry)
    assert story.entry.state is ConfigEntryState.LOADED
    story.asked()
    return story


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """Return what the integration has logged since this was called last."""
    records = [
        record
        for record in caplog.records
        if record.name.startswith("custom_components.monzo") and record.levelno >= level
    ]
    caplog.clear()
    return [record.getMessage() for record in records]


def troubles(hass: HomeAssistant) -> list[str]:
    """Return what the user is told to do, apart from giving the house an address."""
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
async def test_set_up_asks_in_two_waves_and_a_poll_in_one(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass, accounts: int
) -> None:
    story = open_accounts(accounts)
    first = story.server.fail(
        "GET", "/[bp]*", Together(asyncio.Barrier(2 * accounts)), times=2 * accounts
    )

    await set_up(hass, story.entry)

    assert first.met == 2 * accounts
    assert story.asked() == {"/accounts": 1, "/balance": accounts, "/pots": accounts}
    story.server.fail("GET", "/balance", Together(asyncio.Barrier(accounts)), times=accounts)
    await let_pass(timedelta(minutes=6))
    assert story.entry.runtime_data.balances.last_update_success
    assert story.asked() == {"/balance": accounts}


async def test_three_accounts_are_polled_every_minute(cleo: Story, let_pass: LetPass) -> None:
    for _minute in range(5):
        await let_pass(timedelta(seconds=61))
        assert cleo.asked() == {"/balance": 3}


async def test_pots_are_asked_for_again_as_soon_as_money_moved_in_one(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    account = cleo.accounts[1]
    (pot,) = cleo.bank.pots_of(account.id)
    cleo.bank.deposit(pot.id, account.id, 1_234, "by hand in the app")

    await let_pass(A_POLL)

    assert value(hass, pot.id, "pot_balance") == "62.34"
    assert cleo.asked() == {"/balance": 3, "/pots": 1}
    await let_pass(A_POLL)
    assert cleo.asked() == {"/balance": 3}


async def test_pots_are_asked_for_again_after_a_payment_was_rounded_up(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    account = cleo.accounts[0]
    jar = cleo.bank.open_pot(account.id, "Coin jar", round_up=True)
    cleo.bank.pay(account.id, -340)

    await let_pass(A_POLL)

    assert cleo.asked() == {"/balance": 3, "/pots": 1}
    assert value(hass, jar.id, "pot_balance") == "0.60"


async def test_an_ordinary_payment_is_no_reason_to_ask_for_the_pots(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.bank.pay(cleo.accounts[0].id, -1_000)

    await let_pass(A_POLL)

    assert cleo.asked() == {"/balance": 3}
    assert value(hass, cleo.accounts[0].id, "balance") == "90.00"


async def test_pots_that_were_only_renamed_are_noticed_within_ten_minutes(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    (pot,) = cleo.bank.pots_of(cleo.accounts[0].id)
    cleo.bank.set_locked(pot.id, locked=True)

    await let_pass(timedelta(minutes=9, seconds=50))
    assert cleo.asked() == {"/balance": 3}
    await let_pass(timedelta(seconds=61))

    assert cleo.asked() == {"/balance": 3, "/pots": 3}
    assert value(hass, pot.id, "locked", "binary_sensor") == "off"


async def test_accounts_are_asked_for_again_every_hour(cleo: Story, let_pass: LetPass) -> None:
    for _tenth in range(9):
        await let_pass(timedelta(minutes=6))
    assert cleo.asked()["/accounts"] == 0

    await let_pass(timedelta(minutes=6))

    assert cleo.asked()["/accounts"] == 1


@pytest.mark.parametrize("accounts", [1, 3, 5, 7, 10, 12, 30])
async def test_two_hours_at_rest_stay_within_the_budget(
    hass: HomeAssistant,
    open_accounts: Callable[[int], Story],
    freezer: FrozenDateTimeFactory,
    let_pass: LetPass,
    accounts: int,
) -> None:
    story = open_accounts(accounts)
    requests = story.server.requests
    await set_up(hass, story.entry)
    end = story.bank.clock() + timedelta(hours=2)

    while (now := story.bank.clock()) < end:
        # Timers go off up to a second early, so move there in small steps.
        freezer.move_to(now + story.entry.runtime_data.balances.update_interval)
        freezer.tick(timedelta(seconds=-1))
        before = len(requests)
        for _step in range(4):
            freezer.tick(timedelta(seconds=0.5))
            async_fire_time_changed(hass)
            await asyncio.sleep(0)
            await hass.async_block_till_done(wait_background_tasks=True)
            # Transactions are asked for by another timer.
            if any(call.path == "/balance" for call in requests[before:]):
                break

    times = [call.at for call in requests]
    in_any_window = [
        sum(start <= at < start + timedelta(minutes=5) for at in times) for start in times
    ]
    assert max(in_any_window) <= 24
    by_the_hour = Counter((at - times[0]) // timedelta(hours=1) for at in times)
    assert max(by_the_hour.values()) <= (240 if accounts <= 3 else 288)
    assert value(hass, story.person.user_id, "total") == str(
        sum(account.balance + 5_000 for account in story.accounts) / 100
    ).ljust(6, "0")
    for account in story.accounts:
        for path, most in (("/balance", 20), ("/pots", 25)):
            asked = [
                call.at
                for call in requests
                if call.path == path and account.id in call.query.values()
            ]
            gaps = [later - earlier for earlier, later in pairwise(asked)]
            assert max(gaps) <= timedelta(minutes=most)


async def test_a_poll_without_room_for_a_request_sends_none_and_mends_nothing(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
) -> None:
    balances: BalancesCoordinator = cleo.entry.runtime_data.balances
    cleo.server.fail("*", "*", DropBefore(), times=None)
    await let_pass(A_POLL)
    assert not balances.last_update_success
    while balances.session.budget.left:
        await balances.async_refresh()
    cleo.server.clear_faults()
    cleo.asked()

    await balances.async_refresh()

    assert not cleo.asked()
    assert not balances.last_update_success
    await let_pass(timedelta(minutes=6))
    assert balances.last_update_success


async def test_nothing_is_written_when_nothing_changed(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    reports: list[object] = []
    hass.bus.async_listen(
        EVENT_STATE_REPORTED,
        callback(lambda event: reports.append(event)),  # noqa: PLW0108 - must be a function
        event_filter=callback(lambda _data: True),
    )
    changes: list[Event[Any]] = async_capture_events(hass, EVENT_STATE_CHANGED)

    await let_pass(A_POLL)
    assert cleo.asked() == {"/balance": 3}
    assert (reports, changes) == ([], [])

    cleo.bank.pay(cleo.accounts[0].id, -100)
    await let_pass(A_POLL)
    assert {event.data["entity_id"] for event in changes} == {
        entity_id(hass, cleo.accounts[0].id, "balance"),
        entity_id(hass, cleo.accounts[0].id, "total_balance"),
        entity_id(hass, cleo.accounts[0].id, "spend_today"),
        entity_id(hass, cleo.person.user_id, "total"),
        entity_id(hass, cleo.accounts[0].id, "transaction", "event"),
    }


async def test_reading_one_account_shows_it_at_once_and_leaves_the_poll_alone(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    account = cleo.accounts[2]
    (pot,) = cleo.bank.pots_of(account.id)
    cleo.bank.deposit(pot.id, account.id, 100, "moved")
    await let_pass(timedelta(seconds=50))

    await cleo.entry.runtime_data.balances.async_refresh_account(account.id, since=math.inf)

    await hass.async_block_till_done()
    assert value(hass, pot.id, "pot_balance") == "51.00"
    assert cleo.asked() == {"/balance": 1, "/pots": 1}
    await let_pass(timedelta(seconds=11))
    # The pots once more: nobody knows which of the two answers was the earlier.
    assert cleo.asked() == {"/balance": 3, "/pots": 1}


async def test_a_poll_and_a_reading_at_the_same_time_take_turns(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
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


@pytest.mark.parametrize("fault", NOBODY_NOTICES.values(), ids=NOBODY_NOTICES)
@pytest.mark.parametrize("path", ["/balance", "/pots", "/accounts"])
async def test_what_fails_once_is_asked_again_and_nobody_notices(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    path: str,
    fault: Fault,
) -> None:
    cleo.bank.pay(cleo.accounts[0].id, -1_000)
    handle = cleo.server.fail("GET", path, fault)

    await let_pass(timedelta(hours=1, minutes=1))

    assert handle.met == 1
    assert cleo.asked() == Counter({"/accounts": 1, "/balance": 3, "/pots": 3}) + Counter([path])
    assert value(hass, cleo.accounts[0].id, "balance") == "90.00"
    assert value(hass, cleo.person.user_id, "total") != STATE_UNKNOWN
    assert lines(caplog) == []


@pytest.mark.parametrize("fault", NOBODY_NOTICES.values(), ids=NOBODY_NOTICES)
async def test_set_up_survives_what_fails_once(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass, fault: Fault
) -> None:
    story = open_accounts(1)
    story.server.fail("GET", "/accounts", fault)
    story.server.fail("GET", "/balance", fault)

    await set_up(hass, story.entry)

    assert story.entry.state is ConfigEntryState.LOADED
    assert value(hass, story.accounts[0].id, "balance") == "100.00"


@pytest.mark.parametrize("fault", NOBODY_NOTICES.values(), ids=NOBODY_NOTICES)
async def test_what_goes_on_failing_is_an_outage_that_is_logged_once(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    cleo.server.fail("*", "*", fault, times=None)

    for _poll in range(4):
        await let_pass(A_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "total") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "off"
    assert len(lines(caplog)) == 1
    # Twice when it began; an outage is no reason to ask twice as often.
    assert cleo.asked() == {"/balance": 6 + 3 * 3}
    assert not reauth_flows(hass)

    cleo.server.clear_faults()
    await let_pass(A_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "on"
    assert lines(caplog) == ["Fetching monzo balances data recovered"]


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
async def test_an_account_that_the_bank_refuses_to_read_leaves_the_others_alone(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    refused, *others = cleo.accounts
    cleo.break_accounts({refused.id: fault})
    await let_pass(A_POLL)
    warnings = lines(caplog)
    cleo.asked()

    for _minute in range(29):
        await let_pass(A_POLL)

    assert value(hass, refused.id, "balance") == STATE_UNAVAILABLE
    assert value(hass, refused.id, "spend_today") == STATE_UNAVAILABLE
    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN
    for account in others:
        assert value(hass, account.id, "balance") != STATE_UNAVAILABLE
    assert cleo.asked()["/balance"] == 29 * 2
    assert len(warnings) == 1
    assert warnings[0].startswith("Could not fetch the balance of an account: ")
    assert lines(caplog) == []
    assert not reauth_flows(hass)
    assert not troubles(hass)

    cleo.server.clear_faults()
    await let_pass(timedelta(minutes=3))

    assert value(hass, refused.id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "total") == "450.03"
    assert lines(caplog) == ["Fetching the balance of an account works again"]


async def test_an_account_that_was_never_readable_is_not_missed_in_the_total(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass
) -> None:
    story = open_accounts(2)
    story.break_accounts({story.accounts[0].id: REFUSALS["not permitted"]})

    await set_up(hass, story.entry)

    assert entity_id(hass, story.accounts[0].id, "balance") is None
    assert value(hass, story.person.user_id, "total") == "150.01"


async def test_an_account_that_goes_on_failing_leaves_the_others_alone(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass, caplog: pytest.LogCaptureFixture
) -> None:
    broken, *others = cleo.accounts
    cleo.break_accounts({broken.id: Answer.html(502)})

    for _poll in range(4):
        await let_pass(A_POLL)
        assert value(hass, broken.id, "balance") == STATE_UNAVAILABLE
        assert value(hass, others[0].id, "balance") == "100.01"
        assert value(hass, cleo.person.user_id, "connection", "binary_sensor") == "on"

    assert len(lines(caplog)) == 1
    cleo.server.clear_faults()
    await let_pass(A_POLL)
    assert value(hass, broken.id, "balance") == "100.00"
    assert len(lines(caplog)) == 1


async def test_pots_that_cannot_be_read_leave_the_balance_alone(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass, caplog: pytest.LogCaptureFixture
) -> None:
    (pot,) = cleo.bank.pots_of(cleo.accounts[0].id)
    cleo.server.fail("GET", "/pots", Answer.html(503), times=None)

    await let_pass(timedelta(minutes=11))

    assert value(hass, pot.id, "pot_balance") == STATE_UNAVAILABLE
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"
    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN
    cleo.server.clear_faults()
    await let_pass(A_POLL)
    assert value(hass, pot.id, "pot_balance") == "50.00"
    assert value(hass, cleo.person.user_id, "total") == "450.03"


async def test_a_list_of_accounts_that_cannot_be_read_leaves_what_is_known_alone(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass, caplog: pytest.LogCaptureFixture
) -> None:
    cleo.server.fail("GET", "/accounts", Answer.html(502), times=None)

    await let_pass(timedelta(hours=1, minutes=1))

    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"
    (line,) = lines(caplog)
    assert line.startswith("Could not fetch the list of accounts: ")


@pytest.mark.parametrize("path", ["*", "/balance"], ids=["everything", "all balances"])
async def test_when_nothing_may_be_read_the_user_is_asked_to_approve_not_to_sign_in(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass, path: str
) -> None:
    cleo.server.fail("GET", path, REFUSALS["not permitted"], times=None)

    await let_pass(A_POLL)

    issues = ir.async_get(hass)
    issue_id = f"{RepairIssue.NOT_APPROVED}_{cleo.entry.entry_id}"
    assert issues.async_get_issue(DOMAIN, issue_id)
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert not reauth_flows(hass)

    cleo.server.clear_faults()
    await let_pass(A_POLL)

    assert issues.async_get_issue(DOMAIN, issue_id) is None
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_a_sign_in_that_was_not_approved_is_noticed_at_set_up(
    hass: HomeAssistant, bank: Bank, server: BankServer, sign_in: SignIn, let_pass: LetPass
) -> None:
    person = bank.add_person("Cleo Carter")
    bank.open_account(person)
    entry = sign_in(person)
    server.fail("GET", "/accounts", REFUSALS["not permitted"], times=None)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "not_approved"
    assert not reauth_flows(hass)


async def test_one_account_that_is_refused_and_others_that_fail_are_an_outage_not_a_refusal(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    refused, *others = cleo.accounts
    cleo.break_accounts(
        {account.id: Answer.html(502) for account in others}
        | {refused.id: REFUSALS["not permitted"]}
    )

    await let_pass(A_POLL)

    assert value(hass, refused.id, "balance") == STATE_UNAVAILABLE
    assert value(hass, others[0].id, "balance") == STATE_UNAVAILABLE
    assert not troubles(hass)


@pytest.mark.parametrize(
    ("retry_after", "silence"),
    [("400", timedelta(seconds=400)), (None, timedelta(seconds=60))],
    ids=["for so long", "without saying for how long"],
)
async def test_when_the_bank_asks_for_silence_it_gets_it(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
    freezer: FrozenDateTimeFactory,
    retry_after: str | None,
    silence: timedelta,
) -> None:
    cleo.server.fail("*", "*", Answer.rate_limited(retry_after), times=3)
    await let_pass(timedelta(seconds=61))
    assert cleo.asked() == {"/balance": 3}
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE

    await let_pass(silence - timedelta(seconds=2))
    assert not cleo.asked()
    await let_pass(timedelta(seconds=4))
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_one_account_whose_request_was_one_too_many_makes_all_wait(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.server.fail("GET", "/balance", Answer.rate_limited("90"), after=1)

    await let_pass(timedelta(seconds=61))
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    await let_pass(timedelta(seconds=92))

    for account in cleo.accounts:
        assert value(hass, account.id, "balance") != STATE_UNAVAILABLE


async def test_records_that_make_no_sense_are_skipped_and_counted(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    def with_nonsense(data: dict[str, Any]) -> dict[str, Any]:
        return {key: [*rows, {"id": 7}, None] for key, rows in data.items()}

    cleo.server.fail("GET", "/pots", Edited(with_nonsense), times=None)
    cleo.server.fail("GET", "/accounts", Edited(with_nonsense), times=None)

    await let_pass(timedelta(hours=1, minutes=1))

    assert cleo.entry.runtime_data.balances.health == {
        "records_skipped": 8,
        "reads_failed": 0,
        "reads_refused": 0,
    }
    assert value(hass, cleo.person.user_id, "total") == "450.03"


async def test_a_poll_that_dies_of_a_mistake_of_ours_is_not_the_last(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def balance(account_id: str) -> None:
        await asyncio.sleep(0)
        message = "a mistake"
        raise LookupError(message)

    with monkeypatch.context() as patched:
        patched.setattr(cleo.entry.runtime_data.session, "balance", balance)
        await let_pass(A_POLL)
        assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
        assert "Unexpected error fetching monzo balances data" in caplog.text
        await let_pass(A_POLL)

    await let_pass(A_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_a_token_that_cannot_be_renewed_for_now_is_an_outage(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.server.expire_access_token(cleo.person)
    cleo.server.fail("POST", "/oauth2/token", Answer.html(502), times=None)

    await let_pass(A_POLL)

    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert not reauth_flows(hass)
    cleo.server.clear_faults()
    await let_pass(A_POLL)
    assert value(hass, cleo.accounts[0].id, "balance") == "100.00"


async def test_a_sign_in_that_another_program_has_ended_asks_to_sign_in_again(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.server.evict(cleo.person)

    await let_pass(A_POLL)

    assert len(reauth_flows(hass)) == 1
    assert ir.async_get(hass).async_get_issue(
        DOMAIN, f"{RepairIssue.EVICTED}_{cleo.entry.entry_id}"
    )
    assert value(hass, cleo.accounts[0].id, "balance") == STATE_UNAVAILABLE
    cleo.asked()
    await let_pass(A_POLL)
    assert not cleo.asked()


async def test_access_withdrawn_by_its_owner_asks_to_sign_in_again(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.server.fail("GET", "/balance", Answer.error("unauthorized.bad_access_token"), times=None)
    cleo.server.fail("POST", "*", Answer.error("unauthorized.bad_refresh_token"), times=None)

    await let_pass(A_POLL)

    assert len(reauth_flows(hass)) == 1
    issue_id = f"{RepairIssue.EVICTED}_{cleo.entry.entry_id}"
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (REFUSALS["not wanted like this"], "does not understand"),
        (Answer.garbage(), "does not understand"),
        (DropBefore(), "cannot be reached"),
        (Answer.html(502), "cannot be reached"),
        (Answer.error("rate_limited"), "asks Home Assistant to wait"),
    ],
    ids=["a refusal", "garbage", "no connection", "a proxy's error page", "too many requests"],
)
async def test_the_log_says_what_kind_of_trouble_it_is(
    hass: HomeAssistant,
    cleo: Story,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    said: str,
) -> None:
    cleo.server.fail("*", "*", fault, times=None)

    await let_pass(A_POLL)

    (line,) = lines(caplog)
    assert said in line


async def test_pots_that_the_bank_no_longer_tells_of_are_missed_in_the_total(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.server.fail("GET", "/pots", REFUSALS["not found"], times=None)

    await let_pass(timedelta(minutes=11))

    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN


@pytest.mark.parametrize("listed", [False, True], ids=["left out", "makes no sense"])
async def test_a_pot_missing_from_the_list_is_missed_in_the_total(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass, *, listed: bool
) -> None:
    def without_balances(data: dict[str, Any]) -> dict[str, Any]:
        return {"pots": [{**pot, "balance": "?"} for pot in data["pots"] if listed]}

    before = value(hass, cleo.person.user_id, "total")
    cleo.server.fail("GET", "/pots", Edited(without_balances), times=None)
    await let_pass(timedelta(minutes=11))
    assert value(hass, cleo.person.user_id, "total") == STATE_UNKNOWN

    cleo.server.clear_faults()
    await let_pass(timedelta(minutes=11))
    assert value(hass, cleo.person.user_id, "total") == before


async def test_an_account_without_pots_to_read_has_its_balance_in_the_total(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass
) -> None:
    story = open_accounts(1)
    story.server.fail("GET", "/pots", REFUSALS["not permitted"], times=None)

    await set_up(hass, story.entry)

    assert value(hass, story.person.user_id, "total") == "100.00"


async def test_a_person_who_leaves_out_every_account_causes_one_request_per_poll(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass
) -> None:
    story = open_accounts(2)
    hass.config_entries.async_update_entry(
        story.entry, options={"excluded_accounts": [account.id for account in story.accounts]}
    )

    await set_up(hass, story.entry)
    await let_pass(A_POLL)

    assert story.asked() == {"/accounts": 2}
    assert not hass.states.async_all("sensor")


async def test_a_person_without_accounts_is_asked_about_until_there_is_one(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass
) -> None:
    story = open_accounts(0)
    await set_up(hass, story.entry)
    assert story.entry.state is ConfigEntryState.LOADED
    assert value(hass, story.person.user_id, "connection", "binary_sensor") == "on"
    assert entity_id(hass, story.person.user_id, "total") is None

    account = story.bank.open_account(story.person, balance=4_200)
    await let_pass(A_POLL)

    assert value(hass, account.id, "balance") == "42.00"
    assert value(hass, story.person.user_id, "total") == "42.00"


async def test_an_empty_list_of_accounts_at_the_start_is_asked_for_again(
    hass: HomeAssistant, open_accounts: Callable[[int], Story], let_pass: LetPass
) -> None:
    story = open_accounts(2)
    await set_up(hass, story.entry)
    await hass.config_entries.async_unload(story.entry.entry_id)
    story.server.fail("GET", "/accounts", Answer.json({"accounts": []}))

    await set_up(hass, story.entry)

    assert value(hass, story.accounts[0].id, "balance") == STATE_UNAVAILABLE
    assert value(hass, story.person.user_id, "total") == STATE_UNAVAILABLE
    await let_pass(A_POLL)
    assert value(hass, story.accounts[0].id, "balance") == "100.00"
    assert value(hass, story.person.user_id, "total") == "300.01"


# Privacy


async def test_a_whole_life_leaves_nothing_private_in_the_log(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    entry = sign_in(home.ann)
    secrets = {entry.data["token"]["access_token"], entry.data["token"]["refresh_token"]}
    await set_up(hass, entry)
    for fault in (
        *NOBODY_NOTICES.values(),
        *REFUSALS.values(),
        Answer.rate_limited("5"),
        Answer.error("bad_request", f"No {home.current.id} for {home.ann.user_id} at /balance"),
    ):
        for path in ("/balance", "/pots", "/accounts"):
            server.fail("GET", path, fault, times=4)
        for _poll in range(2):
            await let_pass(timedelta(minutes=31))
        server.clear_faults()
        await let_pass(A_POLL)
    server.expire_access_token(home.ann)
    await let_pass(A_POLL)
    secrets |= {entry.data["token"]["access_token"], entry.data["token"]["refresh_token"]}
    home.bank.close_pot(home.holiday.id)
    home.bank.close_account(home.joint.id)
    await let_pass(timedelta(minutes=61))
    server.evict(home.ann)
    await let_pass(A_POLL)
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
    # Home Assistant may name the entry by its title, and keeps its own records of what there is.
    for record in caplog.records:
        if (
            record.levelno >= logging.INFO
            and record.name != "homeassistant.helpers.entity_registry"
        ):
            line = logging.Formatter().format(record)
            assert not [secret for secret in secrets | amounts if secret in line], line


async def test_the_connection_is_known_even_while_there_is_none(
    hass: HomeAssistant, cleo: Story, let_pass: LetPass
) -> None:
    cleo.server.fail("*", "*", DropBefore(), times=None)
    await let_pass(A_POLL)
    assert shown(hass, cleo.person.user_id, "connection", "binary_sensor").state == "off"
