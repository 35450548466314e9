"""The base of all file formats, and the facts about accounts that they need."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..api import Money, Private
from ..transactions import TransactionRecord


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExportedAccount(Private):
    """An account as described in a file. Files contain no account numbers."""

    id: str
    """Monzo's ID."""

    name: str
    """The name of its device, different from those of the other accounts in the file."""

    balance: Money
    """The available balance at the time of the export."""

    pot_names: Mapping[str, str]
    """The names of pots by ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPeriod:
    """The period of a file, and the time of the export, all in UTC."""

    since: datetime
    before: datetime
    made: datetime


class FileFormat(ABC):
    """Formats the parts of a file: its beginning, a section for each account, and its end.

    Each part consists of complete lines, or is empty. Files are written part by part, so that ten
    years of transactions need little memory.
    """

    def begin_file(self, period: ExportedPeriod) -> str:
        """Return the lines before the first account."""
        return ""

    def begin_account(self, account: ExportedAccount, period: ExportedPeriod) -> str:
        """Return the lines before the first transaction of an account."""
        return ""

    @abstractmethod
    def transaction(self, account: ExportedAccount, record: TransactionRecord) -> str:
        """Return the lines of a transaction that moved money."""

    def end_account(self, account: ExportedAccount, period: ExportedPeriod) -> str:
        """Return the lines after the last transaction of an account."""
        return ""

    def end_file(self) -> str:
        """Return the lines after the last account."""
        return ""
