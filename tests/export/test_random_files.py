"""Whatever the bank sends, other programs read the same transactions from every file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.api import Money, currency_exponent
from custom_components.monzo.export.formats import FileFormatName
from custom_components.monzo.export.formatting import payee
from custom_components.monzo.transactions.record import TransactionRecord
from tests.export.parsers import READERS, account, file_text, ofx_statements
from tests.transactions.test_record import record

# All numbers of decimals that currencies have.
CURRENCIES = ("GBP", "EUR", "JPY", "ISK", "BHD", "KWD", "CLF")

# Texts with a meaning in one of the formats, or on the screen.
SPECIAL = (
    *("=", "'", '"', "\\", ",", ";", "<", ">", "&amp;", "]]>", "^", "!", "\n", "\r", "\t", "\x00"),
    *("\N{RIGHT-TO-LEFT MARK}", "\N{RIGHT-TO-LEFT OVERRIDE}", "👩‍👩‍👧", "a", " "),
)
TEXTS = st.one_of(
    st.text(max_size=40), st.lists(st.sampled_from(SPECIAL), max_size=12).map("".join)
)
AMOUNTS = st.integers(-(10**9), 10**9).filter(bool)
CATEGORIES = st.one_of(st.sampled_from(["groceries", "eating_out", "category_0000A1b"]), TEXTS)


@st.composite
def transactions(draw: st.DrawFn, currency: str, number: int) -> TransactionRecord:
    """Return any transaction that moved money."""
    changes: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "amount": AMOUNTS,
                "local_amount": st.integers(-(10**9), 10**9),
                "local_currency": st.sampled_from(CURRENCIES),
                "description": TEXTS,
                "notes": TEXTS,
                "category": CATEGORIES,
                "scheme": st.sampled_from(
                    ["mastercard", "bacs", "payport_faster_payments", "uk_retail_pot", "overdraft"]
                ),
                "merchant": st.one_of(
                    st.just(""), st.fixed_dictionaries({"id": st.just("merch_1"), "name": TEXTS})
                ),
                "counterparty": st.fixed_dictionaries({"name": TEXTS}),
                "created": st.integers(0, 2**31).map(
                    lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()
                ),
                "settled": st.sampled_from(["", "2026-11-10T06:00:00Z"]),
            }
        )
    )
    if draw(st.booleans()):
        part = draw(AMOUNTS)
        changes["categories"] = {"groceries": part, "gifts": changes["amount"] - part}
    return record(id=f"tx_{number}", currency=currency, own_transfer=draw(st.booleans()), **changes)


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, Sequence[TransactionRecord]]:
    """Return the currency and the transactions of an account."""
    currency = draw(st.sampled_from(CURRENCIES))
    return currency, [
        draw(transactions(currency, number)) for number in range(draw(st.integers(1, 4)))
    ]


@pytest.mark.parametrize("format_name", FileFormatName)
@settings(max_examples=40)
@given(history=histories(), name=TEXTS)
def test_every_file_adds_up_to_the_ledger(
    format_name: FileFormatName, history: tuple[str, Sequence[TransactionRecord]], name: str
) -> None:
    currency, records = history
    owner = account(name, balance=Money.from_minor(1, currency))
    read = READERS[format_name](file_text(format_name, (owner, records)))
    amounts = {each.transaction_id: each.amount for each in read}
    assert amounts == {payment.id: payment.amount.amount for payment in records}
    assert sum(amounts.values()) == sum(payment.amount.amount for payment in records)
    by_id = {payment.id: payment for payment in records}
    for each in read:
        payment = by_id[each.transaction_id]
        assert each.pending is (payment.settled is None)
        # CSV may have an apostrophe before the name, and OFX cuts it.
        name_read = each.payee.removeprefix("'")
        assert payee(owner, payment).removeprefix("'").startswith(name_read)
        assert len(name_read) > 25 or payee(owner, payment).removeprefix("'") == name_read
        if format_name is not FileFormatName.OFX and not each.pot:
            assert abs(sum(each.categories.values())) == abs(each.amount)


@settings(max_examples=100)
@given(payment=st.sampled_from(CURRENCIES).flatmap(lambda currency: transactions(currency, 1)))
def test_the_rate_in_ofx_gives_the_amount_abroad(payment: TransactionRecord) -> None:
    owner = account(balance=Money.from_minor(1, payment.currency))
    (statement,) = ofx_statements(file_text(FileFormatName.OFX, (owner, [payment])))
    (read,) = statement.transactions
    local_amount = payment.local_amount
    if local_amount is None or not local_amount.minor:
        assert read.origcurrency is None
        return
    abroad = Money(read.trnamt / read.origcurrency.currate, read.origcurrency.cursym)
    assert round(abroad.amount, currency_exponent(abroad.currency)) == local_amount.amount
