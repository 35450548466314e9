"""Files of the integration: the English texts, the icons and the descriptions of actions."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

import custom_components.monzo

INTEGRATION: Final = Path(custom_components.monzo.__file__).parent
TEXTS: dict[str, Any] = json.loads(
    (INTEGRATION / "translations/en.json").read_text(encoding="utf-8")
)
ICONS: dict[str, Any] = json.loads((INTEGRATION / "icons.json").read_text(encoding="utf-8"))
ACTIONS: dict[str, Any] = yaml.safe_load(
    (INTEGRATION / "services.yaml").read_text(encoding="utf-8")
)
