"""Random payments and corrections: budgets of all categories add up to the spending of a period.

The spending is what the archive answers to `get_spending`. The periods have days on which clocks
change, and leap days.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.monzo.budgets.ledger import BudgetLedger
from custom_components.monzo.budgets.periods import (
    Months,
    PayCycles,
    Period,
    PeriodRule,
    Weeks,
    Years,
)
from custom_components.monzo.budgets.scope import Scope
from custom_components.monzo.recurring.pay_day import PayDayBasis, PayDayRule, PayDays
from custom_components.monzo.transactions import (
    SpendingGroup,
    TransactionKind,
    TransactionRecord,
)
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.archive_query import ArchiveQuery
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState

ACCOUNT = "acc"
CATEGORIES = ("groceries", "eating_out", "general", "category_0000custom")
PAYMENTS = 12
NOW = datetime(2030, 1, 1, tzinfo=UTC)
STATE = ReadState(entry_id="entry", currency="GBP", read_until=NOW)

ZONES = ("Europe/London", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "UTC")
DAYS = [
    date.fromisoformat(day)
    for day in ("2026-03-29", "2026-10-25", "2026-11-01", "2028-02-29", "2028-03-01", "2026-12-31")
]

RULES: st.SearchStrategy[PeriodRule] = st.one_of(
    st.builds(Months, st.integers(1, 31)),
    st.builds(Weeks, st.integers(0, 6)),
    st.just(Years()),
    st.builds(
        lambda day: PayCycles(
            PayDays(rule=PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=day)).after
        ),
        st.integers(1, 31),
    ),
)

# Money that was spent or came back, by category; nothing if it does not count.
SPENT: st.SearchStrategy[Mapping[str, int]] = st.dictionaries(
    st.sampled_from(CATEGORIES), st.integers(-50_000, 50_000).filter(bool), max_size=3
)

# A payment that is written again was corrected, such as when it was settled or split.
WRITES = st.lists(
    st.lists(st.tuples(st.integers(0, PAYMENTS - 1), SPENT), max_size=6), min_size=1, max_size=5
)


def record(number: int, created: datetime, spent: Mapping[str, int]) -> TransactionRecord:
    return TransactionRecord(
        id=f"tx_{number:02}",
        account=ACCOUNT,
        created=created,
        minor=-sum(spent.values()),
        currency="GBP",
        kind=TransactionKind.CARD_PAYMENT,
        split={category: -minor for category, minor in spent.items()},
        spent=spent,
    )


@contextmanager
def archive() -> Iterator[ArchiveFile]:
    with TemporaryDirectory() as folder:
        file = ArchiveFile(Path(folder) / "archive.db")
        file.open()
        try:
            yield file
        finally:
            file.close()


def moments(period: Period, zone: ZoneInfo) -> list[datetime]:
    """Return the moments of the payments: most of them around the borders of a period."""
    since, until = period.since(zone), period.until(zone)
    around = [timedelta(seconds=-1), timedelta(0), timedelta(hours=1), timedelta(days=3)]
    spread = (until - since) / 4
    return [
        *(since + it for it in around),
        *(until + it for it in around),
        *(since + number * spread for number in range(4)),
    ]


@settings(max_examples=15)
@given(RULES, st.sampled_from(DAYS), st.sampled_from(ZONES), WRITES)
def test_budgets_of_all_categories_equal_the_spending_after_each_correction(
    rule: PeriodRule, day: date, zone_name: str, writes: list[list[tuple[int, Mapping[str, int]]]]
) -> None:
    zone = ZoneInfo(zone_name)
    current = rule.period_of(day)
    assert current is not None
    before, after = rule.period_of(current.first - timedelta(days=1)), rule.period_of(current.end)
    assert before is not None
    assert after is not None
    periods = [before, current, after]
    created = moments(current, zone)
    everything = BudgetLedger(Scope(), periods, zone)
    by_category = [
        BudgetLedger(Scope(categories=frozenset({category})), periods, zone)
        for category in CATEGORIES
    ]
    revision = 0
    with archive() as file:
        for write in writes:
            records = {number: record(number, created[number], spent) for number, spent in write}
            file.write(
                ArchiveChange(
                    account_id=ACCOUNT,
                    state=STATE,
                    spans=Spans(),
                    records=list(records.values()),
                )
            )
            # As the coordinator does.
            changed: list[TransactionRecord] = []
            revision = file.changed_records(ACCOUNT, everything.since, revision, changed.append)
            for each in changed:
                for ledger in (everything, *by_category):
                    ledger.put(each, NOW)
            for period in periods:
                query = ArchiveQuery(
                    account_id=ACCOUNT, since=period.since(zone), before=period.until(zone)
                )
                answer = file.spending(query, SpendingGroup.CATEGORY)
                spent = sum(minor for _name, minor, _count in answer)
                assert everything.spent_minor(period) == spent
                assert sum(ledger.spent_minor(period) for ledger in by_category) == spent
