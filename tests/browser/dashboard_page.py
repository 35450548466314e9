"""Prepares the generated dashboard for a test, and reads its page."""

from datetime import UTC, datetime, timedelta
import re

from playwright.async_api import Page, expect

from sandbox.demo.past_statistics import import_past_statistics

from .browser_session import resize
from .ha_instance import HaInstance, wait_until
from .ha_setup import change_options

# Matches an amount in any format.
AMOUNT = re.compile(r"[£$€]|\bGBP\b|\d[.,]\d\d\b")

# More rows would only take longer, because the graphs have one point a day.
_HOURLY_FOR = timedelta(days=1)

# Returns all text of a page, including text in shadow roots and texts for screen readers.
READ_TEXT = """() => {
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


async def statistic_ids(ha: HaInstance) -> list[str]:
    """Return the ids of the integration's statistics that have values."""
    entities = await ha.admin.command("config/entity_registry/list")
    since = datetime.now(UTC) - timedelta(days=30)
    found = await ha.admin.command(
        "recorder/statistics_during_period",
        start_time=since.isoformat(),
        statistic_ids=[each["entity_id"] for each in entities if each["platform"] == "monzo"],
        period="day",
    )
    return list(found)


async def clear_statistics(ha: HaInstance) -> None:
    """Delete all statistics, as on the first day."""

    async def are_cleared() -> bool:
        found = await statistic_ids(ha)
        if found:
            await ha.admin.command("recorder/clear_statistics", statistic_ids=found)
        return not found

    await wait_until(are_cleared, "the statistics are deleted")


async def import_statistics(ha: HaInstance) -> None:
    """Import statistics of earlier days, and wait until the recorder has written all of them."""
    await import_past_statistics(ha.admin, ha.bank, hourly_for=_HOURLY_FOR)
    total = f"{ha.home.ann.user_id}_total"
    entities = await ha.admin.command("config/entity_registry/list")
    (last,) = (each["entity_id"] for each in entities if each["unique_id"] == total)

    async def are_written() -> bool:
        return last in await statistic_ids(ha)

    await wait_until(are_written, "the statistics are written")


async def turn_on_statistics(ha: HaInstance) -> None:
    """Turn on the long-term statistics of the history, and wait until they are there."""
    await change_options(ha, statistics=True)

    async def are_written() -> bool:
        found = await ha.admin.command("recorder/list_statistic_ids")
        return any(each["source"] == "monzo" for each in found)

    await wait_until(are_written, "the statistics of the history are written")


async def wait_for_transactions(page: Page) -> None:
    """Wait for the transactions, which a page loads last."""
    rows = page.locator("monzo-transactions-card").get_by_role("listitem")
    await expect(rows.first).to_be_visible()


async def change_view(page: Page, width: int, height: int, *, dark: bool) -> None:
    """Change the size and the theme of a page with transactions, and wait for the new colours."""
    await resize(page, width, height, dark=dark)
    # The frontend changes the theme gradually.
    color = "rgb(28, 28, 28)" if dark else "rgb(255, 255, 255)"
    card = page.locator("monzo-transactions-card ha-card").first
    await expect(card).to_have_css("background-color", color)


async def read_text(page: Page) -> str:
    """Return all text of a page, including texts for screen readers."""
    content: str = await page.evaluate(READ_TEXT)
    return content
