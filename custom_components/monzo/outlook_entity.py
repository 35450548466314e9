"""Base entity for values that depend on recurring payments, and the attributes of these values."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, override

from .accounts import AccountState, BalancesCoordinator, DeviceState
from .entity import MonzoEntity, MonzoEntityDescription
from .recurring import AccountOutlook, ForecastDay, RecurringCoordinator
from .runtime import MonzoConfigEntry
from .transactions import retention_of

ATTR_EXACT: Final = "exact"
ATTR_PAYMENT_COUNT: Final = "payment_count"
ATTR_UNTIL: Final = "until"
ATTR_BALANCE: Final = "balance"
ATTR_DATE: Final = "date"
ATTR_UPCOMING: Final = "upcoming"
ATTR_FORECAST: Final = "forecast"


def with_history[DescriptionT: MonzoEntityDescription[Any]](
    entry: MonzoConfigEntry, descriptions: Iterable[DescriptionT]
) -> tuple[DescriptionT, ...]:
    """Return the descriptions, limited to people and current accounts whose history is kept.

    While the history is too short, the entities are unknown. Without history, they would stay
    unknown.
    """
    keeps_history = retention_of(entry).keeps_history

    def has_entity(device_state: DeviceState) -> bool:
        is_savings = isinstance(device_state, AccountState) and not device_state.is_current_account
        return keeps_history and not is_savings

    return tuple(replace(description, has_fn=has_entity) for description in descriptions)


class MonzoOutlookEntity[DeviceStateT: DeviceState](MonzoEntity[DeviceStateT]):
    """Base class for entities of a person or an account that depend on recurring payments."""

    def __init__(
        self,
        recurring: RecurringCoordinator,
        coordinator: BalancesCoordinator,
        description: MonzoEntityDescription[DeviceStateT],
        device_state: DeviceStateT,
    ) -> None:
        """Initialize the entity for one device."""
        super().__init__(coordinator, description, device_state)
        self.recurring = recurring
        self.monzo_id = device_state.id

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to changes of the recurring payments."""
        await super().async_added_to_hass()
        self.async_on_remove(self.recurring.async_add_listener(self.async_write_ha_state))


def left_to_spend_attributes(outlook: AccountOutlook) -> dict[str, Any] | None:
    """Return the basis of the amount that is left to spend."""
    if outlook.left is None:
        return None
    return {
        ATTR_EXACT: outlook.left.is_exact,
        ATTR_PAYMENT_COUNT: len(outlook.left.payments),
        ATTR_UNTIL: outlook.pay_day,
    }


def upcoming_attributes(outlook: AccountOutlook) -> dict[str, Any] | None:
    """Return the upcoming payments until pay day."""
    if outlook.left is None:
        return None
    upcoming = [
        {
            "date": it.day,
            "name": it.payment.payee,
            "amount": float(-it.payment.amount.amount),
            "from_account": float(-it.amount.amount),
            "exact": it.payment.is_exact,
        }
        for it in outlook.left.payments
    ]
    return {**(left_to_spend_attributes(outlook) or {}), ATTR_UPCOMING: upcoming}


def subscription_attributes(outlook: AccountOutlook) -> dict[str, Any]:
    """Return the basis of the sum of subscriptions."""
    return {
        ATTR_EXACT: outlook.subscriptions.is_exact,
        ATTR_PAYMENT_COUNT: outlook.subscriptions.count,
    }


def lowest_balance_attributes(outlook: AccountOutlook) -> dict[str, Any]:
    """Return the day of the lowest balance, its basis, and the days with changes."""
    return {
        ATTR_BALANCE: float(outlook.balance.amount) if outlook.lowest else None,
        ATTR_DATE: outlook.lowest.day if outlook.lowest else None,
        ATTR_EXACT: outlook.forecast.is_exact,
        ATTR_PAYMENT_COUNT: outlook.forecast.payment_count,
        ATTR_FORECAST: [
            _forecast_day(day, has_balance=outlook.lowest is not None)
            for day in outlook.forecast.days
            if day.payments and day.day >= outlook.expected_from
        ],
    }


def _forecast_day(day: ForecastDay, *, has_balance: bool) -> dict[str, Any]:
    """Return a day with payments; its balance is None if no pay day is known."""
    return {
        "date": day.day,
        "balance": float(day.balance.amount) if has_balance else None,
        "payments": [
            {
                "name": it.payment.payee,
                "kind": it.payment.kind,
                "amount": float(it.amount.amount),
                "from_pot": float((it.amount - it.payment.amount).amount),
                "exact": it.payment.is_exact,
            }
            for it in day.payments
        ],
    }


def shortfall_attributes(outlook: AccountOutlook) -> dict[str, Any] | None:
    """Return the first day on which the account would be overdrawn."""
    if outlook.lowest is None:
        return None
    return {
        ATTR_DATE: outlook.shortfall.day if outlook.shortfall else None,
        ATTR_EXACT: outlook.forecast.is_exact,
        ATTR_PAYMENT_COUNT: outlook.forecast.payment_count,
    }
