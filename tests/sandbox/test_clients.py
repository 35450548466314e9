"""Third-party clients, written for Monzo, work with the sandbox."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
import socket
from threading import Thread
from typing import Any, override
import webbrowser

from aiohttp import ClientSession
import httpx
from monzopy.monzopy import (
    AbstractMonzoApi,
    AuthorisationExpiredError,
    InvalidMonzoAPIResponseError,
    UserAccount,
)
from pydantic import HttpUrl
from pymonzo.client import MonzoAPI
from pymonzo.exceptions import MonzoAccessDenied, MonzoAPIError
from pymonzo.feed.schemas import MonzoBasicFeedItem
from pymonzo.transactions.schemas import MonzoTransactionMerchant
import pytest

from sandbox.bank import Bank
from sandbox.household import Household, build_household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer

from .waiting import LIMIT_SECONDS

HOOK = "http://127.0.0.1:9/hook"


@pytest.fixture
def bank() -> Bank:
    """Return a bank with the real clock, which the clients use."""
    return Bank()


@pytest.fixture
def household(bank: Bank) -> Household:
    """Return a household with accounts of every type."""
    return build_household(bank)


# pymonzo blocks while it waits for responses, so it runs in a thread


type InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


@pytest.fixture
def in_thread() -> InThread:
    """Return a function that runs a blocking function in a thread, while the bank's loop runs."""

    async def run(function: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def work() -> None:
            try:
                result = function()
            except BaseException as err:  # noqa: BLE001 - the test raises it again
                loop.call_soon_threadsafe(done.set_exception, err)
            else:
                loop.call_soon_threadsafe(done.set_result, result)

        # A daemon thread, because a test that reaches the limit cannot end it.
        thread = Thread(target=work, daemon=True)
        thread.start()
        async with asyncio.timeout(LIMIT_SECONDS):
            result = await done
        thread.join()
        return result

    return run


@pytest.fixture
def redirected(server: BankServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make pymonzo use the sandbox."""
    monkeypatch.setattr(MonzoAPI, "api_url", server.url)
    monkeypatch.setattr(MonzoAPI, "authorization_endpoint", f"{server.url}/")
    monkeypatch.setattr(MonzoAPI, "token_endpoint", f"{server.url}/oauth2/token")
    monkeypatch.setattr(MonzoAPI, "settings_path", tmp_path / "pymonzo")


@pytest.fixture
def pymonzo(redirected: None, server: BankServer, household: Household) -> MonzoAPI:
    """Return a pymonzo client with Ann's token."""
    client = MonzoAPI(access_token=server.sign_in(household.ann)["access_token"])
    client.session.timeout = LIMIT_SECONDS
    return client


async def test_pymonzo_reads_accounts_and_pots(
    pymonzo: MonzoAPI, in_thread: InThread, household: Household
) -> None:
    def use_client() -> None:
        assert pymonzo.whoami().user_id == household.ann.user_id
        accounts = pymonzo.accounts.list()
        assert [account.id for account in accounts if account.closed] == [
            household.prepaid.id,
            household.backing_loan.id,
        ]
        for account in accounts:
            if not account.closed:
                pymonzo.balance.get(account.id)
                pymonzo.pots.list(account.id)
        balance = pymonzo.balance.get(household.current.id)
        pots = pymonzo.pots.list(household.current.id)
        assert balance.total_balance == balance.balance + sum(pot.balance for pot in pots)
        with pytest.raises(MonzoAccessDenied):
            pymonzo.balance.get(household.backing_loan.id)

    await in_thread(use_client)


async def test_pymonzo_moves_money(
    pymonzo: MonzoAPI, in_thread: InThread, household: Household
) -> None:
    before = household.holiday.balance

    def use_client() -> None:
        pot, account = household.holiday.id, household.current.id
        for _ in range(2):
            into = pymonzo.pots.deposit(500, pot, account_id=account, dedupe_id="in")
            assert into.balance == before + 500
        out = pymonzo.pots.withdraw(200, pot, account_id=account, dedupe_id="out")
        assert out.balance == before + 300
        with pytest.raises(MonzoAPIError, match="insufficient_funds"):
            pymonzo.pots.deposit(10**9, pot, account_id=account, dedupe_id="too much")

    await in_thread(use_client)
    assert household.holiday.balance == before + 300


async def test_pymonzo_reads_and_annotates_transactions(
    pymonzo: MonzoAPI, in_thread: InThread, household: Household
) -> None:
    def use_client() -> None:
        account = household.current.id
        transactions = pymonzo.transactions.list(
            account,
            expand_merchant=True,
            since=datetime.now(UTC) - timedelta(days=80),
            before=datetime.now(UTC) + timedelta(minutes=1),
            limit=100,
        )
        assert len(transactions) == 100
        assert any(
            isinstance(transaction.merchant, MonzoTransactionMerchant)
            for transaction in transactions
        )
        assert any(transaction.counterparty is not None for transaction in transactions)
        one = pymonzo.transactions.get(transactions[0].id, expand_merchant=True)
        assert one == transactions[0]
        noted = pymonzo.transactions.annotate(one.id, {"notes": "seen"})
        assert noted.notes == "seen"
        with pytest.raises(MonzoAPIError, match="transaction_not_found"):
            pymonzo.transactions.get("tx_0")

    await in_thread(use_client)


async def test_pymonzo_uses_feed_attachments_and_webhooks(
    pymonzo: MonzoAPI, in_thread: InThread, household: Household
) -> None:
    transaction = household.bank.pay(household.current.id, -350)

    def use_client() -> None:
        item = MonzoBasicFeedItem(
            title="Hello", image_url=HttpUrl("https://x.test/x.png"), body="There"
        )
        assert pymonzo.feed.create(item, household.current.id) == {}
        upload = pymonzo.attachments.upload(
            file_name="a.png", file_type="image/png", content_length=4
        )
        assert httpx.post(upload.upload_url, content=b"PNG", timeout=LIMIT_SECONDS).is_success
        attachment = pymonzo.attachments.register(
            transaction.id, file_url=upload.file_url, file_type="image/png"
        )
        assert attachment.external_id == transaction.id
        assert pymonzo.attachments.deregister(attachment.id) == {}
        webhook = pymonzo.webhooks.register(HOOK, household.current.id)
        assert pymonzo.webhooks.list(household.current.id) == [webhook]
        assert pymonzo.webhooks.delete(webhook.id) == {}

    await in_thread(use_client)
    assert household.bank.feed[0].title == "Hello"


async def test_pymonzo_signs_in_and_refreshes(
    redirected: None,
    server: BankServer,
    household: Household,
    in_thread: InThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        redirect = f"http://127.0.0.1:{free.getsockname()[1]}/pymonzo"

    def allow(url: str) -> None:
        """Allow access, as Ann would in the browser."""
        query = dict(httpx.URL(url).params)
        assert "not Monzo" in httpx.get(url, timeout=LIMIT_SECONDS).text
        form = {**query, "person": household.ann.user_id, "decision": "allow"}
        redirected_to = httpx.post(
            f"{server.url}/authorise", data=form, timeout=LIMIT_SECONDS
        ).headers["Location"]
        # Retries, because pymonzo may open the browser before it listens for the redirect.
        httpx.Client(transport=httpx.HTTPTransport(retries=5)).get(
            redirected_to, timeout=LIMIT_SECONDS
        )

    browsers: list[Thread] = []

    def open_browser(url: str) -> bool:
        browsers.append(Thread(target=allow, args=(url,), daemon=True))
        browsers[0].start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)

    def sign_in() -> None:
        MonzoAPI.authorize(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, redirect_uri=redirect)
        with pytest.raises(MonzoAccessDenied):
            MonzoAPI().accounts.list()

    def use() -> None:
        first = MonzoAPI()
        first.accounts.list()
        first.session.token["expires_at"] = 1
        assert first.whoami().authenticated
        again = MonzoAPI()
        again.accounts.list()

    await in_thread(sign_in)
    browsers[0].join(LIMIT_SECONDS)
    server.approve(household.ann)
    await in_thread(use)
    assert [
        request.form["grant_type"] for request in server.requests_to("POST", "/oauth2/token")
    ] == [
        "authorization_code",
        "refresh_token",
    ]


# monzopy is the library of the integration built into Home Assistant


class Monzopy(AbstractMonzoApi):
    """A monzopy client with a token that uses the sandbox."""

    def __init__(self, session: ClientSession, server: BankServer, token: str) -> None:
        """Initialize the client with a token."""
        super().__init__(session)
        self._url = server.url
        self._token = token

    @override
    async def async_get_access_token(self) -> str:
        return self._token

    @override
    async def _request(
        self, method: str, endpoint: str, *, base_url: str = "", **kwargs: Any
    ) -> dict[str, Any]:
        return await super()._request(method, endpoint, base_url=self._url, **kwargs)


@pytest.fixture
def monzopy(session: ClientSession, server: BankServer, household: Household) -> UserAccount:
    """Return a monzopy client with Ann's token."""
    return Monzopy(session, server, server.sign_in(household.ann)["access_token"]).user_account


async def test_monzopy_reads_accounts_and_pots(monzopy: UserAccount, household: Household) -> None:
    accounts = {account["id"]: account for account in await monzopy.accounts()}
    assert household.prepaid.id not in accounts
    assert accounts[household.current.id]["name"] == "Current Account"
    assert accounts[household.current.id]["balance"]["balance"] == household.current.balance
    pots = {pot["id"]: pot for pot in await monzopy.pots()}
    assert pots.keys() == household.bank.pots.keys()
    assert pots[household.house.id]["current_account_id"] == household.joint.id


async def test_monzopy_moves_money(monzopy: UserAccount, household: Household) -> None:
    before = household.holiday.balance
    assert await monzopy.pot_deposit(household.current.id, household.holiday.id, 500)
    assert await monzopy.pot_withdraw(household.current.id, household.holiday.id, 200)
    assert household.holiday.balance == before + 300
    with pytest.raises(InvalidMonzoAPIResponseError):
        await monzopy.pot_withdraw(household.current.id, household.rainy_day.id, 1)


async def test_monzopy_annotates_and_writes_to_the_feed(
    monzopy: UserAccount, household: Household
) -> None:
    transaction = household.bank.pay(household.current.id, -350)
    assert (await monzopy.annotate_transaction(transaction.id, {"notes": "seen"}))[
        "notes"
    ] == "seen"
    await monzopy.create_feed_item(
        household.current.id, "Hello", "https://x.test/x.png", body="There", title_color="#FFFFFF"
    )
    assert household.bank.feed[0].colours == {"title_color": "#FFFFFF"}


async def test_monzopy_manages_webhooks(monzopy: UserAccount, household: Household) -> None:
    webhook = await monzopy.register_webhook(household.current.id, HOOK)
    assert await monzopy.list_account_webhooks(household.current.id) == [webhook]
    await monzopy.delete_webhook(webhook.id)
    await monzopy.register_webhooks(HOOK)
    assert len(await monzopy.list_webhooks("127.0.0.1")) == len(household.bank.webhooks) == 5
    await monzopy.unregister_webhooks()
    assert household.bank.webhooks == {}


async def test_monzopy_recognizes_expired_and_unapproved_tokens(
    monzopy: UserAccount, session: ClientSession, server: BankServer, household: Household
) -> None:
    server.expire_access_token(household.ann)
    with pytest.raises(AuthorisationExpiredError):
        await monzopy.pots()
    token = server.sign_in(household.ann, approved=False)["access_token"]
    with pytest.raises(AuthorisationExpiredError):
        await Monzopy(session, server, token).user_account.accounts()
