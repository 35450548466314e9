"""Publishes changes of accounts and pots to triggers, also across reloads of a config entry."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.signal_type import SignalTypeFormat

from ..api import Private
from ..const import DOMAIN
from ..memory import async_get_memory
from .models import AccountOrPot, MonzoData


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccountOrPotChange(Private):
    """An account or pot whose state differs from the last published one."""

    before: AccountOrPot
    after: AccountOrPot


# Keyed by the ID of the account or pot, so that subscriptions survive a reload of the entry.
SIGNAL_ACCOUNT_OR_POT_CHANGED: SignalTypeFormat[AccountOrPotChange] = SignalTypeFormat(
    f"{DOMAIN}_account_or_pot_changed_{{}}"
)


class PublishedStates(dict[str, AccountOrPot]):
    """The last published state of each account and pot of a config entry, by Monzo ID."""


class ChangeTracker:
    """Compares the accounts and pots of a config entry with their last published states."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize the tracker with the states from before a reload."""
        self._hass = hass
        self._memory = async_get_memory(hass)
        self._published = self._memory.find_or_create(PublishedStates, entry_id, PublishedStates)

    @callback
    def async_remember(self, data: MonzoData) -> list[AccountOrPotChange]:
        """Remember the current states, and return the changes to publish."""
        changes: list[AccountOrPotChange] = []
        states: Iterable[AccountOrPot] = chain(data.accounts.values(), data.pots.values())
        for state in states:
            before = self._take_published(state.id)
            self._published[state.id] = state
            if before is not None and before != state:
                changes.append(AccountOrPotChange(before=before, after=state))
        return changes

    def _take_published(self, monzo_id: str) -> AccountOrPot | None:
        """Return the last state, including that of a joint account from another entry."""
        for published in self._memory.find_all(PublishedStates):
            if (state := published.pop(monzo_id, None)) is not None:
                return state
        return None

    @callback
    def async_publish(self, changes: Iterable[AccountOrPotChange]) -> None:
        """Publish changes to the listeners of their accounts and pots."""
        for change in changes:
            signal = SIGNAL_ACCOUNT_OR_POT_CHANGED.format(change.after.id)
            async_dispatcher_send(self._hass, signal, change)


@callback
def async_last_published(hass: HomeAssistant, monzo_id: str) -> AccountOrPot | None:
    """Return the last published state of an account or pot, whether or not its entry is loaded."""
    published = async_get_memory(hass).find_all(PublishedStates)
    return next((states[monzo_id] for states in published if monzo_id in states), None)
