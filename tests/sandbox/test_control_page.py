import asyncio
from typing import Any

from aiohttp import ClientSession
import pytest

from sandbox.bank import Bank
from sandbox.models import Account, Person, Pot
from sandbox.server import BankServer

from .api_client import ApiClient
from .waiting import wait_until


class Page:
    """The open control page."""

    def __init__(self, session: ClientSession, server: BankServer) -> None:
        """Initialize the page."""
        self.session = session
        self.server = server

    async def run(self, action: str, **data: Any) -> Any:
        """Run an action; return the HTTP status and the JSON of the response."""
        async with self.session.post(f"{self.server.url}/control/{action}", json=data) as response:
            return response.status, await response.json()

    async def state(self) -> Any:
        """Return the data that the page shows."""
        async with self.session.get(f"{self.server.url}/control/state") as response:
            return await response.json()


@pytest.fixture
def page(session: ClientSession, server: BankServer) -> Page:
    """Return the open control page."""
    return Page(session, server)


async def test_the_page_loads_nothing_from_other_hosts(
    session: ClientSession, server: BankServer
) -> None:
    async with session.get(f"{server.url}/control") as response:
        html = await response.text()
    assert response.content_type == "text/html"
    assert "Not Monzo" in html
    assert "http://" not in html
    assert "https://" not in html
    for button in ("pay", "receive", "decline", "refund", "open-pot", "end-fault"):
        assert f'id="{button}"' in html


async def test_money_can_be_moved(page: Page, current: Account) -> None:
    account = {"account_id": current.id}
    assert await page.run("pay", **account, amount=350) == (200, {"message": "Paid Deli."})
    await page.run("receive", **account, amount=1_000, sender="Gran")
    await page.run("refund", **account, amount=50, merchant="Bookworm")
    await page.run("decline", **account, amount=99)
    shown = (await page.state())["transactions"]
    assert [each["name"] for each in shown] == ["Deli", "Bookworm", "Gran", "Deli"]
    assert [each["amount"] for each in shown] == [-99, 50, 1_000, -350]
    assert shown[0]["declined"] == "INSUFFICIENT_FUNDS"
    assert current.balance == 10_700


async def test_a_payment_above_the_balance_is_declined(page: Page, current: Account) -> None:
    _, response = await page.run("pay", account_id=current.id, amount=10_001)
    assert "declined" in response["message"]
    assert current.balance == 10_000


async def test_a_pending_payment_can_be_settled(page: Page, bank: Bank, current: Account) -> None:
    transaction = bank.pay(current.id, -100)
    assert (await page.state())["transactions"][0]["pending"]
    await page.run("settle", transaction_id=transaction.id, amount=120)
    assert (transaction.amount, transaction.settled is None) == (-120, False)
    status, response = await page.run("settle", transaction_id=transaction.id)
    assert (status, response) == (400, {"error": "Only a pending payment can be settled"})


async def test_pots_can_be_opened_and_closed(
    page: Page, bank: Bank, current: Account, pot: Pot
) -> None:
    await page.run("open-pot", account_id=current.id, name="Bike", goal=30_000)
    account = (await page.state())["accounts"][0]
    assert [(each["name"], each["goal"]) for each in account["pots"]] == [
        ("Holiday", None),
        ("Bike", 30_000),
    ]
    assert (account["balance"], account["total_balance"]) == (10_000, 12_000)
    await page.run("close-pot", pot_id=pot.id)
    assert [each["name"] for each in (await page.state())["accounts"][0]["pots"]] == ["Bike"]


async def test_a_sign_in_can_be_denied_approved_and_evicted(
    page: Page, server: BankServer, ann: Person
) -> None:
    server.sign_in(ann, approved=False)
    for action, approval in (
        ("deny", "denied"),
        ("approve", "approved"),
        ("evict", "pending"),
    ):
        status, _ = await page.run(action, user_id=ann.user_id)
        assert status == 200
        assert [each["approval"] for each in (await page.state())["sign_ins"]] == [approval]


@pytest.mark.parametrize(("fault", "status"), [("bad_gateway", 502), ("rate_limit", 429)])
async def test_a_failure_can_be_started_and_ended(
    page: Page, client: ApiClient, fault: str, status: int
) -> None:
    await page.run("start-fault", fault=fault)
    assert (await page.state())["fault"] == fault
    assert [(await client.get("/accounts")).status for _ in range(2)] == [status] * 2
    await page.run("end-fault")
    assert (await page.state())["fault"] == ""
    assert (await client.get("/accounts")).status == 200


@pytest.mark.parametrize("fault", ["silence", "slow"])
async def test_a_failure_can_delay_or_suppress_responses(
    page: Page, client: ApiClient, server: BankServer, fault: str
) -> None:
    await page.run("start-fault", fault=fault)
    getting = asyncio.create_task(client.get("/accounts"))
    await wait_until(lambda: server.requests)
    assert (await page.state())["requests"][0]["status"] == 0
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting


async def test_requests_and_deliveries_are_shown(
    page: Page, client: ApiClient, server: BankServer, bank: Bank, current: Account
) -> None:
    url = "http://127.0.0.1:9/hook"
    await client.post("/webhooks", account_id=current.id, url=url)
    bank.pay(current.id, -1)
    await server.delivered()
    shown = await page.state()
    assert shown["requests"][0]["path"] == "/webhooks"
    assert shown["webhooks"] == [{"account": "Current account · Ann", "url": url}]
    assert shown["deliveries"][0] == {
        "at": shown["deliveries"][0]["at"],
        "url": url,
        "attempt": 5,
        "status": None,
    }


@pytest.mark.parametrize(
    ("action", "data", "problem"),
    [
        ("pay", {"account_id": "acc_0", "amount": 1}, "Account not found"),
        ("pay", {"account_id": "CURRENT", "amount": -1}, "amount must be"),
        ("pay", {"account_id": "CURRENT", "amount": 1.5}, "amount must be"),
        ("pay", {"account_id": "CURRENT", "amount": True}, "amount must be"),
        ("pay", {"account_id": "CURRENT"}, "An amount greater than zero"),
        ("pay", {"account_id": ["x"], "amount": 1}, "account_id must be text"),
        ("approve", {"user_id": "user_0"}, "Person not found"),
        ("start-fault", {"fault": "unknown"}, "fault must be one of"),
    ],
)
async def test_invalid_input_is_explained(
    page: Page, current: Account, action: str, data: dict[str, Any], problem: str
) -> None:
    data = {name: current.id if value == "CURRENT" else value for name, value in data.items()}
    status, response = await page.run(action, **data)
    assert status == 400
    assert problem in response["error"]
    assert current.balance == 10_000


async def test_only_json_objects_are_accepted(
    page: Page, session: ClientSession, server: BankServer
) -> None:
    async with session.post(f"{server.url}/control/end-fault", data={}) as response:
        assert response.status == 415
    async with session.post(f"{server.url}/control/end-fault", json=[]) as response:
        assert response.status == 400
    assert (await page.run("unknown"))[0] == 404
