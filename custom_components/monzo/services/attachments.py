"""Pictures and documents at transactions, by actions."""

from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import Path
import re
from typing import Final

from homeassistant.components.media_source import MediaSourceError, async_resolve_media
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
from ..bank import action_error, bank_errors, validation_error
from .action import ATTR_ACCOUNT, ATTR_TRANSACTION_ID, AccountTarget, Action, async_account
from .fields import MONZO_ID, TEXT, https_url

ATTR_ATTACHMENT_ID: Final = "attachment_id"
ATTR_FILE: Final = "file"
ATTR_PATH: Final = "path"
ATTR_URL: Final = "url"

SERVICE_ATTACH_FILE: Final = "attach_file"
SERVICE_REMOVE_ATTACHMENT: Final = "remove_attachment"

# Where a file can come from; one of them.
SOURCES: Final = (ATTR_FILE, ATTR_PATH, ATTR_URL)

# A phone's photo has 2 to 6 MB. Ten take a slow line (1.4 Mbit/s) as long as the client waits.
LARGEST_FILE: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """A kind of file that can be attached."""

    mime_type: str

    suffix: str
    """How the names of such files usually end."""

    signature: re.Pattern[bytes]
    """How such files begin."""


# Monzo documents images. These are what cameras, phones and scanners make and phones show; PDFs are
# what shops send, though the app is not known to show them. What a file is, its content decides, so
# that no settings, passwords or backups ever go to the bank under the name of a picture.
FILE_TYPES: Final = (
    FileType(
        mime_type="image/jpeg",
        suffix=".jpg",
        signature=re.compile(rb"\xff\xd8\xff"),
    ),
    FileType(
        mime_type="image/png",
        suffix=".png",
        signature=re.compile(rb"\x89PNG\r\n\x1a\n"),
    ),
    FileType(
        mime_type="image/gif",
        suffix=".gif",
        signature=re.compile(rb"GIF8[79]a"),
    ),
    FileType(
        mime_type="image/webp",
        suffix=".webp",
        signature=re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    ),
    FileType(
        mime_type="image/heic",
        suffix=".heic",
        signature=re.compile(rb".{4}ftyphei[cx]", re.DOTALL),
    ),
    FileType(
        mime_type="application/pdf",
        suffix=".pdf",
        signature=re.compile(rb"%PDF-"),
    ),
)

# Of a URL whose end tells nothing. Whoever shows pictures looks at them, not at what they are said
# to be; and most are of this kind.
USUAL_TYPE: Final = FILE_TYPES[0]

# What ends of names say, the same on every machine: without what else is installed there.
NAMED_TYPES: Final = MimeTypes()

# Programs on servers, whose names do not say what they answer with.
SERVER_SUFFIXES: Final = frozenset({".php"})

ATTACH_FILE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_TRANSACTION_ID): MONZO_ID,
        # As the media browser gives it, or only its id.
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
    """Attach a file, or a picture that is on the internet, to a transaction."""
    target = async_account(call)
    if sum(source in call.data for source in SOURCES) != 1:
        raise validation_error("not_one_source")
    if ATTR_URL in call.data:
        return await _async_attach_url(call, target)
    return await _async_attach_content(call, target)


async def _async_attach_url(call: ServiceCall, target: AccountTarget) -> ServiceResponse:
    """Attach what is on the internet, which only phones will ever load."""
    url = https_url(call.data[ATTR_URL], ATTR_URL)
    file_type = _type_named_by(URL(url).suffix.lower())
    async with bank_errors(call.hass, target.entry):
        attachment = await target.runtime.session.register_attachment(
            call.data[ATTR_TRANSACTION_ID], file_url=url, file_type=file_type.mime_type
        )
    return _answer(call, attachment, file_type, size=None)


async def _async_attach_content(call: ServiceCall, target: AccountTarget) -> ServiceResponse:
    """Attach a file of Home Assistant's: hand it to the bank first, then to the transaction."""
    path = await _async_path(call)
    content = await call.hass.async_add_executor_job(_read, call.hass, path)
    file_type = _type_of(content)
    session = target.runtime.session
    async with bank_errors(call.hass, target.entry):
        file_url = await session.upload_attachment(
            # Not the file's own name, which is nobody's business at the bank.
            f"attachment{file_type.suffix}",
            file_type.mime_type,
            content,
        )
        try:
            attachment = await session.register_attachment(
                call.data[ATTR_TRANSACTION_ID], file_url=file_url, file_type=file_type.mime_type
            )
        except MonzoAuthenticationError:
            raise
        except (MonzoNotFoundError, MonzoPermissionError, MonzoRejectedError) as err:
            raise action_error("attachment_not_registered", reason=err.message) from err
        except (MonzoError, OAuth2TokenRequestBaseError) as err:
            raise action_error("attachment_not_confirmed") from err
    return _answer(call, attachment, file_type, size=len(content))


def _answer(
    call: ServiceCall, attachment: Attachment, file_type: FileType, *, size: int | None
) -> ServiceResponse:
    """Return what was attached; the size in bytes, if it is known."""
    return {
        "attachment_id": attachment.id,
        "transaction_id": call.data[ATTR_TRANSACTION_ID],
        "type": file_type.mime_type,
        "size": size,
    }


async def _async_path(call: ServiceCall) -> Path:
    """Return the file that is to be attached, wherever that is.

    Raises ServiceValidationError if it is no file of this machine's.
    """
    if ATTR_PATH in call.data:
        return Path(call.hass.config.path(call.data[ATTR_PATH]))
    chosen = call.data[ATTR_FILE]
    media_id = chosen if isinstance(chosen, str) else chosen["media_content_id"]
    try:
        media = await async_resolve_media(call.hass, media_id, None)
    # The last two are what Home Assistant's own folders answer to odd names.
    except MediaSourceError, AssertionError, ValueError:
        # Without the cause, which has the name of the file in it.
        raise validation_error("media_not_found") from None
    if media.path is None:
        raise validation_error("media_not_local")
    return media.path


def _read(hass: HomeAssistant, path: Path) -> bytes:
    """Return the content of a file. Blocks.

    Raises ServiceValidationError unless the file is one that Home Assistant may hand out, and of
    sane size.
    """
    try:
        # Where it is behind all links and dots: what is checked is what is opened then.
        file = path.resolve()
        if not hass.config.is_allowed_path(str(file)):
            raise validation_error("file_not_allowed")
        # A pipe or a device would be read without end.
        if not file.is_file():
            raise validation_error("file_not_found")
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError, ValueError:
        # Without the cause, which has the name of the file in it.
        raise validation_error("file_not_found") from None
    if len(content) > LARGEST_FILE:
        raise validation_error("file_too_large", megabytes=str(LARGEST_FILE // 1_000_000))
    return content


def _type_of(content: bytes) -> FileType:
    """Return what a file is, whatever it is called; ServiceValidationError if nothing we know."""
    for file_type in FILE_TYPES:
        if file_type.signature.match(content):
            return file_type
    raise validation_error("file_type_not_supported")


def _type_named_by(suffix: str) -> FileType:
    """Return what the end of a URL says that it leads to, or what it usually is if it says nothing.

    Raises ServiceValidationError if it is something else. Whether it is true, nobody looks.
    """
    named = NAMED_TYPES.guess_file_type(f"file{suffix}")
    if named == (None, None) or suffix in SERVER_SUFFIXES:
        return USUAL_TYPE
    for file_type in FILE_TYPES:
        if named == (file_type.mime_type, None):
            return file_type
    raise validation_error("file_type_not_supported")


async def _async_remove_attachment(call: ServiceCall) -> None:
    """Take an attachment off its transaction."""
    target = async_account(call)
    async with bank_errors(call.hass, target.entry):
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
