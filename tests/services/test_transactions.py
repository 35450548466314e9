"""The actions that read transactions, add up spending, and annotate a transaction."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
import json
import logging
from typing import Any, override

from aiohttp import web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import (
    Context,
    Event,
    EventStateChangedData,
    HomeAssistant,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.json import json_bytes
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol
import yaml

from custom_components.monzo.api import Transaction as ApiTransaction
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.services.annotations import ANNOTATE_SCHEMA
from custom_components.monzo.services.grouped_spending import GroupedSpending, Grouping
from custom_components.monzo.services.spending import GET_SPENDING_SCHEMA
from custom_components.monzo.services.transactions import GET_TRANSACTIONS_SCHEMA, record_filter
from custom_components.monzo.transactions import TransactionRecord
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Edited, Exchange, Fault
from sandbox.household import Household
from sandbox.models import Account, Transaction
from sandbox.serializers import transaction_json
from sandbox.server import BankServer
from tests.conftest import AdvanceTime
from tests.helpers.examples import ACCOUNT, FENCE
from tests.helpers.state_helpers import entity_id
from tests.helpers.transfer_client import TransferClient, refused
from tests.test_docs import PAGES

GET_TRANSACTIONS = "get_transactions"
GET_SPENDING = "get_spending"
ANNOTATE = "annotate_transaction"

# The actions that only read.
READING = (GET_TRANSACTIONS, GET_SPENDING)

# All actions, with the fields that each needs besides the account.
ALL_ACTIONS: dict[str, dict[str, Any]] = {
    GET_TRANSACTIONS: {},
    GET_SPENDING: {},
    ANNOTATE: {"transaction_id": "tx_1", "notes": "x"},
}

NOW = datetime(2026, 11, 23, 18, 24, tzinfo=UTC)


def ago(**time: float) -> datetime:
    """Return a time in the past."""
    return dt_util.utcnow() - timedelta(**time)


def ledger(bank: Bank, account: Account, since: datetime) -> list[Transaction]:
    """Return the bank's transactions of an account since a time, newest first."""
    return [row for row in reversed(bank.transactions(account.id)) if row.created >= since]


def ids(response: dict[str, Any]) -> list[str]:
    """Return the ids of the transactions in a response."""
    return [row["transaction_id"] for row in response["transactions"]]


def groups(response: dict[str, Any], by: str) -> dict[str, tuple[float, int]]:
    """Return the amount and the number of transactions of each group."""
    return {group[by]: (group["amount"], group["transactions"]) for group in response["groups"]}


def cost(row: Transaction) -> int:
    """Return the spending for one of the bank's transactions, in pence."""
    return -row.amount if row.include_in_spending and not row.decline_reason else 0


def records(rows: Iterable[Transaction]) -> list[TransactionRecord]:
    """Return the bank's transactions as the integration keeps them."""
    return [
        TransactionRecord.of(
            ApiTransaction.from_json(transaction_json(row, expand_merchant=True)),
            account_id=row.account_id,
            own_transfer=False,
        )
        for row in rows
    ]


# Filters


def _of_deli(row: Transaction) -> bool:
    return row.merchant is not None and row.merchant.name == "Deli"


FILTERS: dict[str, tuple[dict[str, Any], Callable[[Transaction], bool]]] = {
    "category": ({"category": "groceries"}, lambda row: row.category == "groceries"),
    "category with blanks around it": (
        {"category": " groceries\n"},
        lambda row: row.category == "groceries",
    ),
    "part of the merchant's name": ({"merchant": "dELi"}, _of_deli),
    "minimum amount": ({"minimum_amount": 23.85}, lambda row: abs(row.amount) >= 2_385),
    "maximum amount": ({"maximum_amount": "6.75"}, lambda row: abs(row.amount) <= 675),
    "minimum and maximum amount": (
        {"minimum_amount": 4, "maximum_amount": 10},
        lambda row: 400 <= abs(row.amount) <= 1_000,
    ),
    "incoming money": ({"direction": "in"}, lambda row: row.amount > 0),
    "outgoing money": ({"direction": "out"}, lambda row: row.amount < 0),
    "several filters": (
        {"direction": "out", "merchant": "Deli", "minimum_amount": 5, "category": "eating_out"},
        _of_deli,
    ),
}


def matching(rows: Iterable[Transaction], **fields: object) -> list[str]:
    """Return the ids of the transactions that match the filters of a call."""
    call = GET_TRANSACTIONS_SCHEMA({"account": "device", **fields})
    matches = record_filter(call, "GBP")
    return [record.id for record in records(rows) if matches(record)]


def test_each_filter_selects_its_transactions(
    home: Household, bank: Bank, subtests: pytest.Subtests
) -> None:
    rows = bank.transactions(home.joint.id)
    for name, (fields, expected) in FILTERS.items():
        with subtests.test(name):
            selected = [row.id for row in rows if expected(row)]
            assert matching(rows, **fields) == selected
            assert 0 < len(selected) < len(rows)


def test_a_merchant_is_also_found_by_its_ids(home: Household, bank: Bank) -> None:
    row = bank.pay(home.joint.id, -500, merchant="Copper Kettle")
    assert row.merchant is not None
    rows = bank.transactions(home.joint.id)
    by_name = matching(rows, merchant="Copper Kettle")
    assert row.id in by_name
    for merchant in (row.merchant.id, row.merchant.group_id):
        assert matching(rows, merchant=merchant) == by_name


def test_a_split_payment_is_in_each_of_its_categories(home: Household, bank: Bank) -> None:
    parts = {"groceries": -2_000, "gifts": -1_000}
    row = bank.pay(home.joint.id, -3_000, category="groceries", categories=parts)
    for category in parts:
        assert matching([row], category=category) == [row.id]


def test_declined_payments_are_left_out_by_default(home: Household, bank: Bank) -> None:
    row = bank.decline(home.joint.id, -99_900)
    assert matching([row]) == []
    assert matching([row], include_declined=True) == [row.id]


def test_filters_with_invalid_amounts_are_refused(subtests: pytest.Subtests) -> None:
    for field in ("minimum_amount", "maximum_amount"):
        for amount in (0, -5, "ten", "1.005", None, float("inf")):
            with subtests.test(field=field, amount=amount):
                with pytest.raises(ServiceValidationError) as error:
                    matching([], **{field: amount})
                assert error.value.translation_key == "invalid_amount"
    with pytest.raises(ServiceValidationError) as error:
        matching([], minimum_amount=10.01, maximum_amount=10)
    assert error.value.translation_key == "minimum_above_maximum"
    assert error.value.translation_placeholders == {
        "minimum": "10.01 GBP",
        "maximum": "10.00 GBP",
    }
    # They may be equal.
    assert matching([], minimum_amount=10, maximum_amount=10) == []


# Spending in groups


def spending(rows: Iterable[Transaction], by: Grouping) -> GroupedSpending:
    """Return the spending for these transactions, in groups."""
    grouped = GroupedSpending(by=by, currency="GBP")
    for record in records(rows):
        grouped.add(record)
    return grouped


def in_groups(rows: Iterable[Transaction], by: Grouping) -> list[tuple[str, float, int]]:
    """Return the name, the amount and the number of transactions of each group, in order."""
    return [
        (group[by.value], group["amount"], group["transactions"])
        for group in spending(rows, by).groups()
    ]


def test_spending_equals_the_ledger_in_every_grouping(
    home: Household, bank: Bank, subtests: pytest.Subtests
) -> None:
    rows = bank.transactions(home.current.id)
    total = sum(map(cost, rows))
    counted = [row for row in rows if cost(row)]
    assert total > 50_000
    for by in Grouping:
        with subtests.test(by.value):
            assert spending(rows, by).total == total / 100
            result = in_groups(rows, by)
            if by is Grouping.NONE:
                assert result == []
            else:
                assert sum(round(amount * 100) for _, amount, _ in result) == total
                assert sum(count for _, _, count in result) == len(counted)


def test_categories_are_ordered_by_amount(home: Household, bank: Bank) -> None:
    account = home.joint.id
    rows = [
        bank.pay(account, -1_000, category="gifts"),
        bank.pay(
            account, -3_000, category="groceries", categories={"groceries": -1_800, "gifts": -1_200}
        ),
        bank.direct_debit(account, -9_999, category="bills"),
    ]
    assert in_groups(rows, Grouping.CATEGORY) == [
        ("bills", 99.99, 1),
        ("gifts", 22.0, 2),
        ("groceries", 18.0, 1),
    ]


def test_a_split_payment_counts_once_for_its_merchant(home: Household, bank: Bank) -> None:
    account = home.joint.id
    parts = {"groceries": -1_800, "gifts": -1_200}
    rows = [
        bank.pay(account, -3_000, category="groceries", categories=parts),
        bank.direct_debit(account, -1_000, payee="Brightside Energy"),
    ]
    assert in_groups(rows, Grouping.MERCHANT) == [
        ("Deli", 30.0, 1),
        ("Brightside Energy", 10.0, 1),
    ]


def test_only_payments_and_refunds_are_spending(home: Household, bank: Bank) -> None:
    account = home.joint.id
    before = len(bank.transactions(account))
    bank.deposit(home.house.id, account, 5_000, "in")
    bank.receive(account, 100_000)
    bank.decline(account, -7_000)
    bank.pay(account, 0)
    bank.pay(account, -2_000, merchant="Bookworm")
    bank.refund(account, 500, merchant="Bookworm")
    bank.refund(account, 4_000, merchant="Gadget Shed")
    rows = bank.transactions(account)[before:]
    assert in_groups(rows, Grouping.MERCHANT) == [("Bookworm", 15.0, 2), ("Gadget Shed", -40.0, 1)]
    assert spending(rows, Grouping.MERCHANT).total == -25.0


async def test_days_are_local_and_in_order(
    hass: HomeAssistant, home: Household, bank: Bank
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    midnight = (dt_util.start_of_local_day() - timedelta(days=3)).astimezone(UTC)
    rows = [
        bank.pay(home.rewards.id, amount, at=midnight + timedelta(seconds=seconds))
        for seconds, amount in ((3_600, -400), (0, -200), (-1, -100))
    ]
    day = dt_util.as_local(midnight).date()
    assert in_groups(rows, Grouping.DAY) == [
        ((day - timedelta(days=1)).isoformat(), 1.0, 1),
        (day.isoformat(), 6.0, 2),
    ]


def test_many_small_amounts_add_up_exactly(home: Household, bank: Bank) -> None:
    rows = [bank.pay(home.joint.id, -10) for _ in range(103)]
    assert spending(rows, Grouping.DAY).total == 10.3


# Invalid fields


def test_an_invalid_field_is_named(subtests: pytest.Subtests) -> None:
    valid = {"account": "device"}
    cases: tuple[tuple[vol.Schema, str, object], ...] = (
        (GET_TRANSACTIONS_SCHEMA, "limit", 0),
        (GET_TRANSACTIONS_SCHEMA, "limit", -1),
        (GET_TRANSACTIONS_SCHEMA, "limit", 1001),
        (GET_TRANSACTIONS_SCHEMA, "limit", "many"),
        (GET_TRANSACTIONS_SCHEMA, "category", ""),
        (GET_TRANSACTIONS_SCHEMA, "merchant", "  "),
        (GET_TRANSACTIONS_SCHEMA, "merchant", None),
        (GET_TRANSACTIONS_SCHEMA, "direction", "up"),
        (GET_TRANSACTIONS_SCHEMA, "include_declined", "perhaps"),
        (GET_TRANSACTIONS_SCHEMA, "since", "yesterday"),
        (GET_TRANSACTIONS_SCHEMA, "since", 12),
        (GET_TRANSACTIONS_SCHEMA, "since", "0001-01-01T00:00:00+14:00"),
        (GET_TRANSACTIONS_SCHEMA, "until", "2026-11-01"),
        (GET_SPENDING_SCHEMA, "by", "planet"),
        (GET_SPENDING_SCHEMA, "before", None),
        (ANNOTATE_SCHEMA, "transaction_id", None),
        (ANNOTATE_SCHEMA, "transaction_id", " "),
        (ANNOTATE_SCHEMA, "notes", None),
        (ANNOTATE_SCHEMA, "metadata", "x"),
        (ANNOTATE_SCHEMA, "metadata", {"": "x"}),
        (ANNOTATE_SCHEMA, "metadata", {"a": {"b": "c"}}),
    )
    assert ANNOTATE_SCHEMA({**valid, "transaction_id": "tx_1"})
    with pytest.raises(vol.Invalid, match="transaction_id"):
        ANNOTATE_SCHEMA(valid)
    for schema, field, value in cases:
        needed = {"transaction_id": "tx_1"} if schema is ANNOTATE_SCHEMA else {}
        with subtests.test(field=field, value=value), pytest.raises(vol.Invalid, match=field):
            schema({**valid, **needed, field: value})


# Get transactions


async def test_the_last_thirty_days_are_returned_newest_first(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.joint)
    )
    since, before = (datetime.fromisoformat(response[key]) for key in ("since", "before"))
    rows = [row for row in ledger(bank, home.joint, since) if not row.decline_reason]
    assert len(rows) > 25
    assert ids(response) == [row.id for row in rows]
    assert response["complete"] is True
    assert (response["account_id"], response["currency"]) == (home.joint.id, "GBP")
    assert before - since == timedelta(days=30)


async def test_a_transaction_is_returned_with_all_its_fields(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.current.id, -1_234, merchant="Deli", notes="lunch", category="groceries")
    picture = bank.attach(row.id, home.ann, "https://pictures.example/1.jpg", "image/jpeg")
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.current), limit=2
    )
    round_up, payment = response["transactions"]
    assert row.merchant is not None
    assert payment == {
        "transaction_id": row.id,
        "kind": "card_payment",
        "name": "Deli",
        "amount": -12.34,
        "currency": "GBP",
        "local_amount": None,
        "local_currency": None,
        "description": " ".join(row.description.split()),
        "merchant": "Deli",
        "merchant_id": row.merchant.id,
        "merchant_group_id": row.merchant.group_id,
        "emoji": "🥪",
        "logo": None,
        "category": "groceries",
        "categories": {"groceries": -12.34},
        "counts_as_spending": True,
        "notes": "lunch",
        "tags": [],
        "counterparty": None,
        "pot": None,
        "pending": True,
        "declined": False,
        "decline_reason": None,
        "created": payment["created"],
        "settled": None,
        "round_up_of": None,
        "attachments": [
            {
                "attachment_id": picture.id,
                "url": "https://pictures.example/1.jpg",
                "file_type": "image/jpeg",
            }
        ],
    }
    # The bank sends milliseconds.
    created = datetime.fromisoformat(payment["created"])
    assert timedelta(0) <= row.created - created < timedelta(milliseconds=1)
    assert (round_up["kind"], round_up["pot"], round_up["name"]) == (
        "round_up",
        "Coin jar",
        "Coin jar",
    )
    assert (round_up["amount"], round_up["pending"]) == (-0.66, False)
    assert round_up["round_up_of"] == row.id


async def test_a_declined_payment_is_returned_with_its_reason(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    declined = bank.decline(home.joint.id, -99_900)
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.joint), include_declined=True, limit=1
    )
    (transaction,) = response["transactions"]
    assert transaction["transaction_id"] == declined.id
    assert (transaction["declined"], transaction["decline_reason"]) == (True, "INSUFFICIENT_FUNDS")


async def test_a_closed_pot_is_returned_with_its_name(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    advance_time: AdvanceTime,
) -> None:
    bank.close_pot(home.holiday.id)
    await advance_time(timedelta(hours=2))
    assert entity_id(hass, home.holiday.id, "pot_balance") is None
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.current), limit=1
    )
    (transaction,) = response["transactions"]
    assert (transaction["kind"], transaction["pot"], transaction["name"]) == (
        "pot_withdrawal",
        "Holiday",
        "Holiday",
    )


async def test_responses_can_be_sent_to_a_browser(
    transfer_client: TransferClient, home: Household
) -> None:
    for action in READING:
        assert json_bytes(
            await transfer_client.call(action, account=transfer_client.device(home.current))
        )


async def test_a_response_without_a_matching_transaction_is_complete(
    transfer_client: TransferClient, home: Household
) -> None:
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.joint), merchant="nowhere"
    )
    assert response["transactions"] == []
    assert response["complete"] is True


async def test_every_open_account_can_be_read(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    for account in (home.current, home.joint, home.flex, home.rewards):
        row = bank.pay(account.id, -100)
        response = await transfer_client.call(
            GET_TRANSACTIONS, account=transfer_client.device(account)
        )
        assert row.id in ids(response)
    # The bank lists no transactions for a loan.
    assert (
        ids(await transfer_client.call(GET_TRANSACTIONS, account=transfer_client.device(home.loan)))
        == []
    )


async def test_an_account_in_another_currency_has_the_decimals_of_that_currency(
    transfer_client: TransferClient, home: Household, bank: Bank, advance_time: AdvanceTime
) -> None:
    # The requests of the set-up no longer count for the request budget.
    await advance_time(timedelta(minutes=6))
    yen = bank.open_account(home.ann, currency="JPY", balance=100_000)
    row = bank.pay(yen.id, -1_234)
    assert await transfer_client.hass.config_entries.async_reload(transfer_client.entry.entry_id)
    account = transfer_client.device(yen)
    assert (await transfer_client.call(GET_SPENDING, account=account))["total"] == 1234
    response = await transfer_client.call(GET_TRANSACTIONS, account=account, minimum_amount=1234)
    assert ids(response) == [row.id]
    with refused() as refusal:
        await transfer_client.call(GET_TRANSACTIONS, account=account, minimum_amount="1234.5")
    placeholders = refusal.error.translation_placeholders or {}
    assert (placeholders["currency"], placeholders["decimals"]) == ("JPY", "0")


# The period that is read


async def test_the_start_of_a_span_is_inclusive_and_its_end_exclusive(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    since, before = (ago(days=days).replace(microsecond=0) for days in (20, 10))
    too_early = bank.pay(home.joint.id, -1, at=since - timedelta(milliseconds=1))
    first = bank.pay(home.joint.id, -2, at=since)
    last = bank.pay(home.joint.id, -3, at=before - timedelta(milliseconds=1))
    too_late = bank.pay(home.joint.id, -4, at=before)
    span = {"since": since.isoformat(), "before": before.isoformat()}
    account = transfer_client.device(home.joint)

    response = await transfer_client.call(GET_TRANSACTIONS, account=account, **span)
    assert (ids(response)[0], ids(response)[-1]) == (last.id, first.id)
    assert not {too_early.id, too_late.id} & set(ids(response))
    assert (response["since"], response["before"]) == (span["since"], span["before"])

    spent = await transfer_client.call(GET_SPENDING, account=account, **span)
    assert (spent["since"], spent["before"]) == (span["since"], span["before"])
    within = [row for row in ledger(bank, home.joint, since) if row.created < before]
    assert spent["total"] == sum(map(cost, within)) / 100


@dataclass(frozen=True)
class ExclusiveSince(Fault):
    """A bank that does not list transactions made at the very moment of `since`."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        whole = await exchange.work()
        listed = json.loads(whole.text or "")["transactions"]
        since = datetime.fromisoformat(exchange.request.query["since"])
        after = [row for row in listed if datetime.fromisoformat(row["created"]) > since]
        return web.json_response({"transactions": after})


async def test_the_start_is_inclusive_even_if_the_bank_treats_it_as_exclusive(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    first = ago(days=2).replace(microsecond=0)
    row = bank.pay(home.rewards.id, -250, at=first)
    span = {"account": transfer_client.device(home.rewards), "since": first}
    server.fail("GET", "/transactions", ExclusiveSince(), times=None)
    assert ids(await transfer_client.call(GET_TRANSACTIONS, **span)) == [row.id]
    assert (await transfer_client.call(GET_SPENDING, **span))["total"] == 2.5


async def test_without_an_end_a_payment_dated_in_the_future_is_returned(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    """The clock of the bank may be ahead of Home Assistant's."""
    row = bank.pay(home.joint.id, -350, at=ago(minutes=-2))
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.joint), limit=1
    )
    assert ids(response) == [row.id]


async def test_a_whole_year_can_be_read_just_after_a_sign_in(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    first = bank.pay(home.joint.id, -350, at=ago(days=365, hours=20))
    span = {"account": transfer_client.device(home.joint), "since": ago(days=366)}
    response = await transfer_client.call(GET_TRANSACTIONS, limit=1000, **span)
    assert ids(response) == [
        row.id for row in ledger(bank, home.joint, ago(days=367)) if not row.decline_reason
    ]
    assert ids(response)[-1] == first.id
    spent = await transfer_client.call(GET_SPENDING, by="day", **span)
    assert spent["groups"][0]["transactions"] == 1


async def test_an_impossible_span_is_refused_without_a_request(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    account, sent = transfer_client.device(home.joint), len(server.requests)
    for action in READING:
        with refused() as refusal:
            await transfer_client.call(action, account=account, since=ago(days=367))
        assert refusal.key == "span_too_long"
        with refused() as refusal:
            await transfer_client.call(
                action, account=account, since=ago(days=1), before=ago(days=2)
            )
        assert refusal.key == "since_not_before"
    assert len(server.requests) == sent


async def test_older_history_is_refused_some_minutes_after_a_sign_in(
    advance_time: AdvanceTime, transfer_client: TransferClient, home: Household
) -> None:
    account = transfer_client.device(home.joint)
    for action in READING:
        await transfer_client.call(action, account=account, since=ago(days=100))
    await advance_time(timedelta(minutes=6))
    for action in READING:
        with refused() as refusal:
            await transfer_client.call(action, account=account, since=ago(days=100))
        assert refusal.key == "history_too_old"
        assert "89 days" in refusal.text
        assert not isinstance(refusal.error, ServiceValidationError)
        await transfer_client.call(action, account=account, since=ago(days=89))


@pytest.mark.parametrize("limit", [timedelta(days=89), timedelta(days=90)], ids=str)
async def test_89_days_can_be_read_whatever_the_exact_limit_of_the_bank_is(
    server: BankServer,
    advance_time: AdvanceTime,
    transfer_client: TransferClient,
    home: Household,
    limit: timedelta,
) -> None:
    server.behaviour = replace(server.behaviour, later_history=limit)
    await advance_time(timedelta(minutes=6))
    for action in READING:
        await transfer_client.call(
            action, account=transfer_client.device(home.joint), since=ago(days=89)
        )


# The limit


async def test_a_response_with_more_matches_than_the_limit_is_not_complete(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    account, since = transfer_client.device(home.joint), ago(days=3)
    rows = ledger(bank, home.joint, since)
    for limit, complete in ((len(rows) - 1, False), (len(rows), True), (len(rows) + 1, True)):
        response = await transfer_client.call(
            GET_TRANSACTIONS, account=account, since=since, limit=limit
        )
        assert response["complete"] is complete
        assert ids(response) == [row.id for row in rows][:limit]


async def test_the_newest_few_take_one_request_for_a_short_span(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    sent = len(server.requests)
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.current), limit=3
    )
    (request,) = server.requests[sent:]
    assert request.path == "/transactions"
    assert datetime.fromisoformat(request.query["since"]) > ago(days=4)
    assert len(response["transactions"]) == 3


async def test_a_rare_transaction_is_found_with_few_requests(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    old = bank.pay(home.current.id, -999, merchant="Sock Shop", at=ago(days=29))
    sent = len(server.requests)
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.current), limit=1, merchant="sock"
    )
    assert ids(response) == [old.id]
    assert response["complete"] is True
    assert len(server.requests) - sent <= 6


async def test_several_pages_are_read_and_each_transaction_is_returned_once(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    # Three at a time have the same timestamp, also where a page ends.
    for number in range(350):
        bank.pay(home.joint.id, -1 - number, at=ago(minutes=1000 - number // 3))
    sent = len(server.requests)
    response = await transfer_client.call(
        GET_TRANSACTIONS, account=transfer_client.device(home.joint), limit=1000
    )
    assert len(ids(response)) == len(set(ids(response)))
    since = datetime.fromisoformat(response["since"])
    assert set(ids(response)) == {row.id for row in ledger(bank, home.joint, since)}
    assert 4 <= len(server.requests) - sent <= 5
    created = [row["created"] for row in response["transactions"]]
    assert created == sorted(created, reverse=True)


async def test_a_response_is_not_complete_if_a_transaction_cannot_be_read(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    def spoil(data: dict[str, Any]) -> dict[str, Any]:
        data["transactions"][-1]["amount"] = "much"
        return data

    account = transfer_client.device(home.joint)
    newest, second = ledger(bank, home.joint, ago(days=30))[:2]
    server.fail("GET", "/transactions", Edited(spoil), times=2)
    response = await transfer_client.call(GET_TRANSACTIONS, account=account)
    assert response["complete"] is False
    assert newest.id not in ids(response)
    assert ids(response)[0] == second.id
    assert (await transfer_client.call(GET_SPENDING, account=account))["complete"] is False


# Get spending


async def test_spending_equals_the_ledger(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    since = ago(days=55)
    total = sum(map(cost, ledger(bank, home.current, since)))
    response = await transfer_client.call(
        GET_SPENDING, account=transfer_client.device(home.current), since=since
    )
    assert response["total"] == total / 100
    assert response["complete"] is True
    assert (response["account_id"], response["currency"]) == (home.current.id, "GBP")
    # By category, unless the call says otherwise.
    amounts = groups(response, "category").values()
    assert sum(round(amount * 100) for amount, _count in amounts) == total

    ungrouped = await transfer_client.call(
        GET_SPENDING, account=transfer_client.device(home.current), since=since, by="none"
    )
    assert (ungrouped["total"], ungrouped["groups"]) == (total / 100, [])


# The account


@dataclass(frozen=True)
class ForOneAccount(Fault):
    """Another fault, but only for requests about one account."""

    account_id: str
    fault: Fault

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if exchange.request.query.get("account_id") == self.account_id:
            return await self.fault.answer(exchange)
        return await exchange.work()


async def test_the_device_must_be_an_account(
    transfer_client: TransferClient,
    home: Household,
    ann: MockConfigEntry,
    subtests: pytest.Subtests,
) -> None:
    person = dr.async_get(transfer_client.hass).async_get_device_by_identifier(
        (DOMAIN, home.ann.user_id), ann.entry_id
    )
    assert person is not None
    for action, fields in ALL_ACTIONS.items():
        for device, key in (
            (transfer_client.device(home.holiday), "not_an_account"),
            (person.id, "not_an_account"),
            ("", "service_device_not_found"),
            ("no such device", "service_device_not_found"),
        ):
            with subtests.test(action=action, device=device):
                with refused() as refusal:
                    await transfer_client.call(action, account=device, **fields)
                assert refusal.key == key


async def test_an_account_without_data_is_refused(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    account = transfer_client.device(home.current)
    server.fail("GET", "/balance", ForOneAccount(home.current.id, Answer.html(502)), times=None)
    await transfer_client.entry.runtime_data.balances.async_refresh()
    for action, fields in ALL_ACTIONS.items():
        with refused() as refusal:
            await transfer_client.call(action, account=account, **fields)
        assert refusal.key == "cannot_be_read"

    assert await transfer_client.hass.config_entries.async_unload(transfer_client.entry.entry_id)
    for action, fields in ALL_ACTIONS.items():
        with refused() as refusal:
            await transfer_client.call(action, account=account, **fields)
        assert refusal.key == "service_config_entry_not_loaded"


async def test_a_call_as_soon_as_the_balance_is_there_waits_for_the_other_entities(
    transfer_client: TransferClient, home: Household, advance_time: AdvanceTime
) -> None:
    # The requests of the set-up no longer count for the request budget.
    await advance_time(timedelta(minutes=6))
    hass, entry = transfer_client.hass, transfer_client.entry
    account = transfer_client.device(home.current)
    balance = entity_id(hass, home.current.id, "balance")
    assert balance
    calls: list[asyncio.Task[ServiceResponse]] = []
    states: list[ConfigEntryState] = []

    @callback
    def on_state(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state and state.state != STATE_UNAVAILABLE:
            states.append(entry.state)
            call = transfer_client.call(GET_TRANSACTIONS, account=account)
            calls.append(hass.async_create_task(call))

    async_track_state_change_event(hass, balance, on_state)
    await hass.config_entries.async_reload(entry.entry_id)
    assert states == [ConfigEntryState.SETUP_IN_PROGRESS]
    (response,) = await asyncio.gather(*calls)
    assert response
    assert response["transactions"]


async def test_every_user_can_read_and_only_administrators_can_annotate(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    row = bank.pay(home.current.id, -100)

    async def call(action: str, user: MockUser, **fields: Any) -> ServiceResponse:
        return await transfer_client.hass.services.async_call(
            DOMAIN,
            action,
            {"account": transfer_client.device(home.current), **fields},
            blocking=True,
            context=Context(user_id=user.id),
            return_response=True,
        )

    for action in READING:
        assert await call(action, hass_read_only_user)
    with pytest.raises(Unauthorized):
        await call(ANNOTATE, hass_read_only_user, transaction_id=row.id, notes="mine")
    assert row.notes == ""
    await call(ANNOTATE, hass_admin_user, transaction_id=row.id, notes="mine")
    assert row.notes == "mine"


async def test_only_the_response_of_annotating_is_optional(transfer_client: TransferClient) -> None:
    supported = {
        action: transfer_client.hass.services.supports_response(DOMAIN, action)
        for action in ALL_ACTIONS
    }
    assert supported == {
        GET_TRANSACTIONS: SupportsResponse.ONLY,
        GET_SPENDING: SupportsResponse.ONLY,
        ANNOTATE: SupportsResponse.OPTIONAL,
    }


# Errors of the bank


async def test_each_error_of_the_bank_has_a_message(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    subtests: pytest.Subtests,
    advance_time: AdvanceTime,
) -> None:
    # The requests of the set-up no longer count for the request budget.
    await advance_time(timedelta(minutes=6))
    invalid_range = Answer.error("bad_request.bad_time_range", "Not like this")
    faults: tuple[tuple[str, Fault, str], ...] = (
        ("forbidden", Answer.error("forbidden.insufficient_permissions"), "not_permitted"),
        ("too old", Answer.error("forbidden.verification_required"), "history_too_old"),
        ("unknown", Answer.error("not_found"), "not_found"),
        ("rejected", invalid_range, "rejected"),
        ("broken connection", DropBefore(), "no_answer"),
        ("proxy", Answer.html(502), "no_answer"),
        ("internal error", Answer.error("internal_service"), "no_answer"),
        ("garbage", Answer.garbage(), "unexpected_answer"),
        ("another shape", Answer.json([]), "unexpected_answer"),
        ("rate limit", Answer.rate_limited("77"), "asked_to_wait"),
        # Last, because each of these changes how the integration sends its next requests.
        ("refused token", Answer.error("unauthorized.bad_access_token"), "token_refused"),
        ("evicted", Answer.error("unauthorized.bad_access_token.evicted"), "action_needs_sign_in"),
    )
    for name, fault, key in faults:
        with subtests.test(name):
            handle = server.fail("GET", "/transactions", fault, times=None)
            with refused() as refusal:
                await transfer_client.call(
                    GET_TRANSACTIONS, account=transfer_client.device(home.current)
                )
            handle.clear()
            assert refusal.key == key
            assert not isinstance(refusal.error, ServiceValidationError)
            if fault is invalid_range:
                assert "Not like this" in refusal.text
            if key == "asked_to_wait":
                assert "77 seconds" in refusal.text
                await advance_time(timedelta(minutes=6))
        if key != "action_needs_sign_in":
            assert not transfer_client.asked_to_sign_in
    assert transfer_client.asked_to_sign_in


async def test_every_action_reports_errors_of_the_bank(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("*", "/transactions*", Answer.html(502), times=None)
    for action, fields in ALL_ACTIONS.items():
        with refused() as refusal:
            await transfer_client.call(
                action, account=transfer_client.device(home.current), **fields
            )
        assert refusal.key == "no_answer"


async def test_an_unreachable_bank_has_its_own_message(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await server.stop()
    with refused():
        # The first request finds that the open connection is broken.
        await transfer_client.call(GET_TRANSACTIONS, account=transfer_client.device(home.current))
    with refused() as refusal:
        await transfer_client.call(GET_TRANSACTIONS, account=transfer_client.device(home.current))
    assert refusal.key == "cannot_connect"


async def test_a_token_that_cannot_be_renewed_at_the_moment_is_no_reason_to_sign_in(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    for fault in (DropBefore(), Answer.html(502)):
        server.expire_access_token(home.ann)
        server.fail("POST", "/oauth2/token", fault)
        with refused() as refusal:
            await transfer_client.call(
                GET_TRANSACTIONS, account=transfer_client.device(home.current)
            )
        assert refusal.key == "cannot_connect"
    assert not transfer_client.asked_to_sign_in


# Privacy


async def test_the_logs_contain_no_private_data(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    server: BankServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = bank.pay(home.current.id, -123_45, merchant="Deli", notes="a secret")
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    account = transfer_client.device(home.current)
    for action in READING:
        await transfer_client.call(action, account=account)
    await transfer_client.call(ANNOTATE, account=account, transaction_id=row.id, notes="hush")
    server.fail("*", "/transactions*", Answer.html(502), times=None)
    for action, fields in ALL_ACTIONS.items():
        with refused():
            await transfer_client.call(action, account=account, **fields)
    secrets = {"123.45", "12345", "Deli", "secret", "hush", row.id, home.current.id, "Ann"}
    lines = [
        record.getMessage() + (record.exc_text or "")
        for record in caplog.records
        # Home Assistant logs every action that is called, if it is set to log everything.
        if record.name != "homeassistant.core"
    ]
    assert any("GET transactions" in line for line in lines)
    assert not [line for line in lines if any(secret in line for secret in secrets)]


# The examples of the documentation


def example_below(heading: str) -> str:
    """Return the only example below a heading of the page about actions."""
    ((language, text),) = FENCE.findall(PAGES["actions.md"].section(heading))
    assert language == "yaml"
    return str(text)


async def run(
    transfer_client: TransferClient, example: str, account: Account
) -> list[dict[str, Any]]:
    """Run an example as a script, and return the notifications that it creates."""
    hass = transfer_client.hass
    assert await async_setup_component(hass, "persistent_notification", {})
    sequence = yaml.safe_load(example.replace(ACCOUNT, transfer_client.device(account)))
    assert await async_setup_component(
        hass, "script", {"script": {"example": {"sequence": sequence}}}
    )
    await hass.services.async_call("script", "example", blocking=True)
    notifications: dict[str, Any] = hass.data["persistent_notification"]
    return list(notifications.values())


async def test_the_example_of_larger_payments_works(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.pay(home.current.id, -12_050, merchant="Gadget Shed")
    bank.pay(home.current.id, -4_999, merchant="Bookworm")
    (notification,) = await run(transfer_client, example_below("Get transactions"), home.current)
    assert "- Gadget Shed: 120.5 GBP" in notification["message"]
    assert "Bookworm" not in notification["message"]


async def test_the_example_of_monthly_spending_works(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.pay(home.current.id, -300_000, category="holidays")
    month = dt_util.start_of_local_day().replace(day=1)
    by_category: Counter[str] = Counter()
    for row in ledger(bank, home.current, month):
        by_category[row.category] += cost(row)
    (notification,) = await run(transfer_client, example_below("Get spending"), home.current)
    assert notification["title"] == f"Spent this month: {by_category.total() / 100} GBP"
    assert notification["message"].splitlines()[0].strip() == "- holidays: 3000.0"


async def test_the_example_of_automatic_notes_works(
    advance_time: AdvanceTime, transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    text = example_below("Annotate transaction").replace(
        ACCOUNT, transfer_client.device(home.current)
    )
    automation = yaml.safe_load(text)
    await advance_time(timedelta(minutes=6))
    assert await async_setup_component(
        transfer_client.hass, "automation", {"automation": automation}
    )
    await transfer_client.hass.async_block_till_done()
    lunch = bank.pay(home.current.id, -1_250, merchant="Deli")
    await advance_time(timedelta(minutes=2))
    book = bank.pay(home.current.id, -1_250, merchant="Bookworm")
    await advance_time(timedelta(minutes=2))
    assert (lunch.notes, book.notes) == ("Business lunch #expenses", "")
