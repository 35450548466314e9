"""What to move so that money ends up where it is wanted: plans, made from balances alone.

Nothing here asks the bank or moves anything. The same balances and wishes always give the same
plan, and carrying it out leaves an account or a pot no less than what is to stay in it. Amounts are
whole minor units (pence). A percentage that comes to a fraction of one is rounded down, for each
part on its own; the pennies that this leaves go to the part that gets the remainder, or stay where
they are if there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from ..api import Money


class Direction(StrEnum):
    """Which way the money goes."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"


class NothingToMove(StrEnum):
    """Why there is nothing to move."""

    ALREADY_THERE = "already_there"
    """Everything is where it is wanted."""

    NOTHING_TO_SPARE = "nothing_to_spare"
    """The money would have to come from where there is no more than what is to stay there."""

    TOO_LITTLE = "too_little"
    """It would be less than a penny, or less than is worth moving."""

    OTHER_DIRECTION = "other_direction"
    """It would have to move the way that it is not to move."""

    ACCOUNT_OVERDRAWN = "account_overdrawn"
    """It would have to go through an account in which it would be stuck."""


@dataclass(frozen=True, slots=True)
class Percentage:
    """A part of what may be moved."""

    value: Decimal
    """Above 0, up to 100."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Whatever may be moved and nobody else gets."""


# How much of what may be moved is wanted.
type Share = Money | Percentage | Rest


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOrPotBalance:
    """An account or a pot, and what is in it."""

    id: str

    balance: Money
    """Negative for an account that is overdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one pot gets when money is handed out."""

    pot_id: str
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An amount to move between an account and a pot."""

    direction: Direction
    pot_id: str

    account_id: str
    """Where a deposit comes from and a withdrawal goes to."""

    amount: Money
    """Greater than zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to move, in this order."""

    moves: tuple[Move, ...] = ()

    nothing_because: NothingToMove | None = None
    """Why there is nothing to move; None if there is."""

    short_by: Money
    """How much more was wanted than can be moved; zero if everything comes as it is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """Between which account and which pot something moves, and which way."""

    direction: Direction
    pot_id: str
    account_id: str

    def carrying(self, minor: int, currency: str) -> Move:
        """Return a move of so many minor units."""
        return Move(
            direction=self.direction,
            pot_id=self.pot_id,
            account_id=self.account_id,
            amount=Money.from_minor(minor, currency),
        )


def plan_deposit(
    account: AccountOrPotBalance, pot_id: str, share: Share, *, keep_at_least: Money | None
) -> Plan:
    """Return how to move a share of what is in the account into one of its pots.

    Without `keep_at_least` the account is not overdrawn for it, unless a certain amount is to
    move: about that the bank decides.
    """
    route = _Route(direction=Direction.DEPOSIT, pot_id=pot_id, account_id=account.id)
    return _share_out_of(account, route, share, keep_at_least)


def plan_withdrawal(
    pot: AccountOrPotBalance, account_id: str, share: Share, *, keep_at_least: Money | None
) -> Plan:
    """Return how to move a share of what is in a pot into its account."""
    route = _Route(direction=Direction.WITHDRAW, pot_id=pot.id, account_id=account_id)
    return _share_out_of(pot, route, share, keep_at_least)


def plan_between_pots(
    source: AccountOrPotBalance,
    pot_id: str,
    account: AccountOrPotBalance,
    share: Share,
    *,
    keep_at_least: Money | None,
) -> Plan:
    """Return how to move a share of what is in a pot into another one of the same account.

    The bank knows no direct way, so it goes through the account, which has as much in the end as
    it had in the beginning. If that is less than nothing, the bank does not give it out again.
    """
    out = plan_withdrawal(source, account.id, share, keep_at_least=keep_at_least)
    if out.moves and account.balance.minor < 0:
        return _nothing(NothingToMove.ACCOUNT_OVERDRAWN, account.balance.currency)
    back = (replace(move, direction=Direction.DEPOSIT, pot_id=pot_id) for move in out.moves)
    return replace(out, moves=(*out.moves, *back))


def plan_set_pot_balance(
    account: AccountOrPotBalance,
    pot: AccountOrPotBalance,
    target: Money,
    *,
    most: Money | None,
    keep_at_least: Money | None,
) -> Plan:
    """Return how to bring a pot to an amount, from or to its account, or as near as possible.

    No more than `most` is moved, and nothing that takes the account below `keep_at_least`, or
    below zero without it.
    """
    currency = account.balance.currency
    missing = _minor(target, currency) - _minor(pot.balance, currency)
    there = _spare(account, keep_at_least) if missing > 0 else -missing
    return _as_much_as_possible(
        _Route(
            direction=Direction.DEPOSIT if missing > 0 else Direction.WITHDRAW,
            pot_id=pot.id,
            account_id=account.id,
        ),
        Money.from_minor(abs(missing), currency),
        _at_most(there, most, currency),
    )


def plan_keep_account_at(  # noqa: PLR0913 - each is one more thing that people may wish
    account: AccountOrPotBalance,
    pot: AccountOrPotBalance,
    target: Money,
    *,
    most: Money | None,
    smallest: Money | None,
    only: Direction | None,
) -> Plan:
    """Return how to bring an account to an amount, from or to a pot, or as near as possible.

    No more than `most` is moved, nothing less than `smallest`, and nothing the other way than
    `only`: deposits sweep what is too much, withdrawals top up what is missing.
    """
    currency = account.balance.currency
    surplus = _minor(account.balance, currency) - _minor(target, currency)
    direction = Direction.DEPOSIT if surplus > 0 else Direction.WITHDRAW
    if surplus != 0 and only not in {None, direction}:
        return _nothing(NothingToMove.OTHER_DIRECTION, currency)
    return _as_much_as_possible(
        _Route(direction=direction, pot_id=pot.id, account_id=account.id),
        Money.from_minor(abs(surplus), currency),
        _at_most(surplus if surplus > 0 else _spare(pot, None), most, currency),
        smallest=1 if smallest is None else _minor(smallest, currency),
    )


def plan_distribution(
    account: AccountOrPotBalance,
    parts: Sequence[Part],
    *,
    whole: Money | None,
    keep_at_least: Money | None,
) -> Plan:
    """Return how to hand out money of an account to its pots.

    What is handed out is `whole`, or else all that is above `keep_at_least`, or above zero without
    it; percentages are of this. Where it is too little for all, the first in the list come first:
    the last that gets something may get less than it was to get, and those after it nothing. Who
    gets the rest comes after all others, wherever in the list; if several do, the first of them.
    """
    currency = account.balance.currency
    spare = _spare(account, keep_at_least)
    pool = spare if whole is None else _minor(whole, currency)
    wanted = [_minor_share(part.share, pool, currency) for part in parts]
    given = [0] * len(parts)
    left = min(pool, spare)
    for place in _by_turn(parts):
        want = wanted[place]
        given[place] = left if want is None else min(want, left)
        left -= given[place]
    short_by = sum(want - got for want, got in zip(wanted, given, strict=True) if want is not None)
    if not any(given):
        why = NothingToMove.TOO_LITTLE if left else NothingToMove.NOTHING_TO_SPARE
        return _nothing(why, currency, short_by=short_by)
    moves = (
        _Route(direction=Direction.DEPOSIT, pot_id=part.pot_id, account_id=account.id).carrying(
            got, currency
        )
        for part, got in zip(parts, given, strict=True)
        if got
    )
    return Plan(moves=tuple(moves), short_by=Money.from_minor(short_by, currency))


def leaves_at_least(
    holding: AccountOrPotBalance, moves: Iterable[Move], keep_at_least: Money | None
) -> bool:
    """Return whether an account or a pot keeps what is to stay in it when these moves are made.

    For moves that were planned a while ago: what is in it may have changed since.
    """
    out = sum(_taken_from(holding, move) for move in moves)
    return out <= _spare(holding, keep_at_least)


def _taken_from(holding: AccountOrPotBalance, move: Move) -> int:
    """Return how many minor units a move takes from an account or a pot; negative if it gives."""
    if holding.id not in {move.account_id, move.pot_id}:
        return 0
    gives = Direction.DEPOSIT if holding.id == move.account_id else Direction.WITHDRAW
    return move.amount.minor if move.direction is gives else -move.amount.minor


def _share_out_of(
    source: AccountOrPotBalance, route: _Route, share: Share, keep_at_least: Money | None
) -> Plan:
    """Return how to move a share of what is in an account or a pot.

    It is all of the share or nothing. A certain amount is only held against what is to be kept,
    and otherwise left to the bank to refuse.
    """
    currency = source.balance.currency
    spare = _spare(source, keep_at_least)
    wanted = _minor_share(share, spare, currency)
    amount = spare if wanted is None else wanted
    limited = keep_at_least is not None or not isinstance(share, Money)
    if limited and (spare == 0 or amount > spare):
        return _nothing(NothingToMove.NOTHING_TO_SPARE, currency, short_by=amount - spare)
    if amount == 0:
        return _nothing(NothingToMove.TOO_LITTLE, currency)
    return Plan(moves=(route.carrying(amount, currency),), short_by=Money.from_minor(0, currency))


def _as_much_as_possible(route: _Route, wanted: Money, there: int, *, smallest: int = 1) -> Plan:
    """Return how to move what is wanted, or so many minor units of it as are there."""
    currency = wanted.currency
    amount = min(wanted.minor, there)
    short_by = wanted.minor - amount
    if wanted.minor == 0:
        return _nothing(NothingToMove.ALREADY_THERE, currency)
    if amount == 0:
        return _nothing(NothingToMove.NOTHING_TO_SPARE, currency, short_by=short_by)
    if amount < smallest:
        return _nothing(NothingToMove.TOO_LITTLE, currency, short_by=short_by)
    return Plan(
        moves=(route.carrying(amount, currency),), short_by=Money.from_minor(short_by, currency)
    )


def _at_most(there: int, most: Money | None, currency: str) -> int:
    """Return how many of the minor units that are there may be moved at once."""
    return there if most is None else min(there, _minor(most, currency))


def _nothing(why: NothingToMove, currency: str, *, short_by: int = 0) -> Plan:
    """Return a plan without a move."""
    return Plan(nothing_because=why, short_by=Money.from_minor(short_by, currency))


def _by_turn(parts: Sequence[Part]) -> list[int]:
    """Return the places of the parts, those last that get the rest."""
    return sorted(range(len(parts)), key=lambda place: isinstance(parts[place].share, Rest))


def _minor_share(share: Share, whole: int, currency: str) -> int | None:
    """Return how many minor units a share of a whole is; None if it is the rest."""
    match share:
        case Percentage(value):
            # Exact, whatever the digits: a context of decimals would round somewhere.
            numerator, denominator = value.as_integer_ratio()
            return whole * numerator // (denominator * 100)
        case Rest():
            return None
        case _:
            return _minor(share, currency)


def _spare(holding: AccountOrPotBalance, keep_at_least: Money | None) -> int:
    """Return how many minor units can be given away so that this much stays, or nothing is owed."""
    currency = holding.balance.currency
    keep = 0 if keep_at_least is None else _minor(keep_at_least, currency)
    return max(0, _minor(holding.balance, currency) - keep)


def _minor(money: Money, currency: str) -> int:
    """Return an amount in minor units of the currency that it has to be in."""
    if money.currency != currency:
        message = "amounts of different currencies cannot be planned together"
        raise ValueError(message)
    return money.minor
