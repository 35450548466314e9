"""The spending that counts for a budget."""

from dataclasses import dataclass, field
import re
from typing import Final

from ..transactions import TransactionRecord

_TAG: Final = re.compile(r"#?[\w-]+")


def parse_tag(text: str) -> str | None:
    """Return a tag without its #, in lower case; None if the text is not one word."""
    text = text.strip()
    return text.removeprefix("#").casefold() if _TAG.fullmatch(text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What counts: all spending, unless one of these narrows it. All of them must match."""

    categories: frozenset[str] = frozenset()
    """The categories at the bank; empty for all. Of a split payment, only these parts count."""

    merchant: str = ""
    """Identifies a merchant or a person; see `TransactionRecord.matches_payee`. Empty for all."""

    tag: str = ""
    """A word that follows a # in the notes, in lower case and without the #; empty for all."""

    _tag: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the search for the tag."""
        pattern = re.compile(rf"(?<![\w#-])#{re.escape(self.tag)}(?![\w-])")
        object.__setattr__(self, "_tag", pattern)

    @property
    def needs_details(self) -> bool:
        """Whether it depends on names or notes, which are not always kept."""
        return bool(self.merchant or self.tag)

    def minor_of(self, record: TransactionRecord) -> int:
        """Return the spending of a transaction that counts, in minor units.

        Positive for money spent, negative for money that came back, zero if nothing counts.
        """
        spent = record.spent
        if not spent or not self._matches_texts(record):
            return 0
        if not self.categories:
            return sum(spent.values())
        return sum(minor for category, minor in spent.items() if category in self.categories)

    def _matches_texts(self, record: TransactionRecord) -> bool:
        if self.merchant and not record.matches_payee(self.merchant):
            return False
        return not self.tag or self._tag.search((record.notes or "").casefold()) is not None
