"""Moving money between an account and one of its pots, by actions."""

from collections.abc import Callable
from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..accounts import MonzoData
from ..api import Money
from ..transfers import AccountOrPotBalance, Direction, Plan, Share, plan_deposit, plan_withdrawal
from .action import ATTR_ACCOUNT, Action
from .amounts import optional_amount, share_of
from .moves import (
    ATTR_KEEP_AT_LEAST,
    MOVING_SCHEMA,
    SHARE_SCHEMA,
    MoveRequest,
    async_fulfil,
    certain_moves,
    digest_of,
    keeps,
)
from .pot_targets import ATTR_POT, PotTarget, async_target

SERVICE_DEPOSIT_INTO_POT: Final = "deposit_into_pot"
SERVICE_WITHDRAW_FROM_POT: Final = "withdraw_from_pot"

TRANSFER_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_POT): cv.string,
        vol.Optional(ATTR_ACCOUNT): cv.string,
        **SHARE_SCHEMA,
        **MOVING_SCHEMA,
    }
)


async def _async_deposit_into_pot(call: ServiceCall) -> ServiceResponse:
    """Move money from an account into one of its pots."""
    target = async_target(call, call.data[ATTR_POT])
    (pot,) = target.pots

    def plan(account: AccountOrPotBalance, share: Share, keep_at_least: Money | None) -> Plan:
        return plan_deposit(account, pot.id, share, keep_at_least=keep_at_least)

    return await _async_move_out_of(call, target, Direction.DEPOSIT, target.account, plan)


async def _async_withdraw_from_pot(call: ServiceCall) -> ServiceResponse:
    """Move money from a pot back into its account."""
    target = async_target(call, call.data[ATTR_POT])

    def plan(pot: AccountOrPotBalance, share: Share, keep_at_least: Money | None) -> Plan:
        return plan_withdrawal(pot, target.account_id, share, keep_at_least=keep_at_least)

    return await _async_move_out_of(call, target, Direction.WITHDRAW, target.pot, plan)


async def _async_move_out_of(
    call: ServiceCall,
    target: PotTarget,
    direction: Direction,
    source: Callable[[MonzoData], AccountOrPotBalance],
    plan: Callable[[AccountOrPotBalance, Share, Money | None], Plan],
) -> ServiceResponse:
    """Move a share of what is in an account or a pot."""
    share = share_of(call.data, target.currency)
    keep_at_least = optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency)
    (pot,) = target.pots
    asked_for = certain_moves(target, [direction], share)
    request = MoveRequest(
        target=target,
        digest=digest_of(call, pot.id, share, keep_at_least),
        plan=lambda data: plan(source(data), share, keep_at_least),
        objection=keeps(source, keep_at_least),
        asked_for=asked_for,
        bank_decides=bool(asked_for) and keep_at_least is None,
    )
    return await async_fulfil(call, request)


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
