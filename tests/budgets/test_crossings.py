"""A percentage of a budget is crossed at most once per period in each direction."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
import json

from hypothesis import given
from hypothesis import strategies as st

from custom_components.monzo.budgets.crossings import Usage, UsageChange

FIRST = date(2026, 11, 1)


def crossings(*used: float, percent: int = 80, restart: bool = False) -> list[str]:
    """Return the crossings of a percentage while these percentages are used, one by one."""
    found: list[str] = []
    usage = Usage(first=FIRST)
    for value in used:
        change = UsageChange(before=usage, used=Decimal(str(value)))
        if change.has_reached(Decimal(percent)):
            found.append("reached")
        if change.has_fallen_below(Decimal(percent)):
            found.append("fallen")
        usage = usage.changed_to(Decimal(str(value)))
        if restart:
            usage = Usage.from_json(json.loads(json.dumps(usage.to_json())))
    return found


def test_a_percentage_is_reached_once() -> None:
    assert crossings(20, 79.9, 80, 95) == ["reached"]
    assert crossings(20, 200) == ["reached"]
    assert crossings(20, 79.9) == []


def test_a_refund_falls_below_a_percentage_once() -> None:
    assert crossings(85, 75, 85, 75, 90) == ["reached", "fallen"]


def test_falls_count_for_each_percentage() -> None:
    assert crossings(95, 90, 75, percent=80) == ["reached", "fallen"]
    assert crossings(95, 85, 95, 75, percent=80) == ["reached", "fallen"]
    assert crossings(95, 85, 95, 75, percent=90) == ["reached", "fallen"]


@given(st.lists(st.integers(-50, 150).map(lambda it: it / 10), max_size=30), st.integers(1, 15))
def test_each_direction_is_crossed_at_most_once_also_across_restarts(
    used: list[float], percent: int
) -> None:
    found = crossings(*used, percent=percent)
    was_above = [value >= percent for value in used]
    fell = any(above and not after for above, after in pairwise(was_above))
    assert found == ["reached"] * any(was_above) + ["fallen"] * fell
    assert crossings(*used, percent=percent, restart=True) == found
