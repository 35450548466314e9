"""English texts: the loaded integration finds a text for everything that Home Assistant shows."""

from collections.abc import Iterable, Iterator
import re
from typing import Any

from homeassistant.config_entries import HANDLERS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers import service
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info
import voluptuous as vol

from custom_components.monzo.bank.repair_issues import (
    FIXABLE_ISSUES,
    RepairIssue,
    async_create_repair_issue,
)
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN
from custom_components.monzo.repairs import async_create_fix_flow
from custom_components.monzo.transactions import Retention
from custom_components.monzo.transactions.classification import CATEGORIES
from sandbox.household import Household
from tests.helpers.archive_filler import give_history
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.state_helpers import set_up
from tests.helpers.texts import ACTIONS, ICONS, TEXTS

from .conftest import AdvanceTime, SignIn

PLACEHOLDER = re.compile(r"{(\w+)}")

# Attributes to which Home Assistant itself gives names.
NAMED_BY_HOME_ASSISTANT = {
    *("all_day", "description", "end_time", "location", "message", "start_time"),
    *("attribution", "device_class", "event_types", "friendly_name", "icon", "last_reset"),
    *("options", "state_class", "supported_features", "unit_of_measurement"),
    *("max", "min", "mode", "step"),
}


def leaves(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the value of each text."""
    for key, child in node.items():
        if isinstance(child, dict):
            yield from leaves(child, f"{path}{key}.")
        else:
            yield f"{path}{key}", child


def placeholders_in(texts: dict[str, Any]) -> set[str]:
    """Return the names of the placeholders in all texts of a section."""
    return {name for _path, text in leaves(texts) for name in PLACEHOLDER.findall(text)}


@pytest.fixture
def options_of_ann() -> dict[str, Any]:
    """Let Ann keep the history, which has an entity."""
    return {CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING}


# Dialogs. The tests of the flows check the texts of each step, abort and error that they reach.


async def test_every_described_step_of_a_dialog_exists(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    handler = HANDLERS[DOMAIN]
    fix_flow = await async_create_fix_flow(
        hass, f"not_approved_{ann.entry_id}", {"entry_id": ann.entry_id}
    )
    flows: dict[str, tuple[object, dict[str, Any]]] = {
        "config": (handler, TEXTS["config"]),
        "options": (handler.async_get_options_flow(ann), TEXTS["options"]),
        "fix_flow": (fix_flow, TEXTS["issues"]["not_approved"]["fix_flow"]),
    }
    budget = handler.async_get_supported_subentry_types(ann)["budget"]()
    flows["budget"] = (budget, TEXTS["config_subentries"]["budget"])
    missing = [
        f"{name}.step.{step}"
        for name, (flow, texts) in flows.items()
        for step in texts["step"]
        if not hasattr(flow, f"async_step_{step}")
    ]
    assert missing == []


def test_every_described_field_of_a_dialog_has_a_name() -> None:
    dialogs = (TEXTS["config"], TEXTS["options"], TEXTS["config_subentries"]["budget"])
    steps = [step for dialog in dialogs for step in dialog["step"].values()]
    for step in steps:
        assert step.get("data_description", {}).keys() <= step.get("data", {}).keys(), step["title"]


async def test_every_option_has_a_name_and_a_description(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    form = await hass.config_entries.options.async_init(ann.entry_id)
    assert form["data_schema"] is not None
    step = TEXTS["options"]["step"]["init"]
    fields = {str(key) for key in form["data_schema"].schema}
    assert step["data"].keys() == step["data_description"].keys() == fields


async def test_every_repair_issue_has_its_texts_and_fills_them_in(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    for issue in RepairIssue:
        async_create_repair_issue(hass, ann, issue, read="6", years="9")
    shown = {
        str(entry.translation_key): entry
        for (domain, _id), entry in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }
    assert shown.keys() == set(RepairIssue)
    for key, entry in shown.items():
        texts = TEXTS["issues"][key]
        second = "fix_flow" if key in FIXABLE_ISSUES else "description"
        assert texts.keys() == {"title", second}, key
        assert placeholders_in(texts) <= set(entry.translation_placeholders or ()), key


# Entities


@pytest.fixture
async def entities(
    hass: HomeAssistant, home: Household, everything_enabled: None, sign_in: SignIn
) -> Iterable[er.RegistryEntry]:
    """Return at least one entity of every kind."""
    ann = sign_in(home.ann, **with_budgets(budget(home.current)))
    await set_up(hass, ann)
    await give_history(hass, home, ann)
    return er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id)


async def test_every_entity_and_attribute_has_a_name(
    hass: HomeAssistant, entities: Iterable[er.RegistryEntry]
) -> None:
    keys = {(entity.domain, entity.translation_key) for entity in entities}
    names = {(domain, key) for domain, texts in TEXTS["entity"].items() for key in texts}
    assert keys == names
    assert placeholders_in(TEXTS["entity"]) == set()

    attributes: dict[tuple[str, str], set[str]] = {}
    for entity in entities:
        state = hass.states.get(entity.entity_id)
        assert state
        own = {str(name) for name in state.attributes} - NAMED_BY_HOME_ASSISTANT
        if own:
            key = (entity.domain, str(entity.translation_key))
            attributes.setdefault(key, set()).update(own)
    named = {
        (domain, key): set(texts["state_attributes"])
        for domain, texts_of_domain in TEXTS["entity"].items()
        for key, texts in texts_of_domain.items()
        if "state_attributes" in texts
    }
    assert attributes == named


async def test_every_entity_without_a_device_class_has_an_icon(
    entities: Iterable[er.RegistryEntry],
) -> None:
    icons = {(domain, key) for domain, of_domain in ICONS["entity"].items() for key in of_domain}
    keys = {(entity.domain, entity.translation_key) for entity in entities}
    without_class = {
        (entity.domain, entity.translation_key)
        for entity in entities
        if entity.original_device_class is None
    }
    assert without_class <= icons <= keys
    pattern = re.compile(r"mdi:[a-z0-9]+(-[a-z0-9]+)*")
    assert [icon for _path, icon in leaves(ICONS) if not pattern.fullmatch(icon)] == []


# Actions


async def test_every_action_and_field_has_a_name_and_a_description(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    registered = hass.services.async_services_for_domain(DOMAIN)
    described = await service.async_get_all_descriptions(hass)
    assert described[DOMAIN].keys() == registered.keys()
    assert TEXTS["services"].keys() == ACTIONS.keys() == registered.keys()
    assert ICONS["services"].keys() == registered.keys()
    for name, action in registered.items():
        assert isinstance(action.schema, vol.Schema)
        texts = TEXTS["services"][name]
        assert {"name", "description"} <= texts.keys(), name
        fields = texts.get("fields", {})
        # An action without fields has no description in services.yaml.
        in_yaml = (ACTIONS[name] or {"fields": {}})["fields"]
        schema = {str(key) for key in action.schema.schema}
        assert fields.keys() == in_yaml.keys() == schema, name
        for field, of_field in fields.items():
            assert of_field.keys() == {"name", "description"}, (name, field)


async def test_every_action_offers_all_categories_of_the_monzo_app(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    common = "transactions_category_"
    names = {key: TEXTS["common"][f"{common}{key}"] for key in CATEGORIES}
    assert TEXTS["selector"]["category"]["options"] == names

    actions = (await service.async_get_all_descriptions(hass))[DOMAIN]
    offered = [
        set(field["selector"]["select"]["options"])
        for action in actions.values()
        for name, field in action["fields"].items()
        if name == "category" and "select" in field["selector"]
    ]
    assert offered
    assert all(categories == set(CATEGORIES) for categories in offered)


# System health


async def test_all_system_information_has_a_name(
    hass: HomeAssistant, advance_time: AdvanceTime
) -> None:
    assert await async_setup_component(hass, "system_health", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)
    reachable = info.pop("can_reach_server")
    reachable.close()
    assert TEXTS["system_health"]["info"].keys() == {"can_reach_server", *info}


# Format


def test_the_file_contains_only_sections_that_home_assistant_reads() -> None:
    assert TEXTS.keys() <= {
        "application_credentials",
        "common",
        "conditions",
        "config",
        "config_subentries",
        "device",
        "entity",
        "exceptions",
        "issues",
        "options",
        "selector",
        "services",
        "system_health",
        "title",
        "triggers",
    }


def test_every_key_follows_the_rules_of_home_assistant() -> None:
    key = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
    broken = [
        path
        for path, _text in leaves(TEXTS)
        if not all(key.fullmatch(part) for part in path.split("."))
    ]
    assert broken == []
