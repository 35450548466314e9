"""Signing in: credentials, the bank's website, the approval in the app, and what comes between."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
import logging
import time
from typing import Any

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.helpers import config_entry_oauth2_flow
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.monzo import application_credentials, config_flow
from custom_components.monzo.api import MonzoClient
from custom_components.monzo.const import CONF_MAX_PER_DAY, DOMAIN
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
from tests.helpers.config_dialogs import Dialogs
from tests.helpers.state_helpers import complaints

from .conftest import CREDENTIALS, WEBHOOK_ID, SignIn

OTHER_CLIENT_ID = "oauth2client_0000AnotherClient0000001"
OTHER_CREDENTIALS = "other_credentials"

# Before tests make them short.
REAL_PAUSES = config_flow.APPROVAL_PAUSES

TROUBLE = {
    "a proxy's page": Answer.html(502),
    "a proxy's refusal": Answer.html(403),
    "an error of the bank": Answer.error("internal_service"),
    "the connection breaks": DropBefore(),
    "the answer breaks off": Truncated(),
    "garbage": Answer.garbage(),
    "null": Answer.json(None),
    "a list": Answer.json([]),
    "nothing found": Answer.error("not_found"),
    "silence": Silence(),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner on a bank that does not answer."""
    monkeypatch.setattr(config_flow, "MonzoClient", partial(MonzoClient, timeout=0.1))


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave enough time to look around between two looks at the approval."""
    monkeypatch.setattr(config_flow, "APPROVAL_PAUSES", [30])


async def add_client(hass: HomeAssistant, server: BankServer, *, confidential: bool = True) -> None:
    """Create a second client at the bank and tell Home Assistant about it."""
    server.register_client(OTHER_CLIENT_ID, "another-secret", confidential=confidential)
    await async_import_client_credential(
        hass,
        DOMAIN,
        ClientCredential(OTHER_CLIENT_ID, "another-secret", "Other"),
        OTHER_CREDENTIALS,
    )


def make_not_confidential(server: BankServer) -> None:
    """Have the one client be of the kind that is not given refresh tokens."""
    server.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, confidential=False)


def assert_no_token_in(log: str, server: BankServer) -> None:
    """Look for every token that the bank has given away."""
    for grant in server.sign_ins.grants:
        assert grant.access_token not in log
        assert not grant.refresh_token or grant.refresh_token not in log


async def settled(hass: HomeAssistant) -> None:
    await hass.async_block_till_done(wait_background_tasks=True)


# The way that most go


async def test_people_are_sent_to_the_bank_with_their_own_client(
    hass: HomeAssistant, credentials: None, current_request_with_host: None
) -> None:
    page = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    assert page["type"] is FlowResultType.EXTERNAL_STEP
    assert page["step_id"] == "auth"
    url = URL(page["url"])
    assert (url.scheme, url.host, url.path) == ("https", "auth.monzo.com", "/")
    assert url.query == {
        "client_id": DEFAULT_CLIENT_ID,
        "redirect_uri": "https://example.com/auth/external/callback",
        "response_type": "code",
        "state": config_entry_oauth2_flow._encode_jwt(  # noqa: SLF001 - as Home Assistant has it
            hass,
            {
                "flow_id": page["flow_id"],
                "redirect_uri": "https://example.com/auth/external/callback",
            },
        ),
    }


async def test_somebody_signs_in(
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
    entry = done["result"]
    assert (entry.version, entry.minor_version) == (1, 3)
    assert entry.unique_id == home.ann.user_id
    assert set(entry.data) == {"auth_implementation", "token", "webhook_id"}
    assert entry.data["auth_implementation"] == CREDENTIALS
    assert entry.data["webhook_id"]
    token, grant = entry.data["token"], server.sign_ins.active(home.ann)[0]
    assert token["access_token"] == grant.access_token
    assert token["refresh_token"] == grant.refresh_token
    assert token["expires_at"] == pytest.approx(time.time() + 107_999, abs=60)
    assert entry.options == {}
    await settled(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert_no_token_in(caplog.text, server)


async def test_the_code_is_exchanged_as_the_bank_documents_it(
    home: Household, server: BankServer, dialogs: Dialogs, unhurried: None
) -> None:
    page = await dialogs.open()
    dialogs.dismiss(await dialogs.sign_in(page, home.ann))

    (exchange,) = server.requests_to("POST", "/oauth2/token")
    assert exchange.form.pop("code")
    assert exchange.form == {
        "grant_type": "authorization_code",
        "client_id": DEFAULT_CLIENT_ID,
        "client_secret": DEFAULT_CLIENT_SECRET,
        "redirect_uri": "https://example.com/auth/external/callback",
    }


async def test_waiting_costs_one_small_request_at_a_time(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    await asyncio.sleep(0.05)
    server.approve(home.ann)
    await dialogs.wait(waiting)

    asked = {call.path for call in server.requests[: server.requests.index(_first_read(server))]}
    assert asked == {"/oauth2/token", "/accounts"}


def _first_read(server: BankServer) -> Any:
    """Return the first request of the entry that the dialog has made."""
    approved = next(call for call in server.requests_to("GET", "/accounts") if call.status == 200)
    return server.requests[server.requests.index(approved) + 1]


async def test_without_a_name_at_the_bank_the_entry_is_called_monzo(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    def leave_names_out(answer: dict[str, Any]) -> object:
        return {"accounts": [{**account, "owners": []} for account in answer["accounts"]]}

    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.fail("GET", "/accounts", Edited(leave_names_out), times=None)
    server.approve(home.ann)

    assert (await dialogs.wait(waiting))["title"] == "Monzo"
    await settled(hass)


async def test_two_browsers_that_look_on_make_one_entry(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.behaviour = replace(server.behaviour, approve_at_once=True)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    await asyncio.wait(_approvals())

    looks = [hass.config_entries.flow.async_configure(waiting["flow_id"]) for _ in range(3)]
    first, *others = await asyncio.gather(*looks, return_exceptions=True)
    await settled(hass)

    assert not isinstance(first, BaseException)
    assert first["type"] is FlowResultType.CREATE_ENTRY
    assert {type(other) for other in others} == {UnknownFlow}
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [first["result"]]
    assert not hass.config_entries.flow.async_progress()


# The approval


async def test_who_has_not_approved_in_time_may_go_on(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)

    form = await dialogs.wait(waiting)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "approval_timeout"
    assert len(server.requests_to("GET", "/accounts")) == len(config_flow.APPROVAL_PAUSES)

    waiting = await dialogs.submit(form)
    assert waiting["type"] is FlowResultType.SHOW_PROGRESS
    server.approve(home.ann)
    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY


def test_waiting_takes_two_minutes_and_fewer_requests_than_the_bank_has_refused() -> None:
    assert sum(REAL_PAUSES) == 120
    assert len(REAL_PAUSES) < 24


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
async def test_who_could_not_be_heard_of_may_go_on(
    home: Household, server: BankServer, dialogs: Dialogs, impatient: None, trouble: Fault
) -> None:
    fault = server.fail("GET", "/accounts", trouble, times=None)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)

    form = await dialogs.wait(waiting)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "connection_error"
    assert fault.met == config_flow.APPROVAL_PATIENCE

    fault.clear()
    waiting = await dialogs.submit(form)
    server.approve(home.ann)
    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY


async def test_a_hiccup_does_not_end_the_waiting(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    not_yet = Answer.error("forbidden.insufficient_permissions")
    story = [(DropBefore(), 2), (not_yet, 1), (Answer.html(502), 2)]
    faults = [server.fail("GET", "/accounts", fault, times=times) for fault, times in story]
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.approve(home.ann)

    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY
    assert [fault.met for fault in faults] == [2, 1, 2]


async def test_nothing_is_sent_while_the_bank_wants_to_be_left_alone(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    limit = server.fail("GET", "/accounts", Answer.rate_limited("1"))
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.approve(home.ann)
    await asyncio.sleep(0.5)
    assert limit.met == len(server.requests_to("GET", "/accounts")) == 1

    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY


async def test_a_limit_without_a_term_does_not_end_the_waiting(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.fail("GET", "/accounts", Answer.rate_limited(), times=5)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.approve(home.ann)

    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY


async def test_who_declines_in_the_app_has_ended_the_sign_in(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.behaviour = replace(server.behaviour, denied_is_revoked=True)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.deny(home.ann)

    ended = await dialogs.wait(waiting)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "sign_in_ended"
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_a_sign_in_elsewhere_ends_the_waiting(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.evict(home.ann)

    ended = await dialogs.wait(waiting)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "sign_in_ended"
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_who_declines_without_the_bank_telling_may_go_on(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.deny(home.ann)

    assert (await dialogs.wait(waiting))["step_id"] == "approval_timeout"


async def test_home_assistant_stops_in_the_middle(
    hass: HomeAssistant,
    home: Household,
    dialogs: Dialogs,
    unhurried: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await dialogs.sign_in(await dialogs.open(), home.ann)
    assert len(_approvals()) == 1
    caplog.clear()

    await hass.async_stop(force=True)

    assert _approvals() == []
    assert not complaints(caplog, "WARNING", "ERROR")


async def test_the_dialog_is_closed_in_the_middle(
    hass: HomeAssistant,
    home: Household,
    dialogs: Dialogs,
    unhurried: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert len(_approvals()) == 1
    caplog.clear()

    dialogs.dismiss(waiting)
    await settled(hass)

    assert _approvals() == []
    assert not hass.config_entries.flow.async_progress()
    assert not complaints(caplog, "WARNING", "ERROR")


def _approvals() -> list[asyncio.Task[Any]]:
    """Return whoever still waits for an approval."""
    return [task for task in asyncio.all_tasks() if "approval" in task.get_name()]


# The bank's website and its tokens


async def test_who_denies_the_access_is_not_signed_in(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    ended = await dialogs.refuse(await dialogs.open())

    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "user_rejected_authorize"
    assert not server.requests_to("POST", "/oauth2/token")
    assert not hass.config_entries.async_entries(DOMAIN)


def _token(**changes: object) -> Answer:
    """Return an answer of the token URL with something wrong with it."""
    token: JsonObject = {
        "access_token": "secret-access-token",
        "client_id": DEFAULT_CLIENT_ID,
        "expires_in": 107_999,
        "refresh_token": "secret-refresh-token",
        "token_type": "Bearer",
        "user_id": "user_0000Somebody",
    }
    return Answer.json(
        {key: value for key, value in (token | changes).items() if value is not _ABSENT}
    )


_ABSENT = object()

NO_TOKEN = {
    "a proxy's page": (Answer.html(502), "oauth_failed"),
    "a proxy's page that says 200": (Answer.html(200), "oauth_failed"),
    "a proxy's refusal": (Answer.html(403), "oauth_failed"),
    "an error of the bank": (Answer.error("internal_service"), "oauth_failed"),
    "too many requests": (Answer.rate_limited("7"), "oauth_failed"),
    "the connection breaks": (DropBefore(), "oauth_failed"),
    "the answer breaks off": (Truncated(), "oauth_failed"),
    "garbage": (Answer.garbage(), "oauth_failed"),
    "nothing": (Answer(200), "oauth_failed"),
    "deep JSON": (Answer(200, b"[" * 200_000), "oauth_failed"),
    "null": (Answer.json(None), "oauth_failed"),
    "a list": (Answer.json(["secret-access-token"]), "oauth_failed"),
    "a text": (Answer.json("secret-access-token"), "oauth_failed"),
    "no term": (_token(expires_in=_ABSENT), "oauth_failed"),
    "a term that is no number": (_token(expires_in="soon"), "oauth_failed"),
    "a term that is null": (_token(expires_in=None), "oauth_failed"),
    "a term that is over": (_token(expires_in=0), "oauth_failed"),
    "an endless term": (_token(expires_in=10**18), "oauth_failed"),
    "a term beyond numbers": (_token(expires_in=10**400), "oauth_failed"),
    "an infinite term": (_token(expires_in=float("inf")), "oauth_failed"),
    "nobody": (_token(user_id=_ABSENT), "oauth_failed"),
    "nobody with a name": (_token(user_id=""), "oauth_failed"),
    "a number for somebody": (_token(user_id=7), "oauth_failed"),
    "no access token": (_token(access_token=_ABSENT), "oauth_failed"),
    "an empty access token": (_token(access_token=""), "oauth_failed"),
    "a refresh token that is none": (_token(refresh_token=["secret"]), "oauth_failed"),
    "a wrong secret": (Answer.error("unauthorized.bad_client"), "oauth_unauthorized"),
    "a used code": (Answer.error("bad_request.bad_param.code"), "oauth_unauthorized"),
    "a refresh token that is null": (_token(refresh_token=None), "not_confidential"),
    "an empty refresh token": (_token(refresh_token=""), "not_confidential"),
}


@pytest.mark.parametrize(("answer", "reason"), NO_TOKEN.values(), ids=NO_TOKEN.keys())
async def test_what_is_no_token_ends_the_dialog(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    caplog: pytest.LogCaptureFixture,
    answer: Fault,
    reason: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    fault = server.fail("POST", "/oauth2/token", answer)
    ended = await dialogs.sign_in(await dialogs.open(), home.ann)

    assert fault.met == 1
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == reason
    assert not hass.config_entries.async_entries(DOMAIN)
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
    assert_no_token_in(caplog.text, server)


async def test_a_text_for_a_term_is_understood(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.fail(
        "POST", "/oauth2/token", Edited(lambda token: {**token, "expires_in": "107999"}), times=1
    )
    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.approve(home.ann)

    entry = (await dialogs.wait(waiting))["result"]
    assert entry.data["token"]["expires_in"] == 107_999


async def test_the_real_bank_refuses_a_wrong_secret(
    home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    server.register_client(DEFAULT_CLIENT_ID, "another secret")

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "oauth_unauthorized"


@pytest.mark.parametrize(
    ("module", "name", "limit", "reason"),
    [
        (config_entry_oauth2_flow, "OAUTH_TOKEN_TIMEOUT_SEC", 0.1, "oauth_timeout"),
        (application_credentials, "TOKEN_TIMEOUT", timedelta(seconds=0.1), "oauth_failed"),
    ],
    ids=["Home Assistant gives up first", "we give up first"],
)
async def test_a_silent_token_url_ends_the_dialog(
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


async def test_without_credentials_the_user_is_told_to_add_some(
    hass: HomeAssistant, current_request_with_host: None
) -> None:
    assert await async_setup_component(hass, "application_credentials", {})
    ended = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "missing_credentials"


# Clients


async def test_a_client_that_is_not_confidential_is_refused(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    make_not_confidential(server)

    ended = await dialogs.sign_in(await dialogs.open(), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "not_confidential"
    assert ended["description_placeholders"] == {"developer_portal": "https://developers.monzo.com"}
    assert not hass.config_entries.async_entries(DOMAIN)


@pytest.mark.parametrize("dialog", ["reauth", "reconfigure"])
async def test_a_client_that_is_not_confidential_is_refused_later_as_well(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    dialog: str,
) -> None:
    before = dict(ann.data)
    make_not_confidential(server)

    ended = await dialogs.sign_in(await _page_of(hass, dialogs, ann, dialog), home.ann)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "not_confidential"
    assert ann.data == before


async def test_several_clients_are_to_choose_from(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    await add_client(hass, server)

    form = await dialogs.open()
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "pick_implementation"

    page = await dialogs.submit(form, {"implementation": OTHER_CREDENTIALS})
    assert URL(page["url"]).query["client_id"] == OTHER_CLIENT_ID
    waiting = await dialogs.sign_in(page, home.ann)
    server.approve(home.ann)
    done = await dialogs.wait(waiting)
    assert done["result"].data["auth_implementation"] == OTHER_CREDENTIALS


@pytest.mark.parametrize("dialog", ["reauth", "reconfigure"])
async def test_among_several_clients_the_own_one_is_suggested(
    hass: HomeAssistant,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    dialog: str,
) -> None:
    await add_client(hass, server)
    hass.config_entries.async_update_entry(
        ann, data={**ann.data, "auth_implementation": OTHER_CREDENTIALS}
    )

    form = await _page_of(hass, dialogs, ann, dialog)
    assert form["step_id"] == "pick_implementation"
    assert form["data_schema"] is not None
    (key,) = form["data_schema"].schema
    assert key.description == {"suggested_value": OTHER_CREDENTIALS}
    assert (await dialogs.submit(form, {"implementation": OTHER_CREDENTIALS}))["url"]


# Several people, and one person twice


async def test_a_second_person_has_an_entry_of_their_own(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    before = dict(ann.data)
    waiting = await dialogs.sign_in(await dialogs.open(), home.ben)
    server.approve(home.ben)
    done = await dialogs.wait(waiting)
    await settled(hass)

    assert done["title"] == "Ben Baker"
    assert ann.data == before
    assert ann.state is done["result"].state is ConfigEntryState.LOADED
    assert ann.data["webhook_id"] != done["result"].data["webhook_id"]


async def test_two_people_sign_in_at_the_same_time(
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
    assert anns_done["result"].state is bens_done["result"].state is ConfigEntryState.LOADED


async def test_signing_in_again_keeps_the_entry_going(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    """The bank has ended the entry's token, so it takes the new one."""
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


async def test_signing_in_again_mends_an_entry_that_has_ended(
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


async def test_signing_in_again_with_another_client_changes_nothing(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    before = dict(ann.data)
    await add_client(hass, server)
    page = await dialogs.submit(await dialogs.open(), {"implementation": OTHER_CREDENTIALS})

    ended = await dialogs.sign_in(page, home.ann)
    assert ended["reason"] == "already_configured"
    assert ann.data == before
    assert ann.state is ConfigEntryState.LOADED


async def test_a_dialog_left_open_does_not_stand_in_the_way(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs
) -> None:
    left_open = await dialogs.wait(await dialogs.sign_in(await dialogs.open(), home.ann))
    assert left_open["step_id"] == "approval_timeout"

    waiting = await dialogs.sign_in(await dialogs.open(), home.ann)
    server.approve(home.ann)
    assert (await dialogs.wait(waiting))["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)
    assert not hass.config_entries.flow.async_progress()


# Signing in anew


async def _page_of(
    hass: HomeAssistant, dialogs: Dialogs, entry: MockConfigEntry, dialog: str
) -> ConfigFlowResult:
    """Go as far as to the bank's website."""
    if dialog == "reauth":
        form = await entry.start_reauth_flow(hass)
        assert form["step_id"] == "reauth_confirm"
        assert form["description_placeholders"] == {"name": entry.title}
    else:
        form = await entry.start_reconfigure_flow(hass)
        assert form["step_id"] == "reconfigure"
    assert form["type"] is FlowResultType.FORM
    return await dialogs.submit(form)


@pytest.mark.parametrize("dialog", ["reauth", "reconfigure"])
async def test_signing_in_anew_changes_the_token_and_nothing_else(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    dialog: str,
) -> None:
    hass.config_entries.async_update_entry(ann, options={CONF_MAX_PER_DAY: 100})
    loaded = ann.runtime_data

    waiting = await dialogs.sign_in(await _page_of(hass, dialogs, ann, dialog), home.ann)
    server.approve(home.ann)
    done = await dialogs.wait(waiting)
    await settled(hass)

    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == f"{dialog}_successful"
    assert hass.config_entries.async_entries(DOMAIN) == [ann]
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data is not loaded
    assert ann.title == "Ann Archer"
    assert ann.data["token"]["access_token"] == server.sign_ins.active(home.ann)[0].access_token
    assert ann.data["webhook_id"] == WEBHOOK_ID
    assert ann.options == {CONF_MAX_PER_DAY: 100}


@pytest.mark.parametrize("dialog", ["reauth", "reconfigure"])
async def test_signing_in_anew_with_another_client_takes_effect_when_approved(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    dialog: str,
) -> None:
    before = dict(ann.data)
    await add_client(hass, server)
    form = await _page_of(hass, dialogs, ann, dialog)
    page = await dialogs.submit(form, {"implementation": OTHER_CREDENTIALS})

    waiting = await dialogs.sign_in(page, home.ann)
    assert ann.data == before
    server.approve(home.ann)
    await dialogs.wait(waiting)
    await settled(hass)

    assert ann.state is ConfigEntryState.LOADED
    assert ann.data["auth_implementation"] == OTHER_CREDENTIALS
    assert ann.data["webhook_id"] == WEBHOOK_ID


@pytest.mark.parametrize("dialog", ["reauth", "reconfigure"])
async def test_signing_in_anew_as_somebody_else_is_refused(
    hass: HomeAssistant,
    home: Household,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    dialog: str,
) -> None:
    before, loaded = dict(ann.data), ann.runtime_data

    ended = await dialogs.sign_in(await _page_of(hass, dialogs, ann, dialog), home.ben)
    await settled(hass)

    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "wrong_account"
    assert ann.data == before
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data is loaded


async def test_somebody_else_who_signs_in_by_mistake_does_not_end_their_own_entry(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    sign_in: SignIn,
    ann: MockConfigEntry,
) -> None:
    """The bank has ended Ben's token, if both use the same client."""
    ben = sign_in(home.ben)
    await hass.config_entries.async_setup(ben.entry_id)

    ended = await dialogs.sign_in(await _page_of(hass, dialogs, ann, "reauth"), home.ben)
    assert ended["reason"] == "wrong_account"
    server.approve(home.ben)
    await ben.runtime_data.balances.async_refresh()
    assert ben.runtime_data.balances.last_update_success
    assert not hass.config_entries.flow.async_progress()


@pytest.mark.parametrize("dialog", ["reauth", "reconfigure"])
async def test_an_entry_outlives_a_dialog_that_is_closed_too_early(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    ann: MockConfigEntry,
    dialog: str,
) -> None:
    """The bank ends the old token with the new sign-in, not with its approval."""
    waiting = await dialogs.sign_in(await _page_of(hass, dialogs, ann, dialog), home.ann)
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


async def test_credentials_that_were_deleted_can_be_replaced(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    dialogs: Dialogs,
    sign_in: SignIn,
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
