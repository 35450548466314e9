"""The bank over HTTP: its API, its authorise page, its control page, and faults on demand."""

import argparse
import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from fnmatch import fnmatchcase
from functools import partial
import math
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

from .api import ENDPOINTS, Api, ApiRequest, Endpoint, LoggedRequest, forbidden
from .authorise_page import AuthorisePage
from .bank import Bank
from .behaviour import DEFAULT_SERVER_BEHAVIOUR, RateLimit, ServerBehaviour
from .control_page import ControlPage
from .deliveries import Delivery, WebhookSender
from .faults import (
    PROXY_PAGE,
    Answer,
    CommitThen,
    Delay,
    DropBefore,
    Edited,
    Exchange,
    Fault,
    FaultHandle,
    Faults,
    LoseResponse,
    Silence,
    Truncated,
    status_of,
)
from .household import build_household
from .models import BankError, JsonObject, Person
from .oauth import Client, Grant, SignIns

__all__ = [
    "DEFAULT_CLIENT_ID",
    "DEFAULT_CLIENT_SECRET",
    "Answer",
    "BankServer",
    "CommitThen",
    "Delay",
    "Delivery",
    "DropBefore",
    "Edited",
    "Fault",
    "FaultHandle",
    "LoggedRequest",
    "LoseResponse",
    "RateLimit",
    "ServerBehaviour",
    "Silence",
    "Truncated",
]

DEFAULT_CLIENT_ID = "oauth2client_0000SandboxClient00000001"
DEFAULT_CLIENT_SECRET = "mnzconf.sandbox-secret"  # noqa: S105 - the sandbox's own

_FORM = "application/x-www-form-urlencoded"

# Connections are kept until the program closes them. The usual timer would go off whenever a test
# turns the clock forward, and break the next request.
_KEEP_ALIVE_SECONDS = 365 * 24 * 60 * 60.0


class BankServer:
    """Serves a bank on loopback. Use it as an async context manager, or start and stop it.

    Everything runs in the event loop that started it; change the bank from there.
    """

    def __init__(
        self,
        bank: Bank,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: ServerBehaviour = DEFAULT_SERVER_BEHAVIOUR,
        latency: float = 0.0,
    ) -> None:
        """Prepare a server; port 0 takes a free one.

        `latency` is how many real seconds a round trip takes: answers are delayed by it, and
        deliveries, which go one way, by half of it.
        """
        self.bank = bank
        self.behaviour = behaviour
        self.latency = latency
        self.requests: list[LoggedRequest] = []
        self.files: dict[str, bytes] = {}
        self.sign_ins = SignIns(bank.clock, lambda: self.behaviour, self._on_sign_in_end)
        self._host = host
        self._port = port
        self._api = Api(bank, self.sign_ins, lambda: self.behaviour, self._upload_url)
        self._webhook_sender = WebhookSender(bank, lambda: self.behaviour, latency / 2)
        self._faults = Faults()
        self._recent_requests: deque[datetime] = deque()
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.register_client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Open the port and begin to call webhooks."""
        self._stopping.clear()
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            shutdown_timeout=0,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        await self._webhook_sender.start()

    async def stop(self) -> None:
        """Hang up on everybody, the silent ones too, and close the port."""
        self._stopping.set()
        await self._webhook_sender.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """Where both faces are: the API and, at its root, the authorise page."""
        return f"http://{self._host}:{self._port}"

    # People and their sign-ins

    def register_client(
        self,
        client_id: str,
        client_secret: str,
        redirect_uris: tuple[str, ...] | None = None,
        *,
        confidential: bool = True,
        name: str = "Home Assistant",
    ) -> None:
        """Register a program, as on the developers' page; without redirect URIs any is allowed."""
        self.sign_ins.clients[client_id] = Client(
            client_id=client_id,
            secret=client_secret,
            redirect_uris=redirect_uris,
            confidential=confidential,
            name=name,
        )

    def sign_in(
        self, person: Person, *, client_id: str = DEFAULT_CLIENT_ID, approved: bool = True
    ) -> dict[str, Any]:
        """Sign a person in without the page, and return what the token URL would answer."""
        return self.sign_ins.sign_in(person, client_id, approved=approved)

    def issue_code(
        self, person: Person, redirect_uri: str, *, client_id: str = DEFAULT_CLIENT_ID
    ) -> str:
        """Return the code that the authorise page would send to the redirect URI."""
        return self.sign_ins.issue_code(client_id, person, redirect_uri)

    def approve(self, person: Person) -> None:
        """Approve in the app whatever of this person's waits for it."""
        self.sign_ins.approve(person)

    def deny(self, person: Person) -> None:
        """Turn down in the app whatever of this person's waits for approval."""
        self.sign_ins.deny(person)

    def evict(self, person: Person) -> None:
        """Have other programs sign this person in with the same clients."""
        self.sign_ins.evict(person)

    def expire_access_token(self, person: Person) -> None:
        """Let this person's access tokens run out now; refreshing still works."""
        self.sign_ins.expire(person)

    # Faults and what was asked

    def fail(
        self, method: str, path: str, fault: Fault, *, times: int | None = 1, after: int = 0
    ) -> FaultHandle:
        """Let a fault meet the next requests whose path fits the pattern, such as `/pots/*`.

        The first fault that fits is met. `method` may be `*`; `times` None lasts until cleared;
        `after` lets so many pass first.
        """
        return self._faults.add(FaultHandle(method, path, fault, times, after))

    def clear_faults(self) -> None:
        """Mend everything."""
        self._faults.clear()

    def requests_to(self, method: str = "*", path: str = "*") -> list[LoggedRequest]:
        """Return the requests so far whose method and path fit the patterns."""
        return [
            call
            for call in self.requests
            if method in {"*", call.method} and fnmatchcase(call.path, path)
        ]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt so far to call a webhook."""
        return self._webhook_sender.attempts

    async def delivered(self) -> None:
        """Wait until no webhook is on its way any more."""
        await self._webhook_sender.wait_until_idle()

    # Within

    def _upload_url(self, name: str) -> str:
        return f"{self.url}/upload/{name}"

    def _on_sign_in_end(self, grant: Grant) -> None:
        """Remove the webhooks of an ended sign-in, if that is what the bank does."""
        if not self.behaviour.webhooks_end_with_sign_in:
            return
        theirs = {account.id for account in self.bank.accounts_of(grant.person)}
        for webhook in list(self.bank.webhooks.values()):
            if webhook.account_id in theirs and webhook.client_id == grant.client.client_id:
                del self.bank.webhooks[webhook.id]

    def _application(self) -> web.Application:
        """Lay out the addresses: the API's own, then pages, then everything that is not found."""
        application = web.Application(client_max_size=2**26)
        resources: dict[str, web.Resource] = {}
        for endpoint in ENDPOINTS:
            resource = resources.get(endpoint.path)
            if resource is None:
                resource = application.router.add_resource(endpoint.path)
                resources[endpoint.path] = resource
            resource.add_route(endpoint.method, self._handler(endpoint))
        for path, resource in resources.items():
            if not any(known.path == path and known.method == "*" for known in ENDPOINTS):
                resource.add_route("*", self._handler(_WRONG_METHOD))
        AuthorisePage(self.bank, self.sign_ins).add_to(application)
        ControlPage(
            self.bank, self.sign_ins, self._faults, self.requests, self._webhook_sender
        ).add_to(application)
        application.router.add_route("*", "/upload/{name:.+}", self._store)
        application.router.add_route("*", "/{path:.*}", self._handler(_NOT_FOUND))
        return application

    async def _store(self, request: web.Request) -> web.StreamResponse:
        """Stand in for the store that attachments are put into, which may fail like the bank."""
        fault = self._faults.match(request.method, request.path)
        if fault is None:
            return await self._file(request)
        return await fault.answer(Exchange(request, partial(self._file, request), self._stopping))

    async def _file(self, request: web.Request) -> web.Response:
        """Take a file or return it: documented is POST, assumed PUT."""
        name = request.match_info["name"]
        if request.method in {"POST", "PUT"}:
            self.files[name] = await request.read()
            return web.Response()
        if name not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[name])

    def _handler(
        self, endpoint: Endpoint
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, endpoint)

        return answer

    async def _serve(self, request: web.Request, endpoint: Endpoint) -> web.StreamResponse:
        """Log a request, then let it meet a fault or have it answered."""
        body = await request.read()
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        call = LoggedRequest(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            form=form if request.content_type == _FORM else {},
            body=body,
            at=self.bank.clock(),
        )
        self.requests.append(call)
        if self.latency:
            await asyncio.sleep(self.latency)

        async def work() -> web.Response:
            return self._answer(request, endpoint, call)

        fault = self._faults.match(call.method, call.path)
        if fault is None:
            response: web.StreamResponse = await work()
        else:
            response = await fault.answer(Exchange(request, work, self._stopping))
        if request.transport is not None and not request.transport.is_closing():
            call.status = response.status
        return response

    def _answer(
        self, request: web.Request, endpoint: Endpoint, call: LoggedRequest
    ) -> web.Response:
        try:
            self._enforce_rate_limit()
            answer = endpoint.handler(self._api, self._api_request(request, endpoint, call))
        except BankError as err:
            return self._error_response(err)
        if answer is None:
            return web.Response(content_type="application/json")
        return web.json_response(answer)

    def _api_request(
        self, request: web.Request, endpoint: Endpoint, call: LoggedRequest
    ) -> ApiRequest:
        grant = None
        if endpoint.needs != "nothing":
            grant = self.sign_ins.authenticate(request.headers.get("Authorization", ""))
            if endpoint.needs == "approval" and grant.approval != "approved":
                raise forbidden(grant)
        return ApiRequest(
            path={**request.match_info, "path": request.path},
            query=call.query,
            form=call.form,
            body=call.body,
            signed_in=grant,
        )

    def _enforce_rate_limit(self) -> None:
        limit = self.behaviour.rate_limit
        if limit is None:
            return
        now = self.bank.clock()
        while self._recent_requests and now - self._recent_requests[0] >= limit.window:
            self._recent_requests.popleft()
        if len(self._recent_requests) >= limit.requests:
            raise BankError("rate_limited", "Too many requests")
        self._recent_requests.append(now)

    def _error_response(self, error: BankError) -> web.Response:
        """Return an error as the bank words it."""
        code = self.behaviour.refusals.get(error.code, error.code)
        status = status_of(code)
        headers = {"Terror": "1"}
        if status == web.HTTPTooManyRequests.status_code:
            headers |= self._retry_after()
        if self.behaviour.errors_as_html and status in _PROXY_STATUSES:
            return web.Response(
                status=status, body=PROXY_PAGE, content_type="text/html", headers=headers
            )
        return web.json_response(_error_json(code, error), status=status, headers=headers)

    def _retry_after(self) -> Mapping[str, str]:
        """Return when the oldest counted request no longer counts, in the form that is set."""
        limit = self.behaviour.rate_limit
        if limit is None or limit.retry_after is None:
            return {}
        free_at = self._recent_requests[0] + limit.window
        if limit.retry_after == "date":
            return {"Retry-After": format_datetime(free_at, usegmt=True)}
        return {"Retry-After": str(math.ceil((free_at - self.bank.clock()).total_seconds()))}


_PROXY_STATUSES = frozenset({429, 500, 502, 503, 504})


def _error_json(code: str, error: BankError) -> JsonObject:
    """Return an error's body with the keys that its kind was recorded with."""
    data: JsonObject = {"code": code, "message": error.message}
    if code.startswith("unauthorized.bad_access_token"):
        data |= {"error": "invalid_token", "error_description": error.message}
    if error.params:
        data["params"] = error.params
    if code.startswith("bad_request.missing_param"):
        data["retryable"] = {}
    if code == "rate_limited":
        data["retryable"] = {"value": True}
    if code == "not_found":
        data |= {"retryable": {}, "marshal_count": 1, "unexpected": {}}
    return data


def _not_found(_api: Api, ask: ApiRequest) -> JsonObject:
    raise BankError("not_found", f"{ask.path['path']} not found")


def _wrong_method(_api: Api, _ask: ApiRequest) -> JsonObject:
    raise BankError("method_not_allowed", "Method not allowed")


_NOT_FOUND = Endpoint("*", "", _not_found, "nothing")
_WRONG_METHOD = Endpoint("*", "", _wrong_method, "nothing")


async def _run(host: str, port: int, latency: float) -> None:
    bank = Bank()
    build_household(bank)
    async with BankServer(bank, host=host, port=port, latency=latency) as server:
        print(f"The sandbox bank is open: {server.url}/control")
        await asyncio.Event().wait()


def main() -> None:
    """Run the bank by itself, with a household to play with, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8077)
    parser.add_argument("--latency", type=float, default=0.0, help="real seconds per round trip")
    options = parser.parse_args()
    try:
        asyncio.run(_run(options.host, options.port, options.latency))
    except KeyboardInterrupt:
        print("The sandbox bank is closed.")


if __name__ == "__main__":
    main()
