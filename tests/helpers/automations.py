"""Set up an automation in a test, and see what its triggers did."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

type TriggerVariables = dict[str, Any]

AUTOMATION_ID: Final = "the-automation"

RECORD_RUN: Final = {"action": "test.record_run", "data": {"trigger": "{{ dict(trigger) }}"}}
"""The action that records the variables of a run."""


async def set_up_automation(
    hass: HomeAssistant, *triggers: Mapping[str, Any], **config: Any
) -> list[TriggerVariables]:
    """Set up an automation, and return a list that gets the `trigger` variables of each run."""
    runs: list[TriggerVariables] = []

    @callback
    def record_run(call: ServiceCall) -> None:
        runs.append(call.data["trigger"])

    hass.services.async_register("test", "record_run", record_run)
    automation = {
        "id": AUTOMATION_ID,
        "alias": "Test",
        "mode": "parallel",
        "triggers": list(triggers),
        "actions": RECORD_RUN,
        "trace": {"stored_traces": 50},
        **config,
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    state = hass.states.get("automation.test")
    assert state is not None
    assert state.state == "on"
    return runs


async def not_triggered_reasons(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> list[str]:
    """Return the reasons in the traces of triggers that did not run the automation, sorted."""
    client = await hass_ws_client(hass, await _fresh_access_token(hass))
    item = {"domain": "automation", "item_id": AUTOMATION_ID}
    await client.send_json_auto_id({"type": "trace/list", **item})
    traces = (await client.receive_json())["result"]
    reasons: list[str] = []
    for run_id in (trace["run_id"] for trace in traces if trace.get("not_triggered")):
        await client.send_json_auto_id({"type": "trace/get", **item, "run_id": run_id})
        trace = (await client.receive_json())["result"]["trace"]
        (steps,) = (steps for path, steps in trace.items() if path.startswith("trigger"))
        reasons.append(steps[0]["result"]["reason"])
    return sorted(reasons)


async def _fresh_access_token(hass: HomeAssistant) -> str:
    """Return an administrator's access token. The fixture's may expire as tests turn the clock."""
    admins = [user for user in await hass.auth.async_get_users() if user.is_admin]
    tokens = [token for user in admins for token in user.refresh_tokens.values()]
    return hass.auth.async_create_access_token(tokens[0])


def option_names(schema: vol.Schema) -> set[str]:
    """Return the names of the options that the schema of a trigger or condition accepts."""
    options = next(value for key, value in schema.schema.items() if key == "options")
    if isinstance(options, vol.All):
        options = options.validators[0]
    return {str(key) for key in options}
