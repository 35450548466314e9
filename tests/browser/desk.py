"""A person at a browser: opens pages, and takes a picture of whatever is worth looking at."""

import asyncio
from contextlib import AsyncExitStack
import json
from pathlib import Path
import time
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    FloatRect,
    Locator,
    Page,
    Request,
    WebError,
)

from .house import House

# What the frontend itself asks for, whatever is installed: logos, and its own source when it logs
# that it has no service worker here. Nobody answers in a test.
_HOME_ASSISTANTS_OWN = frozenset({"brands.home-assistant.io", "raw.githubusercontent.com"})

_AT_HOME = frozenset({"localhost", "127.0.0.1"})

# Milliseconds until something that should be on a page is missed.
PATIENCE = 20_000

# What Chromium says of a window that it has not drawn yet, on a busy machine.
_NOT_DRAWN_YET = "Unable to capture screenshot"


class Desk:
    """One test's browser windows.

    `complaints` gathers what must not be: errors of our code in the browser's console, and
    requests that leave the house. A test that wants such a request answers it with `page.route`,
    and adds its host to `expected_hosts`.
    """

    def __init__(self, browser: Browser, pictures: Path) -> None:
        """Sit down; pictures go into this folder."""
        self.complaints: list[str] = []
        self.expected_hosts: set[str] = set()
        self.houses: list[House] = []
        self.pictures = pictures
        self._browser = browser
        self._open = AsyncExitStack()
        self._pages: list[Page] = []
        self._taken = 0

    async def open(
        self,
        house: House,
        path: str = "/",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        language: str = "en-GB",
    ) -> Page:
        """Open a window of its own, logged in as the owner of the house."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale=language,
            reduced_motion="reduce",
            service_workers="block",
            timezone_id="Europe/London",
        )
        self._open.push_async_callback(context.close)
        self.houses.append(house)
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(_logged_in(house))
        if house.moment:
            await context.clock.set_fixed_time(house.moment)
        await self._watch(context)
        page = await context.new_page()
        await page.goto(f"{house.url}{path}")
        return page

    async def shot(self, name: str, page: Page | None = None) -> Path:
        """Take a picture of a window, by default of the one opened last that is still open."""
        page = page or self.pages[-1]
        self._taken += 1
        file = self.pictures / f"{self._taken:02} {name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(await drawn(page))
        return file

    @property
    def pages(self) -> list[Page]:
        """The windows that are open, in the order of opening."""
        return [page for page in self._pages if not page.is_closed()]

    async def leave(self) -> None:
        """Close every window."""
        await self._open.aclose()

    async def _watch(self, context: BrowserContext) -> None:
        """Let nothing out, and listen to what goes wrong."""
        context.on("page", self._opened)
        context.on("console", self._heard)
        context.on("weberror", self._failed)
        context.on("request", self._asked)
        await context.route(lambda url: not _is_at_home(url), lambda route: route.abort())

    def _opened(self, page: Page) -> None:
        self._pages.append(page)

    def _heard(self, message: ConsoleMessage) -> None:
        where = message.location["url"]
        if message.type == "error" and _is_ours(f"{message.text} {urlsplit(where).path}"):
            self.complaints.append(f"console: {message.text} ({where})")

    def _failed(self, error: WebError) -> None:
        if _is_ours(f"{error.error.message} {error.error.stack}"):
            self.complaints.append(f"error: {error.error.stack or error.error.message}")

    def _asked(self, request: Request) -> None:
        expected = _HOME_ASSISTANTS_OWN | self.expected_hosts
        if not _is_at_home(request.url) and urlsplit(request.url).hostname not in expected:
            self.complaints.append(f"request: {request.url}")


async def drawn(page: Page, **options: Any) -> bytes:
    """Return a picture of a window as soon as there is something to see in it, as PNG.

    The options are those of Playwright's `screenshot`.
    """
    async with asyncio.timeout(PATIENCE / 1000):
        while True:
            try:
                return await page.screenshot(**options)
            except Error as err:
                if _NOT_DRAWN_YET not in err.message:
                    raise
                await asyncio.sleep(0.1)


async def place_of(part: Locator) -> FloatRect:
    """Return where in a window something is, in pixels."""
    place = await part.bounding_box()
    assert place
    return place


def _is_ours(text: str) -> bool:
    return "monzo" in text.casefold()


def _is_at_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"about", "blob", "data"} or parts.hostname in _AT_HOME


def _logged_in(house: House) -> str:
    """Return a script that has the frontend find the owner's tokens where it keeps its own."""
    tokens = {
        **house.owner.tokens,
        "hassUrl": house.url,
        "clientId": f"{house.url}/",
        "expires": int((time.time() + house.owner.tokens["expires_in"]) * 1000),
    }
    kept = json.dumps(json.dumps(tokens))
    here = json.dumps(house.url)
    return f"if (location.origin === {here}) localStorage.setItem('hassTokens', {kept});"
