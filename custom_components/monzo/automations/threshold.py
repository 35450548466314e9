"""Limits for amounts of money: exact numbers, or entities that show one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    NumericThresholdMode,
    NumericThresholdSelector,
    NumericThresholdSelectorConfig,
    NumericThresholdType,
)
import voluptuous as vol

from ..amounts import parse_number
from ..const import CURRENCY_SYMBOLS

# Like those of Home Assistant's own triggers: a limit itself is neither above nor below.
TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    NumericThresholdType.ABOVE: lambda amount, limit: amount > limit,
    NumericThresholdType.BELOW: lambda amount, limit: amount < limit,
    NumericThresholdType.BETWEEN: lambda amount, low, high: low <= amount <= high,
    NumericThresholdType.OUTSIDE: lambda amount, low, high: not low <= amount <= high,
}


def amount(value: object) -> Decimal:
    """Return an amount that somebody wrote down, exactly; a schema's validator.

    A float is taken for what its shortest form says, which is what was written.
    """
    if (number := parse_number(value)) is None:
        message = "expected an amount of money"
        raise vol.Invalid(message)
    return number


def unsigned_amount(value: object) -> Decimal:
    """Return an amount without a direction; a schema's validator."""
    if (number := amount(value)) < 0:
        message = "expected an amount of zero or more, whichever way the money goes"
        raise vol.Invalid(message)
    return number


def threshold_schema(mode: NumericThresholdMode) -> vol.All:
    """Return what validates a threshold."""
    return vol.All(
        NumericThresholdSelector(NumericThresholdSelectorConfig(mode=mode)), _with_real_numbers
    )


def _with_real_numbers(config: dict[str, Any]) -> dict[str, Any]:
    """Refuse infinity, and what is no number at all."""
    for end in _ends(config):
        if "number" in end:
            amount(end["number"])
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Where amounts are, or are not: above, below, between or outside limits."""

    type: NumericThresholdType

    limits: tuple[Decimal | str, ...]
    """Amounts, or the ids of entities that show them."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a threshold that was validated."""
        return cls(
            type=NumericThresholdType(config["type"]),
            limits=tuple(
                amount(end["number"]) if "number" in end else end["entity"] for end in _ends(config)
            ),
        )

    @property
    def entity_ids(self) -> frozenset[str]:
        """The entities that show limits."""
        return frozenset(limit for limit in self.limits if isinstance(limit, str))

    @callback
    def async_holds(self, hass: HomeAssistant, amount: Decimal, currency: str) -> bool | None:
        """Return whether an amount is where the threshold wants it; None if nobody can tell."""
        limits = [
            _shown(hass, limit, currency) if isinstance(limit, str) else limit
            for limit in self.limits
        ]
        return None if None in limits else TESTS[self.type](amount, *limits)


def _ends(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [config[key] for key in ("value", "value_min", "value_max") if key in config]


@callback
def _shown(hass: HomeAssistant, entity_id: str, currency: str) -> Decimal | None:
    """Return the amount of this currency that an entity shows, if it shows one."""
    text = async_text_shown(hass, entity_id, currency)
    return None if text is None else parse_number(text)


@callback
def async_text_shown(hass: HomeAssistant, entity_id: str, currency: str) -> str | None:
    """Return what an entity shows, unless its unit is another than this currency."""
    if (state := hass.states.get(entity_id)) is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    return state.state if unit in {None, currency, CURRENCY_SYMBOLS.get(currency)} else None
