"""A joint account of two people in one Home Assistant is shown once."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
import time
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from sandbox.models import Person
from sandbox.serializers import pot_json
from sandbox.server import Answer, BankServer, Edited
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import Together, device, entity_id, set_up, value
from tests.helpers.stopped_clock import StoppedClock

ONE_POLL = timedelta(minutes=2)


@pytest.fixture
async def anns_entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's config entry, the older one, not set up."""
    # Set up the component first, because that would set up all existing entries.
    assert await async_setup_component(hass, DOMAIN, {})
    return sign_in(home.ann)


@pytest.fixture
async def bens_entry(
    home: Household, anns_entry: MockConfigEntry, advance_time: AdvanceTime, sign_in: SignIn
) -> MockConfigEntry:
    """Return Ben's config entry, the newer one, not set up."""
    await advance_time(timedelta(minutes=1))
    return sign_in(home.ben)


def assert_shown_once_by(
    hass: HomeAssistant, home: Household, holder: MockConfigEntry, other: MockConfigEntry
) -> None:
    """Assert that only the holder has the devices and entities of the joint account."""
    for subject in (home.joint.id, home.house.id, home.bills.id):
        assert device(hass, holder, subject)
        assert device(hass, other, subject) is None
    registry = er.async_get(hass)
    balance = entity_id(hass, home.joint.id, "balance")
    assert balance
    entity = registry.async_get(balance)
    joint_device = device(hass, holder, home.joint.id)
    assert entity
    assert joint_device
    assert (entity.config_entry_id, entity.device_id) == (holder.entry_id, joint_device.id)
    assert value(hass, home.joint.id, "balance") != STATE_UNAVAILABLE
    assert value(hass, home.house.id, "pot_balance") == "3250.00"


def total_in_pounds(home: Household, accounts: Iterable[Any]) -> str:
    """Return the sum of the account and pot balances in pounds."""
    minor = sum(
        account.balance + sum(pot.balance for pot in home.bank.pots_of(account.id))
        for account in accounts
    )
    return f"{minor / 100:.2f}"


async def test_the_older_entry_has_the_joint_account_and_the_newer_entry_does_not_fetch_it(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await set_up(hass, anns_entry)
    anns_accounts = [home.current, home.joint, home.flex, home.rewards, home.loan]
    before = len(server.requests)

    await set_up(hass, bens_entry)

    assert_shown_once_by(hass, home, anns_entry, bens_entry)
    paths = [call.path for call in server.requests[before:]]
    assert paths == ["/accounts", "/balance", "/pots", "/transactions"]
    assert value(hass, home.ann.user_id, "total") == total_in_pounds(home, anns_accounts)
    assert value(hass, home.ben.user_id, "total") == total_in_pounds(home, [home.bens])
    await advance_time(ONE_POLL)
    assert_shown_once_by(hass, home, anns_entry, bens_entry)
    assert "does not generate unique IDs" not in caplog.text
    assert "already exists" not in caplog.text


@pytest.mark.parametrize(
    "first", [0, 1], ids=["Ann's entry loads first", "Ben's entry loads first"]
)
@pytest.mark.parametrize(
    "holder", [0, 1], ids=["Ann's entry has the account", "Ben's entry has the account"]
)
async def test_the_joint_account_stays_with_its_entry_after_restarts_in_any_load_order(
    hass: HomeAssistant,
    home: Household,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    first: int,
    holder: int,
) -> None:
    entries = [anns_entry, bens_entry]
    await set_up(hass, entries[holder], entries[1 - holder])
    assert_shown_once_by(hass, home, entries[holder], entries[1 - holder])

    for _restart in range(2):
        for entry in entries:
            await hass.config_entries.async_unload(entry.entry_id)
        await set_up(hass, entries[first], entries[1 - first])
        assert_shown_once_by(hass, home, entries[holder], entries[1 - holder])
        await advance_time(ONE_POLL)
        assert_shown_once_by(hass, home, entries[holder], entries[1 - holder])


async def test_the_newer_entry_takes_over_when_the_older_entry_is_removed(
    hass: HomeAssistant,
    home: Household,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    await set_up(hass, anns_entry, bens_entry)
    balance = entity_id(hass, home.joint.id, "balance")

    await hass.config_entries.async_remove(anns_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await advance_time(ONE_POLL)

    assert_shown_once_by(hass, home, bens_entry, anns_entry)
    assert entity_id(hass, home.joint.id, "balance") == balance
    assert value(hass, home.ben.user_id, "total") == total_in_pounds(home, [home.bens, home.joint])


async def test_the_newer_entry_takes_over_when_the_older_entry_excludes_the_account(
    hass: HomeAssistant,
    home: Household,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    await set_up(hass, anns_entry, bens_entry)
    hass.config_entries.async_update_entry(
        anns_entry, options={"excluded_accounts": [home.joint.id]}
    )
    await hass.config_entries.async_reload(anns_entry.entry_id)

    await advance_time(ONE_POLL)
    assert_shown_once_by(hass, home, bens_entry, anns_entry)

    hass.config_entries.async_update_entry(anns_entry, options={})
    await hass.config_entries.async_reload(anns_entry.entry_id)
    await advance_time(ONE_POLL)
    assert_shown_once_by(hass, home, bens_entry, anns_entry)


# While the entry that has the joint account cannot read it

REASONS = pytest.mark.parametrize("reason", ["disabled", "sign-in ended"])


async def settle(hass: HomeAssistant) -> None:
    """Wait until all tasks are done."""
    await hass.async_block_till_done(wait_background_tasks=True)


async def stop_reading(
    hass: HomeAssistant, server: BankServer, entry: MockConfigEntry, person: Person, reason: str
) -> None:
    """Disable an entry, or end its sign-in."""
    if reason == "disabled":
        await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    else:
        server.evict(person)
        await entry.runtime_data.balances.async_refresh()
    await settle(hass)


async def start_reading_again(
    hass: HomeAssistant, server: BankServer, entry: MockConfigEntry, person: Person, reason: str
) -> None:
    """Enable an entry, or sign its person in again."""
    if reason == "disabled":
        await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    else:
        token = server.sign_in(person)
        token["expires_at"] = time.time() + token["expires_in"]
        hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
        await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)


@REASONS
@pytest.mark.parametrize(
    "holder", [0, 1], ids=["Ann's entry has the account", "Ben's entry has the account"]
)
async def test_another_entry_shows_the_joint_account_until_its_own_can_read_it_again(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    reason: str,
    holder: int,
) -> None:
    entries = [anns_entry, bens_entry]
    first, second = entries[holder], entries[1 - holder]
    person = [home.ann, home.ben][holder]
    anns_own = [home.current, home.flex, home.rewards, home.loan]
    own = [[home.bens], anns_own][holder]
    owner = [home.ben, home.ann][holder]
    await set_up(hass, first, second)
    entities = {
        entity.unique_id: entity.entity_id for entity in er.async_get(hass).entities.values()
    }
    first_device = device(hass, first, home.joint.id)
    assert first_device
    await advance_time(ONE_POLL)

    await stop_reading(hass, server, first, person, reason)

    balance = er.async_get(hass).async_get(entity_id(hass, home.joint.id, "balance") or "")
    assert balance
    assert balance.config_entry_id == second.entry_id
    assert not balance.disabled
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"
    assert value(hass, home.house.id, "pot_balance") == "3250.00"
    assert value(hass, owner.user_id, "total") == total_in_pounds(home, [*own, home.joint])
    assert device(hass, first, home.joint.id)
    home.bank.pay(home.joint.id, -1_000)
    await advance_time(ONE_POLL)
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"

    await start_reading_again(hass, server, first, person, reason)
    await advance_time(ONE_POLL)

    assert_shown_once_by(hass, home, first, second)
    assert value(hass, owner.user_id, "total") == total_in_pounds(home, own)
    again = device(hass, first, home.joint.id)
    assert again
    assert again.id == first_device.id
    assert {
        entity.unique_id: entity.entity_id for entity in er.async_get(hass).entities.values()
    } == entities
    assert "does not generate unique IDs" not in caplog.text
    assert "already exists" not in caplog.text

    # The other entry takes over a second time as well.
    await stop_reading(hass, server, first, person, reason)
    await advance_time(ONE_POLL)
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"


async def test_the_joint_account_returns_to_its_entry_although_the_clock_was_behind(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    await set_up(hass, anns_entry, bens_entry)
    now = dt_util.utcnow()
    # As on a Raspberry Pi without a battery, which starts in the past.
    freezer.move_to(now - timedelta(days=2))
    await stop_reading(hass, server, anns_entry, home.ann, "disabled")
    taken_over = device(hass, bens_entry, home.joint.id)
    assert taken_over
    assert taken_over.created_at < now
    freezer.move_to(now)

    await start_reading_again(hass, server, anns_entry, home.ann, "disabled")
    await advance_time(ONE_POLL)

    assert_shown_once_by(hass, home, anns_entry, bens_entry)


@REASONS
async def test_actions_go_on_with_the_devices_of_an_entry_that_cannot_read_the_account(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    reason: str,
) -> None:
    await set_up(hass, anns_entry, bens_entry)
    joint, house, own = (
        device(hass, anns_entry, each.id) for each in (home.joint, home.house, home.current)
    )
    assert joint
    assert house
    assert own
    await stop_reading(hass, server, anns_entry, home.ann, reason)
    before = home.house.balance

    async def call(action: str, **fields: object) -> Any:
        return await hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=True
        )

    moved = await call("deposit_into_pot", pot=house.id, account=joint.id, amount=5)
    rows = await call("get_transactions", account=joint.id)

    assert moved["result"] == "moved"
    assert home.house.balance == before + 500
    assert rows["transactions"][0]["amount"] == -5
    with pytest.raises(HomeAssistantError):
        await call("get_transactions", account=own.id)


@REASONS
async def test_another_entry_shows_the_joint_account_after_a_restart(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    reason: str,
) -> None:
    await set_up(hass, anns_entry, bens_entry)
    await stop_reading(hass, server, anns_entry, home.ann, reason)
    taken_over = device(hass, bens_entry, home.joint.id)
    assert taken_over

    for entry in (anns_entry, bens_entry):
        await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.gather(
        *(set_up(hass, entry) for entry in (anns_entry, bens_entry) if not entry.disabled_by)
    )
    await advance_time(ONE_POLL)

    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"
    again = device(hass, bens_entry, home.joint.id)
    assert again
    assert again.id == taken_over.id


async def test_another_entry_shows_the_joint_account_while_its_own_cannot_be_set_up_again(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    await set_up(hass, anns_entry, bens_entry)
    await stop_reading(hass, server, anns_entry, home.ann, "disabled")
    withdrawn = Answer.error("forbidden.insufficient_permissions")
    server.fail("GET", "/accounts", withdrawn)
    await start_reading_again(hass, server, anns_entry, home.ann, "disabled")
    assert anns_entry.state is ConfigEntryState.SETUP_RETRY
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"

    await advance_time(ONE_POLL)
    await advance_time(ONE_POLL)
    assert_shown_once_by(hass, home, anns_entry, bens_entry)


@pytest.mark.parametrize(
    "first", [0, 1], ids=["Ann's entry loads first", "Ben's entry loads first"]
)
@pytest.mark.parametrize(
    "owner", [0, 1], ids=["entities in Ann's entry", "entities in Ben's entry"]
)
async def test_shared_devices_of_the_built_in_integration_stay_with_the_older_entry(
    hass: HomeAssistant,
    home: Household,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
    first: int,
    owner: int,
) -> None:
    entries = [anns_entry, bens_entry]
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
    await advance_time(ONE_POLL)

    assert_shown_once_by(hass, home, anns_entry, bens_entry)
    assert entity_id(hass, home.joint.id, "balance") == "sensor.known_joint_account"
    assert entity_id(hass, home.house.id, "pot_balance") == "sensor.known_house"
    assert "already exists" not in caplog.text


async def test_a_pot_listed_for_two_people_is_shown_once(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await set_up(hass, anns_entry)

    def with_the_house(data: dict[str, Any]) -> dict[str, Any]:
        return {"pots": [*data["pots"], pot_json(home.house, account_id=home.bens.id)]}

    server.fail("GET", "/pots", Edited(with_the_house), times=None)

    await set_up(hass, bens_entry)

    assert_shown_once_by(hass, home, anns_entry, bens_entry)
    assert value(hass, home.ben.user_id, "total") == total_in_pounds(home, [home.bens])
    assert "already exists" not in caplog.text


async def test_two_entries_set_up_at_once_show_the_joint_account_once(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    anns_entry: MockConfigEntry,
    bens_entry: MockConfigEntry,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Both entries fetch their list of accounts before either fetches a balance.
    both_requests = Together(asyncio.Barrier(2))
    server.fail("GET", "/accounts", both_requests, times=2)

    await asyncio.gather(set_up(hass, anns_entry), set_up(hass, bens_entry))

    holder, other = (
        (anns_entry, bens_entry)
        if device(hass, anns_entry, home.joint.id)
        else (bens_entry, anns_entry)
    )
    assert_shown_once_by(hass, home, holder, other)
    await advance_time(ONE_POLL)
    assert_shown_once_by(hass, home, holder, other)
    assert "already exists" not in caplog.text
