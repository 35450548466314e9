"""Additional random activity of the household, so that the demo shows many transactions."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from uuid import uuid4

from sandbox.bank import BankError
from sandbox.household import Household
from sandbox.life import live

# Average of the real seconds between two activities, at speed 1.
SECONDS_BETWEEN = 15.0

_LOW_BALANCE = 40_000
_FULL_COIN_JAR = 5_000

_COFFEES = (("Copper Kettle", 280, 460), ("Deli", 520, 980), ("Noodle Corner", 890, 1_650))
_TREATS = (("Bookworm", 599, 2_499), ("Picture House", 850, 1_900), ("Streamly", 799, 1_299))
_GROCERIES = (("Greens Market", 1_240, 6_480), ("Corner Shop", 185, 1_090))
_JOURNEYS = (("City Trams", 200, 420), ("Pump & Go", 2_800, 5_900))


@dataclass(frozen=True)
class Activity:
    """An activity that occurs repeatedly."""

    weight: int
    """Relative frequency, compared with the other activities."""

    perform: Callable[[Household, Random], object]


def _buy(
    household: Household,
    random: Random,
    shops: tuple[tuple[str, int, int], ...],
    *,
    joint: bool = False,
) -> None:
    shop, cheap, dear = random.choice(shops)
    account = household.joint if joint else household.current
    household.bank.pay(account.id, -random.randint(cheap, dear), merchant=shop)


def _withdraw_cash(household: Household, random: Random) -> None:
    household.bank.withdraw_cash(household.current.id, -random.choice((1_000, 2_000, 3_000)))


def _pay_bill(household: Household, random: Random) -> None:
    bill = random.randint(2_200, 8_900)
    if household.bills.balance < bill:
        household.bank.deposit(household.bills.id, household.joint.id, _LOW_BALANCE, _dedupe_id())
    household.bank.direct_debit(household.joint.id, -bill, pot_id=household.bills.id)


def _mistype_card_number(household: Household, random: Random) -> None:
    household.bank.decline(
        household.current.id,
        -random.randint(1_899, 8_900),
        merchant="Gadget Shed",
        reason="INVALID_CVC",
    )


def _return_goods(household: Household, random: Random) -> None:
    household.bank.refund(household.current.id, random.randint(599, 2_499), merchant="Bookworm")


def _save_for_holiday(household: Household, random: Random) -> None:
    """Save for the holiday; once the goal is reached, pay for it from the pot."""
    bank, holiday = household.bank, household.holiday
    if holiday.goal is None or holiday.balance < holiday.goal:
        bank.deposit(
            holiday.id,
            household.current.id,
            random.choice((1_000, 2_000, 2_500, 5_000)),
            _dedupe_id(),
        )
    else:
        price = holiday.goal * 9 // 10
        bank.withdraw(holiday.id, household.current.id, price, _dedupe_id())
        bank.pay(household.current.id, -price, merchant="Gull Ferries")


def _empty_coin_jar(household: Household, _random: Random) -> None:
    jar = household.coin_jar
    if jar.balance >= _FULL_COIN_JAR:
        household.bank.withdraw(jar.id, household.current.id, jar.balance, _dedupe_id())


def _receive_from_ben(household: Household, random: Random) -> None:
    household.bank.p2p(
        household.bens.id, household.current.id, random.randint(400, 3_000), notes="Thanks! 🍜"
    )


def _settle_payments(household: Household, _random: Random) -> None:
    """Settle all pending payments."""
    for account in (household.current, household.joint):
        for transaction in household.bank.transactions(account.id):
            if transaction.settled is None and not transaction.decline_reason:
                household.bank.settle(transaction.id)


ACTIVITIES = (
    Activity(30, lambda household, random: _buy(household, random, _COFFEES)),
    Activity(10, lambda household, random: _buy(household, random, _TREATS)),
    Activity(8, lambda household, random: _buy(household, random, _GROCERIES)),
    Activity(12, lambda household, random: _buy(household, random, _GROCERIES, joint=True)),
    Activity(9, lambda household, random: _buy(household, random, _JOURNEYS)),
    Activity(3, _withdraw_cash),
    Activity(4, _pay_bill),
    Activity(4, _mistype_card_number),
    Activity(3, _return_goods),
    Activity(8, _save_for_holiday),
    Activity(3, _empty_coin_jar),
    Activity(4, _receive_from_ben),
    Activity(4, _settle_payments),
)


def perform_activity(household: Household, random: Random) -> None:
    """Perform one random activity, or pay a bonus into an account with a low balance.

    Does nothing if the bank refuses the activity, for example because a pot is closed.
    """
    incomes = (
        (household.current, 48_000, "Harbour Design Ltd"),
        (household.joint, 40_000, "Ben Baker"),
        (household.bens, 42_000, "City Trams"),
    )
    with suppress(BankError):
        for account, amount, sender in incomes:
            if account.balance < _LOW_BALANCE and not account.closed:
                household.bank.receive(account.id, amount, sender=sender)
                return
        (activity,) = random.choices(ACTIVITIES, [activity.weight for activity in ACTIVITIES])
        activity.perform(household, random)


async def run_activity(household: Household, speed: float) -> None:
    """Perform activities at irregular intervals until cancelled; speed 2 is twice as often.

    The household's life goes on meanwhile, with its salaries and bills.
    """
    random = Random()  # noqa: S311 - not used for security
    lived_until = household.bank.clock()
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * SECONDS_BETWEEN / speed)
        perform_activity(household, random)
        now = household.bank.clock()
        live(household, lived_until, now)
        lived_until = now


def _dedupe_id() -> str:
    """Return a new dedupe id."""
    return str(uuid4())
