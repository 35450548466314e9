"""The generated dashboard: creation, content, hidden amounts, and updates on an open page."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
import json

from playwright.async_api import WebSocketRoute, expect
import pytest
import pytest_asyncio

from . import card_editor
from .browser_session import BrowserSession
from .dashboard_page import (
    AMOUNT,
    change_view,
    clear_statistics,
    import_statistics,
    read_text,
    turn_on_statistics,
    wait_for_transactions,
)
from .ha_instance import HaInstance, wait_until
from .ha_setup import change_options, device_id, reload_integration, save_dashboard
from .texts import text

NEW_DASHBOARD_DIALOG = "ha-dialog-new-dashboard"

# Reconnects, and then answers as a starting Home Assistant that does not know the integration yet.
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
async def default_path(ha: HaInstance) -> str:
    """Return the path of a generated dashboard without options."""
    return await save_dashboard(ha, "all-money", {"strategy": {"type": "custom:monzo"}})


@pytest_asyncio.fixture(loop_scope="package")
async def _delete_new_dashboard(ha: HaInstance) -> AsyncIterator[None]:
    """Delete the dashboard that a test creates in the frontend."""
    yield
    for dashboard in await ha.admin.command("lovelace/dashboards/list"):
        if dashboard["title"] == "Money":
            await ha.admin.command("lovelace/dashboards/delete", dashboard_id=dashboard["id"])


@pytest.mark.usefixtures("_delete_new_dashboard")
async def test_it_can_be_created_even_before_its_texts_are_loaded(
    ha: HaInstance, browser: BrowserSession
) -> None:
    page = await browser.open(ha)
    held: list[Callable[[], None]] = []
    released = asyncio.Event()

    def hold_texts(socket: WebSocketRoute) -> None:
        def pass_on(frame: str | bytes) -> None:
            content = json.loads(frame)
            for message in content if isinstance(content, list) else [content]:
                send = partial(socket.send, json.dumps(message))
                is_text = "component.monzo.common" in str(message)
                held.append(send) if is_text and not released.is_set() else send()

        socket.connect_to_server().on_message(pass_on)

    await page.route_web_socket("**/api/websocket", hold_texts)
    await page.goto(f"{ha.url}/config/lovelace/dashboards")
    await page.get_by_role("button", name="Add dashboard").click()
    offered = page.locator(NEW_DASHBOARD_DIALOG).get_by_role("button", name="Monzo")
    await offered.scroll_into_view_if_needed()
    await browser.screenshot("offered")
    await offered.click()
    released.set()
    for send in held:
        send()
    details = page.locator("dialog-lovelace-dashboard-detail")
    await expect(details.get_by_role("textbox").first).to_have_value("Money")
    await browser.screenshot("details")
    await details.get_by_role("button", name="Create").click()
    await expect(details.get_by_role("button", name="Create")).to_be_hidden()
    await page.get_by_role("link", name="Money").click()
    await expect(page.get_by_role("heading", name="Holiday")).to_be_visible()
    await browser.screenshot("dashboard")


async def test_it_shows_everything_at_any_width(
    ha: HaInstance, browser: BrowserSession, default_path: str
) -> None:
    page = await browser.show(ha, default_path, height=1800)
    for title in ("Total of everything", "Accounts", "Spending", "Flex", "Pots"):
        await expect(page.get_by_text(title, exact=True).first).to_be_visible()
    await wait_for_transactions(page)
    pots = page.locator("monzo-pot-card").get_by_role("heading")
    # Pots with a goal come first.
    assert await pots.all_inner_texts() == [
        *("Holiday", "House"),
        *("Rainy day", "Coin jar", "Savings", "Bills"),
    ]
    for width, dark in ((1280, False), (1600, True), (390, True), (390, False)):
        await change_view(page, width, 1800, dark=dark)
        await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        await browser.screenshot(f"{width} {'dark' if dark else 'light'}")


async def test_on_the_first_day_it_shows_no_empty_graphs(
    ha: HaInstance, browser: BrowserSession, default_path: str
) -> None:
    graphs = "hui-statistics-graph-card"
    await clear_statistics(ha)
    page = await browser.open(ha, default_path, height=1300)
    await wait_for_transactions(page)
    await expect(page.locator(graphs)).to_have_count(0)
    await browser.screenshot("first day")
    await import_statistics(ha)
    await page.reload()
    await expect(page.locator(graphs)).to_have_count(1)
    await browser.screenshot("later")


async def test_the_past_has_a_view_of_its_own(
    ha: HaInstance, browser: BrowserSession, default_path: str
) -> None:
    await turn_on_statistics(ha)

    async def is_complete() -> bool:
        generated = await ha.admin.command("monzo/dashboard", language="en")
        history = str(generated["views"][1:])
        return history.count("statistics-graph") == 6 and "eating_out" in history

    await wait_until(is_complete, "the statistics of both accounts are written")
    page = await browser.show(ha, default_path, height=2600)
    await page.get_by_role("tab", name="History").click()
    charts = page.locator("hui-statistics-graph-card")
    # Two accounts have transactions that count.
    for title in ("Income and spending by month", "Spending by year"):
        await expect(charts.filter(has_text=title)).to_have_count(2)
    await expect(charts.locator("canvas")).to_have_count(6)
    await expect(charts.filter(has_text="Eating out").first).to_be_visible()
    await browser.screenshot("history")
    await change_options(ha, statistics=None)


async def test_an_open_page_survives_a_restart_of_home_assistant(
    ha: HaInstance, browser: BrowserSession, default_path: str
) -> None:
    page = await browser.open(ha, default_path)
    await wait_for_transactions(page)
    await page.evaluate(RESTART)
    await page.wait_for_function("window.asked > 3")
    await wait_for_transactions(page)


async def test_a_new_pot_and_a_new_name_appear_on_an_open_page(
    ha: HaInstance, browser: BrowserSession, default_path: str
) -> None:
    page = await browser.show(ha, default_path)
    await expect(page.get_by_role("heading", name="Holiday")).to_be_visible()
    bicycle = ha.bank.open_pot(ha.home.current.id, "Bicycle", goal=20_000)
    ha.bank.deposit(bicycle.id, ha.home.current.id, 500, "bicycle")
    await expect(page.get_by_role("heading", name="Bicycle")).to_be_visible()
    device = await device_id(ha, ha.home.joint.id)
    update = "config/device_registry/update"
    await ha.admin.command(update, device_id=device, name_by_user="Household")
    await expect(page.get_by_text("Household", exact=True).first).to_be_visible()
    await browser.screenshot("bicycle and household")
    await ha.admin.command(update, device_id=device, name_by_user=None)
    ha.bank.close_pot(bicycle.id)
    await reload_integration(ha)
    await expect(page.get_by_role("heading", name="Bicycle")).to_have_count(0)


async def test_hidden_amounts_are_nowhere_on_the_page(
    ha: HaInstance, browser: BrowserSession
) -> None:
    ha.bank.pay(ha.home.current.id, -350, merchant="Private Shop")
    strategy = {"type": "custom:monzo", "hide_amounts": True}
    path = await save_dashboard(ha, "hidden-money", {"strategy": strategy})
    page = await browser.show(ha, path, height=2600)
    await wait_for_transactions(page)
    await expect(page.get_by_text("Total of everything")).to_be_visible()
    content = await read_text(page)
    assert "Holiday" in content
    assert "spent today" in content
    assert AMOUNT.findall(content) == []
    assert "Private Shop" not in content
    await browser.screenshot("hidden")
    # One eye for the whole view.
    await expect(page.get_by_role("button", name="Show amounts")).to_have_count(1)
    summary = page.locator("monzo-summary-card")
    await summary.get_by_role("button", name="Show amounts").click()
    await expect(summary.get_by_role("button", name="Hide amounts")).to_be_visible()
    await expect(page.locator("hui-distribution-card")).to_be_visible()
    await expect(page.get_by_text("Private Shop").first).to_be_visible()
    content = await read_text(page)
    assert AMOUNT.findall(content)
    assert "Private Shop" in content
    await browser.screenshot("shown")
    await summary.get_by_role("button", name="Hide amounts").click()
    await expect(summary.get_by_role("button", name="Show amounts")).to_be_visible()
    await wait_for_transactions(page)
    assert AMOUNT.findall(await read_text(page)) == []
    # The frontend would remember the choice.
    await page.close()


async def test_amounts_that_were_shown_are_hidden_again_after_a_minute(
    ha: HaInstance, browser: BrowserSession
) -> None:
    strategy = {"type": "custom:monzo", "hide_amounts": True}
    path = await save_dashboard(ha, "private-money", {"strategy": strategy})
    page = await browser.open_separate(ha)
    await page.clock.install()
    await page.goto(f"{ha.url}{path}")
    summary = page.locator("monzo-summary-card")
    await summary.get_by_role("button", name="Show amounts").click()
    await expect(summary.get_by_role("button", name="Hide amounts")).to_be_visible()
    await page.clock.fast_forward(60_000)
    await expect(summary.get_by_role("button", name="Show amounts")).to_be_visible()


async def test_with_chosen_accounts_it_shows_only_those_and_no_total(
    ha: HaInstance, browser: BrowserSession
) -> None:
    await import_statistics(ha)
    joint = await device_id(ha, ha.home.joint.id)
    strategy = {"type": "custom:monzo", "accounts": [joint]}
    path = await save_dashboard(ha, "our-money", {"strategy": strategy})
    page = await browser.show(ha, path)
    await expect(page.get_by_role("heading", name="House")).to_be_visible()
    await wait_for_transactions(page)
    content = await read_text(page)
    assert "Spending" in content
    for other in ("Holiday", "Current account", "Flex", "Total of everything"):
        assert other not in content


async def test_an_account_without_pots_has_no_section_of_pots(
    ha: HaInstance, browser: BrowserSession
) -> None:
    business = ha.bank.open_account(ha.home.ann, type="uk_business", balance=12_345)
    await reload_integration(ha)
    device = await device_id(ha, business.id)
    strategy = {"type": "custom:monzo", "accounts": [device]}
    path = await save_dashboard(ha, "business-money", {"strategy": strategy})
    page = await browser.show(ha, path)
    await expect(page.get_by_text("£123.45").first).to_be_visible()
    content = await read_text(page)
    assert "spent today" in content
    assert "Pots" not in content
    await browser.screenshot("business")
    ha.bank.close_account(business.id)
    await reload_integration(ha)


async def test_without_an_account_it_links_to_the_integrations(
    ha: HaInstance, browser: BrowserSession
) -> None:
    strategy = {"type": "custom:monzo", "accounts": ["removed"]}
    path = await save_dashboard(ha, "no-money", {"strategy": strategy})
    page = await browser.show(ha, path)
    await expect(page.get_by_text(text("common.dashboard_nothing"))).to_be_visible()
    await browser.screenshot("no accounts")
    await page.get_by_role("button", name=text("common.dashboard_set_up")).click()
    await page.wait_for_url("**/config/integrations/dashboard")


async def test_its_options_can_be_changed_in_the_visual_editor(
    ha: HaInstance, browser: BrowserSession
) -> None:
    joint = await device_id(ha, ha.home.joint.id)
    # In YAML, a single account is valid without a list.
    strategy: dict[str, object] = {"type": "custom:monzo", "accounts": joint}
    path = await save_dashboard(ha, "edited-money", {"strategy": strategy})
    page = await browser.show(ha, path)
    await page.get_by_role("button", name="Edit dashboard").click()
    editor = page.locator("dialog-dashboard-strategy-editor")
    await expect(editor.locator("ha-device-picker").first).to_contain_text("Joint account")
    await editor.locator("ha-switch").click()
    await browser.screenshot("editor")
    await editor.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Show amounts").first).to_be_visible()
    saved = await ha.admin.command("lovelace/config", url_path="edited-money")
    edited = {"type": "custom:monzo", "accounts": [joint], "hide_amounts": True}
    assert saved == {"strategy": edited}


async def test_after_taking_control_every_kind_of_card_opens_in_its_visual_editor(
    ha: HaInstance, browser: BrowserSession
) -> None:
    await import_statistics(ha)
    account = await device_id(ha, ha.home.current.id)
    generated = await ha.admin.command("monzo/dashboard", language="en", accounts=[account])
    sections = generated["views"][0]["sections"]
    cards = {card["type"]: card for section in sections for card in section["cards"]}
    view = {"type": "sections", "sections": [{"type": "grid", "cards": list(cards.values())}]}
    path = await save_dashboard(ha, "controlled-money", {"views": [view]})
    page = await browser.show(ha, f"{path}?edit=1")
    await wait_for_transactions(page)
    messages = {
        card_type: await card_editor.open_form(page, place) for place, card_type in enumerate(cards)
    }
    assert messages == dict.fromkeys(cards, "")
