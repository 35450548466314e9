"""What all entities have in common, and how they come and go."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, cast, override

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_current_platform,
)
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .accounts import (
    AccountState,
    BalancesCoordinator,
    DeviceState,
    MonzoData,
    PersonState,
    PotState,
    linked_device,
)
from .const import DOMAIN
from .runtime import MonzoConfigEntry


@dataclass(frozen=True, kw_only=True)
class MonzoEntityDescription[DeviceStateT: DeviceState](EntityDescription):
    """Describes an entity of a person, an account or a pot."""

    has_fn: Callable[[DeviceStateT], bool | None] = lambda _state: True
    """Whether the entity makes sense for this person, account or pot; None if nobody can tell."""


class MonzoEntity[DeviceStateT: DeviceState](CoordinatorEntity[BalancesCoordinator]):
    """Shows something about one person, account or pot."""

    _attr_attribution = "Data provided by Monzo"
    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: BalancesCoordinator,
        description: MonzoEntityDescription[DeviceStateT],
        device_state: DeviceStateT,
    ) -> None:
        """Tie the entity to the device of its device_state."""
        super().__init__(coordinator)
        self.entity_description = description
        self._monzo_id = device_state.id
        self._attr_translation_key = description.key
        self._attr_unique_id = unique_entity_id(device_state, description)
        self._attr_device_info = linked_device(device_state.id)

    @property
    def device_state(self) -> DeviceStateT | None:
        """The person, account or pot as of the last poll; None if it could not be read."""
        return cast("DeviceStateT | None", self.coordinator.data.find(self._monzo_id))

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to show."""
        return super().available and self.device_state is not None


def unique_entity_id(device_state: DeviceState, description: EntityDescription) -> str:
    """Return an entity's unique id, as the built-in integration makes it."""
    return f"{device_state.id}_{description.key}"


@dataclass(frozen=True, kw_only=True)
class EntityTables:
    """A platform's entities of the person, of each account, and of each pot."""

    person: tuple[MonzoEntityDescription[PersonState], ...] = ()
    account: tuple[MonzoEntityDescription[AccountState], ...] = ()
    pot: tuple[MonzoEntityDescription[PotState], ...] = ()

    def pairs(self, data: MonzoData) -> Iterator[tuple[MonzoEntityDescription[Any], DeviceState]]:
        """Yield each device_state with each description of an entity that it may have."""
        yield from product(self.person, (data.person,))
        yield from product(self.account, data.accounts.values())
        yield from product(self.pot, data.pots.values())


@callback
def async_add_as_they_appear(
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[BalancesCoordinator, Any, Any], MonzoEntity[Any]],
    tables: EntityTables,
) -> None:
    """Add a platform's entities, now and whenever a device_state appears or a description applies.

    An entity whose description no longer applies is removed; one whose device_state is only missing
    stays, unavailable.
    """
    balances = entry.runtime_data.balances
    registry = er.async_get(balances.hass)
    platform = async_get_current_platform()
    known: set[str] = set()

    @callback
    def async_forget(unique_id: str, entity: MonzoEntity[Any]) -> None:
        # One that is disabled is not wanted again before Home Assistant reloads the entry.
        if not (entity.registry_entry and entity.registry_entry.disabled):
            known.discard(unique_id)

    @callback
    def async_update() -> None:
        new: list[MonzoEntity[Any]] = []
        for description, device_state in tables.pairs(balances.data):
            unique_id = unique_entity_id(device_state, description)
            has = description.has_fn(device_state)
            if has is False:
                known.discard(unique_id)
                if entity_id := registry.async_get_entity_id(platform.domain, DOMAIN, unique_id):
                    registry.async_remove(entity_id)
            elif has and unique_id not in known:
                known.add(unique_id)
                entity = make(balances, description, device_state)
                entity.async_on_remove(partial(async_forget, unique_id, entity))
                new.append(entity)
        if new:
            async_add_entities(new)

    async_update()
    entry.async_on_unload(balances.async_add_listener(async_update))
