"""Money on autopilot: pots and accounts that hold an amount, pay days, and pot to pot."""

import asyncio
from collections.abc import Coroutine, Mapping
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
    CONF_ALLOW_TRANSFERS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DOMAIN,
)
from custom_components.monzo.services import planned_transfers as autopilot
from custom_components.monzo.transfers.executor import (
    ISSUE_BETWEEN_POTS,
    SIGNAL_TRANSFER_RESULT,
    TransferResult,
)
from custom_components.monzo.transfers.journal import REMEMBERED_FOR
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Pot
from sandbox.server import Answer, BankServer, Delay, DropBefore, LoseResponse, Silence
from tests.conftest import LetPass
from tests.helpers.config_dialogs import TEXTS
from tests.helpers.transfer_client import Held, Meanwhile, Move, Teller, refused
from tests.helpers.transfer_faults import after_a_crash, break_transfers, change_options

NO_FUNDS = Answer.error("bad_request.insufficient_funds", "You can't deposit that much")


class Hand:
    """Has the actions of this module called."""

    def __init__(self, teller: Teller) -> None:
        """Call by this teller."""
        self.teller = teller

    async def set_pot(self, pot: Pot, amount: object = None, **fields: object) -> dict[str, Any]:
        """Bring a pot to an amount."""
        if amount is not None:
            fields["amount"] = amount
        return await self.teller.call("set_pot_balance", pot=self.teller.device(pot), **fields)

    async def keep(self, pot: Pot, amount: object, **fields: object) -> dict[str, Any]:
        """Keep the account of a pot at an amount."""
        return await self.teller.call(
            "keep_account_at", pot=self.teller.device(pot), amount=amount, **fields
        )

    async def distribute(
        self, *parts: tuple[Pot, Mapping[str, object]], **fields: object
    ) -> dict[str, Any]:
        """Hand money out to pots."""
        return await self.teller.call("distribute", pots=self.parts(*parts), **fields)

    def parts(self, *parts: tuple[Pot, Mapping[str, object]]) -> list[dict[str, object]]:
        """Return parts as the action wants them."""
        return [{"pot": self.teller.device(pot), **share} for pot, share in parts]

    async def between(self, source: Pot, destination: Pot, **fields: object) -> dict[str, Any]:
        """Move money from a pot to another one."""
        return await self.teller.call(
            "move_between_pots",
            from_pot=self.teller.device(source),
            to_pot=self.teller.device(destination),
            **fields,
        )

    async def call_blindly(self, action: str, **fields: object) -> None:
        """Call an action without wanting to know what comes of it."""
        await self.teller.hass.services.async_call(DOMAIN, action, fields, blocking=True)


@pytest.fixture
def hand(teller: Teller) -> Hand:
    """Return who has the actions called."""
    return Hand(teller)


@pytest.fixture
def reports(hass: HomeAssistant, home: Household) -> list[tuple[str, int, str | None]]:
    """Return what is told of the current account's transfers: outcome, pence and reason."""
    told: list[tuple[str, int, str | None]] = []

    @callback
    def hear(report: TransferResult) -> None:
        told.append((report.outcome, report.transfer.amount.minor, report.reason))

    async_dispatcher_connect(hass, SIGNAL_TRANSFER_RESULT.format(home.current.id), hear)
    return told


def leave(home: Household, pence: int) -> None:
    """Spend, or get, so much that this is left in the current account."""
    home.bank.set_round_up(home.coin_jar.id, on=False)
    if (difference := pence - home.current.balance) < 0:
        home.bank.pay(home.current.id, difference)
    else:
        home.bank.receive(home.current.id, difference, sender="Ben Baker")


def results(answer: dict[str, Any]) -> list[str]:
    """Return how each move of an answer stands."""
    return [row["result"] for row in answer["moves"]]


def amounts(teller: Teller) -> list[tuple[str, int]]:
    """Return which pot has gained how many pence, in order."""
    return [(move.pot, move.amount) for move in teller.moves]


# A pot at an amount


async def test_a_pot_is_filled_up_and_emptied_to_an_amount(hand: Hand, home: Household) -> None:
    answer = await hand.set_pot(home.holiday, 700)
    assert (answer["result"], answer["amount"]) == ("moved", 60)
    assert answer["moves"][0]["direction"] == "deposit"
    answer = await hand.set_pot(home.holiday, "650.01")
    assert (answer["result"], answer["amount"]) == ("moved", 49.99)
    assert answer["moves"][0]["direction"] == "withdraw"
    assert answer["pot_balance"] == 650.01
    answer = await hand.set_pot(home.holiday, 0)
    assert home.holiday.balance == 0
    assert amounts(hand.teller) == [("Holiday", 6000), ("Holiday", -4999), ("Holiday", -65001)]


async def test_a_pot_that_holds_its_amount_is_left_alone(hand: Hand, home: Household) -> None:
    answer = await hand.set_pot(home.holiday, 640)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "already_there")
    assert hand.teller.sent == []


async def test_no_more_than_the_most_is_moved_towards_the_amount(
    hand: Hand, home: Household
) -> None:
    answer = await hand.set_pot(home.holiday, 700, most=25)
    assert (answer["amount"], answer["short_by"]) == (25, 35)
    answer = await hand.set_pot(home.holiday, 0, most=25)
    assert (answer["amount"], answer["short_by"]) == (25, 640)
    assert home.holiday.balance == 64_000


async def test_an_account_is_swept_in_steps_of_the_most(hand: Hand, home: Household) -> None:
    before = home.current.balance
    answer = await hand.keep(home.holiday, 0, most=25)
    assert (answer["amount"], answer["short_by"]) == (25, (before - 2_500) / 100)
    answer = await hand.keep(home.holiday, before / 100, most=10)
    assert (answer["amount"], answer["short_by"]) == (10, 15)


async def test_a_pot_gets_what_the_account_can_spare(hand: Hand, home: Household) -> None:
    leave(home, 30_000)
    answer = await hand.set_pot(home.holiday, 1000, keep_at_least=250)
    assert (answer["result"], answer["amount"], answer["short_by"]) == ("moved", 50, 310)
    answer = await hand.set_pot(home.holiday, 1000, keep_at_least=250)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "nothing_to_spare")
    assert answer["short_by"] == 310
    await hand.set_pot(home.holiday, 5000)
    assert home.current.balance == 0


@pytest.mark.parametrize(
    ("state", "attributes", "pence"),
    [
        ("125.50", {"unit_of_measurement": "GBP"}, 12_550),
        ("-125.50", {"unit_of_measurement": "GBP"}, 12_550),
        ("80", {}, 8_000),
        ("80.0", {"unit_of_measurement": "£"}, 8_000),
        ("0.00", {}, 0),
        ("-0", {}, 0),
    ],
)
async def test_a_pot_follows_what_is_owed(
    hand: Hand, home: Household, state: str, attributes: dict[str, str], pence: int
) -> None:
    hand.teller.hass.states.async_set("sensor.credit_card", state, attributes)
    await hand.set_pot(home.holiday, follow="sensor.credit_card")
    assert home.holiday.balance == pence


async def test_a_pot_follows_a_debt_at_monzo_itself(hand: Hand, home: Household) -> None:
    debt = hand.teller.hass.states.get("sensor.flex_balance")
    assert debt
    assert debt.state == "-125.00"
    await hand.set_pot(home.holiday, follow="sensor.flex_balance")
    assert home.holiday.balance == 12_500


@pytest.mark.parametrize(
    ("state", "unit"),
    [
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
    ],
)
async def test_what_shows_no_exact_amount_is_not_followed(
    hand: Hand, home: Household, state: str, unit: str | None
) -> None:
    attributes = {"unit_of_measurement": unit} if unit else {}
    hand.teller.hass.states.async_set("sensor.credit_card", state, attributes)
    for entity_id in ("sensor.credit_card", "sensor.nobody"):
        with refused() as refusal:
            await hand.set_pot(home.holiday, follow=entity_id)
        assert refusal.key == "nothing_to_follow"
    assert hand.teller.sent == []


async def test_a_pot_follows_anew_when_it_is_asked_for_again(hand: Hand, home: Household) -> None:
    states = hand.teller.hass.states
    states.async_set("sensor.credit_card", "125.50")
    fields = {"follow": "sensor.credit_card", "dedupe_id": "monday"}
    await hand.set_pot(home.holiday, **fields)
    states.async_set("sensor.credit_card", "130.00")
    # The same call again is the same one.
    assert (await hand.set_pot(home.holiday, **fields))["result"] == "already_moved"
    assert home.holiday.balance == 12_550
    await hand.set_pot(home.holiday, follow="sensor.credit_card", dedupe_id="tuesday")
    assert home.holiday.balance == 13_000


async def test_what_was_begun_is_finished_though_there_is_nothing_to_follow(
    hand: Hand, home: Household, server: BankServer
) -> None:
    states = hand.teller.hass.states
    states.async_set("sensor.credit_card", "125.50")
    fields = {"follow": "sensor.credit_card", "dedupe_id": "monday"}
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await hand.set_pot(home.holiday, **fields)
    assert refusal.key == "transfer_not_found"
    server.clear_faults()
    states.async_set("sensor.credit_card", "unavailable")
    await hand.set_pot(home.holiday, **fields)
    assert home.holiday.balance == 12_550


@pytest.mark.parametrize("fields", [{}, {"amount": 1, "follow": "sensor.credit_card"}], ids=str)
async def test_a_pot_is_told_one_amount(
    hand: Hand, home: Household, fields: dict[str, object]
) -> None:
    with refused() as refusal:
        await hand.set_pot(home.holiday, **fields)
    assert refusal.key == "one_of_these"


async def test_a_locked_pot_is_filled_but_not_emptied(hand: Hand, home: Household) -> None:
    await hand.set_pot(home.rainy_day, 2101)
    with refused() as refusal:
        await hand.set_pot(home.rainy_day, 2000)
    assert refusal.key == "pot_locked"
    assert amounts(hand.teller) == [("Rainy day", 100)]


async def test_a_pot_deleted_since_the_last_poll_cannot_be_read(
    hand: Hand, home: Household, bank: Bank
) -> None:
    bank.close_pot(home.holiday.id)
    with refused() as refusal:
        await hand.set_pot(home.holiday, 700)
    assert refusal.key == "cannot_be_read"
    assert hand.teller.sent == []


# An account at an amount


async def test_what_is_too_much_is_swept_and_what_is_missing_topped_up(
    hand: Hand, home: Household, bank: Bank
) -> None:
    before = home.current.balance
    answer = await hand.keep(home.holiday, 500)
    assert answer["account_balance"] == 500
    assert home.current.balance == 50_000
    bank.pay(home.current.id, -12_345)
    missing = 50_000 - home.current.balance
    answer = await hand.keep(home.holiday, 500)
    assert (answer["result"], answer["amount"]) == ("moved", missing / 100)
    assert home.current.balance == 50_000
    assert amounts(hand.teller) == [("Holiday", before - 50_000), ("Holiday", -missing)]
    answer = await hand.keep(home.holiday, 500)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "already_there")


async def test_money_moves_only_the_way_it_may(hand: Hand, home: Household) -> None:
    for fields in ({"amount": 5, "only_top_up": True}, {"amount": 50_000, "only_sweep": True}):
        answer = await hand.keep(home.holiday, **fields)
        assert (answer["result"], answer["reason"]) == ("nothing_to_do", "other_direction")
    assert hand.teller.sent == []
    await hand.keep(home.holiday, 5, only_sweep=True, only_top_up=False)
    await hand.keep(home.holiday, 50, only_top_up=True)
    assert home.current.balance == 5_000
    with refused() as refusal:
        await hand.keep(home.holiday, 50, only_top_up=True, only_sweep=True)
    assert refusal.key == "both_directions"


async def test_what_is_not_worth_moving_is_left(hand: Hand, home: Household) -> None:
    before = home.current.balance
    answer = await hand.keep(home.holiday, (before - 999) / 100, smallest=10)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "too_little")
    await hand.keep(home.holiday, (before - 1000) / 100, smallest=10)
    assert amounts(hand.teller) == [("Holiday", 1000)]


async def test_a_pot_gives_what_it_has(hand: Hand, home: Household) -> None:
    target = home.current.balance + 100_000
    answer = await hand.keep(home.holiday, target / 100)
    assert (answer["amount"], answer["short_by"]) == (640, 360)
    answer = await hand.keep(home.holiday, target / 100)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "nothing_to_spare")


# Handing out


async def test_a_salary_is_handed_out_in_order(
    hand: Hand, home: Household, bank: Bank, reports: list[tuple[str, int, str | None]]
) -> None:
    bank.receive(home.current.id, 265_000, sender="Harbour Design Ltd")
    before = home.current.balance
    answer = await hand.distribute(
        (home.rainy_day, {"amount": 300}),
        (home.holiday, {"percentage": 20}),
        (home.coin_jar, {"remainder": True}),
        amount=2650,
        dedupe_id="november",
    )
    assert answer["result"] == "moved"
    assert hand.teller.moves == [
        Move("Rainy day", 30_000, "november/1"),
        Move("Holiday", 53_000, "november/2"),
        Move("Coin jar", 182_000, "november/3"),
    ]
    assert answer["account_balance"] == (before - 265_000) / 100
    assert answer["short_by"] == 0
    assert [row["pot"] for row in answer["moves"]] == ["Rainy day", "Holiday", "Coin jar"]
    assert reports == [("done", 30_000, None), ("done", 53_000, None), ("done", 182_000, None)]


async def test_without_an_amount_all_above_what_is_kept_is_handed_out(
    hand: Hand, home: Household
) -> None:
    leave(home, 20_100)
    await hand.distribute(
        (home.coin_jar, {"remainder": True}),
        (home.holiday, {"percentage": "33.3"}),
        (home.rainy_day, {"percentage": "33.3"}),
        keep_at_least=100,
    )
    # A third of 101.00, rounded down, and the penny for who gets the rest.
    assert amounts(hand.teller) == [("Coin jar", 3374), ("Holiday", 3363), ("Rainy day", 3363)]
    assert home.current.balance == 10_000


async def test_where_there_is_too_little_the_first_come_first(hand: Hand, home: Household) -> None:
    leave(home, 50_000)
    answer = await hand.distribute(
        (home.rainy_day, {"amount": 400}),
        (home.holiday, {"amount": 400}),
        (home.coin_jar, {"remainder": True}),
    )
    assert answer["result"] == "moved"
    assert answer["short_by"] == 300
    assert amounts(hand.teller) == [("Rainy day", 40_000), ("Holiday", 10_000)]
    answer = await hand.distribute((home.rainy_day, {"amount": 400}))
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "nothing_to_spare")


@pytest.mark.parametrize(
    ("shares", "key"),
    [
        (({"percentage": 60}, {"percentage": "40.01"}), "more_than_everything"),
        (({"remainder": True}, {"remainder": True}), "several_remainders"),
        (({"amount": 1}, {}), "one_of_these"),
        (({"amount": 1}, {"amount": 1, "remainder": True}), "one_of_these"),
        (({"amount": 1}, {"amount": 0}), "invalid_amount"),
    ],
    ids=str,
)
async def test_what_cannot_be_handed_out_is_refused(
    hand: Hand, home: Household, shares: tuple[dict[str, object], ...], key: str
) -> None:
    with refused() as refusal:
        await hand.distribute(*zip((home.holiday, home.coin_jar), shares, strict=True))
    assert refusal.key == key
    assert hand.teller.sent == []


async def test_pots_of_two_accounts_are_refused(hand: Hand, home: Household) -> None:
    with refused() as refusal:
        await hand.distribute((home.holiday, {"amount": 1}), (home.bills, {"amount": 1}))
    assert refusal.key == "pots_of_several_accounts"
    with refused() as refusal:
        await hand.distribute((home.holiday, {"amount": 1}), account=hand.teller.device(home.joint))
    assert refusal.key == "not_the_pots_account"


@pytest.mark.parametrize("pots", [[], [{}], [{"amount": 1}], "pots", [{"pot": "x", "odd": 1}]])
async def test_pots_that_make_no_sense_are_named(hand: Hand, pots: object) -> None:
    with pytest.raises(vol.Invalid, match="pots"):
        await hand.teller.call("distribute", pots=pots)


async def test_nothing_is_handed_out_if_a_pot_is_gone(
    hand: Hand, home: Household, bank: Bank
) -> None:
    parts = hand.parts((home.holiday, {"amount": 1}), (home.coin_jar, {"amount": 1}))
    bank.close_pot(home.coin_jar.id)
    with refused() as refusal:
        await hand.teller.call("distribute", pots=parts)
    assert refusal.key == "cannot_be_read"
    assert hand.teller.sent == []


PAY_DAY = {"keep_at_least": 50, "dedupe_id": "november"}


def pay_day(home: Household) -> tuple[tuple[Pot, dict[str, object]], ...]:
    """Return who gets what."""
    return (
        (home.rainy_day, {"amount": 100}),
        (home.holiday, {"percentage": 10}),
        (home.coin_jar, {"remainder": True}),
    )


async def test_it_stops_at_the_first_failure_and_goes_on_there(
    hand: Hand,
    home: Household,
    bank: Bank,
    server: BankServer,
    reports: list[tuple[str, int, str | None]],
) -> None:
    whole = home.current.balance - 5_000
    break_transfers(server, Delay(0), NO_FUNDS)
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert answer["result"] == "incomplete"
    assert answer["reason"] == "transfer_rejected"
    assert results(answer) == ["moved", "refused", "not_sent"]
    assert answer["moves"][1]["reason"] == "transfer_rejected"
    assert "You can't deposit that much" in answer["moves"][1]["message"]
    assert answer["account_balance"] == home.current.balance / 100
    assert reports == [
        ("done", 10_000, None),
        ("refused", whole // 10, "transfer_rejected"),
        ("refused", whole - 10_000 - whole // 10, "earlier_move_failed"),
    ]
    # Whatever there is now, the rest is what it was.
    bank.receive(home.current.id, 100_000, sender="Ben Baker")
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert answer["result"] == "moved"
    assert results(answer) == ["already_moved", "moved", "moved"]
    assert amounts(hand.teller) == [
        ("Rainy day", 10_000),
        ("Holiday", whole // 10),
        ("Coin jar", whole - 10_000 - whole // 10),
    ]
    assert home.current.balance == 105_000
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert answer["result"] == "already_moved"
    assert len(hand.teller.moves) == 3


async def test_money_spent_meanwhile_stops_it(
    hand: Hand, home: Household, bank: Bank, server: BankServer
) -> None:
    leave(home, 150_000)
    break_transfers(
        server,
        Delay(0),
        Meanwhile(lambda: leave(home, 100), Delay(0)),
    )
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert results(answer) == ["moved", "refused", "not_sent"]
    assert home.current.balance == 100
    # It would go below what is to be kept, which the bank does not know of.
    bank.receive(home.current.id, 14_000, sender="Ben Baker")
    with refused() as refusal:
        await hand.distribute(*pay_day(home), **PAY_DAY)
    assert refusal.key == "below_keep_at_least"
    assert len(hand.teller.moves) == 1
    bank.receive(home.current.id, 200_000, sender="Ben Baker")
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert results(answer) == ["already_moved", "moved", "moved"]


async def test_who_wants_no_answer_gets_an_error_that_says_it(
    hand: Hand, home: Household, server: BankServer
) -> None:
    fields = {"pots": hand.parts(*pay_day(home)), **PAY_DAY}
    break_transfers(server, NO_FUNDS)
    with refused() as refusal:
        await hand.call_blindly("distribute", **fields)
    assert refusal.key == "transfer_rejected"
    assert "was not moved" in refusal.text
    break_transfers(server, Delay(0), NO_FUNDS)
    with refused() as refusal:
        await hand.call_blindly("distribute", **fields)
    assert refusal.key == "moves_interrupted"
    assert "1 of 3 transfers were made" in refusal.text
    assert "You can't deposit that much" in refusal.text
    assert "november" in refusal.text
    await hand.call_blindly("distribute", **fields)
    assert len(hand.teller.moves) == 3
    await hand.call_blindly("distribute", **fields)
    assert len(hand.teller.moves) == 3


async def test_what_is_not_known_is_made_sure_of_first(
    hand: Hand,
    home: Household,
    server: BankServer,
    reports: list[tuple[str, int, str | None]],
) -> None:
    break_transfers(server, Delay(0))
    break_transfers(server, LoseResponse(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert results(answer) == ["moved", "unknown", "not_sent"]
    assert answer["moves"][1]["reason"] == "transfer_unconfirmed"
    # The id that finishes everything, not only this one.
    assert answer["moves"][1]["message"].endswith("with the dedupe ID november")
    assert [(outcome, reason) for outcome, _pence, reason in reports] == [
        ("done", None),
        ("unknown", "transfer_unconfirmed"),
        ("refused", "earlier_move_failed"),
    ]
    server.clear_faults()
    answer = await hand.distribute(*pay_day(home), **PAY_DAY)
    assert results(answer) == ["already_moved", "moved", "moved"]
    assert len(hand.teller.moves) == 3


async def test_what_may_not_have_moved_is_held_against_what_is_to_be_kept_as_well(
    hand: Hand, home: Household, bank: Bank, server: BankServer
) -> None:
    leave(home, 150_000)
    parts = [(home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 600})]
    fields = {"keep_at_least": 100, "dedupe_id": "november"}
    break_transfers(server, Delay(0))
    break_transfers(server, DropBefore(), times=None)
    answer = await hand.distribute(*parts, **fields)
    assert results(answer) == ["moved", "unknown"]
    server.clear_faults()
    leave(home, 65_000)
    with refused() as refusal:
        await hand.distribute(*parts, **fields)
    assert refusal.key == "below_keep_at_least"
    assert home.current.balance == 65_000
    leave(home, 70_000)
    answer = await hand.distribute(*parts, **fields)
    assert results(answer) == ["already_moved", "moved"]
    assert home.current.balance == 10_000


async def test_after_a_crash_the_rest_is_finished(
    hand: Hand, home: Household, bank: Bank, server: BankServer
) -> None:
    whole = home.current.balance - 5_000
    sent = asyncio.Event()
    break_transfers(server, Delay(0), Meanwhile(sent.set, Silence(committed=True)))
    lost = asyncio.create_task(hand.distribute(*pay_day(home), **PAY_DAY))
    await sent.wait()
    bank.receive(home.current.id, 100_000, sender="Ben Baker")
    async with after_a_crash(hand.teller) as later:
        answer = await Hand(later).distribute(*pay_day(home), **PAY_DAY)
    assert results(answer) == ["already_moved", "moved", "moved"]
    assert amounts(hand.teller) == [
        ("Rainy day", 10_000),
        ("Holiday", whole // 10),
        ("Coin jar", whole - 10_000 - whole // 10),
    ]
    lost.cancel()


async def test_what_is_asked_for_under_the_same_id_must_be_the_same(
    hand: Hand, home: Household, server: BankServer
) -> None:
    break_transfers(server, Delay(0), NO_FUNDS)
    await hand.distribute(*pay_day(home), **PAY_DAY)
    for parts, fields in (
        (pay_day(home)[:2], PAY_DAY),
        (tuple(reversed(pay_day(home))), PAY_DAY),
        (pay_day(home), {**PAY_DAY, "keep_at_least": 60}),
        (pay_day(home), {**PAY_DAY, "amount": 60}),
    ):
        with refused() as refusal:
            await hand.distribute(*parts, **fields)
        assert refusal.key == "dedupe_id_reused"
    with refused() as refusal:
        await hand.teller.deposit(home.holiday, 1, dedupe_id="november")
    assert refusal.key == "dedupe_id_reused"
    assert len(hand.teller.moves) == 1


async def test_calls_with_the_same_id_at_once_hand_out_once(
    hand: Hand, home: Household, server: BankServer
) -> None:
    break_transfers(server, LoseResponse())
    answers = await asyncio.gather(*(hand.distribute(*pay_day(home), **PAY_DAY) for _ in range(4)))
    assert sorted(answer["result"] for answer in answers) == ["already_moved"] * 3 + ["moved"]
    assert len(hand.teller.moves) == 3


async def test_two_kinds_of_calls_at_once_do_not_share_an_id(hand: Hand, home: Household) -> None:
    answers = await asyncio.gather(
        hand.distribute(*pay_day(home), **PAY_DAY),
        hand.teller.deposit(home.bills, 1, dedupe_id="november"),
        return_exceptions=True,
    )
    (refusal,) = [answer for answer in answers if isinstance(answer, ServiceValidationError)]
    assert refusal.translation_key == "dedupe_id_reused"


async def test_a_plan_is_remembered_as_long_as_its_transfers(
    hand: Hand, home: Household, bank: Bank, server: BankServer, let_pass: LetPass
) -> None:
    await hand.distribute((home.holiday, {"percentage": 1}), dedupe_id="november")
    await let_pass(REMEMBERED_FOR - timedelta(hours=1))
    await hand.teller.deposit(home.holiday, 1)
    answer = await hand.distribute((home.holiday, {"percentage": 1}), dedupe_id="november")
    assert answer["result"] == "already_moved"
    await let_pass(timedelta(hours=2))
    await hand.teller.deposit(home.holiday, 1)
    planned = await hand.distribute(
        (home.holiday, {"percentage": 2}), dedupe_id="november", dry_run=True
    )
    assert planned["result"] == "planned"


# The user's limits


LIMITS: dict[str, tuple[dict[str, object], str]] = {
    "not at all": ({CONF_ALLOW_TRANSFERS: False}, "transfers_not_allowed"),
    "one is too much": ({CONF_MAX_PER_TRANSFER: 150}, "over_transfer_limit"),
    "together they are too much": ({CONF_MAX_PER_DAY: 260}, "over_daily_limit"),
}


@pytest.mark.parametrize(("options", "key"), LIMITS.values(), ids=LIMITS.keys())
async def test_a_plan_beyond_a_limit_is_refused_before_anything_is_sent(
    hand: Hand,
    home: Household,
    reports: list[tuple[str, int, str | None]],
    options: dict[str, object],
    key: str,
) -> None:
    await hand.teller.deposit(home.holiday, 10)
    await change_options(hand.teller, **options)
    parts = (
        (home.rainy_day, {"amount": 51}),
        (home.holiday, {"amount": 160}),
        (home.coin_jar, {"amount": 40}),
    )
    with refused() as refusal:
        await hand.distribute(*parts)
    assert refusal.key == key
    assert "moved no money" in refusal.text
    assert len(hand.teller.sent) == 1
    assert reports[1:] == [
        ("refused", 5_100, key),
        ("refused", 16_000, "earlier_move_failed"),
        ("refused", 4_000, "earlier_move_failed"),
    ]
    answer = await hand.distribute(*parts, dry_run=True)
    assert answer["result"] == "planned"
    assert results(answer) == ["planned"] * 3
    assert [problem["reason"] for problem in answer["problems"]] == [key]
    assert len(hand.teller.sent) == 1


async def test_what_was_done_before_does_not_count_twice_for_the_day(
    hand: Hand, home: Household, server: BankServer
) -> None:
    await change_options(hand.teller, **{CONF_MAX_PER_DAY: 300})
    parts = ((home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}))
    break_transfers(server, Delay(0), NO_FUNDS)
    await hand.distribute(*parts, dedupe_id="november")
    answer = await hand.distribute(*parts, dedupe_id="november")
    assert results(answer) == ["already_moved", "moved"]


async def begin_to_hand_out(
    hand: Hand, server: BankServer, *parts: tuple[Pot, dict[str, object]]
) -> tuple[asyncio.Task[dict[str, Any]], Held]:
    """Hand money out until the bank has the first transfer, and return what holds its answer."""
    held = Held(Delay(0))
    break_transfers(server, held)
    handing_out = asyncio.create_task(hand.distribute(*parts))
    await held.arrived.wait()
    return handing_out, held


async def test_nobody_uses_up_the_day_while_money_is_handed_out(
    hand: Hand, home: Household, server: BankServer
) -> None:
    await change_options(hand.teller, **{CONF_MAX_PER_DAY: 250})
    handing_out, held = await begin_to_hand_out(
        hand, server, (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 100})
    )
    with refused() as refusal:
        await hand.teller.deposit(home.bills, 51)
    assert refusal.key == "over_daily_limit"
    await hand.teller.deposit(home.bills, 50)
    held.released.set()
    assert results(await handing_out) == ["moved", "moved"]


async def test_who_stops_it_leaves_the_rest_and_that_is_told(
    hand: Hand, home: Household, server: BankServer, reports: list[tuple[str, int, str | None]]
) -> None:
    handing_out, held = await begin_to_hand_out(
        hand, server, (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200})
    )
    handing_out.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handing_out
    held.released.set()
    assert reports == [
        ("unknown", 10_000, "transfer_unconfirmed"),
        ("refused", 20_000, "stopped"),
    ]


@pytest.mark.parametrize(
    ("save", "told"),
    [
        # Written down before it is sent.
        (1, [("unknown", 10_000, "transfer_unconfirmed"), ("refused", 20_000, "stopped")]),
        # Written down as done.
        (2, [("done", 10_000, None), ("refused", 20_000, "stopped")]),
        (3, [("done", 10_000, None), ("unknown", 20_000, "transfer_unconfirmed")]),
    ],
)
async def test_who_stops_it_while_it_is_written_down_is_told_as_well(
    hand: Hand,
    home: Household,
    monkeypatch: pytest.MonkeyPatch,
    reports: list[tuple[str, int, str | None]],
    save: int,
    told: list[tuple[str, int, str | None]],
) -> None:
    saves = itertools.count(1)
    arrived = asyncio.Event()
    write = Store.async_save

    async def write_slowly(store: Store[Any], data: Any) -> None:
        if store.key.endswith("transfers") and next(saves) == save:
            arrived.set()
            await asyncio.Event().wait()
        await write(store, data)

    monkeypatch.setattr(Store, "async_save", write_slowly)
    handing_out = asyncio.create_task(
        hand.distribute((home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}))
    )
    await arrived.wait()
    handing_out.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handing_out
    assert reports == told


async def test_what_was_moved_before_by_itself_is_not_taken_for_left(
    hand: Hand, home: Household, server: BankServer, reports: list[tuple[str, int, str | None]]
) -> None:
    await hand.teller.deposit(home.holiday, 200, dedupe_id="november/2")
    break_transfers(server, NO_FUNDS)
    answer = await hand.distribute(
        (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}), dedupe_id="november"
    )
    assert results(answer) == ["refused", "already_moved"]
    assert reports == [("done", 20_000, None), ("refused", 10_000, "transfer_rejected")]


async def test_a_limit_set_while_money_is_handed_out_holds_at_once(
    hand: Hand, home: Household, server: BankServer
) -> None:
    handing_out, held = await begin_to_hand_out(
        hand, server, (home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200})
    )
    await change_options(hand.teller, **{CONF_MAX_PER_TRANSFER: 150})
    held.released.set()
    answer = await handing_out
    assert results(answer) == ["moved", "refused"]
    assert answer["reason"] == "over_transfer_limit"


async def test_a_limit_set_meanwhile_holds_for_the_rest(
    hand: Hand, home: Household, server: BankServer
) -> None:
    parts = ((home.rainy_day, {"amount": 100}), (home.holiday, {"amount": 200}))
    break_transfers(server, Delay(0), NO_FUNDS)
    await hand.distribute(*parts, dedupe_id="november")
    await change_options(hand.teller, **{CONF_MAX_PER_TRANSFER: 150})
    with refused() as refusal:
        await hand.distribute(*parts, dedupe_id="november")
    assert refusal.key == "over_transfer_limit"
    assert len(hand.teller.moves) == 1


# From pot to pot


def stuck_money(hass: HomeAssistant) -> list[ir.IssueEntry]:
    """Return what the user is told about money between pots."""
    return [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.translation_key == ISSUE_BETWEEN_POTS and issue.active
    ]


async def test_money_moves_from_pot_to_pot(hand: Hand, home: Household) -> None:
    before = home.current.balance
    jar = home.coin_jar.balance
    answer = await hand.between(home.holiday, home.coin_jar, amount=40, dedupe_id="treat")
    assert answer["result"] == "moved"
    assert hand.teller.moves == [
        Move("Holiday", -4000, "treat/1"),
        Move("Coin jar", 4000, "treat/2"),
    ]
    assert [row["direction"] for row in answer["moves"]] == ["withdraw", "deposit"]
    assert home.current.balance == before
    answer = await hand.between(home.holiday, home.coin_jar, amount=40, dedupe_id="treat")
    assert answer["result"] == "already_moved"
    await hand.between(home.holiday, home.rainy_day, percentage=50)
    await hand.between(home.holiday, home.rainy_day, everything=True, keep_at_least=100)
    assert (home.holiday.balance, home.coin_jar.balance) == (10_000, jar + 4_000)
    assert home.current.balance == before


async def test_money_is_not_led_through_an_account_that_would_keep_it(
    hand: Hand, home: Household
) -> None:
    leave(home, -5_000)
    with refused() as refusal:
        await hand.between(home.holiday, home.coin_jar, amount=100)
    assert refusal.key == "account_overdrawn"
    answer = await hand.between(home.holiday, home.coin_jar, percentage=10)
    assert (answer["result"], answer["reason"]) == ("nothing_to_do", "account_overdrawn")
    assert hand.teller.sent == []
    leave(home, 0)
    assert (await hand.between(home.holiday, home.coin_jar, amount=100))["result"] == "moved"
    assert home.current.balance == 0


@pytest.mark.parametrize(
    ("source", "destination", "key"),
    [
        ("holiday", "holiday", "same_pot"),
        ("holiday", "bills", "pots_of_several_accounts"),
        ("current", "holiday", "not_a_pot"),
        ("rainy_day", "holiday", "pot_locked"),
    ],
)
async def test_pots_between_which_nothing_moves(
    hand: Hand, home: Household, source: str, destination: str, key: str
) -> None:
    with refused() as refusal:
        await hand.between(getattr(home, source), getattr(home, destination), amount=1)
    assert refusal.key == key
    assert hand.teller.sent == []


async def test_if_the_first_half_fails_nothing_has_moved(
    hand: Hand, home: Household, server: BankServer
) -> None:
    break_transfers(server, NO_FUNDS)
    answer = await hand.between(home.holiday, home.coin_jar, amount=40)
    assert answer["result"] == "incomplete"
    assert answer["reason"] == "transfer_rejected"
    assert results(answer) == ["refused", "not_sent"]
    assert stuck_money(hand.teller.hass) == []
    assert hand.teller.moves == []


async def test_if_the_second_half_fails_it_is_said_where_the_money_is(
    hand: Hand, home: Household, server: BankServer
) -> None:
    hass, before = hand.teller.hass, home.current.balance
    # The bank goes down between the halves.
    server.fail("PUT", "/pots/*/deposit", DropBefore(), times=None)
    server.fail("GET", "/transactions", Answer.html(502), times=None)
    fields = {"amount": 40, "dedupe_id": "treat"}
    answer = await hand.between(home.holiday, home.coin_jar, **fields)
    assert answer["result"] == "incomplete"
    assert answer["reason"] == "money_in_account"
    assert results(answer) == ["moved", "unknown"]
    assert answer["account_balance"] == home.current.balance / 100 == (before + 4_000) / 100
    (issue,) = stuck_money(hass)
    assert issue.translation_placeholders == {
        "amount": "40.00 GBP",
        "source": "Holiday",
        "destination": "Coin jar",
        "account": "Current account",
        "dedupe_id": "treat",
    }
    # Nothing private is written to disk for it, nor shown by diagnostics.
    assert not issue.is_persistent
    assert "treat" not in issue.issue_id
    text = TEXTS["issues"][ISSUE_BETWEEN_POTS]["description"]
    assert "is in Current account" in text.format(**issue.translation_placeholders)
    server.clear_faults()
    answer = await hand.between(home.holiday, home.coin_jar, **fields)
    assert answer["result"] == "moved"
    assert answer["reason"] is None
    assert results(answer) == ["already_moved", "moved"]
    assert home.current.balance == before
    assert len(hand.teller.moves) == 2
    assert stuck_money(hass) == []


async def test_who_wants_no_answer_is_told_where_the_money_is_as_well(
    hand: Hand, home: Household, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    with refused() as refusal:
        await hand.call_blindly(
            "move_between_pots",
            from_pot=hand.teller.device(home.holiday),
            to_pot=hand.teller.device(home.coin_jar),
            amount=40,
            dedupe_id="treat",
        )
    assert refusal.key == "money_in_account"
    assert "You can't deposit that much" in refusal.text
    assert "treat" in refusal.text
    assert len(stuck_money(hand.teller.hass)) == 1


async def test_money_between_pots_is_not_forgotten_over_restarts(
    hand: Hand, home: Household, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    fields = {"amount": 40, "dedupe_id": "treat"}
    await hand.between(home.holiday, home.coin_jar, **fields)
    async with after_a_crash(hand.teller) as later:
        assert len(stuck_money(later.hass)) == 1
        await Hand(later).between(home.holiday, home.coin_jar, **fields)
        assert stuck_money(later.hass) == []
    assert len(hand.teller.moves) == 2


async def test_an_automation_that_ends_between_the_halves_leaves_word(
    hand: Hand, home: Household, server: BankServer
) -> None:
    sent = asyncio.Event()
    server.fail("PUT", "/pots/*/deposit", Meanwhile(sent.set, Silence()))
    moving = asyncio.create_task(hand.between(home.holiday, home.coin_jar, amount=40))
    await sent.wait()
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    assert len(stuck_money(hand.teller.hass)) == 1


async def test_an_entry_that_is_removed_leaves_no_word(
    hand: Hand, home: Household, server: BankServer
) -> None:
    server.fail("PUT", "/pots/*/deposit", NO_FUNDS)
    await hand.between(home.holiday, home.coin_jar, amount=40)
    await hand.teller.hass.config_entries.async_remove(hand.teller.entry.entry_id)
    assert stuck_money(hand.teller.hass) == []


async def test_both_halves_count_for_the_day(hand: Hand, home: Household) -> None:
    await change_options(hand.teller, **{CONF_MAX_PER_DAY: 79})
    with refused() as refusal:
        await hand.between(home.holiday, home.coin_jar, amount=40)
    assert refusal.key == "over_daily_limit"
    assert hand.teller.sent == []


# Of all of them


def valid_calls(hand: Hand, home: Household) -> dict[str, dict[str, object]]:
    """Return a call of each action that would move money."""
    holiday, jar = hand.teller.device(home.holiday), hand.teller.device(home.coin_jar)
    return {
        "set_pot_balance": {"pot": holiday, "amount": 650},
        "keep_account_at": {"pot": holiday, "amount": 500},
        "distribute": {"pots": [{"pot": holiday, "amount": 1}, {"pot": jar, "percentage": 1}]},
        "move_between_pots": {"from_pot": holiday, "to_pot": jar, "amount": 1},
    }


async def test_there_is_a_call_of_each(hand: Hand, home: Household) -> None:
    assert valid_calls(hand, home).keys() == {action.name for action in autopilot.ACTIONS}


async def test_a_dry_run_of_any_sends_nothing(
    hand: Hand, home: Household, server: BankServer, reports: list[tuple[str, int, str | None]]
) -> None:
    before = (home.current.balance, home.holiday.balance, home.coin_jar.balance)
    for action, fields in valid_calls(hand, home).items():
        answer = await hand.teller.call(action, **fields, dry_run=True)
        assert answer["result"] == "planned"
        assert set(results(answer)) == {"planned"}
        assert answer["dedupe_id"] is None
    assert server.requests_to("PUT", "*") == []
    assert reports == []
    assert before == (home.current.balance, home.holiday.balance, home.coin_jar.balance)


async def test_only_administrators_have_money_moved(
    hand: Hand, home: Household, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    services = hand.teller.hass.services
    for action, fields in valid_calls(hand, home).items():
        assert services.supports_response(DOMAIN, action) is SupportsResponse.OPTIONAL
        with pytest.raises(Unauthorized):
            await services.async_call(
                DOMAIN,
                action,
                {**fields, "dry_run": True},
                blocking=True,
                context=Context(user_id=hass_read_only_user.id),
            )
    assert hand.teller.sent == []
    for action, fields in valid_calls(hand, home).items():
        await services.async_call(
            DOMAIN, action, fields, blocking=True, context=Context(user_id=hass_admin_user.id)
        )
    assert hand.teller.moves


async def test_all_at_once_keep_what_is_to_be_kept(hand: Hand, home: Household) -> None:
    total = home.current.balance + home.holiday.balance + home.coin_jar.balance
    await asyncio.gather(
        hand.keep(home.holiday, 100),
        hand.set_pot(home.coin_jar, 900, keep_at_least=100),
        hand.distribute(
            (home.coin_jar, {"percentage": 50}),
            (home.holiday, {"remainder": True}),
            keep_at_least=100,
        ),
    )
    assert home.current.balance == 10_000
    assert home.current.balance + home.holiday.balance + home.coin_jar.balance == total


# What was planned a while ago, and what there is by now


async def lose_every_answer(server: BankServer, asked: Coroutine[Any, Any, Any]) -> None:
    """Have something moved whose every answer is lost, and which in truth never arrived."""
    break_transfers(server, DropBefore(), times=None)
    with refused() as refusal:
        await asked
    assert refusal.key == "transfer_not_found"
    server.clear_faults()


async def test_a_sweep_in_doubt_leaves_the_account_at_its_amount_all_the_same(
    hand: Hand, home: Household, server: BankServer
) -> None:
    leave(home, 100_000)
    await lose_every_answer(server, hand.keep(home.holiday, 500, dedupe_id="sweep"))
    leave(home, 50_500)

    with refused() as refusal:
        await hand.keep(home.holiday, 500, dedupe_id="sweep")

    assert refusal.key == "below_keep_at_least"
    assert home.current.balance == 50_500


async def test_everything_in_doubt_does_not_overdraw_the_account_afterwards(
    hand: Hand, home: Household, server: BankServer
) -> None:
    leave(home, 100_000)
    pot = hand.teller.device(home.holiday)
    asked: dict[str, Any] = {"pot": pot, "everything": True, "dedupe_id": "all"}
    await lose_every_answer(server, hand.teller.call("deposit_into_pot", **asked))
    leave(home, 20_000)
    sent = len(hand.teller.sent)

    with refused() as refusal:
        await hand.teller.call("deposit_into_pot", **asked)

    assert refusal.key == "below_keep_at_least"
    assert len(hand.teller.sent) == sent


async def test_a_pot_at_an_amount_in_doubt_does_not_overdraw_the_account_afterwards(
    hand: Hand, home: Household, server: BankServer
) -> None:
    leave(home, 100_000)
    target = home.holiday.balance / 100 + 500
    await lose_every_answer(server, hand.set_pot(home.holiday, target, dedupe_id="pot"))
    leave(home, 20_000)

    with refused() as refusal:
        await hand.set_pot(home.holiday, target, dedupe_id="pot")

    assert refusal.key == "below_keep_at_least"
    assert hand.teller.moves == []


@pytest.fixture
async def in_doubt(hand: Hand, home: Household, server: BankServer) -> dict[str, Any]:
    """Return what was asked for: a move between pots, whose first half never arrived."""
    leave(home, 100_000)
    asked: dict[str, Any] = {"amount": 500, "keep_at_least": 100, "dedupe_id": "over"}
    break_transfers(server, DropBefore(), times=None)
    answer = await hand.between(home.holiday, home.rainy_day, **asked)
    assert results(answer) == ["unknown", "not_sent"]
    server.clear_faults()
    return asked


async def test_a_pot_keeps_what_is_to_be_kept_though_the_first_half_was_in_doubt(
    hand: Hand, home: Household, bank: Bank, in_doubt: dict[str, Any]
) -> None:
    bank.withdraw(home.holiday.id, home.current.id, home.holiday.balance - 52_000, "by hand")

    with refused() as refusal:
        await hand.between(home.holiday, home.rainy_day, **in_doubt)

    assert refusal.key == "below_keep_at_least"
    assert home.holiday.balance == 52_000


async def test_no_money_gets_stuck_in_an_account_that_is_overdrawn_by_now(
    hand: Hand, home: Household, in_doubt: dict[str, Any]
) -> None:
    before = home.holiday.balance
    leave(home, -10_000)

    with refused() as refusal:
        await hand.between(home.holiday, home.rainy_day, **in_doubt)

    assert refusal.key == "account_overdrawn"
    assert home.holiday.balance == before


async def test_money_between_pots_can_be_brought_home_after_months(
    hass: HomeAssistant, hand: Hand, home: Household, server: BankServer, let_pass: LetPass
) -> None:
    leave(home, 100_000)
    asked: dict[str, Any] = {"percentage": 50, "dedupe_id": "half"}
    half = home.holiday.balance // 2
    break_transfers(server, Delay(0), NO_FUNDS)
    answer = await hand.between(home.holiday, home.rainy_day, **asked)
    assert answer["reason"] == "money_in_account"
    await let_pass(REMEMBERED_FOR + timedelta(days=60))
    await hand.teller.deposit(home.coin_jar, 1)

    answer = await hand.between(home.holiday, home.rainy_day, **asked)

    assert results(answer) == ["already_moved", "moved"]
    assert amounts(hand.teller) == [("Holiday", -half), ("Coin jar", 100), ("Rainy day", half)]


async def test_nothing_comes_between_what_is_to_be_kept_and_the_transfer(
    hand: Hand, home: Household, server: BankServer
) -> None:
    leave(home, 60_000)
    held = Held(Delay(0))
    server.fail("GET", "/pots", held)
    planned = asyncio.create_task(hand.teller.deposit(home.holiday, 500, keep_at_least=100))
    await held.arrived.wait()
    certain = asyncio.create_task(hand.teller.deposit(home.rainy_day, 50))
    await asyncio.sleep(0)
    held.released.set()
    await asyncio.gather(planned, certain)

    assert amounts(hand.teller) == [("Holiday", 50_000), ("Rainy day", 5_000)]


async def test_a_plan_says_that_there_is_not_enough(hand: Hand, home: Household) -> None:
    leave(home, 500)
    for asked in (
        hand.teller.deposit(home.holiday, 5_000, dry_run=True),
        hand.teller.withdraw(home.holiday, 5_000, dry_run=True),
    ):
        answer = await asked
        assert [problem["reason"] for problem in answer["problems"]] == ["more_than_there_is"]
    answer = await hand.teller.deposit(home.holiday, 5, dry_run=True)
    assert answer["problems"] == []


async def test_calls_that_wait_for_each_other_share_what_they_read(
    hand: Hand, home: Household, server: BankServer
) -> None:
    leave(home, 100_000)
    before = len(server.requests)

    await asyncio.gather(
        *(hand.teller.deposit(home.holiday, 10, keep_at_least=100) for _call in range(5))
    )

    # For each: one to move it, two to read what is there then, and one to look for it among the
    # transactions; and some to begin with. If each read for itself there would be thirty-one.
    assert len(server.requests) - before <= 5 * 4 + 5
