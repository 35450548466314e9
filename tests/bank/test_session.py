"""The session: token renewal, reauthentication and rate limits."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
import time
from typing import Any, Literal, override

from aiohttp import web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo import application_credentials
from custom_components.monzo.bank import session
from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.faults import Exchange, Fault
from sandbox.household import Household
from sandbox.server import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    BankServer,
    DropBefore,
    LoseResponse,
    Silence,
    Truncated,
)
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.config_dialogs import Dialogs
from tests.helpers.state_helpers import ByAccount, HeldResponse, complaints, set_up, value
from tests.helpers.stopped_clock import StoppedClock
from tests.sandbox.waiting import let_tasks_run, wait_until

TOKEN = "/oauth2/token"

# Failures of a token request that do not require a new sign-in.
TEMPORARY_FAULTS = {
    "a proxy's page": Answer.html(502),
    "a proxy's page with status 200": Answer.html(200),
    "a proxy's page with status 400": Answer.html(400),
    "a proxy's page with status 401": Answer.html(401),
    "a refusal that is not about the sign-in": Answer.error("unauthorized"),
    "a proxy's page with status 403": Answer.html(403),
    "a proxy's page with status 404": Answer.html(404),
    "an internal error of the bank": Answer.error("internal_service"),
    "a broken connection": DropBefore(),
    "garbage": Answer.garbage(),
    "null": Answer.json(None),
    "a list": Answer.json([]),
    "an empty object": Answer.json({}),
    "no access token": Answer.json({"expires_in": 60, "user_id": "user_1"}),
    "an invalid lifetime": Answer.json({"access_token": "a", "expires_in": "soon"}),
    "an infinite lifetime": Answer.json({"access_token": "a", "expires_in": float("inf")}),
    "no answer": Silence(),
}


async def poll(entry: MockConfigEntry) -> bool:
    """Poll the balances, and return whether the poll succeeded."""
    await entry.runtime_data.balances.async_refresh()
    await entry.runtime_data.balances.hass.async_block_till_done()
    succeeded: bool = entry.runtime_data.balances.last_update_success
    return succeeded


def last_error_key(entry: MockConfigEntry) -> str | None:
    """Return the translation key of the last poll's error."""
    key: str | None = entry.runtime_data.balances.last_exception.translation_key
    return key


def all_sensors_unavailable(hass: HomeAssistant) -> bool:
    """Return whether all sensors are unavailable."""
    states = hass.states.async_all(Platform.SENSOR)
    assert states
    return all(state.state == STATE_UNAVAILABLE for state in states)


def reauth_flow_count(hass: HomeAssistant) -> int:
    """Return the number of reauthentication flows in progress."""
    return len(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


def expire_token_soon(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Make the token expire in ten seconds, by Home Assistant's clock."""
    token = {**entry.data["token"], "expires_at": time.time() + 10}
    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})


def has_current_tokens(entry: MockConfigEntry, home: Household, server: BankServer) -> bool:
    """Return whether the entry has the tokens that the bank accepts now."""
    (grant,) = server.sign_ins.active(home.ann)
    token = entry.data["token"]
    return (token["access_token"], token["refresh_token"]) == (
        grant.access_token,
        grant.refresh_token,
    )


# Token renewal


async def test_a_refused_access_token_is_renewed_and_the_request_is_repeated(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    server.expire_access_token(home.ann)
    server.requests.clear()

    assert await ann.runtime_data.session.accounts()
    assert [(call.path, call.status) for call in server.requests] == [
        ("/accounts", 401),
        (TOKEN, 200),
        ("/accounts", 200),
    ]
    assert has_current_tokens(ann, home, server)
    assert reauth_flow_count(hass) == 0


async def test_parallel_refusals_renew_the_token_once(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    server.expire_access_token(home.ann)
    server.requests.clear()

    assert await poll(ann)
    assert len(server.requests_to("POST", TOKEN)) == 1
    refused = [call for call in server.requests if call.status == 401]
    assert len(refused) > 1
    for call in refused:
        asked = [
            other for other in server.requests_to("GET", call.path) if other.query == call.query
        ]
        assert [other.status for other in asked] == [401, 200]
    assert reauth_flow_count(hass) == 0


async def test_a_late_refusal_of_the_old_token_does_not_renew_the_new_token(
    home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    """The bank refuses the second request with the old token after the renewal."""
    server.expire_access_token(home.ann)
    late = HeldResponse()
    server.fail("GET", "/balance", late)
    server.requests.clear()

    reading = asyncio.create_task(ann.runtime_data.session.balance(home.current.id))
    await late.arrived.wait()
    await ann.runtime_data.session.accounts()
    late.released.set()
    await reading
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert len(server.requests_to("GET", "/balance")) == 2


async def test_a_token_is_renewed_before_it_expires(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    expire_token_soon(hass, ann)
    server.requests.clear()

    assert await poll(ann)
    assert server.requests[0].path == TOKEN
    assert server.requests[0].form["grant_type"] == "refresh_token"
    assert {call.status for call in server.requests} == {200}
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert has_current_tokens(ann, home, server)
    assert ann.data["token"]["expires_at"] > time.time() + 100_000


async def test_a_new_token_is_kept_after_a_reload(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    """A refresh token works once, so losing the new one would end the sign-in."""
    for _ in range(3):
        expire_token_soon(hass, ann)
        assert await hass.config_entries.async_reload(ann.entry_id)
        assert has_current_tokens(ann, home, server)
    assert len(server.requests_to("POST", TOKEN)) == 3
    assert reauth_flow_count(hass) == 0


@dataclass(frozen=True)
class RunBeforeAnswer(Fault):
    """Run an action before the bank answers a request."""

    action: Callable[[], None]

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        self.action()
        return await exchange.work()


async def test_a_sign_in_during_a_refused_request_replaces_the_token_renewal(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    def sign_in_again() -> None:
        token: dict[str, Any] = server.sign_in(home.ann)
        token["expires_at"] = time.time() + token["expires_in"]
        hass.config_entries.async_update_entry(ann, data={**ann.data, "token": token})

    server.fail("GET", "/accounts", RunBeforeAnswer(sign_in_again))
    server.requests.clear()

    assert await ann.runtime_data.session.accounts()
    assert [(call.path, call.status) for call in server.requests] == [
        ("/accounts", 401),
        ("/accounts", 200),
    ]


# Refused tokens: a passing failure


REFUSED = Answer.error("unauthorized.bad_access_token")


def renewals(server: BankServer) -> int:
    """Return the number of token requests."""
    return len(server.requests_to("POST", TOKEN))


async def test_an_outage_that_refuses_all_tokens_passes(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    outage = server.fail("GET", "/*", REFUSED, times=None)
    await advance_time(timedelta(minutes=2))
    assert last_error_key(ann) == "token_refused"
    assert all_sensors_unavailable(hass)

    outage.clear()
    await advance_time(timedelta(minutes=1))
    assert not all_sensors_unavailable(hass)
    assert renewals(server) == 1
    assert has_current_tokens(ann, home, server)
    assert reauth_flow_count(hass) == 0


async def test_a_refused_renewed_token_is_tried_ever_more_rarely(
    hass: HomeAssistant, bank: Bank, server: BankServer, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(bank.open_account(bank.add_person("Eve Ellis")).owners[0])
    await set_up(hass, entry)
    outage = server.fail("GET", "/*", REFUSED, times=None)
    start = bank.clock()
    for _minute in range(6 * 60):
        await advance_time(timedelta(minutes=1))

    tries = {
        round((call.at - start).total_seconds() / 60)
        for call in server.requests_to("GET", "/balance")
        if call.status == 401
    }
    gaps = [later - earlier for earlier, later in pairwise(sorted(tries))]
    assert gaps == [1, 2, 5, 15, 60, 60, 60, 60, 60]
    assert renewals(server) <= 1 + 6
    assert reauth_flow_count(hass) == 0

    outage.clear()
    await advance_time(timedelta(hours=1))
    assert not all_sensors_unavailable(hass)


async def test_a_new_sign_in_is_used_at_once(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    outage = server.fail("GET", "/*", REFUSED, times=None)
    for _minute in range(30):
        await advance_time(timedelta(minutes=1))
    assert all_sensors_unavailable(hass)
    outage.clear()
    token = server.sign_in(home.ann)
    token["expires_at"] = time.time() + token["expires_in"]
    hass.config_entries.async_update_entry(ann, data={**ann.data, "token": token})

    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.LOADED
    assert not all_sensors_unavailable(hass)


async def test_set_up_passes_an_outage_that_refuses_all_tokens(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    outage = server.fail("GET", "/*", REFUSED, times=None)
    await set_up(hass, entry)
    for _ in range(9):
        await advance_time(timedelta(seconds=10))
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "token_refused"

    outage.clear()
    for _ in range(30):
        await advance_time(timedelta(seconds=10))
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]
    assert renewals(server) == 1
    assert reauth_flow_count(hass) == 0


@pytest.mark.parametrize("outage_of_renewals", [False, True], ids=["", "no token is renewed"])
async def test_one_endpoint_of_one_account_that_refuses_does_not_stop_the_others(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    advance_time: AdvanceTime,
    *,
    outage_of_renewals: bool,
) -> None:
    server.fail("GET", "/pots", ByAccount({home.joint.id: REFUSED}), times=None)
    if outage_of_renewals:
        server.fail("POST", TOKEN, Answer.html(502), times=None)
    await advance_time(timedelta(minutes=11))
    home.bank.pay(home.current.id, -1_000)

    await advance_time(timedelta(minutes=2))
    assert value(hass, home.house.id, "pot_balance") == STATE_UNAVAILABLE
    assert value(hass, home.joint.id, "balance") != STATE_UNAVAILABLE
    assert value(hass, home.holiday.id, "pot_balance") != STATE_UNAVAILABLE
    assert value(hass, home.current.id, "balance") == f"{home.current.balance / 100:.2f}"
    assert reauth_flow_count(hass) == 0

    server.clear_faults()
    await advance_time(timedelta(hours=1))
    assert value(hass, home.house.id, "pot_balance") != STATE_UNAVAILABLE


async def test_an_expired_token_is_renewed_while_one_endpoint_refuses_every_token(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    server.fail("GET", "/pots", ByAccount({home.joint.id: REFUSED}), times=None)
    await advance_time(timedelta(minutes=11))
    server.expire_access_token(home.ann)

    await advance_time(timedelta(minutes=2))
    assert value(hass, home.current.id, "balance") != STATE_UNAVAILABLE
    assert has_current_tokens(ann, home, server)


async def test_a_new_token_that_the_bank_knows_only_later_is_used(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.behaviour = replace(server.behaviour, new_token_known_after=timedelta(milliseconds=200))
    monkeypatch.setattr(session, "NEW_TOKEN_DELAY", timedelta(milliseconds=300))
    server.expire_access_token(home.ann)

    assert await poll(ann)
    assert not all_sensors_unavailable(hass)
    assert renewals(server) == 1


async def test_a_new_token_that_another_sign_in_has_ended_starts_reauthentication(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    server.fail("GET", "/*", Answer.error("unauthorized.bad_access_token.evicted"), times=None)

    assert not await poll(ann)
    assert last_error_key(ann) == "evicted"
    assert reauth_flow_count(hass) == 1


@pytest.mark.parametrize("renewed", ["null", "empty", "absent"])
async def test_a_renewal_without_a_new_refresh_token_keeps_the_old_one(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    renewed: Literal["null", "empty", "absent"],
) -> None:
    server.behaviour = replace(server.behaviour, renewal_keeps_grant=renewed)
    for _ in range(2):
        server.expire_access_token(home.ann)
        assert await poll(ann)
        assert has_current_tokens(ann, home, server)
    assert reauth_flow_count(hass) == 0


# Interruptions


async def _begin_token_renewal(
    hass: HomeAssistant, server: BankServer, entry: MockConfigEntry
) -> HeldResponse:
    """Start a renewal, and return when the bank has replaced the token but not answered."""
    expire_token_soon(hass, entry)
    server.requests.clear()
    renewal = HeldResponse()
    server.fail("POST", TOKEN, renewal)
    entry.async_create_background_task(hass, entry.runtime_data.balances.async_refresh(), "poll")
    await renewal.arrived.wait()
    return renewal


async def test_a_reload_during_a_token_renewal_keeps_the_new_token(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    renewal = await _begin_token_renewal(hass, server, ann)

    reload = asyncio.create_task(hass.config_entries.async_reload(ann.entry_id))
    await wait_until(lambda: ann.state is not ConfigEntryState.LOADED)
    renewal.released.set()
    assert await reload
    assert has_current_tokens(ann, home, server)
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert reauth_flow_count(hass) == 0


async def test_stopping_home_assistant_during_a_token_renewal_keeps_the_new_token(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    renewal = await _begin_token_renewal(hass, server, ann)

    stop = asyncio.create_task(hass.async_stop(force=True))
    await let_tasks_run()
    assert not stop.done()
    renewal.released.set()
    await stop
    assert has_current_tokens(ann, home, server)


async def test_an_entry_can_be_removed_during_a_token_renewal(
    hass: HomeAssistant,
    server: BankServer,
    ann: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    renewal = await _begin_token_renewal(hass, server, ann)
    caplog.clear()

    removal = asyncio.create_task(hass.config_entries.async_remove(ann.entry_id))
    await wait_until(lambda: ann.state is not ConfigEntryState.LOADED)
    renewal.released.set()
    await removal
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not complaints(caplog, "WARNING", "ERROR")


# Temporary failures


@pytest.mark.parametrize(
    ("expired_for", "renewal_fault"),
    [
        *(("the bank", name) for name in TEMPORARY_FAULTS),
        # Later, both are the same renewal.
        ("Home Assistant", "a proxy's page with status 401"),
        ("Home Assistant", "no access token"),
        ("Home Assistant", "no answer"),
    ],
)
async def test_a_temporary_token_renewal_failure_does_not_start_reauthentication(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    expired_for: str,
    renewal_fault: str,
) -> None:
    if expired_for == "the bank":
        server.expire_access_token(home.ann)
    else:
        expire_token_soon(hass, ann)
    fault = server.fail("POST", TOKEN, TEMPORARY_FAULTS[renewal_fault], times=None)

    with monkeypatch.context() as patched:
        # Also a response that takes longer than this is a temporary failure.
        patched.setattr(application_credentials, "TOKEN_TIMEOUT", timedelta(seconds=0.05))
        assert not await poll(ann)
        assert not await poll(ann)
        assert fault.met
        assert last_error_key(ann) == "cannot_connect"
        assert all_sensors_unavailable(hass)
        assert reauth_flow_count(hass) == 0
        await hass.config_entries.async_reload(ann.entry_id)
        assert not hass.config_entries.async_loaded_entries(DOMAIN)
        assert reauth_flow_count(hass) == 0

    fault.clear()
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.LOADED
    assert has_current_tokens(ann, home, server)
    assert not all_sensors_unavailable(hass)
    assert not complaints(caplog, "WARNING")
    assert not [
        record for record in caplog.records if record.levelname == "ERROR" and record.exc_info
    ]
    for grant in server.sign_ins.grants:
        assert grant.access_token not in caplog.text
        assert grant.refresh_token not in caplog.text


# Reauthentication


@pytest.mark.parametrize("loss", [LoseResponse(), Truncated()], ids=["lost", "truncated"])
async def test_a_lost_token_answer_starts_reauthentication(
    hass: HomeAssistant, server: BankServer, ann: MockConfigEntry, loss: Fault
) -> None:
    """The bank no longer accepts the old refresh token."""
    expire_token_soon(hass, ann)
    server.fail("POST", TOKEN, loss)

    await poll(ann)
    assert not await poll(ann)
    assert last_error_key(ann) == "sign_in_expired"
    assert reauth_flow_count(hass) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        "unauthorized.bad_refresh_token",
        "unauthorized.bad_client",
        "bad_request.refresh_token.invalid",
        "bad_request.refresh_token.evicted",
    ],
)
async def test_a_refused_token_renewal_starts_reauthentication(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    refusal: str,
) -> None:
    server.expire_access_token(home.ann)
    server.fail("POST", TOKEN, Answer.error(refusal), times=None)

    assert not await poll(ann)
    assert not await poll(ann)
    assert reauth_flow_count(hass) == 1
    assert last_error_key(ann) == "sign_in_expired"
    assert all_sensors_unavailable(hass)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, f"evicted_{ann.entry_id}")


async def test_a_grant_that_oauth_calls_invalid_starts_reauthentication(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    server.expire_access_token(home.ann)
    server.fail("POST", TOKEN, Answer.json({"error": "invalid_grant"}, status=400), times=None)

    assert not await poll(ann)
    assert last_error_key(ann) == "sign_in_expired"
    assert reauth_flow_count(hass) == 1


async def test_a_revoked_expired_token_starts_reauthentication(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    (grant,) = server.sign_ins.active(home.ann)
    server.sign_ins.end(grant, "revoked")
    expire_token_soon(hass, ann)

    assert not await poll(ann)
    assert last_error_key(ann) == "sign_in_expired"
    assert reauth_flow_count(hass) == 1
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.SETUP_ERROR
    assert reauth_flow_count(hass) == 1


async def test_an_eviction_issue_is_shown_until_the_user_signs_in(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    server.evict(home.ann)

    assert not await poll(ann)
    assert last_error_key(ann) == "evicted"
    assert all_sensors_unavailable(hass)
    assert reauth_flow_count(hass) == 1
    issues = ir.async_get(hass)
    issue = issues.async_get_issue(DOMAIN, f"evicted_{ann.entry_id}")
    assert issue is not None
    assert issue.translation_key == "evicted"
    assert issue.translation_placeholders == {"name": "Ann Archer"}
    assert not issue.is_fixable

    (reauth,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    waiting = await dialogs.sign_in(await dialogs.submit(reauth), home.ann)
    server.approve(home.ann)
    assert (await dialogs.wait(waiting))["reason"] == "reauth_successful"
    await hass.async_block_till_done(wait_background_tasks=True)

    assert ann.state is ConfigEntryState.LOADED
    assert not issues.async_get_issue(DOMAIN, f"evicted_{ann.entry_id}")
    assert not all_sensors_unavailable(hass)


# Clients that are not confidential


@pytest.fixture
async def entry_without_refresh_token(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> MockConfigEntry:
    """Return an entry from a version that accepted sign-ins without a refresh token."""
    server.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, confidential=False)
    entry = sign_in(home.ann)
    assert "refresh_token" not in entry.data["token"]
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


async def test_an_entry_without_a_refresh_token_works_until_its_token_expires(
    hass: HomeAssistant, server: BankServer, entry_without_refresh_token: MockConfigEntry
) -> None:
    issues = ir.async_get(hass)
    assert issues.async_get_issue(
        DOMAIN, f"not_confidential_{entry_without_refresh_token.entry_id}"
    )
    assert await poll(entry_without_refresh_token)
    assert reauth_flow_count(hass) == 0

    expire_token_soon(hass, entry_without_refresh_token)
    assert not await poll(entry_without_refresh_token)
    assert last_error_key(entry_without_refresh_token) == "sign_in_expired"
    assert reauth_flow_count(hass) == 1
    assert not server.requests_to("POST", TOKEN)


async def test_a_refusal_without_a_refresh_token_starts_reauthentication(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    entry_without_refresh_token: MockConfigEntry,
) -> None:
    server.expire_access_token(home.ann)

    assert not await poll(entry_without_refresh_token)
    assert reauth_flow_count(hass) == 1
    assert not server.requests_to("POST", TOKEN)


async def test_an_outage_passes_without_a_refresh_token_as_well(
    hass: HomeAssistant,
    server: BankServer,
    entry_without_refresh_token: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    outage = server.fail("GET", "/*", REFUSED, times=None)
    await advance_time(timedelta(minutes=2))
    assert last_error_key(entry_without_refresh_token) == "token_refused"

    outage.clear()
    await advance_time(timedelta(minutes=2))
    assert not all_sensors_unavailable(hass)
    assert reauth_flow_count(hass) == 0


async def test_a_confidential_client_removes_the_issue(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    entry_without_refresh_token: MockConfigEntry,
    dialogs: Dialogs,
) -> None:
    server.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    page = await dialogs.submit(await entry_without_refresh_token.start_reconfigure_flow(hass))
    waiting = await dialogs.sign_in(page, home.ann)
    server.approve(home.ann)
    await dialogs.wait(waiting)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not ir.async_get(hass).async_get_issue(
        DOMAIN, f"not_confidential_{entry_without_refresh_token.entry_id}"
    )


# Rate limits


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("300", 300), (None, 60), ("0", 60), ("999999", 86_400)],
    ids=["as requested", "default of a minute", "zero", "at most a day"],
)
async def test_no_request_is_sent_during_a_rate_limit_pause(
    hass: HomeAssistant,
    server: BankServer,
    ann: MockConfigEntry,
    advance_time: AdvanceTime,
    retry_after: str | None,
    seconds: int,
) -> None:
    limit = server.fail("GET", "/balance", Answer.rate_limited(retry_after))
    assert not await poll(ann)
    assert limit.met == 1
    assert last_error_key(ann) == "rate_limited"
    server.requests.clear()

    await advance_time(timedelta(seconds=seconds - 1))
    assert not await poll(ann)
    await hass.config_entries.async_reload(ann.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    assert not server.requests
    assert reauth_flow_count(hass) == 0

    await advance_time(timedelta(seconds=2))
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.LOADED
    assert reauth_flow_count(hass) == 0


async def test_set_up_waits_for_the_end_of_a_rate_limit_pause(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    server.fail("GET", "/accounts", Answer.rate_limited("120"))
    assert not await hass.config_entries.async_setup(entry.entry_id)
    server.requests.clear()

    for _ in range(11):
        await advance_time(timedelta(seconds=10))
    assert not server.requests
    assert entry.state is ConfigEntryState.SETUP_RETRY

    await advance_time(timedelta(seconds=120))
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]


async def test_a_rate_limited_token_request_pauses_all_requests(
    hass: HomeAssistant,
    server: BankServer,
    ann: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    expire_token_soon(hass, ann)
    server.fail("POST", TOKEN, Answer.rate_limited("300"))
    assert not await poll(ann)
    assert last_error_key(ann) == "rate_limited"
    server.requests.clear()

    await advance_time(timedelta(seconds=299))
    assert not await poll(ann)
    assert not server.requests

    await advance_time(timedelta(seconds=2))
    assert await poll(ann)
    assert reauth_flow_count(hass) == 0


async def test_a_rate_limit_of_one_person_does_not_pause_another(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    freezer: StoppedClock,
) -> None:
    ann, ben = sign_in(home.ann), sign_in(home.ben)
    await hass.config_entries.async_setup(ann.entry_id)
    await hass.async_block_till_done()
    server.fail("GET", "/balance", Answer.rate_limited("300"))

    assert not await poll(ann)
    assert await poll(ben)
