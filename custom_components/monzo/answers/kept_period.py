"""The period for which answers are possible, because Home Assistant keeps its transactions."""

from datetime import date, datetime, timedelta

from homeassistant.util import dt as dt_util

from .answer_error import AnswerError
from .readable import ReadableAccount


def kept_since(account: ReadableAccount) -> datetime:
    """Return the time since which all transactions of an account are kept.

    Raises AnswerError if none are kept.
    """
    since = account.history.kept_since(None)
    if since is None:
        raise not_kept(account)
    return since


def not_kept(account: ReadableAccount) -> AnswerError:
    """Return the error for a period from which not all transactions are kept."""
    since = account.history.kept_since(None)
    if since is not None:
        return AnswerError(
            f"Home Assistant keeps the transactions of {account.name} only since "
            f"{first_whole_day(since)}. Ask for a period that begins on that day or later."
        )
    if account.keeps_history:
        return AnswerError(
            f"The transactions of {account.name} could not be read from Monzo lately. "
            "Try again in a few minutes."
        )
    return AnswerError(
        f"Home Assistant keeps no past transactions of {account.name}. The user can change this "
        'with the option "Keep transactions" of the Monzo integration.'
    )


def first_whole_day(moment: datetime) -> date:
    """Return the first day in Home Assistant's time zone that begins at or after a moment."""
    day = dt_util.as_local(moment).date()
    return day if dt_util.start_of_local_day(day) >= moment else day + timedelta(days=1)
