"""Texts are the same to a search if people would call them so."""

import pytest

from custom_components.monzo.transactions.search_text import search_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "CAFE"),
        ("Café", "Cafe\N{COMBINING ACUTE ACCENT}"),
        ("Straße", "STRASSE"),
        ("ΚΑΦΕΣ", "καφές"),
        ("İstanbul", "istanbul"),
        ("ﬁsh & chips", "Fish & Chips"),
        ("Žižkov", "zizkov"),
    ],
)
def test_case_and_accents_make_no_difference(one: str, other: str) -> None:
    assert search_text(one) == search_text(other)


@pytest.mark.parametrize("text", ["cafe", "café", "日本", "#holiday", "Ω 12.50"])
def test_the_text_of_a_text_is_the_same(text: str) -> None:
    assert search_text(search_text(text)) == search_text(text)


def test_different_letters_stay_different() -> None:
    assert len({search_text(text) for text in ("cafe", "cave", "caf", "日本", "本日", "")}) == 6
