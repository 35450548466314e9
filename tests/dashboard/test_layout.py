"""The layout of the dashboard, as a browser requests it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
import json
from pathlib import Path
from shutil import copytree
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import text

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.household import Household
from tests.conftest import SignIn
from tests.helpers.state_helpers import device, entity_id, set_up
from tests.helpers.texts import TEXTS

type Card = dict[str, Any]
type OpenDashboard = Callable[..., Awaitable[dict[str, Any]]]

TRANSACTIONS = "custom:monzo-transactions-card"
POT = "custom:monzo-pot-card"


@pytest.fixture
async def open_dashboard(
    hass: HomeAssistant,
    credentials: None,
    hass_ws_client: WebSocketGenerator,
    hass_access_token: str,
) -> OpenDashboard:
    """Return a function that requests the dashboard as an administrator."""
    return await dashboard_of_user(hass, hass_ws_client, hass_access_token)


@pytest.fixture
async def open_as_user(
    hass: HomeAssistant,
    credentials: None,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> OpenDashboard:
    """Return a function that requests the dashboard as a user without administrator rights."""
    return await dashboard_of_user(hass, hass_ws_client, hass_read_only_access_token)


async def dashboard_of_user(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, token: str
) -> OpenDashboard:
    """Return a function that requests the dashboard as the user of an access token."""
    assert await async_setup_component(hass, DOMAIN, {})

    async def open_dashboard(**options: object) -> dict[str, Any]:
        client = await hass_ws_client(hass, token)
        request = {"language": "en", **options, "type": "monzo/dashboard"}
        await client.send_json_auto_id(request)
        response = await client.receive_json()
        assert response["success"], response["error"]
        dashboard: dict[str, Any] = response["result"]
        return dashboard

    return open_dashboard


def by_heading(dashboard: dict[str, Any]) -> dict[str, list[Card]]:
    """Return the cards of each section by its heading, which is empty for the last section."""
    (view,) = dashboard["views"]
    sections = [section["cards"] for section in view["sections"]]
    return {
        cards[0].get("heading", ""): [card for card in cards if card["type"] != "heading"]
        for cards in sections
    }


def of_type(dashboard: dict[str, Any], card_type: str) -> list[Card]:
    """Return the cards of one type."""
    return [
        card
        for cards in by_heading(dashboard).values()
        for card in cards
        if card["type"] == card_type
    ]


def widths(dashboard: dict[str, Any]) -> list[int]:
    """Return the width of each section in columns."""
    (view,) = dashboard["views"]
    return [section["column_span"] for section in view["sections"]]


def shown_entities(cards: list[Card]) -> list[str]:
    """Return the entities of the tiles."""
    return [card["entity"] for card in cards if card["type"] == "tile"]


def id_of(hass: HomeAssistant, monzo_id: str, key: str) -> str:
    """Return an entity of a person, an account or a pot. Fails if there is none."""
    found = entity_id(hass, monzo_id, key)
    assert found
    return found


def device_id(hass: HomeAssistant, entry: MockConfigEntry, monzo_id: str) -> str:
    """Return the device of a person, an account or a pot. Fails if there is none."""
    found = device(hass, entry, monzo_id)
    assert found
    return found.id


async def record(hass: HomeAssistant, *entities: str) -> None:
    """Add statistics of these entities to the recorder, as there are after some hours."""
    hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    for entity in entities:
        async_import_statistics(
            hass,
            {
                "mean_type": StatisticMeanType.NONE,
                "has_sum": True,
                "name": None,
                "source": "recorder",
                "statistic_id": entity,
                "unit_class": None,
                "unit_of_measurement": "GBP",
            },
            [{"start": hour, "state": 1.0, "sum": 1.0}],
        )
    await async_wait_recording_done(hass)


# Sections


async def test_there_are_sections_for_the_total_each_account_others_and_transactions(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    dashboard = await open_dashboard()
    assert dashboard["title"] == "Money"
    sections = by_heading(dashboard)
    assert list(sections) == [
        *("Everything", "Current account", "Joint account · Ann & Ben"),
        *("Other accounts", ""),
    ]
    everything, current, joint, others, transactions = sections.values()
    assert shown_entities(everything) == [id_of(hass, home.ann.user_id, "total")]
    for account, cards in ((home.current, current), (home.joint, joint)):
        keys = ("balance", "spend_today", "total_balance")
        assert shown_entities(cards) == [id_of(hass, account.id, key) for key in keys]
    assert sorted(shown_entities(others)) == sorted(
        id_of(hass, account.id, "balance") for account in (home.flex, home.rewards, home.loan)
    )
    (card,) = transactions
    assert (card["type"], card["hide_amounts"], "account" in card) == (TRANSACTIONS, False, False)


async def test_pots_follow_their_account_and_those_with_a_goal_come_first(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    sections = by_heading(await open_dashboard())
    pots = {
        heading: [card["pot"] for card in cards if card["type"] == POT]
        for heading, cards in sections.items()
    }
    assert pots["Current account"] == [
        device_id(hass, ann, pot.id)
        for pot in (home.holiday, home.rainy_day, home.coin_jar, home.isa)
    ]
    goal = home.bank.open_pot(home.current.id, "A late goal", goal=1_000)
    await hass.config_entries.async_reload(ann.entry_id)
    cards = by_heading(await open_dashboard())["Current account"]
    with_goal = [card["pot"] for card in cards if card["type"] == POT][:2]
    assert with_goal == [device_id(hass, ann, pot.id) for pot in (home.holiday, goal)]


async def test_an_account_without_pots_has_no_balance_with_pots(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn, open_dashboard: OpenDashboard
) -> None:
    person = bank.add_person("Dora Dale")
    account = bank.open_account(person, type="uk_business", balance=100)
    await set_up(hass, sign_in(person))
    sections = by_heading(await open_dashboard())
    assert list(sections) == ["Everything", "Business account", ""]
    assert shown_entities(sections["Business account"]) == [
        id_of(hass, account.id, key) for key in ("balance", "spend_today")
    ]


async def test_two_people_have_a_total_each_and_their_accounts_have_their_names(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    sign_in: SignIn,
    open_dashboard: OpenDashboard,
) -> None:
    await set_up(hass, sign_in(home.ben))
    sections = by_heading(await open_dashboard())
    assert {tile["name"]["type"] for tile in sections["Everything"]} == {"device"}
    assert shown_entities(sections["Everything"]) == [
        id_of(hass, person.user_id, "total") for person in (home.ann, home.ben)
    ]
    assert {"Current account · Ann Archer", "Current account · Ben Baker"} <= sections.keys()


async def test_an_account_has_the_name_that_the_user_gave_to_its_device(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    registry = dr.async_get(hass)
    registry.async_update_device(device_id(hass, ann, home.joint.id), name_by_user="Household")
    assert "Household" in by_heading(await open_dashboard())


# Omitted entities


async def test_hidden_and_disabled_entities_are_omitted(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    registry = er.async_get(hass)
    spent, balance, pot, total = (
        id_of(hass, monzo_id, key)
        for monzo_id, key in (
            (home.current.id, "spend_today"),
            (home.joint.id, "balance"),
            (home.holiday.id, "pot_balance"),
            (home.ann.user_id, "total"),
        )
    )
    registry.async_update_entity(spent, hidden_by=er.RegistryEntryHider.USER)
    registry.async_update_entity(balance, disabled_by=er.RegistryEntryDisabler.USER)
    registry.async_update_entity(pot, hidden_by=er.RegistryEntryHider.USER)
    registry.async_update_entity(total, disabled_by=er.RegistryEntryDisabler.USER)
    sections = by_heading(await open_dashboard())
    # An account is shown if its balance is visible.
    assert list(sections) == ["Current account", "Other accounts", ""]
    cards = sections["Current account"]
    assert spent not in shown_entities(cards)
    assert device_id(hass, ann, home.holiday.id) not in [card.get("pot") for card in cards]


async def test_an_entity_without_a_device_is_omitted(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    total = id_of(hass, home.ann.user_id, "total")
    er.async_get(hass).async_update_entity(total, device_id=None)
    assert "Everything" not in by_heading(await open_dashboard())


async def test_with_selected_accounts_there_is_no_total(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    joint, flex = (device_id(hass, ann, account.id) for account in (home.joint, home.flex))
    sections = by_heading(await open_dashboard(accounts=[joint, flex]))
    assert list(sections) == ["Joint account · Ann & Ben", "Other accounts", ""]
    assert shown_entities(sections["Other accounts"]) == [id_of(hass, home.flex.id, "balance")]
    assert sections[""][0]["account"] == [joint, flex]


async def test_an_empty_selection_shows_all_accounts(
    ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    nothing: tuple[object, ...] = ([], None)
    for accounts in nothing:
        assert await open_dashboard(accounts=accounts) == await open_dashboard()


async def test_without_accounts_there_is_a_link_to_the_integrations(
    open_dashboard: OpenDashboard,
) -> None:
    (view,) = (await open_dashboard())["views"]
    (card,) = view["cards"]
    assert (view["type"], card["type"]) == ("panel", "empty-state")
    assert card["title"] == TEXTS["common"]["dashboard_nothing"]
    (button,) = card["buttons"]
    assert button["tap_action"]["navigation_path"] == "/config/integrations"


async def test_a_selection_of_removed_accounts_shows_no_accounts(
    ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    (view,) = (await open_dashboard(accounts=["removed"]))["views"]
    assert view["type"] == "panel"


# Users and options


async def test_other_options_of_a_strategy_are_ignored(
    ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    options = {"title": "Our money", "hide_amounts": None, "views": [{"path": "money"}]}
    assert await open_dashboard(**options) == await open_dashboard()


async def test_every_user_can_open_the_dashboard(
    ann: MockConfigEntry, open_as_user: OpenDashboard
) -> None:
    assert "Current account" in by_heading(await open_as_user())


async def test_only_administrators_get_a_link_to_the_integrations(
    open_as_user: OpenDashboard,
) -> None:
    (view,) = (await open_as_user())["views"]
    (card,) = view["cards"]
    assert card["buttons"] == []


async def test_the_dashboard_is_in_the_language_of_the_user_or_else_in_english(
    hass: HomeAssistant, ann: MockConfigEntry, open_dashboard: OpenDashboard, tmp_path: Path
) -> None:
    assert (await open_dashboard(language="nl"))["title"] == "Money"
    integration = await async_get_integration(hass, DOMAIN)
    translations = tmp_path / "translations"
    copytree(integration.file_path / "translations", translations)
    german = {"common": {"dashboard_title": "Geld", "dashboard_others": "Andere Konten"}}
    (translations / "de.json").write_text(json.dumps(german), encoding="utf-8")
    integration.file_path = tmp_path
    dashboard = await open_dashboard(language="de")
    assert dashboard["title"] == "Geld"
    assert {"Andere Konten", "Everything"} <= by_heading(dashboard).keys()


# Graphs


async def test_entities_with_statistics_have_a_graph(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    total = id_of(hass, home.ann.user_id, "total")
    balance = id_of(hass, home.current.id, "balance")
    spent = [id_of(hass, account.id, "spend_today") for account in (home.current, home.joint)]
    await record(hass, total, balance, *spent)
    sections = by_heading(await open_dashboard())
    trend, spending = (card for card in sections["Everything"] if card["type"] != "tile")
    assert [line["entity"] for line in trend["entities"]] == [total]
    assert (trend["stat_types"], trend["hide_legend"]) == (["state"], True)
    assert [line["entity"] for line in spending["entities"]] == spent
    assert (spending["stat_types"], spending["hide_legend"]) == (["change"], False)
    (graph,) = (card for card in sections["Current account"] if card["type"] == "statistics-graph")
    assert [line["entity"] for line in graph["entities"]] == [balance]
    assert [card["type"] for card in sections["Joint account · Ann & Ben"]].count("tile") == 3


async def test_other_accounts_with_statistics_have_a_graph(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    flex = id_of(hass, home.flex.id, "balance")
    await record(hass, flex)
    *tiles, graph = by_heading(await open_dashboard())["Other accounts"]
    assert [tile["type"] for tile in tiles] == ["tile"] * 3
    assert [line["entity"] for line in graph["entities"]] == [flex]
    assert graph["stat_types"] == ["state"]


async def test_without_statistics_there_are_no_graphs(
    recorder_mock: Recorder, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    dashboard = await open_dashboard()
    assert of_type(dashboard, "statistics-graph") == []


async def test_the_total_takes_the_whole_width_unless_it_has_a_graph(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    before = await open_dashboard()
    await record(hass, id_of(hass, home.ann.user_id, "total"))
    assert widths(before) == [before["views"][0]["max_columns"], 1, 1, 1, 2]
    assert widths(await open_dashboard()) == [1, 1, 1, 1, 2]


async def test_hidden_amounts_are_neither_in_graphs_nor_in_tiles(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    balances = [id_of(hass, account.id, "balance") for account in (home.current, home.flex)]
    await record(hass, *balances)
    dashboard = await open_dashboard(hide_amounts=True)
    assert of_type(dashboard, "statistics-graph") == []
    assert all(tile["hide_state"] for tile in of_type(dashboard, "tile"))
    cards = [*of_type(dashboard, POT), *of_type(dashboard, TRANSACTIONS)]
    assert all(card["hide_amounts"] for card in cards)


async def test_with_a_broken_database_only_the_graphs_are_missing(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    await record(hass, id_of(hass, home.current.id, "balance"))

    def lose_statistics() -> None:
        with session_scope(hass=hass) as session:
            session.execute(text("DROP TABLE statistics"))

    await get_instance(hass).async_add_executor_job(lose_statistics)
    dashboard = await open_dashboard()
    assert of_type(dashboard, "statistics-graph") == []
    assert "Current account" in by_heading(dashboard)
