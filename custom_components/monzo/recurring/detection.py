"""Detection of recurring payments in past transactions."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
import hashlib
from itertools import chain
import re
from typing import Final, Literal, NamedTuple

from ..api import Money, Private
from ..transactions import TransactionKind
from .agreements import PUNCTUALITY, find_agreements
from .expected_amount import are_same, estimate
from .past_payments import PastPayments, PayeeId
from .payees import Family, Payee, Row
from .schedule import Cadence, Schedule
from .series import Occurrence, Series, learn_skipped_months, skip_months

type Direction = Literal["out", "in"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RecurringPayment(Private):
    """A recurring payment, with its past and its next day."""

    key: str
    """An ID that does not change with further payments, new prices and moved days."""

    account: str
    payee: str
    direction: Direction
    kind: TransactionKind
    cadence: Cadence

    minor: int
    """The expected amount in minor units; negative for outgoing payments."""

    currency: str

    is_exact: bool
    """Whether the amount is always the same, apart from changes of the price."""

    next: date
    """The day in London on which the next payment is expected."""

    due: date
    """The due day of the first payment after the last one that was made.

    If payments were missed, it is before `next`.
    """

    schedule: Schedule

    occurrences: tuple[Occurrence, ...]
    """The payments that were made, oldest first."""

    @property
    def last(self) -> date:
        """The day in London of the last payment."""
        return self.occurrences[-1].day

    @property
    def transaction_ids(self) -> tuple[str, ...]:
        """The transactions of all payments, oldest first."""
        return tuple(id_ for it in self.occurrences for id_ in it.transaction_ids)

    @property
    def amount(self) -> Money:
        """The expected amount; negative for outgoing payments."""
        return Money.from_minor(self.minor, self.currency)

    def days_until(self, until: date) -> Iterator[date]:
        """Yield the expected days from the next payment until a day, which is included."""
        yield from (day for day in (self.next,) if day <= until)
        # An overdue payment and the one after it are two payments.
        after = max(self.next, self.due) + timedelta(days=1)
        yield from self.schedule.days_from(after, until)


def detect(
    rows: Iterable[Row], today: date, continued: Collection[str] = ()
) -> list[RecurringPayment]:
    """Return the recurring payments that have not ended, in the order of their next days.

    `today` is the day in London. The order of rows does not matter, and a repeated row counts once.
    `continued` has the keys of payments that people have confirmed: these end only after one more
    missed payment.
    """
    return _search(rows, today).find(continued).payments


def propose(
    rows: Iterable[Row], today: date, continued: Collection[str] = ()
) -> list[RecurringPayment]:
    """Return payments to people and into pots that may recur, in the same form as `detect`.

    They are too few or too irregular to be certain, so a person has to confirm them. A payment
    keeps its key if it is detected later.
    """
    return _search(rows, today).find(continued).proposals


def _search(rows: Iterable[Row], today: date) -> Search:
    search = Search(today)
    for row in rows:
        search.put(row)
    return search


class Found(NamedTuple):
    """Recurring payments, by their next days."""

    payments: list[RecurringPayment]
    """See `detect`."""

    proposals: list[RecurringPayment]
    """See `propose`."""


class _Agreements(NamedTuple):
    """The series of a payee."""

    payee: Payee
    agreed: list[Series]
    proposed: list[Series]


_PROPOSED: Final = frozenset({Family.PERSON, Family.POT})

# The rarest payments are yearly, so a payee without payments for longer has no recurring ones.
_LONGEST_PAUSE: Final = timedelta(days=400)


class Search:
    """Finds recurring payments on one day, also after transactions have changed.

    Then it searches only the payees that these concern, because a whole search takes seconds for a
    busy account.
    """

    def __init__(self, today: date) -> None:
        """Initialize without any transaction."""
        self.today = today
        self._past = PastPayments(today)
        self._agreements: dict[PayeeId, _Agreements] = {}
        self._found: dict[PayeeId, Found] = {}
        self._continued: frozenset[str] = frozenset()

    def put(self, row: Row) -> None:
        """Add a transaction, or replace it if it is known."""
        self._past.put(row)

    def remove(self, transaction_id: str) -> None:
        """Remove a transaction if it is known."""
        self._past.remove(transaction_id)

    def find(self, continued: Collection[str] = ()) -> Found:
        """Return what `detect` and `propose` return for the transactions."""
        if self._continued != frozenset(continued):
            self._continued = frozenset(continued)
            self._found.clear()
        for id_, payee in self._past.take_changed():
            self._forget(id_)
            self._search(id_, payee)
        for id_ in [id_ for id_ in self._agreements if not self._past.is_current(id_)]:
            self._forget(id_)
        for id_ in self._agreements.keys() - self._found.keys():
            self._found[id_] = self._payments(self._agreements[id_])
        found = self._found.values()
        return Found(
            payments=_by_next_day(chain.from_iterable(it.payments for it in found)),
            proposals=_by_next_day(chain.from_iterable(it.proposals for it in found)),
        )

    def _forget(self, id_: PayeeId) -> None:
        self._agreements.pop(id_, None)
        self._found.pop(id_, None)

    def _search(self, id_: PayeeId, payee: Payee) -> None:
        if payee.last < self.today - _LONGEST_PAUSE:
            return
        agreed = find_agreements(payee, payee.rules)
        may_be_proposed = payee.family in _PROPOSED and not agreed
        proposed = find_agreements(payee, Family.PROPOSAL) if may_be_proposed else []
        if agreed or proposed:
            self._agreements[id_] = _Agreements(payee, agreed, proposed)

    def _payments(self, agreements: _Agreements) -> Found:
        payee, agreed, proposed = agreements
        return Found(
            payments=[*_payments(payee, agreed, self.today, self._continued)],
            proposals=[*_payments(payee, proposed, self.today, self._continued)],
        )


def _by_next_day(payments: Iterable[RecurringPayment]) -> list[RecurringPayment]:
    return sorted(payments, key=lambda payment: (payment.next, payment.payee, payment.key))


def _payments(
    payee: Payee, found: Iterable[Series], today: date, continued: Collection[str]
) -> Iterator[RecurringPayment]:
    """Yield the recurring payments of a payee that have not ended, by its series."""
    keys: set[str] = set()
    for series in sorted(found, key=lambda it: (it.occurrences, it.schedule.name)):
        # The oldest payment keeps its key when another one begins. The others keep theirs when it
        # ends.
        key = payee.key if not keys else f"{payee.key}\n{series.schedule.name}"
        while key in keys:
            key += "\nanother"
        keys.add(key)
        short_key = hashlib.sha256(key.encode()).hexdigest()[:16]
        missed = int(short_key in continued)
        payment = _payment(payee, series, short_key, today, missed)
        if payment is not None:
            yield payment


# A payment has ended if it is overdue by its tolerance and this many days.
_GRACE: Final = 3


def _payment(
    payee: Payee, series: Series, key: str, today: date, missed: int
) -> RecurringPayment | None:
    """Return a series as a recurring payment; None if it has ended.

    It ends only after more than `missed` missed payments.
    """
    newest = set(series.last.transaction_ids)
    last = next(
        it for it in reversed(payee.payments) if newest.issuperset(it.occurrence.transaction_ids)
    )
    tolerance = PUNCTUALITY[payee.family].tolerance
    series = learn_skipped_months(series)
    expectation = _expectation(series, tolerance, today, missed)
    if payee.family is Family.DIRECT_DEBIT and _is_council_tax(
        series, last.name, has_paused=expectation is None
    ):
        series = skip_months(series, _COUNCIL_TAX_SKIPS)
        expectation = _expectation(series, tolerance, today, missed)
    if expectation is None:
        return None
    is_exact = are_same(series.amounts)
    return RecurringPayment(
        key=key,
        account=last.identity.account,
        payee=last.name,
        direction="out" if last.occurrence.minor < 0 else "in",
        kind=TransactionKind(last.kind),
        cadence=series.schedule.cadence,
        minor=series.last.minor if is_exact else estimate(series, expectation.next),
        currency=last.identity.currency,
        is_exact=is_exact,
        next=expectation.next,
        due=expectation.due,
        schedule=series.schedule,
        occurrences=series.occurrences,
    )


_COUNCIL: Final = re.compile(
    r"\b(council|borough|county|royal greenwich|city of|lb|cc|[bdm]{1,2}c|c ?tax)\b", re.IGNORECASE
)
_COUNCIL_TAX_SKIPS: Final = frozenset({2, 3})
_INSTALMENTS: Final = 10
_SIGNS: Final = 2
_JANUARY: Final = 1


def _is_council_tax(series: Series, name: str, *, has_paused: bool) -> bool:
    """Return whether a direct debit is paid in ten instalments, even before the first pause.

    Two of three signs are enough: the name of a council, ten instalments from April to January, and
    a pause after them. One is not enough, because people may ask for twelve instalments, and
    councils run gyms.
    """
    if not series.is_monthly or series.slots[-1] % 12 + 1 != _JANUARY:
        return False
    newest = series.slots[-_INSTALMENTS:]
    are_ten = newest[-1] - newest[0] + 1 == len(newest) == _INSTALMENTS
    return sum((_COUNCIL.search(name) is not None, are_ten, has_paused)) >= _SIGNS


class _Expectation(NamedTuple):
    """The due day and the next day of a payment; see `RecurringPayment`."""

    due: date
    next: date


def _expectation(series: Series, tolerance: int, today: date, missed: int) -> _Expectation | None:
    """Return the days of the next payment; None if the payments have ended."""
    schedule = series.schedule
    slot = schedule.next_slot(series.slots[-1])
    due = schedule.day_of(slot)
    last_chance = schedule.day_of(slot + series.usual_interruption + missed)
    # If the last payment was even later, the customer may have moved its day.
    patience = max(tolerance, series.deviations[-1])
    if today > last_chance + timedelta(days=patience + _GRACE):
        return None
    late = timedelta(days=min(max(0, *series.deviations), patience))
    while (day := schedule.day_of(slot)) + late < today:
        slot = schedule.next_slot(slot)
    return _Expectation(due, max(day, today))
