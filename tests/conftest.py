"""Fixtures: Home Assistant with the integration, a sandbox bank, and a clock that tests advance."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from datetime import UTC, datetime, timedelta
import gc
import logging
from pathlib import Path
import sys
import time
from typing import Any, Protocol, cast
from unittest.mock import MagicMock

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import aiohttp_client
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.setup import async_setup_component
from hypothesis import settings
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
import time_machine

# Home Assistant's test helpers find the integration only if it has been imported before.
import custom_components.monzo  # noqa: F401
from custom_components.monzo.accounts import poll
from custom_components.monzo.bank import approval, session
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.transactions import archive_database
from custom_components.monzo.transfers import send_transfer
from sandbox.bank import Bank
from sandbox.household import Household, build_household
from sandbox.models import Person
from sandbox.redirect import redirected
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.helpers.config_dialogs import Dialogs
from tests.helpers.stopped_clock import StoppedClock, stopped_clock
from tests.helpers.transfer_client import TransferClient

CREDENTIALS = "monzo_credentials"
WEBHOOK_ID = "a-webhook-that-home-assistant-made-up"


# Every test begins at this time: on a Wednesday, by day in London and where Home Assistant is (in
# California), a week before pay day, and a month before the clocks change.
START = datetime(2026, 9, 16, 16, 5, tzinfo=UTC)


# Every run tries the same random examples, however slow the machine is. The profile "random" looks
# for others: `scripts/test --hypothesis-profile random ...`.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("repeatable")


class SignIn(Protocol):
    """Creates the config entry of a person."""

    def __call__(self, person: Person, **entry: Any) -> MockConfigEntry:
        """Return the entry as the config flow creates it, before it is set up."""


type AdvanceTime = Callable[[timedelta], Awaitable[None]]


def pytest_configure() -> None:
    """Spare the tests work of this process that proves nothing."""
    # Home Assistant's test helpers write its log, with all SQL of the recorder, into the output,
    # but pytest records it by itself.
    logging.getLogger().handlers.clear()
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    # Home Assistant's slugify looks for this package for each name of an entity that is not ASCII.
    sys.modules["unidecode"] = None  # type: ignore[assignment] # marks it as missing
    # Home Assistant creates many objects at its start, and keeps them. With the default threshold
    # of 2,000, Python would often look for garbage among them and find none. With a threshold above
    # this one, each search would take long.
    gc.set_threshold(10_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Forget the output of a test that passed.

    Home Assistant's test helpers log every detail, and pytest keeps it until the last test ends:
    gigabytes with all tests.
    """
    report = yield
    if report.passed:
        report.sections.clear()
        if report.when == "teardown":
            item._report_sections.clear()  # noqa: SLF001 - pytest has no public way
    return report


@pytest.fixture(autouse=True)
def _fixed_start(request: pytest.FixtureRequest) -> Generator[StoppedClock | None]:
    """Begin at the same time on every day and machine; stop the clock if the test advances it.

    Home Assistant starts afterwards, because it rejects access tokens from the future.
    """
    if "freezer" in request.fixturenames:
        marker = request.node.get_closest_marker("freeze_time")
        with stopped_clock(marker.args[0] if marker else START) as clock:
            yield clock
    else:
        with time_machine.travel(START):
            yield None


@pytest.fixture
def freezer(_fixed_start: StoppedClock) -> StoppedClock:
    """Return the stopped clock, which replaces the one of Home Assistant's test helpers."""
    return _fixed_start


@pytest.fixture(autouse=True)
def _forgotten_instances() -> Generator[None]:
    """Forget the calls of a mock that lives as long as the process.

    Home Assistant's test helpers replace this function. Its mock would keep every Home Assistant
    that made an HTTP session in memory.
    """
    yield
    cast("MagicMock", aiohttp_client._async_make_resolver).reset_mock()  # noqa: SLF001


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave the debug mode of asyncio off, which Home Assistant's test helpers switch on.

    It records a stack trace for every task and future, which takes half of the time of a test.
    PYTHONASYNCIODEBUG=1 switches it on.
    """


@pytest.fixture
def _recorder_first(request: pytest.FixtureRequest, _fixed_start: None) -> None:
    """Start the recorder before there is anything to record, if the test requests it."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")


@pytest.fixture(autouse=True)
def _real_parts(
    request: pytest.FixtureRequest, _recorder_first: None, socket_enabled: None
) -> None:
    """Let tests connect to the sandbox; load the integration from this repository.

    Tests of pure functions start no Home Assistant, because its start takes most of their time.
    """
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests without pauses, and wait for a locked file for a moment only."""
    monkeypatch.setattr(poll, "RETRY_DELAY", timedelta(0))
    monkeypatch.setattr(session, "NEW_TOKEN_DELAY", timedelta(0))
    monkeypatch.setattr(
        send_transfer, "RETRY_DELAYS", [timedelta(0)] * len(send_transfer.RETRY_DELAYS)
    )
    monkeypatch.setattr(archive_database, "LOCKED_SECONDS", 0.1)
    monkeypatch.setattr(approval, "APPROVAL_PAUSES", [0.01] * len(approval.APPROVAL_PAUSES))


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Use a configuration folder of its own for each test, because the archive is a file in it."""
    # Home Assistant makes this folder at its first start, long before there is an integration. Two
    # threads that make it at the same time would disturb each other.
    Path(hass_tmp_config_dir, STORAGE_DIR).mkdir(exist_ok=True)
    return hass_tmp_config_dir


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Serialize snapshots as Home Assistant's own tests do."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def everything_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also enable the entities that are disabled by default."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.fixture
def bank(request: pytest.FixtureRequest) -> Bank:
    """Return a bank without customers."""
    if "advance_time" in request.fixturenames:
        # The bank must use the stopped clock from its first transaction on.
        request.getfixturevalue("advance_time")
    return Bank()


@pytest.fixture
def home(bank: Bank) -> Household:
    """Return the household of Ann and Ben, with their accounts, pots and history."""
    return build_household(bank)


@pytest.fixture
async def server(bank: Bank) -> AsyncIterator[BankServer]:
    """Return the bank's server, to which requests for Monzo are redirected."""
    async with BankServer(bank) as server:
        with redirected(server.url):
            yield server


@pytest.fixture
async def credentials(hass: HomeAssistant) -> None:
    """Add the application credentials with which people sign in."""
    assert await async_setup_component(hass, "application_credentials", {})
    await async_import_client_credential(
        hass,
        DOMAIN,
        ClientCredential(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, "Sandbox"),
        CREDENTIALS,
    )


@pytest.fixture
async def dialogs(
    hass: HomeAssistant,
    server: BankServer,
    credentials: None,
    current_request_with_host: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> Dialogs:
    """Return the dialogs of config flows; Home Assistant's URL is https://example.com."""
    # These must register their views before the HTTP server of the client starts.
    for component in ("calendar", DOMAIN):
        assert await async_setup_component(hass, component, {})
    return Dialogs(hass, await hass_client_no_auth())


@pytest.fixture
def sign_in(hass: HomeAssistant, server: BankServer, credentials: None) -> SignIn:
    """Return a function that creates a person's config entry without the config flow."""

    def make_entry(person: Person, **entry: Any) -> MockConfigEntry:
        token: dict[str, Any] = server.sign_in(person)
        others = len(hass.config_entries.async_entries(DOMAIN))
        config_entry = MockConfigEntry(
            **{
                "domain": DOMAIN,
                "title": person.name,
                "unique_id": person.user_id,
                "version": 1,
                "minor_version": 3,
                "data": {
                    "auth_implementation": CREDENTIALS,
                    "token": {**token, "expires_at": time.time() + token["expires_in"]},
                    CONF_WEBHOOK_ID: f"{WEBHOOK_ID}-{others}" if others else WEBHOOK_ID,
                },
                **entry,
            }
        )
        config_entry.add_to_hass(hass)
        return config_entry

    return make_entry


@pytest.fixture
def options_of_ann() -> dict[str, Any]:
    """Return the options of Ann's config entry; override this to change them."""
    return {}


@pytest.fixture
async def ann(
    hass: HomeAssistant, home: Household, sign_in: SignIn, options_of_ann: dict[str, Any]
) -> MockConfigEntry:
    """Return Ann's config entry, set up."""
    entry = sign_in(home.ann, options=options_of_ann)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


@pytest.fixture
async def transfer_client(
    hass: HomeAssistant, ann: MockConfigEntry, bank: Bank, server: BankServer
) -> AsyncIterator[TransferClient]:
    """Return a client of the actions that move Ann's money."""
    yield TransferClient(hass, ann, bank, server)
    # Failed actions read the balances again in the background.
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
def advance_time(hass: HomeAssistant, freezer: StoppedClock) -> AdvanceTime:
    """Stop the clock; return a function that advances it for Home Assistant and the bank."""

    async def advance_time(time: timedelta) -> None:
        freezer.tick(time)
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)

    return advance_time
