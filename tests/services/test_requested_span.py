"""The time from which a call reads transactions."""

from datetime import UTC, datetime, timedelta

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.monzo.services.requested_span import requested_span
from custom_components.monzo.services.transactions import GET_TRANSACTIONS_SCHEMA

NOW = datetime(2026, 11, 23, 18, 24, tzinfo=UTC)


def test_without_since_the_span_has_thirty_days() -> None:
    span = requested_span({}, now=NOW)
    assert (span.since, span.before, span.end) == (NOW - timedelta(days=30), None, NOW)
    before = NOW - timedelta(days=20)
    span = requested_span({"before": before}, now=NOW)
    assert (span.since, span.before, span.end) == (before - timedelta(days=30), before, before)


def test_a_span_must_begin_before_it_ends(hass: HomeAssistant, subtests: pytest.Subtests) -> None:
    yesterday, tomorrow = NOW - timedelta(days=1), NOW + timedelta(days=1)
    for fields in (
        {"since": NOW, "before": yesterday},
        {"since": yesterday, "before": yesterday},
        {"since": tomorrow},
    ):
        with subtests.test(fields=str(fields)):
            with pytest.raises(ServiceValidationError) as error:
                requested_span(fields, now=NOW)
            assert error.value.translation_key == "since_not_before"
    with pytest.raises(ServiceValidationError) as error:
        requested_span({"since": tomorrow, "before": NOW}, now=NOW)
    # In the time zone of the tests' Home Assistant, US/Pacific.
    assert error.value.translation_placeholders == {
        "since": "2026-11-24 10:24",
        "before": "2026-11-23 10:24",
    }


async def test_a_time_without_a_time_zone_is_local(
    hass: HomeAssistant, subtests: pytest.Subtests
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    for text, hour in (
        ("2026-11-20 12:00:00", 3),
        ("2026-11-20T12:00", 3),
        ("2026-11-20T12:00-05:00", 17),
        ("2026-11-20T12:00Z", 12),
    ):
        with subtests.test(text=text):
            fields = GET_TRANSACTIONS_SCHEMA({"account": "device", "since": text})
            assert fields["since"] == datetime(2026, 11, 20, hour, tzinfo=UTC)
