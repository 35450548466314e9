"""Sensors for the balances, totals and goals that the bank returns, and for today's spending."""

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
from homeassistant.helpers.restore_state import RestoredExtraData, RestoreEntity

from ..accounts import (
    AccountState,
    BalancesCoordinator,
    DatedBalance,
    DeviceState,
    PersonState,
    PotState,
)
from ..api import Money
from ..entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from ..runtime import MonzoConfigEntry
from .monetary import in_currency


@dataclass(frozen=True, kw_only=True)
class MonzoSensorDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], SensorEntityDescription
):
    """Describes a Monzo sensor."""

    value_fn: Callable[[DeviceStateT], Money | Decimal | str | None]
    """The value to show. Money is always in the currency of the account or pot."""

    last_reset_fn: Callable[[DeviceStateT], datetime | None] = lambda _state: None
    """When a sum that is reset regularly was last reset; None for all other values."""


PERSON_SENSORS: Final = (
    MonzoSensorDescription[PersonState](
        key="total",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        has_fn=lambda person: len(person.currencies) == 1 if person.currencies else None,
        value_fn=lambda person: person.total,
    ),
)

ACCOUNT_SENSORS: Final = (
    MonzoSensorDescription[AccountState](
        key="balance",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda account: account.money,
    ),
    MonzoSensorDescription[AccountState](
        key="total_balance",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        is_useful_fn=lambda account: account.is_current_account,
        value_fn=lambda account: account.balance.total_balance,
    ),
    MonzoSensorDescription[AccountState](
        key="savings_balance",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        entity_registry_enabled_default=False,
        has_fn=lambda account: account.is_current_account,
        value_fn=lambda account: account.balance.balance_including_flexible_savings,
    ),
    MonzoSensorDescription[AccountState](
        key="local_currency",
        entity_registry_enabled_default=False,
        has_fn=lambda account: account.is_current_account,
        value_fn=lambda account: account.balance.local_currency,
    ),
    MonzoSensorDescription[AccountState](
        key="exchange_rate",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=4,
        entity_registry_enabled_default=False,
        has_fn=lambda account: account.is_current_account,
        value_fn=lambda account: account.balance.local_exchange_rate,
    ),
)

SPENDING_SENSORS: Final = (
    MonzoSensorDescription[AccountState](
        key="spend_today",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        is_useful_fn=lambda account: account.is_current_account,
        # The bank counts outgoing money as negative; the sensor shows spending as positive.
        value_fn=lambda account: -account.balance.spend_today,
        last_reset_fn=lambda account: account.day_began,
    ),
)

POT_SENSORS: Final = (
    MonzoSensorDescription[PotState](
        key="pot_balance",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda pot: pot.money,
    ),
    MonzoSensorDescription[PotState](
        key="goal",
        device_class=SensorDeviceClass.MONETARY,
        has_fn=lambda pot: pot.pot.goal is not None,
        value_fn=lambda pot: pot.pot.goal,
    ),
    MonzoSensorDescription[PotState](
        key="goal_progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        # As exact as the state: without decimals, 99.9 would be displayed as 100.
        suggested_display_precision=1,
        has_fn=lambda pot: pot.pot.goal is not None,
        value_fn=lambda pot: pot.progress,
    ),
    MonzoSensorDescription[PotState](
        key="left_to_goal",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        has_fn=lambda pot: pot.pot.goal is not None,
        value_fn=lambda pot: pot.left_to_goal,
    ),
)


@callback
def async_add_balance_sensors(
    entry: MonzoConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of the person, the accounts and the pots."""
    async_add_as_they_appear(
        entry,
        async_add_entities,
        MonzoSensor,
        EntityTables(person=PERSON_SENSORS, account=ACCOUNT_SENSORS, pot=POT_SENSORS),
    )
    async_add_as_they_appear(
        entry, async_add_entities, MonzoSpendingSensor, EntityTables(account=SPENDING_SENSORS)
    )


class MonzoSensor[DeviceStateT: DeviceState](MonzoEntity[DeviceStateT], SensorEntity):
    """Sensor of a person, an account or a pot."""

    entity_description: MonzoSensorDescription[DeviceStateT]

    def __init__(
        self,
        coordinator: BalancesCoordinator,
        description: MonzoSensorDescription[DeviceStateT],
        device_state: DeviceStateT,
    ) -> None:
        """Initialize the sensor with the currency, which never changes."""
        description = in_currency(description, device_state.currency)
        super().__init__(coordinator, description, device_state)

    @property
    @override
    def native_value(self) -> Decimal | str | None:
        """Return the value; amounts are in major units, such as pounds."""
        if (device_state := self.device_state) is None:
            return None
        value = self.entity_description.value_fn(device_state)
        return value.amount if isinstance(value, Money) else value

    @property
    @override
    def last_reset(self) -> datetime | None:
        """Return when a sum was last reset."""
        if (device_state := self.device_state) is None:
            return None
        return self.entity_description.last_reset_fn(device_state)


class MonzoSpendingSensor(MonzoSensor[AccountState], RestoreEntity):
    """Sensor of the spending of the bank's day.

    It stores the last balance, because after a restart near 4:00, only a comparison with that shows
    whether the bank has started the new day.
    """

    @override
    async def async_added_to_hass(self) -> None:
        """Correct the day, using the balance from before a restart."""
        await super().async_added_to_hass()
        if (stored := await self.async_get_last_extra_data()) is None:
            return
        try:
            before = DatedBalance.from_json(stored.as_dict())
        except KeyError, TypeError, ValueError:
            # The data is from another version.
            return
        self.coordinator.async_restore_dated_balance(self._monzo_id, before)

    @property
    @override
    def extra_restore_state_data(self) -> RestoredExtraData | None:
        """Return the last balance with its day."""
        dated = self.coordinator.dated_balance(self._monzo_id)
        return None if dated is None else RestoredExtraData(dated.to_json())
