"""A call of every method of the client, with the request it sends and a response of the bank."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
import json
from typing import Any

from custom_components.monzo.api import Money, MonzoClient, Receipt, ReceiptItem

from .recorded_answers import recorded_answer, recorded_bytes

type Call = Callable[[MonzoClient], Awaitable[Any]]

POT = recorded_answer("pots")["pots"][1]
WEBHOOK = {"id": "webhook_1", "account_id": "acc_1", "url": "https://example.com/hook?a=b"}
FIVE_POUNDS = Money(Decimal(5), "GBP")
RECEIPT = Receipt(
    transaction_id="tx_1",
    external_id="order 1",
    total=FIVE_POUNDS,
    items=(ReceiptItem(description="Tea", quantity=Decimal("0.5"), amount=FIVE_POUNDS),),
)
EXPANDED = "expand%5B%5D=merchant"
# Not in UTC, and with more digits than the bank writes.
SINCE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=1)))
BEFORE = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A call of the client, the request that must arrive, and a response of the bank."""

    name: str
    call: Call
    request: str
    """The method, path and query."""

    form: dict[str, str] = field(default_factory=dict)
    reply: bytes = b"{}"


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="who am I",
        call=lambda client: client.who_am_i(),
        request="GET /ping/whoami",
        reply=recorded_bytes("whoami"),
    ),
    Endpoint(
        name="log out",
        call=lambda client: client.log_out(),
        request="POST /oauth2/logout",
        reply=b'{"ok":true}',
    ),
    Endpoint(
        name="accounts",
        call=lambda client: client.accounts(),
        request="GET /accounts",
        reply=recorded_bytes("accounts"),
    ),
    Endpoint(
        name="accounts of one type",
        call=lambda client: client.accounts("uk_retail"),
        request="GET /accounts?account_type=uk_retail",
        reply=recorded_bytes("accounts"),
    ),
    Endpoint(
        name="balance",
        call=lambda client: client.balance("acc_1"),
        request="GET /balance?account_id=acc_1",
        reply=recorded_bytes("balance_at_home"),
    ),
    Endpoint(
        name="pots",
        call=lambda client: client.pots("acc_1"),
        request="GET /pots?current_account_id=acc_1",
        reply=recorded_bytes("pots"),
    ),
    Endpoint(
        name="deposit",
        call=lambda client: client.deposit_into_pot(
            "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
        ),
        request="PUT /pots/pot_1/deposit",
        form={"source_account_id": "acc_1", "amount": "500", "dedupe_id": "once"},
        reply=json.dumps(POT).encode(),
    ),
    Endpoint(
        name="withdrawal",
        call=lambda client: client.withdraw_from_pot(
            "pot_1", account_id="acc_1", amount=FIVE_POUNDS, dedupe_id="once"
        ),
        request="PUT /pots/pot_1/withdraw",
        form={"destination_account_id": "acc_1", "amount": "500", "dedupe_id": "once"},
        reply=json.dumps(POT).encode(),
    ),
    Endpoint(
        name="transactions",
        call=lambda client: client.transactions("acc_1"),
        request=f"GET /transactions?account_id=acc_1&limit=100&{EXPANDED}",
        reply=b'{"transactions":[]}',
    ),
    Endpoint(
        name="transactions of a span",
        call=lambda client: client.transactions("acc_1", since=SINCE, before=BEFORE, limit=7),
        request=(
            "GET /transactions?account_id=acc_1&since=2026-01-02T02:04:05.678Z"
            f"&before=2026-02-01T00:00:00.000Z&limit=7&{EXPANDED}"
        ),
        reply=b'{"transactions":[]}',
    ),
    Endpoint(
        name="transactions after another",
        call=lambda client: client.transactions("acc_1", after_id="tx_1", expand_merchant=False),
        request="GET /transactions?account_id=acc_1&since=tx_1&limit=100",
        reply=recorded_bytes("transactions_unexpanded"),
    ),
    Endpoint(
        name="all transactions",
        call=lambda client: client.all_transactions("acc_1", since=SINCE),
        request=(
            "GET /transactions?account_id=acc_1&since=2026-01-02T02:04:05.678Z"
            f"&limit=100&{EXPANDED}"
        ),
        reply=recorded_bytes("transactions_unexpanded"),
    ),
    Endpoint(
        name="transaction",
        call=lambda client: client.transaction("tx_1"),
        request=f"GET /transactions/tx_1?{EXPANDED}",
        reply=recorded_bytes("transaction_expanded"),
    ),
    Endpoint(
        name="annotation",
        call=lambda client: client.annotate_transaction(
            "tx_1", {"notes": "für Ann & Ben", "old": ""}
        ),
        request="PATCH /transactions/tx_1",
        form={"metadata[notes]": "für Ann & Ben", "metadata[old]": ""},
        reply=recorded_bytes("transaction_expanded"),
    ),
    Endpoint(
        name="feed item",
        call=lambda client: client.create_feed_item(
            "acc_1", title="Tea", image_url="https://example.com/1.png"
        ),
        request="POST /feed",
        form={
            "account_id": "acc_1",
            "type": "basic",
            "params[title]": "Tea",
            "params[image_url]": "https://example.com/1.png",
        },
    ),
    Endpoint(
        name="feed item with all fields",
        call=lambda client: client.create_feed_item(
            "acc_1",
            title="Tea",
            image_url="https://example.com/1.png",
            body="is ready",
            background_color="#FCF1EE",
            title_color="#333333",
            body_color="#444444",
            url="https://example.com",
        ),
        request="POST /feed",
        form={
            "account_id": "acc_1",
            "type": "basic",
            "url": "https://example.com",
            "params[title]": "Tea",
            "params[image_url]": "https://example.com/1.png",
            "params[body]": "is ready",
            "params[background_color]": "#FCF1EE",
            "params[title_color]": "#333333",
            "params[body_color]": "#444444",
        },
    ),
    Endpoint(
        name="registration of an attachment",
        call=lambda client: client.register_attachment(
            "tx_1", file_url="https://example.com/1.png", file_type="image/png"
        ),
        request="POST /attachment/register",
        form={
            "external_id": "tx_1",
            "file_url": "https://example.com/1.png",
            "file_type": "image/png",
        },
        reply=b'{"attachment":{"id":"attach_1"}}',
    ),
    Endpoint(
        name="removal of an attachment",
        call=lambda client: client.deregister_attachment("attach_1"),
        request="POST /attachment/deregister",
        form={"id": "attach_1"},
    ),
    Endpoint(
        name="receipt",
        call=lambda client: client.receipt("order 1"),
        request="GET /transaction-receipts?external_id=order+1",
        reply=recorded_bytes("receipt"),
    ),
    Endpoint(
        name="removal of a receipt",
        call=lambda client: client.delete_receipt("order 1"),
        request="DELETE /transaction-receipts?external_id=order+1",
    ),
    Endpoint(
        name="webhooks",
        call=lambda client: client.webhooks("acc_1"),
        request="GET /webhooks?account_id=acc_1",
        reply=json.dumps({"webhooks": [WEBHOOK]}).encode(),
    ),
    Endpoint(
        name="registration of a webhook",
        call=lambda client: client.register_webhook("acc_1", "https://example.com/hook?a=b"),
        request="POST /webhooks",
        form={"account_id": "acc_1", "url": "https://example.com/hook?a=b"},
        reply=json.dumps({"webhook": WEBHOOK}).encode(),
    ),
    Endpoint(
        name="removal of a webhook",
        call=lambda client: client.delete_webhook("webhook_1"),
        request="DELETE /webhooks/webhook_1",
    ),
)

# Two more calls, whose requests are not forms.
ALL_CALLS: dict[str, Call] = {
    **{endpoint.name: endpoint.call for endpoint in ENDPOINTS},
    "new receipt": lambda client: client.put_receipt(RECEIPT),
    "upload": lambda client: client.upload_attachment("secret.png", "image/png", b"secret"),
}
