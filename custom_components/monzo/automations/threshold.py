"""Thresholds for amounts of money. Their limits are exact numbers, or entities that show one."""

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
from ..api import Money
from ..const import CURRENCY_SYMBOLS

# As in Home Assistant's own triggers, an amount equal to a limit is neither above nor below it.
COMPARISONS: Final[Mapping[str, Callable[..., bool]]] = {
    NumericThresholdType.ABOVE: lambda amount, limit: amount > limit,
    NumericThresholdType.BELOW: lambda amount, limit: amount < limit,
    NumericThresholdType.BETWEEN: lambda amount, low, high: low <= amount <= high,
    NumericThresholdType.OUTSIDE: lambda amount, low, high: not low <= amount <= high,
}


def signed_amount(value: object) -> Decimal:
    """Validate and return an exact amount of money in major units; raises vol.Invalid."""
    if (number := parse_number(value)) is None:
        message = "expected an amount of money in plain digits, such as 12.50"
        raise vol.Invalid(message)
    return number


def unsigned_amount(value: object) -> Decimal:
    """Validate and return an exact amount of zero or more in major units; raises vol.Invalid."""
    if (number := signed_amount(value)) < 0:
        message = "expected an amount of zero or more, because its direction does not matter here"
        raise vol.Invalid(message)
    return number


def threshold_schema(mode: NumericThresholdMode) -> vol.All:
    """Return the validator of a threshold."""
    return vol.All(
        NumericThresholdSelector(NumericThresholdSelectorConfig(mode=mode)), _validate_numbers
    )


def _validate_numbers(config: dict[str, Any]) -> dict[str, Any]:
    """Reject infinity and NaN, which the selector accepts; raises vol.Invalid."""
    for limit in _limit_configs(config):
        if "number" in limit:
            signed_amount(limit["number"])
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A range of amounts: above or below one limit, or between or outside of two limits."""

    type: NumericThresholdType

    limits: tuple[Decimal | str, ...]
    """Amounts in major units, or IDs of entities that show one."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Create a threshold from its validated configuration."""
        return cls(
            type=NumericThresholdType(config["type"]),
            limits=tuple(
                signed_amount(limit["number"]) if "number" in limit else limit["entity"]
                for limit in _limit_configs(config)
            ),
        )

    @property
    def entity_ids(self) -> frozenset[str]:
        """The IDs of the entities that show limits."""
        return frozenset(limit for limit in self.limits if isinstance(limit, str))

    @callback
    def async_is_met(self, hass: HomeAssistant, money: Money) -> bool | None:
        """Return whether an amount is in the range.

        Return None if an entity does not show a limit in the currency of the amount.
        """
        limits = [
            _async_entity_amount(hass, limit, money.currency) if isinstance(limit, str) else limit
            for limit in self.limits
        ]
        return None if None in limits else COMPARISONS[self.type](money.amount, *limits)


@dataclass(slots=True)
class ThresholdCrossing:
    """Detects when an amount crosses a threshold.

    While a limit is unknown, the last known side is kept. If the amount crosses the threshold
    during that time, this is detected once the limit is known again.
    """

    was_met: bool | None = None
    """Whether the last amount met the threshold; None before the first amount."""

    def start_from(self, *, is_met: bool | None) -> None:
        """Set the first known side. Only `update` sets later ones."""
        if self.was_met is None:
            self.was_met = is_met

    def update(self, *, is_met: bool) -> bool:
        """Record the current side, and return whether the amount has crossed the threshold.

        The first known side is never a crossing.
        """
        has_crossed = is_met and self.was_met is False
        self.was_met = is_met
        return has_crossed


def _limit_configs(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [config[key] for key in ("value", "value_min", "value_max") if key in config]


@callback
def _async_entity_amount(hass: HomeAssistant, entity_id: str, currency: str) -> Decimal | None:
    """Return the amount that an entity shows; None if it shows none in the currency."""
    state = async_state_in_currency(hass, entity_id, currency)
    return None if state is None else parse_number(state)


@callback
def async_state_in_currency(hass: HomeAssistant, entity_id: str, currency: str) -> str | None:
    """Return the state of an entity; None if its unit is not the currency.

    An entity without a unit counts as one in the currency.
    """
    if (state := hass.states.get(entity_id)) is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    return state.state if unit in {None, currency, CURRENCY_SYMBOLS.get(currency)} else None
