"""The devices of a person, their accounts and their pots: whose they are, and when they go.

The device registry is also what says which config entry a joint account belongs to when two see
it: the one that has its device, and the older one should both have it.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.translation import async_get_cached_translations

from .api import Account, Pot
from .const import DEVICE_MODEL_ACCOUNT, DEVICE_MODEL_POT, DOMAIN, MANUFACTURER

# The translation key of an account's name and the device's model, by Monzo's account type. The
# accounts that hold pots have the model by which actions find them.
ACCOUNT_TYPES: Final = {
    "uk_retail": ("current_account", DEVICE_MODEL_ACCOUNT),
    "uk_retail_joint": ("joint_account", DEVICE_MODEL_ACCOUNT),
    "uk_business": ("business_account", DEVICE_MODEL_ACCOUNT),
    "uk_monzo_flex": ("flex", "Flex"),
    "uk_loan": ("loan", "Loan"),
    "uk_rewards": ("cashback", "Cashback"),
}
UNKNOWN_ACCOUNT_TYPE: Final = ("other_account", DEVICE_MODEL_ACCOUNT)


def linked_device(subject_id: str) -> DeviceInfo:
    """Return what ties an entity to the device of its person, account or pot."""
    return DeviceInfo(identifiers={(DOMAIN, subject_id)})


@callback
def async_register_person(hass: HomeAssistant, entry: ConfigEntry, person_id: str) -> None:
    """Register the device of the person who signed in."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, person_id)},
        manufacturer=MANUFACTURER,
        name=entry.title,
    )


@callback
def async_claim_account(
    hass: HomeAssistant, entry: ConfigEntry, account: Account, person_id: str
) -> bool:
    """Register an account's device below its person's, unless it is another entry's account."""
    if async_is_claimed_elsewhere(hass, entry, account.id):
        return False
    name, model = ACCOUNT_TYPES.get(account.type, UNKNOWN_ACCOUNT_TYPE)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, account.id)},
        manufacturer=MANUFACTURER,
        model=model,
        translation_key=name,
        translation_placeholders=_name_placeholders(account),
        via_device_id=_device_id(hass, entry, person_id),
    )
    return True


@callback
def async_register_pot(hass: HomeAssistant, entry: ConfigEntry, pot: Pot, account_id: str) -> None:
    """Register a pot's device below its account's."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, pot.id)},
        manufacturer=MANUFACTURER,
        model=DEVICE_MODEL_POT,
        name=pot.name,
        via_device_id=_device_id(hass, entry, account_id),
    )


@callback
def async_remove_devices(
    hass: HomeAssistant, entry: ConfigEntry, subject_ids: AbstractSet[str]
) -> None:
    """Remove the devices of these accounts and pots, and of the accounts' pots with them."""
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    gone = {device.id for device in devices if subject_id(device) in subject_ids}
    for device in devices:
        if device.id in gone or device.via_device_id in gone:
            registry.async_remove_device(device.id)


@callback
def async_is_claimed_elsewhere(hass: HomeAssistant, entry: ConfigEntry, account_id: str) -> bool:
    """Return whether an account belongs to another config entry."""
    registry = dr.async_get(hass)
    holders = [
        candidate
        for candidate in hass.config_entries.async_entries(DOMAIN)
        if registry.async_get_device_by_identifier((DOMAIN, account_id), candidate.entry_id)
    ]
    if not holders:
        return False
    first = min(holders, key=lambda holder: (holder.created_at, holder.entry_id))
    return first.entry_id != entry.entry_id


def subject_id(device: dr.AnyDeviceEntry) -> str | None:
    """Return the Monzo id of the person, account or pot that a device stands for."""
    return next((id_ for domain, id_ in device.identifiers if domain == DOMAIN), None)


def owner_name(accounts: Iterable[Account], person_id: str | None) -> str | None:
    """Return what a person likes to be called, if one of their accounts says so."""
    owners = (owner for account in accounts for owner in account.owners)
    names = (owner.name or owner.first_name for owner in owners if owner.user_id == person_id)
    return next((name for name in names if name), None)


@callback
def async_account_name(hass: HomeAssistant, account: Account) -> str:
    """Return an account's name as its device has it, before anybody has renamed that."""
    key, _model = ACCOUNT_TYPES.get(account.type, UNKNOWN_ACCOUNT_TYPE)
    names = async_get_cached_translations(hass, hass.config.language, "device", DOMAIN)
    return names[f"component.{DOMAIN}.device.{key}.name"].format(**_name_placeholders(account))


def _name_placeholders(account: Account) -> dict[str, str]:
    """Return what an account's translated name may mention: its owners, and its type."""
    return {
        "owners": " & ".join(owner.first_name or owner.name for owner in account.owners),
        "type": account.type.removeprefix("uk_").replace("_", " ").capitalize(),
    }


def _device_id(hass: HomeAssistant, entry: ConfigEntry, identifier: str) -> str:
    """Return the id of a device registered earlier."""
    return dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, identifier), config_entry_id=entry.entry_id
    )
