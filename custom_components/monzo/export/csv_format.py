"""The CSV format with one row per transaction, for spreadsheets, Firefly III and Actual."""

import csv
import io
import re
from typing import Final, override

from ..transactions import TransactionRecord
from .file_format import ExportedAccount, ExportedPeriod, FileFormat
from .formatting import (
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

# Spreadsheets take a text for a formula if it begins with one of these, also in full-width form.
_FORMULA: Final = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")


class CsvFormat(FileFormat):
    """CSV as in RFC 4180, with a header, in UTF-8. Dates and times are in London."""

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
    """Return a text in a form that spreadsheets do not take for a formula."""
    line = one_line(text)
    return f"'{line}" if _FORMULA.match(line) else line


def _row(cells: tuple[str, ...]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(cells)
    return stream.getvalue()
