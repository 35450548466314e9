"""Invented households, each with the recurring payments that a person would name."""

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from custom_components.monzo.transactions import TransactionKind

LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)

# An independent calendar: the integration has its own rules.
_HOLIDAYS = holidays.country_holidays("GB", subdiv="ENG")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A transaction as detection reads it."""

    id: str
    created: datetime
    minor: int
    kind: TransactionKind
    payee: str | None
    account: str = "acc_current"
    currency: str = "GBP"
    payee_id: str | None = None
    merchant_group: str | None = None
    scheme: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A recurring payment that detection should find."""

    payee: str
    cadence: str
    direction: str
    next: date
    is_direct_debit: bool
    transaction_ids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Household:
    """The past of a household."""

    today: date
    rows: list[Row]
    expected: list[Expected]


def works(day: date) -> bool:
    return day.weekday() < 5 and day not in _HOLIDAYS


def following(day: date) -> date:
    while not works(day):
        day += DAY
    return day


def preceding(day: date) -> date:
    while not works(day):
        day -= DAY
    return day


def as_it_is(day: date) -> date:
    return day


type Shift = Callable[[date], date]


def monthly(
    begin: date, day: int, shift: Shift, *, step: int = 1, months: Iterable[int] = range(1, 13)
) -> Iterator[date]:
    """Yield the days of a payment on a day of the month."""
    for number in count(begin.year * 12 + begin.month - 1, step):
        year, month = divmod(number, 12)
        if month + 1 in months:
            yield shift(date(year, month + 1, min(day, monthrange(year, month + 1)[1])))


def weekly(begin: date, weeks: int, shift: Shift) -> Iterator[date]:
    """Yield the days of a payment after a number of weeks."""
    for number in count():
        yield shift(begin + number * weeks * 7 * DAY)


class HouseholdBuilder:
    """Builds a household from a seed."""

    def __init__(self, seed: int, *, years: float = 2.0) -> None:
        """Initialize the builder for a household that ends on a random day."""
        self.random = Random(seed)  # noqa: S311
        self.today = date(2024, 1, 1) + self.random.randrange(1100) * DAY
        self.begin = self.today - timedelta(days=round(years * 365))
        self.rows: list[Row] = []
        self.expected: list[Expected] = []
        self._ids = count()

    def row(
        self,
        day: date,
        minor: int,
        kind: TransactionKind,
        payee: str | None,
        *,
        hours: tuple[int, int] = (7, 21),
        **fields: Any,
    ) -> Row:
        """Add a transaction on a day in London."""
        at = time(self.random.randint(*hours), self.random.randrange(60))
        row = Row(
            id=f"tx_{next(self._ids):06}",
            created=datetime.combine(day, at, LONDON).astimezone(UTC),
            minor=minor,
            kind=kind,
            payee=payee,
            **fields,
        )
        if day <= self.today:
            self.rows.append(row)
        return row

    def recurring(
        self,
        days: Iterable[date],
        cadence: str,
        amount: Callable[[int, date], int],
        kind: TransactionKind,
        payee: str,
        *,
        until: date = date.max,
        fewest: int = 3,
        expect: bool = True,
        hours: tuple[int, int] = (0, 4),
        **fields: Any,
    ) -> None:
        """Add the payments of an agreement, and expect them to be found."""
        ids = []
        for number, day in enumerate(day for day in days if day >= self.begin):
            if day > self.today or day > until:
                break
            minor = amount(number, day)
            ids.append(self.row(day, minor, kind, payee, hours=hours, **fields).id)
        else:
            raise AssertionError
        if expect and len(ids) >= fewest and until >= self.today:
            self.expected.append(
                Expected(
                    payee=payee,
                    cadence=cadence,
                    direction="out" if minor < 0 else "in",
                    next=day,
                    is_direct_debit=kind is TransactionKind.DIRECT_DEBIT,
                    transaction_ids=frozenset(ids),
                )
            )

    # Amounts

    def fixed(self, low: int, high: int, *, rises: bool = True) -> Callable[[int, date], int]:
        """Return a price that may rise once a year."""
        price = self.random.randrange(low, high)
        rise = self.random.choice([0, 0.03, 0.06, 0.1, 0.15]) if rises else 0
        month, first = self.random.randint(1, 12), self.begin.year
        return lambda _number, day: (
            -round(price * (1 + rise) ** (day.year - first + (day.month >= month)))
        )

    def varied(self, low: int, high: int) -> Callable[[int, date], int]:
        """Return a different amount each time."""
        return lambda _number, _day: -self.random.randint(low, high)

    # Bills

    def debits(self) -> None:
        """Add direct debits."""
        random, debit = self.random, TransactionKind.DIRECT_DEBIT
        names = ["Water", "Broadband", "Gym", "Phone", "Home Insurance", "Charity", "TV", "Lodge"]
        for name in random.sample(names, random.randint(3, 7)):
            days = monthly(self.begin, random.randint(1, 31), following)
            until = date.max
            if random.random() < 0.15:
                until = self.today - random.randint(40, 500) * DAY
            begin = self.begin
            if random.random() < 0.2:
                begin = self.today - random.randint(10, 400) * DAY
            self.recurring(
                (day for day in days if day >= begin),
                "month",
                self.fixed(500, 9000),
                debit,
                name,
                until=until,
                scheme="bacs",
                payee_id=f"sun_{name}",
            )

    def seasonal_debits(self) -> None:
        """Add direct debits of different amounts: energy, and a credit card paid in full."""
        random, debit = self.random, TransactionKind.DIRECT_DEBIT
        base = random.randint(5000, 12000)
        self.recurring(
            monthly(self.begin, random.randint(1, 28), following),
            "month",
            lambda _n, day: -(base + abs(day.month - 7) * random.randint(500, 1500)),
            debit,
            "Brightside Energy",
            scheme="bacs",
            payee_id="sun_energy",
        )
        if random.random() < 0.6:
            self.recurring(
                monthly(self.begin, random.randint(1, 28), following),
                "month",
                self.varied(8_000, 190_000),
                debit,
                "Card Company",
                scheme="bacs",
                payee_id="sun_card",
            )

    def rare_debits(self) -> None:
        """Add council tax in ten instalments, and quarterly and yearly direct debits."""
        random, debit = self.random, TransactionKind.DIRECT_DEBIT
        if random.random() < 0.8:
            price, day = random.randint(12_000, 20_000), random.choice([1, 5, 15])
            self.recurring(
                monthly(self.begin, day, following, months=(*range(4, 13), 1)),
                "month",
                lambda _n, day: -(price + (300 if day.month == 4 else 0) + 700 * (day.year - 2020)),
                debit,
                "Borough Council",
                scheme="bacs",
                payee_id="sun_council",
            )
        for name, step, cadence, fewest in (
            ("Service Charge", 3, "quarter", 3),
            ("Car Insurance", 12, "year", 2),
        ):
            if random.random() < 0.5:
                begin = date(self.begin.year - 1, random.randint(1, 12), 1)
                self.recurring(
                    monthly(begin, random.randint(1, 31), following, step=step),
                    cadence,
                    self.fixed(15_000, 60_000),
                    debit,
                    name,
                    scheme="bacs",
                    payee_id=f"sun_{name}",
                    fewest=fewest,
                )

    def irregular_debits(self) -> None:
        """Add two contracts with one collector, and a wallet that collects after purchases."""
        random, debit = self.random, TransactionKind.DIRECT_DEBIT
        if random.random() < 0.4:
            for day in random.sample([3, 11, 19, 26], 2):
                self.recurring(
                    monthly(self.begin, day, following),
                    "month",
                    self.fixed(900, 4000),
                    debit,
                    "Family Mobile",
                    scheme="bacs",
                    payee_id="sun_family",
                )
        if random.random() < 0.3:
            bought = self.begin
            while bought < self.today:
                self.row(
                    following(bought),
                    -random.randint(300, 9000),
                    debit,
                    "Pay Wallet",
                    scheme="bacs",
                    payee_id="sun_wallet",
                )
                bought += random.randint(3, 60) * DAY

    # Subscriptions

    def subscriptions(self) -> None:
        """Add subscriptions that a card pays."""
        random, card = self.random, TransactionKind.CARD_PAYMENT
        for name in random.sample(
            ["Streamly", "Skyvault", "Tunes", "News", "Fitness"], random.randint(2, 5)
        ):
            fields: dict[str, Any] = {
                "merchant_group": random.choice([f"grp_{name}", None]),
                "scheme": "mastercard",
                "description": f"{name}*{random.randrange(10**6)}",
            }
            days = monthly(self.begin, random.randint(1, 31), as_it_is)
            amount = self.fixed(199, 2500)
            if random.random() < 0.15:
                # Cancelled, and restarted on another day.
                paused = self.today - random.randint(200, 350) * DAY
                again = paused + random.randint(50, 100) * DAY
                for row_day in days:
                    if row_day > paused:
                        break
                    if row_day >= self.begin:
                        self.row(row_day, amount(0, row_day), card, name, **fields)
                days = monthly(again, random.randint(1, 28), as_it_is)
                days = (day for day in days if day >= again)
            until = date.max
            if random.random() < 0.15:
                until = self.today - random.randint(40, 500) * DAY
            self.recurring(days, "month", amount, card, name, until=until, **fields)

    def shop_subscriptions(self) -> None:
        """Add subscriptions in dollars, and at merchants where people also buy other things."""
        random, card = self.random, TransactionKind.CARD_PAYMENT
        if random.random() < 0.5:
            price = random.randint(400, 2500)
            self.recurring(
                monthly(self.begin, random.randint(1, 28), as_it_is),
                "month",
                lambda _n, _day: -round(price * random.uniform(0.76, 0.82)),
                card,
                "Cloud Inc",
                merchant_group="grp_cloud",
                scheme="mastercard",
                fewest=4,
            )
        if random.random() < 0.5:
            prices = random.sample([99, 249, 699, 899, 1699], 2)
            for price, day in zip(prices, random.sample([2, 9, 14, 20, 28], 2), strict=True):
                self.recurring(
                    monthly(self.begin, day, as_it_is),
                    "month",
                    self.fixed(price, price + 1, rises=False),
                    card,
                    "Orchard",
                    merchant_group="grp_orchard",
                    scheme="mastercard",
                )
            for _ in range(random.randint(0, 12)):
                self.row(
                    self.begin + random.randrange(730) * DAY,
                    -random.choice([99, 199, 299, 499, 999, 1299]),
                    card,
                    "Orchard",
                    merchant_group="grp_orchard",
                    scheme="mastercard",
                )

    def weekly_subscriptions(self) -> None:
        """Add a subscription at a large shop, and a weekly box."""
        random, card = self.random, TransactionKind.CARD_PAYMENT
        if random.random() < 0.6:
            self.recurring(
                monthly(self.begin, random.randint(1, 28), as_it_is),
                "month",
                self.fixed(799, 999),
                card,
                "Jungle",
                merchant_group="grp_jungle",
                scheme="mastercard",
            )
            for _ in range(random.randint(20, 150)):
                self.row(
                    self.begin + random.randrange(730) * DAY,
                    -random.randint(299, 8999),
                    card,
                    "Jungle",
                    merchant_group="grp_jungle",
                    scheme="mastercard",
                )
        if random.random() < 0.3:
            self.recurring(
                weekly(self.begin + random.randrange(7) * DAY, random.choice([1, 2]), as_it_is),
                "week",
                self.fixed(1100, 3000),
                card,
                "Veg Box",
                fewest=6,
                merchant_group="grp_veg",
                scheme="mastercard",
            )

    # People

    def people(self) -> None:
        """Add rent, friends and savings."""
        random, out = self.random, TransactionKind.OUTGOING_PAYMENT
        if random.random() < 0.7:
            self.recurring(
                monthly(self.begin, random.choice([1, 1, 5, 28, 31]), following),
                "month",
                self.fixed(60_000, 150_000),
                out,
                "Lena Landlord",
                fewest=5,
                scheme="payport_faster_payments",
                payee_id="anonuser_landlord",
            )
        if random.random() < 0.4:
            self.recurring(
                monthly(self.begin, random.randint(1, 28), following),
                "month",
                self.fixed(1000, 9000, rises=False),
                out,
                "Mum",
                fewest=5,
                scheme="p2p_payment",
                payee_id="user_mum",
            )
        for friend in ("Alex", "Sam", "Kim"):
            for _ in range(random.randint(0, 40)):
                kind, sign = random.choice([(out, -1), (TransactionKind.INCOMING_PAYMENT, 1)])
                self.row(
                    self.begin + random.randrange(730) * DAY,
                    sign * random.choice([500, 1000, 1000, 1500, 2000, 2000, 5000]),
                    kind,
                    friend,
                    scheme="p2p_payment",
                    payee_id=f"user_{friend}",
                )

    # Income

    def income(self) -> None:
        """Add salaries, wages and benefits."""
        random, income = self.random, TransactionKind.INCOMING_PAYMENT
        for employer in random.sample(["Harbour Design", "City Trams"], random.choice([1, 1, 2])):
            pay, how = random.randint(140_000, 420_000), random.random()
            amount = random.choice([_salary(pay), self._with_overtime(pay)])
            fields: dict[str, Any] = {
                "scheme": random.choice(["bacs", "payport_faster_payments"]),
                "payee_id": f"id_{employer}",
            }
            if how < 0.6:
                self.recurring(
                    monthly(self.begin, random.choice([15, 20, 25, 28, 31, 31]), preceding),
                    "month",
                    amount,
                    income,
                    employer,
                    **fields,
                )
            elif how < 0.7:
                self.recurring(
                    _last_fridays(self.begin), "month", amount, income, employer, fewest=5, **fields
                )
            elif how < 0.85:
                weeks = random.choice([1, 2, 4])
                cadence = {1: "week", 2: "fortnight", 4: "four_weeks"}[weeks]
                self.recurring(
                    weekly(self.begin + random.randrange(5) * DAY, weeks, preceding),
                    cadence,
                    self._with_overtime(pay * weeks // 4),
                    income,
                    employer,
                    fewest=5,
                    **fields,
                )
            else:
                # A freelancer.
                day = self.begin
                while day < self.today:
                    self.row(
                        following(day), random.randint(30_000, 250_000), income, employer, **fields
                    )
                    day += random.randint(10, 75) * DAY
        if random.random() < 0.4:
            self.recurring(
                weekly(self.begin + random.randrange(5) * DAY, 4, preceding),
                "four_weeks",
                lambda _n, day: 10_240 + 340 * (day.year - 2020 + (day.month > 3)),
                income,
                "Child Benefit",
                scheme="bacs",
                payee_id="id_benefit",
            )

    def _with_overtime(self, pay: int) -> Callable[[int, date], int]:
        return lambda _number, _day: round(pay * self.random.uniform(0.85, 1.25))

    # Habits

    def habits(self) -> None:
        """Add purchases out of habit, which are no agreements."""
        random, card = self.random, TransactionKind.CARD_PAYMENT
        coffee = random.choice([[320], [280, 320, 360]])
        shop = random.randrange(7)
        for number in range((self.today - self.begin).days):
            day = self.begin + number * DAY
            if day.weekday() < 5 and random.random() < random.choice([0.5, 0.9]):
                self.row(
                    day,
                    -random.choice(coffee),
                    card,
                    "Copper Kettle",
                    merchant_group="grp_kettle",
                    scheme="mastercard",
                )
            if day.weekday() == shop and random.random() < 0.93:
                self.row(
                    day,
                    -random.randint(5500, 9500),
                    card,
                    "Greens Market",
                    merchant_group="grp_greens",
                    scheme="mastercard",
                )
            if day.weekday() < 5:
                for _ in range(random.choice([0, 1, 2])):
                    self.row(
                        day,
                        -250,
                        card,
                        "City Trams",
                        merchant_group="grp_trams",
                        scheme="mastercard",
                        payee_id=f"merch_{random.randrange(5)}",
                    )
        self._occasional_purchases()

    def _occasional_purchases(self) -> None:
        random, card = self.random, TransactionKind.CARD_PAYMENT
        for number in range((self.today - self.begin).days):
            day = self.begin + number * DAY
            if random.random() < 0.07:
                self.row(
                    day,
                    -random.choice([3000, 4000, 5000]),
                    card,
                    "Pump & Go",
                    merchant_group="grp_pump",
                    scheme="mastercard",
                )
            if random.random() < 0.2:
                self.row(
                    day,
                    -random.randint(185, 2090),
                    card,
                    f"Shop {random.randrange(40)}",
                    scheme="mastercard",
                )
            if random.random() < 0.05:
                self.row(
                    day,
                    -random.randint(1, 99),
                    TransactionKind.ROUND_UP,
                    None,
                    scheme="uk_retail_pot",
                    description="pot",
                )
            if random.random() < 0.02:
                self.row(
                    day,
                    -random.choice([5000, 10000, 20000]),
                    TransactionKind.POT_DEPOSIT,
                    None,
                    scheme="uk_retail_pot",
                    description="pot",
                )
        # A hairdresser, about once a month.
        day = self.begin
        while day < self.today:
            self.row(
                day, -2500, card, "Scissors", merchant_group="grp_scissors", scheme="mastercard"
            )
            day += random.randint(26, 40) * DAY

    def build(self) -> Household:
        """Return the household."""
        self.debits()
        self.seasonal_debits()
        self.rare_debits()
        self.irregular_debits()
        self.subscriptions()
        self.shop_subscriptions()
        self.weekly_subscriptions()
        self.people()
        self.income()
        self.habits()
        self.random.shuffle(self.rows)
        return Household(today=self.today, rows=self.rows, expected=self.expected)


def _salary(pay: int) -> Callable[[int, date], int]:
    """Return a salary that rises each year."""
    return lambda _number, day: round(pay * 1.03 ** (day.year - 2020))


def _last_fridays(begin: date) -> Iterator[date]:
    for last in monthly(begin, 31, as_it_is):
        yield preceding(last - (last.weekday() - 4) % 7 * DAY)
