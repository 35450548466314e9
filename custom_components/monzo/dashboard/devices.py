"""Devices and entities for the dashboard."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from ..accounts import monzo_id_of
from ..budgets import CONF_ACCOUNTS, SUBENTRY_BUDGET
from ..const import DOMAIN
from ..outlook_entity import ATTR_FORECAST
from ..runtime import MonzoRuntimeData

# A graph needs statistics from this time.
_RECENT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardDevice:
    """The device of a person, an account, a pot or a budget, with its visible entities."""

    id: str

    monzo_id: str
    """The ID at Monzo; for a budget the ID of its subentry."""

    name: str
    model: str | None

    parent_id: str | None
    """The device of a pot's account, or of an account's owner."""

    style: str | None
    """The style of a pot at Monzo, which determines an icon and a color; None if it has none."""

    counted: frozenset[str] = frozenset()
    """For a budget, the Monzo IDs of the accounts whose spending counts."""

    entities: dict[str, str] = field(default_factory=dict)
    """Entity ids by translation key, without hidden and disabled entities."""


@callback
def async_dashboard_devices(hass: HomeAssistant) -> list[DashboardDevice]:
    """Return the devices that have visible entities."""
    registry = dr.async_get(hass)
    styles = _async_pot_styles(hass)
    counted = _async_counted_accounts(hass)
    devices: dict[str, DashboardDevice] = {}
    for entity in er.async_get(hass).entities.values():
        if entity.platform != DOMAIN or entity.hidden or entity.disabled:
            continue
        device = registry.async_get(entity.device_id or "")
        if not (entity.translation_key and isinstance(device, dr.DeviceEntry)):
            continue
        if device.id not in devices:
            monzo_id = monzo_id_of(device) or ""
            devices[device.id] = DashboardDevice(
                id=device.id,
                monzo_id=monzo_id,
                name=device.name_by_user or device.name or "",
                model=device.model,
                parent_id=device.via_device_id,
                style=styles.get(monzo_id),
                counted=counted.get(monzo_id, frozenset()),
            )
        devices[device.id].entities[entity.translation_key] = entity.entity_id
    return list(devices.values())


def entities_with(devices: Iterable[DashboardDevice], key: str) -> list[str]:
    """Return the entities with a translation key, one per device that has it."""
    return [device.entities[key] for device in devices if key in device.entities]


@callback
def _async_pot_styles(hass: HomeAssistant) -> dict[str, str | None]:
    """Return the styles of the pots of all people by Monzo's ID."""
    styles: dict[str, str | None] = {}
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        runtime: MonzoRuntimeData = entry.runtime_data
        styles |= {id_: state.pot.style for id_, state in runtime.balances.data.pots.items()}
    return styles


@callback
def _async_counted_accounts(hass: HomeAssistant) -> dict[str, frozenset[str]]:
    """Return the Monzo IDs of the accounts of each budget by its ID."""
    return {
        subentry.subentry_id: frozenset(subentry.data[CONF_ACCOUNTS])
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.get_subentries_of_type(SUBENTRY_BUDGET)
    }


@callback
def async_has_outlook(hass: HomeAssistant, account: DashboardDevice) -> bool:
    """Return whether an account has an outlook.

    It has none while its history is being read or is too short, or if neither a pay day nor a
    recurring payment was found.
    """
    state = hass.states.get(account.entities.get("lowest_balance_ahead", ""))
    return state is not None and bool(state.attributes.get(ATTR_FORECAST))


async def async_entities_with_statistics(
    hass: HomeAssistant, entities: Iterable[str]
) -> Collection[str]:
    """Return the entities that have statistics for a graph.

    Without the recorder, and in the first hours after the installation, there are none.
    """
    if "recorder" not in hass.config.components:
        return ()
    from homeassistant.components.recorder.statistics import (  # noqa: PLC0415 - not always loaded
        statistics_during_period,
    )
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only the recorder loads it

    # If the database is broken, show the dashboard without graphs.
    with suppress(SQLAlchemyError, RuntimeError):
        return await get_instance(hass).async_add_executor_job(
            statistics_during_period,
            hass,
            dt_util.utcnow() - _RECENT,
            None,
            set(entities),
            "day",
            None,
            {"state"},
        )
    return ()


async def async_recorded_hours(
    hass: HomeAssistant, entities: Iterable[str], *, at_most: timedelta
) -> Mapping[str, int]:
    """Return for how many hours the recorder has states of each entity.

    A graph of a longer time would begin with an invented line.
    """
    if "recorder" not in hass.config.components:
        return {}
    from homeassistant.components.recorder.history import (  # noqa: PLC0415 - not always loaded
        state_changes_during_period,
    )
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only the recorder loads it

    now = dt_util.utcnow()

    def hours_of(entity: str) -> int:
        states = state_changes_during_period(
            hass, now - at_most, entity_id=entity, no_attributes=True, limit=1
        )
        oldest: datetime = states[entity][0].last_updated if states.get(entity) else now
        return int((now - oldest) / timedelta(hours=1))

    def hours_by_entity() -> Mapping[str, int]:
        return {entity: hours_of(entity) for entity in entities}

    # If the database is broken, show the dashboard without graphs.
    with suppress(SQLAlchemyError, RuntimeError):
        return await get_instance(hass).async_add_executor_job(hours_by_entity)
    return {}
