"""What is either so or not: locks, round-ups, and how the bank can be reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import DeviceState, PersonState, PotState
from .entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from .runtime import MonzoConfigEntry, MonzoRuntimeData

PARALLEL_UPDATES = 0

ATTR_MULTIPLIER: Final = "multiplier"


@dataclass(frozen=True, kw_only=True)
class MonzoBinarySensorDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], BinarySensorEntityDescription
):
    """Describes a binary sensor."""

    is_on_fn: Callable[[DeviceStateT], bool]
    attributes_fn: Callable[[DeviceStateT], Mapping[str, Any] | None] = lambda _state: None


@dataclass(frozen=True, kw_only=True)
class MonzoLinkDescription(MonzoEntityDescription[PersonState], BinarySensorEntityDescription):
    """Describes a binary sensor that shows how Home Assistant and the bank get along."""

    is_on_fn: Callable[[MonzoRuntimeData], bool]


LINK_BINARY_SENSORS: Final = (
    MonzoLinkDescription(
        key="connection",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda runtime: runtime.balances.last_update_success,
    ),
    MonzoLinkDescription(
        key="instant_updates",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda runtime: runtime.webhook_status.arriving,
    ),
)

POT_BINARY_SENSORS: Final = (
    MonzoBinarySensorDescription[PotState](
        key="locked",
        device_class=BinarySensorDeviceClass.LOCK,
        # Without it, Home Assistant shows pots among the doors of the house, as a danger.
        entity_category=EntityCategory.DIAGNOSTIC,
        # Home Assistant's locks are on when they are open.
        is_on_fn=lambda pot: not pot.pot.locked,
    ),
    MonzoBinarySensorDescription[PotState](
        key="round_up",
        is_on_fn=lambda pot: pot.pot.round_up,
        attributes_fn=lambda pot: {ATTR_MULTIPLIER: float(pot.pot.round_up_multiplier or 1)},
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of a config entry."""
    balances = entry.runtime_data.balances
    person = balances.data.person
    async_add_entities(
        MonzoLinkSensor(balances, description, person) for description in LINK_BINARY_SENSORS
    )
    async_add_as_they_appear(
        entry, async_add_entities, MonzoBinarySensor, EntityTables(pot=POT_BINARY_SENSORS)
    )


class MonzoBinarySensor[DeviceStateT: DeviceState](MonzoEntity[DeviceStateT], BinarySensorEntity):
    """Shows one thing about a person, an account or a pot."""

    entity_description: MonzoBinarySensorDescription[DeviceStateT]

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether it is so."""
        if (device_state := self.device_state) is None:
            return None
        return self.entity_description.is_on_fn(device_state)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return what there is to say beside."""
        if (device_state := self.device_state) is None:
            return None
        return self.entity_description.attributes_fn(device_state)


class MonzoLinkSensor(MonzoEntity[PersonState], BinarySensorEntity):
    """Shows whether the bank answered the last poll, or tells of payments by itself."""

    entity_description: MonzoLinkDescription

    @property
    @override
    def available(self) -> bool:
        """Return True: knowing that the bank is out of reach is what this is for."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it is so."""
        return self.entity_description.is_on_fn(self.coordinator.config_entry.runtime_data)
