"""Moving money between an account and a pot: once, within the user's limits, never on a guess.

Whatever is about to be moved is written down before it is sent, and stays written down. Sent
again with the same `dedupe_id`, the bank moves it only once; so an answer that is lost is answered
by sending the same transfer again, and finally by looking it up in the account's transactions.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
    ServiceValidationError,
)
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .api import (
    Money,
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    MonzoResponseError,
    Transaction,
)
from .const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from .session import MonzoSession

STORAGE_VERSION: Final = 1

# How long to wait before sending a transfer again whose answer was lost. Together with the
# answers' own time-outs this stays within about a minute, which an automation can wait for.
RESEND_AFTER: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=10))

# The day of the daily limit.
DAY: Final = timedelta(days=1)

# How long a `dedupe_id` is remembered here. Automations repeat themselves within hours.
REMEMBERED_FOR: Final = timedelta(days=30)

# How far the bank's clock may be off when a transfer is looked up.
CLOCK_TOLERANCE: Final = timedelta(minutes=10)

# What says nothing about whether the money moved.
IN_DOUBT: Final = (MonzoConnectionError, MonzoResponseError)

# A token that cannot be renewed for now, so that nothing was sent; or a bank that asks to be left
# alone, and did nothing.
NOT_TAKEN: Final = (
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
    MonzoRateLimitError,
)


class Direction(StrEnum):
    """Which way the money goes."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"


class _StoredTransfer(TypedDict):
    """A transfer as it stands in the file."""

    direction: str
    pot_id: str
    account_id: str
    minor: int
    currency: str
    at: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """An amount that is to be moved, or was."""

    dedupe_id: str
    """By which the bank knows it again; never used for another transfer."""

    direction: Direction
    pot_id: str

    account_id: str
    """Where a deposit comes from and a withdrawal goes to."""

    amount: Money
    """Greater than zero."""

    at: datetime
    """When it was first asked for."""

    done: bool = False
    """Whether the bank has confirmed it. If not, it may still have happened."""

    def is_same_as(self, other: Transfer) -> bool:
        """Return whether both would move the same money, whenever they were asked for."""
        return replace(self, at=other.at, done=other.done) == other

    @classmethod
    def from_stored(cls, dedupe_id: str, stored: _StoredTransfer) -> Self:
        """Return the transfer that was written down."""
        return cls(
            dedupe_id=dedupe_id,
            direction=Direction(stored["direction"]),
            pot_id=stored["pot_id"],
            account_id=stored["account_id"],
            amount=Money.from_minor(stored["minor"], stored["currency"]),
            at=datetime.fromisoformat(stored["at"]),
            done=stored["done"],
        )

    def to_stored(self) -> _StoredTransfer:
        """Return what to write down."""
        return {
            "direction": self.direction,
            "pot_id": self.pot_id,
            "account_id": self.account_id,
            "minor": self.amount.minor,
            "currency": self.amount.currency,
            "at": self.at.isoformat(),
            "done": self.done,
        }


class TransferJournal:
    """What a config entry has moved, kept across restarts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing until it is loaded."""
        self._store = Store[dict[str, _StoredTransfer]](
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}.transfers",
            private=True,
            atomic_writes=True,
        )
        self._transfers: dict[str, Transfer] = {}

    async def async_load(self) -> None:
        """Read what was written down."""
        stored = await self._store.async_load() or {}
        self._transfers = {
            dedupe_id: Transfer.from_stored(dedupe_id, transfer)
            for dedupe_id, transfer in stored.items()
        }

    async def async_remove(self) -> None:
        """Forget everything, with the config entry."""
        await self._store.async_remove()

    def find(self, dedupe_id: str) -> Transfer | None:
        """Return what was asked for under this id."""
        return self._transfers.get(dedupe_id)

    def moved_within_a_day(self, currency: str) -> Decimal:
        """Return how much was moved in the last 24 hours, in either direction.

        What may have been moved counts.
        """
        since = dt_util.utcnow() - DAY
        return sum(
            (
                transfer.amount.amount
                for transfer in self._transfers.values()
                if transfer.at > since and transfer.amount.currency == currency
            ),
            Decimal(0),
        )

    async def async_write(self, transfer: Transfer) -> None:
        """Write a transfer down, and forget those of long ago."""
        self._transfers[transfer.dedupe_id] = transfer
        await self._async_save()

    async def async_strike_out(self, transfer: Transfer) -> None:
        """Forget a transfer that has certainly not happened."""
        self._transfers.pop(transfer.dedupe_id, None)
        await self._async_save()

    async def _async_save(self) -> None:
        horizon = dt_util.utcnow() - REMEMBERED_FOR
        self._transfers = {
            dedupe_id: transfer
            for dedupe_id, transfer in self._transfers.items()
            if transfer.at > horizon
        }
        await self._store.async_save(
            {dedupe_id: transfer.to_stored() for dedupe_id, transfer in self._transfers.items()}
        )


class Transfers:
    """Moves one config entry's money, one transfer at a time."""

    def __init__(
        self, session: MonzoSession, journal: TransferJournal, options: Mapping[str, Any]
    ) -> None:
        """Take over the session, what was moved before, and the user's limits."""
        self._session = session
        self._journal = journal
        self._allowed: bool = options.get(CONF_ALLOW_TRANSFERS, True)
        self._most_per_transfer = _limit(options, CONF_MAX_PER_TRANSFER)
        self._most_per_day = _limit(options, CONF_MAX_PER_DAY)
        # Two transfers at once could each be within the daily limit, and together beyond it.
        self._moving = asyncio.Lock()

    async def async_move(self, transfer: Transfer) -> bool:
        """Move the money, and return whether that was done now: False if it had been before.

        Raises ServiceValidationError if it is not allowed, and HomeAssistantError if the bank
        refuses or cannot be asked; each says whether the money has moved. Raises
        MonzoAuthenticationError if the user must sign in again first; then nothing has moved.
        """
        async with self._moving:
            if not self._allowed:
                raise _refused("transfers_not_allowed")
            earlier = self._journal.find(transfer.dedupe_id)
            if earlier is None:
                self._check_limits(transfer.amount)
                await self._journal.async_write(transfer)
            elif not earlier.is_same_as(transfer):
                raise _refused("dedupe_id_reused", dedupe_id=transfer.dedupe_id)
            elif earlier.done:
                return False
            else:
                transfer = earlier
            await self._async_carry_out(transfer, in_doubt=earlier is not None)
            await self._journal.async_write(replace(transfer, done=True))
            return True

    def _check_limits(self, amount: Money) -> None:
        """Raise ServiceValidationError if the user's options do not allow this."""
        if self._most_per_transfer is not None and amount.amount > self._most_per_transfer:
            raise _refused("over_transfer_limit")
        moved = self._journal.moved_within_a_day(amount.currency)
        if self._most_per_day is not None and moved + amount.amount > self._most_per_day:
            raise _refused("over_daily_limit")

    async def _async_carry_out(self, transfer: Transfer, *, in_doubt: bool) -> None:
        """Send a transfer until the bank answers, or look up what became of it.

        It is `in_doubt` if it was sent before without an answer.
        """
        for wait in (timedelta(0), *RESEND_AFTER):
            await asyncio.sleep(wait.total_seconds())
            try:
                await self._async_send(transfer)
            except IN_DOUBT:
                in_doubt = True
            except NOT_TAKEN:
                continue
            except MonzoError as err:
                if in_doubt:
                    break
                await self._journal.async_strike_out(transfer)
                if isinstance(err, MonzoAuthenticationError):
                    raise
                raise _failed("transfer_rejected", reason=err.message) from err
            else:
                return
        if not in_doubt:
            await self._journal.async_strike_out(transfer)
            raise _failed("transfer_not_sent")
        await self._async_look_up(transfer)

    async def _async_send(self, transfer: Transfer) -> None:
        """Send a transfer once."""
        send = (
            self._session.deposit_into_pot
            if transfer.direction is Direction.DEPOSIT
            else self._session.withdraw_from_pot
        )
        await send(
            transfer.pot_id,
            account_id=transfer.account_id,
            amount=transfer.amount,
            dedupe_id=transfer.dedupe_id,
        )

    async def _async_look_up(self, transfer: Transfer) -> None:
        """Return if the account's transactions show the transfer; raise HomeAssistantError if not.

        Even then it may still happen, because the bank may be late. So it stays written down.
        """
        try:
            transactions = await self._session.all_transactions(
                transfer.account_id, since=transfer.at - CLOCK_TOLERANCE
            )
        except (MonzoError, *NOT_TAKEN) as err:
            raise _failed("transfer_unconfirmed", dedupe_id=transfer.dedupe_id) from err
        if not any(_shows(transaction, transfer) for transaction in transactions.items):
            raise _failed("transfer_not_found", dedupe_id=transfer.dedupe_id)


def _shows(transaction: Transaction, transfer: Transfer) -> bool:
    """Return whether a transaction is the one that a transfer made.

    Monzo keeps the caller's id as `external_id`, and at the end of a `dedupe_id` of its own, as
    recorded for round-ups.
    """
    dedupe_id = transaction.dedupe_id or ""
    return transaction.external_id == transfer.dedupe_id or dedupe_id.endswith(
        f":{transfer.dedupe_id}"
    )


def _limit(options: Mapping[str, Any], key: str) -> Decimal | None:
    """Return a limit of the options, exactly as the user typed it."""
    limit = options.get(key)
    return None if limit is None else Decimal(str(limit))


def _refused(translation_key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def _failed(translation_key: str, **placeholders: str) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )
