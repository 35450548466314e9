"""Notify entities that show messages in the feed of the Monzo app."""

from datetime import datetime, timedelta

from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.components.notify import ATTR_TITLE_DEFAULT
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.monzo.const import CONF_EXCLUDED_ACCOUNTS, FEED_IMAGE_URL, FEED_TITLE
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Fault
from sandbox.household import Household
from sandbox.models import Account
from sandbox.server import BankServer
from tests.helpers.state_helpers import entity_id, set_up, shown, value
from tests.helpers.transfer_client import refused

from .conftest import AdvanceTime, SignIn

CURRENT_ACCOUNTS = ("current", "joint")
INCLUDED_ACCOUNTS = (*CURRENT_ACCOUNTS, "flex", "rewards", "loan")


async def send(hass: HomeAssistant, account: Account, **message: str) -> None:
    """Send a message to the notify entity of an account."""
    await hass.services.async_call(
        "notify",
        "send_message",
        {"entity_id": entity_id(hass, account.id, "feed", "notify"), **message},
        blocking=True,
    )


async def test_every_included_account_has_a_feed(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    entries = er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id)
    assert {entry.unique_id for entry in entries if entry.domain == "notify"} == {
        f"{getattr(home, account).id}_feed" for account in INCLUDED_ACCOUNTS
    }
    assert {
        entry.unique_id for entry in entries if entry.domain == "notify" and not entry.disabled
    } == {f"{getattr(home, account).id}_feed" for account in CURRENT_ACCOUNTS}
    state = shown(hass, home.current.id, "feed", "notify")
    assert state.name.endswith("Feed")
    assert state.state == STATE_UNKNOWN


async def test_an_excluded_account_has_no_feed(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    await set_up(hass, sign_in(home.ann, options={CONF_EXCLUDED_ACCOUNTS: [home.joint.id]}))
    assert entity_id(hass, home.current.id, "feed", "notify")
    assert entity_id(hass, home.joint.id, "feed", "notify") is None


async def test_a_message_is_shown_in_the_feed_of_its_account(
    hass: HomeAssistant,
    home: Household,
    everything_enabled: None,
    ann: MockConfigEntry,
    bank: Bank,
) -> None:
    for name in INCLUDED_ACCOUNTS:
        account = getattr(home, name)
        await send(hass, account, title="Washing", message="It is done.")
        item = bank.feed[-1]
        assert item.account_id == account.id
        assert (item.title, item.body) == ("Washing", "It is done.")
        assert item.image_url == FEED_IMAGE_URL
        assert item.url == ""
        assert item.colours == {}
    assert len(bank.feed) == len(INCLUDED_ACCOUNTS)


async def test_a_person_must_be_an_administrator_to_send_a_message(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    bank: Bank,
    hass_admin_user: MockUser,
    hass_read_only_user: MockUser,
) -> None:
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group
    normal_user = MockUser(groups=[group]).add_to_hass(hass)
    message = {
        "entity_id": entity_id(hass, home.current.id, "feed", "notify"),
        "message": "Open this link.",
    }

    async def send_as(context: Context) -> None:
        await hass.services.async_call(
            "notify", "send_message", message, blocking=True, context=context
        )

    for user in (normal_user, hass_read_only_user):
        with pytest.raises(Unauthorized):
            await send_as(Context(user_id=user.id))
    assert bank.feed == []
    await send_as(Context(user_id=hass_admin_user.id))
    # An automation, which has no user.
    await send_as(Context())
    assert len(bank.feed) == 2


async def test_a_message_without_a_title_is_titled_home_assistant(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, bank: Bank
) -> None:
    await send(hass, home.current, message="The washing is done.")
    await send(hass, home.current, message="The washing is done.", title="")
    assert [(item.title, item.body) for item in bank.feed] == [
        (FEED_TITLE, "The washing is done.")
    ] * 2
    assert FEED_TITLE == ATTR_TITLE_DEFAULT


async def test_the_state_is_the_time_of_the_last_message(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    before = dt_util.utcnow()
    await send(hass, home.current, message="The washing is done.")
    sent = datetime.fromisoformat(value(hass, home.current.id, "feed", "notify"))
    assert before <= sent <= dt_util.utcnow()
    assert value(hass, home.joint.id, "feed", "notify") == STATE_UNKNOWN


async def test_a_failed_message_is_reported_and_not_repeated(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    bank: Bank,
    server: BankServer,
) -> None:
    """A repeated request could show the message twice, and feed items cannot be deleted."""
    no_feed = Answer.error("bad_request.bad_param.account_id", "This account has no feed")
    faults: tuple[tuple[Fault, str], ...] = ((no_feed, "rejected"), (DropBefore(), "no_answer"))
    for number, (fault, key) in enumerate(faults, start=1):
        server.fail("POST", "/feed", fault)
        with refused() as refusal:
            await send(hass, home.current, message="The washing is done.")
        assert refusal.key == key
        assert len(server.requests_to("POST", "/feed")) == number
    assert bank.feed == []
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNKNOWN


async def test_an_ended_sign_in_starts_a_new_one(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await send(hass, home.current, message="The washing is done.")
    assert refusal.key == "action_needs_sign_in"
    assert any(ann.async_get_active_flows(hass, {SOURCE_REAUTH}))


async def test_the_feed_is_unavailable_while_the_bank_is_out_of_reach(
    advance_time: AdvanceTime,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    server: BankServer,
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)
    await advance_time(timedelta(minutes=6))
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNAVAILABLE
    server.clear_faults()
    await advance_time(timedelta(minutes=6))
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNKNOWN


async def test_the_feed_is_unavailable_while_the_entry_is_not_loaded(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_unload(ann.entry_id)
    assert value(hass, home.current.id, "feed", "notify") == STATE_UNAVAILABLE
