"""What automations can ask: each condition with each of its options, and when nobody can tell."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
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

from custom_components.monzo.condition import CONDITIONS, MonzoCondition, Period
from custom_components.monzo.const import DOMAIN
from sandbox.bank import LONDON, Bank
from sandbox.household import Household
from sandbox.models import Account, Person, Pot
from sandbox.server import Answer, BankServer
from tests.helpers.automations import automate
from tests.helpers.state_helpers import device, set_up

from .conftest import LetPass, SignIn
from .test_translations import ICONS, TEXTS
from .test_trigger import schema_fields

A_POLL = timedelta(minutes=2)
A_WHILE = timedelta(minutes=6)

# A Wednesday morning in summer.
NOW = datetime(2027, 6, 16, 10, tzinfo=LONDON)


async def ask(hass: HomeAssistant, key: str, **options: Any) -> bool:
    """Ask one condition; raises ConditionError when nobody can tell."""
    config = {"condition": f"monzo.{key}", "options": options}
    checker = await async_from_config(hass, await async_validate_condition_config(hass, config))
    try:
        return checker.async_check() is True
    finally:
        checker.async_unload()


def above(limit: float | str) -> dict[str, Any]:
    """Return a threshold: an amount, or the id of an entity."""
    return {"type": "above", "value": {"entity" if isinstance(limit, str) else "number": limit}}


def exactly(amount: float) -> dict[str, Any]:
    """Return a threshold that only one amount passes."""
    limit = {"number": amount}
    return {"type": "between", "value_min": limit, "value_max": limit}


@dataclass(frozen=True)
class Cleo:
    """Somebody with two accounts and two pots, and nothing spent so far."""

    hass: HomeAssistant
    bank: Bank
    person: Person
    entry: MockConfigEntry
    first: Account
    second: Account
    holiday: Pot
    rainy_day: Pot

    def device(self, subject: Account | Pot | str) -> str:
        """Return the device of an account, a pot or a person."""
        id_ = subject if isinstance(subject, str) else subject.id
        found = device(self.hass, self.entry, id_)
        assert found
        return found.id

    def devices(self, *subjects: Account | Pot) -> list[str]:
        """Return the devices of accounts and pots."""
        return [self.device(subject) for subject in subjects]


@pytest.fixture
def _in_summer(freezer: FrozenDateTimeFactory) -> None:
    """Begin on that Wednesday morning."""
    freezer.move_to(NOW.astimezone(UTC))


@pytest.fixture
async def cleo(
    hass: HomeAssistant,
    _in_summer: None,
    bank: Bank,
    sign_in: SignIn,
    let_pass: LetPass,
) -> Cleo:
    """Return Cleo, whose entry is not yet set up."""
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
async def loaded(hass: HomeAssistant, cleo: Cleo, let_pass: LetPass) -> Cleo:
    """Return Cleo, whose entry is set up, with her transactions read."""
    await set_up(hass, cleo.entry)
    await let_pass(A_WHILE)
    return cleo


# Balances


@pytest.mark.parametrize(
    ("threshold", "passes"),
    [
        ({"type": "above", "value": {"number": 999.99}}, True),
        ({"type": "above", "value": {"number": 1000}}, False),
        ({"type": "below", "value": {"number": 1000}}, False),
        ({"type": "below", "value": {"number": 1000.01}}, True),
        (exactly(1000), True),
        (exactly(1000.01), False),
        ({"type": "outside", "value_min": {"number": 0}, "value_max": {"number": 999}}, True),
        ({"type": "outside", "value_min": {"number": 1000}, "value_max": {"number": 1e4}}, False),
    ],
)
async def test_a_balance_is_held_against_a_threshold(
    loaded: Cleo,
    threshold: dict[str, Any],
    *,
    passes: bool,
) -> None:
    account = loaded.device(loaded.first)
    assert await ask(loaded.hass, "is_balance", device_id=account, threshold=threshold) is passes


async def test_a_balance_is_what_it_is_now(loaded: Cleo, let_pass: LetPass) -> None:
    options = {"device_id": loaded.device(loaded.first), "threshold": above(950)}
    assert await ask(loaded.hass, "is_balance", **options)
    loaded.bank.pay(loaded.first.id, -5_000)
    await let_pass(A_POLL)

    assert not await ask(loaded.hass, "is_balance", **options)


async def test_a_limit_may_be_what_another_entity_shows(loaded: Cleo) -> None:
    options = {"device_id": loaded.device(loaded.holiday), "threshold": above("sensor.limit")}
    for shown, passes in (("299.99", True), ("300.00", False), ("-5", True), ("1000", False)):
        loaded.hass.states.async_set("sensor.limit", shown)
        assert await ask(loaded.hass, "is_balance", **options) is passes


@pytest.mark.parametrize(
    ("behavior", "limit", "passes"),
    [
        ({}, 500, True),
        ({"behavior": "any"}, 500, True),
        ({"behavior": "any"}, 1000, False),
        ({"behavior": "all"}, 500, False),
        ({"behavior": "all"}, 49.99, True),
    ],
)
async def test_one_or_all_of_several_have_to_pass(
    loaded: Cleo,
    behavior: dict[str, str],
    limit: float,
    *,
    passes: bool,
) -> None:
    devices = loaded.devices(loaded.rainy_day, loaded.first, loaded.second)
    options = {"device_id": devices, "threshold": above(limit), **behavior}
    assert await ask(loaded.hass, "is_balance", **options) is passes


# Goals


async def test_a_pot_has_reached_its_goal_or_not(loaded: Cleo, let_pass: LetPass) -> None:
    reached, missed = loaded.devices(loaded.holiday, loaded.rainy_day)
    assert await ask(loaded.hass, "is_pot_goal_reached", device_id=reached)
    assert not await ask(loaded.hass, "is_pot_goal_reached", device_id=missed)
    both = [reached, missed]
    assert await ask(loaded.hass, "is_pot_goal_reached", device_id=both)
    assert not await ask(loaded.hass, "is_pot_goal_reached", device_id=both, behavior="all")

    loaded.bank.deposit(loaded.rainy_day.id, loaded.second.id, 20_000, "in 1")
    loaded.bank.receive(loaded.second.id, 5_000)
    loaded.bank.deposit(loaded.rainy_day.id, loaded.second.id, 5_000, "in 2")
    await let_pass(A_WHILE)
    assert await ask(loaded.hass, "is_pot_goal_reached", device_id=both, behavior="all")


async def test_a_pot_without_a_goal_has_not_reached_it(loaded: Cleo, let_pass: LetPass) -> None:
    loaded.bank.set_goal(loaded.holiday.id, None)
    await let_pass(timedelta(minutes=20))
    pot = loaded.device(loaded.holiday)

    assert not await ask(loaded.hass, "is_pot_goal_reached", device_id=pot)


# Spending


def london(day: int, hour: int, minute: int = 0, *, month: int = 6) -> datetime:
    """Return a moment of that summer."""
    return datetime(2027, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


# Each amount has a digit of its own in pounds, so that a sum tells what is in it.
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
    ("zone", "period", "spent"),
    [
        ("Europe/London", "today", 64),
        ("Europe/London", "this_week", 8 + 16 + 32 + 64),
        ("Europe/London", "this_month", 2 + 4 + 8 + 16 + 32 + 64),
        # There the first of the month and the Monday begin five hours later.
        ("America/New_York", "today", 64),
        ("America/New_York", "this_week", 16 + 32 + 64),
        ("America/New_York", "this_month", 4 + 8 + 16 + 32 + 64),
    ],
)
async def test_a_day_is_the_banks_and_a_week_and_a_month_are_home_assistants(
    cleo: Cleo, let_pass: LetPass, zone: str, period: str, spent: int
) -> None:
    await cleo.hass.config.async_set_time_zone(zone)
    for at, amount in PAYMENTS:
        cleo.bank.pay(cleo.first.id, amount, pending=False, at=at)
    await set_up(cleo.hass, cleo.entry)
    await let_pass(A_WHILE)

    assert await ask(cleo.hass, "is_spending", period=period, threshold=exactly(spent))


async def test_after_midnight_it_is_still_yesterday_for_the_bank(
    cleo: Cleo, let_pass: LetPass, freezer: FrozenDateTimeFactory
) -> None:
    await cleo.hass.config.async_set_time_zone("Europe/London")
    await set_up(cleo.hass, cleo.entry)
    freezer.move_to(london(20, 23))
    await let_pass(A_POLL)
    cleo.bank.pay(cleo.first.id, -500)
    # From a Sunday to a Monday.
    await let_pass(timedelta(hours=2))
    cleo.bank.pay(cleo.first.id, -300)
    await let_pass(A_WHILE)

    assert await ask(cleo.hass, "is_spending", period="today", threshold=exactly(8))
    assert await ask(cleo.hass, "is_spending", period="this_week", threshold=exactly(3))
    await let_pass(timedelta(hours=3))
    assert await ask(cleo.hass, "is_spending", period="today", threshold=exactly(0))


async def test_spending_is_added_up_over_accounts(loaded: Cleo, let_pass: LetPass) -> None:
    loaded.bank.pay(loaded.first.id, -500)
    loaded.bank.pay(loaded.second.id, -300)
    await let_pass(A_WHILE)

    for subjects, spent in (
        ([loaded.first], 5),
        ([loaded.second], 3),
        ([loaded.first, loaded.second], 8),
        ([], 8),
    ):
        assert await ask(
            loaded.hass,
            "is_spending",
            device_id=loaded.devices(*subjects),
            period="this_week",
            threshold=exactly(spent),
        )


async def test_spending_may_be_of_some_categories_only(loaded: Cleo, let_pass: LetPass) -> None:
    pay = loaded.bank.pay
    pay(loaded.first.id, -500, category="eating_out")
    pay(loaded.first.id, -700, category="cash", categories={"cash": -300, "eating_out": -400})
    loaded.bank.refund(loaded.first.id, 100, category="eating_out")
    await let_pass(A_WHILE)

    for categories, spent in (
        ("eating_out", 8),
        (["cash"], 3),
        (["cash", "eating_out"], 11),
        ([], 11),
        (["bills"], 0),
    ):
        assert await ask(
            loaded.hass,
            "is_spending",
            period="today",
            category=categories,
            threshold=exactly(spent),
        )


async def test_what_is_no_spending_does_not_count(loaded: Cleo, let_pass: LetPass) -> None:
    loaded.bank.deposit(loaded.rainy_day.id, loaded.second.id, 1_000, "in")
    loaded.bank.decline(loaded.second.id, -1_000)
    loaded.bank.receive(loaded.second.id, 1_000)
    await let_pass(A_WHILE)

    assert await ask(loaded.hass, "is_spending", period="today", threshold=exactly(0))


# When nobody can tell


@pytest.fixture(params=["is_balance", "is_pot_goal_reached", "is_spending"])
def question(request: pytest.FixtureRequest, loaded: Cleo) -> tuple[str, dict[str, Any]]:
    """Return one question after another whose answer would be no, with all of its options."""
    options: dict[str, dict[str, Any]] = {
        "is_balance": {"device_id": loaded.device(loaded.first), "threshold": above(1e6)},
        "is_pot_goal_reached": {"device_id": loaded.device(loaded.rainy_day)},
        "is_spending": {"period": "today", "threshold": above(1e6)},
    }
    return request.param, options[request.param]


async def test_an_entry_that_is_not_loaded_tells_nothing(
    loaded: Cleo, question: tuple[str, dict[str, Any]]
) -> None:
    key, options = question
    assert not await ask(loaded.hass, key, **options)
    await loaded.hass.config_entries.async_unload(loaded.entry.entry_id)
    with pytest.raises(ConditionError):
        await ask(loaded.hass, key, **options)
    await set_up(loaded.hass, loaded.entry)
    assert not await ask(loaded.hass, key, **options)


async def test_an_outage_tells_nothing(
    loaded: Cleo,
    question: tuple[str, dict[str, Any]],
    server: BankServer,
    let_pass: LetPass,
) -> None:
    key, options = question
    server.fail("*", "*", Answer.html(502), times=None)
    await let_pass(A_POLL)
    with pytest.raises(ConditionError):
        await ask(loaded.hass, key, **options)
    server.clear_faults()
    await let_pass(A_POLL)
    assert not await ask(loaded.hass, key, **options)


async def test_what_is_not_known_is_no_reason_to_go_on_either_way_round(
    loaded: Cleo, question: tuple[str, dict[str, Any]]
) -> None:
    key, options = question
    condition = {"condition": f"monzo.{key}", "options": options}
    told = await automate(
        loaded.hass,
        {"trigger": "event", "event_type": "go"},
        conditions=[{"condition": "not", "conditions": [condition]}],
    )
    loaded.hass.bus.async_fire("go")
    await loaded.hass.async_block_till_done()
    assert len(told) == 1
    await loaded.hass.config_entries.async_unload(loaded.entry.entry_id)
    loaded.hass.bus.async_fire("go")
    await loaded.hass.async_block_till_done()
    assert len(told) == 1
    # The automation was there before the entry is loaded again.
    await set_up(loaded.hass, loaded.entry)
    loaded.hass.bus.async_fire("go")
    await loaded.hass.async_block_till_done()
    assert len(told) == 2


async def test_a_limit_in_another_currency_tells_nothing(loaded: Cleo) -> None:
    options = {"device_id": loaded.device(loaded.first), "threshold": above("sensor.limit")}
    for unit in ("GBP", "£"):
        loaded.hass.states.async_set("sensor.limit", "900", {"unit_of_measurement": unit})
        assert await ask(loaded.hass, "is_balance", **options)
    for unit in ("EUR", "%"):
        loaded.hass.states.async_set("sensor.limit", "900", {"unit_of_measurement": unit})
        with pytest.raises(ConditionError):
            await ask(loaded.hass, "is_balance", **options)


async def test_a_limit_that_nobody_knows_tells_nothing(loaded: Cleo) -> None:
    for shown in (None, "unavailable", "lots", "nan"):
        if shown:
            loaded.hass.states.async_set("sensor.limit", shown)
        with pytest.raises(ConditionError):
            await ask(
                loaded.hass,
                "is_balance",
                device_id=loaded.device(loaded.first),
                threshold=above("sensor.limit"),
            )
        with pytest.raises(ConditionError):
            await ask(loaded.hass, "is_spending", period="today", threshold=above("sensor.limit"))


@pytest.mark.parametrize(
    ("behavior", "limit", "passes"),
    [("any", 100, True), ("any", 5_000, None), ("all", 5_000, False), ("all", 100, None)],
)
async def test_what_is_not_known_matters_only_if_it_could_change_the_answer(
    loaded: Cleo,
    server: BankServer,
    let_pass: LetPass,
    behavior: str,
    limit: float,
    *,
    passes: bool | None,
) -> None:
    # The pots of one account cannot be read any more, and nothing else.
    server.fail("GET", "/pots", Answer.html(502), times=None)
    await let_pass(timedelta(minutes=20))
    options = {
        "device_id": loaded.devices(loaded.rainy_day, loaded.first),
        "threshold": above(limit),
        "behavior": behavior,
    }
    if passes is not None:
        assert await ask(loaded.hass, "is_balance", **options) is passes
        return
    with pytest.raises(ConditionError):
        await ask(loaded.hass, "is_balance", **options)


async def test_transactions_that_cannot_be_read_tell_nothing(
    cleo: Cleo, server: BankServer, let_pass: LetPass
) -> None:
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    await set_up(cleo.hass, cleo.entry)
    await let_pass(A_WHILE)

    for chosen in ([], [cleo.first]):
        with pytest.raises(ConditionError):
            await ask(
                cleo.hass,
                "is_spending",
                device_id=cleo.devices(*chosen),
                period="today",
                threshold=exactly(0),
            )


@pytest.mark.parametrize("restarts", [False, True], ids=["while it runs", "after a restart"])
async def test_what_was_spent_long_ago_is_not_taken_for_what_is_spent_by_now(
    loaded: Cleo, server: BankServer, let_pass: LetPass, *, restarts: bool
) -> None:
    if restarts:
        await loaded.hass.config_entries.async_unload(loaded.entry.entry_id)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    loaded.bank.pay(loaded.first.id, -20_000)
    if restarts:
        await set_up(loaded.hass, loaded.entry)
    else:
        await let_pass(A_WHILE)
        # Polled in the same moment, the transactions are looked at again after a second.
        await let_pass(timedelta(seconds=2))

    # The balance is the new one, but nobody knows what else has become of it.
    first = loaded.device(loaded.first)
    assert await ask(loaded.hass, "is_balance", device_id=first, threshold=exactly(800))
    for chosen in ([], [loaded.first]):
        with pytest.raises(ConditionError):
            await ask(
                loaded.hass,
                "is_spending",
                device_id=loaded.devices(*chosen),
                period="today",
                threshold=exactly(0),
            )

    server.clear_faults()
    await let_pass(A_POLL)
    assert await ask(loaded.hass, "is_spending", period="today", threshold=exactly(200))


async def test_a_passing_failure_hides_nothing_that_was_spent(
    loaded: Cleo, server: BankServer, let_pass: LetPass
) -> None:
    server.fail("GET", "/transactions", Answer.html(502), times=2)
    await loaded.entry.runtime_data.transactions.async_refresh_all()

    assert await ask(loaded.hass, "is_spending", period="today", threshold=exactly(0))


async def test_who_hears_of_a_payment_after_an_outage_may_ask_what_was_spent(
    loaded: Cleo, server: BankServer, let_pass: LetPass
) -> None:
    condition = {
        "condition": "monzo.is_spending",
        "options": {"period": "today", "threshold": exactly(5)},
    }
    told = await automate(loaded.hass, {"trigger": "monzo.payment_made"}, conditions=[condition])
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    loaded.bank.pay(loaded.first.id, -500)
    await let_pass(A_WHILE)
    server.clear_faults()
    await let_pass(A_POLL)

    assert len(told) == 1


async def test_an_account_whose_transactions_the_bank_never_tells_is_no_part_of_all(
    cleo: Cleo, server: BankServer, let_pass: LetPass
) -> None:
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    await set_up(cleo.hass, cleo.entry)
    server.clear_faults()
    # Only one of the two is read before the next fault.
    cleo.bank.pay(cleo.first.id, -500)
    await cleo.entry.runtime_data.transactions.async_refresh_hinted([cleo.first.id])

    assert await ask(cleo.hass, "is_spending", period="today", threshold=exactly(5))


async def test_accounts_of_several_currencies_have_no_sum(
    cleo: Cleo, bank: Bank, let_pass: LetPass
) -> None:
    euros = bank.open_account(cleo.person, currency="EUR", balance=1_000)
    await set_up(cleo.hass, cleo.entry)
    await let_pass(A_WHILE)
    bank.pay(euros.id, -100)
    await let_pass(A_WHILE)

    with pytest.raises(ConditionError):
        await ask(cleo.hass, "is_spending", period="today", threshold=exactly(0))
    assert await ask(
        cleo.hass,
        "is_spending",
        device_id=cleo.device(euros),
        period="today",
        threshold=exactly(1),
    )


async def test_a_device_that_has_gone_tells_nothing(loaded: Cleo) -> None:
    pot = loaded.device(loaded.rainy_day)
    config = await async_validate_condition_config(
        loaded.hass, {"condition": "monzo.is_pot_goal_reached", "options": {"device_id": pot}}
    )
    checker = await async_from_config(loaded.hass, config)
    assert checker.async_check() is False
    dr.async_get(loaded.hass).async_remove_device(pot)
    with pytest.raises(ConditionError):
        checker.async_check()
    checker.async_unload()


async def test_somebody_elses_disabled_entry_is_no_part_of_all(
    loaded: Cleo, home: Household, sign_in: SignIn
) -> None:
    other = sign_in(home.ben)
    await set_up(loaded.hass, other)
    await loaded.hass.config_entries.async_set_disabled_by(other.entry_id, ConfigEntryDisabler.USER)
    await loaded.hass.async_block_till_done(wait_background_tasks=True)

    assert await ask(loaded.hass, "is_spending", period="today", threshold=exactly(0))


# What cannot be


async def test_only_devices_of_the_right_kind_can_be_chosen(loaded: Cleo) -> None:
    account, pot = loaded.devices(loaded.first, loaded.holiday)
    person = loaded.device(loaded.person.user_id)
    for key, wrong, options in (
        ("is_balance", person, {"threshold": above(1)}),
        ("is_balance", "nothing-like-it", {"threshold": above(1)}),
        ("is_pot_goal_reached", account, {}),
        ("is_spending", pot, {"period": "today", "threshold": above(1)}),
    ):
        with pytest.raises(vol.Invalid, match=f"Device {wrong} is not"):
            await ask(loaded.hass, key, device_id=wrong, **options)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("is_balance", {"device_id": [], "threshold": above(1)}),
        ("is_balance", {"threshold": above(1)}),
        ("is_spending", {"period": "this_year", "threshold": above(1)}),
        ("is_spending", {"period": "today"}),
        ("is_spending", {"period": "today", "threshold": above(float("inf"))}),
        ("is_pot_goal_reached", {"device_id": []}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    loaded: Cleo, key: str, options: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid):
        await ask(loaded.hass, key, **options)


# How it is described


async def test_every_condition_is_described_to_the_last_field(hass: HomeAssistant) -> None:
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
        assert texts["fields"].keys() == schema_fields(condition.schema)
        for text in texts["fields"].values():
            assert text.keys() == {"name", "description"}


def test_every_period_has_its_name() -> None:
    assert TEXTS["selector"]["spending_period"]["options"].keys() == set(Period)
