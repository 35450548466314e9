"""Triggers in automations: when they run, with which variables, and through reloads.

Single options and thresholds are tested in `tests/automations`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from homeassistant.components.automation import EVENT_AUTOMATION_TRIGGERED
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.trigger import (
    async_get_all_descriptions,
    async_validate_trigger_config,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components.monzo.const import (
    CONF_ALLOW_TRANSFERS,
    CONF_EXCLUDED_ACCOUNTS,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from custom_components.monzo.trigger import TRIGGERS
from custom_components.monzo.triggers.base import MonzoTrigger
from sandbox.bank import Bank
from sandbox.behaviour import BankBehaviour
from sandbox.models import Account, Person, Pot
from sandbox.server import Answer, BankServer
from tests.helpers.automations import (
    RECORD_RUN,
    TriggerVariables,
    not_triggered_reasons,
    option_names,
    set_up_automation,
)
from tests.helpers.state_helpers import device, set_up, shown, value
from tests.helpers.texts import ICONS, TEXTS

from .conftest import AdvanceTime, SignIn

A_POLL = timedelta(minutes=2)
A_WHILE = timedelta(minutes=6)
A_LONG_WHILE = timedelta(minutes=61)

NEW_TRANSACTION_TRIGGERS = ("payment_made", "money_received", "payment_declined")

BELOW_900 = {"type": "below", "value": {"number": 900}}

type Options = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Couple:
    """Ann with her own account, the one that she shares with Ben, and their pots."""

    ann: Person
    current: Account
    joint: Account
    coin_jar: Pot
    holiday: Pot
    house: Pot
    bills: Pot


@pytest.fixture
def couple(bank: Bank) -> Couple:
    """Return Ann and Ben, with £1,000 in the joint account and round-ups of Ann's payments."""
    ann, ben = bank.add_person("Ann Archer"), bank.add_person("Ben Baker")
    long_ago = bank.clock() - timedelta(days=300)
    current = bank.open_account(ann, balance=150_000, created=long_ago)
    joint = bank.open_account(ann, ben, type="uk_retail_joint", balance=100_000, created=long_ago)
    return Couple(
        ann=ann,
        current=current,
        joint=joint,
        coin_jar=bank.open_pot(current.id, "Coin jar", balance=1_845, round_up=True),
        holiday=bank.open_pot(current.id, "Holiday", balance=64_000, goal=150_000),
        house=bank.open_pot(joint.id, "House", balance=325_000, goal=1_000_000),
        bills=bank.open_pot(joint.id, "Bills", balance=74_000),
    )


def trigger(key: str, trigger_id: str | None = None, **options: Any) -> dict[str, Any]:
    """Return the configuration of a trigger, by default with its key as its ID."""
    return {"trigger": f"monzo.{key}", "id": trigger_id or key, "options": options}


def ids(runs: list[TriggerVariables]) -> list[str]:
    """Return the IDs of the triggers that ran the automation."""
    return [run["id"] for run in runs]


def device_id(
    hass: HomeAssistant, entry: MockConfigEntry, account_or_pot: Account | Pot | str
) -> str:
    """Return the device ID of an account, a pot, or a person's ID."""
    monzo_id = account_or_pot if isinstance(account_or_pot, str) else account_or_pot.id
    found = device(hass, entry, monzo_id)
    assert found
    return found.id


def set_balance(bank: Bank, account: Account, to: int) -> None:
    """Make a payment that brings an account to a balance."""
    missing = to - account.balance
    if missing > 0:
        bank.receive(account.id, missing)
    elif missing:
        bank.pay(account.id, missing)


@pytest.fixture
async def entry(
    hass: HomeAssistant, couple: Couple, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return Ann's entry, loaded, after her transactions are read for the first time."""
    entry = sign_in(couple.ann)
    await set_up(hass, entry)
    await advance_time(A_WHILE)
    return entry


# New transactions


@pytest.mark.parametrize("flagged", [True, False], ids=["flagged as spending", "not flagged"])
async def test_a_transfer_between_own_accounts_is_neither_a_payment_nor_money_received(
    hass: HomeAssistant,
    couple: Couple,
    entry: MockConfigEntry,
    bank: Bank,
    advance_time: AdvanceTime,
    *,
    flagged: bool,
) -> None:
    bank.behaviour = BankBehaviour(own_transfers_in_spending=flagged)
    flex = bank.open_account(couple.ann, type="uk_monzo_flex", balance=-50_000)
    await advance_time(A_LONG_WHILE)
    runs = await set_up_automation(hass, trigger("payment_made"), trigger("money_received"))
    bank.p2p(couple.current.id, couple.joint.id, 16_000)
    bank.repay_flex(couple.current.id, flex.id, 5_000)
    await advance_time(A_POLL)
    assert shown(hass, couple.joint.id, "transaction", "event").attributes["amount"] == 160
    assert not runs

    bank.p2p(couple.current.id, bank.open_account(bank.add_person("Cleo Clark")).id, 700)
    await advance_time(A_POLL)
    assert [(run["id"], run["amount"]) for run in runs] == [("payment_made", -7)]


async def test_each_new_transaction_triggers_by_its_kind(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, *map(trigger, NEW_TRANSACTION_TRIGGERS))
    bank.pay(couple.joint.id, -350, notes="lunch")
    bank.decline(couple.joint.id, -350, notes="too much")
    bank.deposit(couple.house.id, couple.joint.id, 100, "in")
    bank.withdraw(couple.house.id, couple.joint.id, 100, "out")
    bank.receive(couple.joint.id, 350, notes="salary")
    await advance_time(A_WHILE)

    assert [(run["id"], run["notes"]) for run in runs] == [
        ("payment_made", "lunch"),
        ("payment_declined", "too much"),
        ("money_received", "salary"),
    ]


async def test_a_round_up_triggers_only_if_round_ups_are_included(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    runs = await set_up_automation(
        hass,
        trigger("payment_made", "without"),
        trigger("payment_made", "with", round_ups=True),
    )
    bank.pay(couple.current.id, -350)
    await advance_time(A_POLL)

    assert sorted((run["id"], run["kind"], run["amount"], run["pot"]) for run in runs) == [
        ("with", "card_payment", -3.5, None),
        ("with", "round_up", -0.5, "Coin jar"),
        ("without", "card_payment", -3.5, None),
    ]
    assert await not_triggered_reasons(hass, hass_ws_client) == ["round_up"]


async def test_a_transaction_of_another_kind_leaves_no_trace(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    runs = await set_up_automation(hass, *map(trigger, NEW_TRANSACTION_TRIGGERS))
    bank.deposit(couple.house.id, couple.joint.id, 100, "in")
    bank.withdraw(couple.house.id, couple.joint.id, 100, "out")
    bank.pay(couple.joint.id, 0)
    await advance_time(A_WHILE)

    assert runs == []
    assert await not_triggered_reasons(hass, hass_ws_client) == []


# For each trigger: what happens, options that match it, and a reason for each that does not.
OPTIONS: dict[str, tuple[Callable[[Bank, Account], object], Options, dict[str, Options]]] = {
    "payment_made": (
        lambda bank, account: bank.pay(account.id, -1_205, merchant="Deli"),
        {"at_least": 12.05, "at_most": 20, "merchant": "deli", "category": ["eating_out"]},
        {
            "less_than_at_least": {"at_least": 12.06},
            "more_than_at_most": {"at_most": 12.04},
            "other_merchant": {"merchant": "Copper"},
            "other_category": {"category": "bills"},
        },
    ),
    "payment_declined": (
        lambda bank, account: bank.decline(account.id, -1_205, merchant="Deli"),
        {"at_least": 12.05, "at_most": 20, "merchant": "deli", "category": ["eating_out"]},
        {
            "less_than_at_least": {"at_least": 12.06},
            "more_than_at_most": {"at_most": 12.04},
            "other_merchant": {"merchant": "Copper"},
            "other_category": {"category": "bills"},
        },
    ),
    "money_received": (
        lambda bank, account: bank.receive(account.id, 160_000, sender="Ann Archer"),
        {"at_least": 1600, "at_most": 1600, "sender": "archer", "category": "transfers"},
        {
            "less_than_at_least": {"at_least": 1600.01},
            "more_than_at_most": {"at_most": 1599.99},
            "other_sender": {"sender": "baker"},
            "other_category": {"category": "income"},
        },
    ),
}


@pytest.mark.parametrize("key", OPTIONS)
async def test_the_options_of_a_trigger_decide_and_traces_say_which_one_did(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
    key: str,
) -> None:
    act, matching, mismatches = OPTIONS[key]
    runs = await set_up_automation(
        hass,
        trigger(key, "no options"),
        trigger(key, "matching", **matching),
        *(trigger(key, reason, **options) for reason, options in mismatches.items()),
    )
    act(bank, couple.joint)
    await advance_time(A_WHILE)

    assert sorted(ids(runs)) == ["matching", "no options"]
    assert await not_triggered_reasons(hass, hass_ws_client) == sorted(mismatches)


async def test_only_transactions_of_the_chosen_accounts_trigger(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    joint = device_id(hass, entry, couple.joint)
    runs = await set_up_automation(hass, trigger("payment_made", device_id=joint))
    bank.pay(couple.current.id, -100)
    bank.pay(couple.joint.id, -200)
    await advance_time(A_POLL)

    assert [run["amount"] for run in runs] == [-2.0]


async def test_a_late_transaction_triggers_only_if_late_ones_are_included(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    runs = await set_up_automation(
        hass, trigger("payment_made", "without"), trigger("payment_made", "with", late=True)
    )
    await hass.config_entries.async_unload(entry.entry_id)
    bank.pay(couple.joint.id, -350)
    await advance_time(timedelta(minutes=80))
    await set_up(hass, entry)
    await advance_time(A_POLL)

    assert [(run["id"], run["late"]) for run in runs] == [("with", True)]
    assert await not_triggered_reasons(hass, hass_ws_client) == ["late"]


# Variables


async def test_the_variables_of_a_payment_are_the_attributes_of_the_event_entity(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made"))
    row = bank.pay(couple.joint.id, -1_205, merchant="Deli", notes="lunch")
    await advance_time(A_POLL)

    (lunch,) = runs
    assert lunch["transaction_id"] == row.id
    assert (lunch["amount"], lunch["currency"]) == (-12.05, "GBP")
    assert (lunch["merchant"], lunch["category"]) == ("Deli", row.category)
    assert (lunch["kind"], lunch["notes"], lunch["late"]) == ("card_payment", "lunch", False)
    assert lunch["device_id"] == device_id(hass, entry, couple.joint)
    assert lunch["device"] == "Joint account · Ann & Ben"
    attributes = shown(hass, couple.joint.id, "transaction", "event").attributes
    shared = lunch.keys() & attributes.keys() - {"description"}
    assert "merchant" in shared
    assert {key: lunch[key] for key in shared} == {key: attributes[key] for key in shared}
    assert lunch["statement"] == attributes["description"]


async def test_the_recorded_cause_of_a_run_contains_no_names(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    events = async_capture_events(hass, EVENT_AUTOMATION_TRIGGERED)
    runs = await set_up_automation(hass, trigger("payment_made"))
    bank.pay(couple.joint.id, -350, merchant="Deli")
    await advance_time(A_POLL)

    assert [event.data["source"] for event in events] == ["a payment"]
    # Home Assistant's own variables are kept.
    assert (
        runs[0].items()
        >= {
            "id": "payment_made",
            "idx": "0",
            "alias": None,
            "platform": "monzo.payment_made",
            "description": "a payment",
        }.items()
    )


async def test_a_device_has_the_name_that_the_user_gave_it(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    registry, joint = dr.async_get(hass), device_id(hass, entry, couple.joint)
    registry.async_update_device(joint, name_by_user="Ours")
    runs = await set_up_automation(hass, trigger("payment_made"))
    bank.pay(couple.joint.id, -350)
    await advance_time(A_POLL)
    registry.async_update_device(joint, name_by_user="Yours and mine")
    bank.pay(couple.joint.id, -350)
    await advance_time(A_POLL)

    assert [run["device"] for run in runs] == ["Ours", "Yours and mine"]


async def test_a_pot_that_was_closed_while_the_entry_was_not_loaded_keeps_its_name(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made", round_ups=True, late=True))
    await hass.config_entries.async_unload(entry.entry_id)
    bank.pay(couple.current.id, -350)
    bank.close_pot(couple.coin_jar.id)
    await set_up(hass, entry)
    await advance_time(A_POLL)

    assert [(run["kind"], run["pot"]) for run in runs] == [
        ("card_payment", None),
        ("round_up", "Coin jar"),
    ]


# Config entries and devices


async def test_a_trigger_keeps_working_when_the_entry_reloads(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made"))
    for amount in (-100, -200):
        assert await hass.config_entries.async_reload(entry.entry_id)
        bank.pay(couple.joint.id, amount)
        await advance_time(A_POLL)
        # After a reload, the request budget may have no room for the transactions at once.
        await advance_time(A_POLL)

    assert [run["amount"] for run in runs] == [-1.0, -2.0]


async def test_an_automation_can_be_set_up_before_the_entry_is_loaded(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    joint = device_id(hass, entry, couple.joint)
    runs = await set_up_automation(
        hass, *(trigger(key, device_id=[joint]) for key in NEW_TRANSACTION_TRIGGERS)
    )
    await set_up(hass, entry)
    bank.pay(couple.joint.id, -350)
    await advance_time(A_POLL)

    assert ids(runs) == ["payment_made"]


async def test_an_automation_can_be_set_up_before_monzo_is_connected(
    hass: HomeAssistant, couple: Couple, bank: Bank, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made"))
    await set_up(hass, sign_in(couple.ann))
    await advance_time(A_WHILE)
    bank.pay(couple.joint.id, -350)
    await advance_time(A_POLL)

    assert ids(runs) == ["payment_made"]


async def test_all_accounts_include_one_that_is_opened_later(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made"))
    new = bank.open_account(couple.ann, balance=10_000)
    await advance_time(A_LONG_WHILE)
    await advance_time(A_WHILE)
    bank.pay(new.id, -350)
    await advance_time(A_WHILE)

    assert [run["device_id"] for run in runs] == [device_id(hass, entry, new)]


async def test_an_account_that_was_excluded_for_a_while_triggers_once(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made"))
    for excluded in ([couple.joint.id], []):
        hass.config_entries.async_update_entry(entry, options={CONF_EXCLUDED_ACCOUNTS: excluded})
        assert await hass.config_entries.async_reload(entry.entry_id)
        await advance_time(A_WHILE)
    bank.pay(couple.joint.id, -350)
    await advance_time(A_POLL)

    assert ids(runs) == ["payment_made"]


async def test_all_accounts_exclude_one_whose_device_is_disabled(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("payment_made"))
    registry, joint = dr.async_get(hass), device_id(hass, entry, couple.joint)
    for disabled_by in (dr.DeviceEntryDisabler.USER, None):
        registry.async_update_device(joint, disabled_by=disabled_by)
        await advance_time(A_POLL)
        bank.pay(couple.joint.id, -350, notes=f"disabled by {disabled_by}")
        await advance_time(A_POLL)

    assert [run["notes"] for run in runs] == ["disabled by None"]


async def test_an_automation_that_is_turned_off_does_not_run(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    joint = device_id(hass, entry, couple.joint)
    options: Mapping[str, Options] = {
        "balance_crossed": {"device_id": joint, "threshold": BELOW_900}
    }
    # The couple has no budgets, and nothing that recurs or is usual.
    keys = {key for key in TRIGGERS if not key.startswith(("budget", "recurring"))}
    keys -= {"pay_day_arrived", "possible_duplicate", "unusual_amount"}
    runs = await set_up_automation(hass, *(trigger(key, **options.get(key, {})) for key in keys))

    async def let_everything_trigger(step: int) -> None:
        goal = couple.house.balance + 2_000
        bank.set_goal(couple.house.id, goal)
        row = bank.pay(couple.joint.id, -100)
        await advance_time(A_LONG_WHILE)
        bank.settle(row.id, -200)
        bank.decline(couple.joint.id, -100)
        bank.deposit(couple.house.id, couple.joint.id, 2_000, f"in {step}")
        set_balance(bank, couple.joint, to=89_900)
        await advance_time(A_LONG_WHILE)
        set_balance(bank, couple.joint, to=100_000)
        with pytest.raises(HomeAssistantError):
            await deposit(hass, entry, couple.house, 1_000_000)
        await advance_time(A_LONG_WHILE)

    await let_everything_trigger(1)
    assert set(ids(runs)) == keys

    runs.clear()
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.test"}, blocking=True
    )
    await let_everything_trigger(2)
    assert runs == []


# Validation


async def validation_error(hass: HomeAssistant, key: str, options: Options) -> str:
    """Return the error of a trigger with invalid options."""
    with pytest.raises(vol.Invalid) as caught:
        await async_validate_trigger_config(
            hass, [{"platform": f"monzo.{key}", "options": options}]
        )
    return str(caught.value)


async def test_only_devices_of_the_right_type_can_be_chosen(
    hass: HomeAssistant, couple: Couple, entry: MockConfigEntry
) -> None:
    joint, house = device_id(hass, entry, couple.joint), device_id(hass, entry, couple.house)
    person = device_id(hass, entry, str(entry.unique_id))
    cases: tuple[tuple[str, str, str, Options], ...] = (
        ("payment_made", house, "a Monzo account", {}),
        ("pot_goal_reached", joint, "a Monzo pot", {}),
        ("balance_crossed", person, "a Monzo account or pot", {"threshold": BELOW_900}),
        ("transfer_failed", person, "a Monzo account or pot", {}),
    )
    for key, wrong, expected, options in cases:
        error = await validation_error(hass, key, {"device_id": [wrong], **options})
        assert error.startswith(f"Device {wrong} is not {expected}")


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("payment_made", {"at_least": -1}),
        ("payment_made", {"at_least": 2, "at_most": 1.99}),
        ("payment_made", {"sender": "Ann"}),
        ("payment_made", {"colour": "blue"}),
        ("money_received", {"round_ups": True}),
        ("transaction_amount_changed", {"late": True}),
        ("transaction_amount_changed", {"by_at_least": "a lot"}),
        ("balance_crossed", {"threshold": BELOW_900}),
        ("balance_crossed", {"device_id": [], "threshold": BELOW_900}),
        ("balance_crossed", {"device_id": "a-device"}),
        ("balance_crossed", {"device_id": "a-device", "threshold": {"type": "above"}}),
        ("pot_goal_reached", {"threshold": BELOW_900}),
    ],
)
def test_options_that_a_trigger_cannot_use_are_invalid(key: str, options: Options) -> None:
    schema_of = TRIGGERS[key]
    assert issubclass(schema_of, MonzoTrigger)
    with pytest.raises(vol.Invalid):
        schema_of.schema({"options": options})


# Changed amounts


async def test_a_payment_that_settles_with_another_amount_triggers(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    mismatches: dict[str, Options] = {
        "less_than_by_at_least": {"by_at_least": 49},
        "other_merchant": {"merchant": "deli"},
        "other_category": {"category": "bills"},
    }
    key = "transaction_amount_changed"
    runs = await set_up_automation(
        hass,
        trigger(key, "matching", by_at_least=48.99, merchant="pump", category="transport"),
        *(trigger(key, reason, **options) for reason, options in mismatches.items()),
    )
    row = bank.pay(couple.joint.id, -100, merchant="Pump & Go", category="transport")
    await advance_time(A_POLL)
    assert runs == []
    bank.settle(row.id, -4_999)
    await advance_time(A_LONG_WHILE)

    (change,) = runs
    assert (change["id"], change["transaction_id"]) == ("matching", row.id)
    assert (change["amount_before"], change["amount"], change["difference"]) == (
        -1.0,
        -49.99,
        -48.99,
    )
    assert await not_triggered_reasons(hass, hass_ws_client) == sorted(mismatches)


async def test_a_payment_that_settles_with_the_same_amount_does_not_trigger(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    runs = await set_up_automation(hass, trigger("transaction_amount_changed"))
    row = bank.pay(couple.joint.id, -100)
    await advance_time(A_POLL)
    bank.settle(row.id)
    await advance_time(A_LONG_WHILE)

    assert runs == []
    assert await not_triggered_reasons(hass, hass_ws_client) == []


# Balances


def balance_crossed(
    hass: HomeAssistant, entry: MockConfigEntry, account_or_pot: Account | Pot, **threshold: Any
) -> dict[str, Any]:
    """Return the configuration of a trigger for a balance."""
    return trigger(
        "balance_crossed", device_id=device_id(hass, entry, account_or_pot), threshold=threshold
    )


async def test_a_balance_triggers_once_each_time_that_it_crosses_the_threshold(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, balance_crossed(hass, entry, couple.joint, **BELOW_900))
    for balance in (90_001, 90_000, 89_999, 80_000, 90_000, 89_000):
        set_balance(bank, couple.joint, to=balance)
        await advance_time(A_POLL)

    assert [run["balance"] for run in runs] == [899.99, 890.0]


async def test_the_variables_of_a_crossing_agree_with_the_sensor(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, balance_crossed(hass, entry, couple.joint, **BELOW_900))
    sensor: list[str] = []
    hass.bus.async_listen(
        EVENT_AUTOMATION_TRIGGERED, lambda _: sensor.append(value(hass, couple.joint.id, "balance"))
    )
    set_balance(bank, couple.joint, to=89_900)
    await advance_time(A_POLL)

    (crossing,) = runs
    assert crossing["device_id"] == device_id(hass, entry, couple.joint)
    assert crossing["device"] == "Joint account · Ann & Ben"
    assert (crossing["balance_before"], crossing["balance"]) == (1000.0, 899.0)
    assert crossing["currency"] == "GBP"
    assert sensor == ["899.00"]


async def test_the_balance_of_a_pot_triggers_as_well(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    balance = couple.bills.balance / 100
    runs = await set_up_automation(
        hass, balance_crossed(hass, entry, couple.bills, type="below", value={"number": balance})
    )
    bank.withdraw(couple.bills.id, couple.joint.id, 1, "out")
    await advance_time(A_POLL)

    assert [(run["device"], run["balance"]) for run in runs] == [("Bills", balance - 0.01)]


@pytest.fixture
async def limit(hass: HomeAssistant) -> str:
    """Return an entity that shows 900."""
    number = {"min": -10_000, "max": 10_000, "initial": 900}
    assert await async_setup_component(hass, "input_number", {"input_number": {"limit": number}})
    return "input_number.limit"


async def set_limit(hass: HomeAssistant, entity: str, to: float) -> None:
    """Change the limit."""
    await hass.services.async_call(
        "input_number", "set_value", {"entity_id": entity, "value": to}, blocking=True
    )
    await hass.async_block_till_done()


async def test_a_change_of_the_limit_can_cross_the_balance(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    limit: str,
) -> None:
    runs = await set_up_automation(
        hass, balance_crossed(hass, entry, couple.joint, type="below", value={"entity": limit})
    )
    await set_limit(hass, limit, 1_000)
    assert runs == []
    # Now the balance is below the limit, because the limit has moved.
    await set_limit(hass, limit, 1_000.01)
    assert [run["balance"] for run in runs] == [1000.0]
    await set_limit(hass, limit, 1_200)
    set_balance(bank, couple.joint, to=110_000)
    await advance_time(A_POLL)
    assert len(runs) == 1
    # The balance gets above the limit, and falls below it again.
    await set_limit(hass, limit, 1_000)
    set_balance(bank, couple.joint, to=99_900)
    await advance_time(A_POLL)
    assert [run["balance"] for run in runs] == [1000.0, 999.0]


async def test_a_balance_is_compared_with_a_limit_of_the_same_poll(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    pot = couple.bills
    limit = shown(hass, pot.id, "pot_balance").entity_id
    runs = await set_up_automation(
        hass, balance_crossed(hass, entry, couple.joint, type="above", value={"entity": limit})
    )
    assert couple.joint.balance > pot.balance
    # A salary arrives, and more of it goes into the pot than was in the account before.
    bank.receive(couple.joint.id, 500_000)
    bank.deposit(pot.id, couple.joint.id, 200_000, "in")
    assert couple.joint.balance > pot.balance > 100_000
    await advance_time(A_WHILE)

    assert runs == []


async def test_a_crossing_while_the_limit_is_unknown_triggers_once_it_is_known(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    hass.states.async_set("sensor.limit", "900")
    below_limit = {"type": "below", "value": {"entity": "sensor.limit"}}
    runs = await set_up_automation(hass, balance_crossed(hass, entry, couple.joint, **below_limit))
    hass.states.async_set("sensor.limit", STATE_UNAVAILABLE)
    set_balance(bank, couple.joint, to=89_900)
    await advance_time(A_POLL)
    assert runs == []
    assert set(await not_triggered_reasons(hass, hass_ws_client)) == {"threshold_unknown"}

    hass.states.async_set("sensor.limit", "900")
    await hass.async_block_till_done()
    assert [run["balance"] for run in runs] == [899.0]


async def test_a_limit_in_another_currency_is_unknown(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    hass.states.async_set("sensor.limit", "900", {"unit_of_measurement": "EUR"})
    below_limit = {"type": "below", "value": {"entity": "sensor.limit"}}
    runs = await set_up_automation(hass, balance_crossed(hass, entry, couple.joint, **below_limit))
    set_balance(bank, couple.joint, to=89_900)
    await advance_time(A_POLL)

    assert runs == []


async def test_the_first_known_limit_does_not_trigger(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    below_limit = {"type": "below", "value": {"entity": "sensor.limit"}}
    runs = await set_up_automation(hass, balance_crossed(hass, entry, couple.joint, **below_limit))
    hass.states.async_set("sensor.limit", "1100")
    await hass.async_block_till_done()
    set_balance(bank, couple.joint, to=95_000)
    await advance_time(A_POLL)

    assert runs == []


async def test_a_crossing_while_the_entry_is_not_loaded_triggers_once_actions_work_again(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    withdrawal = {
        "action": "monzo.withdraw_from_pot",
        "data": {"pot": device_id(hass, entry, couple.bills), "amount": 10},
    }
    runs = await set_up_automation(
        hass,
        balance_crossed(hass, entry, couple.joint, **BELOW_900),
        actions=[RECORD_RUN, withdrawal],
    )
    pot_balance = couple.bills.balance
    await hass.config_entries.async_unload(entry.entry_id)
    set_balance(bank, couple.joint, to=89_900)
    await set_up(hass, entry)

    assert [(run["balance_before"], run["balance"]) for run in runs] == [(1000.0, 899.0)]
    assert couple.bills.balance == pot_balance - 1_000


async def test_an_outage_neither_triggers_nor_hides_a_crossing(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    server: BankServer,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, balance_crossed(hass, entry, couple.joint, **BELOW_900))
    server.fail("*", "*", Answer.html(502), times=None)
    await advance_time(A_POLL)
    assert value(hass, couple.joint.id, "balance") == STATE_UNAVAILABLE
    server.clear_faults()
    await advance_time(A_POLL)
    assert runs == []

    server.fail("*", "*", Answer.html(502), times=None)
    await advance_time(A_POLL)
    set_balance(bank, couple.joint, to=89_900)
    server.clear_faults()
    await advance_time(A_POLL)
    assert [run["balance"] for run in runs] == [899.0]


async def test_the_first_balance_after_a_start_does_not_trigger(
    hass: HomeAssistant, couple: Couple, bank: Bank, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(couple.ann)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, couple.joint.id)}, model="Account"
    )
    runs = await set_up_automation(
        hass, balance_crossed(hass, entry, couple.joint, type="below", value={"number": 1_200})
    )
    await set_up(hass, entry)
    await advance_time(A_POLL)
    assert runs == []

    set_balance(bank, couple.joint, to=120_000)
    await advance_time(A_POLL)
    set_balance(bank, couple.joint, to=90_000)
    await advance_time(A_POLL)
    assert [run["balance"] for run in runs] == [900.0]


# Goals


async def test_a_pot_that_reaches_its_goal_triggers_once(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    goal = couple.bills.balance + 1_000
    bank.set_goal(couple.bills.id, goal)
    await advance_time(A_LONG_WHILE)
    runs = await set_up_automation(hass, trigger("pot_goal_reached"))
    for number, amount in enumerate((999, 1, 1)):
        bank.deposit(couple.bills.id, couple.joint.id, amount, f"in {number}")
        await advance_time(A_WHILE)

    (reached,) = runs
    assert (reached["device"], reached["device_id"]) == (
        "Bills",
        device_id(hass, entry, couple.bills),
    )
    assert (reached["balance"], reached["goal"], reached["currency"]) == (
        goal / 100,
        goal / 100,
        "GBP",
    )


async def test_a_goal_that_is_lowered_to_the_balance_triggers(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("pot_goal_reached"))
    bank.set_goal(couple.house.id, 300_000)
    await advance_time(A_LONG_WHILE)

    assert [(run["balance"], run["goal"]) for run in runs] == [(3_250.0, 3_000.0)]


async def test_a_first_goal_at_the_balance_does_not_trigger(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, trigger("pot_goal_reached"))
    bank.set_goal(couple.bills.id, couple.bills.balance)
    await advance_time(A_LONG_WHILE)
    assert value(hass, couple.bills.id, "goal_progress") == "100.0"
    bank.set_goal(couple.bills.id, None)
    await advance_time(A_LONG_WHILE)

    assert runs == []


async def test_only_the_goals_of_the_chosen_pots_trigger(
    hass: HomeAssistant,
    couple: Couple,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    holiday = device_id(hass, entry, couple.holiday)
    runs = await set_up_automation(hass, trigger("pot_goal_reached", device_id=[holiday]))
    for pot in (couple.house, couple.holiday):
        bank.set_goal(pot.id, 10_000)
    await advance_time(A_LONG_WHILE)

    assert [run["device"] for run in runs] == ["Holiday"]


# Transfers


async def deposit(hass: HomeAssistant, entry: MockConfigEntry, pot: Pot, amount: float) -> None:
    """Deposit an amount into a pot."""
    await hass.services.async_call(
        DOMAIN,
        "deposit_into_pot",
        {"pot": device_id(hass, entry, pot), "amount": amount, "dedupe_id": f"deposit {amount}"},
        blocking=True,
    )


async def test_a_transfer_that_is_refused_triggers_with_the_reason(
    hass: HomeAssistant, couple: Couple, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, options={CONF_MAX_PER_TRANSFER: 50})
    runs = await set_up_automation(hass, trigger("transfer_failed"))
    await deposit(hass, entry, couple.house, 50)
    assert runs == []
    with pytest.raises(HomeAssistantError):
        await deposit(hass, entry, couple.house, 50.01)
    await hass.async_block_till_done(wait_background_tasks=True)

    (failure,) = runs
    assert (failure["outcome"], failure["reason"]) == ("refused", "over_transfer_limit")
    assert (failure["direction"], failure["amount"], failure["currency"]) == (
        "deposit",
        50.01,
        "GBP",
    )
    assert (failure["pot"], failure["dedupe_id"]) == ("House", "deposit 50.01")
    assert failure["device_id"] == device_id(hass, entry, couple.joint)


async def test_a_transfer_that_cannot_be_confirmed_triggers(
    hass: HomeAssistant, couple: Couple, server: BankServer, entry: MockConfigEntry
) -> None:
    runs = await set_up_automation(hass, trigger("transfer_failed"))
    server.fail("PUT", "/pots/*", Answer.html(502), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with pytest.raises(HomeAssistantError):
        await deposit(hass, entry, couple.house, 1)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert [(run["outcome"], run["reason"]) for run in runs] == [
        ("unknown", "transfer_unconfirmed")
    ]


async def test_a_failed_transfer_triggers_for_its_account_and_for_its_pot(
    hass: HomeAssistant, couple: Couple, entry: MockConfigEntry
) -> None:
    choices: dict[str, list[Account | Pot]] = {
        "account": [couple.joint],
        "pot": [couple.house],
        "both": [couple.house, couple.joint],
        "others": [couple.bills, couple.current],
    }
    runs = await set_up_automation(
        hass,
        *(
            trigger(
                "transfer_failed", name, device_id=[device_id(hass, entry, each) for each in chosen]
            )
            for name, chosen in choices.items()
        ),
    )
    with pytest.raises(HomeAssistantError):
        await deposit(hass, entry, couple.house, 1_000_000)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert ids(runs) == ["account", "pot", "both"]


async def test_of_several_transfers_the_first_failure_triggers_and_later_ones_for_their_pots(
    hass: HomeAssistant, couple: Couple, entry: MockConfigEntry
) -> None:
    house, bills = (device_id(hass, entry, pot) for pot in (couple.house, couple.bills))
    runs = await set_up_automation(
        hass,
        trigger("transfer_failed", "all"),
        trigger("transfer_failed", "bills", device_id=[bills]),
    )
    parts = [{"pot": pot, "amount": 1} for pot in (house, bills)]
    hass.config_entries.async_update_entry(entry, options={CONF_ALLOW_TRANSFERS: False})
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(DOMAIN, "distribute", {"pots": parts}, blocking=True)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert [(run["id"], run["pot"], run["reason"]) for run in runs] == [
        ("all", "House", "transfers_not_allowed"),
        ("bills", "Bills", "earlier_move_failed"),
    ]


async def test_a_chosen_pot_triggers_although_the_device_of_its_account_is_disabled(
    hass: HomeAssistant, couple: Couple, entry: MockConfigEntry
) -> None:
    house = device_id(hass, entry, couple.house)
    runs = await set_up_automation(
        hass,
        trigger("transfer_failed", "the pot", device_id=[house]),
        trigger("transfer_failed", "all"),
    )
    dr.async_get(hass).async_update_device(
        device_id(hass, entry, couple.joint), disabled_by=dr.DeviceEntryDisabler.USER
    )
    await hass.async_block_till_done()
    with pytest.raises(HomeAssistantError):
        await deposit(hass, entry, couple.house, 1_000_000)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert ids(runs) == ["the pot"]


# Descriptions


async def test_every_trigger_and_each_of_its_options_is_described(hass: HomeAssistant) -> None:
    # Home Assistant reads descriptions when it sets the integration up.
    assert await async_setup_component(hass, DOMAIN, {})
    descriptions = {
        key.removeprefix("monzo."): description
        for key, description in (await async_get_all_descriptions(hass)).items()
        if key.startswith("monzo.")
    }
    assert TEXTS["triggers"].keys() == ICONS["triggers"].keys() == TRIGGERS.keys()
    assert descriptions.keys() == TRIGGERS.keys()
    for key, trigger_class in TRIGGERS.items():
        texts, description = TEXTS["triggers"][key], descriptions[key]
        assert description is not None
        assert issubclass(trigger_class, MonzoTrigger)
        assert texts["description"].startswith("Triggers ")
        assert texts["fields"].keys() == description["fields"].keys()
        assert texts["fields"].keys() == option_names(trigger_class.schema)
        for text in texts["fields"].values():
            assert text.keys() == {"name", "description"}
