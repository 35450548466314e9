"""Handing a salary out to pots."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from sandbox.server import Answer, LoseResponse
from tests.helpers.transfer_faults import change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner
from .clock import Clock

NAME = "pay_day_to_pots"

EMPLOYER = "Harbour Design Ltd"
SALARY = 265_000

A_WHILE = timedelta(minutes=10)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it: 500, a tenth, and the remainder."""
    home = runner.home
    return {
        "account": runner.device_id(home.current),
        "at_least": 2_000,
        "sender": "harbour",
        "pots": [
            {"pot": runner.device_id(home.holiday), "amount": 500},
            {"pot": runner.device_id(home.rainy_day), "percentage": 10},
            {"pot": runner.device_id(home.coin_jar), "remainder": True},
        ],
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def income(runner: BlueprintRunner, amount: int = SALARY, sender: str = EMPLOYER) -> str:
    """Have money come in, and return the transaction's id."""
    return runner.bank.receive(runner.home.current.id, amount, sender=sender).id


async def test_a_salary_goes_to_pots_in_the_order_of_the_list(runner: BlueprintRunner) -> None:
    before = runner.home.current.balance
    await runner.create(NAME, **inputs(runner))
    salary = income(runner)
    await runner.advance()
    assert runner.amounts == [
        ("Holiday", 50_000),
        ("Rainy day", 26_500),
        ("Coin jar", 188_500),
    ]
    assert all(f"pay-day-{salary}" in move.dedupe_id for move in runner.moves)
    assert runner.home.current.balance == before
    assert runner.action_calls == [
        {
            "message": "Moved 500.00 GBP into Holiday. Moved 265.00 GBP into Rainy day. "
            "Moved 1885.00 GBP into Coin jar."
        }
    ]
    assert runner.notifications == []


async def test_the_next_salary_is_another_one(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    for _month in range(2):
        income(runner)
        await runner.advance()
        await runner.advance(timedelta(days=30))
    assert (
        runner.amounts
        == [
            ("Holiday", 50_000),
            ("Rainy day", 26_500),
            ("Coin jar", 188_500),
        ]
        * 2
    )


async def test_not_what_is_less_or_from_somebody_else_or_goes_elsewhere(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner))
    income(runner, 199_999)
    income(runner, SALARY, "Ben Baker")
    runner.bank.receive(runner.home.joint.id, SALARY, sender=EMPLOYER)
    runner.bank.pay(runner.home.current.id, -SALARY, merchant=EMPLOYER)
    await runner.advance(A_WHILE)
    assert runner.runs == 0
    income(runner, 200_000)
    await runner.advance()
    assert runner.runs == 1
    assert len(runner.moves) == 3


async def test_not_what_is_learned_of_late_unless_that_is_wanted(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    await runner.happen_while_unloaded(lambda: income(runner))
    assert runner.sent == []


async def test_what_is_learned_of_late_if_that_is_wanted(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, late=True))
    await runner.happen_while_unloaded(lambda: income(runner))
    assert len(runner.moves) == 3


async def test_everything_above_what_is_to_be_kept_if_that_is_wanted(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, what="everything", keep_at_least=200.5))
    income(runner)
    pool = runner.home.current.balance - 20_050
    await runner.advance()
    tenth = pool // 10
    assert runner.amounts == [
        ("Holiday", 50_000),
        ("Rainy day", tenth),
        ("Coin jar", pool - tenth - 50_000),
    ]
    assert runner.home.current.balance == 20_050


async def test_the_first_come_first_where_it_is_too_little(runner: BlueprintRunner) -> None:
    spare = 60_000
    await runner.create(
        NAME,
        **inputs(runner, keep_at_least=(runner.home.current.balance + SALARY - spare) / 100),
    )
    income(runner)
    await runner.advance()
    assert runner.amounts == [("Holiday", 50_000), ("Rainy day", 10_000)]
    (told,) = runner.action_calls
    assert told["message"].endswith(
        "into Rainy day. That is 165.00 GBP less than the pots should receive."
    )


async def test_the_same_salary_is_handed_out_once(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    await runner.create(NAME, **chosen)
    salary = income(runner)
    await runner.advance()
    # Somebody does it again by hand, as it was done.
    answer = await runner.client.call(
        "distribute",
        pots=chosen["pots"],
        account=chosen["account"],
        amount=SALARY / 100,
        keep_at_least=0,
        dedupe_id=f"pay-day-{salary}",
    )
    assert answer["result"] == "already_moved"
    assert len(runner.moves) == 3


async def test_at_first_it_only_plans(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    income(runner)
    await runner.advance()
    plan = (
        "Would move 500.00 GBP into Holiday. Would move 265.00 GBP into Rainy day. "
        "Would move 1885.00 GBP into Coin jar."
    )
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    assert runner.sent == []


async def test_a_plan_says_that_nothing_would_be_left(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, dry_run=True, keep_at_least=100_000))
    income(runner)
    await runner.advance()
    assert runner.notifications == [
        (
            "Test: plan only",
            (
                "Would move nothing: the account has no money to spare. "
                "That is 765.00 GBP less than the pots should receive."
            ),
        )
    ]


async def test_a_plan_says_what_would_come_in_its_way(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 1_000})
    await runner.create(NAME, **inputs(runner, dry_run=True))
    income(runner)
    await runner.advance()
    ((_title, plan),) = runner.notifications
    assert "1885.00 GBP exceeds the limit of 1000.00 GBP per transfer" in plan


@pytest.mark.parametrize("what", ["income", "everything"])
async def test_what_the_options_do_not_allow_is_told(runner: BlueprintRunner, what: str) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 1_000})
    await runner.create(NAME, **inputs(runner, what=what))
    income(runner)
    await runner.advance()
    ((title, told),) = runner.notifications
    assert title == "Test: not all transfers were made"
    assert told.startswith("Did not move 500.00 GBP into Holiday. Did not move ")
    assert "exceeds the limit of 1000.00 GBP per transfer" in told
    assert runner.messages == [told]
    assert runner.sent == []


async def test_a_bank_that_refuses_in_the_middle_is_told_of(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    refusal = Answer.error("bad_request.not_allowed", "Not today")
    runner.server.fail("PUT", "/pots/*", refusal, after=1)
    income(runner)
    await runner.advance()
    assert runner.amounts == [("Holiday", 50_000)]
    told = (
        "Moved 500.00 GBP into Holiday. Did not move 265.00 GBP into Rainy day. "
        "Monzo rejected the transfer of 265.00 GBP from Current account to Rainy day, "
        "so the money was not moved: Not today. "
        "Did not move 1885.00 GBP into Coin jar."
    )
    assert runner.messages == [told]
    assert runner.notifications == [("Test: not all transfers were made", told)]


# A bank that does not answer

HANDED_OUT = [("Holiday", 50_000), ("Rainy day", 26_500), ("Coin jar", 188_500)]

MINUTE = timedelta(minutes=1)


def in_trouble(runner: BlueprintRunner) -> None:
    """Have the bank not show what is in pots, but tell of the salary."""
    runner.server.fail("GET", "/pots", Answer.html(502), times=None)


def has_failed(runner: BlueprintRunner) -> bool:
    """Return whether it was tried in vain since this was asked."""
    return any("does not provide data" in text for text in runner.take_warnings())


async def test_a_salary_that_comes_in_while_the_bank_has_trouble_is_handed_out_later(
    runner: BlueprintRunner, clock: Clock
) -> None:
    await runner.create(NAME, **inputs(runner))
    income(runner)
    in_trouble(runner)
    for _try in range(2):
        await clock.advance(2 * MINUTE, until=lambda: has_failed(runner))
        await clock.run_to_next_wait()
    runner.server.clear_faults()
    assert runner.moves == []
    # A poll sees that the bank is well again.
    await clock.advance(6 * MINUTE, until=lambda: runner.server.requests_to("GET", "/pots"))
    await clock.run_to_next_wait()
    await clock.advance(2 * MINUTE, until=lambda: runner.action_calls)
    assert runner.amounts == HANDED_OUT
    (told,) = runner.action_calls
    assert told["message"].startswith("Moved 500.00 GBP into Holiday. Moved 265.00")
    runner.take_warnings()
    await runner.advance(timedelta(hours=2))
    assert runner.amounts == HANDED_OUT
    assert runner.notifications == []


async def test_a_salary_of_which_a_part_is_in_doubt_is_finished_later(
    runner: BlueprintRunner, clock: Clock
) -> None:
    await runner.create(NAME, **inputs(runner))
    runner.server.fail("PUT", "/pots/*", LoseResponse(), after=1, times=None)
    salary = income(runner)
    runner.server.fail("GET", "/transactions", Answer.html(502), after=1, times=None)
    await clock.advance(2 * MINUTE, until=lambda: len(runner.moves) == 2)
    looked = len(runner.server.requests_to("GET", "/transactions"))
    # It is sent again some times, and then looked for, in vain.
    await clock.wait_until(lambda: len(runner.sent) == 5)
    await clock.wait_until(lambda: len(runner.server.requests_to("GET", "/transactions")) > looked)
    await clock.run_to_next_wait()
    runner.server.clear_faults()
    assert runner.action_calls == []
    await clock.advance(3 * MINUTE, until=lambda: runner.action_calls)
    assert runner.amounts == HANDED_OUT
    assert all(salary in move.dedupe_id for move in runner.moves)
    (told,) = runner.action_calls
    assert told["message"].startswith("Had already moved 500.00 GBP into Holiday. ")
    runner.take_warnings()


async def test_a_salary_that_cannot_be_handed_out_at_all_is_told_in_the_end(
    runner: BlueprintRunner, clock: Clock
) -> None:
    await runner.create(NAME, **inputs(runner))
    income(runner)
    in_trouble(runner)
    for pause in (2, 2, 8, 20, 60):
        assert runner.action_calls == []
        await clock.advance(pause * MINUTE, until=lambda: has_failed(runner))
        await clock.run_to_next_wait()
    told = (
        f"Tried several times to distribute 2650.00 GBP from {EMPLOYER}. The transfers failed or "
        "could not be confirmed. See the Home Assistant log for details, and check the Monzo app "
        "before you try again."
    )
    assert runner.messages == [told]
    assert runner.notifications == [("Test: something went wrong", told)]
    assert runner.sent == []
    runner.server.clear_faults()
    runner.take_warnings()
