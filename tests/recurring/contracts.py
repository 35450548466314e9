"""Contracts of a household, and what follows from them, computed without the integration.

A person who knows all contracts and balances can say on each day what is left to spend. Detection
only sees the payments of the past, so it cannot know some things yet: a contract that began lately
or was cancelled, and the next price. `Contract.views` lists what can be believed about a contract,
beginning with the truth.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from itertools import pairwise, product, takewhile
from typing import Final, NamedTuple, Protocol

from custom_components.monzo.transactions import TransactionKind

from .households import LONDON, as_it_is, following, monthly

type Days = Callable[[], Iterator[date]]

CARD = TransactionKind.CARD_PAYMENT
DEBIT = TransactionKind.DIRECT_DEBIT
PERSON = TransactionKind.OUTGOING_PAYMENT
INCOME = TransactionKind.INCOMING_PAYMENT
POT = TransactionKind.POT_DEPOSIT

MONTHLY, QUARTERLY, YEARLY = 12.0, 4.0, 1.0
WEEKLY, FOUR_WEEKLY = 365.25 / 7, 365.25 / 28

FORECAST_DAYS = 31
CALENDAR_DAYS = 40

# The documented numbers of payments after which one is detected.
_FEWEST = {CARD: 3, DEBIT: 3, PERSON: 5, INCOME: 3, POT: 5}
_FEWEST_WEEKLY = 4
_FEWEST_YEARLY = 2

_FORESEEN = timedelta(days=62)

# A payment has ended so many days after the first one that was not made.
_AWAITED = timedelta(days=6)

# Over Easter, banks do not work for so many days.
_LONGEST_SHIFT = 4

# Council tax is paid in so many instalments, and then not for two months.
_INSTALMENTS = 10
_PAUSE = timedelta(days=45)

# With so few payments, a price that changed once may be one that varies.
_FEW = 3

# An estimate is useful if it is at most so much of the amount away.
_ESTIMATE = 0.45

# Contracts of which something is not known are rare. More would take too long.
_MOST_UNCERTAIN = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Contract:
    """A contract by which an account pays or is paid."""

    name: str
    kind: TransactionKind
    days: Days
    """The days of all payments, on which banks work if that matters."""

    amount: Callable[[date], int]
    """In pence; negative when money goes out."""

    per_year: float = MONTHLY
    pot: str | None = None
    """The ID of the pot that the payment fills, or that pays it."""

    seeming_days: Days | None = None
    """The days as they seem before the first pause of the year; None without a pause."""

    varies: bool = False
    cancelled: date = date.max
    """No payment is made from that day on."""

    at: time = time(5, 40)

    def payments(self, last: date) -> list[date]:
        """Return the days of payments up to a day, as if the contract was never cancelled."""
        return list(takewhile(lambda day: day <= last, self.days()))

    def made(self, moment: datetime) -> list[date]:
        """Return the days of the payments that were made until a moment."""
        today = moment.astimezone(LONDON).date()
        return [
            day
            for day in self.payments(today)
            if day < self.cancelled and datetime.combine(day, self.at, LONDON) <= moment
        ]

    @property
    def fewest(self) -> int:
        """The number of payments after which it is detected."""
        if self.per_year == YEARLY:
            return _FEWEST_YEARLY
        return max(_FEWEST[self.kind], _FEWEST_WEEKLY if self.per_year == WEEKLY else 0)

    def views(self, moment: datetime) -> Iterator[View]:
        """Yield what can be believed about the next payments; first the truth."""
        today = moment.astimezone(LONDON).date()
        made = self.made(moment)
        if not made and next(self.days()) > today:
            # It was not concluded yet.
            return
        coming = [
            day for day in self.payments(today + _FORESEEN) if day >= today and day not in set(made)
        ]
        true_days = [day for day in coming if day < self.cancelled]
        # One of the first amounts that differs may be a rise, or amounts may vary.
        paid = {self.amount(day) for day in made}
        view = partial(self._view, is_estimate=self.varies or (len(paid) > 1 and len(made) <= _FEW))
        yield view(true_days, [self.amount(day) for day in true_days])
        if not made:
            yield view([], [])
            return
        if self.cancelled <= today:
            if today > next(day for day in self.days() if day >= self.cancelled) + _AWAITED:
                return
        elif len(made) < self.fewest:
            yield view([], [])
        last = self.amount(made[-1])
        known = [self.amount(day) if self.varies else last for day in coming]
        yield view(coming, known)
        if self.per_year == YEARLY:
            for days in _days_by_year(made, coming):
                yield view(days, known)
        if self.seeming_days is not None and not _has_paused(made):
            until = takewhile(lambda day: day <= today + _FORESEEN, self.seeming_days())
            seeming = [day for day in until if day >= today and day > made[-1]]
            yield view(seeming, [last for _day in seeming])

    def _view(self, days: Sequence[date], amounts: Sequence[int], *, is_estimate: bool) -> View:
        return View(self, dict(zip(days, amounts, strict=True)), is_estimate)


def _has_paused(made: Sequence[date]) -> bool:
    """Return whether ten instalments were made in a row, or one after a pause."""
    is_after_pause = any(after - before > _PAUSE for before, after in pairwise(made))
    return is_after_pause or len(made) >= _INSTALMENTS


def _days_by_year(made: Sequence[date], coming: Sequence[date]) -> Iterator[Sequence[date]]:
    """Yield the next days of a yearly payment for each day of the year that explains the past.

    Payments that moved over weekends and bank holidays do not tell it.
    """
    for days in range(_LONGEST_SHIFT + 1):
        nominal = made[-1] - timedelta(days=days)
        if all(following(_in_year(nominal, it.year)) == it for it in made):
            yield [following(_in_year(nominal, it.year)) for it in coming]


def _in_year(day: date, year: int) -> date:
    return next(monthly(date(year, day.month, 1), day.day, as_it_is))


class View(NamedTuple):
    """What is believed about the next payments of a contract."""

    contract: Contract
    payments: Mapping[date, int]

    is_estimate: bool
    """Whether the past does not tell the amounts exactly."""


class Books(NamedTuple):
    """An account at a moment."""

    moment: datetime
    balance: int
    pots: Mapping[str, int]
    contracts: Sequence[Contract]

    @property
    def today(self) -> date:
        """The day in London."""
        return self.moment.astimezone(LONDON).date()


class Answer(NamedTuple):
    """The value of a sensor that follows from contracts, and how far an estimate may be away."""

    value: object
    tolerance: int = 0


def believed(books: Books) -> Iterator[Sequence[View]]:
    """Yield all combinations of views on the contracts; first the truth."""
    views = [_different(contract.views(books.moment)) for contract in books.contracts]
    assert sum(len(it) > 1 for it in views) <= _MOST_UNCERTAIN
    yield from product(*(it for it in views if it))


def _different(views: Iterable[View]) -> list[View]:
    found: list[View] = []
    for view in views:
        if view not in found:
            found.append(view)
    return found


def next_pay_day(views: Iterable[View]) -> date | None:
    """Return the next day on which one of the main incomes comes."""
    incomes = [it for it in views if it.payments and next(iter(it.payments.values())) > 0]
    greatest = max(map(_per_month, incomes), default=0)
    return min((min(it.payments) for it in incomes if _per_month(it) * 2 >= greatest), default=None)


def calendar(views: Iterable[View], first: date) -> list[tuple[date, str]]:
    """Return the days and names of the next payments from a day on."""
    return sorted(
        (day, it.contract.name)
        for it in views
        for day in it.payments
        if first <= day <= first + timedelta(days=CALENDAR_DAYS)
    )


def answers(books: Books, views: Sequence[View], pay_day: date | None) -> dict[str, Answer]:
    """Return the value of each sensor of an account."""
    today = books.today
    subscribed = [it for it in views if it.contract.kind is CARD and it.payments]
    found = {
        "subscriptions_per_month": Answer(
            -sum(round(_per_month(it)) for it in subscribed),
            sum(_slack(it, round(_per_month(it))) for it in subscribed),
        ),
        "calendar": Answer(calendar(views, today)),
    }
    if pay_day is None:
        unknown = ("upcoming", "left", "per_day", "lowest", "lowest_day", "shortfall")
        return found | {key: Answer(None) for key in unknown}
    outgoing = [it for it in views if any(minor < 0 for minor in it.payments.values())]
    changes, slack = _changes(books, outgoing, pay_day - timedelta(days=1))
    upcoming = -sum(changes.values())
    left, days = books.balance - upcoming, max(1, (pay_day - today).days)
    found["upcoming"] = Answer(upcoming, slack)
    found["left"] = Answer(left, slack)
    found["per_day"] = Answer(max(0, left) // days, -(-slack // days))

    last = today + timedelta(days=FORECAST_DAYS - 1)
    changes, slack = _changes(books, views, last)
    balance, balances = books.balance, []
    for number in range(FORECAST_DAYS):
        day = today + timedelta(days=number)
        balance += changes[day]
        balances.append((balance, day))
    lowest, lowest_day = min(balances)
    found["lowest"] = Answer(lowest, slack)
    found["lowest_day"] = Answer(lowest_day, slack)
    short = next((day for balance, day in balances if balance < 0), None)
    found["shortfall"] = Answer(short, slack)
    return found


def _per_month(view: View) -> float:
    amounts = list(view.payments.values())
    return amounts[0] * view.contract.per_year / 12 if amounts else 0


def _slack(view: View, minor: int) -> int:
    """Return how far an estimate of an amount may be away."""
    return round(abs(minor) * _ESTIMATE) if view.is_estimate else 0


def _changes(books: Books, views: Iterable[View], last: date) -> tuple[dict[date, int], int]:
    """Return the changes of the balance on each day, and how far estimates may be away."""
    pots = dict(books.pots)
    changes: defaultdict[date, int] = defaultdict(int)
    slack = 0
    payments = [
        (day, minor, it) for it in views for day, minor in it.payments.items() if day <= last
    ]
    # Pots are filled before they pay.
    for day, minor, view in sorted(
        payments, key=lambda it: (it[0], it[2].contract.kind is not POT)
    ):
        contract, change = view.contract, minor
        if contract.kind is POT and contract.pot:
            pots[contract.pot] -= minor
        elif contract.pot:
            from_pot = max(0, min(pots[contract.pot], -minor))
            pots[contract.pot] -= from_pot
            change += from_pot
        changes[day] += change
        slack += _slack(view, minor)
    return changes, slack


def moment_on(day: date, at: time) -> datetime:
    """Return a moment of a day in London."""
    return datetime.combine(day, at, LONDON).astimezone(UTC)


class Verdict(StrEnum):
    """How a value agrees with the contracts."""

    RIGHT = "right"
    ESTIMATED = "estimated"
    """It is not far away, and said to be no exact one."""
    NOT_KNOWN_YET = "not known yet"
    """It is right if the contracts are as they seem: they began or ended lately, or a new price is
    still to come."""
    WRONG = "wrong"


# At most this share of values may depend on changes that cannot be seen yet.
_MOST_NOT_KNOWN_YET: Final = 0.1


class Compared(Protocol):
    """A value that was compared with the contracts."""

    @property
    def verdict(self) -> Verdict:
        """How the value agrees with the contracts."""


def check_agreement(name: str, compared: Sequence[Compared]) -> None:
    """Print the shares of the verdicts, and check that no value is wrong and most are known."""
    counts = Counter(it.verdict for it in compared)
    shares = ", ".join(f"{counts[it] / len(compared):.1%} {it}" for it in Verdict)
    print(f"{name}: {len(compared)} values, {shares}")  # noqa: T201 - for the reader of the proof
    wrong = [it for it in compared if it.verdict is Verdict.WRONG]
    assert wrong == [], wrong
    assert counts[Verdict.NOT_KNOWN_YET] <= _MOST_NOT_KNOWN_YET * len(compared)


def verdict(value: object, is_exact: bool, wanted: Sequence[Answer]) -> Verdict:  # noqa: FBT001 - both belong together
    """Return how a value agrees with answers, of which the first one is the truth."""
    for answer in wanted:
        is_truth = answer is wanted[0]
        if value == answer.value:
            return Verdict.RIGHT if is_truth else Verdict.NOT_KNOWN_YET
        if is_exact or not answer.tolerance:
            continue
        if isinstance(value, int) and isinstance(answer.value, int):
            is_near = abs(value - answer.value) <= answer.tolerance
        else:
            # On which day the balance is lowest or too low depends on the estimates.
            is_near = True
        if is_near:
            return Verdict.ESTIMATED if is_truth else Verdict.NOT_KNOWN_YET
    return Verdict.WRONG
