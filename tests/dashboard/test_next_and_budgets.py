"""The dashboard shows what comes next, and budgets, as soon as there are any."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account
from tests.conftest import SignIn
from tests.dashboard.test_layout import (
    OpenDashboard,
    by_heading,
    device_id,
    heading_badges,
    id_of,
    of_type,
    open_dashboard,
)
from tests.helpers.budgets import budget, budget_ids, with_budgets
from tests.helpers.state_helpers import device, set_up
from tests.recurring.conftest import account, dora, entry

NEXT = "Coming up"
UPCOMING = "custom:monzo-upcoming-card"
BUDGETS = "custom:monzo-budgets-card"

# Also fixtures of this module.
__all__ = ["account", "dora", "entry", "open_dashboard"]


# Coming up


async def test_what_comes_next_is_above_the_transactions(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    dashboard = await open_dashboard()
    assert list(by_heading(dashboard)) == ["Accounts", "Spending", NEXT, "Pots"]
    upcoming, transactions = by_heading(dashboard)[NEXT]
    assert (upcoming["type"], upcoming["hide_amounts"]) == (UPCOMING, False)
    assert upcoming["account"] == [device_id(hass, entry, account.id)]
    assert transactions["type"] == "custom:monzo-transactions-card"
    assert entry.unique_id
    assert heading_badges(dashboard, NEXT) == [id_of(hass, entry.unique_id, "days_to_pay_day")]
    (hidden,) = of_type(await open_dashboard(hide_amounts=True), UPCOMING)
    assert hidden["hide_amounts"] == "view"


async def test_without_the_entities_there_is_no_such_section(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    er.async_get(hass).async_update_entity(
        id_of(hass, account.id, "lowest_balance_ahead"), hidden_by=er.RegistryEntryHider.USER
    )
    assert of_type(await open_dashboard(), UPCOMING) == []


@pytest.mark.parametrize(
    ("state", "forecast"),
    [("unavailable", None), ("unknown", []), ("unknown", None)],
    ids=["during-an-outage", "nothing-found", "nothing-known"],
)
async def test_while_nothing_is_known_the_section_waits_for_it_out_of_sight(
    hass: HomeAssistant,
    account: Account,
    entry: MockConfigEntry,
    open_dashboard: OpenDashboard,
    *,
    state: str,
    forecast: list[object] | None,
) -> None:
    lowest = id_of(hass, account.id, "lowest_balance_ahead")
    hass.states.async_set(lowest, state, {"forecast": forecast} if forecast is not None else {})
    _accounts, section, _pots = (await open_dashboard())["views"][0]["sections"]
    heading, upcoming, transactions = section["cards"]
    known = {"condition": "state", "entity": lowest, "state_not": ["unknown", "unavailable"]}
    condition = {"condition": "or", "conditions": [known]}
    assert heading["visibility"] == upcoming["visibility"] == [condition]
    assert "visibility" not in transactions


async def test_bills_are_shown_also_without_a_pay_day(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    lowest = id_of(hass, account.id, "lowest_balance_ahead")
    bills: list[object] = [{"date": "2026-09-18", "balance": None, "payments": []}]
    hass.states.async_set(lowest, "unknown", {"forecast": bills})
    (card,) = of_type(await open_dashboard(), UPCOMING)
    assert "visibility" not in card


# Budgets


@pytest.fixture
async def ann_with_budgets(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> MockConfigEntry:
    """Return Ann's loaded entry with a budget of two accounts, and one of the joint account."""
    entry = sign_in(
        home.ann,
        **with_budgets(budget(home.current, home.joint), budget(home.joint, title="House")),
    )
    await set_up(hass, entry)
    return entry


async def test_budgets_are_above_the_pots_and_on_a_narrow_screen_above_the_transactions(
    hass: HomeAssistant, ann_with_budgets: MockConfigEntry, open_dashboard: OpenDashboard
) -> None:
    dashboard = await open_dashboard()
    budgets = [device(hass, ann_with_budgets, id_) for id_ in budget_ids(ann_with_budgets)]
    cards = of_type(dashboard, BUDGETS)
    assert [card["budget"] for card in cards] == [[each.id for each in budgets if each]] * 2
    first, _transactions, last = dashboard["views"][0]["sections"]
    on_a_narrow_screen, on_a_wide_screen = (
        [{"condition": "screen", "media_query": f"({query}px)"}]
        for query in ("max-width: 1023", "min-width: 1024")
    )
    assert [card["visibility"] for card in first["cards"][-2:]] == [on_a_narrow_screen] * 2
    assert [card["visibility"] for card in last["cards"][:2]] == [on_a_wide_screen] * 2
    hidden = of_type(await open_dashboard(hide_amounts=True), BUDGETS)
    assert {card["hide_amounts"] for card in hidden} == {"view"}


async def test_below_budgets_a_wall_tablet_has_no_room_for_the_shares_of_many_pots(
    hass: HomeAssistant,
    home: Household,
    ann_with_budgets: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    (shares,) = of_type(await open_dashboard(), "distribution")
    assert "visibility" not in shares
    for name in ("Bicycle", "Garden", "Car"):
        home.bank.open_pot(home.current.id, name, balance=500)
    await hass.config_entries.async_reload(ann_with_budgets.entry_id)
    (shares,) = of_type(await open_dashboard(), "distribution")
    (condition,) = shares["visibility"]
    assert condition["media_query"] == "(max-width: 1023px), (min-height: 900px)"


async def test_a_selection_of_accounts_has_the_budgets_that_count_no_other_account(
    hass: HomeAssistant,
    home: Household,
    ann_with_budgets: MockConfigEntry,
    open_dashboard: OpenDashboard,
) -> None:
    joint, flex = (device_id(hass, ann_with_budgets, each.id) for each in (home.joint, home.flex))
    card, _other = of_type(await open_dashboard(accounts=[joint, flex]), BUDGETS)
    house = device(hass, ann_with_budgets, budget_ids(ann_with_budgets)[1])
    assert house
    assert card["budget"] == [house.id]
    assert of_type(await open_dashboard(accounts=[flex]), BUDGETS) == []


@pytest.mark.parametrize("budgets", [1, 0])
async def test_many_pots_are_below_the_columns(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn, open_dashboard: OpenDashboard, budgets: int
) -> None:
    person = bank.add_person("Dora Dale")
    account = bank.open_account(person, balance=100)
    for number in range(25):
        bank.open_pot(account.id, f"Pot {number}", balance=500)
    await set_up(hass, sign_in(person, **with_budgets(*[budget(account)] * budgets)))
    dashboard = await open_dashboard()
    headings = ["Accounts", "Spending", *["Budgets"] * budgets, "", "Pots"]
    assert list(by_heading(dashboard)) == headings
    *_columns, transactions, pots = dashboard["views"][0]["sections"]
    # Without budgets, there would be a hole.
    assert transactions["column_span"] == (1 if budgets else 2)
    assert pots["column_span"] == 3
