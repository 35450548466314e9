"""Sensors that add up what was spent or received since the start of a day, week or month."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN
from custom_components.monzo.sensors.period_sums import same_time_last_month
from custom_components.monzo.transactions.archive_file import ArchiveFile
from sandbox.bank import Bank
from sandbox.models import Account, Person
from sandbox.server import Answer, BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import device, entity_id, set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock
from tests.sandbox.waiting import LIMIT_SECONDS

A_POLL = timedelta(minutes=6)

# A Sunday, so that the week began on the 23rd.
NOW = datetime.fromisoformat("2026-11-29T12:00:00+00:00")


@pytest.fixture
def dora(bank: Bank) -> Person:
    """Return a customer."""
    return bank.add_person("Dora Dent")


@pytest.fixture
def account(bank: Bank, dora: Person, freezer: StoppedClock) -> Account:
    """Return Dora's account with a salary and payments of this month and before."""
    freezer.move_to(NOW)
    account = bank.open_account(dora, balance=1_000_000, created=NOW - timedelta(days=300))
    for day, amount in (
        ("2026-10-10", -10_000),
        ("2026-10-31", -5_000),
        ("2026-11-01", -2_000),
        ("2026-11-22", -300),
        ("2026-11-23", -400),
        ("2026-11-29", -50),
    ):
        at = datetime.fromisoformat(f"{day}T09:00:00+00:00")
        bank.pay(account.id, amount, merchant="Greens Market", pending=False, at=at)
    at = datetime.fromisoformat("2026-11-02T01:00:00+00:00")
    bank.receive(account.id, 250_000, sender="Harbour Design Ltd", at=at)
    return account


@pytest.fixture
async def entry(
    hass: HomeAssistant, account: Account, dora: Person, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Dora's loaded entry, after the first reads."""
    await hass.config.async_set_time_zone("Europe/London")
    entry = sign_in(dora)
    await set_up(hass, entry)
    await advance_time(A_POLL)
    return entry


def values(hass: HomeAssistant, account: Account) -> dict[str, str]:
    """Return the states of the sensors."""
    keys = ("spent_this_week", "spent_this_month", "received_today", "received_this_month")
    return {key: value(hass, account.id, key) for key in keys}


async def test_a_week_begins_on_monday_and_a_month_on_its_first_day(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    assert values(hass, account) == {
        "spent_this_week": "4.50",
        "spent_this_month": "27.50",
        "received_today": "0.00",
        "received_this_month": "2500.00",
    }
    week = shown(hass, account.id, "spent_this_week").attributes
    assert week["last_reset"] == "2026-11-23T00:00:00+00:00"
    assert (week["state_class"], week["device_class"]) == ("total", "monetary")
    assert week["unit_of_measurement"] == "GBP"


async def test_a_month_is_the_same_number_as_that_of_get_spending(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    found = device(hass, entry, account.id)
    assert found
    spending = await hass.services.async_call(
        DOMAIN,
        "get_spending",
        {"account": found.id, "since": "2026-11-01 00:00:00"},
        blocking=True,
        return_response=True,
    )
    assert spending
    assert spending["complete"] is True
    assert Decimal(str(spending["total"])) == Decimal(value(hass, account.id, "spent_this_month"))


async def test_they_follow_payments_refunds_and_income_at_once(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    bank.pay(account.id, -1_000, merchant="Deli")
    bank.refund(account.id, 100, merchant="Bookworm")
    bank.receive(account.id, 2_000, sender="Ann Archer")
    await advance_time(A_POLL)
    assert values(hass, account) == {
        "spent_this_week": "13.50",
        "spent_this_month": "36.50",
        "received_today": "20.00",
        "received_this_month": "2520.00",
    }


async def test_a_period_ends_at_midnight_in_the_time_zone_of_the_house(
    hass: HomeAssistant,
    account: Account,
    bank: Bank,
    dora: Person,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    await hass.config.async_set_time_zone("Australia/Sydney")
    await set_up(hass, sign_in(dora))
    await advance_time(A_POLL)
    bank.receive(account.id, 2_000, sender="Ann Archer")
    await advance_time(A_POLL)
    assert value(hass, account.id, "received_today") == "20.00"
    # It is 23:00 there, and Sunday.
    assert value(hass, account.id, "spent_this_week") == "4.50"

    await advance_time(datetime.fromisoformat("2026-11-29T13:00:10+00:00") - NOW - 2 * A_POLL)
    assert value(hass, account.id, "received_today") == "0.00"
    assert value(hass, account.id, "spent_this_week") == "0.00"
    week = shown(hass, account.id, "spent_this_week").attributes
    assert week["last_reset"] == "2026-11-30T00:00:00+11:00"


async def test_they_are_unknown_while_the_record_does_not_cover_the_period(
    hass: HomeAssistant,
    account: Account,
    dora: Person,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    fault = server.fail("GET", "/transactions", Answer.html(502), times=None)
    await set_up(hass, sign_in(dora))
    await advance_time(A_POLL)
    assert set(values(hass, account).values()) == {STATE_UNKNOWN}

    fault.clear()
    await advance_time(A_POLL)
    assert value(hass, account.id, "spent_this_month") == "27.50"


@pytest.mark.parametrize("kept", ["needed", "everything"])
async def test_a_reload_shows_what_is_known_before_the_bank_is_asked(
    hass: HomeAssistant,
    account: Account,
    entry: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
    kept: str,
) -> None:
    hass.config_entries.async_update_entry(entry, options={CONF_KEEP_TRANSACTIONS: kept})
    await hass.config_entries.async_reload(entry.entry_id)
    await advance_time(A_POLL)
    before = values(hass, account)
    assert STATE_UNKNOWN not in before.values()

    fault = server.fail("GET", "/transactions", Answer.html(502), times=None)
    await hass.config_entries.async_reload(entry.entry_id)
    assert values(hass, account) == before

    # It is no fact if the bank does not confirm it.
    await advance_time(A_POLL)
    await advance_time(A_POLL)
    assert set(values(hass, account).values()) == {STATE_UNKNOWN}

    fault.clear()
    await advance_time(A_POLL)
    assert values(hass, account) == before


@pytest.mark.usefixtures("everything_enabled")
async def test_each_category_of_monzo_has_a_sensor_of_this_month(
    hass: HomeAssistant, bank: Bank, account: Account, entry: MockConfigEntry
) -> None:
    assert value(hass, account.id, "spent_this_month_groceries") == "27.50"
    assert value(hass, account.id, "spent_this_month_holidays") == "0.00"


async def test_categories_are_off_by_default(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    entity = entity_id(hass, account.id, "spent_this_month_groceries")
    assert entity
    registered = er.async_get(hass).async_get(entity)
    assert registered
    assert registered.disabled_by


async def test_this_month_is_compared_with_last_month_if_the_record_has_it(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without a choice, only the transactions of a month are kept.
    assert "last_month" not in shown(hass, account.id, "spent_this_month").attributes

    options = {CONF_KEEP_TRANSACTIONS: "everything"}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    for _day in range(10):
        await advance_time(timedelta(days=1))
    bank.pay(account.id, -700, merchant="Deli")
    await advance_time(A_POLL)
    month = shown(hass, account.id, "spent_this_month")
    assert month.state == "7.00"
    assert month.attributes["last_month"] == 20.0

    await hass.config_entries.async_reload(entry.entry_id)
    await advance_time(A_POLL)
    assert shown(hass, account.id, "spent_this_month").attributes["last_month"] == 20.0

    # A slow disk does not delay the set-up.
    with slow_disk(monkeypatch) as answers:
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        assert "last_month" not in shown(hass, account.id, "spent_this_month").attributes
        answers.set()
        await hass.async_block_till_done(wait_background_tasks=True)
    assert shown(hass, account.id, "spent_this_month").attributes["last_month"] == 20.0


@contextmanager
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Read the spending of the past only when the event is set; at the end, the disk is fast."""
    answers = Event()
    spent_between = ArchiveFile.spent_between

    def read_slowly(*arguments: Any) -> Any:
        answers.wait(LIMIT_SECONDS)
        return spent_between(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ArchiveFile, "spent_between", read_slowly)
        try:
            yield answers
        finally:
            answers.set()


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-12-10T08:30:00+00:00", "2026-11-10T08:30:00+00:00"),
        ("2027-01-15T08:30:00+00:00", "2026-12-15T08:30:00+00:00"),
        # February has no such day, so all of it counts.
        ("2027-03-31T08:30:00+01:00", "2027-03-01T00:00:00+00:00"),
        # At the same time by the clock on the wall.
        ("2027-04-10T08:30:00+01:00", "2027-03-10T08:30:00+00:00"),
    ],
)
async def test_the_same_time_of_last_month(hass: HomeAssistant, now: str, then: str) -> None:
    await hass.config.async_set_time_zone("Europe/London")
    found = same_time_last_month(datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(then)
