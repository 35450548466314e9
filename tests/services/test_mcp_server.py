"""Models call actions through Home Assistant's server for the Model Context Protocol (MCP)."""

from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.const import CONTENT_TYPE_JSON
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import CONF_ALLOW_LANGUAGE_MODELS
from sandbox.household import Household
from tests.helpers.transfer_client import TransferClient
from tests.helpers.transfer_faults import change_options

# How a model runs an exposed script.
TOOLS: dict[str, tuple[str, dict[str, object]]] = {
    "the tool of the script": ("script__save", {}),
    "the tool that switches things on": (
        "intent__HassTurnOn",
        {"name": "try to save", "domain": ["script"]},
    ),
}


class Model:
    """A language model with the access token of an administrator."""

    def __init__(self, hass: HomeAssistant, http: TestClient[Any, Any]) -> None:
        """Initialize a model that has called no tool."""
        self._hass = hass
        self._http = http

    async def call(self, tool: str, arguments: dict[str, object]) -> str:
        """Call a tool, wait for the end of what it began, and return its answer."""
        response = await self._http.post(
            "/api/mcp",
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": tool, "arguments": arguments},
            },
            headers={"accept": CONTENT_TYPE_JSON},
        )
        answer = await response.json()
        await self._hass.async_block_till_done()
        return str(answer["result"]["content"][0]["text"])


@pytest.fixture
async def model(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    hass_client: ClientSessionGenerator,
) -> Model:
    """Return a model that may run two scripts, which move five pounds after a moment."""
    deposit = {
        "action": "monzo.deposit_into_pot",
        "data": {"pot": transfer_client.device(home.holiday), "amount": 5},
    }
    scripts = {
        name: {
            "alias": name.replace("_", " "),
            "sequence": [
                {"delay": {"milliseconds": 1}},
                {**deposit, "continue_on_error": continues},
            ],
        }
        for name, continues in (("save", False), ("try_to_save", True))
    }
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    assert await async_setup_component(hass, "script", {"script": scripts})
    for name in scripts:
        async_expose_entity(hass, "conversation", f"script.{name}", should_expose=True)
    data = {"llm_hass_api": ["assist"], "all_llm_apis": False, "require_admin": True}
    entry = MockConfigEntry(domain="mcp_server", data=data)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return Model(hass, await hass_client())


@pytest.mark.parametrize(("tool", "arguments"), TOOLS.values(), ids=TOOLS)
async def test_a_model_moves_money_only_if_the_options_allow_it(
    model: Model, transfer_client: TransferClient, tool: str, arguments: dict[str, object]
) -> None:
    await model.call(tool, arguments)
    assert transfer_client.sent == []

    await change_options(transfer_client, **{CONF_ALLOW_LANGUAGE_MODELS: True})
    await model.call(tool, arguments)
    assert [move.amount for move in transfer_client.moves] == [500]


async def test_a_model_learns_why_no_money_was_moved(model: Model) -> None:
    assert "language models" in (await model.call(*TOOLS["the tool of the script"])).lower()
