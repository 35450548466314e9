"""What tests of the cards and the dashboard arrange: dashboards, people, and options."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.server import Answer

from .house import House

_OPTIONS_FLOW = "/api/config/config_entries/options/flow"


async def lay_out(house: House, url_path: str, config: dict[str, Any]) -> str:
    """Save a dashboard, a new one where there is none, and return its path."""
    known = await house.owner.command("lovelace/dashboards/list")
    if all(dashboard["url_path"] != url_path for dashboard in known):
        await house.owner.command(
            "lovelace/dashboards/create", url_path=url_path, title=url_path, show_in_sidebar=False
        )
    await house.owner.command("lovelace/config/save", url_path=url_path, config=config)
    return f"/{url_path}/0"


async def device_of(house: House, subject_id: str) -> str:
    """Return the id of the device of an account or a pot."""
    devices = await house.owner.command("config/device_registry/list")
    (device,) = (each for each in devices if ["monzo", subject_id] in each["identifiers"])
    found: str = device["id"]
    return found


@asynccontextmanager
async def moved_in(house: House, name: str, *, admin: bool) -> AsyncIterator[House]:
    """Have somebody live here as well, and return the house as theirs.

    Their windows are to be closed before they move out.
    """
    group = "system-admin" if admin else "system-users"
    made = await house.owner.command("config/auth/create", name=name, group_ids=[group])
    user_id = made["user"]["id"]
    await house.owner.command(
        "config/auth_provider/homeassistant/create",
        user_id=user_id,
        username=name,
        password=name,
    )
    async with HomeAssistantClient(house.url) as other:
        await other.log_in(name, name)
        yield replace(house, owner=other)
    await house.owner.command("config/auth/delete", user_id=user_id)


@asynccontextmanager
async def limited(house: House, **options: object) -> AsyncIterator[None]:
    """Have other options for a while."""
    before = await _change_options(house, options)
    yield
    await _change_options(house, dict.fromkeys(options) | before)


@asynccontextmanager
async def not_loaded(house: House) -> AsyncIterator[None]:
    """Have the integration fail to start again for a while, for the bank is down."""
    down = house.server.fail("GET", "/accounts", Answer.html(502), times=None)
    try:
        await _start_again(house)
        yield
    finally:
        down.clear()
        await reload(house)


async def reload(house: House) -> None:
    """Have the integration ask for everything anew."""
    await _start_again(house)
    await house.loaded()


async def _start_again(house: House) -> None:
    (entry,) = await house.entries()
    await house.owner.post(f"/api/config/config_entries/entry/{entry['entry_id']}/reload")


async def _change_options(house: House, options: dict[str, Any]) -> dict[str, Any]:
    """Fill in the form of the options, and return what it was filled in with; None empties."""
    (entry,) = await house.entries()
    form = await house.owner.post(_OPTIONS_FLOW, {"handler": entry["entry_id"]})
    before = {
        field["name"]: field["description"]["suggested_value"]
        for field in form["data_schema"]
        if field.get("description")
    }
    filled_in = {name: value for name, value in (before | options).items() if value is not None}
    await house.owner.post(f"{_OPTIONS_FLOW}/{form['flow_id']}", filled_in)
    await house.loaded()
    return before
