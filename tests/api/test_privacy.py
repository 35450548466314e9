"""Errors, logs and reprs contain nothing private."""

from dataclasses import fields
import inspect
import json
import logging
import traceback

from aiohttp import ClientSession
import pytest

from custom_components.monzo import api
from custom_components.monzo.api import Money, MonzoClient, MonzoError, Records
from custom_components.monzo.api.response import Response

from .conftest import TOKEN, client_with_token
from .endpoints import ALL_CALLS
from .scripted_server import ScriptedServer, response

# Data of the bank that must not appear in an error or a log, however a response is broken.
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
BODY = json.dumps(SECRETS).encode()

BROKEN_RESPONSES = {
    "another object": response(SECRETS),
    "objects instead of lists": response(
        dict.fromkeys(("accounts", "pots", "transactions"), SECRETS)
    ),
    "an object in the object": response(
        dict.fromkeys(("transaction", "attachment", "webhook", "receipt"), SECRETS)
    ),
    "lists of other objects": response(
        {key: [SECRETS] for key in ("accounts", "pots", "transactions", "webhooks")}
    ),
    "incomplete JSON": response(BODY[:-5]),
    "incomplete body": response(BODY)[:-5],
    "refusal": response({"code": "bad_request.odd", "message": "No"} | SECRETS, 400),
    "refusal with an id": response(
        {"code": "not_found", "message": "/pots/pot_1/deposit not found"}, 404
    ),
    "refusal with the token": response(
        {"code": "unauthorized.bad", "message": f"Bad token {TOKEN}"}, 401
    ),
    "page of a proxy": response(BODY, 502),
    "redirect": response(b"", 302, Location="https://example.com/secret"),
    "rate limit": response(BODY, 429, Retry_After="Ann Other, secret"),
    "no HTTP": BODY,
    "invalid status line": b"HTTP/1.1 " + BODY + b"\r\n\r\n",
    "invalid chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY,
    "not compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BODY,
    "nothing": b"",
}


def _private_parts(text: str) -> list[str]:
    return [secret for secret in PRIVATE if secret in text]


def _shown_by_logs(error: MonzoError) -> str:
    """Return everything that a log could show of an error, except the source code."""
    return (
        "".join(traceback.format_exception(error.with_traceback(None)))
        + repr(error)
        + str(vars(error))
    )


async def test_no_error_or_log_contains_private_data(
    client: MonzoClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leaks = []
    for name, call in ALL_CALLS.items():
        for problem, reply in BROKEN_RESPONSES.items():
            server.script(reply)
            try:
                shown = repr(await call(client))
            except MonzoError as error:
                shown = _shown_by_logs(error)
            if private := _private_parts(shown + caplog.text):
                leaks.append((name, problem, private))
            caplog.clear()
    assert leaks == []


async def test_the_error_of_an_unreachable_server_contains_no_private_data(
    session: ClientSession,
) -> None:
    async with ScriptedServer() as stopped:
        client = client_with_token(session, TOKEN, base_url=stopped.url)
    with pytest.raises(MonzoError) as caught:
        await client.transaction("tx_secret")
    assert _private_parts(_shown_by_logs(caught.value)) == []


def test_the_repr_of_a_model_shows_its_type_only() -> None:
    models = [
        model
        for _, model in inspect.getmembers(api, inspect.isclass)
        if hasattr(model, "from_json") and model is not Records
    ]
    assert len(models) == 17
    for model in (*models, Money, Response):
        values = {field.name: "secret" for field in fields(model)}
        assert repr(model(**values)) == f"<{model.__name__}>"


def test_the_repr_of_records_shows_their_number_only() -> None:
    assert repr(Records(("secret", "secret"), skipped=1)) == "<Records: 2 read, 1 skipped>"
