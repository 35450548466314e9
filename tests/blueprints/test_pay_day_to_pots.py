"""Handing a salary out to pots."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from sandbox.server import Answer, LoseResponse
from tests.helpers.transfer_faults import change_options

from .stage import Stage
from .waiting import Clock

NAME = "pay_day_to_pots"

EMPLOYER = "Harbour Design Ltd"
SALARY = 265_000

A_WHILE = timedelta(minutes=10)

TELL = [{"action": "test.hear", "data": {"message": "{{ message }}"}}]


def inputs(stage: Stage, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it: 500, a tenth, and the remainder."""
    home = stage.home
    return {
        "account": stage.device(home.current),
        "at_least": 2_000,
        "sender": "harbour",
        "pots": [
            {"pot": stage.device(home.holiday), "amount": 500},
            {"pot": stage.device(home.rainy_day), "percentage": 10},
            {"pot": stage.device(home.coin_jar), "remainder": True},
        ],
        "dry_run": False,
        "then": TELL,
        **more,
    }


def income(stage: Stage, amount: int = SALARY, sender: str = EMPLOYER) -> str:
    """Have money come in, and return the transaction's id."""
    return stage.bank.receive(stage.home.current.id, amount, sender=sender).id


async def test_a_salary_goes_to_pots_in_the_order_of_the_list(stage: Stage) -> None:
    before = stage.home.current.balance
    await stage.play(NAME, **inputs(stage))
    salary = income(stage)
    await stage.let_pass()
    assert stage.amounts == [
        ("Holiday", 50_000),
        ("Rainy day", 26_500),
        ("Coin jar", 188_500),
    ]
    assert all(f"pay-day-{salary}" in move.dedupe_id for move in stage.moves)
    assert stage.home.current.balance == before
    assert stage.heard == [
        {
            "message": "Moved 500.00 GBP into Holiday. Moved 265.00 GBP into Rainy day. "
            "Moved 1885.00 GBP into Coin jar."
        }
    ]
    assert stage.notifications == []


async def test_the_next_salary_is_another_one(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    for _month in range(2):
        income(stage)
        await stage.let_pass()
        await stage.let_pass(timedelta(days=30))
    assert (
        stage.amounts
        == [
            ("Holiday", 50_000),
            ("Rainy day", 26_500),
            ("Coin jar", 188_500),
        ]
        * 2
    )


async def test_not_what_is_less_or_from_somebody_else_or_goes_elsewhere(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    income(stage, 199_999)
    income(stage, SALARY, "Ben Baker")
    stage.bank.receive(stage.home.joint.id, SALARY, sender=EMPLOYER)
    stage.bank.pay(stage.home.current.id, -SALARY, merchant=EMPLOYER)
    await stage.let_pass(A_WHILE)
    assert stage.runs == 0
    income(stage, 200_000)
    await stage.let_pass()
    assert stage.runs == 1
    assert len(stage.moves) == 3


async def test_not_what_is_learned_of_late_unless_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    await stage.miss(lambda: income(stage))
    assert stage.sent == []


async def test_what_is_learned_of_late_if_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, late=True))
    await stage.miss(lambda: income(stage))
    assert len(stage.moves) == 3


async def test_everything_above_what_is_to_be_kept_if_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, what="everything", keep_at_least=200.5))
    income(stage)
    pool = stage.home.current.balance - 20_050
    await stage.let_pass()
    tenth = pool // 10
    assert stage.amounts == [
        ("Holiday", 50_000),
        ("Rainy day", tenth),
        ("Coin jar", pool - tenth - 50_000),
    ]
    assert stage.home.current.balance == 20_050


async def test_the_first_come_first_where_it_is_too_little(stage: Stage) -> None:
    spare = 60_000
    await stage.play(
        NAME,
        **inputs(stage, keep_at_least=(stage.home.current.balance + SALARY - spare) / 100),
    )
    income(stage)
    await stage.let_pass()
    assert stage.amounts == [("Holiday", 50_000), ("Rainy day", 10_000)]
    (told,) = stage.heard
    assert told["message"].endswith(
        "into Rainy day. That is 165.00 GBP less than the pots should receive."
    )


async def test_the_same_salary_is_handed_out_once(stage: Stage) -> None:
    chosen = inputs(stage)
    await stage.play(NAME, **chosen)
    salary = income(stage)
    await stage.let_pass()
    # Somebody does it again by hand, as it was done.
    answer = await stage.teller.call(
        "distribute",
        pots=chosen["pots"],
        account=chosen["account"],
        amount=SALARY / 100,
        keep_at_least=0,
        dedupe_id=f"pay-day-{salary}",
    )
    assert answer["result"] == "already_moved"
    assert len(stage.moves) == 3


async def test_at_first_it_only_plans(stage: Stage) -> None:
    chosen = inputs(stage)
    del chosen["dry_run"]
    await stage.play(NAME, **chosen)
    income(stage)
    await stage.let_pass()
    plan = (
        "Would move 500.00 GBP into Holiday. Would move 265.00 GBP into Rainy day. "
        "Would move 1885.00 GBP into Coin jar."
    )
    assert stage.notifications == [("The play: plan only", plan)]
    assert stage.heard == [{"message": plan}]
    assert stage.sent == []


async def test_a_plan_says_that_nothing_would_be_left(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, dry_run=True, keep_at_least=100_000))
    income(stage)
    await stage.let_pass()
    assert stage.notifications == [
        (
            "The play: plan only",
            (
                "Would move nothing: the account has no money to spare. "
                "That is 765.00 GBP less than the pots should receive."
            ),
        )
    ]


async def test_a_plan_says_what_would_come_in_its_way(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 1_000})
    await stage.play(NAME, **inputs(stage, dry_run=True))
    income(stage)
    await stage.let_pass()
    ((_title, plan),) = stage.notifications
    assert "1885.00 GBP exceeds the limit of 1000.00 GBP per transfer" in plan


@pytest.mark.parametrize("what", ["income", "everything"])
async def test_what_the_options_do_not_allow_is_told(stage: Stage, what: str) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 1_000})
    await stage.play(NAME, **inputs(stage, what=what))
    income(stage)
    await stage.let_pass()
    ((title, told),) = stage.notifications
    assert title == "The play: not all transfers were made"
    assert told.startswith("Did not move 500.00 GBP into Holiday. Did not move ")
    assert "exceeds the limit of 1000.00 GBP per transfer" in told
    assert stage.heard == [{"message": told}]
    assert stage.sent == []


async def test_a_bank_that_refuses_in_the_middle_is_told_of(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    refusal = Answer.error("bad_request.not_allowed", "Not today")
    stage.server.fail("PUT", "/pots/*", refusal, after=1)
    income(stage)
    await stage.let_pass()
    assert stage.amounts == [("Holiday", 50_000)]
    told = (
        "Moved 500.00 GBP into Holiday. Did not move 265.00 GBP into Rainy day. "
        "Monzo rejected the transfer of 265.00 GBP from Current account to Rainy day, "
        "so the money was not moved: Not today. "
        "Did not move 1885.00 GBP into Coin jar."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: not all transfers were made", told)]


# A bank that does not answer

HANDED_OUT = [("Holiday", 50_000), ("Rainy day", 26_500), ("Coin jar", 188_500)]

MINUTE = timedelta(minutes=1)


def in_trouble(stage: Stage) -> None:
    """Have the bank not show what is in pots, but tell of the salary."""
    stage.server.fail("GET", "/pots", Answer.html(502), times=None)


def has_failed(stage: Stage) -> bool:
    """Return whether it was tried in vain since this was asked."""
    return any("does not provide data" in text for text in stage.complaints())


async def test_a_salary_that_comes_in_while_the_bank_has_trouble_is_handed_out_later(
    stage: Stage, clock: Clock
) -> None:
    await stage.play(NAME, **inputs(stage))
    income(stage)
    in_trouble(stage)
    for _try in range(2):
        await clock.let_pass(2 * MINUTE, until=lambda: has_failed(stage))
        await clock.go_on_for_a_moment()
    stage.server.clear_faults()
    assert stage.moves == []
    # A poll sees that the bank is well again.
    await clock.let_pass(6 * MINUTE, until=lambda: stage.server.requests_to("GET", "/pots"))
    await clock.go_on_for_a_moment()
    await clock.let_pass(2 * MINUTE, until=lambda: stage.heard)
    assert stage.amounts == HANDED_OUT
    (told,) = stage.heard
    assert told["message"].startswith("Moved 500.00 GBP into Holiday. Moved 265.00")
    stage.complaints()
    await stage.let_pass(timedelta(hours=2))
    assert stage.amounts == HANDED_OUT
    assert stage.notifications == []


async def test_a_salary_of_which_a_part_is_in_doubt_is_finished_later(
    stage: Stage, clock: Clock
) -> None:
    await stage.play(NAME, **inputs(stage))
    stage.server.fail("PUT", "/pots/*", LoseResponse(), after=1, times=None)
    salary = income(stage)
    stage.server.fail("GET", "/transactions", Answer.html(502), after=1, times=None)
    await clock.let_pass(2 * MINUTE, until=lambda: len(stage.moves) == 2)
    looked = len(stage.server.requests_to("GET", "/transactions"))
    # It is sent again some times, and then looked for, in vain.
    await clock.go_on(until=lambda: len(stage.sent) == 5)
    await clock.go_on(until=lambda: len(stage.server.requests_to("GET", "/transactions")) > looked)
    await clock.go_on_for_a_moment()
    stage.server.clear_faults()
    assert stage.heard == []
    await clock.let_pass(3 * MINUTE, until=lambda: stage.heard)
    assert stage.amounts == HANDED_OUT
    assert all(salary in move.dedupe_id for move in stage.moves)
    (told,) = stage.heard
    assert told["message"].startswith("Had already moved 500.00 GBP into Holiday. ")
    stage.complaints()


async def test_a_salary_that_cannot_be_handed_out_at_all_is_told_in_the_end(
    stage: Stage, clock: Clock
) -> None:
    await stage.play(NAME, **inputs(stage))
    income(stage)
    in_trouble(stage)
    for pause in (2, 2, 8, 20, 60):
        assert stage.heard == []
        await clock.let_pass(pause * MINUTE, until=lambda: has_failed(stage))
        await clock.go_on_for_a_moment()
    told = (
        f"Tried several times to distribute 2650.00 GBP from {EMPLOYER}. The transfers failed or "
        "could not be confirmed. See the Home Assistant log for details, and check the Monzo app "
        "before you try again."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: something went wrong", told)]
    assert stage.sent == []
    stage.server.clear_faults()
    stage.complaints()
