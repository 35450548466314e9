"""Client of Home Assistant's REST and WebSocket APIs."""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from .errors import HomeAssistantFailedError

# Many times the usual duration of a start, for slow machines.
WAIT_SECONDS = 180.0

_POLL_SECONDS = 0.2

type Json = Any
"""JSON that Home Assistant sends or receives; the caller knows its structure."""


class HomeAssistantClient:
    """Controls Home Assistant over the APIs that its frontend uses; an async context manager."""

    def __init__(self, url: str) -> None:
        """Initialize the client for the Home Assistant at a URL."""
        self.url = url
        self._client_id = f"{url}/"
        self._http = ClientSession(url)
        self._stack = contextlib.AsyncExitStack()
        self.tokens: dict[str, Json] = {}

    async def __aenter__(self) -> Self:
        """Wait until Home Assistant responds. Raises HomeAssistantFailedError if it does not."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http)
            await self.wait_until(
                self._is_reachable, f"Home Assistant does not respond at {self.url}. See its log."
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Log out and close the connections."""
        with contextlib.suppress(ClientError):
            await self._http.post(
                "/auth/revoke", data={"token": self.tokens.get("refresh_token", "")}
            )
        await self._stack.aclose()

    async def needs_onboarding(self) -> bool:
        """Return whether Home Assistant has no user yet."""
        async with self._http.get("/api/onboarding") as response:
            if not response.ok:
                return False
            steps = await response.json()
        return any(step["step"] == "user" and not step["done"] for step in steps)

    async def onboard(self, name: str, username: str, password: str) -> None:
        """Create the first user, who is the owner, and log in."""
        created = await self.post(
            "/api/onboarding/users",
            {
                "client_id": self._client_id,
                "name": name,
                "username": username,
                "password": password,
                "language": "en",
            },
        )
        await self._exchange_code(created["auth_code"])

    async def log_in(self, username: str, password: str) -> None:
        """Log in with a username and a password."""
        client = {"client_id": self._client_id}
        form = await self.post(
            "/auth/login_flow",
            client | {"handler": ["homeassistant", None], "redirect_uri": self._client_id},
        )
        flow = f"/auth/login_flow/{form['flow_id']}"
        step = await self.post(flow, client | {"username": username, "password": password})
        if step["type"] != "create_entry":
            msg = f"Home Assistant rejected the password of the user {username}."
            raise HomeAssistantFailedError(msg)
        await self._exchange_code(step["result"])

    async def command(self, command: str, **fields: Json) -> Json:
        """Send a WebSocket command and return its result."""
        # A connection per command, because an idle connection would not answer pings and be closed.
        async with self._http.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            access_token = self.tokens.get("access_token", "")
            await socket.send_json({"type": "auth", "access_token": access_token})
            if (await socket.receive_json())["type"] != "auth_ok":
                msg = "Log in before sending commands."
                raise HomeAssistantFailedError(msg)
            await socket.send_json({"id": 1, "type": command, **fields})
            while (result := await socket.receive_json())["type"] != "result":
                pass
        if not result["success"]:
            msg = f"{command}: {result['error']['message']}"
            raise HomeAssistantFailedError(msg)
        return result["result"]

    async def get(self, path: str) -> Json:
        """Send a GET request to the REST API and return the response."""
        return await self._request("GET", path)

    async def post(self, path: str, data: object = None) -> Json:
        """Send a POST request to the REST API and return the response."""
        return await self._request("POST", path, json=data)

    async def delete(self, path: str) -> Json:
        """Send a DELETE request to the REST API and return the response."""
        return await self._request("DELETE", path)

    async def now(self) -> datetime:
        """Return the time of Home Assistant's clock."""
        template = {"template": "{{ utcnow().isoformat() | to_json }}"}
        return datetime.fromisoformat(await self.post("/api/template", template))

    async def wait_until_started(self) -> None:
        """Wait until Home Assistant has set up all integrations.

        Raises HomeAssistantFailedError if that takes too long.
        """
        await self.wait_until(self._is_running, "Home Assistant did not finish its start in time.")

    async def wait_until(
        self,
        condition: Callable[[], Awaitable[bool]],
        failure: str,
        limit: float | None = WAIT_SECONDS,
    ) -> None:
        """Wait until a condition is true.

        Raises HomeAssistantFailedError with the text `failure` after `limit` seconds (None: never).
        """
        try:
            async with asyncio.timeout(limit):
                while not await condition():  # noqa: ASYNC110 - remote state has no event
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as err:
            raise HomeAssistantFailedError(failure) from err

    async def _is_running(self) -> bool:
        config = await self.command("get_config")
        return bool(config["state"] == "RUNNING")

    async def _is_reachable(self) -> bool:
        with contextlib.suppress(ClientError):
            async with self._http.get("/manifest.json") as response:
                return response.ok
        return False

    async def _request(self, method: str, path: str, **options: Json) -> Json:
        # Tells OAuth flows the URL to which they redirect the browser at the end.
        headers = {"HA-Frontend-Base": self.url}
        async with self._http.request(method, path, headers=headers, **options) as response:
            if not response.ok:
                msg = f"{method} {path}: {response.status} {await response.text()}"
                raise HomeAssistantFailedError(msg)
            # A rendered template is sent as text, also if it is JSON.
            return await response.json(content_type=None)

    async def _exchange_code(self, code: str) -> None:
        """Exchange the authorization code of a log-in for tokens."""
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
