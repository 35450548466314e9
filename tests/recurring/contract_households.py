"""Households whose contracts are known, and their life at the sandbox bank."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any

from custom_components.monzo.transactions import TransactionKind
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account

from .contracts import (
    CARD,
    DEBIT,
    FOUR_WEEKLY,
    INCOME,
    PERSON,
    POT,
    QUARTERLY,
    WEEKLY,
    YEARLY,
    Contract,
    Days,
    moment_on,
)
from .households import as_it_is, following, monthly, preceding, weekly

BEGIN = date(2026, 1, 22)
HISTORY = timedelta(days=400)
YEARS = timedelta(days=730)
END = BEGIN + HISTORY + YEARS

# The moments of days alternate: before the payments of the day, and after them.
TIMES = (time(0, 5), time(20))

FIRST_DAY = BEGIN + timedelta(days=100)
"""The first day to look at: most payments were made three times before."""

DAY = timedelta(days=1)

_PRICES_OF = 2026


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A person's accounts, each with its contracts."""

    bank: Bank
    contracts: dict[str, Sequence[Contract]]
    """By the ID of the account."""

    accounts: Sequence[Account]
    """Each account, beginning with the one whose incomes are the person's."""


def fixed(minor: int, rise: int = 0) -> Callable[[date], int]:
    """Return an amount that rises each April."""
    return lambda day: minor + rise * (day.year - _PRICES_OF - (day.month < 4))


# The sandbox's own household


def _from_begin(days: Days) -> Days:
    return lambda: (day for day in days() if day >= BEGIN)


def _on(
    day: int, shift: Callable[[date], date] = following, months: Iterable[int] = range(1, 13)
) -> Days:
    return _from_begin(lambda: monthly(date(2026, 1, 1), day, shift, months=months))


def contracts_of(home: Household) -> dict[str, Sequence[Contract]]:
    """Return the contracts of Ann's account and of the joint one, by the ID of the account."""
    return {
        home.current.id: _contracts_of_ann(home),
        home.joint.id: _contracts_of_both(home),
    }


def _contracts_of_ann(home: Household) -> list[Contract]:
    night = time(0, 35)
    return [
        Contract(
            name="Harbour Design Ltd",
            kind=INCOME,
            days=_on(25, preceding),
            amount=fixed(265_000, 7_500),
            at=night,
        ),
        Contract(
            name="Ann Archer & Ben Baker",
            kind=PERSON,
            days=_on(26),
            amount=fixed(-105_000),
            at=time(6, 30),
        ),
        *(
            Contract(
                name=pot.id, kind=POT, days=_on(26), amount=fixed(-minor), pot=pot.id, at=time(7)
            )
            for pot, minor in ((home.holiday, 15_000), (home.rainy_day, 10_000))
        ),
        Contract(
            name="Hearth Insurance",
            kind=DEBIT,
            days=_on(14, months=(3,)),
            amount=fixed(-18_640, -1_120),
            per_year=YEARLY,
        ),
        Contract(name="Ironworks Gym", kind=DEBIT, days=_on(3), amount=fixed(-2_999, -200)),
        Contract(name="Chirp Mobile", kind=DEBIT, days=_on(9), amount=fixed(-1_400, -150)),
        Contract(name="Otter Trust", kind=DEBIT, days=_on(7), amount=fixed(-1_000)),
        Contract(
            name="Streamly",
            kind=CARD,
            days=_on(16, as_it_is),
            amount=fixed(-1_299, -100),
            at=time(9, 2),
        ),
        Contract(
            name="Skyvault", kind=CARD, days=_on(21, as_it_is), amount=fixed(-249), at=time(10, 15)
        ),
        *(_lingua(year) for year in range(2026, 2030)),
    ]


def _lingua(year: int) -> Contract:
    return Contract(
        name="Lingua",
        kind=CARD,
        days=lambda: (day for day in _on(11, as_it_is)() if day >= date(year, 1, 1)),
        amount=fixed(-999),
        cancelled=date(year, 6, 1),
        at=time(18, 20),
    )


def _contracts_of_both(home: Household) -> list[Contract]:
    return [
        Contract(
            name="Ann Archer", kind=INCOME, days=_on(26), amount=fixed(105_000), at=time(6, 30)
        ),
        Contract(
            name="Ben Baker", kind=INCOME, days=_on(26), amount=fixed(105_000), at=time(6, 31)
        ),
        Contract(
            name="Child Benefit",
            kind=INCOME,
            days=_from_begin(lambda: weekly(date(2026, 1, 12), 4, preceding)),
            amount=fixed(10_240, 340),
            per_year=FOUR_WEEKLY,
            at=time(0, 50),
        ),
        *(
            Contract(
                name=pot.id, kind=POT, days=_on(26), amount=fixed(-minor), pot=pot.id, at=time(7)
            )
            for pot, minor in ((home.bills, 29_500), (home.house, 15_000))
        ),
        Contract(name="Mill Street Lettings", kind=DEBIT, days=_on(1), amount=fixed(-115_000)),
        Contract(
            name="City Council",
            kind=DEBIT,
            days=_on(1, months=(*range(4, 13), 1)),
            seeming_days=_on(1),
            amount=fixed(-14_200, -640),
            pot=home.bills.id,
        ),
        Contract(
            name="Brightside Energy",
            kind=DEBIT,
            days=_on(9),
            amount=lambda day: -(6_140 + abs(day.month - 7) * 1_290 + day.year % 7 * 13),
            varies=True,
            pot=home.bills.id,
        ),
        Contract(
            name="Moorland Water",
            kind=DEBIT,
            days=_on(12),
            amount=fixed(-3_120, -180),
            pot=home.bills.id,
        ),
        Contract(
            name="Threadnet Broadband",
            kind=DEBIT,
            days=_on(18),
            amount=fixed(-3_400, -250),
            pot=home.bills.id,
        ),
        Contract(
            name="Allotment Box",
            kind=CARD,
            days=_from_begin(lambda: weekly(date(2026, 1, 8), 1, as_it_is)),
            amount=fixed(-1_850, -100),
            per_year=WEEKLY,
            at=time(6, 45),
        ),
    ]


# Invented households


def make_payment(bank: Bank, account: Account, contract: Contract, day: date, at: datetime) -> None:
    """Make the payment by a contract on a day. A pot that is empty pays no bill."""
    minor, pot = contract.amount(day), bank.pot(contract.pot) if contract.pot else None
    match contract.kind:
        case TransactionKind.INCOMING_PAYMENT:
            bank.receive(account.id, minor, sender=contract.name, at=at)
        case TransactionKind.DIRECT_DEBIT:
            pot_id = pot.id if pot and pot.balance >= -minor else None
            bank.direct_debit(account.id, minor, payee=contract.name, pot_id=pot_id, at=at)
        case TransactionKind.OUTGOING_PAYMENT:
            bank.send(account.id, -minor, payee=contract.name, at=at)
        case TransactionKind.POT_DEPOSIT:
            assert pot
            if (missing := -minor - account.balance) > 0:
                lent = -(-missing // 10_000) * 10_000
                bank.receive(account.id, lent, sender="Finn Friend", at=at)
            bank.deposit(pot.id, account.id, -minor, f"{day}", trigger="scheduled", at=at)
        case _:
            bank.pay(account.id, minor, merchant=contract.name, pending=False, at=at)


class _Builder:
    """Invents the contracts of a person from a seed."""

    def __init__(self, seed: int) -> None:
        """Initialize the builder with an account, a pot for bills, and no contracts."""
        self.random = Random(seed)  # noqa: S311 - not used for security
        self.bank = Bank(lambda: moment_on(END, time(23)))
        person = self.bank.add_person("Dora Dent")
        long_ago = moment_on(BEGIN - timedelta(days=900), time(12))
        self.account = self.bank.open_account(person, balance=150_000, created=long_ago)
        self.pot = self.bank.open_pot(self.account.id, "Bills", balance=20_000)
        self.contracts: list[Contract] = []

    def add(
        self,
        name: str,
        kind: TransactionKind,
        days: Days,
        amount: Callable[[date], int],
        **options: Any,
    ) -> None:
        """Add a contract."""
        self.contracts.append(
            Contract(name=name, kind=kind, days=_from_begin(days), amount=amount, **options)
        )

    def monthly(
        self, name: str, kind: TransactionKind, minor: int, *, rise: int = 0, **options: Any
    ) -> None:
        """Add a contract with payments on a day of the month."""
        shift = as_it_is if kind is CARD else following
        day, begin = self.random.randint(1, 31), options.pop("begin", BEGIN)
        self.add(name, kind, lambda: monthly(begin, day, shift), fixed(-minor, -rise), **options)

    def incomes(self) -> int:
        """Add a salary or wages, and perhaps a benefit; return the income of a month."""
        random, night = self.random, time(0, 30)
        pay, how = random.randrange(180_000, 320_000, 100), random.random()
        first = BEGIN + random.randrange(5) * DAY
        if how < 0.6:
            day = random.choice([15, 25, 28, 31])
            salary = fixed(pay, 6_000)
            self.add(
                "Harbour Design", INCOME, lambda: monthly(BEGIN, day, preceding), salary, at=night
            )
        else:
            weeks, per_year = random.choice([(1, WEEKLY), (4, FOUR_WEEKLY)])
            self.add(
                "City Trams",
                INCOME,
                lambda: weekly(first, weeks, preceding),
                fixed(pay * weeks // 4, 1_300 * weeks),
                per_year=per_year,
                at=night,
            )
        if random.random() < 0.4:
            overtime = random.randrange(2_000, 20_000)
            self.add(
                "Evening Job",
                INCOME,
                lambda: weekly(first + 9 * DAY, 2, preceding),
                lambda day: pay // 3 + day.toordinal() * 7_919 % overtime,
                per_year=WEEKLY / 2,
                varies=True,
                at=night,
            )
        if random.random() < 0.5:
            self.add(
                "Child Benefit",
                INCOME,
                lambda: weekly(first + 7 * DAY, 4, preceding),
                fixed(10_240, 340),
                per_year=FOUR_WEEKLY,
                at=night,
            )
        return pay

    def bills(self, pay: int) -> None:
        """Add rent, direct debits and what the pot for bills pays."""
        random = self.random
        self.monthly("Lena Landlord", random.choice([DEBIT, PERSON]), pay // 3)
        council = fixed(-random.randint(12_000, 20_000), -700)
        months = (*range(4, 13), 1)
        self.add(
            "Borough Council",
            DEBIT,
            lambda: monthly(BEGIN, 1, following, months=months),
            council,
            seeming_days=_from_begin(lambda: monthly(BEGIN, 1, following)),
        )
        self.monthly("Moorland Water", DEBIT, 3_120, rise=180, pot=self.pot.id)
        self.monthly("Threadnet Broadband", DEBIT, 3_400, rise=250, pot=self.pot.id)
        self.monthly("Bills", POT, 8_000, pot=self.pot.id, at=time(7))
        self.contracts[-1] = replace(self.contracts[-1], name=self.pot.id)
        day, winter = random.randint(1, 31), random.randrange(600, 1_500)
        self.add(
            "Brightside Energy",
            DEBIT,
            lambda: monthly(BEGIN, day, following),
            lambda day: -(7_000 + abs(day.month - 7) * winter + day.toordinal() % 97),
            varies=True,
        )

    def rare_and_changing_bills(self) -> None:
        """Add bills of quarters and years, and some that begin or end within the two years."""
        random = self.random
        begun = BEGIN + HISTORY + random.randrange(500) * DAY
        ended = BEGIN + HISTORY + random.randrange(500) * DAY
        quarter, year = random.randint(1, 31), random.randint(1, 31)
        self.add(
            "Service Charge",
            DEBIT,
            lambda: monthly(date(2026, 2, 1), quarter, following, step=3),
            fixed(-18_000),
            per_year=QUARTERLY,
        )
        self.add(
            "Car Insurance",
            DEBIT,
            lambda: monthly(date(2026, 3, 1), year, following, step=12),
            fixed(-24_000, -1_300),
            per_year=YEARLY,
        )
        debt = random.randrange(20_000, 40_000)
        self.monthly("Card Company", DEBIT, 1)
        self.contracts[-1] = replace(
            self.contracts[-1],
            amount=lambda day: -debt - day.toordinal() * 7_919 % 15_000,
            varies=True,
        )
        self.monthly("Ironworks Gym", DEBIT, 2_999, cancelled=ended)
        self.monthly("Chirp Mobile", DEBIT, 1_400, rise=150, begin=begun.replace(day=1))

    def subscriptions(self) -> None:
        """Add what merchants charge to the card."""
        random = self.random
        ended = BEGIN + HISTORY + random.randrange(500) * DAY
        first = BEGIN + random.randrange(7) * DAY
        self.monthly("Streamly", CARD, 1_299, rise=100, at=time(9))
        self.monthly("Skyvault", CARD, 249, at=time(10))
        self.monthly("Tunes", CARD, 999, at=time(8), cancelled=ended)
        if random.random() < 0.6:
            self.add(
                "Allotment Box",
                CARD,
                lambda: weekly(first, 1, as_it_is),
                fixed(-1_850, -100),
                per_year=WEEKLY,
                at=time(6, 45),
            )

    def live(self, pay: int) -> None:
        """Make all payments by contract, and everyday ones of what is left."""
        events: list[tuple[datetime, Callable[[datetime], object]]] = [
            (moment_on(day, it.at), partial(make_payment, self.bank, self.account, it, day))
            for it in self.contracts
            for day in it.payments(END)
            if day < it.cancelled
        ]
        random, day = self.random, BEGIN
        while day <= END:
            for _ in range(random.choice([0, 1, 1, 2, 3])):
                at = moment_on(day, time(random.randint(11, 19), random.randrange(60)))
                events.append((at, partial(self._shop, random.randint(300, pay // 45))))
            if random.random() < 0.05:
                at = moment_on(day, time(21, random.randrange(60)))
                events.append((at, partial(self._settle_up, random.randrange(500, 4_000, 500))))
            day += DAY
        for at, perform in sorted(events, key=lambda it: it[0]):
            perform(at)

    def _shop(self, minor: int, at: datetime) -> None:
        # People spend less when they have little.
        if self.account.balance > minor * 4:
            shop = self.random.choice(
                ["Deli", "Greens Market", "Bookworm", "Pump & Go", "Corner Shop"]
            )
            self.bank.pay(self.account.id, -minor, merchant=shop, pending=False, at=at)

    def _settle_up(self, minor: int, at: datetime) -> None:
        if self.random.random() < 0.5:
            self.bank.receive(self.account.id, minor, sender="Finn Friend", at=at)
        else:
            self.bank.send(self.account.id, minor, payee="Finn Friend", at=at)


def invented(seed: int) -> Truth:
    """Return a household from a seed after three years."""
    builder = _Builder(seed)
    pay = builder.incomes()
    builder.bills(pay)
    builder.rare_and_changing_bills()
    builder.subscriptions()
    builder.live(pay)
    return Truth(
        bank=builder.bank,
        accounts=[builder.account],
        contracts={builder.account.id: builder.contracts},
    )
