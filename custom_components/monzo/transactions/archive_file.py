"""The content of the archive's file, as SQL without Home Assistant.

All functions here block, so they run in the executor. Calls wait for each other. Amounts are in
minor units.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
import json
from typing import Final

from .archive_change import ArchiveChange
from .archive_database import ArchiveDatabase, exclusive
from .archive_query import ArchiveQuery, SpendingGroup
from .archive_rows import (
    FACTS,
    RECORD_COLUMNS,
    STATE_COLUMNS,
    UPSERT,
    UPSERT_STATE,
    from_number,
    record_from_row,
    record_to_row,
    state_from_row,
    state_to_row,
    to_number,
)
from .archive_schema import GROUP_OF_MERCHANT
from .classification import TransactionKind
from .known_transaction import KnownTransaction
from .past_transaction import PastTransaction
from .record import NO_DETAILS, TransactionRecord
from .retention import Retention
from .search_text import search_text
from .spans import Span, Spans
from .tags import tags_in
from .transaction_log import ReadState, TransactionLog

_SPENT: Final = "account = ? AND created >= ? AND created < ? AND spent <> '{}'"
_TOTAL: Final = "(SELECT sum(value) FROM json_each(spent))"

# The name and the amount of each transaction, or of each part of it.
_GROUPS: Final = {
    SpendingGroup.CATEGORY: f"""
        SELECT key AS name, value AS minor FROM transactions, json_each(spent) WHERE {_SPENT}
    """,  # noqa: S608 - an expression of this module
    SpendingGroup.MERCHANT: f"""
        SELECT
            coalesce(nullif(merchant, ''), nullif(counterparty, ''), description) AS name,
            {_TOTAL} AS minor
        FROM transactions WHERE {_SPENT}
    """,  # noqa: S608 - an expression of this module
    SpendingGroup.QUARTER_HOUR: f"""
        SELECT created / 900000000 * 900 AS name, {_TOTAL} AS minor
        FROM transactions WHERE {_SPENT}
    """,  # noqa: S608 - an expression of this module
}


class ArchiveFile(ArchiveDatabase):
    """The transactions of all accounts in a file."""

    # Writing

    def write(self, change: ArchiveChange) -> None:
        """Write a change of an account."""
        rows = self._write_records(change)
        state = self._sql.execute(
            UPSERT_STATE, (change.account_id, *state_to_row(change.state))
        ).rowcount
        stored = self._spans(change.account_id)
        # The end of the newest span moves with each read, and is not worth a write by itself.
        if rows or state or not change.spans.equals_except_for_end(stored):
            self._write_spans(change.account_id, change.spans)

    def _write_records(self, change: ArchiveChange) -> int:
        """Write the transactions of a change; return the number of changed rows."""
        account, revision = change.account_id, self._next_revision(change.account_id)
        changed = 0
        for record in change.records:
            reported = record.id not in change.unreported
            row = (*record_to_row(record), False, reported, revision)
            changed += self._sql.execute(UPSERT, row).rowcount
        if (listed := change.listed) is not None:
            span = (to_number(listed.since), to_number(listed.before))
            changed += self._sql.execute(
                """
                UPDATE transactions SET taken_back = TRUE, spent = '{}', received = 0, revision = ?
                WHERE account = ? AND created > ? AND created < ? AND NOT taken_back
                    AND id NOT IN (SELECT value FROM json_each(?))
                """,
                (revision, account, *span, json.dumps([*listed.ids])),
            ).rowcount
        if change.reported is not None:
            changed += self._sql.execute(
                "UPDATE transactions SET reported = TRUE WHERE account = ? AND id = ?",
                (account, change.reported),
            ).rowcount
        if change.forget_before is not None:
            changed += self._forget_before(account, change.forget_before)
        return changed

    def _next_revision(self, account_id: str) -> int:
        query = "SELECT coalesce(max(revision), 0) + 1 FROM transactions WHERE account = ?"
        (revision,) = self._sql.execute(query, (account_id,)).fetchone()
        return int(revision)

    def _write_spans(self, account_id: str, spans: Spans) -> None:
        self._sql.execute("DELETE FROM spans WHERE account = ?", (account_id,))
        self._sql.executemany(
            "INSERT INTO spans VALUES (?, ?, ?)",
            [(account_id, to_number(since), to_number(until)) for since, until in spans],
        )

    def _delete_details(self, account_id: str) -> int:
        """Delete an account's names, texts and references; return the number of changed rows."""
        values = {**NO_DETAILS, "searchable": ""}
        self._sql.execute("DELETE FROM spans WHERE account = ?", (account_id,))
        return self._sql.execute(
            f"""
            UPDATE transactions SET {", ".join(f"{name} = :{name}" for name in values)}
            WHERE account = :account
                AND ({", ".join(values)}) IS NOT ({", ".join(f":{name}" for name in values)})
            """,  # noqa: S608 - names of columns
            {**values, "account": account_id},
        ).rowcount

    def shorten(self, account_ids: Iterable[str], retention: Retention, now: datetime) -> None:
        """Permanently delete data of some accounts that the user no longer wants to keep."""
        horizon = retention.horizon(now)
        for account_id in account_ids:
            if not retention.keeps_history:
                self._has_free_space |= self._delete_details(account_id) > 0
            if horizon is not None:
                self._has_free_space |= self._forget_before(account_id, horizon) > 0

    def _forget_before(self, account_id: str, horizon: datetime) -> int:
        return self._sql.execute(
            "DELETE FROM transactions WHERE account = ? AND created < ?",
            (account_id, to_number(horizon)),
        ).rowcount

    def write_known(
        self, account_id: str, state: ReadState, known: Iterable[tuple[str, KnownTransaction]]
    ) -> None:
        """Write an account from its known transactions, all of which have been reported.

        Transactions that are already in the file keep their other facts.
        """
        revision = self._next_revision(account_id)
        for id_, transaction in known:
            record = TransactionRecord(
                id=id_,
                account=account_id,
                created=transaction.created,
                # The next read corrects the time of the settlement.
                settled=transaction.created if transaction.settled else None,
                minor=transaction.amount,
                currency=state.currency,
                kind=TransactionKind.OTHER,
                category=transaction.category,
                split={},
                spent=transaction.spent,
                received=transaction.received,
            )
            self._sql.execute(
                f"""
                INSERT INTO transactions ({", ".join(FACTS)}, reported, revision)
                VALUES ({", ".join("?" * len(FACTS))}, TRUE, ?)
                ON CONFLICT (account, id) DO UPDATE SET reported = TRUE
                """,  # noqa: S608 - names of columns
                (*record_to_row(record), False, revision),
            )
        self._sql.execute(UPSERT_STATE, (account_id, *state_to_row(state)))

    def note_unreadable(self, account_id: str, span: Span) -> None:
        """Record that a span was read, but contains a transaction that could not be read."""
        self._sql.execute(
            "INSERT OR IGNORE INTO unreadable_spans VALUES (?, ?, ?)",
            (account_id, *map(to_number, span)),
        )

    def write_notes(self, account_id: str, transaction_id: str, notes: str | None) -> None:
        """Change the notes of a transaction, if it is in the file."""
        query = f"""
            SELECT {", ".join(RECORD_COLUMNS)} FROM transactions WHERE account = ? AND id = ?
        """  # noqa: S608 - names of columns
        row = self._sql.execute(query, (account_id, transaction_id)).fetchone()
        if row is None:
            return
        record = replace(record_from_row(row), notes=notes)
        self._sql.execute(
            """
            UPDATE transactions SET notes = :notes, searchable = :searchable, revision = :revision
            WHERE account = :account AND id = :id
            """,
            {
                **dict(zip(FACTS, record_to_row(record), strict=False)),
                "revision": self._next_revision(account_id),
            },
        )

    def forget_account(self, account_id: str) -> None:
        """Delete everything about an account."""
        self._sql.execute("DELETE FROM unreadable_spans WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM transactions WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM spans WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM statistics WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM statistics_state WHERE account = ?", (account_id,))
        self._sql.execute("DELETE FROM accounts WHERE id = ?", (account_id,))

    # Reading

    @exclusive
    def load_logs(self, since: datetime) -> dict[str, TransactionLog]:
        """Return the logs of all accounts, with their reported transactions since a moment.

        Raises the errors of `open`.
        """
        self.open()
        states = self._sql.execute(f"SELECT id, {', '.join(STATE_COLUMNS)} FROM accounts")  # noqa: S608 - names of columns
        return {
            account_id: TransactionLog(
                state_from_row(row), self._known(account_id, since), self._spans(account_id)
            )
            for account_id, *row in states.fetchall()
        }

    def _known(self, account_id: str, since: datetime) -> dict[str, KnownTransaction]:
        rows = self._sql.execute(
            """
            SELECT id, created, minor, settled IS NOT NULL, category, spent, received, notes
            FROM transactions
            WHERE account = ? AND created >= ? AND reported
            """,
            (account_id, to_number(since)),
        )
        return {
            id_: KnownTransaction(
                created=from_number(created),
                amount=minor,
                settled=bool(settled),
                category=category,
                spent=json.loads(spent),
                received=received,
                tags=tags_in(notes),
            )
            for id_, created, minor, settled, category, spent, received, notes in rows
        }

    @exclusive
    def spent_between(
        self, account_id: str, since: datetime, before: datetime
    ) -> list[tuple[datetime, int]]:
        """Return the time and the spending in minor units of each transaction in a period.

        Raises the errors of `open`.
        """
        self.open()
        rows = self._sql.execute(
            f"SELECT created, {_TOTAL} FROM transactions WHERE {_SPENT}",  # noqa: S608 - expressions of this module
            (account_id, to_number(since), to_number(before)),
        )
        return [(from_number(created), minor) for created, minor in rows]

    def _spans(self, account_id: str) -> Spans:
        rows = self._sql.execute("SELECT since, until FROM spans WHERE account = ?", (account_id,))
        return Spans((from_number(since), from_number(until)) for since, until in rows)

    @exclusive
    def load_unreadable(self) -> dict[str, Spans]:
        """Return the spans from `note_unreadable` by account. Raises the errors of `open`."""
        self.open()
        found: dict[str, list[Span]] = {}
        for account_id, since, until in self._sql.execute("SELECT * FROM unreadable_spans"):
            found.setdefault(account_id, []).append((from_number(since), from_number(until)))
        return {account_id: Spans(spans) for account_id, spans in found.items()}

    @exclusive
    def created(self, account_id: str, transaction_id: str) -> datetime | None:
        """Return the time of a transaction; None if it is not in the file.

        Like all following methods, it raises the errors of `open`.
        """
        self.open()
        query = "SELECT created FROM transactions WHERE account = ? AND id = ?"
        row = self._sql.execute(query, (account_id, transaction_id)).fetchone()
        return row and from_number(row[0])

    @exclusive
    def find(
        self,
        query: ArchiveQuery,
        matches: Callable[[TransactionRecord], bool] = lambda _record: True,
        limit: int | None = None,
    ) -> list[TransactionRecord]:
        """Return transactions of an account that the bank lists, newest first."""
        self.open()
        selected, merchant = "WHERE", tuple[str, ...]()
        if query.merchant_group is not None:
            selected = f"INDEXED BY transactions_by_merchant WHERE {GROUP_OF_MERCHANT} = ? AND"
            merchant = (query.merchant_group,)
        rows = self._sql.execute(
            f"""
            SELECT {", ".join(RECORD_COLUMNS)} FROM transactions {selected}
                account = ? AND created >= ? AND created < ? AND NOT taken_back
                AND instr(searchable, ?) AND (created, id) < (?, ?)
            ORDER BY created DESC, id DESC
            """,  # noqa: S608 - names of columns and an expression
            (*merchant, *query.span, search_text(query.text), *query.position),
        )
        records = map(record_from_row, rows)
        return [*islice(filter(matches, records), limit)]

    @exclusive
    def spending(self, query: ArchiveQuery, by: SpendingGroup) -> list[tuple[str, int, int]]:
        """Return groups, each with its name, spending in minor units and number of transactions.

        A transaction counts once in each group that contains a part of it.
        """
        self.open()
        return self._sql.execute(
            f"""
            SELECT name, sum(minor), count(*) FROM ({_GROUPS[by]}) GROUP BY name
            """,  # noqa: S608 - a query of this module
            query.span,
        ).fetchall()

    @exclusive
    def changed_records(
        self,
        account_id: str,
        since: datetime,
        revision: int,
        use: Callable[[TransactionRecord], object],
    ) -> int:
        """Pass on the transactions since a moment that changed in or after a revision.

        Return the newest revision of the account. Transactions that the bank took back are
        included, with no spending.
        """
        self.open()
        rows = self._sql.execute(
            f"""
            SELECT {", ".join(RECORD_COLUMNS)} FROM transactions
            WHERE account = ? AND revision >= ? AND +created >= ?
            """,  # noqa: S608 - names of columns
            (account_id, revision, to_number(since)),
        )
        # One by one, because there may be hundreds of thousands.
        for row in rows:
            use(record_from_row(row))
        return self._next_revision(account_id) - 1

    @exclusive
    def read_changes(
        self,
        account_id: str,
        since: datetime,
        revision: int,
        *,
        put: Callable[[PastTransaction], None],
        remove: Callable[[str], None],
    ) -> int:
        """Pass on the transactions of `changed_records` one by one; return the newest revision.

        `put` gets those that the bank lists, and `remove` the IDs of those that it took back.
        """
        self.open()
        rows = self._sql.execute(
            """
            SELECT
                taken_back, id, account, created, minor, currency, kind,
                coalesce(nullif(merchant, ''), nullif(counterparty, '')), payee_id, merchant_group,
                description, pot_id
            FROM transactions WHERE account = ? AND revision >= ? AND +created >= ?
            """,
            (account_id, revision, to_number(since)),
        )
        for taken_back, id_, account, created, *facts in rows:
            if taken_back:
                remove(id_)
            else:
                put(PastTransaction(id_, account, from_number(created), *facts))
        return self._next_revision(account_id) - 1

    @exclusive
    def records(self, account_id: str, ids: Iterable[str]) -> list[TransactionRecord]:
        """Return the transactions with these IDs, in any order."""
        self.open()
        rows = self._sql.execute(
            f"""
            SELECT {", ".join(RECORD_COLUMNS)} FROM transactions
            WHERE account = ? AND id IN (SELECT value FROM json_each(?))
            """,  # noqa: S608 - names of columns
            (account_id, json.dumps([*ids])),
        )
        return [record_from_row(row) for row in rows]

    @exclusive
    def revision(self, account_id: str) -> int:
        """Return the newest revision of an account; 0 without transactions."""
        self.open()
        return self._next_revision(account_id) - 1

    @exclusive
    def revisions(self, account_ids: Iterable[str]) -> dict[str, int]:
        """Return the newest revision of each account; see `revision`."""
        return {account_id: self.revision(account_id) for account_id in account_ids}

    @exclusive
    def counts(self) -> dict[str, float]:
        """Return the numbers of accounts and transactions, and the size of the file.

        Raises the errors of `open`.
        """
        self.open()
        (accounts,) = self._sql.execute("SELECT count(*) FROM accounts").fetchone()
        (transactions,) = self._sql.execute("SELECT count(*) FROM transactions").fetchone()
        megabytes = round(self.path.stat().st_size / 1e6, 1)
        return {"accounts": accounts, "transactions": transactions, "megabytes": megabytes}
