"""Serve the cards to browsers, and have Home Assistant's frontend load them."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from homeassistant.components.http import (  # type: ignore[attr-defined, unused-ignore]  # 2026.10 does not export it
    StaticPathConfig,
)
from homeassistant.core import HomeAssistant

from ..const import DOMAIN

WWW: Final = Path(__file__).parent / "www"

# Imports all other modules.
ENTRY_MODULE: Final = "monzo.js"


async def async_serve_cards(hass: HomeAssistant) -> None:
    """Serve the cards, and load them on every page of the frontend. Call once per start."""
    if "frontend" not in hass.config.components:
        return
    from homeassistant.components.frontend import (  # noqa: PLC0415 - not always loaded
        add_extra_js_url,
    )

    version = await hass.async_add_executor_job(_content_hash)
    # The hash is a folder in the URLs of all modules. So browsers can cache the modules for long,
    # and cannot mix old ones with new ones after an update.
    folder = f"/{DOMAIN}/{version}"
    await hass.http.async_register_static_paths([StaticPathConfig(folder, str(WWW))])
    add_extra_js_url(hass, f"{folder}/{ENTRY_MODULE}")


def _content_hash() -> str:
    """Return a short hash of all files. Blocks."""
    content = sha256()
    for file in sorted(WWW.iterdir()):
        content.update(file.name.encode() + b"\0" + file.read_bytes())
    return content.hexdigest()[:12]
