"""What is on the dashboard that is there at once, as a browser asks Home Assistant for it."""

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
from tests.test_translations import TEXTS

type Card = dict[str, Any]
type Open = Callable[..., Awaitable[dict[str, Any]]]

TRANSACTIONS = "custom:monzo-transactions-card"
POT = "custom:monzo-pot-card"


@pytest.fixture
async def open_dashboard(
    hass: HomeAssistant,
    credentials: None,
    hass_ws_client: WebSocketGenerator,
    hass_access_token: str,
) -> Open:
    """Return what asks for the dashboard with some options, and returns it."""
    return await opener(hass, hass_ws_client, hass_access_token)


@pytest.fixture
async def open_as_guest(
    hass: HomeAssistant,
    credentials: None,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> Open:
    """Return what does the same for somebody who is no administrator."""
    return await opener(hass, hass_ws_client, hass_read_only_access_token)


async def opener(hass: HomeAssistant, hass_ws_client: WebSocketGenerator, token: str) -> Open:
    """Set up, and return what asks for the dashboard as whom a token belongs to."""
    assert await async_setup_component(hass, DOMAIN, {})

    async def open_dashboard(**options: object) -> dict[str, Any]:
        client = await hass_ws_client(hass, token)
        asked = {"language": "en", **options, "type": "monzo/dashboard"}
        await client.send_json_auto_id(asked)
        answer = await client.receive_json()
        assert answer["success"], answer["error"]
        dashboard: dict[str, Any] = answer["result"]
        return dashboard

    return open_dashboard


def by_heading(dashboard: dict[str, Any]) -> dict[str, list[Card]]:
    """Return the cards of each section by its heading; those of the last one have none."""
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
    """Return of each section how many columns it takes."""
    (view,) = dashboard["views"]
    return [section["column_span"] for section in view["sections"]]


def shown_entities(cards: list[Card]) -> list[str]:
    """Return the entities of tiles."""
    return [card["entity"] for card in cards if card["type"] == "tile"]


def id_of(hass: HomeAssistant, subject: str, key: str) -> str:
    """Return the entity of a person, an account or a pot, which it has to have."""
    found = entity_id(hass, subject, key)
    assert found
    return found


def device_id(hass: HomeAssistant, entry: MockConfigEntry, subject: str) -> str:
    """Return the device of a person, an account or a pot."""
    found = device(hass, entry, subject)
    assert found
    return found.id


async def record(hass: HomeAssistant, *entities: str) -> None:
    """Have the recorder know statistics of these entities, as it does after some hours."""
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


# What is there


async def test_it_has_everything_each_account_the_others_and_the_transactions(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: Open
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


async def test_the_pots_of_an_account_follow_it_those_with_a_goal_first(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: Open
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


async def test_an_account_without_pots_does_not_say_what_it_has_with_them(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn, open_dashboard: Open
) -> None:
    person = bank.add_person("Dora Dale")
    account = bank.open_account(person, type="uk_business", balance=100)
    await set_up(hass, sign_in(person))
    sections = by_heading(await open_dashboard())
    assert list(sections) == ["Everything", "Business account", ""]
    assert shown_entities(sections["Business account"]) == [
        id_of(hass, account.id, key) for key in ("balance", "spend_today")
    ]


async def test_two_people_have_a_total_each_and_their_names_with_their_accounts(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    sign_in: SignIn,
    open_dashboard: Open,
) -> None:
    await set_up(hass, sign_in(home.ben))
    sections = by_heading(await open_dashboard())
    assert {tile["name"]["type"] for tile in sections["Everything"]} == {"device"}
    assert shown_entities(sections["Everything"]) == [
        id_of(hass, person.user_id, "total") for person in (home.ann, home.ben)
    ]
    assert {"Current account · Ann Archer", "Current account · Ben Baker"} <= sections.keys()


async def test_an_account_is_called_as_its_device_was_renamed(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: Open
) -> None:
    registry = dr.async_get(hass)
    registry.async_update_device(device_id(hass, ann, home.joint.id), name_by_user="Household")
    assert "Household" in by_heading(await open_dashboard())


# What is left out


async def test_hidden_and_disabled_entities_are_left_out(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: Open
) -> None:
    registry = er.async_get(hass)
    spent, balance, pot, total = (
        id_of(hass, subject, key)
        for subject, key in (
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
    # An account is there as long as its balance is.
    assert list(sections) == ["Current account", "Other accounts", ""]
    cards = sections["Current account"]
    assert spent not in shown_entities(cards)
    assert device_id(hass, ann, home.holiday.id) not in [card.get("pot") for card in cards]


async def test_an_entity_that_has_lost_its_device_is_left_out(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: Open
) -> None:
    total = id_of(hass, home.ann.user_id, "total")
    er.async_get(hass).async_update_entity(total, device_id=None)
    assert "Everything" not in by_heading(await open_dashboard())


async def test_only_chosen_accounts_are_shown_and_no_total_of_all(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry, open_dashboard: Open
) -> None:
    joint, flex = (device_id(hass, ann, account.id) for account in (home.joint, home.flex))
    sections = by_heading(await open_dashboard(accounts=[joint, flex]))
    assert list(sections) == ["Joint account · Ann & Ben", "Other accounts", ""]
    assert shown_entities(sections["Other accounts"]) == [id_of(hass, home.flex.id, "balance")]
    assert sections[""][0]["account"] == [joint, flex]


@pytest.mark.parametrize("accounts", [[], None], ids=["an empty list", "nothing"])
async def test_none_chosen_is_all_of_them(
    ann: MockConfigEntry, open_dashboard: Open, accounts: list[str] | None
) -> None:
    assert await open_dashboard(accounts=accounts) == await open_dashboard()


async def test_without_an_account_it_leads_to_the_integrations(open_dashboard: Open) -> None:
    (view,) = (await open_dashboard())["views"]
    (card,) = view["cards"]
    assert (view["type"], card["type"]) == ("panel", "empty-state")
    assert card["title"] == TEXTS["common"]["dashboard_nothing"]
    (button,) = card["buttons"]
    assert button["tap_action"]["navigation_path"] == "/config/integrations"


async def test_chosen_accounts_that_are_gone_are_no_account(
    ann: MockConfigEntry, open_dashboard: Open
) -> None:
    (view,) = (await open_dashboard(accounts=["gone"]))["views"]
    assert view["type"] == "panel"


# Who asks, and how


async def test_other_options_of_a_strategy_do_no_harm(
    ann: MockConfigEntry, open_dashboard: Open
) -> None:
    asked = await open_dashboard(title="Our money", hide_amounts=None, views=[{"path": "money"}])
    assert asked == await open_dashboard()


async def test_people_who_are_no_administrators_see_it_as_well(
    ann: MockConfigEntry, open_as_guest: Open
) -> None:
    assert "Current account" in by_heading(await open_as_guest())


async def test_who_is_no_administrator_is_not_sent_to_the_integrations(open_as_guest: Open) -> None:
    (view,) = (await open_as_guest())["views"]
    (card,) = view["cards"]
    assert card["buttons"] == []


async def test_it_speaks_the_language_of_who_opens_it_or_else_english(
    hass: HomeAssistant, ann: MockConfigEntry, open_dashboard: Open, tmp_path: Path
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


async def test_what_the_recorder_knows_is_drawn(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: Open,
) -> None:
    total = id_of(hass, home.ann.user_id, "total")
    balance = id_of(hass, home.current.id, "balance")
    spent = [id_of(hass, account.id, "spend_today") for account in (home.current, home.joint)]
    await record(hass, total, balance, *spent)
    sections = by_heading(await open_dashboard())
    course, spending = (card for card in sections["Everything"] if card["type"] != "tile")
    assert [line["entity"] for line in course["entities"]] == [total]
    assert (course["stat_types"], course["hide_legend"]) == (["state"], True)
    assert [line["entity"] for line in spending["entities"]] == spent
    assert (spending["stat_types"], spending["hide_legend"]) == (["change"], False)
    (graph,) = (card for card in sections["Current account"] if card["type"] == "statistics-graph")
    assert [line["entity"] for line in graph["entities"]] == [balance]
    assert [card["type"] for card in sections["Joint account · Ann & Ben"]].count("tile") == 3


async def test_other_accounts_have_a_trend_where_there_is_one(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: Open,
) -> None:
    flex = id_of(hass, home.flex.id, "balance")
    await record(hass, flex)
    *tiles, graph = by_heading(await open_dashboard())["Other accounts"]
    assert [tile["type"] for tile in tiles] == ["tile"] * 3
    assert [line["entity"] for line in graph["entities"]] == [flex]
    assert graph["stat_types"] == ["state"]


async def test_on_the_first_day_there_are_no_graphs_of_nothing(
    recorder_mock: Recorder, ann: MockConfigEntry, open_dashboard: Open
) -> None:
    dashboard = await open_dashboard()
    assert of_type(dashboard, "statistics-graph") == []


async def test_the_total_is_above_all_until_a_graph_makes_it_as_high_as_an_account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: Open,
) -> None:
    before = await open_dashboard()
    await record(hass, id_of(hass, home.ann.user_id, "total"))
    assert widths(before) == [before["views"][0]["max_columns"], 1, 1, 1, 2]
    assert widths(await open_dashboard()) == [1, 1, 1, 1, 2]


async def test_hidden_amounts_are_not_drawn_and_no_tile_tells_them(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: Open,
) -> None:
    balances = [id_of(hass, account.id, "balance") for account in (home.current, home.flex)]
    await record(hass, *balances)
    dashboard = await open_dashboard(hide_amounts=True)
    assert of_type(dashboard, "statistics-graph") == []
    assert all(tile["hide_state"] for tile in of_type(dashboard, "tile"))
    cards = [*of_type(dashboard, POT), *of_type(dashboard, TRANSACTIONS)]
    assert all(card["hide_amounts"] for card in cards)


async def test_a_broken_database_takes_no_more_than_the_graphs(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    open_dashboard: Open,
) -> None:
    await record(hass, id_of(hass, home.current.id, "balance"))

    def lose_statistics() -> None:
        with session_scope(hass=hass) as session:
            session.execute(text("DROP TABLE statistics"))

    await get_instance(hass).async_add_executor_job(lose_statistics)
    dashboard = await open_dashboard()
    assert of_type(dashboard, "statistics-graph") == []
    assert "Current account" in by_heading(dashboard)
