"""The ledger: who has what, and what happened. No I/O; the clock is given from outside.

Money is whole minor units of an account's currency. It is never made and never lost: every change
is a move from one purse to another, and the rest of the world is a purse too.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack
from zoneinfo import ZoneInfo

from .behaviour import DEFAULT_BANK_BEHAVIOUR, BankBehaviour
from .models import (
    Abroad,
    Account,
    AtmFee,
    Attachment,
    Balance,
    BankError,
    FeedItem,
    IdGenerator,
    JsonObject,
    Merchant,
    Outside,
    Person,
    Pot,
    Purse,
    Receipt,
    Transaction,
    Webhook,
)
from .shops import Shop, shop

__all__ = [
    "Account",
    "Balance",
    "Bank",
    "BankError",
    "Merchant",
    "Person",
    "Pot",
    "Shop",
    "Transaction",
]

LONDON = ZoneInfo("Europe/London")

# Monzo's day begins at about four in the morning (documented).
DAY_START_HOUR = 4

# Incoming bank transfers settle at seven in the morning (as recorded, summer and winter).
SETTLEMENT_HOUR = 7

# Currencies that a card may meet and that ISO 4217 gives no two decimals.
_MINOR_UNITS = {"BHD": 1000, "ISK": 1, "JPY": 1, "KRW": 1, "KWD": 1000, "TND": 1000, "VND": 1}

# Types that can be paid into by bank transfer, so that they have an account number (as recorded).
NUMBERED_TYPES = frozenset({"uk_business", "uk_retail", "uk_retail_joint"})

# What Monzo puts before an id to describe the types without a number (as recorded).
_DESCRIPTION_PREFIXES = {
    "uk_loan": "loan",
    "uk_monzo_flex": "monzoflex",
    "uk_monzo_flex_backing_loan": "monzoflexbackingloan",
    "uk_rewards": "rewardsoptin",
}


def utc_now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(UTC)


def minor_units(currency: str) -> int:
    """Return how many minor units one unit of a currency has."""
    return _MINOR_UNITS.get(currency, 100)


class _TransactionDetails(TypedDict, total=False):
    """What a transaction may have beyond its amount and its account."""

    description: str
    scheme: str
    category: str
    settled: datetime | None
    dedupe_id: str
    merchant: Merchant | None
    decline_reason: str
    counterparty: dict[str, str]
    metadata: dict[str, str]
    notes: str
    user_id: str
    originator: bool
    include_in_spending: bool
    is_load: bool
    amount_is_pending: bool
    categories: dict[str, int] | None
    atm_fee: AtmFee | None
    virtual_card: str


class PotOptions(TypedDict, total=False):
    """What a pot may have beyond its name and balance."""

    goal: int | None
    style: str
    type: str
    locked: bool
    locked_until: datetime | None
    added_security: bool
    round_up: bool
    round_up_multiplier: int | None
    isa: bool
    created: datetime


class CardOptions(TypedDict, total=False):
    """What a card payment may have beyond its amount and its merchant."""

    category: str | None
    categories: dict[str, int] | None
    local_amount: int | None
    local_currency: str | None
    person: Person | None
    notes: str
    scheme: str
    virtual_card: str
    at: datetime | None


@dataclass(frozen=True)
class _PotTransfer:
    """A transfer between an account and a pot, as far as a dedupe id vouches for it."""

    pot_id: str
    account_id: str
    amount: int
    """What the account's balance changes by: negative into the pot."""


class Bank:
    """Everything that one bank knows."""

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        behaviour: BankBehaviour = DEFAULT_BANK_BEHAVIOUR,
    ) -> None:
        """Open an empty bank; the clock must tell aware times in UTC."""
        self.clock = clock
        self.behaviour = behaviour
        self.people: dict[str, Person] = {}
        self.accounts: dict[str, Account] = {}
        self.pots: dict[str, Pot] = {}
        self.outside: dict[str, Outside] = {}
        self.feed: list[FeedItem] = []
        self.attachments: dict[str, Attachment] = {}
        self.receipts: dict[tuple[str, str], Receipt] = {}
        self.webhooks: dict[str, Webhook] = {}
        self._ids = IdGenerator()
        self._transactions: dict[str, Transaction] = {}
        self._history: defaultdict[str, list[Transaction]] = defaultdict(list)
        self._merchants: dict[Shop, Merchant] = {}
        self._pot_transfers: defaultdict[str, list[_PotTransfer]] = defaultdict(list)
        self._listeners: list[Callable[[Transaction], None]] = []

    # People, accounts, pots

    def add_person(self, name: str) -> Person:
        """Take on a customer."""
        person = Person(user_id=self._ids.next("user", self.clock()), name=name)
        self.people[person.user_id] = person
        return person

    def open_account(  # noqa: PLR0913 - an account has that many sides
        self,
        *owners: Person,
        type: str = "uk_retail",  # noqa: A002 - the API's word
        currency: str = "GBP",
        balance: int = 0,
        closed: bool = False,
        created: datetime | None = None,
        description: str = "",
    ) -> Account:
        """Open an account of any type; a joint one has two owners.

        What it holds at first comes from outside without a transaction.
        """
        created = created or self.clock()
        numbered = type in NUMBERED_TYPES
        account = Account(
            id=self._ids.next("acc", created),
            type=type,
            owners=owners,
            currency=currency,
            created=created,
            description=description or self._account_description(type, owners, created),
            number=f"{10_000_000 + 1_234_577 * (len(self.accounts) + 1):08}" if numbered else "",
            business_id=self._ids.next("business", created) if type == "uk_business" else "",
            closed=closed,
        )
        self.accounts[account.id] = account
        self._move_money(balance, self._outside_purse(currency), account)
        return account

    def open_pot(
        self, account_id: str, name: str, *, balance: int = 0, **options: Unpack[PotOptions]
    ) -> Pot:
        """Open a pot; what it holds at first comes from outside without a transaction."""
        account = self.account(account_id)
        created = options.get("created") or self.clock()
        pot = Pot(
            id=self._ids.next("pot", created),
            account_id=account.id,
            name=name,
            currency=account.currency,
            created=created,
            updated=created,
            style=options.get("style", "beach_ball"),
            type=options.get("type", "default"),
            goal=options.get("goal"),
            locked=options.get("locked", False),
            locked_until=options.get("locked_until"),
            added_security=options.get("added_security", False),
            round_up=options.get("round_up", False),
            round_up_multiplier=options.get("round_up_multiplier"),
            isa=options.get("isa", False),
        )
        self.pots[pot.id] = pot
        self._move_money(balance, self._outside_purse(account.currency), pot)
        return pot

    def account(self, account_id: str) -> Account:
        """Return the account, or refuse."""
        if account_id not in self.accounts:
            raise BankError("not_found.account_not_found", "Account not found")
        return self.accounts[account_id]

    def pot(self, pot_id: str) -> Pot:
        """Return the pot, closed ones too, or refuse."""
        if pot_id not in self.pots:
            raise BankError("not_found.pot_not_found", "Pot not found")
        return self.pots[pot_id]

    def accounts_of(self, person: Person) -> list[Account]:
        """Return the accounts that a person owns or shares, closed ones too."""
        return [account for account in self.accounts.values() if person in account.owners]

    def pots_of(self, account_id: str) -> list[Pot]:
        """Return an account's pots, closed ones too, as Monzo lists them."""
        return [pot for pot in self.pots.values() if pot.account_id == account_id]

    def rename_pot(self, pot_id: str, name: str) -> None:
        """Give a pot another name."""
        pot = self.pot(pot_id)
        pot.name = name
        pot.updated = self.clock()

    def set_goal(self, pot_id: str, goal: int | None) -> None:
        """Give a pot another goal, or none."""
        pot = self.pot(pot_id)
        pot.goal = goal
        pot.updated = self.clock()

    def set_locked(self, pot_id: str, *, locked: bool, until: datetime | None = None) -> None:
        """Lock or unlock a pot."""
        pot = self.pot(pot_id)
        pot.locked = locked
        pot.locked_until = until
        pot.updated = self.clock()

    def set_round_up(self, pot_id: str, *, on: bool, multiplier: int | None = None) -> None:
        """Have an account's card payments rounded up into this pot, or no longer."""
        pot = self.pot(pot_id)
        pot.round_up = on
        pot.round_up_multiplier = multiplier
        pot.updated = self.clock()

    def go_abroad(self, account_id: str, currency: str, rate: float) -> None:
        """Travel: `rate` is how much of the foreign currency one unit of the account's buys."""
        self.account(account_id).abroad = Abroad(currency=currency, rate=rate)

    def come_home(self, account_id: str) -> None:
        """Be back where the account's own currency is spent."""
        self.account(account_id).abroad = None

    def close_pot(self, pot_id: str) -> None:
        """Send what is left back to the account; the pot stays listed as deleted."""
        pot = self.pot(pot_id)
        if pot.deleted:
            return
        if pot.balance:
            self._notify(self._record_pot_transfer(pot, pot.balance, f"close:{pot.id}", "user"))
        pot.deleted = True
        pot.updated = self.clock()

    def close_account(self, account_id: str) -> None:
        """Empty the pots, pay out the rest, and close; the account stays listed as closed."""
        account = self._require_open(account_id)
        for pot in self.pots_of(account_id):
            self.close_pot(pot.id)
        if account.balance:
            self._make_bank_transfer(
                account, -account.balance, account.owners[0].name, "Account closed"
            )
        account.closed = True

    # Money in and out

    def pay(
        self,
        account_id: str,
        amount: int,
        *,
        merchant: str | Shop = "Deli",
        pending: bool = True,
        **options: Unpack[CardOptions],
    ) -> Transaction:
        """Pay by card; `amount` is negative. Spare change goes to a round-up pot if there is one.

        More than there is may be paid, as with an overdraft. A payment that the bank refuses is
        `decline`.
        """
        if amount > 0:
            msg = "A payment's amount is negative"
            raise ValueError(msg)
        account = self._require_open(account_id)
        payment = self._record_card_transaction(
            account, amount, merchant, pending=pending, **options
        )
        self._notify(payment, *self._round_up(account, payment))
        return payment

    def decline(
        self,
        account_id: str,
        amount: int,
        *,
        merchant: str | Shop = "Deli",
        reason: str = "INSUFFICIENT_FUNDS",
        **options: Unpack[CardOptions],
    ) -> Transaction:
        """Refuse a card payment: listed with the amount that was tried, and no money moves."""
        account = self._require_open(account_id)
        attempt = self._record_card_transaction(
            account, amount, merchant, pending=False, decline_reason=reason, **options
        )
        self._notify(attempt)
        return attempt

    def refund(
        self,
        account_id: str,
        amount: int,
        *,
        merchant: str | Shop = "Deli",
        **options: Unpack[CardOptions],
    ) -> Transaction:
        """Take money back from a merchant; `amount` is positive."""
        if amount <= 0:
            msg = "A refund's amount is positive"
            raise ValueError(msg)
        transaction = self._record_card_transaction(
            self._require_open(account_id), amount, merchant, pending=False, **options
        )
        self._notify(transaction)
        return transaction

    def withdraw_cash(
        self, account_id: str, amount: int, *, fee: int = 0, **options: Unpack[CardOptions]
    ) -> Transaction:
        """Take cash; `amount` is negative and has the cash machine's `fee` (positive) in it."""
        charged = AtmFee(fee=fee, withdrawal=-amount - fee) if fee else None
        transaction = self._record_card_transaction(
            self._require_open(account_id),
            amount,
            "Cash machine",
            pending=False,
            atm_fee=charged,
            **options,
        )
        self._notify(transaction)
        return transaction

    def receive(  # noqa: PLR0913 - a transaction has many sides
        self,
        account_id: str,
        amount: int,
        *,
        sender: str = "Employer Ltd",
        notes: str = "",
        category: str = "transfers",
        at: datetime | None = None,
    ) -> Transaction:
        """Take a bank transfer in: it can be spent at once, and settles at seven next morning."""
        return self._make_bank_transfer(
            self._require_open(account_id), amount, sender, notes, category=category, at=at
        )

    def direct_debit(  # noqa: PLR0913 - a transaction has many sides
        self,
        account_id: str,
        amount: int,
        *,
        payee: str = "Brightside Energy",
        category: str = "bills",
        pot_id: str | None = None,
        at: datetime | None = None,
    ) -> Transaction:
        """Pay a bill; `amount` is negative. From a pot, its money passes through the account."""
        account = self._require_open(account_id)
        transactions = []
        metadata = {
            "bacs_direct_debit_instruction_id": self._ids.next("bacsddi", self._timestamp(at))
        }
        if pot_id is not None:
            metadata["bills_pot_id"] = pot_id
            dedupe = f"bill:{metadata['bacs_direct_debit_instruction_id']}"
            transactions.append(
                self._record_pot_transfer(
                    self.pot(pot_id), -amount, dedupe, "committed_spending", at
                )
            )
        bill = self._record(
            account,
            amount,
            at,
            description=payee.upper(),
            scheme="bacs",
            category=category,
            counterparty=_external_counterparty(payee) | {"service_user_number": "000000"},
            metadata=metadata,
            include_in_spending=True,
        )
        self._notify(*transactions, bill)
        return bill

    def interest(self, account_id: str, amount: int, *, at: datetime | None = None) -> Transaction:
        """Pay interest into an account, or charge it when `amount` is negative."""
        transaction = self._record(
            self._require_open(account_id),
            amount,
            at,
            description="Interest",
            scheme="account_interest",
            category="income" if amount > 0 else "bills",
        )
        self._notify(transaction)
        return transaction

    def pot_interest(self, pot_id: str, amount: int) -> None:
        """Pay interest straight into a pot; the account sees no transaction."""
        pot = self.pot(pot_id)
        self._move_money(amount, self._outside_purse(pot.currency), pot)
        pot.updated = self.clock()

    def p2p(
        self, from_account_id: str, to_account_id: str, amount: int, *, notes: str = ""
    ) -> tuple[Transaction, Transaction]:
        """Send money to somebody else at this bank: a transaction on either side, `amount` is positive."""
        sender, receiver = self._require_open(from_account_id), self._require_open(to_account_id)
        if sender.currency != receiver.currency:
            msg = "Both accounts must have one currency"
            raise ValueError(msg)
        reference = self._ids.next("p2p", self.clock())
        transactions = (
            self._record_p2p(sender, receiver, -amount, reference, notes),
            self._record_p2p(receiver, sender, amount, reference, notes),
        )
        self._notify(*transactions)
        return transactions

    def settle(self, transaction_id: str, amount: int | None = None) -> Transaction:
        """Settle a pending payment, with another amount if one is given. Nobody is told."""
        transaction = self.transaction(transaction_id)
        if transaction.settled is not None:
            msg = "Only a pending payment can be settled"
            raise ValueError(msg)
        if amount is not None:
            account = self.accounts[transaction.account_id]
            self._move_money(
                amount - transaction.amount, self._outside_purse(account.currency), account
            )
            if transaction.local_currency == transaction.currency:
                transaction.local_amount = amount
            transaction.amount = amount
        transaction.settled = transaction.updated = self.clock()
        transaction.amount_is_pending = False
        return transaction

    # Pots

    def deposit(
        self, pot_id: str, account_id: str, amount: int, dedupe_id: str, *, trigger: str = "user"
    ) -> Pot:
        """Move money into a pot; the same `dedupe_id` moves it once. `amount` is positive."""
        if (
            earlier := self._earlier_transfer(dedupe_id, _PotTransfer(pot_id, account_id, -amount))
        ) is not None:
            return earlier
        pot, account = self._check_transfer(pot_id, account_id, amount)
        if pot.locked and not self.behaviour.locked_pots_take_deposits:
            raise BankError("forbidden.pot_locked", "This pot is locked")
        if account.balance < amount:
            raise BankError(
                "bad_request.insufficient_funds",
                "You can't deposit more than your current account balance",
            )
        self._notify(self._record_pot_transfer(pot, -amount, dedupe_id, trigger))
        return pot

    def withdraw(self, pot_id: str, account_id: str, amount: int, dedupe_id: str) -> Pot:
        """Take money out of a pot; the same `dedupe_id` moves it once. `amount` is positive."""
        if (
            earlier := self._earlier_transfer(dedupe_id, _PotTransfer(pot_id, account_id, amount))
        ) is not None:
            return earlier
        pot, _ = self._check_transfer(pot_id, account_id, amount)
        if pot.locked:
            raise BankError("forbidden.pot_locked", "This pot is locked")
        if pot.added_security:
            raise BankError(
                "forbidden.pot_added_security", "This pot needs approval in the app to withdraw"
            )
        if pot.balance < amount:
            raise BankError(
                "bad_request.insufficient_funds", "You can't withdraw more than your pot balance"
            )
        self._notify(self._record_pot_transfer(pot, amount, dedupe_id, "user"))
        return pot

    # Looking

    def balance(self, account_id: str) -> Balance:
        """Return what an account holds at this moment."""
        account = self.account(account_id)
        pots = self.pots_of(account_id)
        in_pots = sum(pot.balance for pot in pots)
        in_savings = sum(pot.balance for pot in pots if pot.type != "default")
        spent, local = self._spent_today(account_id)
        return Balance(
            balance=account.balance,
            total_balance=account.balance
            + in_pots
            - (0 if self.behaviour.savings_in_total else in_savings),
            with_savings=account.balance + in_pots,
            currency=account.currency,
            spend_today=min(spent, 0) if self.behaviour.spend_today_never_positive else spent,
            local_spend=local,
            abroad=account.abroad,
        )

    def transaction(self, transaction_id: str) -> Transaction:
        """Return one transaction, or refuse."""
        if transaction_id not in self._transactions:
            raise BankError("not_found.transaction_not_found", "Transaction not found")
        return self._transactions[transaction_id]

    def transactions(self, account_id: str) -> list[Transaction]:
        """Return an account's whole history, oldest first."""
        return list(self._history[account_id])

    def start_of_day(self) -> datetime:
        """Return when the bank's day began: the last four in the morning in London."""
        now = self.clock().astimezone(LONDON)
        return (now - timedelta(hours=DAY_START_HOUR)).replace(
            hour=DAY_START_HOUR, minute=0, second=0, microsecond=0
        )

    def on_transaction(self, listener: Callable[[Transaction], None]) -> Callable[[], None]:
        """Tell of every new transaction, declined ones too; call the answer to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # What programs attach

    def annotate(self, transaction_id: str, metadata: dict[str, str]) -> Transaction:
        """Write metadata; an empty value deletes. As seen, only `notes` is kept."""
        transaction = self.transaction(transaction_id)
        kept = metadata if self.behaviour.keep_metadata else {"notes": metadata.get("notes")}
        for key, value in kept.items():
            if value is None:
                continue
            transaction.metadata.pop(key, None)
            if value:
                transaction.metadata[key] = value
            if key == "notes":
                transaction.notes = value
        transaction.updated = self.clock()
        return transaction

    def add_feed_item(
        self, account_id: str, *, title: str, image_url: str, body: str, url: str, **colours: str
    ) -> FeedItem:
        """Put a card into the app's feed."""
        item = FeedItem(
            account_id=account_id,
            title=title,
            image_url=image_url,
            body=body,
            url=url,
            colours=colours,
            created=self.clock(),
        )
        self.feed.append(item)
        return item

    def attach(
        self, transaction_id: str, person: Person, file_url: str, file_type: str
    ) -> Attachment:
        """Hang a picture on a transaction."""
        transaction = self.transaction(transaction_id)
        attachment = Attachment(
            id=self._ids.next("attach", self.clock()),
            user_id=person.user_id,
            transaction_id=transaction_id,
            file_url=file_url,
            file_type=file_type,
            created=self.clock(),
        )
        self.attachments[attachment.id] = attachment
        transaction.attachments.append(attachment)
        return attachment

    def detach(self, attachment_id: str) -> None:
        """Take a picture off its transaction."""
        if attachment_id not in self.attachments:
            raise BankError("not_found.attachment_not_found", "Attachment not found")
        attachment = self.attachments.pop(attachment_id)
        self.transaction(attachment.transaction_id).attachments.remove(attachment)

    def put_receipt(
        self, person: Person, external_id: str, transaction_id: str, body: JsonObject
    ) -> Receipt:
        """Keep a receipt; another with the same external id takes its place."""
        self.transaction(transaction_id)
        earlier = self.receipts.get((person.user_id, external_id))
        receipt = Receipt(
            id=earlier.id if earlier else self._ids.next("receipt", self.clock()),
            external_id=external_id,
            transaction_id=transaction_id,
            user_id=person.user_id,
            body=body,
        )
        self.receipts[person.user_id, external_id] = receipt
        return receipt

    def receipt(self, person: Person, external_id: str) -> Receipt:
        """Return a receipt, or refuse."""
        if (person.user_id, external_id) not in self.receipts:
            raise BankError("not_found.receipt_not_found", "Receipt not found")
        return self.receipts[person.user_id, external_id]

    def register_webhook(self, account_id: str, client_id: str, url: str) -> Webhook:
        """Call an address at every new transaction; the same address may be registered again."""
        webhook = Webhook(
            id=self._ids.next("webhook", self.clock()),
            account_id=account_id,
            client_id=client_id,
            url=url,
        )
        self.webhooks[webhook.id] = webhook
        return webhook

    # Within

    def _timestamp(self, at: datetime | None) -> datetime:
        """Return a moment in the whole milliseconds that Monzo shows."""
        moment = at or self.clock()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _account_description(self, kind: str, owners: tuple[Person, ...], created: datetime) -> str:
        if kind == "uk_retail_joint":
            return f"Joint account between {' and '.join(owner.user_id for owner in owners)}"
        if kind in _DESCRIPTION_PREFIXES:
            return self._ids.next(_DESCRIPTION_PREFIXES[kind], created)
        return owners[0].user_id

    def _outside_purse(self, currency: str) -> Outside:
        return self.outside.setdefault(currency, Outside(currency=currency))

    def _require_open(self, account_id: str) -> Account:
        account = self.account(account_id)
        if account.closed:
            raise BankError("bad_request.account_closed", "This account is closed")
        return account

    def _check_transfer(self, pot_id: str, account_id: str, amount: int) -> tuple[Pot, Account]:
        """Return a pot and its account if money may move between them at all."""
        pot, account = self.pot(pot_id), self._require_open(account_id)
        if pot.account_id != account.id:
            raise BankError(
                "bad_request.pot_account_mismatch", "The pot does not belong to this account"
            )
        if pot.deleted:
            raise BankError("bad_request.pot_deleted", "This pot has been deleted")
        if amount <= 0:
            raise BankError("bad_request.bad_param.amount", "The amount must be greater than zero")
        return pot, account

    def _earlier_transfer(self, dedupe_id: str, move: _PotTransfer) -> Pot | None:
        """Return the pot that the first move under this id was for, if there was one."""
        earlier = self._pot_transfers.get(dedupe_id)
        if not earlier:
            return None
        if move in earlier or self.behaviour.dedupe_conflict == "replay":
            return self.pots[earlier[0].pot_id]
        if self.behaviour.dedupe_conflict == "refuse":
            raise BankError(
                "bad_request.dedupe_conflict", "This dedupe_id was used for another transfer"
            )
        return None

    @staticmethod
    def _move_money(amount: int, giver: Purse, taker: Purse) -> None:
        """Move money. Nothing else in this bank changes a balance."""
        giver.balance -= amount
        taker.balance += amount

    def _record(  # noqa: PLR0913 - a transaction has many sides
        self,
        account: Account,
        amount: int,
        at: datetime | None,
        *,
        against: Purse | None = None,
        local_amount: int | None = None,
        local_currency: str | None = None,
        **details: Unpack[_TransactionDetails],
    ) -> Transaction:
        """Write a transaction and, unless it was declined, move its money from or to the other side."""
        created = self._timestamp(at)
        details.setdefault("settled", created)
        details.setdefault("dedupe_id", self._ids.next("dedupe", created))
        transaction = Transaction(
            id=self._ids.next("tx", created),
            account_id=account.id,
            created=created,
            updated=created,
            amount=amount,
            currency=account.currency,
            local_amount=amount if local_amount is None else local_amount,
            local_currency=local_currency or account.currency,
            **details,
        )
        transaction.metadata["ledger_insertion_id"] = self._ids.next("entryset", created)
        self._transactions[transaction.id] = transaction
        insort(self._history[account.id], transaction, key=lambda known: known.id)
        if not transaction.decline_reason:
            self._move_money(amount, against or self._outside_purse(account.currency), account)
        return transaction

    def _notify(self, *transactions: Transaction) -> None:
        for transaction in transactions:
            for listener in tuple(self._listeners):
                listener(transaction)

    def _merchant(self, named: str | Shop) -> Merchant:
        known = shop(named) if isinstance(named, str) else named
        if known not in self._merchants:
            self._merchants[known] = Merchant(
                id=self._ids.next("merch", self.clock()),
                group_id=self._ids.next("grp", self.clock()),
                name=known.name,
                category=known.category,
                emoji=known.emoji,
                online=known.online,
                atm=known.atm,
                address=known.address,
            )
        return self._merchants[known]

    def _record_card_transaction(  # noqa: PLR0913 - a transaction has many sides
        self,
        account: Account,
        amount: int,
        merchant: str | Shop,
        *,
        pending: bool,
        decline_reason: str = "",
        atm_fee: AtmFee | None = None,
        **options: Unpack[CardOptions],
    ) -> Transaction:
        """Write a transaction of the card's."""
        where = self._merchant(merchant)
        at = self._timestamp(options.get("at"))
        lifecycle = self._ids.next("mclifecycle", at)
        message = self._ids.next("mcauthmsg", at)
        metadata = {
            "mastercard_approval_type": "full",
            "mastercard_auth_message_id": message,
            "mastercard_card_id": "mccard_0000000000000000000001",
            "mastercard_lifecycle_id": lifecycle,
            "mcc": "6011" if where.atm else "5812",
        }
        if notes := options.get("notes", ""):
            metadata["notes"] = notes
        return self._record(
            account,
            amount,
            at,
            description=_card_description(where),
            scheme=options.get("scheme", "mastercard"),
            category=options.get("category") or where.category,
            categories=options.get("categories"),
            settled=None if pending else at,
            amount_is_pending=pending,
            local_amount=options.get("local_amount"),
            local_currency=options.get("local_currency"),
            dedupe_id=f"mclifecycle:{lifecycle}:MASTERCARD_AUTH:{message}",
            merchant=where,
            decline_reason=decline_reason,
            metadata=metadata,
            notes=notes,
            user_id=(options.get("person") or account.owners[0]).user_id,
            include_in_spending=True,
            atm_fee=atm_fee,
            virtual_card=options.get("virtual_card", ""),
        )

    def _make_bank_transfer(  # noqa: PLR0913 - a transaction has many sides
        self,
        account: Account,
        amount: int,
        other: str,
        notes: str,
        *,
        category: str = "transfers",
        at: datetime | None = None,
    ) -> Transaction:
        """Make a Faster Payment, in or out."""
        created = self._timestamp(at)
        payment = self._ids.next("fpspayment", created)
        transaction = self._record(
            account,
            amount,
            created,
            description=notes or other,
            scheme="payport_faster_payments",
            category=category,
            settled=_next_settlement(created),
            dedupe_id=f"com.monzo.fps:9200:{payment}:{'INBOUND' if amount > 0 else 'OUTBOUND'}",
            counterparty=_external_counterparty(other),
            metadata={
                "faster_payment": "true",
                "fps_payment_id": payment,
                "insertion": self._ids.next("entryset", created),
                "notes": notes or other,
            },
            notes=notes or other,
            originator=amount < 0,
        )
        self._notify(transaction)
        return transaction

    def _record_p2p(
        self, account: Account, other: Account, amount: int, reference: str, notes: str
    ) -> Transaction:
        person = other.owners[0]
        return self._record(
            account,
            amount,
            None,
            description=reference,
            scheme="p2p_payment",
            category="transfers",
            dedupe_id=f"{reference}:{account.id}",
            counterparty={
                "account_id": other.id,
                "name": person.name,
                "preferred_name": person.name,
                "user_id": person.user_id,
            },
            metadata={"p2p_transfer_id": reference},
            notes=notes,
            originator=amount < 0,
        )

    def _round_up(self, account: Account, payment: Transaction) -> Iterable[Transaction]:
        """Put a payment's spare change aside, if there is a pot for it and money enough."""
        jars = (pot for pot in self.pots_of(account.id) if pot.round_up and not pot.deleted)
        if (jar := next(jars, None)) is None:
            return
        change = payment.amount % minor_units(account.currency) * (jar.round_up_multiplier or 1)
        if 0 < change <= account.balance:
            rule = f"CoinJarRule:{payment.id}:{jar.id}"
            transaction = self._record_pot_transfer(jar, -change, rule, "coin_jar", payment.created)
            payment.metadata["coin_jar_transaction"] = transaction.id
            yield transaction

    def _record_pot_transfer(
        self, pot: Pot, amount: int, external_id: str, trigger: str, at: datetime | None = None
    ) -> Transaction:
        """Move money between a pot and its account, and write the account's transaction of it."""
        account = self.accounts[pot.account_id]
        direction, prefix = ("deposit", "potdep") if amount < 0 else ("withdraw", "potwdr")
        key = "pot_deposit_id" if amount < 0 else "pot_withdrawal_id"
        transaction = self._record(
            account,
            amount,
            at,
            against=pot,
            description=pot.id,
            scheme="uk_business_pot" if account.type == "uk_business" else "uk_retail_pot",
            category="savings",
            dedupe_id=f"{pot.id}:{account.id}:{direction}:{external_id}",
            metadata={
                "external_id": external_id,
                "pot_id": pot.id,
                "trigger": trigger,
                key: self._ids.next(prefix, self._timestamp(at)),
            },
            originator=True,
        )
        pot.updated = transaction.created
        self._pot_transfers[external_id].append(_PotTransfer(pot.id, account.id, amount))
        return transaction

    def _spent_today(self, account_id: str) -> tuple[int, dict[str, int]]:
        """Return what changed by spending since the day began, in all and by currency spent in."""
        local: Counter[str] = Counter()
        spent = 0
        since = self.start_of_day()
        for transaction in reversed(self._history[account_id]):
            if transaction.created < since:
                break
            if transaction.include_in_spending and not transaction.decline_reason:
                spent += transaction.amount
                local[transaction.local_currency] += transaction.local_amount
        return spent, dict(local)


def _external_counterparty(name: str) -> dict[str, str]:
    """Return the other side of a bank transfer, as recorded."""
    return {
        "account_number": "00000000",
        "name": name,
        "sort_code": "000000",
        "user_id": "anonuser_0000000000000000000000",
    }


def _card_description(merchant: Merchant) -> str:
    """Return what the card scheme would print: padded to columns, as recorded."""
    address = merchant.address
    city, country = (address.city, address.country) if address.city else ("INTERNET", "GBR")
    return f"{merchant.name[:22]:<23}{city[:13]:<14}{country}"


def _next_settlement(moment: datetime) -> datetime:
    """Return the next seven in the morning in London."""
    local = moment.astimezone(LONDON)
    morning = local.replace(hour=SETTLEMENT_HOUR, minute=0, second=0, microsecond=0)
    if morning <= local:
        morning += timedelta(days=1)
    return morning.astimezone(UTC)
