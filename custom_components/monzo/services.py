"""Actions: schemas, what they are aimed at, one place for errors, and the handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
import re
from typing import Final, cast
from uuid import uuid4

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import service
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .api import Money, MonzoAuthenticationError, MonzoError, currency_exponent
from .const import DOMAIN
from .coordinator import AccountState, MonzoData, PotState
from .devices import subject_id
from .runtime import MonzoConfigEntry, MonzoRuntimeData
from .transfers import Direction, Transfer, failed, refused

ATTR_ACCOUNT: Final = "account"
ATTR_AMOUNT: Final = "amount"
ATTR_DEDUPE_ID: Final = "dedupe_id"
ATTR_POT: Final = "pot"

SERVICE_DEPOSIT_INTO_POT: Final = "deposit_into_pot"
SERVICE_WITHDRAW_FROM_POT: Final = "withdraw_from_pot"

# Digits as people write them; Python's own idea of a number is wider, from "1e20" to "NaN".
AMOUNT: Final = re.compile(r"([0-9]+\.)?[0-9]+|\.[0-9]+")

# Longer than any id that a person or a template makes up.
LONGEST_DEDUPE_ID: Final = 128

TRANSFER_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_POT): cv.string,
        # Whether it is an amount depends on the pot's currency, so the handler decides.
        vol.Required(ATTR_AMOUNT): object,
        vol.Optional(ATTR_ACCOUNT): cv.string,
        vol.Optional(ATTR_DEDUPE_ID): vol.All(
            cv.string, vol.Strip, vol.Length(min=1, max=LONGEST_DEDUPE_ID)
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A pot that an action was aimed at, with its account."""

    entry: MonzoConfigEntry

    runtime: MonzoRuntimeData
    """The entry's own, which it may lose while money is on its way."""

    pot: PotState
    account: AccountState


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, once for all config entries."""
    for name, handler in (
        (SERVICE_DEPOSIT_INTO_POT, _async_deposit_into_pot),
        (SERVICE_WITHDRAW_FROM_POT, _async_withdraw_from_pot),
    ):
        service.async_register_admin_service(
            hass,
            DOMAIN,
            name,
            handler,
            TRANSFER_SCHEMA,
            supports_response=SupportsResponse.OPTIONAL,
        )


async def _async_deposit_into_pot(call: ServiceCall) -> ServiceResponse:
    """Move money from an account into one of its pots."""
    return await _async_move(call, Direction.DEPOSIT)


async def _async_withdraw_from_pot(call: ServiceCall) -> ServiceResponse:
    """Move money from a pot back into its account."""
    return await _async_move(call, Direction.WITHDRAW)


async def _async_move(call: ServiceCall, direction: Direction) -> ServiceResponse:
    """Move money, and answer with what happened."""
    target = _target(call)
    now = dt_util.utcnow()
    transfer = Transfer(
        dedupe_id=call.data.get(ATTR_DEDUPE_ID) or uuid4().hex,
        direction=direction,
        pot_id=target.pot.id,
        account_id=target.account.id,
        amount=_amount(call.data[ATTR_AMOUNT], target.pot.currency),
        asked_at=now,
        sent_at=now,
    )
    transfers = target.runtime.transfers
    async with _bank_errors(call.hass, target.entry):
        # What was asked for before may have been moved before the pot was locked.
        if direction is Direction.WITHDRAW and not transfers.knows(transfer.dedupe_id):
            await _async_check_unlocked(call.hass, target)
        try:
            moved_now = await transfers.async_move(transfer)
        except ServiceValidationError:
            raise
        except HomeAssistantError:
            # The balances are all that is left to tell what happened. Nobody waits for them.
            target.entry.async_create_background_task(
                call.hass, _async_read_again(call.hass, target), "read Monzo again"
            )
            raise
        return _answer(
            target, transfer, await _async_read_again(call.hass, target), moved_now=moved_now
        )


async def _async_check_unlocked(hass: HomeAssistant, target: Target) -> None:
    """Raise ServiceValidationError if the pot is locked, and not only as of the last poll."""
    if not target.pot.pot.locked:
        return
    data = await _async_read_again(hass, target)
    pot = data.pots.get(target.pot.id) if data else None
    if pot is None:
        raise refused("cannot_be_read")
    if pot.pot.locked:
        raise refused("pot_locked")


async def _async_read_again(hass: HomeAssistant, target: Target) -> MonzoData | None:
    """Read the account and its pots again, and return what is known then.

    If that fails, return None: it does not change what has happened to the money.
    """
    balances = target.runtime.balances
    try:
        await balances.async_read_account(target.account.id)
    except MonzoAuthenticationError:
        target.entry.async_start_reauth(hass)
        return None
    except MonzoError, HomeAssistantError:
        return None
    return balances.data


def _answer(
    target: Target, transfer: Transfer, data: MonzoData | None, *, moved_now: bool
) -> ServiceResponse:
    """Return what happened, with balances as far as they could be read afterwards."""
    account = data.accounts.get(target.account.id) if data else None
    pot = data.pots.get(target.pot.id) if data else None
    return {
        "result": "moved" if moved_now else "already_moved",
        "dedupe_id": transfer.dedupe_id,
        "amount": _number(transfer.amount),
        "currency": transfer.amount.currency,
        "pot_id": transfer.pot_id,
        "pot": target.pot.pot.name,
        "pot_balance": _number(pot.pot.balance) if pot else None,
        "account_id": transfer.account_id,
        "account_balance": _number(account.balance.balance) if account else None,
    }


def _number(money: Money) -> float:
    """Return an amount for templates, which know no decimals; its shortest form is exact."""
    return float(money.amount)


@callback
def _target(call: ServiceCall) -> Target:
    """Return the pot that an action is aimed at.

    Raises ServiceValidationError if it is none, or if the account given is not the pot's.
    """
    device, entry = _device(call, ATTR_POT)
    data = entry.runtime_data.balances.data
    subject = data.subject(subject_id(device) or "")
    if not isinstance(subject, PotState):
        raise refused("not_a_pot" if subject else "cannot_be_read")
    if ATTR_ACCOUNT in call.data:
        account_device, account_entry = _device(call, ATTR_ACCOUNT)
        if account_entry is not entry or subject_id(account_device) != subject.account_id:
            raise refused("not_the_pots_account")
    return Target(
        entry=entry,
        runtime=entry.runtime_data,
        pot=subject,
        account=data.accounts[subject.account_id],
    )


@callback
def _device(call: ServiceCall, field: str) -> tuple[dr.AnyDeviceEntry, MonzoConfigEntry]:
    """Return the device of a field, and its loaded config entry.

    Raises ServiceValidationError if there is no such device, or it is not Monzo's.
    """
    device, entry = service.async_get_device_and_config_entry(call.hass, DOMAIN, call.data[field])
    return device, cast("MonzoConfigEntry", entry)


def _amount(value: object, currency: str) -> Money:
    """Return an amount that can be moved.

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


@asynccontextmanager
async def _bank_errors(hass: HomeAssistant, entry: MonzoConfigEntry) -> AsyncIterator[None]:
    """Turn what can go wrong with the bank into what Home Assistant tells the user."""
    try:
        yield
    except MonzoAuthenticationError as err:
        entry.async_start_reauth(hass)
        raise failed("action_needs_sign_in") from err
