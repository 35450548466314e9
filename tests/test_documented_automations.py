"""What the page on automations shows does what it says there, and nothing is left out of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import chain
import json
from pathlib import Path
import re
import shutil
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict, parse_yaml
import pytest

from custom_components.monzo.condition import CONDITIONS, MonzoCondition
from custom_components.monzo.services import TOPICS
from custom_components.monzo.trigger import TRIGGERS, MonzoTrigger
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.helpers.automations import option_names
from tests.helpers.state_helpers import set_up, value

from .blueprints.stage import FOLDER, NAMES, ROOT, Stage
from .blueprints.waiting import Clock
from .conftest import LetPass, SignIn

PAGE = (ROOT / "docs/automations.md").read_text(encoding="utf-8")

# What stands on the page for what the reader chooses.
ACCOUNT: Final = "0123456789abcdef0123456789abcdef"
POT: Final = "fedcba9876543210fedcba9876543210"
OTHER_POT: Final = "89abcdef0123456789abcdef01234567"
PHOTOS: Final = "/media/tickets"

EXAMPLES: list[Any] = [
    parse_yaml(block)
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
]
AUTOMATIONS: dict[str, Any] = {
    automation["alias"]: automation
    for example in EXAMPLES
    for automation in example.get("automation", [])
}
SCRIPTS: dict[str, Any] = {
    name: script for example in EXAMPLES for name, script in example.get("script", {}).items()
}

# A Wednesday, and early in a month.
NOW: Final = "2026-12-02 10:00:00"

A_WHILE: Final = timedelta(minutes=6)
AN_HOUR: Final = timedelta(minutes=61)
A_DAY: Final = timedelta(days=1)


class House(Stage):
    """Where the examples are tried: with 1,000 pounds in the account, 640 in the pot."""

    said: list[str]
    """Titles and texts of what was notified, oldest first."""

    clock: Clock
    photos: Path
    """The folder that the page takes photos from."""

    async def start(self, alias: str) -> None:
        """Set up an automation of the page, for this account and these pots."""
        config = self._chosen(AUTOMATIONS[alias])
        assert await async_setup_component(self.hass, "automation", {"automation": config})
        await self.hass.async_block_till_done()
        (state,) = self.hass.states.async_all("automation")
        assert state.state == "on", f"the automation is {state.state}"

    async def run(self, script: str) -> None:
        """Run a script of the page."""
        config = {script: self._chosen(SCRIPTS[script])}
        assert await async_setup_component(self.hass, "script", {"script": config})
        await self.hass.services.async_call("script", script, blocking=True)

    def _chosen(self, config: Any) -> Any:
        """Return an example with what the reader chooses."""
        text = json.dumps(config)
        for stand_in, chosen in (
            (ACCOUNT, self.device(self.home.current)),
            (POT, self.device(self.home.holiday)),
            (OTHER_POT, self.device(self.home.coin_jar)),
            (PHOTOS, str(self.photos)),
        ):
            text = text.replace(stand_in, chosen)
        return json.loads(text)

    async def pay(self, *amounts: int, **options: Any) -> Transaction:
        """Pay by card, one after the other, and return the last payment."""
        for amount in amounts:
            row = self.bank.pay(self.home.current.id, -amount, **options)
            await self.let_pass(A_WHILE)
        return row

    async def receive(self, *amounts: int, sender: str = "Harbour Design Ltd") -> None:
        """Have money come in, one after the other."""
        for amount in amounts:
            self.bank.receive(self.home.current.id, amount, sender=sender)
            await self.let_pass(A_WHILE)

    def show(self, entity: str, state: str, **attributes: Any) -> None:
        """Have something else in the house show something."""
        self.hass.states.async_set(entity, state, attributes)


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Have the blueprints where Home Assistant puts those that it imports."""
    folder = Path(hass_tmp_config_dir) / "blueprints/automation/monzo-for-home-assistant"
    shutil.copytree(FOLDER, folder)
    return hass_tmp_config_dir


@pytest.fixture
async def _on_a_wednesday(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Begin in London, before anybody lives there."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture
async def house(
    hass: HomeAssistant,
    _on_a_wednesday: None,
    home: Household,
    sign_in: SignIn,
    server: BankServer,
    let_pass: LetPass,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """Return a house whose news have been read. Nothing may be complained of in the end."""
    home.bank.set_round_up(home.coin_jar.id, on=False)
    long_ago = home.bank.clock() - timedelta(days=40)
    home.bank.pay(home.current.id, 100_000 - home.current.balance, at=long_ago)
    assert await async_setup_component(hass, "persistent_notification", {})
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass(A_WHILE)
    house = House(hass, entry, home, server, let_pass, caplog)
    house.clock = Clock(hass, freezer)
    house.photos = tmp_path
    house.said = []

    @callback
    def hear(call: ServiceCall) -> None:
        house.said.append(
            ": ".join(call.data[key] for key in ("title", "message") if key in call.data)
        )

    hass.services.async_register("notify", "notify", hear)
    house.complaints()
    yield house
    if hass.states.async_all("automation"):
        await hass.services.async_call(
            "automation", "turn_off", {"entity_id": "all"}, blocking=True
        )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert house.complaints() == []


type Story = Callable[[House], Awaitable[None]]

STORIES: dict[str, Story] = {}


def story(name: str) -> Callable[[Story], Story]:
    """Tell what comes of an automation or a script of the page."""

    def keep(tell: Story) -> Story:
        STORIES[name] = tell
        return tell

    return keep


@pytest.mark.parametrize("alias", AUTOMATIONS)
async def test_an_automation_does_what_the_page_says(house: House, alias: str) -> None:
    await house.start(alias)
    await STORIES[alias](house)


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_script_does_what_the_page_says(house: House, name: str) -> None:
    await STORIES[name](house)


# Triggers


@story("Tell of large payments")
async def _large_payments(house: House) -> None:
    await house.pay(9_999, 10_000, merchant="Gadget Shed")
    assert house.said == ["Gadget Shed: 100.0 GBP from Current account"]


@story("Tell of declined payments")
async def _declined_payments(house: House) -> None:
    house.bank.decline(house.home.current.id, -4_999, merchant="Gadget Shed")
    await house.pay(1)
    assert house.said == ["Gadget Shed was declined: INSUFFICIENT_FUNDS"]


@story("Hand out the salary")
async def _salary(house: House) -> None:
    await house.receive(99_999)
    await house.receive(265_000, sender="Ben Baker")
    assert house.moves == []
    await house.receive(265_000)
    assert house.amounts == [("Holiday", 30_000), ("Coin jar", 26_500)]


@story("Top up when it gets low")
async def _low(house: House) -> None:
    await house.pay(95_000)
    assert house.moves == []
    await house.pay(1, 1)
    assert house.amounts == [("Holiday", -10_000)]
    assert house.said == ["49.99 GBP were left in Current account"]


@story("Note what it was at first")
async def _petrol(house: House) -> None:
    petrol = await house.pay(100, merchant="Pump & Go")
    lunch = await house.pay(1_000)
    house.bank.settle(petrol.id, -4_210)
    house.bank.settle(lunch.id, -1_200)
    await house.let_pass(AN_HOUR)
    assert (petrol.notes, lunch.notes) == ("1.0 at first, then 42.1", "")


@story("Empty a pot that is full")
async def _full(house: House) -> None:
    home = house.home
    house.bank.set_goal(home.holiday.id, home.holiday.balance + 1_500)
    await house.let_pass(AN_HOUR)
    for number in range(2):
        house.bank.deposit(home.holiday.id, home.current.id, 1_000, f"in {number}")
        await house.let_pass(A_WHILE)
    assert home.holiday.balance == 0
    assert house.amounts[2:] == [("Holiday", -66_000), ("Coin jar", 66_000)]


@story("Tell of transfers that failed")
async def _failed(house: House) -> None:
    await house.teller.deposit(house.home.holiday, 1)
    with pytest.raises(HomeAssistantError):
        await house.teller.deposit(house.home.holiday, 5_000)
    await house.hass.async_block_till_done()
    (item,) = house.bank.feed
    assert item.account_id == house.home.current.id
    assert (item.title, item.body) == ("5000.0 GBP for Holiday", "refused: transfer_rejected")


# Conditions


@story("Mind the takeaways")
async def _takeaways(house: House) -> None:
    await house.pay(10_000, category="eating_out")
    await house.pay(6_000, category="groceries")
    assert house.said == []
    await house.pay(6_000, category="eating_out")
    assert house.said == ["More than 150 pounds for eating out this month."]


@story("Save until the pot is full")
async def _until_full(house: House) -> None:
    await house.pay(60_000)
    house.bank.set_goal(house.home.holiday.id, house.home.holiday.balance + 2_000)
    await house.let_pass(AN_HOUR)
    # Too little in the account, twice enough, and then enough is in the pot.
    await house.receive(10_000, 20_000, 2_000, 50_000)
    assert house.amounts == [("Holiday", 1_000)] * 2


# Actions


@story("Sweep in the evening")
async def _sweep(house: House) -> None:
    await house.let_pass(timedelta(hours=12))
    assert house.amounts == [("Holiday", 50_000)]
    # Less than 20 pounds are not worth it, and nothing comes back.
    await house.receive(1_999)
    await house.let_pass(A_DAY)
    await house.pay(10_000)
    await house.let_pass(A_DAY)
    assert len(house.moves) == 1


@story("Put aside what is owed")
async def _owed(house: House) -> None:
    for debt in ("640", "700.00", "unavailable", "2000.00"):
        house.show("sensor.credit_card_debt", debt, unit_of_measurement="GBP")
        await house.hass.async_block_till_done()
    assert house.amounts == [("Holiday", 6_000), ("Holiday", 50_000)]


@story("Tell what yesterday has cost")
async def _yesterday(house: House) -> None:
    await house.pay(1_500)
    await house.pay(999, merchant="Copper Kettle")
    await house.let_pass(timedelta(hours=22))
    assert house.said == ["24.99 GBP yesterday: Deli"]


@story("Show what the ticket was")
async def _ticket(house: House) -> None:
    house.hass.config.allowlist_external_dirs = {str(house.photos)}
    (house.photos / "latest.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    await house.pay(500)
    ticket = await house.pay(250, merchant="City Trams")
    (receipt,) = house.bank.receipts.values()
    assert receipt.transaction_id == ticket.id
    assert "Day ticket" in str(receipt.body)
    (photo,) = house.bank.attachments.values()
    assert photo.transaction_id == ticket.id


@story("take_it_off_again")
async def _off_again(house: House) -> None:
    await house.start("Show what the ticket was")
    await _ticket(house)
    await house.run("take_it_off_again")
    assert house.bank.receipts == {}
    assert house.bank.attachments == {}


@story("Look when somebody comes home")
async def _comes_home(house: House) -> None:
    house.show("zone.home", "0")
    current = house.home.current
    house.bank.pay(current.id, -100)
    assert value(house.hass, current.id, "balance") == "1000.00"
    house.show("zone.home", "1")
    await house.hass.async_block_till_done()
    assert value(house.hass, current.id, "balance") == "999.00"


# Blueprints


@story("Pay day")
async def _pay_day(house: House) -> None:
    await house.receive(199_999, 265_000)
    assert house.amounts == [("Holiday", 50_000), ("Coin jar", 215_000)]


@story("Coffee from the coffee pot")
async def _coffee(house: House) -> None:
    await house.pay(340)
    await house.pay(2_001, 340, merchant="Copper Kettle")
    assert house.amounts == [("Holiday", -340)]


@story("Round up to 5 pounds")
async def _round_up(house: House) -> None:
    await house.pay(1_500, 1_230)
    assert house.amounts == [("Holiday", 270)]
    # It would leave less than 100 pounds.
    await house.pay(house.home.current.balance - 9_999)
    assert len(house.moves) == 1


@story("What the card will cost")
async def _card(house: House) -> None:
    house.show("sensor.credit_card_debt", "700.00")
    await house.let_pass(timedelta(minutes=31))
    assert house.amounts == [("Holiday", 6_000)]


@story("500 pounds in the account")
async def _level(house: House) -> None:
    await house.let_pass(timedelta(days=1, hours=12))
    assert house.moves == []
    await house.let_pass(A_DAY)
    assert house.amounts == [("Holiday", 50_000)]


@story("Low balance")
async def _low_balance(house: House) -> None:
    await house.pay(90_000)
    assert house.notifications == []
    await house.pay(480)
    assert [title for title, _text in house.notifications] == ["Low balance: £95.20"]


@story("Large payments")
async def _large(house: House) -> None:
    await house.pay(500, 20_000)
    assert [title for title, _text in house.notifications] == ["Large payment: £200.00"]


@story("A pound for every wash")
async def _wash(house: House) -> None:
    for state in ("on", "off", "unavailable", "off", "on", "off", "on", "off"):
        house.show("binary_sensor.washing_machine", state)
        await house.hass.async_block_till_done()
    assert house.amounts == [("Holiday", 100)] * 2


@story("Kebab tax")
async def _kebab(house: House) -> None:
    await house.pay(1_000)
    await house.pay(1_000, merchant="Kebab Corner")
    assert house.amounts == [("Holiday", 200)]


@story("Flash when a card is declined")
async def _flash(house: House) -> None:
    light = {"name": "Hallway", "turn_on": [], "turn_off": [], "set_rgb": []}
    assert await async_setup_component(house.hass, "template", {"template": {"light": light}})
    assert await async_setup_component(house.hass, "scene", {})
    await house.pay(500)
    assert house.runs == 0
    house.bank.decline(house.home.current.id, -500)

    def is_red() -> bool:
        state = house.hass.states.get("light.hallway")
        return state is not None and state.attributes.get("rgb_color") == (255, 0, 0)

    await house.clock.let_pass(A_WHILE, until=is_red)


@story("What the week has cost")
async def _week(house: House) -> None:
    await house.pay(25_000)
    await house.let_pass(timedelta(days=3, hours=8))
    assert house.notifications == []
    await house.let_pass(A_DAY)
    ((title, text),) = house.notifications
    assert title is not None
    assert title.startswith("Current account: £")
    assert "• Deli: £250.00" in text


# The page


def test_every_example_has_its_story() -> None:
    assert STORIES.keys() == AUTOMATIONS.keys() | SCRIPTS.keys()


def words(key: str) -> set[str]:
    """Return what stands under this key anywhere in the examples, without the domain."""
    return set(re.findall(rf'"{key}": "(?:monzo\.)(\w+)"', json.dumps(EXAMPLES)))


def options_of(name: str) -> set[str]:
    """Return the options that the page lists for a trigger or a condition."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `monzo.{name}` |"))
    return set(re.findall(r"`(\w+)`", row.split("|")[3]))


def test_no_trigger_is_left_out() -> None:
    assert words("trigger") == TRIGGERS.keys()
    for key, trigger in TRIGGERS.items():
        assert issubclass(trigger, MonzoTrigger)
        assert options_of(key) == option_names(trigger.schema)


def test_no_condition_is_left_out() -> None:
    assert words("condition") == CONDITIONS.keys()
    for key, condition in CONDITIONS.items():
        assert issubclass(condition, MonzoCondition)
        assert options_of(key) == option_names(condition.schema)


def test_no_action_is_left_out() -> None:
    actions = {action.name for action in chain.from_iterable(topic.ACTIONS for topic in TOPICS)}
    assert words("action") == actions
    assert set(re.findall(r"\[`monzo\.(\w+)`\]", PAGE)) == actions


def test_no_blueprint_is_left_out() -> None:
    shown = re.findall(r"path: monzo-for-home-assistant/(\w+)\.yaml", PAGE)
    assert sorted(shown) == NAMES
    assert sorted(re.findall(r"automation%2Fmonzo%2F(\w+)\.yaml", PAGE)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_input_of_a_blueprint_is_explained(name: str) -> None:
    blueprint = load_yaml_dict(str(FOLDER / f"{name}.yaml"))["blueprint"]
    fields = [
        field
        for each in blueprint["input"].values()
        for field in each.get("input", {"": each}).values()
    ]
    title = blueprint["name"].removeprefix("Monzo: ")
    (section,) = re.findall(rf"^### {title}$(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    table = section.split("| --- | --- | --- |\n")[1].split("\n\n")[0]
    explained = [
        name for row in table.splitlines() for name in row.split("|")[1].strip().split(", ")
    ]
    assert sorted(explained) == sorted(field["name"] for field in fields)
