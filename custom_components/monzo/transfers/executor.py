"""Moving money between an account and a pot: once, within the user's limits, never on a guess.

Whatever is about to be moved is written down before it is sent, and stays written down. Sent
again with the same `dedupe_id`, the bank moves it only once; so an answer that is lost is answered
by sending the same transfer again, and finally by looking it up in the account's transactions.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    HomeAssistantError,
    OAuth2TokenRequestBaseError,
    ServiceValidationError,
)
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
from homeassistant.util.signal_type import SignalTypeFormat

from ..api import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    MonzoResponseError,
    MonzoUnreachableError,
)
from ..bank import MonzoSession, action_error, validation_error
from ..const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
    TROUBLESHOOTING_URL,
)
from .journal import Transfer, TransferBatch, TransferJournal
from .planning import Direction, Move

# How long to wait before sending a transfer again whose answer was lost. Together with the
# answers' own time-outs this stays within about a minute, which an automation can wait for.
RESEND_AFTER: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=10))

# How long to wait in all, also for a bank that asks to be left alone for some seconds.
PATIENCE: Final = timedelta(seconds=30)

# How far this clock may be ahead of the bank's when a transfer is looked up: one that no network
# sets may be off by hours. A day of transactions is no more to read than an hour of them.
CLOCK_TOLERANCE: Final = timedelta(days=1)

# What says nothing about whether the money moved.
IN_DOUBT: Final = (MonzoConnectionError, MonzoResponseError)

# No connection, or a token that cannot be renewed for now: nothing was sent.
NOT_SENT: Final = (
    MonzoUnreachableError,
    OAuth2TokenRequestBaseError,
)


# Why a move was not even tried: those of an order are made one after the other, until one is not,
# or until whoever wants them is stopped.
EARLIER_MOVE_FAILED: Final = "earlier_move_failed"
STOPPED: Final = "stopped"


class TransferOutcome(StrEnum):
    """What became of a transfer that was to be made."""

    DONE = "done"

    REFUSED = "refused"
    """Nothing was moved: the bank, the user's options or a missing connection are in the way.

    Or another transfer is, that was to be made before.
    """

    UNKNOWN = "unknown"
    """An answer was lost. It may have been moved, even if it seems not to have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """What became of a transfer that was to be made just now."""

    transfer: Transfer
    outcome: TransferOutcome

    reason: str | None = None
    """Why it is not done: the key of the text that the user is told, or of why it was not tried.

    None if it is done.
    """


# Keyed by account id, so that listeners survive a reload of the config entry.
SIGNAL_TRANSFER_RESULT: SignalTypeFormat[TransferResult] = SignalTypeFormat(
    f"{DOMAIN}_transfer_{{}}"
)


class MoveStatus(StrEnum):
    """How a move of an order stands."""

    MOVED = "moved"
    ALREADY_MOVED = "already_moved"

    PLANNED = "planned"
    """To be moved, if it were not only asked for the plan."""

    REFUSED = "refused"
    UNKNOWN = "unknown"

    NOT_SENT = "not_sent"
    """Because one before it was not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResult:
    """A move of an order, and how it stands."""

    move: Move
    result: MoveStatus

    error: HomeAssistantError | None = None
    """Why it is refused or unknown, as the user is told."""


# The moves of an order that takes money from one pot to another.
BETWEEN_POTS: Final = [Direction.WITHDRAW, Direction.DEPOSIT]

# Money was taken out of a pot for another one, and has not arrived there.
ISSUE_BETWEEN_POTS: Final = "money_between_pots"


@dataclass(slots=True)
class _Outcome:
    """What has come of sending a transfer, perhaps several times."""

    moved: bool = False
    """Whether the bank has confirmed it."""

    in_doubt: bool = False
    """Whether an answer was lost."""

    refusal: MonzoError | None = None
    """The bank's last word, if it was no."""


class Transfers:
    """Moves one config entry's money."""

    def __init__(
        self, session: MonzoSession, journal: TransferJournal, entry: ConfigEntry[Any]
    ) -> None:
        """Move money within what the options of the config entry allow."""
        self._session = session
        self._journal = journal
        self._entry = entry

    def lock(self, *subject: str) -> asyncio.Lock:
        """Return what to hold while a call or an account is dealt with."""
        return self._journal.lock(*subject)

    def find_order(self, dedupe_id: str) -> TransferBatch | None:
        """Return what a call with this id has begun to move."""
        return self._journal.find_order(dedupe_id)

    def unfinished(self, order: TransferBatch) -> dict[str, Move]:
        """Return the moves of an order that are not known to have happened."""
        return {id_: move for id_, move in order.moves.items() if not self._is_done(id_, move)}

    async def async_not_shown(self, order: TransferBatch) -> list[Move]:
        """Return the moves of an order that have not happened, as far as the account shows.

        One in doubt that cannot be looked up is among them.
        """
        return [
            move
            for id_, move in self.unfinished(order).items()
            if not await self._async_is_shown(id_, order)
        ]

    async def _async_is_shown(self, dedupe_id: str, order: TransferBatch) -> bool:
        if (transfer := self._journal.find(dedupe_id)) is None:
            return False
        try:
            await self._async_look_up(transfer, order, None)
        except HomeAssistantError:
            return False
        return True

    def _asked_for(self, dedupe_id: str, move: Move) -> Transfer | None:
        """Return what was asked for under this id, if it was this move.

        One that has certainly not happened is struck out. So what is there and not done is in
        doubt, and why it was not tried this time says nothing.
        """
        transfer = self._journal.find(dedupe_id)
        return transfer if transfer and transfer.move == move else None

    def _is_done(self, dedupe_id: str, move: Move) -> bool:
        transfer = self._asked_for(dedupe_id, move)
        return transfer is not None and transfer.done

    def problems(self, moves: Mapping[str, Move]) -> Iterator[ServiceValidationError]:
        """Yield what the user's options have against these moves, of one currency, together."""
        if not moves:
            return
        options = self._entry.options
        amounts = [move.amount for move in moves.values()]
        if not options.get(CONF_ALLOW_TRANSFERS, True):
            yield validation_error("transfers_not_allowed")
        if max(money.amount for money in amounts) > _limit(options, CONF_MAX_PER_TRANSFER):
            yield validation_error("over_transfer_limit")
        most_per_day = _limit(options, CONF_MAX_PER_DAY)
        if most_per_day.is_finite() and not self._journal.knows_all_of_today:
            yield validation_error("transfers_forgotten")
        beside = self._journal.moved_beside(moves, amounts[0].currency)
        if sum((money.amount for money in amounts), beside) > most_per_day:
            yield validation_error("over_daily_limit")

    def preview(self, order: TransferBatch) -> tuple[MoveResult, ...]:
        """Return how the moves of an order would be taken."""
        return tuple(
            MoveResult(
                move=move,
                result=MoveStatus.ALREADY_MOVED if self._is_done(id_, move) else MoveStatus.PLANNED,
            )
            for id_, move in order.moves.items()
        )

    async def async_carry_out(self, order: TransferBatch) -> tuple[MoveResult, ...]:
        """Make the moves of an order that are not made yet, and return how each stands then.

        It ends at the first that fails. Called again, it goes on there. Whoever listens to
        SIGNAL_TRANSFER is told what becomes of each move, tried or not.
        """
        steps: list[MoveResult] = []
        moves = iter(order.moves.items())
        try:
            with self._journal.reserve(order):
                for dedupe_id, move in moves:
                    steps.append(await self._async_take(order, dedupe_id, move))
                    if steps[-1].error:
                        break
        except asyncio.CancelledError:
            self._async_leave(moves, STOPPED)
            raise
        finally:
            self._async_tell_if_between_pots(order)
        return (*steps, *self._async_leave(moves, EARLIER_MOVE_FAILED))

    async def _async_take(self, order: TransferBatch, dedupe_id: str, move: Move) -> MoveResult:
        """Make one move of an order, and tell everybody how it went."""
        transfer = Transfer.of(dedupe_id, move, dt_util.utcnow())
        try:
            moved_now = await self._async_move(transfer, order)
        except MonzoAuthenticationError as err:
            self._entry.async_start_reauth(self._journal.hass)
            error = action_error("action_needs_sign_in")
            error.__cause__ = err
        except HomeAssistantError as err:
            error = err
        else:
            result = MoveStatus.MOVED if moved_now else MoveStatus.ALREADY_MOVED
            return MoveResult(move=move, result=result)
        outcome = self._async_report(transfer, str(error.translation_key))
        return MoveResult(move=move, result=MoveStatus(outcome), error=error)

    @callback
    def async_refuse(self, moves: Mapping[str, Move], error: HomeAssistantError) -> None:
        """Tell everybody that none of these moves is made, and why the first is not."""
        self._async_leave(moves.items(), str(error.translation_key))

    @callback
    def _async_leave(self, moves: Iterable[tuple[str, Move]], reason: str) -> list[MoveResult]:
        """Leave moves: the first for a reason, those behind it because that one is not made."""
        steps: list[MoveResult] = []
        for dedupe_id, move in moves:
            result = MoveStatus.ALREADY_MOVED
            if not self._is_done(dedupe_id, move):
                result = MoveStatus.NOT_SENT
                self._async_report(Transfer.of(dedupe_id, move, dt_util.utcnow()), reason)
                reason = EARLIER_MOVE_FAILED
            steps.append(MoveResult(move=move, result=result))
        return steps

    @callback
    def _async_report(self, transfer: Transfer, reason: str | None = None) -> TransferOutcome:
        """Tell everybody that a transfer is done, or the reason why it is not."""
        if reason is None:
            outcome = TransferOutcome.DONE
        elif self._asked_for(transfer.dedupe_id, transfer.move):
            outcome = TransferOutcome.UNKNOWN
        else:
            outcome = TransferOutcome.REFUSED
        async_dispatcher_send(
            self._journal.hass,
            SIGNAL_TRANSFER_RESULT.format(transfer.account_id),
            TransferResult(transfer=transfer, outcome=outcome, reason=reason),
        )
        return outcome

    def is_between_pots(self, order: TransferBatch) -> bool:
        """Return whether money was taken out of a pot for another one, and is not there yet."""
        if [move.direction for move in order.moves.values()] != BETWEEN_POTS:
            return False
        out, back = order.moves.items()
        return self._is_done(*out) and not self._is_done(*back)

    @callback
    def async_tell_of_money_between_pots(self) -> None:
        """Tell the user of money on its way between pots, also if it left long ago."""
        for order in self._journal.orders:
            self._async_tell_if_between_pots(order)

    @callback
    def _async_tell_if_between_pots(self, order: TransferBatch) -> None:
        """Tell the user where the money of an order is stuck, or take that back."""
        hass, entry_id = self._journal.hass, self._entry.entry_id
        issue_id = f"{_issues_of(entry_id)}{sha256(order.dedupe_id.encode()).hexdigest()}"
        if not self.is_between_pots(order):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
            return
        out, back = order.moves.values()
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            learn_more_url=TROUBLESHOOTING_URL,
            severity=ir.IssueSeverity.ERROR,
            translation_key=ISSUE_BETWEEN_POTS,
            translation_placeholders={
                "amount": f"{out.amount.amount} {out.amount.currency}",
                "source": self._device_name(out.pot_id),
                "destination": self._device_name(back.pot_id),
                "account": self._device_name(out.account_id),
                "dedupe_id": order.dedupe_id,
            },
        )

    def _device_name(self, monzo_id: str) -> str:
        """Return what the user calls an account or a pot."""
        device = dr.async_get(self._journal.hass).async_get_device_by_identifier(
            (DOMAIN, monzo_id), self._entry.entry_id
        )
        return (device and (device.name_by_user or device.name)) or "?"

    async def _async_move(self, transfer: Transfer, order: TransferBatch) -> bool:
        """Move the money if that was not done before, and return whether it was done now.

        Raises ServiceValidationError if it is not allowed, and HomeAssistantError if the bank
        refuses or cannot be asked; each says whether the money has moved. Raises
        MonzoAuthenticationError if the user must sign in again first; then nothing has moved.
        """
        async with self._journal.lock(transfer.dedupe_id):
            earlier = self._journal.find(transfer.dedupe_id)
            if earlier is not None:
                if earlier.move != transfer.move:
                    raise validation_error("dedupe_id_reused", dedupe_id=order.dedupe_id)
                if earlier.done:
                    return False
                transfer = replace(transfer, asked_at=earlier.asked_at)
            # Between these two nothing is awaited: so no other transfer can be within the daily
            # limit alone, and beyond it together with this one.
            problems = self.problems({transfer.dedupe_id: transfer.move})
            if (problem := next(problems, None)) is not None:
                raise problem
            try:
                await self._journal.async_write_before_sending(transfer, order)
                await self._async_carry_through(transfer, order, in_doubt=earlier is not None)
            except asyncio.CancelledError:
                self._async_report(transfer, "transfer_unconfirmed")
                raise
            # Before writing, while which whoever waits for it may be cancelled.
            self._async_report(transfer)
            await self._journal.async_write_done(transfer)
            return True

    async def _async_carry_through(
        self, transfer: Transfer, order: TransferBatch, *, in_doubt: bool
    ) -> None:
        """Send a transfer until the bank answers, or look up what became of it.

        It is `in_doubt` if it was sent before without an answer.
        """
        outcome = await self._async_send_patiently(transfer)
        if outcome.moved:
            return
        refusal = outcome.refusal
        if outcome.in_doubt or in_doubt:
            await self._async_look_up(transfer, order, refusal)
            return
        await self._journal.async_strike_out(transfer)
        if refusal is None:
            raise action_error("transfer_not_sent")
        if isinstance(refusal, MonzoAuthenticationError):
            raise refusal
        raise action_error("transfer_rejected", reason=refusal.message) from refusal

    async def _async_send_patiently(self, transfer: Transfer) -> _Outcome:
        """Send a transfer until the bank answers with yes or no, but not for ever."""
        outcome = _Outcome()
        patience = PATIENCE.total_seconds()
        asked_to_wait = 0.0
        for pause in (timedelta(0), *RESEND_AFTER):
            wait = max(pause.total_seconds(), asked_to_wait)
            if wait > patience:
                break
            await asyncio.sleep(wait)
            patience -= wait
            asked_to_wait = 0.0
            try:
                await self._async_send(transfer)
            except NOT_SENT:
                pass
            except IN_DOUBT:
                outcome.in_doubt = True
            except MonzoRateLimitError as err:
                asked_to_wait = err.retry_after or 0
            except MonzoError as err:
                outcome.refusal = err
                break
            else:
                outcome.moved = True
                break
        return outcome

    async def _async_send(self, transfer: Transfer) -> None:
        """Send a transfer once."""
        send = (
            self._session.deposit_into_pot
            if transfer.direction is Direction.DEPOSIT
            else self._session.withdraw_from_pot
        )
        pot = await send(
            transfer.pot_id,
            account_id=transfer.account_id,
            amount=transfer.amount,
            dedupe_id=transfer.dedupe_id,
        )
        if pot.id != transfer.pot_id:
            # As if the id had been used for another pot before, by another program perhaps.
            message = "Monzo has answered about another pot"
            raise MonzoResponseError(message)

    async def _async_look_up(
        self, transfer: Transfer, order: TransferBatch, refusal: MonzoError | None
    ) -> None:
        """Return if the account's transactions show the transfer; raise HomeAssistantError if not.

        Even then it may still happen, because the bank may be late. So it stays written down.
        """
        # The one that makes sure of it, and of everything else that the same call has asked for.
        dedupe_id = order.dedupe_id
        since = min(transfer.asked_at, dt_util.utcnow()) - CLOCK_TOLERANCE
        try:
            transactions = await self._session.all_transactions(transfer.account_id, since=since)
        except (MonzoError, *NOT_SENT) as err:
            raise action_error("transfer_unconfirmed", dedupe_id=dedupe_id) from refusal or err
        if any(map(transfer.is_shown_by, transactions)):
            return
        if transactions.skipped:
            # It may be the one that cannot be read.
            raise action_error("transfer_unconfirmed", dedupe_id=dedupe_id) from refusal
        if refusal is None:
            raise action_error("transfer_not_found", dedupe_id=dedupe_id)
        raise action_error(
            "transfer_rejected_later", dedupe_id=dedupe_id, reason=refusal.message
        ) from refusal


@callback
def async_forget_money_between_pots(hass: HomeAssistant, entry_id: str) -> None:
    """Take back what the user was told about a config entry that is removed."""
    for domain, issue_id in tuple(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.startswith(_issues_of(entry_id)):
            ir.async_delete_issue(hass, domain, issue_id)


def _issues_of(entry_id: str) -> str:
    """Return what the ids of a config entry's issues about money between pots begin with."""
    return f"{ISSUE_BETWEEN_POTS}_{entry_id}_"


def _limit(options: Mapping[str, Any], key: str) -> Decimal:
    """Return a limit of the options, exactly as the user typed it; infinity if there is none."""
    limit = options.get(key)
    return Decimal("Infinity") if limit is None else Decimal(str(limit))
