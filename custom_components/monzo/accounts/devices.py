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

from ..api import Account, Pot
from ..const import DEVICE_MODEL_ACCOUNT, DEVICE_MODEL_POT, DOMAIN, MANUFACTURER

# The translation keys of the accounts' names, by Monzo's account type.
ACCOUNT_NAMES: Final = {
    "uk_retail": "current_account",
    "uk_retail_joint": "joint_account",
    "uk_business": "business_account",
    "uk_monzo_flex": "flex",
    "uk_loan": "loan",
    "uk_rewards": "cashback",
}

# Those without pots have another model than the one by which actions find accounts.
ACCOUNT_MODELS: Final = {"uk_monzo_flex": "Flex", "uk_loan": "Loan", "uk_rewards": "Cashback"}


def linked_device(monzo_id: str) -> DeviceInfo:
    """Return what ties an entity to the device of its person, account or pot."""
    return DeviceInfo(identifiers={(DOMAIN, monzo_id)})


@callback
def async_register_person(hass: HomeAssistant, entry: ConfigEntry, person_id: str) -> None:
    """Register the device of the person who signed in."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, person_id)},
        manufacturer=MANUFACTURER,
        model="Person",
        name=entry.title,
    )


@callback
def async_register_account(
    hass: HomeAssistant, entry: ConfigEntry, account: Account, person_id: str
) -> None:
    """Register an account's device below its person's."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, account.id)},
        manufacturer=MANUFACTURER,
        model=ACCOUNT_MODELS.get(account.type, DEVICE_MODEL_ACCOUNT),
        translation_key=_name_key(account),
        translation_placeholders=_name_placeholders(account),
        via_device_id=_device_id(hass, entry, person_id),
    )


@callback
def async_register_pot(hass: HomeAssistant, entry: ConfigEntry, pot: Pot, account_id: str) -> None:
    """Register a pot's device below its account's."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, pot.id)},
        manufacturer=MANUFACTURER,
        model=DEVICE_MODEL_POT,
        name=pot.name.strip() or DEVICE_MODEL_POT,
        via_device_id=_device_id(hass, entry, account_id),
    )


@callback
def async_remove_devices(
    hass: HomeAssistant, entry: ConfigEntry, monzo_ids: AbstractSet[str]
) -> None:
    """Remove the devices of these accounts and pots, and of the accounts' pots with them.

    So are the devices of what belongs to another config entry.
    """
    if not monzo_ids and _is_only_entry(hass):
        return
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    gone = {
        device.id
        for device in devices
        if (id_ := monzo_id_of(device))
        and (id_ in monzo_ids or async_is_claimed_elsewhere(hass, entry, id_))
    }
    for device in devices:
        if device.id in gone or device.via_device_id in gone:
            registry.async_remove_device(device.id)


@callback
def async_is_claimed_elsewhere(hass: HomeAssistant, entry: ConfigEntry, monzo_id: str) -> bool:
    """Return whether an account or a pot belongs to another config entry."""
    if _is_only_entry(hass):
        return False
    registry = dr.async_get(hass)
    holders = [
        candidate
        for candidate in hass.config_entries.async_entries(DOMAIN)
        if registry.async_get_device_by_identifier((DOMAIN, monzo_id), candidate.entry_id)
    ]
    if not holders:
        return False
    first = min(holders, key=lambda holder: (holder.created_at, holder.entry_id))
    return first.entry_id != entry.entry_id


def _is_only_entry(hass: HomeAssistant) -> bool:
    """Return whether nobody else can claim anything, so that a poll need not look it up."""
    return len(hass.config_entries.async_entries(DOMAIN)) == 1


def monzo_id_of(device: dr.AnyDeviceEntry) -> str | None:
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
    names = async_get_cached_translations(hass, hass.config.language, "device", DOMAIN)
    return names[f"component.{DOMAIN}.device.{_name_key(account)}.name"].format(
        **_name_placeholders(account)
    )


def _name_key(account: Account) -> str:
    """Return the translation key of an account's name."""
    if not account.type:
        return "account"
    key = ACCOUNT_NAMES.get(account.type, "other_account")
    return "joint_account_of" if key == "joint_account" and _owners(account) else key


def _name_placeholders(account: Account) -> dict[str, str]:
    """Return what an account's translated name may mention: its owners, and its type."""
    return {
        "owners": _owners(account),
        "type": account.type.removeprefix("uk_").replace("_", " ").capitalize(),
    }


def _owners(account: Account) -> str:
    """Return the first names of an account's owners, as far as they are known."""
    names = (owner.first_name or owner.name for owner in account.owners)
    return " & ".join(name for name in names if name)


def _device_id(hass: HomeAssistant, entry: ConfigEntry, identifier: str) -> str:
    """Return the id of a device registered earlier."""
    return dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, identifier), config_entry_id=entry.entry_id
    )
