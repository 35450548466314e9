"""The dashboards page of the documentation: its examples work, and its options exist."""

from pathlib import Path
import re
from typing import Any

from playwright.async_api import expect
import yaml

from .browser_session import BrowserSession
from .ha_instance import HaInstance
from .ha_setup import device_id, save_dashboard

PAGE = (Path(__file__).parents[2] / "docs/dashboards.md").read_text(encoding="utf-8")

# The ids on the page that stand for a device of the reader.
ACCOUNT = "0123456789abcdef0123456789abcdef"
POT = "fedcba9876543210fedcba9876543210"

EXAMPLES = [
    block
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    if "lovelace:" not in block
]

# Returns the options in the visual editors of the cards and of the dashboard, with their labels.
EDITOR_OPTIONS = """async () => {
  const options = (name) => {
    const { schema, computeLabel } = customElements.get(name).getConfigElement();
    return Object.fromEntries(schema.map((field) => [field.name, computeLabel(field)]));
  };
  return {
    "The dashboard": options("ll-strategy-dashboard-monzo"),
    "The pot card": options("monzo-pot-card"),
    "The transactions card": options("monzo-transactions-card"),
  };
}"""


async def with_real_devices(ha: HaInstance, example: str) -> Any:
    """Return an example with an account and a pot of this instance."""
    account = await device_id(ha, ha.home.current.id)
    pot = await device_id(ha, ha.home.holiday.id)
    return yaml.safe_load(example.replace(ACCOUNT, account).replace(POT, pot))


def documented_options(heading: str) -> dict[str, str]:
    """Return the options in the table below a heading, with their labels."""
    section = PAGE.split(f"# {heading}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (.+?) \| `(\w+)` \|", section, re.MULTILINE)
    return {key: label for label, key in rows}


async def test_the_cards_and_their_options_are_as_documented(
    ha: HaInstance, browser: BrowserSession
) -> None:
    cards = [await with_real_devices(ha, each) for each in EXAMPLES if not each.startswith("strat")]
    views = [{"type": "sections", "sections": [{"type": "grid", "cards": [it]} for it in cards]}]
    path = await save_dashboard(ha, "documented-cards", {"views": views})
    page = await browser.open(ha, path, height=1800)
    for card in ("monzo-transactions-card", "monzo-pot-card"):
        await page.locator(card).get_by_role("heading").first.wait_for()
    for card in ("distribution", "gauge", "statistics-graph", "statistic", "tile"):
        await page.locator(f"hui-{card}-card").first.wait_for()
    await browser.screenshot("cards")
    await expect(page.locator("hui-error-card")).to_have_count(0)
    options = await page.evaluate(EDITOR_OPTIONS)
    assert options == {heading: documented_options(heading) for heading in options}


async def test_the_documented_dashboard_hides_its_amounts(
    ha: HaInstance, browser: BrowserSession
) -> None:
    (example,) = (each for each in EXAMPLES if each.startswith("strategy:"))
    path = await save_dashboard(ha, "documented-money", await with_real_devices(ha, example))
    page = await browser.open(ha, path)
    card = page.locator("monzo-pot-card").first
    await card.get_by_role("img", name="Hidden amount").first.wait_for()
    await browser.screenshot("dashboard")
    await expect(page.locator("hui-error-card")).to_have_count(0)
