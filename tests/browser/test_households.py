"""The generated dashboard of small and large households, from a phone to a desktop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, expect
import pytest

from sandbox.models import Pot

from .browser_session import BrowserSession, box_of
from .dashboard_page import change_view, import_statistics, wait_for_transactions
from .ha_instance import HaInstance
from .ha_setup import reload_integration, save_dashboard, temporary_budget

# Every card of the dashboard, except the transactions, whose list is long.
CARDS = "hui-card:not(:has(monzo-transactions-card))"

# Returns whether a part of a custom element is focused.
IS_FOCUSED = """([element, part]) => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  const root = focused?.getRootNode();
  return root instanceof ShadowRoot && root.host.localName === element && focused.matches(part);
}"""

# The names of pots, some with an emoji, one long.
NAMES = ("🚲 Bicycle", "Garden", "Christmas presents for everybody", "Car", "💍 Wedding")


@asynccontextmanager
async def household(ha: HaInstance, *, accounts: int, pots: int) -> AsyncIterator[None]:
    """Give Ann so many accounts and pots, and close the new ones at the end."""
    bank, ann = ha.bank, ha.home.ann
    opened = [account for account in bank.accounts_of(ann) if not account.closed]
    missing = accounts - len(opened)
    new_accounts = [bank.open_account(ann, balance=100_000 + place) for place in range(missing)]
    existing = [pot for account in opened for pot in bank.pots_of(account.id) if not pot.deleted]
    new_pots: list[Pot] = []
    for place in range(pots - len(existing)):
        name = NAMES[place % len(NAMES)]
        goal = 100_000 if place % 3 == 0 else None
        new_pots.append(bank.open_pot(ha.home.current.id, name, balance=place * 777, goal=goal))
    await reload_integration(ha)
    yield
    for pot in new_pots:
        bank.close_pot(pot.id)
    for account in new_accounts:
        bank.close_account(account.id)
    await reload_integration(ha)


async def test_five_accounts_to_pay_from_nine_pots_and_three_budgets_fit_a_wall_tablet(
    ha: HaInstance, browser: BrowserSession
) -> None:
    path = await save_dashboard(ha, "wall-tablet", {"strategy": {"type": "custom:monzo"}})
    # Flex, cashback and the loan are badges.
    async with (
        household(ha, accounts=8, pots=9),
        temporary_budget(ha, "Groceries"),
        temporary_budget(ha, "Eating out"),
        temporary_budget(ha, "Transport"),
    ):
        await import_statistics(ha)
        page = await browser.open(ha, path, width=1280, height=800, sidebar=False)
        await wait_for_transactions(page)
        await expect(page.locator("monzo-pot-card")).to_have_count(9)
        await expect(page.locator(".budget").filter(visible=True)).to_have_count(3)
        await browser.screenshot("wall tablet", page)
        for card in await page.locator(CARDS).filter(visible=True).all():
            box = await box_of(card)
            assert box["y"] + box["height"] <= 800, await card.inner_text()


async def test_eleven_accounts_and_forty_pots_are_usable_at_any_width(
    ha: HaInstance, browser: BrowserSession
) -> None:
    path = await save_dashboard(ha, "large-household", {"strategy": {"type": "custom:monzo"}})
    async with household(ha, accounts=11, pots=40):
        await import_statistics(ha)
        page = await browser.open(ha, path, width=390, height=844, sidebar=False)
        await wait_for_transactions(page)
        await expect(page.locator("monzo-pot-card")).to_have_count(40)
        await browser.screenshot("phone", page)
        transactions = await box_of(page.locator("monzo-transactions-card"))
        assert transactions["y"] < 2 * 844
        for width, dark in ((390, True), (768, False), (1280, True), (1440, False)):
            await change_view(page, width, 2400, dark=dark)
            await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
            await browser.screenshot(f"{width} {'dark' if dark else 'light'}", page)


async def test_the_dashboard_can_be_used_from_right_to_left_and_with_the_keyboard_alone(
    ha: HaInstance, browser: BrowserSession
) -> None:
    ha.bank.pay(ha.home.current.id, -350, merchant="Keyboard Shop")
    path = await save_dashboard(ha, "keyboard-money", {"strategy": {"type": "custom:monzo"}})
    page = await browser.open(ha, path, width=390, language="he", dark=True)
    await wait_for_transactions(page)
    await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    await expect(page.locator("monzo-summary-card")).to_have_css("direction", "rtl")
    await browser.screenshot("right to left")

    await press_tab_until(page, "monzo-summary-card button")
    await page.keyboard.press("Enter")
    row = page.locator("monzo-transactions-card .row").first
    await expect(row).not_to_contain_text("Keyboard Shop")
    await press_tab_until(page, "monzo-summary-card button")
    await page.keyboard.press("Enter")
    await expect(row).to_contain_text("Keyboard Shop")

    await press_tab_until(page, "monzo-transactions-card .row")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(page.locator("monzo-transaction-dialog")).to_contain_text("Keyboard Shop")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)

    await press_tab_until(page, "monzo-pot-card .open")
    await page.keyboard.press("Enter")
    amount = page.locator("monzo-move-dialog input")
    await expect(amount).to_be_focused()
    await page.keyboard.type("5")
    await expect(amount).to_have_value("5")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def press_tab_until(page: Page, selector: str) -> None:
    """Press the tabulator until a part that matches a selector within its shadow root is focused.

    The selector is a custom element, and a part in it.
    """
    element, part = selector.split()
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate(IS_FOCUSED, [element, part]):
            return
    pytest.fail(f"{selector} cannot be reached")
