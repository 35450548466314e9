"""Lay out the dashboard.

The strategy in the browser requests the configuration of the dashboard each time a user opens it.
It lists the accounts and pots that have entities, and the graphs that have data.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from homeassistant.auth.models import User
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
import voluptuous as vol

from ..const import DEVICE_MODEL_ACCOUNT, DOMAIN

# The period that graphs show.
GRAPH_DAYS: Final = 30

# The entities that graphs show, by translation key.
GRAPH_KEYS: Final = ("total", "balance", "spend_today")

# The most sections side by side, on a wide screen.
MAX_COLUMNS: Final = 4

# The name of a tile or of a line in a graph: the name of its device, or of its entity.
DEVICE_NAME: Final = {"type": "device"}
ENTITY_NAME: Final = {"type": "entity"}

type Card = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardDevice:
    """The device of a person, an account or a pot, with its visible entities."""

    id: str
    name: str
    model: str | None

    parent_id: str | None
    """For a pot the device of its account, for an account the device of its owner."""

    entities: dict[str, str] = field(default_factory=dict)
    """Entity ids by translation key, without hidden and disabled entities."""


@callback
def async_register_dashboard_command(hass: HomeAssistant) -> None:
    """Register the websocket command that returns the dashboard. Call once per start."""
    async_register_command(hass, _async_get_dashboard)


@websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/dashboard",
        vol.Required("language"): str,
        vol.Optional("accounts", default=list): vol.All(cv.ensure_list, [str]),
        vol.Optional("hide_amounts", default=False): vol.Coerce(bool),
        # Strategies accept other options, such as `title`.
        vol.Extra: object,
    }
)
@async_response
async def _async_get_dashboard(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Send the configuration of the dashboard."""
    translations = await async_get_translations(hass, msg["language"], "common", {DOMAIN})

    def text(key: str) -> str:
        return translations.get(f"component.{DOMAIN}.common.{key}", key)

    devices = _async_devices(hass)
    selected, hide_amounts = msg["accounts"], msg["hide_amounts"]
    accounts = [
        device
        for device in devices
        if "balance" in device.entities and (not selected or device.id in selected)
    ]
    if accounts:
        layout = DashboardLayout(
            text=text,
            devices=devices,
            accounts=accounts,
            selected=selected,
            hide_amounts=hide_amounts,
            graphed=() if hide_amounts else await _async_entities_with_statistics(hass, devices),
        )
        view = {"type": "sections", "max_columns": MAX_COLUMNS, "sections": layout.sections()}
    else:
        view = {"type": "panel", "cards": [_no_accounts_card(text, connection.user)]}
    connection.send_result(msg["id"], {"title": text("dashboard_title"), "views": [view]})


@callback
def _async_devices(hass: HomeAssistant) -> list[DashboardDevice]:
    """Return the devices that have visible entities."""
    registry = dr.async_get(hass)
    devices: dict[str, DashboardDevice] = {}
    for entity in er.async_get(hass).entities.values():
        if entity.platform != DOMAIN or entity.hidden or entity.disabled:
            continue
        device = registry.async_get(entity.device_id or "")
        if not (entity.translation_key and isinstance(device, dr.DeviceEntry)):
            continue
        if device.id not in devices:
            devices[device.id] = DashboardDevice(
                id=device.id,
                name=device.name_by_user or device.name or "",
                model=device.model,
                parent_id=device.via_device_id,
            )
        devices[device.id].entities[entity.translation_key] = entity.entity_id
    return list(devices.values())


async def _async_entities_with_statistics(
    hass: HomeAssistant, devices: Iterable[DashboardDevice]
) -> Collection[str]:
    """Return the entities that a graph can show.

    There are none without the recorder, and none in the first hours after the installation.
    """
    if "recorder" not in hass.config.components:
        return ()
    from homeassistant.components.recorder.statistics import (  # noqa: PLC0415 - not always loaded
        statistics_during_period,
    )
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only the recorder loads it

    entities = {entity for key in GRAPH_KEYS for entity in _entities(devices, key)}
    # If the database is broken, show the dashboard without graphs.
    with suppress(SQLAlchemyError, RuntimeError):
        return await get_instance(hass).async_add_executor_job(
            statistics_during_period,
            hass,
            dt_util.utcnow() - timedelta(days=GRAPH_DAYS),
            None,
            entities,
            "day",
            None,
            {"state"},
        )
    return ()


def _no_accounts_card(text: Callable[[str], str], user: User) -> Card:
    """Return the card that is shown if there are no accounts.

    Only administrators can add the integration, so only they see the button.
    """
    tap_action = {"action": "navigate", "navigation_path": "/config/integrations"}
    button = {"text": text("dashboard_set_up"), "tap_action": tap_action}
    return {
        "type": "empty-state",
        "title": text("dashboard_nothing"),
        "content": text("dashboard_nothing_why"),
        "buttons": [button] if user.is_admin else [],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardLayout:
    """Arranges the cards in sections."""

    text: Callable[[str], str]
    """Translates a key."""

    devices: list[DashboardDevice]

    accounts: list[DashboardDevice]
    """The accounts to show."""

    selected: list[str]
    """The device ids of the accounts that the user has selected; empty for all accounts."""

    hide_amounts: bool

    graphed: Collection[str]
    """The entities that a graph can show."""

    def sections(self) -> list[Card]:
        """Return the sections that have more than a heading."""
        main = [account for account in self.accounts if account.model == DEVICE_MODEL_ACCOUNT]
        others = [account for account in self.accounts if account not in main]
        # The total counts all accounts, so it is not shown with a selection.
        people = [
            device for device in self.devices if "total" in device.entities and not self.selected
        ]
        # Without graphs this section is one line high. In a single column it would leave a gap
        # above the section below it.
        width = 1 if self.graphed else MAX_COLUMNS
        sections = [
            _section([*self._total_cards(people), *self._spending_cards(main)], width),
            *(_section(self._account_cards(account, people)) for account in main),
            _section(self._other_account_cards(others)),
            _section([self._transactions_card()], 2),
        ]
        return [
            section
            for section in sections
            if any(card["type"] != "heading" for card in section["cards"])
        ]

    def _total_cards(self, people: list[DashboardDevice]) -> list[Card]:
        """Return the total of each person, with a graph."""
        if not people:
            return []
        name = DEVICE_NAME if len(people) > 1 else ENTITY_NAME
        return [
            _heading(self.text("dashboard_everything"), "mdi:sigma"),
            *(
                card
                for person in people
                for card in self._tile(person, "total", "purple", name, 12)
            ),
            *self._trend_graph(people, "total"),
        ]

    def _spending_cards(self, accounts: list[DashboardDevice]) -> list[Card]:
        """Return the graph of daily spending."""
        graph = self._graph(accounts, "spend_today", stat_types=["change"], chart_type="bar-stack")
        heading = _heading(self.text("dashboard_spending"), "mdi:chart-bar")
        return [heading, *graph] if graph else []

    def _account_cards(self, account: DashboardDevice, people: list[DashboardDevice]) -> list[Card]:
        """Return an account with its pots. Pots with a goal come first."""
        owner = next((person.name for person in people if person.id == account.parent_id), "")
        title = f"{account.name} · {owner}" if owner and len(people) > 1 else account.name
        pots = [
            device
            for device in self.devices
            if device.parent_id == account.id and "pot_balance" in device.entities
        ]
        pots.sort(key=lambda pot: "goal" not in pot.entities)
        return [
            _heading(title, "mdi:bank"),
            *self._tile(account, "balance", "teal", columns=12),
            *self._trend_graph([account], "balance"),
            *self._tile(account, "spend_today", "deep-orange"),
            *(self._tile(account, "total_balance", "teal") if pots else ()),
            *(
                {
                    "type": "custom:monzo-pot-card",
                    "pot": pot.id,
                    "hide_amounts": self.hide_amounts,
                }
                for pot in pots
            ),
        ]

    def _other_account_cards(self, accounts: list[DashboardDevice]) -> list[Card]:
        """Return the accounts that have no pots, with a graph."""
        return [
            _heading(self.text("dashboard_others"), "mdi:credit-card-outline"),
            *(
                tile
                for account in accounts
                for tile in self._tile(account, "balance", "grey", DEVICE_NAME)
            ),
            *self._trend_graph(accounts, "balance"),
        ]

    def _transactions_card(self) -> Card:
        """Return the latest transactions of the accounts that the dashboard shows."""
        return {
            "type": "custom:monzo-transactions-card",
            **({"account": self.selected} if self.selected else {}),
            "hide_amounts": self.hide_amounts,
            "grid_options": {"columns": "full"},
        }

    def _tile(
        self,
        device: DashboardDevice,
        key: str,
        color: str,
        name: dict[str, str] = ENTITY_NAME,
        columns: int = 6,
    ) -> list[Card]:
        """Return the tile of an entity; empty if the device does not have it."""
        return [
            {
                "type": "tile",
                "entity": entity,
                "color": color,
                "name": name,
                "hide_state": self.hide_amounts,
                "grid_options": {"columns": columns},
            }
            for entity in _entities([device], key)
        ]

    def _trend_graph(self, devices: list[DashboardDevice], key: str) -> list[Card]:
        """Return a graph of amounts over time; empty if there is no data."""
        return self._graph(devices, key, stat_types=["state"], fit_y_data=True)

    def _graph(self, devices: list[DashboardDevice], key: str, **options: object) -> list[Card]:
        """Return a graph with a line for each device; empty if there is no data."""
        entities = [entity for entity in _entities(devices, key) if entity in self.graphed]
        graph = {
            "type": "statistics-graph",
            "entities": [{"entity": entity, "name": DEVICE_NAME} for entity in entities],
            "period": "day",
            "days_to_show": GRAPH_DAYS,
            "hide_legend": len(entities) <= 1,
            **options,
        }
        return [graph] if entities else []


def _section(cards: list[Card], columns: int = 1) -> Card:
    """Return a section that is up to that many columns wide."""
    return {"type": "grid", "cards": cards, "column_span": columns}


def _heading(heading: str, icon: str) -> Card:
    """Return the heading of a section."""
    return {"type": "heading", "heading": heading, "icon": icon}


def _entities(devices: Iterable[DashboardDevice], key: str) -> list[str]:
    """Return the entities with a translation key, one per device that has it."""
    return [device.entities[key] for device in devices if key in device.entities]
