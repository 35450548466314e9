"""The bank's ledger: people, accounts, pots and transactions. No I/O; the clock is a parameter.

Amounts are integers of minor units of the account's currency. Money is neither created nor lost:
every change moves it from one purse to another, and the outside world is a purse as well.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack
from zlib import crc32
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

# Hour in London at which Monzo's day begins (documented as "around 4am").
DAY_START_HOUR = 4

# Hour in London at which incoming bank transfers settle (recorded in summer and in winter).
SETTLEMENT_HOUR = 7

# Currencies to which ISO 4217 does not give two decimals, among those a card is likely to meet.
_MINOR_UNITS = {"BHD": 1000, "ISK": 1, "JPY": 1, "KRW": 1, "KWD": 1000, "TND": 1000, "VND": 1}

# Account types with an account number, because bank transfers can reach them (recorded).
NUMBERED_TYPES = frozenset({"uk_business", "uk_retail", "uk_retail_joint"})

# Prefix of the description that Monzo gives to account types without a number (recorded).
_DESCRIPTION_PREFIXES = {
    "uk_loan": "loan",
    "uk_monzo_flex": "monzoflex",
    "uk_monzo_flex_backing_loan": "monzoflexbackingloan",
    "uk_rewards": "rewardsoptin",
}


def utc_now() -> datetime:
    """Return the current time of this machine."""
    return datetime.now(UTC)


def minor_units(currency: str) -> int:
    """Return the number of minor units in one unit of a currency."""
    return _MINOR_UNITS.get(currency, 100)


class _TransactionDetails(TypedDict, total=False):
    """Optional fields of a transaction."""

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
    """Optional fields of a pot."""

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
    """Optional fields of a card transaction."""

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
    """A transfer between an account and a pot: the part that a dedupe id identifies."""

    pot_id: str
    account_id: str
    amount: int
    """Change of the account's balance: negative for a deposit into the pot."""


class Bank:
    """The ledger of one bank."""

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        behaviour: BankBehaviour = DEFAULT_BANK_BEHAVIOUR,
    ) -> None:
        """Initialize an empty ledger; the clock must return aware times in UTC."""
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
        """Add a customer."""
        person = Person(user_id=self._ids.next("user", self.clock()), name=name)
        self.people[person.user_id] = person
        return person

    def open_account(  # noqa: PLR0913 - one parameter for each property of an account
        self,
        *owners: Person,
        type: str = "uk_retail",  # noqa: A002 - the name of the field in Monzo's API
        currency: str = "GBP",
        balance: int = 0,
        closed: bool = False,
        created: datetime | None = None,
        description: str = "",
    ) -> Account:
        """Open an account of any type; a joint account has two owners.

        The opening balance comes from outside the bank, without a transaction.
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
        """Open a pot; the opening balance comes from outside the bank, without a transaction."""
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
        """Return an account. Raises BankError if it does not exist."""
        if account_id not in self.accounts:
            raise BankError("not_found.account_not_found", "Account not found")
        return self.accounts[account_id]

    def pot(self, pot_id: str) -> Pot:
        """Return a pot, also a closed one. Raises BankError if it does not exist."""
        if pot_id not in self.pots:
            raise BankError("not_found.pot_not_found", "Pot not found")
        return self.pots[pot_id]

    def accounts_of(self, person: Person) -> list[Account]:
        """Return the accounts that a person owns or shares, including closed accounts."""
        return [account for account in self.accounts.values() if person in account.owners]

    def pots_of(self, account_id: str) -> list[Pot]:
        """Return an account's pots, including closed pots, because Monzo lists those as well."""
        return [pot for pot in self.pots.values() if pot.account_id == account_id]

    def rename_pot(self, pot_id: str, name: str) -> None:
        """Rename a pot."""
        pot = self.pot(pot_id)
        pot.name = name
        pot.updated = self.clock()

    def set_goal(self, pot_id: str, goal: int | None) -> None:
        """Change or remove the goal of a pot."""
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
        """Start or stop rounding up the account's card payments into this pot."""
        pot = self.pot(pot_id)
        pot.round_up = on
        pot.round_up_multiplier = multiplier
        pot.updated = self.clock()

    def go_abroad(self, account_id: str, currency: str, rate: float) -> None:
        """Set a travel currency: one unit of the account's currency buys `rate` units of it."""
        self.account(account_id).abroad = Abroad(currency=currency, rate=rate)

    def come_home(self, account_id: str) -> None:
        """Remove the travel currency."""
        self.account(account_id).abroad = None

    def close_pot(self, pot_id: str) -> None:
        """Return the pot's money to the account; the pot stays listed as deleted."""
        pot = self.pot(pot_id)
        if pot.deleted:
            return
        if pot.balance:
            self._notify(self._record_pot_transfer(pot, pot.balance, f"close:{pot.id}", "user"))
        pot.deleted = True
        pot.updated = self.clock()

    def close_account(self, account_id: str) -> None:
        """Close the pots, pay out the balance, and close; the account stays listed as closed."""
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

        The payment may exceed the balance, like with an overdraft. Use `decline` for a payment
        that the bank refuses.
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
        """Decline a card payment: it is listed with the attempted amount, and no money moves."""
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
        """Receive a refund from a merchant; `amount` is positive."""
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
        """Withdraw cash; `amount` is negative and includes the cash machine's positive `fee`."""
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

    def receive(  # noqa: PLR0913 - one parameter for each field
        self,
        account_id: str,
        amount: int,
        *,
        sender: str = "Employer Ltd",
        notes: str = "",
        category: str = "transfers",
        include_in_spending: bool = False,
        at: datetime | None = None,
    ) -> Transaction:
        """Receive a bank transfer: available at once, settled the next morning at seven.

        A shared bill that is paid back is included in spending, which it lowers.
        """
        return self._make_bank_transfer(
            self._require_open(account_id),
            amount,
            sender,
            notes,
            category=category,
            include_in_spending=include_in_spending,
            at=at,
        )

    def send(  # noqa: PLR0913 - one parameter for each field
        self,
        account_id: str,
        amount: int,
        *,
        payee: str,
        notes: str = "",
        category: str = "transfers",
        at: datetime | None = None,
    ) -> Transaction:
        """Send a bank transfer to an account at another bank; `amount` is positive."""
        return self._make_bank_transfer(
            self._require_open(account_id), -amount, payee, notes, category=category, at=at
        )

    def direct_debit(  # noqa: PLR0913 - one parameter for each field
        self,
        account_id: str,
        amount: int,
        *,
        payee: str = "Brightside Energy",
        category: str = "bills",
        pot_id: str | None = None,
        at: datetime | None = None,
    ) -> Transaction:
        """Pay a direct debit; `amount` is negative, or positive for its refund.

        If a pot pays the bill, its money passes through the account, as a second transaction.
        """
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
            counterparty=_collector(payee),
            metadata=metadata,
            include_in_spending=True,
        )
        self._notify(*transactions, bill)
        return bill

    def interest(self, account_id: str, amount: int, *, at: datetime | None = None) -> Transaction:
        """Pay interest into an account; a negative `amount` charges interest."""
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
        """Pay interest into a pot. Monzo lists no transaction for it."""
        pot = self.pot(pot_id)
        self._move_money(amount, self._outside_purse(pot.currency), pot)
        pot.updated = self.clock()

    def p2p(
        self,
        from_account_id: str,
        to_account_id: str,
        amount: int,
        *,
        notes: str = "",
        at: datetime | None = None,
    ) -> tuple[Transaction, Transaction]:
        """Send money to another account; `amount` is positive. Each account gets a transaction.

        Transfers between accounts of one person are marked as recorded.
        """
        sender, receiver = self._require_open(from_account_id), self._require_open(to_account_id)
        if sender.currency != receiver.currency:
            msg = "Both accounts must have one currency"
            raise ValueError(msg)
        reference = self._ids.next("p2p", self._timestamp(at))
        transactions = (
            self._record_p2p(sender, receiver, -amount, reference, notes=notes, at=at),
            self._record_p2p(receiver, sender, amount, reference, notes=notes, at=at),
        )
        self._notify(*transactions)
        return transactions

    def repay_flex(
        self, account_id: str, flex_id: str, amount: int
    ) -> tuple[Transaction, Transaction]:
        """Repay purchases with Flex from an account; `amount` is positive."""
        payer, flex = self._require_open(account_id), self._require_open(flex_id)
        transactions = tuple(
            self._record(
                account,
                change,
                None,
                description="Flex",
                scheme="monzo_flex",
                metadata={"flex_transaction_type": "repayment"},
                include_in_spending=self.behaviour.own_transfers_in_spending,
            )
            for account, change in ((payer, -amount), (flex, amount))
        )
        self._notify(*transactions)
        return transactions[0], transactions[1]

    def release(self, transaction_id: str) -> None:
        """Give back the money of a pending payment that the merchant never collects.

        Listeners are called only for a credit.
        """
        payment = self.transaction(transaction_id)
        if payment.settled is not None:
            msg = "Only a pending payment can be released"
            raise ValueError(msg)
        account = self.accounts[payment.account_id]
        match self.behaviour.released_authorisation:
            case "becomes zero":
                self.settle(payment.id, 0)
            case "is credited":
                merchant = payment.merchant
                self._notify(
                    self._record(
                        account,
                        -payment.amount,
                        None,
                        description=payment.description,
                        scheme=payment.scheme,
                        category=payment.category,
                        merchant=merchant,
                        include_in_spending=True,
                    )
                )
            case "vanishes":
                self._move_money(-payment.amount, self._outside_purse(account.currency), account)
                del self._transactions[payment.id]
                self._history[account.id].remove(payment)

    def settle(self, transaction_id: str, amount: int | None = None) -> Transaction:
        """Settle a pending payment, optionally with another (negative) amount.

        Listeners are not called, because Monzo sends no webhook for it.
        """
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

    def deposit(  # noqa: PLR0913 - one parameter for each field
        self,
        pot_id: str,
        account_id: str,
        amount: int,
        dedupe_id: str,
        *,
        trigger: str = "user",
        at: datetime | None = None,
    ) -> Pot:
        """Move money into a pot; `amount` is positive. A repeated `dedupe_id` moves nothing."""
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
        self._notify(self._record_pot_transfer(pot, -amount, dedupe_id, trigger, at))
        return pot

    def withdraw(
        self,
        pot_id: str,
        account_id: str,
        amount: int,
        dedupe_id: str,
        *,
        at: datetime | None = None,
    ) -> Pot:
        """Move money out of a pot; `amount` is positive. A repeated `dedupe_id` moves nothing."""
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
        self._notify(self._record_pot_transfer(pot, amount, dedupe_id, "user", at))
        return pot

    # Reading
    def balance(self, account_id: str) -> Balance:
        """Return the current balance of an account."""
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
        """Return one transaction. Raises BankError if it does not exist."""
        if transaction_id not in self._transactions:
            raise BankError("not_found.transaction_not_found", "Transaction not found")
        return self._transactions[transaction_id]

    def transactions(self, account_id: str) -> list[Transaction]:
        """Return an account's whole history, oldest first."""
        return list(self._history[account_id])

    def start_of_day(self) -> datetime:
        """Return the start of the bank's current day: about 04:00 in London."""
        delay = self.behaviour.day_reset_delay
        now = (self.clock() - delay).astimezone(LONDON)
        start = (now - timedelta(hours=DAY_START_HOUR)).replace(
            hour=DAY_START_HOUR, minute=0, second=0, microsecond=0
        )
        return start.astimezone(UTC) + delay

    def on_transaction(self, listener: Callable[[Transaction], None]) -> Callable[[], None]:
        """Call a listener for every new transaction, including declined payments.

        Returns a function that removes the listener.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # Annotations, feed items, attachments, receipts and webhooks
    def annotate(self, transaction_id: str, metadata: dict[str, str]) -> Transaction:
        """Change metadata; an empty value deletes the key. Monzo was seen to keep only `notes`."""
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
        """Add an item to the app's feed."""
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
        """Attach an image to a transaction."""
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
        """Remove an attachment from its transaction."""
        if attachment_id not in self.attachments:
            raise BankError("not_found.attachment_not_found", "Attachment not found")
        attachment = self.attachments.pop(attachment_id)
        self.transaction(attachment.transaction_id).attachments.remove(attachment)

    def put_receipt(
        self, person: Person, external_id: str, transaction_id: str, body: JsonObject
    ) -> Receipt:
        """Store a receipt; it replaces a receipt with the same external id."""
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
        """Return a receipt. Raises BankError if it does not exist."""
        if (person.user_id, external_id) not in self.receipts:
            raise BankError("not_found.receipt_not_found", "Receipt not found")
        return self.receipts[person.user_id, external_id]

    def register_webhook(self, account_id: str, client_id: str, url: str) -> Webhook:
        """Register a webhook for new transactions; the same URL may be registered again."""
        webhook = Webhook(
            id=self._ids.next("webhook", self.clock()),
            account_id=account_id,
            client_id=client_id,
            url=url,
        )
        self.webhooks[webhook.id] = webhook
        return webhook

    # Internals
    def _timestamp(self, at: datetime | None) -> datetime:
        """Return a time (default: now) in whole milliseconds, the precision that Monzo shows."""
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
        """Return the pot and the account of a transfer. Raises BankError if it is impossible."""
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
        """Return the pot of the first transfer with this dedupe id, if it decides the answer."""
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
        """Move money between two purses. Only this method changes balances."""
        giver.balance -= amount
        taker.balance += amount

    def _record(  # noqa: PLR0913 - one parameter for each field
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
        """Add a transaction and move its money, unless it was declined."""
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
        insort(self._history[account.id], transaction, key=lambda each: each.id)
        if not transaction.decline_reason:
            self._move_money(amount, against or self._outside_purse(account.currency), account)
        return transaction

    def _notify(self, *transactions: Transaction) -> None:
        for transaction in transactions:
            for listener in tuple(self._listeners):
                listener(transaction)

    def _merchant(self, merchant: str | Shop) -> Merchant:
        known_shop = shop(merchant) if isinstance(merchant, str) else merchant
        if known_shop not in self._merchants:
            self._merchants[known_shop] = Merchant(
                id=self._ids.next("merch", self.clock()),
                group_id=self._ids.next("grp", self.clock()),
                name=known_shop.name,
                category=known_shop.category,
                emoji=known_shop.emoji,
                online=known_shop.online,
                atm=known_shop.atm,
                address=known_shop.address,
            )
        return self._merchants[known_shop]

    def _record_card_transaction(  # noqa: PLR0913 - one parameter for each field
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
        """Add a card transaction."""
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

    def _make_bank_transfer(  # noqa: PLR0913 - one parameter for each field
        self,
        account: Account,
        amount: int,
        other: str,
        notes: str,
        *,
        category: str = "transfers",
        include_in_spending: bool = False,
        at: datetime | None = None,
    ) -> Transaction:
        """Add an incoming or outgoing Faster Payment, and call the listeners."""
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
            include_in_spending=include_in_spending,
        )
        self._notify(transaction)
        return transaction

    def _record_p2p(  # noqa: PLR0913 - one parameter for each field
        self,
        account: Account,
        other: Account,
        amount: int,
        reference: str,
        *,
        notes: str,
        at: datetime | None,
    ) -> Transaction:
        person = other.owners[0]
        internal = not set(account.owners).isdisjoint(other.owners)
        return self._record(
            account,
            amount,
            at,
            description=reference,
            scheme="p2p_payment",
            category="general" if internal else "transfers",
            dedupe_id=f"{reference}:{account.id}",
            counterparty={
                "account_id": other.id,
                "name": " & ".join(owner.name for owner in other.owners),
                "preferred_name": person.name,
                "user_id": person.user_id,
            },
            metadata={"p2p_transfer_id": reference}
            | ({"p2p_initiator": "internal"} if internal else {}),
            include_in_spending=internal and self.behaviour.own_transfers_in_spending,
            notes=notes,
            originator=amount < 0,
        )

    def _round_up(self, account: Account, payment: Transaction) -> Iterable[Transaction]:
        """Move a payment's spare change into the round-up pot, if the balance covers it."""
        round_up_pots = (
            pot for pot in self.pots_of(account.id) if pot.round_up and not pot.deleted
        )
        if (round_up_pot := next(round_up_pots, None)) is None:
            return
        change = (
            payment.amount % minor_units(account.currency) * (round_up_pot.round_up_multiplier or 1)
        )
        if 0 < change <= account.balance:
            rule = f"CoinJarRule:{payment.id}:{round_up_pot.id}"
            transaction = self._record_pot_transfer(
                round_up_pot, -change, rule, "coin_jar", payment.created
            )
            payment.metadata["coin_jar_transaction"] = transaction.id
            yield transaction

    def _record_pot_transfer(
        self, pot: Pot, amount: int, external_id: str, trigger: str, at: datetime | None = None
    ) -> Transaction:
        """Move money between a pot and its account, and add the account's transaction."""
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
        """Return the change by spending since the day began: in total, and by local currency."""
        local: Counter[str] = Counter()
        spent = 0
        since, now = self.start_of_day(), self.clock()
        for transaction in reversed(self._history[account_id]):
            if transaction.created < since:
                break
            if (
                transaction.include_in_spending
                and not transaction.decline_reason
                and transaction.created <= now
            ):
                spent += transaction.amount
                local[transaction.local_currency] += transaction.local_amount
        return spent, dict(local)


def _external_counterparty(name: str) -> dict[str, str]:
    """Return the counterparty of a bank transfer (recorded); each name is another customer."""
    number = crc32(name.encode())
    return {
        "account_number": f"{number % 10**8:08}",
        "name": name,
        "sort_code": "000000",
        "user_id": f"anonuser_0000{number:018}",
    }


def _collector(name: str) -> dict[str, str]:
    """Return the counterparty of a direct debit (recorded); each name is another organisation."""
    return _external_counterparty(name) | {
        "service_user_number": f"{crc32(name.encode()) % 10**6:06}"
    }


def _card_description(merchant: Merchant) -> str:
    """Return the card scheme's description: name, city and country in columns (recorded)."""
    address = merchant.address
    city, country = (address.city, address.country) if address.city else ("INTERNET", "GBR")
    return f"{merchant.name[:22]:<23}{city[:13]:<14}{country}"


def _next_settlement(moment: datetime) -> datetime:
    """Return the next settlement time of bank transfers: 07:00 in London."""
    local = moment.astimezone(LONDON)
    morning = local.replace(hour=SETTLEMENT_HOUR, minute=0, second=0, microsecond=0)
    if morning <= local:
        morning += timedelta(days=1)
    return morning.astimezone(UTC)
