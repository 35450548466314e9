"""What can go wrong around a transfer, the way a test tells it."""

from collections.abc import AsyncIterator
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
from tests.helpers.transfer_client import Teller


def break_transfers(server: BankServer, *faults: Fault, times: int | None = 1) -> None:
    """Let these meet the next requests to move money, in turn."""
    for fault in faults:
        server.fail("PUT", "/pots/*", fault, times=times)


async def change_options(teller: Teller, **options: object) -> None:
    """Have the user change the options, which reloads the entry."""
    teller.hass.config_entries.async_update_entry(
        teller.entry, options={**teller.entry.options, **options}
    )
    await restart(teller)


async def restart(teller: Teller) -> None:
    """Reload the entry."""
    assert await teller.hass.config_entries.async_reload(teller.entry.entry_id)
    await teller.hass.async_block_till_done()


async def add_credentials(hass: HomeAssistant) -> None:
    """Give Home Assistant the client that people sign in with."""
    assert await async_setup_component(hass, "application_credentials", {})
    await async_import_client_credential(
        hass, DOMAIN, ClientCredential(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET), CREDENTIALS
    )


@asynccontextmanager
async def after_a_crash(teller: Teller) -> AsyncIterator[Teller]:
    """Start another Home Assistant with what the first one has stored so far."""
    async with async_test_home_assistant() as hass:
        hass.data.pop(DATA_CUSTOM_COMPONENTS)
        await add_credentials(hass)
        entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id=teller.entry.entry_id,
            unique_id=teller.entry.unique_id,
            minor_version=teller.entry.minor_version,
            data=teller.entry.data,
            options=teller.entry.options,
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        yield teller.seen_from(hass, entry)
        await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_stop(force=True)
