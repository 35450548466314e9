"""Faults between a client and the bank; `BankServer.fail` puts one in force."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
import json
from types import MappingProxyType
from typing import override

from aiohttp import web

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

# The response of a proxy that cannot reach the bank behind it.
PROXY_PAGE = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>502 Bad Gateway</h1></body></html>"
)

# HTTP status by the first part of an error's code (from source code that Monzo published).
_STATUS_BY_KIND = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "bad_response": 406,
    "precondition_failed": 412,
    "rate_limited": 429,
    "timeout": 504,
}


def status_of(code: str) -> int:
    """Return the HTTP status of an error code; 500 for an unknown code."""
    return _STATUS_BY_KIND.get(code.partition(".")[0], 500)


# Error kinds that Monzo itself defines as retryable.
_RETRYABLE = frozenset({"internal_service", "timeout", "unknown", "rate_limited"})


@dataclass(frozen=True)
class Exchange:
    """A request that meets a fault."""

    request: web.Request
    work: Callable[[], Awaitable[web.Response]]
    """Executes the request, and returns the bank's response."""

    stopping: asyncio.Event
    """Set when the server stops, to end faults that wait."""

    def hang_up(self) -> web.Response:
        """Close the connection without a response."""
        if self.request.transport is not None:
            self.request.transport.abort()
        return web.Response()


class Fault(ABC):
    """Handles a request in place of the bank's normal response."""

    @abstractmethod
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Return a response, or close the connection."""


@dataclass(frozen=True)
class Answer(Fault):
    """Send a fixed response; the bank does not execute the request."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default=_NO_HEADERS)

    @classmethod
    def json(cls, value: object, status: int = 200) -> Answer:
        """Respond with any JSON, such as null in place of an object."""
        return cls(status, json.dumps(value).encode())

    @classmethod
    def error(
        cls,
        code: str,
        message: str = "Something went wrong",
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        **more: object,
    ) -> Answer:
        """Respond with an error in Monzo's format; the code's first part decides the status."""
        kind = code.partition(".")[0]
        body = {"code": code, "message": message, **more}
        if kind in _RETRYABLE:
            body["retryable"] = {"value": True}
        return cls(status_of(code), json.dumps(body).encode(), headers={"Terror": "1", **headers})

    @classmethod
    def html(cls, status: int = 502, *, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        """Respond with a web page, like a proxy."""
        return cls(status, PROXY_PAGE, "text/html", headers)

    @classmethod
    def rate_limited(cls, retry_after: str | None = None) -> Answer:
        """Respond with 429; `retry_after` is the header's value: seconds, a date, or any text."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return cls.error("rate_limited", "Too many requests", headers=headers)

    @classmethod
    def garbage(cls) -> Answer:
        """Respond with 200 and bytes that are not JSON."""
        return cls(200, b"\x00\xff\x1f\x8b not JSON {")

    def response(self) -> web.Response:
        """Return the response to send."""
        return web.Response(
            status=self.status,
            body=self.body,
            content_type=self.content_type,
            headers=self.headers,
        )

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return self.response()


@dataclass(frozen=True)
class CommitThen(Fault):
    """The bank executes the request, then responds with an error."""

    status: int = 500

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await exchange.work()
        kind = {504: "timeout"}.get(self.status, "internal_service")
        body = Answer.error(kind).body
        return Answer(self.status, body, headers={"Terror": "1"}).response()


@dataclass(frozen=True)
class LoseResponse(Fault):
    """The bank executes the request, then the connection breaks.

    On a connection that it used before, aiohttp repeats GET, PUT and DELETE once by itself. A
    client built on it notices the fault only if it is in force for two requests.
    """

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await exchange.work()
        return exchange.hang_up()


@dataclass(frozen=True)
class DropBefore(Fault):
    """The connection breaks before the bank executes the request.

    See LoseResponse for aiohttp's own retries.
    """

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.hang_up()


@dataclass(frozen=True)
class Silence(Fault):
    """No response until the client gives up or the server stops."""

    committed: bool = False
    """Whether the bank executes the request."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if self.committed:
            await exchange.work()
        await exchange.stopping.wait()
        return exchange.hang_up()


@dataclass(frozen=True)
class Delay(Fault):
    """The normal response, after a number of real seconds."""

    seconds: float
    committed: bool = False
    """Whether the bank executes the request before the wait, not after it."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        answer = await exchange.work() if self.committed else None
        await asyncio.sleep(self.seconds)
        return answer or await exchange.work()


@dataclass(frozen=True)
class Truncated(Fault):
    """The normal response, but the connection breaks in the middle of the body."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        whole = await exchange.work()
        body = whole.body
        half = body[: len(body) // 2] if isinstance(body, bytes) else b""
        answer = web.StreamResponse(status=whole.status, headers={"Content-Length": "100000"})
        answer.content_type = whole.content_type
        await answer.prepare(exchange.request)
        await answer.write(half)
        exchange.hang_up()
        return answer


@dataclass(frozen=True)
class Edited(Fault):
    """The normal response with changed JSON, for example without one of the accounts."""

    change: Callable[[dict[str, object]], object]
    """Receives the response's JSON, and returns the JSON to send."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        whole = await exchange.work()
        data = json.loads(whole.text or "null")
        return web.json_response(self.change(data), status=whole.status)


@dataclass(eq=False)
class FaultHandle:
    """A fault that is in force for certain requests."""

    method: str
    path: str
    fault: Fault
    times: int | None
    """Number of requests that still meet the fault; None: until cleared."""

    after: int = 0
    """Number of requests that pass first."""

    met: int = 0
    """Number of requests that met the fault."""

    def clear(self) -> None:
        """End the fault."""
        self.times = 0

    def consume(self, method: str, path: str) -> bool:
        """Return whether a request meets the fault, and count the request."""
        matches = self.method in {"*", method} and fnmatchcase(path, self.path)
        if not matches or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.met += 1
        return True


class Faults:
    """The faults in force. A request meets the first fault that matches it."""

    def __init__(self) -> None:
        """Initialize without faults."""
        self.handles: list[FaultHandle] = []

    def add(self, handle: FaultHandle) -> FaultHandle:
        """Put a fault in force."""
        self.handles.append(handle)
        return handle

    def clear(self) -> None:
        """End all faults."""
        for handle in self.handles:
            handle.clear()
        self.handles.clear()

    def match(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets, if any, and count the request."""
        return next((each.fault for each in self.handles if each.consume(method, path)), None)
