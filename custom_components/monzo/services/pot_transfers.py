"""Moving money between an account and its pots, by actions."""

from dataclasses import dataclass
from typing import Final
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
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..api import MonzoAuthenticationError, MonzoError
from ..coordinator import AccountState, MonzoData, PotState
from ..devices import subject_id
from ..errors import bank_errors, refused
from ..plans import Direction
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from ..transfers import Transfer
from .common import (
    ATTR_ACCOUNT,
    ATTR_AMOUNT,
    Action,
    async_device,
    number,
    positive_amount,
)

ATTR_DEDUPE_ID: Final = "dedupe_id"
ATTR_POT: Final = "pot"

SERVICE_DEPOSIT_INTO_POT: Final = "deposit_into_pot"
SERVICE_WITHDRAW_FROM_POT: Final = "withdraw_from_pot"

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
        amount=positive_amount(call.data[ATTR_AMOUNT], target.pot.currency),
        asked_at=now,
        sent_at=now,
    )
    transfers = target.runtime.transfers
    async with bank_errors(call.hass, target.entry):
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
        "amount": number(transfer.amount),
        "currency": transfer.amount.currency,
        "pot_id": transfer.pot_id,
        "pot": target.pot.pot.name,
        "pot_balance": number(pot.pot.balance) if pot else None,
        "account_id": transfer.account_id,
        "account_balance": number(account.balance.balance) if account else None,
    }


@callback
def _target(call: ServiceCall) -> Target:
    """Return the pot that an action is aimed at.

    Raises ServiceValidationError if it is none, or if the account given is not the pot's.
    """
    device, entry = async_device(call, ATTR_POT)
    data = entry.runtime_data.balances.data
    subject = data.subject(subject_id(device) or "")
    if not isinstance(subject, PotState):
        raise refused("not_a_pot" if subject else "cannot_be_read")
    if ATTR_ACCOUNT in call.data:
        account_device, account_entry = async_device(call, ATTR_ACCOUNT)
        if account_entry is not entry or subject_id(account_device) != subject.account_id:
            raise refused("not_the_pots_account")
    return Target(
        entry=entry,
        runtime=entry.runtime_data,
        pot=subject,
        account=data.accounts[subject.account_id],
    )


ACTIONS: Final = tuple(
    Action(
        name=name,
        handler=handler,
        schema=TRANSFER_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    )
    for name, handler in (
        (SERVICE_DEPOSIT_INTO_POT, _async_deposit_into_pot),
        (SERVICE_WITHDRAW_FROM_POT, _async_withdraw_from_pot),
    )
)
