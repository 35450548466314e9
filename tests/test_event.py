"""The event entity of an account, and what automations make of it."""

from datetime import timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from custom_components.monzo.event import MonzoTransactionEvent
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.helpers.state_helpers import entity_id, set_up, shown

from .conftest import LetPass, SignIn

A_POLL = timedelta(minutes=2)


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, let_pass: LetPass
) -> MockConfigEntry:
    """Return Ann's entry, set up."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass(timedelta(minutes=6))
    return entry


async def test_a_payment_is_an_event_with_all_that_is_known_of_it(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    row = bank.pay(home.joint.id, -350, merchant="Deli", notes="lunch")
    await let_pass(A_POLL)

    told = shown(hass, home.joint.id, "transaction", "event").attributes
    assert told["event_type"] == "card_payment"
    assert told["transaction_id"] == row.id
    assert (told["amount"], told["currency"]) == (-3.5, "GBP")
    assert (told["merchant"], told["notes"], told["pot"]) == ("Deli", "lunch", None)
    assert told["late"] is False


async def test_a_pot_is_told_by_its_name(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    bank.deposit(home.house.id, home.joint.id, 500, "in")
    await let_pass(A_POLL)

    told = shown(hass, home.joint.id, "transaction", "event").attributes
    assert (told["event_type"], told["pot"]) == ("pot_deposit", home.house.name)


async def test_a_new_pot_is_told_by_its_name_and_so_is_one_that_was_closed(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    bicycle = bank.open_pot(home.joint.id, "Bicycle")
    bank.deposit(bicycle.id, home.joint.id, 500, "in")
    await let_pass(A_POLL)
    told = shown(hass, home.joint.id, "transaction", "event").attributes
    assert (told["event_type"], told["pot"], told["name"]) == ("pot_deposit", "Bicycle", "Bicycle")

    bank.close_pot(bicycle.id)
    await let_pass(A_POLL)
    told = shown(hass, home.joint.id, "transaction", "event").attributes
    assert (told["event_type"], told["pot"]) == ("pot_withdrawal", "Bicycle")


async def test_what_names_people_places_or_accounts_is_not_recorded() -> None:
    private = {"counterparty", "description", "emoji", "logo", "merchant", "name", "notes", "pot"}
    private |= {"merchant_group_id", "merchant_id", "transaction_id"}
    assert private <= MonzoTransactionEvent._unrecorded_attributes  # noqa: SLF001


async def test_an_outage_does_not_take_the_last_event_away(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    entry: MockConfigEntry,
    let_pass: LetPass,
) -> None:
    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)
    before = shown(hass, home.joint.id, "transaction", "event").state
    server.fail("*", "*", Answer.html(502), times=None)
    await let_pass(A_POLL)
    await let_pass(A_POLL)

    assert shown(hass, home.joint.id, "balance").state == STATE_UNAVAILABLE
    assert shown(hass, home.joint.id, "transaction", "event").state == before


async def test_automations_hear_of_the_kinds_that_they_ask_for(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    calls = async_mock_service(hass, "test", "hear")
    automation: dict[str, Any] = {
        "trigger": "event.received",
        "target": {"entity_id": entity_id(hass, home.joint.id, "transaction", "event")},
        "options": {"event_type": ["declined"]},
    }
    assert await async_setup_component(
        hass,
        "automation",
        {"automation": {"triggers": automation, "actions": {"action": "test.hear"}}},
    )
    await hass.async_block_till_done()

    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)
    assert not calls
    bank.decline(home.joint.id, -350)
    await let_pass(timedelta(minutes=6))
    assert len(calls) == 1
