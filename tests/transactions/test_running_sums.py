"""The sums of periods stay right, whatever changes in the transactions of the last month."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custom_components.monzo.api import Money
from custom_components.monzo.transactions.known_transaction import KnownTransaction
from custom_components.monzo.transactions.past_spending import PastSpending
from custom_components.monzo.transactions.transaction_log import ReadState, TransactionLog

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
STARTS = [NOW - timedelta(hours=hours) for hours in (12, 60, 420)]
CATEGORIES = ("eating_out", "groceries", "transport")
TAGS = ("#house", "#work")

amounts = st.integers(-5_000, 5_000)
transactions = st.builds(
    KnownTransaction,
    # Some are dated ahead, and do not count yet.
    created=st.integers(-700, 24).map(lambda hours: NOW + timedelta(hours=hours)),
    amount=amounts,
    settled=st.booleans(),
    category=st.sampled_from(CATEGORIES),
    spent=st.dictionaries(st.sampled_from(CATEGORIES), amounts, max_size=2),
    received=st.integers(0, 5_000),
    tags=st.frozensets(st.sampled_from(TAGS)),
)
ids = st.integers(0, 12).map("tx_{}".format)
changes = st.one_of(
    st.tuples(st.just("remember"), ids, transactions),
    st.tuples(st.just("forget"), st.sampled_from(STARTS)),
    st.tuples(st.just("take back"), st.sampled_from(STARTS), st.frozensets(ids)),
    st.tuples(st.just("load"), st.dictionaries(ids, transactions, max_size=3), st.lists(ids)),
)


type Change = tuple[Any, ...]


def _apply(log: TransactionLog, change: Change) -> None:
    match change:
        case "remember", id_, known:
            log.remember(id_, known)
        case "forget", horizon:
            log.forget_before(horizon)
        case "take back", since, listed:
            log.stop_counting_unlisted(since, NOW, listed)
        case "load", stored, reported:
            log.continue_from(TransactionLog(log.state, stored), reported=reported)


def _sums(log: TransactionLog) -> list[Money]:
    """Return all sums that can be asked for."""
    spent = [
        log.spent(start, NOW, category, tag)
        for start in STARTS
        for category in (None, *CATEGORIES)
        for tag in (None, *TAGS)
    ]
    return spent + [log.received(start, NOW) for start in STARTS]


@given(known=st.dictionaries(ids, transactions), changes=st.lists(changes, max_size=12))
def test_sums_are_the_same_as_those_that_are_added_up_anew(
    known: dict[str, KnownTransaction], changes: list[Change]
) -> None:
    state = ReadState(entry_id="entry", currency="GBP", read_until=NOW)
    log = TransactionLog(state, known)
    _sums(log)
    for change in changes:
        _apply(log, change)
        assert _sums(log) == _sums(TransactionLog(state, log.known))


def test_a_sum_that_was_not_asked_for_long_is_added_up_again() -> None:
    log = TransactionLog(ReadState(entry_id="entry", currency="GBP", read_until=NOW))
    lunch = KnownTransaction(
        created=NOW, amount=-500, settled=True, category="eating_out", spent={"eating_out": 500}
    )
    log.remember("tx_lunch", lunch)
    starts = [NOW - timedelta(hours=hours) for hours in range(100)]
    for corrected in (lunch, replace(lunch, spent={"eating_out": 450})):
        log.remember("tx_lunch", corrected)
        sums = {log.spent(start, NOW).minor for start in starts}
        assert sums == {corrected.spent["eating_out"]}


@given(st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), amounts)), st.data())
def test_the_spending_until_a_moment_includes_that_moment(
    spent: list[tuple[datetime, int]], data: st.DataObject
) -> None:
    moments = [moment for moment, _minor in spent]
    moment = data.draw(st.sampled_from(moments) if moments else st.just(NOW))
    expected = sum(minor for created, minor in spent if created <= moment)
    assert PastSpending("GBP", spent).until(moment) == Money.from_minor(expected, "GBP")
