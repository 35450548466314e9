"""Every text that the code asks for is there, and no text is there that nothing asks for."""

import ast
from collections.abc import Iterable, Iterator
from itertools import chain
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_entry_oauth2_flow, service
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.application_credentials import async_get_description_placeholders
from custom_components.monzo.bank.repair_issues import FIXABLE_ISSUES, RepairIssue
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.transfers.between_pots import ISSUE_BETWEEN_POTS
from sandbox.household import Household

from .conftest import LetPass
from .test_architecture import MODULES

ROOT = Path(custom_components.monzo.__file__).parent
TEXTS: dict[str, Any] = json.loads((ROOT / "translations/en.json").read_text(encoding="utf-8"))
ICONS: dict[str, Any] = json.loads((ROOT / "icons.json").read_text(encoding="utf-8"))
ACTIONS: dict[str, Any] = yaml.safe_load((ROOT / "services.yaml").read_text(encoding="utf-8"))

# What Home Assistant's own base of the dialog shows and ends with.
_OAUTH = ast.parse(Path(config_entry_oauth2_flow.__file__).read_text(encoding="utf-8"))

PLACEHOLDER = re.compile(r"{(\w+)}")


# Reading the code


def literals(node: ast.expr | None) -> set[str]:
    """Return the texts that an expression may be, as far as they are written there."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return literals(body) | literals(orelse)
    return set()


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions and methods with one of these names; of any, without one."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if not names or name in names:
                    yield node


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call gives as a named argument."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def arguments(tree: ast.AST, name: str, *functions: str) -> set[str]:
    """Return the texts that calls give as a named argument."""
    return {text for call in calls(tree, *functions) for text in literals(argument(call, name))}


def keys_of(node: ast.expr | None) -> set[str]:
    """Return the keys of a dictionary that is written out."""
    if not isinstance(node, ast.Dict):
        return set()
    return {text for key in node.keys for text in literals(key)}


def class_named(tree: ast.AST, name: str) -> ast.ClassDef:
    """Return a class."""
    return next(
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name
    )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield the functions that are no coroutines."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def raised() -> dict[str, list[set[str]]]:
    """Return the translation keys of exceptions, each with the placeholders of every use.

    Some are given to the exception itself, others to a function that makes one: of the module, or
    of another that lends it.
    """
    found: dict[str, list[set[str]]] = {}
    everywhere = MODULES.values()
    for tree in everywhere:
        for call in calls(tree):
            if argument(call, "translation_domain") is not None:
                placeholders = keys_of(argument(call, "translation_placeholders"))
                for key in literals(argument(call, "translation_key")):
                    found.setdefault(key, []).append(placeholders)
        for function in functions(tree):
            named = [each.arg for each in function.args.args]
            if named[:1] != ["translation_key"]:
                continue
            callers = [tree] if function.name.startswith("_") else everywhere
            for call in chain.from_iterable(calls(caller, function.name) for caller in callers):
                placeholders = {each.arg for each in call.keywords if each.arg} - set(named)
                # The names of placeholders in a dictionary are not written in the call.
                known = all(each.arg for each in call.keywords)
                for key in literals(call.args[0]):
                    found.setdefault(key, []).extend([placeholders] if known else [])
    return found


def errors_of(tree: ast.AST) -> set[str]:
    """Return the keys of the errors that a dialog's forms show."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="errors"))], value=value):
                found |= literals(value)
            case ast.keyword(arg="errors", value=ast.Dict(values=values)):
                for value in values:
                    found |= literals(value)
    return found


def placeholders_in(text: str) -> set[str]:
    """Return the placeholders of a text."""
    return set(PLACEHOLDER.findall(text))


def leaves(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        assert isinstance(node, str), path
        yield path, node


# Dialogs

FLOW = class_named(MODULES["config_flow"], "MonzoFlowHandler")
OPTIONS = class_named(MODULES["config_flow"], "MonzoOptionsFlow")
REPAIR = class_named(MODULES["repairs"], "NotApprovedRepairFlow")
SHOWN = ("async_show_form", "async_show_progress", "async_external_step", "async_show_menu")


def described(tree: ast.AST, function: str, argument_: str, text: str) -> set[str]:
    """Return the placeholders that calls with this text as an argument fill in."""
    return {
        key
        for call in calls(tree, function)
        if text in literals(argument(call, argument_))
        for key in keys_of(argument(call, "description_placeholders"))
    }


def test_the_sections_are_those_of_home_assistant() -> None:
    assert TEXTS.keys() <= {
        "application_credentials",
        "common",
        "conditions",
        "config",
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


def test_every_step_of_signing_in_has_its_text() -> None:
    ours = arguments(FLOW, "step_id", *SHOWN)
    inherited = arguments(_OAUTH, "step_id", *SHOWN)
    steps = TEXTS["config"]["step"]
    assert ours <= steps.keys()
    assert steps.keys() - ours <= inherited
    for name, step in steps.items():
        assert step["title"]
        # Home Assistant tells the name of the entry that is to sign in again.
        filled = described(FLOW, "async_show_form", "step_id", name) | (
            {"name"} if name == "reauth_confirm" else set()
        )
        for _path, text in leaves(step):
            assert placeholders_in(text) <= filled, name


def test_every_end_of_signing_in_has_its_text() -> None:
    ours = arguments(FLOW, "reason")
    texts = TEXTS["config"]["abort"]
    assert ours <= texts.keys()
    assert texts.keys() - ours <= arguments(_OAUTH, "reason")
    for reason, text in texts.items():
        assert placeholders_in(text) == described(FLOW, "async_abort", "reason", reason), reason


def test_progress_and_errors_of_signing_in_have_their_texts() -> None:
    config = TEXTS["config"]
    assert config["progress"].keys() == arguments(FLOW, "progress_action")
    assert config.get("error", {}).keys() == errors_of(FLOW)
    assert config["create_entry"].keys() == {"default"}
    assert config.keys() <= {"abort", "create_entry", "error", "progress", "step"}


def test_the_dialog_of_the_options_has_its_texts() -> None:
    options = TEXTS["options"]
    assert options["step"].keys() == arguments(OPTIONS, "step_id", *SHOWN)
    assert options["abort"].keys() == arguments(OPTIONS, "reason", "async_abort")
    assert options["error"].keys() == errors_of(OPTIONS)
    assert options.keys() == {"abort", "error", "step"}


async def test_every_option_has_a_name_and_a_description(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    form = await hass.config_entries.options.async_init(ann.entry_id)
    schema = form["data_schema"]
    assert schema is not None
    step = TEXTS["options"]["step"]["init"]
    fields = {str(key) for key in schema.schema}
    assert step["data"].keys() == step["data_description"].keys() == fields


def test_issues_have_their_texts() -> None:
    assert TEXTS["issues"].keys() == {*RepairIssue, ISSUE_BETWEEN_POTS}
    for issue in RepairIssue:
        texts = TEXTS["issues"][issue]
        expected = {"title", "fix_flow" if issue in FIXABLE_ISSUES else "description"}
        assert texts.keys() == expected
        for _path, text in leaves(texts):
            # The flow that mends an issue knows what the issue was told with.
            assert placeholders_in(text) <= {"name"}


def test_the_dialog_that_mends_has_its_texts() -> None:
    flow = TEXTS["issues"][RepairIssue.NOT_APPROVED]["fix_flow"]
    assert flow["step"].keys() == arguments(REPAIR, "step_id", *SHOWN)
    shown = errors_of(REPAIR) | arguments(REPAIR, "reason", "async_abort")
    assert flow.get("error", {}).keys() | flow.get("abort", {}).keys() == shown


async def test_the_credentials_are_described_with_what_home_assistant_fills_in(
    hass: HomeAssistant,
) -> None:
    text = TEXTS["application_credentials"]["description"]
    assert placeholders_in(text) == set(await async_get_description_placeholders(hass))


# Exceptions


def test_every_exception_has_its_text_and_fills_it_in() -> None:
    uses = raised()
    assert uses.keys() == TEXTS["exceptions"].keys()
    for key, all_placeholders in uses.items():
        text = TEXTS["exceptions"][key]["message"]
        for placeholders in all_placeholders:
            assert placeholders == placeholders_in(text), key


# Devices and entities


def test_every_name_of_an_account_has_its_text() -> None:
    tree = MODULES["accounts.devices"]
    (key_of,) = (each for each in functions(tree) if each.name == "_name_key")
    (filled,) = (each for each in functions(tree) if each.name == "_name_placeholders")
    names = {
        text
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "ACCOUNT_NAMES"
        and isinstance(node.value, ast.Dict)
        for value in node.value.values
        for text in literals(value)
    }
    docstring = ast.get_docstring(key_of)
    names |= {
        text
        for node in ast.walk(key_of)
        if isinstance(node, ast.Constant)
        for text in literals(node)
        if text != docstring
    }
    (given,) = (keys_of(node.value) for node in ast.walk(filled) if isinstance(node, ast.Return))
    assert TEXTS["device"].keys() == names
    for _path, text in leaves(TEXTS["device"]):
        assert placeholders_in(text) <= given


@pytest.fixture
async def entities(
    hass: HomeAssistant, home: Household, everything_enabled: None, ann: MockConfigEntry
) -> Iterable[er.RegistryEntry]:
    """Return one entity of every kind and more."""
    return er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id)


async def test_every_entity_has_its_name(entities: Iterable[er.RegistryEntry]) -> None:
    keys = {(entity.domain, entity.translation_key) for entity in entities}
    names = {(domain, key) for domain, texts in TEXTS["entity"].items() for key in texts}
    assert keys == names
    for _path, text in leaves(TEXTS["entity"]):
        assert not placeholders_in(text)


async def test_every_attribute_of_ours_has_its_name(
    hass: HomeAssistant, entities: Iterable[er.RegistryEntry]
) -> None:
    known = {
        *("attribution", "device_class", "friendly_name", "icon", "last_reset", "options"),
        *("event_types", "state_class", "unit_of_measurement", "supported_features"),
    }
    ours: dict[tuple[str, str], set[str]] = {}
    for entity in entities:
        state = hass.states.get(entity.entity_id)
        assert state
        attributes = {str(name) for name in state.attributes} - known
        if attributes:
            ours.setdefault((entity.domain, str(entity.translation_key)), set()).update(attributes)
    texts = {
        (domain, key): set(entity["state_attributes"])
        for domain, of_domain in TEXTS["entity"].items()
        for key, entity in of_domain.items()
        if "state_attributes" in entity
    }
    assert ours == texts


async def test_every_entity_has_an_icon_and_every_icon_an_entity(
    entities: Iterable[er.RegistryEntry],
) -> None:
    icons = {(domain, key) for domain, of_domain in ICONS["entity"].items() for key in of_domain}
    keys = {(entity.domain, entity.translation_key) for entity in entities}
    without_class = {
        (entity.domain, entity.translation_key)
        for entity in entities
        if entity.original_device_class is None
    }
    assert icons <= keys
    assert without_class <= icons
    for _path, icon in leaves(ICONS):
        assert re.fullmatch(r"mdi:[a-z0-9]+(-[a-z0-9]+)*", icon)


# Actions


async def test_every_action_is_described_to_the_last_field(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    registered = hass.services.async_services_for_domain(DOMAIN)
    assert TEXTS["services"].keys() == ACTIONS.keys() == registered.keys()
    assert ICONS["services"].keys() == registered.keys()
    for name, action in registered.items():
        texts = TEXTS["services"][name]
        schema = action.schema
        assert isinstance(schema, vol.Schema)
        fields = {str(key) for key in schema.schema}
        texts_of_fields = texts.get("fields", {})
        # One that has nothing to fill in is only named.
        described = (ACTIONS[name] or {"fields": {}})["fields"]
        assert texts_of_fields.keys() == described.keys() == fields
        assert texts["name"]
        assert texts["description"]
        for text in texts_of_fields.values():
            assert text.keys() == {"name", "description"}
    descriptions = await service.async_get_all_descriptions(hass)
    assert descriptions[DOMAIN].keys() == registered.keys()


# System health


async def test_the_system_information_has_its_texts(hass: HomeAssistant, let_pass: LetPass) -> None:
    assert await async_setup_component(hass, "system_health", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)
    reachable = info.pop("can_reach_server")
    reachable.close()
    assert TEXTS["system_health"]["info"].keys() == {"can_reach_server", *info}


# What hassfest would say


@pytest.mark.parametrize(("path", "text"), leaves(TEXTS), ids=lambda value: value[:40])
def test_a_text_is_as_home_assistant_wants_texts(path: str, text: str) -> None:
    for key in path.split("."):
        assert re.fullmatch(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?", key)
    assert text
    assert text == text.strip()
    assert not re.search(r"<[a-zA-Z/!]", text), "HTML"
    assert not re.search(r"https?://|www\.", text), "an address"
    assert not re.search(r"'{\w+}'", text), "a placeholder in quotes"
    assert text.count("{") == text.count("}") == len(PLACEHOLDER.findall(text))


def test_what_is_described_has_a_name() -> None:
    for dialog in (TEXTS["config"], TEXTS["options"]):
        for step in dialog["step"].values():
            assert step.get("data_description", {}).keys() <= step.get("data", {}).keys()
