"""Webhooks."""

from dataclasses import dataclass
from typing import Self

from .fields import Fields
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Webhook(Private):
    """A URL that Monzo calls for every transaction of an account."""

    id: str

    account_id: str

    url: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `webhooks` in a list, or `webhook` after registering one."""
        fields = Fields(data)
        return cls(
            id=fields.require(fields.text, "id"),
            account_id=fields.require(fields.text, "account_id"),
            url=fields.require(fields.text, "url"),
        )
