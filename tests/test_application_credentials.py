"""The dialog that asks for the credentials of the API client."""

import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.monzo.const import DOMAIN
from tests.helpers.texts import TEXTS

MY_ADDRESS = "https://my.home-assistant.io/redirect/oauth"


@pytest.fixture
async def placeholders(
    hass: HomeAssistant, credentials: None, hass_ws_client: WebSocketGenerator
) -> Any:
    """Return a function that fetches the placeholders of the dialog."""
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_ws_client(hass)

    async def fetch() -> dict[str, str]:
        await client.send_json_auto_id({"type": "application_credentials/config"})
        response = await client.receive_json()
        integration = response["result"]["integrations"][DOMAIN]
        placeholders: dict[str, str] = integration["description_placeholders"]
        return placeholders

    return fetch


async def test_the_text_uses_all_placeholders(placeholders: Any) -> None:
    text = TEXTS["application_credentials"]["description"]
    assert set(re.findall(r"{(\w+)}", text)) == set(await placeholders())
    assert "Confidential" in text


async def test_the_developer_portal_is_that_of_monzo(placeholders: Any) -> None:
    assert (await placeholders())["developer_portal"] == "https://developers.monzo.com"


async def test_the_redirect_url_is_that_of_my_home_assistant(
    hass: HomeAssistant, placeholders: Any
) -> None:
    hass.config.components.add("my")
    hass.config.external_url = "https://ann.example.com"
    assert (await placeholders())["redirect_url"] == MY_ADDRESS


async def test_without_my_home_assistant_the_redirect_url_is_the_external_one(
    hass: HomeAssistant, placeholders: Any
) -> None:
    hass.config.internal_url = "http://homeassistant.local:8123"
    hass.config.external_url = "https://ann.example.com"
    assert (await placeholders())["redirect_url"] == (
        "https://ann.example.com/auth/external/callback"
    )


async def test_the_address_in_the_browser_comes_before_configured_addresses(
    hass: HomeAssistant,
    credentials: None,
    hass_client: ClientSessionGenerator,
    hass_access_token: str,
) -> None:
    hass.config.external_url = "https://ann.example.com"
    assert await async_setup_component(hass, DOMAIN, {})
    assert await async_setup_component(hass, "websocket_api", {})
    browser = await hass_client()
    async with browser.ws_connect("/api/websocket", origin="http://192.0.2.7:8123") as socket:
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": hass_access_token})
        await socket.receive_json()
        await socket.send_json({"id": 1, "type": "application_credentials/config"})
        response = await socket.receive_json()
    placeholders = response["result"]["integrations"][DOMAIN]["description_placeholders"]
    assert placeholders["redirect_url"] == "http://192.0.2.7:8123/auth/external/callback"


async def test_without_any_address_the_redirect_url_is_that_of_my_home_assistant(
    hass: HomeAssistant, placeholders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hass.config.api = None
    assert (await placeholders())["redirect_url"] == MY_ADDRESS
