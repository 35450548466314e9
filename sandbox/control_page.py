"""The control page: shows the bank, moves money, decides on sign-ins and simulates failures."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from .api import LoggedRequest
from .bank import Bank, minor_units
from .deliveries import WebhookSender
from .faults import Answer, Delay, Fault, FaultHandle, Faults, Silence
from .models import Account, BankError, JsonObject, Person, Pot, Transaction
from .oauth import Grant, SignIns
from .serializers import full_timestamp
from .shops import SHOPS

_PAGE = (Path(__file__).parent / "pages" / "control.html").read_text(encoding="utf-8")

# Number of entries that the page shows of each list.
_LATEST = 15

# Longer than a person expects to wait, but shorter than the usual time-outs of clients.
_SLOW_SECONDS = 8

_FAULTS: Mapping[str, Fault] = {
    "bad_gateway": Answer.html(502),
    "rate_limit": Answer.rate_limited("60"),
    "silence": Silence(),
    "slow": Delay(_SLOW_SECONDS),
}

# Names of account types for the page. Other types are shown by their API name.
_ACCOUNT_TYPE_NAMES = {
    "uk_business": "Business account",
    "uk_loan": "Loan",
    "uk_monzo_flex": "Flex",
    "uk_monzo_flex_backing_loan": "Flex backing loan",
    "uk_prepaid": "Prepaid card",
    "uk_retail": "Current account",
    "uk_retail_joint": "Joint account",
    "uk_rewards": "Rewards",
}


class ActionInput:
    """The validated input of an action."""

    def __init__(self, data: object) -> None:
        """Initialize the input. Raises TypeError unless the JSON is an object."""
        if not isinstance(data, dict):
            msg = "Send a JSON object"
            raise TypeError(msg)
        self._data = data

    def text(self, name: str, default: str = "") -> str:
        """Return a text field. Raises TypeError for any other type."""
        value = self._data.get(name) or default
        if not isinstance(value, str):
            msg = f"{name} must be text"
            raise TypeError(msg)
        return value

    def amount(self) -> int:
        """Return the amount in minor units. Raises ValueError unless it is a positive integer."""
        amount = self.optional_amount("amount")
        if amount is None:
            msg = "An amount greater than zero is needed"
            raise ValueError(msg)
        return amount

    def optional_amount(self, name: str) -> int | None:
        """Return an amount in minor units, or None if the field is missing."""
        value = self._data.get(name)
        if value is None:
            return None
        if type(value) is not int or value <= 0:
            msg = f"{name} must be whole minor units, greater than zero"
            raise ValueError(msg)
        return value


class ControlPage:
    """Serves the page, its data and its actions."""

    def __init__(
        self,
        bank: Bank,
        sign_ins: SignIns,
        faults: Faults,
        requests: list[LoggedRequest],
        webhook_sender: WebhookSender,
    ) -> None:
        """Initialize the page for a bank and the parts of its server."""
        self._bank = bank
        self._sign_ins = sign_ins
        self._faults = faults
        self._requests = requests
        self._webhook_sender = webhook_sender
        self._actions: Mapping[str, Callable[[ActionInput], str]] = {
            "pay": self._pay,
            "decline": self._decline,
            "refund": self._refund,
            "receive": self._receive,
            "settle": self._settle,
            "open-pot": self._open_pot,
            "close-pot": self._close_pot,
            "approve": self._approve,
            "deny": self._deny,
            "evict": self._evict,
            "start-fault": self._start_fault,
            "end-fault": self._end_fault,
        }

    def add_to(self, application: web.Application) -> None:
        """Serve the page at /control."""
        application.router.add_get("/control", self._show)
        application.router.add_get("/control/state", self._state)
        application.router.add_post("/control/{action}", self._run_action)

    async def _show(self, _request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self.state())

    async def _run_action(self, request: web.Request) -> web.Response:
        """Run an action. Only JSON is accepted, because other sites cannot submit it in a form."""
        action = self._actions.get(request.match_info["action"])
        if action is None:
            return web.json_response({"error": "Unknown action"}, status=404)
        if request.content_type != "application/json":
            return web.json_response({"error": "Send JSON"}, status=415)
        try:
            message = action(ActionInput(await request.json()))
        except BankError as err:
            return web.json_response({"error": err.message}, status=400)
        except (TypeError, ValueError) as err:
            return web.json_response({"error": str(err)}, status=400)
        return web.json_response({"message": message})

    # Actions; each returns a sentence about its result
    def _pay(self, data: ActionInput) -> str:
        """Pay by card; the payment is declined if the balance is too low."""
        account = self._account(data)
        amount, shop = data.amount(), data.text("merchant", "Deli")
        if amount > account.balance:
            self._bank.decline(account.id, -amount, merchant=shop)
            return f"{shop} was declined: insufficient funds."
        self._bank.pay(account.id, -amount, merchant=shop)
        return f"Paid {shop}."

    def _decline(self, data: ActionInput) -> str:
        account, shop = self._account(data), data.text("merchant", "Deli")
        reason = data.text("reason", "INSUFFICIENT_FUNDS")
        self._bank.decline(account.id, -data.amount(), merchant=shop, reason=reason)
        return f"{shop} was declined."

    def _refund(self, data: ActionInput) -> str:
        account, shop = self._account(data), data.text("merchant", "Deli")
        self._bank.refund(account.id, data.amount(), merchant=shop)
        return f"Received a refund from {shop}."

    def _receive(self, data: ActionInput) -> str:
        account, sender = self._account(data), data.text("sender", "Employer Ltd")
        self._bank.receive(account.id, data.amount(), sender=sender)
        return f"Received from {sender}."

    def _settle(self, data: ActionInput) -> str:
        amount = data.optional_amount("amount")
        self._bank.settle(data.text("transaction_id"), None if amount is None else -amount)
        return "Settled. Like Monzo, the bank sends no webhook for this."

    def _open_pot(self, data: ActionInput) -> str:
        account = self._account(data)
        name = data.text("name", "New pot")
        self._bank.open_pot(account.id, name, goal=data.optional_amount("goal"))
        return f"Opened {name}."

    def _close_pot(self, data: ActionInput) -> str:
        pot = self._bank.pot(data.text("pot_id"))
        self._bank.close_pot(pot.id)
        return f"Closed {pot.name}. Its money was returned to the account."

    def _approve(self, data: ActionInput) -> str:
        person = self._person(data)
        self._sign_ins.approve(person)
        return f"{person.name} approved the sign-in in the app."

    def _deny(self, data: ActionInput) -> str:
        person = self._person(data)
        self._sign_ins.deny(person)
        return f"{person.name} denied the sign-in in the app."

    def _evict(self, data: ActionInput) -> str:
        person = self._person(data)
        self._sign_ins.evict(person)
        return f"Another sign-in of {person.name} with the same client replaced this one."

    def _start_fault(self, data: ActionInput) -> str:
        name = data.text("fault")
        if name not in _FAULTS:
            msg = f"fault must be one of {', '.join(_FAULTS)}"
            raise ValueError(msg)
        self._faults.clear()
        self._faults.add(FaultHandle("*", "*", _FAULTS[name], None))
        return "The failure has started."

    def _end_fault(self, _data: ActionInput) -> str:
        self._faults.clear()
        return "The failure has ended."

    def _account(self, data: ActionInput) -> Account:
        return self._bank.account(data.text("account_id"))

    def _person(self, data: ActionInput) -> Person:
        person = self._bank.people.get(data.text("user_id"))
        if person is None:
            msg = "Person not found"
            raise ValueError(msg)
        return person

    # Data of the page
    def state(self) -> JsonObject:
        """Return all data that the page shows."""
        return {
            "now": full_timestamp(self._bank.clock()),
            "shops": [shop.name for shop in SHOPS if not shop.atm],
            "accounts": [self._account_state(each) for each in self._bank.accounts.values()],
            "sign_ins": [_sign_in_state(grant) for grant in self._sign_ins.active()],
            "fault": self._active_fault(),
            "transactions": self._transactions(),
            "requests": [_request_state(call) for call in self._requests[: -_LATEST - 1 : -1]],
            "webhooks": [
                {"account": self._label(self._bank.account(hook.account_id)), "url": hook.url}
                for hook in self._bank.webhooks.values()
            ],
            "deliveries": self._delivery_states(),
        }

    def _account_state(self, account: Account) -> JsonObject:
        balance = self._bank.balance(account.id)
        return {
            "id": account.id,
            "name": self._label(account),
            "closed": account.closed,
            "currency": account.currency,
            "units": minor_units(account.currency),
            "balance": balance.balance,
            "total_balance": balance.total_balance,
            "pots": [_pot_state(pot) for pot in self._bank.pots_of(account.id) if not pot.deleted],
        }

    def _transactions(self) -> list[JsonObject]:
        """Return the latest transactions of all accounts, newest first."""
        transactions = [
            transaction
            for account in self._bank.accounts.values()
            for transaction in self._bank.transactions(account.id)[-_LATEST:]
        ]
        transactions.sort(key=lambda transaction: transaction.id, reverse=True)
        return [self._transaction_state(transaction) for transaction in transactions[:_LATEST]]

    def _transaction_state(self, transaction: Transaction) -> JsonObject:
        pot = self._bank.pots.get(transaction.metadata.get("pot_id", ""))
        name = (
            transaction.merchant.name
            if transaction.merchant
            else pot.name
            if pot
            else transaction.description
        )
        return {
            "id": transaction.id,
            "name": name,
            "emoji": transaction.merchant.emoji if transaction.merchant else "",
            "account": self._label(self._bank.account(transaction.account_id)),
            "amount": transaction.amount,
            "currency": transaction.currency,
            "units": minor_units(transaction.currency),
            "declined": transaction.decline_reason,
            "pending": transaction.settled is None,
            "created": full_timestamp(transaction.created),
        }

    def _delivery_states(self) -> list[JsonObject]:
        return [
            {
                "at": full_timestamp(each.at),
                "url": each.webhook.url,
                "attempt": each.attempt,
                "status": each.status,
            }
            for each in self._webhook_sender.attempts[: -_LATEST - 1 : -1]
        ]

    def _active_fault(self) -> str:
        """Return the name of the page's fault that is in force, or an empty text."""
        in_force = [handle.fault for handle in self._faults.handles if handle.times != 0]
        return next((name for name, fault in _FAULTS.items() if fault in in_force), "")

    def _label(self, account: Account) -> str:
        """Return an account's name: its type and its owners."""
        type_name = _ACCOUNT_TYPE_NAMES.get(account.type, account.type)
        return f"{type_name} · {' & '.join(owner.first_name for owner in account.owners)}"


def _sign_in_state(grant: Grant) -> JsonObject:
    return {
        "user_id": grant.person.user_id,
        "person": grant.person.name,
        "client": grant.client.name,
        "approval": grant.approval,
    }


def _pot_state(pot: Pot) -> JsonObject:
    return {
        "id": pot.id,
        "name": pot.name,
        "balance": pot.balance,
        "goal": pot.goal,
        "locked": pot.locked,
        "round_up": pot.round_up,
    }


def _request_state(call: LoggedRequest) -> JsonObject:
    return {
        "at": full_timestamp(call.at),
        "method": call.method,
        "path": call.path,
        "status": call.status,
    }
