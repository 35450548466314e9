"""Conditions in automations: their answers, and the errors when an answer is unknown.

Single thresholds and periods are tested in `tests/automations`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints, override

from aiohttp import web
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConditionError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.condition import (
    async_from_config,
    async_get_all_descriptions,
    async_validate_condition_config,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.monzo.automations.periods import Period
from custom_components.monzo.condition import CONDITIONS, MonzoCondition, UnknownReason
from custom_components.monzo.const import DOMAIN
from sandbox.bank import LONDON, Bank
from sandbox.behaviour import BankBehaviour
from sandbox.faults import Exchange, Fault
from sandbox.models import Account, Person, Pot
from sandbox.server import Answer, BankServer, Edited
from tests.helpers.automations import option_names, set_up_automation
from tests.helpers.state_helpers import device, set_up
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.texts import ICONS, TEXTS

from .conftest import AdvanceTime, SignIn

A_POLL = timedelta(minutes=2)
A_WHILE = timedelta(minutes=6)

# A Wednesday morning in summer.
NOW = datetime(2027, 6, 16, 10, tzinfo=LONDON)

type Options = dict[str, Any]


async def check(hass: HomeAssistant, key: str, **options: Any) -> bool:
    """Return the answer of a condition; raises ConditionError if it is unknown."""
    config = {"condition": f"monzo.{key}", "options": options}
    checker = await async_from_config(hass, await async_validate_condition_config(hass, config))
    try:
        answer = checker.async_check()
    finally:
        checker.async_unload()
    assert answer is not None
    return answer


async def unknown_reason(hass: HomeAssistant, key: str, **options: Any) -> str:
    """Return why the answer of a condition is unknown."""
    with pytest.raises(ConditionError) as caught:
        await check(hass, key, **options)
    return str(caught.value).removeprefix("In 'monzo' condition: ")


def above(limit: float | str) -> Options:
    """Return a threshold above an amount, or above the state of an entity."""
    return {"type": "above", "value": {"entity" if isinstance(limit, str) else "number": limit}}


def exactly(amount: float) -> Options:
    """Return a threshold that only one amount meets."""
    limit = {"number": amount}
    return {"type": "between", "value_min": limit, "value_max": limit}


@dataclass(frozen=True)
class Cleo:
    """A customer with two accounts and two pots, and without any spending."""

    hass: HomeAssistant
    bank: Bank
    person: Person
    entry: MockConfigEntry
    first: Account
    second: Account
    holiday: Pot
    rainy_day: Pot

    def device(self, target: Account | Pot | Person) -> str:
        """Return the device ID of an account, a pot or a person."""
        monzo_id = target.user_id if isinstance(target, Person) else target.id
        found = device(self.hass, self.entry, monzo_id)
        assert found
        return found.id

    def devices(self, *targets: Account | Pot) -> list[str]:
        """Return the device IDs of accounts and pots."""
        return [self.device(target) for target in targets]


@pytest.fixture
def _in_summer(freezer: StoppedClock) -> None:
    """Start on that Wednesday morning."""
    freezer.move_to(NOW.astimezone(UTC))


@pytest.fixture
async def cleo(
    hass: HomeAssistant,
    _in_summer: None,
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> Cleo:
    """Return Cleo before her entry is set up."""
    person = bank.add_person("Cleo Clark")
    long_ago = NOW - timedelta(days=300)
    first = bank.open_account(person, balance=100_000, created=long_ago)
    second = bank.open_account(person, balance=20_000, created=long_ago)
    return Cleo(
        hass=hass,
        bank=bank,
        person=person,
        entry=sign_in(person),
        first=first,
        second=second,
        holiday=bank.open_pot(first.id, "Holiday", balance=30_000, goal=30_000),
        rainy_day=bank.open_pot(second.id, "Rainy day", balance=5_000, goal=30_000),
    )


@pytest.fixture
async def loaded(hass: HomeAssistant, cleo: Cleo, advance_time: AdvanceTime) -> Cleo:
    """Return Cleo after her entry is loaded and her transactions are read."""
    await set_up(hass, cleo.entry)
    await advance_time(A_WHILE)
    return cleo


# Balances


async def test_a_balance_is_compared_as_it_is_now(loaded: Cleo, advance_time: AdvanceTime) -> None:
    options = {"device_id": loaded.device(loaded.first), "threshold": above(950)}
    assert await check(loaded.hass, "is_balance", **options)
    loaded.bank.pay(loaded.first.id, -5_000)
    await advance_time(A_POLL)

    assert not await check(loaded.hass, "is_balance", **options)


async def test_a_limit_can_be_the_state_of_an_entity(loaded: Cleo) -> None:
    options = {"device_id": loaded.device(loaded.holiday), "threshold": above("sensor.limit")}
    for state, answer in (("299.99", True), ("300.00", False)):
        loaded.hass.states.async_set("sensor.limit", state)
        assert await check(loaded.hass, "is_balance", **options) is answer


async def test_any_or_all_of_several_balances_have_to_meet_the_threshold(loaded: Cleo) -> None:
    devices = loaded.devices(loaded.rainy_day, loaded.first, loaded.second)
    cases: tuple[tuple[Options, float, bool], ...] = (
        ({}, 500, True),
        ({"behavior": "any"}, 500, True),
        ({"behavior": "any"}, 1000, False),
        ({"behavior": "all"}, 500, False),
        ({"behavior": "all"}, 49.99, True),
    )
    for behavior, limit, answer in cases:
        options = {"device_id": devices, "threshold": above(limit), **behavior}
        assert await check(loaded.hass, "is_balance", **options) is answer, options


# Goals


async def test_a_pot_has_reached_its_goal_or_not(loaded: Cleo, advance_time: AdvanceTime) -> None:
    reached, missed = loaded.devices(loaded.holiday, loaded.rainy_day)
    assert await check(loaded.hass, "is_pot_goal_reached", device_id=reached)
    assert not await check(loaded.hass, "is_pot_goal_reached", device_id=missed)
    both = [reached, missed]
    assert await check(loaded.hass, "is_pot_goal_reached", device_id=both)
    assert not await check(loaded.hass, "is_pot_goal_reached", device_id=both, behavior="all")

    loaded.bank.deposit(loaded.rainy_day.id, loaded.second.id, 20_000, "in 1")
    loaded.bank.receive(loaded.second.id, 5_000)
    loaded.bank.deposit(loaded.rainy_day.id, loaded.second.id, 5_000, "in 2")
    await advance_time(A_WHILE)
    assert await check(loaded.hass, "is_pot_goal_reached", device_id=both, behavior="all")


async def test_a_pot_without_a_goal_has_not_reached_it(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    loaded.bank.set_goal(loaded.holiday.id, None)
    await advance_time(timedelta(minutes=20))
    pot = loaded.device(loaded.holiday)

    assert not await check(loaded.hass, "is_pot_goal_reached", device_id=pot)


# Spending


def london(day: int, hour: int, minute: int = 0, *, month: int = 6) -> datetime:
    """Return a moment of that summer in London, in UTC."""
    return datetime(2027, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


# Each amount is another power of two in pounds, so that a sum shows which ones it contains.
PAYMENTS = (
    (london(31, 12, month=5), -1_00),
    (london(1, 0, 30), -2_00),
    (london(13, 12), -4_00),
    (london(14, 0, 30), -8_00),
    (london(15, 12), -16_00),
    (london(16, 3), -32_00),
    (london(16, 5), -64_00),
)


@pytest.mark.parametrize(
    ("zone", "spending"),
    [
        (
            "Europe/London",
            {
                "today": 64,
                "this_week": 8 + 16 + 32 + 64,
                "this_month": 2 + 4 + 8 + 16 + 32 + 64,
            },
        ),
        # There, the month and the week start five hours later.
        (
            "America/New_York",
            {"today": 64, "this_week": 16 + 32 + 64, "this_month": 4 + 8 + 16 + 32 + 64},
        ),
    ],
)
async def test_spending_is_added_up_over_a_period(
    cleo: Cleo, advance_time: AdvanceTime, zone: str, spending: dict[str, int]
) -> None:
    await cleo.hass.config.async_set_time_zone(zone)
    for at, amount in PAYMENTS:
        cleo.bank.pay(cleo.first.id, amount, pending=False, at=at)
    await set_up(cleo.hass, cleo.entry)
    await advance_time(A_WHILE)

    for period, amount in spending.items():
        options = {"period": period, "threshold": exactly(amount)}
        assert await check(cleo.hass, "is_spending", **options), options


async def test_after_midnight_today_is_still_the_day_before_for_the_bank(
    cleo: Cleo, advance_time: AdvanceTime, freezer: StoppedClock
) -> None:
    await cleo.hass.config.async_set_time_zone("Europe/London")
    await set_up(cleo.hass, cleo.entry)
    freezer.move_to(london(20, 23))
    await advance_time(A_POLL)
    cleo.bank.pay(cleo.first.id, -500)
    # From Sunday to Monday.
    await advance_time(timedelta(hours=2))
    cleo.bank.pay(cleo.first.id, -300)
    await advance_time(A_WHILE)

    assert await check(cleo.hass, "is_spending", period="today", threshold=exactly(8))
    assert await check(cleo.hass, "is_spending", period="this_week", threshold=exactly(3))
    await advance_time(timedelta(hours=3))
    assert await check(cleo.hass, "is_spending", period="today", threshold=exactly(0))


async def test_spending_is_added_up_over_accounts(loaded: Cleo, advance_time: AdvanceTime) -> None:
    loaded.bank.pay(loaded.first.id, -500)
    loaded.bank.pay(loaded.second.id, -300)
    await advance_time(A_WHILE)

    for accounts, amount in (
        ([loaded.first], 5),
        ([loaded.second], 3),
        ([loaded.first, loaded.second], 8),
        ([], 8),
    ):
        assert await check(
            loaded.hass,
            "is_spending",
            device_id=loaded.devices(*accounts),
            period="this_week",
            threshold=exactly(amount),
        )


async def test_spending_can_be_limited_to_categories(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    pay = loaded.bank.pay
    pay(loaded.first.id, -500, category="eating_out")
    pay(loaded.first.id, -700, category="cash", categories={"cash": -300, "eating_out": -400})
    loaded.bank.refund(loaded.first.id, 100, category="eating_out")
    await advance_time(A_WHILE)

    for categories, amount in (
        ("eating_out", 8),
        (["cash"], 3),
        (["cash", "eating_out"], 11),
        ([], 11),
        (["bills"], 0),
    ):
        assert await check(
            loaded.hass,
            "is_spending",
            period="today",
            category=categories,
            threshold=exactly(amount),
        )


async def test_pot_transfers_declined_payments_and_income_are_no_spending(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    loaded.bank.deposit(loaded.rainy_day.id, loaded.second.id, 1_000, "in")
    loaded.bank.decline(loaded.second.id, -1_000)
    loaded.bank.receive(loaded.second.id, 1_000)
    await advance_time(A_WHILE)

    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(0))


async def test_transfers_between_own_accounts_are_no_spending(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    joint = loaded.bank.open_account(
        loaded.person, loaded.bank.add_person("Ben Baker"), type="uk_retail_joint"
    )
    flex = loaded.bank.open_account(loaded.person, type="uk_monzo_flex", balance=-50_000)
    await advance_time(timedelta(minutes=61))
    loaded.bank.p2p(loaded.first.id, joint.id, 16_000)
    loaded.bank.direct_debit(joint.id, -5_000, category="bills")
    loaded.bank.repay_flex(loaded.first.id, flex.id, 7_000)
    await advance_time(A_WHILE)

    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(50))
    joint_only = {"device_id": loaded.device(joint), "period": "today"}
    assert await check(loaded.hass, "is_spending", threshold=exactly(50), **joint_only)


async def test_credits_that_the_bank_counts_lower_spending(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    loaded.bank.pay(loaded.first.id, -6_000, category="eating_out")
    loaded.bank.direct_debit(loaded.first.id, -4_000)
    loaded.bank.direct_debit(loaded.first.id, 1_500)
    loaded.bank.receive(
        loaded.first.id, 2_000, sender="Ben", category="eating_out", include_in_spending=True
    )
    loaded.bank.receive(loaded.first.id, 300_000)
    await advance_time(A_WHILE)

    for category, amount in (("eating_out", 40), ("bills", 25), ([], 65)):
        options: Options = {"period": "today", "category": category}
        assert await check(loaded.hass, "is_spending", threshold=exactly(amount), **options)


async def test_transactions_dated_in_the_future_count_from_their_date_on(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    loaded.bank.pay(loaded.first.id, -500)
    loaded.bank.pay(loaded.first.id, -900, at=loaded.bank.clock() + timedelta(hours=3))
    await advance_time(A_WHILE)

    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(5))
    await advance_time(timedelta(hours=3))
    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(14))


# Holds that a hotel never collects: what the bank does with them is not documented.
RELEASES: tuple[Any, ...] = get_args(get_type_hints(BankBehaviour)["released_authorisation"])


@pytest.mark.parametrize("released", RELEASES)
@pytest.mark.parametrize("days", [6, 10], ids=["six days", "ten days"])
async def test_a_payment_that_the_bank_took_back_stops_counting(
    loaded: Cleo, advance_time: AdvanceTime, released: Any, days: int
) -> None:
    loaded.bank.behaviour = BankBehaviour(released_authorisation=released)
    hold = loaded.bank.pay(loaded.first.id, -40_600, merchant="Grand Hotel")
    loaded.bank.pay(loaded.first.id, -1_250, pending=False)
    await advance_time(A_POLL)
    assert await check(loaded.hass, "is_spending", period="this_month", threshold=exactly(418.5))
    for _ in range(days):
        await advance_time(timedelta(days=1))
    loaded.bank.release(hold.id)
    await advance_time(A_POLL)
    await advance_time(A_POLL)

    assert await check(loaded.hass, "is_spending", period="this_month", threshold=exactly(12.5))


async def test_a_payment_that_settles_late_counts_with_its_final_amount(
    loaded: Cleo, advance_time: AdvanceTime
) -> None:
    hold = loaded.bank.pay(loaded.first.id, -40_600, merchant="Car hire")
    await advance_time(A_POLL)
    for _ in range(12):
        await advance_time(timedelta(days=1))
    loaded.bank.settle(hold.id, -35_000)
    await advance_time(timedelta(minutes=61))

    assert await check(loaded.hass, "is_spending", period="this_month", threshold=exactly(350))


async def test_a_payment_that_is_missing_from_one_answer_counts_again_without_another_event(
    loaded: Cleo, server: BankServer, advance_time: AdvanceTime
) -> None:
    paid = loaded.bank.pay(loaded.first.id, -500)
    await advance_time(A_POLL)
    runs = await set_up_automation(loaded.hass, {"trigger": "monzo.payment_made"})
    server.fail("GET", "/transactions", Edited(lambda _data: {"transactions": []}), times=2)
    await advance_time(timedelta(hours=2))
    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(0))
    await advance_time(timedelta(hours=2))

    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(5)), paid
    assert not runs


# Unknown answers


@pytest.fixture
def false_conditions(loaded: Cleo) -> dict[str, Options]:
    """Return each condition with options for which its answer is False."""
    return {
        "is_balance": {"device_id": loaded.device(loaded.first), "threshold": above(1e6)},
        "is_pot_goal_reached": {"device_id": loaded.device(loaded.rainy_day)},
        "is_spending": {"period": "today", "threshold": above(1e6)},
    }


async def test_answers_are_unknown_while_the_entry_is_not_loaded(
    loaded: Cleo, false_conditions: dict[str, Options]
) -> None:
    hass = loaded.hass
    for key, options in false_conditions.items():
        assert await check(hass, key, **options) is False
    await hass.config_entries.async_unload(loaded.entry.entry_id)
    for key, options in false_conditions.items():
        assert await unknown_reason(hass, key, **options) == UnknownReason.TARGET_UNAVAILABLE
    await set_up(hass, loaded.entry)
    for key, options in false_conditions.items():
        assert await check(hass, key, **options) is False


async def test_answers_are_unknown_during_an_outage(
    loaded: Cleo,
    false_conditions: dict[str, Options],
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    server.fail("*", "*", Answer.html(502), times=None)
    await advance_time(A_POLL)
    for key, options in false_conditions.items():
        reason = await unknown_reason(loaded.hass, key, **options)
        assert reason == UnknownReason.TARGET_UNAVAILABLE
    server.clear_faults()
    await advance_time(A_POLL)
    for key, options in false_conditions.items():
        assert await check(loaded.hass, key, **options) is False


# The tests of budgets and recurring payments show when the answers of their conditions are unknown.
@pytest.mark.parametrize("key", ["is_balance", "is_pot_goal_reached", "is_spending"])
async def test_an_unknown_answer_stops_an_automation_inside_not_as_well(
    loaded: Cleo, false_conditions: dict[str, Options], key: str
) -> None:
    hass = loaded.hass
    condition = {"condition": f"monzo.{key}", "options": false_conditions[key]}
    runs = await set_up_automation(
        hass,
        {"trigger": "event", "event_type": "go"},
        conditions=[{"condition": "not", "conditions": [condition]}],
    )

    async def runs_after_event() -> int:
        hass.bus.async_fire("go")
        await hass.async_block_till_done()
        return len(runs)

    assert await runs_after_event() == 1
    await hass.config_entries.async_unload(loaded.entry.entry_id)
    assert await runs_after_event() == 1
    # The automation existed before the entry is loaded again.
    await set_up(hass, loaded.entry)
    assert await runs_after_event() == 2


async def test_an_answer_is_unknown_without_a_limit_in_the_right_currency(loaded: Cleo) -> None:
    set_state = loaded.hass.states.async_set
    conditions: tuple[tuple[str, Options], ...] = (
        ("is_balance", {"device_id": loaded.device(loaded.first)}),
        ("is_spending", {"period": "today"}),
    )
    for key, options in conditions:
        options["threshold"] = above("sensor.limit")
        loaded.hass.states.async_remove("sensor.limit")
        assert await unknown_reason(loaded.hass, key, **options) == UnknownReason.LIMIT_UNKNOWN
        set_state("sensor.limit", "-1", {"unit_of_measurement": "EUR"})
        assert await unknown_reason(loaded.hass, key, **options) == UnknownReason.LIMIT_UNKNOWN
        set_state("sensor.limit", "-1", {"unit_of_measurement": "GBP"})
        assert await check(loaded.hass, key, **options)


async def test_an_unknown_balance_matters_only_if_it_could_change_the_answer(
    loaded: Cleo, server: BankServer, advance_time: AdvanceTime
) -> None:
    # The pots can no longer be read, but the accounts can.
    server.fail("GET", "/pots", Answer.html(502), times=None)
    await advance_time(timedelta(minutes=20))
    devices = loaded.devices(loaded.rainy_day, loaded.first)
    for behavior, limit, answer in (("any", 100, True), ("all", 5_000, False)):
        options = {"device_id": devices, "threshold": above(limit), "behavior": behavior}
        assert await check(loaded.hass, "is_balance", **options) is answer
    for behavior, limit in (("any", 5_000), ("all", 100)):
        options = {"device_id": devices, "threshold": above(limit), "behavior": behavior}
        reason = await unknown_reason(loaded.hass, "is_balance", **options)
        assert reason == UnknownReason.TARGET_UNAVAILABLE


async def test_spending_is_unknown_if_transactions_were_never_read(
    cleo: Cleo, server: BankServer, advance_time: AdvanceTime
) -> None:
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    await set_up(cleo.hass, cleo.entry)
    await advance_time(A_WHILE)

    for accounts in ([], [cleo.first]):
        reason = await unknown_reason(
            cleo.hass,
            "is_spending",
            device_id=cleo.devices(*accounts),
            period="today",
            threshold=exactly(0),
        )
        assert reason == UnknownReason.SPENDING_UNKNOWN


@pytest.mark.parametrize("restarts", [False, True], ids=["while running", "after a reload"])
async def test_spending_is_unknown_while_newer_transactions_cannot_be_read(
    loaded: Cleo, server: BankServer, advance_time: AdvanceTime, *, restarts: bool
) -> None:
    if restarts:
        await loaded.hass.config_entries.async_unload(loaded.entry.entry_id)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    loaded.bank.pay(loaded.first.id, -20_000)
    if restarts:
        await set_up(loaded.hass, loaded.entry)
    else:
        await advance_time(A_WHILE)
        # A second later, the failed read is repeated.
        await advance_time(timedelta(seconds=2))

    # The balance is already the new one.
    first = loaded.device(loaded.first)
    assert await check(loaded.hass, "is_balance", device_id=first, threshold=exactly(800))
    for accounts in ([], [loaded.first]):
        reason = await unknown_reason(
            loaded.hass,
            "is_spending",
            device_id=loaded.devices(*accounts),
            period="today",
            threshold=exactly(0),
        )
        assert reason == UnknownReason.SPENDING_UNKNOWN

    server.clear_faults()
    await advance_time(A_POLL)
    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(200))


async def test_spending_is_unknown_from_before_a_transaction_that_cannot_be_read(
    cleo: Cleo, server: BankServer, advance_time: AdvanceTime
) -> None:
    """Without the amount of one transaction, each sum that contains it would be a guess."""
    unreadable = cleo.bank.pay(cleo.first.id, -100, at=london(12, 12), pending=False)
    cleo.bank.pay(cleo.first.id, -200, at=london(13, 12), pending=False)
    cleo.bank.pay(cleo.first.id, -400, at=london(15, 12), pending=False)

    def without_its_amount(data: dict[str, Any]) -> object:
        for row in data["transactions"]:
            if row["id"] == unreadable.id:
                del row["amount"]
        return data

    edited = server.fail("GET", "/transactions", Edited(without_its_amount), times=None)
    await set_up(cleo.hass, cleo.entry)
    await advance_time(A_WHILE)

    async def this_month_is_unknown() -> bool:
        options = {"period": "this_month", "threshold": above(1e6)}
        reason = await unknown_reason(cleo.hass, "is_spending", **options)
        return reason == UnknownReason.SPENDING_UNKNOWN

    assert await this_month_is_unknown()
    assert await check(cleo.hass, "is_spending", period="this_week", threshold=exactly(4))
    await cleo.hass.config_entries.async_reload(cleo.entry.entry_id)
    await advance_time(A_WHILE)
    assert await this_month_is_unknown()

    edited.clear()
    await advance_time(timedelta(minutes=61))
    assert await check(cleo.hass, "is_spending", period="this_month", threshold=exactly(7))


async def test_spending_stays_known_after_one_failed_read_of_each_account(
    loaded: Cleo, server: BankServer
) -> None:
    before = len(server.requests_to("GET", "/transactions"))
    server.fail("GET", "/transactions", Answer.html(502), times=2)
    await loaded.hass.services.async_call(DOMAIN, "refresh", blocking=True)

    assert len(server.requests_to("GET", "/transactions")) == before + 2
    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(0))


async def test_spending_includes_a_payment_that_triggers_after_an_outage(
    loaded: Cleo, server: BankServer, advance_time: AdvanceTime
) -> None:
    condition = {
        "condition": "monzo.is_spending",
        "options": {"period": "today", "threshold": exactly(5)},
    }
    runs = await set_up_automation(
        loaded.hass, {"trigger": "monzo.payment_made"}, conditions=[condition]
    )
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    loaded.bank.pay(loaded.first.id, -500)
    await advance_time(A_WHILE)
    server.clear_faults()
    await advance_time(A_POLL)

    assert len(runs) == 1


@dataclass(frozen=True)
class FailureOfOneAccount(Fault):
    """The bank cannot list the transactions of one account."""

    account_id: str

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if exchange.request.query["account_id"] == self.account_id:
            return Answer.html(502).response()
        return await exchange.work()


async def test_all_accounts_exclude_one_whose_transactions_were_never_read(
    cleo: Cleo, server: BankServer, advance_time: AdvanceTime
) -> None:
    server.fail("GET", "/transactions", FailureOfOneAccount(cleo.second.id), times=None)
    await set_up(cleo.hass, cleo.entry)
    cleo.bank.pay(cleo.first.id, -500)
    await advance_time(A_WHILE)

    options = {"period": "today", "threshold": exactly(5)}
    assert await check(cleo.hass, "is_spending", **options)
    second = cleo.device(cleo.second)
    reason = await unknown_reason(cleo.hass, "is_spending", device_id=second, **options)
    assert reason == UnknownReason.SPENDING_UNKNOWN


async def test_accounts_in_different_currencies_cannot_be_added_up(
    cleo: Cleo, bank: Bank, advance_time: AdvanceTime
) -> None:
    euros = bank.open_account(cleo.person, currency="EUR", balance=1_000)
    await set_up(cleo.hass, cleo.entry)
    await advance_time(A_WHILE)
    bank.pay(euros.id, -100)
    await advance_time(A_WHILE)

    options = {"period": "today", "threshold": exactly(1)}
    reason = await unknown_reason(cleo.hass, "is_spending", **options)
    assert reason == UnknownReason.MIXED_CURRENCIES
    assert await check(cleo.hass, "is_spending", device_id=cleo.device(euros), **options)


async def test_an_answer_is_unknown_once_a_chosen_device_is_removed(loaded: Cleo) -> None:
    pot = loaded.device(loaded.rainy_day)
    config = await async_validate_condition_config(
        loaded.hass, {"condition": "monzo.is_pot_goal_reached", "options": {"device_id": pot}}
    )
    checker = await async_from_config(loaded.hass, config)
    assert checker.async_check() is False
    dr.async_get(loaded.hass).async_remove_device(pot)
    with pytest.raises(ConditionError, match=UnknownReason.TARGET_REMOVED):
        checker.async_check()
    checker.async_unload()


async def test_all_accounts_exclude_those_of_a_disabled_entry(
    loaded: Cleo, bank: Bank, sign_in: SignIn
) -> None:
    person = bank.add_person("Ben Baker")
    bank.open_account(person, balance=1_000)
    other = sign_in(person)
    await set_up(loaded.hass, other)
    await loaded.hass.config_entries.async_set_disabled_by(other.entry_id, ConfigEntryDisabler.USER)
    await loaded.hass.async_block_till_done(wait_background_tasks=True)

    assert await check(loaded.hass, "is_spending", period="today", threshold=exactly(0))


# Validation


async def test_only_devices_of_the_right_type_can_be_chosen(loaded: Cleo) -> None:
    account, pot = loaded.devices(loaded.first, loaded.holiday)
    person = loaded.device(loaded.person)
    cases: tuple[tuple[str, str, str, Options], ...] = (
        ("is_balance", person, "a Monzo account or pot", {"threshold": above(1)}),
        ("is_balance", "no-device", "a Monzo account or pot", {"threshold": above(1)}),
        ("is_pot_goal_reached", account, "a Monzo pot", {}),
        ("is_spending", pot, "a Monzo account", {"period": "today", "threshold": above(1)}),
    )
    for key, wrong, expected, options in cases:
        with pytest.raises(vol.Invalid, match=f"Device {wrong} is not {expected}"):
            await check(loaded.hass, key, device_id=wrong, **options)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("is_balance", {"device_id": [], "threshold": above(1)}),
        ("is_balance", {"threshold": above(1)}),
        ("is_balance", {"device_id": "a-device", "threshold": above(1), "behavior": "most"}),
        ("is_spending", {"period": "this_year", "threshold": above(1)}),
        ("is_spending", {"period": "today"}),
        ("is_spending", {"period": "today", "threshold": above(float("inf"))}),
        ("is_pot_goal_reached", {"device_id": []}),
    ],
)
def test_options_that_a_condition_cannot_use_are_invalid(key: str, options: Options) -> None:
    condition = CONDITIONS[key]
    assert issubclass(condition, MonzoCondition)
    with pytest.raises(vol.Invalid):
        condition.schema({"options": options})


# Descriptions


async def test_every_condition_and_each_of_its_options_is_described(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    descriptions = {
        key.removeprefix("monzo."): description
        for key, description in (await async_get_all_descriptions(hass)).items()
        if key.startswith("monzo.")
    }
    assert TEXTS["conditions"].keys() == ICONS["conditions"].keys() == CONDITIONS.keys()
    assert descriptions.keys() == CONDITIONS.keys()
    for key, condition in CONDITIONS.items():
        texts, description = TEXTS["conditions"][key], descriptions[key]
        assert description is not None
        assert issubclass(condition, MonzoCondition)
        assert key.startswith("is_")
        assert texts["description"].startswith("Tests ")
        assert texts["fields"].keys() == description["fields"].keys()
        assert texts["fields"].keys() == option_names(condition.schema)
        for text in texts["fields"].values():
            assert text.keys() == {"name", "description"}


def test_every_period_is_described() -> None:
    assert TEXTS["selector"]["spending_period"]["options"].keys() == set(Period)
