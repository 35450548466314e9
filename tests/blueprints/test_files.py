"""Rules that all blueprints follow."""

from collections.abc import Iterator
import json
from typing import Any

from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.components.blueprint.importer import fetch_blueprint_from_url
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.core import HomeAssistant
from homeassistant.util.yaml import extract_inputs
from homeassistant.util.yaml.objects import Input
import pytest
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from .blueprint_runner import FOLDER, NAMES, ROOT

REPOSITORY = "monzo-for-home-assistant/monzo-for-home-assistant"
PATH = "blueprints/automation/monzo"

MOVING_ACTIONS = {
    "monzo.deposit_into_pot",
    "monzo.distribute",
    "monzo.keep_account_at",
    "monzo.move_between_pots",
    "monzo.set_pot_balance",
    "monzo.withdraw_from_pot",
}

# They neither move money nor notify people by themselves, so there is nothing to plan.
ONLY_ANSWERING = {"answer_questions"}

# Keys of automations that Home Assistant has replaced with others.
OBSOLETE_KEYS = {"data_template", "platform", "service"}


@pytest.fixture
async def blueprints(hass: HomeAssistant) -> dict[str, Blueprint]:
    """Return all blueprints by name, as Home Assistant loads them for automations."""
    domain_blueprints = async_get_blueprints(hass)
    return {
        name: await domain_blueprints.async_get_blueprint(f"monzo/{name}.yaml") for name in NAMES
    }


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a part of a blueprint."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from mappings(child)
    elif isinstance(node, list):
        for child in node:
            yield from mappings(child)


def moving_steps(blueprint: Blueprint) -> list[dict[str, Any]]:
    """Return the calls of actions that move money."""
    steps = mappings(blueprint.data["actions"])
    return [step for step in steps if step.get("action") in MOVING_ACTIONS]


async def test_home_assistant_accepts_every_blueprint(blueprints: dict[str, Blueprint]) -> None:
    for name, blueprint in blueprints.items():
        assert blueprint.domain == "automation", name
        assert blueprint.validate() is None, name
        assert "triggers" in blueprint.data, name
        keys = {str(key) for each in mappings(dict(blueprint.data)) for key in each}
        assert not keys & OBSOLETE_KEYS, name


async def test_every_blueprint_has_a_name_a_description_and_an_author(
    blueprints: dict[str, Blueprint],
) -> None:
    for name, blueprint in blueprints.items():
        assert blueprint.name.startswith("Monzo: "), name
        assert len(blueprint.metadata["description"]) > 80, name
        assert blueprint.metadata["author"] == "Monzo for Home Assistant", name


async def test_every_blueprint_requires_the_same_home_assistant_as_the_integration(
    blueprints: dict[str, Blueprint],
) -> None:
    required = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    for name, blueprint in blueprints.items():
        assert blueprint.metadata["homeassistant"] == {"min_version": required}, name


async def test_every_blueprint_can_be_imported_from_its_source_url(
    hass: HomeAssistant, blueprints: dict[str, Blueprint], aioclient_mock: AiohttpClientMocker
) -> None:
    for name, blueprint in blueprints.items():
        url = blueprint.metadata["source_url"]
        assert url == f"https://github.com/{REPOSITORY}/blob/main/{PATH}/{name}.yaml"
        aioclient_mock.get(  # type: ignore[no-untyped-call]
            f"https://raw.githubusercontent.com/{REPOSITORY}/main/{PATH}/{name}.yaml",
            text=(FOLDER / f"{name}.yaml").read_text(),
        )
        imported = await fetch_blueprint_from_url(hass, url)
        assert imported.blueprint.name == blueprint.name
        assert imported.suggested_filename == f"monzo-for-home-assistant/{name}"


async def test_every_input_is_described_and_used(blueprints: dict[str, Blueprint]) -> None:
    for name, blueprint in blueprints.items():
        for key, field in blueprint.inputs.items():
            assert field, f"{name}: {key} is empty"
            missing = {"name", "description", "selector"} - field.keys()
            assert not missing, f"{name}: {key} lacks {missing}"
        content = {key: part for key, part in blueprint.data.items() if key != "blueprint"}
        assert extract_inputs(content) == set(blueprint.inputs), name


async def test_every_section_has_a_name_and_an_icon(blueprints: dict[str, Blueprint]) -> None:
    for name, blueprint in blueprints.items():
        for section in blueprint.metadata["input"].values():
            if "input" not in section:
                continue
            assert section["name"], name
            assert section["icon"].startswith("mdi:"), name
            # Home Assistant opens a collapsed section that has a required input.
            if section.get("collapsed"):
                assert all("default" in field for field in section["input"].values()), name


async def test_every_blueprint_only_plans_until_the_user_allows_transfers(
    blueprints: dict[str, Blueprint],
) -> None:
    for name, blueprint in blueprints.items():
        steps = moving_steps(blueprint)
        if name in ONLY_ANSWERING:
            assert not steps, name
            continue
        switch = blueprint.inputs["dry_run"]
        assert switch["name"] == "Plan only", name
        assert switch["selector"].keys() == {"boolean"}, name
        assert switch["default"] is bool(steps), name
        for step in steps:
            # Always planning, or as the switch says. `== True` would be true of 1 as well.
            planned = step["data"]["dry_run"]
            assert planned is True or planned == Input("dry_run"), name
