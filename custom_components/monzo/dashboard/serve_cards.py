"""Serves the cards to browsers, and makes Home Assistant's frontend load them."""

from hashlib import sha256
import logging
from pathlib import Path
from typing import Final

from homeassistant.components.http import (  # type: ignore[attr-defined, unused-ignore]  # 2026.10 does not export it
    StaticPathConfig,
)
from homeassistant.core import HomeAssistant

from ..const import DOMAIN

_LOGGER: Final = logging.getLogger(__name__)

# The bundle of all cards, which `scripts/setup cards` builds from the folder `frontend`. Releases
# contain it, but the repository does not.
BUNDLE: Final = Path(__file__).parent / "www/monzo.js"


async def async_serve_cards(hass: HomeAssistant) -> None:
    """Serve the cards, and load them on every page of the frontend. Call once per start."""
    if "frontend" not in hass.config.components:
        return
    from homeassistant.components.frontend import (  # noqa: PLC0415 - not always loaded
        add_extra_js_url,
    )

    version = await hass.async_add_executor_job(_bundle_hash)
    if version is None:
        _LOGGER.warning(
            "There are no dashboard cards, because this copy of the integration contains only their"
            " source. Install monzo.zip of a release, or run scripts/setup cards in the repository"
        )
        return
    # The URL contains a hash, so that browsers can cache the bundle for long, and load a new one
    # after an update.
    folder = f"/{DOMAIN}/{version}"
    await hass.http.async_register_static_paths([StaticPathConfig(folder, str(BUNDLE.parent))])
    add_extra_js_url(hass, f"{folder}/{BUNDLE.name}")


def _bundle_hash() -> str | None:
    """Return a short hash of the bundle; None if it was not built. Blocks."""
    try:
        return sha256(BUNDLE.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        return None
