"""Joint accounts that two people in one Home Assistant both see: they are there once."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from sandbox.serializers import pot_json
from sandbox.server import BankServer, Edited
from tests.conftest import LetPass, SignIn
from tests.helpers.state_helpers import Together, device, entity_id, set_up, value

A_POLL = timedelta(minutes=2)


@pytest.fixture
async def anns(
    hass: HomeAssistant, home: Household, sign_in: SignIn, let_pass: LetPass
) -> MockConfigEntry:
    """Return the entry of Ann, who came first; not set up."""
    # Or it would set all of its entries up together with the first.
    assert await async_setup_component(hass, DOMAIN, {})
    return sign_in(home.ann)


@pytest.fixture
async def bens(
    home: Household, anns: MockConfigEntry, let_pass: LetPass, sign_in: SignIn
) -> MockConfigEntry:
    """Return the entry of Ben, who came later; not set up."""
    await let_pass(timedelta(minutes=1))
    return sign_in(home.ben)


def assert_shown_once_by(
    hass: HomeAssistant, home: Household, holder: MockConfigEntry, other: MockConfigEntry
) -> None:
    """Assert that one entry has all of the joint account, and the other nothing of it."""
    for subject in (home.joint.id, home.house.id, home.bills.id):
        assert device(hass, holder, subject)
        assert device(hass, other, subject) is None
    registry = er.async_get(hass)
    balance = entity_id(hass, home.joint.id, "balance")
    assert balance
    entity = registry.async_get(balance)
    mine = device(hass, holder, home.joint.id)
    assert entity
    assert mine
    assert (entity.config_entry_id, entity.device_id) == (holder.entry_id, mine.id)
    assert value(hass, home.joint.id, "balance") != STATE_UNAVAILABLE
    assert value(hass, home.house.id, "pot_balance") == "3250.00"


def total(home: Household, accounts: Iterable[Any]) -> str:
    """Return what is in these accounts and their pots."""
    minor = sum(
        account.balance + sum(pot.balance for pot in home.bank.pots_of(account.id))
        for account in accounts
    )
    return f"{minor / 100:.2f}"


async def test_the_first_who_signed_in_has_it_and_the_other_leaves_it_alone(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await set_up(hass, anns)
    mine = [home.current, home.joint, home.flex, home.rewards, home.loan]
    before = len(server.requests)

    await set_up(hass, bens)

    assert_shown_once_by(hass, home, anns, bens)
    asked = [call.path for call in server.requests[before:]]
    assert asked == ["/accounts", "/balance", "/pots", "/transactions"]
    assert value(hass, home.ann.user_id, "total") == total(home, mine)
    assert value(hass, home.ben.user_id, "total") == total(home, [home.bens])
    await let_pass(A_POLL)
    assert_shown_once_by(hass, home, anns, bens)
    assert "does not generate unique IDs" not in caplog.text
    assert "already exists" not in caplog.text


@pytest.mark.parametrize("first", [0, 1], ids=["Ann's loads first", "Ben's loads first"])
@pytest.mark.parametrize("holder", [0, 1], ids=["Ann's has it", "Ben's has it"])
async def test_who_has_it_keeps_it_over_restarts_whichever_is_loaded_first(
    hass: HomeAssistant,
    home: Household,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
    first: int,
    holder: int,
) -> None:
    entries = [anns, bens]
    await set_up(hass, entries[holder], entries[1 - holder])
    assert_shown_once_by(hass, home, entries[holder], entries[1 - holder])

    for _restart in range(2):
        for entry in entries:
            await hass.config_entries.async_unload(entry.entry_id)
        await set_up(hass, entries[first], entries[1 - first])
        assert_shown_once_by(hass, home, entries[holder], entries[1 - holder])
        await let_pass(A_POLL)
        assert_shown_once_by(hass, home, entries[holder], entries[1 - holder])


async def test_the_other_takes_it_over_when_the_first_is_removed(
    hass: HomeAssistant,
    home: Household,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
) -> None:
    await set_up(hass, anns, bens)
    balance = entity_id(hass, home.joint.id, "balance")

    await hass.config_entries.async_remove(anns.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await let_pass(A_POLL)

    assert_shown_once_by(hass, home, bens, anns)
    assert entity_id(hass, home.joint.id, "balance") == balance
    assert value(hass, home.ben.user_id, "total") == total(home, [home.bens, home.joint])


async def test_the_other_takes_it_over_when_the_first_leaves_it_out(
    hass: HomeAssistant,
    home: Household,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
) -> None:
    await set_up(hass, anns, bens)
    hass.config_entries.async_update_entry(anns, options={"excluded_accounts": [home.joint.id]})
    await hass.config_entries.async_reload(anns.entry_id)

    await let_pass(A_POLL)
    assert_shown_once_by(hass, home, bens, anns)

    hass.config_entries.async_update_entry(anns, options={})
    await hass.config_entries.async_reload(anns.entry_id)
    await let_pass(A_POLL)
    assert_shown_once_by(hass, home, bens, anns)


async def test_an_outage_of_the_first_is_no_reason_for_the_other_to_take_over(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
) -> None:
    await set_up(hass, anns, bens)
    server.evict(home.ann)

    await let_pass(A_POLL)
    await let_pass(A_POLL)

    assert value(hass, home.joint.id, "balance") == STATE_UNAVAILABLE
    assert device(hass, anns, home.joint.id)
    assert device(hass, bens, home.joint.id) is None


@pytest.mark.parametrize("first", [0, 1], ids=["Ann's loads first", "Ben's loads first"])
@pytest.mark.parametrize("owner", [0, 1], ids=["entities with Ann's", "entities with Ben's"])
async def test_what_the_built_in_integration_left_with_both_stays_with_the_older(
    hass: HomeAssistant,
    home: Household,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
    first: int,
    owner: int,
) -> None:
    entries = [anns, bens]
    devices, entities = dr.async_get(hass), er.async_get(hass)
    for entry in entries:
        for subject, name in ((home.joint.id, "Joint Account"), (home.house.id, "House")):
            made = devices.async_get_or_create(
                config_entry_id=entry.entry_id, identifiers={(DOMAIN, subject)}, name=name
            )
            if entry is entries[owner]:
                entities.async_get_or_create(
                    "sensor",
                    DOMAIN,
                    f"{subject}_{'balance' if subject == home.joint.id else 'pot_balance'}",
                    config_entry=entry,
                    device_id=made.id,
                    suggested_object_id=f"known_{name}",
                )

    await set_up(hass, entries[first], entries[1 - first])
    await let_pass(A_POLL)

    assert_shown_once_by(hass, home, anns, bens)
    assert entity_id(hass, home.joint.id, "balance") == "sensor.known_joint_account"
    assert entity_id(hass, home.house.id, "pot_balance") == "sensor.known_house"
    assert "already exists" not in caplog.text


async def test_a_pot_that_lists_of_two_people_have_in_them_is_claimed_once(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await set_up(hass, anns)

    def with_the_house(data: dict[str, Any]) -> dict[str, Any]:
        return {"pots": [*data["pots"], pot_json(home.house, account_id=home.bens.id)]}

    server.fail("GET", "/pots", Edited(with_the_house), times=None)

    await set_up(hass, bens)

    assert_shown_once_by(hass, home, anns, bens)
    assert value(hass, home.ben.user_id, "total") == total(home, [home.bens])
    assert "already exists" not in caplog.text


async def test_both_at_once_at_the_very_first_start_end_up_with_one(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns: MockConfigEntry,
    bens: MockConfigEntry,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Both have their list of accounts before either asks for a balance.
    everybody = Together(asyncio.Barrier(2))
    server.fail("GET", "/accounts", everybody, times=2)

    await asyncio.gather(set_up(hass, anns), set_up(hass, bens))

    holder, other = (anns, bens) if device(hass, anns, home.joint.id) else (bens, anns)
    assert_shown_once_by(hass, home, holder, other)
    await let_pass(A_POLL)
    assert_shown_once_by(hass, home, holder, other)
    assert "already exists" not in caplog.text
