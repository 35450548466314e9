"""Automations of Home Assistant, the way a test tells of them."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

type Told = dict[str, Any]

ID = "the-automation"


async def automate(hass: HomeAssistant, *triggers: Mapping[str, Any], **more: Any) -> list[Told]:
    """Set an automation up, and return what its triggers tell it, as it is told."""
    told: list[Told] = []

    @callback
    def hear(call: ServiceCall) -> None:
        told.append(call.data["trigger"])

    hass.services.async_register("test", "hear", hear)
    automation = {
        "id": ID,
        "alias": "Test",
        "mode": "parallel",
        "triggers": list(triggers),
        "actions": {"action": "test.hear", "data": {"trigger": "{{ dict(trigger) }}"}},
        **more,
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    state = hass.states.get("automation.test")
    assert state is not None
    assert state.state == "on"
    return told


async def reasons(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> list[str]:
    """Return why the automation was not run, as its traces say."""
    client = await hass_ws_client(hass, await _access_token(hass))
    item = {"domain": "automation", "item_id": ID}
    await client.send_json_auto_id({"type": "trace/list", **item})
    runs = (await client.receive_json())["result"]
    found: list[str] = []
    for run in runs:
        if not run.get("not_triggered"):
            continue
        await client.send_json_auto_id({"type": "trace/get", **item, "run_id": run["run_id"]})
        trace = (await client.receive_json())["result"]["trace"]
        (steps,) = (steps for path, steps in trace.items() if path.startswith("trigger"))
        found.append(steps[0]["result"]["reason"])
    return found


async def _access_token(hass: HomeAssistant) -> str:
    """Return what lets somebody in now, however long the test has taken."""
    admins = [user for user in await hass.auth.async_get_users() if user.is_admin]
    tokens = [token for user in admins for token in user.refresh_tokens.values()]
    return hass.auth.async_create_access_token(tokens[0])
