"""Import of the integration, and set-up, migration and removal of config entries."""

from datetime import timedelta
from pathlib import Path
import subprocess
import sys
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

import custom_components.monzo
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.recurring import async_get_corrections
from custom_components.monzo.recurring.corrections import Correction
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.helpers.archive_reader import archive_files
from tests.helpers.state_helpers import set_up

from .conftest import WEBHOOK_ID, AdvanceTime, SignIn

# Prints the modules that the integration loads in addition to Home Assistant's core and to the
# integrations that its manifest depends on.
LOADED_MODULES = """
import sys

import homeassistant.config_entries
import homeassistant.core
import homeassistant.helpers.config_entry_oauth2_flow
import homeassistant.setup
import homeassistant.components.application_credentials
import homeassistant.components.http
import homeassistant.components.webhook

before = set(sys.modules)
import custom_components.monzo
print(*(set(sys.modules) - before))
"""


def issues_of(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Return the ids of the repair issues of an entry."""
    return {
        issue_id
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and entry.entry_id in issue_id
    }


# Importing


def test_the_integration_imports_only_its_dependencies() -> None:
    """Recorder, frontend and cloud take seconds to import, and not every home has them."""
    output = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LOADED_MODULES],
        cwd=Path(custom_components.monzo.__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    ).stdout
    modules = set(output.split())
    assert "custom_components.monzo.services" in modules
    # The helpers of Home Assistant's core are small.
    cheap = ("custom_components", "homeassistant.helpers.", "homeassistant.util.")
    assert not [
        module
        for module in sorted(modules)
        if not module.startswith(cheap) and module.partition(".")[0] not in sys.stdlib_module_names
    ]


# Setting up


async def test_an_entry_can_be_unloaded_and_set_up_again(
    hass: HomeAssistant, server: BankServer, advance_time: AdvanceTime, ann: MockConfigEntry
) -> None:
    sensors = hass.states.async_entity_ids(Platform.SENSOR)
    assert sensors

    assert await hass.config_entries.async_unload(ann.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
    states = {state.entity_id: state.state for state in hass.states.async_all(Platform.SENSOR)}
    assert states == dict.fromkeys(sensors, STATE_UNAVAILABLE)
    server.requests.clear()
    await advance_time(timedelta(hours=2))
    assert not server.requests

    await set_up(hass, ann)
    assert ann.state is ConfigEntryState.LOADED
    assert hass.states.async_entity_ids(Platform.SENSOR) == sensors


async def test_set_up_is_repeated_while_the_bank_is_out_of_reach(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    fault = server.fail("*", "*", Answer.html(502), times=None)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"
    assert not hass.config_entries.flow.async_progress()

    fault.clear()
    await advance_time(timedelta(minutes=1))
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]


async def test_an_entry_with_the_old_default_title_gets_its_owners_name(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, title="monzo")
    await set_up(hass, entry)
    assert entry.title == "Ann Archer"


async def test_a_title_from_the_user_is_kept(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, title="Our money")
    await set_up(hass, entry)
    assert entry.title == "Our money"


async def test_without_an_owners_name_the_title_is_kept(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, title="monzo", unique_id="user_0000NobodyKnows")
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.title == "monzo"


# Entries of the built-in integration


async def test_an_entry_of_the_built_in_integration_is_used_unchanged(
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
async def test_an_entry_of_an_early_version_is_migrated(
    hass: HomeAssistant, home: Household, sign_in: SignIn, minor_version: int
) -> None:
    # The first version stored the id as it came from the bank, which could be a number.
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


async def test_a_migration_keeps_the_webhook(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, minor_version=2)
    await set_up(hass, entry)
    assert entry.data["webhook_id"] == WEBHOOK_ID


async def test_an_entry_of_a_later_minor_version_is_not_changed(
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


async def test_all_data_of_a_removed_entry_is_removed(
    hass: HomeAssistant, hass_storage: dict[str, Any], server: BankServer, ann: MockConfigEntry
) -> None:
    await hass.services.async_call(
        DOMAIN,
        "deposit_into_pot",
        {"pot": pot_device(hass, ann), "amount": 1},
        blocking=True,
    )
    assert [key for key in hass_storage if key.startswith(f"monzo.{ann.entry_id}")]

    assert await hass.config_entries.async_remove(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not [key for key in hass_storage if key.startswith("monzo.")]
    assert not archive_files(hass)
    assert not hass.states.async_all(Platform.SENSOR)
    assert not dr.async_get(hass).devices


def pot_device(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return next(device.id for device in devices if device.name == "Holiday")


@pytest.mark.parametrize("reason", ["evicted", "not approved", "not renewable"])
async def test_the_repair_issues_of_a_removed_entry_are_removed(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn, reason: str
) -> None:
    entry = sign_in(home.ann)
    match reason:
        case "evicted":
            server.evict(home.ann)
        case "not approved":
            server.sign_ins.active(home.ann)[0].approval = "pending"
        case "not renewable":
            token = {**entry.data["token"], "refresh_token": None}
            hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
    await set_up(hass, entry)
    # An entry that loads has another issue, because Home Assistant has no external address.
    assert len(issues_of(hass, entry)) == (2 if reason == "not renewable" else 1)

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not issues_of(hass, entry)
    assert not hass.config_entries.flow.async_progress()


async def test_another_entry_takes_over_the_joint_account_of_a_removed_one(
    hass: HomeAssistant, home: Household, sign_in: SignIn, ann: MockConfigEntry
) -> None:
    ben = sign_in(home.ben)
    await set_up(hass, ben)
    assert set(ben.runtime_data.balances.data.accounts) == {home.bens.id}

    corrections = await async_get_corrections(hass)
    for account in (home.current, home.joint):
        correction = Correction(transaction_ids=("tx_1",), name="Rent")
        await corrections.async_set(account.id, {"rent": correction})

    await hass.config_entries.async_remove(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert set(ben.runtime_data.balances.data.accounts) == {home.bens.id, home.joint.id}
    # What Ann and Ben corrected in their joint account stays.
    assert corrections.of_account(home.joint.id)
    assert not corrections.of_account(home.current.id)


async def remove_device(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str
) -> bool:
    """Remove a device as a user does, and return whether that succeeded."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    response = await client.remove_device(device_id)
    removed: bool = response["success"]
    return removed


async def test_the_device_of_an_existing_pot_cannot_be_removed(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, ann: MockConfigEntry
) -> None:
    device_id = pot_device(hass, ann)
    assert not await remove_device(hass, hass_ws_client, device_id)
    assert dr.async_get(hass).async_get(device_id)


async def test_the_device_of_a_pot_that_no_longer_exists_can_be_removed(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, ann: MockConfigEntry
) -> None:
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=ann.entry_id, identifiers={(DOMAIN, "pot_0000Closed")}, name="Old"
    )
    assert await remove_device(hass, hass_ws_client, device.id)
    assert not dr.async_get(hass).async_get(device.id)


async def test_no_device_can_be_removed_while_the_entry_is_not_loaded(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, ann: MockConfigEntry
) -> None:
    device_id = pot_device(hass, ann)
    await hass.config_entries.async_unload(ann.entry_id)
    assert not await remove_device(hass, hass_ws_client, device_id)
    assert dr.async_get(hass).async_get(device_id)
