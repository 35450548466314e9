"""A question to the archive: which transactions of an account, and how to group them."""

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
    """The seconds since 1970 of its start: days of all time zones begin with one."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ArchiveQuery(Private):
    """Which transactions of an account to read."""

    account_id: str
    since: datetime

    before: datetime
    """The exclusive end."""

    text: str = ""
    """A part of a name, the description or the notes, however it is written; see `search_text`."""

    after: tuple[datetime, str] | None = None
    """The time and the ID of a transaction: only those that follow it, newest first."""

    @property
    def span(self) -> tuple[str, int, int]:
        """The parameters of the account and the time."""
        return self.account_id, to_number(self.since), to_number(self.before)

    @property
    def position(self) -> tuple[int, str]:
        """The parameters of the transaction after which the result begins."""
        if self.after is None:
            return to_number(self.before), ""
        created, id_ = self.after
        return to_number(created), id_
