"""Texts, times and amounts of transactions in the form that files contain."""

from datetime import datetime
import re
from typing import Final

from homeassistant.util import dt as dt_util

from ..api import Money
from ..const import BANK_TIME_ZONE
from ..transactions import POT_KINDS, UNCATEGORISED, TransactionRecord
from .file_format import ExportedAccount

# Control characters end lines and fields, and XML allows only a few of them. Embeddings, overrides
# and isolates of the text direction would reorder the rest of a line on the screen. The marks for
# right-to-left languages are kept, and so are emoji.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]+"
)


def one_line(text: str | None) -> str:
    """Return a text on one line, without control characters and superfluous spaces."""
    return " ".join(_UNSAFE.sub(" ", text or "").split())


def local_time(moment: datetime) -> datetime:
    """Return a time in the bank's time zone, so that dates are the same as in the Monzo app."""
    return moment.astimezone(dt_util.get_time_zone(BANK_TIME_ZONE))


def plain_number(money: Money) -> str:
    """Return an amount in major units with all decimals of its currency, such as -10.00."""
    return f"{money.amount:f}"


def amount_with_currency(money: Money) -> str:
    """Return an amount in major units with its currency, such as -1500 JPY."""
    return f"{plain_number(money)} {money.currency}"


def pot_name(account: ExportedAccount, record: TransactionRecord) -> str | None:
    """Return the name of the pot on the other side of a transfer; None for other transactions."""
    if record.kind not in POT_KINDS:
        return None
    return one_line(account.pot_names.get(record.pot_id or "")) or "Pot"


def payee(account: ExportedAccount, record: TransactionRecord) -> str:
    """Return the name of the other side: a merchant, a person or a pot; else the bank's text."""
    name = one_line(record.payee) or pot_name(account, record)
    return name or one_line(record.description)


def description(account: ExportedAccount, record: TransactionRecord) -> str:
    """Return the bank's text, or the name of the pot for a transfer with a pot."""
    return pot_name(account, record) or one_line(record.description) or payee(account, record)


def category_name(category: str | None) -> str:
    """Return a category as the bank names it, or the one that counts if it has none."""
    return one_line(category) or UNCATEGORISED


def split_parts(record: TransactionRecord) -> str:
    """Return the categories and amounts of a split transaction; empty for others."""
    if len(record.split) <= 1:
        return ""
    return ", ".join(
        f"{category_name(category)} {plain_number(Money.from_minor(minor, record.currency))}"
        for category, minor in record.split.items()
    )
