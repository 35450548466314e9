"""Scopes: the part of the spending that counts for a budget or a question."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..transactions import TransactionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Filters for spending, which all have to match. Without any, all spending counts."""

    categories: frozenset[str] = frozenset()
    """Categories at the bank; empty for all. Only these parts of a split payment count."""

    merchant: str = ""
    """Identifies a merchant or a person; see `TransactionRecord.matches_payee`. Empty for all."""

    tag: str = ""
    """One of `TransactionRecord.tags`; empty for all."""

    @property
    def needs_details(self) -> bool:
        """Whether the scope depends on names or notes, which are not always kept."""
        return bool(self.merchant or self.tag)

    def minor_of(self, record: TransactionRecord) -> int:
        """Return the spending of a transaction within the scope, in minor units.

        It is positive for money spent, negative for money that came back, and zero if nothing
        counts.
        """
        return sum(self.parts_of(record).values())

    def parts_of(self, record: TransactionRecord) -> Mapping[str, int]:
        """Return the spending of a transaction within the scope by category, in minor units."""
        spent = record.spent
        if not spent or not self._matches_texts(record):
            return {}
        if not self.categories:
            return spent
        return {id_: minor for id_, minor in spent.items() if id_ in self.categories}

    def _matches_texts(self, record: TransactionRecord) -> bool:
        if self.merchant and not record.matches_payee(self.merchant):
            return False
        return not self.tag or self.tag in record.tags
