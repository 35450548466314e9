"""Reading transactions, adding up what was spent, and writing notes, by actions."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import json
import logging
from typing import Any, override

from aiohttp import web
from homeassistant.core import Context, HomeAssistant, ServiceResponse, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_bytes
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol
import yaml

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Edited, Exchange, Fault
from sandbox.household import Household
from sandbox.models import Account, Transaction
from sandbox.server import BankServer
from tests.conftest import LetPass
from tests.helpers.state_helpers import entity_id
from tests.helpers.transfer_client import Teller, refused
from tests.test_docs import ACCOUNT, FENCE, PAGES

GET_TRANSACTIONS = "get_transactions"
GET_SPENDING = "get_spending"
ANNOTATE = "annotate_transaction"

READING = (GET_TRANSACTIONS, GET_SPENDING)


def ago(**time: float) -> datetime:
    """Return a moment in the past."""
    return dt_util.utcnow() - timedelta(**time)


def rows(bank: Bank, account: Account, since: datetime) -> list[Transaction]:
    """Return what the ledger has of an account from a moment on, the newest first."""
    return [row for row in reversed(bank.transactions(account.id)) if row.created >= since]


def ids(answer: dict[str, Any]) -> list[str]:
    """Return the ids of the transactions in an answer, in its order."""
    return [row["transaction_id"] for row in answer["transactions"]]


def groups(answer: dict[str, Any], by: str) -> dict[str, tuple[float, int]]:
    """Return the amount and the count of each group, in the order of the answer."""
    return {group[by]: (group["amount"], group["transactions"]) for group in answer["groups"]}


# Which transactions


async def test_the_last_thirty_days_are_read_newest_first(
    teller: Teller, home: Household, bank: Bank
) -> None:
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.joint))
    made = [row for row in rows(bank, home.joint, ago(days=30)) if not row.decline_reason]
    assert len(made) > 25
    assert ids(answer) == [row.id for row in made]
    assert answer["complete"] is True
    assert (answer["account_id"], answer["currency"]) == (home.joint.id, "GBP")
    since, before = (datetime.fromisoformat(answer[key]) for key in ("since", "before"))
    assert before - since == timedelta(days=30)
    assert timedelta(0) <= dt_util.utcnow() - before < timedelta(minutes=1)


async def test_a_transaction_is_told_in_full(teller: Teller, home: Household, bank: Bank) -> None:
    row = bank.pay(home.current.id, -1_234, merchant="Deli", notes="lunch", category="groceries")
    picture = bank.attach(row.id, home.ann, "https://pictures.example/1.jpg", "image/jpeg")
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.current), limit=2)
    round_up, told = answer["transactions"]
    assert row.merchant is not None
    assert told == {
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
        "notes": "lunch",
        "counterparty": None,
        "pot": None,
        "pending": True,
        "declined": False,
        "decline_reason": None,
        "created": told["created"],
        "settled": None,
        "attachments": [
            {
                "attachment_id": picture.id,
                "url": "https://pictures.example/1.jpg",
                "file_type": "image/jpeg",
            }
        ],
    }
    assert abs(datetime.fromisoformat(told["created"]) - row.created) < timedelta(seconds=1)
    assert (round_up["kind"], round_up["pot"], round_up["name"]) == (
        "round_up",
        "Coin jar",
        "Coin jar",
    )
    assert (round_up["amount"], round_up["pending"]) == (-0.66, False)


async def test_a_pot_that_was_closed_keeps_its_name(
    hass: HomeAssistant, teller: Teller, home: Household, bank: Bank, let_pass: LetPass
) -> None:
    bank.close_pot(home.holiday.id)
    await let_pass(timedelta(hours=2))
    assert entity_id(hass, home.holiday.id, "pot_balance") is None
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.current), limit=1)
    (told,) = answer["transactions"]
    assert (told["kind"], told["pot"], told["name"]) == ("pot_withdrawal", "Holiday", "Holiday")


async def test_the_answer_can_be_sent_to_a_browser(teller: Teller, home: Household) -> None:
    for action in READING:
        answer = await teller.call(action, account=teller.device(home.current))
        assert json_bytes(answer)


async def test_declined_ones_are_left_out_unless_asked_for(
    teller: Teller, home: Household, bank: Bank
) -> None:
    declined = bank.decline(home.joint.id, -99_900)
    account = teller.device(home.joint)
    assert declined.id not in ids(await teller.call(GET_TRANSACTIONS, account=account))
    answer = await teller.call(GET_TRANSACTIONS, account=account, include_declined=True)
    assert ids(answer)[0] == declined.id
    assert answer["transactions"][0]["declined"] is True
    assert answer["transactions"][0]["decline_reason"] == "INSUFFICIENT_FUNDS"


FILTERS: dict[str, tuple[dict[str, Any], Callable[[Transaction], bool]]] = {
    "a category": ({"category": "groceries"}, lambda row: row.category == "groceries"),
    "a merchant by a part of its name": (
        {"merchant": "mARKet"},
        lambda row: row.merchant is not None and row.merchant.name == "Greens Market",
    ),
    "a least amount": ({"minimum_amount": 23.85}, lambda row: abs(row.amount) >= 2_385),
    "a greatest amount": ({"maximum_amount": "6.75"}, lambda row: abs(row.amount) <= 675),
    "both": (
        {"minimum_amount": 4, "maximum_amount": 10},
        lambda row: 400 <= abs(row.amount) <= 1_000,
    ),
    "money in": ({"direction": "in"}, lambda row: row.amount > 0),
    "money out": ({"direction": "out"}, lambda row: row.amount < 0),
    "all at once": (
        {"direction": "out", "merchant": "Deli", "minimum_amount": 5, "category": "eating_out"},
        lambda row: row.merchant is not None and row.merchant.name == "Deli",
    ),
    "a text with blanks around it": (
        {"category": " groceries\n"},
        lambda row: row.category == "groceries",
    ),
}


@pytest.mark.parametrize(("fields", "wanted"), FILTERS.values(), ids=FILTERS)
async def test_only_what_fits_is_told(
    teller: Teller,
    home: Household,
    bank: Bank,
    fields: dict[str, Any],
    wanted: Callable[[Transaction], bool],
) -> None:
    since = ago(days=50)
    answer = await teller.call(
        GET_TRANSACTIONS, account=teller.device(home.joint), since=since, **fields
    )
    made = rows(bank, home.joint, since)
    expected = [row.id for row in made if wanted(row)]
    assert ids(answer) == expected
    assert 0 < len(expected) < len(made)
    assert answer["complete"] is True


async def test_a_merchant_is_found_by_its_ids(teller: Teller, home: Household, bank: Bank) -> None:
    row = bank.pay(home.joint.id, -500, merchant="Copper Kettle")
    assert row.merchant is not None
    account = teller.device(home.joint)
    by_name = ids(await teller.call(GET_TRANSACTIONS, account=account, merchant="Copper Kettle"))
    assert row.id in by_name
    for merchant in (row.merchant.id, row.merchant.group_id):
        answer = await teller.call(GET_TRANSACTIONS, account=account, merchant=merchant)
        assert ids(answer) == by_name


async def test_a_split_payment_is_in_each_of_its_categories(
    teller: Teller, home: Household, bank: Bank
) -> None:
    row = bank.pay(
        home.joint.id,
        -3_000,
        category="groceries",
        categories={"groceries": -2_000, "gifts": -1_000},
    )
    for category in ("groceries", "gifts"):
        answer = await teller.call(
            GET_TRANSACTIONS, account=teller.device(home.joint), category=category
        )
        assert ids(answer)[0] == row.id


async def test_nothing_at_all_is_an_answer(teller: Teller, home: Household) -> None:
    answer = await teller.call(
        GET_TRANSACTIONS, account=teller.device(home.joint), merchant="nowhere"
    )
    assert answer["transactions"] == []
    assert answer["complete"] is True


# When


async def test_a_span_holds_its_first_moment_and_not_its_last(
    teller: Teller, home: Household, bank: Bank
) -> None:
    first, last = (ago(days=days).replace(microsecond=0) for days in (20, 10))
    at = {
        "early": bank.pay(home.joint.id, -1, at=first - timedelta(milliseconds=1)),
        "first": bank.pay(home.joint.id, -2, at=first),
        "late": bank.pay(home.joint.id, -3, at=last - timedelta(milliseconds=1)),
        "last": bank.pay(home.joint.id, -4, at=last),
    }
    span = {"since": first.isoformat(), "before": last.isoformat()}
    account = teller.device(home.joint)
    answer = await teller.call(GET_TRANSACTIONS, account=account, **span)
    assert ids(answer)[0] == at["late"].id
    assert ids(answer)[-1] == at["first"].id
    assert (answer["since"], answer["before"]) == (span["since"], span["before"])
    spent = await teller.call(GET_SPENDING, account=account, **span)
    assert (spent["since"], spent["before"]) == (span["since"], span["before"])
    within = [row for row in rows(bank, home.joint, first) if row.created < last]
    assert spent["total"] == sum(map(cost, within)) / 100


@dataclass(frozen=True)
class Exclusive(Fault):
    """A bank that lists what was made after `since`, and not what was made at that moment."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        whole = await exchange.work()
        listed = json.loads(whole.text or "")["transactions"]
        since = datetime.fromisoformat(exchange.request.query["since"])
        after = [row for row in listed if datetime.fromisoformat(row["created"]) > since]
        return web.json_response({"transactions": after})


async def test_a_bank_that_leaves_the_first_moment_out_makes_no_difference(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    first = ago(days=2).replace(microsecond=0)
    row = bank.pay(home.rewards.id, -250, at=first)
    span = {"account": teller.device(home.rewards), "since": first}
    server.fail("GET", "/transactions", Exclusive(), times=None)
    assert ids(await teller.call(GET_TRANSACTIONS, **span)) == [row.id]
    assert (await teller.call(GET_SPENDING, **span))["total"] == 2.5


async def test_without_since_it_is_thirty_days_before_the_end(
    teller: Teller, home: Household
) -> None:
    before = ago(days=20).replace(microsecond=0)
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.joint), before=before)
    assert answer["since"] == (before - timedelta(days=30)).isoformat()
    assert answer["transactions"]


@pytest.mark.parametrize(
    ("written", "hour"),
    [("{} 12:00:00", 3), ("{}T12:00", 3), ("{}T12:00-05:00", 17), ("{}T12:00Z", 12)],
)
async def test_times_without_a_zone_are_those_of_the_house(
    hass: HomeAssistant, teller: Teller, home: Household, written: str, hour: int
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    day = ago(days=5).date()
    answer = await teller.call(
        GET_TRANSACTIONS, account=teller.device(home.joint), since=written.format(day)
    )
    assert answer["since"] == f"{day}T{hour:02}:00:00+00:00"


async def test_a_payment_made_by_a_clock_ahead_of_ours_is_told(
    teller: Teller, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.joint.id, -350, at=ago(minutes=-2))
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.joint), limit=1)
    assert ids(answer) == [row.id]


async def test_a_year_can_be_read_just_after_signing_in(
    teller: Teller, home: Household, bank: Bank
) -> None:
    first = bank.pay(home.joint.id, -350, at=ago(days=365, hours=20))
    span = {"account": teller.device(home.joint), "since": ago(days=366)}
    answer = await teller.call(GET_TRANSACTIONS, limit=1000, **span)
    assert ids(answer) == [
        row.id for row in rows(bank, home.joint, ago(days=367)) if not row.decline_reason
    ]
    assert ids(answer)[-1] == first.id
    spent = await teller.call(GET_SPENDING, by="day", **span)
    assert spent["groups"][0]["transactions"] == 1


@pytest.mark.parametrize("action", READING)
async def test_more_than_a_year_is_refused_before_the_bank_is_asked(
    teller: Teller, home: Household, server: BankServer, action: str
) -> None:
    asked = len(server.requests)
    with refused() as refusal:
        await teller.call(action, account=teller.device(home.joint), since=ago(days=367))
    assert refusal.key == "span_too_long"
    assert "366 days" in refusal.text
    assert "89 days" in refusal.text
    assert len(server.requests) == asked


@pytest.mark.parametrize("action", READING)
async def test_a_span_that_ends_before_it_begins_is_refused(
    teller: Teller, home: Household, server: BankServer, action: str
) -> None:
    asked = len(server.requests)
    for span in (
        {"since": ago(days=1), "before": ago(days=2)},
        {"since": ago(days=1).replace(microsecond=0), "before": ago(days=1).replace(microsecond=0)},
        {"since": ago(days=-1)},
    ):
        with refused() as refusal:
            await teller.call(action, account=teller.device(home.joint), **span)
        assert refusal.key == "since_not_before"
    assert len(server.requests) == asked


@pytest.mark.parametrize("action", READING)
async def test_what_the_bank_no_longer_shows_is_told_with_what_it_shows(
    let_pass: LetPass, teller: Teller, home: Household, action: str
) -> None:
    account = teller.device(home.joint)
    await teller.call(action, account=account, since=ago(days=100))
    await let_pass(timedelta(minutes=6))
    with refused() as refusal:
        await teller.call(action, account=account, since=ago(days=100))
    assert refusal.key == "history_too_old"
    assert "89 days" in refusal.text
    assert not isinstance(refusal.error, ServiceValidationError)
    await teller.call(action, account=account, since=ago(days=89))


# How many


async def test_a_limit_tells_the_newest_and_that_there_are_more(
    teller: Teller, home: Household, bank: Bank
) -> None:
    account = teller.device(home.joint)
    answer = await teller.call(GET_TRANSACTIONS, account=account, limit=3)
    assert ids(answer) == [row.id for row in rows(bank, home.joint, ago(days=30))][:3]
    assert answer["complete"] is False


async def test_a_limit_that_is_just_reached_leaves_nothing_out(
    teller: Teller, home: Household, bank: Bank
) -> None:
    account, since = teller.device(home.joint), ago(days=3)
    there = len(rows(bank, home.joint, since))
    for limit, complete in ((there - 1, False), (there, True), (there + 1, True)):
        answer = await teller.call(GET_TRANSACTIONS, account=account, since=since, limit=limit)
        assert answer["complete"] is complete
        assert len(answer["transactions"]) == min(limit, there)


async def test_a_few_of_the_newest_take_one_small_request(
    teller: Teller, home: Household, server: BankServer
) -> None:
    asked = len(server.requests)
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.current), limit=3)
    (call,) = server.requests[asked:]
    assert call.path == "/transactions"
    assert datetime.fromisoformat(call.query["since"]) > ago(days=4)
    assert len(answer["transactions"]) == 3


async def test_a_few_of_a_rare_kind_are_looked_for_further_back(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    old = bank.pay(home.current.id, -999, merchant="Sock Shop", at=ago(days=29))
    asked = len(server.requests)
    answer = await teller.call(
        GET_TRANSACTIONS, account=teller.device(home.current), limit=1, merchant="sock"
    )
    assert ids(answer) == [old.id]
    assert answer["complete"] is True
    assert len(server.requests) - asked <= 6


async def test_many_are_read_page_by_page_and_each_told_once(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    # Some at the same moment, as at the border of two pages.
    for number in range(350):
        bank.pay(home.joint.id, -1 - number, at=ago(minutes=1000 - number // 3))
    asked = len(server.requests)
    answer = await teller.call(GET_TRANSACTIONS, account=teller.device(home.joint), limit=1000)
    told = ids(answer)
    assert len(told) == len(set(told))
    assert set(told) == {row.id for row in rows(bank, home.joint, ago(days=30))}
    assert 4 <= len(server.requests) - asked <= 5
    created = [row["created"] for row in answer["transactions"]]
    assert created == sorted(created, reverse=True)


async def test_one_that_cannot_be_read_leaves_the_others_and_is_not_kept_quiet(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    def spoil(data: dict[str, Any]) -> dict[str, Any]:
        data["transactions"][-1]["amount"] = "much"
        return data

    account = teller.device(home.joint)
    newest, second = rows(bank, home.joint, ago(days=30))[:2]
    for action in READING:
        server.fail("GET", "/transactions", Edited(spoil))
        answer = await teller.call(action, account=account)
        assert answer["complete"] is False
        if action == GET_TRANSACTIONS:
            assert newest.id not in ids(answer)
            assert ids(answer)[0] == second.id


# What was spent


def cost(row: Transaction) -> int:
    """Return what a row of the ledger has cost: a refund less than nothing."""
    refund = row.amount > 0 and row.merchant is not None
    counts = row.include_in_spending and not row.decline_reason
    return -row.amount if counts and (row.amount < 0 or refund) else 0


async def test_spending_is_what_the_ledger_says_to_the_penny(
    teller: Teller, home: Household, bank: Bank
) -> None:
    since = ago(days=55)
    made = rows(bank, home.current, since)
    total = sum(map(cost, made))
    assert total > 50_000
    for by in ("category", "merchant", "day", "none"):
        answer = await teller.call(
            GET_SPENDING, account=teller.device(home.current), since=since, by=by
        )
        assert answer["total"] == total / 100
        assert answer["complete"] is True
        assert (answer["account_id"], answer["currency"]) == (home.current.id, "GBP")
        if by == "none":
            assert answer["groups"] == []
        else:
            assert sum(round(group["amount"] * 100) for group in answer["groups"]) == total
            counted = [row for row in made if cost(row)]
            assert sum(group["transactions"] for group in answer["groups"]) == len(counted)


async def test_pots_income_declined_payments_and_checks_cost_nothing_and_refunds_count(
    teller: Teller, home: Household, bank: Bank
) -> None:
    account, since = home.joint.id, ago(seconds=30)
    bank.deposit(home.house.id, account, 5_000, "in")
    bank.receive(account, 100_000)
    bank.decline(account, -7_000)
    bank.pay(account, 0)
    bank.pay(account, -2_000, merchant="Bookworm")
    bank.refund(account, 500, merchant="Bookworm")
    bank.refund(account, 4_000, merchant="Gadget Shed")
    answer = await teller.call(
        GET_SPENDING, account=teller.device(home.joint), since=since, by="merchant"
    )
    assert groups(answer, "merchant") == {"Bookworm": (15.0, 2), "Gadget Shed": (-40.0, 1)}
    assert answer["total"] == -25.0


async def test_spending_is_by_category_unless_asked_otherwise_and_the_most_comes_first(
    teller: Teller, home: Household, bank: Bank
) -> None:
    account, since = home.joint.id, ago(seconds=30)
    bank.pay(account, -1_000, category="gifts")
    bank.pay(
        account, -3_000, category="groceries", categories={"groceries": -1_800, "gifts": -1_200}
    )
    bank.direct_debit(account, -9_999, category="bills")
    answer = await teller.call(GET_SPENDING, account=teller.device(home.joint), since=since)
    assert list(groups(answer, "category").items()) == [
        ("bills", (99.99, 1)),
        ("gifts", (22.0, 2)),
        ("groceries", (18.0, 1)),
    ]


async def test_a_split_payment_is_one_payment_to_its_merchant(
    teller: Teller, home: Household, bank: Bank
) -> None:
    account, since = home.joint.id, ago(seconds=30)
    bank.pay(
        account, -3_000, category="groceries", categories={"groceries": -1_800, "gifts": -1_200}
    )
    bank.direct_debit(account, -1_000, payee="Brightside Energy")
    answer = await teller.call(
        GET_SPENDING, account=teller.device(home.joint), since=since, by="merchant"
    )
    assert groups(answer, "merchant") == {"Deli": (30.0, 1), "Brightside Energy": (10.0, 1)}


async def test_days_are_those_of_the_house_and_in_order(
    hass: HomeAssistant, teller: Teller, home: Household, bank: Bank
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    midnight = (dt_util.start_of_local_day() - timedelta(days=3)).astimezone(dt_util.UTC)
    for seconds, amount in ((-1, -100), (0, -200), (3_600, -400)):
        bank.pay(home.bens.id, amount)  # Of somebody else.
        bank.pay(home.rewards.id, amount, at=midnight + timedelta(seconds=seconds))
    answer = await teller.call(
        GET_SPENDING, account=teller.device(home.rewards), since=ago(days=10), by="day"
    )
    day = dt_util.as_local(midnight).date()
    assert list(groups(answer, "day").items()) == [
        ((day - timedelta(days=1)).isoformat(), (1.0, 1)),
        (day.isoformat(), (6.0, 2)),
    ]


async def test_many_small_amounts_add_up_exactly(
    teller: Teller, home: Household, bank: Bank
) -> None:
    since = ago(seconds=30)
    for _ in range(103):
        bank.pay(home.joint.id, -10)
    answer = await teller.call(GET_SPENDING, account=teller.device(home.joint), since=since)
    assert answer["total"] == 10.3


async def test_an_account_in_yen_spends_whole_yen(
    teller: Teller, home: Household, bank: Bank
) -> None:
    yen = bank.open_account(home.ann, currency="JPY", balance=100_000)
    row = bank.pay(yen.id, -1_234)
    balances = teller.entry.runtime_data.balances
    assert await teller.hass.config_entries.async_reload(teller.entry.entry_id)
    assert balances is not teller.entry.runtime_data.balances
    account = teller.device(yen)
    assert (await teller.call(GET_SPENDING, account=account))["total"] == 1234
    answer = await teller.call(GET_TRANSACTIONS, account=account, minimum_amount=1234)
    assert ids(answer) == [row.id]
    with refused() as refusal:
        await teller.call(GET_TRANSACTIONS, account=account, minimum_amount="1234.5")
    assert refusal.error.translation_placeholders == {"currency": "JPY", "decimals": "0"}


# Who and what may be asked


NOT_ASKED_FOR_LIKE_THAT: dict[str, tuple[str, dict[str, Any]]] = {
    "no limit": (GET_TRANSACTIONS, {"limit": 0}),
    "a limit below zero": (GET_TRANSACTIONS, {"limit": -1}),
    "too much": (GET_TRANSACTIONS, {"limit": 1001}),
    "a limit in words": (GET_TRANSACTIONS, {"limit": "many"}),
    "an empty category": (GET_TRANSACTIONS, {"category": ""}),
    "a blank merchant": (GET_TRANSACTIONS, {"merchant": "  "}),
    "no merchant": (GET_TRANSACTIONS, {"merchant": None}),
    "another direction": (GET_TRANSACTIONS, {"direction": "up"}),
    "no truth": (GET_TRANSACTIONS, {"include_declined": "perhaps"}),
    "no moment": (GET_TRANSACTIONS, {"since": "yesterday"}),
    "a number for a moment": (GET_TRANSACTIONS, {"since": 12}),
    "a moment before time": (GET_TRANSACTIONS, {"since": "0001-01-01T00:00:00+14:00"}),
    "another field": (GET_TRANSACTIONS, {"until": "2026-11-01"}),
    "another group": (GET_SPENDING, {"by": "planet"}),
    "no end": (GET_SPENDING, {"before": None}),
    "notes that are none": (ANNOTATE, {"transaction_id": "tx_1", "notes": None}),
    "no transaction": (ANNOTATE, {"notes": "x"}),
    "an empty transaction": (ANNOTATE, {"transaction_id": " ", "notes": "x"}),
    "metadata that is a text": (ANNOTATE, {"transaction_id": "tx_1", "metadata": "x"}),
    "metadata without a key": (ANNOTATE, {"transaction_id": "tx_1", "metadata": {"": "x"}}),
    "metadata in layers": (ANNOTATE, {"transaction_id": "tx_1", "metadata": {"a": {"b": "c"}}}),
}


@pytest.mark.parametrize(
    ("action", "fields"), NOT_ASKED_FOR_LIKE_THAT.values(), ids=NOT_ASKED_FOR_LIKE_THAT
)
async def test_what_makes_no_sense_is_refused_before_the_bank_is_asked(
    teller: Teller, home: Household, server: BankServer, action: str, fields: dict[str, Any]
) -> None:
    asked = len(server.requests)
    with pytest.raises(vol.Invalid):
        await teller.call(action, account=teller.device(home.current), **fields)
    assert len(server.requests) == asked


async def test_amounts_that_are_none_or_leave_nothing_between_are_refused(
    teller: Teller, home: Household, server: BankServer
) -> None:
    account, asked = teller.device(home.current), len(server.requests)
    for amount in (0, -5, "ten", "1.005", None, float("inf")):
        for field in ("minimum_amount", "maximum_amount"):
            with refused() as refusal:
                await teller.call(GET_TRANSACTIONS, account=account, **{field: amount})
            assert refusal.key == "invalid_amount"
    with refused() as refusal:
        await teller.call(
            GET_TRANSACTIONS, account=account, minimum_amount=10.01, maximum_amount=10
        )
    assert refusal.key == "minimum_above_maximum"
    assert len(server.requests) == asked


@dataclass(frozen=True)
class OfOneAccount(Fault):
    """Another fault, but only for one account."""

    account_id: str
    fault: Fault

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        if exchange.request.query.get("account_id") == self.account_id:
            return await self.fault.answer(exchange)
        return await exchange.work()


ASKING: dict[str, dict[str, Any]] = {
    GET_TRANSACTIONS: {},
    GET_SPENDING: {},
    ANNOTATE: {"transaction_id": "tx_1", "notes": "x"},
}


@pytest.mark.parametrize("action", ASKING)
async def test_a_pot_or_a_person_for_an_account_is_refused(
    teller: Teller, home: Household, ann: MockConfigEntry, action: str
) -> None:
    person = dr.async_get(teller.hass).async_get_device_by_identifier(
        (DOMAIN, home.ann.user_id), ann.entry_id
    )
    assert person is not None
    for device in (teller.device(home.holiday), person.id):
        with refused() as refusal:
            await teller.call(action, account=device, **ASKING[action])
        assert refusal.key == "not_an_account"


@pytest.mark.parametrize("action", ASKING)
async def test_an_account_that_nothing_is_known_of_is_refused(
    teller: Teller, home: Household, server: BankServer, action: str
) -> None:
    account = teller.device(home.current)
    for device in ("", "no such device"):
        with refused() as refusal:
            await teller.call(action, account=device, **ASKING[action])
        assert refusal.key == "service_device_not_found"
    server.fail("GET", "/balance", OfOneAccount(home.current.id, Answer.html(502)), times=None)
    await teller.entry.runtime_data.balances.async_refresh()
    with refused() as refusal:
        await teller.call(action, account=account, **ASKING[action])
    assert refusal.key == "cannot_be_read"
    assert await teller.hass.config_entries.async_unload(teller.entry.entry_id)
    with refused() as refusal:
        await teller.call(action, account=account, **ASKING[action])
    assert refusal.key == "service_config_entry_not_loaded"


async def test_every_open_account_can_be_asked(teller: Teller, home: Household, bank: Bank) -> None:
    for account in (home.current, home.joint, home.flex, home.rewards):
        row = bank.pay(account.id, -100)
        answer = await teller.call(GET_TRANSACTIONS, account=teller.device(account))
        assert row.id in ids(answer)
    # Of a loan the bank lists nothing, and says no more about it.
    assert ids(await teller.call(GET_TRANSACTIONS, account=teller.device(home.loan))) == []


async def test_everybody_may_read_and_only_administrators_write(
    teller: Teller,
    home: Household,
    bank: Bank,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    row = bank.pay(home.current.id, -100)

    async def call(action: str, user: MockUser, **fields: Any) -> ServiceResponse:
        return await teller.hass.services.async_call(
            DOMAIN,
            action,
            {"account": teller.device(home.current), **fields},
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


def test_what_reads_must_be_listened_to_and_what_writes_may(teller: Teller) -> None:
    supported = {
        action: teller.hass.services.supports_response(DOMAIN, action) for action in ASKING
    }
    assert supported == {
        GET_TRANSACTIONS: SupportsResponse.ONLY,
        GET_SPENDING: SupportsResponse.ONLY,
        ANNOTATE: SupportsResponse.OPTIONAL,
    }


# What can go wrong with the bank

TROUBLES: dict[str, tuple[Fault, str]] = {
    "sign in again": (Answer.error("unauthorized.bad_access_token"), "action_needs_sign_in"),
    "not approved": (Answer.error("forbidden.insufficient_permissions"), "not_permitted"),
    "too old": (Answer.error("forbidden.verification_required"), "history_too_old"),
    "too many requests": (Answer.rate_limited("77"), "asked_to_wait"),
    "no such thing": (Answer.error("not_found"), "not_found"),
    "no": (Answer.error("bad_request.bad_time_range", "Not like this"), "rejected"),
    "no answer": (DropBefore(), "no_answer"),
    "a proxy": (Answer.html(502), "no_answer"),
    "the bank is ill": (Answer.error("internal_service"), "no_answer"),
    "nonsense": (Answer.garbage(), "unexpected_answer"),
    "another shape": (Answer.json([]), "unexpected_answer"),
}


@pytest.mark.parametrize("action", ASKING)
@pytest.mark.parametrize(("fault", "key"), TROUBLES.values(), ids=TROUBLES)
async def test_each_trouble_with_the_bank_has_its_words(
    teller: Teller, home: Household, server: BankServer, action: str, fault: Fault, key: str
) -> None:
    server.fail("*", "/transactions*", fault, times=None)
    with refused() as refusal:
        await teller.call(action, account=teller.device(home.current), **ASKING[action])
    assert refusal.key == key
    assert teller.asked_to_sign_in is (key == "action_needs_sign_in")
    if key == "asked_to_wait":
        assert refusal.error.translation_placeholders == {"seconds": "77"}
    if key == "rejected":
        assert "Not like this" in refusal.text


async def test_a_bank_that_is_not_there_is_told(
    teller: Teller, home: Household, server: BankServer
) -> None:
    await server.stop()
    with refused():
        # The connection of before is noticed to be broken.
        await teller.call(GET_TRANSACTIONS, account=teller.device(home.current))
    for action, fields in ASKING.items():
        with refused() as refusal:
            await teller.call(action, account=teller.device(home.current), **fields)
        assert refusal.key == "cannot_connect"


async def test_a_token_that_cannot_be_renewed_for_now_is_told(
    teller: Teller, home: Household, server: BankServer
) -> None:
    for fault in (DropBefore(), Answer.html(502)):
        server.expire_access_token(home.ann)
        server.fail("POST", "/oauth2/token", fault)
        with refused() as refusal:
            await teller.call(GET_TRANSACTIONS, account=teller.device(home.current))
        assert refusal.key == "cannot_connect"
    assert not teller.asked_to_sign_in


# Notes


async def test_notes_are_written_replaced_and_cleared(
    teller: Teller, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.current.id, -350)
    for notes in ("Lunch with Sam & Äda\nand Bo", "Lunch", ""):
        answer = await teller.call(
            ANNOTATE, account=teller.device(home.current), transaction_id=row.id, notes=notes
        )
        assert row.notes == notes
        assert answer == {
            "transaction_id": row.id,
            "account_id": home.current.id,
            "notes": notes or None,
            "metadata": {"notes": notes} if notes else {},
        }


async def test_the_answer_says_what_the_bank_has_not_kept(
    teller: Teller, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.current.id, -350, notes="lunch")
    answer = await teller.call(
        ANNOTATE,
        account=teller.device(home.current),
        transaction_id=row.id,
        metadata={"project": "kitchen", "number": 7},
    )
    assert (answer["notes"], answer["metadata"]) == ("lunch", {})
    bank.behaviour = replace(bank.behaviour, keep_metadata=True)
    answer = await teller.call(
        ANNOTATE,
        account=teller.device(home.current),
        transaction_id=row.id,
        notes="dinner",
        metadata={"project": "kitchen", "number": 7},
    )
    assert answer["notes"] == "dinner"
    assert answer["metadata"] == {"project": "kitchen", "number": "7", "notes": "dinner"}


async def test_nothing_to_write_is_refused(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    row = bank.pay(home.current.id, -350)
    asked = len(server.requests)
    nothing: tuple[dict[str, Any], ...] = ({}, {"metadata": {}})
    for fields in nothing:
        with refused() as refusal:
            await teller.call(
                ANNOTATE, account=teller.device(home.current), transaction_id=row.id, **fields
            )
        assert refusal.key == "nothing_to_annotate"
    assert len(server.requests) == asked


async def test_a_transaction_of_another_account_is_not_written_to(
    teller: Teller, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.joint.id, -350)
    with refused() as refusal:
        await teller.call(
            ANNOTATE, account=teller.device(home.current), transaction_id=row.id, notes="x"
        )
    assert refusal.key == "not_the_accounts_transaction"
    assert row.notes == ""


@pytest.mark.parametrize("transaction_id", ["tx_0", "../accounts", "Ä/?#%"])
async def test_a_transaction_that_nobody_knows_is_told(
    teller: Teller, home: Household, transaction_id: str
) -> None:
    with refused() as refusal:
        await teller.call(
            ANNOTATE, account=teller.device(home.current), transaction_id=transaction_id, notes="x"
        )
    assert refusal.key == "not_found"


async def test_somebody_elses_transaction_is_not_known(
    teller: Teller, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.bens.id, -350)
    with refused() as refusal:
        await teller.call(
            ANNOTATE, account=teller.device(home.current), transaction_id=row.id, notes="x"
        )
    assert refusal.key == "not_found"


# Privacy


async def test_the_logs_tell_nothing_private(
    teller: Teller,
    home: Household,
    bank: Bank,
    server: BankServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = bank.pay(home.current.id, -123_45, merchant="Deli", notes="a secret")
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    account = teller.device(home.current)
    for action in READING:
        await teller.call(action, account=account)
    await teller.call(ANNOTATE, account=account, transaction_id=row.id, notes="hush")
    server.fail("*", "/transactions*", Answer.html(502), times=None)
    for action, fields in ASKING.items():
        with refused():
            await teller.call(action, account=account, **fields)
    secrets = {"123.45", "12345", "Deli", "secret", "hush", row.id, home.current.id, "Ann"}
    said = [
        record.getMessage() + (record.exc_text or "")
        for record in caplog.records
        # Home Assistant itself logs which actions are called, if it is told to log everything.
        if record.name != "homeassistant.core"
    ]
    assert any("GET transactions" in line for line in said)
    assert not [line for line in said if any(secret in line for secret in secrets)]


# The examples of the documentation


def example_below(heading: str) -> str:
    """Return the one example that the page on actions has below a heading."""
    ((language, text),) = FENCE.findall(PAGES["actions.md"].section(heading))
    assert language == "yaml"
    return str(text)


async def run(teller: Teller, example: str, account: Account) -> list[dict[str, Any]]:
    """Run an example as a script, and return the notifications that it has made."""
    hass = teller.hass
    assert await async_setup_component(hass, "persistent_notification", {})
    sequence = yaml.safe_load(example.replace(ACCOUNT, teller.device(account)))
    assert await async_setup_component(
        hass, "script", {"script": {"example": {"sequence": sequence}}}
    )
    await hass.services.async_call("script", "example", blocking=True)
    notifications: dict[str, Any] = hass.data["persistent_notification"]
    return list(notifications.values())


async def test_the_example_of_larger_payments(teller: Teller, home: Household, bank: Bank) -> None:
    bank.pay(home.current.id, -12_050, merchant="Gadget Shed")
    bank.pay(home.current.id, -4_999, merchant="Bookworm")
    (told,) = await run(teller, example_below("Get transactions"), home.current)
    assert "- Gadget Shed: 120.5 GBP" in told["message"]
    assert "Bookworm" not in told["message"]


async def test_the_example_of_the_months_spending(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.pay(home.current.id, -300_000, category="holidays")
    month = dt_util.start_of_local_day().replace(day=1)
    spending: Counter[str] = Counter()
    for row in rows(bank, home.current, month):
        spending[row.category] += cost(row)
    (told,) = await run(teller, example_below("Get spending"), home.current)
    assert told["title"] == f"Spent this month: {spending.total() / 100} GBP"
    assert told["message"].splitlines()[0].strip() == "- holidays: 3000.0"


async def test_the_example_of_notes_that_write_themselves(
    let_pass: LetPass, teller: Teller, home: Household, bank: Bank
) -> None:
    text = example_below("Annotate transaction").replace(ACCOUNT, teller.device(home.current))
    automation = yaml.safe_load(text)
    await let_pass(timedelta(minutes=6))
    assert await async_setup_component(teller.hass, "automation", {"automation": automation})
    await teller.hass.async_block_till_done()
    lunch = bank.pay(home.current.id, -1_250, merchant="Deli")
    await let_pass(timedelta(minutes=2))
    book = bank.pay(home.current.id, -1_250, merchant="Bookworm")
    await let_pass(timedelta(minutes=2))
    assert (lunch.notes, book.notes) == ("Business lunch #expenses", "")
