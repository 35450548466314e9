"""The dashboard of everything at the bank, as its strategy gets it whenever somebody opens it."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from homeassistant.auth.models import User
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.websocket_api import async_register_command
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.decorators import async_response, websocket_command
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from sqlalchemy.exc import SQLAlchemyError
import voluptuous as vol

from ..const import DEVICE_MODEL_ACCOUNT, DOMAIN

# How far graphs go back.
DAYS: Final = 30

# How many sections are side by side at most, on a screen that is wide enough.
COLUMNS: Final = 4

# What an entity or a graph's line is called: as its device, or as itself.
AS_DEVICE: Final = {"type": "device"}
AS_ENTITY: Final = {"type": "entity"}

type Card = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A person, an account or a pot, by its device."""

    id: str
    name: str
    model: str | None
    above: str | None
    """The device of whom an account belongs to, or of the account of a pot."""

    entities: dict[str, str] = field(default_factory=dict)
    """The ids of those that can be seen, by their translation keys."""


@callback
def async_setup_dashboard_strategy(hass: HomeAssistant) -> None:
    """Have browsers get the dashboard; once per start."""
    async_register_command(hass, _async_dashboard)


@websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/dashboard",
        vol.Required("language"): str,
        vol.Optional("accounts", default=list): vol.All(cv.ensure_list, [str]),
        vol.Optional("hide_amounts", default=False): vol.Coerce(bool),
        # Whatever else people write down for a strategy.
        vol.Extra: object,
    }
)
@async_response
async def _async_dashboard(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Answer with the dashboard's configuration."""
    texts = await async_get_translations(hass, msg["language"], "common", {DOMAIN})

    def text(key: str) -> str:
        return texts[f"component.{DOMAIN}.common.{key}"]

    subjects = _async_subjects(hass)
    accounts = [
        subject
        for subject in subjects
        if "balance" in subject.entities and (not msg["accounts"] or subject.id in msg["accounts"])
    ]
    if accounts:
        layout = Layout(
            text=text,
            subjects=subjects,
            accounts=accounts,
            chosen=msg["accounts"],
            hide_amounts=msg["hide_amounts"],
            drawable=set() if msg["hide_amounts"] else await _async_drawable(hass, subjects),
        )
        view = {"type": "sections", "max_columns": COLUMNS, "sections": layout.sections()}
    else:
        view = {"type": "panel", "cards": [_nothing(text, connection.user)]}
    connection.send_result(msg["id"], {"title": text("dashboard_title"), "views": [view]})


@callback
def _async_subjects(hass: HomeAssistant) -> list[Subject]:
    """Return all that has entities, without those that somebody hides or has disabled."""
    devices = dr.async_get(hass)
    subjects: dict[str, Subject] = {}
    for entity in er.async_get(hass).entities.values():
        if entity.platform != DOMAIN or entity.hidden or entity.disabled:
            continue
        device = devices.async_get(entity.device_id or "")
        if not (entity.translation_key and isinstance(device, dr.DeviceEntry)):
            continue
        if device.id not in subjects:
            subjects[device.id] = Subject(
                id=device.id,
                name=device.name_by_user or device.name or "",
                model=device.model,
                above=device.via_device_id,
            )
        subjects[device.id].entities[entity.translation_key] = entity.entity_id
    return list(subjects.values())


async def _async_drawable(hass: HomeAssistant, subjects: Iterable[Subject]) -> Collection[str]:
    """Return the entities of which there is something to draw.

    On the first day there is nothing yet. Without the recorder there never is.
    """
    keys = ("total", "balance", "spend_today")
    wanted = {
        subject.entities[key] for subject in subjects for key in keys if key in subject.entities
    }
    if "recorder" in hass.config.components:
        # A dashboard without graphs is better than none.
        with suppress(SQLAlchemyError, RuntimeError):
            return await get_instance(hass).async_add_executor_job(
                statistics_during_period,
                hass,
                dt_util.utcnow() - timedelta(days=DAYS),
                None,
                wanted,
                "day",
                None,
                {"state"},
            )
    return ()


def _nothing(text: Callable[[str], str], user: User) -> Card:
    """Return what is shown instead of accounts; only administrators can do something about it."""
    tap_action = {"action": "navigate", "navigation_path": "/config/integrations"}
    button = {"text": text("dashboard_set_up"), "tap_action": tap_action}
    return {
        "type": "empty-state",
        "title": text("dashboard_nothing"),
        "content": text("dashboard_nothing_why"),
        "buttons": [button] if user.is_admin else [],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is where on the dashboard."""

    text: Callable[[str], str]
    subjects: list[Subject]
    accounts: list[Subject]
    chosen: list[str]
    hide_amounts: bool
    drawable: Collection[str]

    def sections(self) -> list[Card]:
        """Return all of them, without those that would be no more than a heading."""
        main = [account for account in self.accounts if account.model == DEVICE_MODEL_ACCOUNT]
        others = [account for account in self.accounts if account not in main]
        # Who chooses accounts does not want to see the total of all.
        people = [
            subject for subject in self.subjects if "total" in subject.entities and not self.chosen
        ]
        # Without its graphs it is no more than a line, which would leave a hole above what follows.
        width = 1 if self.drawable else COLUMNS
        sections = [
            _section([*self._everything(people), *self._spending(main)], width),
            *(_section(self._account(account, people)) for account in main),
            _section(self._others(others)),
            _section([self._transactions()], 2),
        ]
        return [
            section
            for section in sections
            if any(card["type"] != "heading" for card in section["cards"])
        ]

    def _everything(self, people: list[Subject]) -> list[Card]:
        """Return the total of each person, and its course."""
        if not people:
            return []
        name = AS_DEVICE if len(people) > 1 else AS_ENTITY
        return [
            _heading(self.text("dashboard_everything"), "mdi:sigma"),
            *(
                card
                for person in people
                for card in self._tile(person, "total", "purple", name, 12)
            ),
            *self._course(people, "total"),
        ]

    def _spending(self, accounts: list[Subject]) -> list[Card]:
        """Return what was spent on each day."""
        graph = self._graph(accounts, "spend_today", stat_types=["change"], chart_type="bar-stack")
        heading = _heading(self.text("dashboard_spending"), "mdi:chart-bar")
        return [heading, *graph] if graph else []

    def _account(self, account: Subject, people: list[Subject]) -> list[Card]:
        """Return an account with its pots, those with a goal first."""
        owner = next((person.name for person in people if person.id == account.above), "")
        title = f"{account.name} · {owner}" if owner and len(people) > 1 else account.name
        pots = [
            subject
            for subject in self.subjects
            if subject.above == account.id and "pot_balance" in subject.entities
        ]
        return [
            _heading(title, "mdi:bank"),
            *self._tile(account, "balance", "teal", columns=12),
            *self._course([account], "balance"),
            *self._tile(account, "spend_today", "deep-orange"),
            *(self._tile(account, "total_balance", "teal") if pots else ()),
            *(
                {
                    "type": "custom:monzo-pot-card",
                    "pot": pot.id,
                    "hide_amounts": self.hide_amounts,
                }
                for pot in sorted(pots, key=lambda pot: "goal" not in pot.entities)
            ),
        ]

    def _others(self, accounts: list[Subject]) -> list[Card]:
        """Return the accounts without pots, and their courses."""
        return [
            _heading(self.text("dashboard_others"), "mdi:credit-card-outline"),
            *(
                tile
                for account in accounts
                for tile in self._tile(account, "balance", "grey", AS_DEVICE)
            ),
            *self._course(accounts, "balance"),
        ]

    def _transactions(self) -> Card:
        """Return the latest transactions of all accounts that are shown."""
        return {
            "type": "custom:monzo-transactions-card",
            **({"account": self.chosen} if self.chosen else {}),
            "hide_amounts": self.hide_amounts,
            "grid_options": {"columns": "full"},
        }

    def _tile(
        self,
        subject: Subject,
        key: str,
        color: str,
        name: dict[str, str] = AS_ENTITY,
        columns: int = 6,
    ) -> list[Card]:
        """Return the tile of an entity, if it is there."""
        return [
            {
                "type": "tile",
                "entity": entity,
                "color": color,
                "name": name,
                "hide_state": self.hide_amounts,
                "grid_options": {"columns": columns},
            }
            for entity in _entities([subject], key)
        ]

    def _course(self, subjects: list[Subject], key: str) -> list[Card]:
        """Return how amounts have gone up and down, if there is something to draw."""
        return self._graph(subjects, key, stat_types=["state"], fit_y_data=True)

    def _graph(self, subjects: list[Subject], key: str, **options: object) -> list[Card]:
        """Return a graph, if there is something to draw."""
        entities = [id_ for id_ in _entities(subjects, key) if id_ in self.drawable]
        graph = {
            "type": "statistics-graph",
            "entities": [{"entity": entity, "name": AS_DEVICE} for entity in entities],
            "period": "day",
            "days_to_show": DAYS,
            "hide_legend": len(entities) <= 1,
            **options,
        }
        return [graph] if entities else []


def _section(cards: list[Card], columns: int = 1) -> Card:
    """Return cards together, as wide as that many columns if there are as many."""
    return {"type": "grid", "cards": cards, "column_span": columns}


def _heading(heading: str, icon: str) -> Card:
    """Return what a section begins with."""
    return {"type": "heading", "heading": heading, "icon": icon}


def _entities(subjects: Iterable[Subject], key: str) -> list[str]:
    """Return the entities of one kind."""
    return [subject.entities[key] for subject in subjects if key in subject.entities]
