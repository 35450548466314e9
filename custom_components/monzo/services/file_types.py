"""The types of files that can be attached to a transaction."""

from dataclasses import dataclass
from mimetypes import MimeTypes
import re
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """A type of file that can be attached."""

    mime_type: str

    suffix: str
    """The usual end of the file name, such as `.jpg`."""

    signature: re.Pattern[bytes]
    """Matches the first bytes of such a file."""


# Monzo documents images. These are the formats that cameras, phones and scanners write and phones
# display. Shops send PDFs, which the app is not known to display. The content of a file decides, so
# that no settings, passwords or backups are sent to the bank under the name of a picture.
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

# Assumed for a URL that does not end in a known suffix, because most pictures are JPEGs. Programs
# that display pictures go by the content, so a wrong type does no harm.
DEFAULT_FILE_TYPE: Final = FILE_TYPES[0]

# Python's own table of suffixes, without the additions of the operating system, which differ from
# one machine to the next.
SUFFIXES: Final = MimeTypes()

# The suffixes of programs on web servers, which can answer with any type of file.
PROGRAM_SUFFIXES: Final = frozenset({".php"})


def file_type_of_content(content: bytes) -> FileType | None:
    """Return the type of a file by its content; None if it cannot be attached."""
    return next((each for each in FILE_TYPES if each.signature.match(content)), None)


def file_type_of_suffix(suffix: str) -> FileType | None:
    """Return the type of a file by the end of its URL; None if it cannot be attached.

    An unknown suffix, or none, gives the default.
    """
    guess = SUFFIXES.guess_file_type(f"file{suffix}")
    if guess == (None, None) or suffix in PROGRAM_SUFFIXES:
        return DEFAULT_FILE_TYPE
    return next((each for each in FILE_TYPES if guess == (each.mime_type, None)), None)
