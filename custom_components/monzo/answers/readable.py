"""Accounts, pots and budgets that an assistant may read, because the user has exposed them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from ..accounts import AccountState, PotState, device_name
from ..api import Private
from ..budgets import BudgetSettings
from ..const import CONF_ALLOW_ANSWERS, DOMAIN
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from ..transactions import TransactionHistory, retention_of
from .answer_error import AnswerError
from .safe_texts import safe_name

# The keys of the sensors by which the user exposes an account or a pot.
_BALANCE: Final = "balance"
_POT_BALANCE: Final = "pot_balance"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadableAccount(Private):
    """An account that an assistant may read."""

    name: str
    """The name of the account's device, with a number if another readable account has the same
    name.
    """

    runtime: MonzoRuntimeData
    state: AccountState

    keeps_history: bool
    """Whether the user keeps transactions for longer than the integration requires."""

    @property
    def entry(self) -> MonzoConfigEntry:
        """The config entry that shows the account."""
        return self.runtime.balances.config_entry

    @property
    def history(self) -> TransactionHistory:
        """The past transactions of the account."""
        return self.runtime.transactions.history(self.state.id)

    @property
    def now(self) -> datetime:
        """The current time at the bank."""
        return self.runtime.session.clock.now()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadablePot(Private):
    """A pot that an assistant may read."""

    name: str
    runtime: MonzoRuntimeData
    state: PotState


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadableBudget(Private):
    """A budget whose accounts may all be read, so that it reveals nothing about other accounts."""

    name: str
    runtime: MonzoRuntimeData
    settings: BudgetSettings


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Readable(Private):
    """Everything that an assistant may read."""

    accounts: tuple[ReadableAccount, ...] = ()
    pots: tuple[ReadablePot, ...] = ()
    budgets: tuple[ReadableBudget, ...] = ()

    def accounts_asked_for(self, name: str | None) -> tuple[ReadableAccount, ...]:
        """Return the account with a name, or all accounts if no name is given.

        Raises AnswerError if there is no such account.
        """
        found = tuple(account for account in self.accounts if name in {None, account.name})
        if not found:
            names = ", ".join(account.name for account in self.accounts)
            message = f"There is no such account. The accounts are: {names or 'none'}."
            raise AnswerError(message)
        return found


@callback
def async_readable(hass: HomeAssistant, assistant: str) -> Readable:
    """Return everything that an assistant may read now.

    Accounts of entries whose options do not allow answers are excluded.
    """
    entries: list[MonzoConfigEntry] = [
        entry
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
        if entry.options.get(CONF_ALLOW_ANSWERS, False)
    ]
    accounts = _with_different_names(
        account for entry in entries for account in _accounts(hass, entry, assistant)
    )
    pots = tuple(pot for entry in entries for pot in _pots(hass, entry, assistant))
    account_ids = {account.state.id for account in accounts}
    budgets = tuple(
        ReadableBudget(
            name=safe_name(settings.title), runtime=entry.runtime_data, settings=settings
        )
        for entry in entries
        for settings in entry.runtime_data.budgets.budgets
        if account_ids.issuperset(settings.accounts)
    )
    return Readable(accounts=accounts, pots=pots, budgets=budgets)


def _accounts(
    hass: HomeAssistant, entry: MonzoConfigEntry, assistant: str
) -> Iterator[ReadableAccount]:
    for state in entry.runtime_data.balances.data.accounts.values():
        name = _exposed_name(hass, entry, assistant, f"{state.id}_{_BALANCE}")
        if name is not None:
            yield ReadableAccount(
                name=name,
                runtime=entry.runtime_data,
                state=state,
                keeps_history=retention_of(entry).keeps_history,
            )


def _pots(hass: HomeAssistant, entry: MonzoConfigEntry, assistant: str) -> Iterator[ReadablePot]:
    for state in entry.runtime_data.balances.data.pots.values():
        name = _exposed_name(hass, entry, assistant, f"{state.id}_{_POT_BALANCE}")
        if name is not None:
            yield ReadablePot(name=name, runtime=entry.runtime_data, state=state)


def _exposed_name(
    hass: HomeAssistant, entry: MonzoConfigEntry, assistant: str, unique_id: str
) -> str | None:
    """Return the device name for a balance sensor, or None if the assistant may not read it.

    A joint account belongs to the entry that shows it, so the options of that entry apply.
    """
    registry = er.async_get(hass)
    entity = registry.async_get(registry.async_get_entity_id("sensor", DOMAIN, unique_id) or "")
    if (
        entity is None
        or entity.disabled
        or entity.config_entry_id != entry.entry_id
        or not async_should_expose(hass, assistant, entity.entity_id)
    ):
        return None
    device = dr.async_get(hass).async_get(entity.device_id or "")
    return safe_name(device_name(device)) if device else None


def _with_different_names(accounts: Iterable[ReadableAccount]) -> tuple[ReadableAccount, ...]:
    """Return the accounts, with a number appended to names that occur more than once."""
    by_name: dict[str, ReadableAccount] = {}
    for account in accounts:
        name, number = account.name, 1
        while name in by_name:
            number += 1
            name = f"{account.name} {number}"
        by_name[name] = replace(account, name=name)
    return tuple(by_name.values())
