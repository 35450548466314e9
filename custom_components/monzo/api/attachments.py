"""Attachments of transactions, and the place for their upload."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from .fields import Fields
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attachment(Private):
    """A picture that is attached to a transaction."""

    id: str

    transaction_id: str | None
    """The transaction; `external_id` in the API."""

    user_id: str | None

    file_url: str | None
    """The URL of the picture."""

    file_type: str | None
    """The media type, such as image/png."""

    created: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `attachments`, or `attachment` after registering one."""
        fields = Fields(data)
        return cls(
            id=fields.require(fields.text, "id"),
            transaction_id=fields.text("external_id"),
            user_id=fields.text("user_id"),
            file_url=fields.text("file_url") or fields.text("url"),
            file_type=fields.text("file_type") or fields.text("type"),
            created=fields.timestamp("created"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UploadTarget(Private):
    """The place for the upload of a file."""

    file_url: str
    """The URL of the file after the upload. Register this one as the attachment."""

    upload_url: str
    """The URL for the upload. It is valid for a while, without an access token."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the response of `POST /attachment/upload`."""
        fields = Fields(data)
        return cls(
            file_url=fields.require(fields.text, "file_url"),
            upload_url=fields.require(fields.text, "upload_url"),
        )
