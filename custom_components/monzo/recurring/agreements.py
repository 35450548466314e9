"""Agreements: regular payments because of a contract, rather than by habit or chance."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from .payees import Family, Payee
from .schedule import Cadence, Shift
from .schedule_search import Punctuality
from .series import MIN_FIT, Occurrence, Series, find_series, merge_days

PUNCTUALITY: Final = {
    Family.CARD: Punctuality(shifts=(Shift.NONE,), tolerance=2, equal_months=True),
    Family.DIRECT_DEBIT: Punctuality(shifts=(Shift.NEXT, Shift.NONE), tolerance=3),
    Family.PERSON: Punctuality(shifts=(Shift.NEXT, Shift.NONE, Shift.PREVIOUS), tolerance=2),
    Family.INCOME: Punctuality(
        shifts=(Shift.PREVIOUS, Shift.NEXT, Shift.NONE),
        tolerance=2,
        weekday_rules=True,
    ),
    Family.POT: Punctuality(shifts=(Shift.NEXT, Shift.NONE), tolerance=1),
    Family.PROPOSAL: Punctuality(shifts=(Shift.NEXT, Shift.NONE, Shift.PREVIOUS), tolerance=2),
    # A standing order moves to the next working day, and a salary to the one before.
    Family.SHARE: Punctuality(
        shifts=(Shift.NEXT, Shift.PREVIOUS, Shift.NONE), tolerance=2, weekday_rules=True
    ),
}

_WEEK: Final = frozenset({Cadence.WEEK})
_FORTNIGHT: Final = frozenset({Cadence.FORTNIGHT})
_SHORT: Final = _WEEK | _FORTNIGHT
_LONG: Final = frozenset({Cadence.FOUR_WEEKS, Cadence.MONTH, Cadence.QUARTER})
_MONTH: Final = frozenset({Cadence.MONTH})
_QUARTER: Final = frozenset({Cadence.QUARTER})
_YEAR: Final = frozenset({Cadence.YEAR})

# One price rise per so many payments is allowed if amounts must be equal.
_PAYMENTS_PER_RISE: Final = 6

# One change of the schedule per so many payments is allowed.
_PAYMENTS_PER_CHANGE: Final = 6

# One pair of consecutive amounts out of so many may differ by more than the others.
_PAIRS_PER_EXCEPTION: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """Conditions that payments must meet, so that habit or chance cannot explain them."""

    cadences: frozenset[Cadence]
    fewest: int
    """The minimum number of payments."""

    spread: float | None = 0
    """The fraction by which consecutive amounts may differ.

    With 0 they must be equal, except for price rises. With None, any amounts are allowed.
    """

    deviation: float
    """The maximum mean distance from the scheduled days, in days."""

    filled: float = 0.75
    """The minimum share of slots in which a payment was made."""

    least: int = 0
    """The minimum amount, in minor units."""

    exclusive: bool = False
    """Whether other payments to the payee are excluded."""

    def are_met_by(self, series: Series) -> bool:
        """Return whether the payments meet all conditions."""
        return (
            series.schedule.cadence in self.cadences
            and len(series.occurrences) >= self.fewest
            and series.mean_deviation <= self.deviation
            and series.filled >= self.filled
            and abs(series.last.minor) >= self.least
            and series.changes <= len(series.occurrences) // _PAYMENTS_PER_CHANGE
            and not (self.exclusive and series.misfits)
            and _differ_by_at_most(series.amounts, self.spread)
        )


def _differ_by_at_most(amounts: Sequence[int], spread: float | None) -> bool:
    if spread is None:
        return True
    pairs = list(pairwise(amounts))
    if not spread:
        changes = sum(before != after for before, after in pairs)
        return changes <= max(1, len(amounts) // _PAYMENTS_PER_RISE)
    far = sum(abs(after / before - 1) > spread for before, after in pairs)
    return far <= len(amounts) // _PAIRS_PER_EXCEPTION


# People are less punctual than a bank, so irregular payments between friends are no agreements.
# Rent is an exception: friends hardly send each other so much each month.
_STANDING_ORDER: Final = (
    _Terms(cadences=_LONG, fewest=5, deviation=0.5),
    _Terms(cadences=_SHORT, fewest=5, deviation=0.5, filled=0.85),
    _Terms(cadences=_MONTH, fewest=8, deviation=2, filled=0.9, least=20_000),
)

_INCOME: Final = (
    _Terms(cadences=_LONG, fewest=3, spread=0.35, deviation=1),
    _Terms(cadences=_SHORT, fewest=4, spread=0.35, deviation=0.75),
    _Terms(cadences=_LONG | _SHORT, fewest=5, spread=None, deviation=0.5, exclusive=True),
)

# One of these must be met. The fewer payments there are, the more punctual they must be.
_TERMS: Final = {
    Family.DIRECT_DEBIT: (
        _Terms(cadences=_LONG, fewest=3, spread=None, deviation=1.5),
        # Meters may be read some days early or late.
        _Terms(cadences=_QUARTER, fewest=4, spread=None, deviation=3, filled=0.9),
        _Terms(cadences=_SHORT, fewest=4, spread=None, deviation=0.75),
        _Terms(cadences=_YEAR, fewest=2, spread=1, deviation=3),
    ),
    Family.INCOME: _INCOME,
    Family.SHARE: _INCOME,
    Family.CARD: (
        _Terms(cadences=_LONG, fewest=3, deviation=0),
        _Terms(cadences=_LONG, fewest=4, deviation=0.7),
        _Terms(cadences=_LONG, fewest=6, deviation=1.2),
        _Terms(cadences=_YEAR, fewest=3, deviation=1),
        # People go to some shops every week, but they also miss weeks.
        _Terms(cadences=_WEEK, fewest=4, deviation=0.3, filled=0.95),
        # Purchases are often paid in four fortnightly instalments, and a second purchase may
        # follow.
        _Terms(cadences=_FORTNIGHT, fewest=9, deviation=0.3, filled=0.95),
        # Prices in a foreign currency.
        _Terms(cadences=_LONG, fewest=4, spread=0.15, deviation=0.7),
        # Prices that depend on usage.
        _Terms(
            cadences=_LONG,
            fewest=6,
            spread=None,
            deviation=0.3,
            filled=0.9,
            exclusive=True,
        ),
    ),
    Family.PERSON: _STANDING_ORDER,
    Family.POT: _STANDING_ORDER,
    Family.PROPOSAL: (
        _Terms(cadences=_LONG, fewest=3, deviation=2),
        _Terms(cadences=_SHORT, fewest=4, deviation=1),
    ),
}

_INCOMES: Final = frozenset({Family.INCOME, Family.SHARE})

# Friends send each other multiples of £5, but rarely more than £500.
_ROUND: Final = 500
_LARGE: Final = 50_000


def _is_agreed(series: Series, family: Family) -> bool:
    """Return whether payments follow an agreement, rather than habit or chance."""
    terms = _TERMS[family]
    if family in _INCOMES and series.last.minor <= _LARGE and not series.last.minor % _ROUND:
        terms = _STANDING_ORDER
    return any(it.are_met_by(series) for it in terms)


# Ways to split the payments to a payee


type _Split = Callable[[Sequence[Occurrence], Family], list[Series]]

# Another way of splitting must explain so many more of the payments. For a split by name, less is
# enough, because different names suggest it. A payee may also just have changed its name.
_CLEARLY_BETTER: Final = 0.07
_SLIGHTLY_BETTER: Final = 0.01
_PER_DAY_OF_DEVIATION: Final = 0.1
_PER_CHANGE: Final = 0.03

# If the days are a smaller fraction of the payments, several payments are often made on one day.
_SHARED_DAYS: Final = 0.75

# More frequent payments, in days on average, are no agreement.
_TOO_FREQUENT: Final = 2.5
_MANY: Final = 20


def find_agreements(payee: Payee, family: Family) -> list[Series]:
    """Return the series of payments to a payee that follow an agreement, including ended ones.

    The rules are those of the given family.
    """
    occurrences = [payment.occurrence for payment in payee.payments]
    found = _best_split(occurrences, family)
    by_name: dict[str, list[Occurrence]] = defaultdict(list)
    for payment in payee.payments:
        by_name[payment.identity.name].append(payment.occurrence)
    if len(by_name) == 1:
        return found
    # One company may collect for several payees under its own ID.
    separate = [series for of_name in by_name.values() for series in _best_split(of_name, family)]
    is_better = _quality(separate, occurrences) > _quality(found, occurrences) + _SLIGHTLY_BETTER
    return separate if is_better else found


def _is_too_frequent(occurrences: Sequence[Occurrence]) -> bool:
    days = (occurrences[-1].day - occurrences[0].day).days
    return len(occurrences) > _MANY and days < _TOO_FREQUENT * len(occurrences)


def _best_split(occurrences: Sequence[Occurrence], family: Family) -> list[Series]:
    """Return the series from the way of splitting that explains the payments best."""
    if _is_too_frequent(occurrences):
        return []
    splits = _SPLITS[family]
    if len({it.day for it in occurrences}) < _SHARED_DAYS * len(occurrences):
        # Payments for two contracts with one payee are often made on the same days.
        splits = (_by_amount, *splits)
    best: list[Series] = []
    highest = 0.0
    for split in splits:
        found = split(occurrences, family)
        quality = _quality(found, occurrences)
        if quality > highest + _CLEARLY_BETTER:
            best, highest = found, quality
    return best


def _quality(found: Sequence[Series], occurrences: Sequence[Occurrence]) -> float:
    """Return the share of payments that the series explain, reduced for poor explanations."""
    explained = 0.0
    for series in found:
        count = sum(len(it.transaction_ids) for it in series.occurrences)
        badly = _PER_DAY_OF_DEVIATION * series.mean_deviation + _PER_CHANGE * series.changes
        explained += count * (1 - badly)
    return explained / len(occurrences)


# The amounts in these families may vary with usage, or with the hours of work.
_ANY_AMOUNT: Final = _INCOMES | {Family.DIRECT_DEBIT}


def _as_one(occurrences: Sequence[Occurrence], family: Family) -> list[Series]:
    """Return all payments as a single series, or nothing if they are no series."""
    if family not in _ANY_AMOUNT and not _may_be_agreed(occurrences):
        return []
    series = find_series(merge_days(occurrences), PUNCTUALITY[family])
    if series is None or not _explains_all(series, family) or not _is_agreed(series, family):
        return []
    return [series]


_NEAR: Final = 0.15
_NEARLY_A_MONTH: Final = 25


def _may_be_agreed(occurrences: Sequence[Occurrence]) -> bool:
    """Return whether it is worth searching for a schedule, although amounts differ."""
    pairs = list(pairwise(occurrences))
    near = sum(abs(after.minor / before.minor - 1) <= _NEAR for before, after in pairs)
    days = (occurrences[-1].day - occurrences[0].day).days
    return near * 2 >= len(pairs) or days >= len(pairs) * _NEARLY_A_MONTH


_EVIDENT: Final = 6


def _explains_all(series: Series, family: Family) -> bool:
    """Return whether a series contains all payments to a payee, apart from exceptions."""
    if series.fit >= MIN_FIT:
        return True
    # A payee with occasional payments may have changed to regular ones.
    return (
        family in _ANY_AMOUNT
        and series.is_regular_lately
        and series.newest >= _EVIDENT
        and series.mean_deviation < 1
    )


# Other payments of the same amount may occur in between, but no more than this allows.
_MIN_FIT_AMONG_OTHERS: Final = 0.5
_FITS_AMONG_OTHERS: Final = _Terms(cadences=_LONG, fewest=5, deviation=0.5, filled=0.9)
_FEWEST_EQUAL: Final = 3


def _by_amount(occurrences: Sequence[Occurrence], family: Family) -> list[Series]:
    """Return a series for each repeated amount, including payments at other prices."""
    found: list[Series] = []
    pool = set(occurrences)
    min_fit = MIN_FIT if family in _ANY_AMOUNT else _MIN_FIT_AMONG_OTHERS
    for minor, count in Counter(it.minor for it in occurrences).most_common():
        if count < _FEWEST_EQUAL:
            break
        equal = merge_days(it for it in pool if it.minor == minor)
        series = find_series(equal, PUNCTUALITY[family], min_fit=min_fit)
        if series is None or series.fit < min_fit:
            continue
        if series.fit < MIN_FIT and not _FITS_AMONG_OTHERS.are_met_by(series):
            continue
        series = _with_other_prices(series, pool.difference(equal))
        if _is_agreed(series, family):
            found.append(series)
            pool.difference_update(series.occurrences)
    return found


_LEAST_RATIO: Final = 0.7
_GREATEST_RATIO: Final = 1.45


def _with_other_prices(series: Series, others: Iterable[Occurrence]) -> Series:
    """Return a series with earlier and later payments that differ only in their amount."""
    schedule = series.schedule
    by_slot = dict(zip(series.slots, series.occurrences, strict=True))
    candidates: dict[int, list[Occurrence]] = defaultdict(list)
    for occurrence in others:
        if abs(schedule.deviation(occurrence.day)) <= 1:
            candidates[schedule.slot_near(occurrence.day)].append(occurrence)
    for end, step in ((series.slots[-1], 1), (series.slots[0], -1)):
        slot: int | None = end
        while slot is not None:
            slot = _add_next_price(by_slot, candidates, slot, step)
    slots = sorted(by_slot)
    return replace(series, slots=tuple(slots), occurrences=tuple(by_slot[slot] for slot in slots))


def _add_next_price(
    by_slot: dict[int, Occurrence],
    candidates: dict[int, list[Occurrence]],
    slot: int,
    step: int,
) -> int | None:
    """Add a payment from one of the next two slots, and return its slot; None if there is none."""
    minor = by_slot[slot].minor
    for following in (slot + step, slot + 2 * step):
        alike = [
            it
            for it in candidates[following]
            if _LEAST_RATIO <= it.minor / minor <= _GREATEST_RATIO
        ]
        if alike:
            by_slot[following] = min(alike, key=lambda it: (abs(it.minor - minor), it))
            return following
    return None


# A salary is more than this many times as large as an employer's refunds of expenses.
_MUCH_LARGER: Final = 2

# At least this share of an employer's payments are salaries.
_SALARIES: Final = 0.25


def _by_size(occurrences: Sequence[Occurrence], family: Family) -> list[Series]:
    """Return the large payments as a single series, or nothing if they are no series."""
    amounts = sorted(it.minor for it in occurrences)
    usual = amounts[-max(1, round(len(amounts) * _SALARIES))]
    large = [it for it in occurrences if it.minor * _MUCH_LARGER > usual]
    return _as_one(large, family) if len(large) < len(occurrences) else []


# Days of the month belong to one part if they are less than this many days apart.
_DAYS_APART: Final = 4
_DAYS_OF_MONTH: Final = 31
_MOST: Final = 0.7


def _by_day(occurrences: Sequence[Occurrence], family: Family) -> list[Series]:
    """Return a series for each part of the month that has payments."""
    days = sorted({it.day.day for it in occurrences})
    before = [days[-1] - _DAYS_OF_MONTH, *days[:-1]]
    starts = [
        day for day, earlier in zip(days, before, strict=True) if day - earlier >= _DAYS_APART
    ]
    if len(starts) <= 1:
        return []
    parts: dict[int, list[Occurrence]] = defaultdict(list)
    for it in occurrences:
        # The first days of a month may belong to a part that starts at the end of a month.
        start = max((start for start in starts if start <= it.day.day), default=starts[-1])
        parts[start].append(it)
    found = [series for part in parts.values() for series in _as_one(part, family)]
    # A few parts of irregular payments may look regular by chance.
    return found if _quality(found, occurrences) >= _MOST else []


_SPLITS: Final[dict[Family, tuple[_Split, ...]]] = {
    Family.CARD: (_as_one, _by_amount),
    Family.DIRECT_DEBIT: (_as_one, _by_amount, _by_day),
    Family.PERSON: (_as_one, _by_amount),
    Family.INCOME: (_as_one, _by_amount, _by_day, _by_size),
    Family.SHARE: (_as_one, _by_amount, _by_day, _by_size),
    Family.POT: (_as_one, _by_amount),
    Family.PROPOSAL: (_as_one, _by_amount),
}
