"""The calendars of recurring payments and of pay days, and corrections in a calendar."""

from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from sandbox.models import Account
from tests.conftest import AdvanceTime
from tests.helpers.state_helpers import entity_id, set_up, shown, value

type Event = dict[str, Any]


class Calendar:
    """A calendar, as a browser sees it."""

    def __init__(
        self,
        hass: HomeAssistant,
        http: ClientSessionGenerator,
        ws: WebSocketGenerator,
        entity: str | None,
    ) -> None:
        """Initialize the calendar for an entity."""
        assert entity
        self.hass = hass
        self.entity_id = entity
        self._http = http
        self._ws = ws

    async def events(self, first: str, last: str) -> list[Event]:
        """Return the events between two days of Home Assistant, without the last one."""
        client = await self._http()
        parameters = {
            "start": f"{first}T00:00:00-07:00",
            "end": f"{last}T00:00:00-07:00",
        }
        response = await client.get(f"/api/calendars/{self.entity_id}", params=parameters)
        events: list[Event] = await response.json()
        return events

    async def shown(self, first: str, last: str) -> list[tuple[str, ...]]:
        """Return the days, names and amounts of events."""
        return [
            (event["start"]["date"], event["summary"], event["description"] or "")
            for event in await self.events(first, last)
        ]

    async def send(
        self, kind: str, uid: str, token: str | None = None, **event: str
    ) -> dict[str, Any]:
        """Delete or update an event, and return the response."""
        client = await (self._ws(self.hass, token) if token else self._ws(self.hass))
        message = {"type": f"calendar/event/{kind}", "entity_id": self.entity_id, "uid": uid}
        await client.send_json_auto_id({**message, **({"event": event} if event else {})})
        answer: dict[str, Any] = await client.receive_json()
        await self.hass.async_block_till_done(wait_background_tasks=True)
        return answer


@pytest.fixture
def payments(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    account: Account,
    entry: MockConfigEntry,
) -> Calendar:
    """Return the calendar of the account."""
    entity = entity_id(hass, account.id, "recurring_payments", "calendar")
    return Calendar(hass, hass_client, hass_ws_client, entity)


async def test_the_calendar_has_payments_that_were_made_and_those_to_come(
    payments: Calendar,
) -> None:
    # Days are those of Home Assistant, which is in California.
    assert await payments.shown("2026-09-01", "2026-09-28") == [
        ("2026-09-01", "Mill Street Lettings", "-900.00 GBP"),
        ("2026-09-18", "Threadnet Broadband", "-34.00 GBP"),
        ("2026-09-21", "Moorland Water", "-31.00 GBP"),
        ("2026-09-25", "Harbour Design", "2650.00 GBP"),
    ]


async def test_the_calendar_shows_the_next_payment(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    state = shown(hass, account.id, "recurring_payments", "calendar")
    assert state.state == "off"
    assert state.attributes["message"] == "Threadnet Broadband"
    assert state.attributes["start_time"] == "2026-09-18 00:00:00"


SEPTEMBER = ("2026-09-01", "2026-10-01")


async def test_a_payment_is_corrected_confirmed_and_dismissed_in_the_calendar(
    hass: HomeAssistant, payments: Calendar, account: Account, entry: MockConfigEntry
) -> None:
    rent, broadband, *_others = await payments.events(*SEPTEMBER)
    answer = await payments.send(
        "update",
        broadband["uid"],
        dtstart="2026-09-24",
        dtend="2026-09-25",
        summary="Internet",
        description="-40 GBP",
    )
    assert answer["success"], answer
    assert ("2026-09-24", "Internet", "-40.00 GBP") in await payments.shown(*SEPTEMBER)
    assert value(hass, account.id, "upcoming_payments") == "61.00"

    # An event that is saved unchanged confirms the payment.
    (water,) = [it for it in await payments.events(*SEPTEMBER) if it["summary"] == "Moorland Water"]
    answer = await payments.send(
        "update",
        water["uid"],
        dtstart=water["start"]["date"],
        dtend=water["end"]["date"],
        summary=water["summary"],
        description=water["description"],
    )
    assert answer["success"], answer
    listed = entry.runtime_data.recurring.listed(account.id)
    assert {it.payment.payee for it in listed if it.correction.confirmed} == {"Moorland Water"}

    found = await payments.events("2026-10-01", "2026-11-01")
    (later,) = [event for event in found if event["summary"] == "Internet"]
    assert later["start"]["date"] == "2026-10-26"
    assert (await payments.send("delete", later["uid"]))["success"]
    names = {name for _day, name, _amount in await payments.shown(*SEPTEMBER)}
    assert names == {"Mill Street Lettings", "Moorland Water", "Harbour Design", "Streamly"}
    assert value(hass, account.id, "upcoming_payments") == "21.00"

    # The rent was paid, which stays a fact.
    answer = await payments.send("delete", rent["uid"])
    assert "Change or delete an upcoming payment" in answer["error"]["message"]
    assert len(await payments.events(*SEPTEMBER)) == 4


async def test_only_administrators_change_the_calendar(
    payments: Calendar, hass_read_only_access_token: str, hass_read_only_user: MockUser
) -> None:
    # A user may control all entities without being an administrator.
    hass_read_only_user.mock_policy({"entities": True})
    (*_made, event) = await payments.events(*SEPTEMBER)
    answer = await payments.send("delete", event["uid"], hass_read_only_access_token)
    assert answer["error"]["message"] == "Unauthorized"
    assert event in await payments.events(*SEPTEMBER)


async def test_an_event_that_does_not_exist_is_refused(payments: Calendar) -> None:
    for kind, event in (
        ("delete", {}),
        ("update", {"dtstart": "2026-09-24", "dtend": "2026-09-25", "summary": "Internet"}),
    ):
        answer = await payments.send(kind, "0000_2026-09-18", **event)
        assert answer["error"]["message"].startswith("There is no recurring payment")


@pytest.fixture
def pay_days(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    entry: MockConfigEntry,
) -> Calendar:
    """Return the calendar of the person."""
    entity = entity_id(hass, str(entry.unique_id), "pay_days", "calendar")
    return Calendar(hass, hass_client, hass_ws_client, entity)


AUTUMN = ("2026-08-01", "2026-11-01")


async def test_the_pay_days_of_the_past_and_the_next_ones(pay_days: Calendar) -> None:
    assert await pay_days.shown(*AUTUMN) == [
        ("2026-08-25", "Harbour Design", "2650.00 GBP"),
        ("2026-09-25", "Harbour Design", "2650.00 GBP"),
        # The 25th is a Sunday.
        ("2026-10-23", "Harbour Design", "2650.00 GBP"),
    ]
    ahead = await pay_days.shown("2026-09-16", "2029-01-01")
    assert len(ahead) == 13
    assert ahead[-1][0] == "2027-09-24"


async def test_a_chosen_pay_day_is_in_the_calendar_and_salaries_of_the_past_stay(
    hass: HomeAssistant, pay_days: Calendar, entry: MockConfigEntry
) -> None:
    options = {**entry.options, "pay_day": "last_working_day"}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await pay_days.shown(*AUTUMN) == [
        ("2026-08-25", "Harbour Design", "2650.00 GBP"),
        ("2026-09-30", "Pay day", ""),
        ("2026-10-30", "Pay day", ""),
    ]
    state = shown(hass, str(entry.unique_id), "pay_days", "calendar")
    assert state.attributes["message"] == "Pay day"


async def test_the_calendar_is_on_on_the_day_itself(
    hass: HomeAssistant, advance_time: AdvanceTime, account: Account, dora: MockConfigEntry
) -> None:
    await set_up(hass, dora)
    await advance_time(timedelta(days=2))
    assert value(hass, account.id, "recurring_payments", "calendar") == "on"
