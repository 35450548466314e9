"""What the actions that move money share: aiming, planning, moving, and telling what happened."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import service
import voluptuous as vol

from ..api import Money, MonzoAuthenticationError, MonzoError, currency_exponent
from ..const import DOMAIN
from ..devices import subject_id
from ..errors import bank_errors, failed, refused
from ..journal import Order
from ..models import MonzoData, PotState
from ..plans import Direction, Holding, Move, NothingToMove, Percentage, Plan, Rest, Share
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from ..transfers import Step, StepResult, Transfers
from .common import AMOUNT, ATTR_ACCOUNT, ATTR_AMOUNT, number, positive_amount

ATTR_DEDUPE_ID: Final = "dedupe_id"
ATTR_DRY_RUN: Final = "dry_run"
ATTR_EVERYTHING: Final = "everything"
ATTR_KEEP_AT_LEAST: Final = "keep_at_least"
ATTR_PERCENTAGE: Final = "percentage"
ATTR_POT: Final = "pot"

# Longer than any id that a person or a template makes up.
LONGEST_DEDUPE_ID: Final = 128

# Longer than any percentage that makes sense, and short enough to be exact with at once.
LONGEST_PERCENTAGE: Final = 16


def percentage(value: object) -> Percentage:
    """Return a percentage above 0, up to 100, exactly as it is written."""
    text = str(value).strip()
    if len(text) <= LONGEST_PERCENTAGE and AMOUNT.fullmatch(text) and 0 < Decimal(text) <= 100:  # noqa: PLR2004
        return Percentage(Decimal(text))
    message = "expected a percentage above 0, up to 100"
    raise vol.Invalid(message)


# Whether something is an amount depends on the currency, so the handlers decide.
ANY_AMOUNT: Final = object

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The pots that an action was aimed at, with the account that they belong to."""

    entry: MonzoConfigEntry

    runtime: MonzoRuntimeData
    """The entry's own, which it may lose while money is on its way."""

    pots: tuple[PotState, ...]
    """As they were known when the action was called; at least one."""

    @property
    def account_id(self) -> str:
        """The account of all the pots."""
        return self.pots[0].account_id

    @property
    def currency(self) -> str:
        """The currency of the account and the pots."""
        return self.pots[0].currency

    @property
    def transfers(self) -> Transfers:
        """What moves the money."""
        return self.runtime.transfers

    @property
    def known(self) -> MonzoData:
        """What is known without asking the bank."""
        return self.runtime.balances.data

    def account(self, data: MonzoData) -> Holding:
        """Return what is in the account; raises ServiceValidationError if nobody can tell."""
        if (account := data.accounts.get(self.account_id)) is None:
            raise refused("cannot_be_read")
        return Holding(id=account.id, balance=account.balance.balance)

    def check_all(self, data: MonzoData) -> None:
        """Raise ServiceValidationError if one of the pots is not there any more."""
        for place in range(len(self.pots)):
            self.pot(data, place)

    def pot(self, data: MonzoData, place: int = 0) -> Holding:
        """Return what is in one of the pots; raises ServiceValidationError if nobody can tell."""
        if (pot := data.pots.get(self.pots[place].id)) is None:
            raise refused("cannot_be_read")
        return Holding(id=pot.id, balance=pot.pot.balance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a call asks for."""

    target: Target

    request: str
    """A text that is another one for everything else that can be asked for."""

    plan: Callable[[MonzoData], Plan]
    """Says what to move, from what there is."""

    share: Share | None = None
    """How much is to move out of one purse, if that is the wish."""

    keep_at_least: Money | None = None
    """What is to stay in the purse that money is moved out of."""

    in_parts: bool = False
    """Whether it is moved in several transfers, between which it may end."""

    still_fits: Callable[[MonzoData, Collection[Move]], bool] | None = None
    """Says whether what is left of an earlier plan still fits what there is, if it has to."""

    @property
    def is_certain(self) -> bool:
        """Whether it does not matter what is in the purses: the bank knows best."""
        wants_amount = isinstance(self.share, Money)
        return wants_amount and self.keep_at_least is None and not self.in_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What is about to be moved for a wish, before anything is."""

    order: Order | None
    """None if there is nothing to move."""

    unmade: Mapping[str, Move]
    """What is not made yet, or is not to be made, by the `dedupe_id` of each transfer."""

    short_by: Money

    problems: tuple[HomeAssistantError, ...]
    """Why it must not be moved, if so."""

    nothing_because: NothingToMove | None = None


# Aiming


@callback
def async_target(call: ServiceCall, *device_ids: str) -> Target:
    """Return the pots that an action is aimed at, by their devices.

    Raises ServiceValidationError if one is no pot, or if they do not all belong to one account,
    which is the one that is given, if one is.
    """
    pots: list[PotState] = []
    entries: set[MonzoConfigEntry] = set()
    for device_id in device_ids:
        entry, found = _find(call.hass, device_id)
        subject = entry.runtime_data.balances.data.subject(found)
        if not isinstance(subject, PotState):
            raise refused("not_a_pot" if subject else "cannot_be_read")
        pots.append(subject)
        entries.add(entry)
    if len({pot.account_id for pot in pots}) > 1:
        raise refused("pots_of_several_accounts")
    (entry,) = entries
    if ATTR_ACCOUNT in call.data and _find(call.hass, call.data[ATTR_ACCOUNT]) != (
        entry,
        pots[0].account_id,
    ):
        raise refused("not_the_pots_account")
    return Target(entry=entry, runtime=entry.runtime_data, pots=tuple(pots))


@callback
def _find(hass: HomeAssistant, device_id: str) -> tuple[MonzoConfigEntry, str]:
    """Return what a device stands for, and its loaded config entry.

    Raises ServiceValidationError if there is no such device, or it is not Monzo's.
    """
    entry: MonzoConfigEntry
    device, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    return entry, subject_id(device) or ""


# How much


def share_of(fields: Mapping[str, Any], currency: str, *, rest: str = ATTR_EVERYTHING) -> Share:
    """Return how much is to move, which exactly one field says.

    Raises ServiceValidationError if none or several do, or if one holds no such amount.
    """
    given = [field for field in (ATTR_AMOUNT, ATTR_PERCENTAGE) if field in fields]
    given += [rest] if fields.get(rest) else []
    if len(given) != 1:
        raise refused("one_of_these", fields=f"{ATTR_AMOUNT}, {ATTR_PERCENTAGE}, {rest}")
    if given == [ATTR_AMOUNT]:
        return positive_amount(fields[ATTR_AMOUNT], currency)
    if given == [ATTR_PERCENTAGE]:
        share: Percentage = fields[ATTR_PERCENTAGE]
        return share
    return Rest()


def amount_in(call: ServiceCall, field: str, currency: str) -> Money:
    """Return the amount that a field holds, zero or more.

    Raises ServiceValidationError if it holds something else.
    """
    amount = amount_or_none(call.data[field], currency)
    if amount is None:
        raise refused(
            "invalid_amount_in_field",
            field=field,
            currency=currency,
            decimals=str(currency_exponent(currency)),
        )
    return amount


def optional_amount(call: ServiceCall, field: str, currency: str) -> Money | None:
    """Return the amount that a field holds, zero or more; None if the field is not there.

    Raises ServiceValidationError if it holds something else.
    """
    return amount_in(call, field, currency) if field in call.data else None


def amount_or_none(value: object, currency: str) -> Money | None:
    """Return an exact amount, zero or more; None if it is something else."""
    try:
        text = str(value).strip()
        if AMOUNT.fullmatch(text) and not text.strip("0."):
            return Money.from_minor(0, currency)
        return positive_amount(text, currency)
    except ValueError, ServiceValidationError:
        # Too large for Python to write it down, or no amount.
        return None


def request_text(call: ServiceCall, *parts: object) -> str:
    """Return a text that is the same only for a call that asks for the same.

    It is a digest, so that it says nothing to anybody else.
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


async def async_fulfil(call: ServiceCall, wish: Wish) -> ServiceResponse:
    """Plan what is wished for, move it, and answer with what happened.

    The same wish under the same id as before is not planned anew, but finished as planned then.
    """
    async with bank_errors(call.hass, wish.target.entry):
        if call.data[ATTR_DRY_RUN]:
            return await _async_preview(call, wish)
        return await _async_move(call, wish)


async def _async_preview(call: ServiceCall, wish: Wish) -> ServiceResponse:
    """Answer with the plan, and move nothing."""
    dedupe_id = call.data.get(ATTR_DEDUPE_ID)
    if dedupe_id and (problem := _reused(wish, dedupe_id)):
        nothing = Money.from_minor(0, wish.target.currency)
        draft = _Draft(order=None, unmade={}, short_by=nothing, problems=(problem,))
    else:
        draft = await _async_draft(call.hass, wish, dedupe_id or uuid4().hex)
    steps = wish.target.transfers.preview(draft.order) if draft.order else ()
    return {
        **_answer(wish, dedupe_id, draft, steps, wish.target.known),
        "problems": [
            {"reason": problem.translation_key, "message": str(problem)}
            for problem in draft.problems
        ],
    }


async def _async_move(call: ServiceCall, wish: Wish) -> ServiceResponse:
    """Move what is wished for, and answer with what happened."""
    target, transfers = wish.target, wish.target.transfers
    dedupe_id = call.data.get(ATTR_DEDUPE_ID) or uuid4().hex
    # Nobody else plans on what is in the account until this has been taken out of it.
    planning = nullcontext() if wish.is_certain else transfers.lock("account", target.account_id)
    async with transfers.lock("call", dedupe_id), planning:
        draft = await _async_draft(call.hass, wish, dedupe_id)
        for problem in draft.problems:
            transfers.async_refuse(draft.unmade, problem)
            raise problem
        steps = await transfers.async_carry_out(draft.order) if draft.order else ()
    halted = next((step.error for step in steps if step.error), None)
    if halted is None or (wish.in_parts and call.return_response):
        data = await _async_read_again(call.hass, target)
        return _answer(wish, dedupe_id, draft, steps, data)
    if not isinstance(halted, ServiceValidationError):
        # The balances are all that is left to tell what happened. Nobody waits for them.
        target.entry.async_create_background_task(
            call.hass, _async_read_again(call.hass, target), "read Monzo again"
        )
    raise _in_short(wish, draft.order, steps, halted)


def _in_short(
    wish: Wish, order: Order | None, steps: Iterable[Step], halted: HomeAssistantError
) -> HomeAssistantError:
    """Return what to raise when not everything was moved, for who has not asked for more."""
    moved = sum(step.result in {StepResult.MOVED, StepResult.ALREADY_MOVED} for step in steps)
    if order is None or moved == 0:
        return halted
    if wish.target.transfers.is_between_pots(order):
        error = failed("money_in_account", reason=str(halted), dedupe_id=order.dedupe_id)
    else:
        error = failed(
            "moves_interrupted",
            moved=str(moved),
            planned=str(len(order.moves)),
            reason=str(halted),
            dedupe_id=order.dedupe_id,
        )
    error.__cause__ = halted
    return error


# Planning


async def _async_draft(hass: HomeAssistant, wish: Wish, dedupe_id: str) -> _Draft:
    """Return what is to be moved: what is left of what was planned before, or else a new plan.

    Raises ServiceValidationError if the id was used for something else.
    """
    if problem := _reused(wish, dedupe_id):
        raise problem
    transfers = wish.target.transfers
    if (order := transfers.find_order(dedupe_id)) is not None:
        problems = await _async_problems_of_rest(hass, wish, order)
        return _Draft(
            order=order,
            unmade=transfers.unfinished(order),
            short_by=order.short_by,
            problems=problems,
        )
    data = wish.target.known
    if not wish.is_certain:
        data = await _async_read(hass, wish.target)
        wish.target.check_all(data)
    return await _async_draft_of(hass, wish, dedupe_id, data)


def _reused(wish: Wish, dedupe_id: str) -> ServiceValidationError | None:
    """Return what is wrong with an id that was used for something else, if it was."""
    order = wish.target.transfers.find_order(dedupe_id)
    if order is None or order.request == wish.request:
        return None
    return refused("dedupe_id_reused", dedupe_id=dedupe_id)


async def _async_draft_of(
    hass: HomeAssistant, wish: Wish, dedupe_id: str, data: MonzoData
) -> _Draft:
    """Return what is to be moved where there is this."""
    plan, transfers = wish.plan(data), wish.target.transfers
    if not plan.moves:
        # An amount that somebody has asked for is to move, other than whatever is left over.
        problems = (_why_not(plan),) if isinstance(wish.share, Money) else ()
        return _Draft(
            order=None,
            unmade=_with_ids(wish, dedupe_id, [plan.refused] if plan.refused else ()),
            short_by=plan.short_by,
            problems=problems,
            nothing_because=plan.nothing_because,
        )
    order = Order(
        dedupe_id=dedupe_id,
        request=wish.request,
        moves=_with_ids(wish, dedupe_id, plan.moves),
        short_by=plan.short_by,
    )
    locked = await _async_is_locked(hass, wish, plan.moves, data)
    unmade = transfers.unfinished(order)
    return _Draft(
        order=order,
        unmade=unmade,
        short_by=plan.short_by,
        problems=(*((refused("pot_locked"),) if locked else ()), *transfers.problems(unmade)),
    )


def _with_ids(wish: Wish, dedupe_id: str, moves: Iterable[Move]) -> dict[str, Move]:
    """Return the moves of a call by the `dedupe_id` of each transfer."""
    return {
        f"{dedupe_id}/{place}" if wish.in_parts else dedupe_id: move
        for place, move in enumerate(moves, start=1)
    }


def _why_not(plan: Plan) -> ServiceValidationError:
    """Return why a certain amount cannot be moved."""
    if plan.nothing_because is NothingToMove.ACCOUNT_OVERDRAWN:
        return refused("account_overdrawn")
    return refused("below_keep_at_least")


async def _async_problems_of_rest(
    hass: HomeAssistant, wish: Wish, order: Order
) -> tuple[HomeAssistantError, ...]:
    """Return why what is left of an order must not be moved, if so.

    What is in the account may have changed since it was planned.
    """
    transfers = wish.target.transfers
    problems: list[HomeAssistantError] = []
    unfinished = transfers.unfinished(order)
    if wish.still_fits is not None and unfinished:
        # What moves between looking and reading is taken off twice, and so never too little.
        rest = await transfers.async_not_shown(order)
        data = await _async_read(hass, wish.target)
        if not wish.still_fits(data, rest):
            problems.append(refused("below_keep_at_least"))
    return (*problems, *transfers.problems(unfinished))


async def _async_is_locked(
    hass: HomeAssistant, wish: Wish, moves: Collection[Move], data: MonzoData
) -> bool:
    """Return whether a pot is locked that money is to come out of."""
    pot_ids = {move.pot_id for move in moves if move.direction is Direction.WITHDRAW}
    locked = {id_ for id_ in pot_ids if data.pots[id_].pot.locked}
    if not locked or not wish.is_certain:
        return bool(locked)
    # Not only as of the last poll.
    data = await _async_read(hass, wish.target)
    if locked - data.pots.keys():
        raise refused("cannot_be_read")
    return any(data.pots[id_].pot.locked for id_ in locked)


async def _async_read(hass: HomeAssistant, target: Target) -> MonzoData:
    """Read the account and its pots now; raises ServiceValidationError if that fails."""
    if (data := await _async_read_again(hass, target)) is None:
        raise refused("cannot_be_read")
    return data


async def _async_read_again(hass: HomeAssistant, target: Target) -> MonzoData | None:
    """Read the account and its pots again, and return what is known then.

    If that fails, return None: it does not change what has happened to the money.
    """
    balances = target.runtime.balances
    try:
        await balances.async_read_account(target.account_id)
    except MonzoAuthenticationError:
        target.entry.async_start_reauth(hass)
        return None
    except MonzoError, HomeAssistantError:
        return None
    return balances.data


# Answering


def _answer(
    wish: Wish,
    dedupe_id: str | None,
    draft: _Draft,
    steps: Collection[Step],
    data: MonzoData | None,
) -> dict[str, Any]:
    """Return what happened, with balances as far as they could be read afterwards."""
    target = wish.target
    account = data.accounts.get(target.account_id) if data else None
    answer = {
        "result": _result(steps),
        "reason": _reason(wish, draft, steps),
        "dedupe_id": dedupe_id,
        "currency": target.currency,
        "short_by": number(draft.short_by),
        "account_id": target.account_id,
        "account_balance": number(account.balance.balance) if account else None,
        "moves": [_row(target, step) for step in steps],
    }
    if not wish.in_parts:
        pot = data.pots.get(target.pots[0].id) if data else None
        answer |= {
            "amount": next((number(step.move.amount) for step in steps), 0.0),
            "pot_id": target.pots[0].id,
            "pot": target.pots[0].pot.name,
            "pot_balance": number(pot.pot.balance) if pot else None,
        }
    return answer


def _result(steps: Collection[Step]) -> str:
    """Return how all of it went, in a word."""
    results = {step.result for step in steps}
    if not results:
        return "nothing_to_do"
    if results == {StepResult.ALREADY_MOVED}:
        return StepResult.ALREADY_MOVED
    if results <= {StepResult.ALREADY_MOVED, StepResult.MOVED}:
        return StepResult.MOVED
    return StepResult.PLANNED if StepResult.PLANNED in results else "incomplete"


def _reason(wish: Wish, draft: _Draft, steps: Iterable[Step]) -> str | None:
    """Return why nothing was moved, or not everything."""
    if draft.order is None:
        return draft.nothing_because
    if wish.target.transfers.is_between_pots(draft.order):
        return "money_in_account"
    return next((step.error.translation_key for step in steps if step.error), None)


def _row(target: Target, step: Step) -> dict[str, Any]:
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
