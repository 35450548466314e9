"""Entities of what recurring payments mean for accounts, over the sandbox."""

from datetime import date, timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.api import Money
from custom_components.monzo.recurring import Revision
from sandbox.bank import Bank
from sandbox.models import Account
from sandbox.server import Answer, BankServer
from tests.conftest import START, AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import device, entity_id, set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock

from .conftest import BEGIN, moments
from .households import following, monthly

KEYS = {
    "left_to_spend",
    "left_to_spend_per_day",
    "upcoming_payments",
    "subscriptions_per_month",
    "lowest_balance_ahead",
}


async def test_the_money_left_to_spend_until_pay_day(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    left = shown(hass, account.id, "left_to_spend")
    # Broadband costs £34. Water costs £31, of which the pot pays £10.
    assert left.state == "945.00"
    assert left.attributes["unit_of_measurement"] == "GBP"
    assert left.attributes["exact"] is True
    assert left.attributes["payment_count"] == 2
    assert left.attributes["until"] == date(2026, 9, 25)
    # Nine days are left.
    assert value(hass, account.id, "left_to_spend_per_day") == "105.00"


async def test_the_upcoming_payments_are_listed(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    upcoming = shown(hass, account.id, "upcoming_payments")
    assert upcoming.state == "55.00"
    assert upcoming.attributes["upcoming"] == [
        {
            "date": date(2026, 9, 18),
            "name": "Threadnet Broadband",
            "amount": 34.0,
            "from_account": 34.0,
            "exact": True,
        },
        {
            "date": date(2026, 9, 21),
            "name": "Moorland Water",
            "amount": 31.0,
            "from_account": 21.0,
            "exact": True,
        },
    ]


async def test_names_of_payees_are_not_stored_in_history(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    attributes = {"upcoming_payments": "upcoming", "lowest_balance_ahead": "forecast"}
    for key, attribute in attributes.items():
        info = shown(hass, account.id, key).state_info
        assert info
        assert attribute in info["unrecorded_attributes"]


async def test_the_pay_day_of_the_person(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert entry.unique_id
    assert value(hass, entry.unique_id, "next_pay_day") == "2026-09-25"
    assert value(hass, entry.unique_id, "days_to_pay_day") == "9"


async def test_the_next_month_has_a_lowest_balance(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    lowest = shown(hass, account.id, "lowest_balance_ahead")
    assert lowest.state == "945.00"
    assert lowest.attributes["date"] == date(2026, 9, 21)
    forecast = lowest.attributes["forecast"]
    assert [(day["date"].day, day["balance"]) for day in forecast] == [
        (18, 966.0),
        (21, 945.0),
        (25, 3595.0),
        (28, 3582.01),
        (1, 2682.01),
    ]
    assert forecast[1]["payments"] == [
        {
            "name": "Moorland Water",
            "kind": "direct_debit",
            "amount": -21.0,
            "from_pot": 10.0,
            "exact": True,
        }
    ]
    assert value(hass, account.id, "shortfall_ahead", "binary_sensor") == "off"
    assert value(hass, account.id, "subscriptions_per_month") == "12.99"


async def test_a_payment_changes_what_is_left(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    advance_time: AdvanceTime,
    entry: MockConfigEntry,
) -> None:
    bank.pay(account.id, -91_000, merchant="Gadget Shed")
    await advance_time(timedelta(minutes=3))
    # £90 are there, and £55 are needed.
    assert value(hass, account.id, "left_to_spend") == "35.00"
    bank.pay(account.id, -5_000, merchant="Gadget Shed")
    await advance_time(timedelta(minutes=3))
    assert value(hass, account.id, "left_to_spend") == "-15.00"
    assert value(hass, account.id, "left_to_spend_per_day") == "0.00"
    shortfall = shown(hass, account.id, "shortfall_ahead", "binary_sensor")
    assert (shortfall.state, shortfall.attributes["date"]) == ("on", date(2026, 9, 21))


async def test_a_bill_that_is_paid_is_no_longer_upcoming(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    advance_time: AdvanceTime,
    entry: MockConfigEntry,
) -> None:
    await advance_time(timedelta(days=1, hours=14))
    bank.direct_debit(account.id, -3_400, payee="Threadnet Broadband")
    # One of the next polls reads it, and searches follow each other after a pause.
    for _ in range(8):
        await advance_time(timedelta(minutes=1))
    assert value(hass, account.id, "left_to_spend") == "945.00"
    assert value(hass, account.id, "upcoming_payments") == "21.00"


async def test_the_day_changes_at_midnight_in_london(
    hass: HomeAssistant, advance_time: AdvanceTime, entry: MockConfigEntry
) -> None:
    assert entry.unique_id
    # It is 17:05 in London.
    await advance_time(timedelta(hours=6, minutes=50))
    assert value(hass, entry.unique_id, "days_to_pay_day") == "9"
    await advance_time(timedelta(minutes=10))
    assert value(hass, entry.unique_id, "days_to_pay_day") == "8"


async def test_the_pay_day_can_be_chosen(
    hass: HomeAssistant, bank: Bank, account: Account, dora: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(
        dora, options={**dora.options, "pay_day": "day_of_month", "pay_day_of_month": 20}
    )
    await fill_archive(hass, bank, dora, [account])
    await set_up(hass, dora)
    assert dora.unique_id
    # The 20th is a Sunday.
    assert value(hass, dora.unique_id, "next_pay_day") == "2026-09-18"
    # Nothing is due before that day.
    assert value(hass, account.id, "left_to_spend") == "1000.00"


async def test_without_a_pay_day_the_money_left_to_spend_is_unknown(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn
) -> None:
    person = bank.add_person("Eve Elm")
    account = bank.open_account(person, balance=50_000, created=START - timedelta(days=400))
    for at in moments(monthly(BEGIN, 18, following)):
        bank.direct_debit(account.id, -3_400, payee="Threadnet Broadband", at=at)
    entry = sign_in(person, options={"keep_transactions": "everything"})
    await fill_archive(hass, bank, entry, [account])
    await set_up(hass, entry)
    for key in ("left_to_spend", "left_to_spend_per_day", "lowest_balance_ahead"):
        assert value(hass, account.id, key) == STATE_UNKNOWN
    (day,) = shown(hass, account.id, "lowest_balance_ahead").attributes["forecast"]
    assert (day["balance"], day["payments"][0]["name"]) == (None, "Threadnet Broadband")
    assert value(hass, account.id, "shortfall_ahead", "binary_sensor") == STATE_UNKNOWN
    assert value(hass, account.id, "subscriptions_per_month") == "0.00"


@pytest.fixture
def eve(bank: Bank, sign_in: SignIn) -> MockConfigEntry:
    """Return the entry of a person who opened her first account 50 days ago; it is not set up."""
    person = bank.add_person("Eve Elm")
    account = bank.open_account(person, balance=50_000)
    bank.pay(account.id, -1_299, merchant="Streamly", at=START - timedelta(days=50))
    return sign_in(person, options={"keep_transactions": "everything"})


def states_of(hass: HomeAssistant, bank: Bank, entry: MockConfigEntry) -> set[str | None]:
    """Return the states of the entities of the only account and its owner; None without them."""
    (account,) = bank.accounts.values()
    assert entry.unique_id
    parts = [
        *((account.id, key, "sensor") for key in KEYS),
        (account.id, "shortfall_ahead", "binary_sensor"),
        *((entry.unique_id, key, "sensor") for key in ("next_pay_day", "days_to_pay_day")),
    ]
    return {value(hass, *part) if entity_id(hass, *part) else None for part in parts}


async def test_while_the_history_is_too_short_the_entities_are_unknown(
    hass: HomeAssistant, bank: Bank, eve: MockConfigEntry
) -> None:
    await fill_archive(hass, bank, eve, bank.accounts.values())
    await set_up(hass, eve)
    assert states_of(hass, bank, eve) == {STATE_UNKNOWN}
    (account,) = bank.accounts.values()
    assert value(hass, account.id, "recurring_payments", "calendar") == "off"


async def test_a_household_that_keeps_no_history_has_none_of_the_entities(
    hass: HomeAssistant, bank: Bank, eve: MockConfigEntry
) -> None:
    await set_up(hass, eve)
    assert states_of(hass, bank, eve) == {STATE_UNKNOWN}
    hass.config_entries.async_update_entry(eve, options={"keep_transactions": "needed"})
    await hass.config_entries.async_reload(eve.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert states_of(hass, bank, eve) == {None}


async def test_the_entities_are_unavailable_during_an_outage(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    entry.runtime_data.balances.async_set_update_error(ConnectionError())
    await hass.async_block_till_done()
    assert value(hass, account.id, "left_to_spend") == STATE_UNAVAILABLE


async def test_the_money_left_to_spend_is_unknown_while_a_bill_may_have_been_paid(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    freezer.tick(timedelta(days=2))
    bank.direct_debit(account.id, -3_400, payee="Threadnet Broadband")
    fault = server.fail("GET", "/transactions", Answer.html(502), times=None)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    keys = KEYS - {"subscriptions_per_month"}
    assert {value(hass, account.id, key) for key in keys} == {STATE_UNKNOWN}
    assert value(hass, account.id, "shortfall_ahead", "binary_sensor") == STATE_UNKNOWN
    assert entry.unique_id
    assert value(hass, entry.unique_id, "next_pay_day") == STATE_UNKNOWN
    # A calendar cannot be unknown.
    for key, monzo_id in (("recurring_payments", account.id), ("pay_days", entry.unique_id)):
        assert value(hass, monzo_id, key, "calendar") == STATE_UNAVAILABLE
    # The bill of today may have been paid, and Water is still expected on Monday.
    calendar = hass.data["entity_components"]["calendar"].get_entity(
        entity_id(hass, account.id, "recurring_payments", "calendar")
    )
    events = await calendar.async_get_events(
        hass, dt_util.utcnow(), dt_util.utcnow() + timedelta(days=6)
    )
    assert [event.summary for event in events] == ["Moorland Water"]
    found = device(hass, entry, account.id)
    assert found
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call(
            "monzo", "get_forecast", {"account": found.id}, blocking=True, return_response=True
        )
    assert raised.value.translation_key == "newest_transactions_unknown"

    fault.clear()
    await advance_time(timedelta(minutes=2))
    # The bill was paid, and Water costs what the pot lacks.
    assert value(hass, account.id, "left_to_spend") == "945.00"

    server.fail("GET", "/transactions", Answer.html(502), times=None)
    await advance_time(timedelta(minutes=6))
    await advance_time(timedelta(minutes=6))
    assert value(hass, account.id, "left_to_spend") == STATE_UNKNOWN


async def test_no_pay_day_is_known_while_the_account_of_the_salary_is_not_read(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    account: Account,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    (person,) = bank.people.values()
    other = bank.open_account(person, balance=50_000, created=START - timedelta(days=600))
    for at in moments(monthly(BEGIN, 18, following)):
        bank.receive(other.id, 10_240, sender="Child Benefit", at=at)
    await fill_archive(hass, bank, dora, [other])
    fault = server.fail("GET", "/transactions", Answer.html(502), times=None)
    # The import reads the newest part first, and the salary came twice in it.
    await fill_archive(hass, bank, dora, [account], since=START - timedelta(days=50))
    await set_up(hass, dora)
    assert dora.unique_id
    assert value(hass, dora.unique_id, "next_pay_day") == STATE_UNKNOWN
    assert value(hass, other.id, "left_to_spend") == STATE_UNKNOWN

    fault.clear()
    await advance_time(timedelta(minutes=6))
    await advance_time(timedelta(minutes=6))
    assert value(hass, dora.unique_id, "next_pay_day") == "2026-09-25"
    # Of Broadband, the bank shows only two payments by now.
    assert value(hass, account.id, "left_to_spend") == "979.00"


async def test_the_history_that_is_visible_after_a_sign_in_is_searched(
    hass: HomeAssistant, account: Account, dora: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    await set_up(hass, dora)
    await advance_time(timedelta(minutes=2))
    assert value(hass, account.id, "left_to_spend") == "945.00"


async def test_a_correction_changes_all_entities_and_survives_a_reload(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    recurring = entry.runtime_data.recurring
    by_name = {it.payee: it for it in recurring.accounts[account.id].payments}
    broadband, salary = by_name["Threadnet Broadband"], by_name["Harbour Design"]
    forty = Money.from_minor(4_000, "GBP")
    await recurring.async_revise(account.id, broadband.key, Revision(amount=forty))
    assert value(hass, account.id, "left_to_spend") == "939.00"
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert value(hass, account.id, "left_to_spend") == "939.00"

    recurring = entry.runtime_data.recurring
    await recurring.async_revise(account.id, salary.key, Revision(dismissed=True))
    assert entry.unique_id
    assert value(hass, entry.unique_id, "next_pay_day") == STATE_UNKNOWN
    assert value(hass, account.id, "left_to_spend") == STATE_UNKNOWN


async def test_the_removal_of_an_entry_removes_its_corrections(
    hass: HomeAssistant, hass_storage: dict[str, Any], account: Account, entry: MockConfigEntry
) -> None:
    recurring = entry.runtime_data.recurring
    payment = recurring.accounts[account.id].payments[0]
    await recurring.async_revise(account.id, payment.key, Revision(name="Internet"))
    assert "monzo.recurring" in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "monzo.recurring" not in hass_storage
