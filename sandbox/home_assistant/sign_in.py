"""Connects Home Assistant to the bank through the integration's config flow, like a person."""

from collections.abc import Callable

from aiohttp import ClientSession
from yarl import URL

from sandbox.models import Person

from .client import HomeAssistantClient, Json
from .errors import HomeAssistantFailedError

_FLOW = "/api/config/config_entries/flow"

# Without limits, so that everybody can try all actions, and with all of the past.
_SETTINGS: Json = {"allow_transfers": True, "keep_transactions": "everything"}


async def add_credentials(
    home_assistant: HomeAssistantClient, client_id: str, client_secret: str
) -> None:
    """Add the application credentials: the client created in the bank's developer portal."""
    await home_assistant.command(
        "application_credentials/create",
        domain="monzo",
        client_id=client_id,
        client_secret=client_secret,
    )


async def sign_in(
    home_assistant: HomeAssistantClient, person: Person, approve: Callable[[Person], None]
) -> None:
    """Add the integration: allow access on the bank's authorise page, and approve it in the app.

    Raises HomeAssistantFailedError if the config flow ends without a new config entry.
    """
    step = await home_assistant.post(_FLOW, {"handler": "monzo"})
    flow = f"{_FLOW}/{step['flow_id']}"
    if step["type"] == "form":
        step = await home_assistant.post(flow, _SETTINGS)
    if step["type"] == "external":
        await _allow(URL(step["url"]), person)
        step = await home_assistant.get(flow)
    if step["type"] == "progress":
        approve(person)
        step = await _step_after_progress(home_assistant, flow)
    if step["type"] != "create_entry":
        detail = step.get("reason") or step.get("step_id")
        msg = f"Signing in to the bank ended with {step['type']} ({detail})."
        raise HomeAssistantFailedError(msg)


async def _allow(page: URL, person: Person) -> None:
    """Press "Allow" on the bank's authorise page, and follow the redirect to Home Assistant."""
    fields = {name: page.query[name] for name in ("client_id", "redirect_uri", "state")}
    decision = fields | {"person": person.user_id, "decision": "allow"}
    async with ClientSession(raise_for_status=True) as browser:
        await browser.get(page)
        await browser.post(page.join(URL("/authorise")), data=decision)


async def _step_after_progress(home_assistant: HomeAssistantClient, flow: str) -> Json:
    """Wait until the config flow has left its progress step, and return the next step."""
    step: Json = None

    async def is_past_progress() -> bool:
        nonlocal step
        step = await home_assistant.get(flow)
        return bool(step["type"] != "progress")

    await home_assistant.wait_until(is_past_progress, "The sign-in did not continue in time.")
    return step
