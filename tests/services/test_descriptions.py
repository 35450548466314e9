"""What the user interface is told of the actions: fields, choices and examples."""

from collections.abc import Callable, Iterator
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import selector
from homeassistant.setup import async_setup_component
import pytest
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.const import DOMAIN

ROOT = Path(custom_components.monzo.__file__).parent
ACTIONS: dict[str, Any] = yaml.safe_load((ROOT / "services.yaml").read_text(encoding="utf-8"))
TEXTS: dict[str, Any] = json.loads((ROOT / "translations/en.json").read_text(encoding="utf-8"))

FIELDS = {
    f"{action}.{name}": (action, name, field)
    for action, description in ACTIONS.items()
    for name, field in (description or {"fields": {}})["fields"].items()
}

# What is no text can only be shown as one.
WRITTEN_AS_YAML = {"color_rgb", "media", "object"}


@pytest.mark.parametrize(("action", "name", "field"), FIELDS.values(), ids=FIELDS)
async def test_an_example_is_what_may_be_chosen_and_what_is_understood(
    hass: HomeAssistant, action: str, name: str, field: dict[str, Any]
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    registered = hass.services.async_services_for_domain(DOMAIN)[action]
    assert isinstance(registered.schema, vol.Schema)
    of_field = {str(key): rule for key, rule in registered.schema.schema.items()}[name]
    chosen: Callable[[object], object] = selector(field["selector"])  # type: ignore[assignment]
    for given in ("example", "default"):
        if given in field:
            value = field[given]
            if isinstance(value, str) and field["selector"].keys() & WRITTEN_AS_YAML:
                # Shown as it is, and read as YAML.
                value = yaml.safe_load(value)
            assert chosen(value) == value
            vol.Schema(of_field)(value)


def choices(node: object) -> Iterator[dict[str, Any]]:
    """Yield the selectors that offer some options by name."""
    if isinstance(node, dict):
        if "options" in node:
            yield node
        for child in node.values():
            yield from choices(child)


def test_every_choice_of_an_action_has_its_text() -> None:
    for choice in choices(ACTIONS):
        texts = TEXTS["selector"][choice["translation_key"]]["options"]
        options = (each["value"] if isinstance(each, dict) else each for each in choice["options"])
        assert texts.keys() == set(options)


@pytest.mark.parametrize(("action", "name", "field"), FIELDS.values(), ids=FIELDS)
async def test_what_must_be_given_is_marked(
    hass: HomeAssistant, action: str, name: str, field: dict[str, Any]
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    registered = hass.services.async_services_for_domain(DOMAIN)[action]
    assert isinstance(registered.schema, vol.Schema)
    (key,) = (key for key in registered.schema.schema if str(key) == name)
    assert isinstance(key, vol.Required) is field.get("required", False)
