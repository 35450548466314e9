"""The generated dashboard of small and large households, from a phone to a desktop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import expect

from sandbox.models import Pot

from .browser_session import BrowserSession, box_of
from .dashboard_page import HIDE_SIDEBAR, import_statistics, wait_for_transactions
from .ha_instance import HaInstance
from .ha_setup import reload_integration, save_dashboard

# Every card of the dashboard, except the transactions, whose list is long.
CARDS = "hui-card:not(:has(monzo-transactions-card))"

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


async def test_five_accounts_to_pay_from_and_nine_pots_fit_a_wall_tablet(
    ha: HaInstance, browser: BrowserSession
) -> None:
    path = await save_dashboard(ha, "wall-tablet", {"strategy": {"type": "custom:monzo"}})
    # Flex, cashback and the loan are badges.
    async with household(ha, accounts=8, pots=9):
        await import_statistics(ha)
        page = await browser.open_separate(ha, width=1280, height=800)
        await page.evaluate(HIDE_SIDEBAR)
        await page.goto(f"{ha.url}{path}")
        await wait_for_transactions(page)
        await expect(page.locator("monzo-pot-card")).to_have_count(9)
        await browser.screenshot("wall tablet", page)
        for card in await page.locator(CARDS).all():
            box = await box_of(card)
            assert box["y"] + box["height"] <= 800, await card.inner_text()


async def test_eleven_accounts_and_forty_pots_are_usable_at_any_width(
    ha: HaInstance, browser: BrowserSession
) -> None:
    path = await save_dashboard(ha, "large-household", {"strategy": {"type": "custom:monzo"}})
    async with household(ha, accounts=11, pots=40):
        await import_statistics(ha)
        page = await browser.open_separate(ha, width=390, height=844)
        await page.evaluate(HIDE_SIDEBAR)
        await page.goto(f"{ha.url}{path}")
        await wait_for_transactions(page)
        await expect(page.locator("monzo-pot-card")).to_have_count(40)
        await browser.screenshot("phone", page)
        transactions = await box_of(page.locator("monzo-transactions-card"))
        assert transactions["y"] < 2 * 844
        for width, dark in ((390, True), (768, False), (1280, True), (1440, False)):
            await page.set_viewport_size({"width": width, "height": 2400})
            await page.emulate_media(color_scheme="dark" if dark else "light")
            await page.reload()
            await wait_for_transactions(page)
            await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
            await browser.screenshot(f"{width} {'dark' if dark else 'light'}", page)
