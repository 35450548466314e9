"""QIF, the interchange format of Quicken, which GnuCash and many older programs import."""

from collections.abc import Iterator
import re
from typing import Final, override

from ..api import Money
from ..transactions import TransactionRecord
from .file_format import ExportedAccount, ExportedPeriod, FileFormat
from .formatting import (
    amount_with_currency,
    category_name,
    local_time,
    one_line,
    payee,
    plain_number,
    pot_name,
)

# These characters separate a category from its parent, its class and the name of an account.
_SEPARATORS: Final = re.compile(r"[:/\[\]]")


class QifFormat(FileFormat):
    """QIF with a list for each account, in UTF-8, with dates such as 2026-11-09.

    It has only fields that all programs support, because some reject a file with other fields.
    """

    @override
    def begin_account(self, account: ExportedAccount, period: ExportedPeriod) -> str:
        return f"!Account\nN{one_line(account.name)}\nTBank\n^\n!Type:Bank\n"

    @override
    def transaction(self, account: ExportedAccount, record: TransactionRecord) -> str:
        return "".join(f"{line}\n" for line in _lines(account, record))


def _lines(account: ExportedAccount, record: TransactionRecord) -> Iterator[str]:
    yield f"D{local_time(record.created):%Y-%m-%d}"
    yield f"T{plain_number(record.amount)}"
    if record.settled is not None:
        # Cleared by the bank.
        yield "C*"
    # The format has no field for an ID. Programs show this number, and some compare it.
    yield f"N{one_line(record.id)}"
    if name := payee(account, record):
        yield f"P{name}"
    if memo := _memo(record):
        yield f"M{memo}"
    if pot := pot_name(account, record):
        yield f"L[{_name(pot)}]"
    else:
        yield f"L{_name(category_name(record.category))}"
    if len(record.split) > 1:
        for category, minor in record.split.items():
            yield f"S{_name(category_name(category))}"
            yield f"${plain_number(Money.from_minor(minor, record.currency))}"
    yield "^"


def _memo(record: TransactionRecord) -> str:
    local_amount = record.local_amount
    parts = (amount_with_currency(local_amount) if local_amount else "", one_line(record.notes))
    return "; ".join(filter(None, parts))


def _name(name: str) -> str:
    return _SEPARATORS.sub("-", name)
