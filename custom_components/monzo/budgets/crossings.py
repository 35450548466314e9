"""Detection of budgets that cross a percentage; each direction counts once per period."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, Self

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage of a budget in a period, in percent: its peak and its falls. Stored on disk."""

    first: date
    """The first day of the period."""

    peak: Decimal = _NOTHING
    """The highest percentage at any time of the period."""

    last: Decimal = _NOTHING

    falls: tuple[tuple[Decimal, Decimal], ...] = ()
    """The percentages after and before each fall."""

    reported: date | None = None
    """The first day of the last period whose end was reported."""

    def changed_to(self, used: Decimal) -> Self:
        """Return the usage after the percentage has changed within the period."""
        fall = ((used, self.last),) if used < self.last else ()
        return replace(self, peak=max(self.peak, used), last=used, falls=(*self.falls, *fall))

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "first": self.first.isoformat(),
            "peak": str(self.peak),
            "last": str(self.last),
            "falls": [[str(after), str(before)] for after, before in self.falls],
            "reported": self.reported and self.reported.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Create the usage from its stored form.

        Raises KeyError, TypeError or ValueError if that is invalid.
        """
        return cls(
            first=date.fromisoformat(stored["first"]),
            peak=Decimal(stored["peak"]),
            last=Decimal(stored["last"]),
            falls=tuple((Decimal(after), Decimal(before)) for after, before in stored["falls"]),
            reported=date.fromisoformat(reported) if (reported := stored["reported"]) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageChange:
    """A change of the used percentage."""

    before: Usage
    used: Decimal

    def has_reached(self, percent: Decimal) -> bool:
        """Return whether the percentage was reached for the first time in the period."""
        return self.before.peak < percent <= self.used

    def has_fallen_below(self, percent: Decimal) -> bool:
        """Return whether the usage fell below the percentage for the first time in the period."""
        is_repeated = any(after < percent <= before for after, before in self.before.falls)
        return self.used < percent <= self.before.last and not is_repeated
