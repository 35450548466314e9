"""Figures with their limits, as the benchmark prints them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure, and the limit that it must not exceed."""

    name: str
    value: float
    unit: str

    limit: float | None = None
    """None for a figure that only explains others."""

    @property
    def is_over(self) -> bool:
        """Whether the figure exceeds its limit."""
        return self.limit is not None and self.value > self.limit


def figures_table(title: str, figures: Iterable[Figure]) -> str:
    """Return figures as lines for a terminal, each beside its limit."""
    return "\n".join([title, *map(_line, figures)])


def _line(figure: Figure) -> str:
    value = f"{figure.name:46}{figure.value:10.2f} {figure.unit:8}"
    if figure.limit is None:
        return value.rstrip()
    verdict = "OVER THE LIMIT OF" if figure.is_over else "limit"
    return f"{value} {verdict} {figure.limit:g}"
