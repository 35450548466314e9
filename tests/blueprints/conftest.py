"""Fixtures: a Home Assistant that has imported all blueprints."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
import shutil

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from sandbox.household import Household
from sandbox.server import BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import set_up
from tests.helpers.stopped_clock import StoppedClock

from .blueprint_runner import FOLDER, BlueprintRunner
from .clock import Clock
from .phone import Phone

# Within this time the transactions of all accounts are read, also without a change of the balance.
ALL_TRANSACTIONS_READ = timedelta(minutes=6)

# The buttons of a notification work for an hour.
BUTTONS_EXPIRED = timedelta(minutes=61)


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Copy the blueprints to the folder of imported blueprints."""
    shutil.copytree(FOLDER, Path(hass_tmp_config_dir) / "blueprints" / "automation" / "monzo")
    return hass_tmp_config_dir


@pytest.fixture
async def runner(
    hass: HomeAssistant,
    home: Household,
    sign_in: SignIn,
    server: BankServer,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[BlueprintRunner]:
    """Return a runner for blueprints. At the end, no warning may be left in the log."""
    assert await async_setup_component(hass, "persistent_notification", {})
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(ALL_TRANSACTIONS_READ)
    runner = BlueprintRunner(hass, entry, home, server, advance_time, caplog)
    runner.take_warnings()
    yield runner
    await runner.turn_off()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert runner.take_warnings() == []


@pytest.fixture
def clock(hass: HomeAssistant, freezer: StoppedClock) -> Clock:
    """Return a clock for automations that wait."""
    return Clock(hass, freezer)


@pytest.fixture
def phone(hass: HomeAssistant, runner: BlueprintRunner) -> Phone:
    """Return Ann's phone."""
    return Phone(hass)


@pytest.fixture
async def automations_end(hass: HomeAssistant) -> AsyncIterator[None]:
    """Turn all automations off after the test, so that none waits for the next day or month."""
    yield
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"}, blocking=True)
