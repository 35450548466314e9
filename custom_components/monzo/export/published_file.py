"""A file that appears under its name only when it is complete. All functions here block."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
import errno
import os
from pathlib import Path
import tempfile
from typing import Final

from homeassistant.core import HomeAssistant

from ..bank import action_error, validation_error

# The disk is full, or the user's quota is used up.
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The path of a new file."""

    path: Path
    """An absolute path in a folder that Home Assistant may write to."""

    overwrite: bool
    """Whether an existing file is replaced."""


def check_destination(hass: HomeAssistant, path: str, *, overwrite: bool) -> Destination:
    """Return the destination for a path.

    A relative path starts at the configuration folder. Raises ServiceValidationError if the folder
    is missing, is public, or is not allowed by Home Assistant; if the path is a folder; or if the
    file exists and `overwrite` is off.
    """
    try:
        requested = Path(hass.config.path(path))
        # Resolve all links first, so that the checked folder is the one that is used.
        destination = requested.parent.resolve() / requested.name
        allowed = hass.config.is_allowed_path(str(destination))
        public = Path(hass.config.path("www")).resolve()
    except OSError, ValueError, RuntimeError:
        raise validation_error("export_path_not_allowed", path=path) from None
    # No file name can contain a null character.
    if not allowed or "\0" in path:
        raise validation_error("export_path_not_allowed", path=path)
    if destination.is_relative_to(public):
        raise validation_error("export_path_public", path=path)
    if not destination.parent.is_dir():
        raise validation_error("export_folder_missing", path=path, folder=str(destination.parent))
    if destination.is_dir():
        raise validation_error("export_path_is_folder", path=path)
    if not overwrite and os.path.lexists(destination):
        raise validation_error("export_file_exists", path=path)
    return Destination(path=destination, overwrite=overwrite)


class PublishedFile:
    """Writes a temporary file beside its destination, and renames it when it is complete.

    Only the user that runs Home Assistant can read it. All methods raise translated errors.
    """

    def __init__(self, destination: Destination) -> None:
        """Create the temporary file."""
        self._destination = destination.path
        self._overwrite = destination.overwrite
        try:
            # The file has mode 0600.
            descriptor, path = tempfile.mkstemp(
                dir=self._destination.parent, prefix=".monzo-export-", suffix=".part"
            )
        except OSError as err:
            raise self._error(err) from None
        self._path = Path(path)
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8", newline="")

    def write(self, lines: Iterable[str]) -> None:
        """Append lines."""
        try:
            self._stream.writelines(lines)
        except OSError as err:
            raise self._error(err) from None

    def publish(self) -> None:
        """Move the file to its destination.

        Raises ServiceValidationError if a file has appeared there that must not be replaced.
        """
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            if not self._overwrite and os.path.lexists(self._destination):
                raise validation_error("export_file_exists", path=str(self._destination))
            self._path.replace(self._destination)
        except OSError as err:
            raise self._error(err) from None

    def close(self) -> None:
        """Remove the file, unless it was published."""
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _error(self, err: OSError) -> Exception:
        """Return the translated error, without its cause, because that contains the path."""
        if err.errno in _FULL:
            return action_error("export_disk_full", path=str(self._destination))
        return action_error(
            "export_not_written", path=str(self._destination), reason=err.strerror or ""
        )
