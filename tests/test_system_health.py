"""The system health information."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info

from custom_components.monzo.const import DOMAIN
from sandbox.server import BankServer, DropBefore

from .conftest import AdvanceTime


@pytest.fixture
async def _system_health(hass: HomeAssistant, server: BankServer) -> None:
    assert await async_setup_component(hass, "system_health", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


@pytest.mark.usefixtures("_system_health")
async def test_it_shows_that_the_bank_is_reachable_and_the_time_of_the_last_poll(
    hass: HomeAssistant, server: BankServer, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    # Long enough for the requests of the set-up to leave the budget.
    await advance_time(timedelta(minutes=6))
    answered_at = dt_util.utcnow()
    server.fail("*", "*", DropBefore(), times=None)
    await advance_time(timedelta(minutes=2))
    server.clear_faults()

    info = await get_system_health_info(hass, DOMAIN)

    assert await info.pop("can_reach_server") == "ok"
    assert info.pop("transactions_kept") > 0
    assert info == {
        "people_signed_in": 1,
        "last_poll": answered_at,
        "archive_state": "ok",
        "history_read": None,
    }


@pytest.mark.usefixtures("_system_health")
async def test_it_shows_that_the_bank_is_not_reachable(
    hass: HomeAssistant, server: BankServer
) -> None:
    await server.stop()

    info = await get_system_health_info(hass, DOMAIN)

    assert await info.pop("can_reach_server") == {"type": "failed", "error": "unreachable"}
    assert info == {
        "people_signed_in": 0,
        "last_poll": None,
        "archive_state": None,
        "transactions_kept": None,
        "history_read": None,
    }
