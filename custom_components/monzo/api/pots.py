"""Pots."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from .fields import Fields
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pot(Private):
    """A pot: money that is set aside from an account."""

    id: str

    name: str

    balance: Money

    goal: Money | None
    """The balance that the owner wants to reach; None without a goal."""

    current_account_id: str | None
    """The account that deposits come from and withdrawals go to."""

    style: str | None
    """The picture of the pot in the Monzo app, such as piggy_bank."""

    type: str | None
    """For example default or flexible_savings. Undocumented."""

    product_id: str | None
    """The savings product and its bank; the text `default` for an ordinary pot. Undocumented."""

    isa_wrapper: str | None
    """The text `ISA` for tax-free savings. Undocumented."""

    round_up: bool
    """Whether payments are rounded up, and the difference is moved to this pot."""

    round_up_multiplier: Decimal | None
    """The factor for the rounding difference; None unless the owner set one."""

    locked: bool
    """Whether the owner has locked the pot, so that no money can be withdrawn."""

    locked_until: datetime | None
    """The end of the lock, if it has one."""

    deleted: bool
    """Whether the pot was deleted. Monzo keeps listing deleted pots."""

    is_tax_pot: bool

    available_for_bills: bool
    """Whether direct debits and standing orders can be paid from the pot."""

    has_virtual_cards: bool

    cover_image_url: str | None

    created: datetime | None

    updated: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `pots` in a list, or the response to a deposit or withdrawal."""
        fields = Fields(data)
        goal = fields.money("goal_amount")
        return cls(
            id=fields.require(fields.text, "id"),
            name=fields.text("name") or "",
            balance=fields.require(fields.money, "balance"),
            goal=goal if goal is not None and goal.amount else None,
            current_account_id=fields.text("current_account_id"),
            style=fields.text("style"),
            type=fields.text("type"),
            product_id=fields.text("product_id"),
            isa_wrapper=fields.text("isa_wrapper"),
            round_up=fields.flag("round_up"),
            round_up_multiplier=fields.number("round_up_multiplier"),
            locked=fields.flag("locked"),
            locked_until=fields.timestamp("locked_until"),
            deleted=fields.flag("deleted"),
            is_tax_pot=fields.flag("is_tax_pot"),
            available_for_bills=fields.flag("available_for_bills"),
            has_virtual_cards=fields.flag("has_virtual_cards"),
            cover_image_url=fields.text("cover_image_url"),
            created=fields.timestamp("created"),
            updated=fields.timestamp("updated"),
        )
