"""The options flow: the included accounts, and the limits for moving money."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from sandbox.server import Answer, BankServer, Edited
from tests.helpers.languages import WITHOUT_FILE
from tests.helpers.texts import TEXTS

from .conftest import SignIn

TEXT = TEXTS["options"]


async def opened(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    """Open the options of an entry, and return the form."""
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "init"
    return form


def fields(form: ConfigFlowResult) -> dict[str, Any]:
    """Return the fields of a form by name, each with its key and selector."""
    assert form["data_schema"] is not None
    return {str(key): (key, selector) for key, selector in form["data_schema"].schema.items()}


def suggested(form: ConfigFlowResult) -> dict[str, Any]:
    """Return the values that a form shows at first."""
    return {
        name: key.description["suggested_value"]
        for name, (key, _selector) in fields(form).items()
        if key.description
    }


async def submit(hass: HomeAssistant, form: ConfigFlowResult, **changes: Any) -> ConfigFlowResult:
    """Submit a form with a few changes to its values."""
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], suggested(form) | changes
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return done


async def test_all_accounts_are_listed_by_name_and_included(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    form = await opened(hass, ann)

    choices = {
        option["label"]: option["value"] for option in fields(form)["accounts"][1].config["options"]
    }
    assert choices == {
        "Current account": home.current.id,
        "Joint account · Ann & Ben": home.joint.id,
        "Flex": home.flex.id,
        "Cashback": home.rewards.id,
        "Loan": home.loan.id,
    }
    assert suggested(form) == {
        "accounts": list(choices.values()),
        "allow_transfers": True,
        "keep_transactions": "needed",
        "pay_day": "detected",
    }
    assert set(fields(form)) == set(TEXT["step"]["init"]["data"])
    assert set(fields(form)) == set(TEXT["step"]["init"]["data_description"])


async def test_accounts_have_names_in_languages_without_a_translation(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    hass.config.language = WITHOUT_FILE
    entry = sign_in(home.ben)
    await hass.config_entries.async_setup(entry.entry_id)

    form = await opened(hass, entry)
    labels = [option["label"] for option in fields(form)["accounts"][1].config["options"]]
    assert "Current account" in labels


async def test_an_account_can_be_excluded_and_included_again(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    loaded = ann.runtime_data
    form = await opened(hass, ann)
    others = [account for account in suggested(form)["accounts"] if account != home.flex.id]

    done = await submit(hass, form, accounts=others)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    others_kept = {"allow_transfers": True, "keep_transactions": "needed", "pay_day": "detected"}
    assert ann.options == {**others_kept, "excluded_accounts": [home.flex.id]}
    assert ann.state is ConfigEntryState.LOADED
    assert ann.runtime_data is not loaded
    assert home.flex.id not in ann.runtime_data.balances.data.accounts
    assert home.current.id in ann.runtime_data.balances.data.accounts

    form = await opened(hass, ann)
    assert suggested(form)["accounts"] == others
    await submit(hass, form, accounts=[*others, home.flex.id])
    assert ann.options == {**others_kept, "excluded_accounts": []}
    assert home.flex.id in ann.runtime_data.balances.data.accounts


async def test_an_excluded_account_stays_excluded_while_the_bank_does_not_list_it(
    hass: HomeAssistant, home: Household, server: BankServer, ann: MockConfigEntry
) -> None:
    def without_flex(answer: dict[str, Any]) -> object:
        accounts = [account for account in answer["accounts"] if account["id"] != home.flex.id]
        return {"accounts": accounts}

    form = await opened(hass, ann)
    others = [account for account in suggested(form)["accounts"] if account != home.flex.id]
    await submit(hass, form, accounts=others)
    server.fail("GET", "/accounts", Edited(without_flex), times=None)
    await hass.config_entries.async_reload(ann.entry_id)

    await submit(hass, await opened(hass, ann), max_per_day=50)
    assert ann.options["excluded_accounts"] == [home.flex.id]


async def test_limits_can_be_set_and_removed(hass: HomeAssistant, ann: MockConfigEntry) -> None:
    limits = {
        "allow_transfers": False,
        "keep_transactions": "needed",
        "max_per_transfer": 50,
        "max_per_day": 120.5,
    }
    await submit(hass, await opened(hass, ann), **limits)
    assert ann.options == {**limits, "excluded_accounts": [], "pay_day": "detected"}

    form = await opened(hass, ann)
    values = suggested(form)
    assert values.items() >= limits.items()
    del values["max_per_day"]
    await hass.config_entries.options.async_configure(form["flow_id"], values)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "max_per_day" not in ann.options
    assert ann.options["max_per_transfer"] == 50


async def test_language_models_may_move_money_only_after_it_is_allowed(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    form = await opened(hass, ann)
    assert "allow_language_models" in fields(form)
    assert "allow_language_models" not in suggested(form)
    await submit(hass, form, allow_language_models=True)
    assert ann.options["allow_language_models"] is True
    assert suggested(await opened(hass, ann))["allow_language_models"] is True


async def test_a_limit_must_be_an_amount_above_zero(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    for limit in (0, -1, "ten"):
        with pytest.raises(InvalidData):
            await submit(hass, await opened(hass, ann), max_per_day=limit)
    assert ann.options == {}


async def test_at_least_one_account_must_be_included(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    form = await submit(hass, await opened(hass, ann), accounts=[], max_per_day=10)

    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {"accounts": "no_account"}
    assert "no_account" in TEXT["error"]
    assert suggested(form)["max_per_day"] == 10
    assert ann.options == {}


async def test_options_cannot_be_opened_while_the_accounts_are_unknown(
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


async def test_the_options_end_when_the_entry_is_removed(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    form = await opened(hass, ann)
    answer = suggested(form)
    await hass.config_entries.async_remove(ann.entry_id)

    ended = await hass.config_entries.options.async_configure(form["flow_id"], answer)
    assert ended["type"] is FlowResultType.ABORT
    assert ended["reason"] == "entry_removed"
    assert TEXT["abort"]["entry_removed"]


async def test_the_pay_day_is_a_day_of_the_month_only_with_that_day(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    form = await submit(hass, await opened(hass, ann), pay_day="day_of_month")
    assert form["errors"] == {"pay_day_of_month": "no_day"}
    assert form["errors"].keys() <= TEXT["step"]["init"]["data"].keys()
    assert "no_day" in TEXT["error"]
    assert ann.options == {}

    with pytest.raises(InvalidData):
        await submit(hass, await opened(hass, ann), pay_day="day_of_month", pay_day_of_month=32)
    await submit(hass, await opened(hass, ann), pay_day="day_of_month", pay_day_of_month=25)
    assert ann.options["pay_day"] == "day_of_month"
    assert ann.options["pay_day_of_month"] == 25
