"""Sensors for money spent or received since the start of a day, week or month."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.core import callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_change
from homeassistant.util import dt as dt_util

from ..accounts import AccountState, BalancesCoordinator
from ..api import Money
from ..automations import Period, start_of_period
from ..entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from ..transactions import SPENDING_CATEGORIES, KnownSums, PastSpending
from .monetary import in_currency

# The spending of last month up to the same day and time.
ATTR_LAST_MONTH: Final = "last_month"


@dataclass(frozen=True, kw_only=True)
class MonzoPeriodSensorDescription(MonzoEntityDescription[AccountState], SensorEntityDescription):
    """Describes a sensor that sums up an account's transactions since the start of a period."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.MONETARY
    state_class: SensorStateClass | None = SensorStateClass.TOTAL

    start_fn: Callable[[datetime], datetime]
    """Return the start of the current period."""

    sum_fn: Callable[[KnownSums, str, datetime], Money | None]
    """Return the sum for an account since a moment; None if the account is unknown."""


def start_of_day(now: datetime) -> datetime:
    """Return the last midnight, in Home Assistant's time zone."""
    return dt_util.start_of_local_day(dt_util.as_local(now))


_start_of_week = partial(start_of_period, Period.THIS_WEEK)
_start_of_month = partial(start_of_period, Period.THIS_MONTH)

SPENT_THIS_MONTH: Final = MonzoPeriodSensorDescription(
    key="spent_this_month",
    has_fn=lambda account: account.is_current_account,
    start_fn=_start_of_month,
    sum_fn=KnownSums.spent,
)

PERIOD_SENSORS: Final = (
    MonzoPeriodSensorDescription(
        key="spent_this_week",
        has_fn=lambda account: account.is_current_account,
        start_fn=_start_of_week,
        sum_fn=KnownSums.spent,
    ),
    MonzoPeriodSensorDescription(
        key="received_today",
        has_fn=lambda account: account.is_current_account,
        start_fn=start_of_day,
        sum_fn=KnownSums.received,
    ),
    MonzoPeriodSensorDescription(
        key="received_this_month",
        has_fn=lambda account: account.is_current_account,
        start_fn=_start_of_month,
        sum_fn=KnownSums.received,
    ),
    *(
        MonzoPeriodSensorDescription(
            key=f"spent_this_month_{category}",
            entity_registry_enabled_default=False,
            has_fn=lambda account: account.is_current_account,
            start_fn=_start_of_month,
            sum_fn=partial(KnownSums.spent, category=category),
        )
        for category in SPENDING_CATEGORIES
    ),
)


@callback
def async_add_period_sensors(
    entry: MonzoConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of the sums for each account."""
    for sensor_class, descriptions in (
        (MonzoPeriodSensor, PERIOD_SENSORS),
        (MonzoSpentThisMonthSensor, (SPENT_THIS_MONTH,)),
    ):
        async_add_as_they_appear(
            entry,
            async_add_entities,
            partial(sensor_class, entry.runtime_data),
            EntityTables(account=descriptions),
        )


class MonzoPeriodSensor(MonzoEntity[AccountState], SensorEntity):
    """Sensor of a sum over a period, computed from the transactions that Home Assistant keeps."""

    entity_description: MonzoPeriodSensorDescription

    def __init__(
        self,
        runtime: MonzoRuntimeData,
        coordinator: BalancesCoordinator,
        description: MonzoPeriodSensorDescription,
        account: AccountState,
    ) -> None:
        """Initialize the sensor of an account."""
        super().__init__(coordinator, in_currency(description, account.currency), account)
        self._transactions = runtime.transactions
        self._clock = runtime.session.clock

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the account's transactions, and to the start of each day."""
        await super().async_added_to_hass()
        # This comes before event entities and triggers, so that automations find the new sum.
        self.async_on_remove(self._transactions.async_add_listener(self._async_on_change))
        self.async_on_remove(self._transactions.async_add_read_listener(self._async_on_change))
        # A few seconds late, because the bank's clock may be behind.
        self.async_on_remove(
            async_track_time_change(self.hass, self._async_on_change, hour=0, minute=0, second=5)
        )

    @callback
    def _async_on_change(self, _change: object = None) -> None:
        self._handle_coordinator_update()

    @property
    @override
    def native_value(self) -> Decimal | None:
        """Return the sum; None if the transactions of the period are not all known."""
        start = self.last_reset
        if not self._transactions.sums.are_complete(self._monzo_id, start):
            return None
        total = self.entity_description.sum_fn(self._transactions.sums, self._monzo_id, start)
        return None if total is None else total.amount

    @property
    @override
    def last_reset(self) -> datetime:
        """Return the start of the period."""
        return self.entity_description.start_fn(self._clock.now())


class MonzoSpentThisMonthSensor(MonzoPeriodSensor):
    """Sensor of this month's spending, with that of last month up to the same day and time."""

    # It changes all the time, and the statistics of the sensor contain it as well.
    _unrecorded_attributes = frozenset({ATTR_LAST_MONTH})

    _last_month: PastSpending | None = None
    _loaded_at: date | None = None
    """The day on which the spending of last month was loaded."""

    @override
    async def async_added_to_hass(self) -> None:
        """Start loading last month's spending in the background, because a disk may be slow."""
        await super().async_added_to_hass()
        self._async_load_last_month_soon()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Load last month's spending once a day, and as soon as it is available."""
        super()._handle_coordinator_update()
        is_outdated = self._loaded_at != dt_util.as_local(self._clock.now()).date()
        if is_outdated or self._last_month is None:
            self._async_load_last_month_soon()

    @callback
    def _async_load_last_month_soon(self) -> None:
        self.coordinator.config_entry.async_create_background_task(
            self.hass, self._async_load_last_month(), "load last month's spending of Monzo"
        )

    async def _async_load_last_month(self) -> None:
        now = self._clock.now()
        before = self._last_month
        self._loaded_at = dt_util.as_local(now).date()
        self._last_month = await self._transactions.sums.async_past_spending(
            self._monzo_id, start_of_last_month(now), self.last_reset
        )
        if self._last_month is not before:
            self.async_write_ha_state()

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the spending of last month up to the same day and time, if it is known."""
        if self._last_month is None:
            return None
        spent = self._last_month.until(same_time_last_month(self._clock.now()))
        return {ATTR_LAST_MONTH: float(spent.amount)}


def start_of_last_month(now: datetime) -> datetime:
    """Return the midnight before the first day of last month, in Home Assistant's time zone."""
    return _start_of_month(_start_of_month(now) - timedelta(days=1))


def same_time_last_month(now: datetime) -> datetime:
    """Return the same day and time of last month; its end if last month was too short."""
    local, start = dt_util.as_local(now), dt_util.as_local(start_of_last_month(now))
    try:
        return local.replace(year=start.year, month=start.month)
    except ValueError:
        return _start_of_month(now)
