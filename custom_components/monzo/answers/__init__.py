"""Answers to questions that voice assistants and language models ask about money.

An answer uses only data in memory and in the archive, so it never causes a request to the bank. It
covers only accounts that the user has exposed to the assistant.
"""

from .answer_error import AnswerError
from .balances import async_get_balances
from .budgets import async_get_budgets
from .periods import period_fields
from .readable import Readable, ReadableAccount, async_readable
from .spending import async_get_spending
from .transactions import MOST_TRANSACTIONS, async_find_transactions
from .upcoming_payments import async_get_upcoming_payments

__all__ = [
    "MOST_TRANSACTIONS",
    "AnswerError",
    "Readable",
    "ReadableAccount",
    "async_find_transactions",
    "async_get_balances",
    "async_get_budgets",
    "async_get_spending",
    "async_get_upcoming_payments",
    "async_readable",
    "period_fields",
]
