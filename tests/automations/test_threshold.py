"""Thresholds: which amounts meet them, and when an amount crosses them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import NumericThresholdMode
import pytest
import voluptuous as vol

from custom_components.monzo.api import Money
from custom_components.monzo.automations.threshold import (
    Threshold,
    ThresholdCrossing,
    signed_amount,
    threshold_schema,
    unsigned_amount,
)


def gbp(amount: str) -> Money:
    """Return an amount of pounds."""
    return Money(Decimal(amount), "GBP")


def threshold_from(**config: Any) -> Threshold:
    """Return a threshold after its validation."""
    return Threshold.from_config(threshold_schema(NumericThresholdMode.IS)(config))


@pytest.mark.parametrize(
    ("value", "amount"),
    [(0, "0"), (12.05, "12.05"), (0.1, "0.1"), ("12.50", "12.50"), (" .5 ", "0.5"), (-3, "-3")],
)
def test_an_amount_is_read_exactly(value: object, amount: str) -> None:
    assert signed_amount(value) == Decimal(amount)


@pytest.mark.parametrize("value", ["", "a lot", "1e3", "1,000", "£5", "nan", float("inf"), True])
def test_anything_else_is_no_amount(value: object) -> None:
    for validator in (signed_amount, unsigned_amount):
        with pytest.raises(vol.Invalid, match="an amount of money in plain digits"):
            validator(value)


def test_an_amount_without_direction_is_not_negative() -> None:
    assert unsigned_amount("0") == 0
    with pytest.raises(vol.Invalid, match="zero or more"):
        unsigned_amount("-0.01")


NUMBERS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "above": (
        {"type": "above", "value": {"number": 999.99}},
        ["1000", "5000"],
        ["999.99", "0", "-5000"],
    ),
    "below": (
        {"type": "below", "value": {"number": 1000.01}},
        ["1000", "-1"],
        ["1000.01", "2000"],
    ),
    "below zero": ({"type": "below", "value": {"number": 0}}, ["-0.01"], ["0", "0.01"]),
    "between": (
        {"type": "between", "value_min": {"number": 10}, "value_max": {"number": 20.5}},
        ["10", "15", "20.50"],
        ["9.99", "20.51"],
    ),
    "outside": (
        {"type": "outside", "value_min": {"number": 10}, "value_max": {"number": 20.5}},
        ["9.99", "20.51"],
        ["10", "15", "20.50"],
    ),
}


@pytest.mark.parametrize(("config", "met_by", "not_met_by"), NUMBERS.values(), ids=NUMBERS)
def test_amounts_meet_a_threshold_or_not(
    hass: HomeAssistant, config: dict[str, Any], met_by: list[str], not_met_by: list[str]
) -> None:
    threshold = threshold_from(**config)
    assert threshold.entity_ids == set()
    assert all(threshold.async_is_met(hass, gbp(amount)) is True for amount in met_by)
    assert all(threshold.async_is_met(hass, gbp(amount)) is False for amount in not_met_by)


@pytest.mark.parametrize(
    ("state", "is_met"),
    [
        ("299.99", True),
        ("300.00", False),
        ("-5", True),
        ("1000", False),
        ("unavailable", None),
        ("unknown", None),
        ("lots", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_limit_can_be_the_state_of_an_entity(
    hass: HomeAssistant, state: str, *, is_met: bool | None
) -> None:
    threshold = threshold_from(type="above", value={"entity": "sensor.limit"})
    assert threshold.entity_ids == {"sensor.limit"}
    hass.states.async_set("sensor.limit", state)
    assert threshold.async_is_met(hass, gbp("300")) is is_met


@pytest.mark.parametrize(
    ("unit", "is_met"), [(None, True), ("GBP", True), ("£", True), ("EUR", None), ("%", None)]
)
def test_an_entity_in_another_unit_shows_no_limit(
    hass: HomeAssistant, unit: str | None, *, is_met: bool | None
) -> None:
    threshold = threshold_from(type="above", value={"entity": "sensor.limit"})
    hass.states.async_set("sensor.limit", "299", {"unit_of_measurement": unit} if unit else {})
    assert threshold.async_is_met(hass, gbp("300")) is is_met


def test_an_entity_that_does_not_exist_shows_no_limit(hass: HomeAssistant) -> None:
    limits = {"value_min": {"number": 0}, "value_max": {"entity": "sensor.limit"}}
    threshold = threshold_from(type="between", **limits)
    assert threshold.async_is_met(hass, gbp("300")) is None


@pytest.mark.parametrize(
    "config",
    [
        {"type": "above"},
        {"type": "any"},
        {"type": "above", "value": {"number": float("nan")}},
        {"type": "above", "value": {"number": float("inf")}},
        {"type": "between", "value_min": {"number": 2}, "value_max": {"number": 1}},
    ],
)
def test_a_threshold_without_valid_limits_is_invalid(config: dict[str, Any]) -> None:
    for mode in (NumericThresholdMode.IS, NumericThresholdMode.CROSSED):
        with pytest.raises(vol.Invalid):
            threshold_schema(mode)(config)


# Balances one after the other, the first of which is the starting point, and those that cross.
BALANCES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "falls below": (
        {"type": "below", "value": {"number": 900}},
        ["1000", "900.01", "900", "899.99", "800", "900", "890"],
        ["899.99", "890"],
    ),
    "rises above": (
        {"type": "above", "value": {"number": 1000.1}},
        ["1000", "1000.10", "1000.11", "1200", "900", "1001"],
        ["1000.11", "1001"],
    ),
    "comes between": (
        {"type": "between", "value_min": {"number": 900}, "value_max": {"number": 950.5}},
        ["1000", "950.51", "950.50", "900", "899.99", "900.00"],
        ["950.50", "900.00"],
    ),
    "goes outside": (
        {"type": "outside", "value_min": {"number": 900}, "value_max": {"number": 1000}},
        ["1000", "900", "899.99", "1000.01", "1000", "1000.02"],
        ["899.99", "1000.02"],
    ),
    "falls below zero": (
        {"type": "below", "value": {"number": 0}},
        ["1000", "0", "-0.01", "-5"],
        ["-0.01"],
    ),
    "starts below": ({"type": "below", "value": {"number": 900}}, ["800", "700", "600"], []),
}


@pytest.mark.parametrize(("config", "balances", "crossing"), BALANCES.values(), ids=BALANCES)
def test_a_balance_crosses_a_threshold_once(
    hass: HomeAssistant, config: dict[str, Any], balances: list[str], crossing: list[str]
) -> None:
    threshold, state = threshold_from(**config), ThresholdCrossing()
    state.start_from(is_met=threshold.async_is_met(hass, gbp(balances[0])))
    crossed = []
    for balance in balances[1:]:
        is_met = threshold.async_is_met(hass, gbp(balance))
        assert is_met is not None
        if state.update(is_met=is_met):
            crossed.append(balance)
    assert crossed == crossing


def crossings(sides: Sequence[bool], *, start: bool | None = None) -> list[bool]:
    """Return for each side in turn whether getting there is a crossing."""
    state = ThresholdCrossing()
    state.start_from(is_met=start)
    return [state.update(is_met=side) for side in sides]


def test_only_a_change_from_not_met_to_met_is_a_crossing() -> None:
    assert crossings([True, True, False, False, True], start=False) == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_the_first_known_side_is_no_crossing() -> None:
    assert crossings([True, True]) == [False, False]
    assert crossings([False, True]) == [False, True]


def test_a_later_starting_point_does_not_replace_a_known_side() -> None:
    state = ThresholdCrossing()
    for is_met in (None, False, True):
        state.start_from(is_met=is_met)
    assert state.update(is_met=True)
