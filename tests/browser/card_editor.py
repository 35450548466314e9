"""Steps for adding and editing a card in the dashboard editor.

The page is a dashboard in edit mode, which is at its path with `?edit=1`.
"""

from typing import Any, Final

from playwright.async_api import Locator, Page, expect

from .automation_editor import form_messages
from .browser_session import BrowserSession
from .ha_instance import HaInstance
from .texts import text

# Returns the entries of a card in the card picker, and its suggestions for an account and a pot.
# First loads the module that registers the cards again, as after an update on an open page.
CARD_PICKER_ENTRY: Final = """async (card) => {
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


async def suggested_card(
    browser: BrowserSession, page: Page, card: str, *, search: str, entity: str
) -> Locator:
    """Add a card by entity, and return the suggested card of this type."""
    # Home Assistant's own suggestions contain images from this host.
    browser.expected_hosts.add("demo.home-assistant.io")
    await page.get_by_role("button", name="Add card").first.click()
    await page.get_by_placeholder("Search entities").fill(search)
    await page.get_by_text(entity, exact=True).first.click()
    found = page.locator("hui-suggestion-card").locator(card)
    # Home Assistant's own suggestions come first.
    await found.scroll_into_view_if_needed()
    return found


async def card_example(page: Page, card: str, *, search: str) -> Locator:
    """Search for a card by name in the open picker, and return its example."""
    await page.get_by_role("tab", name="By card").click()
    await page.get_by_placeholder("Search cards").fill(search)
    return page.locator("hui-card-picker").locator(card)


async def edit_first_card(page: Page, card: str) -> Locator:
    """Open the visual editor of the first card, and return the preview in it."""
    # A double click on the card is lost if the card is laid out again between the clicks.
    place = page.locator("hui-card-edit-mode").first
    await place.hover()
    await place.get_by_role("button", name="Edit card").click()
    return page.locator("hui-dialog-edit-card").locator(card)


async def open_form(page: Page, place: int) -> str:
    """Open the visual editor of the card in this place, and close it again.

    Return the messages about parts that can be edited only in YAML.
    """
    await page.get_by_role("button", name="Edit card").nth(place).press("Enter")
    dialog = page.locator("hui-dialog-edit-card")
    form = dialog.locator("hui-card-element-editor").first
    messages = await form_messages(form)
    cancel = dialog.get_by_role("button", name="Cancel")
    await cancel.click()
    await expect(cancel).to_have_count(0)
    return messages


async def hide_amounts(page: Page) -> None:
    """Turn on the option to hide amounts, by keyboard."""
    switch = page.get_by_role("switch", name=text("common.option_hide_amounts"))
    await switch.press("Space")
    await expect(switch).to_be_checked()


async def save_card(ha: HaInstance, page: Page, url_path: str) -> dict[str, Any]:
    """Save the only card of a dashboard, and return its stored configuration."""
    button = page.get_by_role("button", name="Save")
    await button.click()
    await expect(button).to_have_count(0)
    saved = await ha.admin.command("lovelace/config", url_path=url_path)
    (card,) = saved["views"][0]["sections"][0]["cards"]
    stored: dict[str, Any] = card
    return stored
