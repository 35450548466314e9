"""What the system information says about the bank."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info

from custom_components.monzo.const import DOMAIN
from sandbox.server import BankServer, DropBefore

from .conftest import LetPass


@pytest.fixture
async def _system_health(hass: HomeAssistant, server: BankServer) -> None:
    assert await async_setup_component(hass, "system_health", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


@pytest.mark.usefixtures("_system_health")
async def test_it_says_that_the_bank_can_be_reached_and_when_it_last_answered(
    hass: HomeAssistant, server: BankServer, ann: MockConfigEntry, let_pass: LetPass
) -> None:
    # Longer than the start weighs on the request budget.
    await let_pass(timedelta(minutes=6))
    answered_at = dt_util.utcnow()
    server.fail("*", "*", DropBefore(), times=None)
    await let_pass(timedelta(minutes=2))
    server.clear_faults()

    info = await get_system_health_info(hass, DOMAIN)

    assert await info.pop("can_reach_server") == "ok"
    assert info == {"people_signed_in": 1, "last_poll": answered_at}


@pytest.mark.usefixtures("_system_health")
async def test_it_says_that_the_bank_cannot_be_reached(
    hass: HomeAssistant, server: BankServer
) -> None:
    await server.stop()

    info = await get_system_health_info(hass, DOMAIN)

    assert await info.pop("can_reach_server") == {"type": "failed", "error": "unreachable"}
    assert info == {"people_signed_in": 0, "last_poll": None}
