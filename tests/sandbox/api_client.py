"""A program of somebody's that talks to the bank, and the clock that both go by."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from aiohttp import ClientSession

from sandbox.models import Person
from sandbox.server import BankServer


class ManualClock:
    """A clock that only goes when it is told to; it begins on a winter's noon in London."""

    def __init__(self) -> None:
        """Begin."""
        self.now = datetime(2026, 1, 14, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Reply:
    """What the bank answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The JSON."""
        return json.loads(self.body)

    @property
    def refused(self) -> tuple[int, str]:
        """The status and the code of an error."""
        assert self.headers["Terror"] == "1"
        return self.status, self.data["code"]


class ApiClient:
    """Asks the bank with one person's token."""

    def __init__(
        self, session: ClientSession, server: BankServer, token: Mapping[str, Any]
    ) -> None:
        """Be signed in."""
        self.session = session
        self.server = server
        self.token = token

    async def request(self, method: str, path: str, **options: Any) -> Reply:
        """Send one request and take the whole answer."""
        headers = {"Authorization": f"Bearer {self.token['access_token']}"}
        async with self.session.request(
            method, self.server.url + path, headers=headers, **options
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, **query: str | int) -> Reply:
        """Read something."""
        return await self.request("GET", path, params=query)

    async def post(self, path: str, **form: str | int) -> Reply:
        """Make something."""
        return await self.request("POST", path, data=form)

    async def deposit(self, pot_id: str, account_id: str, amount: object, dedupe_id: str) -> Reply:
        """Move money into a pot."""
        form = {"source_account_id": account_id, "amount": str(amount), "dedupe_id": dedupe_id}
        return await self.request("PUT", f"/pots/{pot_id}/deposit", data=form)

    async def withdraw(self, pot_id: str, account_id: str, amount: object, dedupe_id: str) -> Reply:
        """Move money out of a pot."""
        form = {"destination_account_id": account_id, "amount": str(amount), "dedupe_id": dedupe_id}
        return await self.request("PUT", f"/pots/{pot_id}/withdraw", data=form)

    async def refresh(self) -> Reply:
        """Exchange the refresh token."""
        return await exchange(
            self.session,
            self.server,
            grant_type="refresh_token",
            refresh_token=self.token["refresh_token"],
        )


async def exchange(session: ClientSession, server: BankServer, **form: str) -> Reply:
    """Ask the token URL as the client that the bank knows from the beginning."""
    client = server.sign_ins.clients[next(iter(server.sign_ins.clients))]
    form = {"client_id": client.client_id, "client_secret": client.secret, **form}
    async with session.post(f"{server.url}/oauth2/token", data=form) as response:
        return Reply(response.status, response.headers, await response.read())


def sign_in(session: ClientSession, server: BankServer, person: Person) -> ApiClient:
    """Return a program that a person has signed in with and approved."""
    return ApiClient(session, server, server.sign_in(person))


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens soon, of which nobody tells."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)
