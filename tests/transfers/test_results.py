"""The event entity of a person that tells what becomes of each transfer."""

import asyncio
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
from sandbox.server import Answer, BankServer, DropBefore, LoseResponse, Silence
from tests.conftest import LetPass
from tests.helpers.state_helpers import device, shown
from tests.helpers.transfer_client import Meanwhile, Teller, refused
from tests.helpers.transfer_faults import break_transfers, change_options

NO_FUNDS = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")


def told(teller: Teller, home: Household) -> dict[str, Any]:
    """Return what the entity has told last."""
    return dict(shown(teller.hass, home.ann.user_id, "transfers", "event").attributes)


@pytest.fixture
def heard(teller: Teller, home: Household) -> list[tuple[str, float, str | None]]:
    """Return what the entity tells from now on: outcome, amount and reason."""
    events: list[tuple[str, float, str | None]] = []

    @callback
    def hear(event: Event[Any]) -> None:
        attributes = event.data["new_state"].attributes
        events.append((attributes["event_type"], attributes["amount"], attributes["reason"]))

    entity = shown(teller.hass, home.ann.user_id, "transfers", "event").entity_id
    async_track_state_change_event(teller.hass, entity, hear)
    return events


async def test_a_transfer_that_is_done_is_told_with_all_there_is_to_it(
    teller: Teller, home: Household
) -> None:
    await teller.withdraw(home.holiday, "12.34", dedupe_id="november")
    event = told(teller, home)
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


async def test_it_belongs_to_the_person(teller: Teller, home: Household) -> None:
    entity = shown(teller.hass, home.ann.user_id, "transfers", "event")
    person = device(teller.hass, teller.entry, home.ann.user_id)
    assert person
    assert entity.entity_id == "event.ann_archer_transfers"
    assert entity.name == "Ann Archer Transfers"


async def test_each_refusal_has_its_reason(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
) -> None:
    break_transfers(server, NO_FUNDS)
    with refused():
        await teller.deposit(home.holiday, 5)
    with refused():
        await teller.withdraw(home.rainy_day, 6)
    break_transfers(server, Answer.rate_limited())
    with refused():
        await teller.deposit(home.holiday, 7)
    assert heard == [
        ("refused", 5, "transfer_rejected"),
        ("refused", 6, "pot_locked"),
        ("refused", 7, "transfer_not_sent"),
    ]


async def test_a_limit_of_the_user_is_a_reason(teller: Teller, home: Household) -> None:
    await change_options(teller, **{CONF_MAX_PER_TRANSFER: 1})
    with refused():
        await teller.deposit(home.holiday, 7)
    event = told(teller, home)
    assert (event["event_type"], event["reason"]) == ("refused", "over_transfer_limit")


async def test_what_is_to_be_kept_is_a_reason(
    teller: Teller,
    home: Household,
    bank: Bank,
    heard: list[tuple[str, float, str | None]],
) -> None:
    with refused():
        await teller.deposit(home.holiday, 5, keep_at_least=1_000_000)
    with refused():
        await teller.withdraw(home.holiday, 6, keep_at_least=1_000_000, dedupe_id="november")
    event = told(teller, home)
    assert (event["direction"], event["pot"]) == ("withdraw", "Holiday")
    assert event["dedupe_id"] == "november"
    bank.pay(home.current.id, -home.current.balance - 1_000)
    pots = {"from_pot": teller.device(home.holiday), "to_pot": teller.device(home.coin_jar)}
    with refused():
        await teller.call("move_between_pots", **pots, amount=7)
    with refused():
        await teller.call("move_between_pots", **pots, amount=8, keep_at_least=1_000_000)
    assert heard == [
        ("refused", 5, "below_keep_at_least"),
        ("refused", 6, "below_keep_at_least"),
        # Out of one pot, and into the other.
        ("refused", 7, "account_overdrawn"),
        ("refused", 7, "earlier_move_failed"),
        ("refused", 8, "below_keep_at_least"),
        ("refused", 8, "earlier_move_failed"),
    ]


async def test_another_transfer_under_the_same_id_is_told_as_refused(
    teller: Teller, home: Household, heard: list[tuple[str, float, str | None]]
) -> None:
    await teller.deposit(home.holiday, 4, dedupe_id="november")
    with refused():
        await teller.deposit(home.holiday, 5, dedupe_id="november")
    assert heard == [("done", 4, None), ("refused", 5, "dedupe_id_reused")]


@pytest.mark.parametrize(
    ("service", "pots", "reasons"),
    [
        ("deposit_into_pot", {"pot": "holiday", "keep_at_least": 10}, ["cannot_be_read"]),
        # It is locked as of the last poll, and nobody can tell whether it still is.
        ("withdraw_from_pot", {"pot": "rainy_day"}, ["cannot_be_read"]),
        (
            "move_between_pots",
            {"from_pot": "holiday", "to_pot": "coin_jar"},
            ["cannot_be_read", "earlier_move_failed"],
        ),
    ],
)
async def test_what_cannot_be_planned_is_told_as_refused(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
    service: str,
    pots: dict[str, Any],
    reasons: list[str],
) -> None:
    fields = {
        field: teller.device(getattr(home, value)) if isinstance(value, str) else value
        for field, value in pots.items()
    }
    server.fail("GET", "*", Answer.html(502), times=None)
    with refused() as refusal:
        await teller.call(service, **fields, amount=5)
    assert refusal.key == "cannot_be_read"
    assert heard == [("refused", 5, reason) for reason in reasons]


async def test_what_is_in_doubt_stays_so_when_it_cannot_be_planned(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
) -> None:
    call = {"keep_at_least": 10, "dedupe_id": "november"}
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await teller.deposit(home.holiday, 5, **call)
    server.clear_faults()
    server.fail("GET", "*", Answer.html(502), times=None)
    with refused():
        await teller.deposit(home.holiday, 5, **call)
    assert heard == [("unknown", 5, "transfer_unconfirmed"), ("unknown", 5, "cannot_be_read")]


async def test_a_plan_and_what_is_left_over_are_no_transfers(
    teller: Teller, home: Household, heard: list[tuple[str, float, str | None]]
) -> None:
    await teller.deposit(home.holiday, 5, keep_at_least=1_000_000, dry_run=True)
    pot = teller.device(home.holiday)
    await teller.call("deposit_into_pot", pot=pot, everything=True, keep_at_least=1_000_000)
    assert heard == []


async def test_what_may_have_moved_is_not_told_as_refused_by_an_option(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
) -> None:
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await teller.deposit(home.holiday, 5, dedupe_id="november")
    server.clear_faults()
    await change_options(teller, **{CONF_MAX_PER_TRANSFER: 1})
    heard.clear()
    with refused() as refusal:
        await teller.deposit(home.holiday, 5, dedupe_id="november")
    assert refusal.key == "over_transfer_limit"
    assert heard[-1] == ("unknown", 5, "over_transfer_limit")
    assert len(teller.moves) == 1


async def test_a_sign_in_that_has_ended_is_a_reason(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await teller.deposit(home.holiday, 5)
    assert refusal.key == "action_needs_sign_in"
    assert heard == [("refused", 5, "action_needs_sign_in")]


async def test_what_is_not_known_is_told_as_such_and_then_as_done(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
) -> None:
    break_transfers(server, DropBefore(), times=None)
    with refused():
        await teller.deposit(home.holiday, 5, dedupe_id="november")
    server.clear_faults()
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    with refused():
        await teller.deposit(home.holiday, 5, dedupe_id="november")
    server.clear_faults()
    for _ in range(2):
        # The second time nothing is tried any more.
        await teller.deposit(home.holiday, 5, dedupe_id="november")
    assert heard == [
        ("unknown", 5, "transfer_not_found"),
        ("unknown", 5, "transfer_unconfirmed"),
        ("done", 5, None),
    ]


async def test_an_automation_that_is_stopped_leaves_it_open(
    teller: Teller,
    home: Household,
    server: BankServer,
    heard: list[tuple[str, float, str | None]],
) -> None:
    sent = asyncio.Event()
    break_transfers(server, Meanwhile(sent.set, Silence()))
    moving = asyncio.create_task(teller.deposit(home.holiday, 5))
    await sent.wait()
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    assert heard == [("unknown", 5, "transfer_unconfirmed")]


async def test_transfers_of_a_new_account_are_told_as_well(
    hass: HomeAssistant, home: Household, bank: Bank, let_pass: LetPass, teller: Teller
) -> None:
    account = bank.open_account(home.ann, balance=10_000)
    pot = bank.open_pot(account.id, "Abroad")
    await let_pass(timedelta(hours=1, minutes=1))
    await let_pass(timedelta(minutes=6))
    await teller.deposit(pot, 5)
    assert told(teller, home)["pot"] == "Abroad"


async def test_an_automation_hears_of_what_fails(
    teller: Teller, home: Household, server: BankServer
) -> None:
    assert await async_setup_component(
        teller.hass,
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
    teller.hass.bus.async_listen("alarm", callback(lambda event: alarms.append(event.data["why"])))
    await teller.deposit(home.holiday, 5)
    break_transfers(server, NO_FUNDS)
    with refused():
        await teller.deposit(home.holiday, 5)
    await teller.hass.async_block_till_done()
    assert alarms == ["transfer_rejected"]


async def test_what_names_things_is_not_recorded(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 5)
    names = {"account", "dedupe_id", "pot"}
    assert names <= told(teller, home).keys()
    assert names == vars(MonzoTransfersEvent)["_unrecorded_attributes"]


async def test_it_is_there_while_the_bank_is_not(
    teller: Teller, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    await teller.deposit(home.holiday, 5)
    server.fail("*", "*", Answer.html(502), times=None)
    await let_pass(timedelta(minutes=10))
    assert told(teller, home)["event_type"] == "done"


async def test_it_tells_nothing_before_anything_is_tried(
    hass: HomeAssistant, home: Household, ann: MockConfigEntry
) -> None:
    assert shown(hass, home.ann.user_id, "transfers", "event").state == "unknown"
