"""Alerts of low balances, and the button that tops up."""

from datetime import timedelta
from typing import Any

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from sandbox.server import Answer
from tests.helpers.transfer_faults import change_options

from .conftest import A_WHILE, MORE_THAN_AN_HOUR
from .phone import Phone, device_of
from .stage import AUTOMATION, Stage
from .waiting import Clock

LOW = ("Low balance: £95.20", "Joint account · Ann & Ben is below £100.00.")


def change(stage: Stage, *, to: int) -> None:
    """Bring the joint account to a balance."""
    joint = stage.home.joint
    missing = to - joint.balance
    if missing > 0:
        stage.bank.receive(joint.id, missing)
    elif missing:
        stage.bank.pay(joint.id, missing)


async def watch(stage: Stage, **inputs: Any) -> None:
    """Watch the joint account, which has 500 pounds at that time."""
    change(stage, to=50_000)
    await stage.let_pass()
    account = stage.device(stage.home.joint)
    await stage.play("low_balance_alert", **{"account": account, "threshold": 100, **inputs})


async def watch_with_button(stage: Stage, clock: Clock, phone: Phone, **inputs: Any) -> None:
    """Watch it until a phone shows a button, for 50 pounds from a pot of the account."""
    pot = stage.device(stage.home.bills)
    inputs = {"pot": pot, "top_up": 50, "minutes": 60, "dry_run": False, **inputs}
    await watch(stage, **{"phones": [phone.device], **inputs})
    change(stage, to=9_520)
    await clock.let_pass(A_WHILE, until=lambda: phone.notifications)
    assert phone.texts == [LOW]


# Being told


async def test_a_balance_that_falls_is_told_in_home_assistant(stage: Stage) -> None:
    await watch(stage)
    change(stage, to=10_000)
    await stage.let_pass()
    assert stage.notifications == []
    change(stage, to=9_520)
    await stage.let_pass()
    assert stage.notifications == [LOW]
    assert stage.sent == []


async def test_an_overdrawn_account_is_told_as_such(stage: Stage) -> None:
    await watch(stage)
    change(stage, to=-123_456)
    await stage.let_pass()
    assert [title for title, _message in stage.notifications] == ["Low balance: -£1,234.56"]


async def test_recipients_are_told_and_actions_are_run(stage: Stage) -> None:
    await watch(
        stage,
        recipients=[stage.entity(stage.home.joint, "feed", "notify")],
        then=[{"action": "test.hear", "data": {"said": "{{ title }} {{ message }}"}}],
    )
    change(stage, to=9_520)
    await stage.let_pass()
    assert [(item.title, item.body) for item in stage.bank.feed] == [LOW]
    assert stage.heard == [{"said": " ".join(LOW)}]
    assert stage.notifications == []


async def test_it_is_quiet_for_a_while_after_an_alert(stage: Stage) -> None:
    await watch(stage, quiet_hours=2)
    for balance in (9_520, 50_000, 9_000, 50_000):
        change(stage, to=balance)
        await stage.let_pass()
    assert [title for title, _message in stage.notifications] == ["Low balance: £95.20"]
    await stage.let_pass(timedelta(hours=2))
    change(stage, to=8_000)
    await stage.let_pass()
    assert [title for title, _message in stage.notifications] == [
        "Low balance: £95.20",
        "Low balance: £80.00",
    ]


async def test_a_phone_that_is_missing_keeps_nobody_else_from_being_told(
    stage: Stage, phone: Phone
) -> None:
    tablet = device_of(stage.hass, "Old tablet")
    await watch(stage, phones=[tablet, "a device that was removed", phone.device])
    change(stage, to=9_520)
    await stage.let_pass()
    assert phone.texts == [LOW]
    title, message = LOW
    because = "Not notified, because the app has no working notify entity: Old tablet, a phone."
    assert stage.notifications == [(title, f"{message} {because}")]


async def told_after(stage: Stage, *balances: int) -> list[str | None]:
    """Return what is told of an account that has these balances, one after the other."""
    for balance in balances:
        change(stage, to=balance)
        await stage.let_pass()
    return [title for title, _message in stage.notifications]


async def test_an_account_that_gets_overdrawn_is_told_although_it_is_to_be_quiet(
    stage: Stage,
) -> None:
    await watch(stage, quiet_hours=12)
    assert await told_after(stage, 9_520, 50_000, -50_000) == [
        "Low balance: £95.20",
        "Low balance: -£500.00",
    ]


async def test_an_account_that_falls_further_is_told_again_once_it_is_overdrawn(
    stage: Stage,
) -> None:
    await watch(stage, quiet_hours=12)
    assert await told_after(stage, 9_520, 1, -1, -2_000, -1_000) == [
        "Low balance: £95.20",
        "Low balance: -£0.01",
    ]


async def test_where_being_overdrawn_is_usual_it_is_told_only_below_what_is_low(
    stage: Stage,
) -> None:
    await watch(stage, threshold=-200, quiet_hours=12)
    assert await told_after(stage, -1_000, -20_001, 10_000, -1, -30_000) == [
        "Low balance: -£200.01"
    ]


# The button


async def test_a_press_of_the_button_moves_the_amount_once(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, clock, phone)
    (button,) = phone.buttons
    assert button["title"] == "Move £50.00 from Bills"
    assert stage.sent == []

    phone.press(button)
    phone.press(button)
    await stage.let_pass()
    assert stage.amounts == [("Bills", -5_000)]
    assert phone.texts == [LOW, (None, "£50.00 from Bills: moved.")]
    # It takes the place of the one with the button.
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await stage.let_pass()
    assert stage.amounts == [("Bills", -5_000)]


async def test_while_the_button_waits_an_account_that_gets_overdrawn_is_told(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, clock, phone)
    first = phone.buttons[0]
    change(stage, to=-2_000)
    await clock.let_pass(A_WHILE, until=lambda: len(phone.notifications) == 2)
    title, message = phone.texts[-1]
    assert title == "Low balance: -£20.00"
    assert message == "Joint account · Ann & Ben is below £100.00."
    assert phone.buttons[0]["action"] != first["action"]
    phone.press(phone.buttons[0])
    phone.press(phone.buttons[0])
    await clock.go_on(until=lambda: len(phone.notifications) == 3)
    assert stage.amounts == [("Bills", -5_000)]


async def test_a_button_that_only_plans_moves_nothing(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, clock, phone, dry_run=True)
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert phone.texts == [LOW, (None, "Plan only: £50.00 from Bills would be moved.")]
    assert stage.sent == []


async def test_a_plan_tells_what_is_in_its_way(stage: Stage, clock: Clock, phone: Phone) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 49})
    await watch_with_button(stage, clock, phone, dry_run=True)
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert phone.texts[-1][1].startswith(
        "Plan only: £50.00 from Bills would be moved. 50.00 GBP exceeds the limit of 49.00 GBP per"
    )
    assert phone.texts[-1][1].endswith("no money.")


async def test_a_button_that_nobody_presses_goes_away(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, clock, phone)
    (button,) = phone.buttons
    # That of another notification, which is about something else.
    phone.press({"action": "another"})
    await stage.let_pass(MORE_THAN_AN_HOUR)
    assert phone.texts == [LOW, (None, "clear_notification")]
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await stage.let_pass()
    assert stage.sent == []


async def test_the_button_of_an_automation_that_is_off_does_nothing(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(stage, clock, phone)
    await stage.hass.services.async_call(
        "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
    )
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert stage.sent == []


async def test_a_phone_that_goes_away_keeps_no_other_from_being_told_what_came_of_it(
    stage: Stage, clock: Clock, phone: Phone
) -> None:
    tablet = Phone(stage.hass, "Tablet")
    await watch_with_button(stage, clock, phone, phones=[tablet.device, phone.device])
    tablet.disappear()
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert tablet.texts == [LOW]
    assert phone.texts == [LOW, (None, "£50.00 from Bills: moved.")]


async def test_there_is_no_button_without_a_phone_to_press_it_on(stage: Stage) -> None:
    tablet = device_of(stage.hass, "Old tablet")
    await watch(stage, phones=[tablet], pot=stage.device(stage.home.bills), dry_run=False)
    change(stage, to=9_520)
    await stage.let_pass()
    assert [title for title, _message in stage.notifications] == [LOW[0]]
    state = stage.hass.states.get(AUTOMATION)
    assert state is not None
    assert state.attributes["current"] == 0


async def test_without_a_pot_there_is_no_button(stage: Stage, phone: Phone) -> None:
    await watch(stage, phones=[phone.device])
    change(stage, to=9_520)
    await stage.let_pass()
    assert phone.texts == [LOW]
    assert phone.buttons == []
    assert stage.notifications == []


async def test_a_press_that_does_not_work_is_told(stage: Stage, clock: Clock, phone: Phone) -> None:
    await watch_with_button(stage, clock, phone)
    stage.server.fail("PUT", "/pots/*", Answer.error("bad_request.pot_locked", "No."))
    phone.press(phone.buttons[0])
    await stage.let_pass()
    assert stage.moves == []
    assert phone.texts[-1][1].startswith("£50.00 from Bills: the transfer failed")
    assert any("Monzo rejected the transfer" in text for text in stage.complaints())
