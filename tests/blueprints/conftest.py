"""A house that has imported all of the blueprints."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
import shutil

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from sandbox.household import Household
from sandbox.server import BankServer
from tests.conftest import LetPass, SignIn
from tests.helpers.state_helpers import set_up

from .phone import Phone
from .stage import FOLDER, Stage
from .waiting import Clock

# Until the transactions of all accounts have been read for the first time.
A_WHILE = timedelta(minutes=6)

# The buttons of a notification are good for an hour.
MORE_THAN_AN_HOUR = timedelta(minutes=61)


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Have the files of the blueprints where Home Assistant puts those that it imports."""
    shutil.copytree(FOLDER, Path(hass_tmp_config_dir) / "blueprints" / "automation" / "monzo")
    return hass_tmp_config_dir


@pytest.fixture
async def stage(
    hass: HomeAssistant,
    home: Household,
    sign_in: SignIn,
    server: BankServer,
    let_pass: LetPass,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Stage]:
    """Return where to play a blueprint. Nothing may be complained of in the log in the end."""
    assert await async_setup_component(hass, "persistent_notification", {})
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass(A_WHILE)
    stage = Stage(hass, entry, home, server, let_pass, caplog)
    stage.complaints()
    yield stage
    await stage.end()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert stage.complaints() == []


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Return what turns time forward while an automation waits."""
    return Clock(hass, freezer)


@pytest.fixture
def phone(hass: HomeAssistant, stage: Stage) -> Phone:
    """Return Ann's phone."""
    return Phone(hass)
