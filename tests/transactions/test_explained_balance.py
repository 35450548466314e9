"""Explained balances: the balances whose transactions are known."""

from custom_components.monzo.api import Balance, Money
from custom_components.monzo.transactions.explained_balance import BalanceExplanation


def gbp(minor: int) -> Money:
    return Money.from_minor(minor, "GBP")


def balance(minor: int) -> Balance:
    return Balance(
        balance=gbp(minor),
        total_balance=gbp(minor),
        balance_including_flexible_savings=None,
        spend_today=gbp(0),
        local_currency=None,
        local_exchange_rate=None,
        local_spend=(),
    )


def explained(minor: int = 10_000) -> BalanceExplanation:
    """Return an explanation of a balance."""
    explanation = BalanceExplanation()
    explanation.note(balance(minor))
    return explanation


def test_only_the_same_balance_is_explained_until_a_transaction_may_be_unknown() -> None:
    explanation = explained()
    assert explanation.of(balance(10_000)) is explanation.of(balance(10_000)) is not None
    assert explanation.of(balance(9_000)) is None
    explanation.suspend()
    assert explanation.of(balance(10_000)) is None


def test_each_read_makes_another_one_of_an_equal_balance() -> None:
    explanation = explained()
    before = explanation.of(balance(10_000))
    explanation.note(balance(10_000))
    assert explanation.of(balance(10_000)) is not before


def test_new_transactions_must_add_up_to_the_change_of_the_balance() -> None:
    explanation = explained()
    explanation.add([gbp(-1_000), gbp(300)])
    assert explanation.has_news_of(balance(9_300))
    # The balance lacks one of them, or the list lacks another one.
    assert not explanation.adds_up_to(balance(9_000))
    assert not explanation.adds_up_to(balance(9_200))
    explanation.add([gbp(-100)])
    assert explanation.adds_up_to(balance(9_200))


def test_the_first_balance_needs_no_explanation() -> None:
    explanation = BalanceExplanation()
    explanation.add([gbp(-1_000)])
    assert explanation.adds_up_to(balance(5))


def test_without_new_transactions_there_is_no_news() -> None:
    assert not explained().has_news_of(balance(10_000))
    assert not explained().adds_up_to(balance(9_000))
