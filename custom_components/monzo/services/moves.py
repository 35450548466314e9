"""The common part of all actions that move money: fields, call and response."""

from typing import Any, Final
from uuid import uuid4

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..bank import text_for_user
from ..transfers import RequestResult, TransferRequest, TransferResult, TransferStatus
from .amounts import ANY_AMOUNT, ATTR_AMOUNT, ATTR_EVERYTHING, ATTR_PERCENTAGE, number, percentage
from .language_models import async_is_by_language_model
from .pot_targets import PotTarget

ATTR_DEDUPE_ID: Final = "dedupe_id"
ATTR_DRY_RUN: Final = "dry_run"
ATTR_KEEP_AT_LEAST: Final = "keep_at_least"

# Longer than any ID that a person or a template makes up.
MAX_DEDUPE_ID_LENGTH: Final = 128

# The fields of every action that moves money.
MOVING_SCHEMA: Final = {
    vol.Optional(ATTR_DEDUPE_ID): vol.All(
        cv.string, vol.Strip, vol.Length(min=1, max=MAX_DEDUPE_ID_LENGTH)
    ),
    vol.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
}

# The share of the available money to move: exactly one of the first three fields.
SHARE_SCHEMA: Final = {
    vol.Optional(ATTR_AMOUNT): ANY_AMOUNT,
    vol.Optional(ATTR_PERCENTAGE): percentage,
    vol.Optional(ATTR_EVERYTHING): cv.boolean,
    vol.Optional(ATTR_KEEP_AT_LEAST): ANY_AMOUNT,
}

# The results of a call and of its transfers, as documented for users.
MOVED: Final = "moved"
ALREADY_MOVED: Final = "already_moved"
PLANNED: Final = "planned"


def common_fields(call: ServiceCall, target: PotTarget) -> dict[str, Any]:
    """Return the fields that every request to move money has."""
    dedupe_id = call.data.get(ATTR_DEDUPE_ID)
    return {
        "dedupe_id": dedupe_id or uuid4().hex,
        "is_id_new": dedupe_id is None,
        "account_id": target.account_id,
        "pot_ids": target.pot_ids,
        "currency": target.currency,
    }


async def async_move_money(
    call: ServiceCall, target: PotTarget, request: TransferRequest
) -> ServiceResponse:
    """Carry out a request, or only plan it, and return the response of the action.

    Raises HomeAssistantError if the request fails. A call that makes several transfers and wants a
    response gets an incomplete response instead.
    """
    by_language_model = async_is_by_language_model(call.context)
    if call.data[ATTR_DRY_RUN]:
        result = await target.transfers.async_preview(request, by_language_model=by_language_model)
        problems = [
            {"reason": problem.translation_key, "message": text_for_user(problem)}
            for problem in result.problems
        ]
        response = _response(target, request, result, unsent=PLANNED)
        return {**response, "dedupe_id": call.data.get(ATTR_DEDUPE_ID), "problems": problems}
    result = await target.transfers.async_execute(
        request, by_language_model=by_language_model, return_incomplete=call.return_response
    )
    response = _response(target, request, result, unsent="not_sent")
    return {**response, "dedupe_id": request.dedupe_id}


def _response(
    target: PotTarget, request: TransferRequest, result: RequestResult, *, unsent: str
) -> dict[str, Any]:
    """Return the common part of all responses.

    `unsent` is the result of a transfer that was not attempted.
    """
    data = result.data
    account = data.accounts.get(target.account_id) if data else None
    moves = [_move(target, each, unsent) for each in result.results]
    response = {
        "result": _summary({move["result"] for move in moves}),
        "reason": result.reason,
        "currency": target.currency,
        "short_by": number(result.batch.shortfall),
        "account_id": target.account_id,
        "account_balance": number(account.money) if account else None,
        "moves": moves,
    }
    if request.kind.is_multi_step:
        return response
    (known,) = target.pots
    pot = data.pots.get(known.id) if data else None
    return {
        **response,
        "amount": next((move["amount"] for move in moves), 0.0),
        "pot_id": known.id,
        "pot": known.pot.name,
        "pot_balance": number(pot.money) if pot else None,
    }


def _summary(results: set[str]) -> str:
    """Return the result of a call from those of its transfers."""
    if not results:
        return "nothing_to_do"
    if results == {ALREADY_MOVED}:
        return ALREADY_MOVED
    if results <= {ALREADY_MOVED, MOVED}:
        return MOVED
    return PLANNED if PLANNED in results else "incomplete"


def _move(target: PotTarget, result: TransferResult, unsent: str) -> dict[str, Any]:
    """Return one transfer in a response."""
    move, error = result.transfer.move, result.error
    return {
        "direction": move.direction,
        "pot_id": move.pot_id,
        "pot": next((pot.pot.name for pot in target.pots if pot.id == move.pot_id), None),
        "amount": number(move.amount),
        "currency": move.amount.currency,
        "result": _move_result(result, unsent),
        "reason": error and error.translation_key,
        "message": error and text_for_user(error),
    }


def _move_result(result: TransferResult, unsent: str) -> str:
    """Return the result of one transfer."""
    status = result.transfer.status
    if status is TransferStatus.DONE:
        return MOVED if result.moved_now else ALREADY_MOVED
    if result.error is None:
        return unsent
    return "unknown" if status is TransferStatus.IN_DOUBT else "refused"
