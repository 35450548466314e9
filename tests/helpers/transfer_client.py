"""A client of the actions that move money, with a view of the bank's ledger."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, override

from aiohttp import web
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.bank import text_for_user
from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.faults import Exchange, Fault
from sandbox.models import Account, Pot
from sandbox.server import BankServer
from tests.helpers.texts import TEXTS

type Response = dict[str, Any]


@dataclass(frozen=True)
class Move:
    """One row of the ledger: money between an account and a pot."""

    pot: str
    """The pot's name."""

    amount: int
    """The change of the pot's balance, in pence."""

    dedupe_id: str


@dataclass(frozen=True)
class Meanwhile(Fault):
    """Another fault, after an event."""

    event: Callable[[], object]
    fault: Fault

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        self.event()
        return await self.fault.answer(exchange)


@dataclass(frozen=True)
class Held(Fault):
    """Another fault, which the bank holds back until the test releases it."""

    fault: Fault
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the request has reached the bank."""

    released: asyncio.Event = field(default_factory=asyncio.Event)
    """To be set by the test."""

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        self.arrived.set()
        await self.released.wait()
        return await self.fault.answer(exchange)


class TransferClient:
    """Calls the actions of one config entry."""

    def __init__(
        self, hass: HomeAssistant, entry: MockConfigEntry, bank: Bank, server: BankServer
    ) -> None:
        """Initialize the client. Earlier rows of the ledger do not count as moves."""
        self.hass = hass
        self.entry = entry
        self._bank = bank
        self._server = server
        self._known: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """Ignore all moves so far."""
        self._known = {row.id for row in self._pot_rows()}

    def seen_from(self, hass: HomeAssistant, entry: MockConfigEntry) -> TransferClient:
        """Return a client of another Home Assistant that ignores the same moves."""
        other = TransferClient(hass, entry, self._bank, self._server)
        other._known = self._known
        return other

    def device(self, account_or_pot: Account | Pot) -> str:
        """Return the id of the device of an account or a pot."""
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, account_or_pot.id), self.entry.entry_id
        )
        assert device is not None
        return device.id

    def shown(self, account_or_pot: Account | Pot) -> str:
        """Return the state of the balance sensor of an account or a pot."""
        key = "pot_balance" if isinstance(account_or_pot, Pot) else "balance"
        entity_id = er.async_get(self.hass).async_get_entity_id(
            "sensor", DOMAIN, f"{account_or_pot.id}_{key}"
        )
        assert entity_id is not None
        state = self.hass.states.get(entity_id)
        assert state is not None
        return state.state

    async def call(self, action: str, **fields: object) -> Response:
        """Call an action with these fields, and return its response."""
        response = await self.hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=True
        )
        assert response is not None
        return response

    async def call_without_response(self, action: str, **fields: object) -> None:
        """Call an action as automations do that have no response variable."""
        await self.hass.services.async_call(DOMAIN, action, fields, blocking=True)

    async def deposit(self, pot: Pot, amount: object, **fields: object) -> Response:
        """Move an amount into a pot."""
        return await self.call("deposit_into_pot", pot=self.device(pot), amount=amount, **fields)

    async def withdraw(self, pot: Pot, amount: object, **fields: object) -> Response:
        """Move an amount out of a pot."""
        return await self.call("withdraw_from_pot", pot=self.device(pot), amount=amount, **fields)

    async def set_pot_balance(self, pot: Pot, amount: object = None, **fields: object) -> Response:
        """Bring a pot to an amount."""
        if amount is not None:
            fields["amount"] = amount
        return await self.call("set_pot_balance", pot=self.device(pot), **fields)

    async def keep_account_at(self, pot: Pot, amount: object, **fields: object) -> Response:
        """Bring the account of a pot to an amount."""
        return await self.call("keep_account_at", pot=self.device(pot), amount=amount, **fields)

    async def distribute(
        self, *parts: tuple[Pot, Mapping[str, object]], **fields: object
    ) -> Response:
        """Distribute money to pots."""
        return await self.call("distribute", pots=self.parts(*parts), **fields)

    def parts(self, *parts: tuple[Pot, Mapping[str, object]]) -> list[dict[str, object]]:
        """Return the field of `distribute` with the pots and their shares."""
        return [{"pot": self.device(pot), **share} for pot, share in parts]

    async def move_between_pots(self, source: Pot, destination: Pot, **fields: object) -> Response:
        """Move money from one pot to another one."""
        return await self.call(
            "move_between_pots",
            from_pot=self.device(source),
            to_pot=self.device(destination),
            **fields,
        )

    @property
    def moves(self) -> list[Move]:
        """The moves in the ledger, oldest first."""
        return [
            Move(self._bank.pots[row.metadata["pot_id"]].name, -row.amount, self._id_of(row))
            for row in self._pot_rows()
            if row.id not in self._known
        ]

    @property
    def amounts(self) -> list[tuple[str, int]]:
        """The pots of the moves, and the changes of their balances in pence."""
        return [(move.pot, move.amount) for move in self.moves]

    @property
    def sent(self) -> list[dict[str, str]]:
        """The requests to move money that have reached the bank."""
        return [request.form for request in self._server.requests_to("PUT", "/pots/*")]

    @property
    def asked_to_sign_in(self) -> bool:
        """Whether Home Assistant asks the user to sign in again."""
        return any(self.entry.async_get_active_flows(self.hass, {SOURCE_REAUTH}))

    def _pot_rows(self) -> list[Any]:
        return [
            row
            for account in self._bank.accounts.values()
            for row in self._bank.transactions(account.id)
            if row.metadata.get("trigger") == "user"
        ]

    @staticmethod
    def _id_of(row: Any) -> str:
        external_id: str = row.metadata["external_id"]
        return external_id


def results_of(response: Response) -> list[str]:
    """Return the result of each transfer in a response."""
    return [move["result"] for move in response["moves"]]


class Refusal:
    """The error of a refused action, known when the block is left."""

    error: HomeAssistantError

    @property
    def key(self) -> str | None:
        """The translation key of the error."""
        return self.error.translation_key

    @property
    def text(self) -> str:
        """The message for the caller of the action."""
        return text_for_user(self.error)


@contextmanager
def refused() -> Iterator[Refusal]:
    """Expect an error with a message for the user."""
    refusal = Refusal()
    with pytest.raises(HomeAssistantError) as caught:
        yield refusal
    refusal.error = caught.value
    assert refusal.text != refusal.key
    if refusal.error.translation_domain == DOMAIN:
        text: str = TEXTS["exceptions"][refusal.key]["message"]
        mentioned = {field for _, field, _, _ in Formatter().parse(text) if field}
        assert mentioned == set(refusal.error.translation_placeholders or ())
    else:
        assert refusal.error.translation_domain == "homeassistant"
