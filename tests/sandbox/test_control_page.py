import asyncio
from typing import Any

from aiohttp import ClientSession
import pytest

from sandbox.bank import Bank
from sandbox.models import Account, Person, Pot
from sandbox.server import BankServer

from .api_client import ApiClient


class Visitor:
    """Somebody with the control page open."""

    def __init__(self, session: ClientSession, server: BankServer) -> None:
        """Open it."""
        self.session = session
        self.server = server

    async def press(self, button: str, **wish: Any) -> Any:
        """Press a button and return what the page says about it."""
        async with self.session.post(f"{self.server.url}/control/{button}", json=wish) as response:
            return response.status, await response.json()

    async def look(self) -> Any:
        """Return what the page shows."""
        async with self.session.get(f"{self.server.url}/control/state") as response:
            return await response.json()


@pytest.fixture
def visitor(session: ClientSession, server: BankServer) -> Visitor:
    """Return a visitor."""
    return Visitor(session, server)


async def test_the_page_needs_nothing_from_elsewhere(
    session: ClientSession, server: BankServer
) -> None:
    async with session.get(f"{server.url}/control") as response:
        page = await response.text()
    assert response.content_type == "text/html"
    assert "Not Monzo" in page
    assert "http://" not in page
    assert "https://" not in page
    for button in ("pay", "receive", "decline", "refund", "open-pot", "mend"):
        assert f'id="{button}"' in page


async def test_money_is_moved(visitor: Visitor, current: Account) -> None:
    account = {"account_id": current.id}
    assert await visitor.press("pay", **account, amount=350) == (200, {"done": "Paid Deli."})
    await visitor.press("receive", **account, amount=1_000, sender="Gran")
    await visitor.press("refund", **account, amount=50, merchant="Bookworm")
    await visitor.press("decline", **account, amount=99)
    shown = (await visitor.look())["transactions"]
    assert [each["name"] for each in shown] == ["Deli", "Bookworm", "Gran", "Deli"]
    assert [each["amount"] for each in shown] == [-99, 50, 1_000, -350]
    assert shown[0]["declined"] == "INSUFFICIENT_FUNDS"
    assert current.balance == 10_700


async def test_paying_more_than_there_is_is_declined(visitor: Visitor, current: Account) -> None:
    _, said = await visitor.press("pay", account_id=current.id, amount=10_001)
    assert "declined" in said["done"]
    assert current.balance == 10_000


async def test_a_pending_payment_is_settled(visitor: Visitor, bank: Bank, current: Account) -> None:
    transaction = bank.pay(current.id, -100)
    assert (await visitor.look())["transactions"][0]["pending"]
    await visitor.press("settle", transaction_id=transaction.id, amount=120)
    assert (transaction.amount, transaction.settled is None) == (-120, False)
    status, said = await visitor.press("settle", transaction_id=transaction.id)
    assert (status, said) == (400, {"error": "Only a pending payment can be settled"})


async def test_pots_are_opened_and_closed(
    visitor: Visitor, bank: Bank, current: Account, pot: Pot
) -> None:
    await visitor.press("open-pot", account_id=current.id, name="Bike", goal=30_000)
    account = (await visitor.look())["accounts"][0]
    assert [(each["name"], each["goal"]) for each in account["pots"]] == [
        ("Holiday", None),
        ("Bike", 30_000),
    ]
    assert (account["balance"], account["total_balance"]) == (10_000, 12_000)
    await visitor.press("close-pot", pot_id=pot.id)
    assert [each["name"] for each in (await visitor.look())["accounts"][0]["pots"]] == ["Bike"]


async def test_a_sign_in_is_approved_turned_down_and_evicted(
    visitor: Visitor, server: BankServer, ann: Person
) -> None:
    server.sign_in(ann, approved=False)
    for button, approval in (
        ("deny", "denied"),
        ("approve", "approved"),
        ("evict", "pending"),
    ):
        status, _ = await visitor.press(button, user_id=ann.user_id)
        assert status == 200
        assert [each["approval"] for each in (await visitor.look())["sign_ins"]] == [approval]


@pytest.mark.parametrize(("how", "status"), [("bad_gateway", 502), ("rate_limit", 429)])
async def test_the_bank_is_broken_and_mended(
    visitor: Visitor, client: ApiClient, how: str, status: int
) -> None:
    await visitor.press("break", how=how)
    assert (await visitor.look())["broken"] == how
    assert [(await client.get("/accounts")).status for _ in range(2)] == [status] * 2
    await visitor.press("mend")
    assert (await visitor.look())["broken"] == ""
    assert (await client.get("/accounts")).status == 200


@pytest.mark.parametrize("how", ["silence", "slow"])
async def test_the_bank_stops_answering(
    visitor: Visitor, client: ApiClient, server: BankServer, how: str
) -> None:
    await visitor.press("break", how=how)
    with pytest.raises(TimeoutError):
        await _impatient(client)
    assert (await visitor.look())["requests"][0]["status"] == 0


async def _impatient(client: ApiClient) -> None:
    async with asyncio.timeout(0.05):
        await client.get("/accounts")


async def test_requests_and_deliveries_are_shown(
    visitor: Visitor, client: ApiClient, server: BankServer, bank: Bank, current: Account
) -> None:
    url = "http://127.0.0.1:9/hook"
    await client.post("/webhooks", account_id=current.id, url=url)
    bank.pay(current.id, -1)
    await server.delivered()
    shown = await visitor.look()
    assert shown["requests"][0]["path"] == "/webhooks"
    assert shown["webhooks"] == [{"account": "Current account · Ann", "url": url}]
    assert shown["deliveries"][0] == {
        "at": shown["deliveries"][0]["at"],
        "url": url,
        "attempt": 5,
        "status": None,
    }


@pytest.mark.parametrize(
    ("button", "wish", "problem"),
    [
        ("pay", {"account_id": "acc_0", "amount": 1}, "Account not found"),
        ("pay", {"account_id": "CURRENT", "amount": -1}, "amount must be"),
        ("pay", {"account_id": "CURRENT", "amount": 1.5}, "amount must be"),
        ("pay", {"account_id": "CURRENT", "amount": True}, "amount must be"),
        ("pay", {"account_id": "CURRENT"}, "An amount greater than zero"),
        ("pay", {"account_id": ["x"], "amount": 1}, "account_id must be text"),
        ("approve", {"user_id": "user_0"}, "no such person"),
        ("break", {"how": "badly"}, "how must be one of"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_answered(
    visitor: Visitor, current: Account, button: str, wish: dict[str, Any], problem: str
) -> None:
    wish = {name: current.id if value == "CURRENT" else value for name, value in wish.items()}
    status, said = await visitor.press(button, **wish)
    assert status == 400
    assert problem in said["error"]
    assert current.balance == 10_000


async def test_only_its_own_page_presses_buttons(
    visitor: Visitor, session: ClientSession, server: BankServer
) -> None:
    async with session.post(f"{server.url}/control/mend", data={}) as response:
        assert response.status == 415
    async with session.post(f"{server.url}/control/mend", json=[]) as response:
        assert response.status == 400
    assert (await visitor.press("explode"))[0] == 404
