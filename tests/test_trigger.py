"""What automations can wait for: each trigger with each of its options, through reloads."""

from collections.abc import Callable
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
from custom_components.monzo.trigger import TRIGGERS, MonzoTrigger
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account, Pot
from sandbox.server import Answer, BankServer
from tests.helpers.automations import Told, automate, reasons
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import device, set_up, shown, value

from .conftest import LetPass, SignIn
from .test_translations import ICONS, TEXTS

A_POLL = timedelta(minutes=2)
A_WHILE = timedelta(minutes=6)
A_LONG_WHILE = timedelta(minutes=61)

OF_TRANSACTIONS = ("payment_made", "money_received", "payment_declined")


def device_id(hass: HomeAssistant, entry: MockConfigEntry, subject: Account | Pot | str) -> str:
    """Return the device of an account, a pot, or a person."""
    found = device(hass, entry, subject if isinstance(subject, str) else subject.id)
    assert found
    return found.id


@pytest.fixture
async def entry(
    hass: HomeAssistant, home: Household, sign_in: SignIn, let_pass: LetPass
) -> MockConfigEntry:
    """Return Ann's entry, set up, with her history read, and 1,000 pounds in the joint account."""
    change(home.bank, home.joint, to=100_000)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass(A_WHILE)
    return entry


def platforms(told: list[Told]) -> list[str]:
    """Return which triggers have run the automation."""
    return [each["platform"].removeprefix("monzo.") for each in told]


# What counts as what


ACTS: dict[str, tuple[Callable[[Bank, Household], object], list[str]]] = {
    "a card payment": (lambda bank, home: bank.pay(home.joint.id, -350), ["payment_made"]),
    "a card payment with a round-up": (
        lambda bank, home: bank.pay(home.current.id, -350),
        ["payment_made"],
    ),
    "a check of the card": (lambda bank, home: bank.pay(home.joint.id, 0), []),
    "a declined payment": (
        lambda bank, home: bank.decline(home.joint.id, -350),
        ["payment_declined"],
    ),
    "cash": (lambda bank, home: bank.withdraw_cash(home.joint.id, -5_000), ["payment_made"]),
    "a direct debit": (lambda bank, home: bank.direct_debit(home.joint.id, -1), ["payment_made"]),
    "a transfer to somebody": (
        lambda bank, home: bank.p2p(home.joint.id, home.bens.id, 250),
        ["payment_made"],
    ),
    "a fee": (lambda bank, home: bank.interest(home.joint.id, -120), ["payment_made"]),
    "a refund": (lambda bank, home: bank.refund(home.joint.id, 350), ["money_received"]),
    "a salary": (lambda bank, home: bank.receive(home.joint.id, 350), ["money_received"]),
    "interest": (lambda bank, home: bank.interest(home.joint.id, 3), ["money_received"]),
    "a deposit into a pot": (
        lambda bank, home: bank.deposit(home.house.id, home.joint.id, 100, "in"),
        [],
    ),
    "a withdrawal from a pot": (
        lambda bank, home: bank.withdraw(home.bills.id, home.joint.id, 100, "out"),
        [],
    ),
}


@pytest.mark.parametrize(("act", "expected"), ACTS.values(), ids=ACTS)
async def test_each_kind_of_transaction_has_its_trigger(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    act: Callable[[Bank, Household], object],
    expected: list[str],
) -> None:
    told = await automate(hass, *({"trigger": f"monzo.{key}"} for key in OF_TRANSACTIONS))
    act(bank, home)
    await let_pass(A_WHILE)

    assert platforms(told) == expected


async def test_round_ups_count_as_payments_if_that_is_wanted(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made", "options": {"round_ups": True}})
    bank.pay(home.current.id, -350)
    await let_pass(A_POLL)

    assert [(each["kind"], each["amount"], each["pot"]) for each in told] == [
        ("card_payment", -3.5, None),
        ("round_up", -0.5, "Coin jar"),
    ]


async def test_a_round_up_that_is_not_wanted_is_a_reason_and_a_move_to_a_pot_is_none(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
) -> None:
    told = await automate(hass, *({"trigger": f"monzo.{key}"} for key in OF_TRANSACTIONS))
    bank.deposit(home.holiday.id, home.current.id, 100, "in")
    bank.withdraw(home.holiday.id, home.current.id, 100, "out")
    bank.pay(home.current.id, -350)
    await let_pass(A_WHILE)

    assert [each["kind"] for each in told] == ["card_payment"]
    assert await reasons(hass, hass_ws_client) == ["round_up"]


# What templates find


async def test_a_payment_tells_all_that_is_known_of_it(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    row = bank.pay(home.joint.id, -1_205, merchant="Deli", notes="lunch")
    await let_pass(A_POLL)

    (lunch,) = told
    assert lunch["transaction_id"] == row.id
    assert (lunch["amount"], lunch["currency"]) == (-12.05, "GBP")
    assert (lunch["merchant"], lunch["category"]) == ("Deli", row.category)
    assert (lunch["kind"], lunch["notes"], lunch["late"]) == ("card_payment", "lunch", False)
    assert lunch["device_id"] == device_id(hass, entry, home.joint)
    assert lunch["device"] == "Joint account · Ann & Ben"
    attributes = shown(hass, home.joint.id, "transaction", "event").attributes
    same = lunch.keys() & attributes.keys() - {"description"}
    assert "merchant" in same
    assert {key: lunch[key] for key in same} == {key: attributes[key] for key in same}
    assert lunch["statement"] == attributes["description"]


async def test_what_is_recorded_of_a_run_names_nobody(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    runs = async_capture_events(hass, EVENT_AUTOMATION_TRIGGERED)
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    bank.pay(home.joint.id, -350, merchant="Deli")
    await let_pass(A_POLL)

    assert [run.data["source"] for run in runs] == ["a payment"]
    # What Home Assistant has put there itself is still there.
    assert (
        told[0].items()
        >= {
            "id": "0",
            "idx": "0",
            "alias": None,
            "platform": "monzo.payment_made",
            "description": "a payment",
        }.items()
    )


async def test_a_device_is_told_by_the_name_that_the_user_gave_it(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    registry, joint = dr.async_get(hass), device_id(hass, entry, home.joint)
    registry.async_update_device(joint, name_by_user="Ours")
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)
    registry.async_update_device(joint, name_by_user="Yours and mine")
    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)

    assert [each["device"] for each in told] == ["Ours", "Yours and mine"]


# Options of transactions


# A payment of 12.05 at the deli.
PAYMENT_OPTIONS: dict[str, tuple[dict[str, Any], str | None]] = {
    "none": ({}, None),
    "at least less": ({"at_least": 12.04}, None),
    "at least the same": ({"at_least": 12.05}, None),
    "at least more": ({"at_least": 12.06}, "less_than_at_least"),
    "at least as text": ({"at_least": "12.050"}, None),
    "at most less": ({"at_most": 12.04}, "more_than_at_most"),
    "at most the same": ({"at_most": 12.05}, None),
    "between": ({"at_least": 12, "at_most": 13}, None),
    "exactly": ({"at_least": 12.05, "at_most": 12.05}, None),
    "merchant": ({"merchant": "Deli"}, None),
    "part of a merchant": ({"merchant": " dEL "}, None),
    "another merchant": ({"merchant": "Copper"}, "other_merchant"),
    "no merchant": ({"merchant": ""}, None),
    "category": ({"category": "eating_out"}, None),
    "several categories": ({"category": ["bills", "eating_out"]}, None),
    "another category": ({"category": ["bills"]}, "other_category"),
    "no category": ({"category": []}, None),
    "everything": (
        {
            "at_least": 1,
            "at_most": 20,
            "merchant": "deli",
            "category": ["eating_out"],
            "late": True,
        },
        None,
    ),
}


@pytest.mark.parametrize(
    ("key", "act"),
    [("payment_made", Bank.pay), ("payment_declined", Bank.decline)],
    ids=["payment", "declined"],
)
@pytest.mark.parametrize(("options", "objection"), PAYMENT_OPTIONS.values(), ids=PAYMENT_OPTIONS)
async def test_a_payment_is_told_if_it_is_as_the_options_want_it(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
    key: str,
    act: Callable[..., object],
    options: dict[str, Any],
    objection: str | None,
) -> None:
    told = await automate(hass, {"trigger": f"monzo.{key}", "options": options})
    act(bank, home.joint.id, -1_205, merchant="Deli")
    await let_pass(A_WHILE)

    assert platforms(told) == ([] if objection else [key])
    assert await reasons(hass, hass_ws_client) == ([objection] if objection else [])


async def test_a_merchant_may_be_given_by_its_id_or_that_of_its_chain(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    deli = bank.pay(home.joint.id, -100, merchant="Deli").merchant
    assert deli is not None
    await let_pass(A_POLL)
    told = await automate(
        hass,
        *(
            {"trigger": "monzo.payment_made", "id": id_, "options": {"merchant": id_}}
            for id_ in (deli.id, deli.group_id)
        ),
    )
    bank.pay(home.joint.id, -200, merchant="Deli")
    bank.pay(home.joint.id, -300, merchant="Copper Kettle")
    await let_pass(A_POLL)

    assert sorted((each["id"], each["amount"]) for each in told) == sorted(
        [(deli.id, -2.0), (deli.group_id, -2.0)]
    )


# A salary of 1,600 from Ann.
INCOME_OPTIONS: dict[str, tuple[dict[str, Any], str | None]] = {
    "enough": ({"at_least": 1600}, None),
    "too little": ({"at_least": 1600.01}, "less_than_at_least"),
    "too much": ({"at_most": 1599.99}, "more_than_at_most"),
    "sender": ({"sender": "archer"}, None),
    "another sender": ({"sender": "baker"}, "other_sender"),
    "category": ({"category": "transfers"}, None),
    "another category": ({"category": "income"}, "other_category"),
}


@pytest.mark.parametrize(("options", "objection"), INCOME_OPTIONS.values(), ids=INCOME_OPTIONS)
async def test_money_is_told_if_it_is_as_the_options_want_it(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
    options: dict[str, Any],
    objection: str | None,
) -> None:
    told = await automate(hass, {"trigger": "monzo.money_received", "options": options})
    bank.receive(home.joint.id, 160_000, sender="Ann Archer")
    await let_pass(A_POLL)

    assert platforms(told) == ([] if objection else ["money_received"])
    assert await reasons(hass, hass_ws_client) == ([objection] if objection else [])


async def test_a_payment_that_is_split_is_in_all_its_categories(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(
        hass,
        *(
            {"trigger": "monzo.payment_made", "id": category, "options": {"category": category}}
            for category in ("groceries", "bills", "cash")
        ),
    )
    bank.pay(
        home.joint.id, -500, category="groceries", categories={"groceries": -300, "bills": -200}
    )
    await let_pass(A_POLL)

    assert sorted(each["id"] for each in told) == ["bills", "groceries"]


async def test_only_the_chosen_accounts_are_listened_to(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    of_joint = {"device_id": device_id(hass, entry, home.joint)}
    told = await automate(hass, {"trigger": "monzo.payment_made", "options": of_joint})
    bank.pay(home.current.id, -100)
    bank.pay(home.joint.id, -200)
    await let_pass(A_POLL)

    assert [each["amount"] for each in told] == [-2.0]


async def test_a_late_transaction_is_told_only_to_those_who_want_that(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
) -> None:
    told = await automate(
        hass,
        {"trigger": "monzo.payment_made"},
        {"trigger": "monzo.payment_made", "id": "late", "options": {"late": True}},
    )
    await hass.config_entries.async_unload(entry.entry_id)
    bank.pay(home.joint.id, -350)
    await let_pass(timedelta(minutes=80))
    await set_up(hass, entry)
    await let_pass(A_POLL)

    assert [(each["id"], each["late"]) for each in told] == [("late", True)]
    assert await reasons(hass, hass_ws_client) == ["late"]


async def test_a_pot_that_was_closed_meanwhile_keeps_its_name(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    wanted = {"round_ups": True, "late": True}
    told = await automate(hass, {"trigger": "monzo.payment_made", "options": wanted})
    await hass.config_entries.async_unload(entry.entry_id)
    # As after a start of Home Assistant.
    forget_process_memory(hass)
    bank.pay(home.current.id, -350)
    bank.close_pot(home.coin_jar.id)
    await set_up(hass, entry)
    await let_pass(A_POLL)

    assert [(each["kind"], each["pot"]) for each in told] == [
        ("card_payment", None),
        ("round_up", "Coin jar"),
    ]


# Coming and going


async def test_a_reload_of_the_entry_changes_nothing(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    for amount in (-100, -200):
        assert await hass.config_entries.async_reload(entry.entry_id)
        bank.pay(home.joint.id, amount)
        await let_pass(A_POLL)

    assert [each["amount"] for each in told] == [-1.0, -2.0]


async def test_an_automation_may_be_there_before_the_entry_is_loaded(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    of_joint = {"device_id": [device_id(hass, entry, home.joint)]}
    told = await automate(hass, {"trigger": "monzo.payment_made", "options": of_joint})
    await set_up(hass, entry)
    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)

    assert platforms(told) == ["payment_made"]


async def test_an_automation_may_be_there_before_monzo_is_connected(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    await set_up(hass, sign_in(home.ann))
    await let_pass(A_WHILE)
    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)

    assert platforms(told) == ["payment_made"]


async def test_an_account_that_is_opened_later_is_one_of_all(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    new = bank.open_account(home.ann, balance=10_000)
    await let_pass(A_LONG_WHILE)
    await let_pass(A_WHILE)
    bank.pay(new.id, -350)
    await let_pass(A_WHILE)

    assert [each["device_id"] for each in told] == [device_id(hass, entry, new)]


async def test_an_account_that_is_left_out_and_taken_in_again_is_heard_once(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    for excluded in ([home.joint.id], []):
        hass.config_entries.async_update_entry(entry, options={CONF_EXCLUDED_ACCOUNTS: excluded})
        assert await hass.config_entries.async_reload(entry.entry_id)
        await let_pass(A_WHILE)
    bank.pay(home.joint.id, -350)
    await let_pass(A_POLL)

    assert platforms(told) == ["payment_made"]


async def test_a_disabled_device_is_not_one_of_all(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.payment_made"})
    registry, joint = dr.async_get(hass), device_id(hass, entry, home.joint)
    for disabled_by in (dr.DeviceEntryDisabler.USER, None):
        registry.async_update_device(joint, disabled_by=disabled_by)
        await let_pass(A_POLL)
        bank.pay(home.joint.id, -350, notes=f"disabled by {disabled_by}")
        await let_pass(A_POLL)

    assert [each["notes"] for each in told] == ["disabled by None"]


@pytest.mark.parametrize("key", TRIGGERS)
async def test_an_automation_that_is_off_hears_nothing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    key: str,
) -> None:
    options = {
        "balance_crossed": {
            "device_id": device_id(hass, entry, home.joint),
            "threshold": {"type": "below", "value": {"number": 980}},
        }
    }
    row = bank.pay(home.joint.id, -100)
    await let_pass(A_POLL)
    told = await automate(hass, {"trigger": f"monzo.{key}", "options": options.get(key, {})})
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.test"}, blocking=True
    )
    bank.pay(home.joint.id, -1_000)
    bank.receive(home.joint.id, 100)
    bank.decline(home.joint.id, -100)
    bank.settle(row.id, -200)
    bank.set_goal(home.house.id, 326_000)
    await let_pass(A_LONG_WHILE)
    bank.deposit(home.house.id, home.joint.id, 2_000, "in")
    with pytest.raises(HomeAssistantError):
        await move(hass, entry, home.house, 1_000_000)
    await let_pass(A_LONG_WHILE)

    assert not told


# What cannot be


async def refused(hass: HomeAssistant, key: str, options: dict[str, Any]) -> str:
    """Return why a trigger with these options cannot be."""
    with pytest.raises(vol.Invalid) as caught:
        await async_validate_trigger_config(
            hass, [{"platform": f"monzo.{key}", "options": options}]
        )
    return str(caught.value)


THRESHOLD = {"threshold": {"type": "below", "value": {"number": 10}}}


async def test_only_devices_of_the_right_kind_can_be_chosen(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    joint, house = device_id(hass, entry, home.joint), device_id(hass, entry, home.house)
    person = device_id(hass, entry, str(entry.unique_id))

    for wrong in ("nothing-like-it", house, person):
        error = await refused(hass, "payment_made", {"device_id": [joint, wrong]})
        assert error.startswith(f"Device {wrong} is not an account of Monzo")
    for wrong in ("nothing-like-it", joint, person):
        error = await refused(hass, "pot_goal_reached", {"device_id": [house, wrong]})
        assert error.startswith(f"Device {wrong} is not a pot of Monzo")
    error = await refused(
        hass, "balance_crossed", {"device_id": [joint, house, person], **THRESHOLD}
    )
    assert error.startswith(f"Device {person} is not an account or a pot of Monzo")


async def test_devices_of_an_entry_that_is_not_loaded_can_be_chosen(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    joint = device_id(hass, entry, home.joint)
    await hass.config_entries.async_unload(entry.entry_id)

    for key in OF_TRANSACTIONS:
        config = [{"platform": f"monzo.{key}", "options": {"device_id": joint}}]
        (valid,) = await async_validate_trigger_config(hass, config)
        assert valid["options"]["device_id"] == [joint]


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("payment_made", {"at_least": -1}),
        ("payment_made", {"at_least": "nan"}),
        ("payment_made", {"at_least": "a lot"}),
        ("payment_made", {"at_most": float("inf")}),
        ("payment_made", {"at_least": True}),
        ("payment_made", {"at_least": 2, "at_most": 1.99}),
        ("payment_made", {"sender": "Ann"}),
        ("payment_made", {"colour": "blue"}),
        ("balance_crossed", THRESHOLD),
        ("balance_crossed", {"device_id": [], **THRESHOLD}),
        ("transaction_amount_changed", {"late": True}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, key: str, options: dict[str, Any]
) -> None:
    await refused(hass, key, options)


@pytest.mark.parametrize(
    "threshold",
    [
        {"type": "above"},
        {"type": "any"},
        {"type": "above", "value": {"number": float("nan")}},
        {"type": "between", "value_min": {"number": 2}, "value_max": {"number": 1}},
    ],
)
async def test_a_threshold_that_makes_no_sense_is_refused(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, threshold: dict[str, Any]
) -> None:
    joint = device_id(hass, entry, home.joint)
    await refused(hass, "balance_crossed", {"device_id": joint, "threshold": threshold})


# Another amount


@pytest.mark.parametrize(
    ("options", "objection"),
    [
        ({}, None),
        ({"by_at_least": 48.99}, None),
        ({"by_at_least": 49}, "less_than_by_at_least"),
        ({"merchant": "pump"}, None),
        ({"merchant": "deli"}, "other_merchant"),
        ({"category": "transport"}, None),
        ({"category": "bills"}, "other_category"),
    ],
)
async def test_a_payment_that_settles_with_another_amount_is_told(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
    options: dict[str, Any],
    objection: str | None,
) -> None:
    told = await automate(hass, {"trigger": "monzo.transaction_amount_changed", "options": options})
    row = bank.pay(home.joint.id, -100, merchant="Pump & Go", category="transport")
    await let_pass(A_POLL)
    assert not told
    bank.settle(row.id, -4_999)
    await let_pass(A_LONG_WHILE)

    assert [
        (each["transaction_id"], each["amount_before"], each["amount"], each["difference"])
        for each in told
    ] == ([] if objection else [(row.id, -1.0, -49.99, -48.99)])
    assert await reasons(hass, hass_ws_client) == ([objection] if objection else [])


async def test_a_payment_that_only_settles_is_not_told(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
) -> None:
    told = await automate(hass, {"trigger": "monzo.transaction_amount_changed"})
    row = bank.pay(home.joint.id, -100)
    await let_pass(A_POLL)
    bank.settle(row.id)
    await let_pass(A_LONG_WHILE)

    assert not told
    assert await reasons(hass, hass_ws_client) == []


# Balances


def crossed(
    hass: HomeAssistant, entry: MockConfigEntry, subject: Account | Pot, **threshold: Any
) -> dict[str, Any]:
    """Return a trigger for a balance."""
    return {
        "trigger": "monzo.balance_crossed",
        "options": {"device_id": device_id(hass, entry, subject), "threshold": threshold},
    }


# The joint account has 1,000 pounds, then so many pence, and what is told of it.
CROSSINGS: dict[str, tuple[dict[str, Any], list[int], list[float]]] = {
    "falls below": (
        {"type": "below", "value": {"number": 900}},
        [90_001, 90_000, 89_999, 80_000, 90_000, 89_000],
        [899.99, 890.0],
    ),
    "rises above": (
        {"type": "above", "value": {"number": 1000.1}},
        [100_010, 100_011, 120_000, 90_000, 100_100],
        [1000.11, 1001.0],
    ),
    "gets between": (
        {"type": "between", "value_min": {"number": 900}, "value_max": {"number": 950.5}},
        [95_051, 95_050, 90_000, 89_999, 90_000],
        [950.5, 900.0],
    ),
    "gets outside": (
        {"type": "outside", "value_min": {"number": 900}, "value_max": {"number": 1000}},
        [90_000, 89_999, 100_001, 100_000, 100_001],
        [899.99, 1000.01],
    ),
    "below zero": ({"type": "below", "value": {"number": 0}}, [0, -1, -500], [-0.01]),
}


@pytest.mark.parametrize(("threshold", "steps", "expected"), CROSSINGS.values(), ids=CROSSINGS)
async def test_a_balance_that_crosses_a_threshold_is_told_once(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    threshold: dict[str, Any],
    steps: list[int],
    expected: list[float],
) -> None:
    told = await automate(hass, crossed(hass, entry, home.joint, **threshold))
    for step in steps:
        change(bank, home.joint, to=step)
        await let_pass(A_POLL)

    assert [each["balance"] for each in told] == expected


def change(bank: Bank, account: Account, *, to: int) -> None:
    """Bring an account to a balance."""
    missing = to - account.balance
    if missing > 0:
        bank.receive(account.id, missing)
    elif missing:
        bank.pay(account.id, missing)


async def test_a_crossing_tells_the_balance_and_whose_it_is(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="below", value={"number": 900})
    )
    seen: list[str] = []
    hass.bus.async_listen(
        EVENT_AUTOMATION_TRIGGERED, lambda _: seen.append(value(hass, home.joint.id, "balance"))
    )
    change(bank, home.joint, to=89_900)
    await let_pass(A_POLL)

    (crossing,) = told
    assert crossing["device_id"] == device_id(hass, entry, home.joint)
    assert crossing["device"] == "Joint account · Ann & Ben"
    assert (crossing["balance_before"], crossing["balance"]) == (1000.0, 899.0)
    assert crossing["currency"] == "GBP"
    # Whoever looks at the sensor then sees the same.
    assert seen == ["899.00"]


async def test_the_balance_of_a_pot_can_cross_as_well(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    there = home.bills.balance / 100
    told = await automate(
        hass, crossed(hass, entry, home.bills, type="below", value={"number": there})
    )
    bank.withdraw(home.bills.id, home.joint.id, 1, "out")
    await let_pass(A_POLL)

    assert [(each["device"], each["balance"]) for each in told] == [("Bills", there - 0.01)]


@pytest.fixture
async def limit(hass: HomeAssistant) -> str:
    """Return an entity that shows 900."""
    number = {"min": -10_000, "max": 10_000, "initial": 900}
    assert await async_setup_component(hass, "input_number", {"input_number": {"limit": number}})
    return "input_number.limit"


async def set_limit(hass: HomeAssistant, entity: str, to: float) -> None:
    """Turn the limit."""
    await hass.services.async_call(
        "input_number", "set_value", {"entity_id": entity, "value": to}, blocking=True
    )
    await hass.async_block_till_done()


async def test_a_threshold_may_be_another_entity_that_changes_itself(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    limit: str,
) -> None:
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="below", value={"entity": limit})
    )
    await set_limit(hass, limit, 1_000)
    assert not told
    # Now the balance is below the limit, because the limit has moved.
    await set_limit(hass, limit, 1_000.01)
    assert [each["balance"] for each in told] == [1000.0]
    await set_limit(hass, limit, 1_200)
    change(bank, home.joint, to=110_000)
    await let_pass(A_POLL)
    assert len(told) == 1
    # It gets above, and falls below again.
    await set_limit(hass, limit, 1_000)
    change(bank, home.joint, to=99_900)
    await let_pass(A_POLL)
    assert [each["balance"] for each in told] == [1000.0, 999.0]


async def test_a_threshold_that_moves_together_with_the_balance_is_held_against_the_new_one(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    pot = home.bills
    limit = shown(hass, pot.id, "pot_balance").entity_id
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="above", value={"entity": limit})
    )
    assert home.joint.balance > pot.balance
    # A salary comes, and of that more goes into the pot than was in the account before.
    bank.receive(home.joint.id, 500_000)
    bank.deposit(pot.id, home.joint.id, 200_000, "in")
    assert home.joint.balance > pot.balance > 100_000
    await let_pass(A_WHILE)

    assert not told


async def test_a_threshold_that_nobody_knows_for_a_while_is_no_reason_to_miss_a_crossing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    let_pass: LetPass,
    hass_ws_client: WebSocketGenerator,
) -> None:
    hass.states.async_set("sensor.limit", "900")
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="below", value={"entity": "sensor.limit"})
    )
    hass.states.async_set("sensor.limit", STATE_UNAVAILABLE)
    change(bank, home.joint, to=89_900)
    await let_pass(A_POLL)
    assert not told
    assert set(await reasons(hass, hass_ws_client)) == {"threshold_unknown"}

    hass.states.async_set("sensor.limit", "900")
    await hass.async_block_till_done()
    assert [each["balance"] for each in told] == [899.0]


async def test_a_threshold_in_another_currency_is_not_crossed(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    hass.states.async_set("sensor.limit", "900", {"unit_of_measurement": "EUR"})
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="below", value={"entity": "sensor.limit"})
    )
    change(bank, home.joint, to=89_900)
    await let_pass(A_POLL)
    assert not told


async def test_a_threshold_that_is_known_only_later_is_not_crossed_by_that(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="below", value={"entity": "sensor.limit"})
    )
    hass.states.async_set("sensor.limit", "1100")
    await hass.async_block_till_done()
    change(bank, home.joint, to=95_000)
    await let_pass(A_POLL)

    assert not told


async def test_what_crosses_while_the_entry_is_not_loaded_is_told_when_actions_work_again(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(
        hass,
        crossed(hass, entry, home.joint, type="below", value={"number": 900}),
        actions=[
            {"action": "test.hear", "data": {"trigger": "{{ dict(trigger) }}"}},
            {
                "action": "monzo.withdraw_from_pot",
                "data": {"pot": device_id(hass, entry, home.bills), "amount": 10},
            },
        ],
    )
    there = home.bills.balance
    await hass.config_entries.async_unload(entry.entry_id)
    change(bank, home.joint, to=89_900)
    await set_up(hass, entry)

    assert [(each["balance_before"], each["balance"]) for each in told] == [(1000.0, 899.0)]
    assert home.bills.balance == there - 1_000


async def test_an_outage_crosses_nothing_and_hides_nothing(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    entry: MockConfigEntry,
    let_pass: LetPass,
) -> None:
    told = await automate(
        hass, crossed(hass, entry, home.joint, type="below", value={"number": 900})
    )
    server.fail("*", "*", Answer.html(502), times=None)
    await let_pass(A_POLL)
    assert value(hass, home.joint.id, "balance") == STATE_UNAVAILABLE
    server.clear_faults()
    await let_pass(A_POLL)
    assert not told

    server.fail("*", "*", Answer.html(502), times=None)
    await let_pass(A_POLL)
    change(bank, home.joint, to=89_900)
    server.clear_faults()
    await let_pass(A_POLL)
    assert [each["balance"] for each in told] == [899.0]


async def test_the_first_balance_after_a_start_crosses_nothing(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, let_pass: LetPass
) -> None:
    entry = sign_in(home.ann)
    joint = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, home.joint.id)}, model="Account"
    )
    told = await automate(
        hass,
        {
            "trigger": "monzo.balance_crossed",
            "options": {
                "device_id": joint.id,
                "threshold": {"type": "below", "value": {"number": 1_200}},
            },
        },
    )
    await set_up(hass, entry)
    await let_pass(A_POLL)
    assert not told

    change(bank, home.joint, to=120_000)
    await let_pass(A_POLL)
    change(bank, home.joint, to=90_000)
    await let_pass(A_POLL)
    assert [each["balance"] for each in told] == [900.0]


# Goals


async def test_a_pot_that_reaches_its_goal_is_told_once(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    goal = home.bills.balance + 1_000
    bank.set_goal(home.bills.id, goal)
    await let_pass(A_LONG_WHILE)
    told = await automate(hass, {"trigger": "monzo.pot_goal_reached"})
    for number, amount in enumerate((999, 1, 1)):
        bank.deposit(home.bills.id, home.joint.id, amount, f"in {number}")
        await let_pass(A_WHILE)

    (reached,) = told
    assert (reached["device"], reached["device_id"]) == (
        "Bills",
        device_id(hass, entry, home.bills),
    )
    assert (reached["balance"], reached["goal"], reached["currency"]) == (
        goal / 100,
        goal / 100,
        "GBP",
    )


async def test_a_goal_that_comes_down_to_what_is_there_is_reached(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.pot_goal_reached"})
    bank.set_goal(home.house.id, 300_000)
    await let_pass(A_LONG_WHILE)

    assert [(each["balance"], each["goal"]) for each in told] == [(3_250.0, 3_000.0)]


async def test_a_goal_that_is_set_to_what_was_there_all_along_is_not_reached_by_that(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(hass, {"trigger": "monzo.pot_goal_reached"})
    bank.set_goal(home.bills.id, home.bills.balance)
    await let_pass(A_LONG_WHILE)
    assert value(hass, home.bills.id, "goal_progress") == "100.0"
    bank.set_goal(home.bills.id, None)
    await let_pass(A_LONG_WHILE)

    assert not told


async def test_only_the_chosen_pots_are_listened_to(
    hass: HomeAssistant, home: Household, bank: Bank, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    told = await automate(
        hass,
        {
            "trigger": "monzo.pot_goal_reached",
            "options": {"device_id": [device_id(hass, entry, home.holiday)]},
        },
    )
    for pot in (home.house, home.holiday):
        bank.set_goal(pot.id, 10_000)
    await let_pass(A_LONG_WHILE)

    assert [each["device"] for each in told] == ["Holiday"]


# Transfers


async def move(hass: HomeAssistant, entry: MockConfigEntry, pot: Pot, amount: float) -> None:
    """Have money moved into a pot."""
    await hass.services.async_call(
        DOMAIN,
        "deposit_into_pot",
        {"pot": device_id(hass, entry, pot), "amount": amount, "dedupe_id": f"move {amount}"},
        blocking=True,
    )


async def test_a_transfer_that_fails_is_told_with_the_reason(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, options={CONF_MAX_PER_TRANSFER: 50})
    told = await automate(hass, {"trigger": "monzo.transfer_failed"})
    await move(hass, entry, home.house, 50)
    assert not told
    with pytest.raises(HomeAssistantError):
        await move(hass, entry, home.house, 50.01)
    await hass.async_block_till_done(wait_background_tasks=True)

    (failure,) = told
    assert (failure["outcome"], failure["reason"]) == ("refused", "over_transfer_limit")
    assert (failure["direction"], failure["amount"], failure["currency"]) == (
        "deposit",
        50.01,
        "GBP",
    )
    assert (failure["pot"], failure["dedupe_id"]) == ("House", "move 50.01")
    assert failure["device_id"] == device_id(hass, entry, home.joint)


async def test_a_transfer_that_nobody_knows_the_end_of_has_failed_too(
    hass: HomeAssistant, home: Household, server: BankServer, entry: MockConfigEntry
) -> None:
    told = await automate(hass, {"trigger": "monzo.transfer_failed"})
    server.fail("PUT", "/pots/*", Answer.html(502), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with pytest.raises(HomeAssistantError):
        await move(hass, entry, home.house, 1)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert [(each["outcome"], each["reason"]) for each in told] == [
        ("unknown", "transfer_unconfirmed")
    ]


async def test_transfers_are_told_by_their_account_or_by_their_pot(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    def failed(*subjects: Account | Pot) -> dict[str, Any]:
        devices = [device_id(hass, entry, subject) for subject in subjects]
        name = " and ".join(type(subject).__name__ for subject in subjects)
        return {
            "trigger": "monzo.transfer_failed",
            "id": name,
            "options": {"device_id": devices},
        }

    told = await automate(
        hass,
        failed(home.joint),
        failed(home.house),
        failed(home.house, home.joint),
        failed(home.bills, home.current),
    )
    with pytest.raises(HomeAssistantError):
        await move(hass, entry, home.house, 1_000_000)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert [each["id"] for each in told] == ["Account", "Pot", "Pot and Account"]


async def test_of_several_transfers_the_account_hears_once_and_each_pot_of_its_own(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    house, bills = (device_id(hass, entry, pot) for pot in (home.house, home.bills))
    told = await automate(
        hass,
        {"trigger": "monzo.transfer_failed", "id": "all"},
        {"trigger": "monzo.transfer_failed", "id": "bills", "options": {"device_id": [bills]}},
    )
    parts = [{"pot": pot, "amount": 1} for pot in (house, bills)]
    hass.config_entries.async_update_entry(entry, options={CONF_ALLOW_TRANSFERS: False})
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(DOMAIN, "distribute", {"pots": parts}, blocking=True)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert [(each["id"], each["pot"], each["reason"]) for each in told] == [
        ("all", "House", "transfers_not_allowed"),
        ("bills", "Bills", "earlier_move_failed"),
    ]


async def test_a_pot_is_told_of_though_its_accounts_device_is_disabled(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    options = {"device_id": [device_id(hass, entry, home.house)]}
    told = await automate(
        hass,
        {"trigger": "monzo.transfer_failed", "id": "the pot", "options": options},
        {"trigger": "monzo.transfer_failed", "id": "all"},
    )
    dr.async_get(hass).async_update_device(
        device_id(hass, entry, home.joint), disabled_by=dr.DeviceEntryDisabler.USER
    )
    await hass.async_block_till_done()
    with pytest.raises(HomeAssistantError):
        await move(hass, entry, home.house, 1_000_000)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert [each["id"] for each in told] == ["the pot"]


# How it is described


def schema_fields(schema: vol.Schema) -> set[str]:
    """Return the options that a trigger's or a condition's schema knows."""
    options = next(value for key, value in schema.schema.items() if key == "options")
    if isinstance(options, vol.All):
        options = options.validators[0]
    return {str(key) for key in options}


async def test_every_trigger_is_described_to_the_last_field(hass: HomeAssistant) -> None:
    # Listing them loads what there is.
    assert await async_setup_component(hass, DOMAIN, {})
    descriptions = {
        key.removeprefix("monzo."): description
        for key, description in (await async_get_all_descriptions(hass)).items()
        if key.startswith("monzo.")
    }
    assert TEXTS["triggers"].keys() == ICONS["triggers"].keys() == TRIGGERS.keys()
    assert descriptions.keys() == TRIGGERS.keys()
    for key, trigger in TRIGGERS.items():
        texts, description = TEXTS["triggers"][key], descriptions[key]
        assert description is not None
        assert issubclass(trigger, MonzoTrigger)
        assert texts["description"].startswith("Triggers when ")
        assert texts["fields"].keys() == description["fields"].keys()
        assert texts["fields"].keys() == schema_fields(trigger.schema)
        for text in texts["fields"].values():
            assert text.keys() == {"name", "description"}
