"""The documentation: links work, examples are valid, and everything is documented."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
import json
from pathlib import Path
import re
import shutil
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from homeassistant.components import automation, script
from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.config import async_process_component_config
from homeassistant.core import HomeAssistant, Service, SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.script import async_validate_actions_config
from homeassistant.helpers.selector import selector
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol
import yaml

from custom_components.monzo.bank.request_budget import RequestBudget
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN, TROUBLESHOOTING_URL
from custom_components.monzo.event import MonzoTransactionEvent, MonzoTransfersEvent
from custom_components.monzo.transactions import Retention
from custom_components.monzo.transactions.classification import TransactionKind
from custom_components.monzo.transactions.coordinator import LATE_AFTER
from sandbox.household import Household
from tests.conftest import SignIn
from tests.helpers.archive_filler import give_history
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.examples import (
    BUDGET,
    DOCS,
    FENCE,
    ROOT,
    examples_in,
    represented_accounts_and_pots,
)
from tests.helpers.state_helpers import set_up
from tests.helpers.texts import INTEGRATION, TEXTS

MANIFEST: dict[str, Any] = json.loads((INTEGRATION / "manifest.json").read_text(encoding="utf-8"))

# Addresses that pages may link to, besides this repository and My Home Assistant.
ADDRESSES = {
    "http://localhost:8123",
    "http://localhost:8124/control",
    "https://developers.monzo.com",
    "https://example.com/laundry",
    "https://keepachangelog.com",
    "https://monzo.com",
    "https://semver.org",
    "https://www.home-assistant.io",
}

# Pages of My Home Assistant, with the parameters that each one needs.
MY_PAGES = {
    "/": set[str](),
    "/redirect/blueprint_import/": {"blueprint_url"},
    "/redirect/config_flow_start/": {"domain"},
    "/redirect/hacs_repository/": {"owner", "repository", "category"},
    "/redirect/oauth": set[str](),
}

# Entities in examples that the reader must have.
READERS_OWN = {
    "binary_sensor.washing_machine",
    "input_number.my_limit",
    "sensor.credit_card_debt",
}

# Actions, a trigger, and an entity of the built-in integration, which look like other entities.
NOT_IN_THE_HOUSEHOLD = {
    "event.received",
    "notify.notify",
    "notify.send_message",
    "sensor.current_account_total_balance",
}

ENTITY = re.compile(r"\b(?:binary_sensor|event|input_number|notify|number|sensor)\.(?!py\b)\w+")

LINK = re.compile(r"\]\(([^()\s]+)\)")
BRACKET = re.compile(r"\]\(")
OTHER_LINK = re.compile(r'<(https?://[^>\s]+)>|(?:href|src|srcset)="([^"]*)"')
ADDRESS = re.compile(r"[\w-]+://[^\s<>\"'`)\]]*")


@pytest.fixture
def options_of_ann() -> dict[str, Any]:
    """Let Ann keep the history, which has an entity."""
    return {CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING}


# Reading pages


@dataclass(frozen=True, kw_only=True)
class Page:
    """A file of the documentation."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The text without code."""
        return re.sub(r"`[^`\n]+`", "", FENCE.sub("", self.text))

    @property
    def title(self) -> str:
        """The first heading."""
        return self.headings[0]

    @property
    def headings(self) -> list[str]:
        """All headings."""
        return re.findall(r"^#+ (.+)$", FENCE.sub("", self.text), re.MULTILINE)

    @property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives to the headings."""
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in self.headings}

    @property
    def links(self) -> list[str]:
        """The targets of links and images."""
        other = [address or attribute for address, attribute in OTHER_LINK.findall(self.prose)]
        return LINK.findall(self.prose) + other

    def section(self, heading: str) -> str:
        """Return the text below a heading."""
        found = re.search(rf"^(#+) {re.escape(heading)}$", self.text, re.MULTILINE)
        assert found, f"{self.path} has no heading {heading}"
        rest = self.text[found.end() :]
        level = len(found[1])
        return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def read(path: Path) -> Page:
    """Return a page."""
    return Page(path=path, text=path.read_text(encoding="utf-8"))


README = read(ROOT / "README.md")
INDEX = read(DOCS / "README.md")
PAGES = {
    each.path.relative_to(DOCS).as_posix(): each for each in map(read, sorted(DOCS.rglob("*.md")))
}
BLUEPRINTS = [read(path) for path in sorted((ROOT / "blueprints").rglob("*.yaml"))]
MARKDOWN = [README, *PAGES.values(), read(ROOT / "info.md"), read(ROOT / "CHANGELOG.md")]
ACTIONS = [
    PAGES[f"{each}.md"] for each in ("actions", "export", "moving-money", "recurring-payments")
]

# The kinds of parts that have a page each, in a folder of this name.
PARTS = ("triggers", "conditions")


def name(page: Page) -> str:
    """Return the path of a page in the repository."""
    return page.path.relative_to(ROOT).as_posix()


def rows(text: str) -> Iterator[list[str]]:
    """Yield the rows of the tables in a text, without the header rows."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if "---" not in line and "---" not in following:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def flat(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


def in_code(text: str) -> set[str]:
    """Return the inline code in a text."""
    return set(re.findall(r"`([^`\n]+)`", text))


# Links


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    broken = [
        f"{name(page)}: {link}"
        for page in MARKDOWN
        for link in page.links
        if not link.startswith("http") and not leads_somewhere(page, link)
    ]
    assert broken == []
    malformed = [
        name(page)
        for page in MARKDOWN
        if len(BRACKET.findall(page.prose)) != len(LINK.findall(page.prose))
    ]
    assert malformed == []


def leads_somewhere(page: Page, link: str) -> bool:
    """Return whether a relative link leads to a file, and to a heading of it."""
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not (target.is_relative_to(ROOT) and target.is_file()):
        return False
    return not anchor or anchor in read(target).anchors


def test_every_image_is_shown_on_a_page() -> None:
    shown = {(page.path.parent / link).resolve() for page in MARKDOWN for link in page.links}
    assert set((ROOT / "docs/images").iterdir()) <= shown


def test_the_readme_shows_the_dashboard_the_sign_in_an_account_and_the_editor() -> None:
    shown = {Path(link).stem for link in README.links if link.startswith("docs/images/")}
    dashboard = {"dashboard-dark", "dashboard-phone"}
    assert shown >= dashboard | {"sign-in", "account", "editor-trigger", "editor-action"}


def test_every_table_has_a_header() -> None:
    tables = r"(?:^|\n\n)\|[^\n]*\n(?!\| ?-)"
    assert [name(page) for page in MARKDOWN if re.search(tables, page.prose)] == []


def test_no_two_headings_of_a_page_have_the_same_anchor() -> None:
    assert [name(page) for page in MARKDOWN if len(page.anchors) != len(page.headings)] == []


def addresses_in(page: Page) -> set[str]:
    """Return the addresses in a text, without the punctuation after them."""
    return {address.rstrip(".,;:") for address in ADDRESS.findall(page.text)}


def test_every_address_is_allowed() -> None:
    for page in [*MARKDOWN, *BLUEPRINTS]:
        for address in addresses_in(page):
            check_address(address, page)
    for address in (TROUBLESHOOTING_URL, MANIFEST["documentation"], MANIFEST["issue_tracker"]):
        check_address(address, "the code")


def test_every_allowed_address_is_used() -> None:
    assert set().union(*map(addresses_in, MARKDOWN)) >= ADDRESSES


@pytest.mark.parametrize(
    "address",
    [
        "http://monzo.com",
        "https://monzo.com/no-such-page",
        "https://developers.monzo.com/no-such-page",
        "https://github.com/home-assistant/core",
        f"{MANIFEST['documentation']}/wiki",
        f"{MANIFEST['documentation']}/actions/workflows/no-such-workflow.yml",
        f"{MANIFEST['documentation']}/blob/main/docs/no-such-page.md",
        f"{MANIFEST['documentation']}/blob/main/docs/install.md#no-such-heading",
        f"{MANIFEST['documentation']}-of-others",
        "https://my.home-assistant.io/redirect/no-such-page/",
        "https://my.home-assistant.io/redirect/oauth#no-such-heading",
        "https://my.home-assistant.io/badges/no_such_page.svg",
        "https://my.home-assistant.io/badges/other/blueprint_import.png",
        "http://localhost:8124/no-such-page",
        "https://example.org",
    ],
)
def test_another_address_is_not_allowed(address: str) -> None:
    with pytest.raises((AssertionError, LookupError)):
        check_address(address, "this test")


def check_address(address: str, source: object) -> None:
    """Assert that users may be sent to an address."""
    url = urlsplit(address)
    if url.scheme == "media-source":
        # An address inside Home Assistant.
        return
    if (url.scheme, url.netloc) == ("https", "github.com"):
        _check_repository(url)
    elif (url.scheme, url.netloc) == ("https", "my.home-assistant.io"):
        _check_my_home_assistant(url)
    else:
        assert address in ADDRESSES, source


def _check_repository(url: SplitResult) -> None:
    """Assert that an address in this repository leads to a file, and to a heading of it."""
    rest = url.geturl().removeprefix(MANIFEST["documentation"])
    assert rest != url.geturl(), url
    if workflow := re.fullmatch(r"/actions/workflows/([\w-]+\.yml)(/badge\.svg)?", rest):
        assert (ROOT / ".github/workflows" / workflow[1]).is_file(), url
    elif rest not in {"", "/issues", "/releases"}:
        path, _, anchor = rest.partition("#")
        file = ROOT / path.removeprefix("/blob/main/")
        assert path.startswith("/blob/main/"), url
        assert file.is_file(), url
        assert not anchor or anchor in read(file).anchors, url


def _check_my_home_assistant(url: SplitResult) -> None:
    """Assert that an address of My Home Assistant has the right parameters."""
    assert not url.fragment, url
    if url.path.startswith("/badges/"):
        redirect = Path(url.path).stem
        assert url.path == f"/badges/{redirect}.svg", url
        assert f"/redirect/{redirect}/" in MY_PAGES, url
        return
    parameters = parse_qs(url.query, strict_parsing=True) if url.query else {}
    assert parameters.keys() == MY_PAGES[url.path or "/"], url
    if "domain" in parameters:
        assert parameters["domain"] == [DOMAIN]
    if "owner" in parameters:
        repository = "/".join((*parameters["owner"], *parameters["repository"]))
        assert MANIFEST["documentation"] == f"https://github.com/{repository}"
        assert parameters["category"] == ["integration"]
    if "blueprint_url" in parameters:
        _check_repository(urlsplit(unquote(*parameters["blueprint_url"])))


# Order of the pages


def test_the_index_links_to_every_page_in_order_and_each_page_to_its_neighbours() -> None:
    listed = re.findall(r"^\d+\. \[(.+?)\]\((.+?)\)", INDEX.text, re.MULTILINE)
    paths = [path for _title, path in listed]
    top_level = {path for path in PAGES if "/" not in path}
    assert sorted(paths) == sorted(top_level - {INDEX.path.name})
    assert [PAGES[path].title for path in paths] == [title for title, _path in listed]
    for place, path in enumerate(paths):
        footer = ["[All pages](README.md)"]
        if place > 0:
            footer.insert(0, "Previous: [{}]({})".format(*listed[place - 1]))
        if place < len(paths) - 1:
            footer.append("Next: [{}]({})".format(*listed[place + 1]))
        assert PAGES[path].text.endswith(f"\n\n---\n\n{' · '.join(footer)}\n"), path


def test_the_readme_links_to_every_page() -> None:
    linked = {link.partition("#")[0] for link in README.links}
    assert linked >= {f"docs/{path}" for path in PAGES if "/" not in path}


def test_the_automations_page_links_to_the_page_of_each_trigger_and_condition_and_back() -> None:
    footer = "\n\n---\n\n[Automations](../automations.md) · [All pages](../README.md)\n"
    for kind in PARTS:
        section = PAGES["automations.md"].section(kind.title())
        row = r"^\| \[(.+?)\]\((.+?)\) \|.*\| `monzo\.(\w+)` \|$"
        listed = re.findall(row, section, re.MULTILINE)
        assert {(title, key) for title, _path, key in listed} == {
            (texts["name"], key) for key, texts in TEXTS[kind].items()
        }
        for title, path, key in listed:
            assert path == page_of(kind, key)
            assert PAGES[path].title == title
            assert PAGES[path].text.endswith(footer)
        assert len(listed) == len([path for path in PAGES if path.startswith(f"{kind}/")])


def page_of(kind: str, key: str) -> str:
    """Return the path of the page about a trigger or a condition."""
    return f"{kind}/{key.replace('_', '-')}.md"


# Examples

EXAMPLES = [example for each in MARKDOWN for example in examples_in(name(each))]

type Json = Any
type Check = Callable[[HomeAssistant, Json], Any]

# The frontend reads these without validation, so the tests compare their keys.
STRATEGY = "custom:monzo"
OWN_CARDS = {
    "custom:monzo-budgets-card": "The budgets card",
    "custom:monzo-pot-card": "The pot card",
    "custom:monzo-transactions-card": "The transactions card",
    "custom:monzo-upcoming-card": "The card of what comes next",
}
CARDS: dict[str, set[str]] = {
    "distribution": {"entities", "title"},
    "entities": {"entities", "title"},
    "gauge": {"entity", "max", "min", "name", "needle", "severity", "unit"},
    "grid": {"cards"},
    "heading": {"heading", "icon"},
    "statistic": {"entity", "name", "period", "stat_type"},
    "statistics-graph": {
        *("chart_type", "days_to_show", "entities", "period", "stat_types", "title")
    },
    "tile": {"color", "entity", "features", "name"},
}


def read_selectors(kind: str) -> dict[str, dict[str, vol.Schema]]:
    """Return the values that the editor accepts for our triggers, conditions or actions."""
    descriptions = load_yaml_dict(str(INTEGRATION / f"{kind}.yaml"))
    return {
        f"{DOMAIN}.{key}": {
            field: vol.Schema(selector(description["selector"]))
            for field, description in (each or {}).get("fields", {}).items()
        }
        for key, each in descriptions.items()
        if not key.startswith(".")
    }


# The values that the visual editor accepts, by the key of a part and the key of its options.
EDITOR_VALUES = {
    ("trigger", "options"): read_selectors("triggers"),
    ("condition", "options"): read_selectors("conditions"),
    ("action", "data"): read_selectors("services"),
}

VIEW_KEYS = {"cards", "icon", "max_columns", "path", "sections", "title", "type"}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Copy the blueprints to the folder of imported blueprints."""
    folder = Path(hass_tmp_config_dir) / "blueprints/automation/monzo-for-home-assistant"
    shutil.copytree(ROOT / "blueprints/automation/monzo", folder)
    return hass_tmp_config_dir


@pytest.fixture
async def devices(
    hass: HomeAssistant, home: Household, ann_with_budget: MockConfigEntry
) -> dict[str, str]:
    """Return the real device of each device in the examples, with the integrations they use."""
    for domain in ("automation", "persistent_notification", "script"):
        assert await async_setup_component(hass, domain, {})
    registry = dr.async_get(hass)
    found = {}
    (budget_id,) = ann_with_budget.subentries
    represented = {**represented_accounts_and_pots(home), BUDGET: budget_id}
    for placeholder, monzo_id in represented.items():
        device = registry.async_get_device_by_identifier(
            (DOMAIN, monzo_id), ann_with_budget.entry_id
        )
        assert device is not None
        found[placeholder] = device.id
    return found


def parts(example: Json) -> Iterator[dict[str, Json]]:
    """Yield every mapping in an example."""
    if isinstance(example, dict):
        yield example
        for value in example.values():
            yield from parts(value)
    elif isinstance(example, list):
        for value in example:
            yield from parts(value)


def test_every_code_block_names_its_language() -> None:
    for page in MARKDOWN:
        languages = {language for language, _text in FENCE.findall(page.text)}
        assert languages <= {"json", "mermaid", "sh", "yaml"}, name(page)
        assert "```" not in FENCE.sub("", page.text), name(page)


async def test_home_assistant_accepts_every_example(
    hass: HomeAssistant, devices: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    rejected = {}
    for example in EXAMPLES:
        try:
            await check_example(hass, example.with_devices(devices))
        except Exception as err:  # noqa: BLE001 - all examples are checked before the test fails
            rejected[str(example)] = f"{type(err).__name__}: {err}"
    assert rejected == {}
    assert "duplicate key" not in caplog.text


async def check_example(hass: HomeAssistant, config: Json) -> None:
    """Let Home Assistant validate an example, and check what it does not validate."""
    if isinstance(config, list):
        await check_steps(hass, config)
    elif config.keys() >= {"triggers", "actions"}:
        await check_automation(hass, config)
    elif config.keys() & {"strategy", "type", "views"}:
        check_dashboard(config)
    else:
        for domain, of_domain in config.items():
            await CHECKS.get(domain, check_configuration)(hass, {domain: of_domain})
    for part in parts(config):
        if "action" in part:
            check_action(hass, part)
        if "event_type" in part:
            assert set(part["event_type"]) <= set(TransactionKind)
        if "use_blueprint" in part:
            await check_blueprint(hass, part)
    check_editor_values(config)


async def check_blueprint(hass: HomeAssistant, automation: dict[str, Json]) -> None:
    """Check the inputs of an automation, and the automation that *Take control* makes of it."""
    use = {"use_blueprint": automation["use_blueprint"]}
    inputs = await async_get_blueprints(hass).async_inputs_from_config(use)
    assert inputs.inputs.keys() <= inputs.blueprint.inputs.keys()
    for key, value in inputs.inputs_with_default.items():
        # Empty if nothing is chosen, in every kind of picker.
        if value != []:
            vol.Schema(selector(inputs.blueprint.inputs[key]["selector"]))(value)
    check_editor_values(inputs.async_substitute())


def check_editor_values(config: Json) -> None:
    """Assert that the visual editor can show the options of our triggers, conditions and actions.

    For example, its picker of several devices fails on a single ID.
    """
    for part in parts(config):
        for (key, options), accepted in EDITOR_VALUES.items():
            values = part.get(options)
            if part.get(key) in accepted and isinstance(values, dict):
                for field, value in values.items():
                    if "{{" not in str(value):
                        accepted[part[key]][field](value)


async def check_steps(hass: HomeAssistant, steps: list[Json]) -> None:
    """Validate the steps of an automation or a script."""
    await async_validate_actions_config(hass, cv.SCRIPT_SCHEMA(steps))


async def check_automation(hass: HomeAssistant, config: Json) -> None:
    """Validate an automation."""
    await automation.config.async_validate_config_item(hass, "example", config)


async def check_automations(hass: HomeAssistant, config: Json) -> None:
    """Validate automations in configuration.yaml."""
    for each in config["automation"]:
        await check_automation(hass, each)


async def check_scripts(hass: HomeAssistant, config: Json) -> None:
    """Validate scripts in configuration.yaml."""
    for object_id, each in config["script"].items():
        await script.config.async_validate_config_item(hass, object_id, each)


async def check_configuration(hass: HomeAssistant, config: Json) -> None:
    """Validate the configuration of another integration."""
    (domain,) = config
    integration = await async_get_integration(hass, domain)
    checked = await async_process_component_config(hass, config, integration)
    assert not checked.exception_info_list
    assert checked.config is not None


CHECKS: dict[str, Check] = {"automation": check_automations, "script": check_scripts}


def check_action(hass: HomeAssistant, step: dict[str, Json]) -> None:
    """Assert that an action exists and accepts the fields of a step."""
    domain, action = step["action"].split(".")
    if domain != DOMAIN:
        assert action in _actions_of(domain), step["action"]
        return
    service: Service = hass.services.async_services_for_domain(DOMAIN)[action]
    assert isinstance(service.schema, vol.Schema)
    fields = service.schema.schema
    data = step.get("data", {})
    if isinstance(data, str):
        # A template, whose result is not known here.
        return
    assert data.keys() <= {str(field) for field in fields}, action
    assert data.keys() >= {str(field) for field in fields if isinstance(field, vol.Required)}
    for field, check in fields.items():
        if field in data and "{{" not in str(data[field]):
            vol.Schema(check)(data[field])
    never, always = SupportsResponse.NONE, SupportsResponse.ONLY
    assert service.supports_response is not (never if "response_variable" in step else always)


def _actions_of(domain: str) -> set[str]:
    """Return the actions of an integration of Home Assistant."""
    own = Path(automation.__file__).parents[1] / domain / "services.yaml"
    return set(yaml.safe_load(own.read_text(encoding="utf-8")))


def documented_options(heading: str) -> set[str]:
    """Return the options in the table below a heading of the dashboards page.

    A test in the browser compares these tables with the visual editors.
    """
    return {key.strip("`") for _label, key, *_ in rows(PAGES["dashboards.md"].section(heading))}


def check_dashboard(config: Json) -> None:
    """Assert that a dashboard, a view or a card has no unknown keys."""
    for part in parts(config):
        kind = part.get("type")
        if kind == STRATEGY:
            assert part.keys() - {"type"} <= documented_options("The dashboard")
        elif kind in OWN_CARDS:
            assert part.keys() - {"type", "grid_options"} <= documented_options(OWN_CARDS[kind])
        elif kind in CARDS:
            assert part.keys() - {"type", "grid_options"} <= CARDS[kind], kind
        elif "views" in part or "strategy" in part:
            assert part.keys() <= {"strategy", "title", "views"}
        elif part.keys() & {"cards", "sections"}:
            assert part.keys() <= VIEW_KEYS
            assert kind in {None, "sections"}
        else:
            assert kind in {None, "bar-gauge", "trend-graph"}, kind


@pytest.fixture
async def ann_with_budget(hass: HomeAssistant, home: Household, sign_in: SignIn) -> MockConfigEntry:
    """Return Ann's entry with the budget of the examples."""
    entry = sign_in(home.ann, **with_budgets(budget(home.current)))
    await set_up(hass, entry)
    return entry


async def test_every_mentioned_entity_exists(
    hass: HomeAssistant, home: Household, ann_with_budget: MockConfigEntry
) -> None:
    await give_history(hass, home, ann_with_budget)
    known = READERS_OWN | NOT_IN_THE_HOUSEHOLD | set(er.async_get(hass).entities)
    unknown = {name(page): set(ENTITY.findall(page.text)) - known for page in MARKDOWN}
    assert {page: entities for page, entities in unknown.items() if entities} == {}


# Completeness


def test_every_mentioned_action_trigger_and_condition_exists() -> None:
    known = {*TEXTS["services"], *TEXTS["triggers"], *TEXTS["conditions"]}
    files = {"js", "yaml", "zip"}
    for each in [*MARKDOWN, *BLUEPRINTS]:
        named = set(re.findall(r"(?<![\w./@-])monzo\.([a-z_]+)", each.text))
        assert named <= known | files, each.path


def test_every_action_is_documented_with_all_its_fields() -> None:
    pages = "".join(each.text for each in ACTIONS)
    for action, texts in TEXTS["services"].items():
        (page,) = [each for each in ACTIONS if f"`monzo.{action}`" in each.text]
        assert in_code(page.text) >= set(texts.get("fields", ())), action
        assert f"`monzo.{action}`" in README.text
    assert {action for (_d, action) in re.findall(r"`(monzo)\.(\w+)`", pages)} == {
        *TEXTS["services"]
    }


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind in PARTS for key in TEXTS[kind]])
def test_every_trigger_and_condition_is_documented_with_all_its_options(
    kind: str, key: str
) -> None:
    page = PAGES[page_of(kind, key)]
    options = page.section("Options")
    documented = {cells[1].strip("`"): cells[0] for cells in rows(options) if len(cells) == 3}
    fields = {option: texts["name"] for option, texts in TEXTS[kind][key]["fields"].items()}
    # The table of a threshold's types has three columns as well.
    assert documented.items() >= fields.items()
    assert f"**{TEXTS[kind][key]['name']}**" in page.section("Set it up")
    assert any(f": monzo.{key}\n" in example.text for example in examples_in(name(page)))


def test_every_blueprint_has_a_section_with_its_inputs_and_an_import_button() -> None:
    page = PAGES["blueprints.md"]
    listed = re.findall(r"^\| \[(.+?)\]\(#", page.text, re.MULTILINE)
    common = page.section("Use a blueprint")
    names = []
    for each in BLUEPRINTS:
        blueprint = yaml.safe_load(re.sub(r"!\w+", "", each.text))["blueprint"]
        names.append(blueprint["name"].removeprefix("Monzo: "))
        section = page.section(names[-1])
        (button,) = re.findall(r"blueprint_url=([^)&]+)\)", section)
        assert unquote(button) == blueprint["source_url"]
        assert unquote(button).endswith(f"/blob/main/{name(each)}")
        for label in _inputs(blueprint["input"]):
            row = rf"^\| .*\b{re.escape(label)}\b.* \|"
            assert re.search(row, f"{common}\n{section}", re.MULTILINE), label
    assert sorted(names) == sorted(listed)


def _inputs(inputs: Mapping[str, Json]) -> Iterator[str]:
    """Yield the labels of a blueprint's inputs, including those in sections."""
    for each in inputs.values():
        if "input" in each:
            yield from _inputs(each["input"])
        else:
            yield each["name"]


async def test_every_entity_is_documented_with_its_category(
    hass: HomeAssistant, ann_with_budget: MockConfigEntry
) -> None:
    devices, entities = dr.async_get(hass), er.async_get(hass)
    headings = {
        "Person": "The person",
        "Account": "Accounts",
        "Pot": "Pots",
        "Budget": "Entities of a budget",
    }
    entry_id = ann_with_budget.entry_id
    categories = {None: [], "diagnostic": ["diagnostic"], "config": ["configuration"]}
    existing = set()
    for entity in er.async_entries_for_config_entry(entities, entry_id):
        device = devices.async_get(entity.device_id or "")
        assert isinstance(device, dr.DeviceEntry)
        if device.model not in headings:
            # Flex, loans and cashback have some of the entities of accounts.
            continue
        category = [entity.domain.replace("_", " ")]
        category += categories[entity.entity_category]
        category += ["off by default"] if entity.disabled_by else []
        label = TEXTS["entity"][entity.domain][entity.translation_key]["name"]
        # One of the categories stands for all.
        label = re.sub(r"^(Spent this month): .*", r"\1: groceries", label)
        existing.add((headings[device.model], label, ", ".join(category)))
    page, pages = PAGES["entities.md"], {"Budget": PAGES["budgets.md"]}
    documented = {
        (heading, label, category)
        for model, heading in headings.items()
        for label, category, *_ in rows(pages.get(model, page).section(heading))
    }
    for label, kind, _meaning, example in rows(page.section("What is left to spend")):
        device = devices.async_get(entities.entities[example.strip("`")].device_id or "")
        assert isinstance(device, dr.DeviceEntry)
        documented.add((headings[device.model or ""], label, kind))
    assert documented == existing


async def test_no_entity_is_exposed_to_voice_assistants_by_default(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    assert "Nothing of Monzo is exposed to voice assistants" in PAGES["privacy.md"].text
    assert await async_setup_component(hass, "homeassistant", {})
    for entity in er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id):
        assert not async_should_expose(hass, "conversation", entity.entity_id), entity.entity_id


def test_every_option_of_the_integration_is_documented() -> None:
    options = TEXTS["options"]["step"]["init"]["data"]
    documented = [cells[0] for cells in rows(PAGES["sign-in.md"].section("Options"))]
    assert sorted(documented) == sorted(options.values())


def test_every_event_type_is_documented() -> None:
    documented = [cells[0] for cells in rows(PAGES["transactions.md"].section("Event types"))]
    assert in_code(" ".join(documented)) == set(TransactionKind)


@pytest.mark.parametrize(
    ("page", "heading", "entity"),
    [
        ("transactions.md", "Attributes", MonzoTransactionEvent),
        ("moving-money.md", "Transfer events", MonzoTransfersEvent),
    ],
)
def test_attributes_documented_as_not_recorded_are_not_recorded(
    page: str, heading: str, entity: type[MonzoTransactionEvent]
) -> None:
    table = list(rows(PAGES[page].section(heading)))
    assert {cells[-1] for cells in table} == {"yes", "no"}
    unrecorded = {key for cells in table if cells[-1] == "no" for key in in_code(cells[0])}
    assert unrecorded == entity._unrecorded_attributes  # noqa: SLF001 - Home Assistant's own name


def test_every_repair_issue_is_in_the_troubleshooting_table() -> None:
    headings = [cells[0] for cells in rows(PAGES["troubleshooting.md"].text)]
    titles = {issue["title"].replace("{name}", "…") for issue in TEXTS["issues"].values()}
    quoted = {text for cell in headings for text in re.findall(r'"([A-Z].*?)"', cell)}
    assert quoted >= titles
    everything = json.dumps(TEXTS, ensure_ascii=False)
    assert [text for text in quoted - titles if text not in everything] == []


def test_every_file_on_the_page_about_the_code_exists() -> None:
    mentioned = re.findall(r"[\w/]+\.py\b", PAGES["how-it-works.md"].text)
    assert mentioned
    for path in set(mentioned):
        assert any((ROOT / folder / path).is_file() for folder in (INTEGRATION, "sandbox")), path


def test_the_documented_polling_intervals_are_right() -> None:
    text = flat(PAGES["entities.md"].section("How data is updated"))
    assert "up to three accounts are polled every minute" in text
    intervals = [
        RequestBudget.interval_for(accounts, webhooks_arrive=False) for accounts in range(9)
    ]
    assert intervals[3] == timedelta(minutes=1) < intervals[4]
    assert "every five minutes with eight or more" in text
    five_minutes = timedelta(minutes=5)
    assert intervals[7] < five_minutes <= intervals[8] < five_minutes * 1.1


def test_the_readme_counts_triggers_conditions_and_blueprints() -> None:
    words = {6: "six", 16: "sixteen", 20: "twenty"}
    text = flat(README.text)
    assert f"{words[len(TEXTS['triggers'])]} triggers" in text
    assert f"{words[len(TEXTS['conditions'])]} [conditions]" in text
    assert f"{words[len(BLUEPRINTS)]} [blueprints]" in text


def test_all_texts_give_the_same_limit_for_late_transactions() -> None:
    files = [
        *DOCS.rglob("*.md"),
        *ROOT.glob("blueprints/**/*.yaml"),
        ROOT / "custom_components/monzo/translations/en.json",
    ]
    texts = " ".join(flat(file.read_text(encoding="utf-8")) for file in files)
    mentioned = re.findall(r"(?:sees|saw)(?: it)? more than (\d+) minutes late\b", texts)
    assert len(mentioned) >= 9
    assert {timedelta(minutes=int(each)) for each in mentioned} == {LATE_AFTER}
