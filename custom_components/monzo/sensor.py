"""Sensor platform."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bank import translating_defects
from .runtime import MonzoConfigEntry
from .sensors import (
    async_add_balance_sensors,
    async_add_budget_sensors,
    async_add_history_sensor,
    async_add_outlook_sensors,
    async_add_period_sensors,
)

PARALLEL_UPDATES = 0


@translating_defects("the set-up of sensors")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of a config entry."""
    async_add_balance_sensors(entry, async_add_entities)
    async_add_budget_sensors(entry, async_add_entities)
    async_add_period_sensors(entry, async_add_entities)
    async_add_history_sensor(entry, async_add_entities)
    async_add_outlook_sensors(entry, async_add_entities)
