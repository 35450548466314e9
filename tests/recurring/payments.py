"""Transactions and recurring payments for tests."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from itertools import count, takewhile

from custom_components.monzo.recurring.account_payments import AccountPayments
from custom_components.monzo.recurring.account_search import AccountSearch
from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.transactions import (
    PastTransaction,
    TransactionKind,
    TransactionRecord,
)

from .households import LONDON, Row

CARD = TransactionKind.CARD_PAYMENT
DEBIT = TransactionKind.DIRECT_DEBIT
OUT = TransactionKind.OUTGOING_PAYMENT
INCOME = TransactionKind.INCOMING_PAYMENT
POT = TransactionKind.POT_DEPOSIT

_ids = count()


def rows(
    days: Iterable[date],
    amounts: Iterable[int],
    kind: TransactionKind = CARD,
    payee: str | None = "Streamly",
    *,
    at: time = time(9),
    payee_id: str | None = None,
    merchant_group: str | None = None,
    scheme: str | None = None,
    description: str | None = None,
) -> list[Row]:
    """Return transactions with one payee."""
    return [
        Row(
            id=f"tx_{next(_ids):06}",
            created=datetime.combine(day, at, LONDON).astimezone(UTC),
            minor=minor,
            kind=kind,
            payee=payee,
            payee_id=payee_id,
            merchant_group=merchant_group,
            scheme=scheme,
            description=description,
        )
        for day, minor in zip(days, amounts, strict=False)
    ]


def record_of(row: Row, *, received: bool = True, pot: str | None = None) -> TransactionRecord:
    """Return a transaction as the archive keeps it.

    Incoming money counts as income if `received` is true. `pot` is the ID of the pot of a transfer.
    """
    is_card_payment = row.kind is CARD
    return TransactionRecord(
        id=row.id,
        account=row.account,
        created=row.created,
        minor=row.minor,
        currency=row.currency,
        kind=row.kind,
        merchant=row.payee if is_card_payment else None,
        merchant_group=row.merchant_group,
        counterparty=None if is_card_payment else row.payee,
        payee_id=row.payee_id,
        description=row.description or "",
        split={},
        spent={},
        received=max(0, row.minor) if received else 0,
        pot_id=pot,
    )


def same(minor: int) -> Iterable[int]:
    """Return the same amount each time."""
    return iter(lambda: minor, None)


def until(days: Iterable[date], last: date) -> list[date]:
    """Return the days up to a last one."""
    return list(takewhile(lambda day: day <= last, days))


def only(rows: list[Row], today: date) -> RecurringPayment:
    """Return the only recurring payment."""
    (payment,) = detect(rows, today)
    return payment


def past_transaction(record: TransactionRecord) -> PastTransaction:
    """Return the few facts about a transaction that a search remembers."""
    return PastTransaction(**{name: getattr(record, name) for name in PastTransaction._fields})


def find_payments(past: Iterable[TransactionRecord], today: date) -> AccountPayments | None:
    """Return the recurring payments in the past of an account."""
    search = AccountSearch(today)
    by_id = {record.id: record for record in past}
    for record in by_id.values():
        search.put(past_transaction(record))
    return search.find((), lambda ids: [by_id[id_] for id_ in ids])
