"""Automations that wait: for a button, or for a second to pass."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_fire_time_changed

# How often everything may go one step further: some hundreds for asking the bank, more for a disk.
MOST_STEPS: Final = 1_000_000

# Enough to get from one step of an automation to the next, where nobody is asked anything.
A_FEW_STEPS: Final = 1_000


class Clock:
    """Turns time forward while an automation waits, which never lets everything be done."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Leave the time as it is."""
        self._hass = hass
        self._freezer = freezer

    async def let_pass(self, time: timedelta, *, until: Callable[[], object]) -> None:
        """Let time pass, and then go on until something has come of it."""
        self._freezer.tick(time)
        async_fire_time_changed(self._hass)
        await self.go_on(until=until)

    async def go_on_for_a_moment(self) -> None:
        """Let everything go on that needs no time, until it waits again."""
        for _ in range(A_FEW_STEPS):
            await asyncio.sleep(0)

    async def go_on(self, *, until: Callable[[], object]) -> None:
        """Let everything go on that needs no time, until something has come of it."""
        for _ in range(MOST_STEPS):
            if until():
                return
            await asyncio.sleep(0)
        message = "it has not come to that"
        raise AssertionError(message)
