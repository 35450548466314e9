"""Store of announcements on disk, for the accounts and people of all config entries.

It does not belong to a config entry, so announcements about a joint account are not repeated when
another entry takes the account over.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..memory import async_get_memory
from .announcements import AnnouncedAccount
from .pay_day_arrivals import AnnouncedPayDay

_VERSION: Final = 1


class AnnouncementStore:
    """The announcements that were made about accounts and to people, by their IDs."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the store, which is empty until it is loaded."""
        self._store: Store[dict[str, Any]] = Store(
            hass, _VERSION, f"{DOMAIN}.announcements", private=True, atomic_writes=True
        )
        self._accounts: dict[str, AnnouncedAccount] = {}
        self._pay_days: dict[str, AnnouncedPayDay] = {}
        self._changed = False

    async def async_load(self) -> Self:
        """Read the file, and return the store."""
        stored = await self._store.async_load() or {}
        # Parts of the file may be from another version.
        for account_id, each in stored.get("accounts", {}).items():
            with suppress(KeyError, TypeError, ValueError):
                self._accounts[account_id] = AnnouncedAccount.from_stored(each)
        for person_id, each in stored.get("pay_days", {}).items():
            with suppress(KeyError, TypeError, ValueError):
                self._pay_days[person_id] = AnnouncedPayDay.from_stored(each)
        return self

    async def async_save(self) -> None:
        """Write the file if anything has changed, or delete it if nothing is left."""
        if not self._changed:
            return
        self._changed = False
        if self._accounts or self._pay_days:
            await self._store.async_save(
                {
                    "accounts": {id_: it.to_stored() for id_, it in self._accounts.items()},
                    "pay_days": {id_: it.to_stored() for id_, it in self._pay_days.items()},
                }
            )
        else:
            await self._store.async_remove()

    def account(self, account_id: str) -> AnnouncedAccount | None:
        """Return the announcements about an account; None before its first observation."""
        return self._accounts.get(account_id)

    def set_account(self, account_id: str, announced: AnnouncedAccount) -> None:
        """Set the announcements about an account."""
        self._changed |= announced != self._accounts.get(account_id)
        self._accounts[account_id] = announced

    def pay_day(self, person_id: str) -> AnnouncedPayDay:
        """Return the pay days that were announced to a person."""
        return self._pay_days.get(person_id, AnnouncedPayDay())

    def set_pay_day(self, person_id: str, announced: AnnouncedPayDay) -> None:
        """Set the pay days that were announced to a person."""
        self._changed |= announced != self._pay_days.get(person_id)
        self._pay_days[person_id] = announced

    async def async_forget(self, account_ids: Iterable[str], person_id: str) -> None:
        """Forget a person and accounts, because their config entry was removed."""
        self._pay_days.pop(person_id, None)
        for account_id in account_ids:
            self._accounts.pop(account_id, None)
        self._changed = True
        await self.async_save()


async def async_get_announcements(hass: HomeAssistant) -> AnnouncementStore:
    """Return the store, which is loaded at the first call."""
    return await async_get_memory(hass).async_find_or_load(
        AnnouncementStore, None, AnnouncementStore(hass).async_load
    )
