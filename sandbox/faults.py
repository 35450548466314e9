"""What can go wrong between a program and the bank, each as something to hand to `fail`."""

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

# What a proxy in front of the bank answers when it cannot reach it.
PROXY_PAGE = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>502 Bad Gateway</h1></body></html>"
)

# The statuses that the first part of an error's code stands for (published by Monzo as source).
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
    """Return the HTTP status that an error's code stands for; 500 for those nobody knows."""
    return _STATUS_BY_KIND.get(code.partition(".")[0], 500)


# Monzo's own definition of what may be tried again.
_RETRYABLE = frozenset({"internal_service", "timeout", "unknown", "rate_limited"})


@dataclass(frozen=True)
class Exchange:
    """One request on its way through a fault."""

    request: web.Request
    work: Callable[[], Awaitable[web.Response]]
    """Has the bank do what was asked, and returns what it would answer."""

    stopping: asyncio.Event
    """Set when the server stops, so that nobody waits for ever."""

    def hang_up(self) -> web.Response:
        """Close the connection without an answer."""
        if self.request.transport is not None:
            self.request.transport.abort()
        return web.Response()


class Fault(ABC):
    """Something that happens to a request instead of an ordinary answer."""

    @abstractmethod
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Answer, or do not."""


@dataclass(frozen=True)
class Answer(Fault):
    """Any answer at all, without the bank having done anything."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default=_NO_HEADERS)

    @classmethod
    def json(cls, value: object, status: int = 200) -> Answer:
        """Answer some JSON, such as null where an object belongs."""
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
        """Answer an error of Monzo's; the code's first part decides the status."""
        kind = code.partition(".")[0]
        body = {"code": code, "message": message, **more}
        if kind in _RETRYABLE:
            body["retryable"] = {"value": True}
        return cls(status_of(code), json.dumps(body).encode(), headers={"Terror": "1", **headers})

    @classmethod
    def html(cls, status: int = 502, *, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        """Answer a web page, as proxies do."""
        return cls(status, PROXY_PAGE, "text/html", headers)

    @classmethod
    def rate_limited(cls, retry_after: str | None = None) -> Answer:
        """Answer 429; `retry_after` is the header's value: seconds, an HTTP date, or anything."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return cls.error("rate_limited", "Too many requests", headers=headers)

    @classmethod
    def garbage(cls) -> Answer:
        """Answer 200 with bytes that are no JSON."""
        return cls(200, b"\x00\xff\x1f\x8b not JSON {")

    def response(self) -> web.Response:
        """Return what goes over the wire."""
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
    """The bank does what was asked, then answers as if it had failed."""

    status: int = 500

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await exchange.work()
        kind = {504: "timeout"}.get(self.status, "internal_service")
        body = Answer.error(kind).body
        return Answer(self.status, body, headers={"Terror": "1"}).response()


@dataclass(frozen=True)
class LoseResponse(Fault):
    """The bank does what was asked, then the connection breaks.

    On a connection that it used before, aiohttp sends GET, PUT and DELETE again by itself, once:
    a program of that kind needs to meet this twice to notice.
    """

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        await exchange.work()
        return exchange.hang_up()


@dataclass(frozen=True)
class DropBefore(Fault):
    """The connection breaks before the bank has done anything; see LoseResponse on aiohttp."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        return exchange.hang_up()


@dataclass(frozen=True)
class Silence(Fault):
    """No answer until the program gives up or the server stops."""

    committed: bool = False
    """Whether the bank has done what was asked."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if self.committed:
            await exchange.work()
        await exchange.stopping.wait()
        return exchange.hang_up()


@dataclass(frozen=True)
class Delay(Fault):
    """The right answer, so many real seconds later."""

    seconds: float
    committed: bool = False
    """Whether the bank acts before the wait rather than after it."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        answer = await exchange.work() if self.committed else None
        await asyncio.sleep(self.seconds)
        return answer or await exchange.work()


@dataclass(frozen=True)
class Truncated(Fault):
    """The right answer, but the connection breaks in the middle of its body."""

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
    """The right answer with its JSON changed, such as an account left out of the list."""

    change: Callable[[dict[str, object]], object]
    """Is given the answer's object, and returns what to send instead."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        whole = await exchange.work()
        data = json.loads(whole.text or "null")
        return web.json_response(self.change(data), status=whole.status)


@dataclass(eq=False)
class FaultHandle:
    """A fault that is in force for requests of one kind."""

    method: str
    path: str
    fault: Fault
    times: int | None
    """How many more requests it meets; None until cleared."""

    after: int = 0
    """How many requests it lets pass first."""

    met: int = 0
    """How many requests it has met."""

    def clear(self) -> None:
        """Let requests pass again."""
        self.times = 0

    def consume(self, method: str, path: str) -> bool:
        """Whether this request meets the fault; counts it."""
        wanted = self.method in {"*", method} and fnmatchcase(path, self.path)
        if not wanted or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.met += 1
        return True


class Faults:
    """What is in force. The first fault that fits a request is the one it meets."""

    def __init__(self) -> None:
        """Begin with everything in order."""
        self.handles: list[FaultHandle] = []

    def add(self, handle: FaultHandle) -> FaultHandle:
        """Put a fault in force."""
        self.handles.append(handle)
        return handle

    def clear(self) -> None:
        """Mend everything."""
        for handle in self.handles:
            handle.clear()
        self.handles.clear()

    def match(self, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, if any; counts it."""
        return next((each.fault for each in self.handles if each.consume(method, path)), None)
