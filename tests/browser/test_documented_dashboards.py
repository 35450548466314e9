"""What the page on dashboards shows can be seen, in Home Assistant as people have it."""

from pathlib import Path
import re
from typing import Any

from playwright.async_api import expect
import yaml

from .boards import device_of, lay_out
from .desk import Desk
from .house import House

PAGE = (Path(__file__).parents[2] / "docs/dashboards.md").read_text(encoding="utf-8")

# What stands on the page for what the reader chooses.
ACCOUNT = "0123456789abcdef0123456789abcdef"
POT = "fedcba9876543210fedcba9876543210"

EXAMPLES = [
    block
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    if "lovelace:" not in block
]


async def chosen(house: House, example: str) -> Any:
    """Return an example with an account and a pot of this house."""
    account = await device_of(house, house.home.current.id)
    pot = await device_of(house, house.home.holiday.id)
    return yaml.safe_load(example.replace(ACCOUNT, account).replace(POT, pot))


async def test_the_cards_of_the_page_are_shown_without_an_error(
    banked_house: House, desk: Desk
) -> None:
    cards = [await chosen(banked_house, each) for each in EXAMPLES if not each.startswith("strat")]
    views = [{"type": "sections", "sections": [{"type": "grid", "cards": [it]} for it in cards]}]
    path = await lay_out(banked_house, "documented-cards", {"views": views})
    page = await desk.open(banked_house, path, height=1800)
    for card in ("monzo-transactions-card", "monzo-pot-card"):
        await page.locator(card).get_by_role("heading").first.wait_for()
    for card in ("distribution", "gauge", "statistics-graph", "statistic", "tile"):
        await page.locator(f"hui-{card}-card").first.wait_for()
    await desk.shot("cards")
    await expect(page.locator("hui-error-card")).to_have_count(0)


async def test_the_dashboard_of_the_page_is_shown_and_hides_its_amounts(
    banked_house: House, desk: Desk
) -> None:
    (example,) = (each for each in EXAMPLES if each.startswith("strategy:"))
    path = await lay_out(banked_house, "documented-money", await chosen(banked_house, example))
    page = await desk.open(banked_house, path)
    card = page.locator("monzo-pot-card").first
    await card.get_by_role("img", name="Hidden amount").first.wait_for()
    await desk.shot("dashboard")
    await expect(page.locator("hui-error-card")).to_have_count(0)
