"""Tags in notes: where they begin and end."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.transactions import parse_tag, tags_in


@pytest.mark.parametrize(
    ("notes", "tags"),
    [
        ("#lunch", {"lunch"}),
        ("With Ben #Lunch, (#work)!", {"lunch", "work"}),
        ("#lunch\n#work", {"lunch", "work"}),
        ("#lunch-break", {"lunch-break"}),
        ("#lunch- and more", {"lunch"}),
        ("#holiday_2026.", {"holiday_2026"}),
        ("#ANNA'S", {"anna"}),
        ("#STRASSE #straße", {"strasse"}),
        ("#Café #CAFE\u0301", {"cafe"}),
        ("#İzmir #izmir", {"izmir"}),
        ("#旅行 #поездка #हिन्दी", {"旅行", "поездка", "हनद"}),
        ("#ΟΔΟΣ.Γ", {"οδοσ"}),
        ("-#lunch", {"lunch"}),
        ("lunch", set()),
        ("Flat 4#2", set()),
        ("##lunch", set()),
        ("# lunch", set()),
        ("https://example.com/#lunch", set()),
        ("Ann&#39;s", set()),
        ("#!?", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_a_tag_is_a_whole_word_after_a_sign(notes: str | None, tags: set[str]) -> None:
    assert tags_in(notes) == tags


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("#Holiday", "holiday"),
        (" car ", "car"),
        ("cafe\u0301", "cafe"),
        ("ΟΔΟΣ", "οδοσ"),
        ("#a-b", "a-b"),
    ],
)
def test_a_tag_may_be_typed_with_or_without_its_sign(text: str, tag: str) -> None:
    assert parse_tag(text) == tag


@pytest.mark.parametrize("text", ["", "#", "two words", "#a #b", "a.b", "a-", "##a"])
def test_a_tag_is_one_word(text: str) -> None:
    assert parse_tag(text) is None


@given(st.text())
def test_a_typed_tag_is_found_in_notes_that_contain_it(text: str) -> None:
    tag = parse_tag(text)
    if tag is not None:
        assert tags_in(f"Dinner, #{text.strip().removeprefix('#')}.") == {tag}
        assert parse_tag(tag) == tag


@given(st.text())
def test_each_tag_in_notes_can_be_typed(notes: str) -> None:
    for tag in tags_in(notes):
        assert parse_tag(tag) == tag
