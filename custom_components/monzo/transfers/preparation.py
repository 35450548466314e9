"""Preparation of a batch: the transfers that a request would make, and their problems."""

from collections.abc import Collection, Iterable, Mapping
from typing import Never

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..accounts import AccountOrPot, BalancesCoordinator, MonzoData
from ..amounts import format_amount
from ..api import Money, MonzoAuthenticationError, MonzoError
from ..bank import validation_error
from .journal import TransferJournal
from .limits import TransferLimits
from .models import Move, MoveDirection, NothingToMove, TransferBatch
from .names import TransferNames
from .planning import TransferRequest
from .send_batch import BatchSender


class BatchPreparation:
    """Prepares the batches of one config entry."""

    def __init__(
        self,
        balances: BalancesCoordinator,
        journal: TransferJournal,
        limits: TransferLimits,
        sender: BatchSender,
        names: TransferNames,
    ) -> None:
        """Initialize the preparation."""
        self._balances = balances
        self._journal = journal
        self._limits = limits
        self._sender = sender
        self._names = names

    async def async_prepare(
        self, request: TransferRequest, since: float
    ) -> tuple[TransferBatch, list[HomeAssistantError]]:
        """Return the transfers of a request, and the problems that prevent them.

        The transfers are those of its earlier plan, or of a new one. The balances are read, unless
        they have been read since a time of `clock.monotonic`. Raises ServiceValidationError if no
        plan is possible.
        """
        if (earlier := self._journal.find_batch(request.dedupe_id)) is not None:
            return await self._async_prepare_rest(request, earlier, since)
        if request.skip_balance_check:
            balances = self._known_balances
        else:
            balances = await self._async_read_balances(request, since)
            balances.require(request.pot_ids)
        batch = request.plan(balances)
        if batch.nothing_because is not None:
            explicit = request.explicit_moves.values()
            if not explicit:
                return batch, []
            return batch, [self._impossible(batch.nothing_because, request, explicit, balances)]
        locked = await self._async_locked(request, batch.moves.values(), since)
        return batch, [*locked, *self._limits.violations(self._journal.remaining(batch))]

    async def _async_prepare_rest(
        self, request: TransferRequest, batch: TransferBatch, since: float
    ) -> tuple[TransferBatch, list[HomeAssistantError]]:
        """Return the transfers of an earlier batch, and the problems of the remaining ones.

        They may have become impossible, because the balances have changed.
        """
        if batch.fingerprint != request.fingerprint:
            reused = validation_error("dedupe_id_reused", dedupe_id=batch.dedupe_id)
            return request.batch((), request.zero), [reused]
        remaining = self._journal.remaining(batch)
        problems: list[HomeAssistantError] = []
        if remaining and not request.skip_balance_check:
            # If a transfer is completed between these two requests, it is subtracted twice. In the
            # other order, it would not be subtracted at all.
            missing = await self._sender.async_missing(batch)
            balances = await self._async_read_balances(request, since)
            if (reason := request.recheck(balances, missing)) is not None:
                problems.append(self._impossible(reason, request, missing, balances))
        return batch, [*problems, *self._limits.violations(remaining)]

    async def async_check_balance(
        self, request: TransferRequest, moves: Collection[Move], since: float
    ) -> ServiceValidationError | None:
        """Return an error if the bank would refuse moves because there is too little money."""
        balances = await self._async_read_balances(request, since)
        if request.recheck(balances, moves) is None:
            return None
        return validation_error(
            "more_than_there_is",
            source=self._names.name_of(request.source_id),
            balance=format_amount(balances[request.source_id]),
            amount=format_amount(request.outgoing(moves)),
        )

    async def async_refresh(self, account_id: str, *, since: float) -> MonzoData | None:
        """Read an account and its pots, unless that was done since a time of `clock.monotonic`.

        Return the balances afterwards, or None if they cannot be read.
        """
        try:
            await self._balances.async_refresh_account(account_id, since=since)
        except MonzoAuthenticationError:
            self._balances.config_entry.async_start_reauth(self._balances.hass)
            return None
        except MonzoError, HomeAssistantError:
            return None
        return self._balances.data

    @property
    def _known_balances(self) -> _KnownBalances:
        """The balances when they were last read."""
        return _KnownBalances(self._balances.data, self._names)

    async def _async_read_balances(self, request: TransferRequest, since: float) -> _KnownBalances:
        """Return balances that were read since then, or raise ServiceValidationError."""
        if await self.async_refresh(request.account_id, since=since) is None:
            name = self._names.name_of(request.account_id)
            raise validation_error("cannot_be_read", device=name)
        return self._known_balances

    async def _async_locked(
        self, request: TransferRequest, moves: Iterable[Move], since: float
    ) -> list[ServiceValidationError]:
        """Return an error for each locked pot from which money would be withdrawn."""
        locked = self._locked(
            move.pot_id for move in moves if move.direction is MoveDirection.WITHDRAW
        )
        if locked and request.skip_balance_check:
            # Until here, only the last poll was checked.
            balances = await self._async_read_balances(request, since)
            balances.require(locked)
            locked = self._locked(locked)
        return [validation_error("pot_locked", pot=self._names.name_of(id_)) for id_ in locked]

    def _locked(self, pot_ids: Iterable[str]) -> list[str]:
        """Return the pots that are locked."""
        return [pot_id for pot_id in pot_ids if self._balances.data.pots[pot_id].pot.locked]

    def _impossible(
        self,
        reason: NothingToMove,
        request: TransferRequest,
        moves: Iterable[Move],
        balances: Mapping[str, Money],
    ) -> ServiceValidationError:
        """Return the error for moves that are impossible with the balances."""
        if reason is NothingToMove.ACCOUNT_OVERDRAWN:
            source_id, destination_id = request.pot_ids
            return validation_error(
                "account_overdrawn",
                account=self._names.name_of(request.account_id),
                balance=format_amount(balances[request.account_id]),
                source=self._names.name_of(source_id),
                destination=self._names.name_of(destination_id),
            )
        return validation_error(
            "below_keep_at_least",
            source=self._names.name_of(request.source_id),
            balance=format_amount(balances[request.source_id]),
            amount=format_amount(request.outgoing(moves)),
            minimum=format_amount(request.minimum),
        )


class _KnownBalances(dict[str, Money]):
    """The balances of accounts and pots by ID. An unknown one raises ServiceValidationError."""

    def __init__(self, data: MonzoData, names: TransferNames) -> None:
        """Initialize with all balances that could be read."""
        known: list[AccountOrPot] = [*data.accounts.values(), *data.pots.values()]
        super().__init__({each.id: each.money for each in known})
        self._names = names

    def __missing__(self, account_or_pot_id: str) -> Never:
        """Raise the error for an unknown balance."""
        raise validation_error("cannot_be_read", device=self._names.name_of(account_or_pot_id))

    def require(self, account_or_pot_ids: Iterable[str]) -> None:
        """Raise ServiceValidationError if one of these balances is unknown."""
        for account_or_pot_id in account_or_pot_ids:
            if account_or_pot_id not in self:
                self.__missing__(account_or_pot_id)
