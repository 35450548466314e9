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
from tests.helpers.languages import WITHOUT_FILE
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
    """Return the cards below each heading; those of a section without a heading have the key ""."""
    (view,) = dashboard["views"]
    found: dict[str, list[Card]] = {}
    for section in view["sections"]:
        heading = ""
        for card in section["cards"]:
            if card["type"] == "heading":
                heading = card["heading"]
            found.setdefault(heading, [])
            if card["type"] != "heading":
                found[heading].append(card)
    return found


def of_type(dashboard: dict[str, Any], card_type: str) -> list[Card]:
    """Return the cards of one type."""
    return [
        card
        for cards in by_heading(dashboard).values()
        for card in cards
        if card["type"] == card_type
    ]


def heading_badges(dashboard: dict[str, Any], heading: str) -> list[str]:
    """Return the entities of the badges beside a heading."""
    (view,) = dashboard["views"]
    (card,) = (
        card
        for section in view["sections"]
        for card in section["cards"]
        if card.get("heading") == heading
    )
    return [badge["entity"] for badge in card["badges"]]


def badges(dashboard: dict[str, Any]) -> list[Card]:
    """Return the badges of the view."""
    (view,) = dashboard["views"]
    found: list[Card] = view["badges"]
    return found


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


async def test_there_are_accounts_spending_transactions_and_pots(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    dashboard = await open_dashboard()
    assert dashboard["title"] == "Money"
    total, *others = badges(dashboard)
    assert total["entity"] == id_of(hass, home.ann.user_id, "total")
    assert sorted(badge["entity"] for badge in others) == sorted(
        id_of(hass, account.id, "balance") for account in (home.flex, home.rewards, home.loan)
    )
    main = (home.current, home.joint)
    summary = dashboard["views"][0]["header"]["card"]
    assert summary["type"] == "custom:monzo-summary-card"
    assert summary["accounts"] == [device_id(hass, ann, account.id) for account in main]
    sections = by_heading(dashboard)
    assert list(sections) == ["Accounts", "Spending", "", "Pots"]
    accounts, spending, transactions, pots = sections.values()
    assert shown_entities(accounts) == [id_of(hass, account.id, "balance") for account in main]
    assert spending == []
    assert heading_badges(dashboard, "Spending") == [
        id_of(hass, account.id, "spend_today") for account in main
    ]
    (connection,) = heading_badges(dashboard, "Accounts")
    assert connection == entity_id(hass, home.ann.user_id, "connection", "binary_sensor")
    (card,) = transactions
    assert (card["type"], card["hide_amounts"]) == (TRANSACTIONS, False)
    # In this order, so that the accounts have the colors of their tiles.
    assert card["account"][:2] == summary["accounts"]
    assert len(card["account"]) == 5
    distribution, *cards = pots
    assert [line["entity"] for line in distribution["entities"]] == [
        id_of(hass, pot.id, "pot_balance")
        for pot in (home.holiday, home.house, home.rainy_day, home.coin_jar, home.isa, home.bills)
    ]
    assert {card["type"] for card in cards} == {POT}


async def test_pots_with_a_goal_come_first(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    goal = home.bank.open_pot(home.current.id, "A late goal", goal=1_000)
    await hass.config_entries.async_reload(ann.entry_id)
    pots = [card["pot"] for card in of_type(await open_dashboard(), POT)]
    first = [device_id(hass, ann, pot.id) for pot in (home.holiday, home.house, goal)]
    assert sorted(pots[:3]) == sorted(first)


async def test_a_pot_has_the_color_and_the_icon_of_its_style(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    faces = {
        card["pot"]: (card["icon"], card["color"]) for card in of_type(await open_dashboard(), POT)
    }
    assert faces[device_id(hass, ann, home.holiday.id)] == ("mdi:beach", "orange")
    assert faces[device_id(hass, ann, home.isa.id)] == ("mdi:piggy-bank", "teal")
    assert len(set(faces.values())) == len(faces)


async def test_accounts_that_people_pay_with_have_different_colors(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    current, joint = by_heading(await open_dashboard())["Accounts"]
    assert current["color"] != joint["color"]
    assert current["features"] == joint["features"] == []


@pytest.mark.parametrize(
    ("age", "hours"), [(timedelta(hours=23), []), (timedelta(days=3), [72])], ids=str
)
async def test_an_account_has_a_graph_of_the_time_that_is_recorded_from_a_day_on(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
    age: timedelta,
    hours: list[int],
) -> None:
    balance = id_of(hass, home.current.id, "balance")
    hass.states.async_set(balance, "5", timestamp=(dt_util.utcnow() - age).timestamp())
    await async_wait_recording_done(hass)
    current, _joint = by_heading(await open_dashboard())["Accounts"]
    assert [graph["hours_to_show"] for graph in current["features"]] == hours


async def test_many_accounts_have_a_low_chart_and_neither_graphs_nor_badges(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    bank: Bank,
    sign_in: SignIn,
    open_dashboard: OpenDashboard,
) -> None:
    person = bank.add_person("Dora Dale")
    opened = [bank.open_account(person, type="uk_business", balance=100) for _ in range(5)]
    await set_up(hass, sign_in(person))
    await record(hass, *(id_of(hass, account.id, "spend_today") for account in opened))
    dashboard = await open_dashboard()
    assert [tile["features"] for tile in by_heading(dashboard)["Accounts"]] == [[]] * 5
    assert heading_badges(dashboard, "Spending") == []
    (chart,) = by_heading(dashboard)["Spending"]
    assert chart["grid_options"]["rows"] == 3


async def test_an_account_without_pots_has_no_section_of_pots(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn, open_dashboard: OpenDashboard
) -> None:
    person = bank.add_person("Dora Dale")
    bank.open_account(person, type="uk_business", balance=100)
    await set_up(hass, sign_in(person))
    assert list(by_heading(await open_dashboard())) == ["Accounts", "Spending", ""]


async def test_one_pot_is_not_compared_with_others(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn, open_dashboard: OpenDashboard
) -> None:
    person = bank.add_person("Dora Dale")
    bank.open_pot(bank.open_account(person, balance=100).id, "Holiday", balance=500)
    await set_up(hass, sign_in(person))
    assert [card["type"] for card in by_heading(await open_dashboard())["Pots"]] == [POT]


async def test_two_people_have_a_total_each(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    sign_in: SignIn,
    open_dashboard: OpenDashboard,
) -> None:
    await set_up(hass, sign_in(home.ben))
    totals = badges(await open_dashboard())[:2]
    assert {badge["name"]["type"] for badge in totals} == {"device"}
    assert [badge["entity"] for badge in totals] == [
        id_of(hass, person.user_id, "total") for person in (home.ann, home.ben)
    ]


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
    dashboard = await open_dashboard()
    assert total not in [badge["entity"] for badge in badges(dashboard)]
    sections = by_heading(dashboard)
    # An account is shown, with its pots, if its balance is visible.
    assert list(sections) == ["Accounts", "", "Pots"]
    assert balance not in shown_entities(sections["Accounts"])
    pots = [card["pot"] for card in sections["Pots"] if card["type"] == POT]
    assert pots == [
        device_id(hass, ann, pot.id) for pot in (home.rainy_day, home.coin_jar, home.isa)
    ]


async def test_an_entity_without_a_device_is_omitted(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    total = id_of(hass, home.ann.user_id, "total")
    er.async_get(hass).async_update_entity(total, device_id=None)
    assert total not in [badge["entity"] for badge in badges(await open_dashboard())]


async def test_with_selected_accounts_there_is_no_total(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    joint, flex = (device_id(hass, ann, account.id) for account in (home.joint, home.flex))
    dashboard = await open_dashboard(accounts=[joint, flex])
    assert [badge["entity"] for badge in badges(dashboard)] == [
        id_of(hass, home.flex.id, "balance")
    ]
    sections = by_heading(dashboard)
    assert shown_entities(sections["Accounts"]) == [id_of(hass, home.joint.id, "balance")]
    assert [card["pot"] for card in sections["Pots"] if card["type"] == POT] == [
        device_id(hass, ann, pot.id) for pot in (home.house, home.bills)
    ]
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


async def test_while_the_integration_is_not_loaded_pots_have_other_colors(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    await hass.config_entries.async_unload(ann.entry_id)
    cards = of_type(await open_dashboard(), POT)
    assert {card["icon"] for card in cards} == {"mdi:piggy-bank"}


# Users and options


async def test_other_options_of_a_strategy_are_ignored(
    ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    options = {"title": "Our money", "hide_amounts": None, "views": [{"path": "money"}]}
    assert await open_dashboard(**options) == await open_dashboard()


async def test_every_user_can_open_the_dashboard(
    ann: MockConfigEntry, open_as_user: OpenDashboard
) -> None:
    assert "Accounts" in by_heading(await open_as_user())


async def test_only_administrators_get_a_link_to_the_integrations(
    open_as_user: OpenDashboard,
) -> None:
    (view,) = (await open_as_user())["views"]
    (card,) = view["cards"]
    assert card["buttons"] == []


async def test_the_dashboard_is_in_the_language_of_the_user_or_else_in_english(
    hass: HomeAssistant, ann: MockConfigEntry, open_dashboard: OpenDashboard, tmp_path: Path
) -> None:
    assert (await open_dashboard(language=WITHOUT_FILE))["title"] == "Money"
    integration = await async_get_integration(hass, DOMAIN)
    translations = tmp_path / "translations"
    copytree(integration.file_path / "translations", translations)
    german = {"common": {"dashboard_title": "Geld", "dashboard_accounts": "Konten"}}
    (translations / "de.json").write_text(json.dumps(german), encoding="utf-8")
    integration.file_path = tmp_path
    dashboard = await open_dashboard(language="de")
    assert dashboard["title"] == "Geld"
    assert {"Konten", "Pots"} <= by_heading(dashboard).keys()


# Statistics


async def test_spending_with_statistics_has_a_chart_of_weeks(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    spent = [id_of(hass, account.id, "spend_today") for account in (home.current, home.joint)]
    await record(hass, *spent)
    (chart,) = by_heading(await open_dashboard())["Spending"]
    assert [bar["entity"] for bar in chart["entities"]] == spent
    assert (chart["stat_types"], chart["period"], chart["hide_legend"]) == (
        ["change"],
        "week",
        False,
    )


async def test_a_single_account_has_a_card_for_this_month_and_for_last_month(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    spent = id_of(hass, home.current.id, "spend_today")
    await record(hass, spent)
    current = device_id(hass, ann, home.current.id)
    months = of_type(await open_dashboard(accounts=[current]), "statistic")
    assert [(card["name"], card["entity"]) for card in months] == [
        ("This month", spent),
        ("Last month", spent),
    ]
    assert [card["period"]["calendar"]["offset"] for card in months] == [0, -1]


async def test_only_accounts_that_nobody_pays_with_are_badges(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    flex = device_id(hass, ann, home.flex.id)
    dashboard = await open_dashboard(accounts=[flex])
    assert list(by_heading(dashboard)) == [""]
    assert dashboard["views"][0]["header"]["card"]["accounts"] == [flex]


async def test_without_statistics_there_are_no_charts(
    recorder_mock: Recorder, ann: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    dashboard = await open_dashboard()
    assert of_type(dashboard, "statistics-graph") == of_type(dashboard, "statistic") == []


async def test_hidden_amounts_are_neither_in_charts_nor_in_tiles(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    await record(hass, id_of(hass, home.current.id, "spend_today"))
    dashboard = await open_dashboard(hide_amounts=True)
    for card_type in ("statistics-graph", "statistic", "distribution"):
        assert of_type(dashboard, card_type) == []
    tiles = of_type(dashboard, "tile")
    assert all(tile["hide_state"] and not tile["features"] for tile in tiles)
    assert not any(badge["show_state"] for badge in badges(dashboard))
    cards = [*of_type(dashboard, POT), *of_type(dashboard, TRANSACTIONS)]
    assert all(card["hide_amounts"] for card in cards)


async def test_with_a_broken_database_only_the_charts_are_missing(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    await record(hass, id_of(hass, home.current.id, "spend_today"))

    def lose_statistics() -> None:
        with session_scope(hass=hass) as session:
            session.execute(text("DROP TABLE statistics"))

    await get_instance(hass).async_add_executor_job(lose_statistics)
    dashboard = await open_dashboard()
    assert of_type(dashboard, "statistics-graph") == []
    assert "Accounts" in by_heading(dashboard)
