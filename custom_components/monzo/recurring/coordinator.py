"""Keeps the recurring payments of a config entry current, and the outlooks that depend on them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_track_utc_time_change
from homeassistant.util import dt as dt_util

from ..accounts import BalancesCoordinator
from ..bank import validation_error
from ..const import BANK_TIME_ZONE, CONF_PAY_DAY, CONF_PAY_DAY_OF_MONTH
from ..privacy import get_logger
from ..transactions import (
    DISK_ERRORS,
    Archive,
    ExplainedBalance,
    Spans,
    TransactionsCoordinator,
)
from .account_payments import AccountPayments, ListedPayment
from .account_search import SHORTEST_HISTORY, AccountSearch
from .correction_store import CorrectionStore
from .corrections import Correction, follow_payments
from .detection import RecurringPayment
from .outlook import AccountOutlook, PersonOutlook, account_outlook, person_outlook
from .pay_day import PayDayBasis, PayDayRule, PayDays
from .position import Position
from .revision import Revision

_LOGGER = get_logger(__name__)

_LONDON: Final = ZoneInfo(BANK_TIME_ZONE)

# In seconds. Several payments may be written in a row.
_SEARCH_DELAY: Final = 15

_JOINT_ACCOUNT: Final = "uk_retail_joint"


class RecurringCoordinator:
    """Searches the archive for recurring payments, and computes the outlook of each account.

    It searches at the start, at midnight in London, after each read or write that changed
    transactions, and then before a new transaction is published.

    An outlook combines a balance with the payments that were found in its transactions. A balance
    waits until the known transactions, or payments that are due, explain it; see
    `explained_balance.py`.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each part
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        balances: BalancesCoordinator,
        transactions: TransactionsCoordinator,
        archive: Archive,
        corrections: CorrectionStore,
    ) -> None:
        """Initialize the coordinator, which has no data before it is started."""
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._transactions = transactions
        self._archive = archive
        self._corrections = corrections
        self._rule = _pay_day_rule(entry)
        self._searches: dict[str, AccountSearch] = {}
        self._detected: dict[str, AccountPayments] = {}
        # For each account at its last search: the revision, the day, and whether its past was read.
        self._searched: dict[str, tuple[int, date, bool]] = {}
        # The balance of each account that the transactions of its last search explain.
        self._explained: dict[str, ExplainedBalance | None] = {}
        self._positions: dict[str, Position] = {}
        self._listeners: list[Callable[[], None]] = []
        # Updates wait for a search, so that the outlooks contain all of its results.
        self._searching = asyncio.Lock()
        self._search = Debouncer(
            hass,
            _LOGGER,
            cooldown=_SEARCH_DELAY,
            immediate=True,
            function=self.async_search,
            background=True,
        )
        self.payments: dict[str, AccountPayments] = {}
        """The payments of each account by its ID, as people corrected them and as the newest
        transactions show them."""

        self.accounts: dict[str, AccountOutlook] = {}
        """The outlook of each account by its ID. Accounts with too short a history are missing."""
        self.person: PersonOutlook | None = None
        """The outlook of the person; None before the first search."""

    @callback
    def async_start(self) -> None:
        """Search now, and keep searching until the config entry is unloaded."""
        on_unload = self._entry.async_on_unload
        on_unload(self._search.async_shutdown)
        on_unload(self._balances.async_add_listener(self._async_update))
        on_unload(self._transactions.async_add_read_listener(self._async_on_read))
        on_unload(self._transactions.async_add_before_new(self.async_search))
        on_unload(self._archive.async_add_listener(self._search.async_schedule_call))
        # Midnight in London is always a full hour in UTC.
        on_unload(async_track_utc_time_change(self._hass, self._async_on_hour, minute=0, second=10))
        self._search.async_schedule_call()

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a function after each update."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    def corrections(self, account_id: str) -> Mapping[str, Correction]:
        """Return people's corrections of an account's payments, by the payments' keys."""
        return self._corrections.of_account(account_id)

    def detected(self, account_id: str) -> Mapping[str, RecurringPayment]:
        """Return the payments of an account without corrections, by key."""
        found = self._detected.get(account_id)
        return {it.key: it for it in (*found.payments, *found.proposals)} if found else {}

    def listed(self, account_id: str) -> list[ListedPayment] | None:
        """Return all payments of an account, including dismissed ones; None if they are unknown."""
        detected = self._detected.get(account_id)
        if detected is None:
            return None
        return detected.listed(self.corrections(account_id), self.today)

    async def async_revise(self, account_id: str, key: str, revision: Revision) -> ListedPayment:
        """Correct a payment, update everything that depends on it, and return it.

        Raises ServiceValidationError if the correction is impossible, or if there is no such
        payment.
        """
        detected = self._detected.get(account_id)
        if detected is None or (payment := detected.find(key)) is None:
            raise validation_error("unknown_recurring_payment", key=key)
        corrections = self.corrections(account_id)
        correction = revision.apply_to(payment, corrections.get(key))
        await self._corrections.async_set(account_id, {**corrections, key: correction})
        self._async_update()
        return detected.describe(payment, correction, self.today)

    @property
    def incomes(self) -> Sequence[RecurringPayment]:
        """The incomes of all accounts, with people's corrections."""
        return self.person.incomes if self.person else ()

    @property
    def now(self) -> datetime:
        """The time in London by the bank's clock."""
        return self._balances.session.clock.now().astimezone(_LONDON)

    @property
    def pay_days(self) -> PayDays:
        """The past and expected pay days of the person.

        An expected one is at least one day away in Home Assistant's time zone, which may be ahead
        of London.
        """
        return PayDays.of(self._rule, self.incomes, dt_util.as_local(self.now).date())

    @property
    def has_searched(self) -> bool:
        """Whether at least one account has been searched."""
        return bool(self._searched)

    @property
    def today(self) -> date:
        """The day in London by the bank's clock."""
        return self.now.date()

    @callback
    def _async_on_hour(self, _now: datetime) -> None:
        self._search.async_schedule_call()

    @callback
    def _async_on_read(self) -> None:
        """Search what was read without a pause, because the newest balance waits for it."""
        self._entry.async_create_background_task(
            self._hass, self.async_search(), "find recurring payments of Monzo"
        )

    async def async_search(self) -> None:
        """Search all current accounts, unless nothing has changed."""
        async with self._searching:
            found = False
            accounts = self._balances.data.accounts.values()
            ids = [state.id for state in accounts if state.is_current_account]
            # Before the search, which may not find transactions that are read during it.
            explained = {account_id: self._explained_balance(account_id) for account_id in ids}
            # The archive reports its own failures. In that case, the payments stay as they were.
            with suppress(*DISK_ERRORS):
                revisions = await self._archive.async_revisions(ids)
                for account_id, revision in revisions.items():
                    found |= await self._async_search_account(
                        account_id, revision, explained[account_id]
                    )
            if found or self._newest_positions() != self._positions:
                self._async_update()

    async def _async_search_account(
        self, account_id: str, revision: int, explained: ExplainedBalance | None
    ) -> bool:
        """Search an account; return whether its payments may have changed since the last search.

        The revision and the explained balance are those from before the search.
        """
        before = self._searched.get(account_id)
        # A later gap lasts only until the next reads have caught up.
        is_read = (before is not None and before[-1]) or self._is_history_read(account_id)
        state = (revision, self.today, is_read)
        if state == before:
            self._explained[account_id] = explained
            return False
        found = await self._async_find(account_id) if is_read else None
        self._searched[account_id], self._explained[account_id] = state, explained
        if found is None:
            self._detected.pop(account_id, None)
        else:
            found = found.named(self._balances.data.pot_names)
            self._detected[account_id] = found
            payments = [*found.payments, *found.proposals]
            followed = follow_payments(self.corrections(account_id), payments)
            await self._corrections.async_set(account_id, followed)
        return True

    async def _async_find(self, account_id: str) -> AccountPayments | None:
        search = self._searches.setdefault(account_id, AccountSearch(self.today))
        continued = [key for key, it in self.corrections(account_id).items() if it.continues]
        return await self._archive.async_read(
            search.update, account_id, self.now, self.today, continued
        )

    def _is_history_read(self, account_id: str) -> bool:
        """Return whether the shortest required history was read without a gap.

        For a newer account, that is its whole history. A gap, such as during the import, would hide
        payments.
        """
        read = Spans(
            [
                *self._archive.kept_spans(account_id),
                # A span that is unreadable now will also be unreadable later.
                *self._archive.unreadable_spans(account_id),
            ]
        )
        since = read.start_of(read.end)
        opened = self._balances.data.accounts[account_id].account.created
        is_long_enough = since is None or since <= self.now - SHORTEST_HISTORY
        return is_long_enough or (opened is not None and since is not None and since <= opened)

    def _explained_balance(self, account_id: str) -> ExplainedBalance | None:
        """Return the newest balance of an account, if the archive has all its transactions."""
        if self._archive.state != "ok":
            return None
        return self._transactions.explained_balance(account_id)

    def _newest_positions(self) -> dict[str, Position]:
        accounts = self._balances.data.accounts
        return {
            id_: self._newest_position(id_, found)
            for id_, found in self._detected.items()
            if id_ in accounts
        }

    def _newest_position(self, account_id: str, found: AccountPayments) -> Position:
        """Return the newest position of an account that is consistent, as long as it is current."""
        explained, before = self._explained_balance(account_id), self._positions.get(account_id)
        is_current = (
            self._transactions.is_current(account_id)
            and self._archive.state != "failing"
            and not self._balances.do_pots_keep_failing(account_id)
        )
        is_searched = explained is not None and explained is self._explained[account_id]
        is_consistent = is_searched and self._balances.are_pots_read(account_id)
        if is_current and not is_consistent and before is not None and before.is_consistent:
            return before
        data = self._balances.data
        balance = data.accounts[account_id].money
        if explained is not None and (unlisted := self._transactions.unlisted(account_id)):
            # These payments are still expected, because the list does not show them.
            balance -= unlisted
        return Position(
            balance=balance,
            pots={id_: pot.money for id_, pot in data.pots.items() if pot.account_id == account_id},
            found=found,
            is_consistent=is_current and is_consistent,
        )

    @callback
    def _async_update(self) -> None:
        """Compute the outlooks by the newest positions."""
        accounts = self._balances.data.accounts
        self.payments = {
            id_: self._corrected(id_, found)
            for id_, found in self._detected.items()
            if id_ in accounts
        }
        # Before the positions, because a payment from yesterday may no longer be due.
        for account_id, found in self.payments.items():
            due = (it.amount for it in found.payments if it.is_exact and it.next == self.today)
            self._transactions.async_expect(account_id, due)
        self._positions = self._newest_positions()
        positions = {
            id_: replace(it, found=self._corrected(id_, it.found))
            for id_, it in self._positions.items()
        }
        # The salary may go to the account that has not been read yet.
        are_all_read = all(
            is_read for id_, (*_, is_read) in self._searched.items() if id_ in accounts
        )
        self.person = person_outlook(positions if are_all_read else {}, self._rule, self.today)
        self.accounts = {
            id_: account_outlook(
                position,
                person=self.person,
                is_joint=accounts[id_].account.type == _JOINT_ACCOUNT,
            )
            for id_, position in positions.items()
        }
        for listener in tuple(self._listeners):
            listener()

    def _corrected(self, account_id: str, found: AccountPayments) -> AccountPayments:
        return found.corrected(self.corrections(account_id), self.today)


def _pay_day_rule(entry: ConfigEntry) -> PayDayRule:
    """Return the rule for pay days from the options."""
    basis = PayDayBasis(entry.options.get(CONF_PAY_DAY, PayDayBasis.DETECTED))
    day = entry.options.get(CONF_PAY_DAY_OF_MONTH)
    return PayDayRule(basis=basis, day=None if day is None else int(day))
