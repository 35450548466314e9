"""Sensors of budgets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE
from homeassistant.core import callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..api import Money
from ..budget_entity import BudgetEntity, async_add_budget_entities
from ..budgets import BudgetsCoordinator, BudgetSettings, BudgetStatus
from ..runtime import MonzoConfigEntry
from .monetary import in_currency


@dataclass(frozen=True, kw_only=True)
class BudgetSensorDescription(SensorEntityDescription):
    """Describes a sensor of a budget."""

    value_fn: Callable[[BudgetStatus], Money | Decimal]


BUDGET_SENSORS: Final = (
    BudgetSensorDescription(
        key="budget_spent",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda budget: budget.spent,
    ),
    BudgetSensorDescription(
        key="budget_left",
        device_class=SensorDeviceClass.MONETARY,
        value_fn=lambda budget: budget.left,
    ),
    BudgetSensorDescription(
        key="budget_used",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda budget: budget.used,
    ),
    BudgetSensorDescription(
        key="budget_left_per_day",
        device_class=SensorDeviceClass.MONETARY,
        value_fn=lambda budget: budget.left_per_day,
    ),
    BudgetSensorDescription(
        key="budget_projected",
        device_class=SensorDeviceClass.MONETARY,
        value_fn=lambda budget: budget.projected,
    ),
)


@callback
def async_add_budget_sensors(
    entry: MonzoConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of all budgets."""
    async_add_budget_entities(entry, async_add_entities, BudgetSensor, BUDGET_SENSORS)


class BudgetSensor(BudgetEntity, SensorEntity):
    """Sensor of a budget in its current period."""

    entity_description: BudgetSensorDescription

    def __init__(
        self,
        budgets: BudgetsCoordinator,
        budget: BudgetSettings,
        description: BudgetSensorDescription,
    ) -> None:
        """Initialize the sensor with the currency of the budget."""
        super().__init__(budgets, budget, in_currency(description, budget.currency))

    @property
    @override
    def native_value(self) -> Decimal | None:
        """Return the value; amounts are in major units, such as pounds."""
        if (status := self.status) is None:
            return None
        value = self.entity_description.value_fn(status)
        return value.amount if isinstance(value, Money) else value

    @property
    @override
    def last_reset(self) -> datetime | None:
        """Return the start of the period, for the sum that is reset then."""
        if self.entity_description.state_class is not SensorStateClass.TOTAL:
            return None
        return self.budgets.period_began(self.budget_id)
