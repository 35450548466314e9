"""The request budget limits the requests in any five minutes, by priority."""

from datetime import timedelta

import pytest

from custom_components.monzo.bank.request_budget import Priority, RequestBudget
from tests.helpers.stopped_clock import StoppedClock

BUDGET = 23
BUDGET_WITH_PAYMENTS = 27
FIVE_MINUTES = timedelta(minutes=5)
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def budget(freezer: StoppedClock) -> RequestBudget:
    return RequestBudget()


def send(budget: RequestBudget, count: int, priority: Priority) -> None:
    with budget.asking_as(priority):
        for _ in range(count):
            budget.count_request()


def test_requests_use_the_budget_for_five_minutes(
    budget: RequestBudget, freezer: StoppedClock
) -> None:
    send(budget, 20, Priority.POLL)
    freezer.tick(FIVE_MINUTES - timedelta(seconds=1))
    assert budget.left == 3
    freezer.tick(timedelta(seconds=1))
    assert budget.left == BUDGET


def test_requests_by_a_person_are_always_granted(budget: RequestBudget) -> None:
    send(budget, BUDGET + 5, Priority.PERSON)
    assert budget.left == 0
    assert budget.grant(7, Priority.PERSON) == 7


@pytest.mark.parametrize("priority", [Priority.POLL, Priority.HINT])
def test_other_requests_are_refused_when_the_budget_is_used_up(
    budget: RequestBudget, priority: Priority
) -> None:
    send(budget, 20, Priority.PERSON)
    assert budget.grant(7, priority) == 3
    send(budget, 3, Priority.PERSON)
    assert budget.grant(7, priority) == 0


def test_one_retry_per_minute_is_granted_without_budget(
    budget: RequestBudget, freezer: StoppedClock
) -> None:
    send(budget, BUDGET, Priority.PERSON)
    assert budget.grant(4, Priority.RETRY) == 1
    assert budget.grant(4, Priority.RETRY) == 0
    freezer.tick(A_MINUTE)
    assert budget.grant(4, Priority.RETRY) == 1


def test_a_changed_balance_is_followed_even_if_polls_have_used_up_the_budget(
    budget: RequestBudget,
) -> None:
    send(budget, BUDGET, Priority.POLL)
    assert budget.grant(1, Priority.NEWS) == 1
    send(budget, BUDGET_WITH_PAYMENTS - BUDGET, Priority.NEWS)
    assert budget.grant(1, Priority.NEWS) == 0


def test_deliveries_that_had_to_wait_have_a_share_of_their_own(
    budget: RequestBudget, freezer: StoppedClock
) -> None:
    budget.reserve_polls(3, A_MINUTE)
    while granted := budget.grant(2, Priority.HINT):
        send(budget, granted, Priority.HINT)
    polls = budget.grant(100, Priority.POLL)
    assert budget.grant(100, Priority.DELAYED_HINT) == 4
    send(budget, 4, Priority.DELAYED_HINT)
    assert budget.grant(100, Priority.DELAYED_HINT) == 0
    assert budget.grant(100, Priority.POLL) == polls
    send(budget, polls, Priority.POLL)
    # The rest is for a transfer.
    assert budget.grant(1, Priority.NEWS) == 0

    freezer.tick(FIVE_MINUTES)
    assert budget.grant(2, Priority.DELAYED_HINT) == 2


def test_deliveries_leave_budget_for_a_card_that_had_to_wait(
    budget: RequestBudget, freezer: StoppedClock
) -> None:
    send(budget, BUDGET, Priority.HINT)
    assert budget.grant(2, Priority.BACKGROUND) == 0
    freezer.tick(FIVE_MINUTES - timedelta(seconds=1))
    assert budget.grant(100, Priority.BACKGROUND) == 0
    freezer.tick(timedelta(seconds=1))
    assert budget.grant(100, Priority.HINT) == BUDGET - 2
    send(budget, BUDGET - 2, Priority.HINT)
    assert budget.grant(2, Priority.BACKGROUND) == 2
    send(budget, 2, Priority.BACKGROUND)
    freezer.tick(FIVE_MINUTES)
    assert budget.grant(100, Priority.HINT) == BUDGET


def test_retries_use_the_remaining_budget(budget: RequestBudget) -> None:
    send(budget, 20, Priority.PERSON)
    assert budget.grant(2, Priority.RETRY) == 2


def test_registrations_cost_the_polls_nothing_and_leave_room_for_two_payments(
    budget: RequestBudget,
) -> None:
    send(budget, 17, Priority.SET_UP)
    assert budget.grant(10, Priority.REGISTRATION) == BUDGET_WITH_PAYMENTS - 17 - 4
    send(budget, 6, Priority.REGISTRATION)
    assert budget.grant(1, Priority.REGISTRATION) == 0
    assert budget.grant(10, Priority.POLL) == BUDGET_WITH_PAYMENTS - 17 - 6
    send(budget, 4, Priority.POLL)
    assert budget.grant(1, Priority.POLL) == 0


@pytest.mark.parametrize("priority", [Priority.HINT, Priority.BACKGROUND])
@pytest.mark.parametrize("accounts", [1, 3, 11, 40])
def test_hints_and_background_requests_leave_budget_for_polls(
    budget: RequestBudget, accounts: int, priority: Priority
) -> None:
    interval = budget.interval_for(accounts, webhooks_arrive=False)
    budget.reserve_polls(accounts, interval)
    while granted := budget.grant(100, priority):
        send(budget, granted, priority)
    assert budget.grant(accounts, Priority.POLL) >= min(accounts, 18)
    assert budget.left < BUDGET


def test_polls_use_their_own_reserve(budget: RequestBudget) -> None:
    budget.reserve_polls(5, FIVE_MINUTES)
    assert budget.grant(100, Priority.HINT) == BUDGET - 6
    send(budget, 5, Priority.POLL)
    assert budget.grant(100, Priority.HINT) == BUDGET - 6


@pytest.mark.parametrize("accounts", [1, 2, 3, 5, 8, 11])
def test_polls_with_the_account_and_pot_lists_fit_into_the_budget(
    budget: RequestBudget, accounts: int
) -> None:
    interval = budget.interval_for(accounts, webhooks_arrive=False)
    rounds = -(-FIVE_MINUTES // interval)
    # The list of accounts, the pots of each account and all rounds of balances.
    assert 1 + accounts + rounds * accounts <= BUDGET
    assert interval >= A_MINUTE


def test_the_polling_interval_is_five_minutes_while_deliveries_arrive(
    budget: RequestBudget,
) -> None:
    assert budget.interval_for(1, webhooks_arrive=True) == FIVE_MINUTES


@pytest.mark.parametrize(("retry_after", "pause"), [(90.0, 90.0), (None, 60.0), (0.0, 60.0)])
def test_a_pause_lasts_as_long_as_the_bank_requests(
    budget: RequestBudget,
    freezer: StoppedClock,
    retry_after: float | None,
    pause: float,
) -> None:
    assert budget.start_pause(retry_after) == pause
    freezer.tick(timedelta(seconds=pause - 1))
    assert budget.pause == pytest.approx(1)
    freezer.tick(timedelta(seconds=1))
    assert budget.pause == 0


def test_other_requests_leave_budget_for_payments_where_deliveries_arrive(
    budget: RequestBudget, freezer: StoppedClock
) -> None:
    assert budget.grant(100, Priority.POLL) == budget.grant(100, Priority.BACKGROUND) == BUDGET
    freezer.tick(FIVE_MINUTES)
    assert budget.grant(2, Priority.HINT) == 2
    # A read with this priority need not come from a delivery.
    assert budget.grant(100, Priority.POLL) == BUDGET
    budget.note_delivery()
    assert budget.grant(100, Priority.POLL) == BUDGET - 4
    send(budget, 2, Priority.HINT)
    assert budget.grant(100, Priority.POLL) == BUDGET - 4
    send(budget, 15, Priority.POLL)
    assert budget.grant(100, Priority.BACKGROUND) == 6
    freezer.tick(timedelta(hours=1))
    assert budget.grant(100, Priority.POLL) == BUDGET


def test_polls_leave_budget_for_requests_that_had_to_wait(
    budget: RequestBudget, freezer: StoppedClock
) -> None:
    send(budget, BUDGET, Priority.POLL)
    assert budget.grant(2, Priority.BACKGROUND) == 0
    freezer.tick(FIVE_MINUTES - timedelta(seconds=1))
    assert budget.grant(100, Priority.POLL) == 0
    freezer.tick(timedelta(seconds=1))
    # The refusal is forgotten by now.
    assert budget.grant(100, Priority.POLL) == BUDGET

    assert budget.grant(100, Priority.BACKGROUND) == BUDGET
    assert budget.grant(100, Priority.POLL) == BUDGET - 5
    send(budget, 3, Priority.BACKGROUND)
    assert budget.grant(100, Priority.POLL) == BUDGET - 5


def test_answers_of_actions_leave_budget_for_polls_and_for_requests_by_hand(
    budget: RequestBudget,
) -> None:
    budget.reserve_polls(3, A_MINUTE)
    send(budget, 12, Priority.POLL)
    answers = 0
    while granted := budget.grant(100, Priority.ANSWER):
        send(budget, granted, Priority.ANSWER)
        answers += granted
    polls = budget.grant(100, Priority.POLL)
    send(budget, polls, Priority.POLL)
    assert polls >= 2
    assert budget.grant(100, Priority.POLL) == budget.grant(100, Priority.ANSWER) == 0
    assert 12 + answers + polls == BUDGET_WITH_PAYMENTS
