"""A customer of the bank whose account has a history."""

from datetime import datetime, timedelta
from random import Random

from sandbox.bank import Bank
from sandbox.models import Account, Person

YEAR = timedelta(days=365)


class OldCustomer:
    """A customer with an account of some years, and with many transactions."""

    def __init__(self, bank: Bank, *, years: float = 3, rows: int = 1_500) -> None:
        """Open the account, and make its transactions at random times."""
        self.bank = bank
        self.person = bank.add_person("Cleo Cooper")
        self.account = self.open(years=years, rows=rows, owners=(self.person,))

    def open(self, *, years: float, rows: int, owners: tuple[Person, ...]) -> Account:
        """Open another account."""
        now = self.bank.clock()
        random = Random(rows)  # noqa: S311 - not used for security
        type_ = "uk_retail_joint" if len(owners) > 1 else "uk_retail"
        account = self.bank.open_account(
            *owners, type=type_, balance=10_000_000, created=now - years * YEAR
        )
        for at in sorted(now - years * YEAR * random.random() for _ in range(rows)):
            self.bank.pay(account.id, -random.randint(100, 9_000), pending=False, at=at)
        return account

    def ids(self, account: Account | None = None, since: datetime | None = None) -> list[str]:
        """Return the IDs of all transactions of an account, oldest first."""
        rows = self.bank.transactions((account or self.account).id)
        return [row.id for row in rows if since is None or row.created >= since]
