"""A clock for automations that wait, for example for a button or for a second to pass."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Final

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.monzo.const import DOMAIN
from tests.helpers.stopped_clock import StoppedClock
from tests.sandbox.waiting import let_tasks_run

# Limit in real seconds. Home Assistant's own clock is stopped meanwhile.
MAX_WAIT_SECONDS: Final = 60


class Clock:
    """Advances Home Assistant's time without waiting until all automations have finished."""

    def __init__(self, hass: HomeAssistant, freezer: StoppedClock) -> None:
        """Initialize the clock at the current time."""
        self._hass = hass
        self._freezer = freezer

    async def advance(self, time: timedelta, *, until: Callable[[], object]) -> None:
        """Advance the time, and then wait until a condition holds."""
        # A read that is under way sets the timer of the next one at its end.
        for entry in self._hass.config_entries.async_loaded_entries(DOMAIN):
            await entry.runtime_data.transactions.async_refresh()
        self._freezer.tick(time)
        async_fire_time_changed(self._hass)
        await self.wait_until(until)

    async def wait_until(self, condition: Callable[[], object]) -> None:
        """Let Home Assistant work without time passing, until a condition holds."""
        deadline = perf_counter() + MAX_WAIT_SECONDS
        while not condition():
            if perf_counter() > deadline:
                message = f"The condition did not hold within {MAX_WAIT_SECONDS} seconds"
                raise AssertionError(message)
            await asyncio.sleep(0)

    async def run_to_next_wait(self) -> None:
        """Let automations continue to their next wait, if they send no requests before it."""
        await let_tasks_run()
