"""Binary sensors for locks, round-ups and the connection to the bank."""

from datetime import timedelta

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

import custom_components.monzo
from sandbox.bank import Bank, Pot
from sandbox.server import Answer, BankServer, DropBefore
from tests.helpers.state_helpers import set_up, shown, value

from .conftest import AdvanceTime, SignIn

POTS = timedelta(minutes=11)


@pytest.fixture
def eve(bank: Bank, sign_in: SignIn, advance_time: AdvanceTime) -> MockConfigEntry:
    """Return the entry of a customer with one pot. It is not set up."""
    person = bank.add_person("Eve Ellis")
    bank.open_pot(bank.open_account(person).id, "Coin jar", round_up=True, round_up_multiplier=5)
    return sign_in(person)


@pytest.fixture
def pot(bank: Bank, eve: MockConfigEntry) -> Pot:
    """Return Eve's pot."""
    (pot,) = bank.pots.values()
    return pot


@pytest.mark.freeze_time("2026-06-15 11:00:00+00:00")
async def test_every_binary_sensor(
    hass: HomeAssistant,
    eve: MockConfigEntry,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(custom_components.monzo, "PLATFORMS", [Platform.BINARY_SENSOR])

    await set_up(hass, eve)

    await snapshot_platform(hass, er.async_get(hass), snapshot, eve.entry_id)


async def test_a_pot_is_shown_as_locked_or_unlocked(
    hass: HomeAssistant, bank: Bank, eve: MockConfigEntry, pot: Pot, advance_time: AdvanceTime
) -> None:
    await set_up(hass, eve)
    assert value(hass, pot.id, "locked", "binary_sensor") == STATE_ON

    bank.set_locked(pot.id, locked=True)
    await advance_time(POTS)

    assert value(hass, pot.id, "locked", "binary_sensor") == STATE_OFF


async def test_round_ups_have_their_multiplier_as_an_attribute(
    hass: HomeAssistant, bank: Bank, eve: MockConfigEntry, pot: Pot, advance_time: AdvanceTime
) -> None:
    await set_up(hass, eve)
    state = shown(hass, pot.id, "round_up", "binary_sensor")
    assert (state.state, state.attributes["multiplier"]) == (STATE_ON, 5)

    bank.set_round_up(pot.id, on=True)
    await advance_time(POTS)
    state = shown(hass, pot.id, "round_up", "binary_sensor")
    assert (state.state, state.attributes["multiplier"]) == (STATE_ON, 1)

    bank.set_round_up(pot.id, on=False)
    await advance_time(POTS)
    state = shown(hass, pot.id, "round_up", "binary_sensor")
    assert state.state == STATE_OFF


async def test_the_connection_is_off_while_the_bank_is_out_of_reach(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    eve: MockConfigEntry,
    pot: Pot,
    advance_time: AdvanceTime,
) -> None:
    (person,) = bank.people.values()
    await set_up(hass, eve)
    assert value(hass, person.user_id, "connection", "binary_sensor") == STATE_ON

    server.fail("*", "*", DropBefore(), times=None)
    await advance_time(POTS)

    assert value(hass, person.user_id, "connection", "binary_sensor") == STATE_OFF
    assert value(hass, pot.id, "locked", "binary_sensor") == STATE_UNAVAILABLE


async def test_a_pot_that_cannot_be_read_has_no_state(
    hass: HomeAssistant,
    server: BankServer,
    eve: MockConfigEntry,
    pot: Pot,
    advance_time: AdvanceTime,
) -> None:
    await set_up(hass, eve)
    server.fail("GET", "/pots", Answer.error("not_found"), times=None)

    await advance_time(POTS)

    state = shown(hass, pot.id, "round_up", "binary_sensor")
    assert (state.state, "multiplier" in state.attributes) == (STATE_UNAVAILABLE, False)
    sensor = hass.data["entity_components"]["binary_sensor"].get_entity(state.entity_id)
    assert (sensor.is_on, sensor.extra_state_attributes) == (None, None)
