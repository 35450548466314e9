"""Actions that list and correct recurring payments, and that forecast balances."""

from collections.abc import Iterable
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..amounts import parse_number
from ..bank import validation_error
from ..recurring import Forecast, ForecastDay, ListedPayment, Revision
from .action import ATTR_ACCOUNT, AccountTarget, Action, async_account
from .amounts import ANY_AMOUNT, ATTR_AMOUNT, number, positive_amount
from .fields import TEXT, shown_value

ATTR_CONFIRMED: Final = "confirmed"
ATTR_DAY: Final = "day"
ATTR_DAYS: Final = "days"
ATTR_DISMISSED: Final = "dismissed"
ATTR_KEY: Final = "key"
ATTR_NAME: Final = "name"
ATTR_RESET: Final = "reset"

SERVICE_GET_FORECAST: Final = "get_forecast"
SERVICE_GET_RECURRING_PAYMENTS: Final = "get_recurring_payments"
SERVICE_SET_RECURRING_PAYMENT: Final = "set_recurring_payment"

DEFAULT_DAYS: Final = 31

# The calendar shows payments this far ahead as well.
MAX_DAYS: Final = 400

GET_FORECAST_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Optional(ATTR_DAYS, default=DEFAULT_DAYS): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_DAYS)
        ),
    }
)

GET_RECURRING_PAYMENTS_SCHEMA: Final = vol.Schema({vol.Required(ATTR_ACCOUNT): cv.string})

SET_RECURRING_PAYMENT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_KEY): TEXT,
        vol.Optional(ATTR_NAME): TEXT,
        # The handler validates these, because their errors name the payment or its currency.
        vol.Optional(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_DAY): object,
        vol.Optional(ATTR_DISMISSED): cv.boolean,
        vol.Optional(ATTR_CONFIRMED): cv.boolean,
        vol.Optional(ATTR_RESET, default=False): cv.boolean,
    }
)


async def _async_get_recurring_payments(call: ServiceCall) -> ServiceResponse:
    """Return the recurring payments of an account."""
    target = await async_account(call)
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        "payments": [_payment_as_dict(target, listed) for listed in _listed(target)],
    }


async def _async_set_recurring_payment(call: ServiceCall) -> ServiceResponse:
    """Correct a recurring payment, and return it."""
    target = await async_account(call)
    _listed(target)
    key: str = call.data[ATTR_KEY]
    revision = Revision(
        reset=call.data[ATTR_RESET],
        name=call.data.get(ATTR_NAME),
        amount=(
            positive_amount(call.data, ATTR_AMOUNT, target.account.currency)
            if ATTR_AMOUNT in call.data
            else None
        ),
        day=_day(call.data[ATTR_DAY]) if ATTR_DAY in call.data else None,
        dismissed=call.data.get(ATTR_DISMISSED),
        confirmed=call.data.get(ATTR_CONFIRMED),
    )
    revised = await target.runtime.recurring.async_revise(target.account.id, key, revision)
    return {"account_id": target.account.id, **_payment_as_dict(target, revised)}


async def _async_get_forecast(call: ServiceCall) -> ServiceResponse:
    """Return the balance of an account on each of the next days.

    Raises ServiceValidationError while its history is too short, or while a bill that was paid may
    still be among the expected ones.
    """
    target = await async_account(call)
    outlook = target.runtime.recurring.accounts.get(target.account.id)
    if outlook is None:
        raise _history_too_short(target)
    if not outlook.is_current:
        raise validation_error("newest_transactions_unknown", account=target.name)
    forecast = outlook.forecast_for(call.data[ATTR_DAYS])
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        "exact": forecast.is_exact,
        "lowest": _lowest_as_dict(forecast),
        "days": [_day_as_dict(day) for day in forecast.days],
    }


def _listed(target: AccountTarget) -> Iterable[ListedPayment]:
    """Return the recurring payments of an account.

    Raises ServiceValidationError if its history is too short.
    """
    listed = target.runtime.recurring.listed(target.account.id)
    if listed is None:
        raise _history_too_short(target)
    return listed


def _history_too_short(target: AccountTarget) -> Exception:
    return validation_error("history_too_short", account=target.name)


def _day(value: object) -> int:
    """Return the number in the field; raises ServiceValidationError if it is not whole."""
    try:
        day = parse_number(value)
    except ValueError:
        # An integer with thousands of digits.
        day = None
    if day is None or day != int(day):
        raise validation_error("invalid_day", day=shown_value(value))
    return int(day)


def _payment_as_dict(target: AccountTarget, listed: ListedPayment) -> dict[str, Any]:
    """Return a recurring payment as the response contains it."""
    payment, correction = listed.payment, listed.correction
    return {
        "key": payment.key,
        "name": payment.payee,
        "direction": payment.direction,
        "kind": payment.kind.value,
        "cadence": payment.cadence.value,
        "amount": number(abs(payment.amount)),
        "exact": payment.is_exact,
        "last": payment.last.isoformat(),
        "next": payment.next.isoformat(),
        "payment_count": len(payment.occurrences),
        "pot": target.runtime.balances.data.pot_names.get(listed.pot_id or ""),
        "proposed": listed.is_proposed,
        "confirmed": correction.confirmed,
        "dismissed": correction.dismissed,
        "corrected": correction.changes_anything,
    }


def _day_as_dict(day: ForecastDay) -> dict[str, Any]:
    """Return a day of a forecast as the response contains it."""
    return {
        "date": day.day.isoformat(),
        "balance": number(day.balance),
        "payments": [
            {
                "key": it.payment.key,
                "name": it.payment.payee,
                "amount": number(it.amount),
                "exact": it.payment.is_exact,
            }
            for it in day.payments
        ],
    }


def _lowest_as_dict(forecast: Forecast) -> dict[str, Any]:
    lowest = forecast.lowest
    return {"date": lowest.day.isoformat(), "balance": number(lowest.balance)}


ACTIONS: Final = (
    Action(
        name=SERVICE_GET_RECURRING_PAYMENTS,
        handler=_async_get_recurring_payments,
        schema=GET_RECURRING_PAYMENTS_SCHEMA,
        admin=False,
        supports_response=SupportsResponse.ONLY,
    ),
    Action(
        name=SERVICE_SET_RECURRING_PAYMENT,
        handler=_async_set_recurring_payment,
        schema=SET_RECURRING_PAYMENT_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    ),
    Action(
        name=SERVICE_GET_FORECAST,
        handler=_async_get_forecast,
        schema=GET_FORECAST_SCHEMA,
        admin=False,
        supports_response=SupportsResponse.ONLY,
    ),
)
