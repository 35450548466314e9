"""The feed of the Monzo app as something to send messages to."""

from datetime import datetime, timedelta

from homeassistant.components.notify import ATTR_TITLE_DEFAULT
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import CONF_EXCLUDED_ACCOUNTS, FEED_IMAGE_URL, FEED_TITLE
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Fault
from sandbox.household import Household
from sandbox.models import Account
from sandbox.server import BankServer
from tests.helpers.state_helpers import entity_id, set_up, shown, value
from tests.helpers.transfer_client import refused

from .conftest import LetPass, SignIn

SHOWN_ACCOUNTS = ("current", "joint", "flex", "rewards", "loan")


async def send(hass: HomeAssistant, account: Account, **message: str) -> None:
    """Send a message to the feed of an account."""
    await hass.services.async_call(
        "notify",
        "send_message",
        {"entity_id": entity_id(hass, account.id, "feed", "notify"), **message},
        blocking=True,
    )


async def test_every_account_that_is_shown_has_a_feed(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    entries = er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id)
    assert {entry.unique_id for entry in entries if entry.domain == "notify"} == {
        f"{getattr(home, account).id}_feed" for account in SHOWN_ACCOUNTS
    }
    state = shown(hass, home.current.id, "feed", "notify")
    assert state.name.endswith("Feed")
    assert state.state == STATE_UNKNOWN


async def test_an_account_that_is_left_out_has_none(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    await set_up(hass, sign_in(home.ann, options={CONF_EXCLUDED_ACCOUNTS: [home.joint.id]}))
    assert entity_id(hass, home.current.id, "feed", "notify")
    assert entity_id(hass, home.joint.id, "feed", "notify") is None


@pytest.mark.parametrize("account", SHOWN_ACCOUNTS)
async def test_a_message_shows_in_the_feed_of_its_account(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, bank: Bank, account: str
) -> None:
    await send(hass, getattr(home, account), title="Washing", message="It is done.")
    (item,) = bank.feed
    assert item.account_id == getattr(home, account).id
    assert (item.title, item.body) == ("Washing", "It is done.")
    assert item.image_url == FEED_IMAGE_URL
    assert item.url == ""
    assert item.colours == {}


@pytest.mark.parametrize("title", [{}, {"title": ""}], ids=["without", "empty"])
async def test_a_message_without_a_title_says_whom_it_is_from(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, bank: Bank, title: dict[str, str]
) -> None:
    await send(hass, home.current, message="The washing is done.", **title)
    (item,) = bank.feed
    assert (item.title, item.body) == (FEED_TITLE, "The washing is done.")
    assert FEED_TITLE == ATTR_TITLE_DEFAULT


async def test_the_state_is_when_the_last_message_was_sent(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    began = dt_util.utcnow()
    await send(hass, home.current, message="The washing is done.")
    sent = datetime.fromisoformat(value(hass, home.current.id, "feed", "notify"))
    assert began <= sent <= dt_util.utcnow()
    assert value(hass, home.joint.id, "feed", "notify") == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Answer.error("bad_request.bad_param.account_id", "This account has no feed"), "rejected"),
        (Answer.error("forbidden.insufficient_permissions"), "not_permitted"),
        (Answer.rate_limited("5"), "asked_to_wait"),
        (DropBefore(), "no_answer"),
    ],
    ids=["refused", "forbidden", "too many requests", "dropped"],
)
async def test_a_message_that_the_bank_does_not_show_is_told_of(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    bank: Bank,
    server: BankServer,
    fault: Fault,
    key: str,
) -> None:
    server.fail("POST", "/feed", fault)
    with refused() as refusal:
        await send(hass, home.current, message="The washing is done.")
    assert refusal.key == key
    # Nothing is sent twice: a feed forgets nothing.
    assert len(server.requests_to("POST", "/feed")) == 1
    assert bank.feed == []
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNKNOWN


async def test_a_sign_in_that_has_ended_is_noticed(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await send(hass, home.current, message="The washing is done.")
    assert refusal.key == "action_needs_sign_in"
    assert any(ann.async_get_active_flows(hass, {SOURCE_REAUTH}))


async def test_while_the_bank_is_out_of_reach_the_feed_is_too(
    let_pass: LetPass,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    server: BankServer,
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)
    await let_pass(timedelta(minutes=6))
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNAVAILABLE
    server.clear_faults()
    await let_pass(timedelta(minutes=6))
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNKNOWN


async def test_a_feed_goes_with_its_entry(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_unload(ann.entry_id)
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNAVAILABLE
