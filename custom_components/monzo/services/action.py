"""What actions share: how they are described, and aimed at an account."""

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

from ..accounts import AccountState, monzo_id_of
from ..bank import validation_error
from ..const import DOMAIN
from ..runtime import MonzoConfigEntry, MonzoRuntimeData

ATTR_ACCOUNT: Final = "account"
ATTR_TRANSACTION_ID: Final = "transaction_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action, as it is registered with Home Assistant."""

    name: str
    handler: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema

    admin: bool
    """Whether a user who calls it must be an administrator; automations always may."""

    supports_response: SupportsResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTarget:
    """An account that an action was aimed at."""

    entry: MonzoConfigEntry

    runtime: MonzoRuntimeData
    """The entry's own, which it may lose while the bank is asked."""

    account: AccountState


@callback
def async_device(hass: HomeAssistant, device_id: str) -> tuple[dr.AnyDeviceEntry, MonzoConfigEntry]:
    """Return a device, and its loaded config entry.

    Raises ServiceValidationError if there is no such device, or it is not Monzo's.
    """
    device, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    return device, cast("MonzoConfigEntry", entry)


@callback
def async_account(call: ServiceCall, field: str = ATTR_ACCOUNT) -> AccountTarget:
    """Return the account that an action is aimed at.

    Raises ServiceValidationError if it is none, or if nothing is known of it now.
    """
    device, entry = async_device(call.hass, call.data[field])
    found = entry.runtime_data.balances.data.find(monzo_id_of(device) or "")
    if not isinstance(found, AccountState):
        raise validation_error("not_an_account" if found else "cannot_be_read")
    return AccountTarget(entry=entry, runtime=entry.runtime_data, account=found)
