"""From Home Assistant's built-in integration to this one and back, with its real code.

Every start is one of the newest Home Assistant, in its own process and environment.
"""

import asyncio
from collections.abc import Awaitable, Callable
import json
import os
from pathlib import Path
import shutil
import time
from typing import Any

import pytest

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Person
from sandbox.household import Household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.helpers.newest_home_assistant import PYTHON, needs_newest_home_assistant
from tests.sandbox.waiting import LIMIT_SECONDS

REPOSITORY = Path(__file__).parents[1]

# What the built-in integration names its entities by.
KEYS_OF_CORE = ("balance", "total_balance", "spend_today", "pot_balance")

type Start = Callable[..., Awaitable[dict[str, Any]]]


def entry_of_core(server: BankServer, person: Person, created_at: str) -> dict[str, Any]:
    """Return a config entry as the built-in integration's dialog writes it (version 1.3)."""
    token: dict[str, Any] = server.sign_in(person)
    return {
        "created_at": created_at,
        "data": {
            "auth_implementation": "monzo_sandbox",
            "token": {**token, "expires_at": time.time() + token["expires_in"]},
            "webhook_id": f"webhook-of-{person.first_name.lower()}",
        },
        "disabled_by": None,
        "discovery_keys": {},
        "domain": DOMAIN,
        "entry_id": f"entry_of_{person.first_name.lower()}",
        "minor_version": 3,
        "modified_at": created_at,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": person.name,
        "unique_id": person.user_id,
        "version": 1,
    }


def store(folder: Path, key: str, data: dict[str, Any], minor_version: int = 1) -> None:
    """Write one of Home Assistant's files."""
    content = {"version": 1, "minor_version": minor_version, "key": key, "data": data}
    (folder / ".storage" / key).write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(autouse=True)
def _fixed_start() -> None:
    """Keep the real time, because Home Assistant runs in another process."""


@pytest.fixture
def start(tmp_path: Path, home: Household, server: BankServer) -> Start:
    """Return what starts and stops a Home Assistant that Ann and Ben have used for long."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "sandbox").symlink_to(REPOSITORY / "sandbox")
    (tmp_path / ".storage").mkdir(exist_ok=True)
    (tmp_path / "configuration.yaml").touch()
    entries = [
        entry_of_core(server, home.ann, "2025-01-01T00:00:00+00:00"),
        entry_of_core(server, home.ben, "2025-02-02T00:00:00+00:00"),
    ]
    store(tmp_path, "core.config_entries", {"entries": entries}, minor_version=5)
    credentials = {
        "id": "monzo_sandbox",
        "domain": DOMAIN,
        "client_id": DEFAULT_CLIENT_ID,
        "client_secret": DEFAULT_CLIENT_SECRET,
        "auth_domain": "monzo_sandbox",
        "name": "Sandbox",
    }
    store(tmp_path, "application_credentials", {"items": [credentials]})

    async def start(*story: str, ours: bool) -> dict[str, Any]:
        custom = tmp_path / "custom_components"
        shutil.rmtree(custom, ignore_errors=True)
        if ours:
            shutil.copytree(REPOSITORY / "custom_components", custom)
        process = await asyncio.create_subprocess_exec(
            PYTHON,
            *("-P", str(REPOSITORY / "tests/one_start.py"), str(tmp_path), server.url, *story),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(modules)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, err.decode()
        seen: dict[str, Any] = json.loads(out)
        assert seen["built_in"] is not ours
        return seen

    return start


@needs_newest_home_assistant
@pytest.mark.timeout(4 * LIMIT_SECONDS)
async def test_people_come_from_the_built_in_integration_and_can_go_back(
    home: Household, start: Start
) -> None:
    everybodys = (home.ann, home.ben)

    core = await start("as-a-person-would", ours=False)
    assert {entry["state"] for entry in core["entries"].values()} == {"loaded"}
    known = {
        unique_id: entity
        for unique_id, entity in core["entities"].items()
        if unique_id.endswith(KEYS_OF_CORE)
    }
    assert f"{home.holiday.id}_pot_balance" in known
    assert any(entity["entity_id"].endswith("_my_own_id") for entity in known.values())

    ours = await start("add-a-budget", ours=True)
    for person in everybodys:
        before, after = core["entries"][person.user_id], ours["entries"][person.user_id]
        assert "webhook_url" in before["data"]
        assert {**after, "budgets": {}} == before
    assert_kept(home, core, ours, known)
    # What both see is there once.
    for subject in (home.joint.id, home.house.id, home.bills.id):
        assert sum(subject in devices for devices in ours["devices"].values()) == 1

    back = await start(ours=False)
    for person in everybodys:
        # The settings of the budget stay.
        assert back["entries"][person.user_id] == ours["entries"][person.user_id]
    assert_kept(home, core, back, known)
    ((budget_id, entry_id),) = [
        (budget_id, entry["id"])
        for entry in ours["entries"].values()
        for budget_id in entry["budgets"]
    ]
    assert budget_id in ours["devices"][entry_id]
    assert budget_id not in back["devices"][entry_id]

    # The budget comes back with its entities.
    again = await start(ours=True)
    assert again["devices"][entry_id][budget_id]["name"] == "Groceries"
    limit = f"{budget_id}_budget_limit"
    assert again["entities"][limit]["entity_id"] == ours["entities"][limit]["entity_id"]
    assert again["entities"][limit]["state"] == "300.0"


def assert_kept(
    home: Household, before: dict[str, Any], after: dict[str, Any], known: dict[str, Any]
) -> None:
    """Assert that the entities that were known and their devices are as they were, and alive."""
    for unique_id, entity in known.items():
        now = after["entities"][unique_id]
        assert now["entity_id"] == entity["entity_id"]
        assert now["name"] == entity["name"]
        assert now["state"] not in (None, "unavailable", "unknown"), unique_id
    shared = {home.joint.id, home.house.id, home.bills.id}
    for entry_id, devices in before["devices"].items():
        for subject, device in devices.items():
            if subject not in shared:
                now = after["devices"][entry_id][subject]
                assert now["id"] == device["id"]
                assert now["name_by_user"] == device["name_by_user"]
                assert now["model"] == device["model"]
