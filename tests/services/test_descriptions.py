"""Descriptions of the actions: their fields, examples and choices in Home Assistant's editor."""

from collections.abc import Callable, Iterator
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import selector
from homeassistant.setup import async_setup_component
import pytest
import voluptuous as vol
import yaml

from custom_components.monzo.const import DOMAIN
from tests.helpers.texts import ACTIONS, TEXTS

# Selectors whose examples and defaults are YAML in a string.
WRITTEN_AS_YAML = {"color_rgb", "media", "object"}

type Rules = dict[str, Any]


def described_fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each field in services.yaml with the names of its action and of itself."""
    for action, description in ACTIONS.items():
        for name, field in (description or {"fields": {}})["fields"].items():
            yield action, name, field


@pytest.fixture
async def schemas(hass: HomeAssistant) -> dict[str, Rules]:
    """Return the keys and rules of each registered action."""
    assert await async_setup_component(hass, DOMAIN, {})
    found = {}
    for name, action in hass.services.async_services_for_domain(DOMAIN).items():
        assert isinstance(action.schema, vol.Schema)
        found[name] = action.schema.schema
    return found


async def test_examples_and_defaults_fit_the_selector_and_the_schema(
    schemas: dict[str, Rules],
) -> None:
    for action, name, field in described_fields():
        rule = {str(key): rule for key, rule in schemas[action].items()}[name]
        select: Callable[[object], object] = selector(field["selector"])  # type: ignore[assignment]
        for value in (field[given] for given in ("example", "default") if given in field):
            if isinstance(value, str) and field["selector"].keys() & WRITTEN_AS_YAML:
                value = yaml.safe_load(value)  # noqa: PLW2901 - the form parses it as well
            assert select(value) == value, f"{action}.{name}"
            vol.Schema(rule)(value)


async def test_required_fields_are_marked_as_required(schemas: dict[str, Rules]) -> None:
    in_yaml = {
        (action, name) for action, name, field in described_fields() if field.get("required")
    }
    in_schema = {
        (action, str(key))
        for action, schema in schemas.items()
        for key in schema
        if isinstance(key, vol.Required)
    }
    assert in_yaml == in_schema


def choices(node: object) -> Iterator[dict[str, Any]]:
    """Yield the selectors that offer named options."""
    if isinstance(node, dict):
        if "options" in node:
            yield node
        for child in node.values():
            yield from choices(child)


def test_every_choice_has_its_text() -> None:
    for choice in choices(ACTIONS):
        texts = TEXTS["selector"][choice["translation_key"]]["options"]
        options = (each["value"] if isinstance(each, dict) else each for each in choice["options"])
        assert texts.keys() == set(options), choice["translation_key"]
