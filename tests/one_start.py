"""One start and stop of the newest Home Assistant with what a folder holds, in its own process.

    python -P tests/one_start.py FOLDER BANK_URL [as-a-person-would|add-a-budget]

This repository must not be where modules are looked for, or its integration would be found. Without
`custom_components` in the folder it is Home Assistant's built-in integration that runs.

Prints as JSON what is there in the end. Home Assistant is taken apart just as far as it can run
without a frontend; its parts, and everything that is stored, are real.
"""

import asyncio
import json
import sys
from typing import Any

from homeassistant import bootstrap, config_entries, core, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from sandbox.redirect import redirected

DOMAIN = "monzo"


async def main(folder: str, bank_url: str, story: str = "") -> None:
    """Start, print what is there, and stop."""
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    # Where the bank would send webhooks.
    hass.config.external_url = "https://home.example"
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    with redirected(bank_url):
        if not await bootstrap.async_load_base_functionality(hass):
            message = "Home Assistant cannot read its own files"
            raise RuntimeError(message)
        hass.auth = await auth_manager_from_config(hass, [], [])
        await async_setup_component(hass, DOMAIN, {})
        await hass.async_block_till_done(wait_background_tasks=True)
        match story:
            case "as-a-person-would":
                _make_it_a_home(hass)
            case "add-a-budget":
                await _add_a_budget(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        sys.stdout.write(json.dumps(_what_is_there(hass)))
        await hass.async_stop(force=True)


def _make_it_a_home(hass: core.HomeAssistant) -> None:
    """Call one thing by another name, as people do."""
    devices, entities = dr.async_get(hass), er.async_get(hass)
    for entity in list(entities.entities.values()):
        if entity.unique_id.endswith("_spend_today"):
            entities.async_update_entity(
                entity.entity_id,
                new_entity_id=f"{entity.entity_id}_my_own_id",
                name="Pocket money",
            )
    for entry in hass.config_entries.async_entries(DOMAIN):
        for device in dr.async_entries_for_config_entry(devices, entry.entry_id):
            if device.model == "Pot":
                devices.async_update_device(device.id, name_by_user=f"My {device.name}")


async def _add_a_budget(hass: core.HomeAssistant) -> None:
    """Add a budget of one account to the first entry, as its dialog does."""
    entry = hass.config_entries.async_entries(DOMAIN)[0]
    form = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "budget"), context={"source": config_entries.SOURCE_USER}
    )
    settings = {
        "title": "Groceries",
        "limit": 300,
        "accounts": [next(iter(entry.runtime_data.balances.data.accounts))],
        "period": "month",
        "day": "1",
        "weekday": "mon",
        "carry_over": False,
    }
    await hass.config_entries.subentries.async_configure(form["flow_id"], settings)


def _what_is_there(hass: core.HomeAssistant) -> dict[str, Any]:
    """Return the entries, devices and entities of the integration, each by what identifies it."""
    devices = dr.async_get(hass)
    entries = hass.config_entries.async_entries(DOMAIN)
    return {
        "built_in": loader.async_get_loaded_integration(hass, DOMAIN).is_built_in,
        "entries": {
            str(entry.unique_id): {
                "id": entry.entry_id,
                "state": entry.state.value,
                "title": entry.title,
                "version": [entry.version, entry.minor_version],
                "data": {key: value for key, value in entry.data.items() if key != "token"},
                "options": dict(entry.options),
                "budgets": {id_: dict(it.data) for id_, it in entry.subentries.items()},
            }
            for entry in entries
        },
        "devices": {
            entry.entry_id: {
                next(iter(device.identifiers))[1]: {
                    "id": device.id,
                    "model": device.model,
                    "name": device.name,
                    "name_by_user": device.name_by_user,
                }
                for device in dr.async_entries_for_config_entry(devices, entry.entry_id)
            }
            for entry in entries
        },
        "entities": {
            entity.unique_id: {
                "entity_id": entity.entity_id,
                "entry": entity.config_entry_id,
                "device": entity.device_id,
                "name": entity.name,
                "state": state.state if (state := hass.states.get(entity.entity_id)) else None,
            }
            for entity in er.async_get(hass).entities.values()
            if entity.platform == DOMAIN
        },
    }


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
