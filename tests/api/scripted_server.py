"""A server that sends scripted bytes, which need not be valid HTTP."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
import json
from typing import Self, override
from urllib.parse import parse_qsl


@dataclass(frozen=True, kw_only=True)
class ReceivedRequest:
    """A request that the server received."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body, decoded as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @override
    def __str__(self) -> str:
        """Return the method, path and query."""
        return f"{self.method} {self.target}"


@dataclass
class ScriptedServer:
    """Sends one scripted response for each request, and then closes the connection."""

    requests: list[ReceivedRequest] = field(default_factory=list)
    hangs: bool = False
    """Whether to keep the connection open and silent after a response."""

    async def __aenter__(self) -> Self:
        """Listen on any free port of this machine."""
        self.received = asyncio.Event()
        """Set when the first request has arrived."""
        self._responses: deque[bytes] = deque()
        self._stopping = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the port and all connections."""
        self._stopping.set()
        self._server.close()
        await self._server.wait_closed()

    def script(self, *responses: bytes) -> None:
        """Replace the responses to the next requests. Later requests get an empty response."""
        self._responses = deque(responses)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _read_request(reader))
            self.received.set()
            writer.write(self._responses.popleft() if self._responses else b"")
            await writer.drain()
            if self.hangs:
                await self._stopping.wait()
        except ConnectionError, asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> ReceivedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *rest = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name: value for name, _, value in (line.partition(": ") for line in rest)}
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return ReceivedRequest(method=method, target=target, headers=headers, body=body)


def response(body: object = None, status: int = 200, **headers: str) -> bytes:
    """Return the bytes of a valid response. A body that is not bytes is encoded as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Reason",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def error_response(status: int, code: str, message: str) -> bytes:
    """Return the bytes of an error response of the bank."""
    return response({"code": code, "message": message}, status, Terror="1")
