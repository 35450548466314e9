"""A query to the archive: a selection of an account's transactions, and their grouping."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..api import Private
from .archive_rows import to_number


class SpendingGroup(StrEnum):
    """The criterion by which spending is grouped."""

    CATEGORY = "category"
    MERCHANT = "merchant"

    QUARTER_HOUR = "quarter_hour"
    """By the start of the quarter, in seconds since 1970. In all time zones, days start with one.
    """


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ArchiveQuery(Private):
    """A selection of an account's transactions."""

    account_id: str
    since: datetime

    before: datetime
    """The end, exclusive."""

    text: str = ""
    """A part of a name, the description or the notes; see `search_text`."""

    merchant_group: str | None = None
    """The ID that all shops of a chain share; empty for payments to no merchant, None for all."""

    after: tuple[datetime, str] | None = None
    """The time and ID of a transaction.

    Only transactions after it match, in the order newest first.
    """

    @property
    def span(self) -> tuple[str, int, int]:
        """The parameters for the account and the time."""
        return self.account_id, to_number(self.since), to_number(self.before)

    @property
    def position(self) -> tuple[int, str]:
        """The parameters for the transaction after which the result begins."""
        if self.after is None:
            return to_number(self.before), ""
        created, id_ = self.after
        return to_number(created), id_
