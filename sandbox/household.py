"""Ann's and Ben's household: their accounts and pots, and two months of transactions for tests."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .bank import LONDON, Bank
from .models import Account, Person, Pot

DAYS_OF_HISTORY = 60

_SHOPPING = (
    ("Copper Kettle", -340),
    ("Deli", -675),
    ("City Trams", -250),
    ("Greens Market", -2_385),
    ("Corner Shop", -415),
    ("Noodle Corner", -1_240),
    ("Bookworm", -899),
    ("Pump & Go", -4_210),
    ("Picture House", -1_150),
)


@dataclass(frozen=True, kw_only=True)
class Household:
    """The people, accounts and pots of the household."""

    bank: Bank
    ann: Person
    ben: Person
    current: Account
    joint: Account
    bens: Account
    flex: Account
    rewards: Account
    prepaid: Account
    loan: Account
    backing_loan: Account
    holiday: Pot
    rainy_day: Pot
    coin_jar: Pot
    isa: Pot
    house: Pot
    bills: Pot


def build_household(bank: Bank) -> Household:
    """Add the household with two months of simple transactions to an empty bank."""
    household = open_household(bank)
    _add_history(household, bank.clock())
    return household


def open_household(bank: Bank) -> Household:
    """Add the people, accounts and pots to an empty bank, without transactions."""
    now = bank.clock()
    long_ago = now - timedelta(days=900)
    ann, ben = bank.add_person("Ann Archer"), bank.add_person("Ben Baker")
    current = bank.open_account(ann, balance=152_340, created=long_ago)
    joint = bank.open_account(
        ann, ben, type="uk_retail_joint", balance=98_725, created=now - timedelta(days=700)
    )
    return Household(
        bank=bank,
        ann=ann,
        ben=ben,
        current=current,
        joint=joint,
        bens=bank.open_account(ben, balance=61_208, created=long_ago),
        flex=bank.open_account(ann, type="uk_monzo_flex", balance=-12_500),
        rewards=bank.open_account(ann, type="uk_rewards", balance=384),
        prepaid=bank.open_account(ann, type="uk_prepaid", closed=True, created=long_ago),
        loan=bank.open_account(ann, type="uk_loan", balance=-240_000),
        backing_loan=bank.open_account(ann, type="uk_monzo_flex_backing_loan", closed=True),
        holiday=bank.open_pot(
            current.id, "Holiday", balance=64_000, goal=150_000, style="beach_ball"
        ),
        rainy_day=bank.open_pot(
            current.id, "Rainy day", balance=210_000, locked=True, style="blue"
        ),
        coin_jar=bank.open_pot(current.id, "Coin jar", balance=1_845, round_up=True, style=""),
        isa=bank.open_pot(
            current.id, "Savings", balance=480_000, type="flexible_savings", isa=True, style="teal"
        ),
        house=bank.open_pot(
            joint.id,
            "House",
            balance=325_000,
            goal=1_000_000,
            added_security=True,
            style="green",
        ),
        bills=bank.open_pot(joint.id, "Bills", balance=74_000, style="piggy_bank"),
    )


def _add_history(household: Household, now: datetime) -> None:
    """Add the history: salaries, rent, bills, and two purchases a day."""
    bank = household.bank
    for ago in range(DAYS_OF_HISTORY, 0, -1):
        day = (now - timedelta(days=ago)).astimezone(LONDON)
        morning = day.replace(hour=8, minute=10 + ago % 40, second=0, microsecond=0)
        if day.day == 1:
            bank.direct_debit(
                household.joint.id, -115_000, payee="Mill Street Lettings", at=morning
            )
            bank.direct_debit(household.joint.id, -8_450, pot_id=household.bills.id, at=morning)
        if day.day == 25:  # noqa: PLR2004 - pay day of both
            bank.receive(household.current.id, 265_000, sender="Harbour Design Ltd", at=morning)
            bank.receive(household.bens.id, 231_500, sender="City Trams", at=morning)
            bank.receive(household.joint.id, 160_000, sender="Ann Archer", at=morning)
        shop, amount = _SHOPPING[ago % len(_SHOPPING)]
        bank.pay(
            household.current.id,
            amount,
            merchant=shop,
            pending=False,
            at=morning + timedelta(hours=1),
        )
        shop, amount = _SHOPPING[(ago * 5 + 3) % len(_SHOPPING)]
        bank.pay(
            household.joint.id,
            amount,
            merchant=shop,
            pending=False,
            at=morning + timedelta(hours=9),
        )
    yesterday = now - timedelta(days=1)
    bank.pay(household.current.id, -1_299, merchant="Streamly", at=yesterday)
    bank.decline(household.current.id, -250_000, merchant="Gadget Shed", at=yesterday)
    bank.refund(household.current.id, 899, merchant="Bookworm", at=yesterday)
