"""Plans: the batch of transfers that fulfils a request, given the balances.

Each action that moves money has a class of requests here. Planning is pure: it neither reads
balances nor moves money, and the same request and balances always give the same plan. A plan never
takes an account or pot below the minimum to keep. Each percentage is rounded down to whole minor
units (pence), and the difference goes to the pot with the remainder, if there is one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import ClassVar, override

from ..api import Money
from .models import BatchKind, Move, MoveDirection, NothingToMove, TransferBatch

# Balances by the ID of the account or pot. The balance of an overdrawn account is negative.
type Balances = Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class Percentage:
    """A percentage of the available money."""

    value: Decimal
    """Above 0, up to 100."""

    def of(self, whole: Money) -> Money:
        """Return this part of an amount, rounded down to whole minor units."""
        # A ratio of integers is exact. Decimal arithmetic would round to the digits of its context.
        numerator, denominator = self.value.as_integer_ratio()
        return Money.from_minor(whole.minor * numerator // (denominator * 100), whole.currency)


@dataclass(frozen=True, slots=True)
class Remainder:
    """The money that is left after all other shares."""


# The part of the available money to move.
type Share = Money | Percentage | Remainder


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest(ABC):
    """A request to move money between an account and its pots, made by one call of an action."""

    action: ClassVar[str]
    """The name of the action. It is part of the fingerprint."""

    kind: ClassVar[BatchKind] = BatchKind.SINGLE

    dedupe_id: str
    """The ID of the call. A request that is repeated with it continues its earlier plan."""

    is_id_new: bool
    """Whether the ID was created for this call, and not given by the user."""

    account_id: str
    pot_ids: tuple[str, ...]
    currency: str

    keep_at_least: Money | None = None
    """The minimum to leave in the source, if the request has one."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A stored digest that is the same only for equal requests, and does not reveal them."""

    @abstractmethod
    def plan(self, balances: Balances) -> TransferBatch:
        """Return the transfers that fulfil the request, or the reason why there are none."""

    @property
    def explicit_moves(self) -> Mapping[str, Move]:
        """The moves of a request for an exact amount, which are known without a plan.

        They are given by the `dedupe_id` of their transfers. If they are impossible, the call
        fails. If the moves of other requests are impossible, there is just nothing to do.
        """
        return {}

    @property
    def skip_balance_check(self) -> bool:
        """Whether the plan needs no balances, because the bank checks that they suffice."""
        return False

    @property
    def source_id(self) -> str:
        """The account or pot in which the minimum must stay."""
        return self.account_id

    @property
    def minimum(self) -> Money:
        """The minimum to leave in the source: zero, so that it is not overdrawn, or more."""
        return self.zero if self.keep_at_least is None else self.keep_at_least

    @property
    def zero(self) -> Money:
        """An amount of zero."""
        return Money.zero(self.currency)

    def spare(self, balances: Balances) -> Money:
        """Return the money in the source above the minimum."""
        return max(balances[self.source_id] - self.minimum, self.zero)

    def outgoing(self, moves: Iterable[Move]) -> Money:
        """Return the amount that moves take out of the source; negative if they add to it."""
        return -sum((move.delta(self.source_id) for move in moves), self.zero)

    def recheck(self, balances: Balances, moves: Collection[Move]) -> NothingToMove | None:
        """Return the reason why moves of an earlier plan are impossible by now; None if none."""
        is_possible = self.outgoing(moves) <= self.spare(balances)
        return None if is_possible else NothingToMove.NOTHING_TO_SPARE

    def move(self, direction: MoveDirection, pot_id: str, amount: Money) -> Move:
        """Return a move between the account and one of the pots."""
        return Move(direction=direction, pot_id=pot_id, account_id=self.account_id, amount=amount)

    def batch(
        self,
        moves: Iterable[Move],
        shortfall: Money,
        nothing_because: NothingToMove | None = None,
    ) -> TransferBatch:
        """Return the batch of these moves."""
        return TransferBatch(
            dedupe_id=self.dedupe_id,
            kind=self.kind,
            fingerprint=self.fingerprint,
            moves=self.kind.with_ids(self.dedupe_id, moves),
            shortfall=shortfall,
            is_id_new=self.is_id_new,
            nothing_because=nothing_because,
        )

    def nothing(self, why: NothingToMove, shortfall: Money) -> TransferBatch:
        """Return a batch without a move."""
        return self.batch((), shortfall, why)

    def as_much_as_possible(self, move: Move, available: Money) -> TransferBatch:
        """Return a plan for a move, reduced to the available amount."""
        amount = min(move.amount, available)
        shortfall = move.amount - amount
        if move.amount == self.zero:
            return self.nothing(NothingToMove.ALREADY_THERE, shortfall)
        if amount == self.zero:
            return self.nothing(NothingToMove.NOTHING_TO_SPARE, shortfall)
        return self.batch([replace(move, amount=amount)], shortfall)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRequest(TransferRequest):
    """A request to move a share of the money in the source: the whole share, or nothing."""

    share: Share

    @property
    @abstractmethod
    def steps(self) -> tuple[tuple[MoveDirection, str], ...]:
        """The directions and pots of the moves from the source to the destination."""

    def moves(self, amount: Money) -> tuple[Move, ...]:
        """Return the moves of an amount from the source to the destination."""
        return tuple(
            Move(direction=direction, pot_id=pot_id, account_id=self.account_id, amount=amount)
            for direction, pot_id in self.steps
        )

    @property
    @override
    def fingerprint(self) -> str:
        return _digest(self.action, *self.pot_ids, self.share, self.keep_at_least)

    @property
    @override
    def explicit_moves(self) -> Mapping[str, Move]:
        moves = self.moves(self.share) if isinstance(self.share, Money) else ()
        return self.kind.with_ids(self.dedupe_id, moves)

    @property
    def is_unlimited(self) -> bool:
        """Whether the amount is exact and no minimum must stay, so that the bank can check it."""
        return isinstance(self.share, Money) and self.keep_at_least is None

    @property
    @override
    def skip_balance_check(self) -> bool:
        return self.is_unlimited

    @override
    def plan(self, balances: Balances) -> TransferBatch:
        spare = self.spare(balances)
        match self.share:
            case Money():
                amount = self.share
            case Percentage():
                amount = self.share.of(spare)
            case Remainder():
                amount = spare
        if not self.is_unlimited and (spare == self.zero or amount > spare):
            return self.nothing(NothingToMove.NOTHING_TO_SPARE, amount - spare)
        if amount == self.zero:
            return self.nothing(NothingToMove.TOO_LITTLE, self.zero)
        return self.batch(self.moves(amount), self.zero)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(ShareRequest):
    """A request to move a share of an account's money into a pot."""

    action = "deposit_into_pot"

    @property
    @override
    def steps(self) -> tuple[tuple[MoveDirection, str], ...]:
        return ((MoveDirection.DEPOSIT, self.pot_ids[0]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(ShareRequest):
    """A request to move a share of a pot's money into its account."""

    action = "withdraw_from_pot"

    @property
    @override
    def source_id(self) -> str:
        return self.pot_ids[0]

    @property
    @override
    def steps(self) -> tuple[tuple[MoveDirection, str], ...]:
        return ((MoveDirection.WITHDRAW, self.pot_ids[0]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBetweenPots(ShareRequest):
    """A request to move a share of a pot's money into another pot of the same account.

    Monzo has no direct transfer between pots, so the money goes through the account.
    """

    action = "move_between_pots"
    kind = BatchKind.BETWEEN_POTS

    @property
    @override
    def source_id(self) -> str:
        return self.pot_ids[0]

    @property
    @override
    def skip_balance_check(self) -> bool:
        # In an overdrawn account, the money would get stuck, and the bank does not check that.
        return False

    @property
    @override
    def steps(self) -> tuple[tuple[MoveDirection, str], ...]:
        source_id, destination_id = self.pot_ids
        return ((MoveDirection.WITHDRAW, source_id), (MoveDirection.DEPOSIT, destination_id))

    @override
    def plan(self, balances: Balances) -> TransferBatch:
        plan = super().plan(balances)
        if plan.moves and balances[self.account_id] < self.zero:
            return self.nothing(NothingToMove.ACCOUNT_OVERDRAWN, self.zero)
        return plan

    @override
    def recheck(self, balances: Balances, moves: Collection[Move]) -> NothingToMove | None:
        if not any(move.direction is MoveDirection.WITHDRAW for move in moves):
            # The money is already in the account, and the bank checks that it still is.
            return None
        if balances[self.account_id] < self.zero:
            return NothingToMove.ACCOUNT_OVERDRAWN
        return super().recheck(balances, moves)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPotBalance(TransferRequest):
    """A request to bring a pot to, or closer to, a target balance, from or to its account."""

    action = "set_pot_balance"

    amount: Money | None
    """The target; None for the amount that an entity shows."""

    followed_entity: str
    """The entity ID; an empty text if the request has an amount."""

    read_followed: Callable[[], Money]
    """Returns the amount that the entity shows when the plan is made."""

    most: Money | None
    """The most to move in either direction."""

    @property
    @override
    def fingerprint(self) -> str:
        # The entity may show another amount when the call is repeated.
        return _digest(
            self.action,
            *self.pot_ids,
            self.amount,
            self.followed_entity,
            self.most,
            self.keep_at_least,
        )

    @override
    def plan(self, balances: Balances) -> TransferBatch:
        (pot_id,) = self.pot_ids
        target = self.read_followed() if self.amount is None else self.amount
        missing = target - balances[pot_id]
        if missing > self.zero:
            move = self.move(MoveDirection.DEPOSIT, pot_id, missing)
            available = self.spare(balances)
        else:
            move = self.move(MoveDirection.WITHDRAW, pot_id, -missing)
            available = -missing
        return self.as_much_as_possible(move, _capped(available, self.most))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAccountAt(TransferRequest):
    """A request to bring an account to, or closer to, a target balance, by one of its pots."""

    action = "keep_account_at"

    amount: Money
    """The target, zero or more."""

    most: Money | None
    """The most to move in either direction."""

    smallest: Money | None
    """The smallest amount that is worth a transfer."""

    only: MoveDirection | None
    """The only direction to move in; None for both.

    Deposits sweep a surplus, and withdrawals top the account up.
    """

    @property
    @override
    def fingerprint(self) -> str:
        return _digest(self.action, *self.pot_ids, self.amount, self.most, self.smallest, self.only)

    @property
    @override
    def minimum(self) -> Money:
        return self.amount

    @override
    def plan(self, balances: Balances) -> TransferBatch:
        (pot_id,) = self.pot_ids
        surplus = balances[self.account_id] - self.amount
        if surplus > self.zero:
            move = self.move(MoveDirection.DEPOSIT, pot_id, surplus)
            available = surplus
        else:
            move = self.move(MoveDirection.WITHDRAW, pot_id, -surplus)
            available = max(balances[pot_id], self.zero)
        if surplus != self.zero and self.only not in {None, move.direction}:
            return self.nothing(NothingToMove.OTHER_DIRECTION, self.zero)
        plan = self.as_much_as_possible(move, _capped(available, self.most))
        if self.smallest is not None and any(
            move.amount < self.smallest for move in plan.moves.values()
        ):
            return self.nothing(NothingToMove.TOO_LITTLE, plan.shortfall)
        return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution(TransferRequest):
    """A request to distribute money of an account to its pots.

    If there is too little money for all shares, earlier pots come first: the last pot that gets
    money may get less than its share, and the pots after it get none. A pot with the remainder
    always comes after all others.
    """

    action = "distribute"
    kind = BatchKind.DISTRIBUTION

    shares: tuple[Share, ...]
    """The share of each pot, in the order of the pots."""

    whole: Money | None
    """The amount to distribute; None for all money above the minimum.

    Percentages are taken of this amount.
    """

    @property
    @override
    def fingerprint(self) -> str:
        parts = (part for pair in zip(self.pot_ids, self.shares, strict=True) for part in pair)
        return _digest(self.action, self.whole, self.keep_at_least, *parts)

    @override
    def plan(self, balances: Balances) -> TransferBatch:
        spare = self.spare(balances)
        pool = spare if self.whole is None else self.whole
        left = min(pool, spare)
        granted = dict.fromkeys(range(len(self.shares)), self.zero)
        shortfall = self.zero
        for place in sorted(granted, key=lambda place: isinstance(self.shares[place], Remainder)):
            share = self.shares[place]
            match share:
                case Money():
                    wanted = share
                case Percentage():
                    wanted = share.of(pool)
                case Remainder():
                    wanted = left
            granted[place] = min(wanted, left)
            left -= granted[place]
            shortfall += wanted - granted[place]
        moves = tuple(
            self.move(MoveDirection.DEPOSIT, pot_id, got)
            for pot_id, got in zip(self.pot_ids, granted.values(), strict=True)
            if got > self.zero
        )
        if not moves:
            is_empty = left == self.zero
            why = NothingToMove.NOTHING_TO_SPARE if is_empty else NothingToMove.TOO_LITTLE
            return self.nothing(why, shortfall)
        return self.batch(moves, shortfall)


def _capped(available: Money, most: Money | None) -> Money:
    """Return the available money, limited to the most to move."""
    return available if most is None else min(available, most)


def _digest(action: str, *parts: Share | str | None) -> str:
    """Return the fingerprint of a request.

    Journals contain such digests since release 1.0.0, so their format must not change: a call that
    is repeated after an update must be recognized.
    """
    texts = [action]
    for part in parts:
        match part:
            case Money(amount, currency):
                texts.append(f"{amount} {currency}")
            case Percentage(value):
                texts.append(f"{value.normalize()}%")
            case Remainder():
                texts.append("rest")
            case _:
                texts.append(str(part))
    return sha256("\n".join(texts).encode()).hexdigest()
