"""Each result is published once, whatever happens to the caller, the entry and Home Assistant."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import pytest

from custom_components.monzo.transfers import SIGNAL_TRANSFER_RESULT, TransferResult
from sandbox.faults import Delay, Fault
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, LoseResponse
from tests.helpers.state_helpers import HeldResponse, shown
from tests.helpers.transfer_client import Held, TransferClient, refused
from tests.helpers.transfer_faults import after_a_crash, break_transfers, restart
from tests.sandbox.waiting import let_tasks_run

REJECTION = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")

type Published = list[tuple[str, str, str | None]]


class Listener:
    """Writes down the published results of an account: ID, outcome and reason."""

    def __init__(self, home: Household) -> None:
        """Initialize a listener that has received nothing."""
        self.published: Published = []
        self._signal = SIGNAL_TRANSFER_RESULT.format(home.current.id)

    def listen(self, hass: HomeAssistant) -> None:
        """Receive the results of one Home Assistant, as triggers do."""

        @callback
        def append(result: TransferResult) -> None:
            transfer = result.transfer
            self.published.append((transfer.dedupe_id, result.outcome, result.reason))

        async_dispatcher_connect(hass, self._signal, append)


@pytest.fixture
def listener(home: Household) -> Listener:
    """Return a listener that has received nothing."""
    return Listener(home)


def shown_event(client: TransferClient, home: Household) -> tuple[str, str] | None:
    """Return the outcome and ID that the event entity shows."""
    attributes = shown(client.hass, home.ann.user_id, "transfers", "event").attributes
    if attributes["event_type"] is None:
        return None
    return attributes["event_type"], attributes["dedupe_id"]


async def begun(
    client: TransferClient, home: Household, server: BankServer, held: Held | HeldResponse
) -> asyncio.Task[dict[str, Any]]:
    """Begin a transfer that the bank holds back, and return it when the bank has it."""
    break_transfers(server, held)
    call = asyncio.create_task(client.deposit(home.holiday, 20, dedupe_id="once"))
    await held.arrived.wait()
    return call


async def cancelled(call: asyncio.Task[dict[str, Any]]) -> None:
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


# The caller is cancelled.


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (Delay(0), "done", None),
        (DropBefore(), "done", None),
        (LoseResponse(), "done", None),
        (REJECTION, "refused", "transfer_rejected"),
    ],
    ids=["moved", "not sent", "answer lost", "rejected"],
)
async def test_the_transfer_of_a_cancelled_caller_is_published_when_it_has_ended(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    listener: Listener,
    fault: Fault,
    outcome: str,
    reason: str | None,
) -> None:
    listener.listen(transfer_client.hass)
    held = Held(fault)
    call = await begun(transfer_client, home, server, held)
    await cancelled(call)
    assert listener.published == []
    held.released.set()
    await transfer_client.hass.async_block_till_done()
    assert listener.published == [("once", outcome, reason)]
    assert shown_event(transfer_client, home) == (outcome, "once")


async def test_the_rest_of_a_cancelled_batch_is_published_as_stopped(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    listener.listen(transfer_client.hass)
    held = Held(Delay(0))
    break_transfers(server, held)
    pots = (home.holiday, home.coin_jar, home.rainy_day)
    call = asyncio.create_task(
        transfer_client.distribute(*((pot, {"amount": 1}) for pot in pots), dedupe_id="pay day")
    )
    await held.arrived.wait()
    await cancelled(call)
    held.released.set()
    await transfer_client.hass.async_block_till_done()
    assert sorted(listener.published) == [
        ("pay day/1", "done", None),
        ("pay day/2", "refused", "stopped"),
        ("pay day/3", "refused", "earlier_move_failed"),
    ]


async def test_money_between_pots_after_a_cancelled_caller_is_a_repair_issue(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    issue_registry: ir.IssueRegistry,
) -> None:
    held = Held(Delay(0))
    break_transfers(server, held)
    call = asyncio.create_task(
        transfer_client.move_between_pots(home.holiday, home.coin_jar, amount=5)
    )
    await held.arrived.wait()
    await cancelled(call)
    held.released.set()
    await hass.async_block_till_done()
    issues = [issue.translation_key for issue in issue_registry.issues.values()]
    assert issues.count("money_between_pots") == 1


# The entry is reloaded or unloaded.


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [(Delay(0), "done", None), (REJECTION, "refused", "transfer_rejected")],
    ids=["moved", "rejected"],
)
@pytest.mark.parametrize("stopped", [False, True], ids=["awaited", "cancelled"])
async def test_a_result_from_while_the_entry_is_not_loaded_is_published_once_it_is(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    listener: Listener,
    fault: Fault,
    outcome: str,
    reason: str | None,
    *,
    stopped: bool,
) -> None:
    hass, entry = transfer_client.hass, transfer_client.entry
    listener.listen(hass)
    held = Held(fault)
    call = await begun(transfer_client, home, server, held)
    assert await hass.config_entries.async_unload(entry.entry_id)
    if stopped:
        await cancelled(call)
    held.released.set()
    await asyncio.wait({call})
    await hass.async_block_till_done()
    if not stopped and outcome != "done":
        assert call.exception()
    assert listener.published == []
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert listener.published == [("once", outcome, reason)]
    assert shown_event(transfer_client, home) == (outcome, "once")
    await restart(transfer_client)
    assert len(listener.published) == 1


async def test_a_result_from_during_a_reload_is_published_after_it(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    hass, entry = transfer_client.hass, transfer_client.entry
    listener.listen(hass)
    held = Held(Delay(0))
    call = await begun(transfer_client, home, server, held)
    first_read = Held(Delay(0))
    server.fail("GET", "/balance", first_read)
    reload = asyncio.create_task(hass.config_entries.async_reload(entry.entry_id))
    await first_read.arrived.wait()
    held.released.set()
    # The caller does not wait for the reload, but for the balances that the reload is reading.
    await let_tasks_run()
    assert listener.published == []
    first_read.released.set()
    assert await reload
    assert (await call)["result"] == "moved"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert listener.published == [("once", "done", None)]
    assert shown_event(transfer_client, home) == ("done", "once")


async def test_a_result_from_while_the_entry_is_unloaded_outlasts_a_restart(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    held = Held(Delay(0))
    call = await begun(transfer_client, home, server, held)
    hass, entry = transfer_client.hass, transfer_client.entry
    assert await hass.config_entries.async_unload(entry.entry_id)
    held.released.set()
    await call
    async with after_a_crash(transfer_client, before_setup=listener.listen) as later:
        assert shown_event(later, home) == ("done", "once")
    assert listener.published == [("once", "done", None)]


# Home Assistant is killed.


@pytest.mark.parametrize(
    ("hold", "outcome", "reason"),
    [
        (HeldResponse, "done", None),
        (partial(Held, DropBefore()), "unknown", "transfer_not_found"),
    ],
    ids=["moved", "not moved"],
)
async def test_a_transfer_that_was_being_sent_is_published_at_the_next_start(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    listener: Listener,
    hold: Callable[[], Held | HeldResponse],
    outcome: str,
    reason: str | None,
) -> None:
    held = hold()
    call = await begun(transfer_client, home, server, held)
    async with after_a_crash(transfer_client, before_setup=listener.listen) as later:
        assert listener.published == [("once", outcome, reason)]
        assert shown_event(later, home) == (outcome, "once")
        await restart(later)
        assert len(listener.published) == 1
    await cancelled(call)
    held.released.set()


async def test_the_rest_of_a_batch_is_published_at_the_next_start(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    held = HeldResponse()
    server.fail("PUT", "/pots/*", held, after=1)
    pots = (home.holiday, home.coin_jar, home.rainy_day, home.holiday)
    call = asyncio.create_task(
        transfer_client.distribute(*((pot, {"amount": 1}) for pot in pots), dedupe_id="pay day")
    )
    await held.arrived.wait()
    async with after_a_crash(transfer_client, before_setup=listener.listen):
        assert listener.published == [
            ("pay day/2", "done", None),
            ("pay day/3", "refused", "stopped"),
            ("pay day/4", "refused", "earlier_move_failed"),
        ]
    await cancelled(call)
    held.released.set()


async def test_a_result_that_was_published_before_a_crash_is_not_published_again(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    crashed = asyncio.Event()
    later_published = Listener(home)

    async def crash() -> None:
        async with after_a_crash(transfer_client, before_setup=later_published.listen) as later:
            response = await later.deposit(home.holiday, 20, dedupe_id="once")
            assert response["result"] == "already_moved"
        crashed.set()

    tasks: list[asyncio.Task[None]] = []
    async_dispatcher_connect(
        transfer_client.hass,
        SIGNAL_TRANSFER_RESULT.format(home.current.id),
        # At the moment of the publication, with the files of that moment.
        callback(lambda _result: tasks.append(asyncio.create_task(crash()))),
    )
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    await asyncio.gather(*tasks)
    assert crashed.is_set()
    assert later_published.published == []


async def test_after_a_start_without_the_bank_an_unfinished_transfer_is_unknown(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    held = HeldResponse()
    call = await begun(transfer_client, home, server, held)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    async with after_a_crash(transfer_client, before_setup=listener.listen) as later:
        server.clear_faults()
        assert listener.published == [("once", "unknown", "transfer_unconfirmed")]
        response = await later.deposit(home.holiday, 20, dedupe_id="once")
        assert response["result"] == "moved"
        assert listener.published[1:] == [("once", "done", None)]
    await cancelled(call)
    held.released.set()
    assert len(transfer_client.moves) == 1


async def test_each_attempt_in_doubt_is_published(
    transfer_client: TransferClient, home: Household, server: BankServer, listener: Listener
) -> None:
    listener.listen(transfer_client.hass)
    break_transfers(server, DropBefore(), times=None)
    for _ in range(2):
        with refused():
            await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    server.clear_faults()
    await transfer_client.deposit(home.holiday, 20, dedupe_id="once")
    assert listener.published == [
        ("once", "unknown", "transfer_not_found"),
        ("once", "unknown", "transfer_not_found"),
        ("once", "done", None),
    ]
