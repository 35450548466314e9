"""Search for the recurring payments of an account in the archive, which reads only changes."""

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Final

from ..transactions import ArchiveFile, PastTransaction, TransactionRecord
from .account_payments import AccountPayments
from .detection import Search
from .pot_links import PotLinks

# A monthly payment needs two months to occur three times. A shorter history shows nothing.
SHORTEST_HISTORY: Final = timedelta(days=62)

# Long enough to detect yearly payments, and short enough for a small computer.
_SEARCHED: Final = timedelta(days=3 * 366)


class AccountSearch:
    """Finds the recurring payments of an account on one day.

    Reading three years takes seconds for a busy account, so that it remembers a little of each
    transaction. Use it in the executor, and not twice at the same time.
    """

    def __init__(self, today: date) -> None:
        """Initialize without any transaction; `today` is the day in London."""
        self._begin(today)

    def _begin(self, today: date) -> None:
        self._today = today
        self._search = Search(today)
        self._links = PotLinks()
        self._oldest = today
        self._revision = 0
        self._newest: dict[str, TransactionRecord] = {}

    def update(
        self,
        file: ArchiveFile,
        account_id: str,
        now: datetime,
        today: date,
        continued: Collection[str],
    ) -> AccountPayments | None:
        """Read what has changed in the archive, and return the payments; see `find`.

        Everything is read again on a new day. Raises one of DISK_ERRORS.
        """
        if today != self._today or file.revision(account_id) < self._revision:
            # The file has lost transactions, or they have become too old.
            self._begin(today)
        self._revision = file.read_changes(
            account_id, now - _SEARCHED, self._revision, put=self.put, remove=self.remove
        )
        return self.find(continued, lambda ids: file.records(account_id, ids))

    def put(self, transaction: PastTransaction) -> None:
        """Add a transaction, or replace it if it is known."""
        self._oldest = min(self._oldest, transaction.created.date())
        self._newest.pop(transaction.id, None)
        self._search.put(transaction)
        self._links.put(transaction)

    def remove(self, transaction_id: str) -> None:
        """Remove a transaction if it is known."""
        self._newest.pop(transaction_id, None)
        self._search.remove(transaction_id)
        self._links.remove(transaction_id)

    def find(
        self,
        continued: Collection[str],
        read: Callable[[Collection[str]], Iterable[TransactionRecord]],
    ) -> AccountPayments | None:
        """Return the recurring payments; None if the history of the account is too short.

        `continued` has the keys of payments that people have confirmed; see `detect`.
        `read` returns all facts about transactions by their IDs.
        """
        if self._oldest > self._today - SHORTEST_HISTORY:
            return None
        payments, proposals = self._search.find(continued)
        last_ids = {it.key: it.transaction_ids[-1] for it in (*payments, *proposals)}
        known = {id_: it for id_, it in self._newest.items() if id_ in last_ids.values()}
        unknown = {*last_ids.values()} - known.keys()
        self._newest = known | ({it.id: it for it in read(unknown)} if unknown else {})
        # Without those that became too old to be kept since midnight.
        newest = {key: self._newest[id_] for key, id_ in last_ids.items() if id_ in self._newest}
        payments = [it for it in payments if it.key in newest]
        pots = {key: self._links.pot_of(it) for key, it in newest.items()}
        return AccountPayments(
            payments=payments,
            proposals=[it for it in proposals if it.key in newest],
            pots={key: pot for key, pot in pots.items() if pot is not None},
            income_keys=frozenset(it.key for it in payments if newest[it.key].received),
            newest=newest,
        )
