"""What actions share: how they are described and aimed, and amounts."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
import re
from typing import Any, Final, cast

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import service
import voluptuous as vol

from ..api import Money, currency_exponent
from ..const import DOMAIN
from ..devices import subject_id
from ..errors import refused
from ..models import AccountState
from ..runtime import MonzoConfigEntry, MonzoRuntimeData

ATTR_ACCOUNT: Final = "account"
ATTR_AMOUNT: Final = "amount"
ATTR_TRANSACTION_ID: Final = "transaction_id"

# Digits as people write them; Python's own idea of a number is wider, from "1e20" to "NaN".
AMOUNT: Final = re.compile(r"([0-9]+\.)?[0-9]+|\.[0-9]+")


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
def async_device(call: ServiceCall, field: str) -> tuple[dr.AnyDeviceEntry, MonzoConfigEntry]:
    """Return the device of a field, and its loaded config entry.

    Raises ServiceValidationError if there is no such device, or it is not Monzo's.
    """
    device, entry = service.async_get_device_and_config_entry(call.hass, DOMAIN, call.data[field])
    return device, cast("MonzoConfigEntry", entry)


@callback
def async_account(call: ServiceCall, field: str = ATTR_ACCOUNT) -> AccountTarget:
    """Return the account that an action is aimed at.

    Raises ServiceValidationError if it is none, or if nothing is known of it now.
    """
    device, entry = async_device(call, field)
    subject = entry.runtime_data.balances.data.subject(subject_id(device) or "")
    if not isinstance(subject, AccountState):
        raise refused("not_an_account" if subject else "cannot_be_read")
    return AccountTarget(entry=entry, runtime=entry.runtime_data, account=subject)


def positive_amount(value: object, currency: str) -> Money:
    """Return an amount of money greater than zero.

    Raises ServiceValidationError for anything else than a positive number of whole minor units:
    what a person or a template got wrong is never rounded.
    """
    minor = 0
    # Also if it is a number too large for Python to write it down.
    with suppress(ValueError):
        text = str(value).strip()
        if AMOUNT.fullmatch(text):
            minor = Money(Decimal(text), currency).minor
    if minor <= 0:
        raise refused(
            "invalid_amount", currency=currency, decimals=str(currency_exponent(currency))
        )
    return Money.from_minor(minor, currency)


def number(money: Money) -> float:
    """Return an amount for templates, which know no decimals; its shortest form is exact."""
    return float(money.amount)
