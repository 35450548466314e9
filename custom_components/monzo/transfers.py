"""Moving money between an account and a pot: once, within the user's limits, never on a guess.

Whatever is about to be moved is written down before it is sent, and stays written down. Sent
again with the same `dedupe_id`, the bank moves it only once; so an answer that is lost is answered
by sending the same transfer again, and finally by looking it up in the account's transactions.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
import logging
from pathlib import Path
from typing import Any, Final, Self, TypedDict
from weakref import WeakValueDictionary

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    HomeAssistantError,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
)
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalTypeFormat

from .api import (
    Money,
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    MonzoResponseError,
    MonzoUnreachableError,
    Transaction,
)
from .const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from .errors import failed, refused
from .plans import Direction
from .session import MonzoSession

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 1

# The journal of each config entry. A transfer may outlast a reload of its entry, and whoever moves
# money after the reload must know of it.
JOURNALS: HassKey[dict[str, TransferJournal]] = HassKey(f"{DOMAIN}_transfer_journals")

# How long to wait before sending a transfer again whose answer was lost. Together with the
# answers' own time-outs this stays within about a minute, which an automation can wait for.
RESEND_AFTER: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=10))

# How long to wait in all, also for a bank that asks to be left alone for some seconds.
PATIENCE: Final = timedelta(seconds=30)

# The day of the daily limit.
DAY: Final = timedelta(days=1)

# How long a `dedupe_id` is remembered here, and how many of them at most beyond the last day.
# Automations repeat themselves within hours; and the file is written twice for each transfer.
REMEMBERED_FOR: Final = timedelta(days=30)
MOST_REMEMBERED: Final = 1000

# How far this clock may be ahead of the bank's when a transfer is looked up: one that no network
# sets may be off by hours. A day of transactions is no more to read than an hour of them.
CLOCK_TOLERANCE: Final = timedelta(days=1)

# What says nothing about whether the money moved.
IN_DOUBT: Final = (MonzoConnectionError, MonzoResponseError)

# No connection, or a token that cannot be renewed for now: nothing was sent.
NOT_SENT: Final = (
    MonzoUnreachableError,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
)


class _StoredTransfer(TypedDict):
    """A transfer as it stands in the file."""

    direction: str
    pot_id: str
    account_id: str
    minor: int
    currency: str
    asked_at: str
    sent_at: str
    done: bool


class _StoredJournal(TypedDict):
    """The file."""

    transfers: dict[str, _StoredTransfer]
    lost_at: str | None


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

    asked_at: datetime
    """When it was first asked for: the bank cannot have moved it earlier."""

    sent_at: datetime
    """When it was last asked for: it counts for the daily limit from then on."""

    done: bool = False
    """Whether the bank has confirmed it. If not, it may still have happened."""

    def is_same_as(self, other: Transfer) -> bool:
        """Return whether both would move the same money, whenever they were asked for."""
        return other == replace(
            self, asked_at=other.asked_at, sent_at=other.sent_at, done=other.done
        )

    def is_shown_by(self, transaction: Transaction) -> bool:
        """Return whether a transaction of the account is what this transfer has made."""
        amount = -self.amount if self.direction is Direction.DEPOSIT else self.amount
        return (
            not transaction.declined
            and transaction.amount == amount
            and transaction.pot_id in (self.pot_id, None)
            and _ordered_as(transaction) == self.dedupe_id
        )

    @classmethod
    def from_stored(cls, dedupe_id: str, stored: _StoredTransfer) -> Self:
        """Return the transfer that was written down."""
        return cls(
            dedupe_id=dedupe_id,
            direction=Direction(stored["direction"]),
            pot_id=stored["pot_id"],
            account_id=stored["account_id"],
            amount=Money.from_minor(stored["minor"], stored["currency"]),
            asked_at=_moment(stored["asked_at"]),
            sent_at=_moment(stored["sent_at"]),
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
            "asked_at": self.asked_at.isoformat(),
            "sent_at": self.sent_at.isoformat(),
            "done": self.done,
        }


class TransferOutcome(StrEnum):
    """What became of a transfer that was tried."""

    DONE = "done"

    REFUSED = "refused"
    """Nothing was moved: the bank, the user's options or a missing connection are in the way."""

    UNKNOWN = "unknown"
    """An answer was lost. It may have been moved, even if it seems not to have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReport:
    """What became of a transfer that was tried just now, once for each try."""

    transfer: Transfer
    outcome: TransferOutcome

    reason: str | None = None
    """Why it is not done: the key of the text that the user is told; None if it is."""


# Keyed by account id, so that who listens goes on hearing when the config entry reloads.
SIGNAL_TRANSFER: SignalTypeFormat[TransferReport] = SignalTypeFormat(f"{DOMAIN}_transfer_{{}}")

# The reasons that leave it open whether the money has moved.
LEFT_OPEN: Final = frozenset(
    {"transfer_not_found", "transfer_rejected_later", "transfer_unconfirmed"}
)


async def async_open_journal(hass: HomeAssistant, entry_id: str) -> TransferJournal:
    """Return the journal of a config entry, the same one until Home Assistant stops."""
    journals = hass.data.setdefault(JOURNALS, {})
    if entry_id not in journals:
        journal = TransferJournal(hass, entry_id)
        await journal.async_load()
        journals[entry_id] = journal
    return journals[entry_id]


async def async_remove_journal(hass: HomeAssistant, entry_id: str) -> None:
    """Forget what a config entry has moved, with the entry."""
    journals = hass.data.get(JOURNALS, {})
    await journals.pop(entry_id, TransferJournal(hass, entry_id)).async_remove()


class TransferJournal:
    """What a config entry has moved, kept across restarts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing until it is loaded."""
        self.hass = hass
        self._store = Store[_StoredJournal](
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}.transfers",
            private=True,
            atomic_writes=True,
        )
        self._transfers: dict[str, Transfer] = {}
        self._lost_at: datetime | None = None
        self._removed = False
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def async_load(self) -> None:
        """Read what was written down.

        If that is damaged, a new journal is begun, which remembers that something is missing.
        No transfer can happen twice for it, because the bank knows their ids; but how much was
        moved lately is not known then.
        """
        # Home Assistant sets a damaged file aside, and then it is as if there had been none.
        existed = await self.hass.async_add_executor_job(Path(self._store.path).exists)
        try:
            found = await self._async_read()
        except Exception:  # noqa: BLE001 - whatever is wrong with it, nothing in it can be relied on
            found, existed = False, True
        if existed and not found:
            _LOGGER.warning("The record of earlier transfers is damaged; a new one is begun")
            self._transfers = {}
            self._lost_at = dt_util.utcnow()
            await self._async_save()

    async def async_remove(self) -> None:
        """Forget everything; transfers under way shall not bring the file back."""
        self._removed = True
        await self._store.async_remove()

    def lock(self, dedupe_id: str) -> asyncio.Lock:
        """Return what to hold while a transfer is under way, so that nobody else sends it too."""
        return self._locks.setdefault(dedupe_id, asyncio.Lock())

    def find(self, dedupe_id: str) -> Transfer | None:
        """Return what was asked for under this id."""
        return self._transfers.get(dedupe_id)

    @property
    def knows_all_of_today(self) -> bool:
        """Whether everything that was moved in the last 24 hours is written down here."""
        return self._lost_at is None or self._lost_at <= dt_util.utcnow() - DAY

    def moved_beside(self, transfer: Transfer) -> Decimal:
        """Return how much else was moved in the last 24 hours, in either direction.

        That is in the currency of the transfer. What may have been moved counts.
        """
        since = dt_util.utcnow() - DAY
        return sum(
            (
                other.amount.amount
                for other in self._transfers.values()
                if other.sent_at > since
                and other.amount.currency == transfer.amount.currency
                and other.dedupe_id != transfer.dedupe_id
            ),
            Decimal(0),
        )

    async def async_write_before_sending(self, transfer: Transfer) -> None:
        """Write down what is about to be sent; it counts for the daily limit at once.

        Raises HomeAssistantError if it cannot be written.
        """
        earlier = self.find(transfer.dedupe_id)
        self._transfers[transfer.dedupe_id] = transfer
        await self._async_save()
        if not await self._async_is_written(transfer):
            await self._async_put_back(transfer, earlier)
            raise failed("transfer_not_recorded")

    async def async_write_done(self, transfer: Transfer) -> None:
        """Write down that a transfer was confirmed."""
        self._transfers[transfer.dedupe_id] = replace(transfer, done=True)
        await self._async_save()

    async def async_strike_out(self, transfer: Transfer) -> None:
        """Forget a transfer that has certainly not happened."""
        await self._async_put_back(transfer, None)

    async def _async_put_back(self, transfer: Transfer, earlier: Transfer | None) -> None:
        """Have a transfer as it was before."""
        self._transfers.pop(transfer.dedupe_id, None)
        if earlier is not None:
            self._transfers[earlier.dedupe_id] = earlier
        await self._async_save()

    async def _async_read(self) -> bool:
        """Take over what is in the file, and return whether there is one."""
        if (stored := await self._store.async_load()) is None:
            return False
        lost_at = stored["lost_at"]
        self._lost_at = None if lost_at is None else _moment(lost_at)
        self._transfers = {
            dedupe_id: Transfer.from_stored(dedupe_id, transfer)
            for dedupe_id, transfer in stored["transfers"].items()
        }
        self._tidy()
        return True

    async def _async_is_written(self, transfer: Transfer) -> bool:
        """Return whether a transfer really is in the file.

        Home Assistant's store logs that a disk is full or cannot be written, and tells nobody else.
        While Home Assistant stops, it writes only at the very end.
        """
        if self.hass.is_stopping:
            return False
        try:
            stored = await self._store.async_load()
        except HomeAssistantError:
            return False
        written = self._transfers[transfer.dedupe_id].to_stored()
        return stored is not None and stored["transfers"].get(transfer.dedupe_id) == written

    async def _async_save(self) -> None:
        if self._removed:
            return
        self._tidy()
        await self._store.async_save(
            {
                "transfers": {
                    dedupe_id: transfer.to_stored()
                    for dedupe_id, transfer in self._transfers.items()
                },
                "lost_at": None if self._lost_at is None else self._lost_at.isoformat(),
            }
        )

    @callback
    def _tidy(self) -> None:
        """Forget the transfers of long ago."""
        now = dt_util.utcnow()
        # When the clock was ahead and has been put right, nothing was sent in the future.
        if self._lost_at is not None:
            self._lost_at = min(self._lost_at, now)
        latest_first = sorted(
            (
                replace(transfer, sent_at=min(transfer.sent_at, now))
                for transfer in self._transfers.values()
            ),
            key=lambda transfer: transfer.sent_at,
            reverse=True,
        )
        self._transfers = {
            transfer.dedupe_id: transfer
            for place, transfer in enumerate(latest_first)
            if transfer.sent_at > now - DAY
            or (transfer.sent_at > now - REMEMBERED_FOR and place < MOST_REMEMBERED)
        }


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

    def knows(self, dedupe_id: str) -> bool:
        """Return whether a transfer was asked for under this id before, and may have happened."""
        return self._journal.find(dedupe_id) is not None

    async def async_move(self, transfer: Transfer) -> bool:
        """Move the money, and return whether that was done now: False if it had been before.

        Raises ServiceValidationError if it is not allowed, and HomeAssistantError if the bank
        refuses or cannot be asked; each says whether the money has moved. Raises
        MonzoAuthenticationError if the user must sign in again first; then nothing has moved.
        Whoever listens to SIGNAL_TRANSFER is told what has become of it.
        """
        try:
            moved_now = await self._async_move_once(transfer)
        except MonzoAuthenticationError:
            self.async_report(transfer, "action_needs_sign_in")
            raise
        except HomeAssistantError as err:
            self.async_report(transfer, str(err.translation_key))
            raise
        if moved_now:
            self.async_report(transfer)
        return moved_now

    @callback
    def async_report(self, transfer: Transfer, reason: str | None = None) -> None:
        """Tell everybody that a transfer is done, or the reason why it is not."""
        if reason is None:
            outcome = TransferOutcome.DONE
        elif reason in LEFT_OPEN:
            outcome = TransferOutcome.UNKNOWN
        else:
            outcome = TransferOutcome.REFUSED
        async_dispatcher_send(
            self._journal.hass,
            SIGNAL_TRANSFER.format(transfer.account_id),
            TransferReport(transfer=transfer, outcome=outcome, reason=reason),
        )

    async def _async_move_once(self, transfer: Transfer) -> bool:
        """Move the money if that was not done before, and return whether it was done now."""
        async with self._journal.lock(transfer.dedupe_id):
            earlier = self._journal.find(transfer.dedupe_id)
            if earlier is not None:
                if not earlier.is_same_as(transfer):
                    raise refused("dedupe_id_reused", dedupe_id=transfer.dedupe_id)
                if earlier.done:
                    return False
                transfer = replace(transfer, asked_at=earlier.asked_at)
            # Between these two nothing is awaited: so no other transfer can be within the daily
            # limit alone, and beyond it together with this one.
            self._check_allowed(transfer)
            await self._journal.async_write_before_sending(transfer)
            try:
                await self._async_carry_out(transfer, in_doubt=earlier is not None)
            except asyncio.CancelledError:
                self.async_report(transfer, "transfer_unconfirmed")
                raise
            await self._journal.async_write_done(transfer)
            return True

    def _check_allowed(self, transfer: Transfer) -> None:
        """Raise ServiceValidationError if the user's options do not allow this."""
        options = self._entry.options
        amount = transfer.amount.amount
        if not options.get(CONF_ALLOW_TRANSFERS, True):
            raise refused("transfers_not_allowed")
        if amount > _limit(options, CONF_MAX_PER_TRANSFER):
            raise refused("over_transfer_limit")
        most_per_day = _limit(options, CONF_MAX_PER_DAY)
        if most_per_day.is_finite() and not self._journal.knows_all_of_today:
            raise refused("transfers_forgotten")
        if self._journal.moved_beside(transfer) + amount > most_per_day:
            raise refused("over_daily_limit")

    async def _async_carry_out(self, transfer: Transfer, *, in_doubt: bool) -> None:
        """Send a transfer until the bank answers, or look up what became of it.

        It is `in_doubt` if it was sent before without an answer.
        """
        outcome = await self._async_send_patiently(transfer)
        if outcome.moved:
            return
        refusal = outcome.refusal
        if outcome.in_doubt or in_doubt:
            await self._async_look_up(transfer, refusal)
            return
        await self._journal.async_strike_out(transfer)
        if refusal is None:
            raise failed("transfer_not_sent")
        if isinstance(refusal, MonzoAuthenticationError):
            raise refusal
        raise failed("transfer_rejected", reason=refusal.message) from refusal

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

    async def _async_look_up(self, transfer: Transfer, refusal: MonzoError | None) -> None:
        """Return if the account's transactions show the transfer; raise HomeAssistantError if not.

        Even then it may still happen, because the bank may be late. So it stays written down.
        """
        dedupe_id = transfer.dedupe_id
        since = min(transfer.asked_at, dt_util.utcnow()) - CLOCK_TOLERANCE
        try:
            transactions = await self._session.all_transactions(transfer.account_id, since=since)
        except (MonzoError, *NOT_SENT) as err:
            raise failed("transfer_unconfirmed", dedupe_id=dedupe_id) from refusal or err
        if any(map(transfer.is_shown_by, transactions.items)):
            return
        if transactions.skipped:
            # It may be the one that cannot be read.
            raise failed("transfer_unconfirmed", dedupe_id=dedupe_id) from refusal
        if refusal is None:
            raise failed("transfer_not_found", dedupe_id=dedupe_id)
        raise failed(
            "transfer_rejected_later", dedupe_id=dedupe_id, reason=refusal.message
        ) from refusal


def _ordered_as(transaction: Transaction) -> str:
    """Return the `dedupe_id` that a transfer was ordered with; nothing if it is none.

    Monzo keeps it as `external_id`, and as the last of four parts of a `dedupe_id` of its own: the
    pot, the account, the direction, and this. Both as recorded for round-ups.
    """
    if transaction.external_id is not None:
        return transaction.external_id
    return ":".join((transaction.dedupe_id or "").split(":")[3:])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _limit(options: Mapping[str, Any], key: str) -> Decimal:
    """Return a limit of the options, exactly as the user typed it; infinity if there is none."""
    limit = options.get(key)
    return Decimal("Infinity") if limit is None else Decimal(str(limit))
