"""The config flow: sign-in on the bank's website, approval in the app, reauth and reconfigure."""

import asyncio
from dataclasses import replace
from datetime import timedelta
import gc
import logging
import time
from typing import Any

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow
from homeassistant.helpers import config_entry_oauth2_flow
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.monzo import application_credentials
from custom_components.monzo.api import MonzoAuthenticationError, MonzoError
from custom_components.monzo.application_credentials import TOKEN_SCHEMA, UNUSABLE_ANSWER_ERRORS
from custom_components.monzo.bank import RequestBudget, approval, async_wait_for_approval
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, CONF_MAX_PER_DAY, DOMAIN
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transactions import Retention
from sandbox.faults import Fault
from sandbox.household import Household
from sandbox.models import JsonObject
from sandbox.server import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    BankServer,
    DropBefore,
    Edited,
    Silence,
    Truncated,
)
from tests.helpers.config_dialogs import Dialogs, suggested_values
from tests.helpers.state_helpers import complaints, value
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transfer_client import Meanwhile
from tests.sandbox.waiting import let_tasks_run, wait_until

from .conftest import CREDENTIALS, WEBHOOK_ID, AdvanceTime, SignIn

OTHER_CLIENT_ID = "oauth2client_0000AnotherClient0000001"
OTHER_CREDENTIALS = "other_credentials"

# Before tests replace them.
REAL_PAUSES = approval.APPROVAL_PAUSES


@pytest.fixture(autouse=True)
def approval_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check for the approval quickly, and so often that the flow never gives up by itself."""
    monkeypatch.setattr(approval, "APPROVAL_PAUSES", [0.01] * 100_000)


@pytest.fixture
def few_checks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Give up waiting for the approval after a few checks, and return how many."""
    monkeypatch.setattr(approval, "APPROVAL_PAUSES", [0.01] * 5)
    return 5


async def add_client(hass: HomeAssistant, server: BankServer) -> None:
    """Create a second API client at the bank and add its credentials to Home Assistant."""
    server.register_client(OTHER_CLIENT_ID, "another-secret")
    await async_import_client_credential(
        hass,
        DOMAIN,
        ClientCredential(OTHER_CLIENT_ID, "another-secret", "Other"),
        OTHER_CREDENTIALS,
    )


def make_not_confidential(server: BankServer) -> None:
    """Make the API client one that gets no refresh tokens."""
    server.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, confidential=False)


def assert_no_token_in(log: str, server: BankServer) -> None:
    """Check that a log contains none of the tokens that the bank has issued."""
    for grant in server.sign_ins.grants:
        assert grant.access_token not in log
        assert not grant.refresh_token or grant.refresh_token not in log


def approval_tasks() -> list[asyncio.Task[Any]]:
    """Return the tasks that are waiting for an approval."""
    return [task for task in asyncio.all_tasks() if "approval" in task.get_name()]


async def settled(hass: HomeAssistant) -> None:
    """Wait until all tasks are done."""
    await hass.async_block_till_done(wait_background_tasks=True)


# Adding a person


async def test_the_flow_opens_the_banks_website_with_the_users_client(
    hass: HomeAssistant, credentials: None, current_request_with_host: None
) -> None:
    flow = hass.config_entries.flow
    form = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    page = await flow.async_configure(form["flow_id"], suggested_values(form))

    assert page["type"] is FlowResultType.EXTERNAL_STEP
    assert page["step_id"] == "auth"
    url = URL(page["url"])
    assert (url.scheme, url.host, url.path) == ("https", "auth.monzo.com", "/")
    redirect_uri = "https://example.com/auth/external/callback"
    assert url.query == {
        "client_id": DEFAULT_CLIENT_ID,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "state": config_entry_oauth2_flow._encode_jwt(  # noqa: SLF001 - core's own tests use it too
            hass, {"flow_id": page["flow_id"], "redirect_uri": redirect_uri}
        ),
    }


async def test_a_person_signs_in_and_approves(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert waiting["type"] is FlowResultType.SHOW_PROGRESS
    assert waiting["step_id"] == "wait_for_approval"

    server.approve(home.ann)
    done = await dialogs.wait(waiting)

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["title"] == "Ann Archer"
    # The default is to keep everything, so that the dialog says that the history is being read.
    assert done["description"] == "history"
    entry = done["result"]
    assert (entry.version, entry.minor_version) == (1, 3)
    assert entry.unique_id == home.ann.user_id
    assert set(entry.data) == {"auth_implementation", "token", "webhook_id"}
    assert entry.data["auth_implementation"] == CREDENTIALS
    assert entry.data["webhook_id"]
    token, grant = entry.data["token"], server.sign_ins.active(home.ann)[0]
    assert token["access_token"] == grant.access_token
    assert token["refresh_token"] == grant.refresh_token
    assert token["expires_at"] == pytest.approx(time.time() + 107_999, abs=600)
    assert entry.options == {
        "allow_transfers": True,
        "max_per_transfer": 100,
        "max_per_day": 250,
        "keep_transactions": "everything",
    }
    await settled(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert_no_token_in(caplog.text, server)


async def test_the_flow_asks_whether_home_assistant_may_move_money_before_the_bank_opens(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.behaviour = replace(server.behaviour, approve_at_once=True)
    form = await dialogs.start()
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "settings"
    assert suggested_values(form) == {
        "allow_transfers": True,
        "max_per_transfer": 100,
        "max_per_day": 250,
        "keep_transactions": "everything",
    }
    with pytest.raises(InvalidData):
        await dialogs.submit(form, {"allow_transfers": True, "max_per_day": 0})

    # An empty limit is no limit.
    answer = {"allow_transfers": False, "max_per_transfer": 20, "keep_transactions": "needed"}
    page = await dialogs.submit(form, answer)
    done = await dialogs.wait(await dialogs.sign_in(page, home.ann))

    assert done["result"].options == answer
    await settled(hass)


async def test_the_flow_sends_only_the_token_request_and_requests_for_accounts(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    dialogs.dismiss(waiting)

    exchange, *checks = server.requests
    assert (exchange.method, exchange.path) == ("POST", "/oauth2/token")
    assert exchange.form.pop("code")
    assert exchange.form == {
        "grant_type": "authorization_code",
        "client_id": DEFAULT_CLIENT_ID,
        "client_secret": DEFAULT_CLIENT_SECRET,
        "redirect_uri": "https://example.com/auth/external/callback",
    }
    assert {(request.method, request.path) for request in checks} <= {("GET", "/accounts")}


async def test_without_an_owners_name_the_entry_is_called_monzo(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    def without_names(answer: dict[str, Any]) -> object:
        return {"accounts": [{**account, "owners": []} for account in answer["accounts"]]}

    server.behaviour = replace(server.behaviour, approve_at_once=True)
    server.fail("GET", "/accounts", Edited(without_names), times=None)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)

    assert (await dialogs.wait(waiting))["title"] == "Monzo"
    await settled(hass)


async def test_several_open_browsers_create_only_one_entry(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.behaviour = replace(server.behaviour, approve_at_once=True)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    await asyncio.wait(approval_tasks(), timeout=60)

    flow = hass.config_entries.flow
    calls = [flow.async_configure(waiting["flow_id"]) for _ in range(3)]
    first, *others = await asyncio.gather(*calls, return_exceptions=True)
    await settled(hass)

    assert not isinstance(first, BaseException)
    assert first["type"] is FlowResultType.CREATE_ENTRY
    assert {type(other) for other in others} == {UnknownFlow}
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [first["result"]]
    assert not flow.async_progress()


# Waiting for the approval


def token_of(server: BankServer, home: Household, *, approved: bool = False) -> str:
    """Return the access token of a new sign-in of Ann's."""
    return str(server.sign_in(home.ann, approved=approved)["access_token"])


def test_the_checks_take_two_minutes_and_stay_below_the_banks_limit() -> None:
    assert sum(REAL_PAUSES) == 120
    assert len(REAL_PAUSES) < 24


async def test_waiting_returns_the_accounts_after_the_approval(
    hass: HomeAssistant, home: Household, server: BankServer
) -> None:
    token = token_of(server, home)
    not_yet = Answer.error("forbidden.insufficient_permissions")
    server.fail("GET", "/accounts", Meanwhile(lambda: server.approve(home.ann), not_yet), after=2)

    accounts = await async_wait_for_approval(hass, token)
    assert home.current.id in {account.id for account in accounts}
    assert len(server.requests) == 4


async def test_waiting_continues_after_a_few_failed_checks(
    hass: HomeAssistant, home: Household, server: BankServer
) -> None:
    not_yet = Answer.error("forbidden.insufficient_permissions")
    story = [(DropBefore(), 2), (not_yet, 1), (Answer.html(502), 2), (Answer.rate_limited(), 5)]
    faults = [server.fail("GET", "/accounts", fault, times=times) for fault, times in story]

    assert await async_wait_for_approval(hass, token_of(server, home, approved=True))
    assert [fault.met for fault in faults] == [2, 1, 2, 5]


async def test_waiting_ends_after_several_failed_checks_in_a_row(
    hass: HomeAssistant, home: Household, server: BankServer, subtests: pytest.Subtests
) -> None:
    token = token_of(server, home, approved=True)
    faults: dict[str, Fault] = {
        "proxy": Answer.html(502),
        # This says nothing about the approval.
        "refusal of a proxy": Answer.html(403),
        "internal error": Answer.error("internal_service"),
        "broken connection": DropBefore(),
        "incomplete response": Truncated(),
        "garbage": Answer.garbage(),
        "null": Answer.json(None),
        "list": Answer.json([]),
        "not found": Answer.error("not_found"),
    }
    for name, fault in faults.items():
        with subtests.test(name):
            handle = server.fail("GET", "/accounts", fault, times=None)
            with pytest.raises(MonzoError):
                await async_wait_for_approval(hass, token)
            handle.clear()
            assert handle.met == 3


async def test_no_request_is_sent_before_the_bank_allows_it(
    freezer: StoppedClock, hass: HomeAssistant, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/accounts", Answer.rate_limited("10"))

    waiting = asyncio.create_task(
        async_wait_for_approval(hass, token_of(server, home, approved=True))
    )
    await wait_until(lambda: [each.status for each in server.requests] == [429])
    await let_tasks_run()
    freezer.tick(timedelta(seconds=9.9))
    await let_tasks_run()
    assert len(server.requests) == 1
    freezer.tick(timedelta(seconds=10))
    assert await waiting
    assert len(server.requests) == 2


async def test_a_token_that_the_bank_knows_only_later_is_waited_for(
    hass: HomeAssistant, home: Household, server: BankServer
) -> None:
    token = token_of(server, home, approved=True)
    server.fail("GET", "/accounts", Answer.error("unauthorized.bad_access_token"), times=2)
    assert await async_wait_for_approval(hass, token)


async def test_waiting_ends_when_the_bank_ends_the_sign_in(
    hass: HomeAssistant, home: Household, server: BankServer
) -> None:
    token = token_of(server, home)
    server.evict(home.ann)
    with pytest.raises(MonzoAuthenticationError):
        await async_wait_for_approval(hass, token)


async def test_the_user_can_keep_waiting_for_a_late_approval(
    home: Household, server: BankServer, dialogs: Dialogs, few_checks: int
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)

    form = await dialogs.wait(waiting)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "approval_timeout"
    assert len(server.requests_to("GET", "/accounts")) == few_checks

    server.approve(home.ann)
    waiting = await dialogs.submit(form)
    assert waiting["type"] is FlowResultType.SHOW_PROGRESS
    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY


async def test_the_user_can_keep_waiting_after_a_connection_error(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    fault = server.fail("GET", "/accounts", Answer.html(502), times=None)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)

    form = await dialogs.wait(waiting)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "connection_error"

    fault.clear()
    server.approve(home.ann)
    waiting = await dialogs.submit(form)
    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY


async def test_a_sign_in_that_was_denied_in_the_app_ends(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.behaviour = replace(server.behaviour, denied_is_revoked=True)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.deny(home.ann)

    ended = await dialogs.wait(waiting)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "sign_in_ended"
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_a_denial_that_the_bank_does_not_report_looks_like_a_late_approval(
    home: Household, server: BankServer, dialogs: Dialogs, few_checks: int
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.deny(home.ann)

    assert (await dialogs.wait(waiting))["step_id"] == "approval_timeout"


async def test_waiting_ends_when_home_assistant_stops(
    hass: HomeAssistant, home: Household, dialogs: Dialogs, caplog: pytest.LogCaptureFixture
) -> None:
    await dialogs.sign_in(await dialogs.open(), home.ann)
    assert len(approval_tasks()) == 1
    caplog.clear()

    await hass.async_stop(force=True)

    assert approval_tasks() == []
    assert not complaints(caplog, "WARNING", "ERROR")


async def test_waiting_ends_when_the_dialog_is_closed(
    hass: HomeAssistant, home: Household, dialogs: Dialogs, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert len(approval_tasks()) == 1
    caplog.clear()

    dialogs.dismiss(waiting)
    await settled(hass)

    assert approval_tasks() == []
    assert not hass.config_entries.flow.async_progress()
    assert not complaints(caplog, "WARNING", "ERROR")


async def test_the_requests_of_a_closed_dialog_count_for_as_long_as_the_bank_counts_them(
    hass: HomeAssistant, home: Household, dialogs: Dialogs, advance_time: AdvanceTime
) -> None:
    memory = async_get_memory(hass)
    dialogs.dismiss(await dialogs.sign_in(await dialogs.open(), home.ann))
    budget = memory.find(RequestBudget, home.ann.user_id)
    assert budget is not None
    await advance_time(timedelta(minutes=4))
    dialogs.dismiss(await dialogs.sign_in(await dialogs.open(), home.ann))
    await advance_time(timedelta(minutes=2))
    assert memory.find(RequestBudget, home.ann.user_id) is budget

    await advance_time(timedelta(minutes=4))
    assert memory.find(RequestBudget, home.ann.user_id) is None


async def test_a_dialog_that_is_closed_after_its_checks_failed_logs_nothing(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.fail("GET", "/accounts", Answer.html(502), times=None)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    caplog.clear()
    (task,) = approval_tasks()
    # At the moment when the task has failed, and before the dialog asks for its result.
    task.add_done_callback(lambda _task: dialogs.dismiss(waiting))
    await asyncio.wait((task,), timeout=60)
    await settled(hass)
    del task
    gc.collect()

    assert not hass.config_entries.flow.async_progress()
    assert not complaints(caplog, "WARNING", "ERROR")


# The token


TOKEN: JsonObject = {
    "access_token": "secret-access-token",
    "client_id": DEFAULT_CLIENT_ID,
    "expires_in": 107_999,
    "refresh_token": "secret-refresh-token",
    "token_type": "Bearer",
    "user_id": "user_0000Somebody",
}


def without(field: str) -> JsonObject:
    """Return a token that lacks a field."""
    return {key: value for key, value in TOKEN.items() if key != field}


INVALID_TOKENS: dict[str, object] = {
    "null": None,
    "a list": ["secret-access-token"],
    "a text": "secret-access-token",
    "no lifetime": without("expires_in"),
    "a lifetime that is not a number": {**TOKEN, "expires_in": "soon"},
    "a lifetime of null": {**TOKEN, "expires_in": None},
    "a lifetime of zero": {**TOKEN, "expires_in": 0},
    "a lifetime of ages": {**TOKEN, "expires_in": 10**18},
    "a lifetime beyond any float": {**TOKEN, "expires_in": 10**400},
    "an infinite lifetime": {**TOKEN, "expires_in": float("inf")},
    "no person": without("user_id"),
    "an empty person": {**TOKEN, "user_id": ""},
    "a person that is a number": {**TOKEN, "user_id": 7},
    "no access token": without("access_token"),
    "an empty access token": {**TOKEN, "access_token": ""},
    "a refresh token that is a list": {**TOKEN, "refresh_token": ["secret"]},
}


def test_a_token_is_accepted_with_its_lifetime_as_a_number() -> None:
    assert TOKEN_SCHEMA(TOKEN) == TOKEN
    assert TOKEN_SCHEMA({**TOKEN, "expires_in": "107999"}) == TOKEN
    # The flow refuses it later, with a message about confidential clients.
    assert TOKEN_SCHEMA(without("refresh_token"))


def test_any_other_answer_is_refused(subtests: pytest.Subtests) -> None:
    for name, answer in INVALID_TOKENS.items():
        with subtests.test(name), pytest.raises(UNUSABLE_ANSWER_ERRORS):
            TOKEN_SCHEMA(answer)


async def test_the_flow_ends_if_the_bank_sends_no_token(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    caplog.set_level(logging.DEBUG)
    answers: dict[str, tuple[Fault, str]] = {
        "proxy": (Answer.html(502), "oauth_failed"),
        "proxy with status 200": (Answer.html(200), "oauth_failed"),
        "refusal of a proxy": (Answer.html(403), "oauth_failed"),
        "internal error": (Answer.error("internal_service"), "oauth_failed"),
        "rate limit": (Answer.rate_limited("7"), "oauth_failed"),
        "broken connection": (DropBefore(), "oauth_failed"),
        "incomplete response": (Truncated(), "oauth_failed"),
        "garbage": (Answer.garbage(), "oauth_failed"),
        "empty response": (Answer(200), "oauth_failed"),
        "deeply nested JSON": (Answer(200, b"[" * 200_000), "oauth_failed"),
        **{name: (Answer.json(answer), "oauth_failed") for name, answer in INVALID_TOKENS.items()},
        "wrong secret": (Answer.error("unauthorized.bad_client"), "oauth_unauthorized"),
        "used code": (Answer.error("bad_request.bad_param.code"), "oauth_unauthorized"),
        "no refresh token": (Answer.json(without("refresh_token")), "not_confidential"),
        "refresh token null": (Answer.json({**TOKEN, "refresh_token": None}), "not_confidential"),
        "empty refresh token": (Answer.json({**TOKEN, "refresh_token": ""}), "not_confidential"),
    }
    for name, (answer, reason) in answers.items():
        with subtests.test(name):
            fault = server.fail("POST", "/oauth2/token", answer)
            ended = await dialogs.sign_in(await dialogs.open(), home.ann)
            assert fault.met == 1
            assert ended["type"] is FlowResultType.ABORT
            assert ended["reason"] == reason
    assert not hass.config_entries.async_entries(DOMAIN)
    assert "secret-" not in caplog.text
    assert "Traceback" not in caplog.text
    assert_no_token_in(caplog.text, server)


@pytest.mark.parametrize(
    ("module", "name", "limit", "reason"),
    [
        (config_entry_oauth2_flow, "OAUTH_TOKEN_TIMEOUT_SEC", 0.1, "oauth_timeout"),
        (application_credentials, "TOKEN_TIMEOUT", timedelta(seconds=0.1), "oauth_failed"),
    ],
    ids=["Home Assistant's limit", "our limit"],
)
async def test_the_flow_ends_if_the_token_request_times_out(
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    limit: Any,
    reason: str,
) -> None:
    monkeypatch.setattr(module, name, limit)
    server.fail("POST", "/oauth2/token", Silence())

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == reason


async def test_the_flow_ends_if_the_user_denies_the_access_on_the_website(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    ended = await dialogs.deny(await dialogs.open())

    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "user_rejected_authorize"
    assert not server.requests_to("POST", "/oauth2/token")
    assert not hass.config_entries.async_entries(DOMAIN)


# API clients


async def test_without_credentials_the_flow_asks_to_add_some(
    hass: HomeAssistant, current_request_with_host: None
) -> None:
    assert await async_setup_component(hass, "application_credentials", {})
    ended = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "missing_credentials"


async def test_a_wrong_secret_is_reported(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.register_client(DEFAULT_CLIENT_ID, "another secret")

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "oauth_unauthorized"


async def test_a_client_that_is_not_confidential_is_refused(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    make_not_confidential(server)

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "not_confidential"
    assert ended["description_placeholders"] == {"developer_portal": "https://developers.monzo.com"}
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_the_user_chooses_among_several_clients(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    await add_client(hass, server)

    form = await dialogs.start()
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "pick_implementation"
    dialogs.dismiss(form)

    page = await dialogs.open(implementation=OTHER_CREDENTIALS)
    assert URL(page["url"]).query["client_id"] == OTHER_CLIENT_ID
    waiting = await dialogs.sign_in(page, home.ann)
    server.approve(home.ann)
    done = await dialogs.wait(waiting)
    assert done["result"].data["auth_implementation"] == OTHER_CREDENTIALS


# Several people, and a person with an entry


async def test_two_people_can_sign_in_at_the_same_time(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    anns_page, bens_page = await dialogs.open(), await dialogs.open()
    anns = await dialogs.sign_in(anns_page, home.ann)
    bens = await dialogs.sign_in(bens_page, home.ben)
    server.approve(home.ben)
    bens_done = await dialogs.wait(bens)
    server.approve(home.ann)
    anns_done = await dialogs.wait(anns)
    await settled(hass)

    assert (anns_done["title"], bens_done["title"]) == ("Ann Archer", "Ben Baker")
    ann, ben = anns_done["result"], bens_done["result"]
    assert ann.state is ben.state is ConfigEntryState.LOADED
    assert ann.data["webhook_id"] != ben.data["webhook_id"]


async def test_an_entry_takes_over_the_token_if_its_person_signs_in_again(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    """The new sign-in has ended the entry's own."""
    before = dict(ann.data)

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [ann]

    server.approve(home.ann)
    await settled(hass)
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.LOADED
    assert ann.data["token"]["access_token"] == server.sign_ins.active(home.ann)[0].access_token
    assert {**ann.data, "token": None} == {**before, "token": None}
    assert not hass.config_entries.flow.async_progress()


async def test_an_entry_without_a_valid_token_loads_after_its_person_signs_in_again(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    server.behaviour = replace(server.behaviour, approve_at_once=True)
    server.evict(home.ann)
    await hass.config_entries.async_reload(ann.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    assert len(hass.config_entries.flow.async_progress()) == 1

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    await settled(hass)

    assert ended["reason"] == "already_configured"
    assert ann.state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()


async def test_a_sign_in_with_another_client_does_not_change_the_entry(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    before = dict(ann.data)
    await add_client(hass, server)
    page = await dialogs.open(implementation=OTHER_CREDENTIALS)

    ended = await dialogs.sign_in(page, home.ann)
    assert ended["reason"] == "already_configured"
    assert ann.data == before
    assert ann.state is ConfigEntryState.LOADED


async def test_a_dialog_that_was_left_open_does_not_block_another(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    await dialogs.sign_in(await dialogs.open(), home.ann)

    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.approve(home.ann)
    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)
    assert not hass.config_entries.flow.async_progress()


# Reauth and reconfigure


FLOWS = ("reauth", "reconfigure")


async def start_flow(
    hass: HomeAssistant, dialogs: Dialogs, entry: MockConfigEntry, flow: str
) -> ConfigFlowResult:
    """Start a flow for an entry, and return the step after its first form."""
    if flow == "reauth":
        form = await entry.start_reauth_flow(hass)
        assert form["step_id"] == "reauth_confirm"
        assert form["description_placeholders"] == {"name": entry.title}
    else:
        form = await entry.start_reconfigure_flow(hass)
        assert form["step_id"] == "reconfigure"
    assert form["type"] is FlowResultType.FORM
    return await dialogs.submit(form)


@pytest.mark.parametrize("flow", FLOWS)
async def test_a_new_sign_in_changes_only_the_token(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    flow: str,
) -> None:
    hass.config_entries.async_update_entry(ann, options={CONF_MAX_PER_DAY: 100})
    loaded = ann.runtime_data

    waiting = await dialogs.sign_in(await start_flow(hass, dialogs, ann, flow), home.ann)
    server.approve(home.ann)
    done = await dialogs.wait(waiting)
    await settled(hass)

    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == f"{flow}_successful"
    assert hass.config_entries.async_entries(DOMAIN) == [ann]
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data is not loaded
    assert ann.title == "Ann Archer"
    assert ann.data["token"]["access_token"] == server.sign_ins.active(home.ann)[0].access_token
    assert ann.data["webhook_id"] == WEBHOOK_ID
    assert ann.options == {CONF_MAX_PER_DAY: 100}


@pytest.mark.parametrize("flow", FLOWS)
async def test_a_new_sign_in_says_that_it_reads_the_history(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    flow: str,
) -> None:
    hass.config_entries.async_update_entry(
        ann, options={CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING}
    )

    waiting = await dialogs.sign_in(await start_flow(hass, dialogs, ann, flow), home.ann)
    server.approve(home.ann)
    done = await dialogs.wait(waiting)
    await settled(hass)

    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "reading_history"
    assert value(hass, home.ann.user_id, "history") == "100"


async def test_a_new_sign_in_asks_which_transactions_to_keep_before_the_bank_opens(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(ann, options={CONF_MAX_PER_DAY: 100})
    form = await ann.start_reconfigure_flow(hass)
    assert suggested_values(form) == {"keep_transactions": "needed"}
    page = await dialogs.submit(form, {"keep_transactions": "thirteen_months"})
    waiting = await dialogs.sign_in(page, home.ann)
    assert ann.options == {CONF_MAX_PER_DAY: 100}
    server.approve(home.ann)
    await dialogs.wait(waiting)
    await settled(hass)
    assert ann.options == {CONF_MAX_PER_DAY: 100, "keep_transactions": "thirteen_months"}


async def test_another_client_is_used_after_the_approval(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    before = dict(ann.data)
    await add_client(hass, server)
    form = await start_flow(hass, dialogs, ann, "reconfigure")
    page = await dialogs.submit(form, {"implementation": OTHER_CREDENTIALS})

    waiting = await dialogs.sign_in(page, home.ann)
    assert ann.data == before
    server.approve(home.ann)
    await dialogs.wait(waiting)
    await settled(hass)

    assert ann.state is ConfigEntryState.LOADED
    assert ann.data["auth_implementation"] == OTHER_CREDENTIALS
    assert ann.data["webhook_id"] == WEBHOOK_ID


async def test_the_client_of_the_entry_is_suggested(
    hass: HomeAssistant, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    await add_client(hass, server)
    hass.config_entries.async_update_entry(
        ann, data={**ann.data, "auth_implementation": OTHER_CREDENTIALS}
    )
    for flow in FLOWS:
        form = await start_flow(hass, dialogs, ann, flow)
        assert form["step_id"] == "pick_implementation"
        assert form["data_schema"] is not None
        (key,) = form["data_schema"].schema
        assert key.description == {"suggested_value": OTHER_CREDENTIALS}
        assert (await dialogs.submit(form, {"implementation": OTHER_CREDENTIALS}))["url"]


async def test_an_entry_refuses_a_client_that_is_not_confidential(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    before = dict(ann.data)
    make_not_confidential(server)
    for flow in FLOWS:
        ended = await dialogs.sign_in(await start_flow(hass, dialogs, ann, flow), home.ann)
        assert ended["type"] is FlowResultType.ABORT
        assert ended["reason"] == "not_confidential"
    assert ann.data == before


async def test_an_entry_refuses_another_person(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    sign_in: SignIn,
    ann: MockConfigEntry,
) -> None:
    ben = sign_in(home.ben)
    await hass.config_entries.async_setup(ben.entry_id)
    before, loaded = dict(ann.data), ann.runtime_data
    for flow in FLOWS:
        ended = await dialogs.sign_in(await start_flow(hass, dialogs, ann, flow), home.ben)
        await settled(hass)
        assert ended["type"] is FlowResultType.ABORT
        assert ended["reason"] == "wrong_account"
    assert ann.data == before
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data is loaded

    # The other person's entry keeps working, although the sign-in by mistake ended its token.
    server.approve(home.ben)
    await ben.runtime_data.balances.async_refresh()
    assert ben.runtime_data.balances.last_update_success
    assert not hass.config_entries.flow.async_progress()


async def test_an_entry_keeps_working_if_the_dialog_is_closed_before_the_approval(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    """A new sign-in ends the old token at once, not only after its approval."""
    waiting = await dialogs.sign_in(await start_flow(hass, dialogs, ann, "reauth"), home.ann)
    dialogs.dismiss(waiting)
    await ann.runtime_data.balances.async_refresh()

    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, f"not_approved_{ann.entry_id}")
    assert not issues.async_get_issue(DOMAIN, f"evicted_{ann.entry_id}")
    assert not hass.config_entries.flow.async_progress()

    server.approve(home.ann)
    await ann.runtime_data.balances.async_refresh()
    assert ann.runtime_data.balances.last_update_success
    assert not issues.async_get_issue(DOMAIN, f"not_approved_{ann.entry_id}")


@pytest.mark.parametrize("state", [ConfigEntryState.LOADED, ConfigEntryState.SETUP_ERROR])
async def test_an_entry_whose_sign_in_ended_continues_if_the_dialog_is_closed_before_the_approval(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    advance_time: AdvanceTime,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    state: ConfigEntryState,
) -> None:
    server.evict(home.ann)
    await ann.runtime_data.balances.async_refresh()
    if state is ConfigEntryState.SETUP_ERROR:
        await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is state
    await settled(hass)
    (form,) = hass.config_entries.flow.async_progress()
    waiting = await dialogs.sign_in(await dialogs.submit(form), home.ann)

    dialogs.dismiss(waiting)
    await settled(hass)
    assert ann.error_reason_translation_key == "not_approved"
    assert not hass.config_entries.flow.async_progress()

    server.approve(home.ann)
    await advance_time(timedelta(minutes=2))
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data.balances.last_update_success


@pytest.mark.parametrize("moment", ["form", "website", "approval"])
async def test_a_dialog_ends_when_its_entry_is_removed(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    moment: str,
) -> None:
    await add_client(hass, server)
    step = await ann.start_reconfigure_flow(hass)
    if moment != "form":
        step = await dialogs.submit(step)
        step = await dialogs.submit(step, {"implementation": OTHER_CREDENTIALS})
    if moment == "approval":
        step = await dialogs.sign_in(step, home.ann)
    await hass.config_entries.async_remove(ann.entry_id)
    caplog.clear()

    match moment:
        case "form":
            ended = await dialogs.submit(step)
        case "website":
            ended = await dialogs.sign_in(step, home.ann)
        case _:
            server.approve(home.ann)
            ended = await dialogs.wait(step)
    await settled(hass)
    gc.collect()

    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "entry_removed"
    assert not hass.config_entries.flow.async_progress()
    assert not hass.config_entries.async_entries(DOMAIN)
    assert not complaints(caplog, "WARNING", "ERROR")


async def test_an_entry_whose_credentials_were_deleted_gets_new_ones(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "auth_implementation": "deleted_credentials"}
    )
    await hass.config_entries.async_setup(entry.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    (reauth,) = hass.config_entries.flow.async_progress()

    waiting = await dialogs.sign_in(await dialogs.submit(reauth), home.ann)
    server.approve(home.ann)
    await dialogs.wait(waiting)
    await settled(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["auth_implementation"] == CREDENTIALS
