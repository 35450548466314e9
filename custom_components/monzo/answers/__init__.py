"""Answers about money for voice assistants and language models.

They only read, from memory and from the archive: no answer causes a request to the bank. They are
about accounts that the user exposes to the assistant, and about nothing else.
"""

from .answer_error import AnswerError
from .balances import async_get_balances
from .budgets import async_get_budgets
from .periods import period_fields
from .readable import Readable, async_readable
from .spending import async_get_spending
from .transactions import MOST_TRANSACTIONS, async_find_transactions
from .upcoming_payments import async_get_upcoming_payments

__all__ = [
    "MOST_TRANSACTIONS",
    "AnswerError",
    "Readable",
    "async_find_transactions",
    "async_get_balances",
    "async_get_budgets",
    "async_get_spending",
    "async_get_upcoming_payments",
    "async_readable",
    "period_fields",
]
