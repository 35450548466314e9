"""The names and amounts in errors, which only the caller of an action may see."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr

from ..accounts import BalancesCoordinator, device_name
from ..amounts import format_amount
from ..const import DOMAIN, MANUFACTURER
from .models import Move, MoveDirection


class TransferNames:
    """Provides the names of accounts, pots and transfers of one config entry for the user."""

    def __init__(self, entry: ConfigEntry[Any], balances: BalancesCoordinator) -> None:
        """Initialize the names. They are read from the devices, which the user can rename."""
        self._entry = entry
        self._balances = balances

    @callback
    def name_of(self, account_or_pot_id: str) -> str:
        """Return the name of an account or a pot: that of its device."""
        registry = dr.async_get(self._balances.hass)
        identifier = (DOMAIN, account_or_pot_id)
        if device := registry.async_get_device_by_identifier(identifier, self._entry.entry_id):
            return device_name(device)
        # A deleted pot has no device.
        return self._balances.data.pot_names.get(account_or_pot_id, MANUFACTURER)

    @callback
    def placeholders(self, move: Move) -> dict[str, str]:
        """Return the placeholders of an error about a transfer."""
        account, pot = self.name_of(move.account_id), self.name_of(move.pot_id)
        is_deposit = move.direction is MoveDirection.DEPOSIT
        return {
            "amount": format_amount(move.amount),
            "source": account if is_deposit else pot,
            "destination": pot if is_deposit else account,
        }
