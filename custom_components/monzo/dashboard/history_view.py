"""The view of past years, with Home Assistant's graphs of the long-term statistics."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..backfill import async_known_statistics, database_errors, statistic_id
from ..const import DOMAIN
from ..texts import category_name
from .devices import DashboardDevice

type Card = dict[str, Any]

_YEAR: Final = 365
_TEN_YEARS: Final = 3653

# Enough rows for the names of a dozen categories.
_CHART_ROWS: Final = 6
_FULL_WIDTH: Final = 12


async def async_with_history_view(
    hass: HomeAssistant, view: Card, accounts: Iterable[DashboardDevice], language: str
) -> list[Card]:
    """Return the view, followed by a view of past years if there are statistics."""
    accounts = list(accounts)
    known = await _async_known(hass, [account.monzo_id for account in accounts])
    if not known:
        return [view]
    translations = await async_get_translations(hass, language, "common", {DOMAIN})
    texts = {key.removeprefix(f"component.{DOMAIN}."): it for key, it in translations.items()}

    def text(key: str, fallback: str) -> str:
        return texts.get(key, fallback)

    sections = [
        _section(account, known, text)
        for account in accounts
        if statistic_id(account.monzo_id, "spending") in known
    ]
    overview = {"title": text("common.dashboard_overview", "Overview"), "path": "overview", **view}
    history = {
        "title": text("common.dashboard_history", "History"),
        "path": "history",
        "type": "sections",
        "sections": sections,
    }
    return [overview, history] if sections else [view]


async def _async_known(hass: HomeAssistant, account_ids: Collection[str]) -> set[str]:
    """Return the statistics of the accounts; empty if the recorder's database is broken."""
    if "recorder" not in hass.config.components:
        return set()
    with suppress(*database_errors()):
        return await async_known_statistics(hass, account_ids)
    return set()


def _section(account: DashboardDevice, known: set[str], text: Callable[[str, str], str]) -> Card:
    """Return the charts of an account."""
    spending, income = (statistic_id(account.monzo_id, it) for it in ("spending", "income"))
    by_category = sorted(id_ for id_ in known if id_.startswith(f"{spending}_"))
    categories = [
        {"entity": id_, "name": category_name(id_.removeprefix(f"{spending}_"), text)}
        for id_ in by_category
    ]
    flows = [
        {"entity": id_, "name": text(f"common.{key}", fallback)}
        for id_, key, fallback in (
            (income, "dashboard_income", "Income"),
            (spending, "dashboard_spending", "Spending"),
        )
        if id_ in known
    ]
    return {
        "type": "grid",
        "cards": [
            {"type": "heading", "heading": account.name, "icon": "mdi:history"},
            _chart(text("common.dashboard_months", ""), categories, "month", _YEAR, "bar-stack"),
            _chart(text("common.dashboard_income_and_spending", ""), flows, "month", _YEAR, "bar"),
            _chart(text("common.dashboard_years", ""), categories, "year", _TEN_YEARS, "bar-stack"),
        ],
    }


def _chart(
    title: str, entities: list[dict[str, str]], period: str, days: int, chart_type: str
) -> Card:
    return {
        "type": "statistics-graph",
        "title": title,
        "entities": entities,
        "period": period,
        "days_to_show": days,
        "stat_types": ["change"],
        "chart_type": chart_type,
        "grid_options": {"columns": _FULL_WIDTH, "rows": _CHART_ROWS},
    }
