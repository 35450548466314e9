"""Base entity of a budget, and the function that adds the entities of all budgets."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, override

from homeassistant.core import callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import linked_device
from .budgets import BudgetsCoordinator, BudgetSettings, BudgetStatus
from .entity import BankDataEntity
from .runtime import MonzoConfigEntry

ATTR_REASON: Final = "reason"


class BudgetEntity(BankDataEntity):
    """Base class for the entities of a budget."""

    _attr_should_poll = False

    def __init__(
        self, budgets: BudgetsCoordinator, budget: BudgetSettings, description: EntityDescription
    ) -> None:
        """Initialize the entity of one budget."""
        self.entity_description = description
        self.budgets = budgets
        self.budget_id = budget.id
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{budget.id}_{description.key}"
        self._attr_device_info = linked_device(budget.id)

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to changes of the budget."""
        self.async_on_remove(
            self.budgets.async_add_listener(self.budget_id, self.async_write_ha_state)
        )

    @property
    def status(self) -> BudgetStatus | None:
        """The figures for the current period; None if they are unknown."""
        state = self.budgets.state(self.budget_id)
        return state if isinstance(state, BudgetStatus) else None

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the reason why the state is unknown."""
        state = self.budgets.state(self.budget_id)
        return {ATTR_REASON: None if isinstance(state, BudgetStatus) else state.value}


@callback
def async_add_budget_entities[DescriptionT: EntityDescription](
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[BudgetsCoordinator, BudgetSettings, DescriptionT], BudgetEntity],
    descriptions: Iterable[DescriptionT],
) -> None:
    """Add the entities of all budgets. A new budget reloads the config entry."""
    budgets = entry.runtime_data.budgets
    for budget in budgets.budgets:
        async_add_entities(
            [make(budgets, budget, description) for description in descriptions],
            config_subentry_id=budget.id,
        )
