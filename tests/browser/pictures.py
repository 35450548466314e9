"""Takes the pictures of the documentation: of the same home, at the same moment, every time.

At the bank, in Home Assistant and in the browser the clock stands still, so a picture changes only
if what it shows does.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
import shutil
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.async_api import Page
import time_machine
import yaml

from sandbox.home_assistant import Frontend
from sandbox.past import import_past
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET
from sandbox.sign_in import add_credentials

from .chromium import chromium_here, launched
from .desk import Desk
from .house import House, opened

_REPOSITORY = Path(__file__).parents[2]
_PICTURES = _REPOSITORY / "docs/images"
_BLUEPRINTS = "blueprints/automation/monzo"

# A Wednesday evening in the middle of a month.
_MOMENT = datetime(2026, 11, 18, 18, 24, tzinfo=UTC)

# What stands for an account and for a pot on the front page.
_ACCOUNT = "0123456789abcdef0123456789abcdef"
_POT = "fedcba9876543210fedcba9876543210"

# The editor offers YAML for what it does not know yet.
_UNTIL_STILL_SECONDS = 2

# A page is still when so many pictures in a row, so long apart, are the same to the byte.
_PICTURES_ALIKE = 4
_BETWEEN_SECONDS = 0.5

_COLOURS = 256

type Automation = dict[str, Any]


class Photographer:
    """Goes through one house and takes the pictures."""

    def __init__(self, house: House, desk: Desk) -> None:
        """Begin in a house that does not know the bank."""
        self._house = house
        self._desk = desk
        self._devices: dict[str, str] = {}

    async def take_all(self) -> None:
        """Take every picture, in the order in which things happen."""
        _spend_a_day(self._house)
        await self._sign_in()
        await import_past(self._house.owner, self._house.bank)
        await self._imported()
        self._devices = await _devices(self._house.owner)
        await self._dashboards()
        await self._account()
        await self._editors()

    async def _sign_in(self) -> None:
        """Sign in by clicks, up to where the bank wants an approval in its app."""
        house = self._house
        await add_credentials(house.owner, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
        page = await self._open("/config/integrations/dashboard/add?domain=monzo", height=620)
        async with page.expect_popup() as popup:
            await page.get_by_role("button", name="OK").click()
        bank = await popup.value
        await bank.get_by_role("button", name="Allow").click()
        await page.get_by_text("Monzo app").first.wait_for()
        await self._take("sign-in", page)
        house.server.approve(house.home.ann)
        await page.get_by_text("Name and assign").wait_for()
        await house.loaded()
        house.bank.pay(house.home.current.id, -415, merchant="Corner Shop")

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
        while not await self._house.owner.command("recorder/statistics_during_period", **question):
            pass

    async def _dashboards(self) -> None:
        await self._house.owner.command(
            "lovelace/dashboards/create", url_path="my-money", title="Money", icon="mdi:wallet"
        )
        await self._house.owner.command(
            "lovelace/config/save",
            url_path="my-money",
            config={"strategy": {"type": "custom:monzo"}},
        )
        for name, dark in (("dashboard-light", False), ("dashboard-dark", True)):
            page = await self._open("/my-money", height=1300, dark=dark)
            await page.get_by_text("Copper Kettle").first.wait_for()
            await self._take(name, page)
        page = await self._open("/my-money", width=390, height=1_700)
        await page.get_by_text("Rainy day").first.wait_for()
        await self._take("dashboard-phone", page)

    async def _account(self) -> None:
        page = await self._open(f"/config/devices/device/{self._devices['Current account']}")
        for text in ("Spent today", "Download diagnostics", "No activity found"):
            await page.get_by_text(text).first.wait_for()
        await self._take("account", page)

    async def _editors(self) -> None:
        """Show an automation each with a trigger, an action, and a blueprint in the editor."""
        documented = _documented(self._devices)
        await self._edit("editor-trigger", documented["Mind the takeaways"], "Monzo payment made")
        await self._edit("editor-action", documented["Top up"], "Monzo: Withdraw from pot")
        await self._edit("editor-blueprint", _level(self._devices), "Direction")

    async def _edit(self, name: str, automation: Automation, chosen: str) -> None:
        await self._house.owner.post(f"/api/config/automation/config/{name}", automation)
        page = await self._open(f"/config/automation/edit/{name}")
        await page.get_by_text(chosen).first.wait_for()
        # Before the editor knows its parts, it offers YAML.
        await asyncio.sleep(_UNTIL_STILL_SECONDS)
        await page.get_by_text(chosen).first.click()
        await self._take(name, page)

    async def _open(
        self, path: str, *, width: int = 1200, height: int = 800, dark: bool = False
    ) -> Page:
        """Open a page without Home Assistant's sidebar, which is not what is shown."""
        page = await self._desk.open(
            self._house, "/manifest.json", width=width, height=height, dark=dark
        )
        await page.evaluate(
            "localStorage.setItem('dockedSidebar', JSON.stringify('always_hidden'))"
        )
        await page.goto(f"{self._house.url}{path}")
        return page

    async def _take(self, name: str, page: Page) -> None:
        file = await self._still(name, page)
        with Image.open(file) as picture:
            small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        small.save(_PICTURES / f"{name}.png", optimize=True)

    async def _still(self, name: str, page: Page) -> Path:
        """Return a picture of a page on which nothing has moved for a while."""
        still, before = 0, b""
        while True:
            file = await self._desk.shot(name, page)
            now = file.read_bytes()
            still = still + 1 if now == before else 0
            if still == _PICTURES_ALIKE:
                return file
            before = now
            await asyncio.sleep(_BETWEEN_SECONDS)


def _spend_a_day(house: House) -> None:
    """Have something of each kind happen on the day of the pictures."""
    bank, home = house.bank, house.home

    def today(hour: int, minute: int) -> datetime:
        return _MOMENT.replace(hour=hour, minute=minute)

    bank.pay(home.current.id, -380, merchant="Copper Kettle", at=today(8, 12))
    bank.pay(home.current.id, -250, merchant="City Trams", at=today(8, 31))
    bank.pay(home.current.id, -795, merchant="Deli", at=today(12, 46))
    bank.p2p(home.bens.id, home.current.id, 1_240, notes="Thanks! 🍜")
    bank.pay(home.joint.id, -3_865, merchant="Greens Market", at=today(17, 40))


async def _devices(owner: Frontend) -> dict[str, str]:
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


def _level(devices: dict[str, str]) -> Automation:
    return {
        "alias": "Keep the account at a level",
        "use_blueprint": {
            "path": "monzo/keep_account_at_level.yaml",
            "input": {
                "account": devices["Current account"],
                "pot": devices["Savings"],
                "level": 500,
            },
        },
    }


async def _take_pictures(folder: Path) -> None:
    shutil.copytree(_REPOSITORY / _BLUEPRINTS, folder / _BLUEPRINTS)
    _PICTURES.mkdir(exist_ok=True)
    async with launched(chromium_here()) as browser, opened(folder, _MOMENT) as house:
        desk = Desk(browser, folder / "pictures")
        await Photographer(house, desk).take_all()
        await desk.leave()


def main() -> None:
    """Take all pictures."""
    with TemporaryDirectory() as folder, time_machine.travel(_MOMENT, tick=False):
        asyncio.run(_take_pictures(Path(folder)))


if __name__ == "__main__":
    main()
