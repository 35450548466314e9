"""The spending and income of the known transactions of each account."""

from collections.abc import Callable
from datetime import datetime

from ..accounts import BalancesCoordinator
from ..api import Money
from .archive import Archive
from .past_spending import PastSpending
from .transaction_log import KEPT_FOR


class KnownSums:
    """Sums up the transactions of a config entry's accounts, without asking the bank."""

    def __init__(
        self,
        archive: Archive,
        balances: BalancesCoordinator,
        is_current: Callable[[str], bool],
    ) -> None:
        """Initialize the sums. `is_current` returns whether an account is read regularly."""
        self._archive = archive
        self._balances = balances
        self._clock = balances.session.clock
        self._is_current = is_current

    def are_complete(self, account_id: str, since: datetime) -> bool:
        """Return whether all transactions since a moment are known.

        They are not known if reads keep failing, or if one of them could not be read.
        """
        log = self._archive.logs.get(account_id)
        return log is not None and log.is_complete(since) and self._is_current(account_id)

    def is_kept(self, account_id: str, since: datetime, *, with_details: bool) -> bool:
        """Return whether the archive has all transactions from a moment to the last read.

        With `with_details`, it must also have their names and notes, which are not always kept.
        """
        log = self._archive.logs.get(account_id)
        if log is None:
            return False
        account = self._balances.data.accounts.get(account_id)
        opened = account.account.created if account else None
        newest_span = [*log.spans][-1:]
        if newest_span and newest_span[0][0] <= max(since, opened or since):
            return True
        is_recent = since >= self._clock.now() - KEPT_FOR
        return is_recent and not with_details and log.is_complete(since)

    def spent(
        self,
        account_id: str,
        since: datetime,
        category: str | None = None,
        tag: str | None = None,
    ) -> Money | None:
        """Return the spending of an account since a moment of the last month, if it is known.

        It can be limited to a category and a tag. It is negative if refunds exceed the spending. It
        is as old as the last read of the account; see `are_complete`.
        """
        log = self._archive.logs.get(account_id)
        return log.spent(since, self._clock.now(), category, tag) if log else None

    def received(self, account_id: str, since: datetime) -> Money | None:
        """Return the income of an account since a moment of the last month, like `spent`."""
        log = self._archive.logs.get(account_id)
        return log.received(since, self._clock.now()) if log else None

    async def async_past_spending(
        self, account_id: str, since: datetime, before: datetime
    ) -> PastSpending | None:
        """Return the spending of an account in a period; None if not all of it is kept."""
        return await self._archive.async_past_spending(account_id, since, before)
