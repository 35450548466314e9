"""The recurring payments of an account, with what people said about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ..api import Private
from ..transactions import TransactionKind, TransactionRecord
from .corrections import Correction, correct, corrected
from .detection import RecurringPayment


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ListedPayment(Private):
    """A recurring payment together with its correction; it may be dismissed."""

    payment: RecurringPayment
    """The payment with its correction applied."""

    correction: Correction
    is_proposed: bool
    pot_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccountPayments(Private):
    """The recurring payments of an account."""

    payments: Sequence[RecurringPayment]

    proposals: Sequence[RecurringPayment]
    """Payments that may recur, and count only after a person has confirmed them; see `propose`."""

    pots: Mapping[str, str]
    """The pot IDs of payments by key; see `PotLinks`."""

    income_keys: frozenset[str]
    """The keys of payments that are incomes from other people."""

    newest: Mapping[str, TransactionRecord]
    """The newest transaction of each payment by key."""

    @property
    def incomes(self) -> Sequence[RecurringPayment]:
        """The payments that are incomes from other people."""
        return [payment for payment in self.payments if payment.key in self.income_keys]

    def named(self, pot_names: Mapping[str, str]) -> AccountPayments:
        """Return the payments with the names of pots, because the bank returns only a pot's ID.

        `pot_names` has the names by ID.
        """

        def named(payment: RecurringPayment) -> RecurringPayment:
            name = pot_names.get(self.pots.get(payment.key, ""))
            is_deposit = payment.kind is TransactionKind.POT_DEPOSIT
            return replace(payment, payee=name) if is_deposit and name else payment

        return replace(
            self,
            payments=[named(payment) for payment in self.payments],
            proposals=[named(payment) for payment in self.proposals],
        )

    def corrected(self, corrections: Mapping[str, Correction], today: date) -> AccountPayments:
        """Return the payments with people's corrections; see `correct`."""
        confirmed = [
            it for it in self.proposals if it.key in corrections and corrections[it.key].confirmed
        ]
        payments = correct([*self.payments, *confirmed], corrections, today)
        return replace(self, payments=payments)

    def find(self, key: str) -> RecurringPayment | None:
        """Return the payment with a key, which may be a proposal."""
        return next((it for it in (*self.payments, *self.proposals) if it.key == key), None)

    def listed(self, corrections: Mapping[str, Correction], today: date) -> list[ListedPayment]:
        """Return all payments with their corrections, in the order of their next days."""
        listed = [
            self.describe(payment, corrections.get(payment.key, Correction.of(payment)), today)
            for payment in (*self.payments, *self.proposals)
        ]
        return sorted(listed, key=lambda it: (it.payment.next, it.payment.payee, it.payment.key))

    def describe(
        self, payment: RecurringPayment, correction: Correction, today: date
    ) -> ListedPayment:
        """Return a payment together with its correction."""
        return ListedPayment(
            payment=corrected(payment, correction, today),
            correction=correction,
            is_proposed=payment in self.proposals and not correction.confirmed,
            pot_id=self.pots.get(payment.key),
        )
