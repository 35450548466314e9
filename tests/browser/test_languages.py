"""The dashboard in several languages on the smallest phone: translated, and without a cut text."""

from collections.abc import AsyncIterator

from playwright.async_api import Page, expect
import pytest
import pytest_asyncio

from tests.helpers.languages import LANGUAGES, flatten, read_texts

from .browser_session import BrowserSession
from .dashboard_page import turn_on_statistics, wait_for_transactions
from .ha_instance import HaInstance
from .ha_setup import reload_integration, save_dashboard
from .regular_payments import add_person_with_budgets
from .sockets import allow_local_connections

# English, and of the languages that exist those with the longest words and the longest sentences.
SHOWN = ["en", *(language for language in ("cy", "de", "pl") if language in LANGUAGES)]

WIDTH = 320

# Returns the texts in our own elements that are wider than their place, or higher than a button.
CUT_TEXTS = """() => {
  const cut = [];
  const isCut = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const text = range.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    if (!element.checkVisibility() || box.width <= 1) return false;
    return (getComputedStyle(element).overflow !== "visible"
        && element.scrollWidth > element.clientWidth + 1)
      || text.right > innerWidth + 1 || text.left < -1
      || (element.localName === "button" && text.height > box.height + 1);
  };
  const visit = (root, isOurs) => {
    for (const element of root.children) {
      const ours = isOurs || element.localName.startsWith("monzo-");
      // The filters of the transactions scroll sideways.
      const { overflowX } = getComputedStyle(element);
      if (ours && overflowX === "auto" && element.role === "group") continue;
      const hasText = [...element.childNodes].some((it) => it.nodeType === 3 && it.data.trim());
      if (ours && hasText && isCut(element)) cut.push(element.innerText);
      if (element.shadowRoot) visit(element.shadowRoot, ours);
      visit(element, ours);
    }
  };
  visit(document, false);
  return cut;
}"""

# Returns the texts in our own elements, and in those of Home Assistant that show ours.
TEXTS = """() => {
  const shown = [];
  const places = /^(monzo-.*|hui-(heading|tile|statistic|statistics-graph)-card|hui-.*badge)$/;
  const visit = (root, isOurs) => {
    for (const element of root.querySelectorAll("*")) {
      const ours = isOurs || places.test(element.localName);
      if (element.shadowRoot) visit(element.shadowRoot, ours);
      if (!ours && !element.closest("hui-card")) continue;
      shown.push(element.ariaLabel, element.title);
      for (const node of element.childNodes) if (node.nodeType === 3) shown.push(node.data.trim());
    }
  };
  visit(document, false);
  return shown.filter(Boolean);
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def household(executable: object, _instance: HaInstance) -> AsyncIterator[HaInstance]:
    """Return a Home Assistant with budgets and a history, and remove them at the end."""
    ha = _instance
    # Home Assistant's test helpers have blocked connections, if another module started this one.
    allow_local_connections()
    await ha.remove_everything()
    account = await add_person_with_budgets(ha)
    (dora,) = account.owners
    ha.bank.open_account(dora, ha.home.ben, type="uk_retail_joint", balance=98_725)
    ha.bank.decline(account.id, -9_900, merchant="Crane Yard", reason="CARD_BLOCKED")
    await turn_on_statistics(ha)
    yield ha
    allow_local_connections()
    await ha.admin.command("config/core/update", language="en")
    await ha.remove_everything()


@pytest.mark.parametrize("language", SHOWN)
async def test_everything_is_translated_and_fits_the_smallest_phone(
    household: HaInstance, browser: BrowserSession, language: str
) -> None:
    ha = household
    await use_language(ha, language)
    path = await save_dashboard(ha, "money-in-languages", {"strategy": {"type": "custom:monzo"}})
    page = await browser.open(ha, path, width=WIDTH, height=3200, language=language)
    await wait_for_transactions(page)
    await expect(page.locator("monzo-upcoming-card .chart")).to_be_visible()
    await check(browser, page, language, "dashboard")

    card = page.locator("monzo-transactions-card")
    await card.locator("header button").first.click()
    await expect(card.get_by_role("searchbox")).to_be_visible()
    await check(browser, page, language, "search")
    await card.locator("li .row").first.click()
    await expect(page.locator("monzo-transaction-dialog textarea")).to_be_visible()
    await check(browser, page, language, "transaction")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.locator("monzo-pot-card .open").first.click()
    dialog = page.locator("monzo-move-dialog")
    await dialog.locator("input").fill("5")
    await check(browser, page, language, "amount")
    await dialog.locator("[slot=footer] > :last-child").click()
    await expect(dialog.locator("input")).to_have_count(0)
    await check(browser, page, language, "confirmation")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.get_by_role("tab").nth(1).click()
    await expect(page.locator("hui-statistics-graph-card canvas").first).to_be_visible()
    await check(browser, page, language, "history")


async def use_language(ha: HaInstance, language: str) -> None:
    """Change Home Assistant's language, and let the integration name its devices in it."""
    await ha.admin.command("config/core/update", language=language)
    # This waits until the texts are loaded. Without them, the names would be in English.
    await ha.admin.command(
        "frontend/get_translations", language=language, category="device", integration="monzo"
    )
    await reload_integration(ha)


async def check(browser: BrowserSession, page: Page, language: str, name: str) -> None:
    """Take a picture, and check that nothing is cut off or in English."""
    await browser.screenshot(name)
    await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate(CUT_TEXTS) == [], name
    texts = flatten(read_texts(language))
    untranslated = {
        english for path, english in flatten(read_texts("en")).items() if texts[path] != english
    } - set(texts.values())
    assert untranslated.intersection(await page.evaluate(TEXTS)) == set(), name
