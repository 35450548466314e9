"""The OFX format of banks, which accounting programs import without further questions."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Context
from html import escape
from typing import Final, override

from ..transactions import TransactionKind, TransactionRecord
from .file_format import ExportedAccount, ExportedPeriod, FileFormat
from .formatting import (
    amount_with_currency,
    category_name,
    local_time,
    one_line,
    payee,
    plain_number,
    split_parts,
)

# The limits of the specification in characters.
_MAX_ACCOUNT_ID: Final = 22
_MAX_NAME: Final = 32
_MAX_MEMO: Final = 255
_MAX_ID: Final = 255

# Monzo's BIC. A sort code would be part of an account number, and files contain none.
_BANK_ID: Final = "MONZGB2L"

# Precise enough to convert each amount back to the original currency.
_RATE_DIGITS: Final = Context(prec=15)

# The types of transactions. All others are CREDIT or DEBIT.
_TYPES: Final[Mapping[TransactionKind, str]] = {
    TransactionKind.CARD_PAYMENT: "POS",
    TransactionKind.CASH_WITHDRAWAL: "ATM",
    TransactionKind.DIRECT_DEBIT: "DIRECTDEBIT",
    TransactionKind.POT_DEPOSIT: "XFER",
    TransactionKind.POT_WITHDRAWAL: "XFER",
    TransactionKind.ROUND_UP: "XFER",
}

_OK: Final = "<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"


class OfxFormat(FileFormat):
    """OFX 2.1.1 with a statement for each account.

    Times are local, with their offset from UTC. Some programs read only the date of a time, and
    would otherwise show a payment shortly after midnight one day early.
    """

    @override
    def begin_file(self, period: ExportedPeriod) -> str:
        return (
            '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
            '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" '
            'NEWFILEUID="NONE"?>\n'
            f"<OFX>\n<SIGNONMSGSRSV1><SONRS>{_OK}{_element('DTSERVER', _time(period.made))}"
            "<LANGUAGE>ENG</LANGUAGE>"
            f"<FI><ORG>Monzo</ORG>{_element('FID', _BANK_ID)}</FI></SONRS></SIGNONMSGSRSV1>\n"
            "<BANKMSGSRSV1>\n"
        )

    @override
    def begin_account(self, account: ExportedAccount, period: ExportedPeriod) -> str:
        # The length of Monzo's IDs without their prefix.
        account_id = _element("ACCTID", account.id.removeprefix("acc_")[-_MAX_ACCOUNT_ID:])
        return (
            f"<STMTTRNRS>{_element('TRNUID', account.id)}{_OK}<STMTRS>"
            f"{_element('CURDEF', account.balance.currency)}"
            f"<BANKACCTFROM>{_element('BANKID', _BANK_ID)}{account_id}"
            "<ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>\n"
            f"<BANKTRANLIST>{_element('DTSTART', _time(period.since))}"
            f"{_element('DTEND', _time(period.before))}\n"
        )

    @override
    def transaction(self, account: ExportedAccount, record: TransactionRecord) -> str:
        name = payee(account, record)
        return (
            f"<STMTTRN>{_element('TRNTYPE', _type(record))}"
            f"{_element('DTPOSTED', _time(record.created))}"
            f"{_element('DTAVAIL', _time(record.settled) if record.settled else '')}"
            f"{_element('TRNAMT', plain_number(record.amount))}"
            f"{_element('FITID', one_line(record.id)[:_MAX_ID])}"
            f"{_element('NAME', name[:_MAX_NAME])}"
            f"{_element('MEMO', _memo(record, name)[:_MAX_MEMO])}"
            f"{_original_currency(record)}</STMTTRN>\n"
        )

    @override
    def end_account(self, account: ExportedAccount, period: ExportedPeriod) -> str:
        return (
            f"</BANKTRANLIST>\n<LEDGERBAL>{_element('BALAMT', plain_number(account.balance))}"
            f"{_element('DTASOF', _time(period.made))}</LEDGERBAL></STMTRS></STMTTRNRS>\n"
        )

    @override
    def end_file(self) -> str:
        return "</BANKMSGSRSV1>\n</OFX>\n"


def _type(record: TransactionRecord) -> str:
    if record.kind is TransactionKind.FEE_OR_INTEREST:
        return "INT" if record.minor > 0 else "FEE"
    return _TYPES.get(record.kind, "CREDIT" if record.minor > 0 else "DEBIT")


def _memo(record: TransactionRecord, name: str) -> str:
    """Return the notes, and facts for which the format has no fields."""
    local_amount = record.local_amount
    parts = (
        "pending" if record.settled is None else "",
        name if len(name) > _MAX_NAME else "",
        split_parts(record) or category_name(record.category),
        amount_with_currency(local_amount) if local_amount else "",
        one_line(record.notes),
    )
    return "; ".join(filter(None, parts))


def _original_currency(record: TransactionRecord) -> str:
    """Return the original currency, with its rate: its price in the currency of the account."""
    local_amount = record.local_amount
    if not local_amount or not local_amount.amount:
        return ""
    rate = _RATE_DIGITS.divide(record.amount.amount, local_amount.amount)
    return (
        f"<ORIGCURRENCY>{_element('CURRATE', f'{rate:f}')}"
        f"{_element('CURSYM', local_amount.currency)}</ORIGCURRENCY>"
    )


def _time(moment: datetime) -> str:
    local = local_time(moment)
    milliseconds = local.microsecond // 1000
    # London's offset from UTC is a whole number of hours.
    return f"{local:%Y%m%d%H%M%S}.{milliseconds:03}[{int(f'{local:%z}') // 100:+d}:{local:%Z}]"


def _element(tag: str, text: str) -> str:
    """Return an element, or nothing without a text, because OFX does not allow empty elements."""
    content = escape(text.strip(), quote=False)
    return f"<{tag}>{content}</{tag}>" if content else ""
