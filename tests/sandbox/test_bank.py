# ruff: noqa: D102, D107 - the names of the state machine's steps document them

from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
import pytest

from sandbox.bank import Bank, BankError, minor_units
from sandbox.behaviour import BankBehaviour
from sandbox.models import Account, Person, Pot, Transaction, id_time

from .clock import ManualClock


def total_money(currency: str, bank: Bank) -> int:
    """Return the sum of all balances of a currency; it is zero, because money is never created."""
    accounts = sum(each.balance for each in bank.accounts.values() if each.currency == currency)
    pots = sum(each.balance for each in bank.pots.values() if each.currency == currency)
    return accounts + pots + bank.outside[currency].balance


def test_a_payment_moves_money_outside(bank: Bank, current: Account) -> None:
    bank.pay(current.id, -350, merchant="Deli")
    assert current.balance == 9_650
    assert bank.outside["GBP"].balance == -9_650


def test_a_declined_payment_is_listed_but_moves_no_money(bank: Bank, current: Account) -> None:
    transaction = bank.decline(current.id, -99_999)
    assert (transaction.amount, transaction.decline_reason) == (-99_999, "INSUFFICIENT_FUNDS")
    assert bank.transactions(current.id) == [transaction]
    assert current.balance == 10_000


def test_settling_changes_the_amount_without_calling_listeners(
    bank: Bank, current: Account
) -> None:
    reported: list[Transaction] = []
    transaction = bank.pay(current.id, -100, merchant="Pump & Go")
    bank.on_transaction(reported.append)
    bank.settle(transaction.id, -4_210)
    assert (transaction.amount, transaction.local_amount, transaction.amount_is_pending) == (
        -4_210,
        -4_210,
        False,
    )
    assert current.balance == 5_790
    assert reported == []


def test_settling_does_not_change_an_amount_in_another_currency(
    bank: Bank, current: Account
) -> None:
    transaction = bank.pay(current.id, -883, local_amount=-1_200, local_currency="USD")
    bank.settle(transaction.id, -901)
    assert (transaction.amount, transaction.local_amount) == (-901, -1_200)


def test_only_pending_payments_can_be_settled(bank: Bank, current: Account) -> None:
    transaction = bank.pay(current.id, -100, pending=False)
    with pytest.raises(ValueError, match="pending"):
        bank.settle(transaction.id)


def test_amounts_with_the_wrong_sign_are_refused(bank: Bank, current: Account) -> None:
    with pytest.raises(ValueError, match="negative"):
        bank.pay(current.id, 1)
    with pytest.raises(ValueError, match="positive"):
        bank.refund(current.id, 0)


def test_listeners_are_called_for_every_new_transaction_until_removed(
    bank: Bank, current: Account, pot: Pot
) -> None:
    reported: list[Transaction] = []
    stop = bank.on_transaction(reported.append)
    bank.pay(current.id, -100)
    bank.decline(current.id, -100)
    bank.deposit(pot.id, current.id, 100, "once")
    stop()
    bank.pay(current.id, -100)
    assert reported == bank.transactions(current.id)[:3]


def test_a_payment_is_rounded_up_into_the_round_up_pot(bank: Bank, current: Account) -> None:
    jar = bank.open_pot(current.id, "Coins", round_up=True, round_up_multiplier=2)
    payment = bank.pay(current.id, -360)
    _, transaction = bank.transactions(current.id)
    assert jar.balance == 80
    assert transaction.amount == -80
    assert transaction.metadata["trigger"] == "coin_jar"
    assert transaction.metadata["external_id"] == f"CoinJarRule:{payment.id}:{jar.id}"
    assert payment.metadata["coin_jar_transaction"] == transaction.id


@pytest.mark.parametrize("amount", [-400, -9_950], ids=["round already", "no change left"])
def test_a_payment_without_affordable_change_is_not_rounded_up(
    bank: Bank, current: Account, amount: int
) -> None:
    jar = bank.open_pot(current.id, "Coins", round_up=True, round_up_multiplier=10)
    bank.pay(current.id, amount)
    assert jar.balance == 0


def test_a_pot_transfer_is_a_transaction_of_the_account(
    bank: Bank, current: Account, pot: Pot
) -> None:
    bank.deposit(pot.id, current.id, 500, "in")
    bank.withdraw(pot.id, current.id, 200, "out")
    into, out = bank.transactions(current.id)
    assert (into.amount, out.amount) == (-500, 200)
    assert into.dedupe_id == f"{pot.id}:{current.id}:deposit:in"
    assert out.dedupe_id == f"{pot.id}:{current.id}:withdraw:out"
    assert not into.include_in_spending
    assert bank.balance(current.id).total_balance == 12_000


def test_the_same_dedupe_id_moves_money_once(bank: Bank, current: Account, pot: Pot) -> None:
    for _ in range(3):
        assert bank.deposit(pot.id, current.id, 500, "one") is pot
    assert pot.balance == 2_500


def test_the_dedupe_id_of_a_refused_transfer_can_be_used_again(
    bank: Bank, current: Account, pot: Pot
) -> None:
    with pytest.raises(BankError):
        bank.deposit(pot.id, current.id, 10_001, "one")
    bank.receive(current.id, 1)
    bank.deposit(pot.id, current.id, 10_001, "one")
    assert current.balance == 0


def test_a_used_dedupe_id_repeats_the_first_response(
    bank: Bank, current: Account, pot: Pot
) -> None:
    other = bank.open_pot(current.id, "Other")
    bank.deposit(pot.id, current.id, 500, "one")
    assert bank.deposit(other.id, current.id, 700, "one") is pot
    assert (pot.balance, other.balance) == (2_500, 0)


def test_a_used_dedupe_id_can_be_refused(clock: ManualClock) -> None:
    bank = Bank(clock, behaviour=BankBehaviour(dedupe_conflict="refuse"))
    account = bank.open_account(bank.add_person("Ann"), balance=1_000)
    pot = bank.open_pot(account.id, "Pot")
    bank.deposit(pot.id, account.id, 500, "one")
    bank.deposit(pot.id, account.id, 500, "one")
    with pytest.raises(BankError) as refused:
        bank.deposit(pot.id, account.id, 100, "one")
    assert refused.value.code == "bad_request.dedupe_conflict"
    assert pot.balance == 500


def test_a_used_dedupe_id_can_make_another_transfer(clock: ManualClock) -> None:
    bank = Bank(clock, behaviour=BankBehaviour(dedupe_conflict="move"))
    account = bank.open_account(bank.add_person("Ann"), balance=1_000)
    pot = bank.open_pot(account.id, "Pot")
    for amount in (500, 100, 500, 100):
        bank.deposit(pot.id, account.id, amount, "one")
    assert pot.balance == 600


def test_a_locked_pot_accepts_deposits_but_no_withdrawals(bank: Bank, current: Account) -> None:
    pot = bank.open_pot(current.id, "Locked", balance=100, locked=True)
    bank.deposit(pot.id, current.id, 100, "in")
    with pytest.raises(BankError) as refused:
        bank.withdraw(pot.id, current.id, 100, "out")
    assert refused.value.code == "forbidden.pot_locked"
    bank.set_locked(pot.id, locked=False)
    bank.withdraw(pot.id, current.id, 100, "out")
    assert pot.balance == 100


def test_a_locked_pot_can_refuse_deposits_too(clock: ManualClock) -> None:
    bank = Bank(clock, behaviour=BankBehaviour(locked_pots_take_deposits=False))
    account = bank.open_account(bank.add_person("Ann"), balance=1_000)
    pot = bank.open_pot(account.id, "Locked", locked=True)
    with pytest.raises(BankError):
        bank.deposit(pot.id, account.id, 100, "in")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "bad_request.bad_param.amount"),
        (-1, "bad_request.bad_param.amount"),
        (10_001, "bad_request.insufficient_funds"),
    ],
)
def test_impossible_deposits_are_refused(
    bank: Bank, current: Account, pot: Pot, amount: int, code: str
) -> None:
    with pytest.raises(BankError) as refused:
        bank.deposit(pot.id, current.id, amount, "in")
    assert refused.value.code == code
    assert (pot.balance, current.balance) == (2_000, 10_000)


def test_money_moves_only_between_a_pot_and_its_own_open_account(
    bank: Bank, ann: Person, current: Account, pot: Pot
) -> None:
    other = bank.open_account(ann, balance=500)
    with pytest.raises(BankError) as refused:
        bank.deposit(pot.id, other.id, 100, "in")
    assert refused.value.code == "bad_request.pot_account_mismatch"
    bank.close_pot(pot.id)
    with pytest.raises(BankError) as refused:
        bank.deposit(pot.id, current.id, 100, "in")
    assert refused.value.code == "bad_request.pot_deleted"
    bank.close_account(current.id)
    with pytest.raises(BankError) as refused:
        bank.deposit(pot.id, current.id, 100, "in")
    assert refused.value.code == "bad_request.account_closed"


def test_a_pot_with_added_security_refuses_withdrawals(bank: Bank, current: Account) -> None:
    pot = bank.open_pot(current.id, "Safe", balance=100, added_security=True)
    with pytest.raises(BankError) as refused:
        bank.withdraw(pot.id, current.id, 1, "out")
    assert refused.value.code == "forbidden.pot_added_security"


def test_a_closed_pot_returns_its_money_and_stays_listed(
    bank: Bank, current: Account, pot: Pot
) -> None:
    bank.close_pot(pot.id)
    bank.close_pot(pot.id)
    assert (pot.deleted, pot.balance, current.balance) == (True, 0, 12_000)
    assert bank.pots_of(current.id) == [pot]
    assert len(bank.transactions(current.id)) == 1


def test_a_closed_account_is_empty_and_stays_listed(
    bank: Bank, ann: Person, current: Account, pot: Pot
) -> None:
    bank.close_account(current.id)
    assert (current.closed, current.balance, pot.deleted) == (True, 0, True)
    assert bank.accounts_of(ann) == [current]


def test_the_day_of_spending_starts_at_four_in_london(
    bank: Bank, clock: ManualClock, current: Account
) -> None:
    clock.now = datetime(2026, 7, 1, 2, 59, tzinfo=UTC)
    bank.pay(current.id, -100)
    assert bank.balance(current.id).spend_today == -100
    clock.forward(minutes=1)
    assert bank.balance(current.id).spend_today == 0
    bank.pay(current.id, -200)
    bank.decline(current.id, -400)
    bank.receive(current.id, 800)
    assert bank.balance(current.id).spend_today == -200


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_day_of_spending_may_start_before_or_after_four(
    bank: Bank, clock: ManualClock, current: Account, minutes: int
) -> None:
    bank.behaviour = BankBehaviour(day_reset_delay=timedelta(minutes=minutes))
    start = datetime(2026, 7, 1, 3, minute=0, tzinfo=UTC) + timedelta(minutes=minutes)
    clock.now = start - timedelta(minutes=1)
    bank.pay(current.id, -100)
    assert bank.balance(current.id).spend_today == -100
    clock.now = start
    assert bank.balance(current.id).spend_today == 0
    bank.pay(current.id, -200)
    clock.forward(hours=23)
    assert bank.balance(current.id).spend_today == -200


def test_spending_of_today_contains_no_transaction_of_the_future(
    bank: Bank, clock: ManualClock, current: Account
) -> None:
    bank.pay(current.id, -100, at=clock.now + timedelta(hours=1))
    assert bank.balance(current.id).spend_today == 0
    clock.forward(hours=1)
    assert bank.balance(current.id).spend_today == -100


def test_spending_is_zero_on_a_day_with_more_refunds_by_default(
    bank: Bank, clock: ManualClock, current: Account
) -> None:
    bank.refund(current.id, 300)
    assert bank.balance(current.id).spend_today == 0
    bank.behaviour = BankBehaviour(spend_today_never_positive=False)
    assert bank.balance(current.id).spend_today == 300


def test_spending_is_counted_per_currency(bank: Bank, current: Account) -> None:
    bank.go_abroad(current.id, "ISK", 139.676771)
    bank.pay(current.id, -1_298)
    bank.pay(current.id, -494, local_amount=-690, local_currency="ISK")
    balance = bank.balance(current.id)
    assert balance.local_spend == {"GBP": -1_298, "ISK": -690}
    assert balance.abroad is not None
    assert balance.abroad.currency == "ISK"
    bank.come_home(current.id)
    assert bank.balance(current.id).abroad is None


def test_savings_can_be_excluded_from_the_total(bank: Bank, current: Account, pot: Pot) -> None:
    bank.open_pot(current.id, "ISA", balance=7_000, type="flexible_savings", isa=True)
    bank.behaviour = BankBehaviour(savings_in_total=False)
    balance = bank.balance(current.id)
    assert (balance.total_balance, balance.with_savings) == (12_000, 19_000)


def test_interest_in_a_pot_is_not_a_transaction(bank: Bank, current: Account, pot: Pot) -> None:
    bank.pot_interest(pot.id, 7)
    assert bank.balance(current.id).total_balance == 12_007
    assert bank.transactions(current.id) == []


def test_a_bank_transfer_settles_the_next_morning_in_london(
    bank: Bank, clock: ManualClock, current: Account
) -> None:
    winter = bank.receive(current.id, 100)
    clock.now = datetime(2026, 7, 1, 5, 59, tzinfo=UTC)
    summer = bank.receive(current.id, 100)
    assert winter.settled == datetime(2026, 1, 15, 7, tzinfo=UTC)
    assert summer.settled == datetime(2026, 7, 1, 6, tzinfo=UTC)
    assert current.balance == 10_200


def test_a_payment_between_customers_is_a_transaction_in_both_accounts(
    bank: Bank, current: Account
) -> None:
    ben = bank.open_account(bank.add_person("Ben Baker"))
    out, into = bank.p2p(current.id, ben.id, 250, notes="pizza")
    assert (out.amount, into.amount) == (-250, 250)
    assert (out.counterparty["name"], into.counterparty["name"]) == ("Ben Baker", "Ann Archer")
    assert total_money("GBP", bank) == 0


@pytest.mark.parametrize("flagged", [True, False])
def test_a_transfer_between_own_accounts_is_marked(
    bank: Bank, current: Account, *, flagged: bool
) -> None:
    bank.behaviour = BankBehaviour(own_transfers_in_spending=flagged)
    ann, ben = current.owners[0], bank.add_person("Ben Baker")
    joint = bank.open_account(ann, ben, type="uk_retail_joint")
    flex = bank.open_account(ann, type="uk_monzo_flex", balance=-5_000)
    out, into = bank.p2p(current.id, joint.id, 250)
    assert out.metadata["p2p_initiator"] == into.metadata["p2p_initiator"] == "internal"
    assert out.counterparty["name"] == "Ann Archer & Ben Baker"
    repayment, _ = bank.repay_flex(current.id, flex.id, 1_000)
    assert repayment.metadata == {
        "flex_transaction_type": "repayment",
        "ledger_insertion_id": repayment.metadata["ledger_insertion_id"],
    }
    assert {out.include_in_spending, repayment.include_in_spending} == {flagged}
    assert (current.balance, joint.balance, flex.balance) == (8_750, 250, -4_000)
    assert total_money("GBP", bank) == 0


def test_an_authorisation_can_be_released_in_three_ways(bank: Bank, current: Account) -> None:
    released: tuple[Literal["vanishes", "becomes zero", "is credited"], ...] = (
        "vanishes",
        "becomes zero",
        "is credited",
    )
    for how in released:
        bank.behaviour = BankBehaviour(released_authorisation=how)
        hold = bank.pay(current.id, -400)
        bank.release(hold.id)
        assert current.balance == 10_000
        assert bank.balance(current.id).spend_today == 0
    assert [row.amount for row in bank.transactions(current.id)] == [0, -400, 400]
    settled = bank.pay(current.id, -400, pending=False)
    with pytest.raises(ValueError, match="pending"):
        bank.release(settled.id)
    assert total_money("GBP", bank) == 0


def test_customers_can_only_pay_each_other_in_the_same_currency(
    bank: Bank, current: Account
) -> None:
    abroad = bank.open_account(bank.add_person("Ben Baker"), currency="JPY")
    with pytest.raises(ValueError, match="currency"):
        bank.p2p(current.id, abroad.id, 250)


def test_a_pot_can_pay_a_bill(bank: Bank, current: Account, pot: Pot) -> None:
    bill = bank.direct_debit(current.id, -1_500, pot_id=pot.id)
    assert (pot.balance, current.balance) == (500, 10_000)
    assert bill.metadata["bills_pot_id"] == pot.id
    assert [transaction.amount for transaction in bank.transactions(current.id)] == [1_500, -1_500]


def test_each_payee_has_numbers_of_its_own(bank: Bank, current: Account) -> None:
    payees = ("Bright Energy", "City Water", "Bright Energy")
    one, other, again = (bank.direct_debit(current.id, -100, payee=payee) for payee in payees)
    keys = ("user_id", "account_number", "service_user_number")
    assert all(one.counterparty[key] == again.counterparty[key] for key in keys)
    assert all(one.counterparty[key] != other.counterparty[key] for key in keys)


def test_a_cash_machine_can_charge_a_fee(bank: Bank, current: Account) -> None:
    transaction = bank.withdraw_cash(current.id, -5_150, fee=150)
    assert transaction.atm_fee is not None
    assert (transaction.atm_fee.fee, transaction.atm_fee.withdrawal) == (150, 5_000)
    assert transaction.category == "cash"
    assert bank.withdraw_cash(current.id, -1_000).atm_fee is None


def test_interest_is_paid_and_charged(bank: Bank, current: Account) -> None:
    assert bank.interest(current.id, 12).category == "income"
    assert bank.interest(current.id, -3).category == "bills"
    assert current.balance == 10_009


def test_pots_can_be_changed(bank: Bank, clock: ManualClock, pot: Pot) -> None:
    clock.forward(days=1)
    bank.rename_pot(pot.id, "Iceland")
    bank.set_goal(pot.id, 50_000)
    bank.set_round_up(pot.id, on=True, multiplier=5)
    assert (pot.name, pot.goal, pot.round_up, pot.round_up_multiplier) == (
        "Iceland",
        50_000,
        True,
        5,
    )
    assert pot.updated == clock.now


def test_annotating_keeps_only_notes(bank: Bank, current: Account) -> None:
    transaction = bank.pay(current.id, -100)
    bank.annotate(transaction.id, {"notes": "lunch", "mine": "yes"})
    assert transaction.notes == transaction.metadata["notes"] == "lunch"
    assert "mine" not in transaction.metadata
    bank.annotate(transaction.id, {"notes": ""})
    assert transaction.notes == ""
    assert "notes" not in transaction.metadata


def test_annotating_can_keep_all_metadata(clock: ManualClock) -> None:
    bank = Bank(clock, behaviour=BankBehaviour(keep_metadata=True))
    account = bank.open_account(bank.add_person("Ann"), balance=1_000)
    transaction = bank.pay(account.id, -100)
    bank.annotate(transaction.id, {"mine": "yes"})
    assert transaction.metadata["mine"] == "yes"
    bank.annotate(transaction.id, {"mine": ""})
    assert "mine" not in transaction.metadata


def test_ids_sort_by_time_and_contain_it(bank: Bank, clock: ManualClock, current: Account) -> None:
    later = bank.pay(current.id, -1)
    earlier = bank.pay(current.id, -2, at=clock.now - timedelta(days=30))
    assert earlier.id < later.id
    assert bank.transactions(current.id) == [earlier, later]
    assert id_time(earlier.id) == earlier.created
    assert len(later.id.partition("_")[2]) == 22
    with pytest.raises(ValueError, match="not an id"):
        id_time("tx_123")


def test_unknown_ids_are_refused(bank: Bank) -> None:
    for get in (bank.account, bank.pot, bank.transaction, bank.detach):
        with pytest.raises(BankError) as refused:
            get("unknown_id")
        assert refused.value.code.startswith("not_found.")


def test_currencies_have_different_minor_units() -> None:
    assert [minor_units(currency) for currency in ("GBP", "JPY", "KWD")] == [100, 1, 1000]


def test_payments_in_yen_are_not_rounded_up(bank: Bank, ann: Person) -> None:
    account = bank.open_account(ann, currency="JPY", balance=1_000)
    jar = bank.open_pot(account.id, "Coins", round_up=True)
    bank.pay(account.id, -123)
    assert (jar.balance, total_money("JPY", bank)) == (0, 0)


amounts = st.integers(1, 5_000)
dedupe_ids = st.sampled_from(["a", "b", "c", "d"])


class Household(RuleBasedStateMachine):
    """Random sequences of everything that can happen to two people's money."""

    accounts: Bundle[Account] = Bundle("accounts")
    pots: Bundle[Pot] = Bundle("pots")
    pending: Bundle[Transaction] = Bundle("pending")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.bank = Bank(self.clock)
        self.people = [self.bank.add_person(name) for name in ("Ann", "Ben")]
        self.opening: dict[str, int] = {}

    @rule(target=accounts, balance=st.integers(0, 9_000), joint=st.booleans())
    def open_account(self, balance: int, *, joint: bool) -> Account:
        owners = self.people if joint else self.people[:1]
        account = self.bank.open_account(*owners, balance=balance)
        self.opening[account.id] = balance
        return account

    @rule(
        target=pots,
        account=accounts,
        balance=st.integers(0, 900),
        round_up=st.booleans(),
        locked=st.booleans(),
    )
    def open_pot(self, account: Account, balance: int, *, round_up: bool, locked: bool) -> Pot:
        return self.bank.open_pot(
            account.id, "Pot", balance=balance, round_up=round_up, locked=locked
        )

    @rule(target=pending, account=accounts.filter(lambda each: not each.closed), amount=amounts)
    def pay(self, account: Account, amount: int) -> Transaction:
        return self.bank.pay(account.id, -amount)

    @rule(account=accounts.filter(lambda each: not each.closed), amount=amounts)
    def decline(self, account: Account, amount: int) -> None:
        self.bank.decline(account.id, -amount)

    @rule(account=accounts.filter(lambda each: not each.closed), amount=amounts)
    def money_comes_in(self, account: Account, amount: int) -> None:
        self.bank.receive(account.id, amount)
        self.bank.refund(account.id, amount)
        self.bank.interest(account.id, amount)

    @rule(payment=consumes(pending), amount=st.none() | st.integers(-5_000, 0))
    def settle(self, payment: Transaction, amount: int | None) -> None:
        self.bank.settle(payment.id, amount)

    @rule(pot=pots, account=accounts, amount=st.integers(-10, 5_000), dedupe_id=dedupe_ids)
    def deposit(self, pot: Pot, account: Account, amount: int, dedupe_id: str) -> None:
        before = (pot.balance, account.balance)
        try:
            self.bank.deposit(pot.id, account.id, amount, dedupe_id)
        except BankError:
            assert (pot.balance, account.balance) == before

    @rule(pot=pots, amount=st.integers(-10, 5_000), dedupe_id=dedupe_ids)
    def withdraw(self, pot: Pot, amount: int, dedupe_id: str) -> None:
        try:
            self.bank.withdraw(pot.id, pot.account_id, amount, dedupe_id)
        except BankError:
            return
        # A repeated request moves no money.
        before = pot.balance
        self.bank.withdraw(pot.id, pot.account_id, amount, dedupe_id)
        assert pot.balance == before

    @rule(pot=pots, amount=amounts)
    def interest_in_a_pot(self, pot: Pot, amount: int) -> None:
        if not pot.deleted:
            self.bank.pot_interest(pot.id, amount)

    @rule(pot=pots)
    def close_pot(self, pot: Pot) -> None:
        self.bank.close_pot(pot.id)
        assert pot.balance == 0

    @rule(account=accounts)
    def close_account(self, account: Account) -> None:
        if not account.closed:
            self.bank.close_account(account.id)
            assert account.balance == 0

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.clock.forward(hours=hours)

    @invariant()
    def no_money_appears_or_vanishes(self) -> None:
        if self.bank.outside:
            assert total_money("GBP", self.bank) == 0

    @invariant()
    def the_total_is_the_balance_and_the_pots(self) -> None:
        for account in self.bank.accounts.values():
            balance = self.bank.balance(account.id)
            in_pots = sum(pot.balance for pot in self.bank.pots_of(account.id))
            assert balance.total_balance == balance.balance + in_pots

    @invariant()
    def the_history_explains_the_balance(self) -> None:
        for account in self.bank.accounts.values():
            transactions = self.bank.transactions(account.id)
            moved = sum(
                transaction.amount for transaction in transactions if not transaction.decline_reason
            )
            assert account.balance == self.opening[account.id] + moved
            assert transactions == sorted(transactions, key=lambda transaction: transaction.id)

    @invariant()
    def no_pot_owes_money(self) -> None:
        assert all(pot.balance >= 0 for pot in self.bank.pots.values())


TestHousehold = Household.TestCase
