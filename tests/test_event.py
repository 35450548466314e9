"""The event entity for the transactions of an account."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
    mock_restore_cache_with_extra_data,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.helpers.state_helpers import entity_id, set_up, shown

from .conftest import AdvanceTime, SignIn

A_POLL = timedelta(minutes=2)


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's loaded entry."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    return entry


async def test_a_payment_is_an_event_with_its_details(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    row = bank.pay(home.joint.id, -350, merchant="Deli", notes="lunch")
    await advance_time(A_POLL)

    attributes = shown(hass, home.joint.id, "transaction", "event").attributes
    assert attributes["event_type"] == "card_payment"
    assert attributes["transaction_id"] == row.id
    assert (attributes["amount"], attributes["currency"]) == (-3.5, "GBP")
    assert (attributes["merchant"], attributes["notes"], attributes["pot"]) == (
        "Deli",
        "lunch",
        None,
    )
    assert attributes["late"] is False


async def test_the_last_transaction_is_the_payment_although_its_round_up_follows(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    payment = bank.pay(home.current.id, -350, merchant="Deli")
    await advance_time(A_POLL)

    attributes = shown(hass, home.current.id, "transaction", "event").attributes
    assert attributes["transaction_id"] == payment.id
    round_up = shown(hass, home.current.id, "round_up", "event").attributes
    assert (round_up["event_type"], round_up["amount"]) == ("round_up", -0.5)
    assert round_up["pot"] == home.coin_jar.name


async def test_an_event_contains_the_name_of_the_pot(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    bank.deposit(home.house.id, home.joint.id, 500, "in")
    await advance_time(A_POLL)

    attributes = shown(hass, home.joint.id, "transaction", "event").attributes
    assert (attributes["event_type"], attributes["pot"]) == ("pot_deposit", home.house.name)


async def test_an_event_contains_the_name_of_a_new_or_closed_pot(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    bicycle = bank.open_pot(home.joint.id, "Bicycle")
    bank.deposit(bicycle.id, home.joint.id, 500, "in")
    await advance_time(A_POLL)
    attributes = shown(hass, home.joint.id, "transaction", "event").attributes
    assert (attributes["event_type"], attributes["pot"], attributes["name"]) == (
        "pot_deposit",
        "Bicycle",
        "Bicycle",
    )

    bank.close_pot(bicycle.id)
    await advance_time(A_POLL)
    # The request budget may have no room for the transactions right after the balances.
    await advance_time(A_POLL)
    attributes = shown(hass, home.joint.id, "transaction", "event").attributes
    assert (attributes["event_type"], attributes["pot"]) == ("pot_withdrawal", "Bicycle")


async def test_private_details_are_not_recorded(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    bank.pay(home.joint.id, -350, merchant="Deli", notes="lunch")
    await advance_time(A_POLL)
    now = shown(hass, home.joint.id, "transaction", "event")
    await async_wait_recording_done(hass)

    states = await get_instance(hass).async_add_executor_job(
        get_significant_states, hass, now.last_changed - A_POLL, None, [now.entity_id]
    )

    recorded = states[now.entity_id][-1]
    assert isinstance(recorded, State)
    private = {"counterparty", "description", "emoji", "logo", "merchant", "merchant_group_id"}
    private |= {"merchant_id", "name", "notes", "pot", "transaction_id"}
    assert private <= now.attributes.keys()
    assert not private & recorded.attributes.keys()
    assert recorded.attributes["amount"] == -3.5


STORED_AT = "2026-11-20T12:00:00.000+00:00"


@pytest.mark.parametrize(
    ("event_type", "stored", "state"),
    [
        ("transaction_created", {"data": {"account_number": "12345678"}}, STATE_UNKNOWN),
        ("card_payment", {"amount": -3.5, "merchant": "Deli"}, STORED_AT),
    ],
    ids=["built-in integration", "this integration"],
)
async def test_only_an_own_event_is_restored_after_a_restart(
    hass: HomeAssistant,
    home: Household,
    sign_in: SignIn,
    event_type: str,
    stored: dict[str, Any],
    state: str,
) -> None:
    entry = sign_in(home.ann)
    registered = er.async_get(hass).async_get_or_create(
        "event", DOMAIN, f"{home.joint.id}_transaction", config_entry=entry
    )
    extra_data = {"last_event_type": event_type, "last_event_attributes": stored}
    mock_restore_cache_with_extra_data(hass, [(State(registered.entity_id, STORED_AT), extra_data)])

    await set_up(hass, entry)

    now = shown(hass, home.joint.id, "transaction", "event")
    assert now.state == state
    restored = stored if state == STORED_AT else {}
    assert {name: now.attributes.get(name) for name in stored} == dict.fromkeys(stored) | restored


async def test_the_last_event_stays_during_an_outage(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    bank.pay(home.joint.id, -350)
    await advance_time(A_POLL)
    before = shown(hass, home.joint.id, "transaction", "event").state
    server.fail("*", "*", Answer.html(502), times=None)
    await advance_time(A_POLL)
    await advance_time(A_POLL)

    assert shown(hass, home.joint.id, "balance").state == STATE_UNAVAILABLE
    assert shown(hass, home.joint.id, "transaction", "event").state == before


async def test_an_automation_can_be_triggered_by_one_kind_of_transaction(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    calls = async_mock_service(hass, "test", "record")
    automation: dict[str, Any] = {
        "trigger": "event.received",
        "target": {"entity_id": entity_id(hass, home.joint.id, "transaction", "event")},
        "options": {"event_type": ["declined"]},
    }
    assert await async_setup_component(
        hass,
        "automation",
        {"automation": {"triggers": automation, "actions": {"action": "test.record"}}},
    )
    await hass.async_block_till_done()

    bank.pay(home.joint.id, -350)
    await advance_time(A_POLL)
    assert not calls
    bank.decline(home.joint.id, -350)
    await advance_time(timedelta(minutes=6))
    assert len(calls) == 1

    # A reload shows the last event again, which is not news.
    assert await hass.config_entries.async_reload(entry.entry_id)
    await advance_time(A_POLL)
    shown_again = shown(hass, home.joint.id, "transaction", "event")
    assert shown_again.attributes["event_type"] == "declined"
    assert len(calls) == 1
