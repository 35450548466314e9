"""The dashboard that is there at once: offered, complete, discreet, and never out of date."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
import json
import re

from playwright.async_api import Page, WebSocketRoute, expect
import pytest
import pytest_asyncio

from sandbox.demo.past_statistics import import_past_statistics

from .boards import device_of, lay_out, reload
from .desk import Desk
from .house import House

DIALOG = "ha-dialog-new-dashboard"

# Whatever an amount may look like.
AMOUNT = re.compile(r"[£$€]|\bGBP\b|\d[.,]\d\d\b")

# All that can be read on a page, also what components keep to themselves.
TEXT = """() => {
  const isHidden = (node) =>
    node instanceof Element
    && (["STYLE", "SCRIPT"].includes(node.nodeName) || getComputedStyle(node).display === "none");
  const read = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (isHidden(node)) return "";
    const parts = [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes];
    return [node.ariaLabel, node.title, ...parts.map(read)].filter(Boolean).join(" ");
  };
  return read(document.body);
}"""


# Breaks the connection; after that, Home Assistant does not know the integration for a while.
RESTART = """() => {
  const { connection } = document.querySelector("home-assistant").hass;
  const send = connection.sendMessagePromise.bind(connection);
  window.asked = 0;
  connection.sendMessagePromise = (message) => {
    const isTooEarly = message.type === "monzo/dashboard" && ++window.asked <= 3;
    return isTooEarly ? Promise.reject({ code: "unknown_command" }) : send(message);
  };
  connection.reconnect(true);
}"""


@pytest_asyncio.fixture(loop_scope="package")
async def money(banked_house: House) -> str:
    """Return the path of the dashboard as it is without any choice."""
    return await lay_out(banked_house, "all-money", {"strategy": {"type": "custom:monzo"}})


@pytest_asyncio.fixture(loop_scope="package")
async def _no_dashboards_left(banked_house: House) -> AsyncIterator[None]:
    """Remove the dashboards that a test made by clicks."""
    yield
    for dashboard in await banked_house.owner.command("lovelace/dashboards/list"):
        if dashboard["title"] == "Money":
            await banked_house.owner.command(
                "lovelace/dashboards/delete", dashboard_id=dashboard["id"]
            )


@pytest.mark.usefixtures("_no_dashboards_left")
async def test_it_is_among_the_new_dashboards_and_makes_one(
    banked_house: House, desk: Desk
) -> None:
    page = await desk.open(banked_house, "/config/lovelace/dashboards")
    await page.get_by_role("button", name="Add dashboard").click()
    offered = page.locator(DIALOG)
    await offered.get_by_role("button", name="Monzo").scroll_into_view_if_needed()
    await desk.shot("offered")
    await offered.get_by_role("button", name="Monzo").click()
    details = page.locator("dialog-lovelace-dashboard-detail")
    await expect(details.get_by_role("textbox").first).to_have_value("Money")
    await desk.shot("details")
    await details.get_by_role("button", name="Create").click()
    await expect(details.get_by_role("button", name="Create")).to_be_hidden()
    await page.get_by_role("link", name="Money").click()
    await expect(page.get_by_role("heading", name="Holiday")).to_be_visible()
    await desk.shot("dashboard")


async def test_it_can_be_chosen_while_its_texts_are_on_their_way(
    banked_house: House, desk: Desk
) -> None:
    page = await desk.open(banked_house, "/profile")
    late: list[Callable[[], None]] = []

    def hold_texts(browser: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            told = json.loads(message)
            for each in told if isinstance(told, list) else [told]:
                send = partial(browser.send, json.dumps(each))
                late.append(send) if "component.monzo.common" in str(each) else send()

        browser.connect_to_server().on_message(pass_on)

    await page.route_web_socket("**/api/websocket", hold_texts)
    await page.goto(f"{banked_house.url}/config/lovelace/dashboards")
    await page.get_by_role("button", name="Add dashboard").click()
    await page.locator(DIALOG).get_by_role("button", name="Monzo").click()
    for send in late:
        send()
    title = page.locator("dialog-lovelace-dashboard-detail").get_by_role("textbox").first
    await expect(title).to_have_value("Money")


@pytest.mark.parametrize(
    ("width", "colours"), [(390, "dark"), (390, "light"), (1280, "light"), (1600, "dark")]
)
async def test_it_shows_everything_at_any_width(
    banked_house: House, desk: Desk, money: str, width: int, colours: str
) -> None:
    page = await desk.open(banked_house, money, width=width, height=1800, dark=colours == "dark")
    for text in ("Total of everything", "Current account", "Spent today", "Other accounts"):
        await expect(page.get_by_text(text, exact=True).first).to_be_visible()
    await _listed(page)
    pots = page.locator("monzo-pot-card").get_by_role("heading")
    # Those with a goal come first in each account.
    assert await pots.all_inner_texts() == [
        *("Holiday", "Rainy day", "Coin jar", "Savings"),
        *("House", "Bills"),
    ]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await desk.shot("dashboard")


async def test_on_the_first_day_there_are_no_graphs_of_nothing(
    banked_house: House, desk: Desk, money: str
) -> None:
    graphs = "hui-statistics-graph-card"
    await _forget_the_past(banked_house)
    page = await desk.open(banked_house, money, height=1300)
    await _listed(page)
    await expect(page.locator(graphs)).to_have_count(0)
    await expect(page.get_by_text("Spending", exact=True)).to_have_count(0)
    await desk.shot("first day")
    await _remember_the_past(banked_house)
    await page.reload()
    await expect(page.locator(graphs)).to_have_count(5)
    await desk.shot("later")


async def test_a_page_that_stays_open_outlives_a_restart(
    banked_house: House, desk: Desk, money: str
) -> None:
    page = await desk.open(banked_house, money)
    await _listed(page)
    await page.evaluate(RESTART)
    await page.wait_for_function("window.asked > 3")
    await _listed(page)


async def test_a_new_pot_and_a_new_name_appear_by_themselves(
    banked_house: House, desk: Desk, money: str
) -> None:
    page = await desk.open(banked_house, money)
    await expect(page.get_by_role("heading", name="Holiday")).to_be_visible()
    bank, home = banked_house.bank, banked_house.home
    bicycle = bank.open_pot(home.current.id, "Bicycle", goal=20_000)
    bank.deposit(bicycle.id, home.current.id, 500, "bicycle")
    await expect(page.get_by_role("heading", name="Bicycle")).to_be_visible(timeout=20_000)
    device = await device_of(banked_house, home.joint.id)
    update = "config/device_registry/update"
    await banked_house.owner.command(update, device_id=device, name_by_user="Household")
    await expect(page.get_by_text("Household", exact=True).first).to_be_visible()
    await desk.shot("bicycle and household")
    await banked_house.owner.command(update, device_id=device, name_by_user=None)
    bank.close_pot(bicycle.id)
    await reload(banked_house)
    await expect(page.get_by_role("heading", name="Bicycle")).to_have_count(0, timeout=20_000)


async def test_hidden_amounts_are_nowhere_on_the_page(banked_house: House, desk: Desk) -> None:
    strategy = {"type": "custom:monzo", "hide_amounts": True}
    path = await lay_out(banked_house, "hidden-money", {"strategy": strategy})
    page = await desk.open(banked_house, path, height=2600)
    await _listed(page)
    await expect(page.get_by_text("Total of everything")).to_be_visible()
    text = await _text(page)
    assert "Holiday" in text
    assert "Spent today" in text
    assert AMOUNT.findall(text) == []
    await desk.shot("hidden")
    shown = page.locator("monzo-pot-card").filter(has_text="Holiday")
    await shown.get_by_role("button", name="Show amounts").click()
    assert AMOUNT.findall(await _text(page))


async def test_only_chosen_accounts_are_shown_and_no_total_of_all(
    banked_house: House, desk: Desk
) -> None:
    await _remember_the_past(banked_house)
    joint = await device_of(banked_house, banked_house.home.joint.id)
    strategy = {"type": "custom:monzo", "accounts": [joint]}
    path = await lay_out(banked_house, "our-money", {"strategy": strategy})
    page = await desk.open(banked_house, path)
    await expect(page.get_by_role("heading", name="House")).to_be_visible()
    await _listed(page)
    text = await _text(page)
    assert "Spending" in text
    for other in ("Holiday", "Current account", "Flex", "Total of everything", "Other accounts"):
        assert other not in text


async def test_an_account_without_pots_has_its_section_all_the_same(
    banked_house: House, desk: Desk
) -> None:
    bank, home = banked_house.bank, banked_house.home
    business = bank.open_account(home.ann, type="uk_business", balance=12_345)
    await reload(banked_house)
    device = await device_of(banked_house, business.id)
    strategy = {"type": "custom:monzo", "accounts": [device]}
    path = await lay_out(banked_house, "business-money", {"strategy": strategy})
    page = await desk.open(banked_house, path)
    await expect(page.get_by_text("£123.45")).to_be_visible()
    text = await _text(page)
    assert "Spent today" in text
    for absent in ("Balance with pots", "Other accounts", "Everything"):
        assert absent not in text
    await desk.shot("business")
    bank.close_account(business.id)
    await reload(banked_house)


async def test_without_an_account_it_leads_to_the_integrations(
    banked_house: House, desk: Desk
) -> None:
    strategy = {"type": "custom:monzo", "accounts": ["gone"]}
    path = await lay_out(banked_house, "no-money", {"strategy": strategy})
    page = await desk.open(banked_house, path)
    await expect(page.get_by_text("No accounts to show")).to_be_visible()
    await desk.shot("nothing")
    await page.get_by_role("button", name="Go to integrations").click()
    await page.wait_for_url("**/config/integrations/dashboard")


async def test_amounts_are_hidden_in_the_visual_editor(banked_house: House, desk: Desk) -> None:
    path = await lay_out(banked_house, "edited-money", {"strategy": {"type": "custom:monzo"}})
    page = await desk.open(banked_house, path)
    await page.get_by_role("button", name="Edit dashboard").click()
    editor = page.locator("dialog-dashboard-strategy-editor")
    await editor.locator("ha-switch").click()
    await desk.shot("editor")
    await editor.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Show amounts").first).to_be_visible()
    saved = await banked_house.owner.command("lovelace/config", url_path="edited-money")
    assert saved == {"strategy": {"type": "custom:monzo", "hide_amounts": True}}


async def _statistics(house: House) -> list[str]:
    """Return the ids of our statistics that hold something."""
    entities = await house.owner.command("config/entity_registry/list")
    since = datetime.now(UTC) - timedelta(days=30)
    known = await house.owner.command(
        "recorder/statistics_during_period",
        start_time=since.isoformat(),
        statistic_ids=[each["entity_id"] for each in entities if each["platform"] == "monzo"],
        period="day",
    )
    return list(known)


async def _forget_the_past(house: House) -> None:
    """Have it be the first day."""
    while known := await _statistics(house):
        await house.owner.command("recorder/clear_statistics", statistic_ids=known)


async def _remember_the_past(house: House) -> None:
    """Have there been days before, and wait until the recorder has written all of them down."""
    await import_past_statistics(house.owner, house.bank)
    total = f"{house.home.ann.user_id}_total"
    entities = await house.owner.command("config/entity_registry/list")
    (last,) = (each["entity_id"] for each in entities if each["unique_id"] == total)
    while last not in await _statistics(house):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.1)


async def _listed(page: Page) -> None:
    """Wait until the transactions are there, which come last."""
    rows = page.locator("monzo-transactions-card").get_by_role("listitem")
    await expect(rows.first).to_be_visible()


async def _text(page: Page) -> str:
    """Return all that can be read on a page, by eye or ear."""
    text: str = await page.evaluate(TEXT)
    return text
