"""The payments of the past by payee, which can change one by one."""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from datetime import date
from typing import Final

from .payees import Identity, Payee, Payment, Row, payment_of

type PayeeId = Hashable
"""Identifies a payee until another change."""

# The newest payments with one name. So many in three years are too frequent to be agreed.
_MOST_WITH_NAME: Final = 500


class PastPayments:
    """The payments of the past by payee, until a day."""

    def __init__(self, until: date) -> None:
        """Initialize without any payment."""
        self._until = until
        self._by_id: dict[str, Payment] = {}
        self._by_name: dict[Hashable, list[Payment]] = defaultdict(list)
        self._counts: Counter[Identity] = Counter()
        self._connections = _Connections()
        self._changed: set[Identity] = set()

    def put(self, row: Row) -> None:
        """Add a transaction, or replace it if it is known."""
        payment = payment_of(row)
        if payment is None or payment.occurrence.day > self._until:
            self.remove(row.id)
            return
        if self._by_id.get(row.id) == payment:
            return
        self.remove(row.id)
        identity = payment.identity
        payments = self._by_name[identity.name_or_id]
        insort(payments, payment)
        self._by_id[row.id] = payment
        self._changed.add(identity)
        self._counts[identity] += 1
        if self._counts[identity] == 1:
            self._connections.add(identity)
        if len(payments) > _MOST_WITH_NAME:
            self.remove(payments[0].occurrence.transaction_ids[0])

    def remove(self, transaction_id: str) -> None:
        """Remove a transaction if it is known."""
        payment = self._by_id.pop(transaction_id, None)
        if payment is not None:
            identity = payment.identity
            payments = self._by_name[identity.name_or_id]
            del payments[bisect_left(payments, payment)]
            self._changed.add(identity)
            self._counts[identity] -= 1
            if not self._counts[identity]:
                del self._counts[identity]
                self._changed.discard(identity)
                self._changed.update(self._connections.remove(identity))

    def take_changed(self) -> Iterator[tuple[PayeeId, Payee]]:
        """Yield the payees whose payments have changed since the last call."""
        changed = {self._connections.root(identity): identity for identity in self._changed}
        self._changed.clear()
        for id_, identity in changed.items():
            names = {it.name_or_id for it in self._connections.members(identity)}
            yield id_, Payee(sorted(it for name in names for it in self._by_name[name]))

    def is_current(self, payee_id: PayeeId) -> bool:
        """Return whether there is still such a payee: two of them may turn out to be one."""
        return self._connections.is_root(payee_id)


class _Connections:
    """The identities of each payee: those that share an ID, a group or a name are one."""

    def __init__(self) -> None:
        """Initialize without any identity."""
        self._parents: dict[Hashable, Hashable] = {}
        self._members: dict[Hashable, list[Identity]] = defaultdict(list)

    def add(self, identity: Identity) -> None:
        """Add a new identity to the payee that shares one of its values."""
        first, *others = identity.ids()
        root = self._root(first)
        for other in others:
            joined = self._root(other)
            if joined != root:
                self._parents[joined] = root
                self._members[root] += self._members.pop(joined, [])
        self._members[root].append(identity)

    def remove(self, identity: Identity) -> list[Identity]:
        """Remove an identity, and connect the others of its payee again; return these."""
        others = self._members.pop(self.root(identity))
        for each in others:
            for value in each.ids():
                self._parents.pop(value, None)
        others.remove(identity)
        for each in others:
            self.add(each)
        return others

    def root(self, identity: Identity) -> Hashable:
        """Return a value that all identities of a payee share."""
        return self._root(next(identity.ids()))

    def is_root(self, value: Hashable) -> bool:
        """Return whether `root` returns a value for any identity."""
        return value in self._members

    def members(self, identity: Identity) -> list[Identity]:
        """Return all identities of the payee of an identity."""
        return self._members[self.root(identity)]

    def _root(self, value: Hashable) -> Hashable:
        while (parent := self._parents.setdefault(value, value)) != value:
            # Halve the path, so that long chains do not become slow.
            self._parents[value] = value = self._parents[parent]
        return value
