"""The event entity with the result of each transfer of a person."""

from datetime import timedelta
from typing import Any

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.event import MonzoTransfersEvent
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore, LoseResponse
from tests.conftest import AdvanceTime
from tests.helpers.state_helpers import device, shown
from tests.helpers.transfer_client import TransferClient, refused
from tests.helpers.transfer_faults import break_transfers, change_options

NO_FUNDS = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")


def latest(transfer_client: TransferClient, home: Household) -> dict[str, Any]:
    """Return the attributes of the latest event."""
    return dict(shown(transfer_client.hass, home.ann.user_id, "transfers", "event").attributes)


@pytest.fixture
def events(transfer_client: TransferClient, home: Household) -> list[tuple[str, float, str | None]]:
    """Return the events from now on: outcome, amount and reason."""
    results: list[tuple[str, float, str | None]] = []

    @callback
    def append(event: Event[Any]) -> None:
        attributes = event.data["new_state"].attributes
        results.append((attributes["event_type"], attributes["amount"], attributes["reason"]))

    entity = shown(transfer_client.hass, home.ann.user_id, "transfers", "event").entity_id
    async_track_state_change_event(transfer_client.hass, entity, append)
    return results


async def test_an_event_has_all_attributes_of_its_transfer(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.withdraw(home.holiday, "12.34", dedupe_id="november")
    event = latest(transfer_client, home)
    ours = event.keys() - {"friendly_name", "attribution", "event_types"}
    assert {key: event[key] for key in ours} == {
        "event_type": "done",
        "direction": "withdraw",
        "amount": 12.34,
        "currency": "GBP",
        "pot": "Holiday",
        "account": "Current account",
        "reason": None,
        "dedupe_id": "november",
    }
    assert event["event_types"] == ["done", "refused", "unknown"]


async def test_the_entity_belongs_to_the_person(
    transfer_client: TransferClient, home: Household
) -> None:
    entity = shown(transfer_client.hass, home.ann.user_id, "transfers", "event")
    person = device(transfer_client.hass, transfer_client.entry, home.ann.user_id)
    assert person
    assert entity.entity_id == "event.ann_archer_transfers"
    assert entity.name == "Ann Archer Transfers"


async def test_each_refusal_has_a_reason(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    events: list[tuple[str, float, str | None]],
) -> None:
    break_transfers(server, NO_FUNDS)
    with refused():
        await transfer_client.deposit(home.holiday, 5)
    with refused():
        await transfer_client.withdraw(home.rainy_day, 6)
    break_transfers(server, Answer.rate_limited())
    with refused():
        await transfer_client.deposit(home.holiday, 7)
    assert events == [
        ("refused", 5, "transfer_rejected"),
        ("refused", 6, "pot_locked"),
        ("refused", 7, "transfer_not_sent"),
    ]


async def test_a_limit_is_a_reason(transfer_client: TransferClient, home: Household) -> None:
    await change_options(transfer_client, **{CONF_MAX_PER_TRANSFER: 1})
    with refused():
        await transfer_client.deposit(home.holiday, 7)
    event = latest(transfer_client, home)
    assert (event["event_type"], event["reason"]) == ("refused", "over_transfer_limit")


async def test_a_minimum_is_a_reason(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    events: list[tuple[str, float, str | None]],
) -> None:
    with refused():
        await transfer_client.deposit(home.holiday, 5, keep_at_least=1_000_000)
    with refused():
        await transfer_client.withdraw(
            home.holiday, 6, keep_at_least=1_000_000, dedupe_id="november"
        )
    event = latest(transfer_client, home)
    assert (event["direction"], event["pot"]) == ("withdraw", "Holiday")
    assert event["dedupe_id"] == "november"
    bank.pay(home.current.id, -home.current.balance - 1_000)
    pots = {
        "from_pot": transfer_client.device(home.holiday),
        "to_pot": transfer_client.device(home.coin_jar),
    }
    with refused():
        await transfer_client.call("move_between_pots", **pots, amount=7)
    with refused():
        await transfer_client.call("move_between_pots", **pots, amount=8, keep_at_least=1_000_000)
    assert events == [
        ("refused", 5, "below_keep_at_least"),
        ("refused", 6, "below_keep_at_least"),
        # The withdrawal, and the deposit after it.
        ("refused", 7, "account_overdrawn"),
        ("refused", 7, "earlier_move_failed"),
        ("refused", 8, "below_keep_at_least"),
        ("refused", 8, "earlier_move_failed"),
    ]


async def test_another_transfer_with_the_same_id_is_refused(
    transfer_client: TransferClient, home: Household, events: list[tuple[str, float, str | None]]
) -> None:
    await transfer_client.deposit(home.holiday, 4, dedupe_id="november")
    with refused():
        await transfer_client.deposit(home.holiday, 5, dedupe_id="november")
    assert events == [("done", 4, None), ("refused", 5, "dedupe_id_reused")]


@pytest.mark.parametrize(
    ("service", "pots", "reasons"),
    [
        ("deposit_into_pot", {"pot": "holiday", "keep_at_least": 10}, ["cannot_be_read"]),
        # It was locked at the last poll, and may be unlocked by now.
        ("withdraw_from_pot", {"pot": "rainy_day"}, ["cannot_be_read"]),
        (
            "move_between_pots",
            {"from_pot": "holiday", "to_pot": "coin_jar"},
            ["cannot_be_read", "earlier_move_failed"],
        ),
    ],
)
async def test_a_transfer_that_cannot_be_planned_is_refused(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    events: list[tuple[str, float, str | None]],
    service: str,
    pots: dict[str, Any],
    reasons: list[str],
) -> None:
    fields = {
        field: transfer_client.device(getattr(home, value)) if isinstance(value, str) else value
        for field, value in pots.items()
    }
    server.fail("GET", "*", Answer.html(502), times=None)
    with refused() as refusal:
        await transfer_client.call(service, **fields, amount=5)
    assert refusal.key == "cannot_be_read"
    assert events == [("refused", 5, reason) for reason in reasons]


async def test_a_transfer_in_doubt_that_cannot_be_planned_stays_unknown(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    events: list[tuple[str, float, str | None]],
) -> None:
    call = {"keep_at_least": 10, "dedupe_id": "november"}
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 5, **call)
    server.clear_faults()
    server.fail("GET", "*", Answer.html(502), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 5, **call)
    assert events == [("unknown", 5, "transfer_unconfirmed"), ("unknown", 5, "cannot_be_read")]


async def test_neither_a_dry_run_nor_an_empty_plan_is_an_event(
    transfer_client: TransferClient, home: Household, events: list[tuple[str, float, str | None]]
) -> None:
    await transfer_client.deposit(home.holiday, 5, keep_at_least=1_000_000, dry_run=True)
    pot = transfer_client.device(home.holiday)
    await transfer_client.call(
        "deposit_into_pot", pot=pot, everything=True, keep_at_least=1_000_000
    )
    assert events == []


async def test_a_transfer_in_doubt_that_a_limit_refuses_stays_unknown(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    events: list[tuple[str, float, str | None]],
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 5, dedupe_id="november")
    server.clear_faults()
    await change_options(transfer_client, **{CONF_MAX_PER_TRANSFER: 1})
    events.clear()
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 5, dedupe_id="november")
    assert refusal.key == "over_transfer_limit"
    assert events[-1] == ("unknown", 5, "over_transfer_limit")
    assert len(transfer_client.moves) == 1


async def test_a_sign_in_that_has_ended_is_a_reason(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    events: list[tuple[str, float, str | None]],
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 5)
    assert refusal.key == "action_needs_sign_in"
    assert events == [("refused", 5, "action_needs_sign_in")]


async def test_a_transfer_is_unknown_until_it_is_done(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    events: list[tuple[str, float, str | None]],
) -> None:
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 5, dedupe_id="november")
    server.clear_faults()
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, 5, dedupe_id="november")
    server.clear_faults()
    for _ in range(2):
        # The second call sends nothing.
        await transfer_client.deposit(home.holiday, 5, dedupe_id="november")
    assert events == [
        ("unknown", 5, "transfer_not_found"),
        ("unknown", 5, "transfer_unconfirmed"),
        ("done", 5, None),
    ]


async def test_transfers_of_a_new_account_are_events_too(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    advance_time: AdvanceTime,
    transfer_client: TransferClient,
) -> None:
    account = bank.open_account(home.ann, balance=10_000)
    pot = bank.open_pot(account.id, "Abroad")
    await advance_time(timedelta(hours=1, minutes=1))
    await advance_time(timedelta(minutes=6))
    await transfer_client.deposit(pot, 5)
    assert latest(transfer_client, home)["pot"] == "Abroad"


async def test_an_automation_can_react_to_failures(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    assert await async_setup_component(
        transfer_client.hass,
        "automation",
        {
            "automation": {
                "triggers": {
                    "trigger": "state",
                    "entity_id": "event.ann_archer_transfers",
                    "not_to": ["unavailable", "unknown"],
                },
                "conditions": "{{ trigger.to_state.attributes.event_type != 'done' }}",
                "actions": {
                    "event": "alarm",
                    "event_data": {"why": "{{ trigger.to_state.attributes.reason }}"},
                },
            }
        },
    )
    alarms: list[str] = []
    transfer_client.hass.bus.async_listen(
        "alarm", callback(lambda event: alarms.append(event.data["why"]))
    )
    await transfer_client.deposit(home.holiday, 5)
    break_transfers(server, NO_FUNDS)
    with refused():
        await transfer_client.deposit(home.holiday, 5)
    await transfer_client.hass.async_block_till_done()
    assert alarms == ["transfer_rejected"]


async def test_names_and_ids_are_not_recorded(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.deposit(home.holiday, 5)
    names = {"account", "dedupe_id", "pot"}
    assert names <= latest(transfer_client, home).keys()
    assert names == vars(MonzoTransfersEvent)["_unrecorded_attributes"]


async def test_the_entity_is_available_while_the_bank_is_not(
    transfer_client: TransferClient, home: Household, server: BankServer, advance_time: AdvanceTime
) -> None:
    await transfer_client.deposit(home.holiday, 5)
    server.fail("*", "*", Answer.html(502), times=None)
    await advance_time(timedelta(minutes=10))
    assert latest(transfer_client, home)["event_type"] == "done"


async def test_the_entity_has_no_event_before_the_first_transfer(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    assert shown(hass, home.ann.user_id, "transfers", "event").state == "unknown"
