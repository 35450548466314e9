"""Every endpoint, against the sandbox bank over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aiohttp import ClientSession
import pytest

from custom_components.monzo.api import (
    Money,
    MonzoAuthenticationError,
    MonzoClient,
    MonzoConnectionError,
    MonzoEvictedError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoRejectedError,
    MonzoResponseError,
    MonzoVerificationRequiredError,
    Receipt,
    ReceiptItem,
    Records,
)
from sandbox.bank import Bank
from sandbox.household import Household, build_household
from sandbox.server import Answer, BankServer, CommitThen, LoseResponse, Truncated

from .conftest import client_with_token

FIVE_POUNDS = Money(Decimal(5), "GBP")


class Clock:
    """A clock that stands still until a test turns it."""

    now = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the bank."""
    return Clock()


@pytest.fixture
def home(clock: Clock) -> Household:
    """Return a household with a history of two months."""
    return build_household(Bank(clock))


@pytest.fixture
async def server(home: Household) -> AsyncIterator[BankServer]:
    """Return the server of the household's bank."""
    async with BankServer(home.bank) as server:
        yield server


@pytest.fixture
def ann(session: ClientSession, server: BankServer, home: Household) -> MonzoClient:
    """Return Ann's client."""
    token = str(server.sign_in(home.ann)["access_token"])
    return client_with_token(session, token, base_url=server.url)


async def test_the_owner_of_the_token(ann: MonzoClient, home: Household) -> None:
    assert (await ann.who_am_i()).user_id == home.ann.user_id


async def test_signing_out(ann: MonzoClient) -> None:
    await ann.log_out()
    with pytest.raises(MonzoAuthenticationError):
        await ann.who_am_i()


async def test_accounts_of_every_kind(ann: MonzoClient, home: Household) -> None:
    accounts = await ann.accounts()
    assert accounts.skipped == 0
    assert {account.type: account.id for account in accounts} == {
        "uk_retail": home.current.id,
        "uk_retail_joint": home.joint.id,
        "uk_monzo_flex": home.flex.id,
        "uk_rewards": home.rewards.id,
        "uk_prepaid": home.prepaid.id,
        "uk_loan": home.loan.id,
        "uk_monzo_flex_backing_loan": home.backing_loan.id,
    }
    (joint,) = await ann.accounts("uk_retail_joint")
    assert [owner.name for owner in joint.owners] == ["Ann Archer", "Ben Baker"]


async def test_balances_and_pots_add_up(ann: MonzoClient, home: Household) -> None:
    balance = await ann.balance(home.current.id)
    pots = await ann.pots(home.current.id)
    assert pots.skipped == 0
    assert {pot.name for pot in pots} == {"Holiday", "Rainy day", "Coin jar", "Savings"}
    assert balance.total_balance == sum((pot.balance for pot in pots), balance.balance)


async def test_money_moves_into_a_pot_and_back(
    ann: MonzoClient, home: Household, clock: Clock
) -> None:
    pot = await ann.deposit_into_pot(
        home.holiday.id, account_id=home.current.id, amount=FIVE_POUNDS, dedupe_id="there"
    )
    assert pot.balance == Money(Decimal("645.00"), "GBP")
    pot = await ann.withdraw_from_pot(
        home.holiday.id, account_id=home.current.id, amount=FIVE_POUNDS, dedupe_id="back"
    )
    assert pot.balance == Money(Decimal("640.00"), "GBP")
    there, back = await ann.transactions(home.current.id, since=clock.now)
    assert (there.amount, back.amount) == (-FIVE_POUNDS, FIVE_POUNDS)
    assert (there.external_id, back.external_id) == ("there", "back")
    assert there.pot_id == back.pot_id == home.holiday.id


@pytest.mark.parametrize("fault", [LoseResponse(), CommitThen(500), CommitThen(504), Truncated()])
async def test_a_repeated_transfer_moves_the_money_once(
    ann: MonzoClient,
    server: BankServer,
    home: Household,
    fault: LoseResponse | CommitThen | Truncated,
) -> None:
    server.fail("PUT", "/pots/*", fault)
    with pytest.raises(MonzoConnectionError):
        await ann.deposit_into_pot(
            home.holiday.id, account_id=home.current.id, amount=FIVE_POUNDS, dedupe_id="once"
        )
    assert len(server.requests_to("PUT")) == 1
    pot = await ann.deposit_into_pot(
        home.holiday.id, account_id=home.current.id, amount=FIVE_POUNDS, dedupe_id="once"
    )
    assert pot.balance == Money(Decimal("645.00"), "GBP")


async def test_a_transfer_that_the_bank_refuses(ann: MonzoClient, home: Household) -> None:
    with pytest.raises(MonzoRejectedError) as caught:
        await ann.deposit_into_pot(
            home.holiday.id,
            account_id=home.current.id,
            amount=Money(Decimal(1_000_000), "GBP"),
            dedupe_id="too much",
        )
    assert caught.value.code == "bad_request.insufficient_funds"
    with pytest.raises(MonzoRejectedError):
        await ann.withdraw_from_pot(
            home.rainy_day.id, account_id=home.current.id, amount=FIVE_POUNDS, dedupe_id="locked"
        )


async def test_transactions_of_every_kind_can_be_read(
    ann: MonzoClient, home: Household, clock: Clock
) -> None:
    since = clock.now - timedelta(days=70)
    for account in (home.current, home.joint):
        transactions = await ann.all_transactions(account.id, since=since)
        assert transactions.skipped == 0
        expected = [row.id for row in home.bank.transactions(account.id) if row.created >= since]
        assert [transaction.id for transaction in transactions] == expected


async def test_pages_are_followed_to_the_end_and_resumed(
    ann: MonzoClient, server: BankServer, home: Household, clock: Clock
) -> None:
    made = [home.bank.pay(home.current.id, -100, merchant="Deli").id for _ in range(250)]
    transactions = await ann.all_transactions(home.current.id, since=clock.now)
    assert [transaction.id for transaction in transactions] == made
    assert len(server.requests_to("GET", "/transactions")) == 3
    pages = ann.transaction_pages(home.current.id, after_id=made[199], page_size=20)
    assert [[transaction.id for transaction in page] async for page in pages] == [
        made[200:220],
        made[220:240],
        made[240:],
    ]


async def test_one_transaction_and_its_notes(ann: MonzoClient, home: Household) -> None:
    made = home.bank.pay(home.current.id, -350, merchant="Deli")
    transaction = await ann.transaction(made.id)
    assert transaction.amount == Money(Decimal("-3.50"), "GBP")
    assert transaction.merchant
    assert transaction.merchant.name == "Deli"
    assert transaction.settled is None
    annotated = await ann.annotate_transaction(made.id, {"notes": "für Ben & Ann"})
    assert annotated.notes == "für Ben & Ann"
    assert (await ann.transaction(made.id)).notes == "für Ben & Ann"


async def test_a_transaction_without_its_merchant(
    ann: MonzoClient, home: Household, clock: Clock
) -> None:
    made = home.bank.pay(home.current.id, -350, merchant="Deli")
    page = await ann.transactions(home.current.id, since=clock.now, expand_merchant=False)
    # The second transaction is the round-up of the first.
    plain, _ = page
    assert plain.id == made.id
    assert plain.merchant is None
    assert plain.merchant_id


async def test_feed_items(ann: MonzoClient, home: Household) -> None:
    await ann.create_feed_item(
        home.current.id, title="Tea", image_url="https://example.com/1.png", body="is ready"
    )
    (item,) = home.bank.feed
    assert item.account_id == home.current.id


async def test_attachments(ann: MonzoClient, server: BankServer, home: Household) -> None:
    made = home.bank.pay(home.current.id, -350, merchant="Deli")
    file_url = await ann.upload_attachment("tea.png", "image/png", b"PNG")
    assert list(server.files.values()) == [b"PNG"]
    attachment = await ann.register_attachment(made.id, file_url=file_url, file_type="image/png")
    assert attachment.transaction_id == made.id
    assert (await ann.transaction(made.id)).attachments == (attachment,)
    await ann.deregister_attachment(attachment.id)
    assert (await ann.transaction(made.id)).attachments == ()


async def test_receipts(ann: MonzoClient, home: Household) -> None:
    made = home.bank.pay(home.current.id, -500, merchant="Deli")
    item = ReceiptItem(description="Tea", quantity=Decimal("0.5"), unit="kg", amount=FIVE_POUNDS)
    receipt = Receipt(
        transaction_id=made.id, external_id="order 1", total=FIVE_POUNDS, items=(item,)
    )
    await ann.put_receipt(receipt)
    read = await ann.receipt("order 1")
    assert (read.transaction_id, read.total, read.items[0].quantity) == (
        made.id,
        FIVE_POUNDS,
        Decimal("0.5"),
    )
    await ann.delete_receipt("order 1")
    with pytest.raises(MonzoNotFoundError):
        await ann.receipt("order 1")


async def test_webhooks(ann: MonzoClient, home: Household) -> None:
    webhook = await ann.register_webhook(home.current.id, "https://example.com/hook?a=b")
    assert webhook.url == "https://example.com/hook?a=b"
    assert await ann.webhooks(home.current.id) == Records((webhook,))
    await ann.delete_webhook(webhook.id)
    assert await ann.webhooks(home.current.id) == Records()


async def test_before_the_owner_approves(
    session: ClientSession, server: BankServer, home: Household
) -> None:
    token = str(server.sign_in(home.ann, approved=False)["access_token"])
    client = client_with_token(session, token, base_url=server.url)
    assert (await client.who_am_i()).user_id == home.ann.user_id
    with pytest.raises(MonzoPermissionError):
        await client.accounts()
    server.approve(home.ann)
    assert await client.accounts()


async def test_after_another_program_signed_in(
    ann: MonzoClient, server: BankServer, home: Household
) -> None:
    server.evict(home.ann)
    with pytest.raises(MonzoEvictedError):
        await ann.accounts()


async def test_after_the_token_expired(
    ann: MonzoClient, server: BankServer, home: Household
) -> None:
    server.expire_access_token(home.ann)
    with pytest.raises(MonzoAuthenticationError) as caught:
        await ann.accounts()
    assert caught.value.code == "unauthorized.bad_access_token.expired"


async def test_history_that_is_too_old(ann: MonzoClient, home: Household, clock: Clock) -> None:
    since = clock.now - timedelta(days=200)
    assert await ann.transactions(home.current.id, since=since)
    clock.now += timedelta(minutes=10)
    with pytest.raises(MonzoVerificationRequiredError):
        await ann.transactions(home.current.id, since=since)
    with pytest.raises(MonzoRejectedError) as caught:
        await ann.transactions(home.current.id, since=clock.now - timedelta(days=400))
    assert caught.value.code == "bad_request.invalid_time_range"


async def test_an_account_of_another_customer(ann: MonzoClient, home: Household) -> None:
    with pytest.raises(MonzoPermissionError):
        await ann.balance(home.bens.id)


async def test_faults_of_the_bank(ann: MonzoClient, server: BankServer) -> None:
    server.fail("GET", "/accounts", Answer.rate_limited("30"))
    with pytest.raises(MonzoRateLimitError) as caught:
        await ann.accounts()
    assert caught.value.retry_after == 30
    server.fail("GET", "/accounts", Answer.html(502))
    with pytest.raises(MonzoConnectionError):
        await ann.accounts()
    server.fail("GET", "/accounts", Answer.garbage())
    with pytest.raises(MonzoResponseError):
        await ann.accounts()
    assert await ann.accounts()
