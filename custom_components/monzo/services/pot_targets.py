"""The pots that an action moves money into or out of, and their account."""

from dataclasses import dataclass
import time
from typing import Final

from homeassistant.core import HomeAssistant, ServiceCall, callback

from ..accounts import MonzoData, PotState, monzo_id_of
from ..bank import validation_error
from ..runtime import MonzoConfigEntry, MonzoRuntimeData
from ..transfers import AccountOrPotBalance, Transfers
from .action import ATTR_ACCOUNT, async_device

ATTR_POT: Final = "pot"


@dataclass(frozen=True, slots=True, kw_only=True)
class PotTarget:
    """The pots that an action was aimed at, with the account that they belong to."""

    entry: MonzoConfigEntry

    runtime: MonzoRuntimeData
    """The entry's own, which it may lose while money is on its way."""

    pots: tuple[PotState, ...]
    """As they were known when the action was called; at least one."""

    called_at: float
    """When that was, by `time.monotonic`."""

    @property
    def account_id(self) -> str:
        """The account of all the pots."""
        return self.pots[0].account_id

    @property
    def currency(self) -> str:
        """The currency of the account and the pots."""
        return self.pots[0].currency

    @property
    def transfers(self) -> Transfers:
        """What moves the money."""
        return self.runtime.transfers

    @property
    def known(self) -> MonzoData:
        """What is known without asking the bank."""
        return self.runtime.balances.data

    def account(self, data: MonzoData) -> AccountOrPotBalance:
        """Return what is in the account; raises ServiceValidationError if nobody can tell."""
        if (account := data.accounts.get(self.account_id)) is None:
            raise validation_error("cannot_be_read")
        return AccountOrPotBalance(id=account.id, balance=account.money)

    def check_all(self, data: MonzoData) -> None:
        """Raise ServiceValidationError if one of the pots is not there any more."""
        for place in range(len(self.pots)):
            self.pot(data, place)

    def pot(self, data: MonzoData, place: int = 0) -> AccountOrPotBalance:
        """Return what is in one of the pots; raises ServiceValidationError if nobody can tell."""
        if (pot := data.pots.get(self.pots[place].id)) is None:
            raise validation_error("cannot_be_read")
        return AccountOrPotBalance(id=pot.id, balance=pot.money)


@callback
def async_target(call: ServiceCall, *device_ids: str) -> PotTarget:
    """Return the pots that an action is aimed at, by their devices.

    Raises ServiceValidationError if one is no pot, or if they do not all belong to one account,
    which is the one that is given, if one is.
    """
    pots: list[PotState] = []
    entries: set[MonzoConfigEntry] = set()
    for device_id in device_ids:
        entry, found_id = _find(call.hass, device_id)
        state = entry.runtime_data.balances.data.find(found_id)
        if not isinstance(state, PotState):
            raise validation_error("not_a_pot" if state else "cannot_be_read")
        pots.append(state)
        entries.add(entry)
    if len({pot.account_id for pot in pots}) > 1:
        raise validation_error("pots_of_several_accounts")
    (entry,) = entries
    if ATTR_ACCOUNT in call.data and _find(call.hass, call.data[ATTR_ACCOUNT]) != (
        entry,
        pots[0].account_id,
    ):
        raise validation_error("not_the_pots_account")
    return PotTarget(
        entry=entry, runtime=entry.runtime_data, pots=tuple(pots), called_at=time.monotonic()
    )


@callback
def _find(hass: HomeAssistant, device_id: str) -> tuple[MonzoConfigEntry, str]:
    """Return what a device stands for, and its loaded config entry.

    Raises ServiceValidationError if there is no such device, or it is not Monzo's.
    """
    device, entry = async_device(hass, device_id)
    return entry, monzo_id_of(device) or ""
