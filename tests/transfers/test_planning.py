"""Whatever is in the purses and whatever is wished for, a plan keeps what it promises."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.transfers import planning
from custom_components.monzo.transfers.planning import (
    AccountOrPotBalance,
    Direction,
    Move,
    NothingToMove,
    Part,
    Percentage,
    Plan,
    Rest,
    Share,
)

# How many cases each property is held against; with all of them that is more than 2,000.
CASES = settings(max_examples=300, deadline=None)

ACCOUNT = "acc"
POTS = ("pot a", "pot b", "pot c", "pot d")

type World = dict[str, int]
"""What is in the account and in each pot, in minor units."""


def money(minor: int, currency: str = "GBP") -> Money:
    return Money.from_minor(minor, currency)


def made(plan: Plan, world: World) -> list[World]:
    """Return what is in the purses before the first move, and after each."""
    worlds = [world]
    for move in plan.moves:
        out = move.amount.minor if move.direction is Direction.DEPOSIT else -move.amount.minor
        before = worlds[-1]
        worlds.append(
            {
                **before,
                move.account_id: before[move.account_id] - out,
                move.pot_id: before[move.pot_id] + out,
            }
        )
    return worlds


@dataclass(frozen=True, kw_only=True)
class Case:
    """A wish, and what there is when it is made."""

    world: World
    currency: str
    keep: int | None

    planned: Callable[[Case], Plan]
    """Makes the plan."""

    source: str
    """Where money may be planned out of, besides what this wish is about."""

    def purse(self, name: str) -> AccountOrPotBalance:
        """Return one of the purses."""
        return AccountOrPotBalance(id=name, balance=money(self.world[name], self.currency))

    def money(self, minor: int | None) -> Money | None:
        """Return an amount in the currency of this case, if there is one."""
        return None if minor is None else money(minor, self.currency)

    @property
    def plan(self) -> Plan:
        """What is to be moved."""
        return self.planned(self)

    @property
    def worlds(self) -> list[World]:
        """What there is before the first move, and after each."""
        return made(self.plan, self.world)


CURRENCIES = st.sampled_from(["GBP", "GBP", "JPY", "KWD"])
BALANCES = st.one_of(st.integers(0, 500), st.integers(0, 10**9))
WORLDS = st.fixed_dictionaries(
    {ACCOUNT: st.one_of(BALANCES, st.integers(-50_000, 0)), **dict.fromkeys(POTS, BALANCES)}
)
AMOUNTS = st.one_of(st.integers(1, 500), st.integers(1, 10**9))
KEPT = st.none() | st.integers(0, 1000) | BALANCES
PERCENTAGES = st.decimals(min_value=Decimal("0.001"), max_value=100, allow_nan=False, places=3).map(
    Percentage
)


def shares(currency: str) -> st.SearchStrategy[Share]:
    return st.one_of(
        AMOUNTS.map(lambda minor: money(minor, currency)), PERCENTAGES, st.just(Rest())
    )


@st.composite
def one_way(draw: st.DrawFn) -> Case:
    """Wish for a share of the account or a pot to go elsewhere."""
    currency = draw(CURRENCIES)
    share = draw(shares(currency))
    verb = draw(st.sampled_from(["deposit", "withdraw", "between"]))
    # A certain amount without a limit is left to the bank, so that no promise is made about it.
    keep = draw(BALANCES if isinstance(share, Money) else KEPT)

    def planned(case: Case) -> Plan:
        kept = case.money(keep)
        if verb == "deposit":
            return planning.plan_deposit(case.purse(ACCOUNT), POTS[0], share, keep_at_least=kept)
        pot = case.purse(POTS[0])
        if verb == "withdraw":
            return planning.plan_withdrawal(pot, ACCOUNT, share, keep_at_least=kept)
        return planning.plan_between_pots(
            pot, POTS[1], case.purse(ACCOUNT), share, keep_at_least=kept
        )

    return Case(
        world=draw(WORLDS),
        currency=currency,
        keep=keep,
        planned=planned,
        source=ACCOUNT if verb == "deposit" else POTS[0],
    )


@dataclass(frozen=True, kw_only=True)
class PotCase(Case):
    """A pot that is to hold an amount."""

    target: int
    most: int | None


@st.composite
def pot_to_an_amount(draw: st.DrawFn) -> PotCase:
    """Wish for a pot to hold an amount."""
    world = draw(WORLDS)
    target = draw(BALANCES | st.just(world[POTS[0]]))
    keep, most = draw(KEPT), draw(st.none() | AMOUNTS)

    def planned(case: Case) -> Plan:
        return planning.plan_set_pot_balance(
            case.purse(ACCOUNT),
            case.purse(POTS[0]),
            money(target, case.currency),
            most=case.money(most),
            keep_at_least=case.money(keep),
        )

    return PotCase(
        world=world,
        currency=draw(CURRENCIES),
        keep=keep,
        planned=planned,
        source=ACCOUNT,
        target=target,
        most=most,
    )


@dataclass(frozen=True, kw_only=True)
class AccountCase(Case):
    """An account that is to hold an amount."""

    target: int
    most: int | None
    smallest: int | None
    only: Direction | None


@st.composite
def account_to_an_amount(draw: st.DrawFn) -> AccountCase:
    """Wish for an account to hold an amount."""
    world = draw(WORLDS)
    target = draw(BALANCES | st.just(max(0, world[ACCOUNT])))
    most = draw(st.none() | AMOUNTS)
    smallest = draw(st.none() | st.integers(1, 5000))
    only = draw(st.none() | st.sampled_from(Direction))

    def planned(case: Case) -> Plan:
        return planning.plan_keep_account_at(
            case.purse(ACCOUNT),
            case.purse(POTS[0]),
            money(target, case.currency),
            most=case.money(most),
            smallest=case.money(smallest),
            only=only,
        )

    return AccountCase(
        world=world,
        currency=draw(CURRENCIES),
        keep=target,
        planned=planned,
        source=ACCOUNT,
        target=target,
        most=most,
        smallest=smallest,
        only=only,
    )


@dataclass(frozen=True, kw_only=True)
class HandingOut(Case):
    """Money of the account that several pots are to get."""

    parts: tuple[Part, ...]
    whole: int | None

    @property
    def spare(self) -> int:
        """What the account can give."""
        return max(0, self.world[ACCOUNT] - (self.keep or 0))

    @property
    def pool(self) -> int:
        """What the percentages are of."""
        return self.spare if self.whole is None else self.whole

    @property
    def got(self) -> dict[str, int]:
        """What each pot got."""
        return {move.pot_id: move.amount.minor for move in self.plan.moves}

    def wanted(self, share: Share) -> int | None:
        """Return what a part is to get, by the rule for pennies; None if it is the rest."""
        match share:
            case Percentage(value):
                exact = Fraction(value) / 100 * self.pool
                return exact.numerator // exact.denominator
            case Rest():
                return None
            case _:
                return share.minor


@st.composite
def handing_out(draw: st.DrawFn) -> HandingOut:
    """Wish for money to be handed out to several pots."""
    currency = draw(CURRENCIES)
    pots = draw(st.lists(st.sampled_from(POTS), min_size=1, unique=True))
    parts = tuple(Part(pot_id=pot, share=draw(shares(currency))) for pot in pots)
    whole, keep = draw(st.none() | AMOUNTS), draw(KEPT)

    def planned(case: Case) -> Plan:
        return planning.plan_distribution(
            case.purse(ACCOUNT), parts, whole=case.money(whole), keep_at_least=case.money(keep)
        )

    return HandingOut(
        world=draw(WORLDS),
        currency=currency,
        keep=keep,
        planned=planned,
        source=ACCOUNT,
        parts=parts,
        whole=whole,
    )


WISHES: st.SearchStrategy[Case] = st.one_of(
    one_way(), pot_to_an_amount(), account_to_an_amount(), handing_out()
)


# Of every plan


@CASES
@given(WISHES)
def test_money_is_conserved(case: Case) -> None:
    for world in case.worlds:
        assert sum(world.values()) == sum(case.world.values())
        assert world.keys() == case.world.keys()


@CASES
@given(WISHES)
def test_no_purse_falls_below_what_is_to_stay_in_it(case: Case) -> None:
    floor = {**dict.fromkeys(case.world, 0), case.source: case.keep or 0}
    for world in case.worlds:
        for name, before in case.world.items():
            assert world[name] >= min(before, floor[name]), name


@CASES
@given(WISHES)
def test_the_same_wish_gives_the_same_plan(case: Case) -> None:
    assert case.plan == replace(case, world=dict(case.world)).plan


@CASES
@given(WISHES)
def test_there_is_something_to_move_or_a_reason_why_not(case: Case) -> None:
    plan = case.plan
    assert (plan.nothing_because is None) == bool(plan.moves)
    assert plan.short_by.minor >= 0
    assert plan.short_by.currency == case.currency
    for move in plan.moves:
        assert move.amount.minor > 0
        assert move.amount.currency == case.currency


# Of each kind


@CASES
@given(one_way())
def test_a_share_moves_wholly_or_not_at_all(case: Case) -> None:
    plan = case.plan
    spare = max(0, case.world[case.source] - (case.keep or 0))
    assert all(move.amount.minor <= spare for move in plan.moves)
    if plan.nothing_because is NothingToMove.NOTHING_TO_SPARE:
        assert plan.short_by.minor > 0 or spare == 0
    else:
        assert plan.short_by.minor == 0
        assert spare > 0


@CASES
@given(one_way())
def test_what_goes_from_pot_to_pot_leaves_nothing_in_the_account(case: Case) -> None:
    plan = case.plan
    if {move.pot_id for move in plan.moves} == {POTS[0], POTS[1]}:
        out, back = plan.moves
        assert (out.direction, back.direction) == (Direction.WITHDRAW, Direction.DEPOSIT)
        assert out.amount == back.amount
        assert case.worlds[-1][ACCOUNT] == case.world[ACCOUNT] >= 0
    else:
        assert len(plan.moves) <= 1
    if plan.nothing_because is NothingToMove.ACCOUNT_OVERDRAWN:
        assert case.world[ACCOUNT] < 0


@CASES
@given(pot_to_an_amount())
def test_a_pot_comes_as_near_to_its_amount_as_it_may(case: PotCase) -> None:
    before, after = case.world[POTS[0]], case.worlds[-1][POTS[0]]
    moved = abs(after - before)
    assert min(before, case.target) <= after <= max(before, case.target)
    assert case.plan.short_by.minor == abs(case.target - after)
    if case.most is not None:
        assert moved <= case.most
    if after != case.target and moved != case.most:
        # Only the account can have been in the way.
        assert after < case.target
        assert case.worlds[-1][ACCOUNT] <= (case.keep or 0)
    if before == case.target:
        assert case.plan.nothing_because is NothingToMove.ALREADY_THERE


@CASES
@given(account_to_an_amount())
def test_an_account_comes_as_near_to_its_amount_as_it_may(case: AccountCase) -> None:
    before, after = case.world[ACCOUNT], case.worlds[-1][ACCOUNT]
    assert min(before, case.target) <= after <= max(before, case.target)
    if case.only is Direction.DEPOSIT:
        assert after <= before
    if case.only is Direction.WITHDRAW:
        assert after >= before
    if case.plan.moves:
        assert abs(after - before) >= (case.smallest or 1)
        assert case.plan.short_by.minor == abs(case.target - after)
    if case.most is not None:
        assert abs(after - before) <= case.most
    if after != case.target and case.plan.moves and abs(after - before) != case.most:
        assert case.worlds[-1][POTS[0]] == 0
    if before == case.target:
        assert case.plan.nothing_because is NothingToMove.ALREADY_THERE


@CASES
@given(st.one_of(pot_to_an_amount(), account_to_an_amount()))
def test_what_has_come_to_its_amount_stays_there(case: Case) -> None:
    if case.plan.moves and not case.plan.short_by.minor:
        again = replace(case, world=case.worlds[-1]).plan
        assert again.moves == ()
        assert again.nothing_because is NothingToMove.ALREADY_THERE


@CASES
@given(handing_out())
def test_the_parts_are_never_more_than_the_whole(case: HandingOut) -> None:
    given_out = sum(case.got.values())
    assert given_out <= min(case.pool, case.spare)
    if any(isinstance(part.share, Rest) for part in case.parts):
        assert given_out == min(case.pool, case.spare)


@CASES
@given(handing_out())
def test_each_part_gets_its_share_and_the_first_come_first(case: HandingOut) -> None:
    got = case.got
    missing = 0
    for part in case.parts:
        wanted = case.wanted(part.share)
        if wanted is None:
            continue
        gotten = got.get(part.pot_id, 0)
        # Once something is missing, there is nothing for those that come later.
        assert gotten == 0 if missing else gotten <= wanted
        missing += wanted - gotten
    assert case.plan.short_by.minor == missing
    if missing:
        assert sum(got.values()) == min(case.pool, case.spare)
    rests = [part.pot_id for part in case.parts if isinstance(part.share, Rest)]
    if missing:
        assert not got.keys() & set(rests)
    assert not got.keys() & set(rests[1:])


@CASES
@given(handing_out())
def test_moves_come_in_the_order_of_the_list(case: HandingOut) -> None:
    places = [part.pot_id for part in case.parts]
    moved = [places.index(move.pot_id) for move in case.plan.moves]
    assert moved == sorted(moved)


@CASES
@given(handing_out(), st.integers(0, len(POTS)))
def test_what_is_left_of_a_plan_fits_as_the_whole_did(case: HandingOut, done: int) -> None:
    moves = case.plan.moves
    worlds = case.worlds
    done = min(done, len(moves))
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(worlds[done][ACCOUNT], case.currency))
    assert planning.leaves_at_least(account, moves[done:], case.money(case.keep))
    if done < len(moves):
        short = replace(account, balance=money(case.keep or 0, case.currency))
        assert not planning.leaves_at_least(short, moves[done:], case.money(case.keep))


def test_the_properties_are_held_against_thousands_of_cases() -> None:
    properties = [test for test in globals().values() if hasattr(test, "hypothesis")]
    assert len(properties) * CASES.max_examples >= 2000


# In numbers


def test_pennies_of_percentages_go_to_who_gets_the_rest() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(1000))
    thirds = [Part(pot_id=pot, share=Percentage(Decimal("33.33"))) for pot in POTS[:3]]
    plan = planning.plan_distribution(account, thirds, whole=None, keep_at_least=None)
    assert [move.amount.minor for move in plan.moves] == [333, 333, 333]
    rest = Part(pot_id=POTS[3], share=Rest())
    plan = planning.plan_distribution(account, [rest, *thirds], whole=None, keep_at_least=None)
    assert [(move.pot_id, move.amount.minor) for move in plan.moves] == [
        (POTS[3], 1),
        (POTS[0], 333),
        (POTS[1], 333),
        (POTS[2], 333),
    ]


def test_a_pay_day() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(290_000))
    plan = planning.plan_distribution(
        account,
        [
            Part(pot_id="bills", share=money(115_000)),
            Part(pot_id="savings", share=Percentage(Decimal(20))),
            Part(pot_id="fun", share=Rest()),
        ],
        whole=money(265_000),
        keep_at_least=money(20_000),
    )
    assert [move.amount.minor for move in plan.moves] == [115_000, 53_000, 97_000]
    assert plan.short_by == money(0)


def test_a_pay_day_that_is_not_enough() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(100_000))
    plan = planning.plan_distribution(
        account,
        [
            Part(pot_id="bills", share=money(80_000)),
            Part(pot_id="rent", share=money(30_000)),
            Part(pot_id="fun", share=money(1_000)),
            Part(pot_id="savings", share=Rest()),
        ],
        whole=None,
        keep_at_least=None,
    )
    assert [(move.pot_id, move.amount.minor) for move in plan.moves] == [
        ("bills", 80_000),
        ("rent", 20_000),
    ]
    assert plan.short_by == money(11_000)


def test_a_percentage_of_a_penny_is_nothing() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(1))
    plan = planning.plan_deposit(account, POTS[0], Percentage(Decimal(99)), keep_at_least=None)
    assert plan == Plan(nothing_because=NothingToMove.TOO_LITTLE, short_by=money(0))


def test_the_bank_decides_about_an_amount_without_a_limit() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(100))
    plan = planning.plan_deposit(account, POTS[0], money(500), keep_at_least=None)
    assert plan.moves == (
        Move(direction=Direction.DEPOSIT, pot_id=POTS[0], account_id=ACCOUNT, amount=money(500)),
    )


def test_nothing_is_topped_up_where_only_sweeping_is_wanted() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(100))
    pot = AccountOrPotBalance(id=POTS[0], balance=money(10_000))
    plan = planning.plan_keep_account_at(
        account, pot, money(500), most=None, smallest=None, only=Direction.DEPOSIT
    )
    assert plan.nothing_because is NothingToMove.OTHER_DIRECTION


def test_what_is_not_worth_moving_stays() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(50_499))
    pot = AccountOrPotBalance(id=POTS[0], balance=money(0))
    plan = planning.plan_keep_account_at(
        account, pot, money(50_000), most=None, smallest=money(500), only=None
    )
    assert plan.nothing_because is NothingToMove.TOO_LITTLE
    plan = planning.plan_keep_account_at(
        account, pot, money(50_000), most=None, smallest=money(499), only=None
    )
    assert [move.amount.minor for move in plan.moves] == [499]


def test_two_currencies_cannot_be_planned_together() -> None:
    account = AccountOrPotBalance(id=ACCOUNT, balance=money(100))
    with pytest.raises(ValueError, match="different currencies"):
        planning.plan_deposit(account, POTS[0], money(1, "EUR"), keep_at_least=None)
    pot = AccountOrPotBalance(id=POTS[0], balance=money(100))
    with pytest.raises(ValueError, match="different currencies"):
        planning.plan_set_pot_balance(
            account, pot, money(200), most=money(1, "EUR"), keep_at_least=None
        )
