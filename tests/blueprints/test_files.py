"""What every blueprint keeps to, whatever it does."""

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

MOVING = {
    "monzo.deposit_into_pot",
    "monzo.distribute",
    "monzo.keep_account_at",
    "monzo.move_between_pots",
    "monzo.set_pot_balance",
    "monzo.withdraw_from_pot",
}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Return each blueprint's name in turn."""
    found: str = request.param
    return found


@pytest.fixture
async def blueprint(hass: HomeAssistant, name: str) -> Blueprint:
    """Return a blueprint as automations use it, which Home Assistant has checked for that."""
    found: Blueprint = await async_get_blueprints(hass).async_get_blueprint(f"monzo/{name}.yaml")
    return found


def sections(blueprint: Blueprint) -> Iterator[dict[str, Any]]:
    """Yield the sections that inputs are in."""
    for each in blueprint.metadata["input"].values():
        if "input" in each:
            yield each


def steps(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every call of an action, wherever it is among the others."""
    if isinstance(node, dict):
        if "action" in node:
            yield node
        for each in node.values():
            yield from steps(each)
    elif isinstance(node, list):
        for each in node:
            yield from steps(each)


def moving_steps(blueprint: Blueprint) -> list[dict[str, Any]]:
    """Return the calls of a blueprint that move money."""
    return [step for step in steps(blueprint.data["actions"]) if step["action"] in MOVING]


async def test_home_assistant_takes_it(blueprint: Blueprint) -> None:
    assert blueprint.domain == "automation"
    assert blueprint.validate() is None
    assert "triggers" in blueprint.data


async def test_it_says_what_it_is_and_does(blueprint: Blueprint) -> None:
    assert blueprint.name.startswith("Monzo: ")
    assert len(blueprint.metadata["description"]) > 80
    assert blueprint.metadata["author"] == "Monzo for Home Assistant"


async def test_it_needs_the_home_assistant_that_the_integration_needs(blueprint: Blueprint) -> None:
    needed = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    assert blueprint.metadata["homeassistant"] == {"min_version": needed}


async def test_it_is_imported_from_where_it_says_it_is(
    hass: HomeAssistant, name: str, blueprint: Blueprint, aioclient_mock: AiohttpClientMocker
) -> None:
    url = blueprint.metadata["source_url"]
    assert url == f"https://github.com/{REPOSITORY}/blob/main/{PATH}/{name}.yaml"
    aioclient_mock.get(  # type: ignore[no-untyped-call]
        f"https://raw.githubusercontent.com/{REPOSITORY}/main/{PATH}/{name}.yaml",
        text=(FOLDER / f"{name}.yaml").read_text(),
    )
    imported = await fetch_blueprint_from_url(hass, url)
    assert imported.blueprint.name == blueprint.name
    assert imported.suggested_filename == f"monzo-for-home-assistant/{name}"


async def test_every_input_is_explained_and_picked(blueprint: Blueprint) -> None:
    for key, field in blueprint.inputs.items():
        assert field, f"{key} is empty"
        lacking = {"name", "description", "selector"} - field.keys()
        assert not lacking, f"{key} lacks {lacking}"


async def test_every_section_has_a_name_and_an_icon(blueprint: Blueprint) -> None:
    for section in sections(blueprint):
        assert section["name"]
        assert section["icon"].startswith("mdi:")
        # Home Assistant opens a section anyway in which something has to be filled in.
        if section.get("collapsed"):
            assert all("default" in field for field in section["input"].values())


async def test_every_input_is_used(blueprint: Blueprint) -> None:
    used = extract_inputs({key: part for key, part in blueprint.data.items() if key != "blueprint"})
    assert used == set(blueprint.inputs)


async def test_it_can_be_tried_out_and_moves_no_money_until_it_is_told_to(
    blueprint: Blueprint,
) -> None:
    moving = moving_steps(blueprint)
    switch = blueprint.inputs["dry_run"]
    assert switch["name"] == "Plan only"
    assert switch["selector"].keys() == {"boolean"}
    assert switch["default"] is bool(moving)
    for step in moving:
        # Always planning, or as the switch says. `== True` would be true of 1 as well.
        planned = step["data"]["dry_run"]
        assert planned is True or planned == Input("dry_run")


def test_it_is_easy_to_read(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    assert "\t" not in text
    assert all(len(line) <= 120 or "source_url" in line for line in text.splitlines())
    # Words that Home Assistant has given up.
    for word in ("service:", "platform:", "data_template:"):
        assert word not in text
