"""Simulates a restart of Home Assistant for the integration's memory."""

from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant

from custom_components.monzo.const import DOMAIN
from custom_components.monzo.memory import DATA_MEMORY


def forget_process_memory(hass: HomeAssistant) -> None:
    """Forget everything that does not outlive a restart; the entries must be unloaded."""
    hass.data.pop(DATA_MEMORY, None)
    for entry in hass.config_entries.async_entries(DOMAIN):
        webhook.async_unregister(hass, entry.data[CONF_WEBHOOK_ID])
