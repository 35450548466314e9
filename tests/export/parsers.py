"""Reads exported files back with parsers of other projects."""

from collections.abc import Iterable, Mapping, Sequence
import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
import io
from typing import Any

from beancount import loader
from beancount.core.data import Transaction
from ofxtools.Parser import OFXTree
from quiffen import Qif

from custom_components.monzo.api import Money
from custom_components.monzo.export.file_format import ExportedAccount, ExportedPeriod
from custom_components.monzo.export.formats import FILE_FORMATS, FileFormatName
from custom_components.monzo.transactions.record import TransactionRecord

PERIOD = ExportedPeriod(
    since=datetime(2026, 10, 1, tzinfo=UTC),
    before=datetime(2026, 12, 1, tzinfo=UTC),
    made=datetime(2026, 12, 2, 9, 30, tzinfo=UTC),
)


def account(name: str = "Current account", **facts: Any) -> ExportedAccount:
    """Return an account with a pot."""
    return ExportedAccount(
        **{
            "id": "acc_00009237aqC8c5umZmrRdh",
            "name": name,
            "balance": Money.from_minor(12_345, "GBP"),
            "pot_names": {"pot_1": "Holiday"},
            **facts,
        }
    )


def file_text(
    format_name: FileFormatName,
    *statements: tuple[ExportedAccount, Iterable[TransactionRecord]],
) -> str:
    """Return the file with the transactions of accounts."""
    file_format = FILE_FORMATS[format_name]
    parts = [file_format.begin_file(PERIOD)]
    for exported, records in statements:
        parts += [
            file_format.begin_account(exported, PERIOD),
            *(file_format.transaction(exported, record) for record in records),
            file_format.end_account(exported, PERIOD),
        ]
    return "".join([*parts, file_format.end_file()])


@dataclass(frozen=True, kw_only=True)
class ReadTransaction:
    """A transaction as a program reads it from a file."""

    account: str
    transaction_id: str
    day: date
    amount: Decimal
    payee: str
    pending: bool

    memo: str
    """The notes, with anything else that the format has no field for."""

    categories: Mapping[str, Decimal]
    """The amount by category, or by the account on the other side; without a pot."""

    pot: str | None
    """The pot or the account that money was moved from or to."""


def read_csv(text: str) -> Sequence[ReadTransaction]:
    """Read a CSV file."""
    return [
        ReadTransaction(
            account=row["account"],
            transaction_id=row["transaction_id"],
            day=date.fromisoformat(row["date"]),
            amount=Decimal(row["amount"]),
            payee=row["payee"],
            pending={"pending": True, "settled": False}[row["status"]],
            memo=row["notes"],
            categories={row["category"]: Decimal(row["amount"])},
            pot=None,
        )
        for row in csv_rows(text)
    ]


def csv_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by column."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def read_qif(text: str) -> Sequence[ReadTransaction]:
    """Read a QIF file."""
    parsed = Qif.parse_string(text)
    return [
        ReadTransaction(
            account=name,
            transaction_id=str(row.check_number),
            day=row.date.date(),
            amount=row.amount,
            payee=row.payee or "",
            pending=row.cleared is None,
            memo=row.memo or "",
            categories=(
                {split.category.name: split.amount for split in row.splits}
                if row.splits
                else {row.category.name: row.amount}
                if row.category
                else {}
            ),
            pot=row.to_account,
        )
        for name, found in parsed.accounts.items()
        for rows in found.transactions.values()
        for row in rows
    ]


def ofx_statements(text: str) -> Any:
    """Return the statements of an OFX file."""
    tree = OFXTree()
    tree.parse(io.BytesIO(text.encode()))
    return tree.convert().statements


def read_ofx(text: str) -> Sequence[ReadTransaction]:
    """Read an OFX file. Its days are those of UTC."""
    return [
        ReadTransaction(
            account=statement.account.acctid,
            transaction_id=row.fitid,
            day=row.dtposted.date(),
            amount=row.trnamt,
            payee=row.name or "",
            pending=row.memo.startswith("pending; "),
            memo=row.memo,
            categories={},
            pot=None,
        )
        for statement in ofx_statements(text)
        for row in statement.transactions
    ]


def read_beancount(text: str) -> Sequence[ReadTransaction]:
    """Read a Beancount file, which must be valid by itself."""
    entries, errors, _options = loader.load_string(text)
    assert errors == []
    return [_of_beancount(entry) for entry in entries if isinstance(entry, Transaction)]


def _of_beancount(entry: Transaction) -> ReadTransaction:
    amounts = {each.account: each.units.number for each in entry.postings if each.units}
    (account_name, amount), *others = (
        (name, number) for name, number in amounts.items() if number is not None
    )
    return ReadTransaction(
        account=account_name,
        transaction_id=entry.meta["monzo-id"],
        day=entry.date,
        amount=amount,
        payee=entry.payee or "",
        pending=entry.flag == "!",
        memo=entry.meta.get("notes", ""),
        categories=dict(others),
        pot=next((name for name, _number in others if ":Pots:" in name), None),
    )


READERS = {
    FileFormatName.CSV: read_csv,
    FileFormatName.QIF: read_qif,
    FileFormatName.OFX: read_ofx,
    FileFormatName.BEANCOUNT: read_beancount,
}
