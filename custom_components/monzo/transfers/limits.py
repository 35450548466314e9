"""The user's limits: whether money may be moved, how much at once, and how much in 24 hours."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import ServiceValidationError

from ..amounts import format_amount
from ..api import Money
from ..bank import validation_error
from ..const import CONF_ALLOW_TRANSFERS, CONF_MAX_PER_DAY, CONF_MAX_PER_TRANSFER
from .journal import TransferJournal
from .models import Move


class TransferLimits:
    """The limits in the options of one config entry, and the transfers that count towards them."""

    def __init__(self, entry: ConfigEntry[Any], journal: TransferJournal) -> None:
        """Initialize the limits. Changes of the options apply immediately."""
        self._entry = entry
        self._journal = journal

    def violations(self, moves: Mapping[str, Move]) -> Iterator[ServiceValidationError]:
        """Yield an error for each limit that moves of one currency exceed together.

        The moves are given by the `dedupe_id` of their transfers. A transfer that was already sent
        within the last 24 hours counts once.
        """
        if not moves:
            return
        amounts = [move.amount for move in moves.values()]
        currency = amounts[0].currency
        name = self._entry.title
        if not self._entry.options.get(CONF_ALLOW_TRANSFERS, True):
            yield validation_error("transfers_not_allowed", name=name)
        limit, largest = self._limit(CONF_MAX_PER_TRANSFER, currency), max(amounts)
        if limit is not None and largest > limit:
            yield validation_error(
                "over_transfer_limit",
                name=name,
                amount=format_amount(largest),
                limit=format_amount(limit),
            )
        if (limit := self._limit(CONF_MAX_PER_DAY, currency)) is None:
            return
        if not self._journal.history_complete:
            yield validation_error("transfers_forgotten", name=name, limit=format_amount(limit))
        total = sum(amounts, Money.zero(currency))
        used = self._journal.moved_in_last_24_hours(currency, except_ids=moves.keys())
        if used + total > limit:
            yield validation_error(
                "over_daily_limit",
                name=name,
                amount=format_amount(total),
                used=format_amount(used),
                limit=format_amount(limit),
            )

    def _limit(self, option: str, currency: str) -> Money | None:
        """Return a limit; None if the user has set none. It applies to each currency separately."""
        limit = self._entry.options.get(option)
        # The text of a float is the number that the user typed.
        return None if limit is None else Money(Decimal(str(limit)), currency)
