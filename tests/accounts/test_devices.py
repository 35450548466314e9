"""Devices of people, accounts and pots: names, hierarchy, creation and removal."""

from datetime import timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo import async_remove_config_entry_device
from sandbox.bank import Bank, Person
from sandbox.household import Household
from sandbox.models import Account
from sandbox.serializers import pot_json
from sandbox.server import Answer, BankServer, Edited
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import device, device_names, entity_id, set_up, value

ONE_POLL = timedelta(minutes=2)
POTS_REFRESH = timedelta(minutes=11)
ACCOUNTS_REFRESH = timedelta(minutes=61)


@pytest.fixture
def fay(bank: Bank, sign_in: SignIn, advance_time: AdvanceTime) -> MockConfigEntry:
    """Return a config entry, not set up, for a customer without accounts."""
    return sign_in(bank.add_person("Fay Fox"))


@pytest.fixture
def person(bank: Bank, fay: MockConfigEntry) -> Person:
    """Return Fay, the only person at the bank."""
    (person,) = bank.people.values()
    return person


# Names


async def test_states_contain_names_but_no_monzo_ids(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    assert device_names(hass, ann) == [
        "Ann Archer",
        "Bills",
        "Cashback",
        "Coin jar",
        "Current account",
        "Flex",
        "Holiday",
        "House",
        "Joint account · Ann & Ben",
        "Loan",
        "Rainy day",
        "Savings",
    ]
    ids = home.bank.accounts.keys() | home.bank.pots.keys() | home.bank.people.keys()
    for state in hass.states.async_all():
        assert not any(id_.lower() in str(state.as_dict()).lower() for id_ in ids)


@pytest.mark.parametrize(
    ("account_type", "name", "model"),
    [
        ("uk_retail", "Current account", "Account"),
        ("uk_business", "Business account", "Account"),
        ("uk_monzo_flex", "Flex", "Flex"),
        ("uk_loan", "Loan", "Loan"),
        ("uk_rewards", "Cashback", "Cashback"),
        ("uk_youth_saver", "Account (Youth saver)", "Account"),
        ("something new", "Account (Something new)", "Account"),
    ],
)
async def test_an_account_is_named_after_its_type(
    hass: HomeAssistant,
    bank: Bank,
    fay: MockConfigEntry,
    person: Person,
    account_type: str,
    name: str,
    model: str,
) -> None:
    account = bank.open_account(person, type=account_type, balance=100)

    await set_up(hass, fay)

    found = device(hass, fay, account.id)
    assert found
    assert (found.name, found.model, found.manufacturer) == (name, model, "Monzo")
    assert found.entry_type is dr.DeviceEntryType.SERVICE
    assert value(hass, account.id, "balance") == "1.00"


async def test_new_accounts_with_the_same_name_are_told_apart_by_their_last_digits(
    hass: HomeAssistant,
    bank: Bank,
    fay: MockConfigEntry,
    person: Person,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    def names(entry: MockConfigEntry, *accounts: Account) -> list[str | None]:
        devices = [device(hass, entry, account.id) for account in accounts]
        return [device.name for device in devices if device]

    first = bank.open_account(person)
    await set_up(hass, fay)
    assert names(fay, first) == ["Current account"]

    second = bank.open_account(person)
    gus = bank.add_person("Gus Gray")
    guss, another = bank.open_account(gus), bank.open_account(gus)
    await advance_time(ACCOUNTS_REFRESH)
    other_entry = sign_in(gus)
    await set_up(hass, other_entry)
    for _start in range(2):
        # A device that exists keeps its name.
        assert names(fay, first, second) == [
            "Current account",
            f"Current account · {second.number[-4:]}",
        ]
        assert names(other_entry, guss, another) == [
            f"Current account · {account.number[-4:]}" for account in (guss, another)
        ]
        await hass.config_entries.async_reload(fay.entry_id)
        await hass.config_entries.async_reload(other_entry.entry_id)

    form = await hass.config_entries.options.async_init(fay.entry_id)
    assert form["data_schema"]
    selector = next(value for key, value in form["data_schema"].schema.items() if key == "accounts")
    assert [option["label"] for option in selector.config["options"]] == [
        f"Current account · {account.number[-4:]}" for account in (first, second)
    ]


@pytest.mark.parametrize(
    ("account_type", "missing", "name"),
    [
        ("uk_retail", ("type", "owners", "closed", "currency"), "Account"),
        ("uk_retail_joint", ("owners",), "Joint account"),
    ],
    ids=["fields of 2017 only", "joint account without owners"],
)
async def test_an_account_with_missing_fields_has_a_name(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    fay: MockConfigEntry,
    person: Person,
    account_type: str,
    missing: tuple[str, ...],
    name: str,
) -> None:
    account = bank.open_account(person, type=account_type)

    def shortened(data: dict[str, Any]) -> dict[str, Any]:
        return {
            "accounts": [
                {key: value for key, value in row.items() if key not in missing}
                for row in data["accounts"]
            ]
        }

    server.fail("GET", "/accounts", Edited(shortened))

    await set_up(hass, fay)

    found = device(hass, fay, account.id)
    assert found
    assert found.name == name


async def test_a_joint_account_uses_full_names_of_owners_without_a_first_name(
    hass: HomeAssistant, bank: Bank, server: BankServer, fay: MockConfigEntry, person: Person
) -> None:
    account = bank.open_account(person, bank.add_person("Gus Gray"), type="uk_retail_joint")

    def renamed(data: dict[str, Any]) -> dict[str, Any]:
        first, second = data["accounts"][0]["owners"]
        del first["preferred_first_name"]
        second["preferred_first_name"] = second["preferred_name"] = ""
        return data

    server.fail("GET", "/accounts", Edited(renamed))

    await set_up(hass, fay)

    found = device(hass, fay, account.id)
    assert found
    assert found.name == "Joint account · Fay Fox"


async def test_a_pot_without_a_name_is_called_pot(
    hass: HomeAssistant, bank: Bank, fay: MockConfigEntry, person: Person
) -> None:
    pot = bank.open_pot(bank.open_account(person).id, "")

    await set_up(hass, fay)

    found = device(hass, fay, pot.id)
    assert found
    assert (found.name, found.model) == ("Pot", "Pot")


async def test_pots_are_connected_via_their_account_and_accounts_via_the_person(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    person = device(hass, ann, home.ann.user_id)
    assert person
    assert person.via_device_id is None
    for account, pots in (
        (home.current, [home.holiday, home.rainy_day, home.coin_jar, home.isa]),
        (home.joint, [home.house, home.bills]),
    ):
        above = device(hass, ann, account.id)
        assert above
        assert above.via_device_id == person.id
        for pot in pots:
            below = device(hass, ann, pot.id)
            assert below
            assert (below.model, below.via_device_id) == ("Pot", above.id)


async def test_a_pot_renamed_in_the_app_is_renamed_in_home_assistant(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    balance = entity_id(hass, home.holiday.id, "pot_balance")
    home.bank.rename_pot(home.holiday.id, "Iceland")

    await advance_time(POTS_REFRESH)

    found = device(hass, ann, home.holiday.id)
    assert found
    assert found.name == "Iceland"
    assert entity_id(hass, home.holiday.id, "pot_balance") == balance


async def test_a_name_set_by_the_user_is_kept(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    found = device(hass, ann, home.holiday.id)
    assert found
    dr.async_get(hass).async_update_device(found.id, name_by_user="Our holiday")
    home.bank.rename_pot(home.holiday.id, "Iceland")

    await advance_time(POTS_REFRESH)

    found = device(hass, ann, home.holiday.id)
    assert found
    assert (found.name, found.name_by_user) == ("Iceland", "Our holiday")


# Creation


async def test_a_new_pot_appears_without_a_reload(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    pot = home.bank.open_pot(home.current.id, "Bike")
    home.bank.deposit(pot.id, home.current.id, 500, "first")

    await advance_time(ONE_POLL)

    assert value(hass, pot.id, "pot_balance") == "5.00"
    assert value(hass, pot.id, "locked", "binary_sensor") == "on"


async def test_a_new_account_appears_within_the_hour_with_its_pots(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    account = home.bank.open_account(home.ann, type="uk_business", balance=700)
    pot = home.bank.open_pot(account.id, "Tax", balance=300)

    await advance_time(ACCOUNTS_REFRESH)

    assert value(hass, account.id, "balance") == "7.00"
    assert value(hass, pot.id, "pot_balance") == "3.00"


# Removal


async def test_closed_accounts_and_deleted_pots_get_no_devices(
    hass: HomeAssistant, home: Household, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    home.bank.close_pot(home.holiday.id)
    entry = sign_in(home.ann)

    await set_up(hass, entry)

    for subject in (home.prepaid.id, home.backing_loan.id, home.holiday.id):
        assert device(hass, entry, subject) is None


async def test_a_deleted_pot_is_removed(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    home.bank.close_pot(home.holiday.id)

    await advance_time(ONE_POLL)

    assert device(hass, ann, home.holiday.id) is None
    assert entity_id(hass, home.holiday.id, "pot_balance") is None
    assert entity_id(hass, home.holiday.id, "locked", "binary_sensor") is None
    assert device(hass, ann, home.coin_jar.id)


async def test_a_closed_account_is_removed_with_its_pots(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    home.bank.close_account(home.joint.id)

    await advance_time(ACCOUNTS_REFRESH)

    for subject in (home.joint.id, home.house.id, home.bills.id):
        assert device(hass, ann, subject) is None
    assert device(hass, ann, home.current.id)
    assert value(hass, home.ann.user_id, "total") not in ("unknown", STATE_UNAVAILABLE)


async def test_accounts_and_pots_closed_while_home_assistant_was_off_are_removed(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(ann.entry_id)
    home.bank.close_account(home.joint.id)
    home.bank.close_pot(home.holiday.id)

    await set_up(hass, ann)

    for subject in (home.joint.id, home.house.id, home.bills.id, home.holiday.id):
        assert device(hass, ann, subject) is None


async def test_an_excluded_account_is_removed_with_its_pots(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    before = len(server.requests)

    hass.config_entries.async_update_entry(entry, options={"excluded_accounts": [home.joint.id]})
    await hass.config_entries.async_reload(entry.entry_id)

    for subject in (home.joint.id, home.house.id, home.bills.id):
        assert device(hass, entry, subject) is None
    assert not [call for call in server.requests[before:] if home.joint.id in call.query.values()]
    hass.config_entries.async_update_entry(entry, options={})
    await hass.config_entries.async_reload(entry.entry_id)
    assert value(hass, home.house.id, "pot_balance") == "3250.00"


@pytest.mark.parametrize("left", [0, 1], ids=["all accounts", "all but one"])
async def test_accounts_missing_from_the_list_stay_available(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
    left: int,
) -> None:
    names = device_names(hass, ann)

    def shortened(data: dict[str, Any]) -> dict[str, Any]:
        return {"accounts": data["accounts"][:left]}

    server.fail("GET", "/accounts", Edited(shortened), times=None)

    await advance_time(ACCOUNTS_REFRESH)
    await advance_time(ONE_POLL)

    assert device_names(hass, ann) == names
    assert value(hass, home.joint.id, "balance") != STATE_UNAVAILABLE


async def test_pots_missing_from_the_list_are_kept_and_recover_at_the_next_poll(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    names = device_names(hass, ann)
    server.fail("GET", "/pots", Answer.json({"pots": []}), times=5)
    await advance_time(POTS_REFRESH)
    assert device_names(hass, ann) == names
    assert value(hass, home.holiday.id, "pot_balance") == STATE_UNAVAILABLE
    assert entity_id(hass, home.holiday.id, "goal")

    await advance_time(ONE_POLL)

    assert value(hass, home.holiday.id, "pot_balance") == "640.00"


async def test_accounts_and_pots_missing_at_set_up_are_kept_and_recover(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    names = device_names(hass, ann)
    entities = len(er.async_get(hass).entities)
    await hass.config_entries.async_unload(ann.entry_id)
    # The requests of the first set-up no longer count for the request budget.
    await advance_time(POTS_REFRESH)
    server.fail("GET", "/accounts", Answer.json({"accounts": []}))
    server.fail("GET", "/pots", Answer.json({"pots": []}), times=5)

    await set_up(hass, ann)
    await advance_time(ONE_POLL)
    assert device_names(hass, ann) == names
    assert len(er.async_get(hass).entities) == entities
    assert value(hass, home.current.id, "balance") != STATE_UNAVAILABLE
    await advance_time(POTS_REFRESH)

    assert value(hass, home.holiday.id, "goal") == "1500.00"


async def test_the_user_can_remove_only_devices_that_the_bank_no_longer_lists(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    registry = dr.async_get(hass)
    holiday = device(hass, ann, home.holiday.id)
    assert holiday
    assert not await async_remove_config_entry_device(hass, ann, holiday)
    handle = server.fail("GET", "/pots", Answer.json({"pots": []}), times=None)
    await advance_time(POTS_REFRESH)

    assert await async_remove_config_entry_device(hass, ann, holiday)
    registry.async_remove_device(holiday.id)
    await hass.async_block_till_done()

    assert entity_id(hass, home.holiday.id, "pot_balance") is None
    person = device(hass, ann, home.ann.user_id)
    assert person
    assert not await async_remove_config_entry_device(hass, ann, person)
    handle.clear()
    await advance_time(POTS_REFRESH)
    assert value(hass, home.holiday.id, "pot_balance") == "640.00"
    assert value(hass, home.holiday.id, "round_up", "binary_sensor") == "off"


@pytest.mark.parametrize(
    "deleted", [False, True], ids=["in both lists", "deleted in the other list"]
)
async def test_a_pot_listed_for_several_accounts_belongs_to_the_account_in_its_data(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    fay: MockConfigEntry,
    person: Person,
    advance_time: AdvanceTime,
    *,
    deleted: bool,
) -> None:
    other, account = bank.open_account(person), bank.open_account(person, type="uk_business")
    pot = bank.open_pot(account.id, "Tax", balance=100)
    bank.open_account(person, type="uk_retail_joint")

    def with_the_pot(data: dict[str, Any]) -> dict[str, Any]:
        mine = pot_json(pot)
        return {"pots": data["pots"] or [{**mine, "deleted": deleted}]}

    server.fail("GET", "/pots", Edited(with_the_pot), times=None)

    await set_up(hass, fay)

    for _poll in range(2):
        below, above = device(hass, fay, pot.id), device(hass, fay, account.id)
        assert below
        assert above
        assert below.via_device_id == above.id
        assert value(hass, pot.id, "pot_balance") == "1.00"
        assert value(hass, person.user_id, "total") == "1.00"
        await advance_time(POTS_REFRESH)
    assert device(hass, fay, other.id)
