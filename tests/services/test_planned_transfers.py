"""Actions whose amounts depend on balances: target balances, distribution, pot to pot."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
import itertools
from typing import Any

from homeassistant.core import Context, HomeAssistant, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol

from custom_components.monzo.const import (
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from custom_components.monzo.services import planned_transfers
from custom_components.monzo.transfers import SIGNAL_TRANSFER_RESULT, TransferResult
from custom_components.monzo.transfers.journal import KEPT_FOR
from custom_components.monzo.transfers.repair_issue import ISSUE_BETWEEN_POTS
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Pot
from sandbox.server import Answer, BankServer, Delay, DropBefore, LoseResponse
from tests.conftest import AdvanceTime
from tests.helpers.state_helpers import HeldResponse
from tests.helpers.texts import TEXTS
from tests.helpers.transfer_client import (
    Held,
    Meanwhile,
    Move,
    TransferClient,
    refused,
    results_of,
)
from tests.helpers.transfer_faults import after_a_crash, break_transfers, change_options

NO_FUNDS = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")


@pytest.fixture
def published(hass: HomeAssistant, home: Household) -> list[tuple[str, int, str | None]]:
    """Return the published results of the current account: outcome, pence and reason."""
    results: list[tuple[str, int, str | None]] = []

    @callback
    def append(result: TransferResult) -> None:
        results.append((result.outcome, result.transfer.move.amount.minor, result.reason))

    async_dispatcher_connect(hass, SIGNAL_TRANSFER_RESULT.format(home.current.id), append)
    return results


def set_balance(home: Household, pence: int) -> None:
    """Bring the current account to a balance, by a payment or a receipt."""
    home.bank.set_round_up(home.coin_jar.id, on=False)
    if (difference := pence - home.current.balance) < 0:
        home.bank.pay(home.current.id, difference)
    else:
        home.bank.receive(home.current.id, difference, sender="Ben Baker")


# Pots at a target balance


async def test_a_pot_is_filled_and_emptied_to_its_target(
    transfer_client: TransferClient, home: Household
) -> None:
    response = await transfer_client.set_pot_balance(home.holiday, 700)
    assert (response["result"], response["amount"]) == ("moved", 60)
    assert response["moves"][0]["direction"] == "deposit"
    response = await transfer_client.set_pot_balance(home.holiday, "650.01")
    assert (response["result"], response["amount"]) == ("moved", 49.99)
    assert response["moves"][0]["direction"] == "withdraw"
    assert response["pot_balance"] == 650.01
    response = await transfer_client.set_pot_balance(home.holiday, 0)
    assert home.holiday.balance == 0
    assert transfer_client.amounts == [("Holiday", 6000), ("Holiday", -4999), ("Holiday", -65001)]


async def test_a_pot_at_its_target_is_left_alone(
    transfer_client: TransferClient, home: Household
) -> None:
    response = await transfer_client.set_pot_balance(home.holiday, 640)
    assert (response["result"], response["reason"]) == ("nothing_to_do", "already_there")
    assert transfer_client.sent == []


async def test_a_pot_gets_the_money_that_the_account_can_spare(
    transfer_client: TransferClient, home: Household
) -> None:
    set_balance(home, 30_000)
    response = await transfer_client.set_pot_balance(home.holiday, 1000, keep_at_least=250)
    assert (response["result"], response["amount"], response["short_by"]) == ("moved", 50, 310)
    response = await transfer_client.set_pot_balance(home.holiday, 1000, keep_at_least=250)
    assert (response["result"], response["reason"]) == ("nothing_to_do", "nothing_to_spare")
    assert response["short_by"] == 310
    await transfer_client.set_pot_balance(home.holiday, 5000)
    assert home.current.balance == 0


async def test_a_pot_follows_the_amount_of_an_entity(
    transfer_client: TransferClient, home: Household
) -> None:
    for state, unit, pence in (
        ("125.50", "GBP", 12_550),
        ("-125.50", "GBP", 12_550),
        ("80", None, 8_000),
        ("80.01", "£", 8_001),
        ("0.00", None, 0),
        ("-0", None, 0),
    ):
        attributes = {"unit_of_measurement": unit} if unit else {}
        transfer_client.hass.states.async_set("sensor.credit_card", state, attributes)
        await transfer_client.set_pot_balance(home.holiday, follow="sensor.credit_card")
        assert home.holiday.balance == pence, state


async def test_a_pot_follows_a_debt_at_monzo(
    transfer_client: TransferClient, home: Household
) -> None:
    debt = transfer_client.hass.states.get("sensor.flex_balance")
    assert debt
    assert debt.state == "-125.00"
    await transfer_client.set_pot_balance(home.holiday, follow="sensor.flex_balance")
    assert home.holiday.balance == 12_500


async def test_an_entity_without_an_exact_amount_is_not_followed(
    transfer_client: TransferClient, home: Household
) -> None:
    for state, unit in (
        ("unavailable", None),
        ("unknown", "GBP"),
        ("125.505", "GBP"),
        ("1e3", "GBP"),
        ("--5", "GBP"),
        ("a lot", None),
        ("", None),
        ("125.50", "EUR"),
        ("125.50", "€"),
        ("125.50", "%"),
    ):
        attributes = {"unit_of_measurement": unit} if unit else {}
        transfer_client.hass.states.async_set("sensor.credit_card", state, attributes)
        for entity_id in ("sensor.credit_card", "sensor.missing"):
            with refused() as refusal:
                await transfer_client.set_pot_balance(home.holiday, follow=entity_id)
            assert refusal.key == "nothing_to_follow", state
            assert entity_id in refusal.text
    assert transfer_client.sent == []


async def test_a_repeated_call_does_not_follow_the_entity_again(
    transfer_client: TransferClient, home: Household
) -> None:
    states = transfer_client.hass.states
    states.async_set("sensor.credit_card", "125.50")
    fields = {"follow": "sensor.credit_card", "dedupe_id": "monday"}
    await transfer_client.set_pot_balance(home.holiday, **fields)
    states.async_set("sensor.credit_card", "130.00")
    assert (await transfer_client.set_pot_balance(home.holiday, **fields))[
        "result"
    ] == "already_moved"
    assert home.holiday.balance == 12_550
    await transfer_client.set_pot_balance(
        home.holiday, follow="sensor.credit_card", dedupe_id="tuesday"
    )
    assert home.holiday.balance == 13_000


async def test_a_transfer_in_doubt_is_finished_without_the_followed_entity(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    states = transfer_client.hass.states
    states.async_set("sensor.credit_card", "125.50")
    fields = {"follow": "sensor.credit_card", "dedupe_id": "monday"}
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await transfer_client.set_pot_balance(home.holiday, **fields)
    assert refusal.key == "transfer_not_found"
    server.clear_faults()
    states.async_set("sensor.credit_card", "unavailable")
    await transfer_client.set_pot_balance(home.holiday, **fields)
    assert home.holiday.balance == 12_550


async def test_a_pot_has_one_target(transfer_client: TransferClient, home: Household) -> None:
    for fields in ({}, {"amount": 1, "follow": "sensor.credit_card"}):
        with refused() as refusal:
            await transfer_client.set_pot_balance(home.holiday, **fields)
        assert refusal.key == "one_of_these"
        assert "amount, follow" in refusal.text


async def test_a_locked_pot_is_filled_but_not_emptied(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.set_pot_balance(home.rainy_day, 2101)
    with refused() as refusal:
        await transfer_client.set_pot_balance(home.rainy_day, 2000)
    assert refusal.key == "pot_locked"
    assert transfer_client.amounts == [("Rainy day", 100)]


async def test_a_pot_deleted_since_the_last_poll_cannot_be_read(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.close_pot(home.holiday.id)
    with refused() as refusal:
        await transfer_client.set_pot_balance(home.holiday, 700)
    assert refusal.key == "cannot_be_read"
    assert transfer_client.sent == []


# Accounts at a target balance


async def test_a_surplus_is_swept_and_a_deficit_topped_up(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    before = home.current.balance
    response = await transfer_client.keep_account_at(home.holiday, 500)
    assert response["account_balance"] == 500
    assert home.current.balance == 50_000
    bank.pay(home.current.id, -12_345)
    missing = 50_000 - home.current.balance
    response = await transfer_client.keep_account_at(home.holiday, 500)
    assert (response["result"], response["amount"]) == ("moved", missing / 100)
    assert home.current.balance == 50_000
    assert transfer_client.amounts == [("Holiday", before - 50_000), ("Holiday", -missing)]
    response = await transfer_client.keep_account_at(home.holiday, 500)
    assert (response["result"], response["reason"]) == ("nothing_to_do", "already_there")


async def test_money_moves_only_in_the_allowed_direction(
    transfer_client: TransferClient, home: Household
) -> None:
    for fields in ({"amount": 5, "only_top_up": True}, {"amount": 50_000, "only_sweep": True}):
        response = await transfer_client.keep_account_at(home.holiday, **fields)
        assert (response["result"], response["reason"]) == ("nothing_to_do", "other_direction")
    assert transfer_client.sent == []
    await transfer_client.keep_account_at(home.holiday, 5, only_sweep=True, only_top_up=False)
    await transfer_client.keep_account_at(home.holiday, 50, only_top_up=True)
    assert home.current.balance == 5_000
    with refused() as refusal:
        await transfer_client.keep_account_at(home.holiday, 50, only_top_up=True, only_sweep=True)
    assert refusal.key == "both_directions"


# Distributions


async def test_a_salary_is_distributed_in_order(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    published: list[tuple[str, int, str | None]],
) -> None:
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    before = home.current.balance
    response = await transfer_client.distribute(
        (home.rainy_day, {"amount": 300}),
        (home.holiday, {"percentage": 20}),
        (home.coin_jar, {"remainder": True}),
        amount=2650,
        dedupe_id="november",
    )
    assert response["result"] == "moved"
    assert transfer_client.moves == [
        Move("Rainy day", 30_000, "november/1"),
        Move("Holiday", 53_000, "november/2"),
        Move("Coin jar", 182_000, "november/3"),
    ]
    assert response["account_balance"] == (before - 265_000) / 100
    assert response["short_by"] == 0
    assert [row["pot"] for row in response["moves"]] == ["Rainy day", "Holiday", "Coin jar"]
    assert published == [("done", 30_000, None), ("done", 53_000, None), ("done", 182_000, None)]


async def test_impossible_shares_are_refused(
    transfer_client: TransferClient, home: Household
) -> None:
    cases: list[tuple[tuple[dict[str, object], dict[str, object]], str, str]] = [
        (({"percentage": 60}, {"percentage": "40.5"}), "more_than_everything", "to 100.5%"),
        (({"percentage": 60}, {"percentage": "60.00"}), "more_than_everything", "to 120%"),
        (({"remainder": True}, {"remainder": True}), "several_remainders", "Holiday, Coin jar"),
        (({"amount": 1}, {}), "one_of_these", "remainder"),
        (({"amount": 1}, {"amount": 1, "remainder": True}), "one_of_these", "remainder"),
        (({"amount": 1}, {"amount": 0}), "invalid_amount", "it is 0"),
    ]
    for (first, second), key, text in cases:
        with refused() as refusal:
            await transfer_client.distribute((home.holiday, first), (home.coin_jar, second))
        assert refusal.key == key
        assert text in refusal.text
    assert transfer_client.sent == []


async def test_an_error_names_the_field_with_the_pots(transfer_client: TransferClient) -> None:
    invalid: tuple[object, ...] = ([], [{}], [{"amount": 1}], "pots", [{"pot": "x", "odd": 1}])
    for pots in invalid:
        with pytest.raises(vol.Invalid, match="pots"):
            await transfer_client.call("distribute", pots=pots)


async def test_nothing_is_distributed_if_one_of_the_pots_is_deleted(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    parts = transfer_client.parts((home.holiday, {"amount": 1}), (home.coin_jar, {"amount": 1}))
    bank.close_pot(home.coin_jar.id)
    with refused() as refusal:
        await transfer_client.call("distribute", pots=parts)
    assert refusal.key == "cannot_be_read"
    assert transfer_client.sent == []


PAY_DAY = {"keep_at_least": 50, "dedupe_id": "november"}


def pay_day(home: Household) -> tuple[tuple[Pot, dict[str, object]], ...]:
    """Return pots and their shares."""
    return (
        (home.rainy_day, {"amount": 100}),
        (home.holiday, {"percentage": 10}),
        (home.coin_jar, {"remainder": True}),
    )


async def test_a_distribution_stops_at_the_first_failure_and_continues_there(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    server: BankServer,
    published: list[tuple[str, int, str | None]],
) -> None:
    whole = home.current.balance - 5_000
    break_transfers(server, Delay(0), NO_FUNDS)
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert response["result"] == "incomplete"
    assert response["reason"] == "transfer_rejected"
    assert results_of(response) == ["moved", "refused", "not_sent"]
    assert response["moves"][1]["reason"] == "transfer_rejected"
    assert "You can't deposit that much" in response["moves"][1]["message"]
    assert response["account_balance"] == home.current.balance / 100
    assert published == [
        ("done", 10_000, None),
        ("refused", whole // 10, "transfer_rejected"),
        ("refused", whole - 10_000 - whole // 10, "earlier_move_failed"),
    ]
    # The rest stays as it was planned, with any balance.
    bank.receive(home.current.id, 100_000, sender="Ben Baker")
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert response["result"] == "moved"
    assert results_of(response) == ["already_moved", "moved", "moved"]
    assert transfer_client.amounts == [
        ("Rainy day", 10_000),
        ("Holiday", whole // 10),
        ("Coin jar", whole - 10_000 - whole // 10),
    ]
    assert home.current.balance == 105_000
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert response["result"] == "already_moved"
    assert len(transfer_client.moves) == 3


async def test_money_spent_in_the_meantime_stops_a_distribution(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    set_balance(home, 150_000)
    break_transfers(
        server,
        Delay(0),
        Meanwhile(lambda: set_balance(home, 100), Delay(0)),
    )
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert results_of(response) == ["moved", "refused", "not_sent"]
    assert home.current.balance == 100
    # Less than the minimum would stay, which the bank does not know.
    bank.receive(home.current.id, 14_000, sender="Ben Baker")
    with refused() as refusal:
        await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert refusal.key == "below_keep_at_least"
    assert len(transfer_client.moves) == 1
    bank.receive(home.current.id, 200_000, sender="Ben Baker")
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert results_of(response) == ["already_moved", "moved", "moved"]


async def test_without_a_response_variable_an_incomplete_distribution_is_an_error(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    fields = {"pots": transfer_client.parts(*pay_day(home)), **PAY_DAY}
    break_transfers(server, NO_FUNDS)
    with refused() as refusal:
        await transfer_client.call_without_response("distribute", **fields)
    assert refusal.key == "transfer_rejected"
    assert "the transfer of 100.00 GBP from Current account to Rainy day" in refusal.text
    assert "the money was not moved" in refusal.text
    break_transfers(server, Delay(0), NO_FUNDS)
    with refused() as refusal:
        await transfer_client.call_without_response("distribute", **fields)
    assert refusal.key == "moves_interrupted"
    assert "1 of 3 transfers were made before an error" in refusal.text
    assert "repeat the action with the dedupe ID november" in refusal.text
    # The error of the transfer that failed is the reason.
    assert "from Current account to Holiday" in refusal.text
    assert "You can't deposit that much" in refusal.text
    assert "Holiday" not in str(refusal.error)
    await transfer_client.call_without_response("distribute", **fields)
    assert len(transfer_client.moves) == 3
    await transfer_client.call_without_response("distribute", **fields)
    assert len(transfer_client.moves) == 3


async def test_a_transfer_in_doubt_stops_a_distribution_and_is_confirmed_first(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    published: list[tuple[str, int, str | None]],
) -> None:
    break_transfers(server, Delay(0))
    break_transfers(server, LoseResponse(), times=None)
    # After the reads that prove the first transfer.
    server.fail("GET", "/transactions", Answer.html(502), times=None, after=2)
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert results_of(response) == ["moved", "unknown", "not_sent"]
    assert response["moves"][1]["reason"] == "transfer_unconfirmed"
    # The ID of the whole distribution.
    assert response["moves"][1]["message"].endswith("with the dedupe ID november")
    assert [(outcome, reason) for outcome, _pence, reason in published] == [
        ("done", None),
        ("unknown", "transfer_unconfirmed"),
        ("refused", "earlier_move_failed"),
    ]
    server.clear_faults()
    response = await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    assert results_of(response) == ["already_moved", "moved", "moved"]
    assert len(transfer_client.moves) == 3


async def test_a_transfer_in_doubt_counts_towards_the_minimum(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    set_balance(home, 150_000)
    parts = [(home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 600})]
    fields = {"keep_at_least": 100, "dedupe_id": "november"}
    break_transfers(server, Delay(0))
    break_transfers(server, DropBefore(), times=None)
    response = await transfer_client.distribute(*parts, **fields)
    assert results_of(response) == ["moved", "unknown"]
    server.clear_faults()
    set_balance(home, 65_000)
    with refused() as refusal:
        await transfer_client.distribute(*parts, **fields)
    assert refusal.key == "below_keep_at_least"
    assert home.current.balance == 65_000
    set_balance(home, 70_000)
    response = await transfer_client.distribute(*parts, **fields)
    assert results_of(response) == ["already_moved", "moved"]
    assert home.current.balance == 10_000


async def test_a_distribution_is_finished_after_a_crash(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    whole = home.current.balance - 5_000
    second = HeldResponse()
    break_transfers(server, Delay(0), second)
    lost = asyncio.create_task(transfer_client.distribute(*pay_day(home), **PAY_DAY))
    await second.arrived.wait()
    bank.receive(home.current.id, 100_000, sender="Ben Baker")
    async with after_a_crash(transfer_client) as later:
        response = await later.distribute(*pay_day(home), **PAY_DAY)
    # The second one was found in the account at the start.
    assert results_of(response) == ["already_moved", "already_moved", "moved"]
    assert transfer_client.amounts == [
        ("Rainy day", 10_000),
        ("Holiday", whole // 10),
        ("Coin jar", whole - 10_000 - whole // 10),
    ]
    lost.cancel()
    second.released.set()


async def test_another_distribution_with_the_same_id_is_refused(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, Delay(0), NO_FUNDS)
    await transfer_client.distribute(*pay_day(home), **PAY_DAY)
    for parts, fields in (
        (pay_day(home)[:2], PAY_DAY),
        (tuple(reversed(pay_day(home))), PAY_DAY),
        (pay_day(home), {**PAY_DAY, "keep_at_least": 60}),
        (pay_day(home), {**PAY_DAY, "amount": 60}),
    ):
        with refused() as refusal:
            await transfer_client.distribute(*parts, **fields)
        assert refusal.key == "dedupe_id_reused"
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 1, dedupe_id="november")
    assert refusal.key == "dedupe_id_reused"
    assert len(transfer_client.moves) == 1


async def test_calls_with_the_same_id_at_once_distribute_once(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse())
    responses = await asyncio.gather(
        *(transfer_client.distribute(*pay_day(home), **PAY_DAY) for _ in range(4))
    )
    assert sorted(response["result"] for response in responses) == ["already_moved"] * 3 + ["moved"]
    assert len(transfer_client.moves) == 3


async def test_different_actions_at_once_cannot_share_an_id(
    transfer_client: TransferClient, home: Household
) -> None:
    responses = await asyncio.gather(
        transfer_client.distribute(*pay_day(home), **PAY_DAY),
        transfer_client.deposit(home.bills, 1, dedupe_id="november"),
        return_exceptions=True,
    )
    (refusal,) = [
        response for response in responses if isinstance(response, ServiceValidationError)
    ]
    assert refusal.translation_key == "dedupe_id_reused"


async def test_a_plan_is_kept_as_long_as_its_transfers(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    await transfer_client.distribute((home.holiday, {"percentage": 1}), dedupe_id="november")
    await advance_time(KEPT_FOR - timedelta(hours=1))
    await transfer_client.deposit(home.holiday, 1)
    response = await transfer_client.distribute(
        (home.holiday, {"percentage": 1}), dedupe_id="november"
    )
    assert response["result"] == "already_moved"
    await advance_time(timedelta(hours=2))
    await transfer_client.deposit(home.holiday, 1)
    planned = await transfer_client.distribute(
        (home.holiday, {"percentage": 2}), dedupe_id="november", dry_run=True
    )
    assert planned["result"] == "planned"


# Limits


async def test_a_plan_that_exceeds_a_limit_is_refused_before_anything_is_sent(
    transfer_client: TransferClient,
    home: Household,
    published: list[tuple[str, int, str | None]],
) -> None:
    await transfer_client.deposit(home.holiday, 10)
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 260})
    parts = (
        (home.rainy_day, {"amount": 51}),
        (home.holiday, {"amount": 160}),
        (home.coin_jar, {"amount": 40}),
    )
    with refused() as refusal:
        await transfer_client.distribute(*parts)
    assert refusal.key == "over_daily_limit"
    assert "is 260.00 GBP per 24 hours, of which 10.00 GBP is already used" in refusal.text
    assert "The transfer of 251.00 GBP was not sent to Monzo" in refusal.text
    assert len(transfer_client.sent) == 1
    assert published[1:] == [
        ("refused", 5_100, "over_daily_limit"),
        ("refused", 16_000, "earlier_move_failed"),
        ("refused", 4_000, "earlier_move_failed"),
    ]
    response = await transfer_client.distribute(*parts, dry_run=True)
    assert response["result"] == "planned"
    assert results_of(response) == ["planned"] * 3
    assert [problem["reason"] for problem in response["problems"]] == ["over_daily_limit"]
    assert len(transfer_client.sent) == 1


async def test_finished_parts_do_not_count_twice_towards_the_daily_limit(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 300})
    parts = ((home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}))
    break_transfers(server, Delay(0), NO_FUNDS)
    await transfer_client.distribute(*parts, dedupe_id="november")
    response = await transfer_client.distribute(*parts, dedupe_id="november")
    assert results_of(response) == ["already_moved", "moved"]


async def start_distribution(
    transfer_client: TransferClient, server: BankServer, *parts: tuple[Pot, dict[str, object]]
) -> tuple[asyncio.Task[dict[str, Any]], Held]:
    """Start a distribution, and return the fault that holds the bank's answer to its first part."""
    held = Held(Delay(0))
    break_transfers(server, held)
    distribution = asyncio.create_task(transfer_client.distribute(*parts))
    await held.arrived.wait()
    return distribution, held


async def test_other_calls_cannot_use_up_the_daily_limit_of_a_distribution(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 250})
    distribution, held = await start_distribution(
        transfer_client, server, (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 100})
    )
    with refused() as refusal:
        await transfer_client.deposit(home.bills, 51)
    assert refusal.key == "over_daily_limit"
    await transfer_client.deposit(home.bills, 50)
    held.released.set()
    assert results_of(await distribution) == ["moved", "moved"]


async def test_a_stopped_distribution_publishes_the_rest(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    published: list[tuple[str, int, str | None]],
) -> None:
    distribution, held = await start_distribution(
        transfer_client, server, (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200})
    )
    distribution.cancel()
    with pytest.raises(asyncio.CancelledError):
        await distribution
    held.released.set()
    await transfer_client.hass.async_block_till_done()
    assert published == [("done", 10_000, None), ("refused", 20_000, "stopped")]


@pytest.mark.parametrize(
    ("save", "expected"),
    [
        # The record before sending.
        (1, [("refused", 10_000, "stopped"), ("refused", 20_000, "earlier_move_failed")]),
        # The record as done.
        (2, [("done", 10_000, None), ("refused", 20_000, "stopped")]),
        (3, [("done", 10_000, None), ("refused", 20_000, "stopped")]),
    ],
)
async def test_a_distribution_stopped_while_writing_publishes_the_rest(
    transfer_client: TransferClient,
    home: Household,
    monkeypatch: pytest.MonkeyPatch,
    published: list[tuple[str, int, str | None]],
    save: int,
    expected: list[tuple[str, int, str | None]],
) -> None:
    saves = itertools.count(1)
    arrived, released = asyncio.Event(), asyncio.Event()
    write = Store.async_save

    async def write_slowly(store: Store[Any], data: Any) -> None:
        if store.key.endswith("transfers") and next(saves) == save:
            arrived.set()
            await released.wait()
        await write(store, data)

    monkeypatch.setattr(Store, "async_save", write_slowly)
    distribution = asyncio.create_task(
        transfer_client.distribute(
            (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200})
        )
    )
    await arrived.wait()
    distribution.cancel()
    with pytest.raises(asyncio.CancelledError):
        await distribution
    released.set()
    await transfer_client.hass.async_block_till_done()
    assert published == expected


async def test_a_part_that_was_moved_before_is_not_reported_as_skipped(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    published: list[tuple[str, int, str | None]],
) -> None:
    await transfer_client.deposit(home.holiday, 200, dedupe_id="november/2")
    break_transfers(server, NO_FUNDS)
    response = await transfer_client.distribute(
        (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}), dedupe_id="november"
    )
    assert results_of(response) == ["refused", "already_moved"]
    assert published == [("done", 20_000, None), ("refused", 10_000, "transfer_rejected")]


async def test_a_part_whose_id_belongs_to_another_transfer_is_refused(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.deposit(home.holiday, 5, dedupe_id="november/2")
    response = await transfer_client.distribute(
        (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}), dedupe_id="november"
    )
    assert results_of(response) == ["moved", "refused"]
    assert response["reason"] == "dedupe_id_reused"
    assert transfer_client.amounts == [("Holiday", 500), ("Rainy day", 10_000)]


async def test_a_limit_set_during_a_distribution_applies_at_once(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    distribution, held = await start_distribution(
        transfer_client, server, (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200})
    )
    # Not until Home Assistant is idle, because that would wait for the held transfer.
    hass, entry = transfer_client.hass, transfer_client.entry
    hass.config_entries.async_update_entry(entry, options={CONF_MAX_PER_TRANSFER: 150})
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert not distribution.done()
    assert len(transfer_client.sent) == 1
    held.released.set()
    response = await distribution
    assert results_of(response) == ["moved", "refused"]
    assert response["reason"] == "over_transfer_limit"
    assert len(transfer_client.sent) == 1


async def test_a_limit_set_after_a_failure_applies_to_the_rest(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    parts = ((home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}))
    break_transfers(server, Delay(0), NO_FUNDS)
    await transfer_client.distribute(*parts, dedupe_id="november")
    await change_options(transfer_client, **{CONF_MAX_PER_TRANSFER: 150})
    with refused() as refusal:
        await transfer_client.distribute(*parts, dedupe_id="november")
    assert refusal.key == "over_transfer_limit"
    assert len(transfer_client.moves) == 1


# Moves between pots


def issues_between_pots(hass: HomeAssistant) -> list[ir.IssueEntry]:
    """Return the active repair issues about money between pots."""
    return [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.translation_key == ISSUE_BETWEEN_POTS and issue.active
    ]


async def test_money_moves_from_pot_to_pot(
    transfer_client: TransferClient, home: Household
) -> None:
    before = home.current.balance
    jar = home.coin_jar.balance
    response = await transfer_client.move_between_pots(
        home.holiday, home.coin_jar, amount=40, dedupe_id="treat"
    )
    assert response["result"] == "moved"
    assert transfer_client.moves == [
        Move("Holiday", -4000, "treat/1"),
        Move("Coin jar", 4000, "treat/2"),
    ]
    assert [row["direction"] for row in response["moves"]] == ["withdraw", "deposit"]
    assert home.current.balance == before
    response = await transfer_client.move_between_pots(
        home.holiday, home.coin_jar, amount=40, dedupe_id="treat"
    )
    assert response["result"] == "already_moved"
    await transfer_client.move_between_pots(home.holiday, home.rainy_day, percentage=50)
    await transfer_client.move_between_pots(
        home.holiday, home.rainy_day, everything=True, keep_at_least=100
    )
    assert (home.holiday.balance, home.coin_jar.balance) == (10_000, jar + 4_000)
    assert home.current.balance == before


async def test_money_does_not_go_through_an_overdrawn_account(
    transfer_client: TransferClient, home: Household
) -> None:
    set_balance(home, -5_000)
    with refused() as refusal:
        await transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=100)
    assert refusal.key == "account_overdrawn"
    response = await transfer_client.move_between_pots(home.holiday, home.coin_jar, percentage=10)
    assert (response["result"], response["reason"]) == ("nothing_to_do", "account_overdrawn")
    assert transfer_client.sent == []
    set_balance(home, 0)
    assert (await transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=100))[
        "result"
    ] == "moved"
    assert home.current.balance == 0


async def test_no_money_moves_between_unsuitable_pots(
    transfer_client: TransferClient, home: Household
) -> None:
    for source, destination, key, text in (
        (home.holiday, home.holiday, "same_pot", "both contain Holiday"),
        (
            home.holiday,
            home.bills,
            "pots_of_several_accounts",
            "Holiday belongs to Current account, but Bills belongs to Joint account",
        ),
        (home.rainy_day, home.holiday, "pot_locked", "Rainy day is locked"),
    ):
        with refused() as refusal:
            await transfer_client.move_between_pots(source, destination, amount=1)
        assert refusal.key == key
        assert text in refusal.text
    with refused() as refusal:
        await transfer_client.call(
            "move_between_pots",
            from_pot=transfer_client.device(home.current),
            to_pot=transfer_client.device(home.holiday),
            amount=1,
        )
    assert refusal.key == "not_a_pot"
    assert transfer_client.sent == []


async def test_nothing_has_moved_if_the_first_half_fails(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    break_transfers(server, NO_FUNDS)
    response = await transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=40)
    assert response["result"] == "incomplete"
    assert response["reason"] == "transfer_rejected"
    assert results_of(response) == ["refused", "not_sent"]
    assert issues_between_pots(transfer_client.hass) == []
    assert transfer_client.moves == []


async def test_a_repair_issue_tells_where_the_money_is_if_the_second_half_fails(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    hass, before = transfer_client.hass, home.current.balance
    # The bank goes down between the halves.
    server.fail("PUT", "/pots/*/deposit", DropBefore(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None, after=1)
    fields = {"amount": 40, "dedupe_id": "treat"}
    response = await transfer_client.move_between_pots(home.holiday, home.coin_jar, **fields)
    assert response["result"] == "incomplete"
    assert response["reason"] == "money_in_account"
    assert results_of(response) == ["moved", "unknown"]
    assert response["account_balance"] == home.current.balance / 100 == (before + 4_000) / 100
    (issue,) = issues_between_pots(hass)
    assert issue.translation_placeholders == {
        "amount": "40.00 GBP",
        "source": "Holiday",
        "destination": "Coin jar",
        "account": "Current account",
        "dedupe_id": "treat",
    }
    # The issue is not stored, and diagnostics show only its ID.
    assert not issue.is_persistent
    assert "treat" not in issue.issue_id
    text = TEXTS["issues"][ISSUE_BETWEEN_POTS]["description"]
    assert "is in Current account" in text.format(**issue.translation_placeholders)
    server.clear_faults()
    response = await transfer_client.move_between_pots(home.holiday, home.coin_jar, **fields)
    assert response["result"] == "moved"
    assert response["reason"] is None
    assert results_of(response) == ["already_moved", "moved"]
    assert home.current.balance == before
    assert len(transfer_client.moves) == 2
    assert issues_between_pots(hass) == []


async def test_without_a_response_variable_the_error_tells_where_the_money_is(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    with refused() as refusal:
        await transfer_client.call_without_response(
            "move_between_pots",
            from_pot=transfer_client.device(home.holiday),
            to_pot=transfer_client.device(home.coin_jar),
            amount=40,
            dedupe_id="treat",
        )
    assert refusal.key == "money_in_account"
    assert "You can't deposit that much" in refusal.text
    assert "treat" in refusal.text
    assert len(issues_between_pots(transfer_client.hass)) == 1


async def test_the_repair_issue_is_there_again_after_a_restart(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    fields = {"amount": 40, "dedupe_id": "treat"}
    await transfer_client.move_between_pots(home.holiday, home.coin_jar, **fields)
    async with after_a_crash(transfer_client) as later:
        assert len(issues_between_pots(later.hass)) == 1
        await later.move_between_pots(home.holiday, home.coin_jar, **fields)
        assert issues_between_pots(later.hass) == []
    assert len(transfer_client.moves) == 2


async def test_an_automation_that_stops_between_the_halves_leaves_the_repair_issue(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    deposit = Held(Answer.html(502))
    server.fail("PUT", "/pots/*/deposit", deposit)
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    server.fail("GET", "/transactions", Answer.html(502))
    moving = asyncio.create_task(
        transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=40)
    )
    await deposit.arrived.wait()
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    deposit.released.set()
    await transfer_client.hass.async_block_till_done()
    assert len(issues_between_pots(transfer_client.hass)) == 1


async def test_a_removed_entry_leaves_no_repair_issue(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    await transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=40)
    await transfer_client.hass.config_entries.async_remove(transfer_client.entry.entry_id)
    assert issues_between_pots(transfer_client.hass) == []


async def test_both_halves_count_towards_the_daily_limit(
    transfer_client: TransferClient, home: Household
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 79})
    with refused() as refusal:
        await transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=40)
    assert refusal.key == "over_daily_limit"
    assert transfer_client.sent == []


# All actions


def valid_calls(transfer_client: TransferClient, home: Household) -> dict[str, dict[str, object]]:
    """Return a call of each action that would move money."""
    holiday, jar = transfer_client.device(home.holiday), transfer_client.device(home.coin_jar)
    return {
        "set_pot_balance": {"pot": holiday, "amount": 650},
        "keep_account_at": {"pot": holiday, "amount": 500},
        "distribute": {"pots": [{"pot": holiday, "amount": 1}, {"pot": jar, "percentage": 1}]},
        "move_between_pots": {"from_pot": holiday, "to_pot": jar, "amount": 1},
    }


async def test_the_valid_calls_cover_all_actions(
    transfer_client: TransferClient, home: Household
) -> None:
    assert valid_calls(transfer_client, home).keys() == {
        action.name for action in planned_transfers.ACTIONS
    }


async def test_a_dry_run_of_any_action_sends_nothing(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    published: list[tuple[str, int, str | None]],
) -> None:
    before = (home.current.balance, home.holiday.balance, home.coin_jar.balance)
    for action, fields in valid_calls(transfer_client, home).items():
        response = await transfer_client.call(action, **fields, dry_run=True)
        assert response["result"] == "planned"
        assert set(results_of(response)) == {"planned"}
        assert response["dedupe_id"] is None
    assert server.requests_to("PUT", "*") == []
    assert published == []
    assert before == (home.current.balance, home.holiday.balance, home.coin_jar.balance)


async def test_only_administrators_move_money(
    transfer_client: TransferClient,
    home: Household,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    services = transfer_client.hass.services
    for action, fields in valid_calls(transfer_client, home).items():
        assert services.supports_response(DOMAIN, action) is SupportsResponse.OPTIONAL
        with pytest.raises(Unauthorized):
            await services.async_call(
                DOMAIN,
                action,
                {**fields, "dry_run": True},
                blocking=True,
                context=Context(user_id=hass_read_only_user.id),
            )
    assert transfer_client.sent == []
    for action, fields in valid_calls(transfer_client, home).items():
        await services.async_call(
            DOMAIN, action, fields, blocking=True, context=Context(user_id=hass_admin_user.id)
        )
    assert transfer_client.moves


async def test_several_actions_at_once_keep_the_minimum(
    transfer_client: TransferClient, home: Household
) -> None:
    total = home.current.balance + home.holiday.balance + home.coin_jar.balance
    await asyncio.gather(
        transfer_client.keep_account_at(home.holiday, 100),
        transfer_client.set_pot_balance(home.coin_jar, 900, keep_at_least=100),
        transfer_client.distribute(
            (home.coin_jar, {"percentage": 50}),
            (home.holiday, {"remainder": True}),
            keep_at_least=100,
        ),
    )
    assert home.current.balance == 10_000
    assert home.current.balance + home.holiday.balance + home.coin_jar.balance == total


# Repeated calls after the balances have changed


async def lose_all_answers(server: BankServer, call: Coroutine[Any, Any, Any]) -> None:
    """Make a transfer whose answers are all lost, and which the bank did not receive."""
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await call
    assert refusal.key == "transfer_not_found"
    server.clear_faults()


async def test_a_repeated_sweep_leaves_the_account_at_its_target(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    set_balance(home, 100_000)
    await lose_all_answers(
        server, transfer_client.keep_account_at(home.holiday, 500, dedupe_id="sweep")
    )
    set_balance(home, 50_500)

    with refused() as refusal:
        await transfer_client.keep_account_at(home.holiday, 500, dedupe_id="sweep")

    assert refusal.key == "below_keep_at_least"
    assert home.current.balance == 50_500


async def test_a_repeated_deposit_of_everything_does_not_overdraw_the_account(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    set_balance(home, 100_000)
    pot = transfer_client.device(home.holiday)
    fields: dict[str, Any] = {"pot": pot, "everything": True, "dedupe_id": "all"}
    await lose_all_answers(server, transfer_client.call("deposit_into_pot", **fields))
    set_balance(home, 20_000)
    sent = len(transfer_client.sent)

    with refused() as refusal:
        await transfer_client.call("deposit_into_pot", **fields)

    assert refusal.key == "below_keep_at_least"
    assert len(transfer_client.sent) == sent


async def test_a_repeated_pot_target_does_not_overdraw_the_account(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    set_balance(home, 100_000)
    target = home.holiday.balance / 100 + 500
    await lose_all_answers(
        server, transfer_client.set_pot_balance(home.holiday, target, dedupe_id="pot")
    )
    set_balance(home, 20_000)

    with refused() as refusal:
        await transfer_client.set_pot_balance(home.holiday, target, dedupe_id="pot")

    assert refusal.key == "below_keep_at_least"
    assert transfer_client.moves == []


@pytest.fixture
async def in_doubt(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> dict[str, Any]:
    """Return the fields of a move between pots whose first half is in doubt."""
    set_balance(home, 100_000)
    fields: dict[str, Any] = {"amount": 500, "keep_at_least": 100, "dedupe_id": "over"}
    break_transfers(server, DropBefore(), times=None)
    response = await transfer_client.move_between_pots(home.holiday, home.rainy_day, **fields)
    assert results_of(response) == ["unknown", "not_sent"]
    server.clear_faults()
    return fields


async def test_a_repeated_first_half_keeps_the_minimum_of_its_pot(
    transfer_client: TransferClient, home: Household, bank: Bank, in_doubt: dict[str, Any]
) -> None:
    bank.withdraw(home.holiday.id, home.current.id, home.holiday.balance - 52_000, "by hand")

    with refused() as refusal:
        await transfer_client.move_between_pots(home.holiday, home.rainy_day, **in_doubt)

    assert refusal.key == "below_keep_at_least"
    assert home.holiday.balance == 52_000


async def test_a_repeated_first_half_does_not_go_into_an_overdrawn_account(
    transfer_client: TransferClient, home: Household, in_doubt: dict[str, Any]
) -> None:
    before = home.holiday.balance
    set_balance(home, -10_000)

    with refused() as refusal:
        await transfer_client.move_between_pots(home.holiday, home.rainy_day, **in_doubt)

    assert refusal.key == "account_overdrawn"
    assert home.holiday.balance == before


async def test_money_between_pots_reaches_its_destination_after_months(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    advance_time: AdvanceTime,
) -> None:
    set_balance(home, 100_000)
    fields: dict[str, Any] = {"percentage": 50, "dedupe_id": "half"}
    half = home.holiday.balance // 2
    break_transfers(server, Delay(0), NO_FUNDS)
    response = await transfer_client.move_between_pots(home.holiday, home.rainy_day, **fields)
    assert response["reason"] == "money_in_account"
    await advance_time(KEPT_FOR + timedelta(days=60))
    await transfer_client.deposit(home.coin_jar, 1)

    response = await transfer_client.move_between_pots(home.holiday, home.rainy_day, **fields)

    assert results_of(response) == ["already_moved", "moved"]
    assert transfer_client.amounts == [("Holiday", -half), ("Coin jar", 100), ("Rainy day", half)]


async def test_no_other_call_moves_money_between_a_plan_and_its_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    set_balance(home, 60_000)
    held = Held(Delay(0))
    server.fail("GET", "/pots", held)
    planned = asyncio.create_task(transfer_client.deposit(home.holiday, 500, keep_at_least=100))
    await held.arrived.wait()
    certain = asyncio.create_task(transfer_client.deposit(home.rainy_day, 50))
    await asyncio.sleep(0)
    held.released.set()
    await asyncio.gather(planned, certain)

    assert transfer_client.amounts == [("Holiday", 50_000), ("Rainy day", 5_000)]


async def test_waiting_calls_share_the_balances_that_they_read(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    set_balance(home, 100_000)
    before = len(server.requests)

    await asyncio.gather(
        *(transfer_client.deposit(home.holiday, 10, keep_at_least=100) for _call in range(5))
    )

    # Each call sends one request to move the money, two for the balances, and one for the
    # transactions. The first call also reads the balances before its plan. If all calls did that,
    # there would be 31 requests.
    assert len(server.requests) - before <= 5 * 4 + 5
