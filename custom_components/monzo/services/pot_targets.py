"""The pots that an action moves money into or out of, and their account."""

from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..accounts import PotState, device_name, monzo_id_of
from ..bank import validation_error
from ..runtime import MonzoConfigEntry
from ..transfers import MoneyMover
from .action import async_device

ATTR_POT: Final = "pot"


@dataclass(frozen=True, slots=True, kw_only=True)
class PotTarget:
    """The pots of a call, and the account that they belong to."""

    transfers: MoneyMover
    """Moves the money of their config entry, also while the entry is reloaded."""

    pots: tuple[PotState, ...]
    """The pots as of the last poll; at least one."""

    @property
    def account_id(self) -> str:
        """The account of all pots."""
        return self.pots[0].account_id

    @property
    def pot_ids(self) -> tuple[str, ...]:
        """The ids of the pots."""
        return tuple(pot.id for pot in self.pots)

    @property
    def currency(self) -> str:
        """The currency of the account and its pots."""
        return self.pots[0].currency


@callback
def async_pot_target(
    hass: HomeAssistant, *pot_device_ids: str, account_device_id: str | None = None
) -> PotTarget:
    """Return the pots with these devices, of which there is at least one.

    Raises ServiceValidationError if a device is not a pot, or if the pots do not all belong to one
    account, which has to be the given account, if there is one.
    """
    found = [_async_pot(hass, device_id) for device_id in pot_device_ids]
    entry, pot = found[0]
    for other_entry, other in found:
        if other.account_id != pot.account_id:
            raise validation_error(
                "pots_of_several_accounts",
                pot=entry.runtime_data.transfers.name_of(pot.id),
                account=entry.runtime_data.transfers.name_of(pot.account_id),
                other_pot=other_entry.runtime_data.transfers.name_of(other.id),
                other_account=other_entry.runtime_data.transfers.name_of(other.account_id),
            )
    transfers = entry.runtime_data.transfers
    if account_device_id is not None:
        account, _entry = async_device(hass, account_device_id)
        if monzo_id_of(account) != pot.account_id:
            raise validation_error(
                "not_the_pots_account",
                pot=transfers.name_of(pot.id),
                pot_account=transfers.name_of(pot.account_id),
                account=device_name(account),
            )
    return PotTarget(transfers=transfers, pots=tuple(pot for _entry, pot in found))


@callback
def _async_pot(hass: HomeAssistant, device_id: str) -> tuple[MonzoConfigEntry, PotState]:
    """Return the pot of a device, with its loaded config entry."""
    device, entry = async_device(hass, device_id)
    state = entry.runtime_data.balances.data.find(monzo_id_of(device) or "")
    if not isinstance(state, PotState):
        raise validation_error(
            "not_a_pot" if state else "cannot_be_read", device=device_name(device)
        )
    return entry, state
