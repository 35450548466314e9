"""Sensors for totals, balances, spending and pot goals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
import logging
import math
from typing import Any, override

from aiohttp import web
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import METRIC_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from syrupy.assertion import SnapshotAssertion

import custom_components.monzo
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.transactions import SPENDING_CATEGORIES
from sandbox.bank import Bank, utc_now
from sandbox.behaviour import BankBehaviour
from sandbox.faults import Exchange, Fault
from sandbox.household import Household
from sandbox.models import Account
from sandbox.server import Answer, BankServer, Edited
from tests.helpers.restart import restart
from tests.helpers.state_helpers import entity_id, set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock

from .conftest import AdvanceTime, SignIn

A_POLL = timedelta(minutes=2)
POTS = timedelta(minutes=11)


class SpendingStatistics:
    """The long-term statistics of *Spent today*, as Home Assistant adds up such a sensor."""

    def __init__(self) -> None:
        """Initialize the statistics of a sensor without a state."""
        self.total = Decimal(0)
        self._last_reset: object = None
        self._value = Decimal(0)

    def add(self, state: State | None) -> None:
        """Add a state of the sensor."""
        assert state
        if state.state in {STATE_UNAVAILABLE, STATE_UNKNOWN}:
            return
        value, last_reset = Decimal(state.state), state.attributes["last_reset"]
        self.total += value - (self._value if last_reset == self._last_reset else 0)
        self._last_reset, self._value = last_reset, value


@pytest.fixture
def dora(bank: Bank, sign_in: SignIn, advance_time: AdvanceTime) -> MockConfigEntry:
    """Return the entry of a customer without accounts. It is not set up."""
    return sign_in(bank.add_person("Dora Dent"))


@pytest.mark.freeze_time("2026-06-15 11:00:00+00:00")
@pytest.mark.usefixtures("everything_enabled")
async def test_every_sensor(
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=123_456)
    bank.open_pot(account.id, "Holiday", balance=30_000, goal=90_000)
    bank.pay(account.id, -4_321)
    bank.go_abroad(account.id, "ISK", 139.676771)
    monkeypatch.setattr(custom_components.monzo, "PLATFORMS", [Platform.SENSOR])

    await set_up(hass, dora)

    await snapshot_platform(hass, er.async_get(hass), snapshot, dora.entry_id)


async def test_rarely_needed_sensors_are_disabled_by_default(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    disabled = {
        entity.unique_id.removeprefix(f"{home.current.id}_")
        for entity in er.async_entries_for_config_entry(registry, ann.entry_id)
        if entity.disabled_by and entity.unique_id.startswith(home.current.id)
    }
    categories = {f"spent_this_month_{category}" for category in SPENDING_CATEGORIES}
    assert disabled == {"savings_balance", "local_currency", "exchange_rate"} | categories


async def test_accounts_that_people_do_not_pay_from_have_only_the_entities_that_fit(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    """The built-in integration has more of them, and people may use those."""
    registry, entry = er.async_get(hass), sign_in(home.ann)
    known = registry.async_get_or_create(
        "sensor", DOMAIN, f"{home.flex.id}_spend_today", config_entry=entry
    )

    await set_up(hass, entry)

    def keys(account: Account, *, disabled: bool) -> set[str]:
        return {
            entity.unique_id.removeprefix(f"{account.id}_")
            for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
            if entity.unique_id.startswith(account.id) and bool(entity.disabled_by) is disabled
        }

    assert keys(home.loan, disabled=False) == {"balance"}
    assert keys(home.rewards, disabled=False) == {"balance", "transaction"}
    assert keys(home.flex, disabled=False) == {"balance", "transaction", "spend_today"}
    assert hass.states.get(known.entity_id)
    assert keys(home.loan, disabled=True) == {
        "total_balance",
        "spend_today",
        "transaction",
        "feed",
    }


async def test_disabled_sensors_are_not_added_again_at_every_poll(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    advance_time: AdvanceTime,
    ann: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "homeassistant.components.sensor")
    caplog.clear()
    before = Decimal(value(hass, home.current.id, "spend_today"))

    bank.pay(home.current.id, -500)
    await advance_time(A_POLL)

    assert Decimal(value(hass, home.current.id, "spend_today")) == before + 5
    # Home Assistant logs each disabled entity that is added.
    assert not [
        record
        for record in caplog.records
        if record.name.startswith("homeassistant") and "disabled" in record.getMessage()
    ]


async def test_unique_ids_are_those_of_the_built_in_integration(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    for key in ("balance", "total_balance", "spend_today"):
        assert entity_id(hass, home.current.id, key)
    assert entity_id(hass, home.holiday.id, "pot_balance")


@pytest.mark.parametrize(
    ("currency", "state", "precision"),
    [("GBP", "1234.56", 2), ("JPY", "123456", 0), ("KWD", "123.456", 3)],
)
async def test_amounts_have_the_decimals_of_their_currency(
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    currency: str,
    state: str,
    precision: int,
) -> None:
    (person,) = bank.people.values()
    account = bank.open_account(person, currency=currency)
    pot = bank.open_pot(account.id, "Savings", balance=123_456)

    await set_up(hass, dora)

    for monzo_id, key in (
        (person.user_id, "total"),
        (account.id, "total_balance"),
        (pot.id, "pot_balance"),
    ):
        sensor = shown(hass, monzo_id, key)
        assert sensor.state == state
        assert sensor.attributes["unit_of_measurement"] == currency
        entity = er.async_get(hass).async_get(sensor.entity_id)
        assert entity
        assert entity.options["sensor"]["suggested_display_precision"] == precision


async def test_an_account_without_a_currency_has_that_of_its_balance(
    hass: HomeAssistant, bank: Bank, server: BankServer, dora: MockConfigEntry
) -> None:
    (person,) = bank.people.values()
    account = bank.open_account(person, currency="EUR", balance=100)

    def without_currency(data: dict[str, Any]) -> dict[str, Any]:
        for row in data["accounts"]:
            del row["currency"]
        return data

    server.fail("GET", "/accounts", Edited(without_currency), times=None)

    await set_up(hass, dora)

    assert shown(hass, account.id, "balance").attributes["unit_of_measurement"] == "EUR"
    assert shown(hass, person.user_id, "total").attributes["unit_of_measurement"] == "EUR"


async def test_fields_that_the_bank_does_not_send_are_unknown(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    dora: MockConfigEntry,
    everything_enabled: None,
) -> None:
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=1_000)
    # The fields that the bank sent in its first years.
    old = {"balance": 1_000, "currency": "GBP", "spend_today": 0}
    server.fail("GET", "/balance", Answer.json(old), times=None)

    await set_up(hass, dora)

    assert value(hass, account.id, "balance") == "10.00"
    assert value(hass, account.id, "spend_today") == "0.00"
    for key in ("total_balance", "savings_balance", "local_currency", "exchange_rate"):
        assert value(hass, account.id, key) == STATE_UNKNOWN
    assert value(hass, person.user_id, "total") == "10.00"


# The total


async def test_the_total_includes_all_accounts_and_pots(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    bank = home.bank
    accounts = [account for account in bank.accounts_of(home.ann) if not account.closed]
    everything = sum(account.balance for account in accounts) + sum(
        pot.balance for account in accounts for pot in bank.pots_of(account.id)
    )
    assert value(hass, home.ann.user_id, "total") == f"{everything / 100:.2f}"


async def test_there_is_no_total_of_different_currencies(
    hass: HomeAssistant, bank: Bank, dora: MockConfigEntry
) -> None:
    (person,) = bank.people.values()
    bank.open_account(person, balance=100)
    bank.open_account(person, currency="EUR", balance=100)

    await set_up(hass, dora)

    assert entity_id(hass, person.user_id, "total") is None


async def test_the_total_exists_only_while_all_accounts_have_one_currency(
    hass: HomeAssistant, bank: Bank, dora: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    (person,) = bank.people.values()
    bank.open_account(person, balance=100)
    await set_up(hass, dora)
    assert value(hass, person.user_id, "total") == "1.00"

    foreign = bank.open_account(person, currency="EUR")
    await advance_time(timedelta(minutes=61))
    assert entity_id(hass, person.user_id, "total") is None

    bank.close_account(foreign.id)
    await advance_time(timedelta(minutes=61))
    assert value(hass, person.user_id, "total") == "1.00"


async def test_an_unreadable_account_in_another_currency_still_prevents_a_total(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    (person,) = bank.people.values()
    bank.open_account(person, balance=100)
    foreign = bank.open_account(person, currency="EUR")
    await set_up(hass, dora)
    # The first balance can be read, and the other fails again and again.
    server.fail("GET", "/balance", Answer.html(502), times=None, after=1)

    await advance_time(A_POLL)

    assert value(hass, foreign.id, "balance") == STATE_UNAVAILABLE
    assert entity_id(hass, person.user_id, "total") is None


# Spending


async def test_payments_increase_spending_and_refunds_decrease_it(
    hass: HomeAssistant, bank: Bank, dora: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    bank.behaviour = BankBehaviour(spend_today_never_positive=False)
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=10_000)
    await set_up(hass, dora)
    assert value(hass, account.id, "spend_today") == "0.00"

    bank.pay(account.id, -1_250)
    await advance_time(A_POLL)
    assert value(hass, account.id, "spend_today") == "12.50"

    bank.refund(account.id, 2_000)
    await advance_time(A_POLL)
    assert value(hass, account.id, "spend_today") == "-7.50"


@pytest.mark.parametrize(
    ("yesterday", "today"),
    [
        ("2026-07-09T03:00:00+00:00", "2026-07-10T03:00:00+00:00"),
        ("2026-01-09T04:00:00+00:00", "2026-01-10T04:00:00+00:00"),
        # The nights in which the clocks go forward and back.
        ("2026-03-28T04:00:00+00:00", "2026-03-29T03:00:00+00:00"),
        ("2026-10-24T03:00:00+00:00", "2026-10-25T04:00:00+00:00"),
    ],
    ids=["in summer", "in winter", "in spring", "in autumn"],
)
async def test_the_day_starts_at_four_in_london(
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    yesterday: str,
    today: str,
) -> None:
    morning = datetime.fromisoformat(today)
    freezer.move_to(morning - timedelta(hours=6))
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=10_000)
    dora.data["token"]["expires_at"] = dt_util.utcnow().timestamp() + 100_000
    await set_up(hass, dora)
    bank.pay(account.id, -1_250)

    await advance_time(morning - timedelta(seconds=5) - dt_util.utcnow())
    before = shown(hass, account.id, "spend_today")
    await advance_time(timedelta(seconds=70))
    after = shown(hass, account.id, "spend_today")

    assert before.state == "12.50"
    assert datetime.fromisoformat(before.attributes["last_reset"]) == datetime.fromisoformat(
        yesterday
    )
    assert after.state == "0.00"
    assert datetime.fromisoformat(after.attributes["last_reset"]) == morning


@dataclass(frozen=True)
class UnderWay(Fault):
    """The bank makes the answer at once, and it arrives some seconds later."""

    freezer: StoppedClock

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        answer = await exchange.work()
        self.freezer.tick(4)
        return answer


@pytest.mark.parametrize("slow_by", [0, 2, 100], ids=["right", "slow", "very slow"])
@pytest.mark.parametrize("minutes", [-6, 0, 6], ids=["early", "on time", "late"])
async def test_no_day_of_spending_is_lost_around_four(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    minutes: int,
    slow_by: int,
) -> None:
    """Home Assistant's clock may be slow, the bank early or late, and an answer under way."""
    four = datetime.fromisoformat("2026-01-10T04:00:00+00:00")
    bank.behaviour = BankBehaviour(day_reset_delay=timedelta(minutes=minutes))
    bank.clock = lambda: utc_now() + timedelta(seconds=slow_by)
    freezer.move_to(four - timedelta(hours=1))
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=100_000)
    dora.data["token"]["expires_at"] = dt_util.utcnow().timestamp() + 100_000
    bank.pay(account.id, -5_000)
    await set_up(hass, dora)
    statistics = SpendingStatistics()
    spent = entity_id(hass, account.id, "spend_today")
    assert spent
    statistics.add(shown(hass, account.id, "spend_today"))
    async_track_state_change_event(
        hass, [spent], lambda event: statistics.add(event.data["new_state"])
    )

    await advance_time(four - timedelta(minutes=20) - dt_util.utcnow())
    await advance_time(four - timedelta(seconds=2 + slow_by) - dt_util.utcnow())
    server.fail("GET", "/balance", UnderWay(freezer), times=1)
    for minute in range(20):
        await advance_time(timedelta(minutes=1))
        if minute == 10:
            bank.pay(account.id, -700)
    assert shown(hass, account.id, "spend_today").state == "7.00"
    assert statistics.total == Decimal(57)
    last_reset = shown(hass, account.id, "spend_today").attributes["last_reset"]
    assert datetime.fromisoformat(last_reset) == four


@pytest.mark.parametrize("restarts", [(3,), (1, 4, 8), (-5, 7), (12,)], ids=str)
@pytest.mark.parametrize("late_by", [6, 45], ids=str)
async def test_a_restart_before_a_late_start_of_the_day_counts_nothing_twice(
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    restarts: tuple[int, ...],
    late_by: int,
) -> None:
    """Home Assistant starts again at some minutes after 4:00, and knows what its files hold."""
    four = datetime.fromisoformat("2026-01-10T04:00:00+00:00")
    bank.behaviour = BankBehaviour(day_reset_delay=timedelta(minutes=late_by))
    freezer.move_to(four - timedelta(hours=1))
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=100_000)
    dora.data["token"]["expires_at"] = dt_util.utcnow().timestamp() + 100_000
    bank.pay(account.id, -5_000)
    await set_up(hass, dora)
    statistics = SpendingStatistics()
    spent = entity_id(hass, account.id, "spend_today")
    assert spent
    statistics.add(shown(hass, account.id, "spend_today"))
    async_track_state_change_event(
        hass, [spent], lambda event: statistics.add(event.data["new_state"])
    )

    await advance_time(four - timedelta(minutes=10) - dt_util.utcnow())
    for minute in range(-10, 90):
        if minute == restarts[0] - 1:
            bank.pay(account.id, -300)
        if minute == 80:
            bank.pay(account.id, -700)
        if minute in restarts:
            await restart(hass, dora)
        await advance_time(timedelta(minutes=1))

    assert statistics.total == Decimal(60)
    state = shown(hass, account.id, "spend_today")
    assert datetime.fromisoformat(state.attributes["last_reset"]) == four


async def test_spending_of_yesterday_is_not_shown_as_that_of_today(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    """The budget may be used up just after the start of a day, so an account is read later."""
    freezer.move_to("2026-01-10 03:58:00+00:00")
    (person,) = bank.people.values()
    account, other = bank.open_account(person), bank.open_account(person)
    bank.pay(account.id, -1_250)
    await set_up(hass, dora)
    balances = dora.runtime_data.balances

    freezer.tick(timedelta(minutes=3))
    await balances.async_refresh_account(other.id, since=math.inf)

    state = shown(hass, account.id, "spend_today")
    assert (state.state, state.attributes["last_reset"][:10]) == ("12.50", "2026-01-09")
    assert shown(hass, other.id, "spend_today").attributes["last_reset"][:10] == "2026-01-10"


async def test_statistics_add_up_spending_over_days(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
) -> None:
    hass.config.units = METRIC_SYSTEM
    start = datetime.fromisoformat("2026-01-09T12:00:00+00:00")
    freezer.move_to(start)
    (person,) = bank.people.values()
    account = bank.open_account(person, balance=10_000)
    await set_up(hass, dora)
    spent = entity_id(hass, account.id, "spend_today")
    balance = entity_id(hass, account.id, "balance")
    assert spent
    assert balance

    async def compile_and_move_on(to: str) -> None:
        await async_wait_recording_done(hass)
        now = dt_util.utcnow()
        do_adhoc_statistics(hass, start=now - timedelta(minutes=now.minute % 5, seconds=now.second))
        await async_wait_recording_done(hass)
        await advance_time(datetime.fromisoformat(to) - dt_util.utcnow())

    bank.pay(account.id, -1_250)
    await advance_time(A_POLL)
    await compile_and_move_on("2026-01-10T12:00:00+00:00")
    bank.pay(account.id, -400)
    await advance_time(A_POLL)
    await compile_and_move_on("2026-01-10T12:05:00+00:00")

    statistics = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        start,
        None,
        {spent, balance},
        "5minute",
        None,
        {"state", "sum"},
    )
    assert [(row["state"], row["sum"]) for row in statistics[spent]] == [(12.5, 12.5), (4.0, 16.5)]
    assert [(row["state"], row["sum"]) for row in statistics[balance]] == [
        (87.5, -12.5),
        (83.5, -16.5),
    ]


# Abroad


async def test_the_local_currency_is_known_only_abroad(
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
    everything_enabled: None,
) -> None:
    (person,) = bank.people.values()
    account = bank.open_account(person)
    await set_up(hass, dora)
    assert value(hass, account.id, "local_currency") == STATE_UNKNOWN

    bank.go_abroad(account.id, "ISK", 139.676771)
    await advance_time(A_POLL)
    assert value(hass, account.id, "local_currency") == "ISK"
    assert value(hass, account.id, "exchange_rate") == "139.676771"

    bank.come_home(account.id)
    await advance_time(A_POLL)
    assert value(hass, account.id, "local_currency") == STATE_UNKNOWN
    assert value(hass, account.id, "exchange_rate") == STATE_UNKNOWN


# Goals


@pytest.mark.parametrize(
    ("balance", "progress", "left"),
    [
        (0, "0.0", "1000.00"),
        (99_999, "99.9", "0.01"),
        (100_000, "100.0", "0.00"),
        (150_000, "150.0", "0.00"),
    ],
    ids=["empty", "a penny short", "reached", "exceeded"],
)
async def test_the_progress_of_a_goal_is_not_rounded_up(
    hass: HomeAssistant,
    bank: Bank,
    dora: MockConfigEntry,
    balance: int,
    progress: str,
    left: str,
) -> None:
    (person,) = bank.people.values()
    account = bank.open_account(person)
    pot = bank.open_pot(account.id, "Bike", balance=balance, goal=100_000)

    await set_up(hass, dora)

    assert value(hass, pot.id, "goal") == "1000.00"
    assert value(hass, pot.id, "goal_progress") == progress
    assert value(hass, pot.id, "left_to_goal") == left


async def test_goal_sensors_exist_only_while_the_pot_has_a_goal(
    hass: HomeAssistant, bank: Bank, dora: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    (person,) = bank.people.values()
    pot = bank.open_pot(bank.open_account(person).id, "Bike", balance=500)
    await set_up(hass, dora)
    keys = ("goal", "goal_progress", "left_to_goal")
    assert not any(entity_id(hass, pot.id, key) for key in keys)

    for _ in range(2):
        bank.set_goal(pot.id, 1_000)
        await advance_time(POTS)
        assert [value(hass, pot.id, key) for key in keys] == ["10.00", "50.0", "5.00"]

        bank.set_goal(pot.id, None)
        await advance_time(POTS)
        assert not any(entity_id(hass, pot.id, key) for key in keys)
        assert value(hass, pot.id, "pot_balance") == "5.00"


async def test_the_sensors_of_a_goal_that_was_removed_while_unloaded_are_removed(
    hass: HomeAssistant, bank: Bank, dora: MockConfigEntry
) -> None:
    (person,) = bank.people.values()
    pot = bank.open_pot(bank.open_account(person).id, "Bike", goal=1_000)
    await set_up(hass, dora)
    assert entity_id(hass, pot.id, "goal")
    await hass.config_entries.async_unload(dora.entry_id)

    bank.set_goal(pot.id, None)
    await set_up(hass, dora)

    assert entity_id(hass, pot.id, "goal") is None


async def test_a_disabled_goal_sensor_stays_disabled_when_the_goal_returns(
    hass: HomeAssistant, bank: Bank, dora: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    (person,) = bank.people.values()
    pot = bank.open_pot(bank.open_account(person).id, "Bike", goal=1_000)
    await set_up(hass, dora)
    registry = er.async_get(hass)
    goal = entity_id(hass, pot.id, "goal")
    assert goal
    registry.async_update_entity(goal, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.config_entries.async_reload(dora.entry_id)

    bank.set_goal(pot.id, None)
    await advance_time(POTS)
    assert registry.async_get(goal) is None
    bank.set_goal(pot.id, 2_000)
    await advance_time(POTS)

    entity = registry.async_get(goal)
    assert entity
    assert entity.disabled_by is er.RegistryEntryDisabler.USER


async def test_an_account_that_cannot_be_read_has_no_values(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    dora: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    (person,) = bank.people.values()
    bank.open_account(person)
    bank.open_account(person)
    await set_up(hass, dora)
    forbidden = Answer.error("forbidden.insufficient_permissions")
    server.fail("GET", "/balance", forbidden)

    await advance_time(A_POLL)

    unavailable = [
        state for state in hass.states.async_all("sensor") if state.state == STATE_UNAVAILABLE
    ]
    assert len(unavailable) == 7
    sensor = hass.data["entity_components"]["sensor"].get_entity(unavailable[0].entity_id)
    assert (sensor.native_value, sensor.last_reset) == (None, None)
