"""Signals for new and changed transactions, for event entities and triggers."""

from dataclasses import dataclass

from homeassistant.util.signal_type import SignalTypeFormat

from ..api import Private, Transaction
from ..const import DOMAIN
from .known_transaction import KnownTransaction


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewTransaction(Private):
    """A transaction that was unknown so far. It is published only once."""

    account_id: str
    transaction: Transaction

    pot: str | None
    """The name of the pot on the other side of a transfer, if it is known."""

    own_transfer: bool
    """Whether the money moved between accounts of one person; see `is_own_transfer`."""

    late: bool
    """Whether it was made some time ago, usually while Home Assistant was not running."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TransactionChanged(Private):
    """A known transaction whose amount, category or settlement has changed."""

    transaction: Transaction

    pot: str | None
    """See `NewTransaction.pot`."""

    own_transfer: bool
    """See `NewTransaction.own_transfer`."""

    before: KnownTransaction


# Keyed by account ID, so that listeners survive a reload of the config entry.
SIGNAL_NEW_TRANSACTION: SignalTypeFormat[NewTransaction] = SignalTypeFormat(
    f"{DOMAIN}_new_transaction_{{}}"
)
SIGNAL_TRANSACTION_CHANGED: SignalTypeFormat[TransactionChanged] = SignalTypeFormat(
    f"{DOMAIN}_transaction_changed_{{}}"
)
