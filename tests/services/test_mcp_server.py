"""Models call actions through Home Assistant's server for the Model Context Protocol (MCP)."""

from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import CONF_ALLOW_LANGUAGE_MODELS
from sandbox.household import Household
from tests.helpers.mcp_client import RemoteModel, async_connect_model
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


@pytest.fixture
async def model(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    hass_client: ClientSessionGenerator,
) -> RemoteModel:
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
    return await async_connect_model(hass, hass_client)


@pytest.mark.parametrize(("tool", "arguments"), TOOLS.values(), ids=TOOLS)
async def test_a_model_moves_money_only_if_the_options_allow_it(
    model: RemoteModel, transfer_client: TransferClient, tool: str, arguments: dict[str, object]
) -> None:
    await model.call(tool, arguments)
    assert transfer_client.sent == []

    await change_options(transfer_client, **{CONF_ALLOW_LANGUAGE_MODELS: True})
    await model.call(tool, arguments)
    assert [move.amount for move in transfer_client.moves] == [500]


async def test_a_model_learns_why_no_money_was_moved(model: RemoteModel) -> None:
    assert "language models" in (await model.call(*TOOLS["the tool of the script"])).lower()
