"""Memory that outlives a reload of a config entry, but not its removal."""

import asyncio

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.accounts.changes import PublishedStates
from custom_components.monzo.bank import RequestBudget
from custom_components.monzo.memory import MonzoMemory, async_get_memory
from custom_components.monzo.transfers.journal import TransferJournal
from custom_components.monzo.webhooks import WebhookReceiver


class Notes(list[str]):
    """An object that a config entry keeps."""


def test_each_owner_has_an_object_of_its_own() -> None:
    memory = MonzoMemory()
    first = memory.find_or_create(Notes, "first", Notes)
    second = memory.find_or_create(Notes, "second", Notes)
    assert first is not second
    assert memory.find_or_create(Notes, "first", Notes) is first
    assert memory.find(Notes, "first") is first
    assert list(map(id, memory.find_all(Notes))) == [id(first), id(second)]


async def test_callers_at_the_same_time_load_an_object_once() -> None:
    memory = MonzoMemory()
    loaded = 0

    async def load() -> Notes:
        nonlocal loaded
        loaded += 1
        await asyncio.sleep(0)
        return Notes()

    first, second = await asyncio.gather(
        memory.async_find_or_load(Notes, None, load), memory.async_find_or_load(Notes, None, load)
    )
    assert first is second
    assert loaded == 1


def test_forgetting_an_entry_leaves_the_others_alone() -> None:
    memory = MonzoMemory()
    memory.find_or_create(Notes, "first", Notes)
    shared = memory.find_or_create(Notes, None, Notes)
    kept = memory.find_or_create(Notes, "second", Notes)
    memory.forget("first")
    assert memory.find(Notes, "first") is None
    assert memory.find(Notes, "second") is kept
    assert memory.find(Notes) is shared


KINDS = (PublishedStates, RequestBudget, TransferJournal, WebhookReceiver)


async def test_a_reload_keeps_the_objects_of_an_entry_and_its_removal_none(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    memory = async_get_memory(hass)
    kept = [memory.find(kind, ann.entry_id) for kind in KINDS]
    assert None not in kept
    assert await hass.config_entries.async_reload(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    now = [memory.find(kind, ann.entry_id) for kind in KINDS]
    assert list(map(id, now)) == list(map(id, kept))

    await hass.config_entries.async_remove(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [memory.find(kind, ann.entry_id) for kind in KINDS] == [None] * len(KINDS)
