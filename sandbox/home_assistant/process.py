"""Runs a real Home Assistant in a separate process."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from datetime import datetime
import json
from pathlib import Path
import shutil
import sys
from types import TracebackType
from typing import Self

from homeassistant.const import RESTART_EXIT_CODE

from .errors import HomeAssistantFailedError

# Host for Home Assistant's external URL. Map it to this machine in `ServerBehaviour.webhook_hosts`.
EXTERNAL_HOST = "home.example.test"

_REPOSITORY = Path(__file__).parents[2]

# Time that Home Assistant has for a clean stop before it is killed.
_STOP_SECONDS = 30.0

# Home Assistant's defaults, except that it listens only on this machine: its password is public.
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

# Everything that the frontend and automations need, without integrations that use the internet.
# Webhooks are set up from the start, as in every real installation, because the frontend reloads
# its translations shortly after a new integration is set up, and an open dialog can lose its texts.
_CONFIGURATION = """\
# Generated at every start of the demo; changes are lost.
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
    """Runs `hass` with this repository's integration and with the sandbox as its bank.

    Use it as an async context manager.
    """

    def __init__(  # noqa: PLR0913 - each option concerns something else
        self,
        folder: Path,
        *,
        port: int,
        bank_url: str,
        python: str | Path = sys.executable,
        moment: datetime | None = None,
        constants: Mapping[str, object] | None = None,
    ) -> None:
        """Initialize the process, with its configuration folder and its port on localhost.

        `python` is the interpreter of the environment in which Home Assistant is installed. With a
        `moment`, the clock of Home Assistant stands still at that time until `set_clock`.
        `constants` replaces constants of the integration, by module and name.
        """
        self.folder = folder
        self.moment = moment
        self.url = f"http://localhost:{port}"
        self.log = folder / "hass.log"
        self._port = port
        self._bank_url = bank_url
        self._python = python
        self._constants = dict(constants or {})
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
        """Stop; Home Assistant saves its data first."""
        await self.stop()

    async def run(self) -> None:
        """Watch the process, and start it again when Home Assistant asks for a restart.

        Raises HomeAssistantFailedError when it ends for another reason.
        """
        while self._process is not None:
            code = await self._process.wait()
            if code != RESTART_EXIT_CODE:
                last = "\n".join(self._log_tail())
                msg = f"Home Assistant has ended (exit code {code}). The end of {self.log}:\n{last}"
                raise HomeAssistantFailedError(msg)
            await self._start()

    async def set_clock(self, moment: datetime) -> None:
        """Set a clock that stands still to another time; it takes effect shortly afterwards."""
        if not self.moment or not self._process or not self._process.stdin:
            msg = "The clock of this Home Assistant does not stand still."
            raise HomeAssistantFailedError(msg)
        self.moment = moment
        self._process.stdin.write(f"{moment.isoformat()}\n".encode())
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """Stop Home Assistant; kill it if it does not stop in time."""
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
        """Start hass, which ends when its standard input closes because this process has ended.

        It has its own process group, so that Ctrl-C reaches only this process, which stops it.
        """
        clock = ("--moment", self.moment.isoformat()) if self.moment else ()
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(self._python, "-m", "sandbox.home_assistant.hass", self._bank_url, *clock),
                *("--constants", json.dumps(self._constants)),
                *("--config", str(self.folder), "--skip-pip"),
                cwd=_REPOSITORY,
                stdin=PIPE,
                stdout=log,
                stderr=STDOUT,
                process_group=0,
            )

    def prepare(self) -> None:
        """Install the integration and its blueprints, and write settings that no API can change."""
        components = self.folder / "custom_components"
        shutil.rmtree(components, ignore_errors=True)
        shutil.copytree(
            _REPOSITORY / "custom_components",
            components,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        shutil.copytree(_REPOSITORY / "blueprints", self.folder / "blueprints", dirs_exist_ok=True)
        (self.folder / "configuration.yaml").write_text(_CONFIGURATION, encoding="utf-8")
        (self.folder / "automations.yaml").touch()
        if not (self.folder / ".storage" / "onboarding").exists():
            # Skip these onboarding steps, because they set up integrations that use the internet.
            done = {"done": ["core_config", "analytics", "integration"]}
            _seed(self.folder, "onboarding", 4, done)
        seed_http(self.folder, self._port)

    def _log_tail(self) -> list[str]:
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]


def seed_http(folder: Path, port: int) -> None:
    """Store the HTTP settings: listen on a port of this machine; 0 takes a free port.

    Settings from YAML would only be on trial, and the frontend would ask to confirm them.
    """
    stable = {**_HTTP, "server_port": port}
    _seed(folder, "http", 3, {"stable": stable, "pending": None, "yaml_migration_done": True})


def _seed(folder: Path, key: str, version: int, data: object) -> None:
    content = {"version": version, "minor_version": 1, "key": key, "data": data}
    storage = folder / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    (storage / key).write_text(json.dumps(content), encoding="utf-8")
