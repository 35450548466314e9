"""The cards as browsers load them from Home Assistant."""

from collections.abc import Awaitable, Callable
import gzip
from pathlib import Path
import re
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.components.onboarding.const import STEPS
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.dashboard import serve_cards
from sandbox.household import Household
from tests.conftest import SignIn

# A page that loads modules in the same way as Home Assistant's frontend.
INDEX = "{% for module in extra_modules %}<script>import('{{ module }}')</script>{% endfor %}"

# An import of another module.
IMPORT = re.compile(r"\bimport\b|\bexport\b.*\bfrom\b")

# An address with a host name.
FOREIGN_ADDRESS = re.compile(r"//[\w-]+\.|https?:|\bwss?:")

# The most that browsers load for the cards, compressed.
MAX_BYTES = 45_000

type OpenBrowser = Callable[[], Awaitable[TestClient[Any, Any]]]


@pytest.fixture
def frontend_config(tmp_path: Path) -> dict[str, Any]:
    """Return the configuration of a frontend that has little more than an index page."""
    root = tmp_path / "frontend" / "hass_frontend"
    for folder in ("static", "frontend_latest", "frontend_es5"):
        (root / folder).mkdir(parents=True)
    for file in ("service_worker.js", "sw-modern.js", "sw-legacy.js", "robots.txt"):
        (root / file).touch()
    (root / "index.html").write_text(INDEX, encoding="utf-8")
    return {"frontend": {"development_repo": str(root.parent)}}


@pytest.fixture
async def open_browser(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    frontend_config: dict[str, Any],
    hass_client_no_auth: ClientSessionGenerator,
) -> OpenBrowser:
    """Set up the frontend, and return a function that opens a browser."""
    hass_storage["onboarding"] = {"version": 4, "data": {"done": list(STEPS)}}
    assert await async_setup_component(hass, "frontend", frontend_config)
    return hass_client_no_auth


async def modules_of_the_page(browser: TestClient[Any, Any]) -> list[str]:
    """Return the URLs of the modules that the index page loads."""
    page = await browser.get("/")
    return re.findall(r"import\('(.+?)'\)", await page.text())


async def load_bundle(browser: TestClient[Any, Any]) -> str:
    """Load the only module of the page, and return its content."""
    (module,) = await modules_of_the_page(browser)
    response = await browser.get(module)
    assert response.ok
    assert response.content_type == "text/javascript"
    return await response.text()


async def test_a_page_loads_one_small_module(
    open_browser: OpenBrowser, ann: MockConfigEntry
) -> None:
    bundle = await load_bundle(await open_browser())
    assert len(gzip.compress(bundle.encode())) < MAX_BYTES
    assert IMPORT.findall(bundle) == []


async def test_the_module_names_no_other_host(
    open_browser: OpenBrowser, ann: MockConfigEntry
) -> None:
    assert FOREIGN_ADDRESS.findall(await load_bundle(await open_browser())) == []


async def test_browsers_cache_the_module(open_browser: OpenBrowser, ann: MockConfigEntry) -> None:
    browser = await open_browser()
    (module,) = await modules_of_the_page(browser)
    response = await browser.get(module)
    assert "max-age=2678400" in response.headers["Cache-Control"]


async def test_a_changed_module_has_another_url(
    hass: HomeAssistant,
    open_browser: OpenBrowser,
    ann: MockConfigEntry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = tmp_path / serve_cards.BUNDLE.name
    changed.write_bytes(serve_cards.BUNDLE.read_bytes() + b"\n")
    monkeypatch.setattr(serve_cards, "BUNDLE", changed)
    await serve_cards.async_serve_cards(hass)
    assert len(set(await modules_of_the_page(await open_browser()))) == 2


async def test_a_checkout_without_the_built_cards_works_and_says_how_to_build_them(
    hass: HomeAssistant,
    open_browser: OpenBrowser,
    sign_in: SignIn,
    home: Household,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(serve_cards, "BUNDLE", tmp_path / "www/monzo.js")
    assert await hass.config_entries.async_setup(sign_in(home.ann).entry_id)
    assert await modules_of_the_page(await open_browser()) == []
    lines = [record for record in caplog.records if "scripts/setup" in record.message]
    assert [record.levelname for record in lines] == ["WARNING"]


async def test_dashboards_in_yaml_have_the_cards_as_well(
    hass: HomeAssistant, open_browser: OpenBrowser, sign_in: SignIn, home: Household
) -> None:
    assert await async_setup_component(hass, "lovelace", {"lovelace": {"resource_mode": "yaml"}})
    await hass.config_entries.async_setup(sign_in(home.ann).entry_id)
    assert len(await modules_of_the_page(await open_browser())) == 1


async def test_the_modules_are_loaded_once_however_many_entries_there_are(
    hass: HomeAssistant,
    open_browser: OpenBrowser,
    home: Household,
    sign_in: SignIn,
    ann: MockConfigEntry,
) -> None:
    browser = await open_browser()
    before = await modules_of_the_page(browser)
    assert await hass.config_entries.async_setup(sign_in(home.ben).entry_id)
    assert await hass.config_entries.async_reload(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await modules_of_the_page(browser) == before


async def test_the_integration_works_without_a_frontend(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    assert ann.state is ConfigEntryState.LOADED
    assert "frontend" not in hass.config.components
