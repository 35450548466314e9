"""What is either so or not: locks, round-ups, and whether the bank can be reached."""

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

from .coordinator import MonzoConfigEntry, PersonState, PotState, SubjectState
from .entity import MonzoEntity, MonzoEntityDescription, Tables, async_add_as_they_appear

PARALLEL_UPDATES = 0

ATTR_MULTIPLIER: Final = "multiplier"


@dataclass(frozen=True, kw_only=True)
class MonzoBinarySensorDescription[SubjectT: SubjectState](
    MonzoEntityDescription[SubjectT], BinarySensorEntityDescription
):
    """Describes a binary sensor."""

    is_on_fn: Callable[[SubjectT], bool]
    attributes_fn: Callable[[SubjectT], Mapping[str, Any] | None] = lambda _subject: None


@dataclass(frozen=True, kw_only=True)
class MonzoConnectionDescription(
    MonzoEntityDescription[PersonState], BinarySensorEntityDescription
):
    """Describes the one binary sensor that shows the polling itself."""


CONNECTION: Final = MonzoConnectionDescription(
    key="connection",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)

POT_BINARY_SENSORS: Final = (
    MonzoBinarySensorDescription[PotState](
        key="locked",
        device_class=BinarySensorDeviceClass.LOCK,
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
    async_add_entities([MonzoConnectionSensor(balances, CONNECTION, balances.data.person)])
    async_add_as_they_appear(
        entry, async_add_entities, MonzoBinarySensor, Tables(pot=POT_BINARY_SENSORS)
    )


class MonzoBinarySensor[SubjectT: SubjectState](MonzoEntity[SubjectT], BinarySensorEntity):
    """Shows one thing about a person, an account or a pot."""

    entity_description: MonzoBinarySensorDescription[SubjectT]

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether it is so."""
        if (subject := self.subject) is None:
            return None
        return self.entity_description.is_on_fn(subject)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return what there is to say beside."""
        if (subject := self.subject) is None:
            return None
        return self.entity_description.attributes_fn(subject)


class MonzoConnectionSensor(MonzoEntity[PersonState], BinarySensorEntity):
    """Shows whether the last poll reached the bank."""

    entity_description: MonzoConnectionDescription

    @property
    @override
    def available(self) -> bool:
        """Return True: knowing that the bank is out of reach is what this is for."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the bank answered."""
        return self.coordinator.last_update_success
