"""Layout of the dashboard: its sections, cards and charts."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN

from ..const import DEVICE_MODEL_ACCOUNT
from .devices import DashboardDevice, entities_with
from .icons_and_colors import Face, account_color, pot_face

# The number of sections side by side on a wide screen.
MAX_COLUMNS: Final = 3

# The width of a section in the columns of Home Assistant's grid.
FULL_WIDTH: Final = 12
HALF_WIDTH: Final = 6

# At most this many accounts have a graph in their tile, because more would push everything else off
# the screen.
MAX_TILES_WITH_GRAPH: Final = 2

# The number of badges that fit beside a heading.
MAX_HEADING_BADGES: Final = 3

# The spending chart shows three months by week. By day, a rent would flatten all other bars.
CHART_PERIOD: Final = "week"
CHART_DAYS: Final = 91

# The heights that fit on a wall tablet below the tiles of four accounts, and of five.
CHART_ROWS: Final = 4
LOW_CHART_ROWS: Final = 3
MANY_ACCOUNTS: Final = 5

# With more pots than this, their column would be longer than that of the transactions.
MANY_POTS: Final = 24

# With more budgets and rows of pots, a wall tablet has no room for the shares of the pots.
MAX_ROWS_WITH_SHARES: Final = 6
POTS_PER_ROW: Final = 2

# Phones and upright tablets show the last column below the others.
NARROW: Final = "(max-width: 1023px)"
WIDE: Final = "(min-width: 1024px)"
NARROW_OR_HIGH: Final = f"{NARROW}, (min-height: 900px)"

UNKNOWN: Final = [STATE_UNKNOWN, STATE_UNAVAILABLE]

# The time of the graph of a balance. A graph of less than a day would show nothing.
TREND_TIME: Final = timedelta(days=14)
MIN_TREND_HOURS: Final = 24

# Names a tile or a bar in a chart after its device.
DEVICE_NAME: Final = {"type": "device"}

type Card = dict[str, Any]


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

    charted: Collection[str]
    """The entities of spending that have statistics."""

    recorded_hours: Mapping[str, int]
    """For how many hours the recorder has states of each balance."""

    has_outlook: bool
    """Whether one of the accounts has an outlook."""

    @property
    def _main_accounts(self) -> list[DashboardDevice]:
        """The accounts that people pay from, unlike Flex and loans."""
        return [account for account in self.accounts if account.model == DEVICE_MODEL_ACCOUNT]

    @property
    def _card_hides_amounts(self) -> str | bool:
        """The option of cards that have no button to hide amounts, because the view has one."""
        return "view" if self.hide_amounts else False

    @property
    def _people(self) -> list[DashboardDevice]:
        """The people whose total is shown. A total counts all accounts, also those not selected."""
        return [
            device for device in self.devices if "total" in device.entities and not self.selected
        ]

    @property
    def _pots(self) -> list[DashboardDevice]:
        """The pots of the accounts; those with a goal come first."""
        account_ids = {account.id for account in self.accounts}
        pots = [
            device
            for device in self.devices
            if device.parent_id in account_ids and "pot_balance" in device.entities
        ]
        return sorted(pots, key=lambda pot: "goal" not in pot.entities)

    @property
    def _budgets(self) -> list[DashboardDevice]:
        """The budgets. With a selection, only budgets of the selected accounts."""
        shown = {account.monzo_id for account in self.accounts}
        return [
            device
            for device in self.devices
            if "budget_used" in device.entities and (not self.selected or device.counted <= shown)
        ]

    def view(self) -> Card:
        """Return the view."""
        has_many_pots = len(self._pots) > MANY_POTS
        sections = self._sections_with_many_pots() if has_many_pots else self._sections()
        return {
            "type": "sections",
            "max_columns": MAX_COLUMNS,
            "header": {
                "card": self._summary_card(),
                # On a wide screen, the badges are beside the summary.
                "layout": "responsive",
                "badges_position": "bottom",
            },
            "badges": self._badges(),
            "sections": [section for section in sections if section["cards"]],
        }

    def _sections(self) -> list[Card]:
        """Return a section for each column of a wide screen.

        The pots come last, because a phone shows the sections one below the other. A narrow screen
        also shows the budgets sooner than a wide one, on which they are above the pots.
        """
        budgets = self._budget_cards()
        return [
            _section(
                [*self._account_cards(), *self._spending_cards(), *_visible_on(NARROW, budgets)]
            ),
            _section([*self._next_cards(), self._transactions_card()]),
            _section([*_visible_on(WIDE, budgets), *self._pot_cards()]),
        ]

    def _sections_with_many_pots(self) -> list[Card]:
        """Return sections with the pots below the columns, because their column would be long."""
        # Without an outlook, a hidden card would leave a hole.
        middle = [*(self._next_cards() if self.has_outlook else ()), *self._budget_cards()]
        return [
            _section([*self._account_cards(), *self._spending_cards()]),
            _section(middle),
            _section([self._transactions_card()], columns=1 if middle else 2),
            _section(self._pot_cards(), columns=MAX_COLUMNS),
        ]

    def _summary_card(self) -> Card:
        """Return the money in the accounts that people pay from, and their spending."""
        return {
            "type": "custom:monzo-summary-card",
            "accounts": [account.id for account in self._main_accounts or self.accounts],
            "hide_amounts": self.hide_amounts,
        }

    def _badges(self) -> list[Card]:
        """Return the total of each person, and the accounts that people do not pay from."""
        name = DEVICE_NAME if len(self._people) > 1 else {"type": "entity"}
        others = [account for account in self.accounts if account not in self._main_accounts]
        return [
            *(self._badge(total, name, "purple") for total in entities_with(self._people, "total")),
            *(self._badge(account.entities["balance"], DEVICE_NAME, "grey") for account in others),
        ]

    def _account_cards(self) -> list[Card]:
        """Return a tile for each account that people pay from."""
        main = self._main_accounts
        if not main:
            return []
        heading = _heading(self.text("dashboard_accounts"), "mdi:bank")
        heading["badges"] = [
            {"type": "entity", "entity": entity, "show_state": True}
            for entity in entities_with(self._people, "connection")
        ]
        return [
            heading,
            *(
                self._account_tile(account, account_color(index))
                for index, account in enumerate(main)
            ),
        ]

    def _spending_cards(self) -> list[Card]:
        """Return today's spending, and a chart of the spending by week.

        For a single account, there are also cards of its months. With several accounts, their names
        would not fit, and the summary has the sums of their months.
        """
        accounts = [account for account in self._main_accounts if "spend_today" in account.entities]
        if not accounts:
            return []
        heading = _heading(self.text("dashboard_spending"), "mdi:chart-bar")
        heading["badges"] = [
            {
                "type": "entity",
                "entity": account.entities["spend_today"],
                "color": account_color(index),
                "show_state": not self.hide_amounts,
            }
            for index, account in enumerate(accounts)
            if len(accounts) <= MAX_HEADING_BADGES
        ]
        charted = [
            account for account in accounts if account.entities["spend_today"] in self.charted
        ]
        if not charted:
            return [heading]
        months = (("dashboard_this_month", 0), ("dashboard_last_month", -1))
        return [
            heading,
            *(
                self._statistic(charted[0], key, offset)
                for key, offset in months
                if len(self._main_accounts) == 1
            ),
            _spending_chart(entities_with(charted, "spend_today")),
        ]

    def _next_cards(self) -> list[Card]:
        """Return the money left to spend, the forecast, and the next payments.

        They are hidden while nothing is known, for example while the history is being read.
        """
        foreseen = entities_with(self._main_accounts, "lowest_balance_ahead")
        if not foreseen:
            return []
        heading = _heading(self.text("dashboard_next"), "mdi:calendar-clock")
        heading["badges"] = [
            {
                "type": "entity",
                "entity": entity,
                "show_state": True,
                "visibility": [{"condition": "state", "entity": entity, "state_not": UNKNOWN}],
            }
            for entity in entities_with(self._people, "days_to_pay_day")
        ]
        cards = [
            heading,
            {
                "type": "custom:monzo-upcoming-card",
                # All main accounts, so that each has the color of its tile.
                "account": [account.id for account in self._main_accounts],
                "hide_amounts": self._card_hides_amounts,
                "grid_options": {"columns": FULL_WIDTH},
            },
        ]
        if self.has_outlook:
            return cards
        known = [{"condition": "state", "entity": it, "state_not": UNKNOWN} for it in foreseen]
        return _visible_if({"condition": "or", "conditions": known}, cards)

    def _budget_cards(self) -> list[Card]:
        """Return the budgets."""
        budgets = self._budgets
        if not budgets:
            return []
        return [
            _heading(self.text("dashboard_budgets"), "mdi:chart-donut"),
            {
                "type": "custom:monzo-budgets-card",
                "budget": [budget.id for budget in budgets],
                "hide_amounts": self._card_hides_amounts,
                "grid_options": {"columns": FULL_WIDTH},
            },
        ]

    def _pot_cards(self) -> list[Card]:
        """Return the chart of the pots' shares, and a card for each pot."""
        pots = self._pots
        if not pots:
            return []
        faces = {pot.id: pot_face(pot.style, index) for index, pot in enumerate(pots)}
        return [
            _heading(self.text("dashboard_pots"), "mdi:piggy-bank"),
            *self._share_cards(faces),
            *(
                {
                    "type": "custom:monzo-pot-card",
                    "pot": pot.id,
                    "icon": faces[pot.id].icon,
                    "color": faces[pot.id].color,
                    "hide_amounts": self._card_hides_amounts,
                    "grid_options": {"columns": HALF_WIDTH},
                }
                for pot in pots
            ),
        ]

    def _share_cards(self, faces: Mapping[str, Face]) -> list[Card]:
        """Return a bar of the shares of several pots, given the face of each pot."""
        pots = self._pots
        if len(pots) == 1 or self.hide_amounts:
            return []
        distribution = {
            "type": "distribution",
            "entities": [
                {
                    "entity": pot.entities["pot_balance"],
                    "name": DEVICE_NAME,
                    "color": faces[pot.id].color,
                }
                for pot in pots
            ],
            "grid_options": {"columns": "full"},
        }
        rows = len(self._budgets) + len(pots) / POTS_PER_ROW
        has_room = rows <= MAX_ROWS_WITH_SHARES or len(pots) > MANY_POTS or not self._budgets
        return [distribution] if has_room else _visible_on(NARROW_OR_HIGH, [distribution])

    def _transactions_card(self) -> Card:
        """Return the latest transactions of the accounts, in the colors of the accounts' tiles."""
        main = self._main_accounts
        accounts = [*main, *(account for account in self.accounts if account not in main)]
        return {
            "type": "custom:monzo-transactions-card",
            "account": [account.id for account in accounts],
            "hide_amounts": self._card_hides_amounts,
            "grid_options": {"columns": "full"},
        }

    def _statistic(self, account: DashboardDevice, key: str, offset: int) -> Card:
        """Return the spending of a month. Offset 0 is the current month, and -1 the one before."""
        return {
            "type": "statistic",
            "entity": account.entities["spend_today"],
            "name": self.text(key),
            "stat_type": "change",
            "period": {"calendar": {"period": "month", "offset": offset}},
            "grid_options": {"columns": HALF_WIDTH},
        }

    def _badge(self, entity: str, name: dict[str, str], color: str) -> Card:
        """Return a badge with an amount."""
        return {
            "type": "entity",
            "entity": entity,
            "name": name,
            "show_name": True,
            "show_state": not self.hide_amounts,
            "color": color,
        }

    def _account_tile(self, account: DashboardDevice, color: str) -> Card:
        """Return the tile of an account, with a graph below it if there is room and history."""
        balance = account.entities["balance"]
        has_room = len(self._main_accounts) <= MAX_TILES_WITH_GRAPH and not self.hide_amounts
        hours = self.recorded_hours.get(balance, 0)
        has_graph = has_room and hours >= MIN_TREND_HOURS
        graph = {"type": "trend-graph", "hours_to_show": hours}
        return {
            "type": "tile",
            "entity": balance,
            "color": color,
            "name": DEVICE_NAME,
            "hide_state": self.hide_amounts,
            "features": [graph] if has_graph else [],
            "grid_options": {"columns": FULL_WIDTH},
        }


def _spending_chart(entities: Collection[str]) -> Card:
    """Return a chart of the spending by week, with a bar for each account."""
    is_low = len(entities) >= MANY_ACCOUNTS
    return {
        "type": "statistics-graph",
        "entities": [{"entity": entity, "name": DEVICE_NAME} for entity in entities],
        "period": CHART_PERIOD,
        "days_to_show": CHART_DAYS,
        "stat_types": ["change"],
        "chart_type": "bar-stack",
        # A low chart has no room for many names.
        "hide_legend": is_low or len(entities) == 1,
        "grid_options": {"columns": FULL_WIDTH, "rows": LOW_CHART_ROWS if is_low else CHART_ROWS},
    }


def _heading(heading: str, icon: str) -> Card:
    """Return the heading of a section."""
    return {"type": "heading", "heading": heading, "icon": icon}


def _section(cards: list[Card], *, columns: int = 1) -> Card:
    """Return a section that is a number of columns wide, or as wide as the screen."""
    return {"type": "grid", "column_span": columns, "cards": cards}


def _visible_on(media_query: str, cards: list[Card]) -> list[Card]:
    """Return cards that are visible only on screens that match a query."""
    return _visible_if({"condition": "screen", "media_query": media_query}, cards)


def _visible_if(condition: dict[str, Any], cards: list[Card]) -> list[Card]:
    """Return cards that are visible only while a condition is met."""
    return [{**card, "visibility": [condition]} for card in cards]
