"""Turns the bank's answers into the data of the balances coordinator. No I/O."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from ..api import Account, Money, MonzoAuthenticationError, MonzoRateLimitError
from .models import AccountState, MonzoData, PersonState, PotState
from .poll import Answers, Endpoint, PollRequest

# Errors of one request because of which the bank answers no other request either.
_CONCERN_ALL: Final = (MonzoAuthenticationError, MonzoRateLimitError)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryScope:
    """The accounts that a config entry looks after."""

    person_id: str
    """The Monzo user who signed in."""

    included: tuple[Account, ...]
    """Open accounts, readable or not."""

    excluded: AbstractSet[str]
    """IDs of accounts that the user left out in the options."""

    is_claimed_elsewhere: Callable[[str], bool]
    """Whether the account or pot with this ID belongs to another config entry."""

    was_answered: Callable[[PollRequest], bool]
    """Whether the bank has answered this request before, even before a restart."""


def blocking_error(answers: Answers, scope: EntryScope) -> Exception | None:
    """Return the error because of which nothing can be shown; None if there is none."""
    errors = answers.errors(scope.included)
    for error in errors.values():
        if isinstance(error, _CONCERN_ALL):
            return error
    if not answers.accounts:
        return errors.get(PollRequest(Endpoint.ACCOUNTS))
    balances = [_balance_of(account.id) for account in scope.included]
    if not balances or not all(request in errors for request in balances):
        return None

    # An error that may pass says more than that of an account which can never be read.
    def rank(request: PollRequest) -> tuple[bool, bool]:
        return not scope.was_answered(request), answers.result(request).is_refused

    return errors[min(balances, key=rank)]


def build_data(answers: Answers, scope: EntryScope) -> MonzoData:
    """Return everything that a config entry shows."""
    accounts = {state.id: state for state in _readable_accounts(answers, scope.included)}
    pots = _readable_pots(answers, accounts, scope.is_claimed_elsewhere)
    return MonzoData(
        person=_person(answers, scope, accounts, pots),
        accounts=accounts,
        pots=pots,
        own_accounts=tuple(answers.accounts.values()),
        pot_names={pot.id: pot.name for pot in answers.listed_pots()},
        removed_ids=frozenset(_removed_ids(answers, scope.excluded)) - pots.keys(),
        complete=not any(
            request.account_id and scope.was_answered(request)
            for request in answers.errors(scope.included)
        ),
    )


def _balance_of(account_id: str) -> PollRequest:
    return PollRequest(Endpoint.BALANCE, account_id)


def _pots_of(account_id: str) -> PollRequest:
    return PollRequest(Endpoint.POTS, account_id)


def _readable_accounts(answers: Answers, included: Iterable[Account]) -> Iterator[AccountState]:
    """Yield the accounts whose balance the bank answered when it was last asked."""
    for account in included:
        if answers.result(_balance_of(account.id)).answered:
            yield AccountState(
                account=account,
                balance=answers.balances[account.id],
                day_began=answers.dated_balances[account.id].day_began,
            )


def _readable_pots(
    answers: Answers, account_ids: Iterable[str], is_claimed_elsewhere: Callable[[str], bool]
) -> dict[str, PotState]:
    """Return the pots of these accounts that the bank answered when it was last asked.

    If two accounts list the same pot, it belongs to the one that it names.
    """
    pots: dict[str, PotState] = {}
    for account_id in account_ids:
        if not answers.result(_pots_of(account_id)).answered:
            continue
        for pot in answers.pots[account_id]:
            if (
                not pot.deleted
                and (pot.id not in pots or pot.current_account_id == account_id)
                and not is_claimed_elsewhere(pot.id)
            ):
                pots[pot.id] = PotState(pot=pot, account_id=account_id)
    return pots


def _person(
    answers: Answers,
    scope: EntryScope,
    accounts: Mapping[str, AccountState],
    pots: Mapping[str, PotState],
) -> PersonState:
    """Return the person with the sum of all accounts and pots, if they can be added."""
    parts = [
        account
        for account in scope.included
        if answers.result(_balance_of(account.id)).answered
        or _is_missing(answers, scope, _balance_of(account.id))
    ]
    currencies = frozenset(
        answers.balances[account.id].balance.currency
        if account.id in answers.balances
        else account.currency
        for account in parts
    ) | {pot.currency for pot in pots.values()}
    amounts = [account.money for account in accounts.values()]
    amounts += [pot.money for pot in pots.values()]
    listed = {pot.id for pot in answers.listed_pots()}
    complete = listed >= answers.pots_ever_listed and not any(
        _is_missing(answers, scope, request)
        for account in parts
        for request in (_balance_of(account.id), _pots_of(account.id))
    )
    return PersonState(
        id=scope.person_id,
        currencies=currencies,
        total=sum(amounts, Money.zero(*currencies)) if complete and len(currencies) == 1 else None,
    )


def _is_missing(answers: Answers, scope: EntryScope, request: PollRequest) -> bool:
    """Return whether an answer is missing from the sum; one that never worked is no part of it."""
    result = answers.result(request)
    return not result.answered and (not result.was_sent or scope.was_answered(request))


def _removed_ids(answers: Answers, excluded: AbstractSet[str]) -> Iterator[str]:
    """Yield the IDs of accounts that are closed or left out, and of deleted pots."""
    for account in answers.accounts.values():
        if account.closed or account.id in excluded:
            yield account.id
    yield from (pot.id for pot in answers.listed_pots() if pot.deleted)
