"""The demo's dashboard: what an account holder would build from the integration's entities."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from .home import DAYS_OF_HISTORY
from .home_assistant import Frontend

DASHBOARD = "demo-bank"

type Card = dict[str, Any]

_GREETING = (
    "## A bank that is not real\n"
    "Everything here comes from a **sandbox bank** on this computer. "
    "On [its control page]({control}) you can pay, receive, decline, close a pot, and break the "
    "bank. What happens there shows up here within a second."
)


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
        _everything(people, main),
        *(_account(account, own_pots[account.device_id]) for account in main),
        # Numbers that change all the time are no news.
        _activity([entity for entity in _entities(subjects) if entity.startswith("event.")], main),
        _savings(pots),
        _others(others),
    ]
    greeting = {
        "type": "markdown",
        "text_only": True,
        "content": _GREETING.format(control=control_page),
    }
    return {
        "title": "Money",
        "path": "money",
        "type": "sections",
        "max_columns": 3,
        "header": {"layout": "start", "card": greeting},
        "badges": [
            {
                "type": "entity",
                "entity": person.entities[link],
                "name": _ENTITY,
                "show_name": True,
            }
            for person in people
            for link in ("connection", "instant_updates")
        ],
        "sections": [{"type": "grid", "cards": cards} for cards in sections],
    }


def _entities(subjects: list[Subject]) -> list[str]:
    return [entity for subject in subjects for entity in subject.entities.values()]


def _everything(people: list[Subject], accounts: list[Subject]) -> list[Card]:
    totals = [person.entities["total"] for person in people]
    return [
        _heading("Everything", "mdi:sigma"),
        *(_tile(total, "purple", columns=12, name=_ENTITY) for total in totals),
        {
            "type": "statistics-graph",
            "title": "The last two months",
            "entities": [
                {"entity": account.entities["balance"], "name": account.name}
                for account in accounts
            ],
            "days_to_show": DAYS_OF_HISTORY,
            "period": "day",
            "stat_types": ["state"],
            "chart_type": "line",
        },
    ]


def _account(account: Subject, pots: list[Subject]) -> list[Card]:
    """Return an account with its pots below it, those with a goal first."""
    shown = account.entities
    by_goal = sorted(pots, key=lambda pot: "goal_progress" not in pot.entities)
    return [
        _heading(account.name, "mdi:bank"),
        _tile(shown["balance"], "teal", columns=12, name=_ENTITY),
        _tile(shown["spend_today"], "deep-orange", name=_ENTITY),
        _tile(shown["total_balance"], "teal", name=_ENTITY),
        _heading("Pots", "mdi:piggy-bank", style="subtitle"),
        *(card for pot in by_goal for card in _pot(pot)),
    ]


def _pot(pot: Subject) -> list[Card]:
    """Return a pot, with how far it is beside it if it has a goal."""
    balance = pot.entities["pot_balance"]
    if (progress := pot.entities.get("goal_progress")) is None:
        return [_tile(balance, "blue", name=_DEVICE)]
    return [
        _tile(balance, "blue", rows=2, name=_DEVICE, vertical=True),
        _tile(progress, "green", rows=2, name=_ENTITY, features=[_GAUGE]),
    ]


def _savings(pots: list[Subject]) -> list[Card]:
    return [
        _heading("Savings", "mdi:piggy-bank"),
        {
            "type": "distribution",
            "entities": [{"entity": pot.entities["pot_balance"], "name": pot.name} for pot in pots],
        },
    ]


def _others(accounts: list[Subject]) -> list[Card]:
    return [
        _heading("Other accounts", "mdi:credit-card-outline"),
        *(_tile(account.entities["balance"], "grey", name=_DEVICE) for account in accounts),
    ]


def _activity(news: list[str], accounts: list[Subject]) -> list[Card]:
    return [
        _heading("Activity", "mdi:format-list-bulleted"),
        *(_latest(account.entities["transaction"]) for account in accounts),
        {
            "type": "logbook",
            "target": {"entity_id": news},
            "hours_to_show": 24,
            "grid_options": {"columns": 12, "rows": 6},
        },
    ]


def _latest(transaction: str) -> Card:
    """Return what an account's latest transaction was, once there is one."""
    return _tile(
        transaction,
        "indigo",
        columns=12,
        name=_DEVICE,
        state_content=["event_type", "name", "amount"],
        visibility=[{"condition": "state", "entity": transaction, "state_not": "unknown"}],
    )


_GAUGE: Card = {"type": "bar-gauge"}
_DEVICE: Card = {"type": "device"}
_ENTITY: Card = {"type": "entity"}


def _heading(text: str, icon: str, *, style: str = "title") -> Card:
    return {"type": "heading", "heading": text, "icon": icon, "heading_style": style}


def _tile(
    entity: str, color: str, *, columns: int = 6, rows: int | str = "auto", **options: object
) -> Card:
    return {
        "type": "tile",
        "entity": entity,
        "color": color,
        "grid_options": {"columns": columns, "rows": rows},
        **options,
    }
