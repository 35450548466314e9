"""The use case behind the actions that move money: prepare, carry out, return the result."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..accounts import BalancesCoordinator, MonzoData
from ..bank import MonzoSession, action_error, text_for_user, validation_error
from ..clock import monotonic
from ..const import CONF_ALLOW_LANGUAGE_MODELS
from .journal import TransferJournal
from .limits import TransferLimits
from .models import TransferBatch, TransferStatus
from .names import TransferNames
from .planning import TransferRequest
from .preparation import BatchPreparation
from .repair_issue import async_update_issue, placeholders_between_pots
from .results import RequestResult, TransferResult
from .send_batch import BatchSender


class MoneyMover:
    """Handles the requests to move the money of one config entry."""

    def __init__(
        self,
        entry: ConfigEntry[Any],
        session: MonzoSession,
        balances: BalancesCoordinator,
        journal: TransferJournal,
    ) -> None:
        """Initialize the parts that handle a request."""
        self._entry = entry
        self._balances = balances
        self._journal = journal
        self._names = TransferNames(entry, balances)
        limits = TransferLimits(entry, journal)
        self._sender = BatchSender(session, journal, limits, self._names, entry)
        self._preparation = BatchPreparation(balances, journal, limits, self._sender, self._names)

    @callback
    def name_of(self, account_or_pot_id: str) -> str:
        """Return the name of an account or pot as the user sees it."""
        return self._names.name_of(account_or_pot_id)

    @callback
    def async_update_issues(self) -> None:
        """Create or delete the repair issues about money between pots, for all kept batches."""
        for batch in self._journal.batches:
            async_update_issue(self._journal, self._names, batch)

    @callback
    def async_start_publishing(self) -> None:
        """Publish results from now on, starting with those from while the entry was not loaded."""
        self._journal.results.open()
        self._entry.async_create_background_task(
            self._journal.hass, self._sender.async_publish_missed(), "publish transfers of"
        )

    @callback
    def async_stop_publishing(self) -> None:
        """Keep all results until another object of this class publishes them."""
        self._journal.results.close()

    async def async_preview(
        self, request: TransferRequest, *, by_language_model: bool
    ) -> RequestResult:
        """Return the transfers that a request would make, and the problems with them.

        No transfer is made, and other calls are not awaited. `by_language_model` says whether a
        language model makes the request. Raises ServiceValidationError if no plan is possible.
        """
        called_at = monotonic()
        batch, problems = await self._preparation.async_prepare(request, called_at)
        remaining = self._journal.remaining(batch)
        if request.skip_balance_check and remaining and not problems:
            problem = await self._preparation.async_check_balance(
                request, remaining.values(), called_at
            )
            problems = [] if problem is None else [problem]
        if (refusal := self._caller_refusal(by_language_model=by_language_model)) is not None:
            problems = [refusal, *problems]
        results = [
            TransferResult(transfer=self._journal.current(transfer_id, move))
            for transfer_id, move in batch.moves.items()
        ]
        return self._result(batch, results, self._balances.data, problems)

    async def async_execute(
        self, request: TransferRequest, *, by_language_model: bool, return_incomplete: bool
    ) -> RequestResult:
        """Make the transfers of a request, and return the result.

        `by_language_model` says whether a language model makes the request. A repeated request with
        the same `dedupe_id` continues its earlier plan. Raises HomeAssistantError if a transfer
        fails. For a request of several transfers, the caller can choose to get the result instead.
        """
        called_at = monotonic()
        locks = self._journal.locks
        async with locks.call_and_account(request.dedupe_id, request.account_id):
            # Balances from before the end of the last transfer may not include it.
            since = max(called_at, locks.last_ended(request.account_id))
            with self._publishing_refusal(request):
                refusal = self._caller_refusal(by_language_model=by_language_model)
                if refusal is not None:
                    raise refusal
                batch, problems = await self._preparation.async_prepare(request, since)
            for problem in problems:
                self._sender.async_refuse(
                    self._journal.remaining(batch) or request.explicit_moves, problem
                )
                raise problem
            results = await self._sender.async_carry_out(batch) if batch.moves else ()
            error = next((result.error for result in results if result.error), None)
            if error is None or (request.kind.is_multi_step and return_incomplete):
                # The lock is still held, so that the next call can plan with these balances.
                data = await self._async_refresh(request)
                return self._result(batch, results, data)
        if any(result.transfer.status is not TransferStatus.PENDING for result in results):
            # Only the balances can show now whether the money moved. The caller does not wait for
            # them.
            self._entry.async_create_background_task(
                self._journal.hass, self._async_refresh(request), "refresh balances of"
            )
        raise self._summary(batch, results, error)

    def _caller_refusal(self, *, by_language_model: bool) -> ServiceValidationError | None:
        """Return an error if the caller is a language model that may not move money."""
        if not by_language_model or self._entry.options.get(CONF_ALLOW_LANGUAGE_MODELS, False):
            return None
        return validation_error("language_models_not_allowed", name=self._entry.title)

    async def _async_refresh(self, request: TransferRequest) -> MonzoData | None:
        """Return the current balances; None if they cannot be read, which affects no result."""
        return await self._preparation.async_refresh(request.account_id, since=monotonic())

    @contextmanager
    def _publishing_refusal(self, request: TransferRequest) -> Iterator[None]:
        """Publish the refusal of the moves of a request if it cannot be planned."""
        try:
            yield
        except ServiceValidationError as err:
            earlier = self._journal.find_batch(request.dedupe_id)
            self._sender.async_refuse(
                request.explicit_moves if earlier is None else self._journal.remaining(earlier), err
            )
            raise

    def _summary(
        self,
        batch: TransferBatch,
        results: Iterable[TransferResult],
        error: HomeAssistantError,
    ) -> HomeAssistantError:
        """Return the error of a batch that stopped at an error."""
        done = sum(result.transfer.status is TransferStatus.DONE for result in results)
        if done == 0:
            return error
        if self._journal.has_money_between_pots(batch):
            placeholders = placeholders_between_pots(self._names, batch)
            summary = action_error("money_in_account", reason=text_for_user(error), **placeholders)
        else:
            summary = action_error(
                "moves_interrupted",
                moved=str(done),
                planned=str(len(batch.moves)),
                reason=text_for_user(error),
                dedupe_id=batch.dedupe_id,
            )
        summary.__cause__ = error
        return summary

    def _result(
        self,
        batch: TransferBatch,
        results: Iterable[TransferResult],
        data: MonzoData | None,
        problems: Iterable[HomeAssistantError] = (),
    ) -> RequestResult:
        return RequestResult(
            batch=batch,
            results=tuple(results),
            problems=tuple(problems),
            data=data,
            has_money_between_pots=self._journal.has_money_between_pots(batch),
        )
