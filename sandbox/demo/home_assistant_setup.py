"""Prepares the demo's Home Assistant: user, location, bank connection, past, budgets, dashboard."""

from pathlib import Path
from typing import Final

from sandbox.home_assistant.budgets import add_budget
from sandbox.home_assistant.client import WAIT_SECONDS, HomeAssistantClient
from sandbox.home_assistant.errors import HomeAssistantFailedError
from sandbox.home_assistant.process import EXTERNAL_HOST
from sandbox.home_assistant.sign_in import add_credentials, sign_in
from sandbox.household import Household
from sandbox.models import Account
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer

from .past_states import add_past_states
from .past_statistics import import_past_statistics

USERNAME = "demo"
PASSWORD = "demo"  # noqa: S105 - public, because only this machine can connect

_MONZO = {"domain": "monzo"}
_DASHBOARD = "demo-bank"

# Stands for the device of the account in the inputs of a blueprint.
_ACCOUNT: Final = object()

_AUTOMATIONS: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "low_balance_alert": ("Low balance alert", {"account": _ACCOUNT, "threshold": 500}),
    "weekly_summary": ("Weekly summary", {"account": _ACCOUNT}),
}
"""Alias and inputs by the name of the blueprint."""

_BUDGETS: Final = (("Groceries", 700, "groceries"), ("Eating out", 400, "eating_out"))
"""Names, limits and categories: a little more than the household spends in most months."""

_GREETING = (
    "All data of the bank comes from a sandbox on this computer. "
    "On [its control page]({control_page}) you can make payments, receive money, decline a "
    "payment, close a pot, and simulate failures. Home Assistant shows every change within a "
    "second."
)


async def log_in(home_assistant: HomeAssistantClient) -> None:
    """Log in; at the first start, create the user and configure the home."""
    if not await home_assistant.needs_onboarding():
        await home_assistant.log_in(USERNAME, PASSWORD)
        return
    await home_assistant.onboard("Demo", USERNAME, PASSWORD)
    await home_assistant.command(
        "config/core/update",
        location_name="Mill Street",
        country="GB",
        currency="GBP",
        time_zone="Europe/London",
        unit_system="metric",
        external_url=f"https://{EXTERNAL_HOST}",
    )


async def greet(home_assistant: HomeAssistantClient, control_page: str) -> None:
    """Explain the demo in a notification, which Home Assistant loses at every stop."""
    await home_assistant.post(
        "/api/services/persistent_notification/create",
        {
            "notification_id": "demo",
            "title": "This bank is not real",
            "message": _GREETING.format(control_page=control_page),
        },
    )


async def is_connected(home_assistant: HomeAssistantClient) -> bool:
    """Return whether the integration has a config entry."""
    return bool(await home_assistant.command("config_entries/get", **_MONZO))


async def connect(
    home_assistant: HomeAssistantClient, household: Household, server: BankServer
) -> None:
    """Add the credentials, and sign Ann in."""
    credentials = await home_assistant.command("application_credentials/list")
    if not any(each["domain"] == "monzo" for each in credentials):
        await add_credentials(home_assistant, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    await sign_in(home_assistant, household.ann, server.approve)


async def furnish(
    home_assistant: HomeAssistantClient,
    household: Household,
    folder: Path,
    *,
    limit: float | None = WAIT_SECONDS,
) -> None:
    """Import the past of the bank, add budgets and automations, and a dashboard as the default.

    `folder` is Home Assistant's configuration folder. Waits for the integration up to `limit`
    seconds (None: without limit). Does nothing if the dashboard exists already.
    """
    dashboards = await home_assistant.command("lovelace/dashboards/list")
    if any(dashboard["url_path"] == _DASHBOARD for dashboard in dashboards):
        return

    async def is_loaded() -> bool:
        return await _is_loaded(home_assistant)

    await home_assistant.wait_until(is_loaded, "The integration was not set up in time.", limit)
    await import_past_statistics(home_assistant, household.bank)
    await add_past_states(home_assistant, folder, household.bank)
    for title, amount, category in _BUDGETS:
        await add_budget(home_assistant, title=title, limit=amount, categories=[category])
        await home_assistant.wait_until(is_loaded, "A budget was not added in time.", limit)
    await _add_automations(home_assistant, household.current)
    await home_assistant.command(
        "lovelace/dashboards/create", url_path=_DASHBOARD, title="Money", icon="mdi:wallet"
    )
    await home_assistant.command(
        "lovelace/config/save", url_path=_DASHBOARD, config={"strategy": {"type": "custom:monzo"}}
    )
    await home_assistant.command(
        "frontend/set_system_data", key="core", value={"default_panel": _DASHBOARD}
    )


async def _add_automations(home_assistant: HomeAssistantClient, account: Account) -> None:
    """Add two automations for an account: each one uses a blueprint, and only notifies."""
    devices = await home_assistant.command("config/device_registry/list")
    (device_id,) = [
        device["id"] for device in devices if ["monzo", account.id] in device["identifiers"]
    ]
    for name, (alias, inputs) in _AUTOMATIONS.items():
        blueprint = {
            "path": f"monzo/{name}.yaml",
            "input": {
                key: device_id if value is _ACCOUNT else value for key, value in inputs.items()
            },
        }
        await home_assistant.post(
            f"/api/config/automation/config/demo_{name}",
            {"alias": alias, "use_blueprint": blueprint},
        )


async def _is_loaded(home_assistant: HomeAssistantClient) -> bool:
    """Return whether the integration is set up.

    Raises HomeAssistantFailedError if its set-up has failed.
    """
    entries = await home_assistant.command("config_entries/get", **_MONZO)
    for entry in entries:
        if entry["state"] == "setup_error":
            msg = f"The integration could not be set up: {entry['reason']}"
            raise HomeAssistantFailedError(msg)
    return any(entry["state"] == "loaded" for entry in entries)
