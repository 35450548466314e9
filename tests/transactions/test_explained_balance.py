"""Explained balances: the balances whose transactions are known."""

import pytest

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


def unlisted(explanation: BalanceExplanation, minor: int) -> Money | None:
    """Note a balance, and return the amount of due payments that the list does not show yet."""
    explanation.note(balance(minor))
    assert explanation.of(balance(minor))
    return explanation.unlisted


def test_a_change_counts_as_due_payments_until_these_are_listed() -> None:
    explanation = explained()
    explanation.expect([gbp(-3_400), gbp(-9_000), gbp(5_000)])
    for change in (-3_400, -12_400, 5_000):
        assert unlisted(explanation, 10_000 + change) == gbp(change)
        assert not explanation.adds_up_to(balance(10_000 + change))
    explanation.add([gbp(-700)])
    assert unlisted(explanation, 5_900) == gbp(-3_400)
    explanation.add([gbp(-3_400)])
    assert explanation.adds_up_to(balance(5_900))
    assert unlisted(explanation, 5_900) is None


@pytest.mark.parametrize("change", [-3_399, -700, 3_400])
def test_another_change_is_a_fact(change: int) -> None:
    explanation = explained()
    explanation.expect([gbp(-3_400)])
    assert unlisted(explanation, 10_000 + change) is None
    assert explanation.adds_up_to(balance(10_000 + change))


def test_a_change_is_a_fact_when_the_payment_is_no_longer_due() -> None:
    explanation = explained()
    explanation.expect([gbp(-3_400)])
    assert unlisted(explanation, 6_600) == gbp(-3_400)
    explanation.expect([])
    # Already before the next read.
    assert explanation.unlisted is None
    assert unlisted(explanation, 6_600) is None
    explanation.expect([gbp(-3_400)])
    assert explanation.unlisted is None
