"""The example in the package's README works."""

from datetime import UTC, datetime
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.monzo import api
from sandbox.bank import Bank
from sandbox.household import build_household
from sandbox.redirect import redirected
from sandbox.server import BankServer

README = Path(api.__file__).parent / "README.md"


async def test_the_example_shows_the_balances(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own example
    bank = Bank(lambda: datetime(2026, 6, 1, 12, tzinfo=UTC))
    home = build_household(bank)
    async with BankServer(bank) as server:
        # The example uses the real address of the bank, as its readers will.
        with redirected(server.url):
            await names["show_balances"](server.sign_in(home.ann)["access_token"])
    balance = bank.balance(home.current.id)
    assert capsys.readouterr().out == f"uk_retail: {balance.balance / 100:.2f} GBP\n"
