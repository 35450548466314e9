"""Looking at what Home Assistant shows, the way a test tells it."""

import asyncio
from dataclasses import dataclass
import logging
from typing import override

from aiohttp import web
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.monzo.const import DOMAIN
from sandbox.faults import Exchange, Fault


def entity_id(hass: HomeAssistant, subject: str, key: str, platform: str = "sensor") -> str | None:
    """Return the entity of a person, account or pot, whatever it is called; None if it has none."""
    return er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{subject}_{key}")


def shown(hass: HomeAssistant, subject: str, key: str, platform: str = "sensor") -> State:
    """Return an entity that has to be there."""
    found = entity_id(hass, subject, key, platform)
    assert found, f"no {key}"
    state = hass.states.get(found)
    assert state, f"{found} has no state"
    return state


def value(hass: HomeAssistant, subject: str, key: str, platform: str = "sensor") -> str:
    """Return what an entity shows."""
    return shown(hass, subject, key, platform).state


def device(hass: HomeAssistant, entry: ConfigEntry, subject: str) -> dr.DeviceEntry | None:
    """Return the device that an entry has of a person, account or pot."""
    return dr.async_get(hass).async_get_device_by_identifier((DOMAIN, subject), entry.entry_id)


def device_names(hass: HomeAssistant, entry: ConfigEntry) -> list[str | None]:
    """Return the names of an entry's devices in alphabetical order."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return sorted((device.name for device in devices), key=str)


async def set_up(hass: HomeAssistant, *entries: ConfigEntry) -> None:
    """Set config entries up, one after the other, and let everything settle."""
    for entry in entries:
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)


@dataclass(frozen=True)
class Together(Fault):
    """Nobody is answered before everybody has asked."""

    everybody: asyncio.Barrier

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await self.everybody.wait()
        return await exchange.work()


def complaints(caplog: pytest.LogCaptureFixture, *levels: str) -> list[logging.LogRecord]:
    """Return what was logged at these levels, but for asyncio's remark on a slow machine."""
    return [record for record in caplog.records if is_complaint(record, *levels)]


def is_complaint(record: logging.LogRecord, *levels: str) -> bool:
    """Return whether a record is of these levels, and not asyncio's remark on a slow machine."""
    return record.levelname in levels and not (
        record.name == "asyncio" and record.msg.startswith("Executing")
    )
