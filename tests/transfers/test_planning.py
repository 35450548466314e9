"""Plans keep their promises for any balances and any request."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.transfers.models import (
    Move,
    MoveDirection,
    NothingToMove,
    TransferBatch,
)
from custom_components.monzo.transfers.planning import (
    Balances,
    Deposit,
    Distribution,
    KeepAccountAt,
    MoveBetweenPots,
    Percentage,
    Remainder,
    SetPotBalance,
    Share,
    ShareRequest,
    TransferRequest,
    Withdrawal,
)

CASES = settings(max_examples=200)

ACCOUNT = "account"
POTS = ("pot a", "pot b", "pot c", "pot d")

type Case[RequestT: TransferRequest] = tuple[RequestT, dict[str, int]]
"""A request, and the balances in minor units when it is made."""


def money(minor: int, currency: str = "GBP") -> Money:
    return Money.from_minor(minor, currency)


def in_currency(minor: dict[str, int], currency: str = "GBP") -> Balances:
    return {id_: money(amount, currency) for id_, amount in minor.items()}


def plan_of(case: Case[TransferRequest]) -> TransferBatch:
    request, minor = case
    return request.plan(in_currency(minor, request.currency))


def balances_during(plan: TransferBatch, before: dict[str, int]) -> list[dict[str, int]]:
    """Return the balances before the first move and after each move."""
    history = [before]
    for move in plan.moves.values():
        out = move.amount.minor if move.direction is MoveDirection.DEPOSIT else -move.amount.minor
        now = history[-1]
        history.append(
            {
                **now,
                move.account_id: now[move.account_id] - out,
                move.pot_id: now[move.pot_id] + out,
            }
        )
    return history


CURRENCIES = st.sampled_from(["GBP", "GBP", "JPY", "KWD"])
POT_BALANCES = st.one_of(st.integers(0, 500), st.integers(0, 10**9))
BALANCES = st.fixed_dictionaries(
    {
        ACCOUNT: st.one_of(POT_BALANCES, st.integers(-50_000, 0)),
        **dict.fromkeys(POTS, POT_BALANCES),
    }
)
AMOUNTS = st.one_of(st.integers(1, 500), st.integers(1, 10**9))
MINIMUMS = st.none() | st.integers(0, 1000) | POT_BALANCES
PERCENTAGES = st.decimals(min_value=Decimal("0.001"), max_value=100, allow_nan=False, places=3).map(
    Percentage
)


def amounts_or_none(
    minor: st.SearchStrategy[int | None], currency: str
) -> st.SearchStrategy[Money | None]:
    return minor.map(lambda value: None if value is None else money(value, currency))


def shares(currency: str) -> st.SearchStrategy[Share]:
    return st.one_of(
        AMOUNTS.map(lambda minor: money(minor, currency)), PERCENTAGES, st.just(Remainder())
    )


@st.composite
def share_requests(draw: st.DrawFn) -> Case[ShareRequest]:
    request_class, pots = draw(
        st.sampled_from([(Deposit, 1), (Withdrawal, 1), (MoveBetweenPots, 2)])
    )
    currency = draw(CURRENCIES)
    share = draw(shares(currency))
    # An exact amount without a minimum is left to the bank, so a plan promises nothing about it.
    minimums = POT_BALANCES if isinstance(share, Money) else MINIMUMS
    request = request_class(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=POTS[:pots],
        currency=currency,
        share=share,
        keep_at_least=draw(amounts_or_none(minimums, currency)),
    )
    return request, draw(BALANCES)


@st.composite
def pot_target_requests(draw: st.DrawFn) -> Case[SetPotBalance]:
    currency, balances = draw(CURRENCIES), draw(BALANCES)
    target = money(draw(POT_BALANCES | st.just(balances[POTS[0]])), currency)
    is_followed = draw(st.booleans())
    request = SetPotBalance(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=POTS[:1],
        currency=currency,
        amount=None if is_followed else target,
        followed_entity="sensor.debt" if is_followed else "",
        read_followed=lambda: target,
        most=draw(amounts_or_none(st.none() | AMOUNTS, currency)),
        keep_at_least=draw(amounts_or_none(MINIMUMS, currency)),
    )
    return request, balances


@st.composite
def account_target_requests(draw: st.DrawFn) -> Case[KeepAccountAt]:
    currency, balances = draw(CURRENCIES), draw(BALANCES)
    request = KeepAccountAt(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=POTS[:1],
        currency=currency,
        amount=money(draw(POT_BALANCES | st.just(max(0, balances[ACCOUNT]))), currency),
        most=draw(amounts_or_none(st.none() | AMOUNTS, currency)),
        smallest=draw(amounts_or_none(st.none() | st.integers(1, 5000), currency)),
        only=draw(st.none() | st.sampled_from(MoveDirection)),
    )
    return request, balances


@st.composite
def distributions(draw: st.DrawFn) -> Case[Distribution]:
    currency = draw(CURRENCIES)
    pots = draw(st.lists(st.sampled_from(POTS), min_size=1, unique=True))
    request = Distribution(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=tuple(pots),
        currency=currency,
        shares=tuple(draw(shares(currency)) for _pot in pots),
        whole=draw(amounts_or_none(st.none() | AMOUNTS, currency)),
        keep_at_least=draw(amounts_or_none(MINIMUMS, currency)),
    )
    return request, draw(BALANCES)


REQUESTS: st.SearchStrategy[Case[TransferRequest]] = st.one_of(
    share_requests(), pot_target_requests(), account_target_requests(), distributions()
)


# All plans


@CASES
@given(REQUESTS)
def test_a_plan_conserves_money(case: Case[TransferRequest]) -> None:
    _request, before = case
    for balances in balances_during(plan_of(case), before):
        assert sum(balances.values()) == sum(before.values())
        assert balances.keys() == before.keys()


@CASES
@given(REQUESTS)
def test_a_plan_keeps_every_minimum_at_every_step(case: Case[TransferRequest]) -> None:
    request, before = case
    minimums = {**dict.fromkeys(before, 0), request.source_id: request.minimum.minor}
    for balances in balances_during(plan_of(case), before):
        for id_, balance in balances.items():
            assert balance >= min(before[id_], minimums[id_]), id_


@CASES
@given(REQUESTS)
def test_the_same_request_and_balances_give_the_same_plan(case: Case[TransferRequest]) -> None:
    assert plan_of(case) == plan_of(case)


@CASES
@given(REQUESTS)
def test_a_plan_has_moves_or_a_reason(case: Case[TransferRequest]) -> None:
    plan = plan_of(case)
    assert (plan.nothing_because is None) == bool(plan.moves)
    assert plan.shortfall.minor >= 0
    assert plan.shortfall.currency == case[0].currency
    for move in plan.moves.values():
        assert move.amount.minor > 0
        assert move.amount.currency == case[0].currency


@CASES
@given(REQUESTS)
def test_a_new_plan_passes_its_own_recheck(case: Case[TransferRequest]) -> None:
    request, before = case
    plan = plan_of(case)
    assert request.recheck(in_currency(before, request.currency), plan.moves.values()) is None


# Shares


@CASES
@given(share_requests())
def test_a_share_moves_completely_or_not_at_all(case: Case[ShareRequest]) -> None:
    request, before = case
    plan = plan_of(case)
    spare = max(0, before[request.source_id] - request.minimum.minor)
    assert all(move.amount.minor <= spare for move in plan.moves.values())
    if plan.nothing_because is NothingToMove.NOTHING_TO_SPARE:
        assert plan.shortfall.minor > 0 or spare == 0
    else:
        assert plan.shortfall.minor == 0
        assert spare > 0


@CASES
@given(share_requests())
def test_money_between_pots_leaves_the_account_as_it_was(case: Case[ShareRequest]) -> None:
    request, before = case
    plan = plan_of(case)
    if isinstance(request, MoveBetweenPots) and plan.moves:
        withdrawal, deposit = plan.moves.values()
        assert (withdrawal.direction, withdrawal.pot_id) == (MoveDirection.WITHDRAW, POTS[0])
        assert (deposit.direction, deposit.pot_id) == (MoveDirection.DEPOSIT, POTS[1])
        assert withdrawal.amount == deposit.amount
        assert balances_during(plan, before)[-1][ACCOUNT] == before[ACCOUNT] >= 0
    else:
        assert len(plan.moves) <= 1
    if plan.nothing_because is NothingToMove.ACCOUNT_OVERDRAWN:
        assert isinstance(request, MoveBetweenPots)
        assert before[ACCOUNT] < 0


def deposit_of(share: Share, *, keep_at_least: Money | None = None) -> Deposit:
    return Deposit(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=POTS[:1],
        currency="GBP",
        share=share,
        keep_at_least=keep_at_least,
    )


def test_a_percentage_of_a_penny_is_too_little_to_move() -> None:
    plan = deposit_of(Percentage(Decimal(99))).plan(in_currency({ACCOUNT: 1}))
    assert plan.nothing_because is NothingToMove.TOO_LITTLE
    assert (plan.moves, plan.shortfall) == ({}, money(0))


def test_a_percentage_is_of_the_money_above_the_minimum() -> None:
    request = deposit_of(Percentage(Decimal(25)), keep_at_least=money(10_000))
    (move,) = request.plan(in_currency({ACCOUNT: 13_999})).moves.values()
    assert move.amount == money(999)


def test_an_overdrawn_account_has_no_share_to_give() -> None:
    for share in (Remainder(), Percentage(Decimal(50))):
        plan = deposit_of(share).plan(in_currency({ACCOUNT: -5_000}))
        assert plan.nothing_because is NothingToMove.NOTHING_TO_SPARE


def test_an_exact_amount_without_a_minimum_is_left_to_the_bank() -> None:
    request = deposit_of(money(500))
    move = Move(
        direction=MoveDirection.DEPOSIT, pot_id=POTS[0], account_id=ACCOUNT, amount=money(500)
    )
    assert request.skip_balance_check
    assert request.explicit_moves == {"call": move}
    assert request.plan(in_currency({ACCOUNT: 100})).moves == {"call": move}
    assert not deposit_of(money(500), keep_at_least=money(0)).skip_balance_check
    assert not deposit_of(Remainder()).skip_balance_check


def test_only_an_exact_amount_is_known_without_a_plan() -> None:
    assert deposit_of(Remainder()).explicit_moves == {}
    assert deposit_of(Percentage(Decimal(5))).explicit_moves == {}
    assert len(deposit_of(money(5), keep_at_least=money(5)).explicit_moves) == 1


# Target balances


@CASES
@given(pot_target_requests())
def test_a_pot_gets_as_near_to_its_target_as_possible(case: Case[SetPotBalance]) -> None:
    request, balances = case
    plan = plan_of(case)
    target = (request.amount or request.read_followed()).minor
    after = balances_during(plan, balances)[-1]
    before, now = balances[POTS[0]], after[POTS[0]]
    most = None if request.most is None else request.most.minor
    assert min(before, target) <= now <= max(before, target)
    assert plan.shortfall.minor == abs(target - now)
    assert most is None or abs(now - before) <= most
    if now != target and abs(now - before) != most:
        # The reason can only be that the account has no more to give.
        assert now < target
        assert after[ACCOUNT] <= request.minimum.minor
    assert (plan.nothing_because is NothingToMove.ALREADY_THERE) == (before == target)


@CASES
@given(account_target_requests())
def test_an_account_gets_as_near_to_its_target_as_possible(case: Case[KeepAccountAt]) -> None:
    request, balances = case
    plan = plan_of(case)
    target = request.amount.minor
    after = balances_during(plan, balances)[-1]
    before, now = balances[ACCOUNT], after[ACCOUNT]
    most = None if request.most is None else request.most.minor
    assert min(before, target) <= now <= max(before, target)
    assert most is None or abs(now - before) <= most
    assert request.only is not MoveDirection.DEPOSIT or now <= before
    assert request.only is not MoveDirection.WITHDRAW or now >= before
    if plan.moves:
        assert request.smallest is None or abs(now - before) >= request.smallest.minor
        assert plan.shortfall.minor == abs(target - now)
        # The reason for a shortfall can only be that the pot is empty.
        assert now == target or abs(now - before) == most or after[POTS[0]] == 0
    assert (plan.nothing_because is NothingToMove.ALREADY_THERE) == (before == target)


@CASES
@given(st.one_of(pot_target_requests(), account_target_requests()))
def test_a_balance_that_reached_its_target_stays_there(case: Case[TransferRequest]) -> None:
    request, before = case
    plan = plan_of(case)
    if plan.moves and not plan.shortfall.minor:
        again = plan_of((request, balances_during(plan, before)[-1]))
        assert again.nothing_because is NothingToMove.ALREADY_THERE


def keep_account_at(
    minor: int,
    *,
    most: Money | None = None,
    smallest: Money | None = None,
    only: MoveDirection | None = None,
) -> KeepAccountAt:
    return KeepAccountAt(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=POTS[:1],
        currency="GBP",
        amount=money(minor),
        most=most,
        smallest=smallest,
        only=only,
    )


def test_a_sweep_does_not_top_the_account_up() -> None:
    balances = in_currency({ACCOUNT: 100, POTS[0]: 10_000})
    plan = keep_account_at(500, only=MoveDirection.DEPOSIT).plan(balances)
    assert plan.nothing_because is NothingToMove.OTHER_DIRECTION
    balances = in_currency({ACCOUNT: 900, POTS[0]: 10_000})
    plan = keep_account_at(500, only=MoveDirection.WITHDRAW).plan(balances)
    assert plan.nothing_because is NothingToMove.OTHER_DIRECTION


@pytest.mark.parametrize(("smallest", "moved"), [(500, []), (499, [499])])
def test_a_difference_below_the_smallest_amount_stays(smallest: int, moved: list[int]) -> None:
    balances = in_currency({ACCOUNT: 50_499, POTS[0]: 0})
    plan = keep_account_at(50_000, smallest=money(smallest)).plan(balances)
    assert [move.amount.minor for move in plan.moves.values()] == moved
    assert (plan.nothing_because is NothingToMove.TOO_LITTLE) == (not moved)


def test_a_large_difference_is_moved_in_steps() -> None:
    plan = keep_account_at(0, most=money(2_500)).plan(in_currency({ACCOUNT: 9_000, POTS[0]: 0}))
    assert [move.amount.minor for move in plan.moves.values()] == [2_500]
    assert plan.shortfall == money(6_500)


def test_a_pot_gives_as_much_as_it_has() -> None:
    plan = keep_account_at(9_000).plan(in_currency({ACCOUNT: 0, POTS[0]: 6_400}))
    assert [move.amount.minor for move in plan.moves.values()] == [6_400]
    assert plan.shortfall == money(2_600)
    plan = keep_account_at(9_000).plan(in_currency({ACCOUNT: 0, POTS[0]: 0}))
    assert plan.nothing_because is NothingToMove.NOTHING_TO_SPARE


# Distributions


def pool_of(request: Distribution, before: dict[str, int]) -> tuple[int, int]:
    """Return the amount that percentages are of, and the amount that is available."""
    spare = max(0, before[ACCOUNT] - request.minimum.minor)
    pool = spare if request.whole is None else request.whole.minor
    return pool, min(pool, spare)


def granted_by(plan: TransferBatch) -> dict[str, int]:
    return {move.pot_id: move.amount.minor for move in plan.moves.values()}


@CASES
@given(distributions())
def test_shares_are_never_more_than_the_available_money(case: Case[Distribution]) -> None:
    request, before = case
    granted = sum(granted_by(plan_of(case)).values())
    _pool, available = pool_of(request, before)
    assert granted <= available
    if any(isinstance(share, Remainder) for share in request.shares):
        assert granted == available


@CASES
@given(distributions())
def test_each_pot_gets_its_share_and_earlier_pots_come_first(case: Case[Distribution]) -> None:
    request, before = case
    plan = plan_of(case)
    granted = granted_by(plan)
    pool, available = pool_of(request, before)
    missing = 0
    for pot, share in zip(request.pot_ids, request.shares, strict=True):
        match share:
            case Money():
                wanted = share.minor
            case Percentage(value):
                exact = Fraction(value) / 100 * pool
                wanted = exact.numerator // exact.denominator
            case Remainder():
                continue
        got = granted.get(pot, 0)
        # Once something is missing, there is nothing left for later pots.
        assert got == 0 if missing else got <= wanted
        missing += wanted - got
    assert plan.shortfall.minor == missing
    remainders = [
        pot
        for pot, share in zip(request.pot_ids, request.shares, strict=True)
        if isinstance(share, Remainder)
    ]
    if missing:
        assert sum(granted.values()) == available
        assert not granted.keys() & set(remainders)
    assert not granted.keys() & set(remainders[1:])


@CASES
@given(distributions())
def test_moves_come_in_the_order_of_the_pots(case: Case[Distribution]) -> None:
    places = [case[0].pot_ids.index(move.pot_id) for move in plan_of(case).moves.values()]
    assert places == sorted(places)


@CASES
@given(distributions(), st.integers(0, len(POTS)))
def test_the_rest_of_a_plan_passes_the_recheck_only_with_enough_money(
    case: Case[Distribution], done: int
) -> None:
    request, before = case
    plan = plan_of(case)
    done = min(done, len(plan.moves))
    rest = [*plan.moves.values()][done:]
    now = balances_during(plan, before)[done]
    assert request.recheck(in_currency(now, request.currency), rest) is None
    if rest:
        spent = {**now, ACCOUNT: request.minimum.minor}
        reason = request.recheck(in_currency(spent, request.currency), rest)
        assert reason is NothingToMove.NOTHING_TO_SPARE


def distribute(
    balance: int,
    *parts: tuple[str, Share],
    whole: Money | None = None,
    keep_at_least: Money | None = None,
) -> TransferBatch:
    pots, wanted = zip(*parts, strict=True)
    request = Distribution(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=pots,
        currency="GBP",
        shares=wanted,
        whole=whole,
        keep_at_least=keep_at_least,
    )
    return request.plan(in_currency({ACCOUNT: balance}))


def test_pennies_left_by_percentages_go_to_the_remainder() -> None:
    thirds = [(pot, Percentage(Decimal("33.33"))) for pot in POTS[:3]]
    assert granted_by(distribute(1000, *thirds)) == dict.fromkeys(POTS[:3], 333)
    plan = distribute(1000, (POTS[3], Remainder()), *thirds)
    assert [(move.pot_id, move.amount.minor) for move in plan.moves.values()] == [
        (POTS[3], 1),
        (POTS[0], 333),
        (POTS[1], 333),
        (POTS[2], 333),
    ]


def test_a_salary_is_distributed() -> None:
    plan = distribute(
        290_000,
        ("bills", money(115_000)),
        ("savings", Percentage(Decimal(20))),
        ("fun", Remainder()),
        whole=money(265_000),
        keep_at_least=money(20_000),
    )
    assert granted_by(plan) == {"bills": 115_000, "savings": 53_000, "fun": 97_000}
    assert plan.shortfall == money(0)


def test_a_salary_that_is_too_small_is_distributed_in_order() -> None:
    plan = distribute(
        100_000,
        ("bills", money(80_000)),
        ("rent", money(30_000)),
        ("fun", money(1_000)),
        ("savings", Remainder()),
    )
    assert granted_by(plan) == {"bills": 80_000, "rent": 20_000}
    assert plan.shortfall == money(11_000)


def test_a_distribution_of_nothing_has_a_reason() -> None:
    plan = distribute(0, (POTS[0], money(400)))
    assert plan.nothing_because is NothingToMove.NOTHING_TO_SPARE
    assert plan.shortfall == money(400)
    plan = distribute(1, (POTS[0], Percentage(Decimal(10))))
    assert plan.nothing_because is NothingToMove.TOO_LITTLE


# The recheck of moves that were planned earlier


def move_between_pots(share: Share, *, keep_at_least: Money | None = None) -> MoveBetweenPots:
    return MoveBetweenPots(
        dedupe_id="call",
        is_id_new=True,
        account_id=ACCOUNT,
        pot_ids=POTS[:2],
        currency="GBP",
        share=share,
        keep_at_least=keep_at_least,
    )


def test_a_withdrawal_between_pots_needs_an_account_that_is_not_overdrawn() -> None:
    request = move_between_pots(money(500))
    balances = in_currency({ACCOUNT: -1, POTS[0]: 1_000})
    moves = request.explicit_moves.values()
    assert request.plan(balances).nothing_because is NothingToMove.ACCOUNT_OVERDRAWN
    assert request.recheck(balances, moves) is NothingToMove.ACCOUNT_OVERDRAWN


def test_a_withdrawal_between_pots_keeps_the_minimum_of_the_first_pot() -> None:
    request = move_between_pots(money(500), keep_at_least=money(600))
    balances = in_currency({ACCOUNT: 0, POTS[0]: 1_000})
    moves = request.explicit_moves.values()
    assert request.plan(balances).nothing_because is NothingToMove.NOTHING_TO_SPARE
    assert request.recheck(balances, moves) is NothingToMove.NOTHING_TO_SPARE


def test_the_bank_checks_the_second_half_of_a_move_between_pots() -> None:
    request = move_between_pots(money(500), keep_at_least=money(600))
    _withdrawal, deposit = request.explicit_moves.values()
    assert request.recheck(in_currency({ACCOUNT: -1, POTS[0]: 0}), [deposit]) is None


def test_money_that_arrives_in_the_account_needs_no_minimum() -> None:
    request = keep_account_at(50_000)
    move = replace(deposit_of(money(500)).explicit_moves["call"], direction=MoveDirection.WITHDRAW)
    assert request.recheck(in_currency({ACCOUNT: 100, POTS[0]: 0}), [move]) is None


# Moves and currencies


def test_a_deposit_lowers_the_account_and_raises_the_pot() -> None:
    (deposit,) = deposit_of(money(500)).explicit_moves.values()
    withdrawal = replace(deposit, direction=MoveDirection.WITHDRAW)
    assert deposit.account_delta == deposit.delta(ACCOUNT) == money(-500)
    assert deposit.delta(POTS[0]) == money(500)
    assert deposit.delta(POTS[1]) == money(0)
    assert withdrawal.account_delta == withdrawal.delta(ACCOUNT) == money(500)
    assert withdrawal.delta(POTS[0]) == money(-500)


def test_amounts_of_different_currencies_are_not_planned_together() -> None:
    request = deposit_of(money(1, "EUR"), keep_at_least=money(0))
    with pytest.raises(ValueError, match="different currencies"):
        request.plan(in_currency({ACCOUNT: 100}))
    target = keep_account_at(50, most=money(1, "EUR"))
    with pytest.raises(ValueError, match="different currencies"):
        target.plan(in_currency({ACCOUNT: 100, POTS[0]: 100}))
