"""The blueprint low_balance_alert: notifications about low balances, with a button to top up."""

from datetime import timedelta
from typing import Any

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from sandbox.server import Answer
from tests.helpers.transfer_faults import change_options

from .blueprint_runner import AUTOMATION, BlueprintRunner
from .clock import Clock
from .conftest import ALL_TRANSACTIONS_READ, BUTTONS_EXPIRED
from .phone import Phone, add_phone_device

LOW = ("Low balance: £95.20", "Joint account · Ann & Ben is below £100.00.")


def set_balance(runner: BlueprintRunner, pence: int) -> None:
    """Bring the joint account to a balance, by a payment or an income."""
    joint = runner.home.joint
    missing = pence - joint.balance
    if missing > 0:
        runner.bank.receive(joint.id, missing)
    elif missing:
        runner.bank.pay(joint.id, missing)


async def watch(runner: BlueprintRunner, **inputs: Any) -> None:
    """Watch the joint account, which has 500 pounds at first."""
    set_balance(runner, 50_000)
    await runner.advance()
    account = runner.device_id(runner.home.joint)
    await runner.create("low_balance_alert", **{"account": account, "threshold": 100, **inputs})


async def watch_with_button(
    runner: BlueprintRunner, clock: Clock, phone: Phone, **inputs: Any
) -> None:
    """Wait until a phone shows a button for 50 pounds from a pot of the account."""
    pot = runner.device_id(runner.home.bills)
    inputs = {"pot": pot, "top_up": 50, "minutes": 60, "dry_run": False, **inputs}
    await watch(runner, **{"phones": [phone.device_id], **inputs})
    set_balance(runner, 9_520)
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: phone.notifications)
    assert phone.texts == [LOW]


# Notifications


async def test_a_falling_balance_creates_a_notification(runner: BlueprintRunner) -> None:
    await watch(runner)
    set_balance(runner, 10_000)
    await runner.advance()
    assert runner.notifications == []
    set_balance(runner, 9_520)
    await runner.advance()
    assert runner.notifications == [LOW]
    assert runner.sent == []


async def test_an_overdrawn_balance_is_shown_with_a_minus_sign(runner: BlueprintRunner) -> None:
    await watch(runner)
    set_balance(runner, -123_456)
    await runner.advance()
    assert runner.titles == ["Low balance: -£1,234.56"]


async def test_recipients_are_notified_and_actions_are_run(runner: BlueprintRunner) -> None:
    await watch(
        runner,
        recipients=[runner.entity_id(runner.home.joint, "feed", "notify")],
        then=[{"action": "test.record", "data": {"said": "{{ title }} {{ message }}"}}],
    )
    set_balance(runner, 9_520)
    await runner.advance()
    assert [(item.title, item.body) for item in runner.bank.feed] == [LOW]
    assert runner.action_calls == [{"said": " ".join(LOW)}]
    assert runner.notifications == []


async def test_after_a_notification_it_is_quiet_for_the_set_hours(runner: BlueprintRunner) -> None:
    await watch(runner, quiet_hours=2)
    for balance in (9_520, 50_000, 9_000, 50_000):
        set_balance(runner, balance)
        await runner.advance()
    assert runner.titles == ["Low balance: £95.20"]
    await runner.advance(timedelta(hours=2))
    set_balance(runner, 8_000)
    await runner.advance()
    assert runner.titles == [
        "Low balance: £95.20",
        "Low balance: £80.00",
    ]


async def test_a_missing_phone_does_not_prevent_other_notifications(
    runner: BlueprintRunner, phone: Phone
) -> None:
    tablet = add_phone_device(runner.hass, "Old tablet")
    await watch(runner, phones=[tablet, "a device that was removed", phone.device_id])
    set_balance(runner, 9_520)
    await runner.advance()
    assert phone.texts == [LOW]
    title, message = LOW
    because = "Not notified, because the app has no working notify entity: Old tablet, a phone."
    assert runner.notifications == [(title, f"{message} {because}")]


async def titles_after(runner: BlueprintRunner, *balances: int) -> list[str | None]:
    """Return the titles of all notifications after the account had these balances in turn."""
    for balance in balances:
        set_balance(runner, balance)
        await runner.advance()
    return runner.titles


async def test_an_overdrawn_account_ends_the_quiet_hours(
    runner: BlueprintRunner,
) -> None:
    await watch(runner, quiet_hours=12)
    assert await titles_after(runner, 9_520, 50_000, -50_000) == [
        "Low balance: £95.20",
        "Low balance: -£500.00",
    ]


async def test_a_balance_that_falls_further_is_notified_once_more_when_it_is_overdrawn(
    runner: BlueprintRunner,
) -> None:
    await watch(runner, quiet_hours=12)
    assert await titles_after(runner, 9_520, 1, -1, -2_000, -1_000) == [
        "Low balance: £95.20",
        "Low balance: -£0.01",
    ]


async def test_with_a_negative_threshold_only_balances_below_it_are_notified(
    runner: BlueprintRunner,
) -> None:
    await watch(runner, threshold=-200, quiet_hours=12)
    assert await titles_after(runner, -1_000, -20_001, 10_000, -1, -30_000) == [
        "Low balance: -£200.01"
    ]


# The button


async def test_pressing_the_button_moves_the_amount_once(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(runner, clock, phone)
    (button,) = phone.buttons
    assert button["title"] == "Move £50.00 from Bills"
    assert runner.sent == []

    phone.press(button)
    phone.press(button)
    await runner.advance()
    assert runner.amounts == [("Bills", -5_000)]
    assert phone.texts == [LOW, (None, "£50.00 from Bills: moved.")]
    # It replaces the notification with the button.
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await runner.advance()
    assert runner.amounts == [("Bills", -5_000)]


async def test_an_overdrawn_account_replaces_a_waiting_button(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(runner, clock, phone)
    first = phone.buttons[0]
    set_balance(runner, -2_000)
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: len(phone.notifications) == 2)
    title, message = phone.texts[-1]
    assert title == "Low balance: -£20.00"
    assert message == "Joint account · Ann & Ben is below £100.00."
    assert phone.buttons[0]["action"] != first["action"]
    phone.press(phone.buttons[0])
    phone.press(phone.buttons[0])
    await clock.wait_until(lambda: len(phone.notifications) == 3)
    assert runner.amounts == [("Bills", -5_000)]


async def test_a_button_that_only_plans_moves_nothing(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(runner, clock, phone, dry_run=True)
    phone.press(phone.buttons[0])
    await runner.advance()
    assert phone.texts == [LOW, (None, "Plan only: £50.00 from Bills would be moved.")]
    assert runner.sent == []


async def test_a_plan_shows_the_error_of_the_transfer(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 49})
    await watch_with_button(runner, clock, phone, dry_run=True)
    phone.press(phone.buttons[0])
    await runner.advance()
    assert phone.texts[-1][1].startswith(
        "Plan only: £50.00 from Bills would be moved. 50.00 GBP exceeds the limit of 49.00 GBP per"
    )
    assert phone.texts[-1][1].endswith("the transfer was not sent to Monzo.")


async def test_a_button_expires_after_the_set_time(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(runner, clock, phone)
    (button,) = phone.buttons
    # A button of another notification.
    phone.press({"action": "another"})
    await runner.advance(BUTTONS_EXPIRED)
    assert phone.texts == [LOW, (None, "clear_notification")]
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await runner.advance()
    assert runner.sent == []


async def test_the_button_of_an_automation_that_is_off_does_nothing(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(runner, clock, phone)
    await runner.hass.services.async_call(
        "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
    )
    phone.press(phone.buttons[0])
    await runner.advance()
    assert runner.sent == []


async def test_a_phone_that_signs_out_does_not_prevent_the_confirmation_on_others(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    tablet = Phone(runner.hass, "Tablet")
    await watch_with_button(runner, clock, phone, phones=[tablet.device_id, phone.device_id])
    tablet.sign_out()
    phone.press(phone.buttons[0])
    await runner.advance()
    assert tablet.texts == [LOW]
    assert phone.texts == [LOW, (None, "£50.00 from Bills: moved.")]


async def test_without_a_working_phone_there_is_no_button(runner: BlueprintRunner) -> None:
    tablet = add_phone_device(runner.hass, "Old tablet")
    await watch(runner, phones=[tablet], pot=runner.device_id(runner.home.bills), dry_run=False)
    set_balance(runner, 9_520)
    await runner.advance()
    assert runner.titles == [LOW[0]]
    state = runner.hass.states.get(AUTOMATION)
    assert state is not None
    assert state.attributes["current"] == 0


async def test_without_a_pot_there_is_no_button(runner: BlueprintRunner, phone: Phone) -> None:
    await watch(runner, phones=[phone.device_id])
    set_balance(runner, 9_520)
    await runner.advance()
    assert phone.texts == [LOW]
    assert phone.buttons == []
    assert runner.notifications == []


async def test_a_failed_transfer_is_reported_on_the_phone(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await watch_with_button(runner, clock, phone)
    runner.server.fail("PUT", "/pots/*", Answer.error("bad_request.pot_locked", "No."))
    phone.press(phone.buttons[0])
    await runner.advance()
    assert runner.moves == []
    assert phone.texts[-1][1].startswith("£50.00 from Bills: the transfer failed")
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())
