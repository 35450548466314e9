"""The cards as browsers load them from Home Assistant."""

from collections.abc import Awaitable, Callable
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

from custom_components.monzo.dashboard import assets
from sandbox.household import Household
from tests.conftest import SignIn
from tests.helpers.texts import TEXTS

# A page that loads modules in the same way as Home Assistant's frontend.
INDEX = "{% for module in extra_modules %}<script>import('{{ module }}')</script>{% endfor %}"

IMPORT = re.compile(r'^import (?:.+ from )?"\./([\w-]+\.js)";$', re.MULTILINE)

# An address with a host name.
FOREIGN_ADDRESS = re.compile(r"//[\w-]+\.|https?:|\bwss?:")

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


async def folder_of(browser: TestClient[Any, Any]) -> str:
    """Return the URL of the folder that contains the modules."""
    (module,) = await modules_of_the_page(browser)
    return module.removesuffix("/monzo.js")


async def load_modules(browser: TestClient[Any, Any]) -> dict[str, str]:
    """Load the entry module and all modules that it imports. Return their contents by name."""
    folder = await folder_of(browser)
    modules: dict[str, str] = {}
    imported = {"monzo.js"}
    while name := next(iter(imported - modules.keys()), None):
        response = await browser.get(f"{folder}/{name}")
        assert response.ok, name
        assert response.content_type == "text/javascript"
        modules[name] = await response.text()
        imported |= set(IMPORT.findall(modules[name]))
    return modules


async def test_a_page_loads_one_module_that_imports_all_others(
    open_browser: OpenBrowser, ann: MockConfigEntry
) -> None:
    modules = await load_modules(await open_browser())
    assert modules.keys() == {path.name for path in assets.WWW.glob("*.js")}


async def test_the_modules_name_no_other_host(
    open_browser: OpenBrowser, ann: MockConfigEntry
) -> None:
    browser = await open_browser()
    files = await load_modules(browser)
    style_sheet = await browser.get(f"{await folder_of(browser)}/cards.css")
    assert style_sheet.ok
    assert style_sheet.content_type == "text/css"
    files["cards.css"] = await style_sheet.text()
    assert not [name for name, content in files.items() if FOREIGN_ADDRESS.search(content)]


async def test_every_text_of_the_cards_has_a_translation(
    open_browser: OpenBrowser, ann: MockConfigEntry
) -> None:
    modules = await load_modules(await open_browser())
    keys = re.compile(r'\btext\("(\w+)"')
    used = {key for content in modules.values() for key in keys.findall(content)}
    assert len(used) > 10
    assert used <= TEXTS["common"].keys()


async def test_browsers_cache_the_modules(open_browser: OpenBrowser, ann: MockConfigEntry) -> None:
    browser = await open_browser()
    response = await browser.get(f"{await folder_of(browser)}/common.js")
    assert "max-age=2678400" in response.headers["Cache-Control"]


async def test_changed_modules_have_another_url(
    hass: HomeAssistant,
    open_browser: OpenBrowser,
    ann: MockConfigEntry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    www = tmp_path / "www"
    www.mkdir()
    for path in assets.WWW.iterdir():
        (www / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(assets, "WWW", www)
    for name in ("common.js", "cards.css"):
        with (www / name).open("a", encoding="utf-8") as changed:
            changed.write("\n")
        await assets.async_serve_cards(hass)
    assert len(set(await modules_of_the_page(await open_browser()))) == 3


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
