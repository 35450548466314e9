"""Webhook deliveries over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
import pytest
from yarl import URL

from sandbox.bank import Bank
from sandbox.models import Account, Pot
from sandbox.serializers import transaction_json
from sandbox.server import BankServer

from .api_client import ApiClient
from .waiting import wait_until


@dataclass
class Receiver:
    """A server that receives webhook deliveries."""

    url: str = ""
    received: list[Any] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """HTTP status of the next responses; afterwards 200."""

    async def receive(self, request: web.Request) -> web.Response:
        """Receive a delivery."""
        self.received.append(await request.json())
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def amounts(self) -> list[int]:
        """The amounts of the received transactions, in the order of their arrival."""
        return [each["data"]["amount"] for each in self.received]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Return a running receiver."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@pytest.fixture(autouse=True)
async def _registered(client: ApiClient, current: Account, receiver: Receiver) -> None:
    response = await client.post("/webhooks", account_id=current.id, url=receiver.url)
    assert response.data["webhook"]["url"] == receiver.url


async def test_a_new_transaction_is_delivered_in_full(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    transaction = bank.pay(current.id, -350)
    await server.delivered()
    data = transaction_json(transaction, expand_merchant=True)
    assert receiver.received == [{"type": "transaction.created", "data": data}]


async def test_declined_payments_and_pot_transfers_are_delivered_but_settlements_are_not(
    server: BankServer, bank: Bank, current: Account, pot: Pot, receiver: Receiver
) -> None:
    transaction = bank.pay(current.id, -100)
    bank.decline(current.id, -200)
    bank.deposit(pot.id, current.id, 300, "in")
    bank.settle(transaction.id, -150)
    await server.delivered()
    assert sorted(receiver.amounts) == [-300, -200, -100]


async def test_transactions_of_other_accounts_are_not_delivered(
    server: BankServer, bank: Bank, receiver: Receiver
) -> None:
    other = bank.open_account(bank.add_person("Ben"))
    bank.pay(other.id, -100)
    await server.delivered()
    assert receiver.received == []


async def test_a_url_registered_twice_is_called_twice(
    server: BankServer, bank: Bank, client: ApiClient, current: Account, receiver: Receiver
) -> None:
    again = await client.post("/webhooks", account_id=current.id, url=receiver.url)
    bank.pay(current.id, -100)
    await server.delivered()
    assert receiver.amounts == [-100, -100]
    webhook_id = again.data["webhook"]["id"]
    assert (await client.request("DELETE", f"/webhooks/{webhook_id}")).data == {}
    listed = await client.get("/webhooks", account_id=current.id)
    assert [each["url"] for each in listed.data["webhooks"]] == [receiver.url]
    response = await client.request("DELETE", f"/webhooks/{webhook_id}")
    assert response.error == (404, "not_found.webhook_not_found")


async def test_a_client_sees_only_its_own_webhooks(
    server: BankServer, client: ApiClient, current: Account, receiver: Receiver
) -> None:
    server.register_client("other", "secret")
    other = ApiClient(client.session, server, server.sign_in(current.owners[0], client_id="other"))
    assert (await other.get("/webhooks", account_id=current.id)).data == {"webhooks": []}


async def test_a_delivery_is_attempted_at_most_five_times(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    receiver.statuses = [500] * 10
    bank.pay(current.id, -100)
    await server.delivered()
    assert len(receiver.received) == 5
    assert [(each.attempt, each.status) for each in server.deliveries] == [
        (attempt, 500) for attempt in range(1, 6)
    ]


async def test_a_delivery_is_repeated_until_it_succeeds(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    receiver.statuses = [503, 404]
    bank.pay(current.id, -100)
    await server.delivered()
    assert [each.status for each in server.deliveries] == [503, 404, 200]


async def test_an_unreachable_or_invalid_url_gives_no_status(
    server: BankServer, bank: Bank, client: ApiClient, current: Account
) -> None:
    for url in ("http://127.0.0.1:9/hook", "not an address"):
        bank.webhooks.clear()
        await client.post("/webhooks", account_id=current.id, url=url)
        bank.pay(current.id, -100)
        await server.delivered()
    assert {each.status for each in server.deliveries} == {None}


async def test_webhook_hosts_can_have_another_real_address(
    server: BankServer, bank: Bank, client: ApiClient, current: Account, receiver: Receiver
) -> None:
    bank.webhooks.clear()
    origin = str(URL(receiver.url).origin())
    server.behaviour = replace(server.behaviour, webhook_hosts={"ha.example.test": origin})
    url = "https://ha.example.test/hook"
    await client.post("/webhooks", account_id=current.id, url=url)
    bank.pay(current.id, -100)
    await server.delivered()
    assert receiver.amounts == [-100]


async def test_deliveries_can_be_duplicated(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    server.behaviour = replace(server.behaviour, webhook_copies=2)
    bank.pay(current.id, -100)
    await server.delivered()
    assert receiver.amounts == [-100, -100]


async def test_deliveries_can_be_swapped(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    server.behaviour = replace(server.behaviour, webhook_order="swapped")
    for amount in (-1, -2, -3):
        bank.pay(current.id, amount)
    await server.delivered()
    assert receiver.amounts == [-2, -1, -3]


async def test_deliveries_can_be_lost(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    server.behaviour = replace(server.behaviour, webhook_lost=2)
    for amount in (-1, -2, -3):
        bank.pay(current.id, amount)
    await server.delivered()
    assert sorted(receiver.amounts) == [-3, -1]
    assert [each.attempt for each in server.deliveries].count(0) == 1


async def test_deliveries_can_have_only_the_documented_keys(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    server.behaviour = replace(server.behaviour, webhook_body="documented")
    bank.pay(current.id, -100)
    await server.delivered()
    assert "metadata" not in receiver.received[0]["data"]


async def test_stopping_cancels_pending_retries(
    server: BankServer, bank: Bank, current: Account, receiver: Receiver
) -> None:
    server.behaviour = replace(server.behaviour, webhook_retry_delays=(3_600,))
    receiver.statuses = [500]
    bank.pay(current.id, -100)
    await wait_until(lambda: receiver.received)
    await server.stop()
    bank.pay(current.id, -100)
    assert len(receiver.received) == 1
