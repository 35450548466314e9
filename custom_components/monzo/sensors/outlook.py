"""Sensors for the money that is left to spend, the payments ahead, and pay day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import UnitOfTime
from homeassistant.core import callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..accounts import AccountState, BalancesCoordinator, PersonState
from ..administrators_only import transactions_are_limited
from ..api import Money
from ..entity import EntityTables, MonzoEntityDescription, async_add_as_they_appear
from ..outlook_entity import (
    ATTR_FORECAST,
    ATTR_UPCOMING,
    MonzoOutlookEntity,
    left_to_spend_attributes,
    lowest_balance_attributes,
    subscription_attributes,
    upcoming_attributes,
    with_history,
)
from ..recurring import AccountOutlook, PersonOutlook, RecurringCoordinator
from ..runtime import MonzoConfigEntry
from .monetary import in_currency


@dataclass(frozen=True, kw_only=True)
class MonzoOutlookSensorDescription(MonzoEntityDescription[AccountState], SensorEntityDescription):
    """Describes a sensor of an account that depends on recurring payments."""

    value_fn: Callable[[AccountOutlook], Money | None]
    attributes_fn: Callable[[AccountOutlook], dict[str, Any] | None]
    """The attributes; None while the value is unknown."""


# The attributes that contain single payments.
_SINGLE_PAYMENTS: Final = frozenset({ATTR_FORECAST, ATTR_UPCOMING})

OUTLOOK_SENSORS: Final = (
    MonzoOutlookSensorDescription(
        key="left_to_spend",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda outlook: outlook.left.amount if outlook.left else None,
        attributes_fn=left_to_spend_attributes,
    ),
    MonzoOutlookSensorDescription(
        key="left_to_spend_per_day",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda outlook: outlook.left.per_day if outlook.left else None,
        attributes_fn=left_to_spend_attributes,
    ),
    MonzoOutlookSensorDescription(
        key="upcoming_payments",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda outlook: outlook.left.upcoming if outlook.left else None,
        attributes_fn=upcoming_attributes,
    ),
    MonzoOutlookSensorDescription(
        key="subscriptions_per_month",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda outlook: outlook.subscriptions.per_month,
        attributes_fn=subscription_attributes,
    ),
    MonzoOutlookSensorDescription(
        key="lowest_balance_ahead",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda outlook: outlook.lowest.balance if outlook.lowest else None,
        attributes_fn=lowest_balance_attributes,
    ),
)


@dataclass(frozen=True, kw_only=True)
class MonzoPayDaySensorDescription(MonzoEntityDescription[PersonState], SensorEntityDescription):
    """Describes a sensor of a person's pay day."""

    value_fn: Callable[[PersonOutlook], date | int | None]


PAY_DAY_SENSORS: Final = (
    MonzoPayDaySensorDescription(
        key="next_pay_day",
        device_class=SensorDeviceClass.DATE,
        value_fn=lambda outlook: outlook.pay_day,
    ),
    MonzoPayDaySensorDescription(
        key="days_to_pay_day",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.DAYS,
        value_fn=lambda outlook: outlook.days_to_pay_day,
    ),
)


@callback
def async_add_outlook_sensors(
    entry: MonzoConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors that depend on recurring payments."""
    recurring = entry.runtime_data.recurring
    for make, tables in (
        (MonzoOutlookSensor, EntityTables(account=with_history(entry, OUTLOOK_SENSORS))),
        (MonzoPayDaySensor, EntityTables(person=with_history(entry, PAY_DAY_SENSORS))),
    ):
        async_add_as_they_appear(entry, async_add_entities, partial(make, recurring), tables)


class MonzoOutlookSensor(MonzoOutlookEntity[AccountState], SensorEntity):
    """Sensor of an account that depends on recurring payments."""

    entity_description: MonzoOutlookSensorDescription
    # Names of payees must not be recorded in the history.
    _unrecorded_attributes = _SINGLE_PAYMENTS

    def __init__(
        self,
        recurring: RecurringCoordinator,
        coordinator: BalancesCoordinator,
        description: MonzoOutlookSensorDescription,
        device_state: AccountState,
    ) -> None:
        """Initialize the sensor with the currency, which never changes."""
        description = in_currency(description, device_state.currency)
        super().__init__(recurring, coordinator, description, device_state)

    @property
    @override
    def native_value(self) -> Decimal | None:
        """Return the amount in major units, such as pounds; None if it is unknown."""
        outlook = self.recurring.accounts.get(self.monzo_id)
        value = self.entity_description.value_fn(outlook) if outlook else None
        return value.amount if value else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return the basis of the amount, such as the number of payments."""
        outlook = self.recurring.accounts.get(self.monzo_id)
        attributes = self.entity_description.attributes_fn(outlook) if outlook else None
        if attributes is None or not transactions_are_limited(self.coordinator.config_entry):
            return attributes
        return {key: it for key, it in attributes.items() if key not in _SINGLE_PAYMENTS}


class MonzoPayDaySensor(MonzoOutlookEntity[PersonState], SensorEntity):
    """Sensor of a person's pay day."""

    entity_description: MonzoPayDaySensorDescription

    @property
    @override
    def native_value(self) -> date | int | None:
        """Return the day, or the number of days; None if no pay day is known."""
        outlook = self.recurring.person
        return None if outlook is None else self.entity_description.value_fn(outlook)
