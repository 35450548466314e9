"""Expected recurring payments, and the money that is left to spend."""

from collections.abc import Mapping
from typing import Any

from ..amounts import format_amount
from ..recurring import AccountOutlook, UpcomingPayment
from .readable import Readable, ReadableAccount
from .safe_texts import safe_name


async def async_get_upcoming_payments(
    readable: Readable, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Return each account's expected payments of the next month, and its money left to spend."""
    accounts = readable.accounts_asked_for(fields.get("account"))
    return {"accounts": [_account(account) for account in accounts]}


def _account(account: ReadableAccount) -> dict[str, Any]:
    outlook = account.runtime.recurring.accounts.get(account.state.id)
    if outlook is None:
        reason = "too little history of this account is kept"
        return {"account": account.name, "unknown_because": reason}
    if not outlook.is_current:
        reason = "the newest transactions of this account are not known at the moment"
        return {"account": account.name, "unknown_because": reason}
    return {
        "account": account.name,
        **_until_pay_day(outlook),
        "payments": [
            _payment(payment) for day in outlook.forecast.days for payment in day.payments
        ],
    }


def _until_pay_day(outlook: AccountOutlook) -> dict[str, Any]:
    """Return the money left to spend until pay day, or nothing if pay day is unknown."""
    if outlook.pay_day is None or outlook.left is None:
        return {"pay_day": "unknown"}
    return {
        "pay_day": outlook.pay_day.isoformat(),
        "left_to_spend_until_pay_day": format_amount(outlook.left.amount),
        "left_to_spend_per_day": format_amount(outlook.left.per_day),
        "left_to_spend_is_exact": outlook.left.is_exact,
    }


def _payment(upcoming: UpcomingPayment) -> dict[str, Any]:
    payment = upcoming.payment
    is_outgoing = payment.direction == "out"
    return {
        "date": upcoming.day.isoformat(),
        "payee": safe_name(payment.payee),
        "direction": payment.direction,
        "amount": format_amount(-payment.amount if is_outgoing else payment.amount),
        "amount_is_exact": payment.is_exact,
    }
