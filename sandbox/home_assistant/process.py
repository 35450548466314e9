"""A real Home Assistant in a process of its own, and what a browser can do with it."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT, Process
from datetime import datetime
import json
from pathlib import Path
import shutil
import sys
from types import TracebackType
from typing import Self

from homeassistant.const import RESTART_EXIT_CODE

from .errors import HomeAssistantFailedError

_REPOSITORY = Path(__file__).parents[2]

# Home Assistant has half a minute to say good-bye before it is ended.
_STOP_SECONDS = 30.0

# Home Assistant's defaults, but for this machine alone: the password is known to everybody.
_HTTP = {
    "server_host": ["127.0.0.1"],
    "cors_allowed_origins": ["https://cast.home-assistant.io"],
    "login_attempts_threshold": -1,
    "ip_ban_enabled": True,
    "ssl_profile": "intermediate_v6",
    "use_x_frame_options": True,
    "created_at": "2026-01-01T00:00:00+00:00",
    "error": None,
    "error_message": None,
}

# What the frontend and automations need, without what would want the internet. Like in any home,
# webhooks are there from the start: half a second after something new is set up, the frontend loads
# its texts anew, and a dialog that waits for its own at that moment stays without them.
_CONFIGURATION = """\
# Written anew whenever the demo starts.
api:
application_credentials:
automation: !include automations.yaml
config:
counter:
diagnostics:
frontend:
history:
input_boolean:
input_number:
logbook:
recorder:
  commit_interval: 1
repairs:
scene:
script:
search:
system_health:
webhook:
"""


class HomeAssistantProcess:
    """Runs `hass` in a folder, with this repository's integration and the sandbox for a bank.

    Use it as an async context manager.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        bank_url: str,
        python: str | Path = sys.executable,
        moment: datetime | None = None,
    ) -> None:
        """Prepare to keep everything in this folder and to listen on localhost.

        `python` is the interpreter of the environment that Home Assistant is installed in. Its
        clock stands still at the moment, if there is one, until `set_clock`.
        """
        self.folder = folder
        self.moment = moment
        self.url = f"http://localhost:{port}"
        self.log = folder / "hass.log"
        self._port = port
        self._bank_url = bank_url
        self._python = python
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        await asyncio.to_thread(self.prepare)
        await self._start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, with whatever Home Assistant wants to write down before."""
        await self.stop()

    async def run(self) -> None:
        """Wait until Home Assistant ends, and start it again when that is what it asks for.

        Raises HomeAssistantFailedError when it has ended for good.
        """
        while self._process is not None:
            code = await self._process.wait()
            if code != RESTART_EXIT_CODE:
                last = "\n".join(self._log_tail())
                msg = f"Home Assistant has ended (exit code {code}). The end of {self.log}:\n{last}"
                raise HomeAssistantFailedError(msg)
            await self._start()

    async def set_clock(self, moment: datetime) -> None:
        """Have the clock that stands still do so at another moment, from soon on."""
        if not self.moment or not self._process or not self._process.stdin:
            msg = "There is no clock that stands still."
            raise HomeAssistantFailedError(msg)
        self.moment = moment
        self._process.stdin.write(f"{moment.isoformat()}\n".encode())
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """Ask Home Assistant to end, and insist if it does not."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        try:
            process.terminate()
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()

    async def _start(self) -> None:
        """Start hass; it ends by itself when this process is gone and standard input with it.

        It is in a group of its own, because Ctrl-C is for this process to answer.
        """
        clock = ("--moment", self.moment.isoformat()) if self.moment else ()
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(self._python, "-m", "sandbox.home_assistant.hass", self._bank_url, *clock),
                *("--config", str(self.folder), "--skip-pip"),
                cwd=_REPOSITORY,
                stdin=PIPE,
                stdout=log,
                stderr=STDOUT,
                process_group=0,
            )

    def prepare(self) -> None:
        """Put the integration where HACS would, and seed what no API can set before the start."""
        components = self.folder / "custom_components"
        shutil.rmtree(components, ignore_errors=True)
        shutil.copytree(
            _REPOSITORY / "custom_components",
            components,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (self.folder / "configuration.yaml").write_text(_CONFIGURATION, encoding="utf-8")
        (self.folder / "automations.yaml").touch()
        if not (self.folder / ".storage" / "onboarding").exists():
            # The other steps set up integrations that want the internet.
            done = {"done": ["core_config", "analytics", "integration"]}
            _seed(self.folder, "onboarding", 4, done)
        seed_http(self.folder, self._port)

    def _log_tail(self) -> list[str]:
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]


def seed_http(folder: Path, port: int) -> None:
    """Have Home Assistant listen on a port of this machine; 0 takes a free one.

    In YAML this would be on trial, and the frontend would ask to confirm it.
    """
    stable = {**_HTTP, "server_port": port}
    _seed(folder, "http", 3, {"stable": stable, "pending": None, "yaml_migration_done": True})


def _seed(folder: Path, key: str, version: int, data: object) -> None:
    content = {"version": version, "minor_version": 1, "key": key, "data": data}
    storage = folder / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    (storage / key).write_text(json.dumps(content), encoding="utf-8")
