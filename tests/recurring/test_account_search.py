"""A search that reads only changes finds the same as one that reads everything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from custom_components.monzo.recurring.account_payments import AccountPayments
from custom_components.monzo.recurring.account_search import AccountSearch
from custom_components.monzo.recurring.detection import Search, detect, propose
from custom_components.monzo.transactions.archive_change import ArchiveChange, Listing
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState

from .households import HouseholdBuilder, Row
from .payments import find_payments, record_of

ACCOUNT = "acc_current"


def _changed(row: Row, others: list[Row], random: Random) -> Row:
    """Return a transaction as the bank corrects it: another amount, name or side."""
    other = random.choice(others)
    return random.choice(
        [
            replace(row, minor=other.minor),
            replace(row, payee=other.payee),
            replace(row, merchant_group=other.merchant_group, payee_id=other.payee_id),
            replace(row, created=row.created - timedelta(days=random.randrange(3))),
        ]
    )


@pytest.mark.parametrize("seed", range(2))
def test_changes_lead_to_the_same_as_a_search_in_everything(seed: int) -> None:
    random, household = Random(seed), HouseholdBuilder(seed).build()  # noqa: S311 - not for security
    today, left = household.today, list(household.rows)
    random.shuffle(left)
    search, known = Search(today), dict[str, Row]()
    while left:
        added, left = left[:400], left[400:]
        corrected = [_changed(row, added, random) for row in random.sample(added, 40)]
        for row in (*added, *corrected, *added[:5]):
            known[row.id] = row
            search.put(row)
        for id_ in random.sample([*known], 10):
            del known[id_]
            search.remove(id_)
        continued = [it.key for it in search.find().payments[::5]]
        found = search.find(continued)
        assert found.payments == detect(known.values(), today, continued)
        assert found.proposals == propose(known.values(), today, continued)


# With the archive


@pytest.fixture
def file(tmp_path: Path) -> Iterator[ArchiveFile]:
    file = ArchiveFile(tmp_path / "archive.db")
    yield file
    file.close()


def _write(file: ArchiveFile, *records: TransactionRecord, listed: Listing | None = None) -> None:
    state = ReadState(entry_id="entry", currency="GBP", read_until=datetime(2026, 1, 1, tzinfo=UTC))
    change = ArchiveChange(
        account_id=ACCOUNT, state=state, spans=Spans(), records=records, listed=listed
    )
    file.run([lambda file: file.write(change)])


def test_the_archive_is_searched_again_where_it_has_changed(file: ArchiveFile) -> None:
    household = HouseholdBuilder(5).build()
    today, now = household.today, max(row.created for row in household.rows)
    known = {row.id: record_of(row) for row in household.rows}
    search = AccountSearch(today)

    def find() -> AccountPayments | None:
        return search.update(file, ACCOUNT, now, today, ())

    assert find() is None
    _write(file, *known.values())
    found = find()
    assert found == find_payments(known.values(), today)
    assert found
    # Other notes of the newest payment, and a payment that the bank takes back.
    noted = replace(found.newest[found.payments[0].key], notes="#home")
    missing = found.newest[found.payments[1].key]
    known[noted.id] = noted
    del known[missing.id]
    moment = timedelta(seconds=1)
    listed = Listing(
        since=missing.created - moment, before=missing.created + moment, ids=frozenset()
    )
    _write(file, noted, listed=listed)
    found = find()
    assert found == find_payments(known.values(), today)
    assert found
    assert noted in found.newest.values()


def test_a_new_file_is_searched_from_its_beginning(file: ArchiveFile) -> None:
    household = HouseholdBuilder(6).build()
    records = [record_of(row) for row in household.rows]
    now, search = max(it.created for it in records), AccountSearch(household.today)
    _write(file, *records)
    _write(file, replace(records[0], notes="#home"))
    assert search.update(file, ACCOUNT, now, household.today, ())
    file.delete()
    _write(file, *records[-40:])
    found = search.update(file, ACCOUNT, now, household.today, ())
    assert found == find_payments(records[-40:], household.today)
