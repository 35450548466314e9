"""Takes the screenshots of the documentation, always of the same home at the same times.

The clocks of the bank, Home Assistant and the browser are stopped during a screenshot, and so are
animations. A screenshot therefore changes only if the frontend or the integration changes.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.async_api import Page
import time_machine

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_BANK_BEHAVIOUR
from sandbox.demo.past import build_household_with_past
from sandbox.demo.past_states import add_past_states
from sandbox.demo.past_statistics import import_past_statistics
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.home_assistant.sign_in import add_credentials
from sandbox.household import Household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET
from tests.helpers.examples import ACCOUNT, POT, examples_in

from .browser_session import BrowserSession, WindowPool, box_of, capture
from .chromium import find_chromium, run_chromium
from .ha_instance import MAX_WAIT_SECONDS, HaInstance, run_home_assistant, wait_until
from .ha_setup import add_budget, save_dashboard
from .texts import last_paragraph, text

_REPOSITORY = Path(__file__).parents[2]
_IMAGES = _REPOSITORY / "docs/images"

# A Wednesday evening in the middle of a month.
_MOMENT = datetime(2026, 11, 18, 18, 22, tzinfo=UTC)

# A page is still when this many screenshots in a row, this far apart, are identical.
_IDENTICAL_SCREENSHOTS = 4
_INTERVAL_SECONDS = 0.5

_TRANSACTION = "event.current_account_transaction"
_DEVICE = "/config/devices/device"

_WALL_TABLET = (1280, 800)

# Pixels of the page to keep around a dialog.
_MARGIN = 48

# Render text independently of the settings of this machine.
_TEXT_RENDERING = ("--font-render-hinting=none", "--disable-lcd-text")

_COLOURS = 256

type Automation = dict[str, Any]


class ScreenshotTour:
    """Takes all screenshots in one Home Assistant."""

    def __init__(
        self, ha: HaInstance, browser: BrowserSession, clock: time_machine.Traveller
    ) -> None:
        """Initialize the tour in an instance without the integration and with the same clock."""
        self._ha = ha
        self._browser = browser
        self._clock = clock
        self._devices: dict[str, str] = {}

    async def take_all(self) -> None:
        """Take all screenshots, in the order of the events that they show."""
        _add_transactions(self._ha)
        await self._sign_in()
        await self._add_budgets()
        await self._wait_for_recurring_payments()
        await self._pay_in_the_corner_shop()
        await import_past_statistics(self._ha.admin, self._ha.bank)
        await add_past_states(self._ha.admin, self._ha.process.folder, self._ha.bank)
        await self._wait_for_statistics()
        self._devices = await _device_ids(self._ha.admin)
        await self._dashboards()
        await self._cards()
        await self._calendar()
        await self._account()
        await self._editors()

    async def _sign_in(self) -> None:
        """Add the integration in the browser, and take a screenshot of the approval step."""
        ha = self._ha
        await add_credentials(ha.admin, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
        # At this width, no other part of the page is close to the dialog.
        page = await self._open("/config/integrations/dashboard/add?domain=monzo", width=1600)
        await page.get_by_role("button", name="OK").click()
        await page.get_by_text(text("config.step.settings.data.max_per_day")).wait_for()
        async with page.expect_popup() as popup:
            await page.get_by_role("button", name="Submit").click()
        bank = await popup.value
        await bank.get_by_role("button", name="Allow").click()
        await page.get_by_text(last_paragraph("config.progress.wait_for_approval")).wait_for()
        await self._take("sign-in", page, around="dialog[open]")
        ha.server.approve(ha.home.ann)
        await page.get_by_text("Name and assign").wait_for()
        await ha.wait_until_loaded()
        await self._wait_for_history()

    async def _wait_for_history(self) -> None:
        """Wait until all transactions are read, so that they are not reported as new ones."""
        sensor = "/api/states/sensor.ann_archer_history_read"

        async def is_read() -> bool:
            return bool((await self._ha.admin.get(sensor))["state"] == "100")

        await wait_until(is_read, "the history is read")

    async def _wait_for_recurring_payments(self) -> None:
        """Wait until the payments of both accounts are known."""
        accounts = ("current_account", "joint_account_ann_ben")

        async def are_known() -> bool:
            states = [
                await self._ha.admin.get(f"/api/states/sensor.{account}_left_to_spend")
                for account in accounts
            ]
            return all(state["state"] != "unknown" for state in states)

        await wait_until(are_known, "what is left to spend is known")

    async def _add_budgets(self) -> None:
        await add_budget(self._ha, title="Groceries", limit=700, categories=["groceries"])
        await add_budget(self._ha, title="Eating out", limit=300, categories=["eating_out"])
        await add_budget(self._ha, title="Transport", limit=90, categories=["transport"])

    async def _pay_in_the_corner_shop(self) -> None:
        """Pay some minutes later, so that the payment is the last event after the set-up."""
        await self._advance_clocks(minutes=2)
        self._ha.bank.pay(self._ha.home.current.id, -415, merchant="Corner Shop")
        await self._wait_for_event("card_payment")

    async def _wait_for_statistics(self) -> None:
        """Wait until the recorder has written the last of the imported statistics."""
        total = self._ha.home.ann.user_id
        sensors = await self._ha.admin.command("config/entity_registry/list")
        (sensor,) = (each for each in sensors if each["unique_id"] == f"{total}_total")
        question = {
            "start_time": (_MOMENT - timedelta(days=30)).isoformat(),
            "statistic_ids": [sensor["entity_id"]],
            "period": "day",
        }
        ask = partial(self._ha.admin.command, "recorder/statistics_during_period", **question)
        await wait_until(ask, "the statistics are written")

    async def _dashboards(self) -> None:
        await self._ha.admin.command(
            "lovelace/dashboards/create", url_path="my-money", title="Money", icon="mdi:wallet"
        )
        await self._ha.admin.command(
            "lovelace/config/save",
            url_path="my-money",
            config={"strategy": {"type": "custom:monzo"}},
        )
        texts = ("last month", "a day", "Groceries", "Bills", "Corner Shop", "Copper Kettle")
        for name, (width, height), dark in (
            ("dashboard-light", _WALL_TABLET, False),
            ("dashboard-dark", _WALL_TABLET, True),
            ("dashboard-desktop", (1600, 1000), False),
            ("dashboard-phone", (390, 1600), False),
        ):
            page = await self._open("/my-money", width=width, height=height, dark=dark)
            await self._take(name, page, *texts)

    async def _cards(self) -> None:
        """Take a screenshot of each card."""
        cards: dict[str, dict[str, object]] = {
            "upcoming": {},
            "budgets": {},
            "pot": {"pot": self._devices["House"], "icon": "mdi:home", "color": "green"},
            # Nine rows of the grid; the rest scrolls.
            "transactions": {"grid_options": {"rows": 9}},
        }
        sections = [
            {"type": "grid", "cards": [{"type": f"custom:monzo-{name}-card", **options}]}
            for name, options in cards.items()
        ]
        view = {"type": "sections", "sections": sections}
        path = await save_dashboard(self._ha, "all-cards", {"views": [view]})
        texts = ("a day", "Groceries", "House", "Corner Shop")
        for theme in ("light", "dark"):
            page = await self._open(path, width=1700, dark=theme == "dark")
            for name in cards:
                part = f"monzo-{name}-card"
                await self._take(f"card-{name}-{theme}", page, *texts, around=part, margin=12)

    async def _calendar(self) -> None:
        """Take a screenshot of the calendars: payments that were made, and expected ones."""
        for theme in ("light", "dark"):
            page = await self._open("/calendar", width=1200, height=900, dark=theme == "dark")
            await self._take(f"calendar-{theme}", page, "Streamly", "Harbour Design Ltd")

    async def _account(self) -> None:
        """Take a screenshot of an account some minutes later, after several events.

        The minutes add up to fewer than the 30 minutes for which the browser's token is valid.
        """
        bank, home = self._ha.bank, self._ha.home
        await self._advance_clocks(minutes=9)
        bank.pay(home.current.id, -1_240, merchant="Noodle Corner")
        await self._wait_for_event("card_payment")
        await self._advance_clocks(minutes=13)
        bank.p2p(home.bens.id, home.current.id, 620, notes="Noodles")
        await self._wait_for_event("incoming_payment")
        await self._advance_clocks(minutes=4)
        times = ("18:24:00", "18:33:00", "18:46:00")
        # Come from the page of a pot, because a page that is loaded directly may miss its buttons.
        page = await self._open(f"{_DEVICE}/{self._devices['Savings']}")
        await page.locator(f"a[href='{_DEVICE}/{self._devices['Current account']}']").click()
        await self._take("account", page, "Download diagnostics", "Coin jar", *times)

    async def _wait_for_event(self, event_type: str) -> None:
        """Wait until the account's event entity reports this type of event at this time."""
        now = datetime.now(UTC).isoformat(timespec="seconds")

        async def is_reported() -> bool:
            state = await self._ha.admin.get(f"/api/states/{_TRANSACTION}")
            # Simultaneous events are reported a millisecond apart.
            reported_at = state["state"].split(".")[0] + "+00:00"
            return (state["attributes"].get("event_type"), reported_at) == (event_type, now)

        await wait_until(is_reported, f"Home Assistant reports {event_type}")

    async def _advance_clocks(self, *, minutes: int) -> None:
        """Advance the clocks of the bank, Home Assistant and new browser windows."""
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        self._clock.move_to(moment)
        await self._ha.set_clock(moment)

    async def _editors(self) -> None:
        """Take screenshots of a trigger, an action and a blueprint in the automation editor."""
        documented = _documented_automations(self._devices)
        await self._edit("editor-trigger", documented["Watch the takeaways"], "Monzo payment made")
        top_up = _as_saved_by_the_editor(documented["Top up"])
        await self._edit("editor-action", top_up, "Monzo: Withdraw from pot")
        await self._edit("editor-blueprint", _blueprint_automation(self._devices), "Direction")

    async def _edit(self, name: str, automation: Automation, chosen: str) -> None:
        await self._ha.admin.post(f"/api/config/automation/config/{name}", automation)
        page = await self._open(f"/config/automation/edit/{name}")
        await page.get_by_text(chosen).first.wait_for()
        # The editor offers YAML until it has loaded the descriptions of the parts.
        await _capture_when_still(page)
        await page.get_by_text(chosen).first.click()
        await self._take(name, page)

    async def _open(
        self, path: str, *, width: int = 1200, height: int = 800, dark: bool = False
    ) -> Page:
        """Open a page without Home Assistant's sidebar."""
        page = await self._browser.open_separate(
            self._ha, path, width=width, height=height, dark=dark, sidebar=False
        )
        page.set_default_timeout(MAX_WAIT_SECONDS * 1000)
        return page

    async def _take(
        self,
        name: str,
        page: Page,
        *texts: str,
        around: str | None = None,
        margin: int = _MARGIN,
    ) -> None:
        """Save a screenshot of a page, or of the area around a part, after these texts appear."""
        for shown in texts:
            await page.get_by_text(shown).filter(visible=True).first.wait_for()
        with Image.open(BytesIO(await _capture_when_still(page))) as image:
            part = image.crop(await _around(page, around, margin)) if around else image
            small = part.convert("RGB").quantize(_COLOURS, kmeans=1, dither=Image.Dither.NONE)
        small.save(_IMAGES / f"{name}.png", optimize=True)


async def _capture_when_still(page: Page) -> bytes:
    """Return a screenshot of a page once nothing has changed for some time. Raises TimeoutError.

    Endless animations, such as a spinner, are captured in their first state.
    """
    await page.evaluate("document.fonts.ready.then(() => {})")
    identical, before = 1, b""
    async with asyncio.timeout(MAX_WAIT_SECONDS):
        while identical < _IDENTICAL_SCREENSHOTS:
            now = await capture(page, animations="disabled", scale="css")
            identical = identical + 1 if now == before else 1
            before = now
            await asyncio.sleep(_INTERVAL_SECONDS)
    return before


async def _around(page: Page, selector: str, margin: int) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom of a part of a page, with a margin."""
    box = await box_of(page.locator(selector).first)
    left, top = box["x"] - margin, box["y"] - margin
    return left, top, left + box["width"] + 2 * margin, top + box["height"] + 2 * margin


def _add_transactions(ha: HaInstance) -> None:
    """Add transactions of each kind on the day of the screenshots, and a larger one before."""
    bank, home = ha.bank, ha.home
    birthday = _MOMENT - timedelta(days=4)
    bank.pay(home.current.id, -8_640, merchant="Noodle Corner", pending=False, at=birthday)

    def today(hour: int, minute: int) -> datetime:
        return _MOMENT.replace(hour=hour, minute=minute)

    bank.pay(home.current.id, -380, merchant="Copper Kettle", at=today(8, 12))
    bank.pay(home.current.id, -250, merchant="City Trams", at=today(8, 31))
    bank.pay(home.current.id, -795, merchant="Deli", at=today(12, 46))
    bank.p2p(home.bens.id, home.current.id, 1_240, notes="Thanks! 🍜")
    bank.pay(home.joint.id, -3_865, merchant="Greens Market", at=today(17, 40))


async def _device_ids(admin: HomeAssistantClient) -> dict[str, str]:
    """Return the ids of the integration's devices by their names."""
    return {
        device["name"]: device["id"]
        for device in await admin.command("config/device_registry/list")
        if any(domain == "monzo" for domain, _id in device["identifiers"])
    }


def _documented_automations(devices: dict[str, str]) -> dict[str, Automation]:
    """Return the automations of the README by their names, with devices of this instance."""
    chosen = {ACCOUNT: devices["Current account"], POT: devices["Savings"]}
    return {
        automation["alias"]: automation
        for example in examples_in("README.md")
        for automation in example.with_devices(chosen)["automation"]
    }


def _as_saved_by_the_editor(automation: Automation) -> Automation:
    """Return an automation that the editor does not change when it opens it."""
    actions = [
        step | {"if": [{"condition": "template", "value_template": step["if"]}]}
        if "if" in step
        else step
        for step in automation["actions"]
    ]
    return automation | {"actions": actions}


def _blueprint_automation(devices: dict[str, str]) -> Automation:
    return {
        "alias": "Keep the account at a set balance",
        "use_blueprint": {
            "path": "monzo-for-home-assistant/keep_account_at_level.yaml",
            "input": {
                "pot": devices["Savings"],
                "level": 500,
            },
        },
    }


def _build_household() -> Household:
    """Return the demo's household: more than a year of a believable life."""
    behaviour = replace(DEFAULT_BANK_BEHAVIOUR, own_transfers_in_spending=False)
    return build_household_with_past(Bank(behaviour=behaviour))


async def _take_screenshots(folder: Path, clock: time_machine.Traveller) -> None:
    _IMAGES.mkdir(exist_ok=True)
    async with (
        run_chromium(find_chromium(), *_TEXT_RENDERING) as chromium,
        run_home_assistant(folder, _MOMENT, _build_household()) as ha,
    ):
        session = BrowserSession(WindowPool(chromium), folder / "screenshots")
        await ScreenshotTour(ha, session, clock).take_all()
        await session.close(keep_shared=False)


def main() -> None:
    """Take all screenshots."""
    with TemporaryDirectory() as folder, time_machine.travel(_MOMENT, tick=False) as clock:
        asyncio.run(_take_screenshots(Path(folder), clock))


if __name__ == "__main__":
    main()
