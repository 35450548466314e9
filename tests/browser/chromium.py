"""The browser: the Chromium that this machine has, driven from here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import os
from pathlib import Path
import shutil

from playwright.async_api import Browser, async_playwright

# The environment variable that names a browser which is not found by itself.
_VARIABLE = "CHROMIUM"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class NoChromiumError(Exception):
    """There is no Chromium on this machine; the message says where it was looked for."""


def chromium_here() -> Path:
    """Return Chromium's program. Raises NoChromiumError."""
    named = os.environ.get(_VARIABLE)
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        names = ", ".join(_NAMES)
        msg = f"No Chromium: {names} are not on the path, and {_VARIABLE} names none"
        raise NoChromiumError(msg)
    return Path(found)


@asynccontextmanager
async def launched(executable: Path, *options: str) -> AsyncIterator[Browser]:
    """Start the browser, with more options than those that it always has, and end it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=[*_OPTIONS, *options]
        )
        yield browser
        await browser.close()
