"""What the actions that move money share: planning, moving, and telling what happened."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
import time
from typing import Any, Final
from uuid import uuid4

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..accounts import MonzoData
from ..api import Money, MonzoAuthenticationError, MonzoError
from ..bank import action_error, bank_errors, validation_error
from ..transfers import (
    AccountOrPotBalance,
    Direction,
    Move,
    MoveResult,
    MoveStatus,
    NothingToMove,
    Percentage,
    Plan,
    Rest,
    Share,
    TransferBatch,
    leaves_at_least,
)
from .amounts import ANY_AMOUNT, ATTR_AMOUNT, ATTR_EVERYTHING, ATTR_PERCENTAGE, number, percentage
from .pot_targets import PotTarget

ATTR_DEDUPE_ID: Final = "dedupe_id"
ATTR_DRY_RUN: Final = "dry_run"
ATTR_KEEP_AT_LEAST: Final = "keep_at_least"

# Longer than any id that a person or a template makes up.
LONGEST_DEDUPE_ID: Final = 128

# What every action that moves money can be told.
MOVING_SCHEMA: Final = {
    vol.Optional(ATTR_DEDUPE_ID): vol.All(
        cv.string, vol.Strip, vol.Length(min=1, max=LONGEST_DEDUPE_ID)
    ),
    vol.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
}

# How much of what may be moved; exactly one of the first three.
SHARE_SCHEMA: Final = {
    vol.Optional(ATTR_AMOUNT): ANY_AMOUNT,
    vol.Optional(ATTR_PERCENTAGE): percentage,
    vol.Optional(ATTR_EVERYTHING): cv.boolean,
    vol.Optional(ATTR_KEEP_AT_LEAST): ANY_AMOUNT,
}

# Says why these moves must not be made where there is this, by the key of a text; None if they may.
type Objection = Callable[[MonzoData, Collection[Move]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """What a call asks for."""

    target: PotTarget

    digest: str
    """Another one for everything else that can be asked for."""

    plan: Callable[[MonzoData], Plan]
    """Says what to move, from what there is."""

    objection: Objection
    """What is held against moves that were planned a while ago."""

    asked_for: tuple[Move, ...] = ()
    """What would move the certain amount that is asked for, if one is.

    Then moving nothing is a failure, unlike where there is nothing left over.
    """

    bank_decides: bool = False
    """Whether what is in the account and the pots makes no difference to the plan."""

    in_parts: bool = False
    """Whether it is moved in several transfers, between which it may end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What is about to be moved for a request, before anything is."""

    order: TransferBatch | None
    """None if there is nothing to move."""

    unmade: Mapping[str, Move]
    """What is not made yet, or is not to be made, by the `dedupe_id` of each transfer."""

    short_by: Money

    problems: tuple[HomeAssistantError, ...]
    """Why it must not be moved, if so."""

    nothing_because: NothingToMove | None = None


def certain_moves(
    target: PotTarget, directions: Iterable[Direction], share: Share
) -> tuple[Move, ...]:
    """Return what would move a share out of each pot or into it, if it is a certain amount."""
    if not isinstance(share, Money):
        return ()
    return tuple(
        Move(direction=direction, pot_id=pot.id, account_id=target.account_id, amount=share)
        for direction, pot in zip(directions, target.pots, strict=True)
    )


def keeps(
    holding: Callable[[MonzoData], AccountOrPotBalance], keep_at_least: Money | None
) -> Objection:
    """Return what objects if an account or a pot would keep less than it is to keep.

    Without `keep_at_least`, nothing may be owed afterwards.
    """

    def objection(data: MonzoData, moves: Collection[Move]) -> str | None:
        enough = leaves_at_least(holding(data), moves, keep_at_least)
        return None if enough else "below_keep_at_least"

    return objection


def digest_of(call: ServiceCall, *parts: object) -> str:
    """Return a text that is the same only for a call that asks for the same.

    It says nothing to anybody else.
    """
    texts = (call.service, *(_as_text(part) for part in parts))
    return sha256("\n".join(texts).encode()).hexdigest()


def _as_text(part: object) -> str:
    match part:
        case Money(amount, currency):
            return f"{amount} {currency}"
        case Percentage(value):
            return f"{value.normalize()}%"
        case Rest():
            return "rest"
    return str(part)


# Moving


async def async_fulfil(call: ServiceCall, request: MoveRequest) -> ServiceResponse:
    """Plan what is asked for, move it, and answer with what happened.

    The same request under the same id as before is not planned anew, but finished as planned then.
    """
    async with bank_errors(call.hass, request.target.entry):
        if call.data[ATTR_DRY_RUN]:
            return await _async_preview(call, request)
        return await _async_move(call, request)


async def _async_preview(call: ServiceCall, request: MoveRequest) -> ServiceResponse:
    """Answer with the plan and what would be in the way, and move nothing."""
    target = request.target
    dedupe_id = call.data.get(ATTR_DEDUPE_ID)
    draft = await _async_draft(call.hass, request, dedupe_id or uuid4().hex)
    problems = list(draft.problems)
    if request.bank_decides and draft.unmade and not problems:
        data = await _async_read(call.hass, target)
        if request.objection(data, draft.unmade.values()):
            problems.append(validation_error("more_than_there_is"))
    steps = target.transfers.preview(draft.order) if draft.order else ()
    return {
        **_answer(request, dedupe_id, draft, steps, target.known),
        "problems": [
            {"reason": problem.translation_key, "message": str(problem)} for problem in problems
        ],
    }


async def _async_move(call: ServiceCall, request: MoveRequest) -> ServiceResponse:
    """Move what is asked for, and answer with what happened."""
    target, transfers = request.target, request.target.transfers
    dedupe_id = call.data.get(ATTR_DEDUPE_ID) or uuid4().hex
    # Nobody else plans on what is in the account, or moves it, until this has been taken out of it.
    async with transfers.lock("call", dedupe_id), transfers.lock("account", target.account_id):
        try:
            draft = await _async_draft(call.hass, request, dedupe_id)
        except ServiceValidationError as err:
            transfers.async_refuse(_unmade(request, dedupe_id), err)
            raise
        if (problem := next(iter(draft.problems), None)) is not None:
            transfers.async_refuse(draft.unmade, problem)
            raise problem
        steps = await transfers.async_carry_out(draft.order) if draft.order else ()
        halted = next((step.error for step in steps if step.error), None)
        if halted is None or (request.in_parts and call.return_response):
            # Still before the next one, who can plan on what is read here.
            data = await _async_read_again(call.hass, target)
            return _answer(request, dedupe_id, draft, steps, data)
    if not isinstance(halted, ServiceValidationError):
        # The balances are all that is left to tell what happened. Nobody waits for them.
        target.entry.async_create_background_task(
            call.hass, _async_read_again(call.hass, target), "read Monzo again"
        )
    raise _in_short(request, draft.order, steps, halted)


def _in_short(
    request: MoveRequest,
    order: TransferBatch | None,
    steps: Iterable[MoveResult],
    halted: HomeAssistantError,
) -> HomeAssistantError:
    """Return what to raise when not everything was moved, for who has not asked for more."""
    moved = sum(step.result in {MoveStatus.MOVED, MoveStatus.ALREADY_MOVED} for step in steps)
    if order is None or moved == 0:
        return halted
    if request.target.transfers.is_between_pots(order):
        error = action_error("money_in_account", reason=str(halted), dedupe_id=order.dedupe_id)
    else:
        error = action_error(
            "moves_interrupted",
            moved=str(moved),
            planned=str(len(order.moves)),
            reason=str(halted),
            dedupe_id=order.dedupe_id,
        )
    error.__cause__ = halted
    return error


# Planning


async def _async_draft(hass: HomeAssistant, request: MoveRequest, dedupe_id: str) -> _Draft:
    """Return what is to be moved: what is left of what was planned before, or else a new plan."""
    target = request.target
    if (order := target.transfers.find_order(dedupe_id)) is not None:
        if order.request != request.digest:
            problem = validation_error("dedupe_id_reused", dedupe_id=dedupe_id)
            return _draft_of_nothing(request, dedupe_id, problem)
        return await _async_draft_of_rest(hass, request, order)
    data = target.known
    if not request.bank_decides:
        data = await _async_read(hass, target)
        target.check_all(data)
    return await _async_draft_of_new(hass, request, dedupe_id, data)


def _draft_of_nothing(request: MoveRequest, dedupe_id: str, problem: HomeAssistantError) -> _Draft:
    """Return that nothing must be moved, before anything is planned."""
    return _Draft(
        order=None,
        unmade=_with_ids(request, dedupe_id, request.asked_for),
        short_by=Money.from_minor(0, request.target.currency),
        problems=(problem,),
    )


async def _async_draft_of_rest(
    hass: HomeAssistant, request: MoveRequest, order: TransferBatch
) -> _Draft:
    """Return what is left of an order, and why that must not be moved, if so.

    What is in the account and the pots may have changed since it was planned.
    """
    transfers = request.target.transfers
    unmade = transfers.unfinished(order)
    problems: list[HomeAssistantError] = []
    if unmade and not request.bank_decides:
        # What moves between looking and reading is taken off twice, and so never too little.
        rest = await transfers.async_not_shown(order)
        data = await _async_read(hass, request.target)
        if (key := request.objection(data, rest)) is not None:
            problems.append(validation_error(key))
    return _Draft(
        order=order,
        unmade=unmade,
        short_by=order.short_by,
        problems=(*problems, *transfers.problems(unmade)),
    )


async def _async_draft_of_new(
    hass: HomeAssistant, request: MoveRequest, dedupe_id: str, data: MonzoData
) -> _Draft:
    """Return what is to be moved where there is this."""
    plan, transfers = request.plan(data), request.target.transfers
    if not plan.moves:
        # An amount that somebody has asked for is to move, other than whatever is left over.
        problems = (_why_not(plan),) if request.asked_for else ()
        return _Draft(
            order=None,
            unmade=_with_ids(request, dedupe_id, request.asked_for),
            short_by=plan.short_by,
            problems=problems,
            nothing_because=plan.nothing_because,
        )
    order = TransferBatch(
        dedupe_id=dedupe_id,
        request=request.digest,
        moves=_with_ids(request, dedupe_id, plan.moves),
        short_by=plan.short_by,
    )
    locked = await _async_is_locked(hass, request, plan.moves, data)
    unmade = transfers.unfinished(order)
    return _Draft(
        order=order,
        unmade=unmade,
        short_by=plan.short_by,
        problems=(
            *((validation_error("pot_locked"),) if locked else ()),
            *transfers.problems(unmade),
        ),
    )


def _unmade(request: MoveRequest, dedupe_id: str) -> Mapping[str, Move]:
    """Return what a call is known to be about, and has not made, before anything is planned."""
    transfers = request.target.transfers
    if (order := transfers.find_order(dedupe_id)) is not None:
        return transfers.unfinished(order)
    return _with_ids(request, dedupe_id, request.asked_for)


def _with_ids(request: MoveRequest, dedupe_id: str, moves: Iterable[Move]) -> dict[str, Move]:
    """Return the moves of a call by the `dedupe_id` of each transfer."""
    return {
        f"{dedupe_id}/{place}" if request.in_parts else dedupe_id: move
        for place, move in enumerate(moves, start=1)
    }


def _why_not(plan: Plan) -> ServiceValidationError:
    """Return why a certain amount cannot be moved."""
    if plan.nothing_because is NothingToMove.ACCOUNT_OVERDRAWN:
        return validation_error("account_overdrawn")
    return validation_error("below_keep_at_least")


async def _async_is_locked(
    hass: HomeAssistant, request: MoveRequest, moves: Collection[Move], data: MonzoData
) -> bool:
    """Return whether a pot is locked that money is to come out of."""
    pot_ids = {move.pot_id for move in moves if move.direction is Direction.WITHDRAW}
    locked = {id_ for id_ in pot_ids if data.pots[id_].pot.locked}
    if not locked or not request.bank_decides:
        return bool(locked)
    # Not only as of the last poll.
    data = await _async_read(hass, request.target)
    if locked - data.pots.keys():
        raise validation_error("cannot_be_read")
    return any(data.pots[id_].pot.locked for id_ in locked)


async def _async_read(hass: HomeAssistant, target: PotTarget) -> MonzoData:
    """Read the account and its pots, unless that was done since the action was called.

    Raises ServiceValidationError if that fails.
    """
    if (data := await _async_read_since(hass, target, target.called_at)) is None:
        raise validation_error("cannot_be_read")
    return data


async def _async_read_again(hass: HomeAssistant, target: PotTarget) -> MonzoData | None:
    """Read the account and its pots now, and return what is known then.

    If that fails, return None: it does not change what has happened to the money.
    """
    return await _async_read_since(hass, target, time.monotonic())


async def _async_read_since(
    hass: HomeAssistant, target: PotTarget, since: float
) -> MonzoData | None:
    balances = target.runtime.balances
    try:
        await balances.async_refresh_account(target.account_id, since=since)
    except MonzoAuthenticationError:
        target.entry.async_start_reauth(hass)
        return None
    except MonzoError, HomeAssistantError:
        return None
    return balances.data


# Answering


def _answer(
    request: MoveRequest,
    dedupe_id: str | None,
    draft: _Draft,
    steps: Collection[MoveResult],
    data: MonzoData | None,
) -> dict[str, Any]:
    """Return what happened, with balances as far as they could be read afterwards."""
    target = request.target
    account = data.accounts.get(target.account_id) if data else None
    answer = {
        "result": _result(steps),
        "reason": _reason(request, draft, steps),
        "dedupe_id": dedupe_id,
        "currency": target.currency,
        "short_by": number(draft.short_by),
        "account_id": target.account_id,
        "account_balance": number(account.money) if account else None,
        "moves": [_row(target, step) for step in steps],
    }
    if not request.in_parts:
        pot = data.pots.get(target.pots[0].id) if data else None
        answer |= {
            "amount": next((number(step.move.amount) for step in steps), 0.0),
            "pot_id": target.pots[0].id,
            "pot": target.pots[0].pot.name,
            "pot_balance": number(pot.money) if pot else None,
        }
    return answer


def _result(steps: Collection[MoveResult]) -> str:
    """Return how all of it went, in a word."""
    results = {step.result for step in steps}
    if not results:
        return "nothing_to_do"
    if results == {MoveStatus.ALREADY_MOVED}:
        return MoveStatus.ALREADY_MOVED
    if results <= {MoveStatus.ALREADY_MOVED, MoveStatus.MOVED}:
        return MoveStatus.MOVED
    return MoveStatus.PLANNED if MoveStatus.PLANNED in results else "incomplete"


def _reason(request: MoveRequest, draft: _Draft, steps: Iterable[MoveResult]) -> str | None:
    """Return why nothing was moved, or not everything."""
    if draft.order is None:
        return draft.nothing_because
    if request.target.transfers.is_between_pots(draft.order):
        return "money_in_account"
    return next((step.error.translation_key for step in steps if step.error), None)


def _row(target: PotTarget, step: MoveResult) -> dict[str, Any]:
    """Return how one move went."""
    move = step.move
    return {
        "direction": move.direction,
        "pot_id": move.pot_id,
        "pot": next((pot.pot.name for pot in target.pots if pot.id == move.pot_id), None),
        "amount": number(move.amount),
        "currency": move.amount.currency,
        "result": step.result,
        "reason": step.error and step.error.translation_key,
        "message": step.error and str(step.error),
    }
