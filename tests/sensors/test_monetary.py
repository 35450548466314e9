"""The currency and the decimals in which sensors show amounts of money."""

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
import pytest

from custom_components.monzo.sensors.monetary import in_currency

MONEY = SensorEntityDescription(key="balance", device_class=SensorDeviceClass.MONETARY)
SHARE = SensorEntityDescription(
    key="used", native_unit_of_measurement="%", suggested_display_precision=1
)


@pytest.mark.parametrize(("currency", "decimals"), [("GBP", 2), ("JPY", 0), ("KWD", 3)])
def test_an_amount_has_its_currency_and_all_decimals(currency: str, decimals: int) -> None:
    shown = in_currency(MONEY, currency)
    assert shown.native_unit_of_measurement == currency
    assert shown.suggested_display_precision == decimals
    assert shown.key == "balance"


def test_other_sensors_keep_their_units() -> None:
    assert in_currency(SHARE, "GBP") == SHARE


@pytest.mark.parametrize("unknown", [None, ""])
def test_without_a_currency_an_amount_has_no_unit(unknown: str | None) -> None:
    assert in_currency(MONEY, unknown) == MONEY
