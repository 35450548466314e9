"""Preparations in Home Assistant: dashboards, users, and options of the integration."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sandbox.home_assistant import budgets
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.server import Answer

from .ha_instance import HaInstance

_OPTIONS_FLOW = "/api/config/config_entries/options/flow"


async def save_dashboard(ha: HaInstance, url_path: str, config: dict[str, Any]) -> str:
    """Create or replace a dashboard, and return the path of its first view."""
    dashboards = await ha.admin.command("lovelace/dashboards/list")
    if all(dashboard["url_path"] != url_path for dashboard in dashboards):
        await ha.admin.command(
            "lovelace/dashboards/create", url_path=url_path, title=url_path, show_in_sidebar=False
        )
    await ha.admin.command("lovelace/config/save", url_path=url_path, config=config)
    return f"/{url_path}/0"


async def device_id(ha: HaInstance, account_or_pot: str) -> str:
    """Return the id of the device of an account or a pot."""
    devices = await ha.admin.command("config/device_registry/list")
    (device,) = (each for each in devices if ["monzo", account_or_pot] in each["identifiers"])
    found: str = device["id"]
    return found


@asynccontextmanager
async def another_user(ha: HaInstance, name: str, *, admin: bool) -> AsyncIterator[HaInstance]:
    """Create a user, and return the instance with that user's API client; delete the user after.

    Close the user's browser windows before the end, because a logged out window shows errors.
    """
    group = "system-admin" if admin else "system-users"
    created = await ha.admin.command("config/auth/create", name=name, group_ids=[group])
    user_id = created["user"]["id"]
    await ha.admin.command(
        "config/auth_provider/homeassistant/create",
        user_id=user_id,
        username=name,
        password=name,
    )
    async with HomeAssistantClient(ha.url) as other:
        await other.log_in(name, name)
        yield replace(ha, admin=other)
    await ha.admin.command("config/auth/delete", user_id=user_id)


async def change_options(ha: HaInstance, **options: object) -> dict[str, Any]:
    """Change some options, and return all options as they were; None clears an option."""
    (entry,) = await ha.entries()
    form = await ha.admin.post(_OPTIONS_FLOW, {"handler": entry["entry_id"]})
    before = {
        field["name"]: field["description"]["suggested_value"]
        for field in form["data_schema"]
        if field.get("description")
    }
    new = {name: value for name, value in (before | options).items() if value is not None}
    await ha.admin.post(f"{_OPTIONS_FLOW}/{form['flow_id']}", new)
    await ha.wait_until_loaded()
    return before


@asynccontextmanager
async def temporary_options(ha: HaInstance, **options: object) -> AsyncIterator[None]:
    """Change some options inside the block."""
    before = await change_options(ha, **options)
    yield
    await change_options(ha, **dict.fromkeys(options) | before)


@asynccontextmanager
async def integration_not_loaded(ha: HaInstance) -> AsyncIterator[None]:
    """Make the integration unable to start inside the block, because the bank is down."""
    down = ha.server.fail("GET", "/accounts", Answer.html(502), times=None)
    try:
        await _start_again(ha)
        yield
    finally:
        down.clear()
        await reload_integration(ha)


async def reload_integration(ha: HaInstance) -> None:
    """Reload the config entry, so that it fetches everything."""
    await _start_again(ha)
    await ha.wait_until_loaded()


async def _start_again(ha: HaInstance) -> None:
    (entry,) = await ha.entries()
    await ha.admin.post(f"/api/config/config_entries/entry/{entry['entry_id']}/reload")


async def add_budget(
    ha: HaInstance, *, title: str, limit: float, categories: Sequence[str] = ()
) -> None:
    """Add a monthly budget of all accounts, as the dialog does."""
    await budgets.add_budget(ha.admin, title=title, limit=limit, categories=categories)
    await ha.wait_until_loaded()


@asynccontextmanager
async def temporary_budget(ha: HaInstance, title: str) -> AsyncIterator[str]:
    """Add a budget, and yield its ID; delete it after the block."""
    await add_budget(ha, title=title, limit=300)
    (budget_id,) = [each["subentry_id"] for each in await budgets_of(ha) if each["title"] == title]
    try:
        yield budget_id
    finally:
        await remove_budget(ha, budget_id)


async def budgets_of(ha: HaInstance) -> list[dict[str, Any]]:
    """Return the budgets of the only entry."""
    (entry,) = await ha.entries()
    command = "config_entries/subentries/list"
    found: list[dict[str, Any]] = await ha.admin.command(command, entry_id=entry["entry_id"])
    return found


async def remove_budget(ha: HaInstance, budget_id: str) -> None:
    """Delete a budget."""
    (entry,) = await ha.entries()
    await ha.admin.command(
        "config_entries/subentries/delete", entry_id=entry["entry_id"], subentry_id=budget_id
    )
    await ha.wait_until_loaded()
