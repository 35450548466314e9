"""Base entity, and the function that adds entities as accounts and pots appear."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, cast, override

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity, EntityDescription
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
    async_device_id,
    linked_device,
)
from .const import DOMAIN
from .privacy import get_logger
from .runtime import MonzoConfigEntry

_LOGGER = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class MonzoEntityDescription[DeviceStateT: DeviceState](EntityDescription):
    """Describes an entity of a person, an account or a pot."""

    has_fn: Callable[[DeviceStateT], bool | None] = lambda _state: True
    """Whether this person, account or pot has the entity; None if that is unknown for now."""

    is_useful_fn: Callable[[DeviceStateT], bool] = lambda _state: True
    """Whether a new entity is enabled, unless it is disabled by default anyway.

    This is for entities of the built-in integration, which existing config entries must keep.
    """


class BankDataEntity(Entity):
    """Base class for entities with data from the bank, which must not reach the log."""

    _attr_attribution = "Data provided by Monzo"
    _attr_has_entity_name = True

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        """Write the state; log a defect without its text, which may hold private data."""
        try:
            super()._async_write_ha_state()
        except Exception:
            _LOGGER.exception("Unexpected error in the state of an entity")


class MonzoEntity[DeviceStateT: DeviceState](
    BankDataEntity, CoordinatorEntity[BalancesCoordinator]
):
    """Base class for the entities of a person, an account or a pot."""

    def __init__(
        self,
        coordinator: BalancesCoordinator,
        description: MonzoEntityDescription[DeviceStateT],
        device_state: DeviceStateT,
    ) -> None:
        """Initialize the entity for one device."""
        super().__init__(coordinator)
        self.entity_description = description
        self._monzo_id = device_state.id
        self._attr_translation_key = description.key
        self._attr_unique_id = unique_entity_id(device_state, description)
        self._attr_device_info = linked_device(device_state.id)
        if not description.is_useful_fn(device_state):
            self._attr_entity_registry_enabled_default = False

    @property
    def device_state(self) -> DeviceStateT | None:
        """The person, account or pot as of the last poll; None if the bank did not return it."""
        return cast("DeviceStateT | None", self.coordinator.data.find(self._monzo_id))

    @property
    @override
    def available(self) -> bool:
        """Return whether the last poll returned this person, account or pot."""
        return super().available and self.device_state is not None

    @callback
    @override
    def async_registry_entry_updated(self) -> None:
        """Remove this entity if another config entry has taken it over."""
        owner = self.registry_entry and self.registry_entry.config_entry_id
        if owner != self.coordinator.config_entry.entry_id:
            self.hass.async_create_task(self.async_remove())


def unique_entity_id(device_state: DeviceState, description: EntityDescription) -> str:
    """Return an entity's unique id in the format of the built-in integration."""
    return f"{device_state.id}_{description.key}"


@dataclass(frozen=True, kw_only=True)
class EntityTables:
    """The entity descriptions of one platform, by the kind of device that has them."""

    person: tuple[MonzoEntityDescription[PersonState], ...] = ()
    account: tuple[MonzoEntityDescription[AccountState], ...] = ()
    pot: tuple[MonzoEntityDescription[PotState], ...] = ()

    def pairs(self, data: MonzoData) -> Iterator[tuple[MonzoEntityDescription[Any], DeviceState]]:
        """Yield each description with each person, account or pot that it describes."""
        yield from product(self.person, (data.person,))
        yield from product(self.account, data.accounts.values())
        yield from product(self.pot, data.pots.values())


@callback
def async_add_as_they_appear(
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[BalancesCoordinator, Any, Any], MonzoEntity[Any]],
    tables: EntityTables,
) -> CALLBACK_TYPE:
    """Add a platform's entities now, and those of new accounts and pots later.

    Return a function that checks for new ones; call it after other changes than those of the
    balances.

    An entity is removed when its description no longer applies, such as the goal of a pot without
    one. It becomes unavailable while the bank does not return its account or pot. Entities of a
    joint account that another config entry has shown so far are taken over.
    """
    balances = entry.runtime_data.balances
    registry = er.async_get(balances.hass)
    platform = async_get_current_platform()
    added: set[str] = set()

    @callback
    def async_forget(unique_id: str, entity: MonzoEntity[Any]) -> None:
        # A disabled entity must not be added again before Home Assistant reloads the entry.
        if not (entity.registry_entry and entity.registry_entry.disabled):
            added.discard(unique_id)

    @callback
    def async_remove(unique_id: str) -> None:
        added.discard(unique_id)
        if entity_id := registry.async_get_entity_id(platform.domain, DOMAIN, unique_id):
            registry.async_remove(entity_id)

    @callback
    def async_update() -> None:
        new: list[MonzoEntity[Any]] = []
        for description, device_state in tables.pairs(balances.data):
            unique_id = unique_entity_id(device_state, description)
            # The data may be from before another entry took the account back.
            is_mine = not balances.async_is_claimed_elsewhere(device_state.id)
            has_entity = description.has_fn(device_state) if is_mine else None
            if has_entity is False:
                async_remove(unique_id)
            elif has_entity and unique_id not in added:
                added.add(unique_id)
                entity = make(balances, description, device_state)
                _async_take_over(entity, platform.domain, entry, device_state)
                entity.async_on_remove(partial(async_forget, unique_id, entity))
                new.append(entity)
        if new:
            async_add_entities(new)

    async_update()
    entry.async_on_unload(balances.async_add_listener(async_update))
    return async_update


@callback
def _async_take_over(
    entity: MonzoEntity[Any], domain: str, entry: MonzoConfigEntry, device_state: DeviceState
) -> None:
    """Take an entity over from the config entry that has it, so that its own object is removed."""
    hass = entity.coordinator.hass
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(domain, DOMAIN, entity.unique_id or "")
    if entity_id and registry.entities[entity_id].config_entry_id != entry.entry_id:
        registry.async_update_entity(
            entity_id,
            config_entry_id=entry.entry_id,
            device_id=async_device_id(hass, entry, device_state.id),
        )
