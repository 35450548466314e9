"""Checks a language's texts against the English ones, without Home Assistant.

The rules are those of hassfest, which checks Home Assistant's own integrations, and those by which
a translation keeps what is not language: placeholders, links, code, numbers and names.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
import json
from pathlib import Path
import re
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
TRANSLATIONS: Final = ROOT / "custom_components/monzo/translations"
LANGUAGES: Final = sorted(path.stem for path in TRANSLATIONS.glob("*.json"))

# A language of Home Assistant for which there is no file: its users read English.
WITHOUT_FILE: Final = "is"

# A language with texts of its own, if there is any.
SECOND: Final = next((it for it in ("de", *LANGUAGES) if it in {*LANGUAGES} - {"en"}), WITHOUT_FILE)

SAME_AS_ENGLISH: Final = ROOT / "tests/languages"

_PLACEHOLDER: Final = re.compile(r"{\w+}")

# A name and a pattern that must be in no text.
_FORBIDDEN: Final = {
    "HTML": re.compile(r"<[a-zA-Z/!]"),
    "an address": re.compile(r"https?://|www\."),
    "a placeholder in quotes": re.compile(r"'{\w+}'"),
    "space at an end, or no text": re.compile(r"^\s|\s$|^$"),
    "a brace outside a placeholder": re.compile(r"{(?!\w+})|(?<!\w)}"),
    "a reference to another text": re.compile(r"\[%key:"),
    "two spaces": re.compile(r"(?<=\S)[ \u00a0]{2}"),
    # The frontend reads it as a quotation mark, and would show the name of the placeholder.
    "a straight apostrophe before a brace, or two of them": re.compile(r"'(?=[{}'])"),
}

# The parts that stay as they are besides placeholders, by name. Words may get endings.
_KEPT: Final = {
    "link targets": re.compile(r"(?<=\])\([^)]*\)"),
    "code": re.compile(r"```|`[^`\n]+`"),
    "bold parts": re.compile(r"\*\*[^*]+\*\*"),
    "names of fields and files": re.compile(
        r"(?<![{\w])[a-z]+_[a-z_]+\b(?!})|\b\w+\.(?:csv|db|yaml)\b"
    ),
    "names of products": re.compile(
        r"\b(?:Actual\b|Beancount|Client ID|Firefly III|Flex|GnuCash|HEIC|Home Assistant Cloud"
        r"|HTTPS|JPEG|OFX|PNG|QIF|WebP|YAML)"
    ),
    # Without the first zero of 04:00.
    "numbers": re.compile(r"0*(\d+)"),
}

# The parts that must be as many as in English, but may read differently.
_COUNTED: Final = {
    "paragraphs": re.compile(r"\n\n"),
    "lines": re.compile(r"\n"),
    "steps": re.compile(r"^\d+\. ", re.MULTILINE),
    "links": re.compile(r"\]\("),
    "emphasized parts": re.compile(r"(?<![*\w])\*[^*\s][^*]*\*(?!\*)"),
}

# Texts that stand in other texts, by their paths: a translation must name them by the same words.
QUOTED: Final = (
    "entity.number.budget_limit.name",
    "entity.sensor.history.name",
    "selector.keep_transactions.options.everything",
    "selector.keep_transactions.options.needed",
    "selector.keep_transactions.options.thirteen_months",
    "services.add_receipt.name",
    "services.attach_file.name",
    "services.get_recurring_payments.name",
    "services.get_transactions.name",
    "services.move_between_pots.name",
)


def read_texts(language: str) -> dict[str, Any]:
    """Return the texts of a language as its file nests them; the English ones without a file."""
    if language not in LANGUAGES:
        language = "en"
    texts: dict[str, Any] = json.loads(_file(language).read_text(encoding="utf-8"))
    return texts


def flatten(texts: dict[str, Any], path: str = "") -> dict[str, str]:
    """Return the texts by their paths, such as `device.flex.name`, in the order of the file."""
    flat: dict[str, str] = {}
    for key, child in texts.items():
        if isinstance(child, dict):
            flat |= flatten(child, f"{path}{key}.")
        else:
            flat[f"{path}{key}"] = child
    return flat


def problems_of_language(language: str) -> list[str]:
    """Return everything that is wrong with the file of a language, a line for each problem."""
    english, texts = flatten(read_texts("en")), flatten(read_texts(language))
    problems = [f"{path} is missing" for path in english.keys() - texts.keys()]
    problems += [f"{path} is not in English" for path in texts.keys() - english.keys()]
    problems.sort()
    both = [path for path in english if path in texts]
    problems += [
        f"{path} {problem}: {texts[path]}"
        for path in both
        for problem in problems_of_text(english[path], texts[path])
    ]
    if language != "en":
        problems += _unquoted(english, texts)
        problems += _untranslated(language, {english[path]: texts[path] for path in both})
        problems += _misplaced(english, texts, both)
    if not problems and _file(language).read_text(encoding="utf-8") != as_file(
        read_texts(language)
    ):
        problems.append(f"{language}.json does not have the format of en.json")
    return problems


def as_file(texts: dict[str, Any]) -> str:
    """Return the content of a file with these texts."""
    return json.dumps(texts, ensure_ascii=False, indent=2) + "\n"


def problems_of_text(english: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a translation, or with an English text compared to itself."""
    for name, pattern in _FORBIDDEN.items():
        if pattern.search(text):
            yield f"has {name}"
    # A sentence may need a placeholder once more, or less often.
    before, after = (Counter(set(_PLACEHOLDER.findall(it))) for it in (english, text))
    yield from _changes("placeholders", before, after)
    for name, pattern in _KEPT.items():
        before, after = (Counter(pattern.findall(it)) for it in (english, text))
        yield from _changes(name, before, after)
    for name, pattern in _COUNTED.items():
        before_count, after_count = (len(pattern.findall(it)) for it in (english, text))
        if before_count != after_count:
            yield f"has {after_count} {name} instead of {before_count}"
    if _ends_a_sentence(english) != _ends_a_sentence(text):
        yield "ends with a full stop or without one, unlike the English text"


def _changes(name: str, before: Counter[str], after: Counter[str]) -> Iterator[str]:
    for change, parts in (("lacks", before - after), ("adds", after - before)):
        if parts:
            yield f"{change} {name} ({', '.join(parts)})"


def _ends_a_sentence(text: str) -> bool:
    return re.search(r"[.?!]\W*$", text) is not None


def texts_that_quote(quoted: str, english: dict[str, str]) -> list[str]:
    """Return the paths of the English texts that mention the text with a path."""
    mention = re.compile(rf"(?:(?<=[a-z,] )|(?<=[\"*])){re.escape(english[quoted])}\b")
    return [path for path, text in english.items() if mention.search(text)]


def _unquoted(english: dict[str, str], texts: dict[str, str]) -> Iterator[str]:
    """Yield the texts that call another text by another name than its own."""
    for quoted in QUOTED:
        for path in texts_that_quote(quoted, english):
            if {quoted, path} <= texts.keys() and texts[quoted] not in texts[path]:
                yield f"{path} does not name {quoted} “{texts[quoted]}”: {texts[path]}"


def _untranslated(language: str, texts: dict[str, str]) -> Iterator[str]:
    """Yield English texts that are not listed as the same in the language."""
    same = {english for english, text in texts.items() if english == text and _has_words(text)}
    everywhere: dict[str, str] = json.loads(
        (SAME_AS_ENGLISH / "everywhere.json").read_text(encoding="utf-8")
    )
    file = SAME_AS_ENGLISH / f"{language}.json"
    here: list[str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    for text in sorted(same - {*everywhere, *here}):
        yield f"“{text}” is English. If the language has the same words, list it in {file.name}"
    for text in sorted(set(here) - same):
        yield f"“{text}” is listed in {file.name}, but it is translated or not in English"


def _has_words(text: str) -> bool:
    return any(character.isalpha() for character in _PLACEHOLDER.sub("", text))


def _misplaced(english: dict[str, str], texts: dict[str, str], paths: list[str]) -> Iterator[str]:
    """Yield a text that has another place than in English, because files are easy to compare."""
    order = {path: place for place, path in enumerate(english)}
    for before, after in pairwise(path for path in texts if path in order):
        if order[before] > order[after]:
            yield f"{after} comes after {before}, unlike in en.json"
            return


def _file(language: str) -> Path:
    return TRANSLATIONS / f"{language}.json"
