"""Adds budgets through the integration's dialog, like a person."""

from collections.abc import Sequence

from .client import HomeAssistantClient

_FLOW = "/api/config/config_entries/subentries/flow"


async def add_budget(
    home_assistant: HomeAssistantClient,
    *,
    title: str,
    limit: float,
    categories: Sequence[str] = (),
) -> None:
    """Add a monthly budget of all accounts to the only config entry, which is then reloaded."""
    (entry,) = await home_assistant.command("config_entries/get", domain="monzo")
    form = await home_assistant.post(_FLOW, {"handler": [entry["entry_id"], "budget"]})
    (accounts,) = (field for field in form["data_schema"] if field["name"] == "accounts")
    settings = {
        "title": title,
        "limit": limit,
        "accounts": [option["value"] for option in accounts["selector"]["select"]["options"]],
        "categories": categories,
        "period": "month",
        "day": "1",
        "weekday": "mon",
        "carry_over": False,
    }
    await home_assistant.post(f"{_FLOW}/{form['flow_id']}", settings)
