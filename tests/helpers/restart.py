"""Simulates a restart of Home Assistant for the integration's memory."""

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import restore_state

from custom_components.monzo.const import DOMAIN
from custom_components.monzo.memory import DATA_MEMORY
from custom_components.monzo.transactions.archive import Archive


def forget_process_memory(hass: HomeAssistant) -> None:
    """Forget everything that does not outlive a restart; the entries must be unloaded."""
    memory = hass.data.pop(DATA_MEMORY, None)
    archive = memory and memory.find(Archive)
    if archive:
        archive.file.close()
    for entry in hass.config_entries.async_entries(DOMAIN):
        webhook.async_unregister(hass, entry.data[CONF_WEBHOOK_ID])


async def restart(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Set an entry up again with the states that Home Assistant stores when it stops."""
    states = restore_state.async_get(hass)
    await states.async_dump_states()
    assert await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    await states.async_load()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
