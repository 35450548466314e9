"""Insight: what is unusual about spending, compared with the past."""

from .comparison import Comparison, compare_groups
from .same_point import ComparedPeriod, PartOfPeriod, parts_to_compare

__all__ = [
    "ComparedPeriod",
    "Comparison",
    "PartOfPeriod",
    "compare_groups",
    "parts_to_compare",
]
