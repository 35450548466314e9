"""Exported files, as other programs read them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
import re
from typing import Any

from beancount import loader
from beancount.core.data import Transaction
import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.export.csv_format import COLUMNS
from custom_components.monzo.export.formats import FileFormatName
from custom_components.monzo.transactions.record import TransactionRecord
from tests.export.parsers import (
    READERS,
    account,
    csv_rows,
    file_text,
    ofx_statements,
    read_beancount,
    read_qif,
)
from tests.transactions.test_record import record

SETTLED: dict[str, Any] = {"settled": "2026-11-10T06:00:00Z"}
POT_TRANSFER: dict[str, Any] = {
    "merchant": "",
    "scheme": "uk_retail_pot",
    "description": "pot_1",
    "metadata": {"pot_id": "pot_1"},
}
TRANSFER: dict[str, Any] = {
    "merchant": "",
    "scheme": "payport_faster_payments",
    "counterparty": {"name": "Ben Baker"},
}

every_format = pytest.mark.parametrize("format_name", FileFormatName)
with_notes = pytest.mark.parametrize(
    "format_name", [FileFormatName.CSV, FileFormatName.QIF, FileFormatName.BEANCOUNT]
)


def exported(format_name: FileFormatName, *records: TransactionRecord) -> str:
    """Return a file with the transactions of one account."""
    return file_text(format_name, (account(), records))


def csv_row(payment: TransactionRecord) -> dict[str, str]:
    """Return the row of a transaction in a CSV file."""
    (row,) = csv_rows(exported(FileFormatName.CSV, payment))
    return row


def ofx_transaction(payment: TransactionRecord) -> Any:
    """Return a transaction as it is read from an OFX file."""
    (statement,) = ofx_statements(exported(FileFormatName.OFX, payment))
    (transaction,) = statement.transactions
    return transaction


def beancount_transaction(payment: TransactionRecord) -> Transaction:
    """Return a transaction as it is read from a Beancount file."""
    entries, errors, _options = loader.load_string(exported(FileFormatName.BEANCOUNT, payment))
    assert errors == []
    (transaction,) = (entry for entry in entries if isinstance(entry, Transaction))
    return transaction


# All formats


@every_format
def test_a_payment_keeps_its_id_date_amount_payee_and_state(format_name: FileFormatName) -> None:
    read = READERS[format_name](exported(format_name, record(), record(id="tx_2", **SETTLED)))
    assert [each.transaction_id for each in read] == ["tx_1", "tx_2"]
    assert [each.pending for each in read] == [True, False]
    for each in read:
        assert each.day == date(2026, 11, 9)
        assert each.amount == Decimal("-10.00")
        assert each.payee == "Deli"
        assert "lunch" in each.memo


@every_format
def test_a_second_export_has_the_same_transactions(format_name: FileFormatName) -> None:
    assert exported(format_name, record()) == exported(format_name, record())


@every_format
def test_a_file_without_transactions_can_be_read(format_name: FileFormatName) -> None:
    assert READERS[format_name](exported(format_name)) == []


@every_format
def test_a_file_can_have_several_accounts(format_name: FileFormatName) -> None:
    text = file_text(
        format_name,
        (account(), [record()]),
        (account("Joint account", id="acc_2"), [record(id="tx_2"), record(id="tx_3")]),
    )
    read = READERS[format_name](text)
    accounts = {each.transaction_id: each.account for each in read}
    assert len(accounts) == 3
    assert accounts["tx_2"] == accounts["tx_3"] != accounts["tx_1"]


@every_format
@pytest.mark.parametrize(
    ("currency", "minor", "expected"),
    [("GBP", -5, "-0.05"), ("JPY", 1_234, "1234"), ("BHD", -1_234, "-1.234")],
)
def test_amounts_have_the_decimals_of_their_currency(
    format_name: FileFormatName, currency: str, minor: int, expected: str
) -> None:
    payment = record(amount=minor, currency=currency, local_amount=minor, local_currency=currency)
    owner = account(balance=Money.from_minor(1, currency))
    text = file_text(format_name, (owner, [payment]))
    (read,) = READERS[format_name](text)
    assert read.amount == Decimal(expected)
    assert re.search(rf"[,T> ]{re.escape(expected)}[,\n< ]", text)


@every_format
@pytest.mark.parametrize(
    "name",
    [
        "Nuts, Bolts & Co",
        'The "Deli"',
        "<Deli>",
        "back\\slash",
        "^",
        "!Type:Bank",
        "; no comment",
        "Café 👩‍👩‍👧 שלום\u200f",
        "&amp;",
        "]]>",
    ],
)
def test_unusual_names_are_read_back_unchanged(format_name: FileFormatName, name: str) -> None:
    payment = record(merchant={"id": "merch_1", "name": name})
    (read,) = READERS[format_name](exported(format_name, payment))
    assert read.payee == name


@every_format
def test_control_characters_cannot_add_a_line_or_a_field(format_name: FileFormatName) -> None:
    name = "De\x00li\r\n^\nT999\n\u2028\x1b[2J\u202eevil\ufffe"
    payment = record(merchant={"id": "merch_1", "name": name}, notes=name)
    (read,) = READERS[format_name](exported(format_name, payment))
    assert read.payee == "De li ^ T999 [2J evil"
    assert read.payee in read.memo
    assert read.amount == Decimal("-10.00")


@every_format
def test_a_transfer_with_a_pot_has_the_name_of_the_pot(format_name: FileFormatName) -> None:
    (read,) = READERS[format_name](exported(format_name, record(**POT_TRANSFER)))
    assert read.payee == "Holiday"
    # A pot that was deleted long ago has no name.
    unknown = record(**{**POT_TRANSFER, "metadata": {"pot_id": "pot_2"}})
    (read,) = READERS[format_name](exported(format_name, unknown))
    assert read.payee == "Pot"


@every_format
def test_without_a_name_the_payee_is_the_text_of_the_bank(format_name: FileFormatName) -> None:
    (read,) = READERS[format_name](exported(format_name, record(merchant="")))
    assert read.payee == "DELI LONDON"


@with_notes
def test_days_are_dates_in_london(format_name: FileFormatName) -> None:
    """As the Monzo app shows them, in summer time as well."""
    payments = (
        record(created="2026-07-31T23:30:00Z"),
        record(id="tx_2", created="2026-12-31T23:30:00Z"),
    )
    read = READERS[format_name](exported(format_name, *payments))
    assert [each.day for each in read] == [date(2026, 8, 1), date(2026, 12, 31)]


def test_no_file_holds_the_number_of_an_account() -> None:
    number, sort_code = "12345678", "040004"
    person = {"name": "Ben Baker", "account_number": number, "sort_code": sort_code}
    payment = record(**{**TRANSFER, "counterparty": person})
    for format_name in FileFormatName:
        text = exported(format_name, payment)
        assert number not in text
        assert sort_code not in text


# CSV


def test_the_columns_of_a_csv_file() -> None:
    text = exported(FileFormatName.CSV, record())
    header, row = text.splitlines()
    assert header == ",".join(COLUMNS)
    assert row == (
        "2026-11-09,14:15:01,Current account,Deli,DELI LONDON,-10.00,GBP,,,groceries,,lunch,"
        "card_payment,pending,tx_1"
    )


def test_a_payment_abroad_has_a_column_for_its_own_amount() -> None:
    abroad = csv_row(record(local_amount=-1_950, local_currency="JPY"))
    assert (abroad["amount"], abroad["currency"]) == ("-10.00", "GBP")
    assert (abroad["local_amount"], abroad["local_currency"]) == ("-1950", "JPY")


def test_a_split_payment_has_one_row_that_names_its_parts() -> None:
    row = csv_row(record(categories={"groceries": -400, "gifts": -600}))
    assert (row["amount"], row["category"]) == ("-10.00", "groceries")
    assert row["split"] == "groceries -4.00, gifts -6.00"


# The wide forms are calculated where people write Chinese or Japanese.
FORMULAS = [
    *("=", "+", "-", "@", "\t=", " =", "\r\n@"),
    *("\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}"),
    *("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}"),
]


@pytest.mark.parametrize("start", FORMULAS, ids=ascii)
def test_a_spreadsheet_calculates_no_text(start: str) -> None:
    text = f'{start}HYPERLINK("http://evil.example")'
    row = csv_row(
        record(
            merchant={"id": "merch_1", "name": text}, description=text, notes=text, category=text
        )
    )
    for column in ("payee", "description", "notes", "category"):
        assert row[column] == f"'{text.strip()}"
    # Numbers stay numbers.
    assert row["amount"] == "-10.00"


# QIF


def test_a_split_payment_is_split_in_qif() -> None:
    parts = {"groceries": -400, "gifts": -600}
    (read,) = read_qif(exported(FileFormatName.QIF, record(categories=parts)))
    assert read.amount == Decimal("-10.00")
    assert read.categories == {"groceries": Decimal("-4.00"), "gifts": Decimal("-6.00")}


def test_a_refund_that_is_split_has_positive_parts_in_qif() -> None:
    parts = {"groceries": 1_400, "gifts": -400}
    (read,) = read_qif(exported(FileFormatName.QIF, record(amount=1_000, categories=parts)))
    assert read.categories == {"groceries": Decimal("14.00"), "gifts": Decimal("-4.00")}


def test_a_transfer_with_a_pot_is_a_transfer_in_qif() -> None:
    (read,) = read_qif(exported(FileFormatName.QIF, record(**POT_TRANSFER)))
    assert read.pot == "Holiday"
    assert read.categories == {}


def test_a_category_cannot_name_an_account_or_a_class_in_qif() -> None:
    (read,) = read_qif(exported(FileFormatName.QIF, record(category="[Savings]:a/b")))
    assert read.categories == {"-Savings--a-b": Decimal("-10.00")}
    assert read.pot is None


def test_a_payment_abroad_names_its_amount_in_the_memo_of_qif() -> None:
    (read,) = read_qif(
        exported(FileFormatName.QIF, record(local_amount=-1_950, local_currency="JPY"))
    )
    assert read.memo == "-1950 JPY; lunch"


# OFX


def test_times_in_ofx_are_exact_and_begin_with_the_day_in_london() -> None:
    payment = record(created="2026-07-31T23:30:00.250Z", settled="2026-08-02T06:00:00Z")
    read = ofx_transaction(payment)
    assert read.dtposted == datetime(2026, 7, 31, 23, 30, 0, 250_000, UTC)
    assert read.dtavail == datetime(2026, 8, 2, 6, tzinfo=UTC)
    # Actual reads no more of the time than these digits.
    assert "<DTPOSTED>20260801" in exported(FileFormatName.OFX, payment)


def test_a_pending_payment_has_no_value_date_in_ofx() -> None:
    read = ofx_transaction(record())
    assert read.dtavail is None
    assert read.memo == "pending; groceries; lunch"


def test_a_payment_abroad_has_its_currency_and_rate_in_ofx() -> None:
    read = ofx_transaction(record(local_amount=-1_950, local_currency="JPY"))
    assert read.origcurrency.cursym == "JPY"
    assert round(read.trnamt / read.origcurrency.currate) == -1_950
    assert "-1950 JPY" in read.memo


KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "card payment": ({}, "POS"),
    "refund": ({"amount": 500}, "CREDIT"),
    "pot": (POT_TRANSFER, "XFER"),
    "direct debit": ({**TRANSFER, "scheme": "bacs"}, "DIRECTDEBIT"),
    "transfer out": (TRANSFER, "DEBIT"),
    "transfer in": ({**TRANSFER, "amount": 500}, "CREDIT"),
    "fee": ({"merchant": "", "scheme": "overdraft"}, "FEE"),
    "interest": ({"merchant": "", "scheme": "account_interest", "amount": 5}, "INT"),
    "cash": ({"merchant": {"id": "merch_1", "name": "ATM", "atm": True}}, "ATM"),
}


@pytest.mark.parametrize(("changes", "expected"), KINDS.values(), ids=KINDS)
def test_kinds_have_their_types_in_ofx(changes: dict[str, Any], expected: str) -> None:
    assert ofx_transaction(record(**changes)).trntype == expected


@pytest.mark.filterwarnings("error")
def test_long_texts_keep_within_the_limits_of_ofx() -> None:
    name = "The Worshipful Company of Makers of Playing Cards"
    read = ofx_transaction(record(merchant={"id": "merch_1", "name": name}, notes="x" * 300))
    assert read.name == name[:32].strip()
    assert name in read.memo
    assert len(read.memo) == 255


def test_a_statement_in_ofx_has_the_account_the_period_and_the_balance() -> None:
    (statement,) = ofx_statements(exported(FileFormatName.OFX, record()))
    assert statement.curdef == "GBP"
    # The longest ID that the format allows.
    assert statement.account.acctid == "00009237aqC8c5umZmrRdh"
    assert statement.transactions.dtstart == datetime(2026, 10, 1, tzinfo=UTC)
    assert statement.transactions.dtend == datetime(2026, 12, 1, tzinfo=UTC)
    assert statement.balance.balamt == Decimal("123.45")
    assert statement.balance.dtasof == datetime(2026, 12, 2, 9, 30, tzinfo=UTC)


# Beancount


OTHER_SIDES: dict[str, tuple[Callable[[], TransactionRecord], dict[str, str]]] = {
    "spending": (record, {"Expenses:Groceries": "10.00"}),
    "refund": (lambda: record(amount=1_000), {"Expenses:Groceries": "-10.00"}),
    "split": (
        lambda: record(categories={"groceries": -400, "eating_out": -600}),
        {"Expenses:Groceries": "4.00", "Expenses:Eating-Out": "6.00"},
    ),
    "income": (
        lambda: record(**{**TRANSFER, "amount": 1_000, "category": "income"}),
        {"Income:Income": "-10.00"},
    ),
    "pot": (lambda: record(**POT_TRANSFER), {"Assets:Monzo:Pots:Holiday": "10.00"}),
    "own account": (lambda: record(own_transfer=True, **TRANSFER), {"Equity:Transfers": "10.00"}),
    "facts of an earlier version": (
        lambda: replace(record(), split={}, spent={}),
        {"Equity:Transfers": "10.00"},
    ),
    "custom category": (
        lambda: record(category="category_0000A1b"),
        {"Expenses:Category-0000A1b": "10.00"},
    ),
}


@pytest.mark.parametrize(("payment", "expected"), OTHER_SIDES.values(), ids=OTHER_SIDES)
def test_the_other_side_in_beancount_is_what_the_money_was_for(
    payment: Callable[[], TransactionRecord], expected: dict[str, str]
) -> None:
    (read,) = read_beancount(exported(FileFormatName.BEANCOUNT, payment()))
    assert read.categories == {name: Decimal(amount) for name, amount in expected.items()}


def test_a_transaction_in_beancount_has_its_facts_as_metadata() -> None:
    transaction = beancount_transaction(record(local_amount=-1_950, local_currency="JPY"))
    assert (transaction.payee, transaction.narration) == ("Deli", "DELI LONDON")
    meta = {key: str(value) for key, value in transaction.meta.items()}
    assert meta["monzo-id"] == "tx_1"
    assert meta["time"] == "14:15:01"
    assert meta["category"] == "groceries"
    assert meta["notes"] == "lunch"
    assert meta["local-amount"] == "-1950 JPY"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Joint account of Ann & Ben", "Joint-Account-Of-Ann-Ben"),
        ("2nd account", "2nd-Account"),
        ("été", "Été"),
        ("口座", "X口座"),
        ("🐷", "X"),
    ],
)
def test_every_name_becomes_an_account_of_beancount(name: str, expected: str) -> None:
    text = file_text(FileFormatName.BEANCOUNT, (account(name), [record()]))
    (read,) = read_beancount(text)
    assert read.account == f"Assets:Monzo:{expected}"
