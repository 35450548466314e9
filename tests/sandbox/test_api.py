"""The API's endpoints over HTTP, except sign-in and webhooks."""

from dataclasses import replace
from datetime import timedelta
import json

from aiohttp import ClientSession
import pytest
from yarl import URL

from sandbox.bank import Bank
from sandbox.behaviour import BankBehaviour, ServerBehaviour
from sandbox.models import Account, Person, Pot, id_time
from sandbox.serializers import timestamp
from sandbox.server import Answer, BankServer

from .api_client import ApiClient, Response, sign_in
from .clock import ManualClock

NOT_MINE = (403, "forbidden.insufficient_permissions")


@pytest.fixture
def bens(bank: Bank) -> Account:
    """Return an account to which Ann has no access."""
    return bank.open_account(bank.add_person("Ben Baker"), balance=5_000)


# Transactions


async def test_the_full_history_is_readable_for_five_minutes(
    client: ApiClient, clock: ManualClock, current: Account
) -> None:
    since = timestamp(clock.now - timedelta(days=364))
    clock.forward(minutes=5)
    assert (await client.get("/transactions", account_id=current.id, since=since)).status == 200
    clock.forward(milliseconds=1)
    response = await client.get("/transactions", account_id=current.id, since=since)
    assert response.error == (403, "forbidden.verification_required")
    assert response.data["message"] == "Verification required"


@pytest.mark.parametrize(("days", "status"), [(89, 200), (90, 403)])
async def test_later_89_days_are_readable_and_90_are_not(
    client: ApiClient, clock: ManualClock, current: Account, days: int, status: int
) -> None:
    clock.forward(hours=1)
    since = timestamp(clock.now - timedelta(days=days))
    response = await client.get("/transactions", account_id=current.id, since=since)
    assert response.status == status


async def test_a_sign_in_opens_the_full_history_again_but_a_refresh_does_not(
    session: ClientSession,
    server: BankServer,
    client: ApiClient,
    clock: ManualClock,
    ann: Person,
    current: Account,
) -> None:
    since = timestamp(clock.now - timedelta(days=200))
    clock.forward(hours=1)
    client.token = (await client.refresh()).data
    response = await client.get("/transactions", account_id=current.id, since=since)
    assert response.status == 403
    again = sign_in(session, server, ann)
    assert (await again.get("/transactions", account_id=current.id, since=since)).status == 200


async def test_the_limit_of_the_history_applies_to_ids_as_well(
    client: ApiClient, bank: Bank, clock: ManualClock, current: Account
) -> None:
    old = bank.pay(current.id, -100, at=clock.now - timedelta(days=100))
    clock.forward(hours=1)
    response = await client.get("/transactions", account_id=current.id, since=old.id)
    assert response.error == (403, "forbidden.verification_required")


async def test_a_list_spans_at_most_a_year(
    client: ApiClient, clock: ManualClock, current: Account
) -> None:
    longest = timestamp(clock.now - timedelta(days=365))
    too_long = timestamp(clock.now - timedelta(days=365, seconds=1))
    assert (await client.get("/transactions", account_id=current.id, since=longest)).status == 200
    response = await client.get("/transactions", account_id=current.id, since=too_long)
    assert response.error == (400, "bad_request.invalid_time_range")
    before = timestamp(clock.now - timedelta(days=300))
    response = await client.get(
        "/transactions", account_id=current.id, since=too_long, before=before
    )
    assert response.status == 200


async def test_a_list_without_since_covers_the_last_30_days(
    client: ApiClient, bank: Bank, clock: ManualClock, current: Account
) -> None:
    bank.pay(current.id, -100, at=clock.now - timedelta(days=31))
    transaction = bank.pay(current.id, -200, at=clock.now - timedelta(days=29))
    assert await listed(client, current) == [transaction.id]


async def test_a_list_without_since_can_be_refused(
    client: ApiClient, server: BankServer, clock: ManualClock, current: Account
) -> None:
    server.behaviour = ServerBehaviour(without_since=None)
    clock.forward(hours=1)
    response = await client.get("/transactions", account_id=current.id)
    assert response.error == (403, "forbidden.verification_required")


async def listed(client: ApiClient, account: Account, **query: str | int) -> list[str]:
    """Return the ids of a list of transactions."""
    response = await client.get("/transactions", account_id=account.id, **query)
    assert response.status == 200
    return [transaction["id"] for transaction in response.data["transactions"]]


async def test_a_page_has_30_transactions_by_default_and_at_most_100(
    client: ApiClient, bank: Bank, clock: ManualClock, current: Account
) -> None:
    ids = []
    for _ in range(103):
        clock.forward(seconds=1)
        ids.append(bank.pay(current.id, -1).id)
    assert await listed(client, current) == ids[:30]
    assert await listed(client, current, limit=2) == ids[:2]
    assert await listed(client, current, limit=100) == ids[:100]
    assert await listed(client, current, limit=500) == ids[:100]
    assert await listed(client, current, limit=100, since=ids[99]) == ids[100:]


async def test_a_limit_above_100_can_be_refused(
    client: ApiClient, server: BankServer, current: Account
) -> None:
    server.behaviour = ServerBehaviour(limit_above_100="refuse")
    response = await client.get("/transactions", account_id=current.id, limit=101)
    assert response.error == (400, "bad_request.bad_param.limit")


async def test_since_includes_a_time_but_excludes_an_id(
    client: ApiClient, bank: Bank, clock: ManualClock, current: Account
) -> None:
    first = bank.pay(current.id, -1)
    clock.forward(seconds=1)
    second = bank.pay(current.id, -2)
    clock.forward(seconds=1)
    third = bank.pay(current.id, -3)
    assert await listed(client, current, since=timestamp(second.created)) == [second.id, third.id]
    assert await listed(client, current, since=second.id) == [third.id]
    since = timestamp(first.created)
    assert await listed(client, current, since=since, before=timestamp(second.created)) == [
        first.id
    ]


async def test_ids_of_the_same_time_are_distinguished(
    client: ApiClient, bank: Bank, current: Account
) -> None:
    first, second = bank.pay(current.id, -1), bank.pay(current.id, -2)
    assert id_time(first.id) == id_time(second.id)
    assert await listed(client, current, since=first.id) == [second.id]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"since": "tx_1"},
        {"before": "x"},
        {"limit": "0"},
        {"limit": "ten"},
    ],
    ids=str,
)
async def test_invalid_parameters_are_refused(
    client: ApiClient, current: Account, query: dict[str, str]
) -> None:
    response = await client.get("/transactions", account_id=current.id, **query)
    assert response.error == (400, f"bad_request.bad_param.{next(iter(query))}")


@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "percent-encoded"])
async def test_merchants_are_expanded_on_request(
    client: ApiClient, bank: Bank, current: Account, *, encoded: bool
) -> None:
    transaction = bank.pay(current.id, -350, merchant="Deli")
    key = "expand%5B%5D" if encoded else "expand[]"
    for path in (f"/transactions/{transaction.id}?", f"/transactions?account_id={current.id}&"):
        url = URL(f"{client.server.url}{path}{key}=merchant", encoded=True)
        headers = {"Authorization": f"Bearer {client.token['access_token']}"}
        async with client.session.get(url, headers=headers) as response:
            data = await response.json()
        found = data["transaction"] if "transaction" in data else data["transactions"][0]
        assert found["merchant"]["name"] == "Deli"
    plain = await client.get(f"/transactions/{transaction.id}")
    assert isinstance(plain.data["transaction"]["merchant"], str)


async def test_settling_changes_the_transaction(
    client: ApiClient, bank: Bank, clock: ManualClock, current: Account
) -> None:
    transaction = bank.pay(current.id, -100, merchant="Pump & Go")
    before = (await client.get(f"/transactions/{transaction.id}")).data["transaction"]
    clock.forward(hours=20)
    bank.settle(transaction.id, -4_210)
    after = (await client.get(f"/transactions/{transaction.id}")).data["transaction"]
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {
        "amount",
        "amount_is_pending",
        "categories",
        "local_amount",
        "settled",
        "updated",
    }


async def test_transactions_of_every_kind_are_listed(
    client: ApiClient, bank: Bank, current: Account, pot: Pot
) -> None:
    bank.decline(current.id, -99_999, reason="CARD_BLOCKED")
    bank.deposit(pot.id, current.id, 100, "in")
    bank.receive(current.id, 100)
    bank.refund(current.id, 250)
    bank.pay(current.id, -8_438, local_amount=-382_685, local_currency="THB")
    bank.pay(current.id, -494, local_amount=-690, local_currency="ISK")
    bank.withdraw_cash(current.id, -1_030, fee=30)
    response = await client.get("/transactions", account_id=current.id)
    transactions = response.data["transactions"]
    assert [transaction["amount"] for transaction in transactions] == [
        -99_999,
        -100,
        100,
        250,
        -8_438,
        -494,
        -1_030,
    ]
    assert transactions[0]["decline_reason"] == "CARD_BLOCKED"
    assert transactions[1]["scheme"] == "uk_retail_pot"
    assert transactions[2]["settled"] > transactions[2]["created"]
    assert transactions[3]["merchant"] is not None
    assert (transactions[4]["local_amount"], transactions[4]["local_currency"]) == (-382_685, "THB")
    assert (transactions[5]["local_amount"], transactions[5]["local_currency"]) == (-690, "ISK")
    assert transactions[6]["atm_fees_detailed"]["fee_amount"] == 30
    assert all(transaction["attachments"] is None for transaction in transactions)


# Accounts and balances


async def test_all_accounts_are_listed_and_can_be_filtered_by_type(
    client: ApiClient, bank: Bank, ann: Person, current: Account
) -> None:
    kinds = ["uk_retail_joint", "uk_business", "uk_rewards", "uk_monzo_flex", "uk_loan", "uk_moon"]
    for kind in kinds:
        bank.open_account(ann, type=kind)
    bank.open_account(ann, type="uk_prepaid", closed=True)
    accounts = (await client.get("/accounts")).data["accounts"]
    assert [each["type"] for each in accounts] == ["uk_retail", *kinds, "uk_prepaid"]
    joint = (await client.get("/accounts", account_type="uk_retail_joint")).data["accounts"]
    assert [each["type"] for each in joint] == ["uk_retail_joint"]


async def test_both_owners_see_a_joint_account(
    session: ClientSession, server: BankServer, bank: Bank, ann: Person
) -> None:
    ben = bank.add_person("Ben Baker")
    joint = bank.open_account(ann, ben, type="uk_retail_joint", balance=700)
    for person in (ann, ben):
        client = sign_in(session, server, person)
        assert (await client.get("/balance", account_id=joint.id)).data["balance"] == 700


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        ("uk_monzo_flex_backing_loan", "/balance", 403),
        ("uk_monzo_flex_backing_loan", "/pots", 403),
        ("uk_monzo_flex_backing_loan", "/transactions", 403),
        ("uk_prepaid", "/balance", 403),
        ("uk_prepaid", "/transactions", 200),
        ("uk_rewards", "/balance", 200),
        ("uk_loan", "/balance", 200),
        ("uk_loan", "/transactions", 200),
        ("uk_monzo_flex", "/pots", 200),
    ],
)
async def test_some_account_types_are_not_readable(
    client: ApiClient, bank: Bank, ann: Person, kind: str, path: str, status: int
) -> None:
    account = bank.open_account(ann, type=kind)
    name = "current_account_id" if path == "/pots" else "account_id"
    assert (await client.get(path, **{name: account.id})).status == status


async def test_a_loan_has_an_empty_list(client: ApiClient, bank: Bank, ann: Person) -> None:
    loan = bank.open_account(ann, type="uk_loan", balance=-1_000)
    bank.receive(loan.id, 100)
    assert await listed(client, loan) == []


async def test_the_unreadable_types_can_be_changed(
    client: ApiClient, server: BankServer, current: Account
) -> None:
    server.behaviour = ServerBehaviour(unreadable_balance=frozenset({"uk_retail"}))
    assert (await client.get("/balance", account_id=current.id)).error == NOT_MINE


async def test_the_answer_for_an_unreadable_balance_can_be_changed(
    client: ApiClient, server: BankServer, current: Account
) -> None:
    whole = await client.get("/balance", account_id=current.id)
    unreadable = ServerBehaviour(unreadable_balance=frozenset({"uk_retail"}))

    server.behaviour = replace(unreadable, unreadable_balance_answer="error")
    assert (await client.get("/balance", account_id=current.id)).error == (500, "internal_service")
    server.behaviour = replace(unreadable, unreadable_balance_answer="empty")
    assert (await client.get("/balance", account_id=current.id)).data == {}
    server.behaviour = replace(unreadable, unreadable_balance_answer="no spend_today")
    partial = await client.get("/balance", account_id=current.id)
    assert whole.data.keys() - partial.data.keys() == {"spend_today"}


@pytest.mark.parametrize("path", ["/balance", "/transactions", "/webhooks"])
async def test_the_account_is_required(client: ApiClient, path: str) -> None:
    response = await client.get(path)
    assert response.error == (400, "bad_request.missing_param.account_id")


async def test_other_peoples_accounts_and_malformed_ids_are_forbidden(
    client: ApiClient, bens: Account, current: Account
) -> None:
    for account_id in (bens.id, f" {current.id}", "acc_nothing"):
        response = await client.get("/balance", account_id=account_id)
        assert response.error == NOT_MINE


# Pots


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_the_list_of_pots_requires_an_account_for_every_method(
    client: ApiClient, method: str
) -> None:
    response = await client.request(method, "/pots")
    assert response.status == 400
    assert response.data == {
        "code": "bad_request.missing_param.current_account_id",
        "message": "The field 'current_account_id' is required",
        "retryable": {},
    }


async def test_deleted_pots_are_listed(
    client: ApiClient, bank: Bank, current: Account, pot: Pot
) -> None:
    bank.close_pot(pot.id)
    response = await client.get("/pots", current_account_id=current.id)
    assert [each["deleted"] for each in response.data["pots"]] == [True]
    assert (await client.get(f"/pots/{pot.id}")).data == response.data["pots"][0]


async def test_transfers_return_the_pot_and_keep_the_total(
    client: ApiClient, current: Account, pot: Pot
) -> None:
    response = await client.deposit(pot.id, current.id, 500, "in")
    assert (response.data["id"], response.data["balance"]) == (pot.id, 2_500)
    response = await client.withdraw(pot.id, current.id, 300, "out")
    assert response.data["balance"] == 2_200
    balance = (await client.get("/balance", account_id=current.id)).data
    assert (balance["balance"], balance["total_balance"]) == (9_800, 12_000)


async def test_a_repeated_transfer_gives_the_same_response_and_moves_no_money(
    client: ApiClient, current: Account, pot: Pot
) -> None:
    responses = [await client.deposit(pot.id, current.id, 500, "one") for _ in range(3)]
    assert responses[0].data == responses[1].data == responses[2].data
    assert pot.balance == 2_500
    assert len(await listed(client, current)) == 1


async def test_transfers_above_the_balance_are_refused(
    client: ApiClient, current: Account, pot: Pot
) -> None:
    response = await client.deposit(pot.id, current.id, 10_001, "in")
    assert response.error == (400, "bad_request.insufficient_funds")
    assert response.data["message"] == "You can't deposit more than your current account balance"
    response = await client.withdraw(pot.id, current.id, 2_001, "out")
    assert response.error == (400, "bad_request.insufficient_funds")


async def test_locked_and_secured_pots_refuse_withdrawals(
    client: ApiClient, bank: Bank, current: Account
) -> None:
    for options in ({"locked": True}, {"added_security": True}):
        pot = bank.open_pot(current.id, "Safe", balance=500, **options)  # type: ignore[arg-type]
        response = await client.withdraw(pot.id, current.id, 100, "out")
        assert response.status == 403


async def test_assumed_error_codes_can_be_replaced(
    client: ApiClient, server: BankServer, bank: Bank, current: Account
) -> None:
    server.behaviour = ServerBehaviour(
        refusals={"forbidden.pot_locked": "bad_request.pot_is_locked"}
    )
    pot = bank.open_pot(current.id, "Safe", balance=500, locked=True)
    response = await client.withdraw(pot.id, current.id, 100, "out")
    assert response.error == (400, "bad_request.pot_is_locked")


@pytest.mark.parametrize("amount", ["0", "-1", "1.5", "ten", "1e3", "1_0", ""])
async def test_amounts_must_be_positive_integers(
    client: ApiClient, current: Account, pot: Pot, amount: str
) -> None:
    response = await client.deposit(pot.id, current.id, amount, "in")
    problem = "bad_param" if amount else "missing_param"
    assert response.error == (400, f"bad_request.{problem}.amount")
    assert pot.balance == 2_000


async def test_transfers_accept_only_forms(client: ApiClient, current: Account, pot: Pot) -> None:
    body = {"source_account_id": current.id, "amount": 500, "dedupe_id": "in"}
    for options in ({"json": body}, {"params": body}):
        response = await client.request("PUT", f"/pots/{pot.id}/deposit", **options)
        assert response.error == (400, "bad_request.missing_param.source_account_id")


@pytest.mark.parametrize("left_out", ["source_account_id", "amount", "dedupe_id"])
async def test_every_field_of_a_transfer_is_required(
    client: ApiClient, current: Account, pot: Pot, left_out: str
) -> None:
    form = {"source_account_id": current.id, "amount": "500", "dedupe_id": "in"}
    del form[left_out]
    response = await client.request("PUT", f"/pots/{pot.id}/deposit", data=form)
    assert response.error == (400, f"bad_request.missing_param.{left_out}")


async def test_other_peoples_pots_are_not_found(
    client: ApiClient, bank: Bank, bens: Account
) -> None:
    pot = bank.open_pot(bens.id, "Private", balance=100)
    assert (await client.get(f"/pots/{pot.id}")).error == (404, "not_found.pot_not_found")
    response = await client.deposit(pot.id, bens.id, 1, "in")
    assert response.error == (404, "not_found.pot_not_found")


async def test_other_peoples_money_cannot_be_moved(
    client: ApiClient, bens: Account, current: Account, pot: Pot
) -> None:
    assert (await client.deposit(pot.id, bens.id, 1, "in")).error == NOT_MINE


async def test_joint_pots_can_name_the_persons_own_account(
    client: ApiClient, server: BankServer, bank: Bank, ann: Person, current: Account
) -> None:
    joint = bank.open_account(ann, bank.add_person("Ben"), type="uk_retail_joint")
    bank.open_pot(joint.id, "House")
    path = {"current_account_id": joint.id}
    assert (await client.get("/pots", **path)).data["pots"][0]["current_account_id"] == joint.id
    server.behaviour = ServerBehaviour(joint_pots_name_own_account=True)
    assert (await client.get("/pots", **path)).data["pots"][0]["current_account_id"] == current.id


# Annotations, feed items, attachments and receipts


async def annotate(client: ApiClient, row_id: str, **metadata: str) -> Response:
    form = {f"metadata[{key}]": value for key, value in metadata.items()}
    return await client.request("PATCH", f"/transactions/{row_id}", data=form)


async def test_only_notes_are_kept(
    client: ApiClient, bank: Bank, clock: ManualClock, current: Account
) -> None:
    transaction = bank.pay(current.id, -1)
    clock.forward(minutes=1)
    data = (await annotate(client, transaction.id, notes="lunch", mine="yes")).data["transaction"]
    assert (data["notes"], data["metadata"]["notes"]) == ("lunch", "lunch")
    assert "mine" not in data["metadata"]
    assert data["updated"] > data["created"]
    assert (await annotate(client, transaction.id, notes="")).data["transaction"]["notes"] == ""


async def test_all_metadata_can_be_kept(client: ApiClient, bank: Bank, current: Account) -> None:
    bank.behaviour = BankBehaviour(keep_metadata=True)
    transaction = bank.pay(current.id, -1)
    data = (await annotate(client, transaction.id, mine="yes")).data["transaction"]
    assert data["metadata"]["mine"] == "yes"


async def test_other_peoples_transactions_are_not_found(
    client: ApiClient, bank: Bank, bens: Account
) -> None:
    transaction = bank.pay(bens.id, -1)
    missing = (404, "not_found.transaction_not_found")
    assert (await client.get(f"/transactions/{transaction.id}")).error == missing
    assert (await annotate(client, transaction.id, notes="x")).error == missing


async def test_a_feed_item(client: ApiClient, bank: Bank, current: Account) -> None:
    form = {
        "account_id": current.id,
        "type": "basic",
        "params[title]": "Washing done",
        "params[image_url]": "https://home.example.test/x.png",
        "params[background_color]": "#FCF1EE",
        "url": "https://home.example.test",
    }
    assert (await client.post("/feed", **form)).data == {}
    assert bank.feed[0].title == "Washing done"
    assert bank.feed[0].colours == {"background_color": "#FCF1EE"}
    response = await client.post("/feed", **{**form, "type": "fancy"})
    assert response.error == (400, "bad_request.bad_param.type")
    del form["params[title]"]
    response = await client.post("/feed", **form)
    assert response.error == (400, "bad_request.missing_param.params[title]")


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_attachment_is_uploaded_registered_and_removed(
    client: ApiClient, bank: Bank, current: Account, method: str
) -> None:
    transaction = bank.pay(current.id, -1)
    form: dict[str, str | int] = {
        "file_name": "a.png",
        "file_type": "image/png",
        "content_length": 4,
    }
    places = (await client.post("/attachment/upload", **form)).data
    url = places["upload_url"]
    async with client.session.request(method, url, data=b"\x89PNG") as response:
        assert response.status == 200
    async with client.session.get(places["file_url"]) as response:
        assert await response.read() == b"\x89PNG"
    registered = await client.post(
        "/attachment/register",
        external_id=transaction.id,
        file_url=places["file_url"],
        file_type="image/png",
    )
    attachment = registered.data["attachment"]
    shown = (await client.get(f"/transactions/{transaction.id}")).data["transaction"]["attachments"]
    assert [each["id"] for each in shown] == [attachment["id"]]
    assert shown[0]["url"] == shown[0]["file_url"] == places["file_url"]
    assert (await client.post("/attachment/deregister", id=attachment["id"])).data == {}
    after = (await client.get(f"/transactions/{transaction.id}")).data["transaction"]
    assert after["attachments"] is None


async def test_faults_affect_the_file_store_as_well(client: ApiClient, server: BankServer) -> None:
    server.fail("PUT", "/upload/*", Answer(403))
    url = f"{server.url}/upload/a.png"
    async with client.session.put(url, data=b"x") as response:
        assert response.status == 403
    assert not server.files
    async with client.session.put(url, data=b"x") as response:
        assert response.status == 200
    assert server.files == {"a.png": b"x"}


async def test_other_peoples_attachments_cannot_be_removed(
    client: ApiClient, bank: Bank, bens: Account
) -> None:
    ben = bens.owners[0]
    attachment = bank.attach(bank.pay(bens.id, -1).id, ben, "https://x.test", "image/png")
    response = await client.post("/attachment/deregister", id=attachment.id)
    assert response.error == NOT_MINE
    response = await client.post("/attachment/deregister", id="attach_0")
    assert response.error == (404, "not_found.attachment_not_found")
    async with client.session.get(f"{client.server.url}/upload/nothing") as download:
        assert download.status == 404


async def put_receipt(client: ApiClient, body: object) -> Response:
    return await client.request("PUT", "/transaction-receipts", json=body)


async def test_a_receipt_is_stored_changed_read_and_deleted(
    client: ApiClient, bank: Bank, current: Account
) -> None:
    transaction = bank.pay(current.id, -665)
    item = {"description": "Sandwich", "amount": 665, "currency": "GBP", "quantity": 1, "tax": 0}
    body = {
        "transaction_id": transaction.id,
        "external_id": "mine",
        "total": 665,
        "currency": "GBP",
        "items": [item],
        "merchant": {"name": "Deli"},
    }
    put = await put_receipt(client, body)
    assert (put.status, put.body) == (200, b"")
    first = (await client.get("/transaction-receipts", external_id="mine")).data["receipt"]
    assert first["items"] == [item]
    assert first["merchant"]["name"] == "Deli"
    await put_receipt(client, {**body, "total": 600})
    second = (await client.get("/transaction-receipts", external_id="mine")).data["receipt"]
    assert (second["id"], second["total"]) == (first["id"], 600)
    gone = await client.request("DELETE", "/transaction-receipts", params={"external_id": "mine"})
    assert gone.data == {}
    response = await client.get("/transaction-receipts", external_id="mine")
    assert response.error == (404, "not_found.receipt_not_found")


async def test_the_response_to_a_receipt_can_be_changed(
    client: ApiClient, server: BankServer, bank: Bank, current: Account
) -> None:
    body = {
        "transaction_id": bank.pay(current.id, -1).id,
        "external_id": "mine",
        "total": 1,
        "currency": "GBP",
        "items": [{"description": "x", "amount": 1, "currency": "GBP"}],
    }
    server.behaviour = ServerBehaviour(receipt_answer="id")
    receipt_id = (await put_receipt(client, body)).data["receipt_id"]
    server.behaviour = ServerBehaviour(receipt_answer="receipt")
    assert (await put_receipt(client, body)).data["receipt"]["id"] == receipt_id


@pytest.mark.parametrize("body", [{}, [], {"transaction_id": "", "items": []}], ids=str)
async def test_an_incomplete_receipt_is_refused(client: ApiClient, body: object) -> None:
    response = await put_receipt(client, body)
    assert response.error == (400, "bad_request.missing_param.transaction_id")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total": 6.65}, "bad_param.total"),
        ({"items": {"description": "x"}}, "bad_param.items"),
        ({"items": ["x"]}, "bad_param.items"),
        ({"items": [{"description": "x", "currency": "GBP"}]}, "missing_param.amount"),
        ({"items": [{"amount": 1, "currency": "GBP"}]}, "missing_param.description"),
        (
            {"items": [{"description": "x", "amount": "1", "currency": "GBP"}]},
            "bad_param.amount",
        ),
        (
            {"items": [{"description": "x", "amount": 1, "currency": "GBP", "tax": 0.2}]},
            "bad_param.tax",
        ),
        (
            {
                "items": [
                    {
                        "description": "x",
                        "amount": 1,
                        "currency": "GBP",
                        "sub_items": [{"description": "y", "amount": 1}],
                    }
                ]
            },
            "missing_param.currency",
        ),
        ({"taxes": [{"amount": 1, "currency": "GBP"}]}, "missing_param.description"),
        ({"payments": [{"amount": 1, "currency": "GBP"}]}, "missing_param.type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_receipt_with_an_invalid_line_is_refused(
    client: ApiClient, bank: Bank, current: Account, change: dict[str, object], code: str
) -> None:
    body: dict[str, object] = {
        "transaction_id": bank.pay(current.id, -665).id,
        "external_id": "mine",
        "total": 665,
        "currency": "GBP",
        "items": [{"description": "Sandwich", "amount": 665, "currency": "GBP"}],
    }
    assert (await put_receipt(client, body)).status == 200
    response = await put_receipt(client, {**body, **change})
    assert response.error == (400, f"bad_request.{code}")


async def test_a_receipt_must_be_json(client: ApiClient) -> None:
    response = await client.request("PUT", "/transaction-receipts", data={"external_id": "mine"})
    assert response.error == (400, "bad_request.bad_body")
    assert json.loads(response.body)["message"]
