"""A server that answers with whatever bytes it is told to."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
import json
from typing import Self, override
from urllib.parse import parse_qsl


@dataclass(frozen=True, kw_only=True)
class Request:
    """What arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @override
    def __str__(self) -> str:
        """Return the method and everything after the host."""
        return f"{self.method} {self.target}"


@dataclass
class Wire:
    """Answers each request with the next of its answers, and then closes the connection."""

    answers: deque[bytes] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    stalls: bool = False
    """Whether to keep silent after the answer, instead of closing."""

    async def __aenter__(self) -> Self:
        """Start to listen on any port."""
        self.reached = asyncio.Event()
        self._released = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        self._released.set()
        self._server.close()
        await self._server.wait_closed()

    def will_answer(self, *answers: bytes) -> None:
        """Set what comes next, instead of what was to come."""
        self.answers = deque(answers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _read_request(reader))
            self.reached.set()
            writer.write(self.answers.popleft())
            await writer.drain()
            if self.stalls:
                await self._released.wait()
        except ConnectionError, asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *rest = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name: value for name, _, value in (line.partition(": ") for line in rest)}
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return Request(method=method, target=target, headers=headers, body=body)


def answer(body: object = None, status: int = 200, **headers: str) -> bytes:
    """Return the bytes of an ordinary answer, with JSON unless the body is bytes already."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def refusal(status: int, code: str, message: str) -> bytes:
    """Return the bytes of one of the bank's errors."""
    return answer({"code": code, "message": message}, status, Terror="1")
