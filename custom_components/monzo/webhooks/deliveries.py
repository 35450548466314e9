"""Reads accounts because of webhook deliveries, each of which is only a hint.

Monzo does not sign deliveries, so their content is neither trusted nor shown. A forged, repeated,
late or lost delivery costs at most one read of the account.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import partial
import math
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..accounts import BalancesCoordinator
from ..bank import Priority, WebhookStatus
from ..clock import monotonic
from ..privacy import get_logger
from ..transactions import NewTransaction, TransactionsCoordinator
from .receiver import Delivery, WebhookReceiver

_LOGGER = get_logger(__name__)

# The pause between two reads. It is long enough to answer two hundred deliveries in a second with
# few requests, and short enough for a payment that follows another one a second later.
_COOLDOWN: Final = timedelta(seconds=0.5)

# The pause after a failed read. Otherwise an outage would use up the request budget.
_FAILURE_DELAY: Final = timedelta(seconds=5)

# The wait for room in the request budget. After that, genuine deliveries have their own share.
_BUDGET_DELAY: Final = timedelta(seconds=30)

# More deliveries than can be under way at once.
_MAX_WAITING: Final = 500
_MAX_DELIVERED_IDS: Final = 500

# A payment may be announced a little before the bank lists it.
_RETRY_DELAYS: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=15))

# After so many fruitless reads within this time, only polls find transactions.
_MAX_FRUITLESS_READS: Final = 5
_FRUITLESS_WINDOW: Final = timedelta(minutes=5)

# A delivery that is later than this counts as lost, even if Monzo repeats it.
_DELIVERY_TIMEOUT: Final = timedelta(minutes=2)


class _Timers:
    """One-shot timers by key. A new timer replaces the one with the same key."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize without timers."""
        self._hass = hass
        self._cancel: dict[object, CALLBACK_TYPE] = {}

    @callback
    def async_start(self, key: object, delay: timedelta, action: Callable[[], None]) -> None:
        """Run an action after a delay."""

        @callback
        def async_elapsed(_now: datetime) -> None:
            del self._cancel[key]
            action()

        if (cancel := self._cancel.get(key)) is not None:
            cancel()
        self._cancel[key] = async_call_later(self._hass, delay, async_elapsed)

    @callback
    def async_cancel_all(self) -> None:
        """Cancel all timers."""
        for cancel in self._cancel.values():
            cancel()
        self._cancel.clear()


class _Retries:
    """Delays until the next read, for each announced transaction that is not listed yet."""

    def __init__(self) -> None:
        """Initialize without transactions."""
        self._delays: dict[Delivery, Iterator[timedelta]] = {}

    def next_delay(self, delivery: Delivery) -> timedelta | None:
        """Return the delay until the next read; None after the last one."""
        delay = next(self._delays.setdefault(delivery, iter(_RETRY_DELAYS)), None)
        if delay is None:
            self.forget(delivery)
        return delay

    def __contains__(self, delivery: Delivery) -> bool:
        """Return whether an account was already read for a transaction."""
        return delivery in self._delays

    def forget(self, delivery: Delivery) -> None:
        """Forget a transaction that has been found."""
        self._delays.pop(delivery, None)

    def clear(self) -> None:
        """Forget all transactions."""
        self._delays.clear()


class _FruitlessReads:
    """Counts reads that found none of the announced transactions.

    Otherwise, anyone who knows the address of the webhook could cause an unlimited number of
    requests.
    """

    def __init__(self) -> None:
        """Initialize the count."""
        self._at: deque[float] = deque(maxlen=_MAX_FRUITLESS_READS)
        self._last_at = -math.inf

    @property
    def too_many(self) -> bool:
        """Whether there were so many recently that only polls find transactions."""
        return (
            len(self._at) == _MAX_FRUITLESS_READS
            and monotonic() - self._at[0] < _FRUITLESS_WINDOW.total_seconds()
        )

    @property
    def any_lately(self) -> bool:
        """Whether there was one recently, so that deliveries may be forged."""
        return monotonic() - self._last_at < _FRUITLESS_WINDOW.total_seconds()

    def count(self, began: float) -> None:
        """Count a read that began at a time of `clock.monotonic`."""
        self._at.append(began)
        self._last_at = began

    def reset(self) -> None:
        """Reset the count after a successful read."""
        self._at.clear()


class WebhookDeliveries:
    """Reads the accounts in deliveries, and records whether deliveries arrive."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        balances: BalancesCoordinator,
        transactions: TransactionsCoordinator,
        status: WebhookStatus,
    ) -> None:
        """Initialize the deliveries of one config entry."""
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._transactions = transactions
        self._status = status
        self._timers = _Timers(hass)
        self._retries = _Retries()
        self._fruitless = _FruitlessReads()
        # Deliveries that arrive during a read and the pause after it, oldest first.
        self._waiting: list[Delivery] = []
        self._busy = False
        self._has_waited = False
        self._delivered_ids: deque[str] = deque(maxlen=_MAX_DELIVERED_IDS)

    @callback
    def async_start(self, receiver: WebhookReceiver) -> None:
        """Read the accounts in deliveries until the config entry is unloaded."""
        self._entry.async_on_unload(receiver.async_connect(self._async_on_delivery))
        self._entry.async_on_unload(
            self._transactions.async_add_listener(self._async_on_new_transaction)
        )
        self._entry.async_on_unload(self._timers.async_cancel_all)

    @callback
    def _async_on_delivery(self, delivery: Delivery) -> None:
        if delivery.account_id in self._balances.included_ids:
            self._delivered_ids.append(delivery.transaction_id)
            self._async_follow_soon(delivery)

    @callback
    def _async_follow_soon(self, *deliveries: Delivery) -> None:
        """Read the accounts of deliveries now, or after the pause that follows the current read."""
        new = [delivery for delivery in deliveries if delivery not in self._waiting]
        self._waiting = [*self._waiting, *new][:_MAX_WAITING]
        if self._waiting and not self._busy:
            self._busy = True
            self._entry.async_create_background_task(
                self._hass, self._async_follow(), "follow webhook deliveries of Monzo"
            )

    async def _async_follow(self) -> None:
        """Read the accounts of waiting deliveries, and then pause."""
        waiting, self._waiting = self._outstanding(self._waiting), []
        rest = _COOLDOWN
        if waiting and self._fruitless.too_many:
            self._retries.clear()
            self._async_set_arriving(arriving=False)
        elif waiting:
            priority = self._priority(waiting)
            granted = self._granted(waiting, priority)
            self._waiting = [each for each in waiting if each not in granted]
            self._has_waited = bool(self._waiting)
            if self._waiting:
                rest = _BUDGET_DELAY
                # Polls must be frequent, because they may find the transactions earlier.
                self._async_set_arriving(arriving=False)
            if granted and not await self._async_read(granted, priority):
                rest = _FAILURE_DELAY
        self._timers.async_start("cooldown", rest, self._async_cooled_down)

    def _priority(self, deliveries: list[Delivery]) -> Priority:
        """Return the priority of reads because of deliveries."""
        priority = self._transactions.hint_priority(_account_ids(deliveries))
        # If none was forged recently, these are payments, which should be reported soon.
        are_genuine = priority is Priority.HINT and not self._fruitless.any_lately
        return Priority.DELAYED_HINT if are_genuine and self._has_waited else priority

    def _granted(self, deliveries: list[Delivery], priority: Priority) -> list[Delivery]:
        """Return the deliveries for which the request budget has room now."""
        granted = self._transactions.grant_hints(
            _account_ids(self._unknown(deliveries)),
            priority,
            balances=_account_ids(self._without_balance(deliveries)),
        )
        return [each for each in deliveries if each.account_id in granted]

    @callback
    def _async_cooled_down(self) -> None:
        self._busy = False
        self._async_follow_soon()

    async def _async_read(self, deliveries: list[Delivery], priority: Priority) -> bool:
        """Read the accounts of announced transactions; return whether the bank has answered."""
        began = monotonic()
        sought = self._unknown(deliveries)
        account_ids = _account_ids(sought)
        balances = _account_ids(self._without_balance(deliveries))
        try:
            answered = await self._transactions.async_refresh_hinted(
                account_ids, priority, balances=balances
            )
        except Exception:
            # A defect must not stop the processing of all later deliveries.
            _LOGGER.exception("Unexpected error while following webhook deliveries")
            answered = frozenset()
        is_answered = answered == set(account_ids)
        missing = self._unknown(sought)
        if missing != sought:
            self._fruitless.reset()
        elif sought and is_answered:
            # Without an answer, as in an outage, the deliveries may be genuine.
            self._fruitless.count(began)
        for delivery in deliveries:
            if delivery in missing:
                self._async_retry(delivery)
            else:
                self._retries.forget(delivery)
        return is_answered

    def _outstanding(self, deliveries: Collection[Delivery]) -> list[Delivery]:
        """Return the deliveries for which an account should be read."""
        wanted = {*self._unknown(deliveries), *self._without_balance(deliveries)}
        return [each for each in deliveries if each in wanted]

    def _without_balance(self, deliveries: Collection[Delivery]) -> list[Delivery]:
        """Return the deliveries whose transactions the balance may lack.

        List and balance are asked for at the same time, so a list may show a payment that the
        balance lacks. A balance that was asked for after the first delivery does not.
        """
        return [
            each
            for each in deliveries
            if (
                self._transactions.explained_balance(each.account_id) is None
                if self._transactions.knows(*each)
                else each not in self._retries
            )
        ]

    def _unknown(self, deliveries: Collection[Delivery]) -> list[Delivery]:
        """Return the deliveries whose transactions have not been found yet."""
        return [each for each in deliveries if not self._transactions.knows(*each)]

    @callback
    def _async_retry(self, delivery: Delivery) -> None:
        """Read an account again later, because it does not list the announced transaction yet."""
        if (delay := self._retries.next_delay(delivery)) is not None:
            self._timers.async_start(delivery, delay, partial(self._async_follow_soon, delivery))

    # Whether deliveries arrive

    @callback
    def _async_on_new_transaction(self, new: NewTransaction) -> None:
        """Record whether a new transaction was announced, or wait for its delivery."""
        transaction_id = new.transaction.id
        if transaction_id in self._delivered_ids:
            self._async_set_arriving(arriving=True)
        elif not new.late:
            self._timers.async_start(
                transaction_id,
                _DELIVERY_TIMEOUT,
                partial(self._async_check_delivered, transaction_id),
            )

    @callback
    def _async_check_delivered(self, transaction_id: str) -> None:
        self._async_set_arriving(arriving=transaction_id in self._delivered_ids)

    @callback
    def _async_set_arriving(self, *, arriving: bool) -> None:
        if self._status.update(arriving=arriving):
            self._balances.async_update_listeners()


def _account_ids(deliveries: Collection[Delivery]) -> list[str]:
    """Return the accounts in deliveries, each once, in order."""
    return list(dict.fromkeys(each.account_id for each in deliveries))
