"""CSV with one row for each transaction, for spreadsheets, Firefly III and Actual."""

import csv
import io
import re
from typing import Final, override

from ..transactions import TransactionRecord
from .file_format import ExportedAccount, ExportedPeriod, FileFormat
from .texts import (
    category_name,
    description,
    local_time,
    one_line,
    payee,
    plain_number,
    split_parts,
)

COLUMNS: Final = (
    "date",
    "time",
    "account",
    "payee",
    "description",
    "amount",
    "currency",
    "local_amount",
    "local_currency",
    "category",
    "split",
    "notes",
    "kind",
    "status",
    "transaction_id",
)

# Spreadsheets calculate texts that begin with these characters, also in their wide forms.
_FORMULA: Final = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")


class CsvFormat(FileFormat):
    """CSV as in RFC 4180, with a header, in UTF-8. Dates and times are those of London."""

    @override
    def begin_file(self, period: ExportedPeriod) -> str:
        return _row(COLUMNS)

    @override
    def transaction(self, account: ExportedAccount, record: TransactionRecord) -> str:
        created = local_time(record.created)
        local_amount = record.local_amount
        return _row(
            (
                f"{created:%Y-%m-%d}",
                f"{created:%H:%M:%S}",
                _text(account.name),
                _text(payee(account, record)),
                _text(description(account, record)),
                plain_number(record.amount),
                record.currency,
                plain_number(local_amount) if local_amount else "",
                local_amount.currency if local_amount else "",
                _text(category_name(record.category)),
                _text(split_parts(record)),
                _text(record.notes),
                record.kind.value,
                "pending" if record.settled is None else "settled",
                _text(record.id),
            )
        )


def _text(text: str | None) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    line = one_line(text)
    return f"'{line}" if _FORMULA.match(line) else line


def _row(cells: tuple[str, ...]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(cells)
    return stream.getvalue()
