"""Rows of the archive's tables. Times are stored as microseconds since 1970."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
import json
from typing import Any, Final

from .classification import TransactionKind
from .record import TransactionRecord
from .transaction_log import FirstRead, ReadState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

RECORD_COLUMNS: Final = tuple(TransactionRecord.__dataclass_fields__)
FACTS: Final = (*RECORD_COLUMNS, "searchable", "taken_back")
_TIMES: Final = frozenset({"created", "settled"})
_AMOUNTS_BY_CATEGORY: Final = frozenset({"split", "spent"})

# Only differences are written, so that reading the same transactions again does not write.
UPSERT: Final = f"""
    INSERT INTO transactions ({", ".join(FACTS)}, reported, revision)
    VALUES ({", ".join("?" * len(FACTS))}, ?, ?)
    ON CONFLICT (account, id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in FACTS)},
        reported = max(reported, excluded.reported),
        revision = excluded.revision
    WHERE ({", ".join(FACTS)}) IS NOT ({", ".join(f"excluded.{name}" for name in FACTS)})
        OR reported < excluded.reported
"""  # noqa: S608 - names of columns

STATE_COLUMNS: Final = (
    *("entry_id", "currency", "read_until"),
    *("first_read_before", "first_read_until", "unreadable_until"),
)
UPSERT_STATE: Final = f"""
    INSERT INTO accounts (id, {", ".join(STATE_COLUMNS)})
    VALUES (?, {", ".join("?" * len(STATE_COLUMNS))})
    ON CONFLICT (id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in STATE_COLUMNS)}
    WHERE ({", ".join(STATE_COLUMNS)})
        IS NOT ({", ".join(f"excluded.{name}" for name in STATE_COLUMNS)})
"""  # noqa: S608 - names of columns


def to_number(moment: datetime) -> int:
    """Return a moment in the form of the columns."""
    return (moment - _EPOCH) // _MICROSECOND


def from_number(number: int) -> datetime:
    """Return a moment from a column."""
    return _EPOCH + number * _MICROSECOND


def _optional_number(moment: datetime | None) -> int | None:
    return None if moment is None else to_number(moment)


def _optional_moment(number: int | None) -> datetime | None:
    return None if number is None else from_number(number)


def record_to_row(record: TransactionRecord) -> tuple[Any, ...]:
    """Return a record as the columns before `taken_back`."""
    return tuple(
        _value_to_column(name, getattr(record, name)) for name in (*RECORD_COLUMNS, "searchable")
    )


def _value_to_column(name: str, value: Any) -> Any:  # noqa: ANN401 - of any column
    if name in _TIMES:
        return _optional_number(value)
    if name in _AMOUNTS_BY_CATEGORY:
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        # JSON can contain unpaired surrogates, which SQLite refuses.
        return value.encode(errors="replace").decode()
    return value


def record_from_row(row: Sequence[Any]) -> TransactionRecord:
    """Return a record from the `RECORD_COLUMNS`."""
    facts = dict(zip(RECORD_COLUMNS, row, strict=True))
    return TransactionRecord(
        **facts
        | {
            "created": from_number(facts["created"]),
            "settled": _optional_moment(facts["settled"]),
            "kind": TransactionKind(facts["kind"]),
            "split": json.loads(facts["split"]),
            "spent": json.loads(facts["spent"]),
        }
    )


def state_to_row(state: ReadState) -> tuple[str | int | None, ...]:
    """Return the state of an account as the `STATE_COLUMNS`."""
    first_read = state.first_read
    return (
        state.entry_id,
        state.currency,
        to_number(state.read_until),
        to_number(first_read.before) if first_read else None,
        to_number(first_read.read_until) if first_read else None,
        _optional_number(state.unreadable_until),
    )


def state_from_row(row: Sequence[Any]) -> ReadState:
    """Return the state of an account from the `STATE_COLUMNS`."""
    entry_id, currency, read_until, before, first_read_until, unreadable_until = row
    return ReadState(
        entry_id=entry_id,
        currency=currency,
        read_until=from_number(read_until),
        first_read=None
        if before is None
        else FirstRead(before=from_number(before), read_until=from_number(first_read_until)),
        unreadable_until=_optional_moment(unreadable_until),
    )
