"""Devices of budgets, connected through the device of the person."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType

from ..accounts import async_device_id
from ..const import DEVICE_MODEL_BUDGET, DOMAIN, MANUFACTURER
from .settings import BudgetSettings


@callback
def async_register_budget_device(
    hass: HomeAssistant, entry: ConfigEntry, budget: BudgetSettings
) -> None:
    """Register the device of a budget.

    Home Assistant removes the device together with the subentry.
    """
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=budget.id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, budget.id)},
        manufacturer=MANUFACTURER,
        model=DEVICE_MODEL_BUDGET,
        name=budget.title,
        via_device_id=async_device_id(hass, entry, str(entry.unique_id)),
    )
