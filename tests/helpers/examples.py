"""The YAML examples in the documentation, and the devices that their placeholders stand for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any, Final, override

from homeassistant.util.yaml import parse_yaml

from sandbox.household import Household

ROOT: Final = Path(__file__).parents[2]

DOCS: Final = ROOT / "docs"

# The paths of all pages with examples, and of those about automations, in the repository.
PAGES: Final = [
    "README.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted(DOCS.rglob("*.md"))),
]
AUTOMATION_PAGES: Final = [
    page
    for page in PAGES
    if page in {"docs/automations.md", "docs/blueprints.md"}
    or page.startswith(("docs/triggers/", "docs/conditions/"))
]

# The IDs in examples, which readers replace by the devices of their account, of two of its pots,
# and of a budget.
ACCOUNT: Final = "0123456789abcdef0123456789abcdef"
POT: Final = "fedcba9876543210fedcba9876543210"
OTHER_POT: Final = "89abcdef0123456789abcdef01234567"
BUDGET: Final = "76543210fedcba9876543210fedcba98"

# A block of code with its language.
FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# The ID of any device.
_DEVICE_ID: Final = re.compile(r"\b[0-9a-f]{32}\b")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A YAML block on a page."""

    page: str
    """The path of the page in the repository."""

    number: int
    """The position among the page's blocks of code, from 1."""

    text: str

    @override
    def __str__(self) -> str:
        """Return the page and the number of the example."""
        return f"{self.page} {self.number}"

    @property
    def config(self) -> Any:
        """The parsed YAML, with placeholders."""
        return parse_yaml(self.text)

    def with_devices(self, devices: Mapping[str, str]) -> Any:
        """Return the parsed YAML with devices in place of the placeholders."""
        return parse_yaml(_DEVICE_ID.sub(lambda found: devices[found[0]], self.text))


def examples_in(page: str) -> Iterator[Example]:
    """Yield the examples on a page, given by its path in the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for number, (language, block) in enumerate(FENCE.findall(text), 1):
        if language == "yaml":
            yield Example(page=page, number=number, text=block)


def represented_accounts_and_pots(home: Household) -> dict[str, str]:
    """Return the bank's ID of the account or pot that each placeholder stands for."""
    return {ACCOUNT: home.current.id, POT: home.holiday.id, OTHER_POT: home.coin_jar.id}
