"""Languages: each file has the texts of the English one, and keeps all that is not language."""

import json

from homeassistant.generated.languages import LANGUAGES as LANGUAGES_OF_HOME_ASSISTANT
import pytest

from tests.helpers.languages import (
    LANGUAGES,
    QUOTED,
    SAME_AS_ENGLISH,
    flatten,
    problems_of_language,
    problems_of_text,
    read_texts,
    texts_that_quote,
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_says_what_the_english_one_says_by_the_rules_of_home_assistant(
    language: str,
) -> None:
    assert language in LANGUAGES_OF_HOME_ASSISTANT
    assert problems_of_language(language) == []


def test_texts_that_are_the_same_everywhere_exist_in_english() -> None:
    everywhere = json.loads((SAME_AS_ENGLISH / "everywhere.json").read_text(encoding="utf-8"))
    assert set(everywhere) <= set(flatten(read_texts("en")).values())


@pytest.mark.parametrize("path", QUOTED)
def test_every_text_that_others_must_call_by_its_name_is_named_somewhere(path: str) -> None:
    assert texts_that_quote(path, flatten(read_texts("en")))


@pytest.mark.parametrize(
    ("english", "translated", "problem"),
    [
        ("Reach Monzo", " Monzo erreichen", "has space at an end, or no text"),
        ("Reach Monzo", "", "has space at an end, or no text"),
        ("The name of {name}", "Le nom d'{name}", "has a straight apostrophe before a brace"),
        ("{amount} left", "{betrag} übrig", "lacks placeholders ({amount})"),
        ("{amount} left", "{amount} {unit} übrig", "adds placeholders ({unit})"),
        ("{amount} left", "{amount übrig", "has a brace outside a placeholder"),
        ("Budget", "[%key:common::budget%]", "has a reference to another text"),
        ("Up to 10 MB", "Bis zu 100 MB", "lacks numbers (10)"),
        ("The day starts at 4:00.", "Der Tag beginnt um 04:00 Uhr", "ends with a full stop"),
        ("[The portal]({url})", "[Das Portal]({link})", "lacks link targets"),
        ("Choose **Clients**", "Wähle **Kunden**", "lacks bold parts (**Clients**)"),
        ("Turn on only_sweep", "Schalte nur_abschöpfen ein", "lacks names of fields and files"),
        ("The file `{path}`", "Die Datei {path}", "lacks code"),
        ("*Add dashboard*", "Dashboard hinzufügen", "has 0 emphasized parts instead of 1"),
        ("One.\n\nTwo.", "Eins. Zwei.", "has 0 paragraphs instead of 1"),
        ("The debt of Flex", "Die Schulden der Kreditkarte", "lacks names of products (Flex)"),
    ],
)
def test_a_translation_that_loses_something_is_found(
    english: str, translated: str, problem: str
) -> None:
    assert any(found.startswith(problem) for found in problems_of_text(english, translated))


def test_a_translation_may_order_and_repeat_placeholders_and_write_times_in_its_own_way() -> None:
    english = "{amount} of {name} at 4:00, with a Flex payment."
    assert not list(problems_of_text(english, "{name}: {amount} um 04.00 Uhr, {name}, mit Flexi."))


def test_a_word_that_begins_like_the_name_of_a_product_is_not_that_product() -> None:
    assert not list(problems_of_text("Refresh", "Actualiser"))
