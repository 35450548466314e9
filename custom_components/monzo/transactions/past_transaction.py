"""A kept transaction, with the few facts by which recurring payments are found."""

from datetime import datetime
from typing import NamedTuple


class PastTransaction(NamedTuple):
    """A few facts about a transaction, because many of them are read at once.

    They mean the same as those of a `TransactionRecord`.
    """

    id: str
    account: str
    created: datetime
    minor: int
    currency: str
    kind: str
    payee: str | None
    payee_id: str | None
    merchant_group: str | None
    description: str
    pot_id: str | None
