"""The pages about automations: every example works, and nothing is left out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
import json
from pathlib import Path
import re
import shutil
from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.monzo.condition import CONDITIONS
from custom_components.monzo.services import TOPICS
from custom_components.monzo.trigger import TRIGGERS
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.helpers.archive_filler import give_history
from tests.helpers.budgets import budget
from tests.helpers.conversations import said_to
from tests.helpers.examples import (
    ACCOUNT,
    AUTOMATION_PAGES,
    BUDGET,
    DOCS,
    OTHER_POT,
    PAGES,
    POT,
    examples_in,
)
from tests.helpers.scripted_model import async_add_model
from tests.helpers.state_helpers import device, set_up, value
from tests.helpers.stopped_clock import StoppedClock
from tests.services.test_file_types import SUPPORTED_CONTENT

from .blueprints.blueprint_runner import FOLDER, NAMES, BlueprintRunner
from .blueprints.clock import Clock
from .conftest import AdvanceTime, SignIn

BLUEPRINTS_PAGE = (DOCS / "blueprints.md").read_text(encoding="utf-8")

# The folder in an example that the reader replaces.
PHOTOS: Final = "/media/tickets"

EXAMPLES = [example.config for page in AUTOMATION_PAGES for example in examples_in(page)]
AUTOMATIONS: dict[str, Any] = {
    automation["alias"]: automation
    for example in EXAMPLES
    for automation in example.get("automation", [])
}
SCRIPTS: dict[str, Any] = {
    name: script for example in EXAMPLES for name, script in example.get("script", {}).items()
}

# A Wednesday, early in a month.
NOW: Final = "2026-12-02 10:00:00"

A_WHILE: Final = timedelta(minutes=6)
AN_HOUR: Final = timedelta(minutes=61)
A_DAY: Final = timedelta(days=1)


class ExampleRunner(BlueprintRunner):
    """Runs the examples, with 1,000 pounds in the account and 640 pounds in the pot."""

    sent_messages: list[str]
    """The titles and messages sent with the action `notify.notify`, oldest first."""

    clock: Clock
    photos: Path
    """The folder for the photos that an example mentions."""

    async def start(self, alias: str) -> None:
        """Set up an automation with real devices."""
        config = self._with_real_values(AUTOMATIONS[alias])
        assert await async_setup_component(self.hass, "automation", {"automation": config})
        await self.hass.async_block_till_done()
        (state,) = self.hass.states.async_all("automation")
        assert state.state == "on", f"the automation is {state.state}"

    async def run(self, script: str) -> None:
        """Run a script with real devices."""
        config = {script: self._with_real_values(SCRIPTS[script])}
        assert await async_setup_component(self.hass, "script", {"script": config})
        await self.hass.services.async_call("script", script, blocking=True)

    def _with_real_values(self, config: Any) -> Any:
        """Return an example with the values that a reader would choose."""
        text = json.dumps(config)
        for placeholder, real_value in (
            (ACCOUNT, self.device_id(self.home.current)),
            (POT, self.device_id(self.home.holiday)),
            (OTHER_POT, self.device_id(self.home.coin_jar)),
            (BUDGET, self._budget_device()),
            (PHOTOS, str(self.photos)),
        ):
            text = text.replace(placeholder, real_value)
        return json.loads(text)

    def _budget_device(self) -> str:
        (budget_id,) = self.entry.subentries
        found = device(self.hass, self.entry, budget_id)
        assert found
        return found.id

    async def pay(self, *amounts: int, **options: Any) -> Transaction:
        """Make card payments one after the other, and return the last one."""
        for amount in amounts:
            row = self.bank.pay(self.home.current.id, -amount, **options)
            await self.advance(A_WHILE)
        return row

    async def receive(self, *amounts: int, sender: str = "Harbour Design Ltd") -> None:
        """Receive amounts one after the other."""
        for amount in amounts:
            self.bank.receive(self.home.current.id, amount, sender=sender)
            await self.advance(A_WHILE)

    def set_state(self, entity: str, state: str, **attributes: Any) -> None:
        """Set the state of an entity of another integration."""
        self.hass.states.async_set(entity, state, attributes)


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Copy the blueprints to the folder of imported blueprints."""
    folder = Path(hass_tmp_config_dir) / "blueprints/automation/monzo-for-home-assistant"
    shutil.copytree(FOLDER, folder)
    return hass_tmp_config_dir


@pytest.fixture
async def _start_on_a_wednesday(hass: HomeAssistant, freezer: StoppedClock) -> None:
    """Set the time zone and the time before the bank has any transactions."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture
async def runner(
    hass: HomeAssistant,
    _start_on_a_wednesday: None,
    home: Household,
    sign_in: SignIn,
    server: BankServer,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> AsyncIterator[ExampleRunner]:
    """Return a runner for the examples. At the end, no warning may be left in the log."""
    home.bank.set_round_up(home.coin_jar.id, on=False)
    long_ago = home.bank.clock() - timedelta(days=40)
    home.bank.pay(home.current.id, 100_000 - home.current.balance, at=long_ago)
    for component in ("homeassistant", "conversation", "persistent_notification"):
        assert await async_setup_component(hass, component, {})
    entry = sign_in(home.ann, subentries_data=[budget(home.current)])
    await set_up(hass, entry)
    await advance_time(A_WHILE)
    runner = ExampleRunner(hass, entry, home, server, advance_time, caplog)
    runner.clock = Clock(hass, freezer)
    runner.photos = tmp_path
    runner.sent_messages = []

    @callback
    def record_message(call: ServiceCall) -> None:
        runner.sent_messages.append(
            ": ".join(call.data[key] for key in ("title", "message") if key in call.data)
        )

    hass.services.async_register("notify", "notify", record_message)
    runner.take_warnings()
    yield runner
    await runner.turn_off()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert runner.take_warnings() == []


type Check = Callable[[ExampleRunner], Awaitable[None]]

CHECKS: dict[str, Check] = {}


def check_of(name: str) -> Callable[[Check], Check]:
    """Register the check of an automation (by its alias) or a script."""

    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


@pytest.mark.parametrize("alias", AUTOMATIONS)
async def test_an_automation_works_as_documented(runner: ExampleRunner, alias: str) -> None:
    await runner.start(alias)
    await CHECKS[alias](runner)


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_script_works_as_documented(runner: ExampleRunner, name: str) -> None:
    await CHECKS[name](runner)


# Triggers


@check_of("Notify me of large payments")
async def _large_payments(runner: ExampleRunner) -> None:
    await runner.pay(9_999, 10_000, merchant="Gadget Shed")
    assert runner.sent_messages == ["Gadget Shed: 100.0 GBP from Current account"]


@check_of("Notify me of declined payments")
async def _declined_payments(runner: ExampleRunner) -> None:
    runner.bank.decline(runner.home.current.id, -4_999, merchant="Gadget Shed")
    await runner.pay(1)
    assert runner.sent_messages == ["Gadget Shed was declined: INSUFFICIENT_FUNDS"]


@check_of("Top up after a declined payment")
async def _declined(runner: ExampleRunner) -> None:
    for amount, reason in ((4_999, "CARD_BLOCKED"), (5_001, "INSUFFICIENT_FUNDS")):
        runner.bank.decline(runner.home.current.id, -amount, reason=reason)
        await runner.pay(1)
    assert runner.moves == []
    runner.bank.decline(runner.home.current.id, -4_999)
    await runner.pay(1)
    assert runner.amounts == [("Holiday", -5_000)]


@check_of("Distribute the salary")
async def _salary(runner: ExampleRunner) -> None:
    await runner.receive(99_999)
    await runner.receive(265_000, sender="Ben Baker")
    assert runner.moves == []
    await runner.receive(265_000)
    assert runner.amounts == [("Holiday", 30_000), ("Coin jar", 26_500)]


@check_of("Top up when the account runs low")
async def _low(runner: ExampleRunner) -> None:
    await runner.pay(95_000)
    assert runner.moves == []
    await runner.pay(1, 1)
    assert runner.amounts == [("Holiday", -10_000)]
    assert runner.sent_messages == ["Current account had 49.99 GBP left"]


@check_of("Notify me below my own limit")
async def _own_limit(runner: ExampleRunner) -> None:
    runner.set_state("input_number.my_limit", "300.0", unit_of_measurement="GBP")
    await runner.pay(70_000)
    assert runner.sent_messages == []
    await runner.pay(1)
    assert runner.sent_messages == ["Current account is below 300.0"]


@check_of("Note the first amount")
async def _petrol(runner: ExampleRunner) -> None:
    petrol = await runner.pay(100, merchant="Pump & Go")
    lunch = await runner.pay(1_000)
    runner.bank.settle(petrol.id, -4_210)
    runner.bank.settle(lunch.id, -1_200)
    await runner.advance(AN_HOUR)
    assert (petrol.notes, lunch.notes) == ("1.0 at first, then 42.1", "")


@check_of("Empty a full pot")
async def _full(runner: ExampleRunner) -> None:
    home = runner.home
    runner.bank.set_goal(home.holiday.id, home.holiday.balance + 1_500)
    await runner.advance(AN_HOUR)
    for number in range(2):
        runner.bank.deposit(home.holiday.id, home.current.id, 1_000, f"in {number}")
        await runner.advance(A_WHILE)
    assert home.holiday.balance == 0
    assert runner.amounts[2:] == [("Holiday", -66_000), ("Coin jar", 66_000)]


@check_of("Report failed transfers")
async def _failed(runner: ExampleRunner) -> None:
    await runner.client.deposit(runner.home.holiday, 1)
    with pytest.raises(HomeAssistantError):
        await runner.client.deposit(runner.home.holiday, 5_000)
    await runner.hass.async_block_till_done()
    (item,) = runner.bank.feed
    assert item.account_id == runner.home.current.id
    assert (item.title, item.body) == ("5000.0 GBP for Holiday", "refused: transfer_rejected")


# Conditions


@check_of("Remind me to top up")
async def _remind(runner: ExampleRunner) -> None:
    await runner.advance(timedelta(hours=9))
    assert runner.sent_messages == []
    await runner.pay(80_001)
    await runner.advance(A_DAY)
    assert runner.sent_messages == ["Less than 200 pounds in the account."]


@check_of("Watch the takeaways")
async def _takeaways(runner: ExampleRunner) -> None:
    await runner.pay(10_000, category="eating_out")
    await runner.pay(6_000, category="groceries")
    assert runner.sent_messages == []
    await runner.pay(6_000, category="eating_out")
    assert runner.sent_messages == ["More than 150 pounds for eating out this month."]


@check_of("Save until the pot is full")
async def _until_full(runner: ExampleRunner) -> None:
    await runner.pay(60_000)
    runner.bank.set_goal(runner.home.holiday.id, runner.home.holiday.balance + 2_000)
    await runner.advance(AN_HOUR)
    # Too little in the account, twice enough, and then enough is in the pot.
    await runner.receive(10_000, 20_000, 2_000, 50_000)
    assert runner.amounts == [("Holiday", 1_000)] * 2


# Actions


@check_of("Sweep the surplus in the evening")
async def _sweep(runner: ExampleRunner) -> None:
    await runner.advance(timedelta(hours=12))
    assert runner.amounts == [("Holiday", 50_000)]
    # Less than 20 pounds are not worth it, and nothing comes back.
    await runner.receive(1_999)
    await runner.advance(A_DAY)
    await runner.pay(10_000)
    await runner.advance(A_DAY)
    assert len(runner.moves) == 1


@check_of("Set the credit card balance aside")
async def _owed(runner: ExampleRunner) -> None:
    for debt in ("640", "700.00", "unavailable", "2000.00"):
        runner.set_state("sensor.credit_card_debt", debt, unit_of_measurement="GBP")
        await runner.hass.async_block_till_done()
    assert runner.amounts == [("Holiday", 6_000), ("Holiday", 50_000)]


@check_of("Report yesterday's spending")
async def _yesterday(runner: ExampleRunner) -> None:
    await runner.pay(1_500)
    await runner.pay(999, merchant="Copper Kettle")
    await runner.advance(timedelta(hours=22))
    assert runner.sent_messages == ["24.99 GBP yesterday: Deli"]


@check_of("Add receipts to train tickets")
async def _ticket(runner: ExampleRunner) -> None:
    runner.hass.config.allowlist_external_dirs = {str(runner.photos)}
    (runner.photos / "latest.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    await runner.pay(500)
    ticket = await runner.pay(250, merchant="City Trams")
    (receipt,) = runner.bank.receipts.values()
    assert receipt.transaction_id == ticket.id
    assert "Day ticket" in str(receipt.body)
    (photo,) = runner.bank.attachments.values()
    assert photo.transaction_id == ticket.id


@check_of("remove_latest_ticket")
async def _removed(runner: ExampleRunner) -> None:
    await runner.start("Add receipts to train tickets")
    await _ticket(runner)
    await runner.run("remove_latest_ticket")
    assert runner.bank.receipts == {}
    assert runner.bank.attachments == {}


@check_of("Update when someone comes home")
async def _comes_home(runner: ExampleRunner) -> None:
    runner.set_state("zone.home", "0")
    current = runner.home.current
    runner.bank.pay(current.id, -100)
    assert value(runner.hass, current.id, "balance") == "1000.00"
    runner.set_state("zone.home", "1")
    await runner.hass.async_block_till_done()
    assert value(runner.hass, current.id, "balance") == "999.00"


# Blueprints


@check_of("Pay day")
async def _pay_day(runner: ExampleRunner) -> None:
    await runner.receive(199_999, 265_000)
    assert runner.amounts == [("Holiday", 50_000), ("Coin jar", 215_000)]


@check_of("Coffee from the coffee pot")
async def _coffee(runner: ExampleRunner) -> None:
    await runner.pay(340)
    await runner.pay(2_001, 340, merchant="Copper Kettle")
    assert runner.amounts == [("Holiday", -340)]


@check_of("Round up to 5 pounds")
async def _round_up(runner: ExampleRunner) -> None:
    await runner.pay(1_500, 1_230)
    assert runner.amounts == [("Holiday", 270)]
    # It would leave less than 100 pounds.
    await runner.pay(runner.home.current.balance - 9_999)
    assert len(runner.moves) == 1


@check_of("What the card will cost")
async def _card(runner: ExampleRunner) -> None:
    runner.set_state("sensor.credit_card_debt", "700.00")
    await runner.advance(timedelta(minutes=31))
    assert runner.amounts == [("Holiday", 6_000)]


@check_of("500 pounds in the account")
async def _level(runner: ExampleRunner) -> None:
    await runner.advance(timedelta(days=1, hours=12))
    assert runner.moves == []
    await runner.advance(A_DAY)
    assert runner.amounts == [("Holiday", 50_000)]


@check_of("Low balance")
async def _low_balance(runner: ExampleRunner) -> None:
    await runner.pay(90_000)
    assert runner.notifications == []
    await runner.pay(480)
    assert runner.titles == ["Low balance: £95.20"]


@check_of("Large payments")
async def _large(runner: ExampleRunner) -> None:
    await runner.pay(500, 20_000)
    assert runner.titles == ["Large payment: £200.00"]


@check_of("A pound for every wash")
async def _wash(runner: ExampleRunner) -> None:
    for state in ("on", "off", "unavailable", "off", "on", "off", "on", "off"):
        runner.set_state("binary_sensor.washing_machine", state)
        await runner.hass.async_block_till_done()
    assert runner.amounts == [("Holiday", 100)] * 2


@check_of("Kebab tax")
async def _kebab(runner: ExampleRunner) -> None:
    await runner.pay(1_000)
    await runner.pay(1_000, merchant="Kebab Corner")
    assert runner.amounts == [("Holiday", 200)]


@check_of("Flash when a card is declined")
async def _flash(runner: ExampleRunner) -> None:
    light = {"name": "Hallway", "turn_on": [], "turn_off": [], "set_rgb": []}
    assert await async_setup_component(runner.hass, "template", {"template": {"light": light}})
    assert await async_setup_component(runner.hass, "scene", {})
    await runner.pay(500)
    assert runner.runs == 0
    runner.bank.decline(runner.home.current.id, -500)

    def is_red() -> bool:
        state = runner.hass.states.get("light.hallway")
        return state is not None and state.attributes.get("rgb_color") == (255, 0, 0)

    await runner.clock.advance(A_WHILE, until=is_red)


@check_of("What the week has cost")
async def _week(runner: ExampleRunner) -> None:
    await runner.pay(25_000)
    await runner.advance(timedelta(days=3, hours=8))
    assert runner.notifications == []
    await runner.advance(A_DAY)
    ((title, text),) = runner.notifications
    assert title is not None
    assert title.startswith("Current account: £")
    assert "• Deli: £250.00" in text


@check_of("Notify me when most of a budget is used")
async def _budget_crossed(runner: ExampleRunner) -> None:
    await runner.pay(20_000)
    assert runner.sent_messages == []
    await runner.pay(7_000)
    ((message),) = runner.sent_messages
    assert re.fullmatch(r"Groceries: [\d.]+ GBP left", message)
    await runner.pay(1_000)
    assert len(runner.sent_messages) == 1


@check_of("Save what a budget leaves")
async def _budget_period_ended(runner: ExampleRunner) -> None:
    before = runner.home.holiday.balance
    await runner.pay(1_000)
    await advance_to(runner, "2026-12-31 23:50:00")
    left = round(100 * float(value(runner.hass, *_budget_left(runner))))
    assert runner.home.holiday.balance == before
    await advance_to(runner, "2027-01-01 00:16:00")
    assert runner.home.holiday.balance == before + left


async def advance_to(runner: ExampleRunner, moment: str) -> None:
    """Advance to a moment in winter, when London has the time of UTC."""
    await runner.advance(datetime.fromisoformat(f"{moment}+00:00") - datetime.now(UTC))
    await runner.advance(A_WHILE)


def _budget_left(runner: ExampleRunner) -> tuple[str, str]:
    (budget_id,) = runner.entry.subentries
    return budget_id, "budget_left"


@check_of("Save while the budgets are on track")
async def _on_track(runner: ExampleRunner) -> None:
    before = runner.home.holiday.balance
    await advance_to(runner, "2026-12-06 18:00:01")
    assert runner.home.holiday.balance == before + 1_000
    await runner.pay(25_000)
    await advance_to(runner, "2026-12-13 18:00:01")
    assert runner.home.holiday.balance == before + 1_000


# Recurring payments


async def with_bills(runner: ExampleRunner, *bills: tuple[str, int, int], months: int = 6) -> None:
    """Reload the entry with direct debits of the past: the payee, the day, and the pence."""
    bank, current = runner.bank, runner.home.current
    balance = current.balance
    for payee, day, pence in bills:
        for month in range(12 - months, 12):
            at = datetime(2026, month, day, 6, tzinfo=UTC)
            bank.direct_debit(current.id, -pence, payee=payee, at=at)
    # The balance that was read before already contains them.
    current.balance = balance
    await give_history(runner.hass, runner.home, runner.entry)
    await runner.advance(A_WHILE)


@check_of("Remind me of large bills")
async def _large_bills(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400), ("Mill Street Lettings", 9, 90_000))
    await advance_to(runner, "2026-12-05 08:00:00")
    assert runner.sent_messages == []
    await advance_to(runner, "2026-12-06 08:00:00")
    assert runner.sent_messages == ["Mill Street Lettings takes 900.0 GBP on 2026-12-09"]


@check_of("Notify me of higher prices")
async def _higher_prices(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400), ("Moorland Water", 9, 3_100))
    await advance_to(runner, "2026-12-08 08:00:00")
    runner.bank.direct_debit(runner.home.current.id, -3_000, payee="Moorland Water")
    runner.bank.direct_debit(runner.home.current.id, -3_550, payee="Threadnet Broadband")
    await runner.advance(A_WHILE)
    assert runner.sent_messages == ["Threadnet Broadband: 34.0 → 35.5 GBP"]


@check_of("Notify me of missed payments")
async def _missed_payments(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400))
    await advance_to(runner, "2026-12-09 07:50:00")
    assert runner.sent_messages == []
    await advance_to(runner, "2026-12-09 08:00:00")
    assert runner.sent_messages == ["Threadnet Broadband was due on 2026-12-08"]


@check_of("Notify me of new subscriptions")
async def _new_subscriptions(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400), months=2)
    await advance_to(runner, "2026-12-08 08:00:00")
    runner.bank.direct_debit(runner.home.current.id, -3_400, payee="Threadnet Broadband")
    await runner.advance(A_WHILE)
    assert runner.sent_messages == ["You now pay 34.0 GBP per month to Threadnet Broadband"]


@check_of("Tell me that I am paid")
async def _paid(runner: ExampleRunner) -> None:
    await with_bills(runner)
    await advance_to(runner, "2026-12-31 07:50:00")
    assert runner.sent_messages == []
    await advance_to(runner, "2026-12-31 08:00:00")
    assert runner.sent_messages == ["It is pay day. The next one is on 2027-01-29"]


@check_of("Notify me when I may have paid twice")
async def _paid_twice(runner: ExampleRunner) -> None:
    await runner.pay(1_250, 1_250, merchant="Copper Kettle")
    await runner.pay(1_250, merchant="Bookworm")
    assert runner.sent_messages == []
    await runner.pay(1_250, merchant="Bookworm")
    assert runner.sent_messages == ["Bookworm has charged 12.5 GBP twice"]


@check_of("Count every pound before pay day")
async def _before_pay_day(runner: ExampleRunner) -> None:
    await with_bills(runner)
    await advance_to(runner, "2026-12-23 10:00:00")
    await runner.pay(500)
    assert runner.sent_messages == []
    await advance_to(runner, "2026-12-24 10:00:00")
    await runner.pay(600)
    assert runner.sent_messages == ["Deli took 6.0 GBP"]


@check_of("Save when there is enough")
async def _enough(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400))
    await runner.pay(76_000)
    await advance_to(runner, "2026-12-02 20:00:01")
    # £206 were left, then £201, and then £196.
    await advance_to(runner, "2026-12-03 20:00:01")
    await advance_to(runner, "2026-12-04 20:00:01")
    assert runner.amounts == [("Holiday", 500)] * 2


@check_of("Never bounce a bill")
async def _bounce(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400))
    await runner.pay(98_000)
    await advance_to(runner, "2026-12-07 08:00:00")
    assert runner.amounts == [("Holiday", -1_400)]


@check_of("Dearer subscriptions")
async def _dearer(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400), ("Moorland Water", 9, 3_100))
    await advance_to(runner, "2026-12-08 08:00:00")
    runner.bank.direct_debit(runner.home.current.id, -3_149, payee="Moorland Water")
    runner.bank.direct_debit(runner.home.current.id, -3_450, payee="Threadnet Broadband")
    await runner.advance(A_WHILE)
    assert runner.titles == ["Threadnet Broadband costs £0.50 more"]


@check_of("What pay day brings")
async def _pay_day_report(runner: ExampleRunner) -> None:
    await with_bills(runner)
    await advance_to(runner, "2026-12-31 08:00:00")
    ((title, text),) = runner.notifications
    assert title == "Pay day"
    assert "£1,000.00 left to spend until 29 January." in text


@check_of("Questions about our money")
async def _questions(runner: ExampleRunner) -> None:
    await with_bills(runner, ("Threadnet Broadband", 8, 3_400))
    assert await said_to(runner.hass, "When is the next bill?") == (
        "Threadnet Broadband: £34.00 on Tuesday, 8 December."
    )
    assert await said_to(runner.hass, "What is left until pay day?") == (
        "£966.00 until pay day on Thursday, 31 December."
    )
    assert await said_to(runner.hass, "How much is in the holiday pot?") == "Holiday: £640.00."
    # The household spent £10.75 on the first of December.
    left = await said_to(runner.hass, "How much is left of the groceries budget?")
    assert left == "Groceries: £289.25 left."


@check_of("Notify me of unusual amounts")
async def _unusual(runner: ExampleRunner) -> None:
    for week in range(10, 0, -1):
        at = runner.bank.clock() - timedelta(weeks=week)
        runner.bank.pay(
            runner.home.current.id, -2_000 - 10 * week, merchant="Tea Room", pending=False, at=at
        )
    await with_bills(runner)
    await runner.pay(2_500, 9_000, merchant="Tea Room")
    assert runner.sent_messages == ["Tea Room: 90.0 GBP: Usually 20.6, in 11 payments"]


@check_of("What the month has cost")
async def _month(runner: ExampleRunner) -> None:
    await with_bills(runner)
    await runner.pay(12_345, category="groceries")
    await advance_to(runner, "2027-01-01 08:00:00")
    ((title, text),) = runner.notifications
    # The household spent £10.75 on the first of December.
    assert title == "Current account: £134.20 spent in December"
    assert "• Groceries: £123.45" in text


@check_of("Rent of the flat")
async def _rent(runner: ExampleRunner) -> None:
    await runner.receive(89_999, 95_000, sender="Tim Tenant")
    assert runner.titles == ["Rent of the flat has come"]


@check_of("Receipts")
async def _receipts(runner: ExampleRunner) -> None:
    folder = runner.photos / "media" / "receipts"
    folder.mkdir(parents=True)
    runner.hass.config.media_dirs = {"local": str(runner.photos / "media")}
    runner.hass.config.allowlist_external_dirs = {str(runner.photos / "media")}
    (folder / "tea.jpg").write_bytes(SUPPORTED_CONTENT["image/jpeg"])
    model = await async_add_model(runner.hass, "ai_task.my_model")
    model.answer = {
        "total": 5.5,
        "currency": "GBP",
        "items": [{"description": "Tea", "amount": 5.5}],
    }
    payment = await runner.pay(550, merchant="Tea Room")
    event = {"event_type": "closed", "path": "/media/receipts/tea.jpg", "file": "tea.jpg"}
    runner.hass.bus.async_fire("folder_watcher", {**event, "folder": "/media/receipts"})
    await runner.advance()
    assert runner.titles == ["Receipt of Tea Room, £5.50"]
    assert payment.attachments


@check_of("Most of a budget is used")
async def _budget_used(runner: ExampleRunner) -> None:
    # The household spent £10.75 of £300 on the first of December.
    await runner.pay(25_924)
    assert runner.notifications == []
    await runner.pay(1)
    assert runner.titles == ["Groceries: 90 % used"]


@check_of("Save what the groceries leave")
async def _budget_rest(runner: ExampleRunner) -> None:
    await runner.pay(20_000)
    await advance_to(runner, "2027-01-01 00:20:00")
    await runner.advance(A_WHILE)
    assert runner.amounts == [("Holiday", 8_925)]


# The pages


def test_every_example_has_a_check() -> None:
    assert CHECKS.keys() == AUTOMATIONS.keys() | SCRIPTS.keys()


def names_after(key: str, pages: Iterable[str] = AUTOMATION_PAGES) -> set[str]:
    """Return the names after this key anywhere in the examples of pages, without the domain."""
    examples = [example.config for page in pages for example in examples_in(page)]
    return set(re.findall(rf'"{key}": "(?:monzo\.)(\w+)"', json.dumps(examples)))


def test_every_trigger_and_condition_has_an_example() -> None:
    assert names_after("trigger") == TRIGGERS.keys()
    assert names_after("condition") == CONDITIONS.keys()


def test_every_action_has_an_example() -> None:
    actions = {action.name for action in chain.from_iterable(topic.ACTIONS for topic in TOPICS)}
    assert names_after("action", PAGES) == actions


def test_every_blueprint_has_an_example_and_an_import_link() -> None:
    shown = re.findall(r"path: monzo-for-home-assistant/(\w+)\.yaml", BLUEPRINTS_PAGE)
    assert sorted(shown) == NAMES
    assert sorted(re.findall(r"automation%2Fmonzo%2F(\w+)\.yaml", BLUEPRINTS_PAGE)) == NAMES


def explained_inputs(section: str) -> set[str]:
    """Return the labels in the tables of a section of the page about blueprints."""
    labels = re.findall(r"^\| (.+?) \| .+ \| .*\|$", section, re.MULTILINE)
    return {label for row in labels for label in row.split(", ")} - {"Input", "---"}


def test_every_input_of_a_blueprint_is_explained() -> None:
    common, *sections = re.split(r"^## (?!Use)", BLUEPRINTS_PAGE, flags=re.MULTILINE)
    by_title = {section.partition("\n")[0]: section for section in sections}
    for name in NAMES:
        blueprint = load_yaml_dict(str(FOLDER / f"{name}.yaml"))["blueprint"]
        fields = {
            field["name"]
            for each in blueprint["input"].values()
            for field in each.get("input", {"": each}).values()
        }
        own = explained_inputs(by_title[blueprint["name"].removeprefix("Monzo: ")])
        assert own <= fields, name
        assert fields <= own | explained_inputs(common), name
