"""Fixtures for the tests of transactions."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.household import Household
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import set_up

ALL_POLLS = timedelta(minutes=6)


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's entry, set up, after its first reads, when the request budget is free again."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(ALL_POLLS)
    return entry
