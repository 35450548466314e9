"""The browser windows of a test: opening pages, screenshots, and problems that a page reports."""

import asyncio
from collections.abc import Callable
import json
from pathlib import Path
import time
from typing import Any, Final
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

from .ha_instance import HaInstance

# Hosts from which the frontend itself loads logos and, when it logs an error, its source.
_HOSTS_OF_HOME_ASSISTANT: Final = frozenset(
    {"brands.home-assistant.io", "raw.githubusercontent.com"}
)

# Home Assistant's paths for the icons of integrations, which it cannot download in a test, and for
# ours, which come with the integration.
_ICONS: Final = "/api/brands/"
_OUR_ICONS: Final = "/api/brands/integration/monzo/"

_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1"})

# Milliseconds to wait for something on a page, with a margin for a busy machine.
TIMEOUT: Final = 30_000

# A service worker would answer from its own cache. The frontend does without one if there is none.
_WITHOUT_SERVICE_WORKERS: Final = "delete Navigator.prototype.serviceWorker;"

_NAVIGATE: Final = """(path) => {
  history.pushState(null, "", path);
  dispatchEvent(new CustomEvent("location-changed"));
}"""

# Chromium's error for a window that it has not drawn yet.
_NOT_DRAWN_YET: Final = "Unable to capture screenshot"


class WindowPool:
    """Browser windows that outlive a test, because a page loads faster from their caches.

    Every test loads its pages anew, so only caches and the log-in are shared.
    """

    def __init__(self, browser: Browser) -> None:
        """Initialize the pool without windows."""
        self._browser = browser
        self._pages: dict[tuple[str, str, str], Page] = {}

    async def shared(self, ha: HaInstance, language: str) -> Page:
        """Return the window of a user and a language."""
        key = (ha.url, ha.admin.tokens["refresh_token"], language)
        page = self._pages.get(key)
        if page is None or page.is_closed():
            context = await self.new_context(ha, language)
            page = self._pages[key] = await context.new_page()
        return page

    async def new_context(self, ha: HaInstance, language: str) -> BrowserContext:
        """Return an isolated browser in which the user of the instance is logged in."""
        context = await self._browser.new_context(
            locale=language,
            reduced_motion="reduce",
            timezone_id="Europe/London",
        )
        context.set_default_timeout(TIMEOUT)
        await context.add_init_script(_WITHOUT_SERVICE_WORKERS)
        await context.add_init_script(_log_in_script(ha))
        if ha.moment:
            await context.clock.set_fixed_time(ha.moment)
        return context


class BrowserSession:
    """The browser windows of one test.

    `problems` collects errors in the browser's console, uncaught errors, and requests to other
    machines, whether our code causes them or not. A test that expects such a request answers it
    with `page.route`, and adds its host to `expected_hosts`.
    """

    def __init__(self, pool: WindowPool, screenshots: Path) -> None:
        """Initialize a session without windows; screenshots go to this folder."""
        self.problems: list[str] = []
        self.expected_hosts: set[str] = set()
        self.instances: list[HaInstance] = []
        self.screenshots = screenshots
        self._pool = pool
        self._pages: list[Page] = []
        self._shared: list[Page] = []
        self._separate: list[BrowserContext] = []
        self._taken = 0

    async def open(
        self,
        ha: HaInstance,
        path: str = "/",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        language: str = "en-GB",
    ) -> Page:
        """Open a page of Home Assistant, logged in, in a window that other tests use as well."""
        page = await self._pool.shared(ha, language)
        if page not in self._shared:
            self._shared.append(page)
            self._pages.append(page)
            self._listen(page.context.on)
        return await self._load(page, ha, path, (width, height), dark=dark)

    async def open_separate(
        self,
        ha: HaInstance,
        path: str = "/profile/general",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
    ) -> Page:
        """Open a page in a new window, whose clock or connection the test may change."""
        context = await self._pool.new_context(ha, "en-GB")
        self._separate.append(context)
        self._listen(context.on)
        page = await context.new_page()
        return await self._load(page, ha, path, (width, height), dark=dark)

    async def screenshot(self, name: str, page: Page | None = None) -> Path:
        """Save a screenshot of a page, by default of the window that was opened last."""
        page = page or self.pages[-1]
        self._taken += 1
        file = self.screenshots / f"{self._taken:02} {name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(await capture(page))
        return file

    def take_problems(self) -> list[str]:
        """Return the problems so far, and forget them."""
        problems, self.problems = self.problems, []
        return problems

    @property
    def pages(self) -> list[Page]:
        """The open windows, in the order of opening."""
        return [page for page in self._pages if not page.is_closed()]

    async def close(self, *, keep_shared: bool) -> None:
        """Close all windows. Shared windows are only emptied, if they are to be kept."""
        for context in self._separate:
            await context.close()
        for page in self._shared:
            if page.is_closed() or not keep_shared:
                await page.context.close()
                continue
            for popup in page.context.pages:
                if popup is not page:
                    await popup.close()
            await page.unroute_all()
            await page.goto("about:blank")
            self._listen(page.context.remove_listener)

    async def _load(
        self, page: Page, ha: HaInstance, path: str, size: tuple[int, int], *, dark: bool
    ) -> Page:
        self.instances.append(ha)
        width, height = size
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme="dark" if dark else "light")
        await page.goto(f"{ha.url}{path}")
        return page

    def _listen(self, add_or_remove: Callable[[Any, Any], None]) -> None:
        """Add or remove the listeners for windows and problems of a browser context."""
        add_or_remove("page", self._on_page)
        add_or_remove("console", self._on_console)
        add_or_remove("weberror", self._on_error)
        add_or_remove("request", self._on_request)

    def _on_page(self, page: Page) -> None:
        self._pages.append(page)

    def _on_console(self, message: ConsoleMessage) -> None:
        source = message.location["url"]
        path = urlsplit(source).path
        is_missing_icon = path.startswith(_ICONS) and not path.startswith(_OUR_ICONS)
        if message.type == "error" and not (is_missing_icon or self._is_expected_to_fail(source)):
            self.problems.append(f"console: {message.text} ({source})")

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"error: {error.error.stack or error.error.message}")

    def _on_request(self, request: Request) -> None:
        if not _is_local(request.url) and not self._is_expected_to_fail(request.url):
            self.problems.append(f"request: {request.url}")

    def _is_expected_to_fail(self, url: str) -> bool:
        """Return whether a URL is on another machine to which requests are expected to fail."""
        return urlsplit(url).hostname in _HOSTS_OF_HOME_ASSISTANT | self.expected_hosts


async def navigate(page: Page, path: str) -> None:
    """Go to a path as a link does: the frontend stays loaded."""
    await page.evaluate(_NAVIGATE, path)


async def capture(page: Page, **options: Any) -> bytes:
    """Return a screenshot of a page as PNG, as soon as the browser has drawn it.

    The options are those of Playwright's `screenshot`.
    """
    async with asyncio.timeout(TIMEOUT / 1000):
        while True:
            try:
                return await page.screenshot(**options)
            except Error as err:
                if _NOT_DRAWN_YET not in err.message:
                    raise
                await asyncio.sleep(0.1)


async def box_of(part: Locator) -> FloatRect:
    """Return the position and size of a part of a page, in pixels."""
    box = await part.bounding_box()
    assert box
    return box


async def wait_for_frames(page: Page) -> None:
    """Wait until the page has handled its pending events and drawn the result."""
    await page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"about", "blob", "data"} or parts.hostname in _LOCAL_HOSTS


def _log_in_script(ha: HaInstance) -> str:
    """Return a script that puts the user's tokens where the frontend keeps its own."""
    tokens = {
        **ha.admin.tokens,
        "hassUrl": ha.url,
        "clientId": f"{ha.url}/",
        "expires": int((time.time() + ha.admin.tokens["expires_in"]) * 1000),
    }
    stored = json.dumps(json.dumps(tokens))
    origin = json.dumps(ha.url)
    return f"if (location.origin === {origin}) localStorage.setItem('hassTokens', {stored});"
