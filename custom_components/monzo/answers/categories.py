"""Categories in questions."""

from collections.abc import Iterable

from ..transactions import CATEGORIES, SpendingGroup
from .answer_error import AnswerError
from .kept_period import kept_since
from .readable import ReadableAccount


async def async_find_category(accounts: Iterable[ReadableAccount], name: str) -> str:
    """Return the category with a name such as "Eating out", or with the ID of a custom category.

    Raises AnswerError if neither Monzo nor these accounts have this category.
    """
    known = set(CATEGORIES)
    for account in accounts:
        spending = await account.history.async_kept_spending(
            kept_since(account), None, SpendingGroup.CATEGORY
        )
        known.update(category for category, _minor, _transactions in spending or ())
    wanted = "_".join(name.casefold().split())
    for category in known:
        if category.casefold() == wanted:
            return category
    message = f"There is no such category. The categories are: {', '.join(sorted(known))}."
    raise AnswerError(message)
