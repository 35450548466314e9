"""What is written for people is true: where links lead, what examples do, what there is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
import json
from pathlib import Path
import re
import shutil
from typing import Any, override
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
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.bank.request_budget import RequestBudget
from custom_components.monzo.const import DOMAIN, TROUBLESHOOTING_URL
from custom_components.monzo.event import MonzoTransactionEvent, MonzoTransfersEvent
from custom_components.monzo.transactions.classification import TransactionKind
from custom_components.monzo.transactions.coordinator import LATE_AFTER
from sandbox.household import Household

ROOT = Path(__file__).parents[1]
INTEGRATION = Path(custom_components.monzo.__file__).parent
TEXTS: dict[str, Any] = json.loads(
    (INTEGRATION / "translations/en.json").read_text(encoding="utf-8")
)
MANIFEST: dict[str, Any] = json.loads((INTEGRATION / "manifest.json").read_text(encoding="utf-8"))

# Where pages may send people to, beside this project's repository and My Home Assistant.
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

# What My Home Assistant is asked for, with what it needs to know.
MY_PAGES = {
    "/": set[str](),
    "/redirect/blueprint_import/": {"blueprint_url"},
    "/redirect/config_flow_start/": {"domain"},
    "/redirect/hacs_repository/": {"owner", "repository", "category"},
    "/redirect/oauth": set[str](),
}

# Entities in examples that are the reader's own.
READERS_OWN = {
    "binary_sensor.washing_machine",
    "input_number.my_limit",
    "sensor.credit_card_debt",
}

# Devices in examples, and what they stand for.
ACCOUNT = "0123456789abcdef0123456789abcdef"
POT = "fedcba9876543210fedcba9876543210"
OTHER_POT = "89abcdef0123456789abcdef01234567"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
BRACKET = re.compile(r"\]\(")
BESIDE = re.compile(r'<(https?://[^>\s]+)>|(?:href|src|srcset)="([^"]*)"')
ADDRESS = re.compile(r"[\w-]+://[^\s<>\"'`)\]]*")


# Reading


@dataclass(frozen=True, kw_only=True)
class Page:
    """A text for people."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The text without what is code in it."""
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
        """What GitHub calls the headings in addresses."""
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in self.headings}

    @property
    def links(self) -> list[str]:
        """Where the links and pictures lead."""
        beside = [one or other for one, other in BESIDE.findall(self.prose)]
        return LINK.findall(self.prose) + beside

    def section(self, heading: str) -> str:
        """Return what is below a heading."""
        found = re.search(rf"^(#+) {re.escape(heading)}$", self.text, re.MULTILINE)
        assert found, f"there is no heading {heading}"
        rest = self.text[found.end() :]
        level = len(found[1])
        return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def page(path: Path) -> Page:
    """Return a page."""
    return Page(path=path, text=path.read_text(encoding="utf-8"))


FRONT = page(ROOT / "README.md")
INDEX = page(ROOT / "docs/README.md")
PAGES = {each.path.name: each for each in map(page, sorted((ROOT / "docs").glob("*.md")))}
BLUEPRINTS = [page(path) for path in sorted((ROOT / "blueprints").rglob("*.yaml"))]
MARKDOWN = [FRONT, *PAGES.values(), page(ROOT / "info.md"), page(ROOT / "CHANGELOG.md")]
ACTIONS = [PAGES["actions.md"], PAGES["moving-money.md"]]


def name(value: object) -> str:
    """Return what a test about a page is called."""
    return value.path.relative_to(ROOT).as_posix() if isinstance(value, Page) else str(value)


def rows(text: str) -> Iterator[list[str]]:
    """Yield the rows of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if "---" not in line and "---" not in following:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def flat(text: str) -> str:
    """Return a text without its ends of lines."""
    return " ".join(text.split())


def in_code(text: str) -> set[str]:
    """Return what is set as code in a text."""
    return set(re.findall(r"`([^`\n]+)`", text))


# Links


@pytest.mark.parametrize("page", MARKDOWN, ids=name)
def test_every_link_leads_somewhere(page: Page) -> None:
    assert len(BRACKET.findall(page.prose)) == len(LINK.findall(page.prose)), "not written right"
    for link in page.links:
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.is_relative_to(ROOT), link
        assert target.is_file(), link
        if anchor:
            known = Page(path=target, text=target.read_text(encoding="utf-8")).anchors
            assert anchor in known, link


def test_every_picture_is_shown_on_a_page() -> None:
    shown = {(page.path.parent / link).resolve() for page in MARKDOWN for link in page.links}
    assert set((ROOT / "docs/images").iterdir()) <= shown


def test_the_front_page_shows_the_dashboard_the_sign_in_an_account_and_the_editor() -> None:
    shown = {Path(link).stem for link in FRONT.links if link.startswith("docs/images/")}
    dashboard = {"dashboard-light", "dashboard-dark"}
    assert shown >= dashboard | {"sign-in", "account", "editor-trigger", "editor-action"}


@pytest.mark.parametrize("page", MARKDOWN, ids=name)
def test_no_two_headings_of_a_page_have_the_same_address(page: Page) -> None:
    assert len(page.anchors) == len(page.headings)


@pytest.mark.parametrize("page", [*MARKDOWN, *BLUEPRINTS], ids=name)
def test_every_address_is_one_that_people_are_meant_to_go_to(page: Page) -> None:
    for address in ADDRESS.findall(page.text):
        _check(address.rstrip(".,;:"))


def test_the_addresses_in_the_code_lead_to_pages() -> None:
    for address in (TROUBLESHOOTING_URL, MANIFEST["documentation"], MANIFEST["issue_tracker"]):
        _check(address)


def test_pages_lead_to_every_address_that_they_may() -> None:
    there = {address.rstrip(".,;:") for page in MARKDOWN for address in ADDRESS.findall(page.text)}
    assert there >= ADDRESSES


@pytest.mark.parametrize(
    "address",
    [
        "http://monzo.com",
        "https://monzo.com/no-such-page",
        "https://developers.monzo.com/no-such-page",
        "https://github.com/home-assistant/core",
        f"{MANIFEST['documentation']}/wiki",
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
def test_another_address_is_noticed(address: str) -> None:
    with pytest.raises((AssertionError, LookupError)):
        _check(address)


def _check(address: str) -> None:
    """See that an address is one of those that people may be sent to."""
    url = urlsplit(address)
    if url.scheme == "media-source":
        # Home Assistant's own, of what is in its folders.
        return
    if (url.scheme, url.netloc) == ("https", "github.com"):
        _check_repository(url)
    elif (url.scheme, url.netloc) == ("https", "my.home-assistant.io"):
        _check_my(url)
    else:
        assert address in ADDRESSES


def _check_repository(url: SplitResult) -> None:
    """See that an address in this project's repository is one of what is there."""
    rest = url.geturl().removeprefix(MANIFEST["documentation"])
    assert rest != url.geturl(), url
    if rest not in {"", "/issues", "/releases"}:
        path, _, anchor = rest.partition("#")
        file = ROOT / path.removeprefix("/blob/main/")
        assert path.startswith("/blob/main/"), url
        assert file.is_file(), url
        assert not anchor or anchor in page(file).anchors, url


def _check_my(url: SplitResult) -> None:
    """See that My Home Assistant is told what it needs to know."""
    assert not url.fragment, url
    if url.path.startswith("/badges/"):
        redirect = Path(url.path).stem
        assert url.path == f"/badges/{redirect}.svg", url
        assert f"/redirect/{redirect}/" in MY_PAGES, url
        return
    told = parse_qs(url.query, strict_parsing=True) if url.query else {}
    assert told.keys() == MY_PAGES[url.path or "/"], url
    if "domain" in told:
        assert told["domain"] == [DOMAIN]
    if "owner" in told:
        of_github = "/".join((*told["owner"], *told["repository"]))
        assert MANIFEST["documentation"] == f"https://github.com/{of_github}"
        assert told["category"] == ["integration"]
    if "blueprint_url" in told:
        _check_repository(urlsplit(unquote(*told["blueprint_url"])))


# The order


def test_the_index_leads_to_every_page_in_order_and_they_to_each_other() -> None:
    listed = re.findall(r"^\d+\. \[(.+?)\]\((.+?)\)", INDEX.text, re.MULTILINE)
    paths = [path for _title, path in listed]
    assert sorted(paths) == sorted(PAGES.keys() - {INDEX.path.name})
    assert [PAGES[path].title for path in paths] == [title for title, _path in listed]
    for place, path in enumerate(paths):
        footer = ["[All pages](README.md)"]
        if place > 0:
            footer.insert(0, "Previous: [{}]({})".format(*listed[place - 1]))
        if place < len(paths) - 1:
            footer.append("Next: [{}]({})".format(*listed[place + 1]))
        assert PAGES[path].text.endswith(f"\n\n---\n\n{' · '.join(footer)}\n"), path


def test_the_front_page_leads_to_every_page() -> None:
    linked = {link.partition("#")[0] for link in FRONT.links}
    assert linked >= {f"docs/{path}" for path in PAGES}


# Examples


@dataclass(frozen=True, kw_only=True)
class Example:
    """A block of code on a page."""

    page: Page
    number: int
    text: str

    @override
    def __str__(self) -> str:
        """Return what a test about it is called."""
        return f"{name(self.page)} {self.number}"


EXAMPLES = [
    Example(page=each, number=number, text=text)
    for each in MARKDOWN
    for number, (language, text) in enumerate(FENCE.findall(each.text), 1)
    if language == "yaml"
]

type Json = Any
type Check = Callable[[HomeAssistant, Json], Any]

# What is checked by its keys, for it is not Home Assistant's server that reads it.
STRATEGY = "custom:monzo"
OUR_CARDS = {
    "custom:monzo-pot-card": "pot-card.js",
    "custom:monzo-transactions-card": "transactions-card.js",
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
OF_A_VIEW = {"cards", "icon", "max_columns", "path", "sections", "title", "type"}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Have the blueprints where Home Assistant puts those that it imports."""
    folder = Path(hass_tmp_config_dir) / "blueprints/automation/monzo-for-home-assistant"
    shutil.copytree(ROOT / "blueprints/automation/monzo", folder)
    return hass_tmp_config_dir


@pytest.fixture
async def devices(hass: HomeAssistant, home: Household, ann: MockConfigEntry) -> dict[str, str]:
    """Return the devices that the examples mean, in a house where all they use is there."""
    for domain in ("automation", "persistent_notification", "script"):
        assert await async_setup_component(hass, domain, {})
    registry = dr.async_get(hass)
    found = {}
    meant = {ACCOUNT: home.current.id, POT: home.holiday.id, OTHER_POT: home.coin_jar.id}
    for stand_in, subject_id in meant.items():
        device = registry.async_get_device_by_identifier((DOMAIN, subject_id), ann.entry_id)
        assert device is not None
        found[stand_in] = device.id
    return found


def filled_in(example: str, devices: Mapping[str, str]) -> Json:
    """Return what an example says, with real devices in place of the made up ones."""
    for stand_in in re.findall(r"\b[0-9a-f]{32}\b", example):
        example = example.replace(stand_in, devices[stand_in])
    return parse_yaml(example)


def parts(example: Json) -> Iterator[dict[str, Json]]:
    """Yield every mapping in an example."""
    if isinstance(example, dict):
        yield example
        for value in example.values():
            yield from parts(value)
    elif isinstance(example, list):
        for value in example:
            yield from parts(value)


@pytest.mark.parametrize("page", MARKDOWN, ids=name)
def test_every_block_of_code_says_what_it_is(page: Page) -> None:
    assert {language for language, _text in FENCE.findall(page.text)} <= {"mermaid", "sh", "yaml"}
    assert "```" not in FENCE.sub("", page.text)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
async def test_every_example_is_accepted_for_what_it_is(
    hass: HomeAssistant,
    devices: dict[str, str],
    example: Example,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = filled_in(example.text, devices)
    assert "duplicate key" not in caplog.text
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
            path, inputs = part["use_blueprint"]["path"], part["use_blueprint"]["input"]
            blueprint = await async_get_blueprints(hass).async_get_blueprint(path)
            assert inputs.keys() <= blueprint.inputs.keys()


async def check_steps(hass: HomeAssistant, steps: list[Json]) -> None:
    """See that these are steps of an automation or a script."""
    await async_validate_actions_config(hass, cv.SCRIPT_SCHEMA(steps))


async def check_automation(hass: HomeAssistant, config: Json) -> None:
    """See that Home Assistant would run this automation."""
    await automation.config.async_validate_config_item(hass, "example", config)


async def check_automations(hass: HomeAssistant, config: Json) -> None:
    """See that Home Assistant would run these automations."""
    for each in config["automation"]:
        await check_automation(hass, each)


async def check_scripts(hass: HomeAssistant, config: Json) -> None:
    """See that Home Assistant would run these scripts."""
    for object_id, each in config["script"].items():
        await script.config.async_validate_config_item(hass, object_id, each)


async def check_configuration(hass: HomeAssistant, config: Json) -> None:
    """See that this could stand in configuration.yaml."""
    (domain,) = config
    integration = await async_get_integration(hass, domain)
    checked = await async_process_component_config(hass, config, integration)
    assert not checked.exception_info_list
    assert checked.config is not None


CHECKS: dict[str, Check] = {"automation": check_automations, "script": check_scripts}


def check_action(hass: HomeAssistant, step: dict[str, Json]) -> None:
    """See that an action is there, and that what it is given is among what it takes."""
    domain, action = step["action"].split(".")
    if domain != DOMAIN:
        assert action in _actions_of(domain), step["action"]
        return
    service: Service = hass.services.async_services_for_domain(DOMAIN)[action]
    assert isinstance(service.schema, vol.Schema)
    fields = service.schema.schema
    data = step.get("data", {})
    if isinstance(data, str):
        # A template, which may come to anything.
        return
    assert data.keys() <= {str(field) for field in fields}, action
    assert data.keys() >= {str(field) for field in fields if isinstance(field, vol.Required)}
    for field, check in fields.items():
        if field in data and "{{" not in str(data[field]):
            vol.Schema(check)(data[field])
    never, always = SupportsResponse.NONE, SupportsResponse.ONLY
    assert service.supports_response is not (never if "response_variable" in step else always)


def _actions_of(domain: str) -> set[str]:
    """Return the actions of one of Home Assistant's own integrations."""
    own = Path(automation.__file__).parents[1] / domain / "services.yaml"
    return set(yaml.safe_load(own.read_text(encoding="utf-8")))


def editable(module: str) -> set[str]:
    """Return the options that the visual editor of a card or the dashboard shows."""
    # Some are the same in all of them.
    sources = (
        (INTEGRATION / "dashboard" / "www" / name).read_text("utf-8")
        for name in (module, "common.js")
    )
    return set(re.findall(r'\bname: "(\w+)",[^{}]*\bselector\b', "".join(sources)))


def check_dashboard(config: Json) -> None:
    """See that a dashboard, a view or a card has nothing in it that would be ignored."""
    for part in parts(config):
        kind = part.get("type")
        if kind == STRATEGY:
            assert part.keys() - {"type"} <= editable("strategy.js")
        elif kind in OUR_CARDS:
            assert part.keys() - {"type", "grid_options"} <= editable(OUR_CARDS[kind])
        elif kind in CARDS:
            assert part.keys() - {"type", "grid_options"} <= CARDS[kind], kind
        elif "views" in part or "strategy" in part:
            assert part.keys() <= {"strategy", "title", "views"}
        elif part.keys() & {"cards", "sections"}:
            assert part.keys() <= OF_A_VIEW
            assert kind in {None, "sections"}
        else:
            assert kind in {None, "bar-gauge", "trend-graph"}, kind


async def test_every_entity_in_an_example_is_one_that_there_can_be(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    known = READERS_OWN | set(hass.states.async_entity_ids())
    for example in EXAMPLES:
        text = re.sub(r"(?:action|condition|trigger): .*", "", example.text)
        named = re.findall(r"\b(?:binary_sensor|event|input_number|notify|sensor)\.\w+", text)
        assert set(named) <= known, str(example)


# What there is


def test_every_name_of_ours_is_one_that_there_is() -> None:
    known = {*TEXTS["services"], *TEXTS["triggers"], *TEXTS["conditions"]}
    files = {"js", "yaml", "zip"}
    for each in [*MARKDOWN, *BLUEPRINTS]:
        named = set(re.findall(r"(?<![\w./@-])monzo\.([a-z_]+)", each.text))
        assert named <= known | files, each.path


def test_every_action_is_named_with_all_its_fields() -> None:
    pages = "".join(each.text for each in ACTIONS)
    for action, texts in TEXTS["services"].items():
        (its,) = [each for each in ACTIONS if f"`monzo.{action}`" in each.text]
        assert in_code(its.text) >= set(texts.get("fields", ())), action
        assert f"`monzo.{action}`" in FRONT.text
    assert {action for (_d, action) in re.findall(r"`(monzo)\.(\w+)`", pages)} == {
        *TEXTS["services"]
    }


@pytest.mark.parametrize(
    ("heading", "kind"), [("Triggers", "triggers"), ("Conditions", "conditions")]
)
def test_every_trigger_and_condition_is_named_with_all_its_options(heading: str, kind: str) -> None:
    section = PAGES["automations.md"].section(heading)
    table: dict[str, str] = {}
    for cells in rows(section):
        if cells[0].startswith("`monzo."):
            table.setdefault(cells[0], cells[-1])
    assert table.keys() == {f"`monzo.{each}`" for each in TEXTS[kind]}
    for each, texts in TEXTS[kind].items():
        assert in_code(table[f"`monzo.{each}`"]) == set(texts["fields"]), each
        assert in_code(section) >= set(texts["fields"])


def test_every_blueprint_has_its_section_and_its_button() -> None:
    automations = PAGES["automations.md"]
    listed = re.findall(r"^\| \[(.+?)\]\(#", automations.section("Blueprints"), re.MULTILINE)
    names = []
    for each in BLUEPRINTS:
        blueprint = yaml.safe_load(re.sub(r"!\w+", "", each.text))["blueprint"]
        names.append(blueprint["name"].removeprefix("Monzo: "))
        section = automations.section(names[-1])
        (button,) = re.findall(r"blueprint_url=([^)&]+)\)", section)
        assert unquote(button) == blueprint["source_url"]
        assert unquote(button).endswith(f"/blob/main/{name(each)}")
        for label in _inputs(blueprint["input"]):
            assert re.search(rf"^\| .*\b{re.escape(label)}\b.* \|", section, re.MULTILINE), label
    assert sorted(names) == sorted(listed)


def _inputs(inputs: Mapping[str, Json]) -> Iterator[str]:
    """Yield what the inputs of a blueprint are called in its form, also those in sections."""
    for each in inputs.values():
        if "input" in each:
            yield from _inputs(each["input"])
        else:
            yield each["name"]


async def test_every_entity_is_named_with_what_is_special_about_it(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    devices = dr.async_get(hass)
    headings = {"Person": "The person", "Pot": "Pots"}
    there = set()
    for entity in er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id):
        device = devices.async_get(entity.device_id or "")
        assert isinstance(device, dr.DeviceEntry)
        special = [entity.domain.replace("_", " ")]
        special += ["diagnostic"] if entity.entity_category else []
        special += ["off by default"] if entity.disabled_by else []
        its_name = TEXTS["entity"][entity.domain][entity.translation_key]["name"]
        there.add((headings.get(device.model or "", "Accounts"), its_name, ", ".join(special)))
    page = PAGES["entities.md"]
    told = {
        (heading, its_name, special)
        for heading in ("The person", "Accounts", "Pots")
        for its_name, special, *_ in rows(page.section(heading))
    }
    assert told == there


async def test_nothing_is_exposed_to_voice_assistants_by_itself(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    assert "Nothing of Monzo is exposed to voice assistants" in PAGES["privacy.md"].text
    assert await async_setup_component(hass, "homeassistant", {})
    for entity in er.async_entries_for_config_entry(er.async_get(hass), ann.entry_id):
        assert not async_should_expose(hass, "conversation", entity.entity_id), entity.entity_id


@pytest.mark.parametrize(
    ("heading", "module"),
    [
        ("The dashboard", "strategy.js"),
        ("The pot card", "pot-card.js"),
        ("The transactions card", "transactions-card.js"),
    ],
)
def test_every_option_of_what_shows_money_is_named(heading: str, module: str) -> None:
    table = rows(PAGES["dashboards.md"].section(heading))
    told = {key.strip("`"): label for label, key, *_ in table}
    assert told == {key: TEXTS["common"][f"option_{key}"] for key in editable(module)}


def test_every_option_is_named() -> None:
    options = TEXTS["options"]["step"]["init"]["data"]
    told = [cells[0] for cells in rows(PAGES["sign-in.md"].section("Options"))]
    assert sorted(told) == sorted(options.values())


def test_every_kind_of_transaction_is_named() -> None:
    told = [cells[0] for cells in rows(PAGES["transactions.md"].section("Event types"))]
    assert in_code(" ".join(told)) == set(TransactionKind)


@pytest.mark.parametrize(
    ("page", "heading", "entity"),
    [
        ("transactions.md", "Attributes", MonzoTransactionEvent),
        ("moving-money.md", "Hear of every transfer", MonzoTransfersEvent),
    ],
)
def test_what_is_said_not_to_be_in_history_is_not(
    page: str, heading: str, entity: type[MonzoTransactionEvent]
) -> None:
    table = list(rows(PAGES[page].section(heading)))
    assert {cells[-1] for cells in table} == {"yes", "no"}
    kept_out = {name for cells in table if cells[-1] == "no" for name in in_code(cells[0])}
    assert kept_out == entity._unrecorded_attributes  # noqa: SLF001 - where Home Assistant has it


def test_every_trouble_is_named_by_what_the_user_is_told() -> None:
    told = [cells[0] for cells in rows(PAGES["troubleshooting.md"].text)]
    titles = {issue["title"].replace("{name}", "…") for issue in TEXTS["issues"].values()}
    quoted = {text for cell in told for text in re.findall(r'"([A-Z].*?)"', cell)}
    assert quoted >= titles
    everything = json.dumps(TEXTS, ensure_ascii=False)
    for text in quoted - titles:
        assert text in everything, text


def test_every_file_that_the_page_on_how_it_works_names_is_there() -> None:
    named = re.findall(r"[\w/]+\.py\b", PAGES["how-it-works.md"].text)
    assert named
    for path in set(named):
        assert any((ROOT / folder / path).is_file() for folder in (INTEGRATION, "sandbox")), path


def test_the_page_tells_how_often_the_bank_is_asked() -> None:
    told = flat(PAGES["entities.md"].section("How data is updated"))
    assert "up to three accounts are polled every minute" in told
    intervals = [
        RequestBudget.interval_for(accounts, webhooks_arrive=False) for accounts in range(9)
    ]
    assert intervals[3] == timedelta(minutes=1) < intervals[4]
    assert "every five minutes with eight or more" in told
    five_minutes = timedelta(minutes=5)
    assert intervals[7] < five_minutes <= intervals[8] < five_minutes * 1.1


def test_the_front_page_counts_right() -> None:
    words = {3: "three", 7: "seven", 11: "eleven"}
    told = flat(FRONT.text)
    assert f"{words[len(TEXTS['triggers'])]} triggers" in told
    assert f"{words[len(TEXTS['conditions'])]} [conditions]" in told
    assert f"{words[len(BLUEPRINTS)]} [blueprints]" in told


def test_everybody_is_told_the_same_about_what_is_late() -> None:
    files = [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("blueprints/**/*.yaml"),
        ROOT / "custom_components/monzo/translations/en.json",
    ]
    texts = " ".join(" ".join(file.read_text(encoding="utf-8").split()) for file in files)
    said = re.findall(r"learn(?:s|ed) of(?: it)? more than (\d+) minutes later", texts)
    assert len(said) >= 9
    assert {timedelta(minutes=int(each)) for each in said} == {LATE_AFTER}
