"""The browser windows of a test: opening pages, screenshots, and problems that a page reports."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
import json
import os
from pathlib import Path
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
    expect,
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

# Environment variable with which developers ask for screenshots, which take time.
_VARIABLE: Final = "SCREENSHOTS"

# Milliseconds to wait for something on a page, with a margin for a busy machine.
TIMEOUT: Final = 30_000

# A service worker would answer from its own cache. The frontend does without one if there is none.
_WITHOUT_SERVICE_WORKERS: Final = "delete Navigator.prototype.serviceWorker;"

_NAVIGATE: Final = """(path) => {
  history.pushState(null, "", path);
  dispatchEvent(new CustomEvent("location-changed"));
}"""

# Where the shared window waits for the next test: a page without cards.
_NEUTRAL_PATH: Final = "/profile/general"
_NEUTRAL_PANEL: Final = "ha-panel-profile"

# Milliseconds in which a dialog closes, unless it keeps the user from closing it.
_CLOSING_TIME: Final = 2_000

# Returns whether the frontend knows a panel. It learns of a new dashboard a moment later.
_KNOWS_PANEL: Final = "(panel) => panel in document.querySelector('home-assistant').hass.panels"

# Chromium's error for a window that it has not drawn yet.
_NOT_DRAWN_YET: Final = "Unable to capture screenshot"


class WindowPool:
    """The windows of one browser, whose caches outlive a test, because they make loading faster.

    One window outlives a test as well. Its frontend stays loaded.
    """

    def __init__(self, browser: Browser) -> None:
        """Initialize the pool without windows."""
        self._browser = browser
        self._context: BrowserContext | None = None
        self._shared: Page | None = None
        self._is_loaded = False

    async def shared(self, settings: str) -> tuple[Page, bool]:
        """Return the window that outlives a test, and whether the frontend is loaded in it."""
        page = self._shared
        if page is None or page.is_closed():
            page = self._shared = await self.new_window(settings)
            self._is_loaded = False
        is_loaded, self._is_loaded = self._is_loaded, True
        return page, is_loaded

    async def new_window(self, settings: str) -> Page:
        """Return a new window, whose storage gets these settings."""
        if self._context is None:
            self._context = await self._new_context()
        page = await self._context.new_page()
        await page.add_init_script(settings)
        return page

    async def new_browser(self, settings: str, moment: datetime | None) -> Page:
        """Return a window of an isolated browser, whose clock may be stopped."""
        context = await self._new_context()
        if moment:
            await context.clock.set_fixed_time(moment)
        page = await context.new_page()
        await page.add_init_script(settings)
        return page

    async def clean_up(self, *, keep_shared: bool) -> None:
        """Close all windows. The one that outlives a test only leaves its page, if possible."""
        for page in self._context.pages if self._context else ():
            if not (keep_shared and page is self._shared and await self._leave_page(page)):
                await page.close()

    async def _leave_page(self, page: Page) -> bool:
        """Go to a neutral page, and return whether that was possible."""
        await page.unroute_all()
        if not page.url.startswith("http") or not await _close_dialogs(page):
            return False
        await navigate(page, _NEUTRAL_PATH)
        await page.locator(_NEUTRAL_PANEL).wait_for(state="attached")
        return True

    async def _new_context(self) -> BrowserContext:
        context = await self._browser.new_context(
            locale="en-GB", reduced_motion="reduce", timezone_id="Europe/London"
        )
        context.set_default_timeout(TIMEOUT)
        await context.add_init_script(_WITHOUT_SERVICE_WORKERS)
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
        self._contexts: list[BrowserContext] = []
        self._separate: list[BrowserContext] = []
        self._taken = 0

    async def show(
        self,
        ha: HaInstance,
        path: str,
        *,
        width: int = 1280,
        height: int = 720,
        dark: bool = False,
    ) -> Page:
        """Go to a page of Home Assistant as a link does, in the window that outlives tests.

        This is the fastest way. The frontend and the cards remember what earlier tests did.
        """
        page, is_loaded = await self._pool.shared(_settings_of(ha, "en-GB", sidebar=True))
        self._add(page)
        if not is_loaded:
            return await self._load(page, ha, path, (width, height), dark=dark)
        self.instances.append(ha)
        await resize(page, width, height, dark=dark)
        await page.wait_for_function(_KNOWS_PANEL, arg=path.split("/")[1])
        await navigate(page, path)
        return page

    async def open(
        self,
        ha: HaInstance,
        path: str = "",
        *,
        width: int = 1280,
        height: int = 720,
        dark: bool = False,
        language: str = "en-GB",
        sidebar: bool = True,
    ) -> Page:
        """Load a page of Home Assistant in a new window, logged in; without a path, it is empty.

        A test may change the connection of this window.
        """
        page = await self._pool.new_window(_settings_of(ha, language, sidebar=sidebar))
        self._add(page)
        return await self._load(page, ha, path, (width, height), dark=dark)

    async def open_separate(
        self,
        ha: HaInstance,
        path: str = "",
        *,
        width: int = 1280,
        height: int = 720,
        dark: bool = False,
        sidebar: bool = True,
    ) -> Page:
        """Open a separate browser, whose clock the test may change; without a path, it is empty.

        This is slow, because nothing is in its caches.
        """
        settings = _settings_of(ha, "en-GB", sidebar=sidebar)
        page = await self._pool.new_browser(settings, ha.moment)
        self._separate.append(page.context)
        self._add(page)
        return await self._load(page, ha, path, (width, height), dark=dark)

    async def screenshot(self, name: str, page: Page | None = None) -> None:
        """Save a screenshot for developers, if they have asked for screenshots of all tests.

        It shows the window that was opened last, unless a page is given.
        """
        if _VARIABLE in os.environ:
            await self.save_screenshot(name, page or self.pages[-1])

    async def save_screenshot(self, name: str, page: Page) -> Path:
        """Save a screenshot of a page, and return its file."""
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
        """Close all windows. With `keep_shared`, keep the one that outlives tests."""
        for context in self._separate:
            await context.close()
        await self._pool.clean_up(keep_shared=keep_shared)
        for context in self._contexts:
            self._listen(context.remove_listener)

    async def _load(
        self, page: Page, ha: HaInstance, path: str, size: tuple[int, int], *, dark: bool
    ) -> Page:
        self.instances.append(ha)
        await resize(page, *size, dark=dark)
        if path:
            await page.goto(f"{ha.url}{path}")
        return page

    def _add(self, page: Page) -> None:
        """Collect the problems of a window and of those that it opens."""
        self._on_page(page)
        if page.context not in self._contexts:
            self._contexts.append(page.context)
            self._listen(page.context.on)

    def _listen(self, add_or_remove: Callable[[Any, Any], None]) -> None:
        """Add or remove the listeners for windows and problems of a browser context."""
        add_or_remove("page", self._on_page)
        add_or_remove("console", self._on_console)
        add_or_remove("weberror", self._on_error)
        add_or_remove("request", self._on_request)

    def _on_page(self, page: Page) -> None:
        if page not in self._pages:
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


async def resize(page: Page, width: int, height: int, *, dark: bool) -> None:
    """Change the size of a window and the theme of its user."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme="dark" if dark else "light")


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


async def _close_dialogs(page: Page) -> bool:
    """Close the open dialogs by keyboard, and return whether that was possible."""
    dialogs = page.get_by_role("dialog")
    with suppress(AssertionError):
        while await dialogs.count():
            await page.keyboard.press("Escape")
            await expect(dialogs).to_have_count(0, timeout=_CLOSING_TIME)
        return True
    return False


def _settings_of(ha: HaInstance, language: str, *, sidebar: bool) -> str:
    """Return a script that stores the log-in and settings where the frontend keeps its own."""
    tokens = {**ha.admin.tokens, "hassUrl": ha.url, "clientId": f"{ha.url}/"}
    settings = {
        "dockedSidebar": json.dumps("docked" if sidebar else "always_hidden"),
        "selectedLanguage": json.dumps(language),
    }
    return f"""
      if (location.origin === {json.dumps(ha.url)}) {{
        const tokens = {json.dumps(tokens)};
        tokens.expires = Date.now() + 1000 * tokens.expires_in;
        localStorage.setItem("hassTokens", JSON.stringify(tokens));
        Object.assign(localStorage, {json.dumps(settings)});
      }}
    """
