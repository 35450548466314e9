"""What is said about a person's money is said to nobody but the caller."""

from dataclasses import fields
import inspect
import json
import logging
import traceback

from aiohttp import ClientSession
import pytest

from custom_components.monzo import api
from custom_components.monzo.api import MonzoClient, MonzoError, Receipt, Records, Transaction

from .conftest import TOKEN, client_with
from .shapes import shape
from .test_client import ENDPOINTS, RECEIPT, Call
from .wire import Wire, answer

# What the bank knows: none of it may turn up in an error or a log, however an answer is spoilt.
SECRETS = {
    "name": "Ann Other",
    "account_number": "31415926",
    "balance": 271828,
    "notes": "for the present",
    "id": "tx_0000SECRET",
    "url": "https://example.com/hook/secret",
    "file_url": "https://example.com/file/secret",
    "upload_url": "http://127.0.0.1:1/upload/secret",
}
PRIVATE = [TOKEN, *map(str, SECRETS.values()), "acc_1", "pot_1", "tx_1", "webhook_1", "secret"]
LEAKY = json.dumps(SECRETS).encode()

REPLIES = {
    "not the model": answer(SECRETS),
    "lists that are none": answer(dict.fromkeys(("accounts", "pots", "transactions"), SECRETS)),
    "wrapped": answer(dict.fromkeys(("transaction", "attachment", "webhook", "receipt"), SECRETS)),
    "lists of oddities": answer(
        {key: [SECRETS] for key in ("accounts", "pots", "transactions", "webhooks")}
    ),
    "cut short": answer(LEAKY[:-5]),
    "cut off": answer(LEAKY)[:-5],
    "refused": answer({"code": "bad_request.odd", "message": "No"} | SECRETS, 400),
    "refused with an id": answer(
        {"code": "not_found", "message": "/pots/pot_1/deposit not found"}, 404
    ),
    "token echoed": answer({"code": "unauthorized.bad", "message": f"Bad token {TOKEN}"}, 401),
    "a page": answer(LEAKY, 502),
    "redirected": answer(b"", 302, Location="https://example.com/secret"),
    "header echoed": answer(LEAKY, 429, Retry_After="Ann Other, secret"),
    "no HTTP": LEAKY,
    "bad status line": b"HTTP/1.1 " + LEAKY + b"\r\n\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + LEAKY,
    "not compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + LEAKY,
    "silence": b"",
}
CALLS: dict[str, Call] = {
    **{name: call for name, call, *_ in ENDPOINTS},
    "receipt": lambda client: client.put_receipt(RECEIPT),
    "upload": lambda client: client.upload_attachment("secret.png", "image/png", b"secret"),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_nothing_private_is_in_errors_and_logs(
    client: MonzoClient,
    wire: Wire,
    caplog: pytest.LogCaptureFixture,
    call: Call,
    reply: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.will_answer(reply)
    try:
        said = repr(await call(client))
    except MonzoError as err:
        said = _everything_about(err)
    said += caplog.text
    assert [secret for secret in PRIVATE if secret in said] == []


def _everything_about(err: MonzoError) -> str:
    """Return what a log would show of an error and its causes, but no source."""
    return (
        "".join(traceback.format_exception(err.with_traceback(None))) + repr(err) + str(vars(err))
    )


@pytest.mark.parametrize(
    "model",
    [
        model
        for _, model in inspect.getmembers(api, inspect.isclass)
        if hasattr(model, "from_json") and model is not Records
    ],
)
def test_models_show_only_what_they_are(model: type) -> None:
    values = {field.name: "secret" for field in fields(model)}
    assert repr(model(**values)) == f"<{model.__name__}>"


def test_a_list_shows_how_much_it_holds() -> None:
    records = Records.from_json(
        shape("transactions_unexpanded"), "transactions", Transaction.from_json
    )
    assert repr(records) == "Records(items=(<Transaction>,), skipped=0)"


async def test_nothing_private_is_said_when_nobody_answers(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Wire() as gone:
        monkeypatch.setattr("custom_components.monzo.api.client.API_URL", gone.url)
    with pytest.raises(MonzoError) as caught:
        await client_with(session, TOKEN).transaction("tx_secret")
    assert "secret" not in _everything_about(caught.value)


def test_receipts_are_private_as_well() -> None:
    assert repr(Receipt.from_json(RECEIPT.to_json())) == "<Receipt>"
