"""What a person does to put a card on a dashboard, and to change it there, without a line of YAML.

The page is a dashboard that is being edited, which is at its path with `?edit=1`.
"""

from typing import Any

from playwright.async_api import Locator, Page, expect

from .desk import Desk
from .house import House

# What a card of ours says to the picker, and what it suggests for an account and for a pot. The
# module that makes all of them known is loaded once more, as it is when a page outlives an update.
OFFERED = """async (card) => {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  await import(`${loaded.find((name) => name.endsWith("/monzo.js"))}?again`);
  const { hass } = document.querySelector("home-assistant");
  const cards = window.customCards.filter(({ type }) => type === card);
  const entity = (key) => Object.values(hass.entities).find(
    ({ platform, translation_key }) => platform === "monzo" && translation_key === key
  ).entity_id;
  const [{ name, preview }] = cards;
  const [account, pot] = ["balance", "pot_balance"].map(
    (key) => cards[0].getEntitySuggestion(hass, entity(key))?.config
  );
  return { times: cards.length, name, preview, account, pot };
}"""


async def suggested(desk: Desk, page: Page, card: str, *, search: str, entity: str) -> Locator:
    """Add a card by an entity, and return the one of a kind that is suggested."""
    # Home Assistant shows pictures of its own in the examples of its cards.
    desk.expected_hosts.add("demo.home-assistant.io")
    await page.get_by_role("button", name="Add card").first.click()
    await page.get_by_placeholder("Search entities").fill(search)
    await page.get_by_text(entity, exact=True).first.click()
    found = page.locator("hui-suggestion-card").locator(card)
    # Those of Home Assistant come first.
    await found.scroll_into_view_if_needed()
    return found


async def example(page: Page, card: str, *, search: str) -> Locator:
    """Look for a card by its name instead, and return its example."""
    await page.get_by_role("tab", name="By card").click()
    await page.get_by_placeholder("Search cards").fill(search)
    return page.locator("hui-card-picker").locator(card)


async def preview(page: Page, card: str) -> Locator:
    """Open the visual editor of the first card, and return what shows there how it becomes."""
    await page.locator("hui-card-edit-mode").first.dblclick()
    return page.locator("hui-dialog-edit-card").locator(card)


async def hide_amounts(page: Page) -> None:
    """Set the option that all cards have, by keyboard."""
    switch = page.get_by_role("switch", name="Hide amounts until tapped")
    await switch.press("Space")
    await expect(switch).to_be_checked()


async def save(house: House, page: Page, url_path: str) -> dict[str, Any]:
    """Save what was changed of the only card, and return what the dashboard has of it now."""
    button = page.get_by_role("button", name="Save")
    await button.click()
    await expect(button).to_have_count(0)
    saved = await house.owner.command("lovelace/config", url_path=url_path)
    (card,) = saved["views"][0]["sections"][0]["cards"]
    kept: dict[str, Any] = card
    return kept
