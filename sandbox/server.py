"""HTTP server of the bank: Monzo's API, the authorise page, the control page, faults on demand."""

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
from .deliveries import Delivery, Sleep, WebhookSender
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
from .shutdown import run_until_stopped

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

# Keep idle connections until the client closes them. With aiohttp's default, a test that turns the
# clock forward would end them and break its next request.
_KEEP_ALIVE_SECONDS = 365 * 24 * 60 * 60.0


class BankServer:
    """Serves a bank on the loopback interface; an async context manager.

    It runs in the event loop that starts it. Change the bank only from there.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each option
        self,
        bank: Bank,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: ServerBehaviour = DEFAULT_SERVER_BEHAVIOUR,
        latency: float = 0.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Initialize the server; port 0 takes a free port.

        `latency` is the round trip time in real seconds: it delays responses, and half of it delays
        webhook deliveries, which travel one way. `sleep` does this waiting, and the waiting before
        a repeated delivery.
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
        self._sleep = sleep
        self._webhook_sender = WebhookSender(
            bank, lambda: self.behaviour, transit_seconds=latency / 2, sleep=sleep
        )
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
        """Open the port, and start to deliver webhooks."""
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
        """Close all connections, also those that wait for a response, and the port."""
        self._stopping.set()
        await self._webhook_sender.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """Base URL of the API; its root is the authorise page."""
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
        """Register an OAuth client; without redirect URIs, all are allowed."""
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
        """Sign a person in without the authorise page; return the token URL's response."""
        return self.sign_ins.sign_in(person, client_id, approved=approved)

    def issue_code(
        self, person: Person, redirect_uri: str, *, client_id: str = DEFAULT_CLIENT_ID
    ) -> str:
        """Return the code that the authorise page would send to the redirect URI."""
        return self.sign_ins.issue_code(client_id, person, redirect_uri)

    def approve(self, person: Person) -> None:
        """Approve all sign-ins of a person in the app."""
        self.sign_ins.approve(person)

    def deny(self, person: Person) -> None:
        """Deny all pending sign-ins of a person in the app."""
        self.sign_ins.deny(person)

    def evict(self, person: Person) -> None:
        """Replace a person's sign-ins by new ones of the same clients."""
        self.sign_ins.evict(person)

    def expire_access_token(self, person: Person) -> None:
        """Expire a person's access tokens now; the refresh tokens stay valid."""
        self.sign_ins.expire(person)

    # Faults and received requests
    def fail(
        self, method: str, path: str, fault: Fault, *, times: int | None = 1, after: int = 0
    ) -> FaultHandle:
        """Put a fault in force for requests with a method (or `*`) and a path such as `/pots/*`.

        It affects `times` requests (None: until it is cleared) once `after` requests have passed.
        A request meets only the first fault that matches it.
        """
        return self._faults.add(FaultHandle(method, path, fault, times, after))

    def clear_faults(self) -> None:
        """End all faults."""
        self._faults.clear()

    def requests_to(self, method: str = "*", path: str = "*") -> list[LoggedRequest]:
        """Return the requests received so far with a method and a path, which may be patterns."""
        return [
            call
            for call in self.requests
            if method in {"*", call.method} and fnmatchcase(call.path, path)
        ]

    @property
    def deliveries(self) -> list[Delivery]:
        """All attempts so far to deliver a webhook."""
        return self._webhook_sender.attempts

    async def delivered(self) -> None:
        """Wait until no webhook delivery is under way."""
        await self._webhook_sender.wait_until_idle()

    # Internals
    def _upload_url(self, name: str) -> str:
        return f"{self.url}/upload/{name}"

    def _on_sign_in_end(self, grant: Grant) -> None:
        """Remove the webhooks of an ended sign-in, if the bank's behaviour says so."""
        if not self.behaviour.webhooks_end_with_sign_in:
            return
        theirs = {account.id for account in self.bank.accounts_of(grant.person)}
        for webhook in list(self.bank.webhooks.values()):
            if webhook.account_id in theirs and webhook.client_id == grant.client.client_id:
                del self.bank.webhooks[webhook.id]

    def _application(self) -> web.Application:
        """Return the application: the API's endpoints, the pages, and a handler for other paths."""
        application = web.Application(client_max_size=2**26)
        application.on_response_prepare.append(self._add_date)
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

    async def _add_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Date a response by the bank's clock, which may differ from that of this machine."""
        response.headers["Date"] = format_datetime(self.bank.clock(), usegmt=True)

    async def _store(self, request: web.Request) -> web.StreamResponse:
        """Handle a request to the file store of attachments, which can have faults as well."""
        fault = self._faults.match(request.method, request.path)
        if fault is None:
            return await self._file(request)
        return await fault.answer(Exchange(request, partial(self._file, request), self._stopping))

    async def _file(self, request: web.Request) -> web.Response:
        """Store or return a file. Uploads with POST are documented; PUT is assumed."""
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
        async def respond(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, endpoint)

        return respond

    async def _serve(self, request: web.Request, endpoint: Endpoint) -> web.StreamResponse:
        """Log a request, and respond to it with a fault or with the bank's response."""
        body = await request.read()
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        logged = LoggedRequest(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            form=form if request.content_type == _FORM else {},
            body=body,
            at=self.bank.clock(),
        )
        self.requests.append(logged)
        if self.latency:
            await self._sleep(self.latency)

        async def work() -> web.Response:
            return self._execute(request, endpoint, logged)

        fault = self._faults.match(logged.method, logged.path)
        if fault is None:
            response: web.StreamResponse = await work()
        else:
            response = await fault.answer(Exchange(request, work, self._stopping))
        if request.transport is not None and not request.transport.is_closing():
            logged.status = response.status
        return response

    def _execute(
        self, request: web.Request, endpoint: Endpoint, logged: LoggedRequest
    ) -> web.Response:
        try:
            self._enforce_rate_limit()
            response = endpoint.handler(self._api, self._api_request(request, endpoint, logged))
        except BankError as err:
            return self._error_response(err)
        if response is None:
            return web.Response(content_type="application/json")
        return web.json_response(response)

    def _api_request(
        self, request: web.Request, endpoint: Endpoint, logged: LoggedRequest
    ) -> ApiRequest:
        grant = None
        if endpoint.requires != "nothing":
            grant = self.sign_ins.authenticate(request.headers.get("Authorization", ""))
            if endpoint.requires == "approval" and grant.approval != "approved":
                raise forbidden(grant)
        return ApiRequest(
            path={**request.match_info, "path": request.path},
            query=logged.query,
            form=logged.form,
            body=logged.body,
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
        """Return the response for an error."""
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
        """Return the Retry-After header: the time at which the next request is allowed."""
        limit = self.behaviour.rate_limit
        if limit is None or limit.retry_after is None:
            return {}
        free_at = self._recent_requests[0] + limit.window
        if limit.retry_after == "date":
            return {"Retry-After": format_datetime(free_at, usegmt=True)}
        return {"Retry-After": str(math.ceil((free_at - self.bank.clock()).total_seconds()))}


_PROXY_STATUSES = frozenset({429, 500, 502, 503, 504})


def _error_json(code: str, error: BankError) -> JsonObject:
    """Return the body of an error, with the keys that were recorded for its kind."""
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


def _not_found(_api: Api, request: ApiRequest) -> JsonObject:
    raise BankError("not_found", f"{request.path['path']} not found")


def _wrong_method(_api: Api, _request: ApiRequest) -> JsonObject:
    raise BankError("method_not_allowed", "Method not allowed")


_NOT_FOUND = Endpoint("*", "", _not_found, "nothing")
_WRONG_METHOD = Endpoint("*", "", _wrong_method, "nothing")


async def _run(host: str, port: int, latency: float) -> None:
    bank = Bank()
    build_household(bank)
    async with BankServer(bank, host=host, port=port, latency=latency) as server:
        print(f"The sandbox bank is running. Control page: {server.url}/control", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Run the bank with Ann's and Ben's household, until a signal stops it."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8077)
    parser.add_argument(
        "--latency", type=float, default=0.0, help="round trip time in real seconds"
    )
    options = parser.parse_args()
    run_until_stopped(_run(options.host, options.port, options.latency))
    print("The sandbox bank has stopped.")


if __name__ == "__main__":
    main()
