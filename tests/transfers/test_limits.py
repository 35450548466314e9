"""The limits in the options hold for all transfers together, in each currency."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import (
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from custom_components.monzo.transfers.journal import TransferJournal
from custom_components.monzo.transfers.limits import TransferLimits
from custom_components.monzo.transfers.models import BatchKind, Move, TransferStatus
from tests.helpers.stopped_clock import StoppedClock

from .conftest import batch_of, deposit, record, withdrawal


def violations(journal: TransferJournal, options: dict[str, Any], *moves: Move) -> list[str | None]:
    """Return the keys of the errors about new transfers."""
    entry = MockConfigEntry(domain=DOMAIN, title="Ann Archer", options=options)
    limits = TransferLimits(entry, journal)
    new = {f"new {number}": move for number, move in enumerate(moves)}
    return [error.translation_key for error in limits.violations(new)]


async def test_without_limits_everything_is_allowed(journal: TransferJournal) -> None:
    assert violations(journal, {}, deposit(10**9), withdrawal(10**9)) == []


async def test_nothing_to_move_violates_no_limit(journal: TransferJournal) -> None:
    assert violations(journal, {CONF_ALLOW_TRANSFERS: False}) == []


async def test_transfers_can_be_turned_off(journal: TransferJournal) -> None:
    for move in (deposit(1), withdrawal(1)):
        assert violations(journal, {CONF_ALLOW_TRANSFERS: False}, move) == ["transfers_not_allowed"]


async def test_each_transfer_is_limited(journal: TransferJournal) -> None:
    options = {CONF_MAX_PER_TRANSFER: 12.34}
    assert violations(journal, options, deposit(1_234), deposit(1_234)) == []
    assert violations(journal, options, deposit(1), deposit(1_235)) == ["over_transfer_limit"]


async def test_the_sum_of_24_hours_is_limited_in_both_directions(
    journal: TransferJournal, freezer: StoppedClock
) -> None:
    options = {CONF_MAX_PER_DAY: 50}
    await record(journal, "first", deposit(3_000))
    freezer.tick(timedelta(hours=12))
    await record(journal, "second", withdrawal(2_000))
    freezer.tick(timedelta(hours=11, minutes=59))
    assert violations(journal, options, deposit(1)) == ["over_daily_limit"]
    freezer.tick(timedelta(minutes=1))
    assert violations(journal, options, deposit(3_001)) == ["over_daily_limit"]
    assert violations(journal, options, deposit(3_000)) == []


async def test_new_transfers_count_together(journal: TransferJournal) -> None:
    options = {CONF_MAX_PER_DAY: 50}
    assert violations(journal, options, deposit(2_500), deposit(2_500)) == []
    assert violations(journal, options, deposit(2_500), deposit(2_501)) == ["over_daily_limit"]


async def test_transfers_in_doubt_count(journal: TransferJournal) -> None:
    await record(journal, "lost", deposit(3_000), TransferStatus.IN_DOUBT)
    assert violations(journal, {CONF_MAX_PER_DAY: 50}, deposit(2_001)) == ["over_daily_limit"]


async def test_discarded_transfers_do_not_count(journal: TransferJournal) -> None:
    await record(journal, "refused", deposit(3_000), TransferStatus.PENDING)
    transfer = journal.find("refused")
    assert transfer
    await journal.async_discard(transfer)
    assert violations(journal, {CONF_MAX_PER_DAY: 50}, deposit(5_000)) == []


async def test_a_transfer_that_is_sent_again_counts_once(journal: TransferJournal) -> None:
    await record(journal, "new 0", deposit(3_000), TransferStatus.IN_DOUBT)
    assert violations(journal, {CONF_MAX_PER_DAY: 30}, deposit(3_000)) == []


async def test_a_batch_counts_completely_from_its_start(journal: TransferJournal) -> None:
    options = {CONF_MAX_PER_DAY: 50}
    batch = batch_of("batch", deposit(2_000), deposit(1_000), kind=BatchKind.DISTRIBUTION)
    with journal.reserve(batch):
        assert violations(journal, options, deposit(2_001)) == ["over_daily_limit"]
        assert violations(journal, options, deposit(2_000)) == []
    assert violations(journal, options, deposit(5_000)) == []


async def test_an_old_part_of_a_repeated_batch_does_not_count_again(
    journal: TransferJournal, freezer: StoppedClock
) -> None:
    batch = batch_of("batch", deposit(2_000), deposit(1_000), kind=BatchKind.DISTRIBUTION)
    await record(journal, "batch/1", deposit(2_000))
    freezer.tick(timedelta(days=2))
    with journal.reserve(batch):
        assert violations(journal, {CONF_MAX_PER_DAY: 50}, deposit(4_000)) == []
        assert violations(journal, {CONF_MAX_PER_DAY: 50}, deposit(4_001)) == ["over_daily_limit"]


async def test_each_currency_has_its_own_sum(journal: TransferJournal) -> None:
    options = {CONF_MAX_PER_DAY: 50}
    await record(journal, "first", deposit(5_000))
    assert violations(journal, options, deposit(5_000, currency="EUR")) == []
    assert violations(journal, options, deposit(1)) == ["over_daily_limit"]


async def test_all_violations_are_reported(journal: TransferJournal) -> None:
    options = {CONF_ALLOW_TRANSFERS: False, CONF_MAX_PER_TRANSFER: 10, CONF_MAX_PER_DAY: 15}
    assert violations(journal, options, deposit(2_000)) == [
        "transfers_not_allowed",
        "over_transfer_limit",
        "over_daily_limit",
    ]


@pytest.mark.parametrize(
    ("options", "placeholders"),
    [
        ({CONF_ALLOW_TRANSFERS: False}, {"name": "Ann Archer"}),
        (
            {CONF_MAX_PER_TRANSFER: 10},
            {"name": "Ann Archer", "amount": "20.00 GBP", "limit": "10.00 GBP"},
        ),
        (
            {CONF_MAX_PER_DAY: 35.5},
            {
                "name": "Ann Archer",
                "amount": "21.00 GBP",
                "used": "15.00 GBP",
                "limit": "35.50 GBP",
            },
        ),
    ],
    ids=["allowed", "per transfer", "per day"],
)
async def test_errors_name_the_person_the_limit_and_the_amounts(
    journal: TransferJournal, options: dict[str, Any], placeholders: dict[str, str]
) -> None:
    await record(journal, "earlier", deposit(1_500))
    limits = TransferLimits(
        MockConfigEntry(domain=DOMAIN, title="Ann Archer", options=options), journal
    )
    (error,) = limits.violations({"a": deposit(2_000), "b": deposit(100)})
    assert error.translation_placeholders == placeholders
