"""Devices of the person, the accounts and the pots."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo

from ..api import Account
from ..const import DEVICE_MODEL_ACCOUNT, DEVICE_MODEL_POT, DOMAIN, MANUFACTURER
from ..texts import async_text
from .joint_accounts import async_is_claimed_elsewhere, async_is_shown_elsewhere
from .models import CASHBACK, FLEX, LOAN, MonzoData, PotState

# Translation keys of account names, by Monzo's account type.
ACCOUNT_NAMES: Final = {
    "uk_retail": "current_account",
    "uk_retail_joint": "joint_account",
    "uk_business": "business_account",
    FLEX: "flex",
    LOAN: "loan",
    CASHBACK: "cashback",
}

# Actions only offer devices whose model is that of an account.
OTHER_MODELS: Final[Mapping[str, str]] = {
    FLEX: "Flex",
    LOAN: "Loan",
    CASHBACK: "Cashback",
}


def linked_device(monzo_id: str) -> DeviceInfo:
    """Return the reference from an entity to the device of a person, account or pot."""
    return DeviceInfo(identifiers={(DOMAIN, monzo_id)})


class DeviceRegistrar:
    """Registers the devices of a config entry's person, accounts and pots."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, person_id: str) -> None:
        """Initialize the registrar without devices."""
        self._hass = hass
        self._entry = entry
        self._person_id = person_id
        # The properties that each device was registered with, by Monzo ID.
        self._registered: dict[str, object] = {}

    @callback
    def async_register(self, data: MonzoData) -> None:
        """Register devices that are new or have a new name."""
        accounts, pots = data.accounts.values(), data.pots.values()
        known = self._registered
        self._registered = {self._person_id: self._entry.title}
        self._registered |= {account.id: account.account for account in accounts}
        self._registered |= {pot.id: (pot.pot.name, pot.account_id) for pot in pots}
        changed = {id_ for id_, value in self._registered.items() if known.get(id_) != value}
        # Keep this order, because each device refers to the one before it.
        if self._person_id in changed:
            self._async_register_person()
        for account in accounts:
            if account.id in changed:
                self._async_register_account(account.account, data)
        for pot in pots:
            if pot.id in changed:
                self._async_register_pot(pot)

    def _async_register_person(self) -> None:
        self._async_get_or_create(self._person_id, model="Person", name=self._entry.title)

    def _async_name(self, account: Account, data: MonzoData) -> str:
        """Return the name of an account's device.

        If the name of a new device is already used by another account, the last four digits of the
        account number are added. An existing device keeps its name.
        """
        name = async_account_name(self._hass, account)
        numbered = _with_last_digits(name, account)
        if device := _device(self._hass, self._entry, account.id):
            return numbered if device.name == numbered else name
        others = (other.account for other in data.accounts.values() if other.id != account.id)
        taken = {async_account_name(self._hass, other) for other in others}
        taken |= self._async_names_of_devices(except_id=account.id)
        return numbered if name in taken else name

    def _async_names_of_devices(self, *, except_id: str) -> set[str]:
        """Return the names of all devices of all people, except those with this Monzo ID."""
        registry = dr.async_get(self._hass)
        return {
            device.name or ""
            for entry in self._hass.config_entries.async_entries(DOMAIN)
            for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
            if monzo_id_of(device) != except_id
        }

    def _async_register_account(self, account: Account, data: MonzoData) -> None:
        self._async_get_or_create(
            account.id,
            model=OTHER_MODELS.get(account.type, DEVICE_MODEL_ACCOUNT),
            name=self._async_name(account, data),
            via_device_id=self._device_id(self._person_id),
        )

    def _async_register_pot(self, pot: PotState) -> None:
        self._async_get_or_create(
            pot.id,
            model=DEVICE_MODEL_POT,
            name=pot.pot.name.strip() or DEVICE_MODEL_POT,
            via_device_id=self._device_id(pot.account_id),
        )

    def _async_get_or_create(
        self,
        monzo_id: str,
        **properties: Any,  # noqa: ANN401 - passed on unchanged
    ) -> None:
        dr.async_get(self._hass).async_get_or_create(
            config_entry_id=self._entry.entry_id,
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, monzo_id)},
            manufacturer=MANUFACTURER,
            **properties,
        )

    def _device_id(self, monzo_id: str) -> str:
        return async_device_id(self._hass, self._entry, monzo_id)


@callback
def async_device_id(hass: HomeAssistant, entry: ConfigEntry, monzo_id: str) -> str:
    """Return the ID of the entry's device of a person, account or pot, which must exist."""
    return dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, monzo_id), config_entry_id=entry.entry_id
    )


@callback
def async_remove_devices(
    hass: HomeAssistant, entry: ConfigEntry, monzo_ids: AbstractSet[str]
) -> None:
    """Remove the devices of these accounts and pots, and of all pots of these accounts.

    The devices of accounts and pots that now belong to another config entry are removed as well.
    """
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    removed = {
        device.id
        for device in devices
        if (id_ := monzo_id_of(device))
        and (
            id_ in monzo_ids
            or (
                async_is_claimed_elsewhere(hass, entry, id_)
                and async_is_shown_elsewhere(hass, entry, id_)
            )
        )
    }
    for device in devices:
        if device.id in removed or device.via_device_id in removed:
            registry.async_remove_device(device.id)


@callback
def async_has_device(hass: HomeAssistant, entry: ConfigEntry, account_id: str) -> bool:
    """Return whether an account has a device. Only accounts that could be read have one."""
    return _device(hass, entry, account_id) is not None


@callback
def async_has_pot_devices(hass: HomeAssistant, entry: ConfigEntry, account_id: str) -> bool:
    """Return whether a pot of an account has a device, because the pots could be read."""
    account = _device(hass, entry, account_id)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return account is not None and any(device.via_device_id == account.id for device in devices)


def _device(hass: HomeAssistant, entry: ConfigEntry, monzo_id: str) -> dr.DeviceEntry | None:
    """Return the entry's device of a person, account or pot, if it exists."""
    return dr.async_get(hass).async_get_device_by_identifier((DOMAIN, monzo_id), entry.entry_id)


def monzo_id_of(device: dr.AnyDeviceEntry) -> str | None:
    """Return the Monzo ID of the person, account or pot that a device represents."""
    return next((id_ for domain, id_ in device.identifiers if domain == DOMAIN), None)


def device_name(device: dr.AnyDeviceEntry) -> str:
    """Return the name of a device as the user sees it."""
    return device.name_by_user or device.name or MANUFACTURER


def owner_name(accounts: Iterable[Account], person_id: str | None) -> str | None:
    """Return the preferred name of a person, if one of their accounts contains it."""
    owners = (owner for account in accounts for owner in account.owners)
    names = (owner.name or owner.first_name for owner in owners if owner.user_id == person_id)
    return next((name for name in names if name), None)


@callback
def async_account_name(hass: HomeAssistant, account: Account) -> str:
    """Return the original name of an account's device, even if the user has renamed it."""
    placeholders = _name_placeholders(account)
    return async_text(
        hass,
        f"device.{_name_key(account)}.name",
        placeholders,
        fallback=placeholders["type"] or DEVICE_MODEL_ACCOUNT,
    )


@callback
def async_account_names(hass: HomeAssistant, accounts: Collection[Account]) -> dict[str, str]:
    """Return the names of accounts by ID. The last digits of account numbers make them unique."""
    names = {account.id: async_account_name(hass, account) for account in accounts}
    count = Counter(names.values())
    return {
        account.id: _with_last_digits(name, account) if count[name] > 1 else name
        for account, name in zip(accounts, names.values(), strict=True)
    }


def _with_last_digits(name: str, account: Account) -> str:
    """Return a name with the last four digits of the account number, if there is one."""
    return f"{name} · {account.account_number[-4:]}" if account.account_number else name


def _name_key(account: Account) -> str:
    """Return the translation key of an account's name."""
    if not account.type:
        return "account"
    key = ACCOUNT_NAMES.get(account.type, "other_account")
    return "joint_account_of" if key == "joint_account" and _owners(account) else key


def _name_placeholders(account: Account) -> dict[str, str]:
    """Return the placeholders of an account's translated name: its owners and its type."""
    return {
        "owners": _owners(account),
        "type": account.type.removeprefix("uk_").replace("_", " ").capitalize(),
    }


def _owners(account: Account) -> str:
    """Return the known first names of an account's owners, joined by &."""
    names = (owner.first_name or owner.name for owner in account.owners)
    return " & ".join(name for name in names if name)
