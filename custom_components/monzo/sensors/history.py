"""The sensor that shows how much of the history has been read."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import PERCENTAGE, EntityCategory, Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..accounts import linked_device
from ..backfill import HistoryImport
from ..const import DOMAIN
from ..runtime import MonzoConfigEntry


@callback
def async_add_history_sensor(
    entry: MonzoConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensor of the history, or remove it if the user chose to keep no history."""
    runtime = entry.runtime_data
    sensor = HistorySensor(runtime.history, runtime.balances.data.person.id)
    if runtime.history.keeps_history:
        async_add_entities([sensor])
        return
    registry = er.async_get(runtime.balances.hass)
    if entity_id := registry.async_get_entity_id(Platform.SENSOR, DOMAIN, str(sensor.unique_id)):
        registry.async_remove(entity_id)


class HistorySensor(SensorEntity):
    """The percentage of a person's history that is in the archive."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_has_entity_name = True
    _attr_native_unit_of_measurement = PERCENTAGE
    _attr_should_poll = False
    _attr_suggested_display_precision = 0
    _attr_translation_key = "history"

    def __init__(self, history: HistoryImport, person_id: str) -> None:
        """Initialize the sensor of a person."""
        self._history = history
        self._attr_unique_id = f"{person_id}_history"
        self._attr_device_info = linked_device(person_id)

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the progress of the import."""
        self.async_on_remove(self._history.async_add_listener(self.async_write_ha_state))

    @property
    @override
    def native_value(self) -> int:
        """Return the percentage that was read."""
        return self._history.progress().percent

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return how many years of the history there are, and how many were read."""
        progress = self._history.progress()
        return {
            "years": progress.years,
            "years_read": progress.years_read,
            "running": self._history.running,
        }
