"""Locks for calls, accounts and transfers, always taken in this order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class TransferLocks:
    """Locks of one config entry.

    A caller that moves money takes the lock of its call, then that of the account, then that of one
    transfer after the other. Because all callers keep to this order, no two of them can wait for
    each other. The two methods are the only way to take a lock.
    """

    def __init__(self) -> None:
        """Initialize without locks. They exist while at least one caller holds or awaits them."""
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def call_and_account(self, dedupe_id: str, account_id: str) -> AsyncIterator[None]:
        """Hold the locks of a call and of its account.

        No other call plans with the same `dedupe_id`, or with the balances of the account.
        """
        async with self._lock("call", dedupe_id), self._lock("account", account_id):
            yield

    def transfer(self, dedupe_id: str) -> asyncio.Lock:
        """Return the lock of a transfer, so that no other caller sends it at the same time."""
        return self._lock("transfer", dedupe_id)

    def _lock(self, kind: str, id_: str) -> asyncio.Lock:
        return self._locks.setdefault((kind, id_), asyncio.Lock())
