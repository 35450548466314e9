"""The transactions that the balances include."""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Final

from ..accounts import BalancesCoordinator
from ..api import Money
from ..transactions import NewTransaction

# More than can be made between two balances.
_MAX_TRANSACTIONS: Final = 500


class IncludedTransactions:
    """The transactions that are included in the balance of their account.

    A list of transactions and a balance are requested at the same time, so the list may show a
    payment that the balance lacks. The balance includes a transaction if it was requested after the
    delivery, or if it has changed by exactly the transactions that were found.
    """

    def __init__(self, balances: BalancesCoordinator) -> None:
        """Initialize without transactions."""
        self._balances = balances
        self._ids: deque[str] = deque(maxlen=_MAX_TRANSACTIONS)
        self._before: dict[str, Money] = {}
        self._found: deque[NewTransaction] = deque(maxlen=_MAX_TRANSACTIONS)

    def __contains__(self, transaction_id: str) -> bool:
        """Return whether the balance is known to include a transaction."""
        return transaction_id in self._ids

    def begin(self) -> None:
        """Remember the balances before transactions are found."""
        self._before = {id_: state.money for id_, state in self._balances.data.accounts.items()}
        self._found.clear()

    def note_found(self, new: NewTransaction) -> None:
        """Note a new transaction."""
        self._found.append(new)

    def note_asked(self, transaction_ids: Iterable[str]) -> None:
        """Note that the balance is requested after the delivery of these transactions."""
        self._ids.extend(transaction_ids)

    def note_balances(self, account_ids: Collection[str]) -> None:
        """Compare the new balances of accounts with the transactions that were found."""
        for account_id in account_ids:
            before = self._before.get(account_id)
            after = self._balances.data.accounts.get(account_id)
            found = [new.transaction for new in self._found if new.account_id == account_id]
            moved = sum(each.amount.amount for each in found if not each.declined)
            if before and after and after.money.amount - before.amount == moved:
                self._ids.extend(each.id for each in found)
