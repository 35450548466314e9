"""Finds and starts the Chromium of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import os
from pathlib import Path
import shutil

from playwright.async_api import Browser, async_playwright

# Environment variable with the path of a browser that is not on the search path.
_VARIABLE = "CHROMIUM"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A new window of the same site takes over code that is compiled already.
    "--process-per-site",
    # Reach only this machine. Blocking requests one by one would turn off the browser's cache.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


class NoChromiumError(Exception):
    """Chromium is missing on this machine; the message lists the names that were tried."""


def find_chromium() -> Path:
    """Return the path of Chromium. Raises NoChromiumError."""
    configured = os.environ.get(_VARIABLE)
    found = configured or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        names = ", ".join(_NAMES)
        msg = f"No Chromium: none of {names} is on the search path, and {_VARIABLE} is not set"
        raise NoChromiumError(msg)
    return Path(found)


@asynccontextmanager
async def run_chromium(executable: Path, *options: str) -> AsyncIterator[Browser]:
    """Start Chromium with additional options, and stop it at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=[*_OPTIONS, *options]
        )
        yield browser
        await browser.close()
