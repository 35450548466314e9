"""Series: payments to one payee that follow a schedule."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from .schedule import Cadence, EveryFewMonths, Schedule, Shift
from .schedule_search import Punctuality, best_schedule
from .working_days import is_working_day

# The newest payments determine the schedule, because people change the day of a payment.
_RECENT: Final = (12, 6, 4, 3, 2)

# A council tax year skips two months. A longer pause is an end and a new beginning.
_MAX_MISSING: Final = 2

MIN_FIT: Final = 0.85

# Fewer payments would follow some schedule by chance.
_FEWEST: Final = 3
_FEWEST_BEFORE: Final = 4

# Payments far from their days are exceptions. At least this share must be made on their days.
_MIN_PUNCTUAL: Final = 0.7
_MIN_FILLED: Final = 0.75

# A cadence is possible if the usual gap between payments is this close to it.
_SHORTEST_GAP: Final = 0.75
_LONGEST_GAP: Final = 1.3

# A salary before Christmas comes almost half a month early, and other payments less early.
_EARLIEST: Final = 0.5

# Amounts are alike if neither is more than this many times the other, such as two salaries.
_ALIKE: Final = 2

# A payment further from its day is an exception, such as a salary before Christmas.
_MUCH: Final = 5


class Occurrence(NamedTuple):
    """A payment that was made."""

    day: date
    """The day in London."""

    minor: int
    transaction_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Payments that follow a schedule."""

    schedule: Schedule
    slots: tuple[int, ...]
    """The slots of the occurrences, in the same order."""

    occurrences: tuple[Occurrence, ...]
    """Oldest first."""

    misfits: int
    """The number of payments outside of the series."""

    newest: int
    """The number of payments since the last change of the schedule."""

    newest_misfits: int
    """The number of payments outside of the series since then."""

    deviations: tuple[int, ...]
    """The distances of recent payments from their days, in days; positive for late payments."""

    changes: int
    """The number of changes of the schedule, such as to another day of the month."""

    @property
    def last(self) -> Occurrence:
        """The newest occurrence."""
        return self.occurrences[-1]

    @property
    def fit(self) -> float:
        """The share of all payments that belong to the series."""
        return len(self.occurrences) / (len(self.occurrences) + self.misfits)

    @property
    def is_regular_lately(self) -> bool:
        """Whether almost no other payments were made since the last change of the schedule."""
        return self.newest_misfits <= (1 - MIN_FIT) * self.newest

    @property
    def filled(self) -> float:
        """The share of slots with a payment, not counting long interruptions."""
        missing = sum(
            after - before - 1
            for before, after in pairwise(self.slots)
            if after - before - 1 <= _MAX_MISSING
        )
        return len(self.slots) / (len(self.slots) + missing)

    @property
    def is_evident(self) -> bool:
        """Whether the newest payments are unlikely to follow the schedule by chance."""
        return len(self.deviations) >= _FEWEST_BEFORE and self.mean_deviation <= 1

    @property
    def is_monthly(self) -> bool:
        """Whether each slot is a month, counted from year 0."""
        return isinstance(self.schedule, EveryFewMonths) and (
            self.schedule.cadence is Cadence.MONTH
        )

    @property
    def usual_interruption(self) -> int:
        """The most slots that are skipped now and then, such as by a credit card without debt."""
        missing = [
            after - before - 1
            for before, after in pairwise(self.slots)
            if self.schedule.next_slot(before) < after and after - before - 1 <= _MAX_MISSING
        ]
        return max(missing) if len(missing) > 1 else 0

    @property
    def mean_deviation(self) -> float:
        """The mean distance of recent payments from their days; large distances count as _MUCH."""
        days = sum(min(abs(deviation), _MUCH) for deviation in self.deviations)
        return days / len(self.deviations)

    @property
    def amounts(self) -> list[int]:
        """The amounts in minor units, oldest first."""
        return [occurrence.minor for occurrence in self.occurrences]


def merge_days(occurrences: Iterable[Occurrence]) -> list[Occurrence]:
    """Return the payments, oldest first, with payments of the same day added up."""
    by_day: dict[date, list[Occurrence]] = {}
    for occurrence in occurrences:
        by_day.setdefault(occurrence.day, []).append(occurrence)
    return [
        found[0]
        if len(found) == 1
        else Occurrence(
            day,
            sum(it.minor for it in found),
            tuple(sorted(id_ for it in found for id_ in it.transaction_ids)),
        )
        for day, found in sorted(by_day.items())
    ]


def find_series(
    occurrences: Sequence[Occurrence], punctuality: Punctuality, *, min_fit: float = MIN_FIT
) -> Series | None:
    """Return the series in payments on different days, oldest first; None if there is none."""
    found = [
        series
        for cadence in _possible_cadences(occurrences, min_fit)
        if (series := _find(occurrences, cadence, punctuality, min_fit)) is not None
        and series.filled >= _MIN_FILLED
    ]
    return max(
        found,
        # With bank holidays, months can look like four weeks, which are rarer.
        key=lambda it: (round(it.fit, 1), -it.mean_deviation, it.schedule.cadence.days is None),
        default=None,
    )


def _possible_cadences(occurrences: Sequence[Occurrence], min_fit: float) -> Iterator[Cadence]:
    days = [occurrence.day.toordinal() for occurrence in occurrences[-_RECENT[0] :]]
    if len(days) <= 1:
        return
    gap = median(after - before for before, after in pairwise(days))
    for cadence in Cadence:
        mean = cadence.mean_days
        shortest = mean * _SHORTEST_GAP
        if cadence is Cadence.MONTH:
            # Other payments in between make the gaps shorter.
            shortest *= min_fit / MIN_FIT
        if shortest <= gap <= mean * _LONGEST_GAP:
            yield cadence


def _find(
    occurrences: Sequence[Occurrence],
    cadence: Cadence,
    punctuality: Punctuality,
    min_fit: float,
) -> Series | None:
    """Return the payments that follow a schedule, also if it was another one before."""
    schedule = _newest_schedule(occurrences, cadence, punctuality, min_fit)
    if schedule is None:
        return None
    by_slot = _newest(occurrences, schedule, punctuality, min_fit)
    if not by_slot:
        return None
    first = min(occurrence.day for occurrence in by_slot.values())
    newest, before = len(by_slot), [it for it in occurrences if it.day < first]
    deviations = tuple(
        (by_slot[slot].day - schedule.day_of(slot)).days for slot in sorted(by_slot)[-_RECENT[0] :]
    )
    older = _find(before, cadence, punctuality, min_fit)
    if older is not None and not older.is_evident:
        older = None
    if older is not None:
        # Slots are numbered by months or weeks, so they hardly depend on the day.
        overlap = max(0, older.slots[-1] + 1 - min(by_slot))
        by_slot |= {
            slot - overlap: it for slot, it in zip(older.slots, older.occurrences, strict=True)
        }
        deviations = (older.deviations + deviations)[-_RECENT[0] :]
    slots = sorted(by_slot)
    return Series(
        schedule=schedule,
        slots=tuple(slots),
        occurrences=tuple(by_slot[slot] for slot in slots),
        misfits=len(occurrences) - len(slots),
        newest=newest,
        newest_misfits=len(occurrences) - len(before) - newest,
        deviations=deviations,
        changes=0 if older is None else older.changes + 1,
    )


def _newest_schedule(
    occurrences: Sequence[Occurrence],
    cadence: Cadence,
    punctuality: Punctuality,
    min_fit: float,
) -> Schedule | None:
    """Return the schedule that most of the newest payments follow, or all if there are few."""
    for size in _RECENT:
        recent = occurrences[-size:]
        if len(recent) < size != _RECENT[0]:
            continue
        if len(recent) < _FEWEST and cadence is not Cadence.YEAR:
            return None
        days = [occurrence.day for occurrence in reversed(recent)]
        schedule = best_schedule(days, cadence, punctuality, min_fit)
        if schedule is None:
            continue
        if len(_by_slot(recent, schedule, punctuality)) < min_fit * len(recent):
            continue
        newest = recent[-_FEWEST:]
        if size <= _FEWEST or not _has_moved(schedule, newest, punctuality.tolerance):
            return _with_usual_shift(schedule, occurrences, recent, punctuality)
    return None


def _with_usual_shift(
    schedule: Schedule,
    occurrences: Sequence[Occurrence],
    recent: Sequence[Occurrence],
    punctuality: Punctuality,
) -> Schedule:
    """Return a schedule with the shift of older payments, if recent ones show none."""
    if len(recent) == len(occurrences):
        return schedule
    plain = replace(schedule, shift=Shift.NONE)
    due = (plain.day_of(plain.slot_near(it.day)) for it in recent)
    if not all(map(is_working_day, due)):
        return schedule
    alike = (replace(schedule, shift=shift) for shift in punctuality.shifts)
    return max(
        (schedule, *alike),
        key=lambda shifted: sum(not shifted.deviation(it.day) for it in occurrences),
    )


def _has_moved(schedule: Schedule, newest: Sequence[Occurrence], tolerance: int) -> bool:
    """Return whether all newest payments miss their days, by much or by the same number of days."""
    deviations = {schedule.deviation(occurrence.day) for occurrence in newest}
    return min(map(abs, deviations)) > tolerance or (len(deviations) == 1 and 0 not in deviations)


def _by_slot(
    occurrences: Sequence[Occurrence], schedule: Schedule, punctuality: Punctuality
) -> dict[int, Occurrence]:
    """Return the payment closest to the day of each slot, including payments far from it."""
    by_slot: dict[int, Occurrence] = {}
    far: list[Occurrence] = []
    for distance, occurrence in sorted((abs(schedule.deviation(it.day)), it) for it in occurrences):
        if distance > punctuality.tolerance:
            far.append(occurrence)
        else:
            by_slot.setdefault(schedule.slot_near(occurrence.day), occurrence)
    if len(by_slot) >= _MIN_PUNCTUAL * len(occurrences):
        for occurrence in sorted(far):
            _add_far(by_slot, occurrence, schedule)
    return by_slot


def _add_far(by_slot: dict[int, Occurrence], occurrence: Occurrence, schedule: Schedule) -> None:
    """Add a payment far from its day to the slot before it, or else to the slot after it.

    The customer may have moved the day of a bill, or an employer may pay before Christmas. A slot
    that already has a payment keeps it, because an additional payment of the same amount is not
    part of the series.
    """
    nearest = schedule.slot_near(occurrence.day)
    before = nearest - (schedule.day_of(nearest) > occurrence.day)
    days_early = (schedule.day_of(before + 1) - occurrence.day).days
    is_early = days_early <= schedule.cadence.mean_days * _EARLIEST
    for slot in (before, before + 1) if is_early else (before,):
        neighbour = by_slot.get(slot - 1, by_slot.get(slot + 1))
        if slot not in by_slot and neighbour and _is_alike(occurrence, neighbour):
            by_slot[slot] = occurrence
            return


def _is_alike(one: Occurrence, other: Occurrence) -> bool:
    return 1 / _ALIKE <= one.minor / other.minor <= _ALIKE


def _newest(
    occurrences: Sequence[Occurrence],
    schedule: Schedule,
    punctuality: Punctuality,
    min_fit: float,
) -> dict[int, Occurrence]:
    """Return the payments by slot, back to the first one that followed the schedule."""
    by_slot = _by_slot(occurrences, schedule, punctuality)
    slot_of = {occurrence: slot for slot, occurrence in by_slot.items()}
    slots: list[int] = []
    began = 0
    for count, occurrence in enumerate(reversed(occurrences), start=1):
        slot = slot_of.get(occurrence)
        if slot is None:
            continue
        if slots and slots[-1] - slot - 1 > _MAX_MISSING:
            break
        slots.append(slot)
        if len(slots) >= min_fit * count:
            began = len(slots)
    return {slot: by_slot[slot] for slot in slots[:began]}


def learn_skipped_months(series: Series) -> Series:
    """Return a monthly series with the months of the year that never have a payment.

    Council tax is paid in ten instalments, with none in February and March. Insurance is paid in
    eleven if none is due in the month of the renewal.
    """
    if not series.is_monthly:
        return series
    left_out = Counter(
        tuple(slot % 12 + 1 for slot in range(before + 1, after))
        for before, after in pairwise(series.slots)
        if 1 <= after - before - 1 <= _MAX_MISSING
    )
    # A single skipped month may be a holiday, unless the same one is skipped each year.
    return skip_months(
        series,
        frozenset(
            month
            for months, count in left_out.items()
            if len(months) == _MAX_MISSING or count == left_out.total() > 1
            for month in months
        ),
    )


def skip_months(series: Series, months: frozenset[int]) -> Series:
    """Return a monthly series that skips some months, unless they have had a payment."""
    schedule = series.schedule
    months -= {slot % 12 + 1 for slot in series.slots}
    if not months or not isinstance(schedule, EveryFewMonths):
        return series
    return replace(series, schedule=replace(schedule, skipped_months=months))
