"""Numbers: the limits of budgets."""

from typing import Final, override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .amounts import parse_amount
from .api import Money, currency_exponent
from .bank import translating_defects, validation_error
from .budget_entity import BudgetEntity, async_add_budget_entities
from .budgets import BudgetsCoordinator, BudgetSettings
from .runtime import MonzoConfigEntry

PARALLEL_UPDATES = 0

# A float keeps 15 digits, also of amounts with three decimals.
_HIGHEST_LIMIT: Final = 10**9

BUDGET_NUMBERS: Final = (
    NumberEntityDescription(
        key="budget_limit",
        device_class=NumberDeviceClass.MONETARY,
        entity_category=EntityCategory.CONFIG,
        mode=NumberMode.BOX,
    ),
)


@translating_defects("the set-up of numbers")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the numbers of a config entry."""
    async_add_budget_entities(entry, async_add_entities, BudgetLimitNumber, BUDGET_NUMBERS)


class BudgetLimitNumber(BudgetEntity, NumberEntity):
    """The limit of a budget."""

    # The limit is known even if the spending is not, so no reason is necessary.
    extra_state_attributes = None

    def __init__(
        self,
        budgets: BudgetsCoordinator,
        budget: BudgetSettings,
        description: NumberEntityDescription,
    ) -> None:
        """Initialize the number with the currency, in which it may have all decimals."""
        super().__init__(budgets, budget, description)
        smallest = float(Money.from_minor(1, budget.currency).amount)
        self._attr_native_unit_of_measurement = budget.currency
        self._attr_native_step = self._attr_native_min_value = smallest
        self._attr_native_max_value = _HIGHEST_LIMIT

    @property
    @override
    def native_value(self) -> float:
        """Return the limit, without the amount carried over."""
        return float(self.budgets.settings(self.budget_id).limits.current.amount)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Store a new limit, which applies from the current period on."""
        currency = self.budgets.settings(self.budget_id).currency
        limit = parse_amount(value, currency)
        if limit is None:
            raise validation_error(
                "invalid_limit",
                amount=str(value),
                currency=currency,
                decimals=str(currency_exponent(currency)),
            )
        self.budgets.async_set_limit(self.budget_id, limit)
