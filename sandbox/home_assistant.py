"""A real Home Assistant in a process of its own, and what a browser can do with it."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT, Process
import contextlib
from datetime import datetime
import json
from pathlib import Path
import shutil
import sys
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession
from homeassistant.const import RESTART_EXIT_CODE

_REPOSITORY = Path(__file__).parents[1]

# Home Assistant has half a minute to say good-bye before it is ended.
_PATIENCE_SECONDS = 30.0

# Many times what it takes, also on a slow machine.
_START_SECONDS = 180.0

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


# Whatever Home Assistant sends or takes; who asks knows its shape.
type Json = Any


class HomeAssistantError(Exception):
    """Home Assistant did not do what it was asked; the message is for a person to read."""


class HomeAssistant:
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

        Raises HomeAssistantError when it has ended for good.
        """
        while self._process is not None:
            code = await self._process.wait()
            if code != RESTART_EXIT_CODE:
                last = "\n".join(self._last_words())
                msg = f"Home Assistant has ended (exit code {code}). The end of {self.log}:\n{last}"
                raise HomeAssistantError(msg)
            await self._start()

    async def set_clock(self, moment: datetime) -> None:
        """Have the clock that stands still do so at another moment, from soon on."""
        if not self.moment or not self._process or not self._process.stdin:
            msg = "There is no clock that stands still."
            raise HomeAssistantError(msg)
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
            async with asyncio.timeout(_PATIENCE_SECONDS):
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
                *(self._python, "-m", "sandbox.hass", self._bank_url, *clock),
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

    def _last_words(self) -> list[str]:
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


class Frontend:
    """What a browser can do once somebody is logged in. Use it as an async context manager."""

    def __init__(self, url: str) -> None:
        """Prepare to talk to the Home Assistant at this address."""
        self.url = url
        self._client_id = f"{url}/"
        self._http = ClientSession(url)
        self._open = contextlib.AsyncExitStack()
        self.tokens: dict[str, Json] = {}

    async def __aenter__(self) -> Self:
        """Wait until Home Assistant answers. Raises HomeAssistantError if it never does."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http)
            await self._answering()
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Log out and hang up."""
        with contextlib.suppress(ClientError):
            await self._http.post(
                "/auth/revoke", data={"token": self.tokens.get("refresh_token", "")}
            )
        await self._open.aclose()

    async def is_new(self) -> bool:
        """Return whether Home Assistant still waits for its first user."""
        async with self._http.get("/api/onboarding") as answer:
            if not answer.ok:
                return False
            steps = await answer.json()
        return any(step["step"] == "user" and not step["done"] for step in steps)

    async def onboard(self, name: str, username: str, password: str) -> None:
        """Make the first user, who owns this Home Assistant, and log in."""
        made = await self.post(
            "/api/onboarding/users",
            {
                "client_id": self._client_id,
                "name": name,
                "username": username,
                "password": password,
                "language": "en",
            },
        )
        await self._log_in_with(made["auth_code"])

    async def log_in(self, username: str, password: str) -> None:
        """Log in with a password."""
        client = {"client_id": self._client_id}
        form = await self.post(
            "/auth/login_flow",
            client | {"handler": ["homeassistant", None], "redirect_uri": self._client_id},
        )
        flow = f"/auth/login_flow/{form['flow_id']}"
        done = await self.post(flow, client | {"username": username, "password": password})
        if done["type"] != "create_entry":
            msg = f"Home Assistant does not know {username} with this password any more."
            raise HomeAssistantError(msg)
        await self._log_in_with(done["result"])

    async def command(self, command: str, **fields: Json) -> Json:
        """Send a WebSocket command and return its result."""
        # One connection each: one that nobody listens to would be ended for not answering pings.
        async with self._http.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            access_token = self.tokens.get("access_token", "")
            await socket.send_json({"type": "auth", "access_token": access_token})
            if (await socket.receive_json())["type"] != "auth_ok":
                msg = "Log in first"
                raise HomeAssistantError(msg)
            await socket.send_json({"id": 1, "type": command, **fields})
            while (answer := await socket.receive_json())["type"] != "result":
                pass
        if not answer["success"]:
            msg = f"{command}: {answer['error']['message']}"
            raise HomeAssistantError(msg)
        return answer["result"]

    async def get(self, path: str) -> Json:
        """Return what is at a path of the API."""
        return await self._request("GET", path)

    async def post(self, path: str, data: object = None) -> Json:
        """Send something to a path of the API and return the answer."""
        return await self._request("POST", path, json=data)

    async def delete(self, path: str) -> Json:
        """Delete what is at a path of the API and return the answer."""
        return await self._request("DELETE", path)

    async def now(self) -> datetime:
        """Return what Home Assistant's clock shows."""
        template = {"template": "{{ utcnow().isoformat() | to_json }}"}
        return datetime.fromisoformat(await self.post("/api/template", template))

    async def started(self) -> None:
        """Wait until every integration has been set up."""
        while (await self.command("get_config"))["state"] != "RUNNING":  # noqa: ASYNC110 - far away
            await asyncio.sleep(0.2)

    async def _answering(self) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._answers():  # noqa: ASYNC110 - far away
                    await asyncio.sleep(0.2)
        except TimeoutError as err:
            msg = f"Home Assistant does not answer at {self.url}; its log tells why."
            raise HomeAssistantError(msg) from err

    async def _answers(self) -> bool:
        with contextlib.suppress(ClientError):
            async with self._http.get("/manifest.json") as answer:
                return answer.ok
        return False

    async def _request(self, method: str, path: str, **options: Json) -> Json:
        # Whoever signs in somewhere is sent back to the address that the browser shows.
        headers = {"HA-Frontend-Base": self.url}
        async with self._http.request(method, path, headers=headers, **options) as answer:
            if not answer.ok:
                msg = f"{method} {path}: {answer.status} {await answer.text()}"
                raise HomeAssistantError(msg)
            # What a template comes to is said to be text.
            return await answer.json(content_type=None)

    async def _log_in_with(self, code: str) -> None:
        """Exchange the code of a log-in for tokens."""
        self.tokens = await self._request(
            "POST",
            "/auth/token",
            data={
                "client_id": self._client_id,
                "grant_type": "authorization_code",
                "code": code,
            },
        )
        self._http.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
