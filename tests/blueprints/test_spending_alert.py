"""Alerts of large and unusual payments."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.api import LoggedRequest
from sandbox.server import Answer
from tests.helpers.transfer_faults import break_transfers

from .conftest import A_WHILE, MORE_THAN_AN_HOUR
from .phone import Phone, device_of
from .stage import Stage
from .waiting import Clock

A_DAY = timedelta(days=1)


async def watch(stage: Stage, **inputs: Any) -> None:
    """Watch all accounts for payments of 100 pounds, or three times what is usual."""
    await stage.play("spending_alert", **inputs)


async def pay(stage: Stage, amount: int, merchant: str = "Cheesemonger", **more: Any) -> None:
    """Pay by the card of the joint account, and have that noticed."""
    stage.bank.pay(stage.home.joint.id, amount, merchant=merchant, **more)
    await stage.let_pass()


async def test_a_large_payment_is_told(stage: Stage) -> None:
    await watch(stage)
    await pay(stage, -123_450)
    assert stage.notifications == [
        ("Large payment: £1,234.50", "Cheesemonger, from Joint account · Ann & Ben.")
    ]


async def test_a_payment_that_is_just_large_enough_is_told(stage: Stage) -> None:
    await watch(stage, large=25, compared_by="nothing")
    await pay(stage, -2_499)
    assert stage.notifications == []
    await pay(stage, -2_500)
    assert [title for title, _message in stage.notifications] == ["Large payment: £25.00"]


async def test_money_that_comes_in_or_goes_into_a_pot_is_not_told(stage: Stage) -> None:
    home = stage.home
    await watch(stage)
    stage.bank.receive(home.joint.id, 50_000)
    stage.bank.deposit(home.bills.id, home.joint.id, 50_000, "in")
    stage.bank.decline(home.joint.id, -50_000)
    await stage.let_pass(A_WHILE)
    assert stage.notifications == []


async def test_what_was_paid_while_monzo_was_away_is_not_told(stage: Stage) -> None:
    await watch(stage)
    await stage.miss(lambda: stage.bank.pay(stage.home.joint.id, -50_000))
    assert stage.runs == 0
    assert stage.notifications == []


@pytest.fixture
async def used_to_gifts(stage: Stage) -> None:
    """Have paid 12, 20 and 28 pounds for gifts lately, and once in each of other categories."""
    for amount in (-1_200, -2_000, -2_800):
        stage.bank.pay(stage.home.joint.id, amount, merchant="Bookworm", category="gifts")
    stage.bank.pay(stage.home.joint.id, -9_900, merchant="Deli", category="charity")
    stage.bank.pay(stage.home.joint.id, -1_000, merchant="Deli", category="pets")
    # What is put aside is not spent, and what is paid back is no payment.
    for number in range(3):
        stage.bank.deposit(stage.home.bills.id, stage.home.joint.id, 1_000, f"in {number}")
    stage.bank.refund(stage.home.joint.id, 90_000, merchant="Bookworm", category="gifts")
    await stage.let_pass()


@pytest.mark.usefixtures("used_to_gifts")
async def test_three_times_the_usual_of_a_category_is_told(stage: Stage) -> None:
    await watch(stage)
    await pay(stage, -6_000, category="gifts")
    assert stage.notifications == [
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
    stage: Stage, inputs: dict[str, Any], paid: int, category: str
) -> None:
    await watch(stage, **inputs)
    await pay(stage, paid, category=category)
    assert stage.notifications == []


@pytest.mark.usefixtures("used_to_gifts")
async def test_what_is_usual_may_be_that_of_the_same_shop(stage: Stage) -> None:
    await watch(stage, compared_by="name")
    await pay(stage, -6_000, "Cheesemonger", category="gifts")
    assert stage.notifications == []
    await pay(stage, -6_000, "Bookworm", category="something new")
    assert [title for title, _message in stage.notifications] == ["Unusual payment: £60.00"]


@pytest.mark.usefixtures("used_to_gifts")
async def test_what_was_usual_two_months_ago_is_not_usual_now(stage: Stage) -> None:
    await stage.let_pass(31 * A_DAY)
    stage.complaints()
    await watch(stage)
    await pay(stage, -6_000, category="gifts")
    assert stage.notifications == []


async def test_only_the_chosen_accounts_are_watched(stage: Stage) -> None:
    await watch(stage, accounts=[stage.device(stage.home.current)])
    await pay(stage, -50_000)
    assert stage.notifications == []


async def test_recipients_are_told_and_actions_are_run(stage: Stage) -> None:
    await watch(
        stage,
        recipients=[stage.entity(stage.home.joint, "feed", "notify")],
        then=[{"action": "test.hear", "data": {"said": "{{ title }} / {{ message }}"}}],
    )
    await pay(stage, -20_000)
    title, message = "Large payment: £200.00", "Cheesemonger, from Joint account · Ann & Ben."
    assert [(item.title, item.body) for item in stage.bank.feed] == [(title, message)]
    assert stage.heard == [{"said": f"{title} / {message}"}]
    assert stage.notifications == []


# The button

TOLD = ("Large payment: £123.45", "Cheesemonger, from Joint account · Ann & Ben.")


async def pay_and_wait(stage: Stage, clock: Clock, phone: Phone, **inputs: Any) -> str:
    """Pay until a phone tells of it, and return the transaction's id; the pot is one for bills."""
    pot = stage.device(stage.home.bills)
    await watch(stage, **{"phones": [phone.device], "pot": pot, "dry_run": False, **inputs})
    row = stage.bank.pay(stage.home.joint.id, -12_345, merchant="Cheesemonger")
    await clock.let_pass(A_WHILE, until=lambda: phone.notifications)
    assert phone.texts == [TOLD]
    return row.id


async def test_a_press_takes_exactly_what_was_paid_out_of_the_pot_once(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    paid = await pay_and_wait(stage, clock, phone)
    (button,) = phone.buttons
    assert button["title"] == "Move £123.45 from Bills"
    assert stage.sent == []
    assert stage.notifications == []

    phone.press(button)
    phone.press(button)
    await stage.let_pass()
    (move,) = stage.moves
    assert (move.pot, move.amount) == ("Bills", -12_345)
    assert paid in move.dedupe_id
    assert phone.texts == [TOLD, (None, "£123.45 from Bills: moved.")]
    # It takes the place of the one with the button.
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await stage.let_pass()
    assert stage.amounts == [("Bills", -12_345)]


async def test_each_payment_has_a_button_of_its_own(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(stage, clock, phone)
    first = phone.buttons[0]
    await clock.go_on_for_a_moment()
    stage.bank.pay(stage.home.joint.id, -20_000, merchant="Bookworm")
    await clock.let_pass(A_WHILE, until=lambda: len(phone.notifications) == 2)
    second = phone.buttons[0]
    phone.press(second)
    await clock.go_on(until=lambda: len(phone.notifications) == 3)
    assert stage.amounts == [("Bills", -20_000)]
    phone.press(first)
    await stage.let_pass()
    assert stage.amounts == [("Bills", -20_000), ("Bills", -12_345)]


async def test_a_button_that_nobody_presses_moves_nothing_and_goes_away(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(stage, clock, phone)
    (button,) = phone.buttons
    # That of another notification, which is about something else.
    phone.press({"action": "another"})
    await stage.let_pass(MORE_THAN_AN_HOUR)
    assert phone.texts == [TOLD, (None, "clear_notification")]
    # Too late.
    phone.press(button)
    await stage.let_pass()
    assert stage.sent == []


async def test_the_button_only_plans_at_first(stage: Stage, clock: Clock, phone: Phone) -> None:
    pot = stage.device(stage.home.bills)
    await watch(stage, phones=[phone.device], pot=pot)
    stage.bank.pay(stage.home.joint.id, -12_345, merchant="Cheesemonger")
    await clock.let_pass(A_WHILE, until=lambda: phone.notifications)
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert phone.texts == [TOLD, (None, "Plan only: £123.45 from Bills would be moved.")]
    assert stage.sent == []


async def test_a_press_that_does_not_work_is_told(stage: Stage, clock: Clock, phone: Phone) -> None:
    await pay_and_wait(stage, clock, phone)
    break_transfers(stage.server, Answer.error("bad_request.pot_locked", "No."))
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert stage.moves == []
    assert phone.texts[-1][1].startswith("£123.45 from Bills: the transfer failed or could not")
    assert any("Monzo rejected the transfer" in text for text in stage.complaints())


@pytest.mark.parametrize("of_another_account", [True, False], ids=["of another account", "none"])
async def test_without_a_pot_of_the_account_there_is_no_button(
    stage: Stage, phone: Phone, *, of_another_account: bool
) -> None:
    pot = {"pot": stage.device(stage.home.holiday)} if of_another_account else {}
    await watch(stage, phones=[phone.device], dry_run=False, **pot)
    await pay(stage, -12_345)
    assert phone.texts == [TOLD]
    assert phone.buttons == []
    assert stage.notifications == []


async def test_a_phone_that_is_missing_keeps_nobody_else_from_being_told(
    stage: Stage, phone: Phone
) -> None:
    tablet = device_of(stage.hass, "Old tablet")
    await watch(stage, phones=[tablet, phone.device])
    await pay(stage, -12_345)
    assert phone.texts == [TOLD]
    ((title, message),) = stage.notifications
    assert title == TOLD[0]
    assert message.endswith("because the app has no working notify entity: Old tablet.")


# What it asks


async def test_it_asks_the_bank_only_about_what_might_be_unusual(stage: Stage) -> None:
    async def asked_because_of(amount: int) -> int:
        before = len(questions(stage))
        await pay(stage, amount, category="gifts")
        return len(questions(stage)) - before

    await watch(stage)
    assert await asked_because_of(-999) == 0
    assert await asked_because_of(-1_000) == 1
    assert await asked_because_of(-9_999) == 1
    assert await asked_because_of(-10_000) == 0


def questions(stage: Stage) -> list[LoggedRequest]:
    """Return the requests for what was before a payment; who polls asks for what is after."""
    return [
        call for call in stage.server.requests_to("GET", "/transactions") if "before" in call.query
    ]
