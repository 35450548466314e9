"""Alerts of large and unusual payments."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from sandbox.api import Call
from sandbox.server import Answer

from .conftest import A_WHILE
from .phone import Phone
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
            "Cheesemonger, from Joint account · Ann & Ben. Usual in the last 30 days was £20.00.",
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


def questions(stage: Stage) -> list[Call]:
    """Return the requests for what was before a payment; who polls asks for what is after."""
    return [call for call in stage.server.calls("GET", "/transactions") if "before" in call.query]


# The button


@pytest.fixture
def phone(hass: HomeAssistant, stage: Stage) -> Phone:
    """Return Ann's phone."""
    return Phone(hass)


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Return what turns time forward while a button waits."""
    return Clock(hass, freezer)


async def watch_with_button(stage: Stage, phone: Phone, **inputs: Any) -> None:
    """Watch with a button that means it, for a pot of the joint account."""
    pot = stage.device(stage.home.bills)
    await watch(stage, **{"phones": [phone.device], "pot": pot, "dry_run": False, **inputs})


async def pay_until_told(stage: Stage, clock: Clock, phone: Phone, amount: int) -> dict[str, Any]:
    """Pay by the card of the joint account, and return the button that the phone shows then."""
    told = len(phone.notifications)
    stage.bank.pay(stage.home.joint.id, amount, merchant="Cheesemonger")
    await clock.let_pass(A_WHILE, until=lambda: len(phone.notifications) > told)
    (button,) = phone.buttons
    return button


async def press(clock: Clock, phone: Phone, button: dict[str, Any]) -> None:
    """Press a button, and wait for what the phone is told then."""
    told = len(phone.notifications)
    await clock.go_on_for_a_moment()
    phone.press(button)
    await clock.go_on(until=lambda: len(phone.notifications) > told)


async def test_one_press_takes_what_was_paid_out_of_the_pot_once(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, phone)
    button = await pay_until_told(stage, clock, phone, -12_345)
    assert button["title"] == "Move £123.45 from Bills"
    assert stage.sent == []
    await press(clock, phone, button)
    phone.press(button)
    await stage.let_pass()
    assert stage.amounts == [("Bills", -12_345)]
    assert phone.texts[-1] == (None, "£123.45 from Bills: moved.")
    assert stage.notifications == []


async def test_a_button_that_is_not_pressed_goes_away_and_does_nothing_then(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, phone, minutes=5)
    button = await pay_until_told(stage, clock, phone, -12_345)
    await clock.go_on_for_a_moment()
    await clock.let_pass(timedelta(minutes=6), until=lambda: len(phone.notifications) > 1)
    assert phone.texts[-1] == (None, "clear_notification")
    phone.press(button)
    await stage.let_pass()
    assert stage.sent == []


async def test_the_button_only_plans_at_first(stage: Stage, clock: Clock, phone: Phone) -> None:
    await watch_with_button(stage, phone, dry_run=True)
    await press(clock, phone, await pay_until_told(stage, clock, phone, -12_345))
    assert stage.sent == []
    assert phone.texts[-1][1] == "Only a plan: £123.45 from Bills would be moved."


async def test_while_a_button_waits_other_payments_are_told_and_have_their_own(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, phone)
    first = await pay_until_told(stage, clock, phone, -12_345)
    second = await pay_until_told(stage, clock, phone, -20_000)
    await press(clock, phone, second)
    await press(clock, phone, first)
    assert stage.amounts == [("Bills", -20_000), ("Bills", -12_345)]


async def test_there_is_no_button_for_what_another_account_has_paid(
    stage: Stage, phone: Phone
) -> None:
    await watch_with_button(stage, phone)
    stage.bank.pay(stage.home.current.id, -12_345, merchant="Cheesemonger")
    await stage.let_pass()
    assert phone.buttons == []


async def test_a_transfer_that_fails_is_told_on_the_phone(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, phone)
    button = await pay_until_told(stage, clock, phone, -12_345)
    stage.server.fail("PUT", "/pots/*", Answer.error("bad_request.not_allowed", "Not today"))
    await press(clock, phone, button)
    assert stage.moves == []
    assert "this did not work" in phone.texts[-1][1]
    assert any("Not today" in text for text in stage.complaints())
