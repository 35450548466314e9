"""Locks for calls, accounts and transfers, always taken in this order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import math
from weakref import WeakValueDictionary

from ..clock import monotonic


class TransferLocks:
    """Locks of one config entry.

    A caller that moves money takes the lock of its call, then that of the account. Each transfer
    takes the lock of the account's transfers and that of its own ID, and holds them until it has
    ended, even if its caller is cancelled. All callers keep this order, so no two of them can wait
    for each other. Locks are only taken through the two methods.
    """

    def __init__(self) -> None:
        """Initialize without locks. A lock exists while at least one caller holds or awaits it."""
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._ended_at: dict[str, float] = {}

    @asynccontextmanager
    async def call_and_account(self, dedupe_id: str, account_id: str) -> AsyncIterator[None]:
        """Hold the locks of a call and its account.

        Meanwhile, no other call plans with the same `dedupe_id`, or with the balances of the
        account. All transfers of cancelled callers have ended.
        """
        async with self._lock("call", dedupe_id), self._lock("account", account_id):
            async with self._lock("transfers", account_id):
                pass
            yield

    @asynccontextmanager
    async def transfer(self, dedupe_id: str, account_id: str) -> AsyncIterator[None]:
        """Hold the locks of a transfer, so that no other caller sends it at the same time."""
        async with self._lock("transfers", account_id), self._lock("transfer", dedupe_id):
            try:
                yield
            finally:
                self._ended_at[account_id] = monotonic()

    def last_ended(self, account_id: str) -> float:
        """Return the time when the last transfer of an account ended, by `clock.monotonic`.

        It is minus infinity if there was none since Home Assistant was started.
        """
        return self._ended_at.get(account_id, -math.inf)

    def _lock(self, kind: str, id_: str) -> asyncio.Lock:
        return self._locks.setdefault((kind, id_), asyncio.Lock())
