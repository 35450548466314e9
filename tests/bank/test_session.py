"""Tokens that run out, are refused or are lost; and a bank that wants to be left alone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
import time
from typing import Any, override

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo import application_credentials
from custom_components.monzo.const import DOMAIN
from sandbox.faults import Exchange, Fault
from sandbox.household import Household
from sandbox.server import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    BankServer,
    Delay,
    DropBefore,
    LoseResponse,
    Silence,
    Truncated,
)
from tests.conftest import LetPass, SignIn
from tests.helpers.config_dialogs import Dialogs
from tests.helpers.state_helpers import complaints

TOKEN = "/oauth2/token"  # an address

# What may happen to a request for a new token without anybody having to sign in.
TROUBLE = {
    "a proxy's page": Answer.html(502),
    "a proxy's page that says 200": Answer.html(200),
    "a proxy's refusal": Answer.html(403),
    "a proxy that finds nothing": Answer.html(404),
    "an error of the bank": Answer.error("internal_service"),
    "the connection breaks": DropBefore(),
    "garbage": Answer.garbage(),
    "null": Answer.json(None),
    "a list": Answer.json([]),
    "an empty object": Answer.json({}),
    "no access token": Answer.json({"expires_in": 60, "user_id": "user_1"}),
    "no number for a term": Answer.json({"access_token": "a", "expires_in": "soon"}),
    "an infinite term": Answer.json({"access_token": "a", "expires_in": float("inf")}),
    "silence": Silence(),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner on a token URL that does not answer."""
    monkeypatch.setattr(application_credentials, "TOKEN_TIMEOUT", timedelta(seconds=0.2))


async def poll(entry: MockConfigEntry) -> bool:
    """Ask the bank now, and return whether that worked."""
    await entry.runtime_data.balances.async_refresh()
    await entry.runtime_data.balances.hass.async_block_till_done()
    worked: bool = entry.runtime_data.balances.last_update_success
    return worked


def reason(entry: MockConfigEntry) -> str | None:
    """Return why the last poll failed."""
    key: str | None = entry.runtime_data.balances.last_exception.translation_key
    return key


def shows_nothing(hass: HomeAssistant) -> bool:
    """Return whether no sensor shows anything any more."""
    states = hass.states.async_all(Platform.SENSOR)
    assert states
    return all(state.state == STATE_UNAVAILABLE for state in states)


def asked_to_sign_in(hass: HomeAssistant) -> int:
    """Return how many dialogs wait for somebody to sign in again."""
    return len(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


def let_run_out(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Have the token be about to expire, by Home Assistant's clock."""
    token = {**entry.data["token"], "expires_at": time.time() + 10}
    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})


def has_what_the_bank_gave(entry: MockConfigEntry, home: Household, server: BankServer) -> bool:
    """Return whether the entry holds the tokens that are valid now."""
    (grant,) = server.sign_ins.active(home.ann)
    token = entry.data["token"]
    return (token["access_token"], token["refresh_token"]) == (
        grant.access_token,
        grant.refresh_token,
    )


# Renewing


async def test_a_refused_token_is_renewed_and_the_request_repeated(
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
    assert has_what_the_bank_gave(ann, home, server)
    assert asked_to_sign_in(hass) == 0


async def test_many_refusals_at_once_renew_the_token_once(
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
    assert asked_to_sign_in(hass) == 0


async def test_a_refusal_that_comes_late_does_not_use_up_the_new_token(
    home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    """Two requests with the old token: the second is refused after the token was renewed."""
    server.expire_access_token(home.ann)
    server.fail("GET", "/balance", Delay(0.2, committed=True))
    server.requests.clear()

    await asyncio.gather(
        ann.runtime_data.session.balance(home.current.id), ann.runtime_data.session.accounts()
    )
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert len(server.requests_to("GET", "/balance")) == 2


async def test_a_new_token_that_is_refused_as_well_is_the_end(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    server.fail("GET", "/*", Answer.error("unauthorized.bad_access_token"), times=None)
    server.requests.clear()

    assert not await poll(ann)
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert reason(ann) == "sign_in_expired"
    assert asked_to_sign_in(hass) == 1


async def test_a_token_is_renewed_before_it_runs_out(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    let_run_out(hass, ann)
    server.requests.clear()

    assert await poll(ann)
    assert server.requests[0].path == TOKEN
    assert server.requests[0].form["grant_type"] == "refresh_token"
    assert {call.status for call in server.requests} == {200}
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert has_what_the_bank_gave(ann, home, server)
    assert ann.data["token"]["expires_at"] > time.time() + 100_000


async def test_a_new_token_outlives_a_reload(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    """A refresh token works once, so losing the new one would end the sign-in."""
    for _ in range(3):
        let_run_out(hass, ann)
        assert await hass.config_entries.async_reload(ann.entry_id)
        assert has_what_the_bank_gave(ann, home, server)
    assert len(server.requests_to("POST", TOKEN)) == 3
    assert asked_to_sign_in(hass) == 0


@dataclass(frozen=True)
class Meanwhile(Fault):
    """Something else happens while a request is under way."""

    happens: Callable[[], None]

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        self.happens()
        return await exchange.work()


async def test_a_sign_in_that_comes_between_is_used_instead_of_renewing(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    def sign_in_anew() -> None:
        token: dict[str, Any] = server.sign_in(home.ann)
        token["expires_at"] = time.time() + token["expires_in"]
        hass.config_entries.async_update_entry(ann, data={**ann.data, "token": token})

    server.fail("GET", "/accounts", Meanwhile(sign_in_anew))
    server.requests.clear()

    assert await ann.runtime_data.session.accounts()
    assert [(call.path, call.status) for call in server.requests] == [
        ("/accounts", 401),
        ("/accounts", 200),
    ]


# Interruptions


async def _in_the_middle_of_renewing(
    hass: HomeAssistant, server: BankServer, entry: MockConfigEntry
) -> None:
    """Return when the bank has forgotten the old token, and nobody has the new one yet."""
    let_run_out(hass, entry)
    server.requests.clear()
    server.fail("POST", TOKEN, Delay(0.3, committed=True))
    entry.async_create_background_task(
        hass, entry.runtime_data.balances.async_refresh(), "a poll like any other"
    )
    async with asyncio.timeout(5):
        while not server.requests_to("POST", TOKEN):  # noqa: ASYNC110 - the bank is far away
            await asyncio.sleep(0.01)


async def test_a_reload_in_the_middle_of_renewing_loses_nothing(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    await _in_the_middle_of_renewing(hass, server, ann)

    assert await hass.config_entries.async_reload(ann.entry_id)
    assert has_what_the_bank_gave(ann, home, server)
    assert len(server.requests_to("POST", TOKEN)) == 1
    assert asked_to_sign_in(hass) == 0


async def test_stopping_in_the_middle_of_renewing_loses_nothing(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    await _in_the_middle_of_renewing(hass, server, ann)

    await hass.async_stop(force=True)
    assert has_what_the_bank_gave(ann, home, server)


async def test_an_entry_can_be_removed_in_the_middle_of_renewing(
    hass: HomeAssistant,
    server: BankServer,
    ann: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await _in_the_middle_of_renewing(hass, server, ann)
    caplog.clear()

    await hass.config_entries.async_remove(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not complaints(caplog, "WARNING", "ERROR")


# Trouble


@pytest.mark.parametrize("refused_by", ["the bank", "the clock"])
@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
async def test_trouble_while_renewing_makes_nobody_sign_in(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    ann: MockConfigEntry,
    impatient: None,
    caplog: pytest.LogCaptureFixture,
    trouble: Fault,
    refused_by: str,
) -> None:
    if refused_by == "the bank":
        server.expire_access_token(home.ann)
    else:
        let_run_out(hass, ann)
    fault = server.fail("POST", TOKEN, trouble, times=None)

    assert not await poll(ann)
    assert not await poll(ann)
    assert fault.met
    assert reason(ann) == "cannot_connect"
    assert shows_nothing(hass)
    assert asked_to_sign_in(hass) == 0
    await hass.config_entries.async_reload(ann.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    assert asked_to_sign_in(hass) == 0

    fault.clear()
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.LOADED
    assert has_what_the_bank_gave(ann, home, server)
    assert not shows_nothing(hass)
    assert not complaints(caplog, "WARNING")
    assert not [
        record for record in caplog.records if record.levelname == "ERROR" and record.exc_info
    ]
    for grant in server.sign_ins.grants:
        assert grant.access_token not in caplog.text
        assert grant.refresh_token not in caplog.text


# The end of a sign-in


@pytest.mark.parametrize("loss", [LoseResponse(), Truncated()], ids=["all of it", "half of it"])
async def test_a_new_token_that_gets_lost_on_its_way_ends_the_sign_in(
    hass: HomeAssistant, server: BankServer, ann: MockConfigEntry, loss: Fault
) -> None:
    """The bank has forgotten the old one, and says so when it is tried again."""
    let_run_out(hass, ann)
    server.fail("POST", TOKEN, loss)

    await poll(ann)
    assert not await poll(ann)
    assert reason(ann) == "sign_in_expired"
    assert asked_to_sign_in(hass) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        "unauthorized.bad_refresh_token",
        "bad_request.refresh_token.invalid",
        "bad_request.refresh_token.evicted",
    ],
)
async def test_when_the_bank_does_not_renew_the_token_the_user_signs_in_again(
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
    assert asked_to_sign_in(hass) == 1
    assert reason(ann) == "sign_in_expired"
    assert shows_nothing(hass)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, f"evicted_{ann.entry_id}")


async def test_a_token_that_has_run_out_and_is_not_renewed_ends_the_sign_in(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    (grant,) = server.sign_ins.active(home.ann)
    server.sign_ins.end(grant, "revoked")
    let_run_out(hass, ann)

    assert not await poll(ann)
    assert reason(ann) == "sign_in_expired"
    assert asked_to_sign_in(hass) == 1
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.SETUP_ERROR
    assert asked_to_sign_in(hass) == 1


async def test_another_program_with_the_same_client_is_named_until_the_user_has_signed_in(
    hass: HomeAssistant, home: Household, server: BankServer, dialogs: Dialogs, ann: MockConfigEntry
) -> None:
    server.evict(home.ann)

    assert not await poll(ann)
    assert reason(ann) == "evicted"
    assert shows_nothing(hass)
    assert asked_to_sign_in(hass) == 1
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
    assert not shows_nothing(hass)


# A client that is not confidential


@pytest.fixture
async def short_lived(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> MockConfigEntry:
    """Return an entry of a version that did not look whether there is a refresh token."""
    server.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, confidential=False)
    entry = sign_in(home.ann)
    assert "refresh_token" not in entry.data["token"]
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


async def test_without_a_refresh_token_it_works_until_the_token_runs_out(
    hass: HomeAssistant, server: BankServer, short_lived: MockConfigEntry
) -> None:
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, f"not_confidential_{short_lived.entry_id}")
    assert await poll(short_lived)
    assert asked_to_sign_in(hass) == 0

    let_run_out(hass, short_lived)
    assert not await poll(short_lived)
    assert reason(short_lived) == "sign_in_expired"
    assert asked_to_sign_in(hass) == 1
    assert not server.requests_to("POST", TOKEN)


async def test_without_a_refresh_token_a_refusal_is_the_end(
    hass: HomeAssistant, home: Household, server: BankServer, short_lived: MockConfigEntry
) -> None:
    server.expire_access_token(home.ann)

    assert not await poll(short_lived)
    assert asked_to_sign_in(hass) == 1
    assert not server.requests_to("POST", TOKEN)


async def test_a_confidential_client_clears_the_warning(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    short_lived: MockConfigEntry,
    dialogs: Dialogs,
) -> None:
    server.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    page = await dialogs.submit(await short_lived.start_reconfigure_flow(hass))
    waiting = await dialogs.sign_in(page, home.ann)
    server.approve(home.ann)
    await dialogs.wait(waiting)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not ir.async_get(hass).async_get_issue(
        DOMAIN, f"not_confidential_{short_lived.entry_id}"
    )


# A bank that wants to be left alone


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("300", 300), (None, 60), ("soon", 60), ("0", 60), ("999999", 86_400)],
    ids=["as long as it says", "a minute", "not a time", "no time", "a day at most"],
)
async def test_nothing_is_sent_before_the_time_is_over(
    hass: HomeAssistant,
    server: BankServer,
    ann: MockConfigEntry,
    let_pass: LetPass,
    retry_after: str | None,
    seconds: int,
) -> None:
    limit = server.fail("GET", "/balance", Answer.rate_limited(retry_after))
    assert not await poll(ann)
    assert limit.met == 1
    assert reason(ann) == "rate_limited"
    server.requests.clear()

    await let_pass(timedelta(seconds=seconds - 1))
    assert not await poll(ann)
    await hass.config_entries.async_reload(ann.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    assert not server.requests
    assert asked_to_sign_in(hass) == 0

    await let_pass(timedelta(seconds=2))
    await hass.config_entries.async_reload(ann.entry_id)
    assert ann.state is ConfigEntryState.LOADED
    assert asked_to_sign_in(hass) == 0


async def test_setting_up_waits_as_long_as_the_bank_says(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn, let_pass: LetPass
) -> None:
    entry = sign_in(home.ann)
    server.fail("GET", "/accounts", Answer.rate_limited("120"))
    assert not await hass.config_entries.async_setup(entry.entry_id)
    server.requests.clear()

    for _ in range(11):
        await let_pass(timedelta(seconds=10))
    assert not server.requests
    assert entry.state is ConfigEntryState.SETUP_RETRY

    await let_pass(timedelta(seconds=120))
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]


async def test_the_token_url_may_ask_to_wait_too(
    hass: HomeAssistant,
    server: BankServer,
    ann: MockConfigEntry,
    let_pass: LetPass,
) -> None:
    let_run_out(hass, ann)
    server.fail("POST", TOKEN, Answer.rate_limited("300"))
    assert not await poll(ann)
    assert reason(ann) == "rate_limited"
    server.requests.clear()

    await let_pass(timedelta(seconds=299))
    assert not await poll(ann)
    assert not server.requests

    await let_pass(timedelta(seconds=2))
    assert await poll(ann)
    assert asked_to_sign_in(hass) == 0


async def test_one_person_asked_to_wait_does_not_stop_another(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    freezer: FrozenDateTimeFactory,
) -> None:
    ann, ben = sign_in(home.ann), sign_in(home.ben)
    await hass.config_entries.async_setup(ann.entry_id)
    await hass.async_block_till_done()
    server.fail("GET", "/balance", Answer.rate_limited("300"))

    assert not await poll(ann)
    assert await poll(ben)
