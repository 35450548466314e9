"""Client."""

import asyncio
import contextlib
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from .errors import HomeAssistantFailedError

_START_SECONDS = 180.0

type Json = Any


class HomeAssistantClient:
    """What a browser can do once somebody is logged in. Use it as an async context manager."""

    def __init__(self, url: str) -> None:
        """Prepare to talk to the Home Assistant at this address."""
        self.url = url
        self._client_id = f"{url}/"
        self._http = ClientSession(url)
        self._stack = contextlib.AsyncExitStack()
        self.tokens: dict[str, Json] = {}

    async def __aenter__(self) -> Self:
        """Wait until Home Assistant answers. Raises HomeAssistantFailedError if it never does."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http)
            await self._wait_until_reachable()
            self._stack = stack.pop_all()
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
        await self._stack.aclose()

    async def needs_onboarding(self) -> bool:
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
        await self._exchange_code(made["auth_code"])

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
            raise HomeAssistantFailedError(msg)
        await self._exchange_code(done["result"])

    async def command(self, command: str, **fields: Json) -> Json:
        """Send a WebSocket command and return its result."""
        # One connection each: one that nobody listens to would be ended for not answering pings.
        async with self._http.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            access_token = self.tokens.get("access_token", "")
            await socket.send_json({"type": "auth", "access_token": access_token})
            if (await socket.receive_json())["type"] != "auth_ok":
                msg = "Log in first"
                raise HomeAssistantFailedError(msg)
            await socket.send_json({"id": 1, "type": command, **fields})
            while (answer := await socket.receive_json())["type"] != "result":
                pass
        if not answer["success"]:
            msg = f"{command}: {answer['error']['message']}"
            raise HomeAssistantFailedError(msg)
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

    async def wait_until_started(self) -> None:
        """Wait until every integration has been set up."""
        while (await self.command("get_config"))["state"] != "RUNNING":  # noqa: ASYNC110 - far away
            await asyncio.sleep(0.2)

    async def _wait_until_reachable(self) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._is_reachable():  # noqa: ASYNC110 - far away
                    await asyncio.sleep(0.2)
        except TimeoutError as err:
            msg = f"Home Assistant does not answer at {self.url}; its log tells why."
            raise HomeAssistantFailedError(msg) from err

    async def _is_reachable(self) -> bool:
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
                raise HomeAssistantFailedError(msg)
            # What a template comes to is said to be text.
            return await answer.json(content_type=None)

    async def _exchange_code(self, code: str) -> None:
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
