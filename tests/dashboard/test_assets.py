"""What browsers get of the cards: the modules, their texts, and nothing from elsewhere."""

from collections.abc import Awaitable, Callable, Iterator
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

from custom_components.monzo.dashboard import assets as dashboard
from custom_components.monzo.dashboard import layout as dashboard_strategy
from sandbox.household import Household
from tests.conftest import SignIn
from tests.test_translations import TEXTS

WWW = Path(dashboard.__file__).parent / "www"
MODULES = {path.name: path.read_text(encoding="utf-8") for path in WWW.glob("*.js")}

# What browsers are sent: the cards, and what asks for the dashboard.
SENT = [path for path in WWW.iterdir() if path.suffix in {".js", ".css"}]
MOST_BYTES = 25_000

# A page that names the modules it loads, as Home Assistant's frontend does.
INDEX = "{% for module in extra_modules %}<script>import('{{ module }}')</script>{% endfor %}"

IMPORT = re.compile(r'^import (?:.+ from )?"\./([\w-]+\.js)";$', re.MULTILINE)

type Browse = Callable[[], Awaitable[TestClient[Any, Any]]]


@pytest.fixture
def frontend(tmp_path: Path) -> dict[str, Any]:
    """Return the configuration of a frontend that is little more than its first page."""
    root = tmp_path / "frontend" / "hass_frontend"
    for folder in ("static", "frontend_latest", "frontend_es5"):
        (root / folder).mkdir(parents=True)
    for file in ("service_worker.js", "sw-modern.js", "sw-legacy.js", "robots.txt"):
        (root / file).touch()
    (root / "index.html").write_text(INDEX, encoding="utf-8")
    return {"frontend": {"development_repo": str(root.parent)}}


@pytest.fixture
async def browse(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    frontend: dict[str, Any],
    hass_client_no_auth: ClientSessionGenerator,
) -> Browse:
    """Return what opens a browser, in front of a Home Assistant with a frontend."""
    hass_storage["onboarding"] = {"version": 4, "data": {"done": list(STEPS)}}
    assert await async_setup_component(hass, "frontend", frontend)
    return hass_client_no_auth


async def modules_of_the_page(browser: TestClient[Any, Any]) -> list[str]:
    """Return the addresses of the modules that a page of the frontend loads."""
    page = await browser.get("/")
    return re.findall(r"import\('(.+?)'\)", await page.text())


async def folder_of(browser: TestClient[Any, Any]) -> str:
    """Return where our modules are."""
    (module,) = await modules_of_the_page(browser)
    return module.removesuffix("/monzo.js")


# Loading


async def test_a_page_loads_one_module_and_that_finds_all_others(
    browse: Browse, ann: MockConfigEntry
) -> None:
    browser = await browse()
    folder = await folder_of(browser)
    found: set[str] = set()
    wanted = {"monzo.js"}
    while name := next(iter(wanted - found), None):
        answer = await browser.get(f"{folder}/{name}")
        assert answer.ok, name
        assert answer.content_type == "text/javascript"
        found.add(name)
        wanted |= set(IMPORT.findall(await answer.text()))
    assert found == MODULES.keys()


async def test_the_style_sheet_lies_beside_the_modules(
    browse: Browse, ann: MockConfigEntry
) -> None:
    browser = await browse()
    answer = await browser.get(f"{await folder_of(browser)}/cards.css")
    assert answer.ok
    assert answer.content_type == "text/css"


async def test_browsers_keep_the_modules(browse: Browse, ann: MockConfigEntry) -> None:
    browser = await browse()
    answer = await browser.get(f"{await folder_of(browser)}/common.js")
    assert "max-age=2678400" in answer.headers["Cache-Control"]


async def test_the_dashboards_in_yaml_have_the_cards_as_well(
    hass: HomeAssistant, browse: Browse, sign_in: SignIn, home: Household
) -> None:
    assert await async_setup_component(hass, "lovelace", {"lovelace": {"resource_mode": "yaml"}})
    await hass.config_entries.async_setup(sign_in(home.ann).entry_id)
    assert len(await modules_of_the_page(await browse())) == 1


async def test_a_second_person_and_a_reload_load_nothing_twice(
    hass: HomeAssistant, browse: Browse, home: Household, sign_in: SignIn, ann: MockConfigEntry
) -> None:
    browser = await browse()
    before = await modules_of_the_page(browser)
    assert await hass.config_entries.async_setup(sign_in(home.ben).entry_id)
    assert await hass.config_entries.async_reload(ann.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await modules_of_the_page(browser) == before


async def test_another_content_has_another_address(
    hass: HomeAssistant,
    browse: Browse,
    ann: MockConfigEntry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    www = tmp_path / "www"
    www.mkdir()
    for path in WWW.iterdir():
        (www / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(dashboard, "WWW", www)
    for name in ("common.js", "cards.css"):
        with (www / name).open("a", encoding="utf-8") as changed:
            changed.write("\n")
        await dashboard.async_setup_dashboard(hass)
    assert len(set(await modules_of_the_page(await browse()))) == 3


async def test_monzo_is_set_up_where_there_is_no_frontend(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    assert ann.state is ConfigEntryState.LOADED
    assert "frontend" not in hass.config.components


# What is loaded


def test_all_of_it_together_is_small() -> None:
    assert {"cards.css", *MODULES} == {path.name for path in SENT}
    assert sum(path.stat().st_size for path in SENT) < MOST_BYTES


@pytest.mark.parametrize("name", sorted(path.name for path in WWW.iterdir()))
def test_nothing_names_another_host(name: str) -> None:
    content = (WWW / name).read_text(encoding="utf-8")
    assert not re.search(r"//[\w-]+\.|https?:|\bwss?:", content)


# Their texts


def asked_for() -> Iterator[str]:
    """Yield what the keys look like that are asked for, each as a regular expression.

    They are written out, or made of a part that is written and one that is not.
    """
    strategy = Path(dashboard_strategy.__file__).read_text(encoding="utf-8")
    for module in (strategy, *MODULES.values()):
        for argument in re.findall(r"\btext\(([^;]*?)(?:\)|, \{)", module):
            for template in re.findall(r"`(.+?)`", argument):
                yield re.sub(r"\$\{.+?\}", r"\\w+", template)
            yield from re.findall(r'"(\w+)"', re.sub(r"`.+?`", "", argument))


def test_every_text_that_is_asked_for_is_there() -> None:
    for key in asked_for():
        assert any(re.fullmatch(key, text) for text in TEXTS["common"]), key


def test_every_text_is_asked_for() -> None:
    keys = re.compile("|".join(asked_for()))
    assert not [text for text in TEXTS["common"] if not keys.fullmatch(text)]
