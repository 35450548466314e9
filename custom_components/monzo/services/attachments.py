"""Actions that attach a file to a transaction, and remove an attachment."""

from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import OAuth2TokenRequestBaseError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import MediaSelector
import voluptuous as vol
from yarl import URL

from ..api import (
    Attachment,
    MonzoAuthenticationError,
    MonzoError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRejectedError,
)
from ..bank import MonzoSession, action_error, bank_errors, validation_error
from .action import ATTR_ACCOUNT, ATTR_TRANSACTION_ID, AccountTarget, Action, async_account
from .fields import MONZO_ID, TEXT, https_url
from .file_types import FILE_TYPES, FileType, file_type_of_content, file_type_of_suffix

ATTR_ATTACHMENT_ID: Final = "attachment_id"
ATTR_FILE: Final = "file"
ATTR_PATH: Final = "path"
ATTR_URL: Final = "url"

SERVICE_ATTACH_FILE: Final = "attach_file"
SERVICE_REMOVE_ATTACHMENT: Final = "remove_attachment"

# The fields that can name the file. A call needs exactly one of them.
SOURCES: Final = (ATTR_FILE, ATTR_PATH, ATTR_URL)

# In bytes. A photo from a phone has 2 to 6 MB, and a slow line (1.4 Mbit/s) can upload 10 MB within
# the client's timeout.
MAX_FILE_SIZE: Final = 10_000_000

ATTACH_FILE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_TRANSACTION_ID): MONZO_ID,
        # The id of a media item, or the object that the media selector returns.
        vol.Optional(ATTR_FILE): vol.Any(
            TEXT, MediaSelector({"accept": [file_type.mime_type for file_type in FILE_TYPES]})
        ),
        vol.Optional(ATTR_PATH): TEXT,
        vol.Optional(ATTR_URL): TEXT,
    }
)

REMOVE_ATTACHMENT_SCHEMA: Final = vol.Schema(
    {vol.Required(ATTR_ACCOUNT): cv.string, vol.Required(ATTR_ATTACHMENT_ID): MONZO_ID}
)


async def _async_attach_file(call: ServiceCall) -> ServiceResponse:
    """Attach a local file or a picture on the internet to a transaction."""
    target = await async_account(call)
    if sum(source in call.data for source in SOURCES) != 1:
        raise validation_error("not_one_source")
    if ATTR_URL in call.data:
        return await _async_attach_url(call, target)
    return await _async_attach_local_file(call, target)


async def _async_attach_url(call: ServiceCall, target: AccountTarget) -> ServiceResponse:
    """Attach a picture on the internet. Phones load it later; nothing is downloaded here."""
    url = https_url(call.data[ATTR_URL], ATTR_URL)
    file_type = file_type_of_suffix(URL(url).suffix.lower())
    if file_type is None:
        raise validation_error("file_type_not_supported", field=ATTR_URL)
    async with bank_errors(call.hass, target.entry, call.data[ATTR_TRANSACTION_ID]):
        attachment = await target.runtime.session.register_attachment(
            call.data[ATTR_TRANSACTION_ID], file_url=url, file_type=file_type.mime_type
        )
    return _response(call, attachment, file_type, size=None)


async def _async_attach_local_file(call: ServiceCall, target: AccountTarget) -> ServiceResponse:
    """Upload a file to the bank, then attach it to the transaction."""
    field = ATTR_PATH if ATTR_PATH in call.data else ATTR_FILE
    path = await _async_path(call, field)
    content = await call.hass.async_add_executor_job(_read_file, call.hass, path, field)
    file_type = file_type_of_content(content)
    if file_type is None:
        raise validation_error("file_type_not_supported", field=field)
    session = target.runtime.session
    async with bank_errors(call.hass, target.entry, call.data[ATTR_TRANSACTION_ID]):
        # The file's own name stays private.
        file_url = await session.upload_attachment(
            f"attachment{file_type.suffix}", file_type.mime_type, content
        )
        attachment = await _async_register_upload(call, session, file_url, file_type)
    return _response(call, attachment, file_type, size=len(content))


async def _async_register_upload(
    call: ServiceCall, session: MonzoSession, file_url: str, file_type: FileType
) -> Attachment:
    """Attach an uploaded file to the transaction.

    Raises HomeAssistantError that mentions the upload, or MonzoAuthenticationError.
    """
    transaction_id: str = call.data[ATTR_TRANSACTION_ID]
    try:
        return await session.register_attachment(
            transaction_id, file_url=file_url, file_type=file_type.mime_type
        )
    except MonzoAuthenticationError:
        raise
    except (MonzoNotFoundError, MonzoPermissionError, MonzoRejectedError) as err:
        raise action_error(
            "attachment_not_registered", transaction_id=transaction_id, reason=err.message
        ) from err
    except (MonzoError, OAuth2TokenRequestBaseError) as err:
        raise action_error("attachment_not_confirmed", transaction_id=transaction_id) from err


def _response(
    call: ServiceCall, attachment: Attachment, file_type: FileType, *, size: int | None
) -> ServiceResponse:
    """Return the response. The size is in bytes, or None for a picture on the internet."""
    return {
        "attachment_id": attachment.id,
        "transaction_id": call.data[ATTR_TRANSACTION_ID],
        "type": file_type.mime_type,
        "size": size,
    }


async def _async_path(call: ServiceCall, field: str) -> Path:
    """Return the path of the local file in a field.

    Raises ServiceValidationError if there is no such media item, or if it is not a local file.
    """
    if field == ATTR_PATH:
        return Path(call.hass.config.path(call.data[ATTR_PATH]))
    if "media_source" not in call.hass.config.components:
        raise validation_error("media_not_found")
    from homeassistant.components.media_source import (  # noqa: PLC0415 - not always loaded
        MediaSourceError,
        async_resolve_media,
    )

    selected = call.data[field]
    media_id = selected if isinstance(selected, str) else selected["media_content_id"]
    try:
        media = await async_resolve_media(call.hass, media_id, None)
    # Home Assistant's media folders raise AssertionError and ValueError for unusual names.
    except MediaSourceError, AssertionError, ValueError:
        # Without the cause, whose text contains the name of the file.
        raise validation_error("media_not_found") from None
    if media.path is None:
        raise validation_error("media_not_local")
    return media.path


def _read_file(hass: HomeAssistant, path: Path, field: str) -> bytes:
    """Return the content of a file. Blocks.

    Raises ServiceValidationError if the file is in a folder that Home Assistant must not share, or
    if it is missing, unreadable or too large.
    """
    try:
        # Follow all links first, so that the path that is checked is the path that is opened.
        file = path.resolve()
        if not hass.config.is_allowed_path(str(file)):
            raise validation_error("file_not_allowed", field=field)
        # A pipe or a device may never end.
        if not file.is_file():
            raise validation_error("file_not_found", field=field)
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_SIZE + 1)
    except OSError, ValueError:
        # Without the cause, whose text contains the name of the file.
        raise validation_error("file_not_found", field=field) from None
    if len(content) > MAX_FILE_SIZE:
        megabytes = str(MAX_FILE_SIZE // 1_000_000)
        raise validation_error("file_too_large", field=field, megabytes=megabytes)
    return content


async def _async_remove_attachment(call: ServiceCall) -> None:
    """Remove an attachment from its transaction."""
    target = await async_account(call)
    async with bank_errors(call.hass, target.entry, call.data[ATTR_ATTACHMENT_ID]):
        await target.runtime.session.deregister_attachment(call.data[ATTR_ATTACHMENT_ID])


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        name=SERVICE_ATTACH_FILE,
        handler=_async_attach_file,
        schema=ATTACH_FILE_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    ),
    Action(
        name=SERVICE_REMOVE_ATTACHMENT,
        handler=_async_remove_attachment,
        schema=REMOVE_ATTACHMENT_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.NONE,
    ),
)
