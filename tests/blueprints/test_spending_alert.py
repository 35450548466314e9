"""The blueprint spending_alert: notifications about large and unusual payments."""

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
    """Watch all accounts for payments of 100 pounds, or of three times the usual amount."""
    await runner.create("spending_alert", **inputs)


async def pay(
    runner: BlueprintRunner, amount: int, merchant: str = "Cheesemonger", **more: Any
) -> None:
    """Pay by card from the joint account, and poll."""
    runner.bank.pay(runner.home.joint.id, amount, merchant=merchant, **more)
    await runner.advance()


async def test_a_large_payment_is_notified(runner: BlueprintRunner) -> None:
    await watch(runner)
    await pay(runner, -123_450)
    assert runner.notifications == [
        ("Large payment: £1,234.50", "Cheesemonger, from Joint account · Ann & Ben.")
    ]


async def test_a_payment_of_exactly_the_large_amount_is_notified(runner: BlueprintRunner) -> None:
    await watch(runner, large=25, compared_by="nothing")
    await pay(runner, -2_499)
    assert runner.notifications == []
    await pay(runner, -2_500)
    assert runner.titles == ["Large payment: £25.00"]


async def test_income_deposits_and_declined_payments_are_ignored(runner: BlueprintRunner) -> None:
    home = runner.home
    await watch(runner)
    runner.bank.receive(home.joint.id, 50_000)
    runner.bank.deposit(home.bills.id, home.joint.id, 50_000, "in")
    runner.bank.decline(home.joint.id, -50_000)
    await runner.advance(ALL_TRANSACTIONS_READ)
    assert runner.notifications == []


async def test_late_payments_are_ignored(runner: BlueprintRunner) -> None:
    await watch(runner)
    await runner.happen_while_unloaded(lambda: runner.bank.pay(runner.home.joint.id, -50_000))
    assert runner.runs == 0
    assert runner.notifications == []


@pytest.fixture
async def _earlier_payments(runner: BlueprintRunner) -> None:
    """Pay 12, 20 and 28 pounds for gifts, and once in each of some other categories."""
    for amount in (-1_200, -2_000, -2_800):
        runner.bank.pay(runner.home.joint.id, amount, merchant="Bookworm", category="gifts")
    runner.bank.pay(runner.home.joint.id, -9_900, merchant="Deli", category="charity")
    runner.bank.pay(runner.home.joint.id, -1_000, merchant="Deli", category="pets")
    # Deposits into pots and refunds are not payments.
    for number in range(3):
        runner.bank.deposit(runner.home.bills.id, runner.home.joint.id, 1_000, f"in {number}")
    runner.bank.refund(runner.home.joint.id, 90_000, merchant="Bookworm", category="gifts")
    await runner.advance()


@pytest.mark.usefixtures("_earlier_payments")
async def test_three_times_the_usual_amount_of_a_category_is_notified(
    runner: BlueprintRunner,
) -> None:
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


@pytest.mark.usefixtures("_earlier_payments")
async def test_usual_small_and_new_payments_are_not_notified(runner: BlueprintRunner) -> None:
    for _number in range(3):
        runner.bank.p2p(runner.home.joint.id, runner.home.current.id, 1_000)
    await runner.advance()
    inputs: dict[str, Any]
    for inputs, paid, category in (
        ({}, -5_999, "gifts"),
        ({"times": 3.1}, -6_000, "gifts"),
        ({"compared_by": "nothing"}, -6_000, "gifts"),
        ({"smallest": 60.01}, -6_000, "gifts"),
        # Paid once before, never before, and only as deposits into pots or to the own account.
        ({}, -9_999, "pets"),
        ({}, -9_999, "something new"),
        ({}, -9_999, "savings"),
        ({}, -9_999, "general"),
    ):
        await watch(runner, **inputs)
        payment = runner.bank.pay(
            runner.home.joint.id, paid, merchant="Cheesemonger", category=category
        )
        await runner.advance()
        assert runner.notifications == [], (inputs, category)
        # The next payment is compared with the same earlier payments.
        payment.category = "removed"


@pytest.mark.usefixtures("_earlier_payments")
async def test_payments_can_be_compared_by_merchant(runner: BlueprintRunner) -> None:
    await watch(runner, compared_by="name")
    await pay(runner, -6_000, "Cheesemonger", category="gifts")
    assert runner.notifications == []
    await runner.settle()
    await pay(runner, -6_000, "Bookworm", category="something new")
    assert runner.titles == ["Unusual payment: £60.00"]


@pytest.mark.usefixtures("_earlier_payments")
async def test_older_payments_are_not_compared(runner: BlueprintRunner) -> None:
    await runner.advance(31 * A_DAY)
    runner.take_warnings()
    await watch(runner)
    await pay(runner, -6_000, category="gifts")
    assert runner.notifications == []


async def test_only_the_chosen_accounts_are_watched(runner: BlueprintRunner) -> None:
    await watch(runner, accounts=[runner.device_id(runner.home.current)])
    await pay(runner, -50_000)
    assert runner.notifications == []


async def test_recipients_are_notified_and_actions_are_run(runner: BlueprintRunner) -> None:
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

NOTIFICATION = ("Large payment: £123.45", "Cheesemonger, from Joint account · Ann & Ben.")


async def pay_and_wait(runner: BlueprintRunner, clock: Clock, phone: Phone, **inputs: Any) -> str:
    """Pay, wait until the phone shows it, and return the transaction's id."""
    pot = runner.device_id(runner.home.bills)
    await watch(runner, **{"phones": [phone.device_id], "pot": pot, "dry_run": False, **inputs})
    row = runner.bank.pay(runner.home.joint.id, -12_345, merchant="Cheesemonger")
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: phone.notifications)
    assert phone.texts == [NOTIFICATION]
    return row.id


async def test_pressing_the_button_moves_the_exact_amount_once(
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
    assert phone.texts == [NOTIFICATION, (None, "£123.45 from Bills: moved.")]
    # It replaces the notification with the button.
    assert len({each["data"]["tag"] for each in phone.notifications}) == 1

    phone.press(button)
    await runner.advance()
    assert runner.amounts == [("Bills", -12_345)]


async def test_each_payment_has_its_own_button(
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


async def test_a_button_expires_after_the_set_time(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(runner, clock, phone)
    (button,) = phone.buttons
    # A button of another notification.
    phone.press({"action": "another"})
    await runner.advance(BUTTONS_EXPIRED)
    assert phone.texts == [NOTIFICATION, (None, "clear_notification")]
    # The button has expired.
    phone.press(button)
    await runner.advance()
    assert runner.sent == []


async def test_by_default_the_button_only_plans(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    pot = runner.device_id(runner.home.bills)
    await watch(runner, phones=[phone.device_id], pot=pot)
    runner.bank.pay(runner.home.joint.id, -12_345, merchant="Cheesemonger")
    await clock.advance(ALL_TRANSACTIONS_READ, until=lambda: phone.notifications)
    phone.press(phone.buttons[0])
    await runner.advance()
    assert phone.texts == [NOTIFICATION, (None, "Plan only: £123.45 from Bills would be moved.")]
    assert runner.sent == []


async def test_a_failed_transfer_is_reported_on_the_phone(
    runner: BlueprintRunner, clock: Clock, phone: Phone
) -> None:
    await pay_and_wait(runner, clock, phone)
    break_transfers(runner.server, Answer.error("bad_request.pot_locked", "No."))
    phone.press(phone.buttons[0])
    await runner.advance()
    assert runner.moves == []
    assert phone.texts[-1][1].startswith("£123.45 from Bills: the transfer failed or could not")
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())


async def test_without_a_pot_of_the_account_there_is_no_button(
    runner: BlueprintRunner, phone: Phone
) -> None:
    pots: tuple[dict[str, Any], ...] = ({}, {"pot": runner.device_id(runner.home.holiday)})
    for number, pot in enumerate(pots, 1):
        await watch(runner, phones=[phone.device_id], dry_run=False, **pot)
        await pay(runner, -12_345)
        assert phone.texts == [NOTIFICATION] * number
        assert phone.buttons == []
        assert runner.notifications == []


async def test_a_missing_phone_does_not_prevent_other_notifications(
    runner: BlueprintRunner, phone: Phone
) -> None:
    tablet = add_phone_device(runner.hass, "Old tablet")
    await watch(runner, phones=[tablet, phone.device_id])
    await pay(runner, -12_345)
    assert phone.texts == [NOTIFICATION]
    ((title, message),) = runner.notifications
    assert title == NOTIFICATION[0]
    assert message.endswith("because the app has no working notify entity: Old tablet.")


# Requests


async def test_earlier_payments_are_requested_only_for_payments_that_may_be_unusual(
    runner: BlueprintRunner,
) -> None:
    async def requests_after(amount: int) -> int:
        await runner.settle()
        before = len(history_requests(runner))
        await pay(runner, amount, category="gifts")
        return len(history_requests(runner)) - before

    await watch(runner)
    assert await requests_after(-999) == 0
    assert await requests_after(-1_000) == 1
    assert await requests_after(-9_999) == 1
    assert await requests_after(-10_000) == 0


def history_requests(runner: BlueprintRunner) -> list[LoggedRequest]:
    """Return the requests for transactions before a payment; polls request those after a time."""
    return [
        call for call in runner.server.requests_to("GET", "/transactions") if "before" in call.query
    ]
