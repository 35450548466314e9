"""A language model outside of Home Assistant, which uses its MCP server."""

from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.const import CONTENT_TYPE_JSON
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator


class RemoteModel:
    """A language model with the access token of an administrator."""

    def __init__(self, hass: HomeAssistant, http: TestClient[Any, Any]) -> None:
        """Initialize a model that has called no tool."""
        self._hass = hass
        self._http = http

    async def tools(self) -> list[dict[str, Any]]:
        """Return the tools that the server offers."""
        tools: list[dict[str, Any]] = (await self._request("tools/list"))["tools"]
        return tools

    async def call(self, tool: str, arguments: dict[str, object]) -> str:
        """Call a tool, wait for the end of what it began, and return its answer."""
        result = await self._request("tools/call", name=tool, arguments=arguments)
        await self._hass.async_block_till_done()
        return str(result["content"][0]["text"])

    async def _request(self, method: str, **params: object) -> dict[str, Any]:
        response = await self._http.post(
            "/api/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
            headers={"accept": CONTENT_TYPE_JSON},
        )
        result: dict[str, Any] = (await response.json())["result"]
        return result


async def async_connect_model(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> RemoteModel:
    """Set up the MCP server for the Assist API, and return a model that uses it."""
    data = {"llm_hass_api": ["assist"], "all_llm_apis": False, "require_admin": True}
    entry = MockConfigEntry(domain="mcp_server", data=data)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return RemoteModel(hass, await hass_client())
