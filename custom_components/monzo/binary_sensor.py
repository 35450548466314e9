"""Binary sensors for locks, round-ups, shortfalls and the connection to the bank."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import AccountState, DeviceState, PersonState, PotState
from .bank import translating_defects
from .budget_entity import BudgetEntity, async_add_budget_entities
from .budgets import BudgetStatus
from .entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from .outlook_entity import MonzoOutlookEntity, shortfall_attributes, with_history
from .runtime import MonzoConfigEntry, MonzoRuntimeData

PARALLEL_UPDATES = 0

ATTR_MULTIPLIER: Final = "multiplier"


@dataclass(frozen=True, kw_only=True)
class MonzoBinarySensorDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], BinarySensorEntityDescription
):
    """Describes a binary sensor of a person, an account or a pot."""

    is_on_fn: Callable[[DeviceStateT], bool]
    attributes_fn: Callable[[DeviceStateT], Mapping[str, Any] | None] = lambda _state: None


@dataclass(frozen=True, kw_only=True)
class MonzoConnectionSensorDescription(
    MonzoEntityDescription[PersonState], BinarySensorEntityDescription
):
    """Describes a binary sensor of the connection between Home Assistant and the bank."""

    is_on_fn: Callable[[MonzoRuntimeData], bool]


@dataclass(frozen=True, kw_only=True)
class MonzoShortfallSensorDescription(
    MonzoEntityDescription[AccountState], BinarySensorEntityDescription
):
    """Describes a binary sensor that shows whether recurring payments would overdraw an account."""


@dataclass(frozen=True, kw_only=True)
class BudgetBinarySensorDescription(BinarySensorEntityDescription):
    """Describes a binary sensor of a budget."""

    is_on_fn: Callable[[BudgetStatus], bool]


CONNECTION_BINARY_SENSORS: Final = (
    MonzoConnectionSensorDescription(
        key="connection",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda runtime: (
            runtime.balances.last_update_success and runtime.balances.data.complete
        ),
    ),
    MonzoConnectionSensorDescription(
        key="instant_updates",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda runtime: runtime.webhook_status.arriving,
    ),
)

POT_BINARY_SENSORS: Final = (
    MonzoBinarySensorDescription[PotState](
        key="locked",
        device_class=BinarySensorDeviceClass.LOCK,
        # Without a category, Home Assistant lists pots among the doors and warns about open ones.
        entity_category=EntityCategory.DIAGNOSTIC,
        # The lock device class defines on as unlocked.
        is_on_fn=lambda pot: not pot.pot.locked,
    ),
    MonzoBinarySensorDescription[PotState](
        key="round_up",
        is_on_fn=lambda pot: pot.pot.round_up,
        attributes_fn=lambda pot: {ATTR_MULTIPLIER: float(pot.pot.round_up_multiplier or 1)},
    ),
)

SHORTFALL_AHEAD: Final = MonzoShortfallSensorDescription(
    key="shortfall_ahead", device_class=BinarySensorDeviceClass.PROBLEM
)


BUDGET_BINARY_SENSORS: Final = (
    BudgetBinarySensorDescription(
        key="over_budget",
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda budget: budget.is_over,
    ),
)


@translating_defects("the set-up of binary sensors")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of a config entry."""
    async_add_entities(
        MonzoConnectionSensor(entry.runtime_data, description)
        for description in CONNECTION_BINARY_SENSORS
    )
    async_add_as_they_appear(
        entry, async_add_entities, MonzoBinarySensor, EntityTables(pot=POT_BINARY_SENSORS)
    )
    async_add_budget_entities(entry, async_add_entities, BudgetBinarySensor, BUDGET_BINARY_SENSORS)
    async_add_as_they_appear(
        entry,
        async_add_entities,
        partial(MonzoShortfallSensor, entry.runtime_data.recurring),
        EntityTables(account=with_history(entry, (SHORTFALL_AHEAD,))),
    )


class MonzoBinarySensor[DeviceStateT: DeviceState](MonzoEntity[DeviceStateT], BinarySensorEntity):
    """Binary sensor of a person, an account or a pot."""

    entity_description: MonzoBinarySensorDescription[DeviceStateT]

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the state; None if the bank did not return the device's data."""
        if (device_state := self.device_state) is None:
            return None
        return self.entity_description.is_on_fn(device_state)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the attributes of this kind of binary sensor."""
        if (device_state := self.device_state) is None:
            return None
        return self.entity_description.attributes_fn(device_state)


class MonzoConnectionSensor(MonzoEntity[PersonState], BinarySensorEntity):
    """Binary sensor of the connection between Home Assistant and the bank."""

    entity_description: MonzoConnectionSensorDescription

    def __init__(
        self, runtime: MonzoRuntimeData, description: MonzoConnectionSensorDescription
    ) -> None:
        """Initialize the binary sensor for the person."""
        super().__init__(runtime.balances, description, runtime.balances.data.person)
        self._runtime = runtime

    @property
    @override
    def available(self) -> bool:
        """Return True, because this sensor also reports that the bank is unreachable."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Return the state of the connection."""
        return self.entity_description.is_on_fn(self._runtime)


class MonzoShortfallSensor(MonzoOutlookEntity[AccountState], BinarySensorEntity):
    """Binary sensor that is on if recurring payments would overdraw an account within a month."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the account would be overdrawn; None if no pay day is known."""
        outlook = self.recurring.accounts.get(self.monzo_id)
        if outlook is None or outlook.lowest is None:
            return None
        return outlook.shortfall is not None

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the day of the shortfall, and the number of payments that it is based on."""
        outlook = self.recurring.accounts.get(self.monzo_id)
        return shortfall_attributes(outlook) if outlook else None


class BudgetBinarySensor(BudgetEntity, BinarySensorEntity):
    """Binary sensor of a budget in its current period."""

    entity_description: BudgetBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the state; None if the figures of the budget are unknown."""
        return None if self.status is None else self.entity_description.is_on_fn(self.status)
