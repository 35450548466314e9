"""The currency and decimals of sensors that show amounts of money."""

from dataclasses import replace

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription

from ..api import currency_exponent


def in_currency[DescriptionT: SensorEntityDescription](
    description: DescriptionT, currency: str | None
) -> DescriptionT:
    """Return the description of a sensor with a currency, which never changes, as its unit.

    Amounts are shown with all decimals of the currency. The description is unchanged if the sensor
    shows no money, or if the currency is unknown.
    """
    if description.device_class is not SensorDeviceClass.MONETARY or not currency:
        return description
    return replace(
        description,
        native_unit_of_measurement=currency,
        suggested_display_precision=currency_exponent(currency),
    )
