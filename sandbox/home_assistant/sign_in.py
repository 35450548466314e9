"""Connects a bank to Home Assistant as a person would: through the integration's own dialogs."""

import asyncio
from collections.abc import Callable

from aiohttp import ClientSession
from yarl import URL

from sandbox.models import Person

from .client import HomeAssistantClient, Json
from .errors import HomeAssistantFailedError

_FLOW = "/api/config/config_entries/flow"


async def add_credentials(
    home_assistant: HomeAssistantClient, client_id: str, client_secret: str
) -> None:
    """Tell Home Assistant the client that was created in the bank's developer portal."""
    await home_assistant.command(
        "application_credentials/create",
        domain="monzo",
        client_id=client_id,
        client_secret=client_secret,
    )


async def sign_in(
    home_assistant: HomeAssistantClient, person: Person, approve: Callable[[Person], None]
) -> None:
    """Add the integration: allow it on the bank's page, approve it in the app, wait for the rest.

    Raises HomeAssistantFailedError when Home Assistant ends up anywhere but with a new config entry.
    """
    step = await home_assistant.post(_FLOW, {"handler": "monzo"})
    flow = f"{_FLOW}/{step['flow_id']}"
    if step["type"] == "external":
        await _allow(URL(step["url"]), person)
        step = await home_assistant.get(flow)
    if step["type"] == "progress":
        approve(person)
        step = await _progressed(home_assistant, flow)
    if step["type"] != "create_entry":
        said = step.get("reason") or step.get("step_id")
        msg = f"Signing in to the bank ended with {step['type']} ({said})."
        raise HomeAssistantFailedError(msg)


async def _allow(page: URL, person: Person) -> None:
    """Press "Allow" on the bank's page, and follow it back to Home Assistant."""
    asked = {name: page.query[name] for name in ("client_id", "redirect_uri", "state")}
    decision = asked | {"person": person.user_id, "decision": "allow"}
    async with ClientSession(raise_for_status=True) as browser:
        await browser.get(page)
        await browser.post(page.join(URL("/authorise")), data=decision)


async def _progressed(home_assistant: HomeAssistantClient, flow: str) -> Json:
    """Return the step after the progress, which Home Assistant leaves by itself."""
    while (step := await home_assistant.get(flow))["type"] == "progress":  # noqa: ASYNC110 - far away
        await asyncio.sleep(0.2)
    return step
