"""Alerts of large and unusual payments."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.api import LoggedRequest
from sandbox.server import Answer
from tests.helpers.transfer_faults import break_transfers

from .blueprint_runner import BlueprintRunner
from .clock import Clock
from .conftest import ALL_TRANSACTIONS_READ, BUTTONS_EXPIRED
from .phone import Phone, add_phone_device

A_DAY = timedelta(days=1)


async def watch(runner: BlueprintRunner, **inputs: Any) -> None:
    """Watch all accounts for payments of 100 pounds, or three times what is usual."""
    await runner.create("spending_alert", **inputs)


async def pay(
    runner: BlueprintRunner, amount: int, merchant: str = "Cheesemonger", **more: Any
) -> None:
    """Pay by the card of the joint account, and have that noticed."""
    runner.bank.pay(runner.home.joint.id, amount, merchant=merchant, **more)
    await runner.advance()


async def test_a_large_payment_is_told(runner: BlueprintRunner) -> None:
    await watch(runner)
    await pay(runner, -123_450)
    assert runner.notifications == [
        ("Large payment: £1,234.50", "Cheesemonger, from Joint account · Ann & Ben.")
    ]


async def test_a_payment_that_is_just_large_enough_is_told(runner: BlueprintRunner) -> None:
    await watch(runner, large=25, compared_by="nothing")
    await pay(runner, -2_499)
    assert runner.notifications == []
    await pay(runner, -2_500)
    assert runner.titles == ["Large payment: £25.00"]


async def test_money_that_comes_in_or_goes_into_a_pot_is_not_told(runner: BlueprintRunner) -> None:
    home = runner.home
    await watch(runner)
    runner.bank.receive(home.joint.id, 50_000)
    runner.bank.deposit(home.bills.id, home.joint.id, 50_000, "in")
    runner.bank.decline(home.joint.id, -50_000)
    await runner.advance(ALL_TRANSACTIONS_READ)
    assert runner.notifications == []


async def test_what_was_paid_while_monzo_was_away_is_not_told(runner: BlueprintRunner) -> None:
    await watch(runner)
    await runner.happen_while_unloaded(lambda: runner.bank.pay(runner.home.joint.id, -50_000))
    assert runner.runs == 0
    assert runner.notifications == []


@pytest.fixture
async def used_to_gifts(runner: BlueprintRunner) -> None:
    """Have paid 12, 20 and 28 pounds for gifts lately, and once in each of other categories."""
    for amount in (-1_200, -2_000, -2_800):
        runner.bank.pay(runner.home.joint.id, amount, merchant="Bookworm", category="gifts")
    runner.bank.pay(runner.home.joint.id, -9_900, merchant="Deli", category="charity")
    runner.bank.pay(runner.home.joint.id, -1_000, merchant="Deli", category="pets")
    # What is put aside is not spent, and what is paid back is no payment.
    for number in range(3):
        runner.bank.deposit(runner.home.bills.id, runner.home.joint.id, 1_000, f"in {number}")
    runner.bank.refund(runner.home.joint.id, 90_000, merchant="Bookworm", category="gifts")
    await runner.advance()


@pytest.mark.usefixtures("used_to_gifts")
async def test_three_times_the_usual_of_a_category_is_told(runner: BlueprintRunner) -> None:
    await watch(runner)
    await pay(runner, -6_000, category="gifts")
    assert runner.notifications == [
        (
            "Unusual payment: £60.00",
            (
                "Cheesemonger, from Joint account · Ann & Ben. "
                "The usual amount in the last 30 days was £20.00."
            ),
        )
    ]


@pytest.mark.usefixtures("used_to_gifts")
@pytest.mark.parametrize(
    ("inputs", "paid", "category"),
    [
        ({}, -5_999, "gifts"),
        ({"times": 3.1}, -6_000, "gifts"),
        ({"compared_by": "nothing"}, -6_000, "gifts"),
        ({"smallest": 60.01}, -6_000, "gifts"),
        ({}, -9_999, "pets"),
        ({}, -9_999, "something new"),
        ({}, -9_999, "savings"),
    ],
    ids=[
        "not three times as much",
        "not so many times as much",
        "not compared",
        "too small",
        "paid once before",
        "never paid before",
        "only put aside before",
    ],
)
async def test_what_is_not_unusual_is_not_told(
    runner: BlueprintRunner, inputs: dict[str, Any], paid: int, category: str
) -> None:
    await watch(runner, **inputs)
    await pay(runner, paid, category=category)
    assert runner.notifications == []


@pytest.mark.usefixtures("used_to_gifts")
async def test_what_is_usual_may_be_that_of_the_same_shop(runner: BlueprintRunner) -> None:
    await watch(runner, compared_by="name")
    await pay(runner, -6_000, "Cheesemonger", category="gifts")
    assert runner.notifications == []
    await pay(runner, -6_000, "Bookworm", category="something new")
    assert runner.titles == ["Unusual payment: £60.00"]


@pytest.mark.usefixtures("used_to_gifts")
async def test_what_was_usual_two_months_ago_is_not_usual_now(runner: BlueprintRunner) -> None:
    await runner.advance(31 * A_DAY)
    runner.take_warnings()
    await watch(runner)
    await pay(runner, -6_000, category="gifts")
    assert runner.notifications == []


async def test_only_the_chosen_accounts_are_watched(runner: BlueprintRunner) -> None:
    await watch(runner, accounts=[runner.device_id(runner.home.current)])
    await pay(runner, -50_000)
    assert runner.notifications == []


async def test_recipients_are_told_and_actions_are_run(runner: BlueprintRunner) -> None:
    await watch(
        runner,
        recipients=[runner.entity_id(runner.home.joint, "feed", "notify")],
        then=[{"action": "test.record", "data": {"said": "{{ title }} / {{ message }}"}}],
    )
    await pay(runner, -20_000)
    title, message = "Large payment: £200.00", "Cheesemonger, from Joint account · Ann & Ben."
    assert [(item.title, item.body) for item in runner.bank.feed] == [(title, message)]
    assert runner.action_calls == [{"said": f"{title} / {message}"}]
    assert runner.notifications == []


# The button

TOLD = ("Large payment: £123.45", "Cheesemonger, from Joint account · Ann & Ben.")


async def pay_and_wait(runner: BlueprintRunner, clock: Clock, phone: Phone, **inputs: Any) -> str:
    """Pay until a phone tells of it, and return the transaction's id; the pot is one for bills."""
    pot = runner.device_id(runner.home.bills)
    await watch(runner, **{"phones": [phone.device_id], "pot": pot, "dry_run": False, **inputs})
    row = runner.bank.pay(runner.home.joint.id, -12_345, merchant="Cheesemonger")
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: phone.notifications)
    assert phone.texts == [TOLD]
    return row.id


async def test_a_press_takes_exactly_what_was_paid_out_of_the_pot_once(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    paid = await pay_and_wait(runner, clock, phone)
    (button,) = phone.buttons
    assert button["title"] == "Move £123.45 from Bills"
    assert runner.sent == []
    assert runner.notifications == []

    phone.press(button)
    phone.press(button)
    await runner.advance()
    (move,) = runner.moves
    assert (move.pot, move.amount) == ("Bills", -12_345)
    assert paid in move.dedupe_id
    assert phone.texts == [TOLD, (None, "£123.45 from Bills: moved.")]
    # It takes the place of the one with the button.
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await runner.advance()
    assert runner.amounts == [("Bills", -12_345)]


async def test_each_payment_has_a_button_of_its_own(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(runner, clock, phone)
    first = phone.buttons[0]
    await clock.run_to_next_wait()
    runner.bank.pay(runner.home.joint.id, -20_000, merchant="Bookworm")
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: len(phone.notifications) == 2)
    second = phone.buttons[0]
    phone.press(second)
    await clock.wait_until(lambda: len(phone.notifications) == 3)
    assert runner.amounts == [("Bills", -20_000)]
    phone.press(first)
    await runner.advance()
    assert runner.amounts == [("Bills", -20_000), ("Bills", -12_345)]


async def test_a_button_that_nobody_presses_moves_nothing_and_goes_away(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(runner, clock, phone)
    (button,) = phone.buttons
    # That of another notification, which is about something else.
    phone.press({"action": "another"})
    await runner.advance(BUTTONS_EXPIRED)
    assert phone.texts == [TOLD, (None, "clear_notification")]
    # Too late.
    phone.press(button)
    await runner.advance()
    assert runner.sent == []


async def test_the_button_only_plans_at_first(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    pot = runner.device_id(runner.home.bills)
    await watch(runner, phones=[phone.device_id], pot=pot)
    runner.bank.pay(runner.home.joint.id, -12_345, merchant="Cheesemonger")
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: phone.notifications)
    phone.press(phone.buttons[0])
    await runner.advance()
    assert phone.texts == [TOLD, (None, "Plan only: £123.45 from Bills would be moved.")]
    assert runner.sent == []


async def test_a_press_that_does_not_work_is_told(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(runner, clock, phone)
    break_transfers(runner.server, Answer.error("bad_request.pot_locked", "No."))
    phone.press(phone.buttons[0])
    await runner.advance()
    assert runner.moves == []
    assert phone.texts[-1][1].startswith("£123.45 from Bills: the transfer failed or could not")
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())


@pytest.mark.parametrize("of_another_account", [True, False], ids=["of another account", "none"])
async def test_without_a_pot_of_the_account_there_is_no_button(
    runner: BlueprintRunner, phone: Phone, *, of_another_account: bool
) -> None:
    pot = {"pot": runner.device_id(runner.home.holiday)} if of_another_account else {}
    await watch(runner, phones=[phone.device_id], dry_run=False, **pot)
    await pay(runner, -12_345)
    assert phone.texts == [TOLD]
    assert phone.buttons == []
    assert runner.notifications == []


async def test_a_phone_that_is_missing_keeps_nobody_else_from_being_told(
    runner: BlueprintRunner, phone: Phone
) -> None:
    tablet = add_phone_device(runner.hass, "Old tablet")
    await watch(runner, phones=[tablet, phone.device_id])
    await pay(runner, -12_345)
    assert phone.texts == [TOLD]
    ((title, message),) = runner.notifications
    assert title == TOLD[0]
    assert message.endswith("because the app has no working notify entity: Old tablet.")


# What it asks


async def test_it_asks_the_bank_only_about_what_might_be_unusual(runner: BlueprintRunner) -> None:
    async def asked_because_of(amount: int) -> int:
        before = len(questions(runner))
        await pay(runner, amount, category="gifts")
        return len(questions(runner)) - before

    await watch(runner)
    assert await asked_because_of(-999) == 0
    assert await asked_because_of(-1_000) == 1
    assert await asked_because_of(-9_999) == 1
    assert await asked_because_of(-10_000) == 0


def questions(runner: BlueprintRunner) -> list[LoggedRequest]:
    """Return the requests for what was before a payment; who polls asks for what is after."""
    return [
        call for call in runner.server.requests_to("GET", "/transactions") if "before" in call.query
    ]
