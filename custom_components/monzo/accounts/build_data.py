"""Converts the bank's answers into the data of the balances coordinator, without I/O."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from ..api import Account, Money, MonzoAuthenticationError, MonzoRateLimitError
from .models import AccountState, MonzoData, PersonState, PotState
from .poll import Answers, Endpoint, PollRequest

# If one request fails with one of these, the bank answers no other request either.
_CONCERN_ALL: Final = (MonzoAuthenticationError, MonzoRateLimitError)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryScope:
    """The accounts for which a config entry is responsible."""

    person_id: str
    """The Monzo user who signed in."""

    included: tuple[Account, ...]
    """The open accounts, whether or not they can be read."""

    excluded: AbstractSet[str]
    """The IDs of accounts that the user has excluded in the options."""

    is_claimed_elsewhere: Callable[[str], bool]
    """Whether the account or pot with this ID belongs to another config entry."""

    was_answered: Callable[[PollRequest], bool]
    """Whether the bank has ever answered this request, even before a restart."""


def blocking_error(answers: Answers, scope: EntryScope) -> Exception | None:
    """Return the error that prevents showing anything; None if there is none."""
    errors = answers.errors(scope.included)
    for error in errors.values():
        if isinstance(error, _CONCERN_ALL):
            return error
    if not answers.accounts:
        return errors.get(PollRequest(Endpoint.ACCOUNTS))
    balances = [_balance_of(account.id) for account in scope.included]
    if not balances or not all(request in errors for request in balances):
        return None

    # A passing error is more relevant than that of an account that can never be read.
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
    """Yield the accounts whose last request for the balance was answered."""
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
    """Return the pots of these accounts whose last request for pots was answered.

    If two accounts list the same pot, it belongs to the account in its own data.
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
    """Return the person, with the sum of all accounts and pots if they have the same currency."""
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
    """Return whether the sum lacks an answer. Requests that were never answered do not count."""
    result = answers.result(request)
    return not result.answered and (not result.was_sent or scope.was_answered(request))


def _removed_ids(answers: Answers, excluded: AbstractSet[str]) -> Iterator[str]:
    """Yield the IDs of closed and excluded accounts, and of deleted pots."""
    for account in answers.accounts.values():
        if account.closed or account.id in excluded:
            yield account.id
    yield from (pot.id for pot in answers.listed_pots() if pot.deleted)
