"""Names of the statistics, as shown in graphs and in the developer tools."""

from homeassistant.core import HomeAssistant, callback

from ..texts import async_category_name, async_text


@callback
def async_statistics_name(hass: HomeAssistant, account_name: str, series: str) -> str:
    """Return the name of an account's series in the language of Home Assistant.

    A series is `spending`, `income`, or the spending of a category such as `spending_groceries`.
    """
    kind, _, category = series.partition("_")
    placeholders = {"account": account_name}
    if category:
        kind += "_category"
        placeholders["category"] = async_category_name(hass, category)
    fallback = ": ".join((account_name, series.replace("_", " ").capitalize()))
    return async_text(hass, f"common.statistics_{kind}", placeholders, fallback=fallback)
