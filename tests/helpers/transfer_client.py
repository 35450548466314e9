"""Somebody at the counter: has money moved by the actions, and checks it against the ledger."""

import asyncio
from collections.abc import Callable, Iterator
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

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.faults import Exchange, Fault
from sandbox.models import Account, Pot
from sandbox.server import BankServer
from tests.helpers.config_dialogs import TEXTS

type Answer = dict[str, Any]


@dataclass(frozen=True)
class Move:
    """One row of the ledger: money between an account and a pot."""

    pot: str
    """The pot's name."""

    amount: int
    """What the pot gained, in pence."""

    dedupe_id: str


@dataclass(frozen=True)
class Meanwhile(Fault):
    """Another fault, but something happens first."""

    event: Callable[[], object]
    fault: Fault

    @override
    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        self.event()
        return await self.fault.answer(exchange)


@dataclass(frozen=True)
class Held(Fault):
    """Another fault, but not before the test says so."""

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


class Teller:
    """Calls the actions of one config entry."""

    def __init__(
        self, hass: HomeAssistant, entry: MockConfigEntry, bank: Bank, server: BankServer
    ) -> None:
        """Count what moves from now on."""
        self.hass = hass
        self.entry = entry
        self._bank = bank
        self._server = server
        self._known = {row.id for row in self._pot_rows()}

    def forget(self) -> None:
        """Count what moves from now on."""
        self._known = {row.id for row in self._pot_rows()}

    def seen_from(self, hass: HomeAssistant, entry: MockConfigEntry) -> Teller:
        """Return the same teller in another Home Assistant."""
        other = Teller(hass, entry, self._bank, self._server)
        other._known = self._known
        return other

    def device(self, subject: Account | Pot) -> str:
        """Return the id of the device of an account or a pot."""
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, subject.id), self.entry.entry_id
        )
        assert device is not None
        return device.id

    def shown(self, subject: Account | Pot) -> str:
        """Return what the sensor of an account's or a pot's balance shows."""
        key = "pot_balance" if isinstance(subject, Pot) else "balance"
        entity_id = er.async_get(self.hass).async_get_entity_id(
            "sensor", DOMAIN, f"{subject.id}_{key}"
        )
        assert entity_id is not None
        state = self.hass.states.get(entity_id)
        assert state is not None
        return state.state

    async def deposit(self, pot: Pot, amount: object, **fields: object) -> Answer:
        """Move money into a pot."""
        return await self.call("deposit_into_pot", pot=self.device(pot), amount=amount, **fields)

    async def withdraw(self, pot: Pot, amount: object, **fields: object) -> Answer:
        """Move money out of a pot."""
        return await self.call("withdraw_from_pot", pot=self.device(pot), amount=amount, **fields)

    async def call(self, action: str, **fields: object) -> Answer:
        """Call an action with these fields, and return what it answers."""
        answer = await self.hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=True
        )
        assert answer is not None
        return answer

    @property
    def moves(self) -> list[Move]:
        """What has moved according to the ledger, oldest first."""
        return [
            Move(self._bank.pots[row.metadata["pot_id"]].name, -row.amount, self._id_of(row))
            for row in self._pot_rows()
            if row.id not in self._known
        ]

    @property
    def sent(self) -> list[dict[str, str]]:
        """The requests to move money that have reached the bank."""
        return [call.form for call in self._server.requests_to("PUT", "/pots/*")]

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


class Refusal:
    """What an action was refused with, known once the block is left."""

    error: HomeAssistantError

    @property
    def key(self) -> str | None:
        """Which text it is."""
        return self.error.translation_key

    @property
    def text(self) -> str:
        """What the user reads."""
        return str(self.error)


@contextmanager
def refused() -> Iterator[Refusal]:
    """Expect an error that the user can read."""
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
