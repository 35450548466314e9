"""Diagnostics of a config entry and its devices, without private data."""

from datetime import timedelta
import json
from typing import Any

from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from sandbox.household import Household
from sandbox.server import DEFAULT_CLIENT_SECRET, Answer, BankServer
from tests.helpers.state_helpers import device, set_up

from .conftest import AdvanceTime, SignIn

OPTIONS = {"max_per_transfer": 123.45, "max_per_day": 678.9, "allow_transfers": True}


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's loaded entry, with an address from core's integration and without her loan."""
    assert await async_setup_component(hass, "diagnostics", {})
    entry = sign_in(home.ann)
    hass.config_entries.async_update_entry(
        entry,
        data={**entry.data, "webhook_url": f"https://home.example/{entry.data[CONF_WEBHOOK_ID]}"},
        options={**OPTIONS, "excluded_accounts": [home.loan.id]},
    )
    home.bank.pay(home.current.id, -4_321)
    await set_up(hass, entry)
    return entry


@pytest.mark.freeze_time("2026-06-15 11:00:00+00:00")
async def test_diagnostics_of_an_entry(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    assert await get_diagnostics_for_config_entry(hass, hass_client, entry) == snapshot


@pytest.mark.freeze_time("2026-06-15 11:00:00+00:00")
async def test_diagnostics_of_an_entry_contain_the_last_error(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    entry: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    server.fail("*", "*", Answer.html(502), times=None)
    await advance_time(timedelta(minutes=2))

    dump: dict[str, Any] = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    assert dump["balances"]["last_update_success"] is False
    assert dump["balances"]["last_exception"] == "UpdateFailed"
    assert dump["balances"]["reads_failed"] == 4


async def test_diagnostics_of_an_entry_that_is_not_loaded_contain_the_reason(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
) -> None:
    account = device(hass, entry, home.current.id)
    assert account
    server.fail("*", "*", Answer.html(502), times=None)
    await hass.config_entries.async_reload(entry.entry_id)

    whole: dict[str, Any] = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    part: dict[str, Any] = await get_diagnostics_for_device(hass, hass_client, entry, account)

    assert whole == part
    assert whole["entry"]["state"] == "setup_retry"
    assert whole["entry"]["reason"] == "cannot_connect"


@pytest.mark.freeze_time("2026-06-15 11:00:00+00:00")
async def test_diagnostics_of_devices(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    home: Household,
    entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    for name, monzo_id in (
        ("person", home.ann.user_id),
        ("account", home.joint.id),
        ("pot", home.holiday.id),
    ):
        found = device(hass, entry, monzo_id)
        assert found
        dump = await get_diagnostics_for_device(hass, hass_client, entry, found)
        assert dump == snapshot(name=name)


async def test_diagnostics_of_a_device_that_the_bank_does_not_have(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    home: Household,
    entry: MockConfigEntry,
) -> None:
    left = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("monzo", "pot_of_long_ago")}
    )
    dump = await get_diagnostics_for_device(hass, hass_client, entry, left)
    assert dump == {"missing": True}


async def test_diagnostics_contain_no_private_data(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    home: Household,
    entry: MockConfigEntry,
) -> None:
    everything = json.dumps(await get_diagnostics_for_config_entry(hass, hass_client, entry))
    for found in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        everything += json.dumps(await get_diagnostics_for_device(hass, hass_client, entry, found))

    bank = home.bank
    secrets = {*bank.accounts, *bank.pots, *bank.people, DEFAULT_CLIENT_SECRET}
    secrets |= {str(secret) for secret in entry.data["token"].values() if len(str(secret)) > 6}
    secrets |= {entry.data[CONF_WEBHOOK_ID], entry.entry_id, "://", "www"}
    secrets |= {pot.name for pot in bank.pots.values()} | {home.ann.name, "Ann", "Ben"}
    secrets |= {account.number for account in bank.accounts.values() if account.number}
    secrets |= {account.description for account in bank.accounts.values()}
    balances = [account.balance for account in bank.accounts.values()]
    balances += [pot.balance for pot in bank.pots.values()]
    for balance in filter(None, map(abs, balances)):
        secrets |= {str(balance), f"{balance / 100:.2f}"}
    secrets |= {"4321", "43.21", "123.45", "678.9"}
    assert not [secret for secret in secrets if secret in everything]
