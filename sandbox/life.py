"""The life of the household: regular payments on their usual days, and everyday purchases.

The events of a day depend only on the day, so that every run of the demo and of the tests has the
same past. All names are invented.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple, override

from custom_components.monzo.recurring.working_days import next_working_day, previous_working_day

from .bank import LONDON, BankError
from .household import Household
from .models import Account, Pot

_WEDNESDAY, _FRIDAY, _SATURDAY, _SUNDAY = 2, 4, 5, 6

_ALL_MONTHS = range(1, 13)

# Recurring amounts rise each April, as many prices in Britain do, from these of this year on.
_FIRST_PRICES = 2026
_PRICE_RISE_MONTH = 4

# A regular event moves by a few days at the most.
_LONGEST_SHIFT = timedelta(days=5)

# Everything above it goes into the savings pot shortly before pay day.
_KEPT_IN_CURRENT = 90_000

_HOLIDAY_PRICE = 128_000

type Perform = Callable[[Household, datetime], object]


class Event(NamedTuple):
    """An event of a day."""

    at: datetime
    perform: Perform


@dataclass(frozen=True, kw_only=True)
class RegularEvent:
    """An event that recurs on a day of the month."""

    day: int
    perform: Perform
    months: Collection[int] = _ALL_MONTHS
    working_day: Callable[[date], date] | None = next_working_day
    """Moves the day if banks do not work on it; None if the day does not matter."""

    at: time = time(5, 40)

    def is_due(self, today: date) -> bool:
        """Return whether it occurs on a day."""
        return any(
            nominal.month in self.months
            and today == (self.working_day(nominal) if self.working_day else nominal)
            for nominal in self._nominal_days(today)
        )

    def _nominal_days(self, today: date) -> Iterator[date]:
        """Yield the days near today on which it would occur if all days were working days."""
        for offset in range(-_LONGEST_SHIFT.days, _LONGEST_SHIFT.days + 1):
            day = today + timedelta(days=offset)
            if day.day == self.day:
                yield day


@dataclass(frozen=True, kw_only=True)
class WeeklyEvent:
    """An event that recurs after a number of weeks."""

    first: date
    """One of its days, if all days were working days."""

    weeks: int
    perform: Perform
    working_day: Callable[[date], date] | None = previous_working_day
    """Moves the day if banks do not work on it; None if the day does not matter."""

    at: time = time(5, 40)

    def is_due(self, today: date) -> bool:
        """Return whether it occurs on a day."""
        days_near = (
            today + timedelta(days=offset)
            for offset in range(-_LONGEST_SHIFT.days, _LONGEST_SHIFT.days + 1)
        )
        return any(
            today == (self.working_day(nominal) if self.working_day else nominal)
            for nominal in days_near
            if (nominal - self.first).days % (7 * self.weeks) == 0
        )


def live(
    household: Household, since: datetime, until: datetime, *, has_everyday: bool = True
) -> None:
    """Perform all events after a time and up to another one, in order.

    If `has_everyday` is false, everyday events are left out. The bank refuses some events, for
    example a deposit into a closed pot. The others occur anyway.
    """
    day = since.astimezone(LONDON).date()
    while day <= until.astimezone(LONDON).date():
        for event in events_of(day, has_everyday=has_everyday):
            if since < event.at <= until:
                with suppress(BankError):
                    event.perform(household, event.at)
        day += timedelta(days=1)


def events_of(day: date, *, has_everyday: bool = True) -> list[Event]:
    """Return the events of a day in London, in order, with or without the everyday ones."""
    random = Random(day.toordinal())  # noqa: S311 - not used for security
    regular = [
        Event(_moment(day, event.at), event.perform)
        for event in REGULAR_EVENTS
        if event.is_due(day)
    ]
    everyday = [
        Event(_moment(day, event.time_of_day(random)), event.choose(random))
        for event in _EVERYDAY
        if has_everyday and day.weekday() in event.weekdays and random.random() < event.probability
    ]
    return sorted(regular + everyday, key=lambda event: event.at)


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON)


# Regular events


class _Price(NamedTuple):
    """A recurring amount in pence, which rises each April."""

    first: int
    rise: int = 0

    def at(self, moment: datetime) -> int:
        """Return the amount at a time."""
        rises = moment.year - _FIRST_PRICES - (moment.month < _PRICE_RISE_MONTH)
        return self.first + self.rise * rises


def _direct_debit(
    account: Callable[[Household], Account], payee: str, price: _Price, category: str = "bills"
) -> Perform:
    def perform(household: Household, at: datetime) -> None:
        household.bank.direct_debit(
            account(household).id, -price.at(at), payee=payee, category=category, at=at
        )

    return perform


def _bill(payee: str, price: _Price) -> Perform:
    """Pay a direct debit from the bills pot of the joint account."""

    def perform(household: Household, at: datetime) -> None:
        household.bank.direct_debit(
            household.joint.id, -price.at(at), payee=payee, pot_id=household.bills.id, at=at
        )

    return perform


def _subscription(account: Callable[[Household], Account], merchant: str, price: _Price) -> Perform:
    def perform(household: Household, at: datetime) -> None:
        household.bank.pay(
            account(household).id, -price.at(at), merchant=merchant, pending=False, at=at
        )

    return perform


def _income(
    account: Callable[[Household], Account], payer: str, price: _Price, notes: str = "SALARY"
) -> Perform:
    def perform(household: Household, at: datetime) -> None:
        household.bank.receive(
            account(household).id,
            price.at(at),
            sender=payer,
            notes=notes,
            category="income",
            at=at,
        )

    return perform


def _share_of_household(account: Callable[[Household], Account]) -> Perform:
    """Pay a person's share of the household's costs into the joint account."""

    def perform(household: Household, at: datetime) -> None:
        household.bank.p2p(
            account(household).id, household.joint.id, 105_000, notes="Household", at=at
        )

    return perform


def _standing_order(pot: Callable[[Household], Pot], amount: int) -> Perform:
    """Deposit into a pot, as a scheduled deposit of the app does."""

    def perform(household: Household, at: datetime) -> None:
        target = pot(household)
        household.bank.deposit(
            target.id,
            target.account_id,
            amount,
            f"scheduled:{target.id}:{at.date()}",
            trigger="scheduled",
            at=at,
        )

    return perform


def _energy(household: Household, at: datetime) -> None:
    """Pay for energy from the bills pot: more in winter."""
    winter = abs(at.month - 7)
    household.bank.direct_debit(
        household.joint.id,
        -(6_140 + winter * 1_290 + at.year % 7 * 13),
        payee="Brightside Energy",
        pot_id=household.bills.id,
        at=at,
    )


def _save_the_rest(household: Household, at: datetime) -> None:
    """Put the money above a set balance into the savings pot."""
    rest = (household.current.balance - _KEPT_IN_CURRENT) // 1_000 * 1_000
    if rest > 0:
        household.bank.deposit(
            household.isa.id, household.current.id, rest, f"rest:{at.date()}", at=at
        )


def _bens_savings(household: Household, at: datetime) -> None:
    """Send money to a savings account at another bank."""
    household.bank.send(household.bens.id, 95_000, payee="Ben Baker", notes="Savings", at=at)


def _go_on_holiday(household: Household, at: datetime) -> None:
    """Pay for a holiday from its pot as soon as there is enough."""
    if household.holiday.balance < _HOLIDAY_PRICE:
        return
    bank, account = household.bank, household.current
    bank.withdraw(household.holiday.id, account.id, _HOLIDAY_PRICE, f"holiday:{at.date()}", at=at)
    paid = at + timedelta(minutes=4)
    bank.pay(account.id, -_HOLIDAY_PRICE, merchant="Gull Ferries", pending=False, at=paid)


def _empty_coin_jar(household: Household, at: datetime) -> None:
    jar, account = household.coin_jar, household.current
    if jar.balance:
        household.bank.withdraw(jar.id, account.id, jar.balance, f"jar:{at.date()}", at=at)


def _current(household: Household) -> Account:
    return household.current


def _joint(household: Household) -> Account:
    return household.joint


def _bens(household: Household) -> Account:
    return household.bens


REGULAR_EVENTS: tuple[RegularEvent | WeeklyEvent, ...] = (
    RegularEvent(
        day=25,
        perform=_income(_current, "Harbour Design Ltd", _Price(265_000, rise=7_500)),
        working_day=previous_working_day,
        at=time(0, 35),
    ),
    RegularEvent(
        day=24,
        perform=_income(_bens, "City Trams", _Price(231_500, rise=5_200)),
        working_day=previous_working_day,
        at=time(1, 10),
    ),
    RegularEvent(day=26, perform=_bens_savings, at=time(6, 20)),
    RegularEvent(day=26, perform=_share_of_household(_current), at=time(6, 30)),
    RegularEvent(day=26, perform=_share_of_household(_bens), at=time(6, 31)),
    RegularEvent(day=26, perform=_standing_order(lambda home: home.holiday, 15_000), at=time(7)),
    RegularEvent(day=26, perform=_standing_order(lambda home: home.rainy_day, 10_000), at=time(7)),
    RegularEvent(day=26, perform=_standing_order(lambda home: home.bills, 29_500), at=time(7)),
    RegularEvent(day=26, perform=_standing_order(lambda home: home.house, 15_000), at=time(7)),
    RegularEvent(day=1, perform=_direct_debit(_joint, "Mill Street Lettings", _Price(115_000))),
    RegularEvent(
        day=1,
        perform=_bill("City Council", _Price(14_200, rise=640)),
        # As everywhere in England, council tax is paid in ten instalments.
        months=(*range(4, 13), 1),
    ),
    RegularEvent(day=9, perform=_energy),
    RegularEvent(day=12, perform=_bill("Moorland Water", _Price(3_120, rise=180))),
    RegularEvent(day=18, perform=_bill("Threadnet Broadband", _Price(3_400, rise=250))),
    RegularEvent(
        day=14,
        perform=_direct_debit(_current, "Hearth Insurance", _Price(18_640, rise=1_120)),
        months=(3,),
    ),
    RegularEvent(
        day=3,
        perform=_direct_debit(
            _current, "Ironworks Gym", _Price(2_999, rise=200), category="personal_care"
        ),
    ),
    RegularEvent(day=9, perform=_direct_debit(_current, "Chirp Mobile", _Price(1_400, rise=150))),
    RegularEvent(
        day=7, perform=_direct_debit(_current, "Otter Trust", _Price(1_000), category="charity")
    ),
    RegularEvent(
        day=16,
        perform=_subscription(_current, "Streamly", _Price(1_299, rise=100)),
        working_day=None,
        at=time(9, 2),
    ),
    RegularEvent(
        day=21,
        perform=_subscription(_current, "Skyvault", _Price(249)),
        working_day=None,
        at=time(10, 15),
    ),
    RegularEvent(
        day=11,
        perform=_subscription(_current, "Lingua", _Price(999)),
        # Ann begins to learn a language each winter, and gives up in spring.
        months=range(1, 6),
        working_day=None,
        at=time(18, 20),
    ),
    WeeklyEvent(
        first=date(2026, 1, 12),
        weeks=4,
        perform=_income(_joint, "Child Benefit", _Price(10_240, rise=340), notes="BENEFIT"),
        at=time(0, 50),
    ),
    WeeklyEvent(
        first=date(2026, 1, 8),
        weeks=1,
        perform=_subscription(_joint, "Allotment Box", _Price(1_850, rise=100)),
        working_day=None,
        at=time(6, 45),
    ),
    RegularEvent(day=21, perform=_save_the_rest, working_day=None, at=time(21, 30)),
    RegularEvent(day=15, perform=_go_on_holiday, working_day=None, at=time(19, 45)),
    RegularEvent(day=20, perform=_empty_coin_jar, working_day=None, at=time(20, 5)),
)


# Everyday events


@dataclass(frozen=True, kw_only=True)
class _Everyday(ABC):
    """A payment that people make now and then."""

    least: int
    most: int
    step: int = 1
    """Amounts are a whole number of steps above the least one, in pence."""

    probability: float
    """The probability on each of the weekdays."""

    earliest: int
    """The first hour at which it occurs."""

    hours: int = 3
    weekdays: Collection[int] = range(7)
    account: Callable[[Household], Account] = _current

    def time_of_day(self, random: Random) -> time:
        """Return a time at which it may occur."""
        minutes = self.earliest * 60 + random.randrange(self.hours * 60)
        return time(minutes // 60, minutes % 60, random.randrange(60))

    def choose(self, random: Random) -> Perform:
        """Return the payment with a random amount."""
        amount = random.randrange(self.least, self.most + 1, self.step)

        def perform(household: Household, at: datetime) -> None:
            self.pay(household, amount, at)

        return perform

    @abstractmethod
    def pay(self, household: Household, amount: int, at: datetime) -> None:
        """Make the payment; the amount is positive."""


@dataclass(frozen=True, kw_only=True)
class _Purchase(_Everyday):
    merchant: str

    @override
    def pay(self, household: Household, amount: int, at: datetime) -> None:
        household.bank.pay(
            self.account(household).id,
            -amount,
            merchant=self.merchant,
            pending=household.bank.clock() - at < _SETTLED_AFTER,
            at=at,
        )


@dataclass(frozen=True, kw_only=True)
class _PaymentToFriend(_Everyday):
    friend: str

    @override
    def pay(self, household: Household, amount: int, at: datetime) -> None:
        household.bank.send(self.account(household).id, amount, payee=self.friend, at=at)


@dataclass(frozen=True, kw_only=True)
class _PaymentFromFriend(_Everyday):
    friend: str

    @override
    def pay(self, household: Household, amount: int, at: datetime) -> None:
        household.bank.receive(self.account(household).id, amount, sender=self.friend, at=at)


_SETTLED_AFTER = timedelta(days=2)

_WORKDAYS = range(_SATURDAY)
_WEEKEND = (_SATURDAY, _SUNDAY)

_EVERYDAY: tuple[_Everyday, ...] = (
    _Purchase(
        merchant="City Trams",
        least=250,
        most=250,
        probability=0.8,
        earliest=7,
        hours=2,
        weekdays=_WORKDAYS,
    ),
    _Purchase(
        merchant="City Trams",
        least=250,
        most=250,
        probability=0.7,
        earliest=17,
        hours=2,
        weekdays=_WORKDAYS,
    ),
    _Purchase(
        merchant="Copper Kettle",
        least=280,
        most=460,
        probability=0.55,
        earliest=8,
        weekdays=_WORKDAYS,
    ),
    _Purchase(
        merchant="Deli", least=520, most=980, probability=0.4, earliest=12, weekdays=_WORKDAYS
    ),
    _Purchase(
        merchant="Noodle Corner",
        least=1_690,
        most=4_280,
        probability=0.5,
        earliest=19,
        weekdays=(_FRIDAY, _SATURDAY),
    ),
    _Purchase(merchant="Corner Shop", least=185, most=1_090, probability=0.25, earliest=16),
    _Purchase(merchant="Bookworm", least=599, most=2_499, probability=0.08, earliest=12),
    _Purchase(merchant="Gadget Shed", least=1_899, most=8_900, probability=0.03, earliest=20),
    _Purchase(
        merchant="Picture House",
        least=1_150,
        most=2_300,
        probability=0.25,
        earliest=18,
        weekdays=(_SATURDAY,),
    ),
    _Purchase(merchant="Pump & Go", least=3_100, most=5_900, probability=0.07, earliest=9),
    _Purchase(
        merchant="Greens Market",
        least=5_800,
        most=9_400,
        probability=0.95,
        earliest=10,
        weekdays=(_SATURDAY,),
        account=_joint,
    ),
    _Purchase(
        merchant="Greens Market",
        least=1_450,
        most=3_350,
        probability=0.7,
        earliest=17,
        weekdays=(_WEDNESDAY,),
        account=_joint,
    ),
    _Purchase(
        merchant="Corner Shop",
        least=240,
        most=1_480,
        probability=0.5,
        earliest=10,
        weekdays=_WEEKEND,
        account=_joint,
    ),
    _Purchase(
        merchant="Deli",
        least=620,
        most=1_350,
        probability=0.5,
        earliest=12,
        weekdays=_WORKDAYS,
        account=_bens,
    ),
    _PaymentToFriend(
        friend="Cleo Clark", least=500, most=3_000, step=500, probability=0.06, earliest=18
    ),
    _PaymentFromFriend(
        friend="Cleo Clark", least=500, most=3_000, step=500, probability=0.06, earliest=20
    ),
)
