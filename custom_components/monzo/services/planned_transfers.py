"""Keeping money where it is wanted, by actions: amounts to hold, pay days, pot to pot."""

from collections.abc import Collection
from typing import Final

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..accounts import MonzoData
from ..amounts import parse_amount
from ..api import Money
from ..automations import async_state_in_currency
from ..bank import validation_error
from ..transfers import (
    BETWEEN_POTS,
    Direction,
    Move,
    Part,
    Percentage,
    Rest,
    plan_between_pots,
    plan_distribution,
    plan_keep_account_at,
    plan_set_pot_balance,
)
from .action import ATTR_ACCOUNT, Action
from .amounts import (
    ANY_AMOUNT,
    ATTR_AMOUNT,
    ATTR_PERCENTAGE,
    WHOLE,
    optional_amount,
    percentage,
    required_amount,
    share_of,
)
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
from .pot_targets import ATTR_POT, async_target

ATTR_FOLLOW: Final = "follow"
ATTR_FROM_POT: Final = "from_pot"
ATTR_MOST: Final = "most"
ATTR_ONLY_SWEEP: Final = "only_sweep"
ATTR_ONLY_TOP_UP: Final = "only_top_up"
ATTR_POTS: Final = "pots"
ATTR_REMAINDER: Final = "remainder"
ATTR_SMALLEST: Final = "smallest"
ATTR_TO_POT: Final = "to_pot"

SERVICE_DISTRIBUTE: Final = "distribute"
SERVICE_KEEP_ACCOUNT_AT: Final = "keep_account_at"
SERVICE_MOVE_BETWEEN_POTS: Final = "move_between_pots"
SERVICE_SET_POT_BALANCE: Final = "set_pot_balance"

SET_POT_BALANCE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_POT): cv.string,
        vol.Optional(ATTR_ACCOUNT): cv.string,
        vol.Optional(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_FOLLOW): cv.entity_id,
        vol.Optional(ATTR_MOST): ANY_AMOUNT,
        vol.Optional(ATTR_KEEP_AT_LEAST): ANY_AMOUNT,
        **MOVING_SCHEMA,
    }
)

KEEP_ACCOUNT_AT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_POT): cv.string,
        vol.Optional(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_MOST): ANY_AMOUNT,
        vol.Optional(ATTR_ONLY_SWEEP, default=False): cv.boolean,
        vol.Optional(ATTR_ONLY_TOP_UP, default=False): cv.boolean,
        vol.Optional(ATTR_SMALLEST): ANY_AMOUNT,
        **MOVING_SCHEMA,
    }
)

DISTRIBUTE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_POTS): vol.All(
            cv.ensure_list,
            vol.Length(min=1),
            [
                {
                    vol.Required(ATTR_POT): cv.string,
                    vol.Optional(ATTR_AMOUNT): ANY_AMOUNT,
                    vol.Optional(ATTR_PERCENTAGE): percentage,
                    vol.Optional(ATTR_REMAINDER): cv.boolean,
                }
            ],
        ),
        vol.Optional(ATTR_ACCOUNT): cv.string,
        vol.Optional(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_KEEP_AT_LEAST): ANY_AMOUNT,
        **MOVING_SCHEMA,
    }
)

MOVE_BETWEEN_POTS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_FROM_POT): cv.string,
        vol.Required(ATTR_TO_POT): cv.string,
        **SHARE_SCHEMA,
        **MOVING_SCHEMA,
    }
)


async def _async_set_pot_balance(call: ServiceCall) -> ServiceResponse:
    """Bring a pot to an amount, from or to its account."""
    target = async_target(call, call.data[ATTR_POT])
    (pot,) = target.pots
    if (ATTR_AMOUNT in call.data) == (ATTR_FOLLOW in call.data):
        raise validation_error("one_of_these", fields=f"{ATTR_AMOUNT}, {ATTR_FOLLOW}")
    amount = optional_amount(call.data, ATTR_AMOUNT, target.currency)
    followed: str = call.data.get(ATTR_FOLLOW, "")
    most = optional_amount(call.data, ATTR_MOST, target.currency)
    keep_at_least = optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency)
    request = MoveRequest(
        target=target,
        # What an entity shows may be something else when the call is repeated.
        digest=digest_of(call, pot.id, amount, followed, most, keep_at_least),
        plan=lambda data: plan_set_pot_balance(
            target.account(data),
            target.pot(data),
            _followed(call.hass, followed, target.currency) if amount is None else amount,
            most=most,
            keep_at_least=keep_at_least,
        ),
        objection=keeps(target.account, keep_at_least),
    )
    return await async_fulfil(call, request)


def _followed(hass: HomeAssistant, entity_id: str, currency: str) -> Money:
    """Return the amount that an entity shows, with or without a minus: debts have one, or not.

    Raises ServiceValidationError if it shows no exact amount of this currency.
    """
    amount = parse_amount(async_state_in_currency(hass, entity_id, currency), currency)
    if amount is None:
        raise validation_error("nothing_to_follow", currency=currency)
    return Money.from_minor(abs(amount.minor), currency)


async def _async_keep_account_at(call: ServiceCall) -> ServiceResponse:
    """Bring an account to an amount, from or to one of its pots."""
    target = async_target(call, call.data[ATTR_POT])
    (pot,) = target.pots
    amount = required_amount(call.data, ATTR_AMOUNT, target.currency)
    most = optional_amount(call.data, ATTR_MOST, target.currency)
    smallest = optional_amount(call.data, ATTR_SMALLEST, target.currency)
    only = _only_direction(call)
    request = MoveRequest(
        target=target,
        digest=digest_of(call, pot.id, amount, most, smallest, only),
        plan=lambda data: plan_keep_account_at(
            target.account(data),
            target.pot(data),
            amount,
            most=most,
            smallest=smallest,
            only=only,
        ),
        objection=keeps(target.account, amount),
    )
    return await async_fulfil(call, request)


def _only_direction(call: ServiceCall) -> Direction | None:
    """Return which way alone money may move; None if it may both ways."""
    match call.data[ATTR_ONLY_SWEEP], call.data[ATTR_ONLY_TOP_UP]:
        case True, True:
            raise validation_error("both_directions")
        case True, False:
            return Direction.DEPOSIT
        case False, True:
            return Direction.WITHDRAW
    return None


async def _async_distribute(call: ServiceCall) -> ServiceResponse:
    """Hand out money of an account to its pots."""
    fields = call.data[ATTR_POTS]
    target = async_target(call, *(part[ATTR_POT] for part in fields))
    parts = [
        Part(pot_id=pot.id, share=share_of(part, target.currency, rest=ATTR_REMAINDER))
        for pot, part in zip(target.pots, fields, strict=True)
    ]
    _check_parts(parts)
    whole = optional_amount(call.data, ATTR_AMOUNT, target.currency)
    keep_at_least = optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency)
    shares = (part for each in parts for part in (each.pot_id, each.share))
    request = MoveRequest(
        target=target,
        digest=digest_of(call, whole, keep_at_least, *shares),
        plan=lambda data: plan_distribution(
            target.account(data), parts, whole=whole, keep_at_least=keep_at_least
        ),
        in_parts=True,
        objection=keeps(target.account, keep_at_least),
    )
    return await async_fulfil(call, request)


def _check_parts(parts: Collection[Part]) -> None:
    """Raise ServiceValidationError if parts cannot be parts of one whole."""
    shares = [part.share for part in parts]
    percents = sum(share.value for share in shares if isinstance(share, Percentage))
    if percents > WHOLE:
        raise validation_error("more_than_everything")
    if sum(isinstance(share, Rest) for share in shares) > 1:
        raise validation_error("several_remainders")


async def _async_move_between_pots(call: ServiceCall) -> ServiceResponse:
    """Move money from one pot to another, by way of their account."""
    if call.data[ATTR_FROM_POT] == call.data[ATTR_TO_POT]:
        raise validation_error("same_pot")
    target = async_target(call, call.data[ATTR_FROM_POT], call.data[ATTR_TO_POT])
    source, destination = target.pots
    share = share_of(call.data, target.currency)
    keep_at_least = optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency)
    source_keeps = keeps(target.pot, keep_at_least)

    def objection(data: MonzoData, moves: Collection[Move]) -> str | None:
        if not any(move.direction is Direction.WITHDRAW for move in moves):
            # It is in the account, and the bank knows whether it still is.
            return None
        if target.account(data).balance.minor < 0:
            return "account_overdrawn"
        return source_keeps(data, moves)

    request = MoveRequest(
        target=target,
        digest=digest_of(call, source.id, destination.id, share, keep_at_least),
        plan=lambda data: plan_between_pots(
            target.pot(data),
            destination.id,
            target.account(data),
            share,
            keep_at_least=keep_at_least,
        ),
        objection=objection,
        asked_for=certain_moves(target, BETWEEN_POTS, share),
        in_parts=True,
    )
    return await async_fulfil(call, request)


ACTIONS: Final = tuple(
    Action(
        name=name,
        handler=handler,
        schema=schema,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    )
    for name, handler, schema in (
        (SERVICE_DISTRIBUTE, _async_distribute, DISTRIBUTE_SCHEMA),
        (SERVICE_KEEP_ACCOUNT_AT, _async_keep_account_at, KEEP_ACCOUNT_AT_SCHEMA),
        (SERVICE_MOVE_BETWEEN_POTS, _async_move_between_pots, MOVE_BETWEEN_POTS_SCHEMA),
        (SERVICE_SET_POT_BALANCE, _async_set_pot_balance, SET_POT_BALANCE_SCHEMA),
    )
)
