"""Accounts, their owners, and the owner of an access token."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from .fields import Fields, read_each
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity(Private):
    """The owner of an access token."""

    user_id: str
    """The person. The id stays the same for all sign-ins."""

    client_id: str
    """The API client that the person signed in to."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the response of `GET /ping/whoami`."""
        fields = Fields(data)
        return cls(
            user_id=fields.require(fields.text, "user_id"),
            client_id=fields.require(fields.text, "client_id"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Owner(Private):
    """A person who owns an account, alone or with another person."""

    user_id: str

    name: str
    """The preferred full name; may be empty."""

    first_name: str | None
    """The preferred first name."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `owners` in an account."""
        fields = Fields(data)
        return cls(
            user_id=fields.require(fields.text, "user_id"),
            name=fields.text("preferred_name") or "",
            first_name=fields.text("preferred_first_name"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Account(Private):
    """An account, open or closed."""

    id: str

    type: str
    """For example uk_retail, uk_retail_joint, uk_business, uk_monzo_flex, uk_rewards or uk_loan.

    The documentation names the first two only. Empty in a response of 2016.
    """

    closed: bool

    created: datetime | None

    description: str
    """The name of a business. For other accounts an internal id: do not show it to people."""

    currency: str
    """The ISO 4217 code. GBP if the response names none, as in responses before 2019."""

    country_code: str | None
    """The ISO 3166 code of two letters, such as GB."""

    owners: tuple[Owner, ...]
    """One person, or two people for a joint account."""

    owner_type: str | None
    """For example personal; the text `unknown` for loans. Undocumented."""

    product_type: str | None
    """For example standard, rewards, flex or loan. Undocumented."""

    business_id: str | None
    """Set for business accounts only."""

    account_number: str | None
    """Eight digits. Set for accounts that can receive bank transfers."""

    sort_code: str | None
    """Six digits. Set if `account_number` is."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `accounts` in the response of `GET /accounts`."""
        fields = Fields(data)
        return cls(
            id=fields.require(fields.text, "id"),
            type=fields.text("type") or "",
            closed=fields.flag("closed"),
            created=fields.timestamp("created"),
            description=fields.text("description") or "",
            currency=fields.text("currency") or "GBP",
            country_code=fields.text("country_code"),
            owners=read_each(Owner.from_json, fields.rows("owners") or []),
            owner_type=fields.text("owner_type"),
            product_type=fields.text("product_type"),
            business_id=fields.text("business_id"),
            account_number=fields.text("account_number"),
            sort_code=fields.text("sort_code"),
        )
