"""The household's daily life: somebody always buys a coffee, and now and then there is a salary."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from uuid import uuid4

from sandbox.bank import BankError
from sandbox.household import Household

# Real seconds between two things that happen, on average and at the ordinary speed.
SECONDS_BETWEEN = 6.0

_RENT = 115_000
_LOW = 40_000
_FULL_JAR = 5_000

_COFFEES = (("Copper Kettle", 280, 460), ("Deli", 520, 980), ("Noodle Corner", 890, 1_650))
_TREATS = (("Bookworm", 599, 2_499), ("Picture House", 850, 1_900), ("Streamly", 799, 1_299))
_GROCERIES = (("Greens Market", 1_240, 6_480), ("Corner Shop", 185, 1_090))
_JOURNEYS = (("City Trams", 200, 420), ("Pump & Go", 2_800, 5_900))


@dataclass(frozen=True)
class Habit:
    """Something that people do again and again."""

    weight: int
    """How often it is done, compared with the others."""

    do: Callable[[Household, Random], object]


def _shop(
    household: Household,
    random: Random,
    shops: tuple[tuple[str, int, int], ...],
    *,
    joint: bool = False,
) -> None:
    shop, cheap, dear = random.choice(shops)
    account = household.joint if joint else household.current
    household.bank.pay(account.id, -random.randint(cheap, dear), merchant=shop)


def _take_cash(household: Household, random: Random) -> None:
    household.bank.withdraw_cash(household.current.id, -random.choice((1_000, 2_000, 3_000)))


def _pay_a_bill(household: Household, random: Random) -> None:
    bill = random.randint(2_200, 8_900)
    if household.bills.balance < bill:
        household.bank.deposit(household.bills.id, household.joint.id, _LOW, _once())
    household.bank.direct_debit(household.joint.id, -bill, pot_id=household.bills.id)


def _want_too_much(household: Household, random: Random) -> None:
    household.bank.decline(
        household.current.id, -random.randint(90_000, 240_000), merchant="Gadget Shed"
    )


def _bring_back(household: Household, random: Random) -> None:
    household.bank.refund(household.current.id, random.randint(599, 2_499), merchant="Bookworm")


def _save(household: Household, random: Random) -> None:
    """Put something aside; with the goal reached, go on holiday."""
    bank, holiday = household.bank, household.holiday
    if holiday.goal is None or holiday.balance < holiday.goal:
        bank.deposit(
            holiday.id, household.current.id, random.choice((1_000, 2_000, 2_500, 5_000)), _once()
        )
    else:
        price = holiday.goal * 9 // 10
        bank.withdraw(holiday.id, household.current.id, price, _once())
        bank.direct_debit(household.current.id, -price, payee="Gull Ferries", category="holidays")


def _empty_the_jar(household: Household, _random: Random) -> None:
    jar = household.coin_jar
    if jar.balance >= _FULL_JAR:
        household.bank.withdraw(jar.id, household.current.id, jar.balance, _once())


def _pay_the_rent(household: Household, _random: Random) -> None:
    if household.joint.balance >= _RENT:
        household.bank.direct_debit(household.joint.id, -_RENT, payee="Mill Street Lettings")


def _ask_back(household: Household, random: Random) -> None:
    household.bank.p2p(
        household.bens.id, household.current.id, random.randint(400, 3_000), notes="Thanks! 🍜"
    )


def _settle(household: Household, _random: Random) -> None:
    """Let the shops collect what was only reserved so far."""
    for account in (household.current, household.joint):
        for transaction in household.bank.transactions(account.id):
            if transaction.settled is None and not transaction.decline_reason:
                household.bank.settle(transaction.id)


HABITS = (
    Habit(30, lambda household, random: _shop(household, random, _COFFEES)),
    Habit(10, lambda household, random: _shop(household, random, _TREATS)),
    Habit(8, lambda household, random: _shop(household, random, _GROCERIES)),
    Habit(12, lambda household, random: _shop(household, random, _GROCERIES, joint=True)),
    Habit(9, lambda household, random: _shop(household, random, _JOURNEYS)),
    Habit(3, _take_cash),
    Habit(4, _pay_a_bill),
    Habit(4, _want_too_much),
    Habit(3, _bring_back),
    Habit(8, _save),
    Habit(3, _empty_the_jar),
    Habit(4, _ask_back),
    Habit(4, _settle),
    Habit(1, _pay_the_rent),
)


def live(household: Household, random: Random) -> None:
    """Let one thing happen. What the bank refuses, such as a closed pot, does not."""
    incomes = (
        (household.current, 265_000, "Harbour Design Ltd"),
        (household.joint, 160_000, "Ben Baker"),
        (household.bens, 231_500, "City Trams"),
    )
    with suppress(BankError):
        for account, amount, sender in incomes:
            if account.balance < _LOW and not account.closed:
                household.bank.receive(account.id, amount, sender=sender)
                return
        (habit,) = random.choices(HABITS, [habit.weight for habit in HABITS])
        habit.do(household, random)


async def run_activity(household: Household, speed: float) -> None:
    """Let things happen for ever, at irregular intervals; speed 2 is twice as often."""
    random = Random()  # noqa: S311 - nobody loses money if it is guessed
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * SECONDS_BETWEEN / speed)
        live(household, random)


def _once() -> str:
    """Return an id for a transfer that happens once."""
    return str(uuid4())
