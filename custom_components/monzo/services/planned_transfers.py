"""Actions whose amounts depend on balances: target balances, distribution, pot to pot."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..amounts import parse_amount
from ..api import Money
from ..automations import async_state_in_currency
from ..bank import validation_error
from ..transfers import (
    Distribution,
    KeepAccountAt,
    MoveBetweenPots,
    MoveDirection,
    Percentage,
    Remainder,
    SetPotBalance,
    Share,
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
    required_share,
)
from .moves import ATTR_KEEP_AT_LEAST, MOVING_SCHEMA, SHARE_SCHEMA, async_move_money, common_fields
from .pot_targets import ATTR_POT, PotTarget, async_pot_target

ATTR_FOLLOW: Final = "follow"
ATTR_FROM_POT: Final = "from_pot"
ATTR_MOST: Final = "most"
ATTR_ONLY_SWEEP: Final = "only_sweep"
ATTR_ONLY_TOP_UP: Final = "only_top_up"
ATTR_POTS: Final = "pots"
ATTR_REMAINDER: Final = "remainder"
ATTR_SMALLEST: Final = "smallest"
ATTR_TO_POT: Final = "to_pot"

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
    """Bring a pot to a target balance, from or to its account."""
    target = async_pot_target(
        call.hass, call.data[ATTR_POT], account_device_id=call.data.get(ATTR_ACCOUNT)
    )
    if (ATTR_AMOUNT in call.data) == (ATTR_FOLLOW in call.data):
        raise validation_error("one_of_these", fields=f"{ATTR_AMOUNT}, {ATTR_FOLLOW}")
    followed: str = call.data.get(ATTR_FOLLOW, "")
    request = SetPotBalance(
        **common_fields(call, target),
        amount=optional_amount(call.data, ATTR_AMOUNT, target.currency),
        followed_entity=followed,
        read_followed=partial(_followed_amount, call.hass, followed, target.currency),
        most=optional_amount(call.data, ATTR_MOST, target.currency),
        keep_at_least=optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency),
    )
    return await async_move_money(call, target, request)


def _followed_amount(hass: HomeAssistant, entity_id: str, currency: str) -> Money:
    """Return the amount that an entity shows, without its sign, which debts may or may not have.

    Raises ServiceValidationError if it shows no exact amount of this currency.
    """
    amount = parse_amount(async_state_in_currency(hass, entity_id, currency), currency)
    if amount is None:
        raise validation_error("nothing_to_follow", entity_id=entity_id, currency=currency)
    return abs(amount)


async def _async_keep_account_at(call: ServiceCall) -> ServiceResponse:
    """Bring an account to a target balance, from or to one of its pots."""
    target = async_pot_target(
        call.hass, call.data[ATTR_POT], account_device_id=call.data.get(ATTR_ACCOUNT)
    )
    request = KeepAccountAt(
        **common_fields(call, target),
        amount=required_amount(call.data, ATTR_AMOUNT, target.currency),
        most=optional_amount(call.data, ATTR_MOST, target.currency),
        smallest=optional_amount(call.data, ATTR_SMALLEST, target.currency),
        only=_only_direction(call),
    )
    return await async_move_money(call, target, request)


def _only_direction(call: ServiceCall) -> MoveDirection | None:
    """Return the only direction in which money may move; None if both are allowed."""
    match call.data[ATTR_ONLY_SWEEP], call.data[ATTR_ONLY_TOP_UP]:
        case True, True:
            raise validation_error("both_directions")
        case True, False:
            return MoveDirection.DEPOSIT
        case False, True:
            return MoveDirection.WITHDRAW
    return None


async def _async_distribute(call: ServiceCall) -> ServiceResponse:
    """Distribute money of an account to its pots."""
    parts = call.data[ATTR_POTS]
    target = async_pot_target(
        call.hass,
        *(part[ATTR_POT] for part in parts),
        account_device_id=call.data.get(ATTR_ACCOUNT),
    )
    shares = [required_share(part, target.currency, remainder=ATTR_REMAINDER) for part in parts]
    _check_shares(target, shares)
    request = Distribution(
        **common_fields(call, target),
        shares=tuple(shares),
        whole=optional_amount(call.data, ATTR_AMOUNT, target.currency),
        keep_at_least=optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency),
    )
    return await async_move_money(call, target, request)


def _check_shares(target: PotTarget, shares: Sequence[Share]) -> None:
    """Raise ServiceValidationError if the shares exceed the whole."""
    percentages = (share.value for share in shares if isinstance(share, Percentage))
    total = sum(percentages, Decimal(0))
    if total > WHOLE:
        raise validation_error("more_than_everything", total=f"{total.normalize():f}")
    names = [
        target.transfers.name_of(pot_id)
        for pot_id, share in zip(target.pot_ids, shares, strict=True)
        if isinstance(share, Remainder)
    ]
    if len(names) > 1:
        raise validation_error("several_remainders", pots=", ".join(names))


async def _async_move_between_pots(call: ServiceCall) -> ServiceResponse:
    """Move money from one pot to another one, through their account."""
    target = async_pot_target(call.hass, call.data[ATTR_FROM_POT], call.data[ATTR_TO_POT])
    source_id, destination_id = target.pot_ids
    if source_id == destination_id:
        raise validation_error("same_pot", pot=target.transfers.name_of(source_id))
    request = MoveBetweenPots(
        **common_fields(call, target),
        share=required_share(call.data, target.currency),
        keep_at_least=optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency),
    )
    return await async_move_money(call, target, request)


ACTIONS: Final = tuple(
    Action(
        name=request.action,
        handler=handler,
        schema=schema,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    )
    for request, handler, schema in (
        (Distribution, _async_distribute, DISTRIBUTE_SCHEMA),
        (KeepAccountAt, _async_keep_account_at, KEEP_ACCOUNT_AT_SCHEMA),
        (MoveBetweenPots, _async_move_between_pots, MOVE_BETWEEN_POTS_SCHEMA),
        (SetPotBalance, _async_set_pot_balance, SET_POT_BALANCE_SCHEMA),
    )
)
