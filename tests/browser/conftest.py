"""Fixtures: a Home Assistant with its frontend, a bank, and a browser."""

from collections.abc import AsyncIterator, Generator
from pathlib import Path
import re
import shutil

from playwright.async_api import expect
import pytest
import pytest_asyncio

from custom_components.monzo.dashboard.serve_cards import BUNDLE
from tests.helpers.newest_home_assistant import PYTHON

from .browser_session import TIMEOUT, BrowserSession, WindowPool
from .chromium import NoChromiumError, find_chromium, run_chromium
from .ha_instance import HaInstance, run_home_assistant
from .sockets import allow_local_connections

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parents[1] / ".screenshots"

# The modules whose tests share a Home Assistant and a browser. Those of a group run in one process,
# and the groups take about the same time.
_GROUPS = {
    "test_budget_dialog": 2,
    "test_documented_examples": 1,
    "test_generated_dashboard": 1,
    "test_households": 2,
    "test_journey": 1,
    "test_languages": 2,
    "test_next_and_budgets": 1,
    "test_pot_card": 2,
    "test_transactions_card": 2,
}

# Seconds for a test with all its waits, and with the start of Home Assistant before the first test.
_TEST_TIMEOUT = 300

expect.set_options(timeout=TIMEOUT)

_FAILED = pytest.StashKey[bool]()


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of this folder in one event loop, and those of a group in one process."""
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)
            item.add_marker(pytest.mark.timeout(_TEST_TIMEOUT))
            item.add_marker(pytest.mark.xdist_group(f"browser {_GROUPS[item.path.stem]}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record a failure, for fixtures that are torn down after it."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def _fixed_start() -> None:
    """Keep the real time, because Home Assistant and the browser run in separate processes."""


@pytest.fixture(autouse=True)
def _real_parts() -> None:
    """Allow connections on this machine; Home Assistant runs in a separate process."""
    allow_local_connections()


@pytest.fixture(autouse=True)
def _no_pauses() -> None:
    """Leave the constants in this process as they are; see `ha_instance`."""


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Skip the check for leftovers, because the browser and the bank outlive a test."""


@pytest.fixture(scope="package")
def executable() -> Path:
    """Return the path of Chromium; skip without it, the newest Home Assistant, or the cards."""
    try:
        found = find_chromium()
    except NoChromiumError as err:
        pytest.skip(str(err))
    if not PYTHON.exists():
        pytest.skip(f"No Home Assistant with a frontend in {PYTHON}: run scripts/setup demo")
    if not BUNDLE.exists():
        pytest.skip(f"No cards in {BUNDLE}: run scripts/setup cards")
    return found


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def window_pool(executable: Path) -> AsyncIterator[WindowPool]:
    """Return the windows of one browser."""
    async with run_chromium(executable) as chromium:
        yield WindowPool(chromium)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def _instance(
    executable: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[HaInstance]:
    """Return the Home Assistant of this process, without the integration at first."""
    allow_local_connections()
    async with run_home_assistant(tmp_path_factory.mktemp("ha")) as instance:
        yield instance


@pytest_asyncio.fixture(loop_scope="package")
async def ha(_instance: HaInstance, window_pool: WindowPool) -> HaInstance:
    """Return a Home Assistant with the integration set up for Ann; a test must keep it so."""
    if not await _instance.entries():
        await _instance.connect()
        # A page that was loaded before may lack the cards.
        await window_pool.clean_up(keep_shared=False)
    return _instance


@pytest_asyncio.fixture(loop_scope="package")
async def new_ha(_instance: HaInstance) -> AsyncIterator[HaInstance]:
    """Return a Home Assistant without the integration, and remove it after the test."""
    await _instance.remove_everything()
    yield _instance
    _instance.server.clear_faults()
    await _instance.remove_everything()


@pytest_asyncio.fixture(loop_scope="package")
async def browser(
    request: pytest.FixtureRequest, window_pool: WindowPool
) -> AsyncIterator[BrowserSession]:
    """Return a browser session. At the end, no page may have reported a problem with our code."""
    module = request.path.stem.removeprefix("test_")
    name = re.sub(r"[^\w-]+", "-", request.node.name.removeprefix("test_"))
    screenshots = SCREENSHOTS / module / name
    shutil.rmtree(screenshots, ignore_errors=True)
    session = BrowserSession(window_pool, screenshots)
    yield session
    failed = request.node.stash.get(_FAILED, False)
    if failed:
        await _print_evidence(session)
    await session.close(keep_shared=not failed)
    assert session.problems == []


async def _print_evidence(session: BrowserSession) -> None:
    """Print where to find screenshots and logs; pytest shows it with the failure."""
    for page in session.pages:
        print(f"Screenshot: {await session.save_screenshot('failed', page)}")  # noqa: T201 - for the reader of the report
    for instance in session.instances:
        print(f"Home Assistant's log: {instance.process.log}")  # noqa: T201 - as above
