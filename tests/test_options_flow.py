"""Which accounts to show, and how much money may be moved."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from sandbox.server import Answer, BankServer, Edited
from tests.helpers.config_dialogs import TEXTS

from .conftest import SignIn

TEXT = TEXTS["options"]


async def opened(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "init"
    return form


def fields(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what is asked for, by name."""
    assert form["data_schema"] is not None
    return {str(key): (key, field) for key, field in form["data_schema"].schema.items()}


def suggested(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what the form is filled in with."""
    return {
        name: key.description["suggested_value"]
        for name, (key, _field) in fields(form).items()
        if key.description
    }


async def submit(hass: HomeAssistant, form: ConfigFlowResult, **changes: Any) -> ConfigFlowResult:
    """Change a few fields and leave the others as they are."""
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], suggested(form) | changes
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return done


async def test_accounts_are_shown_by_name_and_all_are_ticked(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    form = await opened(hass, ann)

    choice = {
        option["label"]: option["value"] for option in fields(form)["accounts"][1].config["options"]
    }
    assert choice == {
        "Current account": home.current.id,
        "Joint account · Ann & Ben": home.joint.id,
        "Flex": home.flex.id,
        "Cashback": home.rewards.id,
        "Loan": home.loan.id,
    }
    assert suggested(form) == {"accounts": list(choice.values()), "allow_transfers": True}
    assert set(fields(form)) == set(TEXT["step"]["init"]["data"])
    assert set(fields(form)) == set(TEXT["step"]["init"]["data_description"])


async def test_names_are_there_in_languages_without_a_translation(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    hass.config.language = "de"
    entry = sign_in(home.ben)
    await hass.config_entries.async_setup(entry.entry_id)

    form = await opened(hass, entry)
    labels = [option["label"] for option in fields(form)["accounts"][1].config["options"]]
    assert "Current account" in labels


async def test_an_account_is_left_out_and_comes_back(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    loaded = ann.runtime_data
    form = await opened(hass, ann)
    rest = [account for account in suggested(form)["accounts"] if account != home.flex.id]

    done = await submit(hass, form, accounts=rest)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert ann.options == {"allow_transfers": True, "excluded_accounts": [home.flex.id]}
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data is not loaded
    assert home.flex.id not in ann.runtime_data.balances.data.accounts
    assert home.current.id in ann.runtime_data.balances.data.accounts

    form = await opened(hass, ann)
    assert suggested(form)["accounts"] == rest
    await submit(hass, form, accounts=[*rest, home.flex.id])
    assert ann.options == {"allow_transfers": True, "excluded_accounts": []}
    assert home.flex.id in ann.runtime_data.balances.data.accounts


async def test_an_account_missing_from_the_list_stays_left_out(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    """The bank's list was too short once; nobody has chosen to show the account again."""

    def without_flex(answer: dict[str, Any]) -> object:
        accounts = [account for account in answer["accounts"] if account["id"] != home.flex.id]
        return {"accounts": accounts}

    form = await opened(hass, ann)
    rest = [account for account in suggested(form)["accounts"] if account != home.flex.id]
    await submit(hass, form, accounts=rest)
    server.fail("GET", "/accounts", Edited(without_flex), times=None)
    await hass.config_entries.async_reload(ann.entry_id)

    await submit(hass, await opened(hass, ann), max_per_day=50)
    assert ann.options["excluded_accounts"] == [home.flex.id]


async def test_limits_are_kept_and_taken_away(hass: HomeAssistant, ann: MockConfigEntry) -> None:
    form = await opened(hass, ann)
    await submit(hass, form, allow_transfers=False, max_per_transfer=50, max_per_day=120.5)
    limits = {"allow_transfers": False, "max_per_transfer": 50, "max_per_day": 120.5}
    assert ann.options == {**limits, "excluded_accounts": []}

    form = await opened(hass, ann)
    assert suggested(form).items() >= limits.items()
    answer = suggested(form)
    del answer["max_per_day"]
    await hass.config_entries.options.async_configure(form["flow_id"], answer)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "max_per_day" not in ann.options
    assert ann.options["max_per_transfer"] == 50


@pytest.mark.parametrize("limit", [0, -1, "ten"])
async def test_a_limit_is_an_amount(
    hass: HomeAssistant, ann: MockConfigEntry, limit: object
) -> None:
    form = await opened(hass, ann)
    with pytest.raises(InvalidData):
        await submit(hass, form, max_per_day=limit)
    assert ann.options == {}


async def test_one_account_at_least_is_shown(hass: HomeAssistant, ann: MockConfigEntry) -> None:
    form = await submit(hass, await opened(hass, ann), accounts=[], max_per_day=10)

    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {"accounts": "no_account"}
    assert set(TEXT["error"]) == {"no_account"}
    assert suggested(form)["max_per_day"] == 10
    assert ann.options == {}


async def test_without_the_bank_there_is_nothing_to_choose(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann)
    server.fail("GET", "/accounts", Answer.html(502), times=None)
    await hass.config_entries.async_setup(entry.entry_id)

    ended = await hass.config_entries.options.async_init(entry.entry_id)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "not_loaded"
    assert TEXT["abort"]["not_loaded"]
    assert not hass.config_entries.async_loaded_entries(DOMAIN)
