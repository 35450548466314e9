"""Transfers between an account and its pots, and the batches that actions make of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..api import Money, Private, Transaction


class MoveDirection(StrEnum):
    """The direction of a move."""

    DEPOSIT = "deposit"
    """From the account into a pot."""

    WITHDRAW = "withdraw"
    """From a pot into the account."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Move(Private):
    """An amount to move between an account and one of its pots."""

    direction: MoveDirection
    pot_id: str
    account_id: str

    amount: Money
    """Greater than zero in both directions."""

    @property
    def account_delta(self) -> Money:
        """The change of the account's balance: negative for a deposit."""
        return -self.amount if self.direction is MoveDirection.DEPOSIT else self.amount

    def delta(self, account_or_pot_id: str) -> Money:
        """Return the change of the balance of an account or a pot; zero for all others."""
        if account_or_pot_id == self.account_id:
            return self.account_delta
        if account_or_pot_id == self.pot_id:
            return -self.account_delta
        return Money.zero(self.amount.currency)


class TransferStatus(StrEnum):
    """The progress of a transfer. The values are stored."""

    PENDING = "pending"
    """No answer was lost, so it has not happened unless it is being sent at this moment."""

    DONE = "done"
    """Confirmed by the bank."""

    IN_DOUBT = "in_doubt"
    """Sent without an answer about whether the money moved. It may have happened."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Transfer(Private):
    """A move as it is sent to the bank."""

    dedupe_id: str
    """The bank makes only one transfer with this ID."""

    move: Move

    asked_at: datetime
    """The time of the first request, by the bank's clock. The bank cannot have made it earlier."""

    sent_at: datetime
    """The time of the last attempt, by the bank's clock.

    The transfer counts towards the daily limit for 24 hours from then.
    """

    status: TransferStatus = TransferStatus.PENDING

    published: bool = False
    """Whether the result of the last attempt was published."""

    def matches(self, transaction: Transaction) -> bool:
        """Return whether a transaction of the account shows that this transfer happened."""
        return (
            not transaction.declined
            and transaction.amount == self.move.account_delta
            and transaction.pot_id in (self.move.pot_id, None)
            and self.has_id_of(transaction)
        )

    def has_id_of(self, transaction: Transaction) -> bool:
        """Return whether a transaction belongs to this transfer, or to an attempt to make it."""
        return _dedupe_id_of(transaction) == self.dedupe_id

    def template_variables(self, pot_name: str | None) -> dict[str, Any]:
        """Return the attributes of this transfer for automations and templates."""
        return {
            "direction": self.move.direction.value,
            "amount": float(self.move.amount.amount),
            "currency": self.move.amount.currency,
            "pot": pot_name,
            "dedupe_id": self.dedupe_id,
        }


def _dedupe_id_of(transaction: Transaction) -> str:
    """Return the `dedupe_id` of the transfer behind a transaction; empty for other transactions.

    Monzo returns it as `external_id`, and as the last of the four parts of its own `dedupe_id`:
    pot, account, direction, and this ID. Both appear in recorded round-ups.
    """
    if transaction.external_id is not None:
        return transaction.external_id
    return ":".join((transaction.dedupe_id or "").split(":")[3:])


class BatchKind(StrEnum):
    """The transfers that a batch consists of. The values are stored."""

    SINGLE = "single"
    """One transfer."""

    DISTRIBUTION = "distribution"
    """Deposits into several pots."""

    BETWEEN_POTS = "between_pots"
    """A withdrawal from one pot, then a deposit into another one."""

    @property
    def is_multi_step(self) -> bool:
        """Whether the batch can stop between two transfers."""
        return self is not BatchKind.SINGLE

    def with_ids(self, dedupe_id: str, moves: Iterable[Move]) -> dict[str, Move]:
        """Return moves by the `dedupe_id` of their transfers, which derive from the batch's."""
        return {
            f"{dedupe_id}/{step}" if self.is_multi_step else dedupe_id: move
            for step, move in enumerate(moves, start=1)
        }


class NothingToMove(StrEnum):
    """The reason why a batch has no moves. The values are part of an action's response."""

    ALREADY_THERE = "already_there"
    """The balance is already at its target."""

    NOTHING_TO_SPARE = "nothing_to_spare"
    """The source has too little money above the minimum to keep."""

    TOO_LITTLE = "too_little"
    """The amount would be less than a minor unit, or less than the smallest amount requested."""

    OTHER_DIRECTION = "other_direction"
    """The money would have to move in the direction that the request excludes."""

    ACCOUNT_OVERDRAWN = "account_overdrawn"
    """The account between two pots is overdrawn, so the bank would not release the money from it.
    """


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TransferBatch(Private):
    """The transfers that one call of an action makes, in order: the plan of its request."""

    dedupe_id: str
    """The call's own ID, from which those of the transfers derive."""

    kind: BatchKind

    fingerprint: str
    """A digest of the request, which detects a different request with the same `dedupe_id`."""

    moves: Mapping[str, Move]
    """The planned moves by the `dedupe_id` of their transfers."""

    shortfall: Money
    """The part of the requested amount that was not planned, because there was too little money."""

    nothing_because: NothingToMove | None = None
    """The reason why there are no moves. Only batches with moves are recorded."""

    is_id_new: bool = False
    """Whether the bank certainly did not know the ID before this call.

    Home Assistant created the ID, or the account has shown its first transfer. The bank also
    accepts an ID that was used before, without moving money.
    """
