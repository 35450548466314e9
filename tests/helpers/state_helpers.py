"""Read entities, devices and log records in tests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
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


def entity_id(hass: HomeAssistant, monzo_id: str, key: str, platform: str = "sensor") -> str | None:
    """Return the entity id of a person, account or pot; None if it does not have the entity."""
    return er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{monzo_id}_{key}")


def shown(hass: HomeAssistant, monzo_id: str, key: str, platform: str = "sensor") -> State:
    """Return the state object of an entity. Fails if there is none."""
    found = entity_id(hass, monzo_id, key, platform)
    assert found, f"no {key}"
    state = hass.states.get(found)
    assert state, f"{found} has no state"
    return state


def value(hass: HomeAssistant, monzo_id: str, key: str, platform: str = "sensor") -> str:
    """Return the state of an entity. Fails if there is none."""
    return shown(hass, monzo_id, key, platform).state


def device(hass: HomeAssistant, entry: ConfigEntry, monzo_id: str) -> dr.DeviceEntry | None:
    """Return an entry's device for a person, account or pot; None if there is none."""
    return dr.async_get(hass).async_get_device_by_identifier((DOMAIN, monzo_id), entry.entry_id)


def device_names(hass: HomeAssistant, entry: ConfigEntry) -> list[str | None]:
    """Return the names of an entry's devices in alphabetical order."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return sorted((device.name for device in devices), key=str)


async def set_up(hass: HomeAssistant, *entries: ConfigEntry) -> None:
    """Set up config entries one after the other, and wait until all tasks are done."""
    for entry in entries:
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)


async def set_up_and_import(
    hass: HomeAssistant,
    entry: ConfigEntry,
    advance_time: Callable[[timedelta], Awaitable[None]],
    *,
    polls: int,
    every: timedelta = timedelta(minutes=2),
) -> None:
    """Set up an entry that keeps transactions, and let polls pass until its history was read."""
    await set_up(hass, entry)
    for _poll in range(polls):
        await advance_time(every)


@dataclass(frozen=True)
class Together(Fault):
    """Holds each response back until several requests have arrived.

    A test with this fault fails with a time-out unless the requests are sent concurrently.
    """

    barrier: asyncio.Barrier

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await self.barrier.wait()
        return await exchange.work()


@dataclass(frozen=True)
class HeldResponse(Fault):
    """The bank executes the request, and holds its response back until the test releases it."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the bank has executed the request."""

    released: asyncio.Event = field(default_factory=asyncio.Event)
    """To be set by the test."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        response = await exchange.work()
        self.arrived.set()
        await self.released.wait()
        return response


@dataclass(frozen=True)
class ByAccount(Fault):
    """Faults by account ID. Requests for other accounts get normal answers."""

    faults: Mapping[str, Fault]

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        form = await exchange.request.post()
        for account_id in (*exchange.request.query.values(), *form.values()):
            if (fault := self.faults.get(str(account_id))) is not None:
                return await fault.answer(exchange)
        return await exchange.work()


def complaints(caplog: pytest.LogCaptureFixture, *levels: str) -> list[logging.LogRecord]:
    """Return the log records of these levels, except asyncio's warnings about a slow machine."""
    return [record for record in caplog.records if is_complaint(record, *levels)]


def is_complaint(record: logging.LogRecord, *levels: str) -> bool:
    """Return whether a log record has one of these levels and is not about a slow machine."""
    return record.levelname in levels and not (
        record.name == "asyncio" and record.msg.startswith("Executing")
    )
