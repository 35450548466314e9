"""Upcoming payments and budgets on the generated dashboard, of a person with regular payments."""

from playwright.async_api import Page, expect
import pytest_asyncio

from sandbox.models import Account

from . import card_editor
from .browser_session import BrowserSession
from .dashboard_page import AMOUNT, change_view, read_text, wait_for_transactions
from .ha_instance import HaInstance, wait_until
from .ha_setup import device_id, save_dashboard
from .regular_payments import PAYEES, add_person_with_budgets
from .texts import text

NEXT = "monzo-upcoming-card"
BUDGETS = "monzo-budgets-card"


@pytest_asyncio.fixture(loop_scope="package")
async def account(new_ha: HaInstance) -> Account:
    """Return the account of a person with regular payments."""
    return await add_person_with_budgets(new_ha)


async def state_of(ha: HaInstance, unique_id: str) -> str:
    """Return the state of an entity; an empty text if it does not exist or is not known yet."""
    for entity in await ha.admin.command("config/entity_registry/list"):
        if entity["unique_id"] == unique_id:
            state = await ha.admin.get(f"/api/states/{entity['entity_id']}")
            return "" if state["state"] in {"unknown", "unavailable"} else str(state["state"])
    return ""


async def test_what_comes_next_and_the_budgets_are_shown_at_any_width(
    new_ha: HaInstance, browser: BrowserSession, account: Account
) -> None:
    ha = new_ha
    await wait_until(lambda: state_of(ha, f"{account.id}_left_to_spend"), "the amount is known")
    path = await save_dashboard(ha, "next-money", {"strategy": {"type": "custom:monzo"}})
    page = await browser.open(ha, path, height=1000, sidebar=False)
    await wait_for_transactions(page)

    upcoming, budgets = page.locator(NEXT), page.locator(BUDGETS)
    left = float(await state_of(ha, f"{account.id}_left_to_spend"))
    await expect(upcoming.locator(".account")).to_contain_text(f"£{left:,.2f}")
    await expect(upcoming.locator(".chart")).to_be_visible()
    rows = upcoming.get_by_role("listitem")
    await expect(rows).to_have_count(3)
    await upcoming.get_by_role("button", name="Show all").click()
    await expect(rows.filter(has_text="Harbour Design Ltd").first).to_contain_text("+£620.00")
    await expect(rows.filter(has_text=PAYEES[0]).first).to_contain_text("-£12.50")
    await upcoming.get_by_role("button", name=text("common.show_fewer")).click()
    await expect(rows).to_have_count(3)
    food, everything = await budgets.locator(".budget").all()
    await expect(food).to_contain_text("120%")
    await expect(food).to_contain_text(text("common.budgets_over", amount="£10.00"))
    await expect(everything).to_contain_text("a day")
    for width, dark in ((1280, False), (1280, True), (390, True), (390, False)):
        await change_view(page, width, 1900 if width == 390 else 900, dark=dark)
        await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        await page.evaluate("scrollTo(0, 0)")
        await browser.screenshot(f"{width} {'dark' if dark else 'light'}", page)

    await budgets.locator(".budget").first.click()
    # The way back to the device.
    await expect(page.get_by_role("button", name="Food", exact=True)).to_be_visible()
    await browser.screenshot("details", page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await hide_the_amounts(page)
    await browser.screenshot("hidden", page)
    await offer_the_cards_and_their_editors(ha, browser, account)


async def hide_the_amounts(page: Page) -> None:
    """Hide the amounts of the page, and check that neither they nor payees are shown."""
    await page.get_by_role("button", name=text("common.amounts_hide")).click()
    await expect(page.locator(NEXT).locator(".chart")).to_have_count(0)
    await wait_for_transactions(page)
    content = await read_text(page)
    assert AMOUNT.findall(content) == []
    assert [payee for payee in PAYEES if payee in content] == []
    # Shares and names of budgets stay.
    assert "120%" in content
    assert text("common.budgets_exceeded") in content


async def offer_the_cards_and_their_editors(
    ha: HaInstance, browser: BrowserSession, account: Account
) -> None:
    """Add both cards without options to a dashboard, and open their editors."""
    cards = [{"type": f"custom:{card}"} for card in (NEXT, BUDGETS)]
    view = {"type": "sections", "sections": [{"type": "grid", "cards": cards}]}
    path = await save_dashboard(ha, "next-cards", {"views": [view]})
    page = await browser.open(ha, f"{path}?edit=1")
    await expect(page.locator(NEXT).locator(".chart")).to_be_visible()
    await expect(page.locator(BUDGETS).locator(".budget")).to_have_count(2)
    assert [await card_editor.open_form(page, place) for place in (0, 1)] == ["", ""]
    offered = await page.evaluate(card_editor.CARD_PICKER_ENTRY, NEXT)
    device = await device_id(ha, account.id)
    assert (offered["name"], offered["pot"]) == (text("common.upcoming_name"), None)
    assert offered["account"] == {"type": f"custom:{NEXT}", "account": [device]}
    await browser.screenshot("cards", page)
