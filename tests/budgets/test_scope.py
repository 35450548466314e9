"""The spending that counts for a budget."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.monzo.budgets.scope import Scope
from tests.transactions.test_record import record

CATEGORIES = ("groceries", "eating_out", "general", "category_0000custom")
SPLITS: st.SearchStrategy[Mapping[str, int]] = st.dictionaries(
    st.sampled_from(CATEGORIES), st.integers(-50_000, -1), min_size=1
)


def counted(scope: Scope, **changes: Any) -> int:
    return scope.minor_of(record(**changes))


def test_all_spending_counts_without_filters() -> None:
    assert counted(Scope()) == 1_000
    assert counted(Scope(), categories={"groceries": -400, "gifts": -600}) == 1_000


def test_only_the_parts_of_a_split_payment_in_the_categories_count() -> None:
    scope = Scope(categories=frozenset({"gifts", "holidays"}))
    assert counted(scope) == 0
    assert counted(scope, categories={"groceries": -400, "gifts": -600}) == 600


def test_a_refund_gives_money_back_to_the_budget() -> None:
    scope = Scope(categories=frozenset({"groceries"}))
    assert counted(scope, amount=1_000) == -1_000


def test_declined_payments_and_own_transfers_do_not_count() -> None:
    assert counted(Scope(), decline_reason="INSUFFICIENT_FUNDS") == 0
    assert counted(Scope(), own_transfer=True) == 0


@pytest.mark.parametrize("text", ["deli", "DELI", "eli"])
def test_a_merchant_is_found_by_a_part_of_the_name(text: str) -> None:
    assert counted(Scope(merchant=text)) == 1_000


def test_a_merchant_without_payments_matches_nothing() -> None:
    assert counted(Scope(merchant="Bakery")) == 0


def test_with_a_tag_only_payments_with_it_in_the_notes_count() -> None:
    assert counted(Scope(tag="lunch"), notes="With Ben #Lunch, #work") == 1_000
    assert counted(Scope(tag="lunch"), notes="lunch") == 0


def test_all_filters_of_a_budget_must_match() -> None:
    scope = Scope(categories=frozenset({"groceries"}), merchant="deli", tag="lunch")
    assert counted(scope, notes="#lunch") == 1_000
    assert counted(scope) == 0
    assert counted(scope, notes="#lunch", category="eating_out") == 0


@given(st.lists(SPLITS))
def test_budgets_of_all_categories_add_up_to_the_spending(splits: list[Mapping[str, int]]) -> None:
    payments = [record(amount=sum(split.values()), categories=split) for split in splits]
    budgets = [Scope(categories=frozenset({category})) for category in CATEGORIES]
    of_budgets = sum(scope.minor_of(payment) for scope in budgets for payment in payments)
    assert of_budgets == sum(Scope().minor_of(payment) for payment in payments)
    assert of_budgets == sum(-sum(split.values()) for split in splits)
