"""Models outside of Home Assistant read through its server for the Model Context Protocol."""

import json

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import CONF_ALLOW_ANSWERS
from sandbox.household import Household
from tests.conftest import SignIn
from tests.helpers.conversations import expose
from tests.helpers.mcp_client import async_connect_model
from tests.helpers.state_helpers import set_up


async def test_a_remote_model_gets_the_same_tools_and_reads_only_what_is_exposed(
    hass: HomeAssistant, home: Household, sign_in: SignIn, hass_client: ClientSessionGenerator
) -> None:
    # These must be there before the HTTP server of the client starts.
    for component in ("homeassistant", "conversation", "calendar", "notify", "webhook"):
        assert await async_setup_component(hass, component, {})
    options = {CONF_ALLOW_ANSWERS: True, "keep_transactions": "everything"}
    await set_up(hass, sign_in(home.ann, options=options))
    model = await async_connect_model(hass, hass_client)
    assert not [tool for tool in await model.tools() if tool["name"].startswith("monzo__")]

    expose(hass, home.current.id)
    tools = [tool for tool in await model.tools() if tool["name"].startswith("monzo__")]
    assert len(tools) == 5
    for tool in tools:
        assert tool["annotations"] == {
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        }
    (spending,) = [tool for tool in tools if tool["name"] == "monzo__get_spending"]
    fields = spending["inputSchema"]["properties"]
    assert fields["account"]["enum"] == ["Current account"]
    assert fields["first_day"]["format"] == "date"
    assert "required" not in spending["inputSchema"]

    answer = json.loads(await model.call("monzo__get_balances", {}))
    assert [it["account"] for it in answer["accounts"]] == ["Current account"]
    refusal = await model.call("monzo__get_spending", {"account": "Flex"})
    assert "Current account" in refusal
    assert "total" not in refusal
