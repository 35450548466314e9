"""Comparisons of spending with the past: differences from the mean, and unusual amounts."""

from .compared_parts import ComparedPeriod, PartOfPeriod, parts_to_compare
from .comparison import Comparison, compare_groups
from .unusual_amount import Basis, async_usual_amount, compared_amount

__all__ = [
    "Basis",
    "ComparedPeriod",
    "Comparison",
    "PartOfPeriod",
    "async_usual_amount",
    "compare_groups",
    "compared_amount",
    "parts_to_compare",
]
