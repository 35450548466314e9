"""The action that fetches balances, pots and transactions now."""

from collections import Counter
from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import set_up, value
from tests.helpers.transaction_listener import Listener

REQUESTS_IN_FIVE_MINUTES = 23


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's loaded entry, after the requests of its set-up have left the budget."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    await advance_time(timedelta(minutes=6))
    return entry


async def refresh(hass: HomeAssistant) -> None:
    await hass.services.async_call(DOMAIN, "refresh", blocking=True)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_balances_and_transactions_are_updated_by_the_action(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    # Long enough for the whole budget to be free, and too short for the next poll.
    await advance_time(timedelta(seconds=301))
    listener = Listener(hass, home.joint)
    row = bank.pay(home.joint.id, -725)

    await refresh(hass)

    assert listener.heard == [row.id]
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"


async def test_repeated_calls_stay_within_the_request_budget(
    hass: HomeAssistant, entry: MockConfigEntry, server: BankServer, advance_time: AdvanceTime
) -> None:
    await advance_time(timedelta(seconds=301))
    server.requests.clear()

    for _ in range(10):
        await refresh(hass)

    assert len(server.requests) <= REQUESTS_IN_FIVE_MINUTES
    assert Counter(call.path for call in server.requests)["/balance"] >= 5


async def test_the_action_fails_if_the_bank_cannot_be_reached(
    hass: HomeAssistant, entry: MockConfigEntry, server: BankServer
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)

    with pytest.raises(HomeAssistantError) as refusal:
        await hass.services.async_call(DOMAIN, "refresh", blocking=True)

    assert refusal.value.translation_key == "cannot_connect"


async def test_the_action_fails_without_a_loaded_entry(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)

    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(DOMAIN, "refresh", blocking=True)

    assert refusal.value.translation_key == "nothing_loaded"
