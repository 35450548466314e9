"""The definition of an action, and the account that a call is about."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, cast

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import service
import voluptuous as vol

from ..accounts import AccountState, async_showing_entry, device_name, monzo_id_of
from ..administrators_only import async_may_read_transactions
from ..bank import validation_error
from ..const import DOMAIN
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from ..transactions import TransactionHistory

ATTR_ACCOUNT: Final = "account"
ATTR_TRANSACTION_ID: Final = "transaction_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action and the arguments to register it with Home Assistant."""

    name: str
    handler: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema

    admin: bool
    """Whether a user must be an administrator to call it. Automations may call every action."""

    supports_response: SupportsResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTarget:
    """The account that a call is about."""

    entry: MonzoConfigEntry

    runtime: MonzoRuntimeData
    """The runtime data of the entry, which loses it if it is unloaded during the call."""

    account: AccountState

    name: str
    """The name of the account's device, as the user sees it."""

    @property
    def history(self) -> TransactionHistory:
        """The past transactions of the account."""
        return self.runtime.transactions.history(self.account.id)


@callback
def async_device(hass: HomeAssistant, device_id: str) -> tuple[dr.AnyDeviceEntry, MonzoConfigEntry]:
    """Return a device of the integration, and the config entry that shows its account or pot.

    This is the entry of the device, unless another one has taken over a joint account.
    Raises ServiceValidationError if the device does not exist or belongs to another integration,
    or if no such config entry is loaded.
    """
    device, owner = dr.async_get_device_and_config_entry_for_domain(hass, device_id, domain=DOMAIN)
    if device is not None and owner is not None:
        entry = async_showing_entry(hass, owner, monzo_id_of(device) or "")
        if entry is not None:
            return device, entry
    device, owner = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    return device, cast("MonzoConfigEntry", owner)


async def async_account(call: ServiceCall) -> AccountTarget:
    """Return the account whose device is in the field of a call; see `async_account_of`.

    Also raises ServiceValidationError if the caller may not read the transactions of the account.
    """
    target = async_account_of(call.hass, call.data[ATTR_ACCOUNT])
    if not await async_may_read_transactions(call.hass, target.entry, call.context):
        raise validation_error("only_administrators", name=target.entry.title)
    return target


@callback
def async_account_of(hass: HomeAssistant, device_id: str) -> AccountTarget:
    """Return the account that a device represents.

    Raises ServiceValidationError if the device is not an account, or if the bank does not return
    the account at the moment.
    """
    device, entry = async_device(hass, device_id)
    found = entry.runtime_data.balances.data.find(monzo_id_of(device) or "")
    if not isinstance(found, AccountState):
        raise validation_error(
            "not_an_account" if found else "cannot_be_read", device=device_name(device)
        )
    return AccountTarget(
        entry=entry,
        runtime=entry.runtime_data,
        account=found,
        name=device_name(device),
    )
