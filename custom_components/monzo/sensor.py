"""Sensors for totals, balances, spending, pot goals, the history, and what is left to spend."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, Platform, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import RestoredExtraData, RestoreEntity

from .accounts import (
    AccountState,
    BalancesCoordinator,
    DatedBalance,
    DeviceState,
    PersonState,
    PotState,
    linked_device,
)
from .api import Money
from .backfill import HistoryImport
from .bank import translating_defects
from .budget_entity import BudgetEntity, async_add_budget_entities
from .budgets import BudgetsCoordinator, BudgetSettings, BudgetStatus
from .const import DOMAIN
from .entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from .monetary import in_currency
from .outlook_entity import (
    ATTR_FORECAST,
    ATTR_UPCOMING,
    MonzoOutlookEntity,
    left_to_spend_attributes,
    lowest_balance_attributes,
    subscription_attributes,
    upcoming_attributes,
    with_history,
)
from .period_sensor import (
    PERIOD_SENSORS,
    SPENT_THIS_MONTH,
    MonzoPeriodSensor,
    MonzoSpentThisMonthSensor,
)
from .recurring import AccountOutlook, PersonOutlook, RecurringCoordinator
from .runtime import MonzoConfigEntry

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class MonzoSensorDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], SensorEntityDescription
):
    """Describes a Monzo sensor."""

    value_fn: Callable[[DeviceStateT], Money | Decimal | str | None]
    """The value to show. Money is always in the currency of the account or pot."""

    last_reset_fn: Callable[[DeviceStateT], datetime | None] = lambda _state: None
    """When a sum that is reset regularly was last reset; None for all other values."""


@dataclass(frozen=True, kw_only=True)
class BudgetSensorDescription(SensorEntityDescription):
    """Describes a sensor of a budget."""

    value_fn: Callable[[BudgetStatus], Money | Decimal]


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


@dataclass(frozen=True, kw_only=True)
class MonzoOutlookSensorDescription(MonzoEntityDescription[AccountState], SensorEntityDescription):
    """Describes a sensor of what recurring payments mean for an account."""

    value_fn: Callable[[AccountOutlook], Money | None]
    attributes_fn: Callable[[AccountOutlook], dict[str, Any] | None]
    """The attributes; None while the value is unknown."""


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


@translating_defects("the set-up of sensors")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of a config entry."""
    async_add_as_they_appear(
        entry,
        async_add_entities,
        MonzoSensor,
        EntityTables(person=PERSON_SENSORS, account=ACCOUNT_SENSORS, pot=POT_SENSORS),
    )
    async_add_as_they_appear(
        entry, async_add_entities, MonzoSpendingSensor, EntityTables(account=SPENDING_SENSORS)
    )
    async_add_budget_entities(entry, async_add_entities, BudgetSensor, BUDGET_SENSORS)
    runtime = entry.runtime_data
    async_add_as_they_appear(
        entry,
        async_add_entities,
        lambda _balances, *parts: MonzoPeriodSensor(runtime, *parts),
        EntityTables(account=PERIOD_SENSORS),
    )
    async_add_as_they_appear(
        entry,
        async_add_entities,
        lambda _balances, *parts: MonzoSpentThisMonthSensor(runtime, *parts),
        EntityTables(account=(SPENT_THIS_MONTH,)),
    )
    _async_add_history_sensor(
        hass, runtime.history, runtime.balances.data.person.id, async_add_entities
    )
    recurring = runtime.recurring
    for make, tables in (
        (MonzoOutlookSensor, EntityTables(account=with_history(entry, OUTLOOK_SENSORS))),
        (MonzoPayDaySensor, EntityTables(person=with_history(entry, PAY_DAY_SENSORS))),
    ):
        async_add_as_they_appear(entry, async_add_entities, partial(make, recurring), tables)


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

    It stores the last balance, because only that shows after a restart near 4:00 whether the bank
    has started the new day.
    """

    @override
    async def async_added_to_hass(self) -> None:
        """Correct the day by the balance from before a restart."""
        await super().async_added_to_hass()
        if (stored := await self.async_get_last_extra_data()) is None:
            return
        try:
            before = DatedBalance.from_json(stored.as_dict())
        except KeyError, TypeError, ValueError:
            # Another version stored it.
            return
        self.coordinator.async_restore_dated_balance(self._monzo_id, before)

    @property
    @override
    def extra_restore_state_data(self) -> RestoredExtraData | None:
        """Return the last balance with its day."""
        dated = self.coordinator.dated_balance(self._monzo_id)
        return None if dated is None else RestoredExtraData(dated.to_json())


@callback
def _async_add_history_sensor(
    hass: HomeAssistant,
    history: HistoryImport,
    person_id: str,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensor of the history, or remove it if the user chose to keep no history."""
    sensor = HistorySensor(history, person_id)
    if history.keeps_history:
        async_add_entities([sensor])
        return
    registry = er.async_get(hass)
    if entity_id := registry.async_get_entity_id(Platform.SENSOR, DOMAIN, str(sensor.unique_id)):
        registry.async_remove(entity_id)


class HistorySensor(SensorEntity):
    """How much of the history is in the archive, for one person."""

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
        """Follow the import."""
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


class MonzoOutlookSensor(MonzoOutlookEntity[AccountState], SensorEntity):
    """Sensor of what recurring payments mean for an account."""

    entity_description: MonzoOutlookSensorDescription
    # Names of payees do not belong into the history.
    _unrecorded_attributes = frozenset({ATTR_FORECAST, ATTR_UPCOMING})

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
        """Return the amount in major units, such as pounds; None while it cannot be known."""
        outlook = self.recurring.accounts.get(self.monzo_id)
        value = self.entity_description.value_fn(outlook) if outlook else None
        return value.amount if value else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return whether the amount is exact, and how many payments it rests on."""
        outlook = self.recurring.accounts.get(self.monzo_id)
        return self.entity_description.attributes_fn(outlook) if outlook else None


class MonzoPayDaySensor(MonzoOutlookEntity[PersonState], SensorEntity):
    """Sensor of a person's pay day."""

    entity_description: MonzoPayDaySensorDescription

    @property
    @override
    def native_value(self) -> date | int | None:
        """Return the day, or the number of days; None while no pay day is known."""
        outlook = self.recurring.person
        return None if outlook is None else self.entity_description.value_fn(outlook)


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
        """Return when the period began, for the sum that begins anew with each."""
        if self.entity_description.state_class is not SensorStateClass.TOTAL:
            return None
        return self.budgets.period_began(self.budget_id)
