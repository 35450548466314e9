"""Icons and colors of pots and accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PIGGY_BANK: Final = "mdi:piggy-bank"

# Monzo does not document the styles of pots. These were recorded. Others are names of colors.
_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "beach_ball": ("mdi:beach", "orange"),
    "piggy_bank": (_PIGGY_BANK, "pink"),
    "raspberry": (_PIGGY_BANK, "red"),
}

# The colors of Home Assistant's tiles that are also styles at Monzo.
_TILE_COLORS: Final = frozenset(
    {"red", "pink", "purple", "indigo", "blue", "cyan", "teal", "green", "yellow", "orange"}
)

# Clearly different colors, for accounts and for pots without a style.
_COLORS: Final = ("teal", "indigo", "deep-orange", "purple", "green", "amber", "cyan", "pink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """The icon and the color of a pot."""

    icon: str
    color: str


def account_color(index: int) -> str:
    """Return the color of the account at this place on the dashboard."""
    return _COLORS[index % len(_COLORS)]


def pot_face(style: str | None, index: int) -> Face:
    """Return the face of the pot at this place on the dashboard, by its style at Monzo."""
    if style in _TILE_COLORS:
        return Face(icon=_PIGGY_BANK, color=style)
    icon, color = _STYLES.get(style or "", (_PIGGY_BANK, _COLORS[index % len(_COLORS)]))
    return Face(icon=icon, color=color)
