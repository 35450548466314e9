from typing import Any, override

from aiohttp import ClientSession
import pytest
from yarl import URL

from custom_components.monzo.api import MonzoClient, MonzoResponseError, Records, Transaction

from .conftest import TOKEN
from .endpoints import BEFORE, SINCE
from .recorded_answers import recorded_answer
from .scripted_server import ScriptedServer, response

ROW = recorded_answer("transactions_unexpanded")["transactions"][0]


def _rows(first: int, last: int) -> list[dict[str, Any]]:
    return [ROW | {"id": f"tx_{number}"} for number in range(first, last + 1)]


def _page(first: int, last: int) -> bytes:
    return response({"transactions": _rows(first, last)})


def _ids(records: Records[Transaction]) -> list[str]:
    return [transaction.id for transaction in records]


async def test_pages_follow_each_other_without_repeating_a_transaction(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(_page(1, 100), _page(100, 199), _page(200, 205))
    pages = [page async for page in client.transaction_pages("acc_1", since=SINCE, before=BEFORE)]
    assert [(page[0].id, page[-1].id, page.skipped) for page in pages] == [
        ("tx_1", "tx_100", 0),
        ("tx_101", "tx_199", 0),
        ("tx_200", "tx_205", 0),
    ]
    queries = [URL(request.target).query for request in server.requests]
    assert [query["since"] for query in queries] == ["2026-01-02T02:04:05.678Z", "tx_100", "tx_199"]
    assert {query["before"] for query in queries} == {"2026-02-01T00:00:00.000Z"}
    assert {query["expand[]"] for query in queries} == {"merchant"}


async def test_pages_have_the_requested_size_and_can_resume_after_a_transaction(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(_page(8, 9), _page(10, 10))
    pages = client.transaction_pages("acc_1", after_id="tx_7", page_size=2)
    assert [_ids(page) async for page in pages] == [["tx_8", "tx_9"], ["tx_10"]]
    queries = [URL(request.target).query for request in server.requests]
    assert [(query["since"], query["limit"]) for query in queries] == [("tx_7", "2"), ("tx_9", "2")]


async def test_no_page_is_requested_before_it_is_needed(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(_page(1, 2), _page(3, 4))
    async for page in client.transaction_pages("acc_1", since=SINCE, page_size=2):
        assert _ids(page) == ["tx_1", "tx_2"]
        break
    assert len(server.requests) == 1


async def test_an_empty_span_has_one_empty_page(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(_page(1, 0))
    pages = [page async for page in client.transaction_pages("acc_1", since=SINCE)]
    assert pages == [Records()]


async def test_a_bank_that_repeats_a_page_does_not_repeat_transactions(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(*[_page(1, 100)] * 5)
    assert len(await client.all_transactions("acc_1", since=SINCE)) == 100
    assert len(server.requests) == 2


async def test_a_page_without_readable_transactions_is_the_last(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(*[response({"transactions": [None] * 100})] * 5)
    records = await client.all_transactions("acc_1", since=SINCE)
    assert records == Records(skipped=100)
    assert len(server.requests) == 1


async def test_unreadable_transactions_count_as_part_of_a_full_page(
    client: MonzoClient, server: ScriptedServer
) -> None:
    server.script(response({"transactions": [ROW, *[{}] * 99]}), _page(1, 1))
    records = await client.all_transactions("acc_1", since=SINCE)
    assert _ids(records) == ["tx_123ABC1", "tx_1"]
    assert records.skipped == 99


async def test_a_bank_with_endless_pages_is_an_error(session: ClientSession) -> None:
    class EndlessBank(MonzoClient):
        pages = 0

        @override
        async def request(self, *_: Any, **__: Any) -> object:
            self.pages += 1
            return {"transactions": _rows(self.pages, self.pages)}

    async def access_token() -> str:
        return TOKEN

    bank = EndlessBank(session, access_token)
    with pytest.raises(MonzoResponseError, match="too many pages"):
        _ = [page async for page in bank.transaction_pages("acc_1", since=SINCE, page_size=1)]
    assert bank.pages == 1000


async def test_a_span_has_one_beginning(client: MonzoClient, server: ScriptedServer) -> None:
    with pytest.raises(ValueError, match="either since or after_id"):
        await client.transactions("acc_1", since=SINCE, after_id="tx_1")
    assert not server.requests


@pytest.mark.parametrize("limit", [-1, 0, 101])
async def test_an_impossible_page_size_is_not_sent(
    client: MonzoClient, server: ScriptedServer, limit: int
) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        await client.transactions("acc_1", limit=limit)
    with pytest.raises(ValueError, match="1 to 100"):
        await anext(client.transaction_pages("acc_1", page_size=limit))
    assert not server.requests
