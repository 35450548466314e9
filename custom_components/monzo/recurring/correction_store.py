"""Store of corrections on disk, for the accounts of all config entries.

It does not belong to a config entry, so the corrections of a joint account are kept when another
entry takes the account over.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..memory import async_get_memory
from .corrections import Correction

_VERSION: Final = 1


class CorrectionStore:
    """The corrections of recurring payments, by the ID of the account and the payment's key."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the store, which is empty until it is loaded."""
        self._store: Store[dict[str, Any]] = Store(
            hass, _VERSION, f"{DOMAIN}.recurring", private=True, atomic_writes=True
        )
        self._by_account: dict[str, Mapping[str, Correction]] = {}

    async def async_load(self) -> Self:
        """Read the file, and return the store."""
        for account_id, stored in (await self._store.async_load() or {}).items():
            corrections = {}
            for key, each in stored.items():
                # The file may be from another version.
                with suppress(KeyError, TypeError):
                    corrections[key] = Correction.from_stored(each)
            self._by_account[account_id] = corrections
        return self

    def of_account(self, account_id: str) -> Mapping[str, Correction]:
        """Return the corrections of an account's payments, by the payments' keys."""
        return self._by_account.get(account_id, {})

    async def async_set(self, account_id: str, corrections: Mapping[str, Correction]) -> None:
        """Replace the corrections of an account, and write the file if they have changed."""
        kept = {key: it for key, it in corrections.items() if it.changes_anything}
        if kept != self.of_account(account_id):
            self._by_account[account_id] = kept
            await self._async_save()

    async def async_forget(self, account_ids: Iterable[str]) -> None:
        """Delete the corrections of accounts, because their config entry was removed."""
        for account_id in account_ids:
            self._by_account.pop(account_id, None)
        await self._async_save()

    async def _async_save(self) -> None:
        """Write the file, or delete it if there are no corrections."""
        stored = {
            account_id: {key: it.to_stored() for key, it in corrections.items()}
            for account_id, corrections in self._by_account.items()
            if corrections
        }
        if stored:
            await self._store.async_save(stored)
        else:
            await self._store.async_remove()


async def async_get_corrections(hass: HomeAssistant) -> CorrectionStore:
    """Return the store, which is loaded at the first call."""
    return await async_get_memory(hass).async_find_or_load(
        CorrectionStore, None, CorrectionStore(hass).async_load
    )
