"""The Beancount format, for plain-text double-entry accounting."""

from collections import Counter
from collections.abc import Iterator, Mapping
import re
from typing import Final, override

from ..api import Money
from ..transactions import TransactionRecord
from .file_format import ExportedAccount, ExportedPeriod, FileFormat
from .formatting import (
    amount_with_currency,
    category_name,
    description,
    local_time,
    one_line,
    payee,
    pot_name,
)

_NEEDS_ESCAPE: Final = re.compile(r'[\\"]')


class BeancountFormat(FileFormat):
    """Beancount 2 and 3, with dates in London.

    The file contains no `open` directives, because each further file would open the same accounts
    again. Instead, a plug-in opens them, so each file is also valid by itself.
    """

    @override
    def begin_file(self, period: ExportedPeriod) -> str:
        return 'plugin "beancount.plugins.auto_accounts"\n'

    @override
    def transaction(self, account: ExportedAccount, record: TransactionRecord) -> str:
        return "".join(f"{line}\n" for line in _lines(account, record))


def _lines(account: ExportedAccount, record: TransactionRecord) -> Iterator[str]:
    created = local_time(record.created)
    flag = "!" if record.settled is None else "*"
    names = f"{_string(payee(account, record))} {_string(description(account, record))}"
    yield ""
    yield f"{created:%Y-%m-%d} {flag} {names}"
    yield f"  monzo-id: {_string(record.id)}"
    yield f'  time: "{created:%H:%M:%S}"'
    if record.category:
        yield f"  category: {_string(record.category)}"
    if record.notes:
        yield f"  notes: {_string(record.notes)}"
    if record.local_amount:
        yield f"  local-amount: {amount_with_currency(record.local_amount)}"
    yield _posting(f"Assets:Monzo:{_component(account.name)}", record.amount)
    for other, minor in _other_side(account, record).items():
        yield _posting(other, Money.from_minor(minor, record.currency))


def _other_side(account: ExportedAccount, record: TransactionRecord) -> Mapping[str, int]:
    """Return the postings that balance a transaction: accounts and their amounts.

    Expenses are the spending, so refunds lower them. Money that was neither spent nor received,
    such as a transfer between the owner's accounts, goes through one account, where both sides
    cancel out.
    """
    if pot := pot_name(account, record):
        return {f"Assets:Monzo:Pots:{_component(pot)}": -record.minor}
    parts: Counter[str] = Counter()
    for category, minor in record.spent.items():
        parts[f"Expenses:{_component(category_name(category))}"] += minor
    if record.received:
        parts[f"Income:{_component(category_name(record.category))}"] -= record.received
    if rest := -record.minor - parts.total():
        parts["Equity:Transfers"] = rest
    return parts


def _posting(account: str, amount: Money) -> str:
    return f"  {account}  {amount_with_currency(amount)}"


def _string(text: str) -> str:
    return '"' + _NEEDS_ESCAPE.sub(r"\\\g<0>", one_line(text)) + '"'


def _component(name: str) -> str:
    """Return a name as a component of an account name: letters and digits, joined by hyphens."""
    spaced = "".join(each if each.isalpha() or each.isdecimal() else " " for each in name)
    component = "-".join(word[0].upper() + word[1:] for word in spaced.split())
    # A component must begin with an upper-case letter or a digit. Some scripts have no upper case.
    starts_well = component[:1].isupper() or component[:1].isdecimal()
    return component if starts_well else f"X{component}"
