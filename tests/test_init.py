"""A config entry's life: set up, unloaded, renewed from earlier versions, removed."""

from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from sandbox.server import Answer, BankServer

from .conftest import WEBHOOK_ID, LetPass, SignIn


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


def issues_of(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    return {
        issue_id
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and entry.entry_id in issue_id
    }


# Loading


async def test_an_entry_is_set_up_unloaded_and_set_up_again(
    hass: HomeAssistant, server: BankServer, let_pass: LetPass, ann: MockConfigEntry
) -> None:
    sensors = hass.states.async_entity_ids(Platform.SENSOR)
    assert sensors

    assert await hass.config_entries.async_unload(ann.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    assert {hass.states.get(sensor).state for sensor in sensors} == {STATE_UNAVAILABLE}  # type: ignore[union-attr]
    server.requests.clear()
    await let_pass(timedelta(hours=2))
    assert not server.requests

    await set_up(hass, ann)
    assert ann.state is ConfigEntryState.LOADED
    assert hass.states.async_entity_ids(Platform.SENSOR) == sensors


async def test_a_bank_that_cannot_be_reached_is_tried_again(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn, let_pass: LetPass
) -> None:
    entry = sign_in(home.ann)
    fault = server.fail("*", "*", Answer.html(502), times=None)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"
    assert not hass.config_entries.flow.async_progress()

    fault.clear()
    await let_pass(timedelta(minutes=1))
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]


async def test_an_entry_named_after_nobody_gets_its_owners_name(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, title="monzo")
    await set_up(hass, entry)
    assert entry.title == "Ann Archer"


async def test_a_name_that_the_user_gave_is_kept(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, title="Our money")
    await set_up(hass, entry)
    assert entry.title == "Our money"


async def test_without_a_name_at_the_bank_the_title_stays(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, title="monzo", unique_id="user_0000NobodyKnows")
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.title == "monzo"


# Entries of the built-in integration


async def test_an_entry_of_the_built_in_integration_is_taken_as_it_is(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann)
    hooks = {
        "cloudhook_url": "https://hooks.nabu.casa/a-hook",
        "webhook_url": f"https://ann.example.com/api/webhook/{WEBHOOK_ID}",
    }
    hass.config.external_url = "https://ann.example.com"
    hass.config_entries.async_update_entry(entry, data={**entry.data, **hooks})
    before = entry.as_dict()

    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    after = entry.as_dict()
    assert {**after, "modified_at": None} == {**before, "modified_at": None}


@pytest.mark.parametrize("minor_version", [1, 2])
async def test_an_entry_of_an_early_version_is_brought_up_to_date(
    hass: HomeAssistant, home: Household, sign_in: SignIn, minor_version: int
) -> None:
    # The earliest kept the id as a number, when the bank's example had one.
    old_id: Any = {1: 7_654, 2: home.ann.user_id}[minor_version]
    entry = sign_in(home.ann, minor_version=minor_version, unique_id=old_id)
    data = {key: value for key, value in entry.data.items() if key != "webhook_id"}
    hass.config_entries.async_update_entry(entry, data=data)

    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.version, entry.minor_version) == (1, 3)
    assert entry.unique_id == str(old_id)
    assert entry.data.items() >= data.items()
    assert len(entry.data["webhook_id"]) == 64


async def test_a_webhook_that_is_known_already_is_kept(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, minor_version=2)
    await set_up(hass, entry)
    assert entry.data["webhook_id"] == WEBHOOK_ID


async def test_an_entry_of_a_later_minor_version_is_left_alone(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, minor_version=4)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.minor_version == 4


async def test_an_entry_of_a_later_version_is_refused(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, version=2, minor_version=1)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert (entry.version, entry.minor_version) == (2, 1)
    assert not server.requests


# Removing


async def test_nothing_is_left_of_an_entry_that_is_removed(
    hass: HomeAssistant, hass_storage: dict[str, Any], server: BankServer, ann: MockConfigEntry
) -> None:
    await hass.services.async_call(
        DOMAIN,
        "deposit_into_pot",
        {"pot": _device_of_a_pot(hass, ann), "amount": 1},
        blocking=True,
    )
    assert [key for key in hass_storage if key.startswith(f"monzo.{ann.entry_id}")]

    assert await hass.config_entries.async_remove(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not [key for key in hass_storage if key.startswith("monzo.")]
    assert not hass.states.async_all(Platform.SENSOR)
    assert not dr.async_get(hass).devices


def _device_of_a_pot(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return next(device.id for device in devices if device.name == "Holiday")


@pytest.mark.parametrize("trouble", ["evicted", "not approved", "not renewable"])
async def test_no_issue_is_left_of_an_entry_that_is_removed(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn, trouble: str
) -> None:
    entry = sign_in(home.ann)
    match trouble:
        case "evicted":
            server.evict(home.ann)
        case "not approved":
            server.sign_ins.active(home.ann)[0].approval = "pending"
        case "not renewable":
            token = {**entry.data["token"], "refresh_token": None}
            hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
    await set_up(hass, entry)
    # Once it is set up, it is also told that the house has no address.
    assert len(issues_of(hass, entry)) == (2 if trouble == "not renewable" else 1)

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not issues_of(hass, entry)
    assert not hass.config_entries.flow.async_progress()


async def test_who_is_left_takes_over_the_joint_account(
    hass: HomeAssistant, home: Household, sign_in: SignIn, ann: MockConfigEntry
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    assert set(ben.runtime_data.balances.data.accounts) == {home.bens.id}

    await hass.config_entries.async_remove(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert set(ben.runtime_data.balances.data.accounts) == {home.bens.id, home.joint.id}


async def _remove_device(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str
) -> bool:
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    answer = await client.remove_device(device_id)
    removed: bool = answer["success"]
    return removed


async def test_the_device_of_an_account_or_pot_that_exists_stays(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, ann: MockConfigEntry
) -> None:
    device_id = _device_of_a_pot(hass, ann)
    assert not await _remove_device(hass, hass_ws_client, device_id)
    assert dr.async_get(hass).async_get(device_id)


async def test_a_device_that_the_bank_does_not_know_can_be_removed(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, ann: MockConfigEntry
) -> None:
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=ann.entry_id, identifiers={(DOMAIN, "pot_0000OfLongAgo")}, name="Old"
    )
    assert await _remove_device(hass, hass_ws_client, device.id)
    assert not dr.async_get(hass).async_get(device.id)


async def test_no_device_is_removed_while_the_bank_is_not_known(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, ann: MockConfigEntry
) -> None:
    device_id = _device_of_a_pot(hass, ann)
    await hass.config_entries.async_unload(ann.entry_id)
    assert not await _remove_device(hass, hass_ws_client, device_id)
    assert dr.async_get(hass).async_get(device_id)
