"""The blueprints about recurring payments: bills, price rises and pay days."""

from datetime import UTC, datetime, timedelta
import re
from typing import Any

import pytest

from sandbox.models import Account
from tests.helpers.archive_filler import give_history
from tests.helpers.state_helpers import device
from tests.helpers.stopped_clock import StoppedClock

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

MONTHS = range(3, 9)
BILLS = ((18, "Broadband", 3_400), (18, "Gym", 2_500), (21, "Water", 3_100))


@pytest.fixture
async def account(runner: BlueprintRunner) -> Account:
    """Return an account with bills on the 18th and 21st, and without round-ups.

    The bank was asked on Wednesday, 16 September 2026.
    """
    bank, current = runner.bank, runner.home.current
    bank.set_round_up(runner.home.coin_jar.id, on=False)
    for month in MONTHS:
        for day, payee, pence in BILLS:
            at = datetime(2026, month, day, 5, tzinfo=UTC)
            bank.direct_debit(current.id, -pence, payee=payee, at=at)
    return current


async def keep_history(runner: BlueprintRunner) -> None:
    """Keep all transactions, with the last working day as the pay day."""
    await give_history(runner.hass, runner.home, runner.entry)
    await runner.advance()


async def advance_to(runner: BlueprintRunner, freezer: StoppedClock, moment: str) -> None:
    """Advance to a moment in September, when London is an hour before UTC."""
    freezer.move_to(datetime.fromisoformat(f"{moment}+01:00"))
    for _read in range(3):
        await runner.advance()


def at_balance(runner: BlueprintRunner, account: Account, pence: int) -> None:
    """Bring an account to a balance."""
    runner.bank.pay(account.id, pence - account.balance, merchant="Gadget Shed")


async def cover(runner: BlueprintRunner, account: Account, **inputs: Any) -> None:
    """Cover the bills of an account from the holiday pot."""
    await runner.create(
        "bill_without_money",
        account=runner.device_id(account),
        **{"pot": runner.device_id(runner.home.holiday), "dry_run": False, **inputs},
    )


async def test_what_is_missing_for_a_bill_comes_from_the_pot_once(
    runner: BlueprintRunner, freezer: StoppedClock, account: Account
) -> None:
    await keep_history(runner)
    await cover(runner, account)
    at_balance(runner, account, 5_000)
    await advance_to(runner, freezer, "2026-09-17 07:50")
    assert runner.moves == []
    await advance_to(runner, freezer, "2026-09-17 08:00")
    # £50 are there, and both bills need £59.
    assert runner.amounts == [("Holiday", -900)]
    ((title, message),) = runner.notifications
    assert title is not None
    assert title.startswith("£9.00 missing for ")
    assert message.endswith(" on 18 September. Moved £9.00 from Holiday.")
    await runner.happen_while_unloaded(lambda: None, timedelta(hours=1))
    await runner.settle()
    assert len(runner.moves) == 1
    assert len(runner.notifications) == 1


async def test_a_plan_a_limit_and_no_pot_move_nothing(
    runner: BlueprintRunner, freezer: StoppedClock, account: Account
) -> None:
    await keep_history(runner)
    holiday = runner.device_id(runner.home.holiday)
    own = {"account": runner.device_id(account), "then": RECORD_MESSAGE}
    await runner.create_several(
        "bill_without_money",
        {
            "Plan": {**own, "pot": holiday},
            "Limit": {**own, "pot": holiday, "at_most": 8.99, "dry_run": False},
            "Notify": {**own},
        },
    )
    at_balance(runner, account, 5_000)
    await advance_to(runner, freezer, "2026-09-17 07:50")
    await advance_to(runner, freezer, "2026-09-17 08:00")
    assert runner.moves == []
    ends = sorted(message.partition("18 September.")[2] for message in runner.messages)
    assert ends == [
        "",
        " No money was moved, because more is missing than you allow.",
        " Plan only: £9.00 from Holiday would be moved.",
    ]


async def test_no_money_is_moved_because_of_an_estimate(
    runner: BlueprintRunner, freezer: StoppedClock, account: Account
) -> None:
    for month in MONTHS:
        at = datetime(2026, month, 17, 6, tzinfo=UTC)
        pence = 9_000 + 700 * (month % 4)
        runner.bank.direct_debit(account.id, -pence, payee="Energy", at=at)
    await keep_history(runner)
    await cover(runner, account)
    at_balance(runner, account, 1_000)
    await advance_to(runner, freezer, "2026-09-17 07:50")
    await advance_to(runner, freezer, "2026-09-17 08:00")
    assert runner.moves == []
    because = " on 18 September. No money was moved, because an amount is only estimated."
    assert [message.endswith(because) for _title, message in runner.notifications] == [True, True]


async def test_a_price_rise_is_notified_and_a_fall_is_not(
    runner: BlueprintRunner, freezer: StoppedClock, account: Account
) -> None:
    await keep_history(runner)
    await runner.create("price_rise_alert")
    await advance_to(runner, freezer, "2026-09-18 09:00")
    runner.bank.direct_debit(account.id, -3_550, payee="Broadband")
    runner.bank.direct_debit(account.id, -2_400, payee="Gym")
    await runner.settle()
    assert runner.notifications == [
        (
            "Broadband costs £1.50 more",
            "£35.50 instead of £34.00, since 18 September. That is £18.00 in a year.",
        )
    ]


async def test_the_pay_day_report_looks_back_and_ahead(
    runner: BlueprintRunner, freezer: StoppedClock, account: Account
) -> None:
    await keep_history(runner)
    person = device(runner.hass, runner.entry, str(runner.entry.unique_id))
    assert person
    await runner.create(
        "pay_day_report",
        people=[person.id],
        account=runner.device_id(account),
        left_to_spend=runner.entity_id(account, "left_to_spend"),
        upcoming=runner.entity_id(account, "upcoming_payments"),
    )
    for day, payee, pence in BILLS:
        await advance_to(runner, freezer, f"2026-09-{day} 09:00")
        runner.bank.direct_debit(account.id, -pence, payee=payee)
    at_balance(runner, account, 50_000)
    for moment in ("2026-09-21 12:00", "2026-09-26 12:00", "2026-09-30 07:50"):
        await advance_to(runner, freezer, moment)
    assert runner.notifications == []
    await advance_to(runner, freezer, "2026-09-30 08:00")
    ((title, message),) = runner.notifications
    assert title == "Pay day"
    spent, left = message.split("\n£410.00 left to spend until 30 October.\n")
    begin = r"It is pay day.\n£[\d,.]+ spent since 28 August:\n• Shopping: £[\d,.]+\n"
    assert re.match(begin, spent)
    assert left.splitlines() == [
        "Bills until then:",
        "• 18 October: Broadband, £34.00",
        "• 18 October: Gym, £25.00",
        "• 21 October: Water, £31.00",
    ]
