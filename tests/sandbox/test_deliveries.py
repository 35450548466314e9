"""Webhooks, over HTTP: point 13 of what the bank is known to do."""

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

from .api_client import ApiClient, until


@dataclass
class Listener:
    """Somebody's webhook."""

    url: str = ""
    heard: list[Any] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """The statuses of the next answers; then 200."""

    async def answer(self, request: web.Request) -> web.Response:
        """Take a delivery."""
        self.heard.append(await request.json())
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def amounts(self) -> list[int]:
        """What the deliveries were about, in the order that they came."""
        return [each["data"]["amount"] for each in self.heard]


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Return a webhook that listens."""
    listener = Listener()
    application = web.Application()
    application.router.add_post("/hook", listener.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield listener
    await runner.cleanup()


@pytest.fixture(autouse=True)
async def _registered(client: ApiClient, current: Account, listener: Listener) -> None:
    reply = await client.post("/webhooks", account_id=current.id, url=listener.url)
    assert reply.data["webhook"]["url"] == listener.url


async def test_a_new_transaction_is_delivered_in_full(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    transaction = bank.pay(current.id, -350)
    await server.delivered()
    data = transaction_json(transaction, expand_merchant=True)
    assert listener.heard == [{"type": "transaction.created", "data": data}]


async def test_declined_ones_and_pot_moves_are_delivered_and_settling_is_not(
    server: BankServer, bank: Bank, current: Account, pot: Pot, listener: Listener
) -> None:
    transaction = bank.pay(current.id, -100)
    bank.decline(current.id, -200)
    bank.deposit(pot.id, current.id, 300, "in")
    bank.settle(transaction.id, -150)
    await server.delivered()
    assert sorted(listener.amounts) == [-300, -200, -100]


async def test_other_accounts_are_not_delivered(
    server: BankServer, bank: Bank, listener: Listener
) -> None:
    other = bank.open_account(bank.add_person("Ben"))
    bank.pay(other.id, -100)
    await server.delivered()
    assert listener.heard == []


async def test_the_same_address_twice_is_called_twice(
    server: BankServer, bank: Bank, client: ApiClient, current: Account, listener: Listener
) -> None:
    again = await client.post("/webhooks", account_id=current.id, url=listener.url)
    bank.pay(current.id, -100)
    await server.delivered()
    assert listener.amounts == [-100, -100]
    webhook_id = again.data["webhook"]["id"]
    assert (await client.request("DELETE", f"/webhooks/{webhook_id}")).data == {}
    listed = await client.get("/webhooks", account_id=current.id)
    assert [each["url"] for each in listed.data["webhooks"]] == [listener.url]
    reply = await client.request("DELETE", f"/webhooks/{webhook_id}")
    assert reply.refused == (404, "not_found.webhook_not_found")


async def test_a_program_sees_only_its_own_webhooks(
    server: BankServer, client: ApiClient, current: Account, listener: Listener
) -> None:
    server.register_client("other", "secret")
    other = ApiClient(client.session, server, server.sign_in(current.owners[0], client_id="other"))
    assert (await other.get("/webhooks", account_id=current.id)).data == {"webhooks": []}


async def test_a_failed_delivery_is_made_five_times_at_most(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    listener.answers = [500] * 10
    bank.pay(current.id, -100)
    await server.delivered()
    assert len(listener.heard) == 5
    assert [(each.attempt, each.status) for each in server.deliveries] == [
        (attempt, 500) for attempt in range(1, 6)
    ]


async def test_a_delivery_is_made_again_until_it_is_taken(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    listener.answers = [503, 404]
    bank.pay(current.id, -100)
    await server.delivered()
    assert [each.status for each in server.deliveries] == [503, 404, 200]


async def test_nobody_at_home_is_no_answer(
    server: BankServer, bank: Bank, client: ApiClient, current: Account
) -> None:
    for url in ("http://127.0.0.1:9/hook", "not an address"):
        bank.webhooks.clear()
        await client.post("/webhooks", account_id=current.id, url=url)
        bank.pay(current.id, -100)
        await server.delivered()
    assert {each.status for each in server.deliveries} == {None}


async def test_hosts_can_really_be_elsewhere(
    server: BankServer, bank: Bank, client: ApiClient, current: Account, listener: Listener
) -> None:
    bank.webhooks.clear()
    origin = str(URL(listener.url).origin())
    server.behaviour = replace(server.behaviour, webhook_hosts={"ha.example.test": origin})
    url = "https://ha.example.test/hook"
    await client.post("/webhooks", account_id=current.id, url=url)
    bank.pay(current.id, -100)
    await server.delivered()
    assert listener.amounts == [-100]


async def test_deliveries_can_be_doubled(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    server.behaviour = replace(server.behaviour, webhook_copies=2)
    bank.pay(current.id, -100)
    await server.delivered()
    assert listener.amounts == [-100, -100]


async def test_deliveries_can_change_places(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    server.behaviour = replace(server.behaviour, webhook_order="swapped")
    for amount in (-1, -2, -3):
        bank.pay(current.id, amount)
    await server.delivered()
    assert listener.amounts == [-2, -1, -3]


async def test_deliveries_can_be_lost(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    server.behaviour = replace(server.behaviour, webhook_lost=2)
    for amount in (-1, -2, -3):
        bank.pay(current.id, amount)
    await server.delivered()
    assert sorted(listener.amounts) == [-3, -1]
    assert [each.attempt for each in server.deliveries].count(0) == 1


async def test_deliveries_can_be_as_short_as_the_documentation(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    server.behaviour = replace(server.behaviour, webhook_body="documented")
    bank.pay(current.id, -100)
    await server.delivered()
    assert "metadata" not in listener.heard[0]["data"]


async def test_stopping_gives_up_what_is_on_its_way(
    server: BankServer, bank: Bank, current: Account, listener: Listener
) -> None:
    server.behaviour = replace(server.behaviour, webhook_retry_delays=(3_600,))
    listener.answers = [500]
    bank.pay(current.id, -100)
    await until(lambda: listener.heard)
    await server.stop()
    bank.pay(current.id, -100)
    assert len(listener.heard) == 1
