"""The demo's dashboard: what an account holder would build from the integration's entities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .home_assistant import Frontend

DASHBOARD = "demo-bank"

type Card = dict[str, Any]

_NOTE = """\
### This is not your money
Everything here comes from a **sandbox bank** on this computer. On [its control page]({control})
you can pay, receive, decline, close a pot, and break the bank to see what Home Assistant does.
Home Assistant asks it every minute or two.
"""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A person, an account or a pot: its device, and its entities by what they show."""

    device_id: str
    below: str | None
    """The device that it hangs below."""

    name: str
    entities: dict[str, str]


async def show_dashboard(home_assistant: Frontend, control_page: str) -> None:
    """Save the dashboard, and have everybody who logs in begin there."""
    view = _view(await _subjects(home_assistant), control_page)
    await home_assistant.command(
        "lovelace/dashboards/create", url_path=DASHBOARD, title="Money", icon="mdi:wallet"
    )
    await home_assistant.command(
        "lovelace/config/save", url_path=DASHBOARD, config={"title": "Money", "views": [view]}
    )
    await home_assistant.command(
        "frontend/set_system_data", key="core", value={"default_panel": DASHBOARD}
    )


async def has_dashboard(home_assistant: Frontend) -> bool:
    """Return whether the dashboard was saved before."""
    dashboards = await home_assistant.command("lovelace/dashboards/list")
    return any(dashboard["url_path"] == DASHBOARD for dashboard in dashboards)


async def _subjects(home_assistant: Frontend) -> list[Subject]:
    """Return what the integration has made devices of."""
    entities: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for entity in await home_assistant.command("config/entity_registry/list"):
        if entity["platform"] == "monzo" and not entity["disabled_by"]:
            entities[entity["device_id"]].append(entity)
    found = []
    for device in await home_assistant.command("config/device_registry/list"):
        ids = [number for domain, number in device["identifiers"] if domain == "monzo"]
        for number in ids:
            shown = {
                entity["unique_id"].removeprefix(f"{number}_"): entity["entity_id"]
                for entity in entities[device["id"]]
            }
            found.append(
                Subject(
                    device_id=device["id"],
                    below=device["via_device_id"],
                    name=device["name_by_user"] or device["name"],
                    entities=shown,
                )
            )
    return found


def _view(subjects: list[Subject], control_page: str) -> Card:
    people = [subject for subject in subjects if "total" in subject.entities]
    accounts = [subject for subject in subjects if "balance" in subject.entities]
    pots = [subject for subject in subjects if "pot_balance" in subject.entities]
    with_pots = {pot.below for pot in pots}
    main = [account for account in accounts if account.device_id in with_pots]
    others = [account for account in accounts if account.device_id not in with_pots]
    own_pots = {
        account.device_id: [pot for pot in pots if pot.below == account.device_id]
        for account in main
    }
    sections = [
        _everything(people, main, pots, control_page),
        *(_account(account, own_pots[account.device_id]) for account in main),
        _rest(others, main, pots),
    ]
    return {
        "title": "Money",
        "path": "money",
        "type": "sections",
        "max_columns": 4,
        "sections": [{"type": "grid", "cards": cards} for cards in sections],
    }


def _everything(
    people: list[Subject], accounts: list[Subject], pots: list[Subject], control_page: str
) -> list[Card]:
    totals = [person.entities["total"] for person in people]
    balances = [account.entities["balance"] for account in accounts]
    return [
        _heading("Everything", "mdi:sigma"),
        *(_tile(total, "purple", features=[_TREND], columns=12) for total in totals),
        {
            "type": "statistics-graph",
            "title": "The last four weeks",
            "entities": balances,
            "days_to_show": 28,
            "period": "day",
            "stat_types": ["state"],
            "chart_type": "line",
        },
        {
            "type": "distribution",
            "title": "Where the savings are",
            "entities": [{"entity": pot.entities["pot_balance"], "name": _DEVICE} for pot in pots],
        },
        {"type": "markdown", "content": _NOTE.format(control=control_page)},
    ]


def _account(account: Subject, pots: list[Subject]) -> list[Card]:
    """Return an account with its pots below it, those with a goal first."""
    shown = account.entities
    by_goal = sorted(pots, key=lambda pot: "goal_progress" not in pot.entities)
    return [
        _heading(account.name, "mdi:bank"),
        _tile(shown["balance"], "teal", features=[_TREND], columns=12),
        _tile(shown["spend_today"], "deep-orange"),
        _tile(shown["total_balance"], "teal"),
        _heading("Pots", "mdi:piggy-bank", style="subtitle"),
        *(card for pot in by_goal for card in _pot(pot)),
    ]


def _pot(pot: Subject) -> list[Card]:
    cards = [_tile(pot.entities["pot_balance"], "blue", name=_DEVICE)]
    if progress := pot.entities.get("goal_progress"):
        cards.append(_tile(progress, "green", features=[{"type": "bar-gauge"}]))
    return cards


def _rest(others: list[Subject], accounts: list[Subject], pots: list[Subject]) -> list[Card]:
    """Return the accounts that only have a balance, and what has happened everywhere."""
    watched = [account.entities["balance"] for account in (*accounts, *others)]
    watched += [pot.entities["pot_balance"] for pot in pots]
    return [
        _heading("Other accounts", "mdi:credit-card-outline"),
        *(_tile(account.entities["balance"], "grey", name=_DEVICE) for account in others),
        _heading("Activity", "mdi:format-list-bulleted"),
        {
            "type": "logbook",
            "target": {"entity_id": watched},
            "hours_to_show": 24,
            "grid_options": {"columns": 12, "rows": 8},
        },
    ]


_TREND: Card = {"type": "trend-graph", "hours_to_show": 24}
_DEVICE: Card = {"type": "device"}


def _heading(text: str, icon: str, *, style: str = "title") -> Card:
    return {"type": "heading", "heading": text, "icon": icon, "heading_style": style}


def _tile(
    entity: str, color: str, *, columns: int = 6, features: Sequence[Card] = (), **options: object
) -> Card:
    return {
        "type": "tile",
        "entity": entity,
        "color": color,
        "features": list(features),
        "grid_options": {"columns": columns},
        **options,
    }
