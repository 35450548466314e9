"""A Home Assistant with its frontend, a bank, and a person at a browser."""

from collections.abc import AsyncIterator, Generator
from pathlib import Path
import re
import shutil

from playwright.async_api import Browser, expect
import pytest
import pytest_asyncio
import pytest_socket

from .chromium import NoChromiumError, chromium_here, launched
from .desk import PATIENCE, Desk
from .house import PYTHON, House, opened

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / ".screenshots"

# The fixtures that begin with a start of Home Assistant, and are shared by the tests of a worker.
_HOUSES = ("banked_house", "new_house")

# A busy machine is no reason to miss something.
expect.set_options(timeout=PATIENCE)

_FAILED = pytest.StashKey[bool]()


# Before pytest-xdist looks for the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have all tests here share an event loop, and those with the same house share a process."""
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)
            house = next((house for house in _HOUSES if house in item.fixturenames), "no house")
            item.add_marker(pytest.mark.xdist_group(f"browser, {house}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test has failed until its fixtures are taken down."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def _real_parts() -> None:
    """Let the tests talk to what runs on this machine; Home Assistant is a process of its own."""
    _open_doors()


@pytest.fixture(autouse=True)
def _no_waiting() -> None:
    """Leave the integration as people install it."""


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Let the browser and the bank outlive a test, for the next one shares them."""


@pytest.fixture(scope="package")
def executable() -> Path:
    """Return Chromium's program; without one, or without the newest Home Assistant, skip."""
    try:
        found = chromium_here()
    except NoChromiumError as err:
        pytest.skip(str(err))
    if not PYTHON.exists():
        pytest.skip("No Home Assistant with a frontend: scripts/setup demo makes .venv-demo")
    return found


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium(executable: Path) -> AsyncIterator[Browser]:
    """Return the browser."""
    async with launched(executable) as browser:
        yield browser


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def new_house(
    executable: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Return a house whose Home Assistant does not know the bank; a test leaves it like that."""
    _open_doors()
    async with opened(tmp_path_factory.mktemp("new-house")) as house:
        yield house


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def banked_house(
    executable: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Return a house in which Ann is signed in; tests share it and leave her signed in."""
    _open_doors()
    async with opened(tmp_path_factory.mktemp("banked-house")) as house:
        await house.connect()
        yield house


@pytest_asyncio.fixture(loop_scope="package")
async def desk(request: pytest.FixtureRequest, chromium: Browser) -> AsyncIterator[Desk]:
    """Return a seat at the browser; in the end nothing of ours may have gone wrong in it."""
    module = request.path.stem.removeprefix("test_")
    pictures = PICTURES / module / re.sub(r"[^\w-]+", "-", request.node.name.removeprefix("test_"))
    shutil.rmtree(pictures, ignore_errors=True)
    desk = Desk(chromium, pictures)
    yield desk
    if request.node.stash.get(_FAILED, False):
        await _tell(desk)
    await desk.leave()
    assert desk.complaints == []


async def _tell(desk: Desk) -> None:
    """Say where to look after a failure; pytest shows it with the test's."""
    for page in desk.pages:
        print(f"What was on the screen:  {await desk.shot('failed', page)}")  # noqa: T201 - to be read
    for house in desk.houses:
        print(f"Home Assistant's log:    {house.home_assistant.log}")  # noqa: T201 - as above


def _open_doors() -> None:
    """Allow connections on this machine, which Home Assistant's test helpers close at each test."""
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"])
