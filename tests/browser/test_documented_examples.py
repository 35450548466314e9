"""The examples in the documentation: cards work, and the visual editors open everything."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import groupby
import posixpath
import re
from typing import Any, Final

from playwright.async_api import expect
import pytest

from tests.helpers.examples import (
    BUDGET,
    PAGES,
    ROOT,
    examples_in,
    represented_accounts_and_pots,
)

from . import automation_editor, card_editor
from .browser_session import BrowserSession
from .ha_instance import HaInstance
from .ha_setup import device_id, save_dashboard, temporary_budget

DASHBOARDS_PAGE: Final = "docs/dashboards.md"

# The pages by folder. A test opens the examples of one folder, because its time is limited.
FOLDERS: Final = {
    folder or "README": list(pages)
    for folder, pages in groupby(sorted(PAGES, key=posixpath.dirname), key=posixpath.dirname)
}

# Returns the options in the visual editors of the cards and of the dashboard, with their labels.
EDITOR_OPTIONS = """async () => {
  const options = async (name) => {
    const { schema, computeLabel } = await customElements.get(name).getConfigElement();
    return Object.fromEntries(schema.map((field) => [field.name, computeLabel(field)]));
  };
  return {
    "The budgets card": await options("monzo-budgets-card"),
    "The card of what comes next": await options("monzo-upcoming-card"),
    "The dashboard": await options("ll-strategy-dashboard-monzo"),
    "The pot card": await options("monzo-pot-card"),
    "The transactions card": await options("monzo-transactions-card"),
  };
}"""


async def real_devices(ha: HaInstance) -> dict[str, str]:
    """Return the device of this instance for each placeholder in the examples."""
    return {
        placeholder: await device_id(ha, account_or_pot)
        for placeholder, account_or_pot in represented_accounts_and_pots(ha.home).items()
    }


async def documented_dashboard_parts(ha: HaInstance) -> tuple[list[Any], list[Any]]:
    """Return the documented cards and dashboards, with accounts and pots of this instance."""
    devices = await real_devices(ha)
    configs = [example.with_devices(devices) for example in examples_in(DASHBOARDS_PAGE)]
    cards = [config for config in configs if "type" in config]
    return cards, [config for config in configs if "strategy" in config]


def documented_automations(page: str, devices: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the automations and scripts on a page with their domains.

    Steps without an automation or a script become a script.
    """
    for example in examples_in(page):
        config = example.with_devices(devices)
        if isinstance(config, list):
            yield "script", {"alias": str(example), "sequence": config}
        elif "triggers" in config:
            yield "automation", config
        else:
            for automation in config.get("automation", ()):
                yield "automation", automation
            for name, script in config.get("script", {}).items():
                yield "script", {"alias": name, **script}


@asynccontextmanager
async def saved_automations(
    ha: HaInstance, automations: list[tuple[str, Any]]
) -> AsyncIterator[list[str]]:
    """Save automations and scripts inside the block, and return their ids.

    They are deleted at the end, because they would react to the payments of other tests.
    """
    ids = [f"example_{number}" for number in range(len(automations))]
    items = list(zip(ids, automations, strict=True))
    save, delete = automation_editor.save, automation_editor.delete
    await asyncio.gather(*(save(ha, domain, key, config) for key, (domain, config) in items))
    try:
        yield ids
    finally:
        await asyncio.gather(*(delete(ha, domain, key) for key, (domain, _config) in items))


def documented_options(heading: str) -> dict[str, str]:
    """Return the options in the table below a heading, with their labels."""
    page = (ROOT / DASHBOARDS_PAGE).read_text(encoding="utf-8")
    section = page.split(f"# {heading}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (.+?) \| `(\w+)` \|", section, re.MULTILINE)
    return {key: label for label, key in rows}


@pytest.mark.parametrize("pages", FOLDERS.values(), ids=FOLDERS)
async def test_every_automation_and_script_opens_in_its_visual_editor(
    ha: HaInstance, browser: BrowserSession, pages: list[str]
) -> None:
    async with temporary_budget(ha, "Groceries") as budget_id:
        devices = await real_devices(ha) | {BUDGET: await device_id(ha, budget_id)}
        await _open_all_editors(ha, browser, pages, devices)


async def _open_all_editors(
    ha: HaInstance, browser: BrowserSession, pages: list[str], devices: dict[str, str]
) -> None:
    examples = [
        (f"{path}: {config['alias']}", domain, config)
        for path in pages
        for domain, config in documented_automations(path, devices)
    ]
    page = await browser.show(ha, "/config/automation/dashboard")
    problems: dict[str, list[str]] = {}
    async with saved_automations(ha, [each[1:] for each in examples]) as ids:
        for object_id, (name, domain, config) in zip(ids, examples, strict=True):
            message = await automation_editor.open_all_forms(page, domain, object_id, config)
            if found := [*browser.take_problems(), *filter(None, [message])]:
                problems[name] = found
    assert problems == {}


async def test_every_card_works_and_its_visual_editor_has_the_documented_options(
    ha: HaInstance, browser: BrowserSession
) -> None:
    cards, _dashboards = await documented_dashboard_parts(ha)
    views = [{"type": "sections", "sections": [{"type": "grid", "cards": [it]} for it in cards]}]
    path = await save_dashboard(ha, "documented-cards", {"views": views})
    page = await browser.show(ha, f"{path}?edit=1", height=1800)
    for card in ("monzo-transactions-card", "monzo-pot-card"):
        await page.locator(card).get_by_role("heading").first.wait_for()
    for card in ("distribution", "gauge", "statistics-graph", "statistic", "tile"):
        await page.locator(f"hui-{card}-card").first.wait_for()
    await browser.screenshot("cards")
    await expect(page.locator("hui-error-card")).to_have_count(0)
    options = await page.evaluate(EDITOR_OPTIONS)
    assert options == {heading: documented_options(heading) for heading in options}
    problems: dict[str, list[str]] = {}
    for place, card in enumerate(cards):
        message = await card_editor.open_form(page, place)
        if found := [*browser.take_problems(), *filter(None, [message])]:
            problems[card["type"]] = found
    assert problems == {}


async def test_the_documented_dashboard_hides_its_amounts(
    ha: HaInstance, browser: BrowserSession
) -> None:
    _cards, (dashboard,) = await documented_dashboard_parts(ha)
    path = await save_dashboard(ha, "documented-money", dashboard)
    page = await browser.show(ha, path)
    card = page.locator("monzo-pot-card").first
    await card.get_by_role("img", name="Hidden amount").first.wait_for()
    await browser.screenshot("dashboard")
    await expect(page.locator("hui-error-card")).to_have_count(0)
