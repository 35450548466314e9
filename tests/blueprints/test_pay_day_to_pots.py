"""The blueprint pay_day_to_pots: an income is distributed to pots."""

from datetime import timedelta
from typing import Any

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from sandbox.server import Answer, LoseResponse
from tests.helpers.transfer_faults import change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner
from .clock import Clock

NAME = "pay_day_to_pots"

EMPLOYER = "Harbour Design Ltd"
SALARY = 265_000

TEN_MINUTES = timedelta(minutes=10)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return inputs that move money: 500 pounds, a tenth, and the remainder."""
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


def receive(runner: BlueprintRunner, amount: int = SALARY, sender: str = EMPLOYER) -> str:
    """Receive money in the current account, and return the transaction's id."""
    return runner.bank.receive(runner.home.current.id, amount, sender=sender).id


async def test_an_income_goes_to_the_pots_in_the_order_of_the_list(runner: BlueprintRunner) -> None:
    before = runner.home.current.balance
    await runner.create(NAME, **inputs(runner))
    salary = receive(runner)
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


async def test_the_next_income_is_distributed_as_well(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    for _month in range(2):
        receive(runner)
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


async def test_smaller_amounts_other_senders_and_other_accounts_are_ignored(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner))
    receive(runner, 199_999)
    receive(runner, SALARY, "Ben Baker")
    runner.bank.receive(runner.home.joint.id, SALARY, sender=EMPLOYER)
    runner.bank.pay(runner.home.current.id, -SALARY, merchant=EMPLOYER)
    await runner.advance(TEN_MINUTES)
    assert runner.runs == 0
    receive(runner, 200_000)
    await runner.advance()
    assert runner.runs == 1
    assert len(runner.moves) == 3


async def test_a_late_income_is_distributed_only_if_it_is_included(
    runner: BlueprintRunner,
) -> None:
    for late, transfers in ((False, 0), (True, 3)):
        await runner.create(NAME, **inputs(runner, late=late))
        await runner.happen_while_unloaded(lambda: receive(runner))
        assert len(runner.sent) == len(runner.moves) == transfers


async def test_it_can_distribute_everything_above_the_minimum_to_keep(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, what="everything", keep_at_least=200.5))
    receive(runner)
    pool = runner.home.current.balance - 20_050
    await runner.advance()
    tenth = pool // 10
    assert runner.amounts == [
        ("Holiday", 50_000),
        ("Rainy day", tenth),
        ("Coin jar", pool - tenth - 50_000),
    ]
    assert runner.home.current.balance == 20_050


async def test_if_there_is_too_little_money_the_first_pots_come_first(
    runner: BlueprintRunner,
) -> None:
    spare = 60_000
    await runner.create(
        NAME,
        **inputs(runner, keep_at_least=(runner.home.current.balance + SALARY - spare) / 100),
    )
    receive(runner)
    await runner.advance()
    assert runner.amounts == [("Holiday", 50_000), ("Rainy day", 10_000)]
    (report,) = runner.action_calls
    assert report["message"].endswith(
        "into Rainy day. That is 165.00 GBP less than the pots should receive."
    )


async def test_the_same_income_is_distributed_once(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    await runner.create(NAME, **chosen)
    salary = receive(runner)
    await runner.advance()
    # The user repeats the action by hand.
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


async def test_by_default_it_only_plans(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    receive(runner)
    await runner.advance()
    plan = (
        "Would move 500.00 GBP into Holiday. Would move 265.00 GBP into Rainy day. "
        "Would move 1885.00 GBP into Coin jar."
    )
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    assert runner.sent == []


async def test_a_plan_shows_that_there_is_no_money_to_spare(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, dry_run=True, keep_at_least=100_000))
    receive(runner)
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


async def test_a_plan_shows_the_error_of_the_transfer(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 1_000})
    await runner.settle()
    await runner.create(NAME, **inputs(runner, dry_run=True))
    receive(runner)
    await runner.advance()
    ((_title, plan),) = runner.notifications
    assert "1885.00 GBP exceeds the limit of 1000.00 GBP per transfer" in plan


async def test_a_transfer_above_the_limit_is_reported(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 1_000})
    await runner.settle()
    for what in ("income", "everything"):
        await runner.create(NAME, **inputs(runner, what=what))
        receive(runner)
        await runner.advance()
        ((title, report),) = runner.notifications
        assert title == "Test: not all transfers were made"
        assert report.startswith("Did not move 500.00 GBP into Holiday. Did not move ")
        assert "per transfer" in report
        assert runner.messages == [report]
        assert runner.sent == []
        await runner.settle()


async def test_a_rejection_after_the_first_transfer_is_reported(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    refusal = Answer.error("bad_request.not_allowed", "Not today")
    runner.server.fail("PUT", "/pots/*", refusal, after=1)
    receive(runner)
    await runner.advance()
    assert runner.amounts == [("Holiday", 50_000)]
    report = (
        "Moved 500.00 GBP into Holiday. Did not move 265.00 GBP into Rainy day. "
        "Monzo rejected the transfer of 265.00 GBP from Current account to Rainy day, "
        "so the money was not moved: Not today. "
        "Did not move 1885.00 GBP into Coin jar."
    )
    assert runner.messages == [report]
    assert runner.notifications == [("Test: not all transfers were made", report)]


# Errors of the bank

DISTRIBUTED = [("Holiday", 50_000), ("Rainy day", 26_500), ("Coin jar", 188_500)]

MINUTE = timedelta(minutes=1)


def fail_to_show_pots(runner: BlueprintRunner) -> None:
    """Make the bank fail to show pots, but not transactions."""
    runner.server.fail("GET", "/pots", Answer.html(502), times=None)


def has_failed(runner: BlueprintRunner) -> bool:
    """Return whether another attempt has failed, and forget its warnings."""
    return any("Monzo does not show" in text for text in runner.take_warnings())


async def test_an_income_during_an_error_of_the_bank_is_distributed_later(
    runner: BlueprintRunner, clock: Clock
) -> None:
    await runner.create(NAME, **inputs(runner))
    receive(runner)
    fail_to_show_pots(runner)
    for _attempt in range(2):
        await clock.advance(2 * MINUTE, until=lambda: has_failed(runner))
        await clock.run_to_next_wait()
    runner.server.clear_faults()
    assert runner.moves == []
    # A poll notices that the bank works again.
    await clock.advance(6 * MINUTE, until=lambda: runner.server.requests_to("GET", "/pots"))
    await clock.run_to_next_wait()
    await clock.advance(2 * MINUTE, until=lambda: runner.action_calls)
    assert runner.amounts == DISTRIBUTED
    (report,) = runner.action_calls
    assert report["message"].startswith("Moved 500.00 GBP into Holiday. Moved 265.00")
    runner.take_warnings()
    await runner.advance(timedelta(hours=2))
    assert runner.amounts == DISTRIBUTED
    assert runner.notifications == []


async def test_a_transfer_in_doubt_is_completed_later(
    runner: BlueprintRunner, clock: Clock
) -> None:
    await runner.create(NAME, **inputs(runner))
    runner.server.fail("PUT", "/pots/*", LoseResponse(), after=1, times=None)
    salary = receive(runner)
    # The account can be read for the payment, and before and after the first transfer.
    runner.server.fail("GET", "/transactions", Answer.html(502), after=3, times=None)
    await clock.advance(2 * MINUTE, until=lambda: len(runner.moves) == 2)
    reads = len(runner.server.requests_to("GET", "/transactions"))
    # The request is repeated, and then the transfer is searched for, without success.
    await clock.wait_until(lambda: len(runner.sent) == 5)
    await clock.wait_until(lambda: len(runner.server.requests_to("GET", "/transactions")) > reads)
    await clock.run_to_next_wait()
    runner.server.clear_faults()
    assert runner.action_calls == []
    await clock.advance(3 * MINUTE, until=lambda: runner.action_calls)
    assert runner.amounts == DISTRIBUTED
    assert all(salary in move.dedupe_id for move in runner.moves)
    (report,) = runner.action_calls
    assert report["message"].startswith("Had already moved 500.00 GBP into Holiday. ")
    runner.take_warnings()


async def test_after_the_last_attempt_a_failure_is_reported(
    runner: BlueprintRunner, clock: Clock
) -> None:
    await runner.create(NAME, **inputs(runner))
    receive(runner)
    fail_to_show_pots(runner)
    for pause in (2, 2, 8, 20, 60):
        assert runner.action_calls == []
        await clock.advance(pause * MINUTE, until=lambda: has_failed(runner))
        await clock.run_to_next_wait()
    report = (
        f"Tried several times to distribute 2650.00 GBP from {EMPLOYER}. The transfers failed or "
        "could not be confirmed. "
        "See the Home Assistant log for the kind of error, and check the Monzo app "
        "before you try again."
    )
    assert runner.messages == [report]
    assert runner.notifications == [("Test: something went wrong", report)]
    assert runner.sent == []
    runner.server.clear_faults()
    runner.take_warnings()
