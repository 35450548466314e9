"""The parts of a file of transactions, and the facts that a file needs besides them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..api import Money, Private
from ..transactions import TransactionRecord


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExportedAccount(Private):
    """An account as a file describes it. Files hold no account numbers."""

    id: str
    """Monzo's ID."""

    name: str
    """The name of its device. The accounts in one file have different names."""

    balance: Money
    """The money that can be spent, when the file is made."""

    pot_names: Mapping[str, str]
    """Names of pots by ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPeriod:
    """The period of a file, and when the file is made. All times are in UTC."""

    since: datetime
    before: datetime
    made: datetime


class FileFormat(ABC):
    """Writes the parts of a file: its begin, a section for each account, and its end.

    A part is complete lines, or empty. Files are written part by part, so that the transactions of
    ten years need little memory.
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
