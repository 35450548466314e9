"""The integration's English texts and icons."""

import json
from pathlib import Path
from typing import Any, Final

import custom_components.monzo

ROOT: Final = Path(custom_components.monzo.__file__).parent
TEXTS: dict[str, Any] = json.loads((ROOT / "translations/en.json").read_text(encoding="utf-8"))
ICONS: dict[str, Any] = json.loads((ROOT / "icons.json").read_text(encoding="utf-8"))
