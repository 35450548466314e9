"""The repair flow for a sign-in that is not approved in the Monzo app."""

from http import HTTPStatus
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.helpers.texts import TEXTS

from .conftest import SignIn

FLOWS = "/api/repairs/issues/fix"


@pytest.fixture
async def client(
    hass: HomeAssistant, credentials: None, hass_client: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return the browser of a logged-in user."""
    assert await async_setup_component(hass, "repairs", {})
    assert await async_setup_component(hass, DOMAIN, {})
    return await hass_client()


@pytest.fixture
async def unapproved(
    hass: HomeAssistant,
    home: Household,
    client: TestClient[Any, Any],
    sign_in: SignIn,
    server: BankServer,
) -> MockConfigEntry:
    """Return Ann's config entry, whose set-up failed because she has not approved the sign-in."""
    entry = sign_in(home.ann)
    withdraw(server, home)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def withdraw(server: BankServer, home: Household) -> None:
    """Withdraw the approval, as the owner can at any time."""
    for grant in server.sign_ins.active(home.ann):
        grant.approval = "pending"


def issue_of(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"not_approved_{entry.entry_id}")


async def start(client: TestClient[Any, Any], entry: MockConfigEntry) -> Any:
    """Open the repair flow."""
    answer = await client.post(
        FLOWS, json={"handler": DOMAIN, "issue_id": f"not_approved_{entry.entry_id}"}
    )
    assert answer.status == HTTPStatus.OK
    return await answer.json()


async def submit(client: TestClient[Any, Any], form: dict[str, Any]) -> Any:
    """Confirm in the repair flow that the sign-in is approved."""
    answer = await client.post(f"{FLOWS}/{form['flow_id']}", json={})
    assert answer.status == HTTPStatus.OK
    return await answer.json()


async def test_the_issue_contains_instructions(
    hass: HomeAssistant, client: TestClient[Any, Any], unapproved: MockConfigEntry
) -> None:
    assert unapproved.state is ConfigEntryState.SETUP_RETRY
    assert not hass.config_entries.flow.async_progress()
    issue = issue_of(hass, unapproved)
    assert issue is not None
    assert issue.is_fixable
    assert issue.translation_placeholders == {"name": "Ann Archer"}

    form = await start(client, unapproved)
    assert form["type"] == "form"
    assert form["step_id"] == "confirm"
    assert not form["errors"]
    assert "Monzo" in TEXTS["issues"]["not_approved"]["fix_flow"]["step"]["confirm"]["description"]


async def test_the_entry_loads_after_the_approval(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    client: TestClient[Any, Any],
    unapproved: MockConfigEntry,
) -> None:
    form = await start(client, unapproved)

    form = await submit(client, form)
    assert form["type"] == "form"
    assert form["errors"] == {"base": "not_approved"}
    assert issue_of(hass, unapproved)

    server.approve(home.ann)
    done = await submit(client, form)
    assert done["type"] == "create_entry"
    assert unapproved.state is ConfigEntryState.LOADED
    assert not issue_of(hass, unapproved)


@pytest.mark.parametrize("reason", ["proxy error", "sign-in ended"])
async def test_other_errors_are_not_mistaken_for_a_missing_approval(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    client: TestClient[Any, Any],
    unapproved: MockConfigEntry,
    reason: str,
) -> None:
    form = await start(client, unapproved)
    if reason == "sign-in ended":
        server.evict(home.ann)
    else:
        server.fail("GET", "/accounts", Answer.html(502), times=None)

    form = await submit(client, form)
    assert form["errors"] == {"base": "no_answer"}
    assert set(TEXTS["issues"]["not_approved"]["fix_flow"]["error"]) == {
        "no_answer",
        "not_approved",
    }


async def test_the_dialog_ends_when_the_entry_is_removed(
    hass: HomeAssistant, client: TestClient[Any, Any], unapproved: MockConfigEntry
) -> None:
    form = await start(client, unapproved)
    await hass.config_entries.async_remove(unapproved.entry_id)

    ended = await submit(client, form)
    assert (ended["type"], ended["reason"]) == ("abort", "entry_removed")
    assert TEXTS["issues"]["not_approved"]["fix_flow"]["abort"]["entry_removed"]


async def test_a_withdrawn_approval_creates_an_issue_until_it_is_given_again(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    balances = ann.runtime_data.balances
    withdraw(server, home)
    await balances.async_refresh()

    assert not balances.last_update_success
    assert balances.last_exception.translation_key == "not_approved"
    assert issue_of(hass, ann)
    assert not hass.config_entries.flow.async_progress()

    server.approve(home.ann)
    await balances.async_refresh()
    assert balances.last_update_success
    assert not issue_of(hass, ann)


async def test_a_withdrawn_approval_can_be_repaired(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    client: TestClient[Any, Any],
    ann: MockConfigEntry,
) -> None:
    withdraw(server, home)
    await ann.runtime_data.balances.async_refresh()
    form = await submit(client, await start(client, ann))
    assert form["errors"] == {"base": "not_approved"}

    server.approve(home.ann)
    assert (await submit(client, form))["type"] == "create_entry"
    assert not issue_of(hass, ann)
