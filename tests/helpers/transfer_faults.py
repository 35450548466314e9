"""Faults around a transfer: of the bank, and of Home Assistant."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.core import HomeAssistant
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.monzo.const import DOMAIN
from sandbox.faults import Fault
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.conftest import CREDENTIALS
from tests.helpers.transfer_client import TransferClient


def break_transfers(server: BankServer, *faults: Fault, times: int | None = 1) -> None:
    """Answer the next requests to move money with these faults, in turn."""
    for fault in faults:
        server.fail("PUT", "/pots/*", fault, times=times)


async def change_options(client: TransferClient, **options: object) -> None:
    """Change the options of the entry, which reloads it."""
    client.hass.config_entries.async_update_entry(
        client.entry, options={**client.entry.options, **options}
    )
    await restart(client)


async def restart(client: TransferClient) -> None:
    """Reload the entry."""
    assert await client.hass.config_entries.async_reload(client.entry.entry_id)
    await client.hass.async_block_till_done()


async def add_credentials(hass: HomeAssistant) -> None:
    """Add the OAuth client that people sign in with."""
    assert await async_setup_component(hass, "application_credentials", {})
    await async_import_client_credential(
        hass, DOMAIN, ClientCredential(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET), CREDENTIALS
    )


@asynccontextmanager
async def after_a_crash(
    client: TransferClient, *, before_setup: Callable[[HomeAssistant], object] = id
) -> AsyncIterator[TransferClient]:
    """Start another Home Assistant with the files that the first one has stored so far."""
    async with async_test_home_assistant(config_dir=client.hass.config.config_dir) as hass:
        hass.data.pop(DATA_CUSTOM_COMPONENTS)
        await add_credentials(hass)
        entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id=client.entry.entry_id,
            unique_id=client.entry.unique_id,
            minor_version=client.entry.minor_version,
            data=client.entry.data,
            options=client.entry.options,
        )
        entry.add_to_hass(hass)
        before_setup(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        yield client.seen_from(hass, entry)
        await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_stop(force=True)
