"""An ID that the caller gave, and the journal does not know: the bank's answer proves nothing."""

from datetime import timedelta
from typing import Any, Literal

import pytest

from custom_components.monzo.const import CONF_MAX_PER_DAY, DOMAIN
from custom_components.monzo.transfers import async_remove_journal
from sandbox.bank import Bank
from sandbox.behaviour import BankBehaviour
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, Edited, LoseResponse
from tests.conftest import AdvanceTime
from tests.helpers.transfer_client import TransferClient, refused, results_of
from tests.helpers.transfer_faults import after_a_crash, break_transfers, change_options, restart


async def lose_journal(client: TransferClient) -> None:
    """Lose the journal, as by removing the entry and adding it again."""
    await async_remove_journal(client.hass, client.entry.entry_id)
    await restart(client)


async def test_a_transfer_is_not_made_again(
    transfer_client: TransferClient, home: Household
) -> None:
    for move in (transfer_client.deposit, transfer_client.withdraw):
        dedupe_id = move.__name__
        assert (await move(home.holiday, 20, dedupe_id=dedupe_id))["result"] == "moved"
        await lose_journal(transfer_client)
        sent = len(transfer_client.sent)
        for _ in range(2):
            response = await move(home.holiday, 20, dedupe_id=dedupe_id)
            assert response["result"] == "already_moved"
            assert len(transfer_client.sent) == sent
    assert len(transfer_client.moves) == 2


async def test_a_transfer_of_another_amount_is_refused(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.set_round_up(home.coin_jar.id, on=False)
    sweep = {"pot": home.holiday, "amount": 1_000, "dedupe_id": "sweep-2026-11-29"}
    assert (await transfer_client.keep_account_at(**sweep))["result"] == "moved"  # type: ignore[arg-type]
    await lose_journal(transfer_client)
    bank.receive(home.current.id, 70_000)
    sent = len(transfer_client.sent)
    with refused() as refusal:
        await transfer_client.keep_account_at(**sweep)  # type: ignore[arg-type]
    assert refusal.key == "dedupe_id_reused"
    assert len(transfer_client.sent) == sent
    assert home.current.balance == 170_000


async def test_after_the_loss_a_transfer_counts_from_when_it_was_made(
    transfer_client: TransferClient, home: Household, advance_time: AdvanceTime
) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: 20})
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    await advance_time(timedelta(hours=20))
    await lose_journal(transfer_client)
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, "0.01")
    assert refusal.key == "over_daily_limit"
    await advance_time(timedelta(hours=4))
    assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"


@pytest.mark.parametrize("conflict", ["replay", "refuse", "move"])
async def test_a_transfer_from_before_the_listed_days_is_not_reported_as_moved(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    advance_time: AdvanceTime,
    conflict: Literal["replay", "refuse", "move"],
) -> None:
    bank.behaviour = BankBehaviour(dedupe_conflict=conflict)
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    await advance_time(timedelta(days=40))
    await lose_journal(transfer_client)
    for _ in range(2):
        with refused() as refusal:
            await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
        assert refusal.key == "transfer_not_shown"
        assert "Current account does not show it" in refusal.text
        assert "The dedupe ID once was probably already used" in refusal.text
    assert len(transfer_client.moves) == 1


async def test_a_repetition_needs_proof_as_well(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    await advance_time(timedelta(days=40))
    await lose_journal(transfer_client)
    with refused():
        await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert refusal.key == "transfer_unconfirmed"


async def test_a_distribution_is_proven_once(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    parts = [(pot, {"amount": 5}) for pot in (home.holiday, home.coin_jar, home.rainy_day)]
    reads = len(server.requests_to("GET", "/transactions"))
    response = await transfer_client.distribute(*parts, dedupe_id="pay day")
    assert results_of(response) == ["moved"] * 3
    # Before and after the first transfer.
    assert len(server.requests_to("GET", "/transactions")) - reads == 2
    await lose_journal(transfer_client)
    response = await transfer_client.distribute(*parts, dedupe_id="pay day")
    assert response["result"] == "already_moved"
    assert results_of(response) == ["already_moved"] * 3
    assert len(transfer_client.moves) == 3


async def test_the_rest_of_a_forgotten_distribution_is_made(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    parts = [(pot, {"amount": 5}) for pot in (home.holiday, home.coin_jar, home.rainy_day)]
    server.fail("PUT", "/pots/*", Answer.error("bad_request.something"), after=1)
    response = await transfer_client.distribute(*parts, dedupe_id="pay day")
    assert results_of(response) == ["moved", "refused", "not_sent"]
    await lose_journal(transfer_client)
    response = await transfer_client.distribute(*parts, dedupe_id="pay day")
    assert results_of(response) == ["already_moved", "moved", "moved"]


async def test_an_id_of_home_assistant_needs_no_proof(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    assert (await transfer_client.deposit(home.holiday, 20))["result"] == "moved"


async def test_an_accepted_transfer_of_a_given_id_is_unconfirmed_if_the_account_cannot_be_read(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert refusal.key == "transfer_unconfirmed"
    server.clear_faults()
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert response["result"] == "moved"
    assert len(transfer_client.moves) == 1


async def test_a_transfer_that_the_bank_lists_late_is_moved(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    def without_the_last(listing: dict[str, Any]) -> dict[str, Any]:
        return {"transactions": listing["transactions"][:-1]}

    server.fail("GET", "/transactions", Edited(without_the_last), times=3)
    response = await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert response["result"] == "moved"


async def test_a_lost_answer_after_the_loss_is_told_from_an_earlier_transfer(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    await lose_journal(transfer_client)
    for fault in (LoseResponse(), DropBefore()):
        break_transfers(server, fault, times=None)
        response = await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
        assert response["result"] == "already_moved"
    assert len(transfer_client.moves) == 1


@pytest.mark.parametrize("had_file", [True, False])
async def test_an_older_backup_moves_nothing_twice(
    transfer_client: TransferClient,
    home: Household,
    hass_storage: dict[str, Any],
    *,
    had_file: bool,
) -> None:
    key = f"{DOMAIN}.{transfer_client.entry.entry_id}.transfers"
    if had_file:
        await transfer_client.deposit(home.coin_jar, 1, dedupe_id="before")
    backup = {key: hass_storage[key]} if had_file else {}
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    del hass_storage[key]
    hass_storage |= backup
    async with after_a_crash(transfer_client) as later:
        response = await later.deposit(home.holiday, 20, dedupe_id="once")
        assert response["result"] == "already_moved"
    assert len(transfer_client.moves) == 1 + had_file
