"""The dialogs that create and change a budget."""

import re
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, SubentryFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.transactions import CATEGORIES
from sandbox.bank import Bank
from sandbox.household import Household
from tests.conftest import SignIn
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.state_helpers import set_up, shown, value
from tests.helpers.texts import TEXTS

TEXT = TEXTS["config_subentries"]["budget"]


@pytest.fixture
async def entry(hass: HomeAssistant, home: Household, sign_in: SignIn) -> MockConfigEntry:
    """Return Ann's entry, which keeps all transactions."""
    entry = sign_in(home.ann, **with_budgets())
    await set_up(hass, entry)
    return entry


async def opened(
    hass: HomeAssistant, entry: MockConfigEntry, budget_id: str | None = None
) -> SubentryFlowResult:
    """Open the dialog of a new budget, or of one that exists."""
    source = SOURCE_USER if budget_id is None else SOURCE_RECONFIGURE
    context = {"source": source} | ({"subentry_id": budget_id} if budget_id else {})
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "budget"),
        context=context,  # type: ignore[arg-type]  # a dictionary of the right form
    )


def suggested(form: SubentryFlowResult) -> dict[str, Any]:
    assert form["data_schema"] is not None
    return {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description
    }


async def submit(
    hass: HomeAssistant, form: SubentryFlowResult, **values: Any
) -> SubentryFlowResult:
    """Submit a form with a few changes to its values."""
    done = await hass.config_entries.subentries.async_configure(
        form["flow_id"], suggested(form) | values
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return done


def test_every_field_is_described() -> None:
    for step in ("user", "reconfigure"):
        assert TEXT["step"][step]["data"].keys() == TEXT["step"][step]["data_description"].keys()


async def test_a_budget_is_created_and_counts_at_once(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry)
    assert form["data_schema"] is not None
    assert {str(key) for key in form["data_schema"].schema} == set(TEXT["step"]["user"]["data"])
    done = await submit(
        hass, form, title=" Coffee ", limit=49.99, accounts=[home.current.id], merchant="Kettle"
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    (coffee,) = entry.subentries
    assert entry.subentries[coffee].title == "Coffee"
    assert float(value(hass, coffee, "budget_spent")) > 0
    left, spent = (float(value(hass, coffee, key)) for key in ("budget_left", "budget_spent"))
    assert left + spent == pytest.approx(49.99)


async def test_every_category_of_the_monzo_app_is_offered(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry)
    assert form["data_schema"] is not None
    options = form["data_schema"].schema["categories"].config["options"]
    names = {option["value"]: option["label"] for option in options}
    assert names.keys() == set(CATEGORIES)
    assert names["personal_care"] == "Personal care"


BAD_INPUTS: list[tuple[dict[str, Any], str, str]] = [
    ({"limit": 0}, "limit", "limit_not_positive"),
    ({"limit": -10}, "limit", "limit_not_positive"),
    ({"limit": 10.005}, "limit", "too_many_decimals"),
    ({"limit": 1e30}, "limit", "too_many_decimals"),
    ({"accounts": []}, "accounts", "no_account"),
    ({"tag": "two words"}, "tag", "invalid_tag"),
    ({"title": "  "}, "title", "no_title"),
]


async def test_bad_input_is_explained_at_its_field(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, subtests: pytest.Subtests
) -> None:
    form = await opened(hass, entry)
    good = {"title": "Food", "limit": 100, "accounts": [home.current.id], "tag": ""}
    for values, field, error in BAD_INPUTS:
        with subtests.test(str(values)):
            form = await submit(hass, form, **good | values)
            assert form["type"] is FlowResultType.FORM
            assert form["errors"] == {field: error}
            assert error in TEXT["error"]
            assert not entry.subentries
    done = await submit(hass, form, **good)
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_accounts_of_different_currencies_are_refused(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn
) -> None:
    euros = bank.open_account(home.ann, currency="EUR", balance=1_000)
    entry = sign_in(home.ann, **with_budgets())
    await set_up(hass, entry)
    form = await opened(hass, entry)
    accounts = [home.current.id, euros.id]
    again = await submit(hass, form, title="Food", limit=100, accounts=accounts)
    assert again["errors"] == {"accounts": "mixed_currencies"}
    done = await submit(hass, again, accounts=[euros.id])
    assert done["type"] is FlowResultType.CREATE_ENTRY
    (food,) = entry.subentries
    assert shown(hass, food, "budget_left").attributes["unit_of_measurement"] == "EUR"


@pytest.mark.parametrize("values", [{"merchant": "Nobody"}, {"tag": "#nothing"}])
async def test_a_budget_without_matches_is_allowed_after_a_warning(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, values: dict[str, str]
) -> None:
    form = await opened(hass, entry)
    said = await submit(hass, form, title="New", limit=10, accounts=[home.current.id], **values)
    assert said["type"] is FlowResultType.FORM
    assert said["step_id"] == "no_match"
    assert not re.findall(r"{\w+}", TEXT["step"]["no_match"]["description"])
    done = await hass.config_entries.subentries.async_configure(said["flow_id"], {})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)
    (new,) = entry.subentries
    assert value(hass, new, "budget_spent") == "0.00"


async def test_day_31_begins_a_month_on_its_last_day(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    await hass.config.async_set_time_zone("Europe/London")
    form = await opened(hass, entry)
    await submit(hass, form, title="Late", limit=10, accounts=[home.current.id], day="31")
    (late,) = entry.subentries
    assert shown(hass, late, "budget_spent").attributes["last_reset"] == "2026-08-30T23:00:00+00:00"


async def test_a_changed_budget_keeps_its_first_carried_period_and_its_past_limits(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry)
    await submit(hass, form, title="Food", limit=100, accounts=[home.current.id], carry_over=True)
    (food,) = entry.subentries
    assert entry.subentries[food].data["carry_since"] == "2026-09-16"
    again = await opened(hass, entry, food)
    assert again["step_id"] == "reconfigure"
    assert suggested(again)["limit"] == 100
    done = await submit(hass, again, title="Meals", limit=80)
    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "reconfigure_successful"
    data = entry.subentries[food].data
    assert data["carry_since"] == "2026-09-16"
    assert (data["limit"], data["past_limits"]) == ("80.00", [["2026-09-01", "100.00"]])
    assert shown(hass, food, "budget_left").name == "Meals Left"


async def test_an_account_that_is_gone_can_stay_or_be_replaced(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, **with_budgets(budget(home.current, accounts=["acc_gone"])))
    await set_up(hass, entry)
    (gone,) = entry.subentries
    form = await opened(hass, entry, gone)
    assert suggested(form)["accounts"] == ["acc_gone"]
    await submit(hass, form, title="Kept")
    assert entry.subentries[gone].data["accounts"] == ["acc_gone"]
    form = await opened(hass, entry, gone)
    await submit(hass, form, accounts=[home.current.id])
    assert value(hass, gone, "budget_left") != "unknown"


async def test_the_dialog_ends_if_the_entry_or_the_budget_is_not_there(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, **with_budgets(budget(home.current)))
    await set_up(hass, entry)
    (food,) = entry.subentries
    form = await opened(hass, entry, food)
    hass.config_entries.async_remove_subentry(entry, food)
    await hass.async_block_till_done(wait_background_tasks=True)
    if form["flow_id"] in {it["flow_id"] for it in hass.config_entries.subentries.async_progress()}:
        done = await submit(hass, form)
        assert done["reason"] == "budget_removed"
    await hass.config_entries.async_unload(entry.entry_id)
    done = await opened(hass, entry)
    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "not_loaded"
    assert {"budget_removed", "not_loaded", "entry_removed"} == TEXT["abort"].keys()


async def test_the_dialog_ends_if_the_entry_is_removed_while_it_is_open(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry)
    await hass.config_entries.async_remove(entry.entry_id)
    done = await submit(hass, form, title="Food", limit=100, accounts=[])
    assert done["reason"] == "entry_removed"


async def test_nothing_is_stored_if_the_entry_is_unloaded_during_the_last_question(
    hass: HomeAssistant, entry: MockConfigEntry, home: Household
) -> None:
    form = await opened(hass, entry)
    question = await submit(
        hass, form, title="Food", limit=100, accounts=[home.current.id], merchant="nobody at all"
    )
    assert question["step_id"] == "no_match"
    await hass.config_entries.async_unload(entry.entry_id)
    done = await hass.config_entries.subentries.async_configure(question["flow_id"], {})
    assert done["reason"] == "not_loaded"
    assert not entry.subentries
