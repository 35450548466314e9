"""Takes the pictures of the documentation: of the same home, at the same moment, every time.

At the bank, in Home Assistant and in the browser the clock stands still while a picture is taken,
and what moves is stopped, so a picture changes only if what it shows does.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
import re
import shutil
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.async_api import Page
import time_machine
import yaml

from sandbox.demo.past_statistics import import_past_statistics
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.home_assistant.sign_in import add_credentials
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

from .chromium import chromium_here, launched
from .desk import Desk, drawn, place_of
from .house import House, opened

_REPOSITORY = Path(__file__).parents[2]
_PICTURES = _REPOSITORY / "docs/images"
_BLUEPRINTS = "blueprints/automation/monzo"

# A Wednesday evening in the middle of a month.
_MOMENT = datetime(2026, 11, 18, 18, 24, tzinfo=UTC)

# What stands for an account and for a pot on the front page.
_ACCOUNT = "0123456789abcdef0123456789abcdef"
_POT = "fedcba9876543210fedcba9876543210"

# A page is still when so many pictures in a row, so long apart, are the same to the byte.
_PICTURES_ALIKE = 4
_BETWEEN_SECONDS = 0.5

# Until what does not come, or come to rest, is given up, also on a slow machine.
_PATIENCE_SECONDS = 60

_TRANSACTION = "event.current_account_transaction"
_DEVICE = "/config/devices/device"

# What is left of the page around a dialog.
_MARGIN = 48

# Letters are not fitted to pixels by this machine's settings.
_LETTERS = ("--font-render-hinting=none", "--disable-lcd-text")

_COLOURS = 256

type Automation = dict[str, Any]


class Photographer:
    """Goes through one house and takes the pictures."""

    def __init__(self, house: House, desk: Desk, clock: time_machine.Traveller) -> None:
        """Begin in a house that does not know the bank, whose clock is this one."""
        self._house = house
        self._desk = desk
        self._clock = clock
        self._devices: dict[str, str] = {}

    async def take_all(self) -> None:
        """Take every picture, in the order in which things happen."""
        _spend_a_day(self._house)
        await self._sign_in()
        await import_past_statistics(self._house.owner, self._house.bank)
        await self._imported()
        self._devices = await _devices(self._house.owner)
        await self._dashboards()
        await self._account()
        await self._editors()

    async def _sign_in(self) -> None:
        """Sign in by clicks, up to where the bank wants an approval in its app."""
        house = self._house
        await add_credentials(house.owner, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
        # Wide enough that nothing of the page is near the dialog.
        page = await self._open("/config/integrations/dashboard/add?domain=monzo", width=1600)
        async with page.expect_popup() as popup:
            await page.get_by_role("button", name="OK").click()
        bank = await popup.value
        await bank.get_by_role("button", name="Allow").click()
        await page.get_by_text("This dialog continues automatically").wait_for()
        await self._take("sign-in", page, around="dialog[open]")
        house.server.approve(house.home.ann)
        await page.get_by_text("Name and assign").wait_for()
        await house.loaded()
        house.bank.pay(house.home.current.id, -415, merchant="Corner Shop")
        await self._told("round_up")

    async def _imported(self) -> None:
        """Wait until the recorder has written down what it was given, of the total at last."""
        total = self._house.home.ann.user_id
        sensors = await self._house.owner.command("config/entity_registry/list")
        (sensor,) = (each for each in sensors if each["unique_id"] == f"{total}_total")
        question = {
            "start_time": (_MOMENT - timedelta(days=30)).isoformat(),
            "statistic_ids": [sensor["entity_id"]],
            "period": "day",
        }
        ask = partial(self._house.owner.command, "recorder/statistics_during_period", **question)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await ask():  # noqa: ASYNC110 - far away
                await asyncio.sleep(0.1)

    async def _dashboards(self) -> None:
        await self._house.owner.command(
            "lovelace/dashboards/create", url_path="my-money", title="Money", icon="mdi:wallet"
        )
        await self._house.owner.command(
            "lovelace/config/save",
            url_path="my-money",
            config={"strategy": {"type": "custom:monzo"}},
        )
        everything = ("Cashback", "Bills", "Corner Shop", "Copper Kettle")
        for name, dark in (("dashboard-light", False), ("dashboard-dark", True)):
            page = await self._open("/my-money", width=1400, height=1300, dark=dark)
            await self._take(name, page, *everything)
        page = await self._open("/my-money", width=390, height=1600)
        await self._take("dashboard-phone", page, *everything)

    async def _account(self) -> None:
        """Show an account some minutes later, after things have happened to it.

        In all these are fewer than the thirty for which the browser's token is good.
        """
        bank, home = self._house.bank, self._house.home
        await self._pass(minutes=9)
        bank.pay(home.current.id, -1_240, merchant="Noodle Corner")
        await self._told("round_up")
        await self._pass(minutes=13)
        bank.p2p(home.bens.id, home.current.id, 620, notes="Noodles")
        await self._told("incoming_payment")
        await self._pass(minutes=4)
        happened = ("18:24:00", "18:33:00", "18:46:00")
        # Come to from a pot: a page that is opened at once may look for its buttons too early.
        page = await self._open(f"{_DEVICE}/{self._devices['Savings']}")
        await page.locator(f"a[href='{_DEVICE}/{self._devices['Current account']}']").click()
        await self._take("account", page, "Download diagnostics", "Coin jar", *happened)

    async def _told(self, kind: str) -> None:
        """Wait until Home Assistant says that this has just happened to the account."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        told: tuple[str | None, str] | None = None
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while told != (kind, now):
                await asyncio.sleep(0.1)
                state = await self._house.owner.get(f"/api/states/{_TRANSACTION}")
                # What happens at the same moment is told a millisecond apart.
                when = state["state"].split(".")[0] + "+00:00"
                told = (state["attributes"].get("event_type"), when)

    async def _pass(self, *, minutes: int) -> None:
        """Let time pass for everybody."""
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        self._clock.move_to(moment)
        await self._house.set_clock(moment)

    async def _editors(self) -> None:
        """Show an automation each with a trigger, an action, and a blueprint in the editor."""
        documented = _documented(self._devices)
        await self._edit("editor-trigger", documented["Mind the takeaways"], "Monzo payment made")
        top_up = _as_the_editor_writes(documented["Top up"])
        await self._edit("editor-action", top_up, "Monzo: Withdraw from pot")
        await self._edit("editor-blueprint", _level(self._devices), "Direction")

    async def _edit(self, name: str, automation: Automation, chosen: str) -> None:
        await self._house.owner.post(f"/api/config/automation/config/{name}", automation)
        page = await self._open(f"/config/automation/edit/{name}")
        await page.get_by_text(chosen).first.wait_for()
        # Before the editor knows its parts, it offers YAML.
        await _still(page)
        await page.get_by_text(chosen).first.click()
        await self._take(name, page)

    async def _open(
        self, path: str, *, width: int = 1200, height: int = 800, dark: bool = False
    ) -> Page:
        """Open a page without Home Assistant's sidebar, which is not what is shown."""
        page = await self._desk.open(
            self._house, "/manifest.json", width=width, height=height, dark=dark
        )
        page.set_default_timeout(_PATIENCE_SECONDS * 1000)
        await page.evaluate(
            "localStorage.setItem('dockedSidebar', JSON.stringify('always_hidden'))"
        )
        await page.goto(f"{self._house.url}{path}")
        return page

    async def _take(self, name: str, page: Page, *texts: str, around: str | None = None) -> None:
        """Take a picture of a page that shows these texts, or of what is around a part of it."""
        for text in texts:
            await page.get_by_text(text).first.wait_for()
        with Image.open(BytesIO(await _still(page))) as picture:
            part = picture.crop(await _around(page, around)) if around else picture
            small = part.convert("RGB").quantize(_COLOURS, kmeans=1, dither=Image.Dither.NONE)
        small.save(_PICTURES / f"{name}.png", optimize=True)


async def _still(page: Page) -> bytes:
    """Return a picture of a page on which nothing has moved for a while.

    What never ends to move, as a spinner, is shown as it begins. Raises TimeoutError.
    """
    await page.evaluate("document.fonts.ready.then(() => {})")
    alike, before = 1, b""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while alike < _PICTURES_ALIKE:
            now = await drawn(page, animations="disabled", scale="css")
            alike = alike + 1 if now == before else 1
            before = now
            await asyncio.sleep(_BETWEEN_SECONDS)
    return before


async def _around(page: Page, selector: str) -> tuple[float, float, float, float]:
    """Return where a part of a page begins and ends, with a margin."""
    box = await place_of(page.locator(selector).first)
    left, top = box["x"] - _MARGIN, box["y"] - _MARGIN
    return left, top, left + box["width"] + 2 * _MARGIN, top + box["height"] + 2 * _MARGIN


def _spend_a_day(house: House) -> None:
    """Have something of each kind happen on the day of the pictures, after a birthday's dinner."""
    bank, home = house.bank, house.home
    birthday = _MOMENT - timedelta(days=4)
    bank.pay(home.current.id, -8_640, merchant="Noodle Corner", pending=False, at=birthday)

    def today(hour: int, minute: int) -> datetime:
        return _MOMENT.replace(hour=hour, minute=minute)

    bank.pay(home.current.id, -380, merchant="Copper Kettle", at=today(8, 12))
    bank.pay(home.current.id, -250, merchant="City Trams", at=today(8, 31))
    bank.pay(home.current.id, -795, merchant="Deli", at=today(12, 46))
    bank.p2p(home.bens.id, home.current.id, 1_240, notes="Thanks! 🍜")
    bank.pay(home.joint.id, -3_865, merchant="Greens Market", at=today(17, 40))


async def _devices(owner: HomeAssistantClient) -> dict[str, str]:
    """Return the ids of the bank's devices by their names."""
    return {
        device["name"]: device["id"]
        for device in await owner.command("config/device_registry/list")
        if any(domain == "monzo" for domain, _id in device["identifiers"])
    }


def _documented(devices: dict[str, str]) -> dict[str, Automation]:
    """Return the automations of the front page by their names, for the devices of this house."""
    page = (_REPOSITORY / "README.md").read_text(encoding="utf-8")
    page = page.replace(_ACCOUNT, devices["Current account"]).replace(_POT, devices["Savings"])
    return {
        automation["alias"]: automation
        for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
        for automation in yaml.safe_load(block)["automation"]
    }


def _as_the_editor_writes(automation: Automation) -> Automation:
    """Return an automation in which the editor changes nothing when it opens it."""
    actions = [
        step | {"if": [{"condition": "template", "value_template": step["if"]}]}
        if "if" in step
        else step
        for step in automation["actions"]
    ]
    return automation | {"actions": actions}


def _level(devices: dict[str, str]) -> Automation:
    return {
        "alias": "Keep the account at a set balance",
        "use_blueprint": {
            "path": "monzo/keep_account_at_level.yaml",
            "input": {
                "pot": devices["Savings"],
                "level": 500,
            },
        },
    }


async def _take_pictures(folder: Path, clock: time_machine.Traveller) -> None:
    shutil.copytree(_REPOSITORY / _BLUEPRINTS, folder / _BLUEPRINTS)
    _PICTURES.mkdir(exist_ok=True)
    browser_here = launched(chromium_here(), *_LETTERS)
    async with browser_here as browser, opened(folder, _MOMENT) as house:
        desk = Desk(browser, folder / "pictures")
        await Photographer(house, desk, clock).take_all()
        await desk.leave()


def main() -> None:
    """Take all pictures."""
    with TemporaryDirectory() as folder, time_machine.travel(_MOMENT, tick=False) as clock:
        asyncio.run(_take_pictures(Path(folder), clock))


if __name__ == "__main__":
    main()
