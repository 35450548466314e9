"""Action that shows an item in the feed of the Monzo app."""

from typing import Final

from homeassistant.core import ServiceCall, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..bank import bank_errors
from ..const import FEED_IMAGE_URL
from .action import ATTR_ACCOUNT, Action, async_account
from .fields import TEXT, https_url

ATTR_BACKGROUND_COLOR: Final = "background_color"
ATTR_BODY_COLOR: Final = "body_color"
ATTR_IMAGE_URL: Final = "image_url"
ATTR_MESSAGE: Final = "message"
ATTR_TITLE: Final = "title"
ATTR_TITLE_COLOR: Final = "title_color"
ATTR_URL: Final = "url"

SERVICE_CREATE_FEED_ITEM: Final = "create_feed_item"


def _as_hex(rgb: list[int]) -> str:
    """Return a color from 0 to 255 per component as Monzo expects it, such as #FF8000."""
    return "#{:02X}{:02X}{:02X}".format(*rgb)


# From the color picker, from a light's attribute, or in Monzo's own format.
COLOR: Final = vol.Any(
    vol.All(vol.ExactSequence([cv.byte] * 3), _as_hex),
    vol.All(cv.string, vol.Upper, vol.Match(r"#[0-9A-F]{6}\Z")),
)

CREATE_FEED_ITEM_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_TITLE): TEXT,
        vol.Optional(ATTR_MESSAGE): cv.string,
        vol.Optional(ATTR_IMAGE_URL, default=FEED_IMAGE_URL): TEXT,
        vol.Optional(ATTR_URL): TEXT,
        vol.Optional(ATTR_BACKGROUND_COLOR): COLOR,
        vol.Optional(ATTR_TITLE_COLOR): COLOR,
        vol.Optional(ATTR_BODY_COLOR): COLOR,
    }
)


async def _async_create_feed_item(call: ServiceCall) -> None:
    """Show an item in the feed of an account."""
    target = await async_account(call)
    data = call.data
    image_url = https_url(data[ATTR_IMAGE_URL], ATTR_IMAGE_URL)
    url = https_url(data[ATTR_URL], ATTR_URL) if ATTR_URL in data else None
    async with bank_errors(call.hass, target.entry, target.name):
        await target.runtime.session.create_feed_item(
            target.account.id,
            title=data[ATTR_TITLE],
            body=data.get(ATTR_MESSAGE),
            image_url=image_url,
            url=url,
            background_color=data.get(ATTR_BACKGROUND_COLOR),
            title_color=data.get(ATTR_TITLE_COLOR),
            body_color=data.get(ATTR_BODY_COLOR),
        )


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        name=SERVICE_CREATE_FEED_ITEM,
        handler=_async_create_feed_item,
        schema=CREATE_FEED_ITEM_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.NONE,
    ),
)
