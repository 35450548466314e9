"""The cards and the dashboard: served to browsers, and loaded by Home Assistant's frontend."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import DOMAIN as FRONTEND_DOMAIN
from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http import (  # type: ignore[attr-defined, unused-ignore]  # 2026.10
    StaticPathConfig,
)
from homeassistant.core import HomeAssistant

from ..const import DOMAIN

WWW: Final = Path(__file__).parent / "www"

# The one that loads the others.
ENTRY_MODULE: Final = "monzo.js"


async def async_setup_dashboard(hass: HomeAssistant) -> None:
    """Have browsers load the cards, whatever kind of dashboards there are; once per start."""
    if FRONTEND_DOMAIN not in hass.config.components:
        return
    version = await hass.async_add_executor_job(_version)
    # As a folder it is part of the addresses of all modules: after an update no browser mixes
    # old ones with new ones, and between updates none asks again.
    folder = f"/{DOMAIN}/{version}"
    await hass.http.async_register_static_paths([StaticPathConfig(folder, str(WWW))])
    add_extra_js_url(hass, f"{folder}/{ENTRY_MODULE}")


def _version() -> str:
    """Return what changes when any of the files does."""
    content = sha256()
    for file in sorted(WWW.iterdir()):
        content.update(file.name.encode() + b"\0" + file.read_bytes())
    return content.hexdigest()[:12]
