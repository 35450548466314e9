"""Signing in: credentials, the bank's website, the approval in the app, and all that comes between."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from sandbox.home import Home
from sandbox.server import (
    BankServer,
)

from .conftest import CREDENTIALS
from .dialogs import Dialogs


async def test_somebody_signs_in(
    hass: HomeAssistant, home: Home, server: BankServer, dialogs: Dialogs
) -> None:
    page = await dialogs.open()
    assert page["type"] is FlowResultType.EXTERNAL_STEP

    waiting = await dialogs.sign_in(page, home.ann)
    assert waiting["type"] is FlowResultType.SHOW_PROGRESS
    assert waiting["progress_action"] == "wait_for_approval"

    server.approve(home.ann)
    done = await dialogs.wait(waiting)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["title"] == "Ann Archer"
    entry = done["result"]
    assert (entry.version, entry.minor_version) == (1, 3)
    assert entry.unique_id == home.ann.user_id
    assert set(entry.data) == {"auth_implementation", "token", "webhook_id"}
    assert entry.data["auth_implementation"] == CREDENTIALS
    assert entry.options == {}
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.LOADED
