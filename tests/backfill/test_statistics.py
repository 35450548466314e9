"""Long-term statistics equal the bank's ledger, and go when they are not wanted."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
import sqlite3
from typing import Any

from homeassistant.components import recorder
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import (
    get_metadata,
    list_statistic_ids,
    statistics_during_period,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from sqlalchemy.exc import SQLAlchemyError

from custom_components.monzo.backfill.statistics import statistic_id
from custom_components.monzo.backfill.statistics_table import forget_sent, to_number
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, CONF_STATISTICS, DOMAIN
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transactions import Archive, Retention
from sandbox.bank import Bank
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.backfill.old_customer import OldCustomer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import complaints, entity_id, set_up
from tests.helpers.stopped_clock import StoppedClock

OPTIONS = {CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING, CONF_STATISTICS: True}

A_REREAD = timedelta(minutes=61)
AN_UPDATE = timedelta(minutes=6)


@pytest.fixture
def customer(bank: Bank) -> OldCustomer:
    """Return a customer of two years, with groceries and a salary."""
    customer = OldCustomer(bank, years=2, rows=400)
    now = bank.clock()
    for month in range(24):
        at = now - timedelta(days=30 * month + 3)
        bank.receive(customer.account.id, 250_000, at=at)
        bank.pay(customer.account.id, -4_321, category="groceries", pending=False, at=at)
    return customer


async def known_ids(hass: HomeAssistant) -> set[str]:
    await async_wait_recording_done(hass)
    return {
        id_
        for id_ in await get_instance(hass).async_add_executor_job(get_metadata, hass)
        if id_.startswith(f"{DOMAIN}:")
    }


async def list_statistics(hass: HomeAssistant) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await get_instance(hass).async_add_executor_job(
        list_statistic_ids, hass
    )
    return found


async def changes(
    hass: HomeAssistant, customer: OldCustomer, series: str, period: str
) -> dict[date, float]:
    """Return the changes of a series by local day or month, as graphs show them."""
    await async_wait_recording_done(hass)
    id_ = statistic_id(customer.account.id, series)
    found: dict[str, list[Any]] = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        customer.bank.clock() - timedelta(days=800),
        None,
        {id_},
        period,
        None,
        {"change"},
    )
    return {
        dt_util.as_local(dt_util.utc_from_timestamp(row["start"])).date(): round(row["change"], 2)
        for row in found[id_]
        if round(row["change"], 2)
    }


def expected(
    customer: OldCustomer, period: str, *, category: str | None = None, income: bool = False
) -> dict[date, float]:
    """Return the same from the bank's ledger."""
    sums: defaultdict[date, int] = defaultdict(int)
    for row in customer.bank.transactions(customer.account.id):
        if (row.amount > 0) is income and category in {None, row.category}:
            sums[_period(row.created, period)] += abs(row.amount)
    return {start: minor / 100 for start, minor in sums.items()}


def _period(moment: datetime, period: str) -> date:
    day = dt_util.as_local(moment).date()
    return day.replace(day=1) if period == "month" else day


async def assert_equal(hass: HomeAssistant, customer: OldCustomer) -> None:
    """Compare all days and months."""
    for period in ("day", "month"):
        assert await changes(hass, customer, "spending", period) == expected(customer, period)
        assert await changes(hass, customer, "income", period) == expected(
            customer, period, income=True
        )
        for category in ("groceries", "eating_out"):
            found = await changes(hass, customer, f"spending_{category}", period)
            assert found == expected(customer, period, category=category)


def payment_of(customer: OldCustomer, days: int, category: str) -> Transaction:
    """Return the newest payment in a category that is at least so many days old."""
    before = customer.bank.clock() - timedelta(days=days)
    rows = customer.bank.transactions(customer.account.id)
    return next(row for row in rows[::-1] if row.created < before and row.category == category)


async def test_every_day_month_and_category_equals_the_ledger_also_after_corrections(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(customer.person, options=OPTIONS)
    await set_up(hass, entry)
    await advance_time(AN_UPDATE)
    await assert_equal(hass, customer)

    # Another category, another amount, a new payment, and a payment that is taken back.
    pending = customer.bank.pay(customer.account.id, -9_999)
    customer.bank.pay(customer.account.id, -1_234, category="transport", pending=False)
    await advance_time(AN_UPDATE)
    await advance_time(AN_UPDATE)
    await assert_equal(hass, customer)
    payment_of(customer, 3, "eating_out").category = "groceries"
    customer.bank.settle(pending.id, -9_000)
    await advance_time(A_REREAD)
    await advance_time(AN_UPDATE)
    await assert_equal(hass, customer)

    # A restart sends nothing again, and removing the entry removes everything.
    await hass.config_entries.async_reload(entry.entry_id)
    await advance_time(AN_UPDATE)
    await assert_equal(hass, customer)
    ids = await known_ids(hass)
    account = customer.account.id.lower()
    assert ids >= {f"monzo:{account}_spending", f"monzo:{account}_spending_eating_out"}
    names = {each["name"] for each in await list_statistics(hass)}
    assert names >= {"Current account: Spending", "Current account: Spending (Eating out)"}
    await hass.config_entries.async_remove(entry.entry_id)
    assert await known_ids(hass) == set()


async def test_statistics_are_made_and_cleared_as_the_user_chooses(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(customer.person, options={CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING})
    await set_up(hass, entry)
    await advance_time(AN_UPDATE)
    assert await known_ids(hass) == set()
    for enabled in (True, False, True):
        hass.config_entries.async_update_entry(entry, options={**OPTIONS, CONF_STATISTICS: enabled})
        await hass.config_entries.async_reload(entry.entry_id)
        await advance_time(AN_UPDATE)
        assert bool(await known_ids(hass)) is enabled
    await assert_equal(hass, customer)


@pytest.mark.parametrize("lost", ["all series", "one series", "what was sent"])
async def test_statistics_begin_anew_if_one_side_has_lost_its_database(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    lost: str,
) -> None:
    entry = sign_in(customer.person, options=OPTIONS)
    await set_up(hass, entry)
    await advance_time(AN_UPDATE)
    ids = sorted(await known_ids(hass))
    match lost:
        case "all series":
            get_instance(hass).async_clear_statistics(ids)
        case "one series":
            get_instance(hass).async_clear_statistics(ids[:1])
        case _:
            archive = async_get_memory(hass).find(Archive)
            assert archive
            await archive.async_use(forget_sent, (customer.account.id,))
            # The archive has lost older transactions, too.
            await archive.async_use(forget_until, customer.bank.clock() - timedelta(days=300))
    await hass.config_entries.async_reload(entry.entry_id)
    await advance_time(AN_UPDATE)
    if lost == "what was sent":
        since = dt_util.as_local(customer.bank.clock() - timedelta(days=299)).date()
        days = {day: sum_ for day, sum_ in expected(customer, "day").items() if day >= since}
        found = await changes(hass, customer, "spending", "day")
        assert {day: sum_ for day, sum_ in found.items() if day >= since} == days
        assert all(sum_ > 0 for sum_ in found.values())
    else:
        await assert_equal(hass, customer)


def forget_until(sql: sqlite3.Connection, moment: datetime) -> None:
    sql.execute("DELETE FROM transactions WHERE created < ?", (to_number(moment),))


async def test_a_broken_database_stops_neither_the_set_up_nor_the_removal(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise SQLAlchemyError(customer.account.id)

    monkeypatch.setattr(recorder.statistics, "get_metadata", fail)
    entry = sign_in(customer.person, options=OPTIONS)
    await set_up(hass, entry)
    await advance_time(AN_UPDATE)
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_remove(entry.entry_id)
    assert not hass.config_entries.async_entries(DOMAIN)
    assert not [it for it in complaints(caplog, "WARNING", "ERROR") if "monzo" in it.name]


async def test_without_a_recorder_there_are_no_statistics(
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = sign_in(customer.person, options=OPTIONS)
    await set_up(hass, entry)
    await advance_time(AN_UPDATE)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not complaints(caplog, "WARNING", "ERROR")


# Balances


async def compile_hour(hass: HomeAssistant, start: datetime) -> None:
    """Let the recorder make the statistics of an hour that has passed."""
    await async_wait_recording_done(hass)
    for minute in range(0, 60, 5):
        do_adhoc_statistics(hass, start=start + timedelta(minutes=minute))
    await async_wait_recording_done(hass)


async def test_the_past_of_the_balances_ends_at_the_first_row_of_the_sensor(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    customer: OldCustomer,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    # The pot changes the balance, but not the balance with pots.
    pot = customer.bank.open_pot(customer.account.id, "Holiday")
    month_ago = customer.bank.clock() - timedelta(days=30)
    customer.bank.deposit(pot.id, customer.account.id, 50_000, "dedupe", at=month_ago)
    entry = sign_in(customer.person, options=OPTIONS)
    await set_up(hass, entry)
    start = customer.bank.clock().replace(minute=0)
    await advance_time(timedelta(minutes=56))
    customer.bank.pay(customer.account.id, -700)
    await advance_time(AN_UPDATE)
    await compile_hour(hass, start)
    await advance_time(AN_UPDATE)
    await async_wait_recording_done(hass)

    for key, with_pots in (("balance", False), ("total_balance", True)):
        entity = entity_id(hass, customer.account.id, key)
        assert entity
        found = await get_instance(hass).async_add_executor_job(
            statistics_during_period,
            hass,
            customer.bank.clock() - timedelta(days=800),
            None,
            {entity},
            "hour",
            None,
            {"state", "sum"},
        )
        rows = found[entity]
        assert len(rows) > 725
        for row, following in pairwise(rows):
            end = dt_util.utc_from_timestamp(row["end"])
            assert row["state"] == expected_balance(customer, end, with_pots=with_pots)
            change = (following["sum"] or 0) - (row["sum"] or 0)
            assert round(change, 2) == round((following["state"] or 0) - (row["state"] or 0), 2)


def expected_balance(customer: OldCustomer, moment: datetime, *, with_pots: bool) -> float:
    """Return the balance at a moment, from the bank's ledger."""
    balance = customer.bank.balance(customer.account.id)
    now = balance.with_savings if with_pots else balance.balance
    later = sum(
        row.amount
        for row in customer.bank.transactions(customer.account.id)
        if row.created >= moment and not (with_pots and row.scheme.endswith("_pot"))
    )
    return (now - later) / 100
