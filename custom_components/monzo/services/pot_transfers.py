"""Actions for one transfer between an account and one of its pots."""

from functools import partial
from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..transfers import Deposit, Withdrawal
from .action import ATTR_ACCOUNT, Action
from .amounts import optional_amount, required_share
from .moves import ATTR_KEEP_AT_LEAST, MOVING_SCHEMA, SHARE_SCHEMA, async_move_money, common_fields
from .pot_targets import ATTR_POT, async_pot_target

TRANSFER_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_POT): cv.string,
        vol.Optional(ATTR_ACCOUNT): cv.string,
        **SHARE_SCHEMA,
        **MOVING_SCHEMA,
    }
)


async def _async_transfer(
    request_class: type[Deposit | Withdrawal], call: ServiceCall
) -> ServiceResponse:
    """Move a share of the money in an account or a pot."""
    target = async_pot_target(
        call.hass, call.data[ATTR_POT], account_device_id=call.data.get(ATTR_ACCOUNT)
    )
    request = request_class(
        **common_fields(call, target),
        share=required_share(call.data, target.currency),
        keep_at_least=optional_amount(call.data, ATTR_KEEP_AT_LEAST, target.currency),
    )
    return await async_move_money(call, target, request)


ACTIONS: Final = tuple(
    Action(
        name=request_class.action,
        handler=partial(_async_transfer, request_class),
        schema=TRANSFER_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    )
    for request_class in (Deposit, Withdrawal)
)
