"""The results of transfers, and the signal that publishes them to entities and triggers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.signal_type import SignalTypeFormat

from ..accounts import MonzoData
from ..api import Private
from ..const import DOMAIN
from .models import Transfer, TransferBatch, TransferStatus

# The reasons why a transfer was not attempted: an earlier one of its batch failed, or the caller
# was cancelled.
EARLIER_MOVE_FAILED: Final = "earlier_move_failed"
STOPPED: Final = "stopped"


# The outcomes of transfers for entities and triggers. A refused transfer has moved nothing: because
# of the bank, a limit, the connection, or an earlier failure. An unknown one may have moved money.
OUTCOMES: Final[Mapping[TransferStatus, str]] = {
    TransferStatus.DONE: "done",
    TransferStatus.PENDING: "refused",
    TransferStatus.IN_DOUBT: "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TransferResult(Private):
    """The result of one transfer of a call."""

    transfer: Transfer
    """The transfer with its status after the call."""

    moved_now: bool = False
    """Whether the money was moved by this call, and not by an earlier one."""

    reason: str | None = None
    """The reason why it was not made: the key of an error, or EARLIER_MOVE_FAILED or STOPPED."""

    error: HomeAssistantError | None = None
    """The error for the user, if the transfer was attempted and failed."""

    @classmethod
    def of_failure(cls, transfer: Transfer, error: HomeAssistantError) -> Self:
        """Return the result of a transfer that failed with an error."""
        return cls(transfer=transfer, reason=str(error.translation_key), error=error)

    @property
    def outcome(self) -> str:
        """The outcome for entities and triggers."""
        return OUTCOMES[self.transfer.status]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RequestResult(Private):
    """The result of a request, or of its preview."""

    batch: TransferBatch

    results: tuple[TransferResult, ...]
    """The result of each transfer, in order. A preview has those of earlier calls."""

    problems: tuple[HomeAssistantError, ...] = ()
    """The errors that would prevent the transfers in a preview."""

    data: MonzoData | None
    """Balances after the transfers; None if they could not be read."""

    has_money_between_pots: bool
    """Whether the money left one pot and has not reached the other one."""

    @property
    def reason(self) -> str | None:
        """The reason why nothing, or not everything, was moved."""
        if not self.batch.moves:
            return self.batch.nothing_because
        if self.has_money_between_pots:
            return "money_in_account"
        return next((result.reason for result in self.results if result.error), None)


# Keyed by account ID, so that subscriptions survive a reload of the config entry.
SIGNAL_TRANSFER_RESULT: SignalTypeFormat[TransferResult] = SignalTypeFormat(
    f"{DOMAIN}_transfer_{{}}"
)


class ResultPublisher:
    """Publishes the results of one config entry.

    While the entry is not loaded, its entities cannot receive results, so they are kept.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the publisher, which keeps all results until it is opened."""
        self.is_open = False
        self._hass = hass
        self._kept: list[TransferResult] = []

    @callback
    def open(self) -> None:
        """Publish the kept results now, and all others immediately."""
        self.is_open = True
        kept, self._kept = self._kept, []
        for result in kept:
            self.publish(result)

    @callback
    def close(self) -> None:
        """Keep all results from now on."""
        self.is_open = False

    @callback
    def publish(self, result: TransferResult) -> None:
        """Send a result to the listeners of its account."""
        if not self.is_open:
            self._kept.append(result)
            return
        signal = SIGNAL_TRANSFER_RESULT.format(result.transfer.move.account_id)
        async_dispatcher_send(self._hass, signal, result)
