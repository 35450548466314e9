"""A client of the sandbox's API."""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any

from aiohttp import ClientSession

from sandbox.models import Person
from sandbox.server import BankServer


@dataclass(frozen=True)
class Response:
    """A response of the bank."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status and the code of an error."""
        assert self.headers["Terror"] == "1"
        return self.status, self.data["code"]


class ApiClient:
    """Sends requests with one person's access token."""

    def __init__(
        self, session: ClientSession, server: BankServer, token: Mapping[str, Any]
    ) -> None:
        """Initialize the client with a response of the token URL."""
        self.session = session
        self.server = server
        self.token = token

    async def request(self, method: str, path: str, **options: Any) -> Response:
        """Send a request, and return the response."""
        headers = {"Authorization": f"Bearer {self.token['access_token']}"}
        async with self.session.request(
            method, self.server.url + path, headers=headers, **options
        ) as response:
            return Response(response.status, response.headers, await response.read())

    async def get(self, path: str, **query: str | int) -> Response:
        """Send a GET request."""
        return await self.request("GET", path, params=query)

    async def post(self, path: str, **form: str | int) -> Response:
        """Send a POST request with a form."""
        return await self.request("POST", path, data=form)

    async def deposit(
        self, pot_id: str, account_id: str, amount: object, dedupe_id: str
    ) -> Response:
        """Move money into a pot."""
        form = {"source_account_id": account_id, "amount": str(amount), "dedupe_id": dedupe_id}
        return await self.request("PUT", f"/pots/{pot_id}/deposit", data=form)

    async def withdraw(
        self, pot_id: str, account_id: str, amount: object, dedupe_id: str
    ) -> Response:
        """Move money out of a pot."""
        form = {"destination_account_id": account_id, "amount": str(amount), "dedupe_id": dedupe_id}
        return await self.request("PUT", f"/pots/{pot_id}/withdraw", data=form)

    async def refresh(self) -> Response:
        """Exchange the refresh token, without using the new tokens."""
        return await exchange(
            self.session,
            self.server,
            grant_type="refresh_token",
            refresh_token=self.token["refresh_token"],
        )


async def exchange(session: ClientSession, server: BankServer, **form: str) -> Response:
    """Send a form to the token URL, with the credentials of the bank's default client."""
    oauth_client = next(iter(server.sign_ins.clients.values()))
    form = {
        "client_id": oauth_client.client_id,
        "client_secret": oauth_client.secret,
        **form,
    }
    async with session.post(f"{server.url}/oauth2/token", data=form) as response:
        return Response(response.status, response.headers, await response.read())


def sign_in(session: ClientSession, server: BankServer, person: Person) -> ApiClient:
    """Return a client with an approved sign-in of a person."""
    return ApiClient(session, server, server.sign_in(person))
