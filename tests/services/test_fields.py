"""Validators for the text fields of actions."""

from homeassistant.exceptions import ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.monzo.services.fields import (
    MAX_SHOWN_LENGTH,
    MONZO_ID,
    TEXT,
    https_url,
    shown_value,
)

GOOD_URLS = (
    "https://example.com",
    "https://example.com/a.png?size=large#top",
    "HTTPS://example.com:8443/%2Fa%20b.gif?sig=a%2Bb+c",
    "https://bücher.example/ä.webp",
    "https://[2001:db8::1]/a.png",
)

BAD_URLS = (
    "http://example.com/a.png",
    "example.com/a.png",
    "//example.com/a.png",
    "/media/a.png",
    "https://",
    "https:///a.png",
    "https:a.png",
    "https://[::1/a.png",
    "https://example.com:port/a.png",
    "https://exa mple.com",
    "https://example.com/a b.png",
    "https://example.com/a\nb.png",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "homeassistant://navigate/laundry",
    "{{ url }}",
    "",
)


def test_a_complete_https_url_is_returned_unchanged() -> None:
    for url in GOOD_URLS:
        assert https_url(url, "url") == url


def test_any_other_url_is_refused_and_the_error_names_the_field(subtests: pytest.Subtests) -> None:
    for url in BAD_URLS:
        with subtests.test(url=url):
            with pytest.raises(ServiceValidationError) as error:
                https_url(url, "image_url")
            assert error.value.translation_key == "not_https"
            assert error.value.translation_placeholders == {"field": "image_url"}


def test_texts_are_stripped_and_must_not_be_empty() -> None:
    assert TEXT(" Deli\n") == "Deli"
    assert TEXT(20_261_123) == "20261123"
    invalid: tuple[object, ...] = ("", "  ", None, [], {})
    for value in invalid:
        with pytest.raises(vol.Invalid):
            TEXT(value)


def test_an_id_cannot_lead_to_another_endpoint() -> None:
    assert MONZO_ID(" tx_0000 ") == "tx_0000"
    for value in (".", "..", " .. ", ""):
        with pytest.raises(vol.Invalid):
            MONZO_ID(value)


def test_an_error_shows_the_beginning_of_a_long_value() -> None:
    assert shown_value(12.5) == "12.5"
    assert shown_value(None) == "None"
    assert shown_value("9" * MAX_SHOWN_LENGTH) == "9" * MAX_SHOWN_LENGTH
    assert shown_value("9" * (MAX_SHOWN_LENGTH + 1)) == "9" * MAX_SHOWN_LENGTH + "…"
    # Python refuses to convert such a number to text.
    assert shown_value(10**5000) == "…"
