"""The balance of an account."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from .fields import Fields, read_each
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Balance(Private):
    """The balance of an account."""

    balance: Money
    """The money that can be spent. Pending payments are already subtracted."""

    total_balance: Money | None
    """The balance plus the money in the account's pots. None in responses of 2017."""

    balance_including_flexible_savings: Money | None
    """The total balance plus the pots that earn interest. Undocumented."""

    spend_today: Money
    """The sum of payments since about 4 a.m. in London. Negative if money was spent.

    The documentation says "approximately 4am"; it names neither the exact time nor the sign.
    """

    local_currency: str | None
    """The currency of the country where the owner is; None at home."""

    local_exchange_rate: Decimal | None
    """The amount of local currency for one pound (the account's currency); None at home."""

    local_spend: tuple[Money, ...]
    """The parts of `spend_today` in the currencies of the payments, with the same sign."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the response of `GET /balance`."""
        fields = Fields(data)
        return cls(
            balance=fields.require(fields.money, "balance"),
            total_balance=fields.money("total_balance"),
            balance_including_flexible_savings=fields.money("balance_including_flexible_savings"),
            spend_today=fields.require(fields.money, "spend_today"),
            local_currency=fields.text("local_currency"),
            local_exchange_rate=fields.number("local_exchange_rate") or None,
            local_spend=read_each(_read_local_spend, fields.rows("local_spend") or []),
        )


def _read_local_spend(data: object) -> Money:
    fields = Fields(data)
    return fields.require(fields.money, "spend_today")
